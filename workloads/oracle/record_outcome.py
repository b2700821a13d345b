"""Runs one operation log on the interpreter that runs this file, and prints what its collector did.

    python3 -I -S record_outcome.py 000-plain.ops.jsonl > 000-plain.out.jsonl

Standard library only; Linux; CPython from 3.8 on with a collector of three generations (not 3.14.0 to 3.14.4, not a build without
the global lock). Tried on 3.8 to 3.13. The format of logs and outcomes is told in README.md beside this file.

What the machine of the format is here
--------------------------------------
Registers are a list, null is None, the weak reference table and limbo are lists. An object is an instance of a class
with __slots__: its six reference slots, its number, the name of its finalizer's event, and two payloads. A weak
reference is a `weakref.ref`; its callback, if it has one, is a Python function made before the start.

How observing costs the counters nothing
----------------------------------------
The counters count allocations and frees of collectable ("GC") objects, so the loop must neither make nor free one but
those of the log.

* Everything is made before the start: decoded operations (tuples), the iterator over them, callbacks, payloads and their
  weak references, bound methods. Then three full collections (they also untrack every tuple and dict of atoms), gc.freeze(),
  and one more full collection, which leaves the generations empty, the counts 0, and long_lived_total = pending = 0.
* The loop calls nothing that allocates a collectable object. Built-in functions that take a vector of arguments make no
  tuple; gc.set_threshold, which wants one, is called as f(*t) with a tuple made before, which is passed as it is.
  Calls of a class without arguments share the empty tuple. Calls of Python functions (callbacks, finalizers) make no frame
  object from 3.11 on; before, each code object keeps a frame to use again (a "zombie", 3.8 and 3.9), and every function is called
  once before the start so that it has one. 3.10 has a free list of frames instead, which full collections empty; so
  after each of those some generators made before the start end: their frames land on that list, which has room for 200, and the
  generators themselves live on. That there was a full collection is what the byte from the child tells. Those frames were in the
  permanent generation, whose size is told as if they still were. What remains up to 3.10: the frame of a finalizer that runs 50
  deaths deep is put off by the trashcan and keeps its object until the others are dead.
* weakref.ref(object, callback) does need an argument tuple. A tuple taken from the free list is not counted, nor
  is one that goes there. So before each such call a tuple made before the start is released: it lands on the free list
  (full collections empty that list, therefore one for each call) and is what the call then takes. These tuples hold
  only atoms, so they are untracked, and their release does not change the size of the permanent generation either.
  On 3.11 and before, where a collection runs inside the allocation, even that tuple would be seen: it is tracked, in
  generation 0, while the weak reference is allocated, and would count as a survivor. There one tuple, made before the start and
  untracked, gets the object's address written into it (ctypes arrays store an integer; nothing is allocated) and is
  passed with f(*t).
* 3.13 allocates a pair for every death that calls a weak reference's callback, even a single one, so there a tuple is released
  before each operation. It returns to the free list, so one is enough: nothing dies within such a callback.
* Teardown is seen by payloads, in the first and in the last slot of an object: code objects, which are
  weakly referenceable and are no GC objects themselves, so that their deaths change no counter. All are copies of one, and share
  its tuples. Slots are cleared in order of name, so the first payload's death is the beginning of the teardown and the
  last one's the end. Each payload has one weak reference, made before the start, whose callback is the list's append:
  a method in C that takes one argument. (With two weak references on one object its death would allocate a tuple; 3.13
  does for one as well, see above.)
* The list of events holds strings and payloads' weak references, all made before; list.append and list.clear move no
  GC object.
* After each operation the process forks. In the child the first act is to switch the collector off and the second to read the
  counters; it may then allocate as it likes: statistics, lists, text. The parent only reads a byte, which says that the child
  is done; children are reaped by the kernel (SIGCHLD ignored), since os.waitpid would return a tuple.
  Modules that register fork handlers (threading, random) are not imported.
* A collection that is due runs, from 3.12 on, at the next check of the evaluation loop: at the end of the very call that allocated,
  while its result is on the interpreter's stack. So the new object is alive, tracked and empty then.

After the first `unfreeze` the interpreter's own objects are in generation 2, among them the lists above. The number of
those objects (`baseline_frozen`) and how many of them are immortal (`baseline_immortal`) is the first line.
"""

import gc
import json
import os
import signal
import sys
import weakref

SLOTS = 6
# Frames that 3.10 gets at a time. One is in use at a time, but for those that the trashcan puts off; many would slow the fork.
FRAMES = 8
SHOWS_GENERATIONS = {"collect", "snap", "freeze", "unfreeze", "unlimbo"}


def main(path):
    version = sys.version_info[:2]
    incremental = (3, 14, 0) <= sys.version_info[:3] < (3, 14, 5)
    if version < (3, 8) or incremental or "t" in sys.abiflags or sys.implementation.name != "cpython":
        sys.exit("record_outcome.py: a CPython from 3.8 on with three generations is needed, not %s" % sys.version.split()[0])
    sys.setswitchinterval(1000)
    gc.disable()
    with open(path) as file:
        lines = [json.loads(line) for line in file if line.strip()]
    header, operations = lines[0], lines[1:]
    if header["slots"] != SLOTS:
        sys.exit("record_outcome.py: %s: objects have %d slots here, not %d" % (path, SLOTS, header["slots"]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    out_path = "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"
    out_path = os.path.join(out_path, "record_outcome.%d" % os.getpid())
    out = os.open(out_path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    os.unlink(out_path)
    run(header, operations, out, version)
    os.lseek(out, 0, os.SEEK_SET)
    with os.fdopen(out) as file:
        observed = [json.loads(line) for line in file]
    if version == (3, 10):
        count_spent_frames(observed, operations)
    print_outcome(observed, len(operations))
    sys.stdout.flush()
    # No need to tear down what the log left.
    os._exit(0)


def run(header, operations, out, version):
    events = []
    limbo = []
    add = events.append
    limbo_add = limbo.append

    # A class's slots are laid out, and cleared, in order of name: the first payload, the six, the last payload.
    names = ["s%d" % s for s in range(SLOTS)]
    layout = ["a"] + names + ["y_number", "y_event", "z", "__weakref__"]

    class O:
        __slots__ = layout

    class F:
        __slots__ = layout

        def __del__(self, add=add):
            add(self.y_event)

    class Z:
        __slots__ = layout

        def __del__(self, add=add, limbo_add=limbo_add):
            add(self.y_event)
            limbo_add(self)

    class Payload(weakref.ref):
        __slots__ = ("event",)

    def callback_of(name):
        def callback(weak, add=add, name=name):
            add(name)
        # A code object of its own: see the docstring about frames.
        callback.__code__ = callback.__code__.replace()
        return callback

    kinds = {"O": O, "F": F, "Z": Z}
    instances = frozenset(kinds.values())

    # Decode. An operation is (i, code, a, b, c, d, e): numbers, classes, names, callbacks.
    code_of = {name: code for code, name in enumerate(
        ("store", "alloc", "drop", "load", "move", "clear", "weakref", "wslot", "deref", "dropweak", "unlimbo", "collect",
         "set_threshold", "enable", "disable", "freeze", "unfreeze", "snap"))}
    # Codes are compared by identity with these names, most frequent first.
    (STORE, ALLOC, DROP, LOAD, MOVE, CLEAR, WEAKREF, WSLOT, DEREF, DROPWEAK, UNLIMBO, COLLECT,
     SET_THRESHOLD, ENABLE, DISABLE, FREEZE, UNFREEZE, SNAP) = range(18)
    program = []
    allocated = 0
    weaks = 0
    finalizer_events = []
    for i, operation in enumerate(operations):
        name = operation["op"]
        a = b = c = d = e = None
        if name == "alloc":
            a, b, c, d = operation["r"], kinds[operation["k"]], allocated, "f%d" % allocated
            allocated += 1
        elif name in ("store", "load"):
            a, b, c = operation["r"], operation["q"], names[operation["s"]]
        elif name == "clear":
            a, c = operation["r"], names[operation["s"]]
        elif name == "move":
            a, b = operation["r"], operation["q"]
        elif name in ("drop", "unlimbo"):
            a = operation["r"]
        elif name in ("weakref", "wslot"):
            a = operation["r"]
            d = operation["w"]
            e = callback_of("w%d" % d) if operation["cb"] else None
            if name == "wslot":
                b, c = operation["q"], names[operation["s"]]
            weaks = max(weaks, d + 1)
        elif name == "deref":
            a, d = operation["r"], operation["w"]
        elif name == "dropweak":
            d = operation["w"]
        elif name == "collect":
            a = operation["g"]
        elif name == "set_threshold":
            a = (operation["a"], operation["b"], operation["c"])
        elif name not in code_of:
            sys.exit("record_outcome.py: unknown operation %r" % name)
        program.append((i, code_of[name], a, b, c, d, e, name in SHOWS_GENERATIONS))

    registers = [None] * header["registers"]
    weak_references = [None] * weaks
    weak_addresses = [0] * weaks

    # Payloads, two for each object; the last of the list is taken first. Only slots hold them, tables hold their weak references.
    pattern = compile("", "payload", "exec")
    payloads = []
    payload_references = []
    for number in range(allocated):
        for prefix in "be":
            payload = pattern.replace()
            reference = Payload(payload, add)
            reference.event = "%s%d" % (prefix, number)
            payload_references.append(reference)
            payloads.append(payload)
    payloads.reverse()
    payload = reference = None

    # Argument tuples.
    makers = sum(operation["op"] in ("weakref", "wslot") for operation in operations)
    ones = [tuple([n]) for n in range(makers)]
    patched = version < (3, 12)
    # See the docstring about 3.13. The free list has room for 2,000.
    stock_each = version >= (3, 13)
    if makers + len(program) * stock_each > 1900:
        sys.exit("record_outcome.py: %d operations are too many" % len(program))
    pairs = [tuple([n, n]) for n in range(makers + len(program) * stock_each)]
    if patched:
        # The standard library's way to write into a tuple. `patch_one` and `patch_two` see the tuples' items.
        import ctypes

        one, two = tuple([0]), tuple([0, 0])
        items = tuple.__basicsize__
        patch_one = (ctypes.c_size_t * 1).from_address(id(one) + items)
        patch_two = (ctypes.c_size_t * 2).from_address(id(two) + items)
        zero = id(one[0])
        if patch_one[0] != zero or patch_two[1] != zero:
            sys.exit("record_outcome.py: tuples have another layout here")
    # See the docstring about 3.10.
    spends_frames = version == (3, 10)
    frames = [suspended() for _ in range(FRAMES * (len(program) + 1) * spends_frames)]
    for step in frames:
        next(step)
    frames_left = iter(frames)
    each_of_them = range(FRAMES)
    threshold = tuple(header["threshold"])
    enabled = header["enabled"]

    fork, read, pipe_read = os.fork, os.read, None
    pipe_read, pipe_write = os.pipe()
    disable, enable, collect, freeze, unfreeze = gc.disable, gc.enable, gc.collect, gc.freeze, gc.unfreeze
    set_threshold, get_count, get_freeze_count = gc.set_threshold, gc.get_count, gc.get_freeze_count
    Ref, weak_count = weakref.ref, weakref.getweakrefcount
    pop_payload, pop_one, pop_pair, pop_limbo = payloads.pop, ones.pop, pairs.pop, limbo.pop
    clear_events = events.clear

    def observe(i, ret, count, frozen, shows):
        """In the child: writes a line, says so, ends."""
        status = 1
        try:
            stats = [[s["collections"], s["collected"], s["uncollectable"]] for s in gc.get_stats()]
            generations = None
            if shows:
                numbers = {address: -1 - w for w, address in enumerate(weak_addresses) if address}
                generations = []
                for generation in range(3):
                    found = []
                    for thing in gc.get_objects(generation):
                        if thing.__class__ in instances:
                            found.append(thing.y_number)
                        elif thing.__class__ is Ref and id(thing) in numbers:
                            found.append(numbers[id(thing)])
                    generations.append(found)
            names = [event if event.__class__ is str else event.event for event in events]
            line = json.dumps([i, ret, names, count, stats, frozen, generations]) + "\n"
            if os.write(out, line.encode()) == len(line):
                status = 0
        finally:
            # A character for the number of full collections.
            os.write(pipe_write, b"!" if status else bytes([48 + stats[2][0] % 64]))
            os._exit(status)

    # Every Python function of the loop gets a frame to use again (3.8, 3.9): warm up.
    for kind in (F, Z):
        thing = kind()
        thing.y_event = "warm"
        kind.__del__(thing)
        # Its finalizer must not run a second time, in the loop.
        limbo.clear()
        thing = None
        limbo.clear()
    for step in program:
        if step[6] is not None:
            step[6](None)
    events.clear()
    kind = thing = step = operation = None
    # These are as the loop will use them; reading the permanent generation is meaningful only after the collections.
    steps = iter(program)
    x = None
    ret = None
    i = code = a = b = c = d = e = shows = None
    collect()
    collect()
    collect()
    immortal = get_freeze_count()
    freeze()
    collect()
    # Two looks at the start: counts first, then what is left in the generations (asking for one list counts as one).
    if fork() == 0:
        disable()
        count = get_count()
        observe(immortal, None, count, get_freeze_count(), False)
    read(pipe_read, 1)
    if fork() == 0:
        disable()
        left = len(gc.get_objects(0)) + len(gc.get_objects(1)) + len(gc.get_objects(2))
        observe(left, None, [0, 0, 0], get_freeze_count(), False)
    told = fulls = read(pipe_read, 1)
    if spends_frames:
        for x in each_of_them:
            next(next(frames_left), None)
        x = None
    set_threshold(*threshold)
    if enabled:
        enable()
    for i, code, a, b, c, d, e, shows in steps:
        ret = None
        if stock_each:
            pop_pair()
        if code == STORE:
            x = registers[a]
            if x is not None:
                setattr(x, c, registers[b])
                x = None
        elif code == ALLOC:
            registers[a] = None
            registers[a] = b()
            x = registers[a]
            x.a = pop_payload()
            x.s0 = None
            x.s1 = None
            x.s2 = None
            x.s3 = None
            x.s4 = None
            x.s5 = None
            x.y_number = c
            x.y_event = d
            x.z = pop_payload()
            x = None
            ret = c
        elif code == DROP:
            registers[a] = None
        elif code == LOAD:
            x = registers[b]
            if x is not None:
                x = getattr(x, c)
                if x.__class__ is Ref:
                    x = None
                registers[a] = x
                x = None
        elif code == MOVE:
            registers[a] = registers[b]
        elif code == CLEAR:
            x = registers[a]
            if x is not None:
                setattr(x, c, None)
                x = None
        elif code == WEAKREF or code == WSLOT:
            # `x` is the referent; for `wslot` there must be a holder as well.
            if code == WEAKREF:
                x = registers[a]
            elif registers[a] is not None:
                x = registers[b]
            if x is not None and weak_count(x) == 0:
                ret = 1
                if patched:
                    if e is None:
                        patch_one[0] = id(x)
                        x = Ref(*one)
                        patch_one[0] = zero
                    else:
                        patch_two[0] = id(x)
                        patch_two[1] = id(e)
                        x = Ref(*two)
                        patch_two[0] = zero
                        patch_two[1] = zero
                elif e is None:
                    pop_one()
                    x = Ref(x)
                else:
                    pop_pair()
                    x = Ref(x, e)
                # Now `x` is the weak reference.
                weak_addresses[d] = id(x)
                if code == WEAKREF:
                    weak_references[d] = x
                else:
                    setattr(registers[a], c, x)
            x = None
        elif code == DEREF:
            x = weak_references[d]
            if x is not None:
                x = x()
            registers[a] = x
            ret = -1 if x is None else x.y_number
            x = None
        elif code == DROPWEAK:
            weak_references[d] = None
        elif code == UNLIMBO:
            if limbo:
                x = pop_limbo()
                registers[a] = x
                ret = x.y_number
                x = None
        elif code == COLLECT:
            ret = collect(a)
        elif code == SET_THRESHOLD:
            set_threshold(*a)
        elif code == ENABLE:
            enable()
        elif code == DISABLE:
            disable()
        elif code == FREEZE:
            freeze()
        elif code == UNFREEZE:
            unfreeze()
        if fork() == 0:
            disable()
            count = get_count()
            observe(i, ret, count, get_freeze_count(), shows)
        told = read(pipe_read, 1)
        if told < b"0":
            os._exit(3)
        if spends_frames and told != fulls:
            fulls = told
            for x in each_of_them:
                next(next(frames_left), None)
            x = None
        clear_events()
    disable()


def suspended():
    yield


def count_spent_frames(observed, operations):
    """Adds to the sizes of the permanent generation the frames that were taken from it, at first and after each full collection."""
    frozen, spent, fulls = True, FRAMES, observed[1][4][2][0]
    for seen, operation in zip(observed[2:], operations):
        if operation["op"] in ("freeze", "unfreeze"):
            frozen = operation["op"] == "freeze"
        if frozen:
            seen[5] += spent
        if seen[4][2][0] != fulls:
            spent, fulls = spent + FRAMES, seen[4][2][0]


def print_outcome(observed, operations):
    """What the children saw, as differences."""
    immortal, _, _, count, stats_before, frozen_at_start, _ = observed[0]
    left = observed[1][0]
    if count != [0, 0, 0] or left != 0 or len(observed) != operations + 2:
        sys.exit("record_outcome.py: the start is not clean: counts %s, %d objects left; %d of %d lines" % (
            count, left, len(observed), operations + 2))
    dump = json.JSONEncoder(separators=(",", ":")).encode
    python = sys.version.split()[0]
    print(dump({"oracle": 1, "python": python, "baseline_frozen": frozen_at_start, "baseline_immortal": immortal}))
    frozen_before = frozen_at_start
    for i, ret, names, count, stats, frozen, generations in observed[2:]:
        line = {"i": i}
        if ret is not None:
            line["ret"] = ret
        if names:
            line["ev"] = names
        line["cnt"] = count
        if stats != stats_before:
            line["dst"] = [[now - before for now, before in zip(*pair)] for pair in zip(stats, stats_before)]
            stats_before = stats
        if frozen != frozen_before:
            line["fz"] = frozen - frozen_at_start
            frozen_before = frozen
        if generations is not None:
            line["gens"] = generations
        print(dump(line))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 -I -S record_outcome.py LOG.ops.jsonl > LOG.out.jsonl")
    main(sys.argv[1])
