"""Claims about the collector itself: when it runs, what it looks at, what freeze, callbacks and debug flags do."""

import gc
import os
import weakref

from claim import claim
from claims_counting import Node, ring_of, settle


class Small:
    """One tracked object."""

    __slots__ = ("ref",)


def collections():
    return [generation["collections"] for generation in gc.get_stats()]


def collected():
    return [generation["collected"] for generation in gc.get_stats()]


def less(after, before):
    return [a - b for a, b in zip(after, before)]


@claim("the default thresholds are (700, 10, 10)", 6)
def threshold_default():
    return list(gc.get_threshold())


@claim("the youngest generation is collected after 700 allocations", 7)
def gen0_trigger():
    told = {}
    for count in (700, 1000):
        gc.disable()
        gc.set_threshold(count, 10, 10)
        made, kept = [], []

        def note(phase, event):
            if phase == "start":
                made.append(len(kept))

        gc.collect()
        # After the collection, for each call of a callback makes a dict, which counts.
        gc.callbacks.append(note)
        gc.enable()
        while len(kept) <= count + 100:
            kept.append(Small())
        gc.callbacks.remove(note)
        told[str(count)] = made[:1]
        kept.clear()
    gc.set_threshold(700, 10, 10)
    gc.collect()
    before = collections()
    for _ in range(14_000):
        Small()
    told["short_lived_collections"] = sum(less(collections(), before))
    return told


@claim("with a third threshold of 0 the oldest generation is never collected", 10)
def gen2_threshold_zero():
    told = {}
    for thresholds in ((700, 10, 10), (700, 10, 0)):
        gc.set_threshold(*thresholds)
        gc.collect()
        before = collections()
        kept = []
        for _ in range(400_000):
            kept.append(Small())
        told[str(thresholds)] = less(collections(), before)
        del kept
    return told


@claim("generation 1 comes after 10 collections of generation 0, generation 2 after 10 of generation 1", 8, 9)
def gen1_gen2_ratio():
    gc.collect()
    counts, found = collections(), collected()
    for _ in range(400_000):
        one = Small()
        one.ref = one
    return {"collections": less(collections(), counts), "collected": less(collected(), found)}


@claim("differences of gc.get_count()[0] count collections", 19)
def get_count_is_not_collections():
    gc.collect()
    before = gc.get_stats()
    count = gc.get_count()[0]
    kept = [[] for _ in range(5000)]
    count = gc.get_count()[0] - count
    ran = sum(one["collections"] for one in gc.get_stats()) - sum(one["collections"] for one in before)
    del kept
    return {"count0_difference": count, "collections": ran}


@claim("gc.freeze() exempts objects from collections", 32)
def freeze_exempts():
    import measured

    gc.disable()
    kept = [Small() for _ in range(1_000_000)]
    gc.collect()
    unfrozen_ns = measured.collected_now()[1]
    gc.freeze()
    frozen_ns = measured.collected_now()[1]
    return {"objects": len(kept), "full_collection_ns": unfrozen_ns, "frozen_ns": frozen_ns}


@claim("freeze moves all tracked objects, unfreeze moves them back", 33)
def freeze_counts():
    gc.collect()
    tracked, before = len(gc.get_objects()), gc.get_freeze_count()
    gc.freeze()
    frozen, left = gc.get_freeze_count(), len(gc.get_objects())
    gc.unfreeze()
    return {
        "tracked": tracked,
        "frozen_before": before,
        "frozen": frozen,
        "left": left,
        "after_unfreeze": gc.get_freeze_count(),
    }


@claim("(in no article) a frozen cycle that dies stays until unfreeze", 34)
def frozen_cycle_leaks():
    gc.collect()
    gc.disable()
    a, b, single = Node(), Node(), Node()
    ring_of(a, b)
    seen, single_seen = weakref.ref(a), weakref.ref(single)
    gc.freeze()
    del single
    dies_by_count = single_seen() is None
    del a, b
    found = gc.collect()
    leaked = seen() is not None
    gc.unfreeze()
    after = gc.collect()
    return {
        "collected_while_frozen": found,
        "leaked": leaked,
        "after_unfreeze": after,
        "dead": seen() is None,
        "dies_by_count": dies_by_count,
    }


@claim("callbacks tell start and stop, with generation and collected", 27)
def callbacks():
    gc.collect()
    gc.disable()
    a, b = Node(), Node()
    ring_of(a, b)
    del a, b
    calls = []

    def note(phase, event):
        calls.append([phase, sorted(event), event["generation"], event["collected"]])

    gc.callbacks.append(note)
    gc.collect()
    gc.callbacks.remove(note)
    return calls


@claim("DEBUG_LEAK reports the uncollectable", 25)
def debug_leak_saves_all():
    gc.collect()
    gc.disable()
    a, b = Node(), Node()
    ring_of(a, b)
    seen = weakref.ref(a)
    del a, b
    # The flag prints each object found to standard error, past Python.
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    gc.set_debug(gc.DEBUG_LEAK)
    returned = gc.collect()
    gc.set_debug(0)
    os.dup2(kept, 2)
    return {"returned": returned, "garbage": len(gc.garbage), "weakref_dead_but_saved": seen() is None}


@claim("leaks show in len(gc.get_objects())", 26)
def leak_detector():
    kept = []

    def clean():
        Small()

    def cyclic():
        a, b = Small(), Small()
        a.ref, b.ref = b, a

    def leaky():
        kept.append(Small())

    told = {}
    for task in (clean, cyclic, leaky):
        settle()
        before = len(gc.get_objects())
        for _ in range(10):
            task()
        gc.collect()
        told[task.__name__] = len(gc.get_objects()) - before
    return told


@claim("gc.get_count() shows thresholds, gc.garbage unreachable objects", 42)
def count_and_garbage():
    gc.collect()
    gc.disable()
    a, b = Node(), Node()
    ring_of(a, b)
    del a, b
    count, threshold = list(gc.get_count()), list(gc.get_threshold())
    found = gc.collect()
    return {"count_is_threshold": count == threshold, "found": found, "garbage": len(gc.garbage)}


@claim("containers of atomic values are not tracked", 28)
def untracked_atomic():
    number = 1
    values = {
        "int": number,
        "str": "text",
        "empty list": [],
        "list of int": [number],
        "dict of int": {"a": number},
        "empty dict": {},
        "dict with list": {"a": []},
        "tuple of int": (number, number),
    }
    told = {name: gc.is_tracked(value) for name, value in values.items()}
    gc.collect()
    told["tuple after a collection"] = gc.is_tracked(values["tuple of int"])
    return told


@claim("references among candidates are subtracted, survivors move a generation up, counters rise and fall as described", 41)
def rules_of_generations():
    """Where an object is after collect(0), collect(1), collect(2), and the upper counters after each."""
    gc.collect()
    gc.disable()
    one = Small()
    told = {"generation": [], "count_1_and_2": []}
    for generation in (None, 0, 1, 2):
        if generation is not None:
            gc.collect(generation)
        lists = [any(other is one for other in gc.get_objects(generation=n)) for n in range(3)]
        told["generation"].append(lists.index(True) if True in lists else None)
        told["count_1_and_2"].append(list(gc.get_count()[1:]))
    return told
