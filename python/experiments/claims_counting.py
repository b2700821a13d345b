"""Claims about counts, finalizers and weak references: what dies when, and in which order."""

import gc
import sys
import time
import weakref

from claim import claim


def settle():
    """Collects until nothing changes: some tuples and dicts are untracked by a later collection than the first."""
    for _ in range(5):
        gc.collect()


class Node:
    """An instance with a dict, as people write it."""

    def __init__(self, name=None):
        self.name = name
        self.ref = None


def ring_of(*nodes):
    """Makes each node refer to the next and the last to the first."""
    for n, node in enumerate(nodes):
        node.ref = nodes[(n + 1) % len(nodes)]


@claim("sys.getrefcount gives 2, with another name 3, and 2 again without it", 1)
def getrefcount_sequence():
    x = []
    counts = [sys.getrefcount(x)]
    y = x
    counts.append(sys.getrefcount(x))
    del y
    counts.append(sys.getrefcount(x))
    return counts


class Counted:
    """Knows how many there are."""

    __slots__ = ()
    alive = 0

    def __init__(self):
        Counted.alive += 1

    def __del__(self):
        Counted.alive -= 1


@claim("an object is freed at once when its count becomes 0, inside the del", 2)
def refcount_immediate():
    gc.disable()
    seen = {}

    class Large:
        def __init__(self):
            # Far more than 50 MB with the integers of a list.
            self.values = [float(n) for n in range(1_600_000)]

        def __del__(self):
            seen["finalizer"] = time.perf_counter_ns()

    large = Large()
    begin = time.perf_counter_ns()
    del large
    end = time.perf_counter_ns()
    many = [Counted() for _ in range(100_000)]
    made = Counted.alive
    del many
    left = Counted.alive
    return {
        "objects": made,
        "left": left,
        "inside_del": begin <= seen.get("finalizer", 0) <= end,
        "del_to_finalizer_ns": seen["finalizer"] - begin,
        "del_returned_ns": end - begin,
    }


@claim("a cycle survives del, and gc.collect() frees it", 3)
def cycle_needs_gc():
    gc.collect()
    gc.disable()
    a, b = Node(), Node()
    ring_of(a, b)
    seen = weakref.ref(a)
    del a, b
    alive = seen() is not None
    returned = gc.collect()
    return {"alive_after_del": alive, "collect_returned": returned, "dead_after_collect": seen() is None}


def finalized_class(finalized):
    class Finalized(Node):
        def __del__(self):
            finalized.append(self.name)

    return Finalized


@claim('of two on a cycle "Node B freed" comes before "Node A freed"', 4)
def cycle_del_order():
    finalized = []
    finalizing = finalized_class(finalized)
    gc.collect()
    gc.disable()
    a, b = finalizing("A"), finalizing("B")
    ring_of(a, b)
    del a, b
    gc.collect()
    return finalized


class Listed:
    """An instance with a dict and a list of others."""

    def __init__(self):
        self.refs = []


@claim("a cycle of three through lists: del leaves the number of tracked objects, a collection lowers it", 5)
def three_cycle_lists():
    gc.collect()
    gc.disable()
    a, b, c = Listed(), Listed(), Listed()
    a.refs.append(b)
    b.refs.append(c)
    c.refs.append(a)
    before = len(gc.get_objects())
    del a, b, c
    after_del = len(gc.get_objects())
    collected = gc.collect()
    after_collect = len(gc.get_objects())
    return {
        "tracked_change_after_del": after_del - before,
        "collected": collected,
        "tracked_change_after_collect": after_collect - after_del,
    }


@claim("objects with __del__ on a cycle are collected (since 3.4); others say: never, they stay in gc.garbage", 23, 24)
def del_in_cycle_collected():
    finalized = []
    finalizing = finalized_class(finalized)
    gc.collect()
    gc.disable()
    a, b = finalizing("A"), finalizing("B")
    ring_of(a, b)
    del a, b
    returned = gc.collect()
    return {"returned": returned, "finalized": finalized, "garbage": len(gc.garbage)}


@claim("finalizers of a cycle run in topological order", 22)
def finalizer_order_topological():
    gc.disable()
    told = {}
    for name, order in (("forward", [0, 1, 2, 3]), ("backward", [3, 2, 1, 0]), ("mixed", [2, 0, 3, 1])):
        finalized = []
        finalizing = finalized_class(finalized)
        gc.collect()
        nodes = [None] * 4
        for number in order:
            nodes[number] = finalizing(number)
        ring_of(*nodes)
        del nodes
        gc.collect()
        told[name] = {"created": order, "finalized": finalized}
    return told


class Watched(Node):
    """Tells in its finalizer whether the weak reference to it is dead already."""

    def __init__(self, events):
        self.events = events

    def __del__(self):
        self.events.append("del:%s" % (self.seen() is None))


def watched(events):
    one = Watched(events)
    # Held by nothing that dies with the object, so that its callback may run.
    seen = weakref.ref(one, lambda _: events.append("callback"))
    Watched.seen = staticmethod(seen)
    return one


@claim("a weak reference's callback runs before __del__: of a cycle that is collected", 21)
def weakref_before_del_gc():
    events = []
    gc.disable()
    one = watched(events)
    one.me = one
    del one
    gc.collect()
    return events


@claim("a weak reference's callback runs before __del__: of an object that dies by count", 21)
def weakref_before_del_refcount():
    events = []
    gc.disable()
    one = watched(events)
    del one
    events.append("after del statement")
    return events


@claim("a weak reference without a callback is dead in the __del__ of a collected cycle", 21)
def weakref_no_callback_in_del_gc():
    dead = []

    class Looking(Node):
        def __del__(self):
            dead.append(Looking.seen() is None)

    gc.disable()
    one = Looking()
    Looking.seen = staticmethod(weakref.ref(one))
    one.me = one
    del one
    gc.collect()
    return {"dead_in_del": dead}


@claim("a weak reference does not raise the count; a weak reference to the parent breaks the cycle", 20)
def weakref_breaks_parent_cycle():
    gc.disable()
    parent, child = Node(), Node()
    before = sys.getrefcount(parent)
    child.parent = weakref.ref(parent)
    raised = sys.getrefcount(parent) != before
    parent.child = child
    seen = weakref.ref(parent)
    del parent, child
    return {"freed_without_gc": seen() is None, "raises_count": raised}


@claim("the runtime makes cycles of its own: exception, traceback and frame", 29)
def exception_cycle():
    def failing():
        try:
            raise ValueError("kept")
        except ValueError as error:
            kept = error
        return str(kept)

    gc.collect()
    gc.disable()
    failing()
    return {"collected": gc.collect()}
