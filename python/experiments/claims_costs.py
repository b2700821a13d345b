"""Claims about what things cost: memory, pauses, and services under a setting.

Those about services run the other programs of this folder, each in a process of its own.
"""

import gc
import json
import os
import statistics
import subprocess
import sys

import measured
from claim import claim
from claims_collector import Small

HERE = os.path.dirname(os.path.abspath(__file__))


def program(name, *options):
    """The figures of another program of this folder."""
    command = [sys.executable, os.path.join(HERE, name + ".py"), "--json"] + list(options)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit("claims.py: %s ended with %d; see its message above" % (" ".join(command), done.returncode))
    return json.loads(done.stdout)["figures"]


def chosen(figures, *names):
    return {name: figures[name] for name in names}


@claim("__slots__ saves memory; in bytes an instance with two attributes", 30)
def slots_memory():
    class S:
        __slots__ = ("a", "b")

        def __init__(self):
            self.a = self.b = None

    class D:
        def __init__(self):
            self.a = self.b = None

    gc.disable()
    told, count = {}, 400_000
    for kind in (S, D):
        gc.collect()
        kept = [None] * count
        before = measured.resident_bytes()
        for n in range(count):
            kept[n] = kind()
        after = measured.resident_bytes()
        told[kind.__name__] = None if after is None else round((after - before) / count, 1)
    return told


@claim("young collections do not pay for old objects; in ns a collection of 700", 31)
def young_scan_reads_only_young():
    told = {}
    gc.disable()
    for old in (10_000, 1_000_000):
        kept = [Small() for _ in range(old)]
        gc.collect()
        times = []
        for _ in range(50):
            young = [Small() for _ in range(700)]
            times.append(measured.collected_now(0)[1])
            del young
        told[str(old)] = sorted(times)[25]
        del kept
    return told


@claim("without the collector cycles leak; memory is not returned to the system", 15, 43)
def disabled_leaks_cycles():
    figures = program("release", "--what", "dead")
    told = chosen(figures, "grown_bytes", "collected_objects", "kept_bytes")
    # Once more in this process, to count them: a list of all objects would show in the memory.
    gc.collect()
    gc.disable()
    told["made"] = 400_000
    for _ in range(told["made"] // 2):
        a, b = Small(), Small()
        a.ref, b.ref = b, a
    told["left"] = sum(type(one) is Small for one in gc.get_objects())
    return told


@claim("creating a batch is faster with the collector off, also with a collection after it", 16, 17)
def batch_creation():
    return program("batch", "--what", "create")


@claim("an object pool reduces collections", 18)
def object_pool():
    return program("batch", "--what", "pool", "--n", "1000", "--data", "10000")


SERVICE = (
    "collections",
    "gc_ns",
    "gc_share",
    "service_p99_ns",
    "service_p99_9_ns",
    "service_p99_99_ns",
    "service_max_ns",
    "response_p99_ns",
    "peak_rss_bytes",
    "pause_generation_0_p50_ns",
)


def services(settings):
    return {" ".join(options): chosen(program("web", *options), *SERVICE) for options in settings}


#: How often two settings are run in turn where their times are compared: of six ratios all six enclose the median, with 97 %.
PAIRS = 6


def against_default(values, pairs):
    """The default and other thresholds in turn: medians of each, and of what is compared all runs, in their order."""
    settings = [("--threshold", "700,10,10"), ("--threshold", values)]
    runs = {" ".join(options): [] for options in settings}
    for pair in range(pairs):
        # None of the two is always the one that comes after the other.
        for options in settings if pair % 2 == 0 else settings[::-1]:
            runs[" ".join(options)].append(chosen(program("web", *options), *SERVICE))
    told = {}
    for setting, all_runs in runs.items():
        told[setting] = dict(all_runs[-1])
        for name in ("gc_ns", "peak_rss_bytes"):
            figures = [one[name] for one in all_runs]
            told[setting][name] = None if None in figures else statistics.median(figures)
            told[setting][name + "_runs"] = figures
    return told


@claim("(1000,15,15) collects less, and takes less time for it", 11)
def threshold_1000_15_15():
    return against_default("1000,15,15", PAIRS)


@claim("(400,5,5) saves memory and takes more time", 12)
def threshold_400_5_5():
    return against_default("400,5,5", PAIRS)


@claim("(50000,500,100) collects less often and longer", 13)
def threshold_50000_500_100():
    return against_default("50000,500,100", 1)


@claim("(100,5,5) is usable", 14)
def threshold_100_5_5():
    return against_default("100,5,5", PAIRS)


@claim("pauses make the spikes of p99; collecting between requests or at quiet times takes them away", 38, 39, 40)
def service_steering():
    ways = ("automatic", "off", "scheduler:2000", "full-every:1000", "young-every:25")
    return services([("--threshold", "700,10,10", "--steering", way) for way in ways])


@claim("a collection in a forked child copies pages, freeze prevents it, with the collector off they stay shared", 35, 36, 37)
def fork_copies_pages():
    names = ("dirty_by_requests_bytes", "dirty_by_collect_bytes", "faults_by_collect", "parent_rss_bytes", "control_dirty_bytes")
    fork = lambda *options: chosen(program("fork", "--workers", "1", *options), *names)
    return {
        "none": fork("--variant", "none"),
        "collect+freeze": fork("--variant", "collect+freeze"),
        "off, 1 % read at random": fork("--variant", "off", "--fraction", "0.01", "--run", "1"),
    }
