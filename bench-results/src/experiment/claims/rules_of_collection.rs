//! The claim that the collector works as described, against a model written from the description alone.

use std::collections::BTreeSet;

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Mutator, Root};
use workloads::draws::SplitMix64;

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, NODE, labelled, settle};
use super::setup::Setup;

/// Objects held from outside at a time.
const HELD: u32 = 40;

/// Of the random programs.
const SEED: u64 = 41;

/// 41: subtraction, promotion, counters.
pub(super) struct AsDescribed;

impl Check for AsDescribed {
    const CLAIM: Claim = Claim {
        key: "41",
        articles: "D",
        says: "Internal references are subtracted, survivors are promoted, and counters count, as described",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"steps": 61318, "wrong_answers": 0, "wrong_counters": 0}"#,
            measured: "a model of these rules does what CPython 3.12.1 does in 61,318 steps of recorded programs, without a difference",
        }),
        so: None,
        rule: "a random program beside a model of the description, seed 41; reproduced: what each collection finds, what is in each \
               generation and the counters agree at each step; partly: only the counters differ",
        analogue: Some("a random program, where CPython ran recorded ones"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let steps = setup.size(1_500, 6_000, 20_000);
        let (mut model, mut draws) = (Model::default(), SplitMix64::new(SEED));
        let mut held: Vec<(usize, Root<'_, H::Mutator>)> = Vec::new();
        let (mut wrong_answers, mut wrong_counters) = (0u64, 0u64);
        for _ in 0..steps {
            match draws.below(16) {
                0..=5 => {
                    let label = model.allocate();
                    held.push((label, labelled(&mutator, lab.node, label as u64)?));
                }
                6..=11 if !held.is_empty() => {
                    let any = |draws: &mut SplitMix64| draws.below(held.len() as u32) as usize;
                    let (from, to) = (any(&mut draws), any(&mut draws));
                    let slot = draws.below(NODE.slots);
                    held[from].1.store(slot, Some(&held[to].1));
                    model.store(held[from].0, slot as usize, held[to].0);
                }
                12..=14 if held.len() as u32 > draws.below(HELD) => {
                    let (label, root) = held.swap_remove(draws.below(held.len() as u32) as usize);
                    drop(root);
                    settle(&mutator);
                    model.drop_root(label);
                }
                _ => {
                    let generation = [0, 0, 0, 1, 1, 2][draws.below(6) as usize];
                    let found = mutator.collect(Generation::ALL[generation]);
                    settle(&mutator);
                    let expected = model.collect(generation);
                    let right = found == expected
                        && (0..3).all(|generation| {
                            let objects = mutator.get_objects(Some(Generation::ALL[generation]));
                            let labels: BTreeSet<usize> =
                                objects.iter().map(|object| mutator.read_word(object, 0) as usize).collect();
                            labels == model.generation(generation)
                        });
                    wrong_answers += u64::from(!right);
                }
            }
            wrong_counters += u64::from(mutator.get_count().0 != model.counts);
        }
        Ok(Figures::new()
            .with("steps", steps)
            .with("wrong_answers", wrong_answers)
            .with("wrong_counters", wrong_counters)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (answers, counters) = (figures.number("wrong_answers")?, figures.number("wrong_counters")?);
        let verdict = match (answers, counters) {
            (0.0, 0.0) => Verdict::Reproduced,
            (0.0, _) => Verdict::Partly,
            _ => Verdict::Not,
        };
        let text = format!("{} steps: {answers} collections and {counters} counters differ", figures.number("steps")?);
        Some(Answer::new(verdict, text))
    }
}

/// The description as a program: objects by label, and nothing of a heap.
#[derive(Default)]
struct Model {
    objects: Vec<Option<Described>>,
    counts: [u32; 3],
}

struct Described {
    slots: [Option<usize>; NODE.slots as usize],
    is_held: bool,
    generation: usize,
}

impl Model {
    fn allocate(&mut self) -> usize {
        self.objects.push(Some(Described { slots: Default::default(), is_held: true, generation: 0 }));
        self.counts[0] += 1;
        self.objects.len() - 1
    }

    fn store(&mut self, from: usize, slot: usize, to: usize) {
        let Some(object) = &mut self.objects[from] else { return };
        let old = object.slots[slot].replace(to);
        self.free_if_uncounted(old.into_iter().collect());
    }

    fn drop_root(&mut self, label: usize) {
        if let Some(object) = &mut self.objects[label] {
            object.is_held = false;
        }
        self.free_if_uncounted(vec![label]);
    }

    /// References to each object, from outside and from slots.
    fn count(&self, label: usize) -> usize {
        let held = self.objects[label].as_ref().is_some_and(|object| object.is_held);
        let slots = self.objects.iter().flatten().flat_map(|object| object.slots).flatten();
        usize::from(held) + slots.filter(|&target| target == label).count()
    }

    /// Frees those without a reference, then what only these held. A death takes one from the first counter, down to 0.
    fn free_if_uncounted(&mut self, mut labels: Vec<usize>) {
        while let Some(label) = labels.pop() {
            if self.objects[label].is_some() && self.count(label) == 0 {
                self.free(label, &mut labels);
            }
        }
    }

    fn free(&mut self, label: usize, then: &mut Vec<usize>) {
        if let Some(object) = self.objects[label].take() {
            self.counts[0] = self.counts[0].saturating_sub(1);
            then.extend(object.slots.into_iter().flatten());
        }
    }

    fn generation(&self, generation: usize) -> BTreeSet<usize> {
        let objects = self.objects.iter().enumerate();
        objects
            .filter(|(_, object)| object.as_ref().is_some_and(|object| object.generation == generation))
            .map(|(label, _)| label)
            .collect()
    }

    /// What it finds.
    fn collect(&mut self, generation: usize) -> u64 {
        if generation < 2 {
            self.counts[generation + 1] += 1;
        }
        self.counts[..=generation].fill(0);
        let candidates: BTreeSet<usize> = (0..=generation).flat_map(|young| self.generation(young)).collect();
        let slots_of = |label: usize| self.objects[label].iter().flat_map(|object| object.slots).flatten();
        // What candidates hold of each other is subtracted; what is left comes from outside.
        let is_reached_from_outside = |label: &usize| {
            let internal = candidates.iter().flat_map(|&from| slots_of(from)).filter(|target| target == label).count();
            self.count(*label) > internal
        };
        let mut reached: BTreeSet<usize> = candidates.iter().copied().filter(is_reached_from_outside).collect();
        let mut waiting: Vec<usize> = reached.iter().copied().collect();
        while let Some(label) = waiting.pop() {
            waiting.extend(slots_of(label).filter(|target| candidates.contains(target) && reached.insert(*target)));
        }
        let unreachable: Vec<usize> = candidates.difference(&reached).copied().collect();
        for &label in &reached {
            if let Some(object) = &mut self.objects[label] {
                object.generation = (generation + 1).min(2);
            }
        }
        let mut then = Vec::new();
        for &label in &unreachable {
            self.free(label, &mut then);
        }
        self.free_if_uncounted(then);
        unreachable.len() as u64
    }
}
