"""A reader of GCHEAP files and the search for garbage in them, for the tests of the dumper and the converter.

    python read_gcheap.py FILE       prints what it holds and whether its garbage is what trial deletion finds

Written against the format alone, so that a mistake of the dumper is not repeated here.
"""

import gzip
import json
import struct
import sys


class Graph:
    def __init__(self, path):
        with gzip.open(path, "rb") as file:
            data = file.read()
        if data[:8] != b"GCHEAP1\n":
            raise ValueError("no GCHEAP file")
        (length,) = struct.unpack_from("<I", data, 8)
        self.header = json.loads(data[12 : 12 + length])
        at, columns = 12 + length, {}
        for name, encoding, length in self.header["sections"]:
            columns[name] = _numbers(data[at : at + length], encoding)
            at += length
        if at != len(data):
            raise ValueError("%d bytes after the last section" % (len(data) - at))
        self.type, self.flags, self.size = columns["type"], columns["flags"], columns["size"]
        self.count = columns["rc"]
        self.targets, steps = [], iter(columns["dst"])
        for node, degree in enumerate(columns["deg"]):
            row = []
            for _ in range(degree):
                node += next(steps)
                row.append(node)
            self.targets.append(row)
        for name, column in columns.items():
            wanted = self.header["edges" if name == "dst" else "nodes"]
            if len(column) != wanted:
                raise ValueError("section %s has %d values, not %d" % (name, len(column), wanted))

    def name(self, node):
        return self.header["types"][self.type[node]][0]

    def flagged(self):
        return [node for node, flags in enumerate(self.flags) if flags & 8]

    def garbage(self):
        """The tracked nodes that trial deletion finds unreachable."""
        outside = list(self.count)
        tracked = [flags & 1 for flags in self.flags]
        for node, row in enumerate(self.targets):
            if tracked[node]:
                for target in row:
                    outside[target] -= 1
        # An immortal node is never under examination.
        todo = [node for node in range(len(outside)) if tracked[node] and (outside[node] > 0 or self.flags[node] & 4)]
        live = set(todo)
        while todo:
            for target in self.targets[todo.pop()]:
                if tracked[target] and target not in live:
                    live.add(target)
                    todo.append(target)
        return [node for node in range(len(outside)) if tracked[node] and node not in live]


def _numbers(data, encoding):
    if encoding == "u8":
        return list(data)
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value if encoding == "uv" else (value >> 1) ^ -(value & 1))
            value = shift = 0
    return numbers


def main(path):
    graph = Graph(path)
    flagged, found = set(graph.flagged()), set(graph.garbage())
    print("%d nodes, %d edges, %d flagged, %d found" % (len(graph.flags), len(graph.count), len(flagged), len(found)))
    for node in sorted(flagged ^ found)[:20]:
        to = ", ".join(graph.name(target) for target in graph.targets[node][:6])
        print("%s %d %s, count %d, to %s" % ("missing" if node in flagged else "extra", node, graph.name(node), graph.count[node], to))
    return 0 if flagged == found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
