"""Asks an interpreter the checks of those rows of gc-core/CONFORMANCE.md whose tests its own test suite does not have.

    PATH_OF_PYTHON workloads/oracle/newer_tests.py

Prints `ok NAME` or `FAILED NAME: what was seen`, a line each, and exits with 1 if one failed. The names are those of tests that are newer
than 3.11.7, 3.12.1 or 3.13.0; the checks are those of the row, with an interpreter's own objects frozen, so that counts are exact.
An interpreter without a class of legacy finalizers (`_testcapi`) says `skipped NAME`.
"""

import gc
import os
import re
import sys
import tempfile
import weakref
from contextlib import contextmanager


class Node:
    """An object of the collector that no free list recycles: each one counts."""

    __slots__ = ("first", "second", "third", "__weakref__")


class Finalized(Node):
    __slots__ = ()

    def __del__(self):
        pass


def ring(length, kind=Node):
    """Nodes that hold each other in a ring: the first of them."""
    nodes = [kind() for _ in range(length)]
    for node, following in zip(nodes, nodes[1:] + nodes[:1]):
        node.first = following
    return nodes[0]


@contextmanager
def collections():
    """The generations of the collections that start meanwhile, in order."""
    seen = []

    def note(phase, info):
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(note)
    try:
        yield seen
    finally:
        gc.callbacks.remove(note)


def same(seen, expected):
    if seen != expected:
        raise AssertionError("%r instead of %r" % (seen, expected))


def test_is_tracked():
    # The row leaves the dict to releases from 3.14 on.
    same(gc.is_tracked({}), sys.version_info >= (3, 14))
    same([gc.is_tracked(one) for one in (1, "a", b"a", None, object())], [False] * 5)
    same([gc.is_tracked(one) for one in ([], set(), Node())], [True] * 3)


def test_tuple_untrack_counts():
    def generations_with(long_lived):
        # What is frozen is not among the long-lived.
        gc.collect()
        gc.freeze()
        gc.disable()
        kept = long_lived()
        gc.collect()
        gc.set_threshold(100, 0, 0)
        with collections() as seen:
            gc.enable()
            young = [Node() for _ in range(320)]
            gc.disable()
        gc.unfreeze()
        tracked = sum(gc.is_tracked(one) for one in kept)
        del young
        return tracked, seen

    same(generations_with(lambda: [tuple([str(n)]) for n in range(5000)]), (0, [0, 1, 2]))
    # What stays tracked puts a full collection off.
    same(generations_with(lambda: [Node() for _ in range(5000)]), (5000, [0, 1, 0]))


def test_get_count_nonnegative():
    kept = [Node() for _ in range(1000)]
    gc.collect()
    del kept
    before = gc.get_count()[0]
    # That took a tuple, which the next look has again.
    looked = gc.get_count()[0]
    later = Node()
    after = gc.get_count()[0]
    del later
    same((before, after - looked), (0, 1))


def test_get_count_does_not_prevent_collection():
    def allocated_until_collection(look):
        kept = [None] * 400
        gc.set_threshold(300, 10, 10)
        gc.collect()
        with collections() as seen:
            gc.collect()
            # Leaves the tuple that each look takes.
            gc.get_count()
            gc.enable()
            for n in range(400):
                look()
                kept[n] = Node()
                if len(seen) > 1:
                    break
            gc.disable()
        return n, seen[1:]

    def nothing():
        return None

    # With and without a look it comes at the same allocation, and it comes.
    watched = allocated_until_collection(gc.get_count)
    same(watched, allocated_until_collection(nothing))
    same((watched[1], 295 <= watched[0] <= 301), ([0], True))


def test_threshold_zero():
    gc.set_threshold(0)
    with collections() as seen:
        gc.enable()
        kept = [Node() for _ in range(50_000)]
        gc.disable()
    del kept
    same(seen, [])


def test_gc_debug_stats():
    from _testcapi import with_tp_del

    legacy = with_tp_del(type("Legacy", (), {"__tp_del__": lambda self: None}))
    gc.collect()
    gc.freeze()
    old = [Node() for _ in range(20)]
    gc.collect(1)
    middle = [Node() for _ in range(30)]
    gc.collect(0)
    young = [Node() for _ in range(40)]
    ring(2)
    one = legacy()
    one.first = one
    del one
    sizes = [len(gc.get_objects(generation=number)) for number in (1, 2)]
    frozen = gc.get_freeze_count()
    with tempfile.TemporaryFile() as text:
        sys.stderr.flush()
        stream = os.dup(2)
        os.dup2(text.fileno(), 2)
        try:
            gc.set_debug(gc.DEBUG_STATS)
            found = gc.collect(1)
            gc.set_debug(0)
        finally:
            os.dup2(stream, 2)
            os.close(stream)
        text.seek(0)
        said = text.read().decode()
    words = (
        r"gc: collecting generation 1\.\.\.\n"
        r"gc: objects in each generation: (\d+) (\d+) (\d+)\n"
        r"gc: objects in permanent generation: (\d+)\n"
        r"gc: done, (\d+) unreachable, (\d+) uncollectable, \d+\.\d{4}s elapsed\n"
    )
    match = re.fullmatch(words, said)
    if not match:
        raise AssertionError(said)
    figures = [int(figure) for figure in match.groups()]
    same(figures[1:4], sizes + [frozen])
    # A list and a tuple more or less are the loop's own.
    same(abs(figures[0] - (len(young) + 3)) <= 10, True)
    # An instance of a class with attributes may have a dict beside it, which is found with it.
    same((figures[5], figures[4] == found, figures[4] in (3, 4)), (1, True, True))
    del old, middle
    for one in gc.garbage:
        one.first = None
    gc.garbage.clear()


def test_incremental_gc_handles_fast_cycle_creation():
    def linked(length):
        head = Node()
        for _ in range(length - 1):
            following = Node()
            following.second = head
            head.first = following
            head = following
        return head

    gc.set_threshold(200, 10, 10)
    living = linked(1000)
    gc.collect()
    gc.freeze()
    gc.enable()
    held = []
    for n in range(1, 20_001):
        one = linked(20)
        one.third = living
        held.append(one)
        if n % 20 == 0:
            held.clear()
            growth = len(gc.get_objects())
            if growth >= 27_000:
                raise AssertionError("%d more objects after %d lists" % (growth, n))


def test_get_objects_during_gc():
    seen = []

    class Looking(Node):
        __slots__ = ()

        def __del__(self):
            # No generator: its cell would refer to the object.
            listed = False
            for one in gc.get_objects():
                listed = listed or one is self
            seen.append((listed, len(gc.get_referrers(self))))

    gc.collect()
    ring(1, Looking)
    same((gc.collect(), seen), (1, [(False, 0)]))


def test_get_objects_generations():
    node = Node()

    def listed():
        return [any(one is node for one in gc.get_objects(generation=number)) for number in (0, 1, 2)]

    same(listed(), [True, False, False])
    for number, expected in enumerate(([False, True, False], [False, False, True], [False, False, True])):
        gc.collect(number)
        same(listed(), expected)


def test_traverse_frozen_objects():
    frozen = ring(1)
    weak = weakref.ref(frozen)
    gc.collect()
    gc.freeze()
    garbage = ring(1)
    garbage.second = frozen
    del garbage, frozen
    same((gc.collect(), weak() is not None), (1, True))
    gc.unfreeze()
    same((gc.collect(), weak()), (1, None))


def test_deferred_refcount_frozen():
    gc.collect()
    kept = ring(2, Finalized)
    ring(2, Finalized)
    gc.freeze()
    same(gc.collect(), 0)
    gc.unfreeze()
    same(gc.collect(), 2)
    # The ring, the variable, the argument.
    same(sys.getrefcount(kept), 3)
    del kept
    same(gc.collect(), 2)


def test_indirect_calls_with_gc_disabled():
    gc.set_threshold(100, 10, 10)
    gc.collect()
    with collections() as seen:
        gc.enable()
        kept = [Node() for _ in range(110)]
        gc.disable()
        same(seen, [0])
        kept += [Node() for _ in range(10_000)]
    same(seen, [0])


def test_weak_valued_consistency():
    values = weakref.WeakValueDictionary()
    old = ring(1)
    values[10] = old
    weak = weakref.getweakrefs(old)
    del old
    new = Node()
    values[10] = new
    gc.collect()
    same((len(values), len(weak), values[10] is new), (1, 1, True))


def main():
    failed = 0
    thresholds = gc.get_threshold()
    names = [name for name in globals() if name.startswith("test_")]
    for name in names:
        gc.disable()
        gc.unfreeze()
        gc.collect()
        gc.set_threshold(*thresholds)
        try:
            globals()[name]()
            print("ok", name)
        except ImportError as error:
            print("skipped %s: %s" % (name, error))
        except AssertionError as error:
            failed += 1
            print("FAILED %s: %s" % (name, error))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
