"""Remedies that articles recommend, each beside what it is to replace.

Two others are among the claims: slots (`slots_memory`) and pools (`object_pool`).
"""

import gc
import weakref

import measured
from claim import claim
from claims_costs import chosen, program
from request_tree import build_tree

TREES = 2000
NODES = 50


class Collected:
    """Objects that collections have found so far, without making an object that would move their counters."""

    def __init__(self):
        self.objects = 0

    def __call__(self, phase, event):
        if phase == "stop":
            self.objects += event["collected"]


def cost_of(task):
    """What a task costs under automatic collection: collections, objects found, CPU time."""
    gc.collect()
    collections = measured.Collections()
    collections.start()
    begin = measured.cpu_ns()
    task()
    cpu_ns = measured.cpu_ns() - begin
    collections.stop()
    return {
        "collections": collections.counted("collections"),
        "collected_objects": sum(collections.counted("collected")),
        "left_objects": gc.collect(),
        "gc_ns": collections.total_ns(),
        "cpu_ns": cpu_ns,
    }


def garbage_of(request):
    """Objects of one request that only a collection frees."""
    gc.collect()
    gc.disable()
    request()
    objects = gc.collect()
    gc.enable()
    return objects


def cost_of_requests(request):
    """The cost of `TREES` requests, and the most objects that were dead and still there at a request's end: what requests left so
    far less what collections found. Unknown, so None, if collections did not find in the end what requests left."""
    each = garbage_of(request)
    found = Collected()
    most = 0

    def requests():
        nonlocal most
        left = 0
        for _ in range(TREES):
            request()
            left += each
            if left - found.objects > most:
                most = left - found.objects

    gc.callbacks.append(found)
    told = cost_of(requests)
    gc.callbacks.remove(found)
    told["outstanding_most_objects"] = most if told["collected_objects"] + told["left_objects"] == TREES * each else None
    return told


class WeakNode:
    """A node that knows its parent by a weak reference."""

    __slots__ = ("parent", "children", "data", "__weakref__")

    def __init__(self, number):
        self.parent = None
        self.children = []
        self.data = {"id": number, "tags": [number, "tag"]}


def weak_tree():
    tree = []
    for j in range(NODES):
        node = WeakNode(j)
        if j:
            parent = tree[(j - 1) // 4]
            node.parent = weakref.ref(parent)
            parent.children.append(node)
        tree.append(node)


def broken_tree():
    for node in build_tree(NODES, True):
        node.parent = None


def cyclic_tree():
    build_tree(NODES, True)


@claim("weak back-pointers: the tree dies by count")
def remedy_weak_back_pointers():
    return {"strong": cost_of_requests(cyclic_tree), "weak": cost_of_requests(weak_tree)}


@claim("breaking the cycle by hand: the tree dies by count")
def remedy_explicit_breaking():
    return {"kept": cost_of_requests(cyclic_tree), "broken": cost_of_requests(broken_tree)}


class Resource:
    """Something scarce; knows how many are held, and how many were at most."""

    held = most = 0

    def __init__(self):
        self.open = True
        self.me = self
        Resource.held += 1
        Resource.most = max(Resource.most, Resource.held)

    def close(self):
        if self.open:
            self.open = False
            Resource.held -= 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()


@claim("explicit cleanup (with) against a finalizer: resources held at a time, by objects on cycles")
def remedy_explicit_cleanup():
    def most_held(task):
        gc.collect()
        Resource.held = Resource.most = 0
        for _ in range(20_000):
            task()
        return {"held_most": Resource.most, "held_at_end": Resource.held}

    def explicit():
        with Resource():
            pass

    return {"finalizer": most_held(Resource), "explicit": most_held(explicit)}


@claim("lazy (a generator) against materialised (a list)")
def remedy_lazy():
    def records():
        for number in range(200_000):
            yield {"id": number, "tags": [number]}

    def total(rows):
        return sum(len(row["tags"]) for row in rows)

    told = {}
    # The lazy one first: the peak of memory never goes down.
    for name, task in (("lazy", lambda: total(records())), ("materialised", lambda: total(list(records())))):
        before = measured.peak_resident_bytes()
        told[name] = cost_of(task)
        after = measured.peak_resident_bytes()
        told[name]["peak_grown_bytes"] = None if after is None else after - before
    return told


@claim("a short script need not take down what it made: os._exit")
def remedy_short_scripts():
    figures = program("release", "--what", "ending")
    return chosen(figures, "nothing_cpu_ns", "normal_cpu_ns", "os_exit_cpu_ns", "saved_share")
