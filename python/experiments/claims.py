"""What articles say about Python's `gc`, asked the interpreter that runs this.

  claims.py                                  all checks but the slow ones
  claims.py --slow                           all, with the services and the fork: about three minutes
  claims.py --claim cycle_del_order          one, or some
  claims.py --list                           the checks and what is claimed

Each check runs in a process of its own, so that none sees what another left. It tells what it measured and judges nothing:
whether a claim holds is read from the values. Counts repeat exactly for a version; times, in ns, do not.
"""

import gc
import json
import subprocess
import sys

import claims_collector  # noqa: F401  (each module enters its checks)
import claims_costs  # noqa: F401
import claims_counting  # noqa: F401
import claims_remedies  # noqa: F401
import report
from claim import CLAIMS

#: What takes many seconds, and runs programs that can be run by themselves.
SLOW = (
    "threshold_1000_15_15",
    "threshold_400_5_5",
    "threshold_50000_500_100",
    "threshold_100_5_5",
    "service_steering",
    "fork_copies_pages",
)


def asked(name):
    """What a check measured, in a fresh process."""
    done = subprocess.run([sys.executable, __file__, "--one", name], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit("claims.py: the check %s ended with %d; see its message above" % (name, done.returncode))
    return json.loads(done.stdout)


def told_list():
    for name, one in CLAIMS.items():
        numbers = ",".join(map(str, one.numbers)) or "remedy"
        print("%-30s %-12s %s" % (name, numbers, one.text))


def main():
    parser = report.options_of("claims", __doc__)
    parser.add_argument("--claim", action="append", choices=list(CLAIMS), metavar="NAME", help="this one only (repeatable)")
    parser.add_argument("--slow", action="store_true", help="also those that run services and forks")
    parser.add_argument("--list", action="store_true", help="print the checks and end")
    parser.add_argument(
        "--one", choices=list(CLAIMS), metavar="NAME", help="this one, in this process (used by the program itself)"
    )
    options = parser.parse_args()
    if options.one:
        gc.collect()
        print(json.dumps(CLAIMS[options.one].check()))
        return
    if options.list:
        told_list()
        return
    names = options.claim or [name for name in CLAIMS if options.slow or name not in SLOW]
    figures = {name: asked(name) for name in names}
    figures["claim_numbers"] = {name: list(CLAIMS[name].numbers) for name in names}
    del options.one, options.list
    report.tell("claims", options, figures)


if __name__ == "__main__":
    main()
