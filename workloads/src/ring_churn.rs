//! `ring-churn`: each request leaves one dead ring behind, beside a long-lived heap. What it shows is how much garbage
//! floats, for how long, and what it costs that it does not float longer.
//!
//! A ring is made of nodes with two slots (next, previous) and 16 bytes of payload; a node alone refers to itself and has
//! no previous one. Nothing but a collection of cycles frees it, so every request adds exactly `ring` dead objects. The
//! long-lived heap is a table of shelves of pairs, each pair a ring of two: tracked, and old where there are generations,
//! because two full collections follow the building. A request reads some pairs; nothing ever changes them.
//!
//! With `witness=on` the first object of a ring also refers to an object of no slots, which dies with the ring. That is the
//! form of the Python programs by which floating garbage was counted: there the further object's finalizer tells that the
//! ring is gone. Its trigger counts it, so it shows in how many rings float.
//!
//! Dead objects are counted as allocated − alive − freed, where the program knows what is alive: the table, and the rings
//! that other mutators are making at that moment. The first mutator takes that count at both ends of each of its requests,
//! when it has no ring itself, so what a collection between two requests freed does not count as floating until the second
//! one's end. With one mutator the count is exact. Each other one can make it too small by an object, and where mutators or
//! a collector run at the same time it also misses what they do between its readings. What floats after the first
//! mutator's last request is not counted.

mod counted;

use std::collections::BTreeMap;
use std::time::Instant;

use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, Root, Shape, SharedRoot, TypeId, TypeSpec};

use self::counted::{Counted, InRing, Seen};
use crate::arrivals::{Timings, serve};
use crate::audit::{audit, object_bytes};
use crate::drag::DragWatch;
use crate::draws::{DrawRing, SplitMix64, mix};
use crate::floating_spans::FloatingSpans;
use crate::web_requests::merge;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Dead rings beside a long-lived heap: the workload `ring-churn`.
pub struct RingChurn {
    ring: u32,
    live: u32,
    ballast: u32,
    witness: bool,
    reads: u32,
    requests: u64,
}

impl Workload for RingChurn {
    const NAME: &'static str = "ring-churn";
    const SUMMARY: &'static str =
        "each request leaves a dead ring behind, beside a long-lived heap: how much garbage floats, and for how long";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "ring",
            meaning: "objects of the ring that a request makes and drops; one alone refers to itself",
            default: "10",
            range: Range::Integer(1, 10_000_000),
        },
        Dial {
            name: "live",
            meaning: "long-lived objects, two a pair, beside the table and shelves (one for 65,536 pairs) that hold them",
            default: "100000",
            range: Range::Integer(0, 40_000_000),
        },
        Dial {
            name: "ballast",
            meaning: "further live objects that nothing touches, as an interpreter's own",
            default: "0",
            range: Range::Integer(0, 40_000_000),
        },
        Dial {
            name: "witness",
            meaning: "whether each ring holds one further object, which dies with it, as a Python program's with a finalizer",
            default: "off",
            range: Range::Word(&["on", "off"]),
        },
        Dial {
            name: "reads",
            meaning: "pairs of the long-lived heap that a request reads, if there are any",
            default: "4",
            range: Range::Integer(0, 1_000_000),
        },
        Dial { name: "requests", meaning: "timed requests", default: "200000", range: Range::Integer(1, 100_000_000) },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] = &[("live", "2000"), ("requests", "5000")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("requests");
    const THREADS: bool = true;
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            ring: settings.integer("ring") as u32,
            live: settings.integer("live") as u32,
            ballast: settings.integer("ballast") as u32,
            witness: settings.text("witness") == "on",
            reads: settings.integer("reads") as u32,
            requests: settings.integer("requests"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let register =
            |name: &str, kind| heap.register_type(TypeSpec::new(name, kind)).expect("a new heap has few types");
        let (node, list) = (register("Node", Kind::Instance), register("list", Kind::List));
        let witness = self.witness.then(|| register("Witness", Kind::Instance));
        let drag = plan.instruments().drag;
        let observed = || TypeSpec::new("Node", Kind::Instance).with_observed_teardown();
        let watched = drag.map(|_| heap.register_type(observed()).expect("a new heap has few types"));
        let types = RingTypes { node, first: node, witness };
        let mutator = heap.attach();
        mutator.disable();
        let table = self.build_table(&mutator, node, list)?;
        let ballast =
            (0..self.ballast).map(|_| mutator.allocate(node, Shape::new(2, 16))).collect::<Result<Vec<_>, _>>()?;
        mutator.enable();
        // The second one finds nothing new: on a heap with generations everything is old by then.
        mutator.collect(Generation::OLD);
        mutator.collect(Generation::OLD);

        let in_rings: Vec<InRing> = (0..plan.threads).map(|_| InRing::default()).collect();
        let mut makers: Vec<RingMaker<'_>> =
            (0..).zip(&in_rings).map(|(n, of)| self.maker((types, watched), plan, n, of)).collect();
        plan.stages.timed_part_begins();
        let (timings, seen) = self.serve_all(&mutator, plan, &mut makers, &in_rings, &table)?;
        plan.stages.timed_part_ends();
        let drag = drag.map(DragWatch::reading);

        let held: Vec<_> = std::iter::once(&table).chain(&ballast).map(Root::object).collect();
        let audit = audit(&mutator, &held, self.long_lived())?;
        let mut outcome = merge(timings, plan.pace);
        outcome.operation = "request";
        outcome.digest = makers.iter().fold(0, |digest, maker| mix(digest ^ maker.digest));
        audit.enter(&mut outcome);
        outcome.drag = drag;
        if let Some(Seen { floating, over_time }) = seen {
            outcome.floating = floating;
            outcome.extra = BTreeMap::from([
                ("floating_p50_objects", over_time.p50 as f64),
                ("floating_p99_objects", over_time.p99 as f64),
                ("floating_max_objects", over_time.max as f64),
                ("floating_mean_objects", over_time.mean),
            ]);
        }
        Ok(outcome)
    }
}

/// Slots of a node.
const NEXT: u32 = 0;
const PREVIOUS: u32 = 1;
/// Where rings have witnesses.
const WITNESS: u32 = 2;
/// Words of its payload: its number, and its place in the ring.
const NUMBER: u32 = 0;
const PLACE: u32 = 1;

/// Pairs of a shelf, all but the last one's: far fewer than the slots that an object can have.
const SHELF: u32 = 65_536;

/// What rings are made of.
#[derive(Clone, Copy)]
struct RingTypes {
    node: TypeId,
    /// Of the first node of a ring.
    first: TypeId,
    /// The object that the ring's first one refers to as well, if any.
    witness: Option<TypeId>,
}

/// A ring; the root holds its first object, whose number is `number`.
fn make_ring<'m, M: Mutator>(
    mutator: &'m M,
    types: RingTypes,
    (length, number): (u32, u64),
    in_ring: &InRing,
) -> Result<Root<'m, M>, HeapFull> {
    let slots = if types.witness.is_some() { 3 } else { 2 };
    let new = |place: u32| {
        // Before the allocation, which may hand over: a ring's object is never taken for a dead one.
        in_ring.set(u64::from(place) + 1);
        let type_id = if place == 0 { types.first } else { types.node };
        let object = mutator.allocate(type_id, Shape::new(slots, 16))?;
        mutator.write_word(&object, NUMBER, number.wrapping_add(u64::from(place)));
        mutator.write_word(&object, PLACE, u64::from(place));
        mutator.safepoint();
        Ok(object)
    };
    let first = new(0)?;
    let mut last = first.clone();
    for place in 1..length {
        let object = new(place)?;
        last.store(NEXT, Some(&object));
        object.put(PREVIOUS, Some(last));
        last = object;
    }
    last.store(NEXT, Some(&first));
    if length > 1 {
        first.put(PREVIOUS, Some(last));
    }
    if let Some(witness) = types.witness {
        in_ring.set(u64::from(length) + 1);
        first.put(WITNESS, Some(mutator.allocate(witness, Shape::new(0, 0))?));
        mutator.safepoint();
    }
    Ok(first)
}

impl RingChurn {
    fn pairs(&self) -> u32 {
        self.live / 2
    }

    /// Objects that are alive as long as the run: the table, its shelves and their pairs, and the ballast.
    fn long_lived(&self) -> u64 {
        1 + u64::from(self.pairs().div_ceil(SHELF)) + 2 * u64::from(self.pairs()) + u64::from(self.ballast)
    }

    fn build_table<'m, M: Mutator>(&self, mutator: &'m M, node: TypeId, list: TypeId) -> Result<Root<'m, M>, HeapFull> {
        let table = mutator.allocate(list, Shape::new(self.pairs().div_ceil(SHELF), 16))?;
        let nobody = InRing::default();
        let pairs = RingTypes { node, first: node, witness: None };
        for first in (0..self.pairs()).step_by(SHELF as usize) {
            let places = SHELF.min(self.pairs() - first);
            let shelf = mutator.allocate(list, Shape::new(places, 16))?;
            for place in 0..places {
                let number = 2 * u64::from(first + place);
                shelf.put(place, Some(make_ring(mutator, pairs, (2, number), &nobody)?));
            }
            table.put(first / SHELF, Some(shelf));
        }
        Ok(table)
    }

    fn maker<'w>(
        &'w self,
        (types, watched): (RingTypes, Option<TypeId>),
        plan: &Plan<'w>,
        thread: u32,
        in_ring: &'w InRing,
    ) -> RingMaker<'w> {
        let mut stream = SplitMix64::of_thread(plan.seed, thread);
        let number = stream.next_u64();
        let watch = plan.instruments().drag.zip(watched);
        RingMaker { workload: self, types, watch, pass: 0, in_ring, number, draws: DrawRing::new(stream), digest: 0 }
    }

    /// The first mutator's counts, if anybody wants them.
    fn counted<'r>(&self, plan: &Plan<'_>, in_rings: &'r [InRing], samples: usize) -> Option<Counted<'r>> {
        let at_ends = plan.floating_gauge(0);
        let at_ends = if self.witness { at_ends } else { at_ends.of_objects_with(object_bytes(Shape::new(2, 16))) };
        let spans = FloatingSpans::new(Instant::now(), samples);
        let long_lived = self.long_lived();
        plan.instruments().floating.then_some(Counted { long_lived, in_rings, at_ends, spans })
    }

    /// Each thread has a mutator and a ring maker of its own, and its share of the requests; the first is this one.
    fn serve_all<M: Mutator>(
        &self,
        mutator: &M,
        plan: &Plan<'_>,
        makers: &mut [RingMaker<'_>],
        in_rings: &[InRing],
        table: &Root<'_, M>,
    ) -> Result<(Vec<Timings>, Option<Seen>), RunError> {
        let threads = plan.threads;
        let share = |thread: u32| {
            self.requests / u64::from(threads) + u64::from(u64::from(thread) < self.requests % u64::from(threads))
        };
        let (first, others) = makers.split_first_mut().expect("at least one thread");
        let mut counted = self.counted(plan, in_rings, 2 * share(0) as usize);
        let heap = mutator.heap();
        let mut serve_first = || {
            serve(mutator, plan, (share(0), plan.seed, 0, threads), |_| {
                if let Some(counted) = &mut counted {
                    counted.request_begins(heap.live_objects());
                }
                first.request(mutator, table)?;
                if let Some(counted) = &mut counted {
                    counted.request_ends(heap.live_objects());
                }
                Ok::<(), HeapFull>(())
            })
        };
        let serve_other = |maker: &mut RingMaker<'_>, thread: u32, table: &SharedRoot| {
            let mutator = heap.attach();
            let table = mutator.adopt(mutator.clone_shared(table));
            serve(&mutator, plan, (share(thread), plan.seed, thread, threads), |_| maker.request(&mutator, &table))
        };
        let shared_table = table.share();
        let ((first_result, ended), other_results) = std::thread::scope(|scope| {
            let (shared_table, serve_other) = (&shared_table, &serve_other);
            let workers: Vec<_> = (1..)
                .zip(others)
                .map(|(thread, maker)| scope.spawn(move || serve_other(maker, thread, shared_table)))
                .collect();
            let first_result = (serve_first(), Instant::now());
            let join = |worker: std::thread::ScopedJoinHandle<'_, _>| worker.join().expect("a worker does not panic");
            (first_result, mutator.safe_region(|| workers.into_iter().map(join).collect::<Vec<_>>()))
        });
        drop(mutator.adopt(shared_table));
        let seen = counted.map(|counted| counted.reading(ended));
        let timings = std::iter::once(first_result).chain(other_results).collect::<Result<_, HeapFull>>()?;
        Ok((timings, seen))
    }
}

/// One mutator's work: what it makes, draws and has read.
struct RingMaker<'w> {
    workload: &'w RingChurn,
    types: RingTypes,
    /// Who watches one ring in [`DragWatch::EVERY`], and the type of such a ring's first node.
    watch: Option<(&'w DragWatch, TypeId)>,
    /// Rings to pass over before the next one is watched.
    pass: u64,
    in_ring: &'w InRing,
    /// Of the next object.
    number: u64,
    draws: DrawRing,
    digest: u64,
}

impl<'w> RingMaker<'w> {
    fn request<M: Mutator>(&mut self, mutator: &M, table: &Root<'_, M>) -> Result<(), HeapFull> {
        let length = self.workload.ring;
        let watched = self.watched();
        let types = RingTypes { first: watched.map_or(self.types.node, |(_, type_id)| type_id), ..self.types };
        let first = make_ring(mutator, types, (length, self.number), self.in_ring)?;
        self.number = self.number.wrapping_add(u64::from(length));
        let pairs = self.workload.pairs();
        for _ in 0..if pairs > 0 { self.workload.reads } else { 0 } {
            let key = self.draws.draw() % pairs;
            let shelf = table.load(key / SHELF).expect("every place of the table is filled");
            let pair = shelf.load(key % SHELF).expect("every place of a shelf is filled");
            self.read_behind(mutator, &pair);
        }
        self.read_behind(mutator, &first);
        if let Some((watch, _)) = self.watch {
            watch.made(u64::from(length) + u64::from(self.types.witness.is_some()));
        }
        if let Some((watch, _)) = watched {
            watch.unreachable(first.object());
        }
        drop(first);
        self.in_ring.set(0);
        Ok(())
    }

    /// Who watches the next ring, if somebody does.
    fn watched(&mut self) -> Option<(&'w DragWatch, TypeId)> {
        let watch = self.watch?;
        let left = self.pass.checked_sub(1);
        self.pass = left.unwrap_or(DragWatch::EVERY - 1);
        left.is_none().then_some(watch)
    }

    /// Reads an object of a ring and the one behind it.
    fn read_behind<M: Mutator>(&mut self, mutator: &M, object: &Root<'_, M>) {
        let next = object.load(NEXT).expect("a ring is closed");
        let seen = mutator.read_word(object, NUMBER) ^ mutator.read_word(&next, PLACE).rotate_left(32);
        self.digest = mix(self.digest.rotate_left(1) ^ seen);
    }
}
