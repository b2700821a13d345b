//! Claims on what `gc` shows: counters, callbacks, objects, tracking.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Kind as TypeKind, Mutator, Phase, Root, Shape, Thresholds};
use serde_json::json;

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, NODE, collections_of, labelled, pair};
use super::rules::{listed, slashed};
use super::setup::Setup;

/// 19: what differences of `get_count()` count.
pub(super) struct CountsAreNotCollections;

impl Check for CountsAreNotCollections {
    const CLAIM: Claim = Claim {
        key: "19",
        articles: "B",
        says: "The difference of two `gc.get_count()[0]` is the number of collections between them",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"count0_difference": 95, "collections": 7}"#,
            measured: "5000 kept lists: a difference of 95, and 7 collections",
        }),
        so: Some(
            "`get_count()[0]` is the number of net allocations since the last collection; `get_stats()` counts collections.",
        ),
        rule: "5000 kept objects; reproduced: both figures are the same",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["get_count_is_not_collections"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.collect(Generation::OLD);
        let count = || i64::from(mutator.get_count().0[0]);
        let before = count();
        let keep = || (0..5000).map(|_| mutator.allocate(lab.node, NODE)).collect::<Result<Vec<_>, _>>();
        let (counts, kept) = collections_of(&mutator, keep);
        let difference = count() - before;
        drop(kept?);
        Ok(Figures::new().with("count0_difference", difference).with("collections", counts.iter().sum::<u64>()).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (difference, collections) = (figures.number("count0_difference")?, figures.number("collections")?);
        let text = format!("a difference of {difference}, {collections} collections");
        Some(Answer::new(Verdict::of(difference == collections), text))
    }
}

/// 26: a leak detector.
pub(super) struct LeakDetector;

impl Check for LeakDetector {
    const CLAIM: Claim = Claim {
        key: "26",
        articles: "A D",
        says: "Differences of `len(gc.get_objects())` after a collection show leaks",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"clean": 0, "cyclic": 0, "leaky": 10}"#,
            measured: "work that leaks nothing 0, work that leaves cycles 0, work that keeps one object ten times 10",
        }),
        so: None,
        rule: "ten repetitions each; reproduced: 0, 0 and 10; partly: not all three",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["leak_detector"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        let mut kept = Vec::new();
        let mut figures = Figures::new();
        for work in ["clean", "cyclic", "leaky"] {
            mutator.collect(Generation::OLD);
            let before = mutator.get_objects(None).len() as i64;
            for _ in 0..10 {
                match work {
                    "clean" => drop(mutator.allocate(lab.node, NODE)?),
                    "cyclic" => drop(pair(&mutator, lab.node)?),
                    _ => kept.push(mutator.allocate(lab.node, NODE)?),
                }
            }
            mutator.collect(Generation::OLD);
            figures = figures.with(work, mutator.get_objects(None).len() as i64 - before);
        }
        // What is not listed can hide nothing, and show nothing.
        Ok(figures.with("tracks", mutator.is_tracked(&kept[0])).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let found = [figures.number("clean")?, figures.number("cyclic")?, figures.number("leaky")?];
        let right = found.iter().zip([0.0, 0.0, 10.0]).filter(|(one, other)| **one == *other).count();
        let verdict = match right {
            3 => Verdict::Reproduced,
            _ if figures.truth("tracks") == Some(false) => Verdict::Not,
            0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        Some(Answer::new(verdict, format!("clean, cyclic, leaky: {}", slashed(&found))))
    }
}

/// 27: callbacks.
pub(super) struct Callbacks;

impl Check for Callbacks {
    const CLAIM: Claim = Claim {
        key: "27",
        articles: "A D",
        says: "`gc.callbacks` are called at the start and the stop of each collection, with its generation and what it collected",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"callbacks": [["start", ["collected", "generation", "uncollectable"], 2, 0],
                ["stop", ["collected", "generation", "uncollectable"], 2, 2]]}"#,
            measured: "the keys are generation, collected and uncollectable; at the start collected is 0",
        }),
        so: None,
        rule: "a dead pair is collected; reproduced: start, then stop, of generation 2, with 0 and then what was found",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["callbacks"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        mutator.on_collection(Arc::new(move |_, phase, information| {
            let phase = if phase == Phase::Start { "start" } else { "stop" };
            let keys = ["collected", "generation", "uncollectable"];
            let call = json!([phase, keys, information.generation.index(), information.collected]);
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        }));
        drop(pair(&mutator, lab.node)?);
        mutator.collect(Generation::OLD);
        let calls = calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Figures::new().with("callbacks", calls).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let calls = figures.get("callbacks")?.as_array()?;
        let call = |at: usize| {
            Some((calls.get(at)?.get(0)?.as_str()?, calls.get(at)?.get(2)?.as_f64()?, calls.get(at)?.get(3)?.as_f64()?))
        };
        let right = matches!((call(0), call(1)), (Some(("start", 2.0, 0.0)), Some(("stop", 2.0, collected))) if collected > 0.0);
        let words: Vec<String> = (0..calls.len())
            .filter_map(call)
            .map(|(phase, generation, collected)| format!("{phase} of {generation}: {collected}"))
            .collect();
        Some(Answer::new(Verdict::of(right && calls.len() == 2), listed(&words)))
    }
}

/// 28: what is not tracked.
pub(super) struct AtomicContainers;

impl Check for AtomicContainers {
    const CLAIM: Claim = Claim {
        key: "28",
        articles: "C",
        says: "Containers of atomic values are not tracked",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: r#"{"int": false, "str": false, "empty list": true, "list of int": true, "dict of int": false,
                "empty dict": false, "dict with list": true, "tuple of int": true, "tuple after a collection": false}"#,
            measured: "lists are always tracked; dicts are not up to 3.13 and are from birth in 3.14; a tuple ceases to be in the \
                       first collection that sees it",
        }),
        so: Some("Tuples, and up to 3.13 dicts, of atomic values are not tracked or cease to be; lists always are."),
        rule: "a list, a dict and a tuple of numbers, the tuple after a collection; reproduced: none is tracked; partly: some are; \
               not: all are",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["untracked_atomic"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(Measured::NotApplicable("nothing is tracked where nothing is collected"));
        }
        let lab = Lab::<H>::new(setup)?;
        let [int, list, dict, tuple] =
            [("int", TypeKind::Atomic), ("list", TypeKind::List), ("dict", TypeKind::Dict), ("tuple", TypeKind::Tuple)]
                .map(|(name, kind)| lab.plain(name, kind));
        let (int, list, dict, tuple) = (int?, list?, dict?, tuple?);
        let mutator = lab.heap.attach();
        mutator.disable();
        let number = mutator.allocate(int, Shape::new(0, 8))?;
        let filled = |type_id| -> Result<Root<'_, H::Mutator>> {
            let container = mutator.allocate(type_id, Shape::new(1, 16))?;
            container.store(0, Some(&number));
            Ok(container)
        };
        let (numbers, values, couple) = (filled(list)?, filled(dict)?, filled(tuple)?);
        let holder = mutator.allocate(dict, Shape::new(1, 16))?;
        holder.store(0, Some(&numbers));
        let figures = Figures::new()
            .with("int", mutator.is_tracked(&number))
            .with("list of int", mutator.is_tracked(&numbers))
            .with("dict of int", mutator.is_tracked(&values))
            .with("dict with list", mutator.is_tracked(&holder))
            .with("tuple of int", mutator.is_tracked(&couple));
        mutator.collect(Generation::OLD);
        Ok(figures.with("tuple after a collection", mutator.is_tracked(&couple)).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let tuple = figures.truth("tuple after a collection")?;
        let tracked =
            [("list", figures.truth("list of int")?), ("dict", figures.truth("dict of int")?), ("tuple", tuple)];
        let verdict = match tracked.iter().filter(|(_, tracked)| *tracked).count() {
            0 => Verdict::Reproduced,
            3 => Verdict::Not,
            _ => Verdict::Partly,
        };
        let words = |wanted: bool| {
            let names: Vec<&str> = tracked.iter().filter(|(_, is)| *is == wanted).map(|(name, _)| *name).collect();
            listed(&names)
        };
        let text = format!("tracked: {}; not: {}", words(true), words(false));
        Some(Answer::new(verdict, text.as_str()).deciding(text))
    }
}

/// 29: the cycle of an exception.
pub(super) struct ExceptionCycle;

impl Check for ExceptionCycle {
    const CLAIM: Claim = Claim {
        key: "29",
        articles: "C",
        says: "The runtime makes cycles itself, of an exception, its traceback and the frame that keeps it",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"collected": 4}"#,
            measured: "a cycle of 4 objects, of 3 on 3.14",
        }),
        so: None,
        rule: "reproduced: a collection finds the cycle",
        analogue: Some(
            "a frame that keeps an exception, whose traceback keeps the frame: made by hand, as no runtime is here",
        ),
    };
    const PYTHON: &'static [&'static str] = &["exception_cycle"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let [frame, exception, traceback] = [0, 1, 2].map(|label| labelled(&mutator, lab.node, label));
        let (frame, exception, traceback) = (frame?, exception?, traceback?);
        traceback.store(0, Some(&frame));
        exception.put(0, Some(traceback));
        frame.put(0, Some(exception));
        drop(frame);
        Ok(Figures::new().with("collected", mutator.collect(Generation::OLD)).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let collected = figures.number("collected")?;
        let text = format!("{collected} objects");
        Some(Answer::new(Verdict::of(collected > 0.0), text.as_str()).deciding(text))
    }
}

/// 42: what `get_count` and `garbage` show.
pub(super) struct NamesOfFigures;

impl Check for NamesOfFigures {
    const CLAIM: Claim = Claim {
        key: "42",
        articles: "E",
        says: "`gc.get_count()` shows the thresholds, and `gc.garbage` the unreachable objects",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"count_is_threshold": false, "found": 2, "garbage": 0}"#,
            measured: "`get_count` gives counts; `garbage` has only what cannot be collected, or is to be saved",
        }),
        so: Some(
            "`get_threshold()` shows thresholds, `get_count()` how far the counters are; `garbage` holds only what the collector had to leave.",
        ),
        rule: "after 5000 kept objects and a dead pair; reproduced: counts are the thresholds, and `garbage` has what `collect` \
               found; partly: one of the two",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["count_and_garbage"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        let kept = (0..5000).map(|_| mutator.allocate(lab.node, NODE)).collect::<Result<Vec<_>, _>>()?;
        let Thresholds(thresholds) = mutator.get_threshold();
        let count = mutator.get_count().0.to_vec();
        drop(pair(&mutator, lab.node)?);
        let unreachable = mutator.collect(Generation::OLD);
        drop(kept);
        Ok(Figures::new()
            .with("count_is_threshold", count == thresholds)
            .with("count", count)
            .with("threshold", thresholds.to_vec())
            .with("found", unreachable)
            .with("garbage", mutator.garbage().len())
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let is_threshold = figures.truth("count_is_threshold")?;
        let (found, garbage) = (figures.number("found")?, figures.number("garbage")?);
        let counts = match (figures.numbers("count"), figures.numbers("threshold")) {
            (Some(count), Some(thresholds)) => {
                format!("counts {} beside thresholds {}", slashed(&count), slashed(&thresholds))
            }
            _ if is_threshold => "counts as thresholds".to_owned(),
            _ => "counts unlike thresholds".to_owned(),
        };
        let text = format!("{counts}; {garbage} in `garbage` of {found} found");
        Some(Answer::new(Verdict::of_halves(is_threshold, garbage == found && found > 0.0), text))
    }
}
