"""Dumps the application shop.py on several interpreters, and has gclab's heaps look for the garbage.

    python compare.py --gclab PATH/gclab --out FOLDER PYTHON...

Each PYTHON is an interpreter that can import Django. Prints a table; ends with 1 if a heap found other objects than the
interpreter did.
"""

import argparse
import json
import os
import subprocess
import sys

HEAPS = ["generational", "stop-the-world", "concurrent"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gclab", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("pythons", nargs="+")
    given = parser.parse_args()
    os.makedirs(given.out, exist_ok=True)
    shop = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shop.py")
    print("| CPython | Django | method | stopped | file after | file | objects | references | tracked | garbage | missing, extra |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    wrong = False
    for number, python in enumerate(given.pythons):
        for method in ("fork", "here"):
            path = os.path.join(given.out, "shop-%d-%s.gcheap.gz" % (number, method))
            command = [python, "-W", "ignore", shop, path, "--method", method]
            told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
            differences = []
            for heap in HEAPS:
                command = [given.gclab, "heap", path, "--collect", "--heap", heap, "--json"]
                found = json.loads(subprocess.run(command, stdout=subprocess.PIPE).stdout)
                assert found["flagged"] == told["garbage"]
                differences.append("%d, %d" % (found["missing"], found["extra"]))
                wrong |= found["missing"] + found["extra"] > 0 or found["found"] != told["garbage"]
            cells = [told["python"], told["django"], method, "%.1f ms" % (told["stopped_s"] * 1e3), "%.1f s" % told["took_s"]]
            cells.append("%.0f kB" % (told["bytes"] / 1e3))
            cells += ["{:,}".format(told[name]) for name in ("nodes", "edges", "tracked", "garbage")]
            print("| %s | %s |" % (" | ".join(cells), "; ".join(differences)), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
