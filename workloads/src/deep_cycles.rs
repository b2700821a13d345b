//! `deep-cycles`: large structures that die at once, by collection or by count.

use std::time::Instant;

use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::{SplitMix64, mix};
use crate::web_requests::merge;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Large structures that die at once: the workload `deep-cycles`.
pub struct DeepCycles {
    shape: String,
    objects: u32,
    size: u32,
    iterations: u64,
    shuffled: bool,
}

impl Workload for DeepCycles {
    const NAME: &'static str = "deep-cycles";
    const SUMMARY: &'static str =
        "rings, doubly linked lists, trees with parent links, nested lists and chains, dying at once";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "shape",
            meaning: "what is built: rings, doubly linked lists, trees with parent links, nested lists (n references to the same \
                      list on level n), or chains, which die by count",
            default: "ring",
            range: Range::Word(&["ring", "list", "tree", "nested", "chain"]),
        },
        Dial { name: "objects", meaning: "objects in all", default: "200000", range: Range::Integer(1, 100_000_000) },
        Dial {
            name: "size",
            meaning: "objects of one structure",
            default: "1000",
            range: Range::Integer(1, 100_000_000),
        },
        Dial {
            name: "iterations",
            meaning: "times that all is built and dropped",
            default: "20",
            range: Range::Integer(1, 1_000_000),
        },
        Dial {
            name: "shuffled",
            meaning: "whether neighbours lie anywhere in memory",
            default: "off",
            range: Range::Word(&["on", "off"]),
        },
    ];
    const PRESETS: &'static [Preset] = &[Preset {
        name: "giant-ring",
        meaning: "one ring of two million objects",
        settings: &[("objects", "2000000"), ("size", "2000000"), ("iterations", "3")],
    }];
    const SMALL: &'static [(&'static str, &'static str)] =
        &[("objects", "20000"), ("size", "500"), ("iterations", "4")];
    const OPEN_LOOP: bool = false;
    const AMOUNT: Option<&'static str> = Some("iterations");

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        let size = settings.integer("size");
        if settings.text("shape") == "nested" && size > 10_000 {
            let range = "at most 10000 for nested lists: their references grow with the square".to_owned();
            return Err(SettingError::Range { workload: Self::NAME, name: "size", value: size.to_string(), range });
        }
        Ok(Self {
            shape: settings.text("shape").to_owned(),
            objects: settings.integer("objects") as u32,
            size: size.min(settings.integer("objects")) as u32,
            iterations: settings.integer("iterations"),
            shuffled: settings.text("shuffled") == "on",
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let types = [Kind::Instance, Kind::List].map(|kind| {
            heap.register_type(TypeSpec::new(format!("{kind:?}"), kind)).expect("a new heap has few types")
        });
        let mutator = heap.attach();
        // The collections are this workload's own: automatic ones would take part of the structures away beforehand.
        mutator.disable();
        let mut digest = 0;
        let (mut drop_ns, mut collect_ns) = (0u64, 0u64);
        let mut draws = SplitMix64::new(plan.seed);
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (self.iterations, plan.seed, 0, 1), |_| {
            let roots = self.build(&mutator, types, plan.seed, &mut draws)?;
            for root in &roots {
                digest = mix(digest ^ self.measure(&mutator, root));
            }
            let begin = Instant::now();
            drop(roots);
            let dropped = Instant::now();
            mutator.collect(Generation::OLD);
            drop_ns += (dropped - begin).as_nanos() as u64;
            collect_ns += dropped.elapsed().as_nanos() as u64;
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        let audit = audit(&mutator, &[], 0)?;
        let mut outcome = merge(vec![timings], plan.pace);
        let per_object = |ns: u64| ns as f64 / (self.iterations as f64 * f64::from(self.objects));
        outcome.operation = "iteration";
        outcome.digest = digest;
        audit.enter(&mut outcome);
        outcome.extra =
            [("drop_ns_per_object", per_object(drop_ns)), ("collect_ns_per_object", per_object(collect_ns))].into();
        Ok(outcome)
    }
}

/// Slots: next and previous of rings, lists and chains; of trees four children and the parent.
const NEXT: u32 = 0;
const PREVIOUS: u32 = 1;
const PARENT: u32 = 4;

impl DeepCycles {
    /// All structures; each root holds the first object of one.
    fn build<'m, M: Mutator>(
        &self,
        mutator: &'m M,
        [instance, list]: [TypeId; 2],
        seed: u64,
        draws: &mut SplitMix64,
    ) -> Result<Vec<Root<'m, M>>, HeapFull> {
        if self.shape == "nested" {
            return (0..self.objects / self.size).map(|_| self.build_nested(mutator, list, seed)).collect();
        }
        let slots = if self.shape == "tree" { 5 } else { 2 };
        let mut objects = (0..self.objects)
            .map(|n| {
                let object = mutator.allocate(instance, Shape::new(slots, 8))?;
                mutator.write_word(&object, 0, mix(seed ^ u64::from(n)));
                Ok(object)
            })
            .collect::<Result<Vec<_>, HeapFull>>()?;
        if self.shuffled {
            // Fisher and Yates.
            for n in (1..objects.len()).rev() {
                objects.swap(n, draws.below(n as u32 + 1) as usize);
            }
        }
        for structure in objects.chunks(self.size as usize) {
            self.link(structure);
        }
        let size = self.size as usize;
        Ok(objects.into_iter().step_by(size).collect())
    }

    fn link<M: Mutator>(&self, structure: &[Root<'_, M>]) {
        let next = |n: usize| structure.get(n + 1);
        match self.shape.as_str() {
            "chain" => structure.iter().enumerate().for_each(|(n, object)| object.store(NEXT, next(n))),
            "ring" => structure
                .iter()
                .enumerate()
                .for_each(|(n, object)| object.store(NEXT, Some(next(n).unwrap_or(&structure[0])))),
            "list" => structure.windows(2).for_each(|pair| {
                pair[0].store(NEXT, Some(&pair[1]));
                pair[1].store(PREVIOUS, Some(&pair[0]));
            }),
            // A 4-ary tree in heap order: slots 0 to 3 hold the children, slot 4 the parent.
            _ => (1..structure.len()).for_each(|n| {
                let parent = &structure[(n - 1) / 4];
                parent.store((n as u32 - 1) % 4, Some(&structure[n]));
                structure[n].store(PARENT, Some(parent));
            }),
        }
    }

    /// Level n is a list of n references to the list of level n − 1. Nothing is cyclic; the last level refers to itself, so
    /// that a collection has to find it.
    fn build_nested<'m, M: Mutator>(&self, mutator: &'m M, list: TypeId, seed: u64) -> Result<Root<'m, M>, HeapFull> {
        let mut level = mutator.allocate(list, Shape::new(1, 8))?;
        for n in 1..self.size {
            let next = mutator.allocate(list, Shape::new(n + 1, 8))?;
            mutator.write_word(&next, 0, mix(seed ^ u64::from(n)));
            (0..n).for_each(|slot| next.store(slot, Some(&level)));
            level = next;
        }
        let last = mutator.shape(&level).slots - 1;
        let itself = level.clone();
        level.put(last, Some(itself));
        Ok(level)
    }

    /// What a reader sees of one structure: the numbers of its first objects along the first references.
    fn measure<M: Mutator>(&self, mutator: &M, root: &Root<'_, M>) -> u64 {
        let mut object = root.clone();
        let mut seen = 0;
        for _ in 0..4 {
            seen = mix(seen ^ mutator.read_word(&object, 0));
            let Some(next) = object.load(NEXT) else { break };
            object = next;
        }
        seen
    }
}
