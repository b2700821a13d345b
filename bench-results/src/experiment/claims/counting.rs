//! Claims on reference counts, and on what counts cannot free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;

use anyhow::{Context, Result};
use gc_core::{Control, Generation, Heap, Mutator, Shape};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, NODE, labelled, microseconds, pair, settle};
use super::rules::{short, slashed};
use super::setup::Setup;

/// 1: what `getrefcount` says.
pub(super) struct CountSequence;

impl Check for CountSequence {
    const CLAIM: Claim = Claim {
        key: "1",
        articles: "B",
        says: "`sys.getrefcount` gives 2 for an object with one name, 3 with two, and 2 when the second is deleted",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"getrefcount_sequence": [2, 3, 2]}"#,
            measured: "2, 3, 2 up to 3.13; 1, 2, 1 on 3.14 and 3.14t",
        }),
        so: Some(
            "A name adds one, but the one that `getrefcount` adds by its own argument is a detail of the interpreter, which 3.14 \
             has done away with.",
        ),
        rule: "reproduced: 2, 3, 2; partly: a second name adds one and its end takes it away, from another first figure",
        analogue: Some("roots for names; to ask for the count borrows the root"),
    };
    const PYTHON: &'static [&'static str] = &["getrefcount_sequence"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        let object = mutator.allocate(lab.node, NODE)?;
        let count = || mutator.retain_count(&object);
        let first = count();
        let second_name = object.clone();
        let second = count();
        drop(second_name);
        let counts: Vec<u32> = [first, second, count()].into_iter().flatten().collect();
        Ok(Figures::new().with("getrefcount_sequence", counts).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let counts = figures.numbers("getrefcount_sequence")?;
        let verdict = match counts[..] {
            [2.0, 3.0, 2.0] => Verdict::Reproduced,
            [first, second, third] if second == first + 1.0 && third == first => Verdict::Partly,
            _ => Verdict::Not,
        };
        Some(Answer::new(verdict, slashed(&counts)))
    }
}

/// 2: death by count.
pub(super) struct FreedAtOnce;

impl Check for FreedAtOnce {
    const CLAIM: Claim = Claim {
        key: "2",
        articles: "A B C E",
        says: "An object whose count falls to 0 is freed at once, inside the `del`",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"inside_del": true, "objects": 100000, "left": 0, "del_to_finalizer_ns": 7522, "del_returned_ns": 25949685}"#,
            measured: "the finalizer runs 6 to 19 us after `del` began and before it returns, collector off; but `del` of a list \
                       of 50 MB returns only after 10 to 26 ms",
        }),
        so: None,
        rule: "reproduced: the finalizer runs before the release returns, and so die all objects of a large list; partly: the \
               finalizer does, but a part of the list waits",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["refcount_immediate"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let lab = Lab::<H>::new(setup)?;
        let finalized_ns = Arc::new(AtomicU64::new(0));
        let (began, seen) = (Instant::now(), Arc::clone(&finalized_ns));
        let finalized = lab.finalized(move |_, _| seen.store(began.elapsed().as_nanos() as u64, SeqCst))?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let object = mutator.allocate(finalized, NODE)?;
        let before = began.elapsed().as_nanos() as u64;
        drop(object);
        let (at, after) = (finalized_ns.load(SeqCst), began.elapsed().as_nanos() as u64);

        let length = setup.size(2_000, 100_000, 100_000);
        let others = lab.heap.live_objects();
        let list = mutator.allocate(lab.node, Shape::new(length, 0))?;
        for place in 0..length {
            list.put(place, Some(mutator.allocate(lab.node, Shape::new(0, 480))?));
        }
        let (returned_us, ()) = microseconds(|| drop(list));
        let left = lab.heap.live_objects() - others;
        settle(&mutator);
        Ok(Figures::new()
            .with("inside_del", (before..=after).contains(&at))
            .with("del_to_finalizer_ns", at.saturating_sub(before))
            .with("del_returned_ns", returned_us * 1e3)
            .with("objects", length)
            .with("left", left)
            .with("left_at_safepoints", lab.heap.live_objects() - others)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let inside = figures.truth("inside_del")?;
        let left = figures.number("left")?;
        let ms = short(figures.number("del_returned_ns")? / 1e6);
        let large = match left {
            0.0 => format!("a large list takes {ms} ms"),
            _ => format!("of a list of {}, {left} are left when it returns ({ms} ms)", figures.number("objects")?),
        };
        let verdict = if inside { Verdict::of_halves(true, left == 0.0) } else { Verdict::Not };
        let when = if inside { "inside" } else { "later" };
        Some(Answer::new(verdict, format!("{when}; {large}")))
    }
}

/// 3: cycles.
pub(super) struct CyclesNeedCollector;

impl Check for CyclesNeedCollector {
    const CLAIM: Claim = Claim {
        key: "3",
        articles: "A B C E",
        says: "Objects on a cycle survive `del`, and `gc.collect()` frees them",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"alive_after_del": true, "collect_returned": 2, "dead_after_collect": true}"#,
            measured: "on all seven; for two instances `collect` returns 4 up to 3.10, whose `__dict__`s count, and 2 from 3.11 on",
        }),
        so: None,
        rule: "reproduced: alive after the last release, dead after `collect`; partly: only one of the two",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["cycle_needs_gc"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let nodes = pair(&mutator, lab.node)?;
        let weak = mutator.weak_reference(&nodes[0], None)?;
        drop(nodes);
        settle(&mutator);
        let alive = mutator.upgrade(&weak).is_some();
        let returned = mutator.collect(Generation::OLD);
        let dead = mutator.upgrade(&weak).is_none();
        Ok(Figures::new()
            .with("alive_after_del", alive)
            .with("collect_returned", returned)
            .with("dead_after_collect", dead)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (alive, dead) = (figures.truth("alive_after_del")?, figures.truth("dead_after_collect")?);
        let text = format!(
            "{}, `collect` returns {}, then {}",
            if alive { "alive" } else { "dead" },
            figures.number("collect_returned")?,
            if dead { "dead" } else { "alive" }
        );
        Some(Answer::new(Verdict::of_halves(alive, dead), text))
    }
}

/// 5: what is tracked while a cycle is dead.
pub(super) struct TrackedCount;

impl Check for TrackedCount {
    const CLAIM: Claim = Claim {
        key: "5",
        articles: "B",
        says: "The number of tracked objects stays when a cycle of three is deleted, and drops when it is collected",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"tracked_change_after_del": 0, "collected": 6, "tracked_change_after_collect": -7}"#,
            measured: "on all seven; `collect` returns 9 up to 3.10, 6 up to 3.14, 7 on 3.14t",
        }),
        so: None,
        rule: "reproduced: no change by the release, fewer after `collect`; partly: only one of the two",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["three_cycle_lists"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let list = lab.plain("list", gc_core::Kind::List)?;
        let mutator = lab.heap.attach();
        mutator.disable();
        let tracked = || mutator.get_objects(None).len() as i64;
        let mut nodes = Vec::new();
        for label in 0..3 {
            let node = labelled(&mutator, lab.node, label)?;
            node.put(0, Some(mutator.allocate(list, Shape::new(1, 16))?));
            nodes.push(node);
        }
        for (place, node) in nodes.iter().enumerate() {
            node.load(0).context("each node has its list")?.store(0, Some(&nodes[(place + 1) % 3]));
        }
        let before = tracked();
        drop(nodes);
        settle(&mutator);
        let after_del = tracked();
        let collected = mutator.collect(Generation::OLD);
        Ok(Figures::new()
            .with("tracked_change_after_del", after_del - before)
            .with("collected", collected)
            .with("tracked_change_after_collect", tracked() - before)
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let del = figures.number("tracked_change_after_del")?;
        let collect = figures.number("tracked_change_after_collect")?;
        let text = format!(
            "{del} after the release, {collect} after `collect`, which returns {}",
            figures.number("collected")?
        );
        Some(Answer::new(Verdict::of_halves(del == 0.0, collect < 0.0), text))
    }
}
