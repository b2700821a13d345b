"""Reads the .hlog files of a run folder with PyPI's hdrhistogram and prints, for each cell and tag, what it finds.

One JSON line each: {"hlog", "tag", "n", "p50", "p90", "p99", "p99_9", "p99_99", "max"}; times in nanoseconds.
Usage: python3 independent_reader.py RUN
"""

import json
import pathlib
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

LONGEST_NS = 60_000_000_000
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9, "p99_99": 99.99}

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.hlog")):
    reader = HistogramLogReader(str(path), HdrHistogram(1, LONGEST_NS, 3))
    while (histogram := reader.get_next_interval_histogram()) is not None:
        found = {name: histogram.get_value_at_percentile(q) for name, q in PERCENTILES.items()}
        line = {"hlog": path.name, "tag": histogram.get_tag(), "n": histogram.get_total_count(), **found}
        print(json.dumps({**line, "max": histogram.get_max_value()}))
