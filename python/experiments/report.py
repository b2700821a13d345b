"""How every program here reads its options and tells its figures.

With `--json` a program prints exactly one line:

    {"program": ..., "python": ..., "implementation": ..., "options": {...}, "figures": {...}}

The name of a figure ends in its unit (`_ns`, `_bytes`, `_objects`); counts and shares have none. What could not be measured
is null. Without `--json` the same figures come as a table to read. Bad arguments end the program with 2.
"""

import argparse
import json
import sys

VERSION = sys.version.split()[0]
IMPLEMENTATION = {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name)


def options_of(program, teaching):
    """A parser with the options that every program has; `teaching` is the text of `--help`."""
    parser = argparse.ArgumentParser(
        prog=program + ".py", description=teaching, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser


def number(kind, least, most=None):
    """A type for an option: a number of that kind, within bounds."""

    def read(text):
        value = kind(text)
        # So put that "nan" is refused as well.
        if not (value >= least and (most is None or value <= most)):
            bounds = "at least %s" % least if most is None else "from %s to %s" % (least, most)
            raise argparse.ArgumentTypeError("%s is not %s" % (text, bounds))
        return value

    # Names the type where argparse says that a value is none.
    read.__name__ = "number" if kind is float else "integer"
    return read


def threshold(text):
    """A type for an option: the three numbers of `gc.set_threshold`."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or min(numbers) < 0 or max(numbers) >= 1 << 31:
        raise argparse.ArgumentTypeError("%r is not three numbers from 0 such as 700,10,10" % text)
    return tuple(numbers)


def tell(program, options, figures):
    """Prints the figures."""
    values = {name.replace("_", "-"): value for name, value in vars(options).items() if name != "json"}
    if options.json:
        told = {
            "program": program,
            "python": VERSION,
            "implementation": IMPLEMENTATION,
            "options": values,
            "figures": figures,
        }
        print(json.dumps(told))
        return
    print("%s on %s %s" % (program, IMPLEMENTATION, VERSION))
    print(" ".join("%s=%s" % (name, _short(value)) for name, value in values.items()))
    width = max(map(len, figures), default=0)
    for name, value in figures.items():
        print("  %-*s  %s" % (width, name, _readable(name, value)))


def _short(value):
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _readable(name, value):
    """A figure with its unit, and with grouped digits."""
    if value is None:
        return "not known"
    if isinstance(value, (bool, list, tuple, dict)):
        return json.dumps(value)
    if isinstance(value, str):
        return value
    if name.endswith("_ns"):
        if value < 1000:
            return "%d ns" % value
        return "{:,.1f} us".format(value / 1e3)
    if name.endswith("_bytes"):
        return "{:,.2f} MiB".format(value / (1 << 20))
    return "{:,.4g}".format(value) if isinstance(value, float) else "{:,}".format(value)
