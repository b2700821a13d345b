"""Cuts a heap snapshot of V8 down to a sample that can be kept: python cut_heapsnapshot.py IN OUT.gz OBJECTS NAME

Keeps the root, the objects nearest to it, and every object called NAME with a way from the root to it. Edges to others are
dropped, strings that are content are emptied, and so are names with a slash in them: they may be somebody's paths.
"""

import collections
import gzip
import json
import sys


def main(given, out, most, wanted):
    with open(given, "rb") as file:
        snapshot = json.load(file)
    meta, strings = snapshot["snapshot"]["meta"], snapshot["strings"]
    node_names, edge_names = meta["node_fields"], meta["edge_fields"]
    width, edge_width = len(node_names), len(edge_names)
    nodes = [snapshot["nodes"][at : at + width] for at in range(0, len(snapshot["nodes"]), width)]
    edges = [snapshot["edges"][at : at + edge_width] for at in range(0, len(snapshot["edges"]), edge_width)]
    kinds, edge_kinds = (meta[part][0] for part in ("node_types", "edge_types"))
    name, degree, to = node_names.index("name"), node_names.index("edge_count"), edge_names.index("to_node")
    label = edge_names.index("name_or_index")
    rows, at = [], 0
    for node in nodes:
        rows.append(edges[at : at + node[degree]])
        at += node[degree]

    parent, todo, order = {0: 0}, collections.deque([0]), []
    while todo:
        node = todo.popleft()
        order.append(node)
        for edge in rows[node]:
            target = edge[to] // width
            if edge_kinds[edge[0]] != "weak" and target not in parent:
                parent[target] = node
                todo.append(target)
    kept = set(order[:most])
    for node in order:
        if strings[nodes[node][name]] == wanted:
            while node not in kept:
                kept.add(node)
                node = parent[node]

    kept = sorted(kept)
    number_of = {node: number for number, node in enumerate(kept)}
    text_of, texts = {}, []

    def text(old, is_content):
        new = "" if is_content or "/" in strings[old] else strings[old]
        if new not in text_of:
            text_of[new] = len(texts)
            texts.append(new)
        return text_of[new]

    new_nodes, new_edges = [], []
    content = {"string", "concatenated string", "sliced string", "number", "bigint", "symbol", "regexp"}
    for node in kept:
        row = [edge for edge in rows[node] if edge[to] // width in number_of]
        fields = list(nodes[node])
        fields[name], fields[degree] = text(fields[name], kinds[fields[0]] in content), len(row)
        new_nodes += fields
        for edge in row:
            edge = list(edge)
            if edge_kinds[edge[0]] not in ("element", "hidden"):
                edge[label] = text(edge[label], False)
            edge[to] = number_of[edge[to] // width] * width
            new_edges += edge
    head = {"meta": meta, "node_count": len(kept), "edge_count": len(new_edges) // edge_width, "trace_function_count": 0}
    cut = {"snapshot": head, "nodes": new_nodes, "edges": new_edges, "strings": texts}
    with open(out, "wb") as file, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(json.dumps(cut, separators=(",", ":")).encode())
    print("%d nodes, %d edges" % (len(kept), head["edge_count"]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
