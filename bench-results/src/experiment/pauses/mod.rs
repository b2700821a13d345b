//! The pauses experiment: how long does a full collection stop a program, by size and shape of the heap?
//!
//! A cell builds one sort of structure with the collector off, and collects several times while all of it lives; then it lets
//! go of all of it, or of half, and collects again. Each collection has two times. The *cycle* is how long the call took: from
//! the request until the garbage is gone. The *gap* is how long a program could not run: of a heap whose mutators take turns
//! that is the cycle; of one whose mutators run in parallel it is the longest time between two steps of a second mutator that
//! works on a few objects of its own meanwhile (`bystander.rs`), and of it the *stop* is the part that the heap tells of. The
//! difference is what the heap does not tell of, and what the machine takes.
//!
//! A longest gap grows with the time over which one looks for it, whoever makes the gaps, and a large heap's collection is long.
//! So each collection has a *control*: the same second mutator, for as long as the collection took, while the first thread
//! computes and collects nothing. A gap that is no longer than its control's is the machine's.
//!
//! CPython's figures beside ours: `deep_cycles.py`, which built the same and measured CPU time (`cpython.csv`).

mod anchors;
mod bystander;
mod figures;
mod findings;
mod picture;
mod points;
mod report;
mod slope;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use gc_core::{Control, Generation, Heap, HeapConfig, Mutator};
use serde_json::json;
use workloads::structures::{Plan, Structures};

use self::bystander::Bystander;
use super::trial::{Cell, Experiment, Figures, Point, Record, Run, Script, Size, Subject, WrongFigures};
use crate::heap_settings;
use crate::report::chapter::Chapter;
use crate::roster::for_heap;
use crate::usage::thread_cpu_ns;

/// Collections of the live structures; the first one is told apart.
const LIVE_COLLECTIONS: usize = 4;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Pauses;

impl Experiment for Pauses {
    fn name(&self) -> &'static str {
        "pauses"
    }

    fn title(&self) -> &'static str {
        "The pause of a full collection"
    }

    fn question(&self) -> &'static str {
        "How long does a full collection stop a program, by size and shape of what lives and of what dies? Does the pause grow \
         with the heap, and for which collector does it not?"
    }

    fn subjects(&self, _: Size) -> Vec<Subject> {
        points::subjects()
    }

    fn points(&self, size: Size) -> Vec<Point> {
        points::points(size)
    }

    fn rounds(&self, size: Size) -> u32 {
        match size {
            Size::Tiny | Size::Quick => 1,
            Size::Standard => 3,
        }
    }

    fn expected_s(&self, cell: &Cell) -> f64 {
        points::expected_s(cell)
    }

    fn measure(&self, cell: &Cell) -> Result<Figures> {
        let Subject::Heap { heap, settings } = &cell.subject else { bail!("no heap") };
        let config = heap_settings::parse(settings)?;
        let plan = points::plan(cell)?;
        for_heap!(heap.as_str(), H => on::<H>(config, &plan, cell.text("dying") == "half"))?
    }

    fn script(&self, cell: &Cell) -> Option<Script> {
        points::script(cell)
    }

    fn chapter(&self, run: &Run, records: &[Record]) -> Chapter {
        report::chapter(self, run, records)
    }
}

/// The times of one collection.
struct Timed {
    cycle_ns: u64,
    cpu_ns: u64,
    stop_ns: u64,
    gap_ns: u64,
    /// The gap of the control; `None` where there is no second mutator.
    control_ns: Option<u64>,
    found: u64,
}

fn on<H: Heap>(config: HeapConfig, plan: &Plan, half: bool) -> Result<Figures> {
    let bystander = Arc::new(Bystander::default());
    let heap = H::new(config, Arc::clone(&bystander) as Arc<_>)?;
    let mutator = heap.attach();
    mutator.disable();
    let begin = Instant::now();
    let built = Structures::build(&mutator, plan)?;
    let build_ns = begin.elapsed().as_nanos() as u64;
    let (tracked, before) = (built.tracked(), heap.live_objects());
    let mut dying = 0;
    let figures = thread::scope(|scope| {
        let parallel = H::ABILITIES.parallel_mutators;
        if parallel {
            scope.spawn(|| bystander.work(&heap));
        }
        // However this ends, the other thread must end too.
        let _end = bystander.ends_when_dropped();
        if parallel {
            mutator.safe_region(|| bystander.wait_until_at_work())?;
        }
        let collect = || -> Timed {
            bystander.forget();
            let (begin, cpu) = (Instant::now(), thread_cpu_ns());
            let found = mutator.collect(Generation::OLD);
            let (cycle_ns, cpu_ns) = (begin.elapsed().as_nanos() as u64, thread_cpu_ns() - cpu);
            let (stop_ns, gap_ns) =
                if parallel { mutator.safe_region(|| bystander.longest_ns()) } else { (cycle_ns, cycle_ns) };
            let control_ns =
                parallel.then(|| mutator.safe_region(|| bystander.control(Duration::from_nanos(cycle_ns))));
            Timed { cycle_ns, cpu_ns, stop_ns, gap_ns, control_ns, found }
        };
        let live: Vec<Timed> = (0..LIVE_COLLECTIONS).map(|_| collect()).collect();
        if let Some(wrong) = live.iter().find(|timed| timed.found > 0) {
            return Err(WrongFigures(format!("{} objects were found dead while all lived", wrong.found)).into());
        }
        let begin = Instant::now();
        dying = built.let_go(|place| !half || place % 2 == 0);
        let drop_ns = begin.elapsed().as_nanos() as u64;
        let dead = collect();
        let mut figures = Figures::from([
            ("tracked_objects".to_owned(), json!(tracked)),
            ("dying_objects".to_owned(), json!(dying)),
            ("found_objects".to_owned(), json!(dead.found)),
            ("build_ns".to_owned(), json!(build_ns)),
            ("drop_ns".to_owned(), json!(drop_ns)),
            ("held_bytes".to_owned(), json!(heap.statistics().peak_bytes)),
        ]);
        let mut enter = |name: &str, times: [Option<u64>; 5]| {
            for (kind, ns) in ["cycle", "cpu", "stop", "gap", "control"].into_iter().zip(times) {
                figures.insert(format!("{name}_{kind}_ns"), json!(ns));
            }
        };
        let all = |timed: &Timed| {
            let [cycle, cpu, stop, gap] = [timed.cycle_ns, timed.cpu_ns, timed.stop_ns, timed.gap_ns].map(Some);
            [cycle, cpu, stop, gap, timed.control_ns]
        };
        enter("first", all(&live[0]));
        enter("second", all(&live[1]));
        enter("live", middle(live[1..].iter().map(all).collect()));
        enter("dead", all(&dead));
        Ok::<_, anyhow::Error>(figures)
    })?;
    // The second mutator is gone, and its objects with it.
    let freed = before - heap.live_objects();
    if freed != dying {
        return Err(WrongFigures(format!("{freed} objects were freed where {dying} ought to")).into());
    }
    Ok(figures)
}

/// The median of each time.
fn middle(times: Vec<[Option<u64>; 5]>) -> [Option<u64>; 5] {
    std::array::from_fn(|place| {
        let mut of_place: Vec<u64> = times.iter().filter_map(|times| times[place]).collect();
        of_place.sort_unstable();
        of_place.get(of_place.len() / 2).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_with_a_second_mutator_have_a_control_beside_each_gap() {
        for (heap, has_control) in [("generational", false), ("stop-the-world", true), ("concurrent", true)] {
            let of_heap = |subject: &Subject| subject.heap_name() == Some(heap);
            let point = Pauses.points(Size::Tiny).into_iter().next().unwrap();
            let subject = Pauses.subjects(Size::Tiny).into_iter().find(of_heap).unwrap();
            let experiment = Pauses.name().to_owned();
            let cell =
                Cell { experiment, question: point.question, subject, options: point.options, round: 0, seed: 1 };
            let figures = Pauses.measure(&cell).unwrap();
            for state in ["first", "second", "live", "dead"] {
                assert!(figures[&format!("{state}_gap_ns")].as_u64().unwrap() > 0, "{heap}: {figures:?}");
                let control = figures[&format!("{state}_control_ns")].as_u64();
                assert_eq!(control.is_some_and(|ns| ns > 0), has_control, "{heap}, {state}: {figures:?}");
            }
        }
    }
}
