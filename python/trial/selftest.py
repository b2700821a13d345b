"""Checks of the dumper and the recorder with a small program; run it with any CPython from 3.9 on.

    python selftest.py [FOLDER]      leaves its files in FOLDER if given

Prints a line for each check and ends with 1 at the first that fails.
"""

import gc
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from wsgiref.handlers import SimpleHandler

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import gclab_dump
import gclab_record
from read_gcheap import Graph

happened = []


class Noisy:
    """Garbage with a finalizer."""

    def __init__(self):
        self.me = self

    def __del__(self):
        happened.append("finalizer")


class Plain:
    pass


def generator():
    try:
        yield
    finally:
        happened.append("generator")


class Watching(type):
    """A class whose attributes cannot be read unseen."""

    def __getattribute__(cls, name):
        happened.append(name)
        return super().__getattribute__(name)


class Registry(metaclass=Watching):
    entries, numbers, __hidden = [happened], {1: [2]}, [3]
    alias = happened

    def method(self):
        pass


def plant():
    """Makes garbage; returns weak references to it. 4 instances, their dictionaries where they have one, a generator."""
    noisy, plain, other = Noisy(), Plain(), Plain()
    plain.other, other.plain, plain.items = other, plain, [plain, (other, 1)]
    noisy.running = generator()
    next(noisy.running)
    return weakref.ref(plain, lambda _: happened.append("callback")), weakref.ref(other)


def check(what, found, wanted=True):
    if found != wanted:
        print("FAILED: %s: %r, not %r" % (what, found, wanted))
        sys.exit(1)
    print("ok      %s" % what)


def settings():
    return (gc.isenabled(), gc.get_debug(), gc.get_threshold(), gc.garbage[:], gc.callbacks[:], sys.getswitchinterval())


def dumps(folder):
    for method in ("fork", "here"):
        gc.collect()
        gc.disable()  # or the interpreter's own collection may come before the checks
        del happened[:]
        references = plant()
        before, children = settings(), (sys.getprofile(), sys.gettrace())
        told = gclab_dump.dump(os.path.join(folder, method + ".gcheap.gz"), method=method, quiet=True)
        check(method + ": settings are as before", settings() == before and children == (sys.getprofile(), sys.gettrace()))
        graph = Graph(told["path"])
        names = sorted(graph.name(node) for node in graph.flagged())
        check(method + ": what is flagged is what trial deletion finds", graph.flagged(), graph.garbage())
        check(method + ": both plain ones are flagged", names.count("__main__.Plain"), 2)
        check(method + ": the noisy one is flagged", names.count("__main__.Noisy"), 1)
        check(method + ": nothing of the dumper's is in it", [n for n in graph.header["types"] if "gclab_dump" in n[0]], [])
        check(method + ": no count had to be raised", graph.header["meta"]["counts_raised"], 0)
        untouched = method == "fork"
        check(method + ": weak references live", all(one() is not None for one in references), untouched)
        check(method + ": finalizers and callbacks ran", sorted(happened), [] if untouched else ["callback", "finalizer", "generator"])
    del graph, names
    gc.enable()
    gc.collect()
    live = Graph(gclab_dump.dump(os.path.join(folder, "live.gcheap.gz"), garbage=False, quiet=True)["path"])
    check("live: nothing is flagged", live.flagged(), [])
    check("live: at least the counts' worth of references", live.header["nodes"] > 1000 < live.header["edges"])
    del live
    gc.collect()
    same = [gclab_dump.dump(os.path.join(folder, "again%d.gcheap.gz" % i), garbage=False, quiet=True) for i in (1, 2)]
    check("twice the same", *[one["tracked"] for one in same])


def frozen(folder):
    kept = [Plain()]
    kept[0].list = kept
    gc.collect()
    gc.freeze()
    count = gc.get_freeze_count()
    loop = Plain()
    loop.me, loop.kept = loop, kept
    gc.disable()
    del loop
    graph = Graph(gclab_dump.dump(os.path.join(folder, "frozen.gcheap.gz"), method="fork", quiet=True)["path"])
    gc.enable()
    gc.unfreeze()
    # A frozen object dies by its count as any other, and a few may have.
    check("frozen: told", 0 <= count - graph.header["gc"]["frozen"] < 10)
    check("frozen: all are in it and few are tracked", graph.header["nodes"] > count > 10 * graph.header["tracked"])
    check("frozen: the garbage beside them is found", graph.flagged(), graph.garbage())
    check("frozen: of one", [graph.name(node) for node in graph.flagged()].count("__main__.Plain"), 1)


def named(folder):
    for method, freeze in (("fork", gc.freeze), ("here", gc.collect)):
        freeze()
        del happened[:]
        path = os.path.join(folder, "named.gcheap.gz")
        graph = Graph(gclab_dump.dump(path, garbage=False, method=method, quiet=True)["path"])
        check("names: %s: no class was asked" % method, happened, [])
        gc.unfreeze()
        found = {}
        for node, name in graph.header["names"]:
            found.setdefault(name, []).append(graph.name(node))
        kind = __name__ + ".Watching"
        wanted = {"": ["dict", "module"], ".Registry": [kind], ".Registry.entries": ["list"], ".Registry.numbers": ["dict"]}
        wanted = {__name__ + name: [k if k == kind else "builtins." + k for k in kinds] for name, kinds in wanted.items()}
        check("names: %s: of module, class, and their values" % method, {n: sorted(found.get(n, [])) for n in wanted}, wanted)
        aliases = [__name__ + ".happened", __name__ + ".Registry.alias"]
        check("names: %s: one for an object with two" % method, sum(name in found for name in aliases), 1)
        check("names: %s: of a module elsewhere" % method, found["sys.modules"], ["builtins.dict"])
        unnamed = [__name__ + ".plant", __name__ + ".Registry.method", "builtins.str.upper", "os.getpid", "os.__all__"]
        check("names: %s: none for functions and the interpreter's own" % method, [n for n in unnamed if n in found], [])
        check("names: %s: no node has two" % method, len({node for node, _ in graph.header["names"]}), len(graph.header["names"]))


def threads(folder):
    gc.collect()
    stop = threading.Event()

    def turn():
        while not stop.is_set():
            sum(range(100))

    thread = threading.Thread(target=turn)
    thread.start()
    gc.disable()
    references = plant()
    try:
        told = gclab_dump.dump(os.path.join(folder, "threads.gcheap.gz"), quiet=True)
    finally:
        stop.set()
        thread.join()
        gc.enable()
    graph = Graph(told["path"])
    check("threads: in the process itself", told["method"], "here")
    check("threads: weak references are cleared", [one() for one in references], [None, None])
    check("threads: what is flagged is what trial deletion finds", graph.flagged(), graph.garbage())
    check("threads: of both", [graph.name(node) for node in graph.flagged()].count("__main__.Plain"), 2)


def by_signal(folder):
    gclab_dump.on_signal(signal.SIGUSR2, os.path.join(folder, "signal-{n}.gcheap.gz"))
    os.kill(os.getpid(), signal.SIGUSR2)
    found = []
    for _ in range(600):
        found = [name for name in os.listdir(folder) if name.startswith("signal-") and name.endswith(".gz")]
        if found:
            break
        time.sleep(0.05)
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    check("signal: a file", len(found), 1)
    graph = Graph(os.path.join(folder, found[0]))
    check("signal: it is whole", graph.flagged(), graph.garbage())
    while gclab_dump._waiting:
        time.sleep(0.01)


def as_program(folder):
    script = os.path.join(folder, "script.py")
    with open(script, "w") as file:
        file.write("import sys\nkept = [sys.argv[1]] * 3\nclass Own: pass\none = Own(); one.me = one; del one\nsys.exit(3)\n")
    out = os.path.join(folder, "program.gcheap.gz")
    module = [sys.executable, "-m", "gclab_dump"]
    done = subprocess.run(module + ["--out", out, script, "word"], cwd=os.path.dirname(HERE), capture_output=True, text=True)
    check("program: its exit status is kept", done.returncode, 3)
    check("program: it says how long it stopped", "process stopped for" in done.stderr)
    graph = Graph(out)
    check("program: its garbage is flagged", "__main__.Own" in [graph.name(node) for node in graph.flagged()])
    check("program: and found", graph.flagged(), graph.garbage())
    with open(script, "w") as file:
        file.write("import time\nclass Running: pass\none = Running()\nbegin = time.time()\nwhile time.time() < begin + 1.5: pass\n")
    after = ["--out", out, "--after", "0.3", script]
    done = subprocess.run(module + after, cwd=os.path.dirname(HERE), capture_output=True, text=True)
    check("program: dumped on the way, once", done.stderr.count("process stopped for"), 1)
    graph = Graph(out)
    check("program: while it ran", "__main__.Running" in [kind[0] for kind in graph.header["types"]])
    done = subprocess.run(module + ["--after", "soon", script], cwd=os.path.dirname(HERE), capture_output=True, text=True)
    check("program: nonsense is refused", (done.returncode, "usage:" in done.stderr), (2, True))


class SendingHandler(SimpleHandler):
    """A server that sends files by itself, as those with sendfile() do."""

    origin_server = False  # no date, which would differ

    def sendfile(self):
        self.send_headers()
        self._write(b"sent " + self.result.filelike.read())
        return True


def served(application):
    """What a server answers with this application."""
    out = io.BytesIO()
    environ = {"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.0"}
    SendingHandler(io.BytesIO(), out, io.StringIO(), environ).run(application)
    return out.getvalue()


def answers(folder):
    path = os.path.join(folder, "answers.jsonl")

    def block(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]

    def blocks(environ, start_response):
        start_response("200 OK", [])
        return iter([b"hello"])

    def file(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"hello"))

    gclab_record.start(path)
    found = [served(gclab_record.wsgi(application)) for application in (block, blocks, file)]
    answer = gclab_record.wsgi(blocks)({}, lambda *_: None)
    gclab_record.stop()
    check("answers: as without the recorder", found, [served(application) for application in (block, blocks, file)])
    check("answers: one block has a length, others none", [b"Content-Length: 5" in one for one in found], [True, False, False])
    check("answers: the server sends the file", b"sent hello" in found[2])
    check("answers: one without a length is true and has none", (bool(answer), hasattr(answer, "__len__")), (True, False))
    with open(path) as lines:
        kinds = [json.loads(line)["kind"] for line in lines]
    check("answers: three were closed or passed on", kinds.count("request"), 3)


def recorded(folder):
    path = os.path.join(folder, "recorded.jsonl")
    callbacks = gc.callbacks[:]
    gclab_record.start(path, every_s=0.05)
    for number in range(20):
        with gclab_record.request("work"):
            plant()
            if number % 4 == 0:
                gc.collect(number % 3)

    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"whole"

    answer = gclab_record.wsgi(application)({"REQUEST_METHOD": "GET"}, lambda *_: None)
    check("recorder: the answer is the application's", list(answer), [b"whole"])
    answer.close()

    async def awaited(scope, receive, send):
        await send("whole")

    sent = []

    async def send(what):
        sent.append(what)

    for kind in ("http", "lifespan"):
        coroutine = gclab_record.asgi(awaited)({"type": kind, "method": "PUT"}, None, send)
        try:
            coroutine.send(None)
        except StopIteration:
            pass
    check("recorder: so is the other", sent, ["whole"] * 2)
    told = gclab_dump.dump(os.path.join(folder, "while-recording.gcheap.gz"), quiet=True)
    check("recorder: its thread does not count as one", told["method"], "fork")
    if hasattr(os, "fork"):
        child = os.fork()
        if child == 0:
            gclab_record.stop()
            os._exit(0)
        os.waitpid(child, 0)
    gclab_record.stop()
    check("recorder: callbacks are as before", gc.callbacks, callbacks)
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    kinds = [line["kind"] for line in lines]
    check("recorder: first and last line", (kinds[0], kinds[-1]), ("start", "end"))
    check("recorder: 5 collections by hand, perhaps more", kinds.count("collection") >= 5)
    names = [line["name"] for line in lines if line["kind"] == "request"]
    check("recorder: requests", (names.count("work"), names.count("GET"), names.count("PUT"), len(names)), (20, 1, 1, 22))
    check("recorder: times in order", all(0 <= line["start_ns"] <= line["end_ns"] <= lines[-1]["ns"] for line in lines[1:-1]))


def main(folder):
    for part in (dumps, frozen, named, threads, by_signal, as_program, answers, recorded):
        part(folder)
    print("all well on CPython " + sys.version.split()[0])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(temporary)
