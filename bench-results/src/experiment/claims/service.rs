//! Claims on a service: thresholds, pauses, schedules. Each runs `web-v1`, the program whose figures on CPython are known.

use anyhow::Result;
use gc_core::Heap;

use super::answer::{Answer, Verdict};
use super::change::{Change, Direction};
use super::claim::{Check, Claim, Kind, Measured, OnCPython};
use super::figures::Figures;
use super::lab::median;
use super::rules::{percent, short, slashed};
use super::serving::{Way, compare};
use super::setup::Setup;

const NOT_COLLECTING: Measured =
    Measured::NotApplicable("the heap collects no cycles: no setting changes what it does");

/// What a way did, by the name of the figure.
struct Of<'f>(&'f Figures, &'static str);

impl Of<'_> {
    fn number(&self, figure: &str) -> Option<f64> {
        self.0.number(&format!("{}_{figure}", self.1))
    }

    fn collections(&self) -> Option<Vec<f64>> {
        self.0.numbers(&format!("{}_collections", self.1))
    }

    fn count(&self) -> Option<f64> {
        Some(self.collections()?.iter().sum())
    }
}

fn default_and_other(figures: &Figures) -> (Of<'_>, Of<'_>) {
    (Of(figures, "default"), Of(figures, "other"))
}

fn two_thresholds<H: Heap>(setup: &Setup, other: &'static str, times: usize) -> Result<Measured> {
    two_ways::<H>(setup, Way::at("other", other), times)
}

fn two_ways<H: Heap>(setup: &Setup, other: Way, times: usize) -> Result<Measured> {
    if !H::ABILITIES.collects_cycles {
        return Ok(NOT_COLLECTING);
    }
    Ok(compare::<H>(setup, &[Way::DEFAULT, other], times, Figures::new())?.0.into())
}

/// How often each of two thresholds is tried in turn where the time they take decides: so often that 2 % can be told from noise, if
/// the machine lets them.
fn pairs(setup: &Setup) -> usize {
    setup.size(3, 12, 12)
}

/// `736/46/2 against 914/83/5`.
fn counts_text(default: &Of<'_>, other: &Of<'_>) -> Option<String> {
    Some(format!("{} against {}", slashed(&other.collections()?), slashed(&default.collections()?)))
}

/// 11: (1000, 15, 15).
pub(super) struct FewerCollections;

impl Check for FewerCollections {
    const CLAIM: Claim = Claim {
        key: "11",
        articles: "B D",
        says: "Thresholds of (1000, 15, 15) mean fewer collections and less time in them",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"default_collections": [914, 83, 5], "other_collections": [736, 46, 2], "default_gc_ms": 119.4,
                "other_gc_ms": 106.1}"#,
            measured: "736/46/2 against 914/83/5 collections, 106 against 119 ms; p99 is worse (118 against 93 us), p99.99 better (0.45 \
                       against 6.6 ms)",
        }),
        so: None,
        rule: "against the default, in turn, twelve times each (on CPython six); reproduced: fewer collections, and at least 2 % less time in \
               them; partly: one of the two; not decided: the bounds of the ratio of times leave open which",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        two_thresholds::<H>(setup, "1000,15,15", pairs(setup))
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (default, other) = default_and_other(figures);
        let time = Change::of(figures, "gc_ms")?;
        let text = format!("{}, {}", counts_text(&default, &other)?, time.text("ms"));
        let fewer = other.count()? < default.count()?;
        Some(Answer::new(Verdict::of_known_halves(Some(fewer), time.is_less()), text).hidden_by(time.noise()))
    }
}

/// 12: (400, 5, 5).
pub(super) struct LessMemory;

impl Check for LessMemory {
    const CLAIM: Claim = Claim {
        key: "12",
        articles: "B",
        says: "Thresholds of (400, 5, 5) mean less memory and more CPU time",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: r#"{"default_collections": [914, 83, 5], "other_collections": [1635, 272, 7], "default_gc_ms": 119.4,
                "other_gc_ms": 140.7, "default_peak_mib": 31.0, "other_peak_mib": 31.1}"#,
            measured: "18 % more time in collections, 7 full ones; 31.1 against 31.0 MiB at peak: no memory saved; p99 better (67 against \
                       93 us)",
        }),
        so: Some("It costs time, but 300 objects of garbage fewer at a time are nothing beside the heap of a service."),
        rule: "against the default, in turn, twelve times each (on CPython six); reproduced: at least 2 % less memory at peak and 2 % more time \
               in collections; partly: one of the two; not decided: the bounds of the ratios leave open which",
        analogue: Some("the memory that the heap holds, not the process"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        two_thresholds::<H>(setup, "400,5,5", pairs(setup))
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (time, peak) = (Change::of(figures, "gc_ms")?, Change::of(figures, "peak_mib")?);
        let text = format!("{}, {}", peak.text("MiB"), time.text("ms"));
        let (less, more) = (peak.is_less(), time.is_more());
        let noise = if more.is_none() { time.noise() } else { peak.noise() };
        Some(Answer::new(Verdict::of_known_halves(less, more), text).hidden_by(noise))
    }
}

/// 13: (50000, 500, 100).
pub(super) struct LongerPauses;

impl Check for LongerPauses {
    const CLAIM: Claim = Claim {
        key: "13",
        articles: "A",
        says: "Thresholds of (50000, 500, 100) mean fewer, but longer pauses",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"default_collections": [914, 83, 5], "other_collections": [16, 0, 0], "default_young_pause_us": 70,
                "other_young_pause_us": 8547}"#,
            measured: "16/0/0 collections; a young pause of 70 us becomes 8.5 ms, and time in collections grows from 119 to 143 ms, as \
                       50,000 young objects are cold; 5 MiB more",
        }),
        so: None,
        rule: "against the default; reproduced: fewer collections, and young pauses at least twice as long; partly: one of the two",
        analogue: Some("mean young pauses, where CPython's were medians"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let Measured::Figures(mut figures) = two_thresholds::<H>(setup, "50000,500,100", 3)? else {
            return Ok(NOT_COLLECTING);
        };
        // A heap that collects beside the program may have no pause at all.
        for name in ["default_young_pause_us", "other_young_pause_us"] {
            if figures.get(name).is_none() {
                figures = figures.with(name, 0.0);
            }
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (default, other) = default_and_other(figures);
        let (before, after) = (default.number("young_pause_us")?, other.number("young_pause_us")?);
        let text =
            format!("{}, young pauses {} against {} us", counts_text(&default, &other)?, short(after), short(before));
        Some(Answer::new(
            Verdict::of_halves(other.count()? < default.count()?, after > 0.0 && after >= 2.0 * before),
            text,
        ))
    }
}

/// 14: (100, 5, 5).
pub(super) struct ManyCollections;

impl Check for ManyCollections {
    const CLAIM: Claim = Claim {
        key: "14",
        articles: "E",
        says: "Thresholds of (100, 5, 5) are usable",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: None,
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"default_collections": [914, 83, 5], "other_collections": [3719, 619, 7], "default_gc_ms": 119.4,
                "other_gc_ms": 150.2}"#,
            measured: "3719/619/7 collections, 26 % more time in them; young pauses of 14 us, p99 55 us",
        }),
        so: None,
        rule: "against the default, in turn, twelve times each (on CPython six); reproduced: more collections, and at most twice the time in \
               them; not: more than twice; not decided: the bounds of the ratio of times leave open which; whether it is more time, less, \
               or as much (2 %) decides whether it is as on CPython, unless its bounds leave that open",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        two_thresholds::<H>(setup, "100,5,5", pairs(setup))
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (default, other) = default_and_other(figures);
        let time = Change::of(figures, "gc_ms")?;
        let text = format!("{}, {}", counts_text(&default, &other)?, time.text("ms"));
        let verdict = match (other.count()? > default.count()?, time.is_at_most(2.0)) {
            (false, _) => Verdict::Not,
            (true, twice) => twice.map_or(Verdict::NotDecided, Verdict::of),
        };
        let answer = Answer::new(verdict, text).hidden_by(time.noise());
        Some(match time.direction() {
            Some(Direction::Less) => answer.deciding("less time"),
            Some(Direction::More) => answer.deciding("more time"),
            Some(Direction::AsMuch) => answer.deciding("as much time"),
            None => answer,
        })
    }
}

/// `p99 93 against 36 us, max 9.2 against 0.3 ms`.
fn tails_text(default: &Of<'_>, other: &Of<'_>) -> Option<String> {
    Some(format!(
        "p99 {} against {} us, max {} against {} us",
        short(other.number("p99_us")?),
        short(default.number("p99_us")?),
        short(other.number("max_us")?),
        short(default.number("max_us")?)
    ))
}

/// 38: pauses make the tail.
pub(super) struct PausesMakeTheTail;

impl Check for PausesMakeTheTail {
    const CLAIM: Claim = Claim {
        key: "38",
        articles: "D",
        says: "Collections make the spikes of a service's p99",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"default_p99_us": 93.3, "other_p99_us": 36.4, "default_max_us": 9248, "other_max_us": 317}"#,
            measured: "with the collector off p99 falls from 93 to 36 us, p99.99 from 6.6 to 0.13 ms, the longest from 9.2 to 0.3 ms, for \
                       78 MiB more",
        }),
        so: None,
        rule: "collector off against the default, service times; reproduced: p99 at most 80 % and the longest at most half; partly: one \
               of the two",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        two_ways::<H>(setup, Way::steered("other", "off"), setup.size(1, 1, 3))
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (default, other) = default_and_other(figures);
        let p99 = other.number("p99_us")? <= 0.8 * default.number("p99_us")?;
        let longest = other.number("max_us")? <= 0.5 * default.number("max_us")?;
        Some(Answer::new(Verdict::of_halves(p99, longest), tails_text(&default, &other)?))
    }
}

/// 39: a scheduler between requests.
pub(super) struct Scheduler;

impl Check for Scheduler {
    const CLAIM: Claim = Claim {
        key: "39",
        articles: "D",
        says: "Collecting generation 0 between requests when its count is above 2000 keeps pauses out of them",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"default_p99_us": 97.4, "other_p99_us": 42.9, "default_max_us": 10703, "other_max_us": 247}"#,
            measured: "p99 43 us, the longest 0.25 ms, 79 ms in collections, 31.7 MiB; no full collection is ever made, so cyclic garbage \
                       that grows old stays; on 3.14t, where each collection is a full one, 74 % of the CPU goes to it",
        }),
        so: None,
        rule: "against the default, service times; reproduced: p99 at most 80 % and the longest at most half; partly: one of the two",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        two_ways::<H>(setup, Way::steered("other", "scheduler:2000"), setup.size(1, 1, 3))
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        PausesMakeTheTail::judge(figures)
    }
}

/// 40: collecting at quiet times.
pub(super) struct QuietTimes;

/// The ways to do so, beside the default.
const QUIET: [Way; 2] = [Way::steered("full", "full-every:1000"), Way::steered("young", "young-every:25")];

impl Check for QuietTimes {
    const CLAIM: Claim = Claim {
        key: "40",
        articles: "D",
        says: "Collect by hand at quiet times",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: r#"{"default_open_p99_us": 7160, "full_open_p99_us": 46958, "young_open_p99_us": 71}"#,
            measured: "a full collection each 1000 requests takes 39 % of the CPU, 12 to 24 ms each, and makes the open-loop p99 47 ms \
                       in place of 7; collect(0) each 25 takes 7 % and makes it 71 us, the best of all",
        }),
        so: Some(
            "Young collections between requests help; full ones take longer than any quiet time, and requests that arrive meanwhile wait.",
        ),
        rule: "p99 of response times in an open loop at half of what the heap serves; reproduced: both ways at most 90 % of the default; \
               partly: one; not: none",
        analogue: Some("a real open loop, where CPython's was a model over its service times"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NOT_COLLECTING);
        }
        let (mut figures, records) = compare::<H>(setup, &[Way::DEFAULT], setup.size(1, 1, 3), Figures::new())?;
        let served = median(records[0].iter().filter_map(|record| record.achieved_per_s).collect());
        let rate = Some(served / 2.0).filter(|rate| rate.is_finite() && *rate > 0.0);
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..setup.size(1, 1, 3) {
            for (way, times) in [Way::DEFAULT].into_iter().chain(QUIET).zip(&mut times) {
                let record = way.run::<H>(setup, rate)?;
                let response = record.response_ns.and_then(|response| response.p99.or(response.max));
                times.extend(response.map(|ns| ns as f64 / 1e3));
            }
        }
        for (way, times) in [Way::DEFAULT].into_iter().chain(QUIET).zip(times) {
            figures = figures.with(&format!("{}_open_p99_us", way.name), median(times));
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let p99 = |name: &str| figures.number(&format!("{name}_open_p99_us"));
        let (default, full, young) = (p99("default")?, p99("full")?, p99("young")?);
        let better = |other: f64| percent(other, default) <= 90.0;
        let text =
            format!("open-loop p99 {} us full, {} us young, {} us default", short(full), short(young), short(default));
        Some(Answer::new(Verdict::of_halves(better(full), better(young)), text))
    }
}
