"""A web service with a cache, under one way of collecting: `web-v1`.

Each request builds a tree of 200 objects, reads 20 entries of the cache, replaces some and drops the tree. Of a share of the
requests the nodes know their parents: these trees are cyclic garbage, all others die by count.

  web.py                                          the default: 100,000 live objects, 40,000 requests, the default thresholds
  web.py --threshold 700,10,10                    as CPython up to 3.12 has it
  web.py --steering off                           no collector: watch peak_rss_bytes
  web.py --steering scheduler:2000                collect(0) after a request when get_count()[0] is above 2000
  web.py --freeze collected                       collect and gc.freeze() after the warm-up

Told are collections a generation, what they cost, service times (closed loop: the next request begins when the last has
ended), response times (open loop, by simulation from the same service times: requests arrive at half the rate that could be
served, at one server), pauses, memory, and the cyclic garbage that was left at the end.
"""

import argparse
import gc
import itertools
import time

import draws
import measured
import report
import request_tree

WARM_UP = 500
NODES = 50
READS = 20


class Service:
    """A cache, and the requests that use it."""

    def __init__(self, options):
        self.cyclic_below = options.cyclic * 2**32
        self.churn = options.churn
        self.cache = [request_tree.Entry(key) for key in range(options.live // 2)]
        self.draw = itertools.cycle(draws.ring_of_draws(options.seed)).__next__

    def request(self):
        draw, cache = self.draw, self.cache
        entries = len(cache)
        tree = request_tree.build_tree(NODES, draw() < self.cyclic_below)
        read = 0
        for _ in range(READS):
            entry = cache[draw() % entries]
            read += entry.key + entry.data[0]
        for _ in range(self.churn):
            key = draw() % entries
            cache[key] = request_tree.Entry(key)
        return len(tree) + read


def nothing():
    """Between requests the program does nothing: thresholds decide, or the collector is off."""


def between():
    """The collector is on between two requests. Being switched on it collects nothing; the next allocation does."""
    gc.enable()
    request_tree.Node(0)
    gc.disable()


def young_every(requests):
    counter = itertools.count(1)

    def step():
        if not next(counter) % requests:
            gc.collect(0)

    return step


def full_every(requests):
    counter = itertools.count(1)

    def step():
        if not next(counter) % requests:
            gc.collect()

    return step


def scheduler(count):
    def step():
        if gc.get_count()[0] > count:
            gc.collect(0)

    return step


def interval(milliseconds):
    last_ns = None

    def step():
        nonlocal last_ns
        now_ns = time.perf_counter_ns()
        if last_ns is None:
            last_ns = now_ns
        elif now_ns - last_ns >= milliseconds * 1_000_000:
            last_ns = now_ns
            gc.collect(0)

    return step


STEERINGS = {"automatic": nothing, "off": nothing, "between": between}
STEERINGS_BY = {
    "young-every": young_every,
    "full-every": full_every,
    "scheduler": scheduler,
    "interval": interval,
}


def steering(text):
    """A type for an option."""
    name, colon, digits = text.partition(":")
    if name in STEERINGS and not colon or name in STEERINGS_BY and digits.isdigit() and int(digits) > 0:
        return text
    forms = ", ".join(list(STEERINGS) + [name + ":NUMBER" for name in STEERINGS_BY])
    raise argparse.ArgumentTypeError("%r is none of %s" % (text, forms))


def step_of(text):
    """What a way of steering does between two requests."""
    name, _, digits = text.partition(":")
    return STEERINGS_BY[name](int(digits)) if digits else STEERINGS[name]


def serve(service, options, step):
    """Serves all; service times, and times between a request's end and the next one's begin, in ns."""
    clock, request = measured.cpu_ns, service.request
    service_ns, between_ns = [0] * options.requests, [0] * options.requests
    for n in range(options.requests):
        begin = clock()
        request()
        end = clock()
        step()
        between_ns[n] = clock() - end
        service_ns[n] = end - begin
    return service_ns, between_ns


def open_loop(service_ns, between_ns):
    """Response times if requests had arrived every mean service time / 0.5, at one server that does one thing at a time."""
    every = 2 * sum(service_ns) / len(service_ns)
    free, response_ns = 0.0, []
    for n, (busy, upkeep) in enumerate(zip(service_ns, between_ns)):
        arrival = n * every
        end = max(arrival, free) + busy
        response_ns.append(round(end - arrival))
        free = end + upkeep
    return response_ns


def run(options):
    own = len(gc.get_objects())
    if options.threshold is None:
        options.threshold = gc.get_threshold()
    gc.set_threshold(*options.threshold)
    gc.disable()
    service = Service(options)
    step = step_of(options.steering)
    collections = measured.Collections()
    gc.enable()
    for _ in range(WARM_UP):
        service.request()
    if options.freeze != "uncollected":
        gc.collect()
    if options.freeze != "no":
        gc.freeze()
    gc.collect(1)
    if options.steering != "automatic":
        gc.disable()
    begin_ns = measured.cpu_ns()
    collections.start()
    service_ns, between_ns = serve(service, options, step)
    collections.stop()
    cpu_ns = measured.cpu_ns() - begin_ns
    peak = measured.peak_resident_bytes()
    floating = gc.collect()

    gc_ns = collections.total_ns()
    figures = {
        "collections": collections.counted("collections"),
        "collected_objects": collections.counted("collected"),
        "gc_ns": gc_ns,
        "gc_share": gc_ns / cpu_ns,
        "cpu_ns": cpu_ns,
        "requests_per_s": options.requests * 1e9 / cpu_ns,
    }
    figures.update(measured.percentiles("service", service_ns))
    figures.update(measured.percentiles("response", open_loop(service_ns, between_ns)))
    figures["between_max_ns"] = max(between_ns)
    for generation, pauses in enumerate(collections.pauses_ns):
        name = "pause_generation_%d_" % generation
        ordered = sorted(pauses)
        figures[name + "p50_ns"] = measured.percentile(ordered, 0.5)
        figures[name + "max_ns"] = ordered[-1] if ordered else None
    figures["peak_rss_bytes"] = peak
    figures["floating_at_end_objects"] = floating
    figures["own_objects"] = own
    if options.samples:
        figures["service_samples_ns"] = service_ns
        figures["pause_samples_ns"] = [list(pauses) for pauses in collections.pauses_ns]
    return figures


def main():
    parser = report.options_of("web", __doc__)
    integer = lambda least: report.number(int, least)
    parser.add_argument("--threshold", type=report.threshold, help="gc.set_threshold (the interpreter's own)")
    parser.add_argument(
        "--steering",
        type=steering,
        default="automatic",
        help="when it collects: automatic (by the thresholds), off, between (on between two requests only), young-every:N and "
        "full-every:N (each N requests), scheduler:N (collect(0) if get_count()[0] > N), interval:MS",
    )
    parser.add_argument(
        "--freeze",
        choices=("no", "collected", "uncollected"),
        default="no",
        help="gc.freeze() after the warm-up, with or without a full collection before",
    )
    parser.add_argument("--live", type=integer(2), default=100_000, help="objects of the cache, two an entry")
    parser.add_argument("--requests", type=integer(1), default=40_000, help="timed requests")
    parser.add_argument("--cyclic", type=report.number(float, 0, 1), default=0.1, help="share whose tree is cyclic")
    parser.add_argument("--churn", type=integer(0), default=2, help="cache entries that a request replaces")
    parser.add_argument("--seed", type=integer(0), default=1, help="of the draws")
    parser.add_argument("--samples", action="store_true", help="tell every service time and pause as well")
    options = parser.parse_args()
    report.tell("web", options, run(options))


if __name__ == "__main__":
    main()
