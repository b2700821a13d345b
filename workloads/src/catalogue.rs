//! The workloads by name.

use std::time::Instant;

use gc_core::{Control, Generation, Heap, Kind, Mutator, Shape, TypeSpec};

use crate::workload::{Dial, Floating, Outcome, Pace, Plan, Range, RunError, SettingError, Settings};

/// One workload, as `gclab list` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its dials.
    pub dials: &'static [Dial],
    /// Dials for a run of about a second.
    pub small: &'static [(&'static str, &'static str)],
    /// Whether its operations can arrive on a plan.
    pub open_loop: bool,
}

static ENTRIES: [Entry; 1] = [Entry {
    name: "toy",
    summary: "allocates rings and drops them (a stand-in)",
    dials: &[
        Dial {
            name: "rings",
            meaning: "rings to allocate, one an operation",
            default: "40000",
            range: Range::Integer(1, 1_000_000_000_000),
        },
        Dial { name: "size", meaning: "objects in a ring", default: "20", range: Range::Integer(1, 1_000_000) },
    ],
    small: &[("rings", "2000"), ("size", "5")],
    open_loop: true,
}];

/// All of them.
pub fn entries() -> &'static [Entry] {
    &ENTRIES
}

/// Checks settings against the dials of a workload.
pub fn check(name: &str, settings: &[(String, String)]) -> Result<Settings, SettingError> {
    let entry = ENTRIES.iter().find(|entry| entry.name == name).expect("a workload of the catalogue");
    Settings::new(entry.name, entry.dials, settings.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Runs a workload.
pub fn run<H: Heap>(_: &str, settings: &Settings, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
    let (rings, size) = (settings.integer("rings"), settings.integer("size"));
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("the first type");
    let mutator = heap.attach();
    let mut service_ns = Vec::new();
    let mut response_ns = matches!(plan.pace, Pace::Open { .. }).then(Vec::new);
    let mut backlog_end = None;
    let mut digest = plan.seed;
    let gap_ns = match plan.pace {
        Pace::Closed => 0.0,
        Pace::Open { rate } => 1e9 / rate,
    };
    let last_arrival = (gap_ns * rings as f64) as u64;
    plan.stages.timed_part_begins();
    let begin = Instant::now();
    let mut floating = 0;
    for ring in 0..rings {
        let arrival = (gap_ns * (ring + 1) as f64) as u64;
        let now = begin.elapsed().as_nanos() as u64;
        if response_ns.is_some() && now < arrival {
            std::thread::sleep(std::time::Duration::from_nanos((arrival - now).saturating_sub(100_000)));
            while (begin.elapsed().as_nanos() as u64) < arrival {
                std::hint::spin_loop();
            }
        }
        if response_ns.is_some() && backlog_end.is_none() && begin.elapsed().as_nanos() as u64 >= last_arrival {
            backlog_end = Some(rings - ring - 1);
        }
        let start = begin.elapsed().as_nanos() as u64;
        let first = mutator.allocate(node, Shape::new(1, 8))?;
        first.mutator().write_payload(&first, 0, &ring.to_le_bytes());
        let mut last = first.clone();
        for _ in 1..size {
            let next = mutator.allocate(node, Shape::new(1, 8))?;
            last.put(0, Some(next.clone()));
            last = next;
        }
        last.store(0, Some(&first));
        let mut bytes = [0; 8];
        mutator.read_payload(&first, 0, &mut bytes);
        digest = digest.rotate_left(5) ^ u64::from_le_bytes(bytes);
        drop((first, last));
        let end = begin.elapsed().as_nanos() as u64;
        service_ns.push(end - start);
        if let Some(response_ns) = &mut response_ns {
            response_ns.push(end - arrival);
        }
        floating = floating.max(heap.statistics().live());
    }
    let wall_ns = begin.elapsed().as_nanos() as u64;
    plan.stages.timed_part_ends();
    mutator.collect(Generation::OLD);
    Ok(Outcome {
        operations: rings,
        operation: "ring",
        wall_ns,
        service_ns,
        response_ns,
        backlog_end,
        mutator_cpu_ns: wall_ns,
        digest,
        live_after: heap.statistics().live(),
        live_expected: 0,
        floating: Some(Floating { peak_objects: floating, mean_objects: floating as f64 / 2.0 }),
        extra: Default::default(),
    })
}
