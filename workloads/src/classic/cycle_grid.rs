//! `cycle-grid`: chains that are rings or not, held until there are enough of them: memory against pause.
//!
//! The grid by which CPython's incremental collector was judged: chains of 10, 100 and 1,000 nodes, closed with a
//! probability, with 0, 10,000, 100,000 and 300,000 bytes a chain, held until 100, 10,000 or 30,000 nodes live. Sweep `k`,
//! `closed`, `payload` and `live`. Open chains die by count, in the drop of what holds them; closed ones wait for a
//! collection, and their bytes with them, of which no trigger knows.

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId};

use super::{outcome, register};
use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::{SplitMix64, mix};
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// Chains, some of them rings, held and dropped many at a time: the workload `cycle-grid`.
pub struct CycleGrid {
    k: u32,
    closed: f64,
    payload: u32,
    live: u32,
    chains: u64,
}

impl Workload for CycleGrid {
    const NAME: &'static str = "cycle-grid";
    const SUMMARY: &'static str =
        "chains, some closed into rings, are held until enough live, then all dropped: memory against pause";
    const DIALS: &'static [Dial] = &[
        Dial { name: "k", meaning: "nodes of a chain", default: "100", range: Range::Integer(1, 1_000_000) },
        Dial {
            name: "closed",
            meaning: "share of chains whose last node refers to the first",
            default: "0.5",
            range: Range::Number(0.0, 1.0),
        },
        Dial {
            name: "payload",
            meaning: "bytes that the first node of a chain carries",
            default: "10000",
            range: Range::Integer(0, Shape::MAX_PAYLOAD as u64 - 16),
        },
        Dial {
            name: "live",
            meaning: "nodes held at which the holder is dropped; a chain is never held in part",
            default: "10000",
            range: Range::Integer(1, 10_000_000),
        },
        Dial { name: "chains", meaning: "chains made", default: "50000", range: Range::Integer(1, 100_000_000) },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] =
        &[("payload", "1000"), ("live", "3000"), ("chains", "10000")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("chains");
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            k: settings.integer("k") as u32,
            closed: settings.number("closed"),
            payload: settings.integer("payload") as u32,
            live: settings.integer("live") as u32,
            chains: settings.integer("chains"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let (node, list) = (register(heap, "Node", Kind::Instance), register(heap, "list", Kind::List));
        let mutator = heap.attach();
        let held_chains = self.live.div_ceil(self.k);
        let new_holder = || mutator.allocate(list, Shape::new(held_chains, 16));
        let mut holder = new_holder()?;
        let mut held = 0;
        let mut draws = SplitMix64::new(plan.seed);
        let mut floating = plan.floating_gauge(0);
        let mut peak = 0;
        let mut digest = 0;
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (self.chains, plan.seed, 0, 1), |n| {
            let closed = f64::from(draws.next_u32()) < self.closed * 4_294_967_296.0;
            let (first, last) = self.make_chain(&mutator, node, mix(plan.seed ^ n), closed)?;
            digest = mix(digest ^ read_behind(&mutator, &first) ^ read_behind(&mutator, &last).rotate_left(16));
            drop(last);
            holder.put(held, Some(first));
            held += 1;
            if held == held_chains {
                holder = new_holder()?;
                held = 0;
            }
            let objects = heap.live_objects();
            peak = peak.max(objects);
            floating.sample(objects.saturating_sub(1 + u64::from(held) * u64::from(self.k)));
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        let live = 1 + u64::from(held) * u64::from(self.k);
        let audit = audit(&mutator, &[holder.object()], live)?;
        let mut outcome = outcome(timings, plan, "chain", digest, audit);
        outcome.floating = floating.reading();
        outcome.extra = [("peak_objects", peak as f64)].into();
        Ok(outcome)
    }
}

/// Slot of a node: the next one; and a word of its payload.
const NEXT: u32 = 0;
const NUMBER: u32 = 0;

impl CycleGrid {
    /// A chain: its first and its last node.
    fn make_chain<'m, M: Mutator>(
        &self,
        mutator: &'m M,
        node: TypeId,
        number: u64,
        closed: bool,
    ) -> Result<(Root<'m, M>, Root<'m, M>), HeapFull> {
        let first = mutator.allocate(node, Shape::new(1, (8 + self.payload).next_multiple_of(8)))?;
        mutator.write_word(&first, NUMBER, number);
        let mut last = first.clone();
        for place in 1..self.k {
            let next = mutator.allocate(node, Shape::new(1, 8))?;
            mutator.write_word(&next, NUMBER, mix(number ^ (u64::from(place) << 32)));
            last.store(NEXT, Some(&next));
            last = next;
        }
        if closed {
            last.store(NEXT, Some(&first));
        }
        Ok((first, last))
    }
}

/// What a reader sees of a node, and of the one behind it, if any.
fn read_behind<M: Mutator>(mutator: &M, node: &Root<'_, M>) -> u64 {
    let next = node.load(NEXT).map_or(0, |next| mutator.read_word(&next, NUMBER));
    mutator.read_word(node, NUMBER) ^ next.rotate_left(32)
}
