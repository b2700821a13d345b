"""Floating garbage: how many dead objects a collector leaves lying about.

Objects die in rings, each ring dropped at once, beside objects that stay. A dead ring is garbage until a collection finds it.
After each ring the dead are counted, exactly: each ring holds a witness, an object whose finalizer tells that its ring is
gone; objects of rings dropped, less those of rings gone, are outstanding. Witnesses are tracked objects themselves, one a
ring, and not counted among the dead.

  floating.py --ring 10                      a million objects in rings of 10, beside nothing
  floating.py --ring 1000 --live 100000      in larger rings, beside 100,000 live objects
  floating.py --ring 10 --threshold 2000,10,10

A collector of generations finds young garbage within some thousand allocations whatever the live heap, while one that has to
go round the whole heap leaves more the larger it is. Neither object nor witness is a list or a dict, so that CPython's reuse
of dead lists and dicts plays no part. The program observes no collection while it runs: that would make objects, too.
"""

import gc

import measured
import report


class Linked:
    """An object of a ring; the first one of each holds the witness."""

    __slots__ = ("next", "witness")


class Witness:
    """Tells that its ring is gone."""

    __slots__ = ()
    gone = 0

    def __del__(self):
        Witness.gone += 1


def drop_rings(size, rings):
    """Makes and drops rings; the most objects outstanding after any of them, and their mean."""
    most = total = 0
    for dropped in range(1, rings + 1):
        first = last = Linked()
        for _ in range(size - 1):
            one = Linked()
            last.next = one
            last = one
        last.next = first
        first.witness = Witness()
        first = last = one = None
        outstanding = (dropped - Witness.gone) * size
        total += outstanding
        if outstanding > most:
            most = outstanding
    return most, total / rings


def run(options):
    if options.threshold is None:
        options.threshold = gc.get_threshold()
    gc.set_threshold(*options.threshold)
    # Garbage of the imports would count as the interpreter's own.
    gc.collect()
    own = len(gc.get_objects())
    gc.disable()
    kept = [Linked() for _ in range(options.live)]
    for n in range(options.live):
        kept[n].next = kept[n - 1]
    gc.enable()
    gc.collect()
    before = gc.get_stats()
    begin = measured.cpu_ns()
    most, mean = drop_rings(options.ring, options.objects // options.ring)
    cpu_ns = measured.cpu_ns() - begin
    after = gc.get_stats()
    left = (options.objects // options.ring - Witness.gone) * options.ring
    found, pause_ns = measured.collected_now()
    return {
        "floating_max_objects": most,
        "floating_mean_objects": mean,
        "floating_at_end_objects": left,
        "collections": [b["collections"] - a["collections"] for a, b in zip(before, after)],
        "collected_objects": [b["collected"] - a["collected"] for a, b in zip(before, after)],
        "found_at_end_objects": found,
        "last_collection_ns": pause_ns,
        "cpu_ns": cpu_ns,
        "own_objects": own,
        "peak_rss_bytes": measured.peak_resident_bytes(),
    }


def main():
    parser = report.options_of("floating", __doc__)
    parser.add_argument("--ring", type=report.number(int, 1), default=10, help="objects of a ring")
    parser.add_argument("--live", type=report.number(int, 0), default=0, help="objects that stay")
    parser.add_argument("--objects", type=report.number(int, 1), default=1_000_000, help="that die, in all")
    parser.add_argument("--threshold", type=report.threshold, help="gc.set_threshold (the interpreter's own)")
    options = parser.parse_args()
    if options.ring > options.objects:
        parser.error("--ring %d is more than --objects %d" % (options.ring, options.objects))
    report.tell("floating", options, run(options))


if __name__ == "__main__":
    main()
