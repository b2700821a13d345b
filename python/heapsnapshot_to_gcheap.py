"""Converts a heap snapshot of V8 (Node, Chrome: a `.heapsnapshot` file) into a GCHEAP file, which `gclab heap` reads.

    python heapsnapshot_to_gcheap.py IN.heapsnapshot[.gz] OUT.gcheap.gz

One file, standard library only, Python 3.9 or newer. In Node, `v8.writeHeapSnapshot(path)` makes a snapshot.

What becomes what: each node is an object of the type `(kind) name`, tracked; of strings, numbers and symbols only the kind is
kept, since their name is their content. Each edge is a reference, except weak ones, which do not keep an object alive. V8 does
not count references, so the counts are made up: the references there are, one more for the root, and one more for each object
that only weak edges lead to, which V8 held for some other reason. That every other object is reached from the root is checked.
V8 collects before it writes a snapshot, so there is no garbage in it and none is flagged.

The whole snapshot is held in memory: about 15 times the size of the file.
"""

import array
import gzip
import json
import os
import struct
import sys

TRACKED, SUPPORTS_GC = 1, 2
# Kinds of nodes whose name is their content.
CONTENTS = {"string", "concatenated string", "sliced string", "number", "bigint", "symbol", "regexp"}


class Wrong(Exception):
    """What is wrong with a snapshot."""


class Fields:
    """Rows of numbers, with the columns that the snapshot names."""

    def __init__(self, snapshot, what, wanted):
        meta = snapshot["snapshot"]["meta"]
        names = meta[what + "_fields"]
        for name in wanted:
            if name not in names:
                raise Wrong("its %ss have no field %s; V8 may have changed the format" % (what, name))
        self.width, self.numbers = len(names), snapshot[what + "s"]
        count = snapshot["snapshot"][what + "_count"]
        if len(self.numbers) != self.width * count:
            raise Wrong("it has %d numbers of %ss, not %d times %d" % (len(self.numbers), what, count, self.width))
        self.kinds = meta[what + "_types"][names.index("type")]
        self.columns = [self.numbers[names.index(name) :: self.width] for name in wanted]


def convert(snapshot):
    """The types and columns of the graph, and what to say of it. `snapshot` is the file's JSON."""
    nodes = Fields(snapshot, "node", ["type", "name", "self_size", "edge_count"])
    edges = Fields(snapshot, "edge", ["type", "to_node"])
    strings, weak = snapshot["strings"], edges.kinds.index("weak")
    kinds, names, sizes, degrees_given = nodes.columns
    if sum(degrees_given) != len(edges.columns[0]):
        raise Wrong("its nodes have %d edges, and there are %d" % (sum(degrees_given), len(edges.columns[0])))

    types, number_of, type_column = [], {}, array.array("Q")
    for kind, name in zip(kinds, names):
        kind = nodes.kinds[kind]
        called = "(%s)" % kind if kind in CONTENTS else "(%s) %s" % (kind, strings[name])
        number = number_of.setdefault(called, len(types))
        if number == len(types):
            types.append((called.encode("utf-8", "replace").decode(), 0, 0, 1))
        type_column.append(number)

    targets, weak_targets, at = [], [], 0
    for degree in degrees_given:
        row, weak_row = [], []
        for kind, to in zip(edges.columns[0][at : at + degree], edges.columns[1][at : at + degree]):
            target, rest = divmod(to, nodes.width)
            if rest or not 0 <= target < len(kinds):
                raise Wrong("an edge leads to %d, which is no node" % to)
            (weak_row if kind == weak else row).append(target)
        at += degree
        targets.append(row)
        weak_targets.append(weak_row)

    counts = array.array("Q", bytes(8 * len(kinds)))
    for row in targets:
        for target in row:
            counts[target] += 1
    counts[0] += 1
    live = bytearray(len(kinds))
    _reach(live, [0], targets)
    # V8's own tables hold some objects by weak edges that it cleared, had it collected them: they, too, were alive.
    weakly_held = 0
    for row, weak_row in zip(targets, weak_targets):
        for target in weak_row:
            if not live[target]:
                counts[target] += 1
                weakly_held += 1
                _reach(live, [target], targets)
    if not all(live):
        raise Wrong("%d of its %d nodes are not reached from the root, the first is node %d" % (live.count(0), len(live), live.index(0)))

    steps, degrees = array.array("Q"), array.array("Q")
    for node, row in enumerate(targets):
        degrees.append(len(row))
        for target in row:
            step, node = target - node, target
            steps.append(step << 1 if step >= 0 else (-step << 1) - 1)
    flags = bytes([TRACKED | SUPPORTS_GC]) * len(kinds)
    columns = {"type": type_column, "flags": flags, "size": sizes, "rc": counts, "deg": degrees, "dst": steps}
    told = {"weak_edges_left_out": sum(map(len, weak_targets)), "only_weakly_held": weakly_held}
    return types, columns, told


def _reach(live, todo, targets):
    for node in todo:
        live[node] = 1
    while todo:
        for target in targets[todo.pop()]:
            if not live[target]:
                live[target] = 1
                todo.append(target)


def _leb128(numbers):
    encoded = bytearray()
    for number in numbers:
        while number > 127:
            encoded.append(number & 127 | 128)
            number >>= 7
        encoded.append(number)
    return bytes(encoded)


def write(path, types, columns, told):
    """Writes the file under another name, then renames it."""
    sections, data = [], []
    for name, column in columns.items():
        encoding = {"flags": "u8", "dst": "zz"}.get(name, "uv")
        data.append(column if encoding == "u8" else _leb128(column))
        sections.append((name, encoding, len(data[-1])))
    nodes = len(columns["flags"])
    header = {
        "format": "gcheap",
        "version": 1,
        "source": "v8-heapsnapshot",
        "nodes": nodes,
        "edges": len(columns["dst"]),
        "tracked": nodes,
        "meta": {"converter": "heapsnapshot_to_gcheap", **told},
        "types": types,
        "sections": sections,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    part = "%s.%d.part" % (path, os.getpid())
    try:
        with open(part, "wb") as file:
            # Without name and time the same snapshot gives the same bytes.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed:
                packed.write(b"GCHEAP1\n" + struct.pack("<I", len(text)) + text + b"".join(data))
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return header


def main(arguments):
    if len(arguments) != 2 or arguments[0].startswith("-"):
        print("usage: python heapsnapshot_to_gcheap.py IN.heapsnapshot[.gz] OUT.gcheap.gz", file=sys.stderr)
        return 2
    given, out = arguments
    try:
        with gzip.open(given) if given.endswith(".gz") else open(given, "rb") as file:
            snapshot = json.load(file)
        header = write(out, *convert(snapshot))
    except (OSError, EOFError, Wrong, ValueError) as error:
        print("error: %s: %s" % (given, error), file=sys.stderr)
        return 1
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        print("error: %s: no heap snapshot of V8: %s %s" % (given, type(error).__name__, error), file=sys.stderr)
        return 1
    line = "{}: {nodes:,} objects, {edges:,} references, all reached from the root; {weak_edges_left_out:,} weak edges left out, "
    print((line + "{only_weakly_held:,} objects held by nothing else").format(out, **header, **header["meta"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
