//! `web-requests`: a service with a long-lived heap, each of whose requests builds a tree, reads, replaces and drops.

use std::path::PathBuf;
use std::sync::Arc;

use gc_core::callback::Phase;
use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, ObjectRef, Root, Shape, SharedRoot, TypeSpec};

use crate::arrivals::{Timings, serve};
use crate::audit::audit;
use crate::draws::{DrawRing, SplitMix64, mix};
use crate::graph::{HeapGraph, LoadedGraph, embedded_django};
use crate::request_tree::RequestTypes;
use crate::workload::{
    Dial, FloatingGauge, Outcome, Pace, Plan, Preset, Range, RunError, SettingError, Settings, Workload,
};

/// A service with a long-lived heap: the workload `web-requests`.
pub struct WebRequests {
    graph: Option<HeapGraph>,
    live: u32,
    requests: u64,
    warm_up: u64,
    nodes: u32,
    cyclic: f64,
    reads: u32,
    replace: u32,
    walks: u32,
    ballast: u32,
    callback_dict: bool,
    freeze: String,
}

const DIALS: &[Dial] = &[
    Dial {
        name: "heap",
        meaning: "the long-lived heap beside the cache: a real Django process (built in), none, or a GCHEAP file",
        default: "django",
        range: Range::Text,
    },
    Dial {
        name: "live",
        meaning: "objects in the cache, two an entry",
        default: "20000",
        range: Range::Integer(2, 40_000_000),
    },
    Dial { name: "requests", meaning: "timed requests", default: "40000", range: Range::Integer(1, 1_000_000_000) },
    Dial { name: "warm-up", meaning: "requests before them", default: "500", range: Range::Integer(0, 1_000_000) },
    Dial {
        name: "nodes",
        meaning: "tree nodes a request builds, four objects each",
        default: "50",
        range: Range::Integer(1, 1_000_000),
    },
    Dial {
        name: "cyclic",
        meaning: "share of requests whose nodes refer to their parents",
        default: "0.1",
        range: Range::Number(0.0, 1.0),
    },
    Dial {
        name: "reads",
        meaning: "cache entries a request reads",
        default: "20",
        range: Range::Integer(0, 1_000_000),
    },
    Dial {
        name: "replace",
        meaning: "cache entries a request replaces",
        default: "2",
        range: Range::Integer(0, 1_000_000),
    },
    Dial {
        name: "walks",
        meaning: "walks of four steps a request makes through the long-lived heap",
        default: "5",
        range: Range::Integer(0, 1_000_000),
    },
    Dial {
        name: "ballast",
        meaning: "further live objects that nothing touches, as an interpreter's own",
        default: "0",
        range: Range::Integer(0, 100_000_000),
    },
    Dial {
        name: "callback-dict",
        meaning: "a collection callback that allocates and drops a dict at both ends of each collection, as gc.callbacks does",
        default: "off",
        range: Range::Word(&["on", "off"]),
    },
    Dial {
        name: "freeze",
        meaning: "what happens after the warm-up, before the timed requests",
        default: "no",
        range: Range::Word(&["no", "freeze", "immortal"]),
    },
];

impl Workload for WebRequests {
    const NAME: &'static str = "web-requests";
    const SUMMARY: &'static str =
        "requests of 200 objects, some on cycles, over a cache and the heap of a real Django process";
    const DIALS: &'static [Dial] = DIALS;
    const PRESETS: &'static [Preset] = &[Preset {
        name: "web-v1",
        meaning: "the program whose counts on CPython are published: no real heap, a cache of 100,000 objects",
        settings: &[("heap", "none"), ("live", "100000"), ("walks", "0"), ("ballast", "8500"), ("callback-dict", "on")],
    }];
    const SMALL: &'static [(&'static str, &'static str)] = &[("live", "2000"), ("requests", "1500"), ("warm-up", "50")];
    const OPEN_LOOP: bool = true;
    const THREADS: bool = true;
    const AMOUNT: Option<&'static str> = Some("requests");

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        let heap = settings.text("heap");
        let graph = match heap {
            "none" => None,
            "django" => Some(embedded_django()),
            path => Some(HeapGraph::open(PathBuf::from(path)).map_err(|cause| SettingError::File {
                workload: Self::NAME,
                name: "heap",
                value: path.to_owned(),
                cause: cause.to_string(),
            })?),
        };
        Ok(Self {
            graph,
            live: settings.integer("live") as u32,
            requests: settings.integer("requests"),
            warm_up: settings.integer("warm-up"),
            nodes: settings.integer("nodes") as u32,
            cyclic: settings.number("cyclic"),
            reads: settings.integer("reads") as u32,
            replace: settings.integer("replace") as u32,
            walks: settings.integer("walks") as u32,
            ballast: settings.integer("ballast") as u32,
            callback_dict: settings.text("callback-dict") == "on",
            freeze: settings.text("freeze").to_owned(),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let types = RequestTypes::register(heap);
        let mutator = heap.attach();
        mutator.disable();
        let loaded = self.graph.as_ref().map(|graph| graph.load(&mutator)).transpose()?;
        let cache = self.build_cache(&mutator, &types)?;
        let ballast = self.build_ballast(&mutator)?;
        mutator.enable();
        if self.callback_dict {
            mutator.on_collection(Arc::new(move |mutator: &H::Mutator, _: Phase, _| {
                // An allocation that fails here changes the count of one collection; the run fails soon enough itself.
                drop(mutator.allocate(types.dict, Shape::new(1, 48)));
            }));
        }
        let handlers: Vec<Handler<'_>> =
            (0..plan.threads).map(|thread| self.handler(types, loaded.as_ref(), plan, thread)).collect();
        self.serve_all(&mutator, plan, handlers, &cache, &Held { loaded: loaded.as_ref(), ballast: &ballast })
    }
}

/// What stays alive beside the cache.
struct Held<'h, 'm, M: Mutator> {
    loaded: Option<&'h LoadedGraph<'m, M>>,
    ballast: &'h [Root<'m, M>],
}

impl WebRequests {
    fn build_cache<'m, M: Mutator>(&self, mutator: &'m M, types: &RequestTypes) -> Result<Root<'m, M>, HeapFull> {
        let entries = self.live / 2;
        let cache = mutator.allocate(types.list, Shape::new(entries, 16))?;
        for key in 0..entries {
            cache.put(key, Some(types.build_entry(mutator, key)?));
        }
        Ok(cache)
    }

    fn build_ballast<'m, M: Mutator>(&self, mutator: &'m M) -> Result<Vec<Root<'m, M>>, HeapFull> {
        let spec = TypeSpec::new("ballast", Kind::Instance);
        let type_id = mutator.heap().register_type(spec).expect("a heap has room for a few types");
        (0..self.ballast).map(|_| mutator.allocate(type_id, Shape::new(2, 0))).collect()
    }

    fn handler(
        &self,
        types: RequestTypes,
        loaded: Option<&LoadedGraph<'_, impl Mutator>>,
        plan: &Plan<'_>,
        thread: u32,
    ) -> Handler<'_> {
        Handler {
            workload: self,
            types,
            held_nodes: loaded.map_or(0, |loaded| loaded.outside.len()),
            draws: DrawRing::new(SplitMix64::of_thread(plan.seed, thread)),
            digest: 0,
        }
    }

    fn serve_all<'m, M: Mutator>(
        &self,
        mutator: &'m M,
        plan: &Plan<'_>,
        mut handlers: Vec<Handler<'_>>,
        cache: &Root<'m, M>,
        held: &Held<'_, 'm, M>,
    ) -> Result<Outcome, RunError> {
        let first = &mut handlers[0];
        let outside = held.loaded.map_or(&[][..], |loaded| &loaded.outside[..]);
        for _ in 0..self.warm_up {
            first.request(mutator, cache, outside)?;
        }
        mutator.safepoint();
        mutator.collect(Generation::OLD);
        match self.freeze.as_str() {
            "freeze" => mutator.freeze(),
            "immortal" => mutator.freeze_immortal(),
            _ => {}
        }
        mutator.collect(Generation::MIDDLE);

        let mut floating = FloatingGauge::new(mutator.heap().live_objects());
        plan.stages.timed_part_begins();
        let timings = if plan.threads == 1 {
            let heap = mutator.heap();
            let timings = serve(mutator, plan.pace, (self.requests, plan.seed, 0, 1), |_| {
                first.request(mutator, cache, outside)?;
                // What a request made is dead at its end, and a replaced entry has the size of the old one.
                floating.sample(heap.live_objects());
                Ok::<(), HeapFull>(())
            })?;
            vec![timings]
        } else {
            self.serve_on_threads(mutator, plan, &mut handlers, cache, outside)?
        };
        plan.stages.timed_part_ends();

        let held_objects = self.held_objects(cache, held);
        let model = self.model(held);
        let audit = audit(mutator, &held_objects, model)?;
        let mut outcome = merge(timings, plan.pace);
        outcome.operation = "request";
        outcome.digest = handlers.iter().fold(0, |digest, handler| mix(digest ^ handler.digest));
        outcome.floating = (plan.threads == 1).then(|| floating.reading());
        outcome.live_after = audit.live_after;
        outcome.live_expected = audit.live_expected;
        Ok(outcome)
    }

    /// Each thread has a mutator of its own, and its share of the requests; the first is this one.
    fn serve_on_threads<M: Mutator>(
        &self,
        mutator: &M,
        plan: &Plan<'_>,
        handlers: &mut [Handler<'_>],
        cache: &Root<'_, M>,
        outside: &[Root<'_, M>],
    ) -> Result<Vec<Timings>, RunError> {
        let threads = plan.threads;
        let share = |thread: u32| {
            self.requests / u64::from(threads) + u64::from(u64::from(thread) < self.requests % u64::from(threads))
        };
        let serve_share =
            |mutator: &M, handler: &mut Handler<'_>, thread: u32, cache: &SharedRoot, outside: &[SharedRoot]| {
                let cache = mutator.adopt(mutator.clone_shared(cache));
                let outside: Vec<_> = outside.iter().map(|root| mutator.adopt(mutator.clone_shared(root))).collect();
                serve(mutator, plan.pace, (share(thread), plan.seed, thread, threads), |_| {
                    handler.request(mutator, &cache, &outside)
                })
            };
        let shared_cache = cache.share();
        let shared_outside: Vec<SharedRoot> = outside.iter().map(Root::share).collect();
        let (first, others) = handlers.split_first_mut().expect("at least one thread");
        let heap = mutator.heap().clone();
        let results = std::thread::scope(|scope| {
            let (shared_cache, shared_outside) = (&shared_cache, &shared_outside[..]);
            let serve_share = &serve_share;
            let workers: Vec<_> = (1..)
                .zip(others)
                .map(|(thread, handler)| {
                    let heap = heap.clone();
                    scope.spawn(move || {
                        let mutator = heap.attach();
                        serve_share(&mutator, handler, thread, shared_cache, shared_outside)
                    })
                })
                .collect();
            let mut results = vec![serve_share(mutator, first, 0, shared_cache, shared_outside)];
            mutator.safe_region(|| {
                results.extend(workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")));
            });
            results
        });
        drop(mutator.adopt(shared_cache));
        shared_outside.into_iter().for_each(|root| drop(mutator.adopt(root)));
        Ok(results.into_iter().collect::<Result<_, HeapFull>>()?)
    }

    fn held_objects<M: Mutator>(&self, cache: &Root<'_, M>, held: &Held<'_, '_, M>) -> Vec<ObjectRef> {
        let mut objects = vec![cache.object()];
        objects.extend(held.ballast.iter().map(Root::object));
        if let Some(loaded) = held.loaded {
            objects.extend(loaded.held_nodes.iter().map(|&node| loaded.objects[node as usize]));
        }
        objects
    }

    /// Objects that the program knows to be alive: the cache, the ballast, and of the graph what its file says.
    fn model<M: Mutator>(&self, held: &Held<'_, '_, M>) -> u64 {
        let cache = 1 + 2 * u64::from(self.live / 2);
        let graph = match (&self.graph, held.loaded) {
            (Some(graph), Some(loaded)) => {
                let reached =
                    crate::oracle::reachable_indices(graph.node_count(), loaded.held_nodes.iter().copied(), |node| {
                        graph.targets(node).iter().copied()
                    });
                reached.into_iter().filter(|&reached| reached).count() as u64
            }
            _ => 0,
        };
        cache + u64::from(self.ballast) + graph
    }
}

/// One worker: its draws and what it read.
struct Handler<'w> {
    workload: &'w WebRequests,
    types: RequestTypes,
    held_nodes: usize,
    draws: DrawRing,
    digest: u64,
}

impl Handler<'_> {
    fn request<M: Mutator>(
        &mut self,
        mutator: &M,
        cache: &Root<'_, M>,
        outside: &[Root<'_, M>],
    ) -> Result<(), HeapFull> {
        let workload = self.workload;
        let cyclic = f64::from(self.draws.draw()) < workload.cyclic * 4_294_967_296.0;
        let tree = self.types.build(mutator, workload.nodes, cyclic)?;
        let entries = workload.live / 2;
        for _ in 0..workload.reads {
            let key = self.draws.draw() % entries;
            let entry = cache.load(key).expect("every place of the cache is filled");
            self.read(RequestTypes::read_entry(mutator, &entry));
        }
        for _ in 0..workload.walks.min(self.held_nodes as u32 * workload.walks) {
            self.walk(mutator, outside);
        }
        for _ in 0..workload.replace {
            let key = self.draws.draw() % entries;
            let entry = self.types.build_entry(mutator, key)?;
            cache.put(key, Some(entry));
        }
        drop(tree);
        Ok(())
    }

    /// Four steps from a held object of the real heap, along drawn references.
    fn walk<M: Mutator>(&mut self, mutator: &M, outside: &[Root<'_, M>]) {
        let mut object = outside[self.draws.draw() as usize % self.held_nodes].clone();
        for _ in 0..4 {
            let shape = mutator.shape(&object);
            let mark = if shape.payload >= 8 { mutator.read_word(&object, 0) } else { u64::from(shape.slots) };
            self.read(mark);
            if shape.slots == 0 {
                return;
            }
            let Some(next) = object.load(self.draws.draw() % shape.slots) else { return };
            object = next;
        }
    }

    fn read(&mut self, value: u64) {
        self.digest = mix(self.digest.rotate_left(1) ^ value);
    }
}

/// Joins the timings of threads.
pub(crate) fn merge(timings: Vec<Timings>, pace: Pace) -> Outcome {
    let mut outcome = Outcome::default();
    let open = pace != Pace::Closed;
    let mut response_ns = Vec::new();
    let mut backlog = 0;
    for thread in timings {
        outcome.operations += thread.service_ns.len() as u64;
        outcome.wall_ns = outcome.wall_ns.max(thread.wall_ns);
        outcome.mutator_cpu_ns += thread.cpu_ns;
        outcome.service_ns.extend(thread.service_ns);
        response_ns.extend(thread.response_ns);
        backlog += thread.backlog_end;
    }
    outcome.response_ns = open.then_some(response_ns);
    outcome.backlog_end = open.then_some(backlog);
    outcome
}
