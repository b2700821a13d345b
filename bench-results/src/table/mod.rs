//! The table of a comparison on the screen: a block a workload, a column a heap.
//!
//! Figures of several rounds come from merged histograms or are sums, means or extremes over rounds as the row says;
//! percentiles are never averaged. Below each block stand the ratios with their intervals, and the verdict.

mod ratios;

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::comparison::{Arrivals, BASELINE, Comparison, Point, of_point};
use crate::histogram::{Histograms, Summary, Timings};
use crate::judgement::{Judgement, is_complete, judge, saturated_rounds};
use crate::record::{Record, Status};
use crate::{roster, units};

/// A full collection count below which a column proves nothing about full collections.
const FULL_COLLECTIONS_LEAST: u64 = 20;

/// A line of a header is not longer, where a heap's name has hyphens.
const WIDEST_NAME: usize = 12;

type Percentile = fn(&Summary) -> Option<u64>;

/// The cells of one workload on one heap, and what they say together.
struct Column<'r> {
    heap: &'static roster::Entry,
    records: Vec<&'r Record>,
    response: Option<Summary>,
    service: Option<Summary>,
    pause: Option<Summary>,
}

/// The table of all workloads, and below it what was offered and what of the machine shows.
pub fn comparison(comparison: &Comparison, records: &[Record], folder: &Path) -> String {
    let mut text = String::new();
    let mut judgements = Vec::new();
    for point in &comparison.points {
        let judged = judge(comparison, point, records, folder);
        let records = of_point(records, point);
        let columns: Vec<Column<'_>> = comparison
            .heaps
            .iter()
            .filter_map(|heap| roster::entry(heap).ok())
            .map(|heap| Column::new(heap, &records, folder))
            .collect();
        block(&mut text, point, comparison, &columns);
        match judged {
            Ok(judgement) => {
                ratios::of_point(&mut text, comparison, &judgement);
                judgements.push(judgement);
            }
            Err(cause) => text.push_str(&format!("No verdict: {cause:#}.\n")),
        }
        text.push('\n');
    }
    let machines = machines(comparison, records);
    for machine in &machines {
        let ran_there =
            |judgement: &&Judgement| of_point(records, &judgement.point).iter().any(|r| r.machine == *machine);
        let there: Vec<Judgement> = judgements.iter().filter(ran_there).cloned().collect();
        let number = machines.iter().position(|known| known == machine).filter(|_| machines.len() > 1);
        ratios::of_all_points(&mut text, comparison, &there, number.map(|number| number + 1));
    }
    text.push_str(&machine_sentence(records, folder));
    text
}

/// The machines that cells of these points ran on, in the order of the points.
fn machines(comparison: &Comparison, records: &[Record]) -> Vec<Option<String>> {
    let mut machines = Vec::new();
    for record in comparison.points.iter().flat_map(|point| of_point(records, point)) {
        if !machines.contains(&record.machine) {
            machines.push(record.machine.clone());
        }
    }
    machines
}

/// A table in the style of the program: a line below the header, no colour.
pub fn plain(header: impl IntoIterator<Item = String>) -> Table {
    const LINE: LineStyle = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LINE)).set_header(header.into_iter().collect::<Vec<_>>());
    table
}

/// A heap's name as the header of a narrow column: broken at its hyphens where it is long.
pub fn narrow(name: &str) -> String {
    let mut header = String::new();
    let mut on_line = 0;
    for part in name.split_inclusive('-') {
        if on_line > 0 && on_line + part.len() > WIDEST_NAME {
            header.push('\n');
            on_line = 0;
        }
        header.push_str(part);
        on_line += part.len();
    }
    header
}

/// Digests of a point's cells that are not equal, with the heaps that gave them.
pub fn unequal_digests(records: &[&Record]) -> Option<String> {
    let mut seen: Vec<(&str, Vec<&str>)> = Vec::new();
    for record in records {
        let Some(digest) = &record.digest else { continue };
        match seen.iter_mut().find(|(known, _)| known == digest) {
            Some((_, heaps)) if !heaps.contains(&record.heap.as_str()) => heaps.push(&record.heap),
            Some(_) => {}
            None => seen.push((digest, vec![&record.heap])),
        }
    }
    let list = seen.iter().map(|(digest, heaps)| format!("{digest} on {}", heaps.join(", "))).collect::<Vec<_>>();
    (list.len() > 1).then(|| list.join("; "))
}

impl<'r> Column<'r> {
    fn new(heap: &'static roster::Entry, records: &[&'r Record], folder: &Path) -> Self {
        let of = |record: &&Record| record.heap == heap.name && !record.twin;
        let records: Vec<&Record> = records.iter().copied().filter(of).collect();
        let complete: Vec<&Record> = records.iter().copied().filter(|record| is_complete(record)).collect();
        // In a saturated cell the queue grows with time: its response times depend on how long it ran. The other rounds' would
        // be the lucky ones.
        let in_time = saturated_rounds(&records).is_none();
        let response = || merge(&complete, folder, "response", &|record| record.response_ns?.max);
        Self {
            heap,
            response: in_time.then(response).flatten(),
            service: merge(&complete, folder, "service", &|record| record.service_ns?.max),
            pause: merge(&complete, folder, "pause", &|record| record.pause_ns?.summary.max),
            records,
        }
    }

    /// Cells that did all their work.
    fn complete(&self) -> impl Iterator<Item = &'r Record> {
        self.records.iter().copied().filter(|record| is_complete(record))
    }

    fn count(&self, status: Status) -> usize {
        self.records.iter().filter(|record| record.status == status).count()
    }

    fn max(&self, figure: impl Fn(&Record) -> Option<u64>) -> Option<u64> {
        self.complete().filter_map(figure).max()
    }

    fn mean(&self, figure: impl Fn(&Record) -> Option<u64>) -> Option<u64> {
        let figures: Vec<u64> = self.complete().filter_map(figure).collect();
        (!figures.is_empty()).then(|| figures.iter().sum::<u64>() / figures.len() as u64)
    }

    /// Operations a second over all rounds together.
    fn throughput(&self) -> String {
        let operations: u64 = self.complete().filter_map(|record| record.operations).sum();
        let wall_ns: u64 = self.complete().filter_map(|record| record.wall_ns).sum();
        if wall_ns == 0 {
            return unknown();
        }
        units::rate(operations as f64 / (wall_ns as f64 / 1e9))
    }

    fn collections(&self, generation: u8) -> Vec<u64> {
        let of = |record: &'r Record| {
            let generations = record.collections.as_ref()?;
            Some(generations.iter().find(|figures| figures.generation == generation)?.collections)
        };
        self.complete().filter_map(of).collect()
    }
}

fn merge(records: &[&Record], folder: &Path, tag: &str, exact_max: &dyn Fn(&Record) -> Option<u64>) -> Option<Summary> {
    let mut timings = Timings::default();
    let mut any = false;
    for record in records {
        let Some(histogram) = record.hlog.as_ref().and_then(|hlog| Histograms::read(&folder.join(hlog), tag).ok()?)
        else {
            continue;
        };
        timings.merge(&histogram, exact_max(record));
        any = true;
    }
    any.then(|| timings.summary())
}

fn block(text: &mut String, point: &Point, comparison: &Comparison, columns: &[Column<'_>]) {
    let header = std::iter::once(point.title()).chain(columns.iter().map(|column| narrow(column.heap.name)));
    let mut table = plain(header);
    let mut row = |name: &str, figure: &dyn Fn(&Column<'_>) -> String| {
        table.add_row(std::iter::once(name.to_owned()).chain(columns.iter().map(figure)));
    };
    let time = |ns: Option<u64>| ns.map_or_else(unknown, units::time);
    let size = |bytes: Option<u64>| bytes.map_or_else(unknown, units::size);
    let objects = |number: Option<u64>| number.map_or_else(unknown, units::count);
    let open = columns.iter().flat_map(|column| &column.records).any(|record| record.offered_per_s.is_some());

    row("cells ok", &|column| format!("{} of {}", column.count(Status::Ok), column.records.len()));
    row("operations", &|column| column.throughput());
    let percentiles: [(&str, Percentile); 5] =
        [("p50", |s| s.p50), ("p99", |s| s.p99), ("p99.9", |s| s.p99_9), ("p99.99", |s| s.p99_99), ("max", |s| s.max)];
    let has_times_for = |percentile: Percentile| {
        let main = |column: &Column<'_>| if open { column.response } else { column.service };
        columns.iter().filter_map(main).any(|summary| percentile(&summary).is_some())
    };
    for (name, percentile) in percentiles {
        // A hundred thousand times are needed, which most cells do not have.
        if name == "p99.99" && !has_times_for(percentile) {
            continue;
        }
        if open {
            row(&format!("response {name}"), &|column| time(column.response.as_ref().and_then(percentile)));
        } else {
            row(&format!("service {name}"), &|column| time(column.service.as_ref().and_then(percentile)));
        }
    }
    row("pause p99", &|column| time(column.pause.as_ref().and_then(|pause| pause.p99)));
    row("pause max", &|column| time(column.pause.as_ref().and_then(|pause| pause.max)));
    row("  longest, core kept", &|column| time(column.max(|record| record.pause_unmarked_ns?.summary.max)));
    row("pauses, sum", &|column| time(column.mean(|record| Some(record.pause_ns?.total))));
    row("  share of wall time", &|column| {
        let (pause, wall) = (column.mean(|r| Some(r.pause_ns?.total)), column.mean(|r| r.wall_ns));
        // Each mutator has its own pauses.
        match (pause, wall.map(|wall| wall * u64::from(point.threads))) {
            (Some(pause), Some(wall)) if wall > 0 => format!("{:.1} %", pause as f64 * 100.0 / wall as f64),
            _ => unknown(),
        }
    });
    row("release cascade max", &|column| time(column.max(|record| record.cascade_ns?.summary.max)));
    for (name, generation) in [("collections g0", 0), ("  g1", 1), ("  g2", 2)] {
        row(name, &|column| range(&column.collections(generation)));
    }
    row("floating objects, peak", &|column| objects(column.max(|record| record.floating?.peak_objects)));
    row("  mean", &|column| objects(column.mean(|record| Some(record.floating?.mean_objects?.round() as u64))));
    row("mutator CPU", &|column| time(column.mean(|record| record.mutator_cpu_ns)));
    row("  of it collecting", &|column| time(column.mean(Record::collecting_in_place_ns)));
    row("collector's thread CPU", &|column| time(column.mean(|record| record.heap_threads_cpu_ns)));
    row("CPU in all", &|column| time(column.mean(Record::cpu_in_all_ns)));
    row("peak RSS", &|column| size(column.max(|record| record.peak_rss_bytes)));
    row("heap peak", &|column| size(column.max(|record| record.heap_peak_bytes)));
    row("live after", &|column| objects(column.records.iter().find_map(|record| record.live_after)));
    row("  expected", &|column| objects(column.records.iter().find_map(|record| record.live_expected)));
    let all: Vec<&Record> = columns.iter().flat_map(|column| &column.records).copied().collect();
    let unequal = unequal_digests(&all);
    row("digest", &|column| {
        // Cells that read something else than most are marked, all of them where no digest is that of most.
        let wrong = column.records.iter().any(|record| record.status == Status::WrongDigest);
        let known = column.records.iter().any(|record| record.digest.is_some());
        if wrong {
            "WRONG".to_owned()
        } else if known {
            "ok".to_owned()
        } else {
            unknown()
        }
    });
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let _ = writeln!(text, "{table}");
    notes(text, point, comparison, columns, unequal.as_deref());
}

fn notes(text: &mut String, point: &Point, comparison: &Comparison, columns: &[Column<'_>], unequal: Option<&str>) {
    // Writing to a String cannot fail.
    let rate = columns.iter().flat_map(|column| &column.records).find_map(|record| record.offered_per_s);
    let capacity = comparison.calibration(point).and_then(|calibration| calibration.record.achieved_per_s);
    match (rate, point.arrivals, capacity) {
        (Some(rate), Arrivals::Load(load), Some(capacity)) => {
            let (rate, capacity) = (units::rate(rate), units::rate(capacity));
            let _ = writeln!(
                text,
                "Open loop: {rate} arrived, {load} of the {capacity} that {BASELINE} served in a closed loop."
            );
        }
        (Some(rate), ..) => {
            let _ = writeln!(text, "Open loop: {} arrived.", units::rate(rate));
        }
        (None, ..) => {
            let _ = writeln!(text, "Closed loop: each operation began when the last had ended.");
        }
    }
    for column in columns {
        let full: u64 = column.collections(2).iter().sum();
        if column.heap.abilities.collects_cycles && full < FULL_COLLECTIONS_LEAST {
            let heap = column.heap.name;
            let _ = writeln!(
                text,
                "{heap}: {full} full collections, fewer than {FULL_COLLECTIONS_LEAST}: void as to full collections."
            );
        }
        if let Some(saturated) = saturated_rounds(&column.records) {
            let (heap, rounds) = (column.heap.name, column.records.len());
            let _ = writeln!(
                text,
                "{heap}: saturated in {saturated} of {rounds} rounds, so it has no response times; its other rows are of all."
            );
        }
        for record in column.records.iter().filter(|record| record.status != Status::Ok) {
            let cause = record.error.as_deref().unwrap_or("no cause known");
            let _ = writeln!(text, "! {} round {}: {}: {cause}", record.heap, record.round, record.status.name());
        }
    }
    if let Some(unequal) = unequal {
        let _ = writeln!(text, "! digests of {} are not equal: {unequal}", point.title());
    }
}

fn machine_sentence(records: &[Record], folder: &Path) -> String {
    let all: Vec<&Record> = records.iter().collect();
    let hiccup = merge(&all, folder, "hiccup", &|record| record.platform_hiccup_ns?.max).unwrap_or_default();
    let time = |ns: Option<u64>| ns.map_or_else(unknown, units::time);
    let switches: u64 = records.iter().filter_map(|record| record.process_involuntary_switches).sum();
    // The highest percentile that there are enough times for.
    let (name, percentile) = match hiccup.p99_9 {
        Some(_) => ("p99.9", hiccup.p99_9),
        None => ("p99", hiccup.p99),
    };
    format!(
        "The machine: while cells ran, an idle thread woke up late by {} ({name}) and by {} at most, and the system took \
         the core from a cell's thread {} times.\nSmaller differences in single times may be the machine's.\n",
        time(percentile),
        time(hiccup.max),
        units::count(switches)
    )
}

/// What all rounds agree on, or the range.
fn range(figures: &[u64]) -> String {
    match (figures.iter().min(), figures.iter().max()) {
        (Some(&least), Some(&most)) if least == most => units::count(least),
        (Some(&least), Some(&most)) => format!("{}–{}", units::count(least), units::count(most)),
        _ => unknown(),
    }
}

fn unknown() -> String {
    "n/a".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_of_heaps_are_broken_at_hyphens() {
        assert_eq!(narrow("concurrent"), "concurrent");
        assert_eq!(narrow("stop-the-world"), "stop-the-\nworld");
        assert_eq!(narrow("generational-streaming"), "generational-\nstreaming");
        assert_eq!(narrow("refcount-atomic"), "refcount-\natomic");
    }
}
