"""The pause of a full collection over large structures: alive, half dead, or dead.

  shapes.py --shape ring --n 1000000 --k 10              rings of 10 objects, alive
  shapes.py --shape ring --n 1000000 --k 10 --state dead the same, all dropped at once: the collector finds every one
  shapes.py --shape ring --n 2000000 --k 2000000 --order shuffled
  shapes.py --shape rec --n 1000000                      records: what a program's own heap looks like
  shapes.py --shape tree --n 5000000

Shapes, k objects a structure: ring (one reference each); dll (a doubly linked list with open ends); tree (four children an
object, in a list, and references to parents: one object in four has such a list); nested (level n is a list of n references
to the same list of level n - 1); rec (dicts with a list each: they die by count, so dead ones have no collection to time).

All objects are made first, then linked, then held by one list; shuffled, neighbours lie anywhere in memory. The interpreter's
own objects are frozen and the collector is off, so what is timed is these objects and nothing else. Alive, the first
collection is told apart, because CPython puts its list of objects in order while it collects; `second_ns` is the next one,
`live_min_ns` the fastest of three after the first. Half dead, every second structure has been dropped.
"""

import gc

import draws
import measured
import report

#: Nested lists have references by the square of k.
MOST_NESTED = 10_000


class Linked:
    """An object with two references."""

    __slots__ = ("a", "b")


def ring(objects):
    for n, one in enumerate(objects):
        one.a, one.b = objects[(n + 1) % len(objects)], None


def dll(objects):
    for n, one in enumerate(objects):
        one.a = objects[n + 1] if n + 1 < len(objects) else None
        one.b = objects[n - 1] if n else None


def tree(objects):
    """Object j hangs under object (j - 1) // 4; each inner object has a list of its children."""
    for n, one in enumerate(objects):
        one.a, one.b = None, None
        if n:
            parent = objects[(n - 1) // 4]
            if parent.b is None:
                parent.b = []
            one.a = parent
            parent.b.append(one)


LINKED = {"ring": ring, "dll": dll, "tree": tree}


def nested(levels):
    """The innermost list refers to the outermost, so that all are on one cycle."""
    inner = level = []
    for n in range(1, levels):
        level = [level] * n
    inner.append(level)
    return level


def record(number):
    return {"id": number, "tags": [number, "tag"]}


def build(options):
    """The structures, by one object each that holds the rest."""
    n, k = options.n, options.k
    if options.shape == "rec":
        return [record(number) for number in range(n // 2)]
    if options.shape == "nested":
        return [nested(k) for _ in range(n // k)]
    objects = [Linked() for _ in range(n)]
    if options.order == "shuffled":
        draws.Draws(options.seed).shuffle(objects)
    link = LINKED[options.shape]
    roots = []
    for first in range(0, n, k):
        link(objects[first : first + k])
        roots.append(objects[first])
    return roots


def run(options):
    gc.collect()
    gc.freeze()
    gc.disable()
    begin = measured.cpu_ns()
    roots = build(options)
    build_ns = measured.cpu_ns() - begin
    tracked = len(gc.get_objects())
    figures = {"build_ns": build_ns, "tracked_objects": tracked}

    found, figures["first_ns"] = measured.collected_now()
    if found:
        raise SystemExit("shapes.py: %d objects were dead before any was dropped" % found)
    live_ns = [measured.collected_now()[1] for _ in range(3)]
    figures["second_ns"] = live_ns[0]
    live_ns.sort()
    figures["live_min_ns"], figures["live_median_ns"] = live_ns[0], live_ns[1]
    figures["live_per_object_ns"] = round(live_ns[0] / tracked)

    drop_ns = dead_ns = collected = None
    if options.state != "live":
        begin = measured.cpu_ns()
        if options.state == "half":
            del roots[::2]
        else:
            roots.clear()
        drop_ns = measured.cpu_ns() - begin
        collected, dead_ns = measured.collected_now()
    figures["drop_ns"] = drop_ns
    figures["drop_per_object_ns"] = round(drop_ns / tracked) if options.shape == "rec" and options.state == "dead" else None
    figures["dead_ns"] = dead_ns
    figures["collected_objects"] = collected
    figures["dead_per_object_ns"] = round(dead_ns / collected) if collected else None
    figures["left_objects"] = len(gc.get_objects())
    figures["peak_rss_bytes"] = measured.peak_resident_bytes()
    return figures


def main():
    parser = report.options_of("shapes", __doc__)
    parser.add_argument("--shape", choices=("rec", "ring", "dll", "tree", "nested"), default="ring", help="what is built")
    parser.add_argument("--n", type=report.number(int, 1), default=1_000_000, help="objects in all")
    parser.add_argument("--k", type=report.number(int, 1), help="objects a structure (all of them)")
    parser.add_argument("--state", choices=("live", "half", "dead"), default="live", help="of the structures")
    parser.add_argument("--order", choices=("in-order", "shuffled"), default="in-order", help="of neighbours in memory")
    parser.add_argument("--seed", type=report.number(int, 0), default=7, help="of the shuffle")
    options = parser.parse_args()
    options.k = min(options.k or options.n, options.n)
    if options.shape == "nested" and options.k > MOST_NESTED:
        parser.error("nested lists of --k %d: at most %d, because references grow by the square" % (options.k, MOST_NESTED))
    report.tell("shapes", options, run(options))


if __name__ == "__main__":
    main()
