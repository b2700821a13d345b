"""What the programs measure with: CPU clocks, collections, percentiles and the memory of processes.

Times are integer nanoseconds, sizes bytes. Memory is read from /proc, so on Linux only; elsewhere it is None, never 0.
"""

import array
import gc
import time

#: CPU time of the calling thread: what another process takes from this one is not in it.
cpu_ns = time.thread_time_ns


class Collections:
    """Counts and times collections through `gc.callbacks`, from `start()` to `stop()`.

    A pause is the CPU time from the "start" to the "stop" callback. Durations are kept in arrays, because a kept list or
    tuple would move the very counters by which the collector decides. Each call of a callback makes one dict, which it does
    for any observer of this kind.
    """

    def __init__(self):
        self.pauses_ns = [array.array("q") for _ in range(3)]
        self.began_ns = 0

    def __call__(self, phase, event):
        if phase == "start":
            self.began_ns = cpu_ns()
        else:
            self.pauses_ns[event["generation"]].append(cpu_ns() - self.began_ns)

    def start(self):
        self.before = gc.get_stats()
        gc.callbacks.append(self)

    def stop(self):
        gc.callbacks.remove(self)
        self.after = gc.get_stats()

    def counted(self, what):
        """The difference of one of `gc.get_stats()`, a generation each: "collections", "collected", "uncollectable"."""
        return [after[what] - before[what] for before, after in zip(self.before, self.after)]

    def total_ns(self):
        return sum(map(sum, self.pauses_ns))

    def longest_ns(self):
        """The longest pause; None if there was none."""
        return max((max(pauses) for pauses in self.pauses_ns if pauses), default=None)


def collected_now(generation=2):
    """Collects; what `gc.collect` returned, and the CPU time of the call in ns."""
    begin = cpu_ns()
    found = gc.collect(generation)
    return found, cpu_ns() - begin


def percentile(ordered, share):
    """The nearest rank: the smallest value that at least this share of all do not exceed. None of nothing."""
    if not ordered:
        return None
    # In hundredths of a percent, so that 0.999 of 1,000 is 999 and not one more by rounding.
    rank = -(-len(ordered) * round(share * 1_000_000) // 1_000_000)
    return ordered[max(rank, 1) - 1]


PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("p99_99", 0.9999))


def percentiles(name, values_ns):
    """The percentiles and the maximum of durations, as figures `NAME_p50_ns` to `NAME_max_ns`."""
    ordered = sorted(values_ns)
    figures = {"%s_%s_ns" % (name, label): percentile(ordered, share) for label, share in PERCENTILES}
    figures[name + "_max_ns"] = ordered[-1] if ordered else None
    return figures


def _lines_of(path):
    """The lines "Name:  123 kB" of a file of /proc, in bytes; None where there is no such file."""
    sizes = {}
    try:
        with open(path) as file:
            for line in file:
                name, _, rest = line.partition(":")
                words = rest.split()
                if len(words) == 2 and words[1] == "kB":
                    sizes[name] = int(words[0]) * 1024
    except OSError:
        return None
    return sizes


def resident_bytes():
    """Memory of this process that is in RAM; None where /proc does not tell."""
    sizes = _lines_of("/proc/self/status")
    return sizes and sizes.get("VmRSS")


def peak_resident_bytes():
    """The most that was in RAM at any time; None where /proc does not tell."""
    sizes = _lines_of("/proc/self/status")
    return sizes and sizes.get("VmHWM")


def mapped_sizes(process="self"):
    """What /proc/PROCESS/smaps_rollup says: Rss, Pss, Private_Dirty, Shared_Clean, ... in bytes; None where it does not."""
    return _lines_of("/proc/%s/smaps_rollup" % process)
