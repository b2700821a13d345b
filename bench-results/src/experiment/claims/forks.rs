//! Claims on what forked children share: a small run of the freeze experiment each.

use anyhow::{Result, anyhow, bail};
use gc_core::Heap;

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, OnCPython};
use super::figures::Figures as Told;
use super::rules::{percent, short};
use super::setup::Setup;
use crate::experiment::freeze::{Cell, Condition, Content, Figures, Layout, Part, parent};

/// What a child of `fork-v1` copied that read this share of the entries at random.
fn forked<H: Heap>(setup: &Setup, condition: Condition, share: f64) -> Result<Figures> {
    let mut cell = Cell::centre(
        Part::Conditions,
        Layout::new(H::NAME, None),
        Content::entries(setup.size(20_000, 200_000, 1_000_000)),
        condition,
    );
    (cell.workers, cell.share, cell.run) = (1, Some(share), 1);
    let record = parent::run(&cell)?;
    Figures::of(&record)
        .ok_or_else(|| anyhow!("{}", record.error.unwrap_or_else(|| "the child was not measured".to_owned())))
}

/// A process with other threads is not to fork: tests have some, cells have none.
fn have_no_other_threads() -> Result<()> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        bail!(
            "this process has {threads} threads and does not fork; run the claim in a process of its own: reproduce claims"
        );
    }
    Ok(())
}

const NOTHING_COLLECTED: Measured =
    Measured::NotApplicable("the heap collects no cycles: a collection touches nothing");

const MIB: f64 = (1 << 20) as f64;

fn mib(bytes: f64) -> f64 {
    (10.0 * bytes / MIB).round() / 10.0
}

/// 35: what a collection in a child copies.
pub(super) struct CollectionCopies;

impl Check for CollectionCopies {
    const CLAIM: Claim = Claim {
        key: "35",
        articles: "D",
        says: "A collection in a forked child copies the pages that it shares with its parent",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"heap_mib": 137, "collected_mib": 73}"#,
            measured: "one collection dirties 73 of 137 MiB at a million objects, 223 of 397 MiB at three; by the collector's own \
                       headers only: it does not change counts",
        }),
        so: None,
        rule: "pages of objects that the child's collections copy; reproduced: 5 % of the heap or more; not: at most 1 %; otherwise partly",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NOTHING_COLLECTED);
        }
        have_no_other_threads()?;
        let figures = forked::<H>(setup, Condition::OFF, 0.0)?;
        Ok(Told::new()
            .with("heap_mib", mib(figures.heap))
            .with("collected_mib", mib(figures.collected_objects))
            .with("tables_mib", mib(figures.collected_tables))
            .into())
    }

    fn judge(figures: &Told) -> Option<Answer> {
        let (heap, collected) = (figures.number("heap_mib")?, figures.number("collected_mib")?);
        let tables = figures
            .number("tables_mib")
            .map_or(String::new(), |tables| format!(", and {} MiB of tables", short(tables)));
        let verdict = match percent(collected, heap) {
            share if share >= 5.0 => Verdict::Reproduced,
            share if share <= 1.0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        Some(Answer::new(verdict, format!("{} of {} MiB copied{tables}", short(collected), short(heap))))
    }
}

/// 36: freezing before.
pub(super) struct FreezePrevents;

impl Check for FreezePrevents {
    const CLAIM: Claim = Claim {
        key: "36",
        articles: "D",
        says: "`gc.freeze` before the fork prevents that",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"heap_mib": 137, "collected_mib": 73, "frozen_mib": 0}"#,
            measured: "0.0 MiB dirtied by collecting, and 10 to 30 page faults in place of 18,700",
        }),
        so: None,
        rule: "the same with and without a freeze; n/a: at most 1 % of the heap is copied with either; reproduced: at most 1 % is when frozen; \
               partly: at most half of what is copied without; otherwise not",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NOTHING_COLLECTED);
        }
        have_no_other_threads()?;
        let (unfrozen, frozen) =
            (forked::<H>(setup, Condition::OFF, 0.0)?, forked::<H>(setup, Condition::OFF_FREEZE, 0.0)?);
        Ok(Told::new()
            .with("heap_mib", mib(unfrozen.heap))
            .with("collected_mib", mib(unfrozen.collected_objects))
            .with("frozen_mib", mib(frozen.collected_objects))
            .into())
    }

    fn judge(figures: &Told) -> Option<Answer> {
        let (heap, unfrozen) = (figures.number("heap_mib")?, figures.number("collected_mib")?);
        let frozen = figures.number("frozen_mib")?;
        let verdict = match frozen {
            frozen if percent(frozen.max(unfrozen), heap) <= 1.0 => Verdict::NotApplicable,
            frozen if percent(frozen, heap) <= 1.0 => Verdict::Reproduced,
            frozen if frozen <= unfrozen / 2.0 => Verdict::Partly,
            _ => Verdict::Not,
        };
        let why = match verdict {
            Verdict::NotApplicable => {
                "a collection copies next to nothing without a freeze, which has nothing to prevent: "
            }
            _ => "",
        };
        Some(Answer::new(
            verdict,
            format!("{why}{} MiB frozen, {} without, of {}", short(frozen), short(unfrozen), short(heap)),
        ))
    }
}

/// 37: a collector that is off.
pub(super) struct OffKeepsShared;

/// The share of entries that the child reads, at random.
const READ: f64 = 0.01;

impl Check for OffKeepsShared {
    const CLAIM: Claim = Claim {
        key: "37",
        articles: "D",
        says: "With the collector off, shared pages stay intact",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: r#"{"heap_mib": 137, "read_mib": 47, "collected_mib": 73}"#,
            measured: "only the collector's share: reading 1 % of the entries at random dirties 47 of 137 MiB (5 %: 111 MiB; runs of 20 \
                       neighbours: 5 and 20 MiB), frozen or not, on 3.8 as on 3.12",
        }),
        so: Some(
            "Only the collector ceases to write to them: whoever reads an object changes its count, and so copies its page.",
        ),
        rule: "pages copied by reading 1 % of the entries at random, collector off; reproduced: at most 1 % of the heap; partly: more, \
               but a collection would copy at least 1 % as well; otherwise not",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        have_no_other_threads()?;
        let figures = forked::<H>(setup, Condition::OFF, READ)?;
        let all = forked::<H>(setup, Condition::OFF, 0.0)?;
        Ok(Told::new()
            .with("heap_mib", mib(figures.heap))
            .with("read_mib", mib(figures.served_objects))
            .with("collected_mib", mib(all.collected_objects))
            .into())
    }

    fn judge(figures: &Told) -> Option<Answer> {
        let (heap, read) = (figures.number("heap_mib")?, figures.number("read_mib")?);
        let collected = figures.number("collected_mib")?;
        let verdict = match percent(read, heap) {
            share if share <= 1.0 => Verdict::Reproduced,
            _ if percent(collected, heap) >= 1.0 => Verdict::Partly,
            _ => Verdict::Not,
        };
        let text = format!(
            "reading copies {} of {} MiB; a collection would copy {}",
            short(read),
            short(heap),
            short(collected)
        );
        Some(Answer::new(verdict, text))
    }
}
