"""What a web request makes and what a cache holds.

A tree: a list of nodes, in which node j hangs under node (j - 1) // 4; each node is an instance with a list of its children
and a dict that holds another list: four objects that the collector tracks. Where nodes know their parents, the tree is on
cycles and dies by collection only; otherwise it dies by count.

The order of allocations matters: the collector's trigger sees each one.
"""


class Node:
    """One node of a tree."""

    __slots__ = ("parent", "children", "data")

    def __init__(self, number):
        self.parent = None
        self.children = []
        self.data = {"id": number, "tags": [number, "tag"]}


class Entry:
    """One entry of a cache: it and its list are two tracked objects."""

    __slots__ = ("key", "data")

    def __init__(self, key):
        self.key = key
        self.data = [key, key + 1, key + 2, key + 3]


def build_tree(nodes, cyclic):
    """The list of a tree's nodes."""
    tree = []
    for j in range(nodes):
        node = Node(j)
        if j:
            parent = tree[(j - 1) // 4]
            if cyclic:
                node.parent = parent
            parent.children.append(node)
        tree.append(node)
    return tree
