"""Prints what the interpreter that runs it is, as a line of JSON, for `gclab oracle` to choose the rules by.

Runs on any Python, so that one that is too old is told so.
"""

import json
import platform
import sys

print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": list(sys.version_info[:3]),
    "release": sys.version_info[3],
    # `t`: without the global lock; `d`: a debug build.
    "flags": getattr(sys, "abiflags", ""),
    "machine": platform.machine(),
}))
