//! `frozen-fork`, first form: build a heap, collect, freeze it or not, serve reads, collect again.
//!
//! The heap and the requests are those of `fork-v1`, the Python program by which copy-on-write damage was measured. The
//! real fork, and the pages it copies, come with the freeze experiment.

use std::collections::BTreeMap;
use std::time::Instant;

use gc_core::{Control, Generation, Heap, HeapFull, Mutator, Root, Shape};

use crate::arrivals::{serve, thread_cpu_ns};
use crate::audit::audit;
use crate::draws::{SplitMix64, mix};
use crate::request_tree::{ParentLink, RequestTypes};
use crate::web_requests::merge;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// A large heap, frozen or not, that serves reads: the workload `frozen-fork`.
pub struct FrozenFork {
    objects: u32,
    requests: u64,
    reads: u32,
    run: u32,
    nodes: u32,
    freeze: String,
    collect_first: bool,
}

impl Workload for FrozenFork {
    const NAME: &'static str = "frozen-fork";
    const SUMMARY: &'static str = "a large heap, frozen or not, that serves reads; full collections before and after";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "objects",
            meaning: "objects in the heap, two an entry",
            default: "500000",
            range: Range::Integer(40, 40_000_000),
        },
        Dial { name: "requests", meaning: "timed requests", default: "60000", range: Range::Integer(1, 100_000_000) },
        Dial { name: "reads", meaning: "entries a request reads", default: "20", range: Range::Integer(0, 100_000) },
        Dial {
            name: "run",
            meaning: "neighbouring entries read in a row",
            default: "20",
            range: Range::Integer(1, 100_000),
        },
        Dial {
            name: "nodes",
            meaning: "nodes of the acyclic tree a request builds and drops",
            default: "50",
            range: Range::Integer(1, 100_000),
        },
        Dial {
            name: "freeze",
            meaning: "what happens to the heap before it serves",
            default: "freeze",
            range: Range::Word(&["no", "freeze", "immortal"]),
        },
        Dial {
            name: "collect-first",
            meaning: "whether a full collection comes before the freeze",
            default: "on",
            range: Range::Word(&["on", "off"]),
        },
    ];
    const PRESETS: &'static [Preset] = &[Preset {
        name: "fork-v1",
        meaning: "the measured Python program at a million objects and 2 % of the heap read",
        settings: &[("objects", "1000000"), ("requests", "500")],
    }];
    const SMALL: &'static [(&'static str, &'static str)] = &[("objects", "10000"), ("requests", "300")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("requests");

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        let (objects, run) = (settings.integer("objects") as u32, settings.integer("run") as u32);
        if run >= objects / 2 {
            let range = format!("less than the number of entries, {}", objects / 2);
            return Err(SettingError::Range { workload: Self::NAME, name: "run", value: run.to_string(), range });
        }
        Ok(Self {
            objects,
            requests: settings.integer("requests"),
            reads: settings.integer("reads") as u32,
            run,
            nodes: settings.integer("nodes") as u32,
            freeze: settings.text("freeze").to_owned(),
            collect_first: settings.text("collect-first") == "on",
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let types = RequestTypes::register(heap);
        let mutator = heap.attach();
        let mut extra = BTreeMap::new();
        let mut timed_collection = |name: &'static str| {
            let begin = Instant::now();
            mutator.collect(Generation::OLD);
            extra.insert(name, begin.elapsed().as_nanos() as f64);
        };
        mutator.disable();
        let entries = self.objects / 2;
        let table = mutator.allocate(types.list, Shape::new(entries, 16))?;
        for key in 0..entries {
            table.put(key, Some(types.build_entry(&mutator, key)?));
        }
        mutator.enable();
        if self.collect_first {
            timed_collection("collection_before_freeze_ns");
        }
        match self.freeze.as_str() {
            "freeze" => mutator.freeze(),
            "immortal" => mutator.freeze_immortal(),
            _ => {}
        }

        let mut digest = 0;
        let mut floating = plan.floating_gauge(heap.live_objects());
        plan.stages.timed_part_begins();
        let mut draws = SplitMix64::new(plan.seed);
        let timings = serve(&mutator, plan, (self.requests, plan.seed, 0, 1), |_| {
            self.request(&mutator, &types, &table, &mut draws, &mut digest)?;
            // What a request made is dead at its end.
            floating.sample_of(heap);
            Ok::<(), HeapFull>(())
        })?;
        let cpu_before = thread_cpu_ns();
        timed_collection("first_collection_ns");
        timed_collection("second_collection_ns");
        let collecting_ns = thread_cpu_ns() - cpu_before;
        plan.stages.timed_part_ends();

        let audit = audit(&mutator, &[table.object()], 1 + 2 * u64::from(entries))?;
        let mut outcome = merge(vec![timings], plan.pace);
        outcome.operation = "request";
        // They are of the timed part, and of no request.
        outcome.mutator_cpu_ns += collecting_ns;
        outcome.digest = digest;
        outcome.floating = floating.reading();
        audit.enter(&mut outcome);
        outcome.extra = extra;
        Ok(outcome)
    }
}

impl FrozenFork {
    fn request<M: Mutator>(
        &self,
        mutator: &M,
        types: &RequestTypes,
        table: &Root<'_, M>,
        draws: &mut SplitMix64,
        digest: &mut u64,
    ) -> Result<(), HeapFull> {
        let entries = self.objects / 2;
        let mut left = self.reads;
        while left > 0 {
            let first = draws.below(entries - self.run);
            let length = left.min(self.run);
            for key in first..first + length {
                let entry = table.load(key).expect("every place of the table is filled");
                *digest = mix(digest.rotate_left(1) ^ RequestTypes::read_entry(mutator, &entry));
            }
            left -= length;
        }
        drop(types.build(mutator, self.nodes, ParentLink::None)?);
        Ok(())
    }
}
