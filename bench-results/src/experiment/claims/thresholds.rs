//! Claims on thresholds: which there are, and what they make happen when.

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Mutator, Thresholds};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::{Figures, numbers};
use super::lab::{Lab, NODE, collections, collections_of, interpreter, pair};
use super::rules::slashed;
use super::setup::Setup;

/// 6: the default.
pub(super) struct DefaultThresholds;

impl Check for DefaultThresholds {
    const CLAIM: Claim = Claim {
        key: "6",
        articles: "A B C D",
        says: "The default thresholds are (700, 10, 10)",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"threshold_default": [700, 10, 10]}"#,
            measured: "up to 3.12; (2000, 10, 10) on 3.13.0, (2000, 10, 0) on 3.14.4",
        }),
        so: Some("Up to 3.12 they are; from 3.13 on the first one is 2000."),
        rule: "reproduced: 700, 10, 10",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["threshold_default"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let Thresholds(thresholds) = lab.heap.attach().get_threshold();
        Ok(Figures::new().with("threshold_default", thresholds.to_vec()).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let thresholds = figures.numbers("threshold_default")?;
        Some(Answer::new(Verdict::of(thresholds == [700.0, 10.0, 10.0]), slashed(&thresholds)))
    }
}

/// 7: when generation 0 is due.
pub(super) struct YoungTrigger;

/// The thresholds it is tried at.
const TRIED: [u32; 2] = [700, 1000];

impl Check for YoungTrigger {
    const CLAIM: Claim = Claim {
        key: "7",
        articles: "A B C D",
        says: "Generation 0 is collected after 700 allocations",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: r#"{"700": [700], "1000": [1000], "short_lived_collections": 0}"#,
            measured: "on the 701st (the count must exceed the threshold); what was freed again does not count, as article D \
                       says, nor do lists, dicts and tuples that come from free lists",
        }),
        so: Some(
            "It is collected when allocations less deallocations since the last collection exceed 700; a program that frees what \
             it makes never gets there.",
        ),
        rule: "reproduced: the 700th allocation starts it, freed or not; partly: the 701st does and freed ones do not count; \
               otherwise not",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["gen0_trigger"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let lab = Lab::<H>::new(setup)?;
        let mutator = lab.heap.attach();
        let mut figures = Figures::new();
        for threshold in TRIED {
            mutator.set_threshold(Thresholds([threshold, 10, 10]));
            mutator.collect(Generation::OLD);
            let before = collections(&mutator);
            let mut kept = Vec::new();
            while collections(&mutator) == before && kept.len() < 10 * threshold as usize {
                kept.push(mutator.allocate(lab.node, NODE)?);
            }
            // Counted from 0, as `claims.py` does.
            let at: Vec<usize> = if collections(&mutator) == before { Vec::new() } else { vec![kept.len() - 1] };
            figures = figures.with(&threshold.to_string(), at);
        }
        mutator.collect(Generation::OLD);
        let short_lived = || -> Result<()> {
            for _ in 0..20 * TRIED[0] {
                drop(mutator.allocate(lab.node, NODE)?);
            }
            Ok(())
        };
        let (counts, result) = collections_of(&mutator, short_lived);
        result?;
        Ok(figures.with("short_lived_collections", counts.iter().sum::<u64>()).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let at = |threshold: u32| figures.numbers(&threshold.to_string());
        let (first, second) = (at(TRIED[0])?, at(TRIED[1])?);
        let short_lived = figures.number("short_lived_collections")?;
        let [low, high] = TRIED.map(f64::from);
        let verdict = match (&first[..], &second[..]) {
            (&[one], &[other]) if one + 1.0 == low && other + 1.0 == high && short_lived > 0.0 => Verdict::Reproduced,
            (&[one], &[other]) if one == low && other == high && short_lived == 0.0 => Verdict::Partly,
            _ => Verdict::Not,
        };
        let when = match first[..] {
            [index] => format!("on allocation {}", index + 1.0),
            _ => "never".to_owned(),
        };
        let freed = format!("; {short_lived} collections in 14000 that are freed at once");
        Some(Answer::new(verdict, when + &freed))
    }
}

/// Collections while 400,000 objects are made and dropped in pairs that hold each other.
fn in_short_lived<H: Heap>(setup: &Setup) -> Result<Measured> {
    if !H::ABILITIES.collects_cycles {
        return Ok(NO_COLLECTOR);
    }
    let lab = Lab::<H>::new(setup)?;
    let mutator = lab.heap.attach();
    let kept = interpreter(&mutator, lab.node)?;
    let (counts, result) = collections_of(&mutator, || -> Result<()> {
        for _ in 0..200_000 {
            drop(pair(&mutator, lab.node)?);
        }
        Ok(())
    });
    result?;
    drop(kept);
    Ok(Figures::new().with("collections", counts.to_vec()).into())
}

/// What 3.12.1 did in it.
const SHORT_LIVED: &str = r#"{"collections": [523, 47, 0], "collected": [365562, 33887, 0]}"#;

/// 8: when generation 1 is due.
pub(super) struct MiddleTrigger;

impl Check for MiddleTrigger {
    const CLAIM: Claim = Claim {
        key: "8",
        articles: "A B",
        says: "Generation 1 is collected after 10 collections of generation 0",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Partly,
            recorded: SHORT_LIVED,
            measured: "when the count exceeds 10: 523 collections of generation 0 to 47 of 1, 11.1 to 1; article D says exceeds",
        }),
        so: Some(
            "Eleven collections of generation 0 come before each of generation 1, because the count must exceed 10.",
        ),
        rule: "collections of 0 by those of 1 in 400,000 short-lived objects; reproduced: 9.5 to 10.5; partly: up to 12.5",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["gen1_gen2_ratio"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        in_short_lived::<H>(setup)
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let collections = figures.numbers("collections")?;
        let [young, middle, _] = collections[..] else { return None };
        let ratio = young / middle;
        let verdict = match ratio {
            ratio if (9.5..10.5).contains(&ratio) => Verdict::Reproduced,
            ratio if (10.5..12.5).contains(&ratio) => Verdict::Partly,
            _ => Verdict::Not,
        };
        let to_one = if middle > 0.0 { format!(": {ratio:.1} to 1") } else { String::new() };
        Some(Answer::new(verdict, slashed(&collections) + &to_one))
    }
}

/// 9: when generation 2 is due.
pub(super) struct OldTrigger;

impl Check for OldTrigger {
    const CLAIM: Claim = Claim {
        key: "9",
        articles: "A B",
        says: "Generation 2 is collected after 10 collections of generation 1",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: SHORT_LIVED,
            measured: "no full collection in 400,000 short-lived objects, after 47 of generation 1; one in 100,000 requests over a \
                       million live objects",
        }),
        so: Some(
            "A full collection also waits until what came to the old generation since the last one is a quarter of what was there \
             (article D says so); garbage that dies young never is.",
        ),
        rule: "full collections in 400,000 short-lived objects; reproduced: at least one for every 12 collections of generation 1; \
               partly: fewer; not: none",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["gen1_gen2_ratio"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        in_short_lived::<H>(setup)
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let collections = figures.numbers("collections")?;
        let [_, middle, old] = collections[..] else { return None };
        let verdict = match old {
            0.0 => Verdict::Not,
            old if old >= (middle / 12.0).floor() => Verdict::Reproduced,
            _ => Verdict::Partly,
        };
        Some(Answer::new(verdict, slashed(&collections)))
    }
}

/// 10: a third threshold of 0.
pub(super) struct ThirdThresholdZero;

/// Its two settings, under the names that `claims.py` gives them.
const SETTINGS: [(&str, [u32; 3]); 2] = [("(700, 10, 10)", [700, 10, 10]), ("(700, 10, 0)", [700, 10, 0])];

impl Check for ThirdThresholdZero {
    const CLAIM: Claim = Claim {
        key: "10",
        articles: "B",
        says: "`gc.set_threshold(700, 10, 0)` means that generation 2 is never collected",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"(700, 10, 10)": [519, 47, 4], "(700, 10, 0)": [512, 46, 12]}"#,
            measured: "12 full collections against 4 while a heap grows to 400,000 objects; on a service with a steady heap no \
                       difference (914/83/5 with both)",
        }),
        so: Some("0 means always due, not never: only the rule of the quarter still holds full collections back."),
        rule: "full collections while a heap grows to 400,000 objects; reproduced: none with 0, and some with 10; not: more than with 10; \
               n/a: none with either; otherwise partly",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["gen2_threshold_zero"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let mut figures = Figures::new();
        for (name, thresholds) in SETTINGS {
            let lab = Lab::<H>::new(setup)?;
            let mutator = lab.heap.attach();
            let kept = interpreter(&mutator, lab.node)?;
            mutator.set_threshold(Thresholds(thresholds));
            let grow = || (0..400_000).map(|_| mutator.allocate(lab.node, NODE)).collect::<Result<Vec<_>, _>>();
            let (counts, grown) = collections_of(&mutator, grow);
            drop((grown?, kept));
            figures = figures.with(name, counts.to_vec());
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let of = |(name, _): (&str, [u32; 3])| numbers(figures.get(name)?);
        let (with_ten, with_zero) = (of(SETTINGS[0])?, of(SETTINGS[1])?);
        let verdict = match (*with_ten.get(2)?, *with_zero.get(2)?) {
            (0.0, 0.0) => Verdict::NotApplicable,
            (_, 0.0) => Verdict::Reproduced,
            (ten, zero) if zero > ten => Verdict::Not,
            _ => Verdict::Partly,
        };
        let why = if verdict == Verdict::NotApplicable { "no full collection with any third threshold: " } else { "" };
        Some(Answer::new(verdict, format!("{why}{} with 0, {} with 10", slashed(&with_zero), slashed(&with_ten))))
    }
}
