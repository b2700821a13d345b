"""Counts the dead objects of rings that a collector has not freed yet, on the interpreter that runs it.

    python3 -I floating_rings.py RING LIVE [THRESHOLD]

A million nodes die in rings of RING, each ring dropped at once, beside LIVE nodes that stay. Each ring holds one witness:
an object with a finalizer, which tells that the ring is gone. After each ring the dead are counted: rings dropped less
rings gone, times RING. The witness is not counted among them, but it is tracked: the trigger counts RING + 1 objects a
ring. Node and witness have no dict. Free lists play no part: neither is a list, a dict, a tuple or a float.

Prints the interpreter's version, the most dead objects at any time, the collections of each generation meanwhile, and how
many tracked objects the interpreter itself had before: they are in the oldest generation, and count in the quarter rule.
"""

import gc
import sys


class Node:
    __slots__ = ("next", "witness")


class Witness:
    __slots__ = ()

    def __del__(self):
        gone[0] += 1


gone = [0]


def main(ring, live, threshold):
    gc.set_threshold(threshold, 10, 10)
    own = len(gc.get_objects())
    gc.disable()
    kept = [Node() for _ in range(live)]
    for n in range(live):
        kept[n].next = kept[n - 1]
    gc.enable()
    gc.collect()
    before = [generation["collections"] for generation in gc.get_stats()]
    peak = 0
    for dropped in range(1, 1_000_000 // ring + 1):
        first = last = Node()
        for _ in range(ring - 1):
            node = Node()
            last.next = node
            last = node
        last.next = first
        first.witness = Witness()
        first = last = node = None
        peak = max(peak, (dropped - gone[0]) * ring)
    after = [generation["collections"] for generation in gc.get_stats()]
    print(sys.version.split()[0], peak, [b - a for a, b in zip(before, after)], own)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: python3 -I floating_rings.py RING LIVE [THRESHOLD]")
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else 2000)
