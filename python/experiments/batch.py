"""Making many objects at once, with the collector on and off; and taking one from a pool, against making a new one.

  batch.py                             100,000 dicts with a list each: on, off, and off with a collection after
  batch.py --what pool --n 1000 --data 10000
  batch.py --what pool --n 100000 --data 10

Each measurement is a fresh process; told are medians of `--runs`, 3 by default. That switching the collector off is faster is
one question; whether it still is with the collection that it puts off is another. Of the pool: what it saves is the work of
making an object, so it depends on how large one is; it saves no collection, for what dies by count needs none.
"""

import gc
import json
import statistics
import subprocess
import sys

import measured
import report


def create(n, data):
    batch = []
    for number in range(n):
        batch.append({"id": number, "data": [0] * data})
    return batch


def creating(n, data, collector):
    """Creates with the collector on or off, then collects."""
    if collector == "off":
        gc.disable()
    collections = measured.Collections()
    collections.start()
    begin = measured.cpu_ns()
    batch = create(n, data)
    create_ns = measured.cpu_ns() - begin
    collections.stop()
    _, collect_ns = measured.collected_now()
    return {
        "create_ns": create_ns,
        "collect_ns": collect_ns,
        "collections": collections.counted("collections"),
        "gc_ns": collections.total_ns(),
        "longest_pause_ns": collections.longest_ns(),
        "made": len(batch),
    }


class Pooled:
    """What a pool holds; knows how many were ever made."""

    made = 0

    def __init__(self, data):
        Pooled.made += 1
        self.data = [0] * data


class ObjectPool:
    """Keeps released objects for the next who asks."""

    def __init__(self, factory, max_size):
        self.factory, self.max_size, self.free = factory, max_size, []

    def acquire(self):
        return self.free.pop() if self.free else self.factory()

    def release(self, one):
        if len(self.free) < self.max_size:
            self.free.append(one)


def use_pool(n, data):
    pool = ObjectPool(lambda: Pooled(data), 10)
    for number in range(n):
        one = pool.acquire()
        one.data[0] = number
        pool.release(one)


def use_fresh(n, data):
    for number in range(n):
        one = Pooled(data)
        one.data[0] = number


def using(n, data, source):
    """Uses n objects, one after the other."""
    use = {"pool": use_pool, "fresh": use_fresh}[source]
    collections = measured.Collections()
    collections.start()
    count = gc.get_count()[0]
    begin = measured.cpu_ns()
    use(n, data)
    use_ns = measured.cpu_ns() - begin
    count = gc.get_count()[0] - count
    collections.stop()
    return {
        "use_ns": use_ns,
        "made": Pooled.made,
        "collections": collections.counted("collections"),
        "count0_difference": count,
    }


ONE = {"on": creating, "off": creating, "pool": using, "fresh": using}


def in_fresh_process(options, one):
    """The same program again, for one measurement; its figures, of which times are medians."""
    command = [sys.executable, __file__, "--one", one, "--n", str(options.n), "--data", str(options.data)]
    runs = []
    for _ in range(options.runs):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise SystemExit("batch.py: a measurement ended with %d; see its message above" % done.returncode)
        runs.append(json.loads(done.stdout))
    figures = dict(runs[0])
    for name in figures:
        if name.endswith("_ns") and None not in [run[name] for run in runs]:
            figures[name] = round(statistics.median(run[name] for run in runs))
    return figures


def run(options):
    figures = {}
    sides = ("on", "off") if options.what == "create" else ("pool", "fresh")
    for one in sides:
        for name, value in in_fresh_process(options, one).items():
            figures["%s_%s" % (one, name)] = value
    if options.what == "create":
        off_ns = figures["off_create_ns"]
        figures["speedup"] = figures["on_create_ns"] / off_ns
        figures["speedup_with_collection"] = figures["on_create_ns"] / (off_ns + figures["off_collect_ns"])
    else:
        figures["fresh_to_pool"] = figures["fresh_use_ns"] / figures["pool_use_ns"]
    return figures


def main():
    # What the imports made is old from here on, and a few hundred objects of the options are young, as in any program.
    gc.collect()
    parser = report.options_of("batch", __doc__)
    parser.add_argument("--what", choices=("create", "pool"), default="create", help="which question")
    parser.add_argument("--n", type=report.number(int, 1), default=100_000, help="objects made or used")
    parser.add_argument("--data", type=report.number(int, 1), default=10, help="elements of an object's list")
    parser.add_argument("--runs", type=report.number(int, 1), default=3, help="fresh processes a measurement")
    parser.add_argument("--one", choices=sorted(ONE), help="only this measurement, in this process (used by the program itself)")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(ONE[options.one](options.n, options.data, options.one)))
    else:
        del options.one
        report.tell("batch", options, run(options))


if __name__ == "__main__":
    main()
