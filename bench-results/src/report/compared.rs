//! A comparison as chapters: the run with what holds over all of its points, then one chapter a point.

use super::chapter::{Chapter, Finding, Picture, stem};
use super::column::Block;
use super::grid::{Grid, Word};
use super::origin::Origin;
use super::plots::Plot;
use super::ratios::in_one_line;
use super::source::Source;
use super::table::{Report, Row, Table};
use crate::statistics::verdict::digits;

/// What of a table a reader looks at first; of the times, those of the point's loop.
const SHORT: [&str; 23] = [
    "cells-ok",
    "throughput",
    "response-p50",
    "response-p99",
    "response-p99.9",
    "response-max",
    "service-p50",
    "service-p99",
    "service-p99.9",
    "service-max",
    "pause-p99",
    "pause-max",
    "pause-share",
    "cascade-max",
    "collections-0",
    "collections-1",
    "collections-2",
    "floating-peak",
    "mutator-cpu",
    "heap-threads-cpu",
    "cpu-in-all",
    "peak-rss",
    "heap-peak",
];

/// What stands in the table of all points.
const OVERVIEW: [&str; 12] = [
    "response-p50",
    "response-p99",
    "response-p99.9",
    "response-max",
    "service-p50",
    "service-p99.9",
    "service-max",
    "pause-max",
    "collections-2",
    "floating-peak",
    "cpu-per-operation",
    "peak-rss",
];

/// The chapters of a run.
pub fn chapters(source: &Source, report: &Report, blocks: &[Block<'_>], plots: Vec<Plot>) -> Vec<Chapter> {
    let (mut of_run, mut of_points) = (Vec::new(), vec![Vec::new(); report.tables.len()]);
    for plot in plots {
        // A plot of costs at one point names no block, and is that point's alone.
        let titled = |table: &Table| plot.title.ends_with(&format!(": {}", table.title));
        let place = plot.block.or_else(|| report.tables.iter().position(titled));
        let picture = Picture { stem: plot.stem, title: plot.title, svg: plot.svg };
        place.and_then(|place| of_points.get_mut(place)).unwrap_or(&mut of_run).push(picture);
    }
    let points = report.tables.iter().zip(blocks).zip(of_points);
    let points = points.map(|((table, block), pictures)| of_point(&report.origin, table, block, pictures));
    std::iter::once(of_all(source, report, of_run)).chain(points).collect()
}

fn of_all(source: &Source, report: &Report, pictures: Vec<Picture>) -> Chapter {
    let comparison = &source.run.comparison;
    let mut findings = Vec::new();
    for all in &report.all_points {
        for (heap, axes) in &all.heaps {
            let means = super::all_points::AXES.iter().zip(axes);
            let said = means
                .filter_map(|(axis, mean)| Some(format!("{} of its {axis}", mean.ratio.as_ref().map(in_one_line)?)));
            let said: Vec<String> = said.collect();
            if !said.is_empty() {
                let (points, reference) = (all.points, &all.reference);
                let text = format!("over {points} points together, beside {reference}: × {}.", said.join(", × "));
                findings.push(Finding { about: heap.clone(), text });
            }
        }
    }
    let mut notes = report.notes.clone();
    let mut grids: Vec<Grid> = report.all_points.iter().map(|all| all.grid()).collect();
    for settings in &report.settings {
        match &settings.ratios {
            Ok(ratios) => {
                let mut grid = ratios.grid(settings.title.clone());
                grid.notes.extend(settings.notes.clone());
                grids.push(grid);
            }
            Err(cause) => notes.push(format!("{}: no ratios: {cause}.", settings.title)),
        }
    }
    grids.push(overview(&report.tables));
    let mut facts: Vec<(String, String)> =
        report.origin.facts().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    facts.insert(4.min(facts.len()), ("seed".to_owned(), report.origin.seed.to_string()));
    facts.insert(5.min(facts.len()), ("noise floor (A/A twin)".to_owned(), noise_floor(&report.tables)));
    Chapter {
        listings: Vec::new(),
        stem: stem(&report.name),
        title: format!("Comparison {}", report.name),
        question: format!(
            "What do these heaps give and take under the same programs: {}? Cells are interleaved, each in a fresh process.",
            comparison.heaps.join(", ")
        ),
        findings,
        notes,
        grids,
        pictures,
        facts,
        records: Vec::new(),
    }
}

fn of_point(origin: &Origin, table: &Table, block: &Block<'_>, pictures: Vec<Picture>) -> Chapter {
    let mut notes = table.notes.clone();
    let mut findings = Vec::new();
    let times = if block.open_loop { "service-" } else { "response-" };
    let short = |row: &&Row| SHORT.contains(&row.quantity.key) && !row.quantity.key.starts_with(times);
    let mut grids = vec![figures(table, format!("{}: in short", table.title), &short)];
    match &table.judged {
        Ok((ratios, verdict)) => {
            for line in verdict {
                let (about, text) = line.split_once(": ").unwrap_or(("verdict", line));
                findings.push(Finding { about: about.to_owned(), text: text.to_owned() });
            }
            grids.push(ratios.grid(format!("{}: ratios over {}", table.title, ratios.reference)));
        }
        Err(cause) => notes.push(format!("No verdict: {cause}.")),
    }
    if !table.failures.is_empty() {
        let row = |failure: &super::table::Failure| {
            let words = [failure.round.to_string(), failure.status.name().to_owned(), failure.cause.clone()];
            (failure.column.title(), words.map(Word::plain).to_vec())
        };
        grids.push(Grid {
            title: format!("{}: cells that are not ok", table.title),
            corner: "cell that is not ok".to_owned(),
            columns: ["round", "ended", "cause"].map(str::to_owned).to_vec(),
            rows: table.failures.iter().map(row).collect(),
            notes: Vec::new(),
        });
    }
    grids.push(figures(table, format!("{}: all figures", table.title), &|_| true));
    let summary = workloads::catalogue::ENTRIES.iter().find(|entry| entry.name == table.workload);
    let summary = summary.map_or_else(String::new, |entry| format!(" ({})", entry.summary.trim_end_matches('.')));
    let dials = if table.dials.is_empty() { String::new() } else { format!(" with {}", table.dials) };
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Chapter {
        listings: Vec::new(),
        stem: stem(&table.stem),
        title: table.title.clone(),
        question: format!("What do the heaps give and take on `{}`{summary}{dials}?", table.workload),
        findings,
        notes,
        grids,
        pictures,
        facts: vec![
            fact("machine", &table.machine),
            fact("commit", &origin.commit),
            fact("command", &origin.command),
            fact("rounds", &origin.rounds),
            fact("seed", &origin.seed.to_string()),
            fact("noise floor (A/A twin)", &noise_floor(std::slice::from_ref(table))),
        ],
        records: Vec::new(),
    }
}

/// Those rows of a table of which anything is known.
fn figures(table: &Table, title: String, wanted: &dyn Fn(&&Row) -> bool) -> Grid {
    let known = table.rows.iter().filter(|row| row.figures.iter().any(Option::is_some));
    let row = |row: &Row| (row.quantity.name.to_owned(), row.shown().into_iter().map(Word::plain).collect());
    Grid {
        title,
        corner: "quantity".to_owned(),
        columns: table.columns.iter().map(super::table::Heading::title).collect(),
        rows: known.filter(wanted).map(row).collect(),
        notes: Vec::new(),
    }
}

/// Every heap at every point, a row each: to sort and to filter.
fn overview(tables: &[Table]) -> Grid {
    let known = |key: &&&str| {
        let mut rows = tables.iter().flat_map(|table| &table.rows).filter(|row| row.quantity.key == **key);
        rows.any(|row| row.figures.iter().any(Option::is_some))
    };
    let keys: Vec<&str> = OVERVIEW.iter().filter(known).copied().collect();
    let row_of = |table: &'_ Table, key: &str| table.rows.iter().position(|row| row.quantity.key == key);
    let mut rows = Vec::new();
    for table in tables {
        for (place, heading) in table.columns.iter().enumerate() {
            let word = |key: &&str| {
                let shown = row_of(table, key).and_then(|row| table.rows[row].shown().into_iter().nth(place));
                Word::plain(shown.unwrap_or_else(|| "n/a".to_owned()))
            };
            let heap = std::iter::once(Word::plain(heading.title()));
            rows.push((table.title.clone(), heap.chain(keys.iter().map(word)).collect()));
        }
    }
    let name = |key: &&str| super::quantity::quantity(key).map_or_else(String::new, |known| known.name.to_owned());
    Grid {
        title: "Every heap at every point".to_owned(),
        corner: "point".to_owned(),
        columns: std::iter::once("heap".to_owned()).chain(keys.iter().map(name)).collect(),
        rows,
        notes: Vec::new(),
    }
}

/// By how much the twin differs from its heap: on each axis, the least and the most of these points.
fn noise_floor(tables: &[Table]) -> String {
    let mut axes: Vec<(String, f64, f64)> = Vec::new();
    for axis in tables.iter().filter_map(|table| table.judged.as_ref().ok()).flat_map(|(ratios, _)| &ratios.axes) {
        let Some(factor) = axis.noise_factor() else { continue };
        let (name, differs) = (axis.axis.name(), (factor - 1.0) * 100.0);
        match axes.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, least, most)) => (*least, *most) = (least.min(differs), most.max(differs)),
            None => axes.push((name, differs, differs)),
        }
    }
    if axes.is_empty() {
        return "not known: no heap ran twice a round, or in too few rounds".to_owned();
    }
    let said = axes.into_iter().map(|(name, least, most)| {
        if least == most {
            format!("{name} {} %", digits(most))
        } else {
            format!("{name} {}–{} %, by point", digits(least), digits(most))
        }
    });
    said.collect::<Vec<_>>().join("; ")
}
