"""Generates logs and records their outcomes into a directory, as NNN-group.ops.jsonl and NNN-group.out.jsonl.

    python3 make_logs.py DIRECTORY --python INTERPRETER --count N [--seed S] [--jobs J] [--groups a,b,c]

N logs of each group; log number k of a group has the seed S + k. Standard library only. Any Python 3 may run this file; the
interpreter that is recorded is INTERPRETER.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from generate_logs import GROUPS, text_of


def record(job):
    directory, python, name, group, seed, again = job
    log = os.path.join(directory, name + ".ops.jsonl")
    out = os.path.join(directory, name + ".out.jsonl")
    if not again:
        with open(log, "w") as file:
            file.write(text_of(group, seed, name))
    recorder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "record_outcome.py")
    with open(out, "wb") as file:
        # Isolated, without `site`: nothing of the environment, and no modules that it would import.
        done = subprocess.run([python, "-I", "-S", recorder, log], stdout=file)
    return name, done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--python", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--groups", default=",".join(GROUPS))
    arguments = parser.parse_args()
    groups = arguments.groups.split(",")
    os.makedirs(arguments.directory, exist_ok=True)
    jobs = []
    for group in groups:
        for k in range(arguments.count):
            name = "%03d-%s" % (len(jobs), group)
            jobs.append((arguments.directory, arguments.python, name, group, arguments.seed + k, False))
    failed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for name, status in pool.map(record, jobs):
            if status != 0:
                failed += 1
                print("%s: the recorder failed (%d)" % (name, status), file=sys.stderr)
    print("%d logs in %s, %d failed" % (len(jobs), arguments.directory, failed))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
