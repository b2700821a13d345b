//! `cascade`: a deep structure that dies by count, all at once: a pause that is the counting's doing.
//!
//! Each object holds the next one alone, so the drop of the first frees all of them. An operation is that drop; building
//! lies between operations and is not in their service times. Automatic collection is off: nothing here is on a cycle.
//!
//! A heap may free a part only, and the rest at later operations (`release-budget`): then the next building pays for it, and
//! `left_after_drop_objects`, the mean over drops, is not 0. A short drop means something only where it is.
//!
//! `deep-cycles` with `shape=chain` times a building, a drop and a collection together.

use std::time::Instant;

use gc_core::{Control, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId};

use super::{outcome, register};
use crate::arrivals::{Timings, thread_cpu_ns};
use crate::audit::audit;
use crate::draws::mix;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Deep structures that die by count: the workload `cascade`.
pub struct Cascade {
    leaves: bool,
    depth: u32,
    drops: u64,
}

impl Workload for Cascade {
    const NAME: &'static str = "cascade";
    const SUMMARY: &'static str = "a deep list or tree is dropped and dies by count, all at once: how long is the drop";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "shape",
            meaning: "a list, each object holding the next one; or a tree that leans, each holding a leaf as well",
            default: "list",
            range: Range::Word(&["list", "tree"]),
        },
        Dial {
            name: "depth",
            meaning: "objects from the first to the deepest; a tree has as many leaves beside them",
            default: "1000000",
            range: Range::Integer(1, 100_000_000),
        },
        Dial {
            name: "drops",
            meaning: "structures built and dropped",
            default: "20",
            range: Range::Integer(1, 1_000_000),
        },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] = &[("depth", "100000"), ("drops", "10")];
    const OPEN_LOOP: bool = false;
    const AMOUNT: Option<&'static str> = Some("drops");
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            leaves: settings.text("shape") == "tree",
            depth: settings.integer("depth") as u32,
            drops: settings.integer("drops"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let node = register(heap, "Node", Kind::Instance);
        let mutator = heap.attach();
        mutator.disable();
        let mut digest = 0;
        let mut left = 0;
        let mut timings = Timings::default();
        plan.stages.timed_part_begins();
        let (begin, cpu_before) = (Instant::now(), thread_cpu_ns());
        for n in 0..self.drops {
            let first = self.build(&mutator, node, mix(plan.seed ^ n))?;
            digest = mix(digest ^ read_beginning(&mutator, &first));
            let start = Instant::now();
            drop(first);
            timings.record(begin, start, Instant::now());
            left += heap.live_objects();
            mutator.safepoint();
        }
        timings.wall_ns = begin.elapsed().as_nanos() as u64;
        timings.cpu_ns = thread_cpu_ns() - cpu_before;
        plan.stages.timed_part_ends();

        let drop_ns: u64 = timings.service_ns.iter().sum();
        let objects = self.drops as f64 * f64::from(self.depth) * if self.leaves { 2.0 } else { 1.0 };
        let audit = audit(&mutator, &[], 0)?;
        let mut outcome = outcome(timings, plan, "drop", digest, audit);
        outcome.extra = [
            ("drop_ns_per_freed_object", drop_ns as f64 / (objects - left as f64).max(1.0)),
            ("left_after_drop_objects", left as f64 / self.drops as f64),
        ]
        .into();
        Ok(outcome)
    }
}

/// Slots of an object, and its word.
const NEXT: u32 = 0;
const LEAF: u32 = 1;
const NUMBER: u32 = 0;

impl Cascade {
    /// From the deepest object up; the root holds the first one.
    fn build<'m, M: Mutator>(&self, mutator: &'m M, node: TypeId, number: u64) -> Result<Root<'m, M>, HeapFull> {
        let slots = if self.leaves { 2 } else { 1 };
        let new = |place: u32| {
            let object = mutator.allocate(node, Shape::new(slots, 8))?;
            mutator.write_word(&object, NUMBER, mix(number ^ u64::from(place)));
            if self.leaves {
                let leaf = mutator.allocate(node, Shape::new(slots, 8))?;
                mutator.write_word(&leaf, NUMBER, number ^ u64::from(place));
                object.put(LEAF, Some(leaf));
            }
            Ok(object)
        };
        let mut first = new(0)?;
        for place in 1..self.depth {
            let object = new(place)?;
            object.put(NEXT, Some(first));
            first = object;
        }
        Ok(first)
    }
}

/// What a reader sees of the first four objects and of their leaves.
fn read_beginning<M: Mutator>(mutator: &M, first: &Root<'_, M>) -> u64 {
    let mut object = first.clone();
    let mut seen = 0;
    for _ in 0..4 {
        seen = mix(seen ^ mutator.read_word(&object, NUMBER));
        if mutator.shape(&object).slots > LEAF
            && let Some(leaf) = object.load(LEAF)
        {
            seen = mix(seen ^ mutator.read_word(&leaf, NUMBER));
        }
        let Some(next) = object.load(NEXT) else { break };
        object = next;
    }
    seen
}
