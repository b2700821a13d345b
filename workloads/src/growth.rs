//! `growth`: a heap that only grows. What it shows is when the trigger collects, and the quarter rule at work.

use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeSpec};

use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::mix;
use crate::web_requests::merge;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// A heap that only grows: the workload `growth`.
pub struct Growth {
    objects: u64,
    initial: u32,
    batch: u64,
}

impl Workload for Growth {
    const NAME: &'static str = "growth";
    const SUMMARY: &'static str = "objects are allocated and kept: when is what collected, for nothing";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "objects",
            meaning: "objects allocated and kept",
            default: "1000000",
            range: Range::Integer(1, 100_000_000),
        },
        Dial {
            name: "initial",
            meaning: "objects that are there and collected once before, as an interpreter's own",
            default: "6500",
            range: Range::Integer(0, 100_000_000),
        },
        Dial {
            name: "batch",
            meaning: "objects an operation allocates",
            default: "1000",
            range: Range::Integer(1, 10_000_000),
        },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] = &[("objects", "50000")];
    const OPEN_LOOP: bool = false;
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            objects: settings.integer("objects"),
            initial: settings.integer("initial") as u32,
            batch: settings.integer("batch"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("a new heap has few types");
        let mutator = heap.attach();
        let new = |n: u64| -> Result<Root<'_, H::Mutator>, HeapFull> {
            let object = mutator.allocate(node, Shape::new(2, 8))?;
            mutator.write_word(&object, 0, n);
            Ok(object)
        };
        mutator.disable();
        let initial = (0..u64::from(self.initial)).map(new).collect::<Result<Vec<_>, _>>()?;
        mutator.enable();
        mutator.collect(Generation::OLD);

        let mut kept = Vec::with_capacity(self.objects as usize);
        plan.stages.timed_part_begins();
        let batches = self.objects.div_ceil(self.batch);
        let timings = serve(&mutator, plan, (batches, plan.seed, 0, 1), |_| {
            for _ in 0..self.batch.min(self.objects - kept.len() as u64) {
                let object = new(mix(plan.seed ^ kept.len() as u64))?;
                kept.push(object);
            }
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        let digest = kept.iter().fold(0, |digest, object| mix(digest ^ mutator.read_word(object, 0)));
        let held: Vec<_> = initial.iter().chain(&kept).map(Root::object).collect();
        let audit = audit(&mutator, &held, held.len() as u64)?;
        let mut outcome = merge(vec![timings], plan.pace);
        outcome.operation = "batch";
        outcome.digest = digest;
        audit.enter(&mut outcome);
        Ok(outcome)
    }
}
