//! The answer as a chapter: what was found, the tables, the picture of the trade, where it comes from. And on the screen.

use anyhow::Result;

use super::answer::{Answer, Entry, Verdict, trade};
use super::backtest::BackTest;
use super::judge::{Finalist, Held, PEAK, is_time};
use super::prediction::RUNS_LEAST;
use crate::comparison::BASELINE;
use crate::report::chapter::{Chapter, Finding, Listing, Picture};
use crate::report::grid::{Grid, Word};
use crate::report::origin::Origin;
use crate::report::plots::front;
use crate::report::quantity::Unit;
use crate::report::svg::chart::{Chart, Series};
use crate::report::svg::palette::Look;
use crate::report::svg::scale::Axis;
use crate::units;

/// The chapter of an answer.
///
/// # Errors
/// If the answer is no JSON.
pub fn chapter(answer: &Answer, origin: &Origin) -> Result<Chapter> {
    let facts = origin.facts().into_iter().filter(|(name, _)| *name != "rounds");
    let mut facts: Vec<(String, String)> = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    facts.push(("seeds of the search".to_owned(), answer.search_seeds.clone()));
    facts.push(("seeds of the confirmation".to_owned(), answer.confirmation_seeds.clone()));
    if let Some(entry) = answer.recommendation() {
        facts.push(("to run it once more".to_owned(), entry.command.clone()));
    }
    let mut grids: Vec<Grid> = answer.back_test.iter().map(tested).collect();
    if !answer.candidates.is_empty() {
        grids.push(finalists(answer));
        grids.push(all(answer));
    }
    Ok(Chapter {
        stem: super::NAME.to_owned(),
        title: "A setting for your goal".to_owned(),
        question: format!(
            "Which setting of the collector meets {} over the heap {}?",
            answer.goal.words(),
            heap(answer)
        ),
        findings: findings(answer),
        listings: listing(answer).into_iter().collect(),
        notes: answer.notes.clone(),
        grids,
        pictures: picture(answer, &origin.caption(None)).into_iter().collect(),
        facts,
        records: vec![serde_json::to_string(answer)?],
    })
}

/// The lines to paste.
pub fn listing(answer: &Answer) -> Option<Listing> {
    let title = match answer.verdict {
        Verdict::DefaultMeets => "The default in words, for a Python that has another one",
        _ => "Lines to paste",
    };
    let lines = answer.lines.clone()?;
    Some(Listing { title: title.to_owned(), language: "python", lines })
}

fn heap(answer: &Answer) -> String {
    if answer.heap.embedded { "of a Django process (built in)".to_owned() } else { format!("of {}", answer.heap.file) }
}

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
    let goal = answer.goal.words();
    match answer.verdict {
        Verdict::Recommended | Verdict::DefaultMeets => {
            let Some(entry) = answer.recommendation() else { return findings };
            let what = if answer.verdict == Verdict::DefaultMeets {
                format!("The default meets the goal ({goal}): there is nothing to change.")
            } else {
                format!("`{}` meets the goal ({goal}): {}.", entry.name, entry.meaning)
            };
            add("recommendation", what);
            if let Some(finalist) = &entry.finalist {
                add("where further runs will lie", intervals(finalist));
            }
            if answer.verdict == Verdict::Recommended {
                add("what it costs", costs(answer, entry));
                answer.candidates.first().and_then(why_not).into_iter().for_each(|why| add("the default", why));
            }
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

fn shown(quantity: &str, value: f64) -> String {
    if is_time(quantity) { units::time(value.round() as u64) } else { units::size(value.round() as u64) }
}

/// What a setting costs beside the default.
pub fn costs(answer: &Answer, entry: &Entry) -> String {
    let cpu = entry.cpu_over_default.map_or_else(
        || "CPU time is not known".to_owned(),
        |share| format!("{:+.1} % CPU time for a request", (share - 1.0) * 100.0),
    );
    let memory = entry.memory_over_default.map_or_else(
        || "memory is not known".to_owned(),
        |bytes| {
            let sign = if bytes < 0.0 { "−" } else { "+" };
            format!("{sign}{} peak memory", units::size(bytes.abs().round() as u64))
        },
    );
    let default = answer.candidates.first().map_or("the default", |entry| entry.name.as_str());
    format!("Beside the default ({default}): {cpu}, {memory}.")
}

/// What was tested against the recording.
pub fn tested(test: &BackTest) -> Grid {
    let unit = |figure: &str, value: Option<f64>| match value {
        None => "n/a".to_owned(),
        Some(value) if figure.contains("pause") => units::time(value.round() as u64),
        Some(value) => format!("{value:.4}"),
    };
    let rows = test.tested.iter().map(|one| {
        let is_off = one.ratio.is_some_and(|ratio| !(1.0 / test.factor..=test.factor).contains(&ratio));
        let ratio = one.ratio.map_or_else(|| "n/a".to_owned(), |ratio| format!("{ratio:.2}"));
        let words = vec![
            Word::plain(unit(&one.figure, one.recorded)),
            Word::plain(unit(&one.figure, one.predicted)),
            Word { text: ratio, bold: is_off },
        ];
        (one.figure.clone(), words)
    });
    let fitted = test.fitted.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    let fitted = if fitted.is_empty() { "nothing, as no request was recorded".to_owned() } else { fitted };
    let trust = if test.trusted { "trusted" } else { "not trusted" };
    let mut notes = vec![format!(
        "The model is {trust}: each ratio must lie between {:.2} and {:.2}. Fitted: {fitted}. Predicted times are times {:.2}.",
        1.0 / test.factor,
        test.factor,
        test.scale
    )];
    notes.extend(test.causes.iter().map(|cause| format!("{cause}.")));
    Grid {
        title: format!("Back-test on {}, thresholds {:?}", test.runtime, test.thresholds),
        corner: "figure".to_owned(),
        columns: ["recorded", "predicted", "ratio"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        notes,
    }
}

/// Why a finalist is not shown to meet the goal.
fn why_not(entry: &Entry) -> Option<String> {
    let finalist = entry.finalist.as_ref().filter(|finalist| !finalist.misses.is_empty())?;
    Some(format!("{} ({}): {}.", entry.name, finalist.standing.words(), finalist.misses.join("; ")))
}

/// How many runs count, of how many; of older answers the first is not known.
fn of(counted: Option<usize>, all: usize) -> String {
    counted.map_or_else(|| all.to_string(), |counted| format!("{counted} of {all}"))
}

/// The finalists, with intervals.
pub fn finalists(answer: &Answer) -> Grid {
    let names: Vec<&str> = answer.goal.slos.iter().map(|slo| slo.percentile.name()).chain([PEAK]).collect();
    let mut columns = vec!["goal".to_owned()];
    columns.extend(names.iter().map(|name| name.replace('-', " ")));
    columns.extend(["heap's own peak", "CPU a request", "runs that count"].map(str::to_owned));
    let rows = answer.candidates.iter().filter_map(|entry| {
        let finalist = entry.finalist.as_ref()?;
        let mut words = vec![Word { text: finalist.standing.words().to_owned(), bold: Answer::meets(entry) }];
        words.extend(names.iter().map(|name| {
            let text = finalist.quantity(name).map_or_else(
                || "n/a".to_owned(),
                |held| format!("{} [{}]", shown(name, held.prediction.mean), interval(held)),
            );
            Word::plain(text)
        }));
        let size = finalist.heap_peak.map_or_else(|| "n/a".to_owned(), |one| units::size(one.mean.round() as u64));
        let cpu = finalist.cpu_ns.map_or_else(|| "n/a".to_owned(), |one| units::time(one.mean.round() as u64));
        words.extend([size, cpu, of(entry.confirmed_counted, entry.confirmed_runs)].map(Word::plain));
        Some((entry.name.clone(), words))
    });
    let mut notes = vec![format!(
        "Geometric mean of the runs that count, and where further runs will lie; n/a where fewer than {RUNS_LEAST} count."
    )];
    notes.extend(answer.candidates.iter().filter_map(why_not));
    Grid {
        title: "Finalists, confirmed with fresh seeds".to_owned(),
        corner: "setting".to_owned(),
        columns,
        rows: rows.collect(),
        notes,
    }
}

/// All candidates: means, and how far they went.
pub fn all(answer: &Answer) -> Grid {
    let mut columns: Vec<String> = answer.goal.slos.iter().map(|slo| slo.percentile.name().to_owned()).collect();
    columns
        .extend(["peak memory", "CPU over default", "front", "runs that count", "why no further"].map(str::to_owned));
    let rows = answer.candidates.iter().map(|entry| {
        let unknown = || "n/a".to_owned();
        let times = entry.seen.latency_ns.iter().map(|ns| ns.map_or_else(unknown, |ns| units::time(ns.round() as u64)));
        let mut words: Vec<String> = times.collect();
        words.push(entry.seen.peak_bytes.map_or_else(unknown, |bytes| units::size(bytes.round() as u64)));
        words.push(entry.cpu_over_default.map_or_else(unknown, |share| format!("{share:.2}")));
        words.push(if entry.on_front { "yes".to_owned() } else { String::new() });
        let counted = entry.search_counted.zip(entry.confirmed_counted).map(|(search, confirmed)| search + confirmed);
        words.push(of(counted, entry.search_runs + entry.confirmed_runs));
        words.push(entry.left.clone().unwrap_or_default());
        (entry.name.clone(), words.into_iter().map(Word::plain).collect())
    });
    Grid {
        title: "All that was tried".to_owned(),
        corner: "setting".to_owned(),
        columns,
        rows: rows.collect(),
        notes: vec![
            "Means of the runs that count, of the confirmation where there is one, else of the search; a run that failed counts \
             nowhere. Front: no other setting that can be pasted is better \
             in the first percentile and in peak memory."
                .to_owned(),
        ],
    }
}

/// The trade between the goal's first percentile and memory.
fn picture(answer: &Answer, caption: &str) -> Option<Picture> {
    let percentile = answer.goal.slos.first()?.percentile.name();
    let is_judged = |entry: &&Entry| entry.heap == BASELINE && entry.lines.is_some();
    let judged: Vec<(f64, f64)> = answer.candidates.iter().filter(is_judged).filter_map(trade).collect();
    if judged.len() < 2 {
        return None;
    }
    let series = |name: &str, place: usize, of: &dyn Fn(&Entry) -> bool| {
        let entries: Vec<&Entry> =
            answer.candidates.iter().filter(|entry| of(entry) && trade(entry).is_some()).collect();
        let line = Series::line(
            name.to_owned(),
            Look::at_place(place, false),
            entries.iter().filter_map(|entry| trade(entry)).collect(),
        );
        Series { joined: false, marked: true, labels: entries.iter().map(|entry| entry.name.clone()).collect(), ..line }
    };
    let paste = |entry: &Entry| entry.heap == BASELINE && entry.lines.is_some();
    let mut all = vec![
        series("confirmed", 1, &|entry| paste(entry) && entry.finalist.is_some()),
        series("searched only", 0, &|entry| paste(entry) && entry.finalist.is_none()),
        series("nothing to paste", 5, &|entry| !paste(entry)),
    ];
    all.retain(|series| !series.points.is_empty());
    let figures = |of: fn(&(f64, f64)) -> f64| all.iter().flat_map(move |series| series.points.iter().map(of));
    let title = format!("{percentile} against peak memory, setting by setting");
    let chart = Chart {
        title: title.clone(),
        x: Axis::logarithmic("peak memory", figures(|point| point.0), Unit::Size)?,
        y: Axis::logarithmic(&format!("{percentile} of a request"), figures(|point| point.1), Unit::Time)?,
        front: front(&judged),
        series: all,
        notes: vec![format!("Less is better on both axes. Wanted: {}. Dotted: the front.", answer.goal.words())],
        caption: caption.to_owned(),
    };
    Some(Picture { stem: "tune-pareto".to_owned(), title, svg: chart.render() })
}
