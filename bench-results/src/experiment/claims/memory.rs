//! Claims on memory: what leaks, what slots save, what comes back.

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Kind as TypeKind, Mutator, Shape};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, pair, settle};
use super::rules::{percent, short};
use super::setup::Setup;

/// Makes dead pairs with the collector off, and collects them then.
fn orphans<H: Heap>(setup: &Setup) -> Result<Figures> {
    let lab = Lab::<H>::new(setup)?;
    let mutator = lab.heap.attach();
    mutator.disable();
    let pairs = 200_000;
    let held = || lab.heap.statistics().held_bytes as i64;
    let before = held();
    for _ in 0..pairs {
        drop(pair(&mutator, lab.node)?);
    }
    let (grown, left) = (held() - before, lab.heap.live_objects());
    let collected = mutator.collect(Generation::OLD);
    settle(&mutator);
    Ok(Figures::new()
        .with("made", 2 * pairs)
        .with("left", left)
        .with("grown_bytes", grown)
        .with("collected_objects", collected)
        .with("kept_bytes", held() - before))
}

/// What 3.12.1 did with them.
const ORPHANS: &str =
    r#"{"made": 400000, "left": 400000, "grown_bytes": 17473536, "collected_objects": 399998, "kept_bytes": 958464}"#;

/// 15: a collector that is off.
pub(super) struct OffLeaks;

impl Check for OffLeaks {
    const CLAIM: Claim = Claim {
        key: "15",
        articles: "A B C D",
        says: "With the collector off for good, dead cycles leak",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: ORPHANS,
            measured: "78 MiB more in 40,000 requests of which a tenth is cyclic, 290 MiB in 15,000 that all are; 400,000 orphaned \
                       slotted objects are 17 MB, given back by one `collect`",
        }),
        so: None,
        rule: "400,000 objects in dead pairs, collector off; reproduced: at least 99 % of them are left; not: at most 1 %",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["disabled_leaks_cycles"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        Ok(orphans::<H>(setup)?.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (made, left) = (figures.number("made")?, figures.number("left")?);
        let verdict = match percent(left, made) {
            share if share >= 99.0 => Verdict::Reproduced,
            share if share <= 1.0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        let text = format!("{left} left, {} KiB more", short(figures.number("grown_bytes")? / 1024.0));
        Some(Answer::new(verdict, text))
    }
}

/// 43: what goes back to the system.
pub(super) struct MemoryKept;

impl Check for MemoryKept {
    const CLAIM: Claim = Claim {
        key: "43",
        articles: "A",
        says: "Memory of freed objects is not returned to the operating system",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Not,
            recorded: ORPHANS,
            measured: "of 17 MB of collected pairs all but 0.4 to 0.9 MB came back; nothing did on 3.14t",
        }),
        so: Some("Blocks in which nothing lives any more are given back; one survivor keeps its whole block."),
        rule: "what 400,000 dead objects took and still take after `collect`; reproduced: at least half; not: at most a tenth",
        analogue: Some("what the heap holds from the system"),
    };
    const PYTHON: &'static [&'static str] = &["disabled_leaks_cycles"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(Measured::NotApplicable("the heap collects no cycles: the pairs are never freed"));
        }
        Ok(orphans::<H>(setup)?.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (grown, after) = (figures.number("grown_bytes")? / 1024.0, figures.number("kept_bytes")? / 1024.0);
        let verdict = match percent(after, grown) {
            share if share >= 50.0 => Verdict::Reproduced,
            share if share <= 10.0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        Some(Answer::new(verdict, format!("{} of {} KiB kept", short(after), short(grown))))
    }
}

/// 30: slots.
pub(super) struct SlotsSave;

impl Check for SlotsSave {
    const CLAIM: Claim = Claim {
        key: "30",
        articles: "B",
        says: "`__slots__` saves memory",
        kind: Kind::Layout,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"S": 44.8, "D": 77.5}"#,
            measured: "bytes an instance of two attributes, with slots and without: 48 and 162 on 3.8, 45 and 78 on 3.12, 46 and 94 \
                       on 3.14",
        }),
        so: None,
        rule: "bytes an instance; reproduced: at most 80 % with slots; not: as many or more; otherwise partly",
        analogue: Some("an object of two slots beside one that holds a dict of two"),
    };
    const PYTHON: &'static [&'static str] = &["slots_memory"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let instances: u32 = setup.size(5_000, 100_000, 100_000);
        let mut figures = Figures::new();
        for (name, slotted) in [("S", true), ("D", false)] {
            let lab = Lab::<H>::new(setup)?;
            let dict = lab.plain("dict", TypeKind::Dict)?;
            let mutator = lab.heap.attach();
            mutator.disable();
            let before = lab.heap.statistics().held_bytes;
            let mut kept = Vec::with_capacity(instances as usize);
            for _ in 0..instances {
                kept.push(if slotted {
                    mutator.allocate(lab.node, Shape::new(2, 0))?
                } else {
                    let object = mutator.allocate(lab.node, Shape::new(1, 0))?;
                    object.put(0, Some(mutator.allocate(dict, Shape::new(2, 32))?));
                    object
                });
            }
            let grown = lab.heap.statistics().held_bytes - before;
            figures = figures.with(name, grown as f64 / f64::from(instances));
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (slotted, dict) = (figures.number("S")?, figures.number("D")?);
        let verdict = match slotted / dict {
            ratio if ratio <= 0.8 => Verdict::Reproduced,
            ratio if ratio >= 1.0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        Some(Answer::new(verdict, format!("{} against {} bytes", short(slotted), short(dict))))
    }
}
