"""A small program with planted leaks that dumps itself: python leaky.py OUT.gcheap.gz

A forgotten list of the module, `LeakyObject.instances`, and some cyclic garbage beside them.
"""

import gc
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import gclab_dump

forgotten_requests = []


class Request:
    def __init__(self, number):
        self.number = number
        self.headers = {"X-Number": [number]}


class LeakyObject:
    instances = []

    def __init__(self, request):
        self.request = request
        LeakyObject.instances.append(self)


class Node:
    def __init__(self, parent):
        self.parent, self.children = parent, []
        if parent is not None:
            parent.children.append(self)


def handle(number):
    request = Request(number)
    forgotten_requests.append(request)
    LeakyObject(Request(-number))
    root = Node(None)
    for _ in range(3):
        Node(root)


gc.collect()
gc.disable()
for number in range(1000, 1200):
    handle(number)
gclab_dump.dump(sys.argv[1], meta={"app": "leaky.py: 200 requests, planted leaks"})
