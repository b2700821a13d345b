//! The table of `peers requests`, in Markdown and aligned.

use std::fmt::Write as _;

use super::Round;
use super::lineup::{ARC, Entry};
use super::options::Options;
use super::outcome::Outcome;
use super::program::Length;

const HEAD: [&str; 11] = [
    "contestant",
    "requests/s",
    "of arc",
    "CPU µs",
    "p50 µs",
    "p99 µs",
    "p99.9 µs",
    "max µs",
    "cache MiB",
    "growth MiB",
    "leaked",
];
const NONE: &str = "—";

/// What was run, the table, and a line for each contestant with failures.
pub fn render(results: &[(&Entry, Vec<Round>)], options: &Options) -> String {
    let length = match options.length {
        Length::Time(time) => format!("{} s", time.as_secs_f64()),
        Length::Requests(requests) => format!("{requests} requests a thread"),
    };
    let arc = results.iter().find(|(entry, _)| entry.name == ARC).map(|(_, rounds)| rounds.as_slice());
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(results.iter().map(|(entry, rounds)| row(entry.name, rounds, arc)));
    let widths: Vec<usize> =
        (0..HEAD.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = format!(
        "Threads: {}; rounds: {} of {length}; medians and, in brackets, ranges.\n\n",
        options.threads, options.rounds
    );
    for (n, row) in rows.iter().enumerate() {
        text.push_str(&line(row, &widths));
        if n == 0 {
            let rule: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(column, width)| "-".repeat(width + 1) + if column == 0 { "-" } else { ":" })
                .collect();
            writeln!(text, "|{}|", rule.join("|")).expect("a string takes everything");
        }
    }
    for (entry, rounds) in results {
        let failures: Vec<_> = rounds.iter().filter_map(|round| round.as_ref().err()).map(String::as_str).collect();
        if !failures.is_empty() {
            let (failed, all) = (failures.len(), rounds.len());
            writeln!(text, "\n{}: {failed} of {all} rounds failed: {}.", entry.name, failures.join("; "))
                .expect("a string takes everything");
        }
    }
    text
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut cells = row.iter().zip(widths);
    let mut text = String::from("|");
    if let Some((name, width)) = cells.next() {
        text += &format!(" {name:<width$} |");
    }
    cells.for_each(|(cell, width)| text += &format!(" {cell:>width$} |"));
    text + "\n"
}

fn row(name: &str, rounds: &[Round], arc: Option<&[Round]>) -> [String; HEAD.len()] {
    let done: Vec<&Outcome> = rounds.iter().filter_map(|round| round.as_ref().ok()).collect();
    if done.is_empty() {
        let mut row = HEAD.map(|_| NONE.to_owned());
        row[0] = name.to_owned();
        row[1] = rounds.first().and_then(|round| round.as_ref().err()).cloned().unwrap_or_default();
        return row;
    }
    let middle = |figure: fn(&Outcome) -> f64| median(&mut done.iter().map(|run| figure(run)).collect::<Vec<_>>()).0;
    let most = |figure: fn(&Outcome) -> u64| done.iter().map(|run| figure(run)).max().unwrap_or(0);
    let mut ratios: Vec<f64> = rounds
        .iter()
        .zip(arc.unwrap_or_default())
        .filter_map(|(ours, arc)| Some(ours.as_ref().ok()?.per_second() / arc.as_ref().ok()?.per_second()))
        .collect();
    let ratio = match median(&mut ratios) {
        _ if name == ARC => "1".to_owned(),
        (ratio, _, _) if ratio.is_nan() => NONE.to_owned(),
        (ratio, low, high) => format!("{ratio:.3} ({low:.3} to {high:.3})"),
    };
    let (rate, low, high) = median(&mut done.iter().map(|run| run.per_second()).collect::<Vec<_>>());
    let failed = if done.len() < rounds.len() { ", some failed" } else { "" };
    let micros = |figure: f64| format!("{:.1}", figure / 1e3);
    let mebibytes = |figure: f64| format!("{:.1}", figure / 1024.0);
    [
        name.to_owned(),
        format!("{rate:.0} ({low:.0} to {high:.0}{failed})"),
        ratio,
        micros(middle(|run| run.processor as f64)),
        micros(middle(|run| run.p50 as f64)),
        micros(middle(|run| run.p99 as f64)),
        micros(middle(|run| run.p999 as f64)),
        micros(most(|run| run.max) as f64),
        mebibytes(middle(|run| run.cache as f64)),
        mebibytes(middle(|run| run.growth as f64)),
        most(|run| run.leaked).to_string(),
    ]
}

/// Median, least and most; not a number if there is none.
fn median(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    (middle, values.first().copied().unwrap_or(f64::NAN), values.last().copied().unwrap_or(f64::NAN))
}
