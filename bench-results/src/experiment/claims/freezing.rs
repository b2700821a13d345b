//! Claims on `gc.freeze`.

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Mutator};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, NODE, median, microseconds, pair, settle};
use super::rules::short;
use super::setup::Setup;

/// Parts of a time by which another must differ to be less or more.
const SAME: f64 = 0.1;

/// 32: what frozen objects cost.
pub(super) struct FrozenIsNotScanned;

impl Check for FrozenIsNotScanned {
    const CLAIM: Claim = Claim {
        key: "32",
        articles: "A C D",
        says: "`gc.freeze` exempts objects from collections",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"full_collection_ns": 114000000, "frozen_ns": 20000}"#,
            measured: "a full collection over 1,000,000 objects takes 114 ms before and 0.02 ms when they are frozen",
        }),
        so: None,
        rule: "a full collection of live objects, before and after a freeze; reproduced: it examines none of them (on CPython this is \
               unknown) and takes at most a tenth of the time; partly: it takes less, or examines fewer in as much time (10 %); not: it \
               takes more, or examines as many in as much",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["freeze_exempts"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let count = setup.size(2_000, 200_000, 1_000_000);
        let kept = (0..count).map(|_| mutator.allocate(lab.node, NODE)).collect::<Result<Vec<_>, _>>()?;
        mutator.collect(Generation::OLD);
        let collect = || -> (f64, u64) {
            let before = mutator.get_stats()[2].examined;
            let (us, _) = microseconds(|| mutator.collect(Generation::OLD));
            (us / 1e3, mutator.get_stats()[2].examined - before)
        };
        let repeated = || -> (f64, u64) {
            let (times, examined): (Vec<f64>, Vec<u64>) = (0..setup.repetitions()).map(|_| collect()).unzip();
            (median(times), examined.into_iter().max().unwrap_or(0))
        };
        let (live_ms, examined_live) = repeated();
        mutator.freeze();
        let (frozen_ms, examined_frozen) = repeated();
        drop(kept);
        Ok(Figures::new()
            .with("full_collection_ns", 1e6 * live_ms)
            .with("frozen_ns", 1e6 * frozen_ms)
            .with("examined_live", examined_live)
            .with("examined_frozen", examined_frozen)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (live_ms, frozen_ms) = (figures.number("full_collection_ns")? / 1e6, figures.number("frozen_ns")? / 1e6);
        let times = format!("{} ms, frozen {} ms", short(live_ms), short(frozen_ms));
        let examined = figures.number("examined_live").zip(figures.number("examined_frozen"));
        let none = examined.is_none_or(|(_, frozen)| frozen == 0.0);
        let fewer = examined.is_some_and(|(live, frozen)| frozen < live);
        let (verdict, but) = match frozen_ms / live_ms {
            part if none && part <= 0.1 => (Verdict::Reproduced, ""),
            part if part > 1.0 + SAME => (Verdict::Not, ": slower than without a freeze"),
            part if part < 1.0 - SAME => (Verdict::Partly, ""),
            _ if fewer => (Verdict::Partly, ": no less time than without a freeze"),
            _ => (Verdict::Not, ""),
        };
        let counts = examined.map(|(live, frozen)| format!("{live} examined, frozen {frozen}; "));
        Some(Answer::new(verdict, counts.unwrap_or_default() + &times + but))
    }
}

/// 33: what the freeze count counts.
pub(super) struct FreezeCount;

impl Check for FreezeCount {
    const CLAIM: Claim = Claim {
        key: "33",
        articles: "A C D",
        says: "`freeze` moves all tracked objects, `get_freeze_count` tells how many, `unfreeze` moves them back",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"tracked": 7715, "frozen_before": 375, "frozen": 8090, "left": 0, "after_unfreeze": 0}"#,
            measured: "as many as were tracked; on 3.12.1 375 immortal objects are there before any freeze",
        }),
        so: None,
        rule: "reproduced: as many frozen as were tracked, none left, none frozen after `unfreeze`; partly: not all three",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["freeze_counts"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let kept = (0..1_000).map(|_| mutator.allocate(lab.node, NODE)).collect::<Result<Vec<_>, _>>()?;
        let listed = || mutator.get_objects(None).len();
        let (tracked, before) = (listed(), mutator.get_freeze_count());
        mutator.freeze();
        let (frozen, left) = (mutator.get_freeze_count(), listed());
        mutator.unfreeze();
        let after = mutator.get_freeze_count();
        drop(kept);
        Ok(Figures::new()
            .with("tracked", tracked)
            .with("frozen_before", before)
            .with("frozen", frozen)
            .with("left", left)
            .with("after_unfreeze", after)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (tracked, before) = (figures.number("tracked")?, figures.number("frozen_before")?);
        let (frozen, left, after) =
            (figures.number("frozen")?, figures.number("left")?, figures.number("after_unfreeze")?);
        let right = [frozen - before == tracked, left == 0.0, after == 0.0].iter().filter(|right| **right).count();
        let verdict = match right {
            3 => Verdict::Reproduced,
            0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        let text = format!("{tracked} tracked: {} frozen, {left} left, {after} after `unfreeze`", frozen - before);
        Some(Answer::new(verdict, text))
    }
}

/// 34: frozen cycles that die.
pub(super) struct FrozenCycleLeaks;

impl Check for FrozenCycleLeaks {
    const CLAIM: Claim = Claim {
        key: "34",
        articles: "",
        says: "(In no article.) A frozen cycle that dies leaks until `unfreeze`; a frozen object still dies by count",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: None,
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"collected_while_frozen": 0, "leaked": true, "after_unfreeze": 2, "dead": true, "dies_by_count": true}"#,
            measured: "so on all seven",
        }),
        so: None,
        rule: "reproduced: nothing of a dead frozen pair is collected before `unfreeze` and all after it, and a frozen object whose \
               count falls to 0 dies; partly: only a part",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["frozen_cycle_leaks"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let (nodes, single) = (pair(&mutator, lab.node)?, mutator.allocate(lab.node, NODE)?);
        mutator.freeze();
        let live = lab.heap.live_objects();
        drop(single);
        settle(&mutator);
        let dies_by_count = lab.heap.live_objects() == live - 1;
        drop(nodes);
        let while_frozen = mutator.collect(Generation::OLD);
        let leaked = lab.heap.live_objects() == live - 1;
        mutator.unfreeze();
        let after = mutator.collect(Generation::OLD);
        Ok(Figures::new()
            .with("collected_while_frozen", while_frozen)
            .with("leaked", leaked)
            .with("after_unfreeze", after)
            .with("dead", lab.heap.live_objects() == live - 3)
            .with("dies_by_count", dies_by_count)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (leaked, dead) = (figures.truth("leaked")?, figures.truth("dead")?);
        let by_count = figures.truth("dies_by_count")?;
        let text = format!(
            "{} collected while frozen, {} after `unfreeze`",
            figures.number("collected_while_frozen")?,
            figures.number("after_unfreeze")?
        );
        Some(Answer::new(Verdict::of_halves(leaked, dead && by_count), text))
    }
}
