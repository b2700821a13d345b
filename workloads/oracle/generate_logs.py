"""Prints one operation log, made from a group and a seed.

    python3 generate_logs.py GROUP SEED [NAME] > NAME.ops.jsonl

Standard library only. The same group and seed give the same log on every Python from 3.6 on: nothing of `random` is used but
`random()`, whose sequence for a seed does not change between versions. The format is told in README.md beside this file.

Groups. The first eight are those of the format; the others go where these do not.

    plain      stores, drops, loads and explicit collections; the automatic collector is off
    auto       the same with small thresholds, switched and changed on the way; nearly no explicit collections
    grow       steady growth, so that the rule of a quarter (long_lived_pending) decides over full collections
    weak       auto with weak references, in the table and in slots, with and without callback
    resurrect  weak with finalizers that resurrect, and registers that take from limbo
    freeze     weak with freezes
    unfreeze   freeze with unfreezes (no finalizers that resurrect: their order would show)
    chain      chains deeper than the trashcan's 50, single and doubly linked, dropped or collected
    cascade    chains with everything at hand: weak references and their callbacks, resurrecting finalizers, automatic collections
    wide       few hubs, every slot filled, many edges to one object and to itself
    ages       many survivors of explicit collections of all generations, edges old to young and back, snaps
    floor      frees of old objects after a collection or freeze has set the counters to 0
    mixed      every operation but unfreeze, in even weights, with thresholds of every size
"""

import json
import random
import sys

GROUPS = ("plain", "auto", "grow", "weak", "resurrect", "freeze", "unfreeze", "chain", "cascade", "wide", "ages", "floor", "mixed")
SLOTS = 6

AUTO_THRESHOLDS = ((3, 1, 1), (9, 0, 3), (15, 4, 0), (10, 3, 2), (1, 1, 1), (20, 2, 1), (5, 2, 2), (12, 10, 10), (0, 5, 5), (7, 3, 0),
                   (2, 0, 0), (4, 1, 2))
GROW_THRESHOLDS = ((8, 3, 0), (3, 1, 0), (3, 0, 0), (1, 1, 0), (2, 0, 2), (2, 1, 1), (4, 2, 0), (6, 2, 1), (1, 0, 0), (5, 1, 3))


class Writer:
    def __init__(self, group, seed):
        # The group is part of the seed: two groups with one seed share nothing.
        self.random = random.Random("%s/%d" % (group, seed)).random
        self.registers = 6 + self.below(6)
        self.operations = []
        self.weaks = 0
        # Registers that the log last wrote an object to: most operations should find one.
        self.likely = set()

    # Choices.

    def below(self, n):
        return int(self.random() * n)

    def chance(self, p):
        return self.random() < p

    def one_of(self, things):
        return things[self.below(len(things))]

    def weighted(self, weights):
        left = self.random() * sum(weight for _, weight in weights)
        for thing, weight in weights:
            left -= weight
            if left < 0:
                return thing
        return weights[-1][0]

    def any_register(self):
        return self.below(self.registers)

    def holder(self):
        """Mostly a register that holds an object."""
        if self.likely and self.chance(0.85):
            return self.one_of(sorted(self.likely))
        return self.any_register()

    def slot(self):
        return self.below(SLOTS)

    # Operations.

    def emit(self, name, **fields):
        operation = {"op": name}
        operation.update(fields)
        self.operations.append(operation)

    def alloc(self, r=None, k="O"):
        r = self.any_register() if r is None else r
        self.emit("alloc", r=r, k=k)
        self.likely.add(r)
        return r

    def drop(self, r=None):
        r = self.holder() if r is None else r
        self.emit("drop", r=r)
        self.likely.discard(r)

    def store(self, r=None, s=None, q=None):
        r = self.holder() if r is None else r
        q = self.holder() if q is None else q
        self.emit("store", r=r, s=self.slot() if s is None else s, q=q)

    def clear(self):
        self.emit("clear", r=self.holder(), s=self.slot())

    def load(self):
        r = self.any_register()
        self.emit("load", r=r, q=self.holder(), s=self.slot())
        self.likely.discard(r)

    def move(self, r=None, q=None):
        r = self.any_register() if r is None else r
        q = self.holder() if q is None else q
        self.emit("move", r=r, q=q)
        if q in self.likely:
            self.likely.add(r)
        else:
            self.likely.discard(r)

    def weakref(self, r=None, callback=0.75):
        self.emit("weakref", w=self.weaks, r=self.holder() if r is None else r, cb=int(self.chance(callback)))
        self.weaks += 1

    def wslot(self, r=None, s=None, q=None, callback=0.85):
        r = self.holder() if r is None else r
        q = self.holder() if q is None else q
        self.emit("wslot", w=self.weaks, r=r, s=self.slot() if s is None else s, q=q, cb=int(self.chance(callback)))
        self.weaks += 1

    def deref(self):
        if self.weaks:
            # Young ones are more often alive.
            w = self.weaks - 1 - int(self.random() ** 2 * self.weaks)
            r = self.any_register()
            self.emit("deref", r=r, w=w)
            self.likely.discard(r)

    def dropweak(self):
        if self.weaks:
            self.emit("dropweak", w=self.below(self.weaks))

    def unlimbo(self):
        self.emit("unlimbo", r=self.any_register())

    def collect(self, weights=((0, 2), (1, 2), (2, 3))):
        self.emit("collect", g=self.weighted(weights))

    def set_threshold(self, choices):
        a, b, c = self.one_of(choices)
        self.emit("set_threshold", a=a, b=b, c=c)

    def ring(self, k="O"):
        """Two new objects that hold each other."""
        r, q = self.any_register(), self.any_register()
        self.alloc(r, k)
        self.alloc(q, "F" if self.chance(0.2) else "O")
        self.store(r, self.slot(), q)
        self.store(q, self.slot(), r)

    def step(self, weights, thresholds, kinds):
        name = self.weighted(weights)
        if name == "alloc":
            r = self.alloc(k=self.weighted(kinds))
            if self.chance(0.7):
                self.store(r=r)
        elif name == "ring":
            self.ring(self.weighted(kinds))
        elif name == "set_threshold":
            self.set_threshold(thresholds)
        elif name in ("enable", "disable", "freeze", "unfreeze", "snap"):
            self.emit(name)
        else:
            getattr(self, name)()


KINDS = (("O", 3), ("F", 1))
KINDS_Z = (("O", 3), ("F", 1), ("Z", 2))

PLAIN = (("alloc", 26), ("store", 36), ("ring", 2), ("drop", 14), ("load", 7), ("move", 2), ("clear", 3), ("collect", 4), ("snap", 1))
AUTO = (("alloc", 26), ("store", 36), ("ring", 2), ("drop", 14), ("load", 7), ("move", 3), ("clear", 3), ("collect", 2), ("snap", 1),
        ("enable", 4), ("disable", 1), ("set_threshold", 1))
WEAK = AUTO + (("weakref", 7), ("wslot", 5), ("deref", 4), ("dropweak", 2))
RESURRECT = WEAK + (("unlimbo", 9),)
FREEZE = WEAK + (("freeze", 2),)
UNFREEZE = FREEZE + (("unfreeze", 3), ("collect", 2))
AGES = (("alloc", 24), ("ring", 3), ("store", 30), ("drop", 8), ("load", 10), ("move", 2), ("clear", 2), ("collect", 10), ("snap", 2),
        ("weakref", 2), ("wslot", 1))
MIXED = (("alloc", 10), ("ring", 3), ("store", 14), ("drop", 8), ("load", 4), ("move", 3), ("clear", 3), ("weakref", 4), ("wslot", 4),
         ("deref", 3), ("dropweak", 2), ("unlimbo", 4), ("collect", 3), ("set_threshold", 1), ("enable", 2), ("disable", 1),
         ("freeze", 1), ("snap", 1))


def random_walk(writer, steps, weights, thresholds=AUTO_THRESHOLDS, kinds=KINDS):
    for _ in range(steps):
        writer.step(weights, thresholds, kinds)


def grow(writer):
    """A list that grows at its head, rings beside it, and now and then a shorter list."""
    for _ in range(70 + writer.below(70)):
        kind = "F" if writer.chance(0.25) else "O"
        writer.alloc(1, kind)
        writer.store(1, 0, 0)
        if writer.chance(0.4):
            writer.store(0, 1, 1)
        writer.move(0, 1)
        if writer.chance(0.25):
            writer.alloc(2)
            writer.alloc(3)
            writer.store(2, writer.slot(), 3)
            writer.store(3, writer.slot(), 2)
        if writer.chance(0.15):
            writer.emit("load", r=0, q=0, s=0)
        if writer.chance(0.05):
            writer.set_threshold(GROW_THRESHOLDS)
        if writer.chance(0.02):
            writer.drop(0)
        if writer.chance(0.02):
            writer.collect()
        if writer.chance(0.02):
            writer.emit("snap")


def chain(writer, rich):
    """Chains of 40 to 130 objects from register 0; register 1 is the newest, 2 the next. Registers from 3 on are for others."""
    for _ in range(1 + writer.below(3)):
        depth = 40 + writer.below(90)
        doubly = writer.chance(0.3)
        back = writer.chance(0.3)
        kinds = KINDS_Z if rich and writer.chance(0.6) else KINDS
        rate = writer.one_of((0.0, 0.1, 0.5)) if rich else 0.0
        writer.alloc(0, writer.weighted(kinds))
        writer.move(1, 0)
        for n in range(depth):
            writer.alloc(2, writer.weighted(kinds))
            if back:
                # The newest holds the older: the head of the chain is its youngest object.
                writer.store(2, 0, 1)
                if doubly:
                    writer.store(1, 1, 2)
            else:
                writer.store(1, 0, 2)
                if doubly and writer.chance(0.8):
                    writer.store(2, 1, 1)
            if writer.chance(rate):
                if writer.chance(0.5):
                    writer.weakref(writer.one_of((1, 2)), 0.7)
                else:
                    # A weak reference inside the chain, to a neighbour or to something else.
                    writer.wslot(writer.one_of((1, 2)), 2 + writer.below(3), writer.one_of((1, 2, 3, 4)), 0.9)
            if rich and writer.chance(0.05):
                writer.store(writer.one_of((3, 4, 5)), writer.slot(), writer.one_of((1, 2)))
            if rich and writer.chance(0.05):
                writer.alloc(writer.one_of((3, 4, 5)), writer.weighted(kinds))
            writer.move(1, 2)
        if back:
            writer.move(0, 1)
        if rich and writer.chance(0.3):
            # A ring of the whole.
            writer.store(1, 5, 0)
        if writer.chance(0.2):
            writer.collect()
        # The ends of the chain, in any order; the last one dropped is what everything hangs on.
        ends = [1, 2, 0] if writer.chance(0.7) else [0, 1, 2]
        if rich and writer.chance(0.5):
            ends += [3, 4, 5]
        for r in ends:
            writer.drop(r)
        if rich:
            for _ in range(writer.below(10)):
                writer.unlimbo()
                if writer.chance(0.3):
                    writer.deref()
                if writer.chance(0.3):
                    writer.drop()
        if doubly or writer.chance(0.5):
            writer.collect(((0, 1), (1, 1), (2, 3)))
        writer.emit("snap")
    writer.collect(((2, 1),))


def wide(writer):
    """Hubs in registers 0 and 1; everything points at them many times, and they at everything."""
    for _ in range(2 + writer.below(3)):
        writer.alloc(0, writer.weighted(KINDS))
        writer.alloc(1, writer.weighted(KINDS_Z))
        for _ in range(8 + writer.below(10)):
            r = 2 + writer.below(writer.registers - 2)
            writer.alloc(r, writer.weighted(KINDS))
            if writer.chance(0.3):
                writer.wslot(r, writer.slot(), writer.one_of((0, 1, r)))
            first = writer.below(3)
            for s in range(first, SLOTS):
                writer.store(r, s, writer.one_of((0, 0, 1, r, writer.any_register())))
            writer.store(writer.one_of((0, 1)), writer.slot(), r)
            if writer.chance(0.3):
                writer.drop(r)
            if writer.chance(0.1):
                writer.collect()
        if writer.chance(0.5):
            writer.weakref(0)
            writer.weakref(1)
        for r in range(writer.registers):
            if writer.chance(0.7):
                writer.drop(r)
        writer.collect()
        writer.unlimbo()
        writer.emit("snap")
    writer.collect(((2, 1),))


def floor(writer):
    """Many objects grow old, the counters become 0, then they die by reference counting between a few allocations."""
    for _ in range(3 + writer.below(3)):
        for _ in range(10 + writer.below(20)):
            writer.alloc(1, writer.weighted(KINDS_Z))
            writer.store(1, 0, 0)
            writer.move(0, 1)
            if writer.chance(0.2):
                writer.weakref(1)
            if writer.chance(0.2):
                writer.wslot(1, 2, writer.any_register())
        how = writer.below(4)
        if how == 0:
            writer.emit("freeze")
        elif how == 3:
            writer.set_threshold(AUTO_THRESHOLDS)
        else:
            writer.collect()
        for _ in range(10 + writer.below(20)):
            if writer.chance(0.5):
                writer.emit("load", r=0, q=0, s=0)
            elif writer.chance(0.4):
                writer.alloc(2 + writer.below(writer.registers - 2), writer.weighted(KINDS))
            elif writer.chance(0.3):
                writer.unlimbo()
            else:
                writer.drop()
        if writer.chance(0.5):
            writer.drop(1)
            writer.drop(0)
        writer.emit("snap")


def generate(group, seed, name):
    if group not in GROUPS:
        raise ValueError("there is no group %s; there are %s" % (group, ", ".join(GROUPS)))
    writer = Writer(group, seed)
    threshold, enabled = (700, 10, 10), False
    if group in ("auto", "weak", "resurrect", "freeze", "unfreeze", "floor"):
        threshold, enabled = writer.one_of(AUTO_THRESHOLDS), True
    elif group == "grow":
        threshold, enabled = writer.one_of(GROW_THRESHOLDS), True
    elif group == "mixed":
        threshold = (writer.below(30), writer.below(6), writer.below(6))
        enabled = writer.chance(0.8)
    elif group == "cascade" and writer.chance(0.5):
        threshold, enabled = writer.one_of(((30, 3, 1), (11, 2, 2), (90, 1, 1), (60, 0, 0), (150, 5, 5))), True
    elif group == "wide" and writer.chance(0.5):
        threshold, enabled = writer.one_of(AUTO_THRESHOLDS), True
    elif group == "ages" and writer.chance(0.4):
        threshold, enabled = writer.one_of(AUTO_THRESHOLDS), True
    steps = 90 + writer.below(110)
    if group == "plain":
        random_walk(writer, steps, PLAIN)
    elif group == "auto":
        random_walk(writer, steps, AUTO)
    elif group == "grow":
        grow(writer)
    elif group == "weak":
        random_walk(writer, steps, WEAK)
    elif group == "resurrect":
        random_walk(writer, steps, RESURRECT, kinds=KINDS_Z)
    elif group == "freeze":
        random_walk(writer, steps, FREEZE)
    elif group == "unfreeze":
        random_walk(writer, steps, UNFREEZE)
    elif group == "chain":
        chain(writer, rich=False)
    elif group == "cascade":
        chain(writer, rich=True)
    elif group == "wide":
        wide(writer)
    elif group == "ages":
        random_walk(writer, steps, AGES)
    elif group == "floor":
        floor(writer)
    else:
        choices = AUTO_THRESHOLDS + GROW_THRESHOLDS + ((700, 10, 10), (2000, 10, 10), (2147483647, 0, 0), (1, 2147483647, 0))
        random_walk(writer, steps * 2, MIXED, thresholds=choices, kinds=KINDS_Z)
    header = {"log": name, "seed": seed, "group": group, "registers": writer.registers, "slots": SLOTS,
              "threshold": list(threshold), "enabled": enabled}
    return [header] + writer.operations


def text_of(group, seed, name):
    encode = json.JSONEncoder(separators=(",", ":")).encode
    return "".join(encode(line) + "\n" for line in generate(group, seed, name))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in GROUPS or not sys.argv[2].isdigit():
        sys.exit("usage: generate_logs.py GROUP SEED [NAME]; groups: %s" % ", ".join(GROUPS))
    sys.stdout.write(text_of(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "-".join(sys.argv[2:0:-1])))
