"""Writes the heap of a running Python program into a GCHEAP file, which `gclab heap` reads.

    import gclab_dump
    gclab_dump.dump("heap.gcheap.gz")                    # now, from inside the program
    gclab_dump.on_signal(signal.SIGUSR2, "heap-{pid}-{n}.gcheap.gz")
    python -m gclab_dump --out heap.gcheap.gz script.py arguments

One file, standard library only, CPython 3.9 to 3.13 (3.14 by reading only), default builds with a GIL.

How it works. The graph is what `gc.get_referents` tells of every object in `gc.get_objects()` and of every object found that
way; counts are `sys.getrefcount` less the references that this module holds. Which objects are cyclic garbage is not computed
here: the interpreter's own full collection says it, with `gc.DEBUG_SAVEALL`. The file holds names of attributes and no values.

Two methods:
`fork` (the default where it can be had and the process has one thread). The process stops for one `os.fork()`. A child writes
the file, a child of that child runs the collection. So nothing changes in the process: no weak reference is cleared, no
finalizer runs, no object moves to another generation. In the children finalizers and weak references' callbacks written in
Python are kept from running, and all inherited files and sockets are closed.
`here` (the default elsewhere). The process stops until the graph is in memory. With `garbage=True` a full collection runs in the
process, and these effects of it cannot be undone: finalizers of garbage have run, weak references to it are cleared, all
objects are in the oldest generation, counters and statistics have moved. Debug flags, the contents of `gc.garbage` and
`gc.callbacks`, whether the collector is enabled, the switch interval and the signal mask are as before.
"""

import _thread
import array
import contextlib
import gc
import gzip
import itertools
import json
import os
import signal
import struct
import sys
import time
import types
import warnings
import weakref

TRACKED, SUPPORTS_GC, IMMORTAL, GARBAGE, FINALIZER, WEAKLY_REFERENCED = 1, 2, 4, 8, 16, 32
GENERATION_SHIFT = 6
HAVE_GC = 1 << 14  # Py_TPFLAGS_HAVE_GC, Include/object.h
_GC_HEAD = 2 * struct.calcsize("P")
HOLD_S = 1e-4  # for each tracked object: so long other threads leave this one alone while a heap is dumped `here`

# A class may define these names for its own ends; the descriptors of `type` cannot be fooled.
_type_flags, _type_mro, _type_names, _type_basic_size, _type_item_size, _type_module, _type_name = (
    type.__dict__[name].__get__
    for name in ("__flags__", "__mro__", "__dict__", "__basicsize__", "__itemsize__", "__module__", "__qualname__")
)
_module_names = types.ModuleType.__dict__["__dict__"].__get__
# Values of these types, which every class is full of, get no name.
_PLAIN = (classmethod, staticmethod, property, types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType)
_PLAIN += (types.WrapperDescriptorType, types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType)

_numbers = itertools.count(1)
_forking = []  # not empty while this module forks: gclab_record does not begin a recording in the child
_waiting = []  # a number for each thread that waits for a child


def dump(path, garbage=True, method=None, wait=True, quiet=False, meta=None):
    """Writes the heap of this process to `path`; `{pid}` and `{n}` in it become the process and a running number.
    `garbage`: also run the interpreter's full collection and flag what it found. `method`: "fork", "here" or None (see the
    module). `wait`: with "fork", return only when the file is written; otherwise a thread waits for it. `quiet`: print nothing.
    `meta`: a dictionary of JSON values to put into the file's header.

    Returns a dictionary: path, method, stopped_s (how long the process stood still), took_s, bytes, nodes, edges, tracked,
    garbage; without `wait` only path, method and stopped_s. Raises RuntimeError if the heap could not be dumped.
    """
    if sys.implementation.name != "cpython" or not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise RuntimeError("only CPython with a GIL has the lists that are read here; run the program with that")
    if method is None:
        method = "fork" if hasattr(os, "fork") and not _other_threads() else "here"
    path = os.path.abspath(os.fspath(path).replace("{pid}", str(os.getpid())).replace("{n}", str(next(_numbers))))
    if method == "here":
        return _dump_here(path, garbage, meta, quiet)
    if method == "fork":
        return _dump_in_child(path, garbage, meta, wait, quiet)
    raise ValueError("method must be 'fork', 'here' or None, not %r" % (method,))


def on_signal(number, path, garbage=True, method=None, wait=False):
    """Dumps whenever the process receives this signal. Call it in the main thread, after the server has set its own signals."""

    def handler(_number, _frame):
        try:
            dump(path, garbage, method, wait)
        except Exception as error:
            _print("no heap dumped: %s" % error)

    signal.signal(number, handler)


def _print(line):
    # The file number, not sys.stderr: its lock may be held by the code that a signal interrupted.
    os.write(2, ("gclab_dump: " + line + "\n").encode())


def _say(told):
    garbage = "garbage not asked for" if told["garbage"] is None else "{:,} of them garbage".format(told["garbage"])
    line = "{path}: {bytes:,} bytes, {nodes:,} objects ({0}), {edges:,} references; process stopped for {1:,.1f} ms, "
    line += "file written after {took_s:.1f} s ({method})"
    _print(line.format(garbage, told["stopped_s"] * 1e3, **told))
    return told


def _dump_in_child(path, garbage, meta, wait, quiet):
    begin = time.perf_counter()
    reading, writing = os.pipe()
    # No handler of the application may run in the child: signals stay blocked there.
    mask = bytes(signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))
    _forking.append(True)
    stop_begin = time.perf_counter()
    try:
        pid = _fork()
        if pid == 0:
            _child(path, garbage, meta, writing)
        stopped_s = time.perf_counter() - stop_begin
    except OSError:
        os.close(reading)
        raise
    finally:
        _forking.pop()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(writing)
    told = {"path": path, "method": "fork", "stopped_s": stopped_s}
    if not wait:
        _waiting.append(pid)
        _thread.start_new_thread(_await, (pid, reading, begin, dict(told), quiet, False))
        return told
    return _await(pid, reading, begin, told, quiet, True)


def _fork():
    with warnings.catch_warnings():
        # The children run nothing but this module, and take no lock of another thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _other_threads():
    recorder = sys.modules.get("gclab_record")
    return _thread._count() - len(_waiting) - (recorder is not None and recorder._recording is not None)


def _await(pid, reading, begin, told, quiet, raises):
    """Waits for what the child has to tell, and adds it to `told`."""
    with open(reading, "rb") as file:
        told.update(json.loads(file.read() or b'{"error": "the child that writes it died"}'))
    with contextlib.suppress(ChildProcessError):  # the application's own handler, or the system, has taken its exit status
        os.waitpid(pid, 0)
    told["took_s"] = time.perf_counter() - begin
    error = told.get("error") and "%s was not written: %s" % (told["path"], told["error"])
    if not raises:
        _waiting.pop()
    elif error:
        raise RuntimeError(error)
    if not quiet:
        _print(error) if error else _say(told)
    return told


def _child(path, garbage, meta, writing):
    """The whole life of the child. Never returns."""
    try:
        settings = _settings()
        gc.disable()
        sys.setprofile(None)
        sys.settrace(None)
        _close_inherited({0, 1, 2, writing})
        addresses = _garbage_in_grandchild(writing) if garbage else None
        told = _write(path, _snapshot(settings, addresses, [], unfreeze=True), garbage, meta)
    except BaseException as error:
        told = {"error": "%s: %s" % (type(error).__name__, error)}
    try:
        with open(writing, "wb") as file:
            file.write(json.dumps(told).encode())
    finally:
        os._exit(0)


def _close_inherited(kept):
    # A connection that the parent closes stays open for its client as long as a child has it.
    for name in os.listdir("/dev/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _garbage_in_grandchild(writing):
    """Addresses of what a full collection finds unreachable; a copy of a process has its objects at the same addresses."""
    reading, answering = os.pipe()
    pid = _fork()
    if pid == 0:
        try:
            os.close(writing)
            with open(answering, "wb") as file:
                try:
                    file.write(b"!" + _collect_silently().tobytes())
                except BaseException as error:
                    file.write(("%s: %s" % (type(error).__name__, error)).encode())
        finally:
            os._exit(0)
    os.close(answering)
    with open(reading, "rb") as file:
        told = file.read()
    os.waitpid(pid, 0)
    if not told.startswith(b"!"):
        raise RuntimeError("the collection failed: %s" % (told.decode() or "its process died"))
    return array.array("Q", told[1:])


def _collect_silently():
    """Addresses of the garbage, found without running what it would have done at its end. Only for a process that is thrown
    away: objects are marked as finalized, and functions refused.
    """
    objects = gc.get_objects()
    existing = set(map(id, objects))
    kinds = {id(type(one)): type(one) for one in objects}
    with_finalizer = {address for address, kind in kinds.items() if _has_finalizer(kind)}
    finalizable = [id(one) for one in objects if id(type(one)) in with_finalizer]
    del objects, kinds
    _mark_finalized(finalizable)
    # What is left are callbacks of weak references. A profiler that raises keeps functions in Python from starting; it is
    # then switched off, the error is reported, and the report switches it on again.
    sys.unraisablehook = _rearm
    _rearm(None)
    found = _collect_and_keep()
    sys.setprofile(None)
    # What this module did since then may have left garbage too, as the import of ctypes does.
    return array.array("Q", [id(one) for one in found if id(one) in existing])


def _refuse(_frame, event, _argument):
    if event == "call" and _frame.f_globals is not globals():
        raise RuntimeError("this process only looks for garbage")


def _rearm(_unraisable):
    sys.setprofile(_refuse)


def _mark_finalized(addresses):
    """Sets the mark of objects whose finalizer has run, so that it does not run."""
    try:
        import ctypes
    except ImportError:
        return  # finalizers in Python are still refused
    for address in addresses:
        # PyGC_Head lies before the object; bit 0 of its second word is _PyGC_PREV_MASK_FINALIZED.
        ctypes.c_size_t.from_address(address - _GC_HEAD // 2).value |= 1


def _collect_and_keep():
    """Runs a full collection that keeps what it finds, which is returned; all settings are as before."""
    enabled, flags, before, callbacks = gc.isenabled(), gc.get_debug(), len(gc.garbage), gc.callbacks[:]
    collections = gc.get_stats()[2]["collections"]
    del gc.callbacks[:]
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        found = gc.garbage[before:]
        del gc.garbage[before:]
    finally:
        gc.set_debug(flags)
        gc.callbacks[:0] = callbacks
        if enabled:
            gc.enable()
    if gc.get_stats()[2]["collections"] == collections:
        raise RuntimeError("a collection is running already; do not dump from a finalizer or a collector's callback")
    return found


def _dump_here(path, garbage, meta, quiet):
    begin = time.perf_counter()
    enabled, interval = gc.isenabled(), sys.getswitchinterval()
    mask = bytes(signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())) if hasattr(signal, "pthread_sigmask") else None
    sys.setswitchinterval(0.2 + HOLD_S * len(gc.get_objects()))
    try:
        # Whoever waits for the lock now may ask for it once more after the old interval. Let them.
        waiting = time.perf_counter() + 2 * interval if _thread._count() else 0
        while time.perf_counter() < waiting:
            pass
        gc.disable()
        stop_begin = time.perf_counter()
        settings = _settings()
        kept = _collect_and_keep() if garbage else []
        addresses = array.array("Q", map(id, kept)) if garbage else None
        snapshot = _snapshot(settings, addresses, kept, unfreeze=False)
        stopped_s = time.perf_counter() - stop_begin
        del kept
    finally:
        sys.setswitchinterval(interval)
        if enabled:
            gc.enable()
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    told = _write(path, snapshot, garbage, meta)
    told.update(path=path, method="here", stopped_s=stopped_s, took_s=time.perf_counter() - begin)
    return told if quiet else _say(told)


def _settings():
    return {"threshold": gc.get_threshold(), "count": gc.get_count(), "stats": gc.get_stats(), "frozen": gc.get_freeze_count()}


def _snapshot(settings, addresses, kept, unfreeze):
    """The graph as columns. `addresses` are those of the garbage, or None; `kept` is a list of this module's that keeps
    garbage alive. Nothing else may run meanwhile.
    """
    # Since 3.10 each array counts as a reference to its type.
    arrays = list(map(sys.getrefcount, [array.array]))[0] - _CALL - 1
    arrays -= addresses is not None and sys.version_info >= (3, 10)
    old_count = len(gc.get_objects(generation=2))
    if unfreeze and settings["frozen"]:
        gc.unfreeze()  # to the end of the oldest generation
    own, own_targets = _own_part(globals())
    # From here to the last of the three lists no other container is made, so that none of this module's is in them.
    private = (own, own_targets, kept, addresses, settings, *settings.values(), *settings["stats"])
    own.update(id(one) for one in private if one is not None)
    own.add(id(private))
    young, middle, old = (gc.get_objects(generation=0), gc.get_objects(generation=1), gc.get_objects(generation=2))
    own_targets.extend(map(id, kept))

    objects, generations = [], bytearray()
    for number, part in enumerate((young, middle, old[:old_count])):
        objects += [one for one in part if id(one) not in own]
        generations += bytes([number + 1]) * (len(objects) - len(generations))
    # The collector does not examine the permanent generation: to it, these are not tracked.
    objects += [one for one in old[old_count:] if id(one) not in own]
    del young, middle, old, part, private

    number_of = {id(one): number for number, one in enumerate(objects)}
    references = array.array("Q", bytes(8 * len(objects)))  # to each object, from tracked ones
    degrees, steps = array.array("I"), array.array("Q")
    get_referents, tracked = gc.get_referents, len(generations)
    for number, one in enumerate(objects):  # the list grows meanwhile
        before, degree = number, 0
        for target in get_referents(one):
            there = number_of.get(id(target))
            if there is None:
                if id(target) in own:
                    continue
                there = number_of[id(target)] = len(objects)
                objects.append(target)
                references.append(0)
            if number < tracked:
                references[there] += 1
            degree += 1
            step, before = there - before, there
            steps.append(step << 1 if step >= 0 else (-step << 1) - 1)
        degrees.append(degree)
    one = target = None

    counts, immortal = _counts(objects, own_targets, number_of, arrays)
    kinds, sizes, flags, types_of = _describe(objects)
    for number, generation in enumerate(generations):
        flags[number] |= TRACKED | generation << GENERATION_SHIFT
    for number in immortal:
        flags[number] |= IMMORTAL
    for address in addresses or ():
        number = number_of.get(address, tracked)
        if number >= tracked:
            raise RuntimeError("the collection found an object that was not there before it")
        flags[number] |= GARBAGE
    if counts[:tracked] != _counts(objects, own_targets, number_of, arrays)[0][:tracked]:
        raise RuntimeError("another thread ran while the heap was read; try again, or use method='fork'")
    return {
        "figures": {"nodes": len(objects), "edges": len(steps), "tracked": tracked},
        "garbage": None if addresses is None else len(addresses),
        "raised": _raise_counts(counts, references, flags),
        "gc": settings,
        "types": types_of,
        "names": _names(objects, number_of),
        "columns": (kinds, flags, sizes, counts, degrees, steps),
    }


def _own_part(names):
    """Addresses of what is this module's (its dictionary, functions and code, and whatever only these refer to), and of all that
    these refer to, each as often as they do.
    """
    own = [names] + [one for one in names.values() if type(one) is types.FunctionType and one.__globals__ is names]
    own += [one for one in gc.get_referrers(names) if type(one) in (types.FunctionType, types.ModuleType)]
    code = [one.__code__ for one in own if type(one) is types.FunctionType]
    while code:
        own.append(code.pop())
        code += [constant for constant in own[-1].co_consts if type(constant) is types.CodeType]
    own = list({id(one): one for one in own}.values())
    while True:
        addresses = set(map(id, own))
        targets = [target for one in own for target in gc.get_referents(one)]
        times = {}
        for target in targets:
            times[id(target)] = times.get(id(target), 0) + 1
        one = target = None
        counts = list(map(sys.getrefcount, targets))
        more = {}
        for target, count in zip(targets, counts):
            # Its count is made of as many references from `targets` as from this module's own.
            if id(target) not in addresses and count - _CALL == 2 * times[id(target)]:
                more[id(target)] = target
            target = None
        if not more:
            return addresses, array.array("Q", map(id, targets))
        own += more.values()


def _counts(objects, own_targets, number_of, arrays):
    """Reference counts without this module's references, 0 for immortal objects; and the numbers of these."""
    # PEP 683: since 3.12 the count of an immortal object is a constant far above any other, give or take a few.
    least = sys.getrefcount(None) // 2 if sys.version_info >= (3, 12) else 1 << 62
    counts = array.array("Q", map(sys.getrefcount, objects))
    immortal = [number for number, count in enumerate(counts) if count >= least]
    counts = array.array("Q", [0 if count >= least else count - _CALL - 1 for count in counts])
    for address in own_targets:
        number = number_of.get(address)
        if number is not None and counts[number]:
            counts[number] -= 1
    if id(array.array) in number_of:
        counts[number_of[id(array.array)]] = arrays
    return counts, immortal


def _raise_counts(counts, references, flags):
    """Raises counts below the references to the object, which an extension makes that shows a reference it does not own, to one
    more than these: the collector, too, takes such an object for reachable. Returns how many there are.
    """
    examined = (number for number in range(len(counts)) if flags[number] & (TRACKED | IMMORTAL) == TRACKED)
    low = [number for number in examined if counts[number] < references[number]]
    for number in low:
        counts[number] = references[number] + 1
    return len(low)


def _describe(objects):
    """Type number, size and the flags that depend on the type alone, of each object; and the types."""
    known, types_of = {}, []
    kinds, sizes, flags = array.array("Q"), array.array("Q"), bytearray()
    size_of, weak_references = sys.getsizeof, weakref.getweakrefcount
    for one in objects:
        kind = type(one)
        entry = known.get(id(kind))
        if entry is None:
            supports_gc = bool(_type_flags(kind) & HAVE_GC)
            # A `__sizeof__` written in Python is not called.
            measures_itself = type(_found(kind, "__sizeof__")) is types.MethodDescriptorType
            flag = (SUPPORTS_GC if supports_gc else 0) | (FINALIZER if _has_finalizer(kind) else 0)
            entry = known[id(kind)] = (len(types_of), flag, measures_itself, supports_gc)
            name = "%s.%s" % (_text(_type_module, kind), _text(_type_name, kind))
            types_of.append((name, _type_basic_size(kind), abs(_type_item_size(kind)), int(supports_gc)))
        number, flag, measures_itself, supports_gc = entry
        kinds.append(number)
        sizes.append(size_of(one, 0) if measures_itself else object.__sizeof__(one) + (_GC_HEAD if supports_gc else 0))
        flags.append(flag | WEAKLY_REFERENCED if weak_references(one) else flag)
    return kinds, sizes, flags, types_of


def _names(objects, number_of):
    """Numbers and names, which the graph itself does not tell: of modules, their dictionaries, classes; and of what else the
    collector tracks among the values of a module or class, by the first that is found to hold it.
    """
    sorts, names, holders = dict.fromkeys(map(id, _PLAIN), 4), {}, []
    for number, one in enumerate(objects):
        sort = sorts.get(id(type(one)))
        if sort is None:
            bases = list(map(id, _type_mro(type(one)) or ()))
            sort = sorts[id(type(one))] = (id(types.ModuleType) in bases) + 2 * (id(type) in bases)
        if sort == 2:
            names[number] = "%s.%s" % (_text(_type_module, one), _text(_type_name, one))
            holders.append((names[number], _type_names(one) or {}))
        elif sort == 1:
            held = _module_names(one) or {}
            name = held.get("__name__")
            if type(name) is str:
                names[number] = names[number_of.get(id(held), number)] = name
                holders.append((name, held))
    for name, held in holders:
        for attribute, value in list(held.items()):
            number = number_of.get(id(value))
            wanted = type(attribute) is str and not attribute.startswith("__") and gc.is_tracked(value)
            if wanted and number not in names and number is not None and sorts[id(type(value))] == 0:
                names[number] = "%s.%s" % (name, attribute)
    return [(number, name.encode("utf-8", "replace").decode()) for number, name in sorted(names.items())]


def _text(descriptor, kind):
    try:
        text = descriptor(kind)
    except AttributeError:
        text = None
    return text.encode("utf-8", "replace").decode() if type(text) is str else "?"


def _found(kind, name):
    """What a type or its ancestors call by this name, or None. A type that was never made ready has no dictionary."""
    for one in _type_mro(kind) or ():
        if name in _type_names(one):
            return _type_names(one)[name]


def _has_finalizer(kind):
    # A type with tp_finalize has `__del__` in its dictionary, whether it is written in C or in Python.
    return _found(kind, "__del__") is not None


# What sys.getrefcount, called by map over a list, counts beside the references that there were before.
_CALL = next(map(sys.getrefcount, [object()])) - 1


def _leb128(numbers):
    encoded = bytearray()
    for number in numbers:
        while number > 127:
            encoded.append(number & 127 | 128)
            number >>= 7
        encoded.append(number)
    return encoded


def _write(path, snapshot, garbage, meta):
    """Writes the file under another name, then renames it. Returns its figures."""
    names = zip(("type", "flags", "size", "rc", "deg", "dst"), ("uv", "u8", "uv", "uv", "uv", "zz"))
    sections = [bytes(data) if data is snapshot["columns"][1] else _leb128(data) for data in snapshot["columns"]]
    header = {
        "format": "gcheap",
        "version": 1,
        "source": "cpython",
        "runtime": "CPython " + sys.version.split()[0],
        "gil": True,
        **snapshot["figures"],
        "meta": {"dumper": "gclab_dump", "garbage": bool(garbage), "counts_raised": snapshot["raised"], **(meta or {})},
        **{name: snapshot[name] for name in ("gc", "types", "names")},
        "sections": [(*name, len(data)) for name, data in zip(names, sections)],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    part = "%s.%d.part" % (path, os.getpid())
    try:
        with open(part, "wb") as file:
            # Without name and time the same heap gives the same bytes.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                packed.write(b"GCHEAP1\n" + struct.pack("<I", len(text)) + text)
                for data in sections:
                    packed.write(data)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return {**snapshot["figures"], "garbage": snapshot["garbage"], "bytes": os.path.getsize(path)}


# ---- python -m gclab_dump
USAGE = """\
usage: python -m gclab_dump [--out FILE] [--after SECONDS] [--no-garbage] [--method fork|here] SCRIPT [ARGUMENT...]

Runs a Python script and writes its heap when it ends, or after so many seconds (with SIGALRM, which the script must then not
use). FILE is heap-{pid}.gcheap.gz unless given."""


def _main(arguments):
    import getopt

    try:
        given, rest = getopt.getopt(arguments, "h", ["out=", "after=", "no-garbage", "method=", "help"])
        given = dict(given)
        if {"-h", "--help"} & set(given):
            print(USAGE)
            return 0
        after = float(given.get("--after", 0))
        if not rest or after < 0:
            raise ValueError("a script is needed, and seconds that are not negative")
        with open(rest[0], "rb") as file:
            code = compile(file.read(), rest[0], "exec")
    except (getopt.GetoptError, OSError, SyntaxError, ValueError) as error:
        _print("%s\n%s" % (error, USAGE))
        return 2
    options = (given.get("--out", "heap-{pid}.gcheap.gz"), "--no-garbage" not in given, given.get("--method"))
    # The script gets a main module of its own.
    sys.modules["__main__"] = types.ModuleType("__main__")
    namespace = sys.modules["__main__"].__dict__
    namespace.update(__file__=rest[0], __builtins__=__builtins__)
    sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
    sys.argv[:] = rest
    del given, file, rest
    if after:
        on_signal(signal.SIGALRM, *options, wait=True)
        signal.setitimer(signal.ITIMER_REAL, after)
    try:
        exec(code, namespace)
    finally:
        # Sooner than the interpreter takes the program apart, and after whatever it ended with.
        if not after or signal.setitimer(signal.ITIMER_REAL, 0)[0] > 0:
            dump(*options)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
