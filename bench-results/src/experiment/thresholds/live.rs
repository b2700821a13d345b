//! What live interpreters are asked, and their rows: `web.py`, the program of which the workload is a mirror.

use workloads::catalogue;

use super::figures::{FIGURES, FigureOf, Loop};
use super::settings::{Setting, WORKLOAD, Work, made_of};
use super::table::{Interpreter, Row};
use super::{NAME, settings};
use crate::comparison::Comparison;
use crate::experiment::live::{Plan, label, of, versions};
use crate::experiment::trial::{Options, Point, Record, median};
use crate::record::Status;
use crate::report::quantity::Figure;
use crate::sweep::Arrivals;

/// The program.
pub const PROGRAM: &str = "web.py";

/// Requests of the program before the timed ones.
const WARM_UP: &str = "500";

/// With which options the program does that; `None`: it cannot.
pub fn options(work: &Work, setting: &Setting) -> Option<Options> {
    let pairs: Vec<(&str, &str)> = work.dials.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let dials = catalogue::settings(WORKLOAD, &pairs).ok()?;
    // Of the other dials the program has none: they must be as its own.
    let named = ["live", "requests", "cyclic", "replace"].map(|name| (name, dials.text(name)));
    let own = [("preset", "web-v1"), ("warm-up", WARM_UP)].into_iter().chain(named).collect::<Vec<_>>();
    if catalogue::settings(WORKLOAD, &own).ok()? != dials {
        return None;
    }
    let dial = |name: &str| setting.dials.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let steering = dial("steering").unwrap_or("automatic");
    let name = steering.split(':').next().unwrap_or_default();
    if !["automatic", "off", "between", "young-every", "full-every", "scheduler", "interval"].contains(&name) {
        return None;
    }
    let freeze = match dial("freeze") {
        None => "no",
        Some("freeze") => "collected",
        Some("uncollected") => "uncollected",
        Some(_) => return None,
    };
    // A heap has the centre's where a setting has none; an interpreter its version's.
    let threshold = setting.heap.iter().find(|(name, _)| *name == "thresholds").map(|(_, value)| *value);
    let options = [
        ("threshold", threshold.unwrap_or(settings::SETTINGS[0].key)),
        ("steering", steering),
        ("freeze", freeze),
        ("live", dials.text("live")),
        ("requests", dials.text("requests")),
        ("cyclic", dials.text("cyclic")),
        ("churn", dials.text("replace")),
    ];
    Some(options.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// All that interpreters can be asked of a run that knows its points and rounds.
pub fn plan(comparison: &Comparison) -> Plan {
    let closed = comparison.points.iter().filter(|point| point.arrivals == Arrivals::Closed);
    let asked = closed.filter_map(|point| {
        let (work, setting) = made_of(point)?;
        let name = format!("{}-{}", work.name, setting.key);
        let question = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        Some(Point { question: question.collect(), options: options(&work, setting)? })
    });
    let points: Vec<Point> = asked.collect();
    // All rounds have one seed, as on heaps: their counts are the same.
    let in_round = |round: u32| points.iter().map(move |point| (round, comparison.seed, point.clone()));
    let asked = (0..comparison.rounds.unwrap_or(0)).flat_map(in_round).collect();
    Plan { experiment: NAME, program: PROGRAM, asked, timeout_s: comparison.timeout_s }
}

/// About how many seconds an interpreter takes, on a virtual machine of 2024 with two cores; 0 where it is not asked.
pub fn expected_s(work: &Work, setting: &Setting) -> f64 {
    let Some(options) = options(work, setting) else { return 0.0 };
    let number = |name: &str| options[name].parse().unwrap_or(0.0);
    let request_us = 22.0 + 2.0 * number("churn") + 15.0 * number("cyclic");
    let full = options["steering"].strip_prefix("full-every:").and_then(|every| every.parse::<f64>().ok());
    let collecting_us = full.map_or(0.0, |every| 0.12 * number("live") / every);
    0.3 + (number("requests") + 500.0) * (request_us + collecting_us) / 1e6 + number("live") * 1.5e-6
}

/// A row a version, for what the baseline did with a setting; `collections` are the baseline's.
pub fn rows(records: &[Record], work: &Work, setting: &'static Setting, collections: Option<[f64; 3]>) -> Vec<Row> {
    let Some(options) = options(work, setting) else { return Vec::new() };
    let row = |version: &String| {
        let all = of(records, version, &options);
        (!all.is_empty()).then(|| row(version, &all, setting, collections))
    };
    versions(records).iter().filter_map(row).collect()
}

fn row(version: &str, records: &[&Record], setting: &'static Setting, ours: Option<[f64; 3]>) -> Row {
    let mut failures = Vec::new();
    for status in [Status::OutOfMemory, Status::Timeout, Status::WrongDigest, Status::Error] {
        let count = records.iter().filter(|record| record.status == status).count();
        failures.extend((count > 0).then_some((Loop::Closed, status, count, records.len())));
    }
    let mut causes: Vec<String> = records.iter().filter_map(|record| record.error.clone()).collect();
    causes.dedup();
    let theirs = Row {
        setting,
        twin: false,
        figures: FIGURES.iter().map(|figure| figure_of(figure, records)).collect(),
        cpython: Vec::new(),
        failures,
        live: Vec::new(),
        interpreter: Some(Interpreter { name: label(version), less: None, causes }),
    };
    // The baseline collects as 3.12 does, and as no other version.
    let compares = version.starts_with("CPython 3.12.") && !setting.goes_by_the_clock();
    let counts = theirs.collections().filter(|_| compares);
    let less = ours.zip(counts).map(|(ours, theirs)| std::array::from_fn(|g| (ours[g] - theirs[g]).round() as i64));
    Row { interpreter: theirs.interpreter.map(|interpreter| Interpreter { less, ..interpreter }), ..theirs }
}

/// Whether a quantity is a maximum: of all rounds it is the greatest, as on heaps. Of percentiles, which cannot be merged, it is the
/// median.
pub(super) fn is_maximum(key: &str) -> bool {
    key.ends_with("-max")
}

/// The median over rounds, of a maximum the greatest; `None` where a round is too short to say, or the program does not measure it.
fn figure_of(figure: &FigureOf, records: &[&Record]) -> Option<Figure> {
    let values: Vec<f64> = records.iter().filter_map(|record| value(figure, record)).collect();
    let (least, most) = (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
    let n = values.len() as u64;
    let value = if is_maximum(figure.quantity().key) { most } else { median(values)? };
    Some(Figure::Number { value, rounds: Some((least, most)), n })
}

fn value(figure: &FigureOf, record: &Record) -> Option<f64> {
    let key = figure.quantity().key;
    let collections = |generation: usize| record.figures.get("collections")?.get(generation)?.as_f64();
    if record.status != Status::Ok {
        return None;
    }
    let requests = record.text("requests").parse().ok()?;
    if let Some(generation) = key.strip_prefix("collections-") {
        return collections(generation.parse().ok()?);
    }
    if let Some((generation, what)) = key.strip_prefix("pause-g").and_then(|rest| rest.split_once('-')) {
        let times = collections(generation.parse().ok()?)?;
        let name = format!("pause_generation_{generation}_{what}_ns");
        return record.number(&name).filter(|_| says_enough(what, times));
    }
    match (figure.of, key.split_once('-')) {
        (Loop::Closed, Some(("service", what))) | (Loop::Open, Some(("response", what))) => {
            let name = format!("{}_ns", key.replace(['-', '.'], "_"));
            record.number(&name).filter(|_| says_enough(what, requests))
        }
        (Loop::Closed, _) => match key {
            "collector-cpu" => record.number("gc_ns"),
            "collector-share" => record.number("gc_share"),
            "throughput" => record.number("requests_per_s"),
            "peak-rss" => record.number("peak_rss_bytes"),
            "between-max" => record.number("between_max_ns"),
            _ => None,
        },
        (Loop::Open, _) => None,
    }
}

/// Whether so many times have this percentile: `p99.9` needs 10,000, as on heaps.
fn says_enough(what: &str, times: f64) -> bool {
    let percentile: Option<f64> = what.strip_prefix('p').and_then(|percent| percent.parse().ok());
    percentile.is_none_or(|percent| times * (100.0 - percent) >= 1000.0 - 1e-6)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::settings::{SETTINGS, setting};
    use super::*;
    use crate::experiment::trial::{Cell, Figures, Subject};

    #[test]
    fn all_but_the_real_heap_and_bytes_can_be_asked() {
        let works = Work::grid();
        let mut all = Vec::new();
        for work in &works {
            for setting in &SETTINGS {
                match options(work, setting) {
                    Some(options) => all.push(options),
                    None => assert_eq!(setting.key, "bytes:4M"),
                }
                assert_eq!(options(&Work::django(), setting), None);
            }
        }
        let count = all.len();
        assert_eq!(count, works.len() * (SETTINGS.len() - 1));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "rows can be told apart by their options");
        let changed = |name: &str, value: &str| Work::centre().changed(&[(name.to_owned(), value.to_owned())]);
        let first = &SETTINGS[0];
        assert_eq!(options(&changed("live", "2000"), first).unwrap()["live"], "2000");
        for (name, value) in [("nodes", "7"), ("keys", "zipf"), ("warm-up", "20"), ("heap", "django")] {
            assert_eq!(options(&changed(name, value), first), None, "the program has no {name}");
        }
        let text = |key: &str| {
            let options = options(&Work::centre(), setting(key).unwrap()).unwrap();
            ["threshold", "steering", "freeze"].map(|name| options[name].clone()).join(" ")
        };
        assert_eq!(text("400,5,5"), "400,5,5 automatic no");
        assert_eq!(text("scheduler:2000"), "700,10,10 scheduler:2000 no");
        assert_eq!(text("freeze"), "700,10,10 automatic collected");
        assert_eq!(text("freeze-uncollected"), "700,10,10 automatic uncollected");
    }

    fn record(version: &str, round: u32, p50: u64, young: u64) -> Record {
        let cell = Cell {
            experiment: NAME.to_owned(),
            question: "test".to_owned(),
            subject: Subject::Interpreter { version: version.to_owned() },
            options: options(&Work::centre(), &SETTINGS[0]).unwrap(),
            round,
            seed: 1,
        };
        let figures: Figures = [
            ("collections", json!([young, 83, 5])),
            ("service_p50_ns", json!(p50)),
            ("service_p90_ns", json!(p50 + 1)),
            ("response_p90_ns", json!(p50 + 2)),
            ("between_max_ns", json!(p50 + 3)),
            ("service_p99_99_ns", json!(9)),
            ("pause_generation_1_p50_ns", json!(7)),
            ("pause_generation_2_p50_ns", json!(8)),
            ("pause_generation_2_max_ns", json!(p50)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        Record { status: Status::Ok, figures, ..Record::of(&cell, "program") }
    }

    #[test]
    fn a_row_is_the_median_over_rounds_and_leaves_out_what_is_too_short_to_say() {
        let mut records: Vec<Record> =
            [30, 10, 20].iter().zip(0..).map(|(&p50, round)| record("CPython 3.12.1", round, p50, 914)).collect();
        records.push(record("CPython 3.13.0", 0, 5, 1));
        let ours = Some([915.0, 83.0, 5.0]);
        let rows = rows(&records, &Work::centre(), &SETTINGS[0], ours);
        let [old, new] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(old.number(Loop::Closed, "service-p50"), Some(20.0));
        assert_eq!(old.number(Loop::Closed, "service-p90"), Some(21.0));
        assert_eq!(old.number(Loop::Open, "response-p90"), Some(22.0));
        assert_eq!(old.number(Loop::Closed, "between-max"), Some(33.0), "the greatest of all rounds");
        assert_eq!(old.collections(), Some([914.0, 83.0, 5.0]));
        assert_eq!(old.number(Loop::Closed, "service-p99.99"), None, "40,000 requests have none");
        assert_eq!(old.number(Loop::Closed, "pause-g1-p50"), Some(7.0));
        assert_eq!(old.number(Loop::Closed, "pause-g2-p50"), None, "five pauses have none");
        assert_eq!(old.number(Loop::Closed, "pause-g2-max"), Some(30.0), "the greatest of all rounds, as on heaps");
        let of = |row: &Row| row.interpreter.clone().unwrap();
        assert_eq!((of(old).name.as_str(), of(old).less), ("CPython 3.12.1, live", Some([1, 0, 0])));
        assert_eq!(of(new).less, None, "another version collects by other rules");
        let timed = super::row(
            "CPython 3.12.1",
            &records.iter().take(3).collect::<Vec<_>>(),
            setting("interval:5").unwrap(),
            ours,
        );
        assert_eq!(of(&timed).less, None, "of collections by the clock the machine has a say");
        let other = setting("off").unwrap();
        assert!(super::rows(&records, &Work::centre(), other, ours).is_empty());
    }
}
