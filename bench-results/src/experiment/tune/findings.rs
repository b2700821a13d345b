//! What was found, in sentences: the recommendation, what it costs, what stands behind it, and what disturbed it.

use super::answer::{Answer, Entry, Verdict};
use super::judge::{Finalist, Held, is_time};
use crate::comparison::BASELINE;
use crate::report::chapter::Finding;
use crate::units;

fn arrivals(answer: &Answer) -> String {
    match answer.rate_per_s {
        Some(rate) => format!("open loop, {} arrive", units::rate(rate)),
        None => "closed loop".to_owned(),
    }
}

/// What was found, the most important first.
pub fn findings(answer: &Answer) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |about: &str, text: String| findings.push(Finding { about: about.to_owned(), text });
    let goal = answer.wanted();
    match answer.verdict {
        Verdict::Recommended | Verdict::DefaultMeets => {
            let Some(entry) = answer.recommendation() else { return findings };
            let what = if answer.verdict == Verdict::DefaultMeets {
                already(answer, entry, &goal)
            } else {
                format!("`{}` meets the goal ({goal}): {}.", entry.name, entry.meaning)
            };
            add("recommendation", what);
            if let Some(finalist) = &entry.finalist {
                add("where further runs will lie", intervals(finalist));
            }
            if answer.verdict == Verdict::Recommended {
                add("what it costs", costs(answer, entry));
                answer.candidates.first().and_then(why_not).into_iter().for_each(|why| add(answer.first(), why));
                waiting(answer, entry).into_iter().for_each(|text| add("garbage that waits", text));
            }
            machine(answer).into_iter().for_each(|text| add("the machine", text));
            let runs = format!(
                "{} confirmed in {} runs with seeds {} that the search (seeds {}) had not used; {}, {} requests each.",
                entry.name,
                entry.confirmed_runs,
                answer.confirmation_seeds,
                answer.search_seeds,
                arrivals(answer),
                units::count(answer.requests)
            );
            add("evidence", runs);
        }
        Verdict::None => {
            add("recommendation", format!("None: no setting was shown to meet the goal ({goal})."));
            machine(answer).into_iter().for_each(|text| add("the machine", text));
            let nearest = answer.candidate(answer.nearest.as_ref());
            if let Some((entry, finalist)) = nearest.and_then(|entry| Some((entry, entry.finalist.as_ref()?))) {
                add(
                    "nearest",
                    format!("`{}` came nearest: {}. {}", entry.name, finalist.misses.join("; "), intervals(finalist)),
                );
            }
        }
        Verdict::Untrusted => {
            let causes = answer.back_test.iter().flat_map(|test| &test.causes).cloned().collect::<Vec<_>>().join("; ");
            let text = format!(
                "None: the model does not predict what was recorded. {causes}. To see one all the same: --despite."
            );
            add("recommendation", text);
        }
    }
    for entry in answer.candidates.iter().filter(|entry| entry.heap != BASELINE && Answer::meets(entry)) {
        if let Some(finalist) = &entry.finalist {
            let text = format!(
                "{} with the default setting would meet the goal too: {} No CPython has it, so there is nothing to paste.",
                entry.heap,
                intervals(finalist)
            );
            add("a better collector", text);
        }
    }
    findings
}

fn intervals(finalist: &Finalist) -> String {
    let held = finalist.held.iter().map(|held| {
        let limit = held.limit.map_or_else(String::new, |limit| format!(" (limit {})", shown(&held.quantity, limit)));
        format!("{} {}{limit}", held.quantity.replace('-', " "), interval(held))
    });
    format!("{}.", held.collect::<Vec<_>>().join(", "))
}

/// Where further runs will lie, in words.
pub fn interval(held: &Held) -> String {
    let name = &held.quantity;
    if !held.prediction.is_telling() {
        return "runs differ too much to say".to_owned();
    }
    format!("{} to {}", shown(name, held.prediction.low), shown(name, held.prediction.high))
}

/// A value of a quantity, with its unit.
pub fn shown(quantity: &str, value: f64) -> String {
    if is_time(quantity) { units::time(value.round() as u64) } else { units::size(value.round() as u64) }
}

/// That what runs now meets the goal.
fn already(answer: &Answer, entry: &Entry, goal: &str) -> String {
    match answer.service_has {
        Some(_) => {
            format!("What the service has now (`{}`) meets the goal ({goal}): there is nothing to change.", entry.name)
        }
        None => format!(
            "The default up to CPython 3.12 (`{}`) meets the goal ({goal}): there is nothing to change where that is what runs; \
             CPython 3.13 has 2000,10,10.",
            entry.name
        ),
    }
}

/// What a setting costs beside the first one.
pub fn costs(answer: &Answer, entry: &Entry) -> String {
    let first = answer.candidates.first().map_or("700,10,10", |entry| entry.name.as_str());
    let beside = format!("Beside {} ({first})", answer.first());
    match &entry.cost {
        Some(cost) => {
            format!("{beside}, in pairs of runs with one seed, with the 95 % interval of the mean: {}.", cost.words())
        }
        None => format!("{beside}: not known, as this answer is of an older version."),
    }
}

/// The most garbage that waited for a collection, beside that of the first one.
fn waiting(answer: &Answer, entry: &Entry) -> Option<String> {
    let objects = |entry: &Entry| entry.beside.as_ref()?.floating_objects;
    let first = answer.candidates.first().and_then(objects);
    let first = first.map_or_else(|| "not known".to_owned(), units::count);
    Some(format!("At most {} dead objects; with {}: {first}.", units::count(objects(entry)?), answer.first()))
}

/// The finalists whose tails the machine's own hiccups explain.
fn machine(answer: &Answer) -> Option<String> {
    let clauses = answer.candidates.iter().filter_map(|entry| {
        let (finalist, beside) = entry.finalist.as_ref().zip(entry.beside.as_ref())?;
        if beside.disturbed.is_empty() {
            return None;
        }
        let figures = beside.disturbed.iter().map(|one| {
            let mean = finalist.quantity(&one.quantity).map(|held| shown(&one.quantity, held.prediction.mean));
            let mean = mean.map_or_else(String::new, |mean| format!(" (mean {mean})"));
            format!("{}{mean} in {} of {} runs", one.quantity, one.runs, finalist_runs(entry))
        });
        let figures = figures.collect::<Vec<_>>().join(", ");
        let (hiccup, pause) = (time(beside.hiccup_ns), time(beside.pause_ns));
        Some(format!("`{}`: {figures}; longest hiccup {hiccup}, longest pause {pause}", entry.name))
    });
    let clauses: Vec<String> = clauses.collect();
    (!clauses.is_empty()).then(|| {
        format!(
            "It may have been disturbed: run again on a quiet one. In most runs these times are as long as the machine's own longest \
             hiccup, and more than twice as long as any pause: {}.",
            clauses.join("; ")
        )
    })
}

fn finalist_runs(entry: &Entry) -> usize {
    entry.confirmed_counted.unwrap_or(entry.confirmed_runs)
}

/// A time, if it is known.
pub fn time(ns: Option<f64>) -> String {
    ns.map_or_else(|| "n/a".to_owned(), |ns| units::time(ns.round() as u64))
}

/// Why a finalist is not shown to meet the goal.
pub fn why_not(entry: &Entry) -> Option<String> {
    let finalist = entry.finalist.as_ref().filter(|finalist| !finalist.misses.is_empty())?;
    Some(format!("{} ({}): {}.", entry.name, finalist.standing.words(), finalist.misses.join("; ")))
}
