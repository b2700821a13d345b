//! `gcbench`: trees of all sizes, built from above and from below, beside a tree and an array that live.
//!
//! The program of John Ellis and Pete Kovac, changed by Hans Boehm: a tree of depth 18 stretches the heap and dies; a tree of
//! depth 16 and an array of 500,000 doubles live; then for each depth 4, 6 … 16 as many trees as have twice the nodes of
//! the first one together are built from above, and as many from below. An operation is one tree, built and dropped. Trees
//! are read along their leftmost path, which the original does not do.

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape};

use super::trees::{PARENTS, Trees, nodes_of};
use super::{outcome, register};
use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::mix;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Trees of all sizes beside a tree and an array: the workload `gcbench`.
pub struct GcBench {
    stretch: u32,
    long_lived: u32,
    deepest: u32,
    array: u32,
    parents: bool,
}

/// The smallest trees, and by how much depths grow.
const SHALLOWEST: u32 = 4;
const STEP: usize = 2;

impl Workload for GcBench {
    const NAME: &'static str = "gcbench";
    const SUMMARY: &'static str = "trees of many sizes are built from above and from below, beside a tree and an array";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "stretch",
            meaning: "depth of the first tree; of each other depth trees with four times its nodes are built",
            default: "18",
            range: Range::Integer(4, 25),
        },
        Dial {
            name: "long-lived",
            meaning: "depth of the tree that stays",
            default: "16",
            range: Range::Integer(0, 25),
        },
        Dial {
            name: "deepest",
            meaning: "depth of the deepest trees that are built and dropped; the others have 4, 6 …",
            default: "16",
            range: Range::Integer(4, 25),
        },
        Dial {
            name: "array",
            meaning: "doubles of the array that stays",
            default: "500000",
            range: Range::Integer(0, Shape::MAX_PAYLOAD as u64 / 8),
        },
        PARENTS,
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] =
        &[("stretch", "15"), ("long-lived", "13"), ("deepest", "12"), ("array", "10000")];
    const OPEN_LOOP: bool = false;
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            stretch: settings.integer("stretch") as u32,
            long_lived: settings.integer("long-lived") as u32,
            deepest: settings.integer("deepest") as u32,
            array: settings.integer("array") as u32,
            parents: settings.text("parents") == "on",
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let doubles = register(heap, "double[]", Kind::Atomic);
        let trees = Trees::new(heap, self.parents);
        let mutator = heap.attach();
        let mut digest = trees.read_path(&trees.bottom_up(&mutator, self.stretch)?);
        let long_lived = trees.top_down(&mutator, self.long_lived)?;
        let array = mutator.allocate(doubles, Shape::new(0, 8 * self.array))?;
        // Half of it, as the original does.
        for n in 1..self.array / 2 {
            mutator.write_word(&array, n, (1.0 / f64::from(n)).to_bits());
        }

        let planned = self.planned();
        let live = nodes_of(self.long_lived) + 1;
        let mut floating = plan.floating_gauge(live);
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (planned.len() as u64, plan.seed, 0, 1), |n| {
            let (depth, from_above) = planned[n as usize];
            let tree = if from_above { trees.top_down(&mutator, depth)? } else { trees.bottom_up(&mutator, depth)? };
            digest = mix(digest.rotate_left(1) ^ plan.seed ^ trees.read_path(&tree));
            drop(tree);
            floating.sample_of(heap);
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        digest = mix(digest ^ trees.count(&long_lived));
        if self.array > 0 {
            digest = mix(digest ^ mutator.read_word(&array, (self.array - 1).min(1000)));
        }
        let held = [&long_lived, &array].map(Root::object);
        let audit = audit(&mutator, &held, live)?;
        let mut outcome = outcome(timings, plan, "tree", digest, audit);
        outcome.floating = floating.reading();
        Ok(outcome)
    }
}

impl GcBench {
    /// Depth of each tree that is built and dropped, and whether from above.
    fn planned(&self) -> Vec<(u32, bool)> {
        let mut planned = Vec::new();
        for depth in (SHALLOWEST..=self.deepest).step_by(STEP) {
            let trees = (2 * nodes_of(self.stretch) / nodes_of(depth)) as usize;
            planned.extend(std::iter::repeat_n((depth, true), trees));
            planned.extend(std::iter::repeat_n((depth, false), trees));
        }
        planned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_trees_of_each_depth_as_in_the_original() {
        let settings = Settings::new(GcBench::NAME, GcBench::DIALS, GcBench::PRESETS, &[]).unwrap();
        let planned = GcBench::new(&settings).unwrap().planned();
        // What the original prints: "Creating 33824 trees of depth 4" and so on, top down and bottom up.
        for (depth, trees) in [(4, 33_824), (6, 8_256), (8, 2_052), (10, 512), (12, 128), (14, 32), (16, 8)] {
            for from_above in [true, false] {
                let found = planned.iter().filter(|&&tree| tree == (depth, from_above)).count();
                assert_eq!(found, trees, "depth {depth}");
            }
        }
    }
}
