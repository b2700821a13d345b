//! The remedy for short scripts: to do without the collector. A long one beside it is the case against.

use std::collections::VecDeque;

use anyhow::Result;
use gc_core::{Control, Heap, Mutator};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured};
use super::figures::Figures;
use super::lab::{Lab, NODE, interpreter, median, microseconds, pair};
use super::rules::short;
use super::setup::Setup;

/// R7: short scripts.
pub(super) struct ShortScripts;

impl Check for ShortScripts {
    const CLAIM: Claim = Claim {
        key: "R7",
        articles: "A B",
        says: "A short script can do without the collector",
        kind: Kind::Performance,
        cpython: None,
        so: None,
        rule: "200,000 objects of which a tenth die on cycles, until the script ends; reproduced: off it takes no longer (up to 5 % more) \
               and at most a quarter more memory at peak, and one that makes ten times as many and keeps as many takes more than a \
               quarter more: it is by being short; partly: one of the first two, or both whatever its length",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(Measured::NotApplicable("the heap collects no cycles: there is nothing to switch off"));
        }
        let objects = setup.size(5_000, 200_000, 200_000);
        let mut times = [const { Vec::new() }; 2];
        let mut figures = Figures::new();
        let ways = [("on", 0), ("off", 1)];
        for _ in 0..setup.repetitions() {
            for (name, place) in ways {
                let (ms, peak_mib) = script::<H>(setup, name == "on", objects, objects)?;
                times[place].push(ms);
                figures = figures.with(&format!("{name}_peak_mib"), peak_mib);
            }
        }
        for (name, _) in ways {
            let (_, peak_mib) = script::<H>(setup, name == "on", LONGER * objects, objects)?;
            figures = figures.with(&format!("long_{name}_peak_mib"), peak_mib);
        }
        let [on, off] = times.map(median);
        Ok(figures.with("on_ms", on).with("off_ms", off).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (on, off) = (figures.number("on_ms")?, figures.number("off_ms")?);
        let (on_peak, off_peak) = (figures.number("on_peak_mib")?, figures.number("off_peak_mib")?);
        let (long_on, long_off) = (figures.number("long_on_peak_mib")?, figures.number("long_off_peak_mib")?);
        let text = format!(
            "off {} ms and {} MiB, on {} ms and {} MiB; ten times as long off {} MiB, on {} MiB",
            short(off),
            short(off_peak),
            short(on),
            short(on_peak),
            short(long_off),
            short(long_on)
        );
        let is_little_more = |off: f64, on: f64| off <= 1.25 * on;
        let verdict = match Verdict::of_halves(off <= 1.05 * on, is_little_more(off_peak, on_peak)) {
            Verdict::Reproduced if is_little_more(long_off, long_on) => Verdict::Partly,
            verdict => verdict,
        };
        Some(Answer::new(verdict, text))
    }
}

/// How many times as many objects the long script makes.
const LONGER: usize = 10;

/// Milliseconds of a script of so many objects of which a tenth die on cycles, and the heap's peak in MiB. What it keeps beyond a
/// limit it lets go of, the first first.
fn script<H: Heap>(setup: &Setup, on: bool, objects: usize, limit: usize) -> Result<(f64, f64)> {
    let lab = Lab::<H>::new(setup)?;
    let mutator = lab.heap.attach();
    let held = interpreter(&mutator, lab.node)?;
    if !on {
        mutator.disable();
    }
    let mut kept = VecDeque::new();
    let (us, result) = microseconds(|| -> Result<()> {
        for n in 0..objects / 2 {
            if n % 10 == 0 {
                drop(pair(&mutator, lab.node)?);
            } else {
                kept.push_back([mutator.allocate(lab.node, NODE)?, mutator.allocate(lab.node, NODE)?]);
            }
            if kept.len() > limit / 2 {
                kept.pop_front();
            }
            // The end of a loop's body is a check.
            mutator.safepoint();
        }
        Ok(())
    });
    result?;
    let peak_mib = lab.heap.statistics().peak_bytes as f64 / f64::from(1 << 20);
    drop((kept, held));
    Ok((us / 1e3, peak_mib))
}
