//! `linked-list-growth`: lists that die at once beside one that lives, each with one edge to it: does the heap stay bounded.
//!
//! A live doubly linked list of 10,000 objects; an operation makes another of 5,000, lets its first object refer to the
//! live list's head, and drops it. In what an incremental collector of CPython took this for, the heap grew without bound
//! (to 46 GB): cycles came faster than it worked. The figure is `peak_objects`.
//!
//! `growth` is another question: there everything is kept, and what collections cost for nothing is the figure.

use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId};

use super::{outcome, register};
use crate::arrivals::serve;
use crate::audit::{audit, object_bytes};
use crate::draws::mix;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Dying lists beside a live one: the workload `linked-list-growth`.
pub struct LinkedListGrowth {
    live: u32,
    size: u32,
    lists: u64,
}

impl Workload for LinkedListGrowth {
    const NAME: &'static str = "linked-list-growth";
    const SUMMARY: &'static str =
        "doubly linked lists with one edge to a live one are made and dropped: does the heap stay bounded";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "live",
            meaning: "objects of the live list",
            default: "10000",
            range: Range::Integer(1, 40_000_000),
        },
        Dial {
            name: "size",
            meaning: "objects of a list that is made and dropped",
            default: "5000",
            range: Range::Integer(1, 10_000_000),
        },
        Dial { name: "lists", meaning: "lists made", default: "1000", range: Range::Integer(1, 10_000_000) },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] = &[("lists", "100")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("lists");
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            live: settings.integer("live") as u32,
            size: settings.integer("size") as u32,
            lists: settings.integer("lists"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let node = register(heap, "Node", Kind::Instance);
        let mutator = heap.attach();
        let live = make_list(&mutator, node, self.live, plan.seed)?;
        mutator.collect(Generation::OLD);

        let mut floating = plan.floating_gauge(u64::from(self.live)).of_objects_with(object_bytes(NODE));
        let mut digest = 0;
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (self.lists, plan.seed, 0, 1), |n| {
            let list = make_list(&mutator, node, self.size, mix(plan.seed ^ (n + 1)))?;
            list.store(TO_LIVE, Some(&live));
            let head = list.load(TO_LIVE).expect("just stored");
            digest = mix(digest ^ mutator.read_word(&list, 0) ^ mutator.read_word(&head, 0).rotate_left(32));
            drop(list);
            floating.sample_of(heap);
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        let audit = audit(&mutator, &[live.object()], u64::from(self.live))?;
        let mut outcome = outcome(timings, plan, "list", digest, audit);
        outcome.floating = floating.reading();
        let peak = outcome.floating.as_ref().map(|floating| u64::from(self.live) + floating.peak_objects);
        outcome.extra = peak.map(|peak| ("peak_objects", peak as f64)).into_iter().collect();
        Ok(outcome)
    }
}

/// An object: three slots and its number.
const NODE: Shape = Shape::new(3, 8);
/// Slots of an object; the third one is used by the first object of a list that is dropped.
const NEXT: u32 = 0;
const PREVIOUS: u32 = 1;
const TO_LIVE: u32 = 2;

/// A doubly linked list; the root holds its first object.
fn make_list<'m, M: Mutator>(mutator: &'m M, node: TypeId, size: u32, number: u64) -> Result<Root<'m, M>, HeapFull> {
    let new = |place: u32| {
        let object = mutator.allocate(node, NODE)?;
        mutator.write_word(&object, 0, mix(number ^ u64::from(place)));
        Ok(object)
    };
    let first = new(0)?;
    let mut last = first.clone();
    for place in 1..size {
        let object = new(place)?;
        last.store(NEXT, Some(&object));
        object.put(PREVIOUS, Some(last));
        last = object;
    }
    Ok(first)
}
