//! Claims on finalizers, and on what cannot be collected.

use anyhow::Result;
use gc_core::{Control, DebugFlags, Generation, Heap, Mutator};
use serde_json::{Value, json};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::{Figures, numbers};
use super::lab::{Lab, labelled, pair, settle};
use super::rules::{listed, slashed};
use super::setup::Setup;

/// The names of objects 0 and 1.
fn letters(labels: &[String]) -> Vec<String> {
    labels.iter().map(|label| if label == "0" { "A" } else { "B" }.to_owned()).collect()
}

/// 4: which of two finalizers runs first.
pub(super) struct PairOrder;

impl Check for PairOrder {
    const CLAIM: Claim = Claim {
        key: "4",
        articles: "B",
        says: "Of two nodes A and B on a cycle, B is freed first and then A",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"cycle_del_order": ["A", "B"]}"#,
            measured: "A, then B, on all seven",
        }),
        so: Some("Finalizers run in the order in which the collector lists objects, which is that of their creation."),
        rule: "reproduced: B, A",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["cycle_del_order"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let (_, finalized, _) = collect_pair::<H>(setup)?;
        Ok(Figures::new().with("cycle_del_order", finalized).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let order = figures.words("cycle_del_order")?;
        Some(Answer::new(Verdict::of(order == ["B", "A"]), listed(&order)))
    }
}

/// What `collect` returns for a dead pair with finalizers, which of them run, and how many objects are then in `garbage`.
fn collect_pair<H: Heap>(setup: &Setup) -> Result<(u64, Vec<String>, usize)> {
    let lab = Lab::<H>::new(setup)?;
    let logging = lab.logging()?;
    let mutator = lab.heap.attach();
    mutator.disable();
    drop(pair(&mutator, logging)?);
    let returned = mutator.collect(Generation::OLD);
    settle(&mutator);
    Ok((returned, letters(&lab.events.take()), mutator.garbage().len()))
}

/// The same as figures.
fn pair_figures<H: Heap>(setup: &Setup) -> Result<Measured> {
    if !H::ABILITIES.collects_cycles {
        return Ok(NO_COLLECTOR);
    }
    let (returned, finalized, garbage) = collect_pair::<H>(setup)?;
    Ok(Figures::new().with("returned", returned).with("finalized", finalized).with("garbage", garbage).into())
}

/// What 3.12.1 did with it.
const PAIR: &str = r#"{"returned": 2, "finalized": ["A", "B"], "garbage": 0}"#;

fn pair_text(figures: &Figures) -> Option<String> {
    let (returned, garbage) = (figures.number("returned")?, figures.number("garbage")?);
    Some(format!(
        "`collect` returns {returned}, finalized {}, {garbage} in `garbage`",
        listed(&figures.words("finalized")?)
    ))
}

/// 22: topological order.
pub(super) struct TopologicalOrder;

/// In which order the objects 0 to 3 are made.
const CREATED: [(&str, [usize; 4]); 3] =
    [("forward", [0, 1, 2, 3]), ("backward", [3, 2, 1, 0]), ("mixed", [2, 0, 3, 1])];

impl Check for TopologicalOrder {
    const CLAIM: Claim = Claim {
        key: "22",
        articles: "D",
        says: "Finalizers run in topological order: an object's before those of what it holds",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"forward": {"created": [0, 1, 2, 3], "finalized": [0, 1, 2, 3]},
                "backward": {"created": [3, 2, 1, 0], "finalized": [3, 2, 1, 0]},
                "mixed": {"created": [2, 0, 3, 1], "finalized": [2, 0, 3, 1]}}"#,
            measured: "the order of creation, for three of them, up to 3.14; 3.14t has another order, and it is not topological either",
        }),
        so: Some("The order is that of the collector's list, whatever holds what; a finalizer cannot count on any."),
        rule: "object 0 holds itself and 1, which holds 2, which holds 3, made in three orders; reproduced: always finalized as 0, 1, 2, 3",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["finalizer_order_topological"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let mut figures = Figures::new();
        for (name, created) in CREATED {
            let lab = Lab::<H>::new(setup)?;
            let logging = lab.logging()?;
            let mutator = lab.heap.attach();
            mutator.disable();
            let mut objects = [const { None }; 4];
            for label in created {
                objects[label] = Some(labelled(&mutator, logging, label as u64)?);
            }
            let objects: Vec<_> = objects.into_iter().flatten().collect();
            objects[0].store(1, Some(&objects[0]));
            for holder in 0..3 {
                objects[holder].store(0, Some(&objects[holder + 1]));
            }
            drop(objects);
            mutator.collect(Generation::OLD);
            let finalized: Vec<u64> = lab.events.take().iter().filter_map(|label| label.parse().ok()).collect();
            figures = figures.with(name, json!({"created": created, "finalized": finalized}));
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let of = |name: &str, part: &str| numbers(figures.get(name).and_then(|order: &Value| order.get(part))?);
        let mut topological = true;
        let mut texts = Vec::new();
        for (name, _) in CREATED {
            let (created, finalized) = (of(name, "created")?, of(name, "finalized")?);
            topological &= finalized == [0.0, 1.0, 2.0, 3.0];
            texts.push(format!("{} as {}", slashed(&created), slashed(&finalized)));
        }
        Some(Answer::new(Verdict::of(topological), texts.join("; ")))
    }
}

/// 23: finalizers on cycles.
pub(super) struct FinalizersCollected;

impl Check for FinalizersCollected {
    const CLAIM: Claim = Claim {
        key: "23",
        articles: "A D",
        says: "Cycles of objects with `__del__` are collected, since Python 3.4",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: PAIR,
            measured: "on all seven, and `gc.garbage` stays empty",
        }),
        so: None,
        rule: "reproduced: both finalizers run once, and nothing is in `garbage`",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["del_in_cycle_collected"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        pair_figures::<H>(setup)
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let mut finalized = figures.words("finalized")?;
        finalized.sort();
        let collected = finalized == ["A", "B"] && figures.number("garbage")? == 0.0;
        Some(Answer::new(Verdict::of(collected), pair_text(figures)?))
    }
}

/// 24: the opposite.
pub(super) struct FinalizersUncollectable;

impl Check for FinalizersUncollectable {
    const CLAIM: Claim = Claim {
        key: "24",
        articles: "B E",
        says: "Cycles of objects with `__del__` are uncollectable and end in `gc.garbage`",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: PAIR,
            measured: "nothing in `gc.garbage`; the number that `collect()` returns is of unreachable objects found, not of \
                       uncollectable ones",
        }),
        so: Some(
            "Since Python 3.4 they are collected like all others; what `collect()` returns is how many unreachable objects it found.",
        ),
        rule: "reproduced: they are in `garbage`",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["del_in_cycle_collected"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        pair_figures::<H>(setup)
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        Some(Answer::new(Verdict::of(figures.number("garbage")? > 0.0), pair_text(figures)?))
    }
}

/// 25: `DEBUG_LEAK`.
pub(super) struct DebugLeak;

impl Check for DebugLeak {
    const CLAIM: Claim = Claim {
        key: "25",
        articles: "A",
        says: "`gc.DEBUG_LEAK` reports uncollectable objects",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"returned": 2, "garbage": 2, "weakref_dead_but_saved": true}"#,
            measured: "it saves all that a collection finds in `gc.garbage` (2 objects, 4 up to 3.10); their weak references are dead \
                       already",
        }),
        so: Some(
            "It keeps everything that was found unreachable, collectable or not, so with it the program leaks what it would not leak.",
        ),
        rule: "a collectable pair with the flag set; reproduced: none of it is saved; not: it is in `garbage`",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["debug_leak_saves_all"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        mutator.set_debug_writer(Box::new(std::io::sink()));
        mutator.set_debug(DebugFlags::LEAK);
        let nodes = pair(&mutator, lab.node)?;
        let weak = mutator.weak_reference(&nodes[0], None)?;
        drop(nodes);
        let returned = mutator.collect(Generation::OLD);
        let garbage = mutator.garbage().len();
        let dead = mutator.upgrade(&weak).is_none();
        mutator.set_debug(DebugFlags::empty());
        mutator.clear_garbage();
        mutator.collect(Generation::OLD);
        Ok(Figures::new()
            .with("returned", returned)
            .with("garbage", garbage)
            .with("weakref_dead_but_saved", dead && garbage > 0)
            .with("left_when_cleared", lab.heap.live_objects().saturating_sub(1))
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (returned, garbage) = (figures.number("returned")?, figures.number("garbage")?);
        let weak = if figures.truth("weakref_dead_but_saved")? { ", weak references dead" } else { "" };
        let verdict = if garbage > 0.0 { Verdict::Not } else { Verdict::of(returned > 0.0) };
        Some(Answer::new(verdict, format!("{garbage} of {returned} saved{weak}")))
    }
}
