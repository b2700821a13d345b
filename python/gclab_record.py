"""Records the collector's pauses of a running Python program, and its requests, as JSON lines that `gclab recorded` reads.

    import gclab_record
    gclab_record.start("pauses-{pid}.jsonl")        # in each worker process, once
    application = gclab_record.wsgi(application)    # or asgi(application)
    with gclab_record.request("nightly job"): ...   # or by hand

One file, standard library only, CPython 3.9 to 3.13 (3.14 by reading only).

A pause lasts from the collector's "start" callback to its "stop" callback, both of `gc.callbacks`. Callbacks of others that
were installed before this one run at its end and are in it. A request lasts from the call of the application to the end of its
answer: a service time; what it waited for in front of the server is not in it. Times are integer nanoseconds of
`time.perf_counter_ns`, from the beginning of the recording.

Cost: two clock readings and one append for each collection or request; a thread writes what has gathered, once a second and at
the end. No object that the collector counts is kept, so the program collects when it would have collected anyway.

The lines are described by bench-results/schema/recording.schema.json of gclab.
"""

import _thread
import array
import atexit
import contextlib
import gc
import json
import os
import sys
import threading
import time

_clock = time.perf_counter_ns

# Each collection is five numbers, each request four: one array holds many without an object for each.
_COLLECTION, _REQUEST = 5, 4
# When a writer cannot keep up, what comes after so many numbers is counted and left out.
_MOST = 5_000_000


class _Recording:
    """What is recorded in this process."""

    def __init__(self, path, every_s):
        self.path, self.every_s = path, every_s
        self.names, self.number_of = [], {}
        self.begin()

    def begin(self):
        self.writing, self.naming = threading.Lock(), threading.Lock()
        self.collections, self.requests = array.array("q"), array.array("q")
        self.dropped, self.pause_start = 0, None
        self.stopped = threading.Event()
        self.origin = _clock()
        self.process = os.getpid()
        # A file number: a buffer half written by another thread would be written twice after a fork.
        path = self.path.replace("{pid}", str(self.process))
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        head = {
            "kind": "start",
            "schema": 1,
            "runtime": "CPython " + sys.version.split()[0],
            "process": self.process,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "threshold": list(gc.get_threshold()),
            "enabled": gc.isenabled(),
        }
        self.put(json.dumps(head) + "\n")
        threading.Thread(target=self.write_regularly, args=(self.stopped,), name="gclab_record", daemon=True).start()

    def on_collection(self, phase, info):
        if phase == "start":
            self.pause_start = _clock()
            return
        end, start, self.pause_start = _clock(), self.pause_start, None
        # None: the recording began inside this collection.
        if start is not None:
            numbers = (start, end, info["generation"], info["collected"], info["uncollectable"])
            self.add(self.collections, numbers)

    def on_request(self, start, name):
        end = _clock()
        number = self.number_of.get(name)
        if number is None:
            with self.naming:
                number = self.number_of.setdefault(name, len(self.names))
                if number == len(self.names):
                    self.names.append(name)
        self.add(self.requests, (start, end, number, _thread.get_ident()))

    def add(self, to, numbers):
        if len(to) < _MOST:
            to.extend(numbers)
        else:
            self.dropped += 1

    def write_regularly(self, stopped):
        while not stopped.wait(self.every_s):
            self.write()

    def write(self):
        with self.writing:
            lines, origin = [], self.origin
            collections, requests = _taken(self.collections), _taken(self.requests)
            for at in range(0, len(collections), _COLLECTION):
                start, end, generation, collected, uncollectable = collections[at : at + _COLLECTION]
                lines.append(
                    '{"kind":"collection","start_ns":%d,"end_ns":%d,"generation":%d,"collected":%d,"uncollectable":%d}\n'
                    % (start - origin, end - origin, generation, collected, uncollectable)
                )
            for at in range(0, len(requests), _REQUEST):
                start, end, name, thread = requests[at : at + _REQUEST]
                line = '{"kind":"request","start_ns":%d,"end_ns":%d,"thread":%d,"name":%s}\n'
                # A request that began before the recording did is not whole.
                if start >= origin:
                    lines.append(line % (start - origin, end - origin, thread, json.dumps(self.names[name])))
            self.put("".join(lines))

    def put(self, text):
        rest = memoryview(text.encode())
        while rest:
            rest = rest[os.write(self.file, rest) :]

    def end(self):
        self.stopped.set()
        self.write()
        with self.writing:
            self.put(json.dumps({"kind": "end", "ns": _clock() - self.origin, "dropped": self.dropped}) + "\n")
            os.close(self.file)

    def in_child(self):
        """A forked child has a recording of its own; what its parent had gathered is the parent's to write."""
        if "{pid}" not in self.path:
            stop_quietly()
            return
        with contextlib.suppress(OSError):
            os.close(self.file)
        self.begin()


def _taken(numbers):
    # Others append meanwhile, but only whole rows and only at the end.
    taken = numbers[:]
    del numbers[: len(taken)]
    return taken


_recording = None
_hooked = False


def start(path="pauses-{pid}.jsonl", every_s=1.0):
    """Begins a recording; `{pid}` in the path becomes the process. A forked child goes on in a file of its own if the path
    has `{pid}`, and records nothing if it has not. Raises RuntimeError if one is running.
    """
    global _recording, _hooked
    if _recording is not None:
        raise RuntimeError("a recording is running already, to %s" % _recording.path)
    _recording = _Recording(os.path.abspath(os.fspath(path)), every_s)
    gc.callbacks.append(_recording.on_collection)
    if not _hooked:
        _hooked = True
        atexit.register(stop)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_in_child)


def stop():
    """Ends the recording, if one is running, and writes what is left."""
    recording = _recording
    stop_quietly()
    if recording is not None:
        recording.end()


def stop_quietly():
    """Ends the recording without writing."""
    global _recording
    if _recording is not None:
        gc.callbacks[:] = [one for one in gc.callbacks if one != _recording.on_collection]
        _recording = None


def _in_child():
    dumper = sys.modules.get("gclab_dump")
    if _recording is not None and not (dumper and dumper._forking):
        _recording.in_child()


def _done(begin, name):
    if _recording is not None:
        _recording.on_request(begin, name)


@contextlib.contextmanager
def request(name="request"):
    """A request, or any other section of work."""
    begin = _clock()
    try:
        yield
    finally:
        _done(begin, name)


class _Answer:
    """A WSGI answer that tells when the server has closed it."""

    def __init__(self, answer, begin, name):
        self.answer, self.begin, self.name = answer, begin, name

    def __iter__(self):
        return iter(self.answer)

    def close(self):
        try:
            if hasattr(self.answer, "close"):
                self.answer.close()
        finally:
            _done(self.begin, self.name)


class _CountedAnswer(_Answer):
    """An answer that has a length: servers take the Content-Length from a list of one block."""

    def __len__(self):
        return len(self.answer)


def wsgi(application, name=lambda environ: environ.get("REQUEST_METHOD", "request")):
    """Wraps a WSGI application. `name` names a request by its environment; give few names and no personal ones.

    An instance of the server's class `wsgi.file_wrapper` is passed on as it is, since the server may send its file only if it
    recognises it: such a request lasts until the application has returned it.
    """

    def recorded(environ, start_response):
        begin, called = _clock(), name(environ)
        try:
            answer = application(environ, start_response)
        except BaseException:
            _done(begin, called)
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(answer, wrapper):
            _done(begin, called)
            return answer
        return (_CountedAnswer if hasattr(answer, "__len__") else _Answer)(answer, begin, called)

    return recorded


def asgi(application, name=lambda scope: scope.get("method", "request")):
    """Wraps an ASGI application: its HTTP requests; whatever else it serves goes by unrecorded."""

    async def recorded(scope, receive, send):
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        begin, called = _clock(), name(scope)
        try:
            await application(scope, receive, send)
        finally:
            _done(begin, called)

    return recorded
