//! `nested-lists`: level n is a list of n references to the list of level n − 1: few objects, many edges.
//!
//! A thousand lists hold half a million references, and nothing dies. An operation is a full collection: what it costs is
//! the edges, not the objects. On a heap that collects no cycles an operation does nothing, and its time is that of asking.
//!
//! `deep-cycles` has the shape as well: there it dies.

use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, Root, Shape};

use super::{outcome, register};
use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::mix;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Full collections of few objects with many edges: the workload `nested-lists`.
pub struct NestedLists {
    levels: u32,
    collections: u64,
}

impl Workload for NestedLists {
    const NAME: &'static str = "nested-lists";
    const SUMMARY: &'static str = "full collections over lists of n references to the list before: edges, not objects";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "levels",
            meaning: "lists; their references grow with the square",
            default: "1000",
            range: Range::Integer(1, 20_000),
        },
        Dial {
            name: "collections",
            meaning: "full collections asked for",
            default: "200",
            range: Range::Integer(1, 1_000_000),
        },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] = &[("collections", "20")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("collections");
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { levels: settings.integer("levels") as u32, collections: settings.integer("collections") })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let list = register(heap, "list", Kind::List);
        let mutator = heap.attach();
        let new_level = |n: u32| -> Result<Root<'_, H::Mutator>, HeapFull> {
            let level = mutator.allocate(list, Shape::new(n, 8))?;
            mutator.write_word(&level, 0, mix(plan.seed ^ u64::from(n)));
            Ok(level)
        };
        let mut last = new_level(0)?;
        for n in 1..self.levels {
            let level = new_level(n)?;
            (0..n).for_each(|slot| level.store(slot, Some(&last)));
            last = level;
            mutator.safepoint();
        }

        let mut digest = 0u64;
        let mut found = 0;
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (self.collections, plan.seed, 0, 1), |_| {
            found += mutator.collect(Generation::OLD);
            digest = mix(digest.rotate_left(1) ^ mutator.read_word(&last, 0));
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();
        if found > 0 {
            return Err(RunError::Wrong(format!("collections found {found} objects dead; nothing dies here")));
        }

        digest = mix(digest ^ read_levels(&mutator, &last));
        let audit = audit(&mutator, &[last.object()], u64::from(self.levels))?;
        let mut outcome = outcome(timings, plan, "collection", digest, audit);
        let levels = f64::from(self.levels);
        outcome.extra = [("references", levels * (levels - 1.0) / 2.0)].into();
        Ok(outcome)
    }
}

/// What a reader sees going down all levels, by the last reference of each.
fn read_levels<M: Mutator>(mutator: &M, last: &Root<'_, M>) -> u64 {
    let mut level = last.clone();
    let mut seen = mutator.read_word(&level, 0);
    while let Some(slot) = mutator.shape(&level).slots.checked_sub(1) {
        level = level.load(slot).expect("every place of a level is filled");
        seen = mix(seen ^ mutator.read_word(&level, 0));
    }
    seen
}
