"""Writes fresh operation logs of one seed into a directory, as NNN-group.ops.jsonl, for `gclab oracle`.

    python3 -I -S fresh_logs.py DIRECTORY SEED COUNT GROUP[,GROUP...] [A,B,C]

Log number k is of the k-th of the groups, beginning anew when they are through, and is made from the seed
SEED * 1,000,000 + k: two seeds share no log. With A,B,C every log has these thresholds, from its beginning and wherever it sets
them. Standard library only; the same arguments give the same logs on every Python from 3.6 on.
"""

import json
import os
import sys

# Isolated mode leaves this file's own directory out of the path.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from generate_logs import generate


def write_logs(directory, seed, count, groups, threshold):
    encode = json.JSONEncoder(separators=(",", ":")).encode
    for k in range(count):
        group = groups[k % len(groups)]
        name = "%03d-%s" % (k, group)
        lines = generate(group, seed * 1000000 + k, name)
        if threshold is not None:
            lines[0]["threshold"] = threshold
            for line in lines[1:]:
                if line["op"] == "set_threshold":
                    line["a"], line["b"], line["c"] = threshold
        with open(os.path.join(directory, name + ".ops.jsonl"), "w") as file:
            file.write("".join(encode(line) + "\n" for line in lines))


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit("usage: fresh_logs.py DIRECTORY SEED COUNT GROUP[,GROUP...] [A,B,C]")
    given = [int(number) for number in sys.argv[5].split(",")] if len(sys.argv) == 6 else None
    write_logs(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(","), given)
