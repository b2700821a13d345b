"""A parent builds a heap and forks workers that read it: which pages do they copy? `fork-v1`.

After a fork all memory is shared until somebody writes. In CPython who reads an object writes its count, and a collection
writes into the header of every object it looks at, unless it is frozen. Each worker reads a fraction of the entries, builds
and drops a tree a request, and then collects twice. Workers run one after the other and all stay alive.

  fork.py                                    1,000,000 objects, 2 workers, nothing done against it
  fork.py --variant collect+freeze           collect and gc.freeze() in the parent before the fork
  fork.py --fraction 0.01 --run 1            read 1 % of the entries, all over the heap
  fork.py --fraction 0                       read nothing: what remains is the collector's doing

Variants: none; off (gc.disable() before the heap is built; the worker's own collections are explicit); freeze (without a
collection before it); freeze+off; collect+freeze.

Figures of workers are lists, one element a worker: `worker_*_bytes` when it has ended itself, `worker_*_last_bytes` when all are
alive and done, as `parent_*_after_bytes`. `*_by_collect*` is the first collection, `*_by_collections*` both. A control child does
nothing but read the same files of /proc: what it dirties is the interpreter's and the measurement's own. Linux only.
"""

import gc
import json
import math
import os
import resource
import sys

import draws
import measured
import report
import request_tree

VARIANTS = ("none", "off", "freeze", "freeze+off", "collect+freeze")
READS = 20
NODES = 50
SIZES = ("Rss", "Pss", "Private_Dirty", "Private_Clean", "Shared_Dirty", "Shared_Clean")


class Entry:
    """An entry of the heap: it and its list are two tracked objects."""

    __slots__ = ("key", "data")

    def __init__(self, key):
        self.key = key
        self.data = [key, key + 1, "v%d" % key, None]


def usage():
    """Sizes of this process, and its minor page faults so far."""
    sizes = measured.mapped_sizes()
    told = {name: sizes[name] for name in SIZES}
    told["faults"] = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return told


def read_and_drop(table, options, worker):
    """A worker's requests; how many there were."""
    entries, run = len(table), options.run
    stream = draws.Draws(options.seed + worker)
    requests = math.floor(options.fraction * entries / READS)
    read = 0
    for _ in range(requests):
        left = READS
        while left:
            first = stream.below(entries - run)
            length = min(left, run)
            for key in range(first, first + length):
                entry = table[key]
                read += entry.key + entry.data[0]
            left -= length
        request_tree.build_tree(NODES, False)
    return requests


def work(table, options, worker):
    """What a worker does, as what it will tell."""
    told = {"begin": usage()}
    told["requests"] = read_and_drop(table, options, worker)
    told["read"] = usage()
    told["pauses_ns"] = [measured.collected_now()[1]]
    told["collected"] = usage()
    told["pauses_ns"].append(measured.collected_now()[1])
    told["end"] = usage()
    return told


def idle():
    """What the control child does."""
    return {moment: usage() for moment in ("begin", "read", "collected", "end")}


class Child:
    """A forked child that tells something and then waits until it may end."""

    def __init__(self, task, *arguments):
        told_by, tell_to = os.pipe()
        wait_at, self.release = os.pipe()
        sys.stdout.flush()
        self.process = os.fork()
        if not self.process:
            status = 1
            try:
                # The child must not hold the other end of what it waits at.
                os.close(self.release)
                os.close(told_by)
                message = json.dumps(task(*arguments)).encode()
                while message:
                    message = message[os.write(tell_to, message) :]
                os.close(tell_to)
                os.read(wait_at, 1)
                status = 0
            finally:
                os._exit(status)
        os.close(tell_to)
        os.close(wait_at)
        with open(told_by) as pipe:
            message = pipe.read()
        if not message:
            raise SystemExit("fork.py: a worker ended before it told anything; see its message above")
        self.told = json.loads(message)

    def sizes(self):
        """What it has while others live."""
        return measured.mapped_sizes(self.process)

    def end(self):
        # A byte, because children forked later hold this end as well: to close it here would tell nobody.
        os.write(self.release, b".")
        os.close(self.release)
        os.waitpid(self.process, 0)


def build(options):
    """The heap, in the state in which it is forked; and the time of the collection and the freeze."""
    gc.disable()
    table = [Entry(key) for key in range(options.objects // 2)]
    if options.variant not in ("off", "freeze+off"):
        gc.enable()
    begin = measured.cpu_ns()
    if options.variant == "collect+freeze":
        gc.collect()
    if "freeze" in options.variant:
        gc.freeze()
    return table, measured.cpu_ns() - begin


def grown(told, name, begin, end):
    return told[end][name] - told[begin][name]


def run(options):
    table, freeze_ns = build(options)
    parent = usage()
    control = Child(idle)
    workers = [Child(work, table, options, worker) for worker in range(options.workers)]
    # All alive and done: only now is known how many share a page. The control ends first, as it is none of them.
    control.end()
    last = [worker.sizes() for worker in workers]
    parent_end = usage()
    for worker in workers:
        worker.end()
    told = [child.told for child in workers]

    figures = {
        "freeze_ns": freeze_ns,
        "requests": told[0]["requests"],
        "parent_rss_bytes": parent["Rss"],
        "first_pause_ns": [child["pauses_ns"][0] for child in told],
        "second_pause_ns": [child["pauses_ns"][1] for child in told],
    }
    # "collect" is the first collection, "collections" both.
    steps = (("requests", "begin", "read"), ("collect", "read", "collected"), ("collections", "read", "end"))
    for name, begin, end in steps:
        figures["dirty_by_%s_bytes" % name] = [grown(child, "Private_Dirty", begin, end) for child in told]
        figures["faults_by_%s" % name] = [grown(child, "faults", begin, end) for child in told]
    figures["private_dirty_share"] = [child["end"]["Private_Dirty"] / child["end"]["Rss"] for child in told]
    for name in SIZES:
        figures["worker_%s_bytes" % name.lower()] = [child["end"][name] for child in told]
        figures["worker_%s_last_bytes" % name.lower()] = [sizes[name] for sizes in last]
    for name in SIZES:
        figures["parent_%s_after_bytes" % name.lower()] = parent_end[name]
    figures["control_dirty_bytes"] = grown(control.told, "Private_Dirty", "begin", "collected")
    figures["control_faults"] = grown(control.told, "faults", "begin", "collected")
    figures["control_private_dirty_bytes"] = control.told["end"]["Private_Dirty"]
    figures["control_pss_bytes"] = control.told["collected"]["Pss"]
    return figures


def main():
    parser = report.options_of("fork", __doc__)
    parser.add_argument("--objects", type=report.number(int, 100), default=1_000_000, help="of the heap, two an entry")
    parser.add_argument("--variant", choices=VARIANTS, default="none", help="what the parent does before the fork")
    parser.add_argument("--fraction", type=report.number(float, 0, 1), default=0.02, help="of the entries that is read")
    parser.add_argument("--run", type=report.number(int, 1), default=20, help="neighbouring entries read in a row")
    parser.add_argument("--workers", type=report.number(int, 1, 256), default=2, help="forked one after the other")
    parser.add_argument("--seed", type=report.number(int, 0), default=1, help="of the draws, of the first worker")
    options = parser.parse_args()
    if options.run >= options.objects // 2:
        parser.error("--run %d is not less than the number of entries, %d" % (options.run, options.objects // 2))
    if not hasattr(os, "fork") or measured.mapped_sizes() is None:
        raise SystemExit("fork.py: needs os.fork and /proc/PID/smaps_rollup, so Linux from 4.14 on")
    report.tell("fork", options, run(options))


if __name__ == "__main__":
    main()
