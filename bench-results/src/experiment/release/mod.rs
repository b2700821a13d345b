//! The release experiment: how much memory does a program give back to the system when its objects die, and what does it cost a
//! short script to end tidily?
//!
//! Memory is what the system says of the process (`/proc/PID/smaps_rollup`), before the objects, when all of them are there, and
//! after they died and a full collection ran; and the most that it ever had (`VmHWM`), as a collection takes memory of its own. Objects come in pairs that refer to each other, so that only a collection frees them; they
//! all die, or one pair in a thousand stays, at least one object for each block of 64 KiB. The short script builds records,
//! which die by count, and ends: with its heap torn down, or leaving that to the system.
//!
//! CPython's figures beside ours: 400,000 slotted objects in pairs, `claims.py` on seven versions.

mod report;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use gc_core::{Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Root, Shape, TypeSpec};
use serde_json::json;
use workloads::structures::{Form, Plan, Structures};

use super::trial::{Cell, Experiment, Figures, Point, Record, Run, Script, Size, Subject, WrongFigures};
use crate::process_memory::{ProcessMemory, RangeMemory};
use crate::report::chapter::Chapter;
use crate::roster::for_heap;
use crate::usage::peak_rss_bytes;
use crate::{heap_settings, roster};

/// Pairs of which one stays, where some do.
const KEPT_OF: u32 = 1_000;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Release;

impl Experiment for Release {
    fn name(&self) -> &'static str {
        "release"
    }

    fn title(&self) -> &'static str {
        "Memory returned to the system"
    }

    fn question(&self) -> &'static str {
        "How much memory does a program give back when its objects die: all of them, or all but a few in every block? And what \
         does it cost a short script that just ends to free what the system would take back anyway?"
    }

    /// Every rung: those that collect no cycles show what is kept without a collector.
    fn subjects(&self, _: Size) -> Vec<Subject> {
        roster::entries().iter().map(|entry| Subject::heap(entry.name, None)).collect()
    }

    fn points(&self, size: Size) -> Vec<Point> {
        let (objects, script) = match size {
            Size::Tiny => (20_000, 10_000),
            Size::Quick | Size::Standard => (400_000, 1_000_000),
        };
        vec![
            Point::new("all-dead", &[("objects", &objects), ("kept-of", &0)]),
            Point::new("few-survive", &[("objects", &objects), ("kept-of", &KEPT_OF)]),
            Point::new("script-teardown", &[("objects", &script), ("teardown", &"on")]),
            Point::new("script-ends", &[("objects", &script), ("teardown", &"off")]),
        ]
    }

    fn rounds(&self, size: Size) -> u32 {
        match size {
            Size::Tiny => 1,
            Size::Quick => 5,
            Size::Standard => 20,
        }
    }

    fn expected_s(&self, cell: &Cell) -> f64 {
        0.1 + 0.4e-6 * f64::from(cell.integer("objects").unwrap_or(0))
    }

    fn measure(&self, cell: &Cell) -> Result<Figures> {
        let Subject::Heap { heap, settings } = &cell.subject else { bail!("no heap") };
        let config = heap_settings::parse(settings)?;
        let objects = cell.integer("objects")?;
        match cell.text("teardown") {
            "" => {
                let kept_of = cell.integer("kept-of")?;
                for_heap!(heap.as_str(), H => pairs::<H>(config, objects, kept_of))?
            }
            _ => for_heap!(heap.as_str(), H => script::<H>(config, objects, cell.is_on("teardown")))?,
        }
    }

    fn script(&self, cell: &Cell) -> Option<Script> {
        report::script(cell)
    }

    fn chapter(&self, run: &Run, records: &[Record]) -> Chapter {
        report::chapter(self, run, records)
    }
}

/// Builds pairs that refer to each other, and lets go of all, or of all but one in so many.
fn pairs<H: Heap>(config: HeapConfig, objects: u32, kept_of: u32) -> Result<Figures> {
    let heap = H::new(config, Arc::new(NoObserver))?;
    let mutator = heap.attach();
    mutator.disable();
    let before = rss()?;
    let pairs = objects / 2;
    let holder = build_pairs(&mutator, pairs)?;
    let peak = rss()?;
    let ranges: Vec<_> = heap.extents().into_iter().map(|extent| extent.addresses).collect();
    let resident = || -> Result<u64> {
        let of = |range| Ok(RangeMemory::of(std::process::id(), range)?.resident);
        ranges.iter().map(of).sum()
    };
    let (heap_peak, held_peak, live_peak) = (resident()?, heap.statistics().held_bytes, heap.live_objects());
    let begin = Instant::now();
    let mut dead = 0;
    for pair in (0..pairs).filter(|pair| kept_of == 0 || pair % kept_of > 0) {
        drop(holder.take(pair));
        dead += 2;
    }
    mutator.collect(Generation::OLD);
    let collect_ns = begin.elapsed().as_nanos() as u64;
    let freed = live_peak - heap.live_objects();
    let expected = if H::ABILITIES.collects_cycles { dead } else { 0 };
    if freed != expected {
        return Err(WrongFigures(format!("{freed} objects were freed where {expected} ought to")).into());
    }
    let (after, heap_after) = (rss()?, resident()?);
    let share = (heap_peak > 0).then(|| 1.0 - heap_after as f64 / heap_peak as f64);
    Ok(Figures::from([
        ("built_objects".to_owned(), json!(live_peak)),
        ("freed_objects".to_owned(), json!(freed)),
        ("collect_ns".to_owned(), json!(collect_ns)),
        ("rss_before_bytes".to_owned(), json!(before)),
        // Before anything dies; the name is that of the first records.
        ("rss_peak_bytes".to_owned(), json!(peak)),
        ("rss_highest_bytes".to_owned(), json!(highest(&[before, peak, after]))),
        ("rss_after_bytes".to_owned(), json!(after)),
        ("heap_peak_bytes".to_owned(), json!(heap_peak)),
        ("heap_after_bytes".to_owned(), json!(heap_after)),
        ("held_peak_bytes".to_owned(), json!(held_peak)),
        ("held_after_bytes".to_owned(), json!(heap.statistics().held_bytes)),
        ("heap_returned_share".to_owned(), json!(share)),
    ]))
}

/// Pairs held by one list, which is made first: nothing else is allocated beside them.
fn build_pairs<M: Mutator>(mutator: &M, pairs: u32) -> Result<Root<'_, M>> {
    let register =
        |name: &str, kind| mutator.heap().register_type(TypeSpec::new(name, kind)).expect("a new heap has few types");
    let (node, list) = (register("Node", Kind::Instance), register("list", Kind::List));
    let holder = mutator.allocate(list, Shape::new(pairs, 0))?;
    for pair in 0..pairs {
        let [one, other] = [mutator.allocate(node, Shape::new(2, 0))?, mutator.allocate(node, Shape::new(2, 0))?];
        one.store(0, Some(&other));
        other.put(0, Some(one.clone()));
        holder.put(pair, Some(one));
    }
    Ok(holder)
}

/// Builds records and ends, with or without a teardown.
fn script<H: Heap>(config: HeapConfig, objects: u32, teardown: bool) -> Result<Figures> {
    let heap = H::new(config, Arc::new(NoObserver))?;
    let mutator = heap.attach();
    let begin = Instant::now();
    let plan = Plan { form: Form::Records, nodes: objects, size: 2, shuffled: false, seed: 1 };
    let built = Structures::build(&mutator, &plan)?;
    let build_ns = begin.elapsed().as_nanos() as u64;
    let (live, peak) = (heap.live_objects(), rss()?);
    let begin = Instant::now();
    let mut left = None;
    if teardown {
        drop(built);
        mutator.collect(Generation::OLD);
        left = Some(heap.live_objects());
        drop(mutator);
        drop(heap);
    } else {
        // The system takes the pages back when the process ends.
        std::mem::forget(built);
        std::mem::forget(mutator);
        std::mem::forget(heap);
    }
    let end_ns = begin.elapsed().as_nanos() as u64;
    if let Some(left) = left.filter(|&left| left > 0) {
        return Err(WrongFigures(format!("{left} of {live} objects were alive after the teardown")).into());
    }
    Ok(Figures::from([
        ("built_objects".to_owned(), json!(live)),
        ("build_ns".to_owned(), json!(build_ns)),
        ("end_ns".to_owned(), json!(end_ns)),
        ("rss_peak_bytes".to_owned(), json!(peak)),
        ("rss_highest_bytes".to_owned(), json!(highest(&[peak]))),
    ]))
}

/// The most that the process ever had. The system's own figure is brought up to date only now and then: it may be less than what
/// was seen.
fn highest(seen: &[u64]) -> Option<u64> {
    Some(seen.iter().copied().fold(peak_rss_bytes()?, u64::max))
}

/// What the process has resident now.
fn rss() -> Result<u64> {
    Ok(ProcessMemory::of(std::process::id())?.rss)
}
