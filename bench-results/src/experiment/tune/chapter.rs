//! The answer as a chapter: what was found, the tables, the picture of the trade, where it comes from. And on the screen.

use anyhow::Result;

use super::answer::{Answer, Entry, Verdict, trade};
use super::backtest::BackTest;
use super::findings::{findings, interval, shown, time, why_not};
use super::judge::PEAK;
use super::prediction::RUNS_LEAST;
use crate::comparison::BASELINE;
use crate::report::chapter::{Chapter, Listing, Picture};
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
        question: format!("Which setting of the collector meets {} over the heap {}?", answer.wanted(), heap(answer)),
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
        Verdict::DefaultMeets if answer.service_has.is_some() => "What the service has now, in words",
        Verdict::DefaultMeets => "The default up to CPython 3.12 in words, for a Python that has another one",
        _ => "Lines to paste",
    };
    let lines = answer.lines.clone()?;
    Some(Listing { title: title.to_owned(), language: "python", lines })
}

fn heap(answer: &Answer) -> String {
    if answer.heap.embedded { "of a Django process (built in)".to_owned() } else { format!("of {}", answer.heap.file) }
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

/// How many runs count, of how many; of older answers the first is not known.
fn of(counted: Option<usize>, all: usize) -> String {
    counted.map_or_else(|| all.to_string(), |counted| format!("{counted} of {all}"))
}

/// Columns of finalists that the goal says nothing of.
const BESIDE: [&str; 7] = [
    "heap's own peak",
    "CPU a request",
    "collections",
    "floating",
    "longest pause",
    "longest hiccup",
    "runs that count",
];

/// Collections, floating garbage, the longest pause and the machine's longest hiccup of an entry.
fn beside(entry: &Entry) -> [String; 4] {
    let unknown = || "n/a".to_owned();
    let Some(beside) = &entry.beside else { return std::array::from_fn(|_| unknown()) };
    let count = |mean: &f64| if *mean < 10.0 { format!("{mean:.1}") } else { units::count(mean.round() as u64) };
    let collections = beside.collections.as_ref().map(|each| each.iter().map(count).collect::<Vec<_>>().join(" / "));
    [
        collections.unwrap_or_else(unknown),
        beside.floating_objects.map_or_else(unknown, units::count),
        time(beside.pause_ns),
        time(beside.hiccup_ns),
    ]
}

/// The finalists, with intervals.
pub fn finalists(answer: &Answer) -> Grid {
    let names: Vec<&str> = answer.goal.slos.iter().map(|slo| slo.percentile.name()).chain([PEAK]).collect();
    let mut columns = vec!["goal".to_owned()];
    columns.extend(names.iter().map(|name| name.replace('-', " ")));
    columns.extend(BESIDE.map(str::to_owned));
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
        words.extend([size, cpu].map(Word::plain));
        words.extend(beside(entry).map(Word::plain));
        words.push(Word::plain(of(entry.confirmed_counted, entry.confirmed_runs)));
        Some((entry.name.clone(), words))
    });
    let mut notes = vec![format!(
        "Geometric mean of the runs that count, and where further runs will lie; n/a where fewer than {RUNS_LEAST} count. Collections: \
         mean of a run, of generation 0 / 1 / 2. Floating: the most dead objects that waited for a collection. Longest hiccup: the \
         machine's own, by a thread that only sleeps; a tail as long as it says nothing of the setting."
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
    let over = if answer.service_has.is_some() { "CPU over the service's" } else { "CPU over the default's" };
    columns.extend(["peak memory", over, "front", "means of", "runs that count", "why no further"].map(str::to_owned));
    let rows = answer.candidates.iter().map(|entry| {
        let unknown = || "n/a".to_owned();
        let times = entry.seen.latency_ns.iter().map(|ns| ns.map_or_else(unknown, |ns| units::time(ns.round() as u64)));
        let mut words: Vec<String> = times.collect();
        words.push(entry.seen.peak_bytes.map_or_else(unknown, |bytes| units::size(bytes.round() as u64)));
        words.push(entry.cpu_over_default.map_or_else(unknown, |share| format!("{share:.2}")));
        words.push(if entry.on_front { "yes".to_owned() } else { String::new() });
        words.push(entry.seen_in.map_or_else(unknown, |phase| phase.name().to_owned()));
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
            "Means of the runs that count, of the phase that `means of` names; a run that failed counts nowhere. CPU is held against \
             runs of the same phase and seeds. Those that went when others took less CPU time looked as if they met the goal. \
             Front: no other setting that can be pasted is better \
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
        notes: vec![format!("Less is better on both axes. Wanted: {}. Dotted: the front.", answer.wanted())],
        caption: caption.to_owned(),
    };
    Some(Picture { stem: "tune-pareto".to_owned(), title, svg: chart.render() })
}
