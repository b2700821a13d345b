//! Runs one cell in this process, with every instrument attached.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use gc_core::{CreateError, Heap, HeapStatistics, Observer, UncountedHeap};
use workloads::catalogue::{self, StartError};
use workloads::lifetimes::died_by_count_share;
use workloads::workload::{Outcome, Pace, Plan, RunError, Stages};

use crate::attached::Attached;
use crate::cell::Cell;
use crate::floating_trend::FloatingTrend;
use crate::hiccups::{Hiccups, Recorded};
use crate::histogram::{Histograms, PAUSES_BY_GENERATION, Timings};
use crate::instruments::{Instrument, Instruments};
use crate::ledger::{Book, Ledger};
use crate::metered;
use crate::no_count_replay::Recording;
use crate::provenance::binary_hash;
use crate::record::{CountTraffic, Floating, Generation, PauseByCause, Record, Status};
use crate::roster::for_heap;
use crate::spans::{Spans, Utilization};
use crate::units;
use crate::usage::{HeapThreads, ProcessUsage, peak_rss_bytes};

/// An open loop is saturated when at least this share of its operations was waiting as the last one arrived. At ρ times
/// the heap's capacity the share is 1 − 1/ρ, so 0.02 is reached at 2 % above it.
const SATURATED_SHARE: f64 = 0.02;
/// And at least as many as arrive in so many seconds, so that one pause near the end, or one of the machine's, is not
/// taken for it.
const SATURATED_S: f64 = 0.05;

/// What a cell left behind.
pub struct Measured {
    /// Its record.
    pub record: Record,
    /// Its histograms.
    pub histograms: Histograms,
    /// When its timed part began.
    pub began: SystemTime,
    /// Where in time its pauses, cascades and collections were; empty without a ledger.
    pub spans: Spans,
}

/// Runs the cell. That it fails is a result.
///
/// # Errors
/// If it cannot run at all: the heap cannot be made on this machine, or a file that
/// a dial names is not fit for it.
pub fn measure(cell: &Cell) -> Result<Measured> {
    if cell.heap.name == UncountedHeap::NAME {
        let recording = Recording::new(cell)?;
        let mut measured = measure_on(cell, |observer| recording.replay(observer))?;
        recording.enter(&mut measured.record);
        return Ok(measured);
    }
    for_heap!(cell.heap.name, H => measure_on(cell, |observer| H::new(cell.heap_config, observer)))?
}

/// The same on a heap made by `new`.
fn measure_on<H: Heap>(cell: &Cell, new: impl FnOnce(Arc<dyn Observer>) -> Result<H, CreateError>) -> Result<Measured> {
    let mut record = cell.record(binary_hash().ok());
    let attached = Attached::new(&cell.instruments);
    record.ledger_ns_per_pause = attached.ledger.is_some().then(Ledger::cost_ns);
    let heap = new(Arc::clone(&attached) as Arc<_>)?;
    #[cfg(feature = "faults")]
    break_on_purpose(cell.heap.name)?;
    let state = Mutex::new(State::Before);
    let timed_part = TimedPart { heap: &heap, instruments: cell.instruments, attached: &attached, state };
    let pace = cell.rate.map_or(Pace::Closed, |rate| Pace::Open { rate });
    let plan = Plan { seed: cell.seed, threads: cell.threads, pace, stages: &timed_part };

    // Unwind safety: after a panic the heap is not used any more, only counted.
    let run = || catalogue::run(cell.workload.name, &cell.settings, &heap, &plan);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let figures = timed_part.figures();

    let mut histograms = Histograms::default();
    let began = figures.as_ref().map_or_else(SystemTime::now, |figures| figures.began);
    let mut spans = Spans::default();
    if let Some(ledger) = &attached.ledger {
        let book = ledger.book();
        enter_utilization(&book.spans, &mut record);
        spans = enter_ledger(book, &mut record, &mut histograms);
    }
    if let Some(figures) = figures {
        figures.enter(&mut record, &mut histograms);
    }
    match outcome {
        Ok(Ok(outcome)) => {
            (record.status, record.error) = judge::<H>(&outcome, cell.rate);
            enter_outcome(&outcome, &mut record, &mut histograms);
        }
        Ok(Err(StartError::Setting(error))) => return Err(error.into()),
        Ok(Err(StartError::Run(RunError::Create(error)))) => return Err(error.into()),
        Ok(Err(StartError::Run(RunError::Full(error)))) => {
            (record.status, record.error) = (Status::OutOfMemory, Some(error.to_string()))
        }
        Ok(Err(StartError::Run(error @ RunError::Wrong(_)))) => {
            (record.status, record.error) = (Status::WrongDigest, Some(error.to_string()));
        }
        Err(panic) => {
            (record.status, record.error) = (Status::Error, Some(format!("panicked: {}", message(&*panic))));
        }
    }
    Ok(Measured { record, histograms, began, spans })
}

/// Breaks the heap that the environment names, in the way it names: `GCLAB_FAULT=generational:LosesObject`.
#[cfg(feature = "faults")]
fn break_on_purpose(heap: &str) -> Result<()> {
    use gc_core::faults::{self, Fault};
    let Ok(wanted) = std::env::var("GCLAB_FAULT") else { return Ok(()) };
    let named = |fault: &Fault| wanted == format!("{heap}:{fault:?}");
    faults::set(Fault::ALL.into_iter().find(named));
    Ok(())
}

/// How a run ended that came to its end.
fn judge<H: Heap>(outcome: &Outcome, rate: Option<f64>) -> (Status, Option<String>) {
    let (after, expected) = (outcome.live_after, outcome.live_expected);
    if after < expected || (after > expected && H::ABILITIES.collects_cycles) {
        let error = format!("{after} objects live at the end where {expected} ought to");
        return (Status::WrongDigest, Some(error));
    }
    if let (Some(backlog), Some(rate)) = (outcome.backlog_end, rate)
        && backlog as f64 >= SATURATED_SHARE * outcome.operations as f64
        && backlog as f64 >= SATURATED_S * rate
    {
        let operations = outcome.operations;
        let error =
            format!("{backlog} of {operations} operations were waiting as the last one arrived; lower the rate");
        return (Status::Saturated, Some(error));
    }
    (Status::Ok, None)
}

fn enter_outcome(outcome: &Outcome, record: &mut Record, histograms: &mut Histograms) {
    record.operations = Some(outcome.operations);
    record.operation = Some(outcome.operation.to_owned());
    record.wall_ns = Some(outcome.wall_ns);
    record.achieved_per_s =
        (outcome.wall_ns > 0).then(|| outcome.operations as f64 / Duration::from_nanos(outcome.wall_ns).as_secs_f64());
    record.backlog_end = outcome.backlog_end;
    record.mutator_cpu_ns = Some(outcome.mutator_cpu_ns);
    record.digest = Some(units::digest(outcome.digest));
    record.live_after = Some(outcome.live_after);
    record.live_expected = Some(outcome.live_expected);
    record.live_bytes_after = outcome.live_bytes_after;
    record.held_bytes_after = outcome.held_bytes_after;
    if let Some(floating) = &outcome.floating {
        record.floating = Some(Floating {
            peak_objects: Some(floating.peak_objects),
            mean_objects: Some(floating.mean_objects),
            peak_bytes: floating.peak_bytes,
        });
        record.floating_trend = FloatingTrend::of(&floating.series);
        record.trash = Some(floating.series.clone());
    }
    if let Some(drag) = &outcome.drag {
        let timings = Timings::of(&drag.ns);
        record.drag_ns = Some(timings.summary());
        record.drag_allocations = Some(Timings::of(&drag.allocations).summary());
        record.drag_outstanding = Some(drag.outstanding);
        histograms.insert("drag", timings);
    }
    record.lifetimes = outcome.lifetimes.as_ref().map(Into::into);
    record.extra = outcome.extra.iter().map(|(&name, &value)| (name.to_owned(), value)).collect();
    if let Some(response_ns) = &outcome.response_ns {
        let response = Timings::of(response_ns);
        record.response_ns = Some(response.summary());
        histograms.insert("response", response);
    }
    if outcome.service_ns.is_empty() {
        return;
    }
    let service = Timings::of(&outcome.service_ns);
    record.service_ns = Some(service.summary());
    histograms.insert("service", service);
    let starts = outcome.starts_ns.iter().zip(&outcome.service_ns);
    let operations: Vec<(u64, u64)> = starts.map(|(&start, &service)| (start, start + service)).collect();
    let metered = Timings::of(&metered::latencies(&operations, metered::WINDOW_NS));
    record.metered_ns = Some(metered.summary());
    histograms.insert("metered", metered);
}

fn enter_utilization(spans: &Spans, record: &mut Record) {
    record.spans_dropped = Some(spans.dropped());
    if let Some(Utilization { least, least_bounded, each }) = spans.utilization() {
        (record.mmu, record.bmu) = (Some(least), Some(least_bounded));
        record.mmu_by_mutator = (record.threads > 1).then_some(each);
    }
}

/// Returns the ledger's spans.
fn enter_ledger(book: Book, record: &mut Record, histograms: &mut Histograms) -> Spans {
    record.collector_cpu_ns = Some(book.collector_cpu_ns);
    record.pause_ns = Some(book.pauses.summary_with_total());
    record.pause_unmarked_ns = Some(book.unmarked.summary_with_total());
    record.pause_by_cause = Some(PauseByCause::new(&book.by_cause));
    record.cascade_ns = Some(book.cascades.summary_with_total());
    record.cascade_objects = Some(book.cascade_objects.summary_with_total());
    record.involuntary_switches = Some(book.involuntary_switches);
    record.collections = Some(Generation::each(&book.collections));
    record.collections_outside = Some(Generation::each(&book.collections_outside));
    record.callback_panics = Some(book.panics);
    record.pause_by_generation = Some(book.by_generation.each_ref().map(Timings::summary_with_total).into());
    histograms.insert("pause", book.pauses);
    for (tag, timings) in PAUSES_BY_GENERATION.into_iter().zip(book.by_generation) {
        histograms.insert(tag, timings);
    }
    histograms.insert("cascade", book.cascades);
    histograms.insert("cascade-objects", book.cascade_objects);
    book.spans
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

/// Operations on counts so far, in a build that counts them.
fn traffic_so_far() -> Option<CountTraffic> {
    #[cfg(feature = "traffic")]
    {
        let gc_core::traffic::Traffic { retains, releases, contended } = gc_core::traffic::now();
        Some(CountTraffic { retains, releases, contended })
    }
    #[cfg(not(feature = "traffic"))]
    None
}

/// Starts and stops the instruments around the timed part.
struct TimedPart<'h, H: Heap> {
    heap: &'h H,
    instruments: Instruments,
    attached: &'h Attached,
    state: Mutex<State>,
}

enum State {
    Before,
    Running(Box<Beginning>),
    After(Box<Figures>),
}

struct Beginning {
    hiccups: Option<Hiccups>,
    began: SystemTime,
    statistics: HeapStatistics,
    usage: Option<ProcessUsage>,
    heap_threads: HeapThreads,
    traffic: Option<CountTraffic>,
}

/// What the instruments saw.
struct Figures {
    began: SystemTime,
    hiccups: Option<Recorded>,
    peak_rss_bytes: Option<u64>,
    statistics: [HeapStatistics; 2],
    usage: Option<[ProcessUsage; 2]>,
    heap_threads_cpu_ns: u64,
    traffic: Option<CountTraffic>,
}

impl<H: Heap> Stages for TimedPart<'_, H> {
    fn timed_part_begins(&self) {
        let hiccups = self.instruments.has(Instrument::Hiccups).then(Hiccups::start);
        let statistics = self.heap.statistics();
        self.set_timed(true);
        let (heap_threads, usage) = (HeapThreads::now(), ProcessUsage::now());
        let traffic = traffic_so_far();
        let beginning = Beginning { hiccups, began: SystemTime::now(), statistics, usage, heap_threads, traffic };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Running(Box::new(beginning));
    }

    fn timed_part_ends(&self) {
        let (heap_threads, usage) = (HeapThreads::now(), ProcessUsage::now());
        self.set_timed(false);
        let traffic = traffic_so_far();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match std::mem::replace(&mut *state, State::Before) {
            State::Running(beginning) => State::After(Box::new(Figures {
                began: beginning.began,
                statistics: [beginning.statistics, self.heap.statistics()],
                peak_rss_bytes: peak_rss_bytes(),
                heap_threads_cpu_ns: heap_threads.since(&beginning.heap_threads),
                usage: beginning.usage.zip(usage).map(|(before, after)| [before, after]),
                traffic: beginning.traffic.zip(traffic).map(|(before, after)| after.since(&before)),
                hiccups: beginning.hiccups.map(Hiccups::stop),
            })),
            other => other,
        };
    }

    fn instruments(&self) -> workloads::instruments::Instruments<'_> {
        workloads::instruments::Instruments {
            timings: self.instruments.has(Instrument::Timings),
            floating: self.instruments.has(Instrument::Floating),
            drag: self.attached.drag.as_ref(),
        }
    }
}

impl<H: Heap> TimedPart<'_, H> {
    fn set_timed(&self, timed: bool) {
        if let Some(ledger) = &self.attached.ledger {
            ledger.set_timed(timed);
        }
    }

    /// What was seen, if the timed part was ever reached; ends it if the workload could not.
    fn figures(self) -> Option<Figures> {
        self.timed_part_ends();
        match self.state.into_inner().unwrap_or_else(PoisonError::into_inner) {
            State::After(figures) => Some(*figures),
            State::Before | State::Running(_) => None,
        }
    }
}

impl Figures {
    fn enter(self, record: &mut Record, histograms: &mut Histograms) {
        let [before, after] = self.statistics;
        record.allocated_objects = Some(after.allocated - before.allocated);
        // A teardown under way on another thread is the collector's only at its end: figures of two moments may cross.
        record.freed_by_count = Some(after.freed_by_count.saturating_sub(before.freed_by_count));
        record.freed_by_collector = Some(after.freed_by_collector.saturating_sub(before.freed_by_collector));
        record.died_by_count_share = died_by_count_share(&before, &after);
        record.heap_peak_bytes = Some(after.peak_bytes);
        record.count_traffic = self.traffic;
        record.peak_rss_bytes = self.peak_rss_bytes;
        record.heap_threads_cpu_ns = Some(self.heap_threads_cpu_ns);
        record.collector_cpu_ns = record.collector_cpu_ns.map(|in_place_ns| in_place_ns + self.heap_threads_cpu_ns);
        if let Some([before, after]) = self.usage {
            record.user_ns = Some(after.user_ns() - before.user_ns());
            record.system_ns = Some(after.system_ns() - before.system_ns());
            record.process_involuntary_switches = Some(after.involuntary_switches() - before.involuntary_switches());
            record.minor_faults = Some(after.minor_faults() - before.minor_faults());
        }
        if let Some(hiccups) = self.hiccups {
            record.control_cpu_ns = Some(hiccups.cpu_ns);
            record.platform_hiccup_ns = Some(hiccups.overshoot.summary());
            histograms.insert("hiccup", hiccups.overshoot);
        }
    }
}

#[cfg(test)]
mod tests {
    use gc_core::RefcountHeap;

    use super::*;

    fn judged<H: Heap>(outcome: Outcome) -> Status {
        judge::<H>(&outcome, Some(400.0)).0
    }

    #[test]
    fn growing_backlog_is_saturation() {
        let ended_with =
            |backlog_end, operations| judged::<RefcountHeap>(Outcome { operations, backlog_end, ..Outcome::default() });
        assert_eq!(ended_with(None, 1_000), Status::Ok);
        assert_eq!(ended_with(Some(19), 100), Status::Ok, "less than arrives in 50 ms");
        assert_eq!(ended_with(Some(39), 2_000), Status::Ok, "less than 2 %");
        assert_eq!(ended_with(Some(40), 2_000), Status::Saturated);
    }

    #[test]
    fn leak_is_wrong_only_where_cycles_are_collected() {
        let ended_with = |live_after| Outcome { live_after, live_expected: 10, ..Outcome::default() };
        assert_eq!(judged::<RefcountHeap>(ended_with(11)), Status::Ok);
        assert_eq!(judged::<RefcountHeap>(ended_with(9)), Status::WrongDigest);
        assert_eq!(judged::<crate::roster::GenerationalHeap>(ended_with(11)), Status::WrongDigest);
        assert_eq!(judged::<crate::roster::GenerationalHeap>(ended_with(10)), Status::Ok);
    }
}
