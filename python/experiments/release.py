"""Memory that the system gets back: after a collection, with survivors all over the heap, and when a program ends.

  release.py --what dead          400,000 slotted objects in orphaned pairs; the collector is off; then one collection
  release.py --what survivors     many objects, of which one in each block of memory stays
  release.py --what ending        a short script that makes 1,000,000 objects: its normal end against os._exit

A block goes back when nothing in it lives. CPython's own allocator takes blocks of 4 KiB (up to 3.9) or 16 KiB (from 3.10)
out of arenas of 256 KiB or 1 MiB and returns whole arenas; so one survivor in 64 keeps nearly all of them. At its end a
normal program takes down each object by count and then collects, though the system frees the memory of a process anyway;
os._exit leaves that out, and with it all that `atexit`, `finally` and open files would have done.
"""

import gc
import os
import subprocess
import sys
import time

import measured
import report


class Pair:
    """One of two that refer to each other."""

    __slots__ = ("other",)


def grown(since):
    now = measured.resident_bytes()
    return None if now is None or since is None else now - since


def highest(before, *grown_by):
    """The most that was in RAM. The system writes its own figure down only now and then: no less than what was seen."""
    peak = measured.peak_resident_bytes()
    if peak is None or before is None:
        return peak
    return max([peak] + [before + more for more in (0,) + grown_by if more is not None])


def dead(options):
    gc.collect()
    gc.disable()
    before = measured.resident_bytes()
    for _ in range(options.n // 2):
        a, b = Pair(), Pair()
        a.other, b.other = b, a
    # The last pair is held by `a` and `b`: all but two are found.
    grown_bytes = grown(before)
    found, pause_ns = measured.collected_now()
    kept_bytes = grown(before)
    return {
        "before_bytes": before,
        "grown_bytes": grown_bytes,
        "collected_objects": found,
        "collect_ns": pause_ns,
        "kept_bytes": kept_bytes,
        "peak_rss_bytes": highest(before, grown_bytes, kept_bytes),
    }


def survivors(options):
    gc.collect()
    gc.disable()
    before = measured.resident_bytes()
    objects = [Pair() for _ in range(options.n)]
    grown_bytes = grown(before)
    kept = objects[:: options.every]
    begin = measured.cpu_ns()
    del objects
    drop_ns = measured.cpu_ns() - begin
    gc.collect()
    kept_bytes = grown(before)
    kept_objects = len(kept)
    del kept
    gc.collect()
    return {
        "before_bytes": before,
        "grown_bytes": grown_bytes,
        "drop_ns": drop_ns,
        "kept_objects": kept_objects,
        "kept_bytes": kept_bytes,
        "kept_after_all_died_bytes": grown(before),
        "peak_rss_bytes": highest(before, grown_bytes, kept_bytes),
    }


SCRIPT = """
class Item:
    def __init__(self, number):
        self.number = number
items = [Item(number) for number in range(%d)]
"""
ENDINGS = {"nothing": "", "normal": "%s", "os_exit": "%s\nimport os\nos._exit(0)\n"}


def one_ending(script):
    """Wall and CPU time of an interpreter that runs a script."""
    begin = time.perf_counter_ns()
    process = subprocess.Popen([sys.executable, "-I", "-c", script])
    _, status, used = os.wait4(process.pid, 0)
    wall_ns = time.perf_counter_ns() - begin
    process.returncode = status
    if status:
        raise SystemExit("release.py: the short script ended with %d" % status)
    return wall_ns, round((used.ru_utime + used.ru_stime) * 1e9)


def ending(options):
    """The fastest of some runs each: what disturbs one makes it slower, never faster."""
    script = SCRIPT % options.n
    figures = {}
    for name, form in ENDINGS.items():
        runs = [one_ending(form % script if form else "") for _ in range(options.runs)]
        figures[name + "_wall_ns"] = min(wall for wall, _ in runs)
        figures[name + "_cpu_ns"] = min(cpu for _, cpu in runs)
    figures["saved_cpu_ns"] = figures["normal_cpu_ns"] - figures["os_exit_cpu_ns"]
    figures["saved_share"] = figures["saved_cpu_ns"] / figures["normal_cpu_ns"]
    return figures


WHAT = {"dead": (dead, 400_000), "survivors": (survivors, 400_000), "ending": (ending, 1_000_000)}


def main():
    parser = report.options_of("release", __doc__)
    parser.add_argument("--what", choices=list(WHAT), default="dead", help="which question")
    parser.add_argument("--n", type=report.number(int, 2), help="objects (400,000; of the short script 1,000,000)")
    parser.add_argument("--every", type=report.number(int, 1), default=64, help="survivors: each so many one stays")
    parser.add_argument("--runs", type=report.number(int, 1), default=3, help="ending: runs of each script")
    options = parser.parse_args()
    measure, usual = WHAT[options.what]
    options.n = options.n or usual
    report.tell("release", options, measure(options))


if __name__ == "__main__":
    main()
