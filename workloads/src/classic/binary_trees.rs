//! `binary-trees`: the Benchmarks Game's program: trees are built, walked and dropped, more of the small ones.
//!
//! A tree of depth n + 1 stretches the heap; one of depth n lives. For each depth d = 4, 6 … n, 2^(n − d + 4) trees are
//! built from below, their nodes counted by a walk, and dropped. The game's n is 21: 600 million nodes, minutes. The default
//! is 16: 15 million nodes, some seconds on each heap. `preset=benchmarks-game` has the game's.

use gc_core::{Heap, HeapFull};

use super::outcome;
use super::trees::{PARENTS, Trees, nodes_of};
use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::mix;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Trees that are built, walked and dropped: the workload `binary-trees`.
pub struct BinaryTrees {
    depth: u32,
    parents: bool,
}

/// The smallest trees, and by how much depths grow.
const SHALLOWEST: u32 = 4;
const STEP: usize = 2;

impl Workload for BinaryTrees {
    const NAME: &'static str = "binary-trees";
    const SUMMARY: &'static str = "the Benchmarks Game's trees: built, walked and dropped, more of the small ones";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "depth",
            meaning: "depth of the deepest trees, the game's n; one more doubles the work",
            default: "16",
            range: Range::Integer(4, 25),
        },
        PARENTS,
    ];
    const PRESETS: &'static [Preset] = &[Preset {
        name: "benchmarks-game",
        meaning: "the game's own size, which takes minutes",
        settings: &[("depth", "21")],
    }];
    const SMALL: &'static [(&'static str, &'static str)] = &[("depth", "13")];
    const OPEN_LOOP: bool = false;
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self { depth: settings.integer("depth") as u32, parents: settings.text("parents") == "on" })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let trees = Trees::new(heap, self.parents);
        let mutator = heap.attach();
        let mut digest = trees.count(&trees.bottom_up(&mutator, self.depth + 1)?);
        let long_lived = trees.bottom_up(&mutator, self.depth)?;

        let planned: Vec<u32> = (SHALLOWEST..=self.depth)
            .step_by(STEP)
            .flat_map(|depth| std::iter::repeat_n(depth, 1 << (self.depth - depth + 4)))
            .collect();
        let live = nodes_of(self.depth);
        let mut floating = plan.floating_gauge(live);
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (planned.len() as u64, plan.seed, 0, 1), |n| {
            let tree = trees.bottom_up(&mutator, planned[n as usize])?;
            digest = mix(digest.rotate_left(1) ^ plan.seed ^ trees.count(&tree));
            drop(tree);
            floating.sample_of(heap);
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        digest = mix(digest ^ trees.count(&long_lived));
        let audit = audit(&mutator, &[long_lived.object()], live)?;
        let mut outcome = outcome(timings, plan, "tree", digest, audit);
        outcome.floating = floating.reading();
        Ok(outcome)
    }
}
