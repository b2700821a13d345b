//! What the articles recommend against cycles, pauses and memory, as checks.

use anyhow::{Result, bail};
use gc_core::upkeep::ObjectPool;
use gc_core::{Control, Generation, Heap, Kind as TypeKind, Mutator, Shape};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR};
use super::figures::Figures;
use super::lab::{Lab, collections_of, interpreter, median, microseconds, pair};
use super::rules::short;
use super::setup::Setup;
use crate::cell::{Cell, Given};
use crate::measure::measure;
use crate::record::{Record, Status};

/// A run of `web-requests` without a heap beside it, every request cyclic.
fn requests<H: Heap>(setup: &Setup, dials: &[(&str, &str)]) -> Result<Record> {
    let all = [
        ("heap", "none"),
        ("live", "2000"),
        ("cyclic", "1"),
        ("warm-up", "20"),
        ("requests", setup.size("200", "2000", "10000")),
    ];
    let given: Vec<Given> = all.iter().chain(dials).map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let settings = [("free-lists".to_owned(), "cpython-3.12".to_owned())];
    let record = measure(&Cell::new(H::NAME, &settings, "web-requests", &given, 1)?)?.record;
    match record.status {
        Status::Ok => Ok(record),
        _ => bail!(record.error.unwrap_or_else(|| "the requests did not run to their end".to_owned())),
    }
}

/// What is left to the collector: objects it freed, and what was dead and there at peak.
fn without_cycles<H: Heap>(setup: &Setup, remedy: &str) -> Result<Measured> {
    let mut figures = Figures::new();
    for (name, back_pointers) in [("strong", "strong"), ("remedy", remedy)] {
        let record = requests::<H>(setup, &[("back-pointers", back_pointers)])?;
        let floating = record.floating.and_then(|floating| floating.peak_objects);
        figures = figures
            .with(&format!("{name}_collected"), record.freed_by_collector)
            .with(&format!("{name}_floating"), floating);
    }
    Ok(figures.into())
}

fn judge_without_cycles(figures: &Figures) -> Option<Answer> {
    let (before, after) = (figures.number("strong_floating")?, figures.number("remedy_floating")?);
    let collected = figures.number("remedy_collected")?;
    // A heap that bounds what one operation frees may be behind by a request's objects.
    let verdict = match after {
        0.0 if collected == 0.0 => Verdict::Reproduced,
        after if after < before / 2.0 => Verdict::Partly,
        _ => Verdict::Not,
    };
    let text = format!("{collected} left to the collector, at most {after} dead at a time; without it {before}");
    Some(Answer::new(verdict, text))
}

const CYCLES_RULE: &str = "every request cyclic; reproduced: all die by count and nothing dead is ever there at a request's end; partly: \
                           less than half of what is without the remedy";

/// R1: weak back-pointers.
pub(super) struct WeakBackPointers;

impl Check for WeakBackPointers {
    const CLAIM: Claim = Claim {
        key: "R1",
        articles: "B",
        says: "Weak back-pointers leave nothing to the collector",
        kind: Kind::Algorithm,
        cpython: None,
        so: None,
        rule: CYCLES_RULE,
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        without_cycles::<H>(setup, "weak")
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        judge_without_cycles(figures)
    }
}

/// R2: breaking cycles by hand.
pub(super) struct Breaking;

impl Check for Breaking {
    const CLAIM: Claim = Claim {
        key: "R2",
        articles: "B C",
        says: "Breaking cycles by hand leaves nothing to the collector",
        kind: Kind::Algorithm,
        cpython: None,
        so: None,
        rule: CYCLES_RULE,
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        without_cycles::<H>(setup, "cleared")
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        judge_without_cycles(figures)
    }
}

/// R3: explicit cleanup.
pub(super) struct ExplicitCleanup;

impl Check for ExplicitCleanup {
    const CLAIM: Claim = Claim {
        key: "R3",
        articles: "A D",
        says: "Release resources explicitly: a finalizer on a cycle releases them only when the collector comes",
        kind: Kind::Algorithm,
        cpython: None,
        so: None,
        rule: "resources held at most, every request cyclic; reproduced: 1 when released explicitly, more by finalizers; not: no more by \
               finalizers; otherwise partly",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let mut figures = Figures::new();
        for cleanup in ["explicit", "finalizer"] {
            let record = requests::<H>(setup, &[("cleanup", cleanup)])?;
            figures = figures.with(&format!("{cleanup}_held"), record.extra.get("resources_held_peak").copied());
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (explicit, finalizer) = (figures.number("explicit_held")?, figures.number("finalizer_held")?);
        let verdict = match finalizer > explicit {
            true if explicit <= 1.0 => Verdict::Reproduced,
            true => Verdict::Partly,
            false => Verdict::Not,
        };
        Some(Answer::new(verdict, format!("{explicit} held at most when explicit, {finalizer} by finalizers")))
    }
}

/// R4: lazy results.
pub(super) struct Lazy;

impl Check for Lazy {
    const CLAIM: Claim = Claim {
        key: "R4",
        articles: "B",
        says: "Read results lazily: a list of all rows takes memory for all of them",
        kind: Kind::Performance,
        cpython: None,
        so: None,
        rule: "the heap's peak with 20,000 rows a request; reproduced: at most half when lazy; not: at least 95 %; otherwise partly",
        analogue: Some("rows made one by one, or all in a list"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let mut figures = Figures::new();
        for materialise in ["whole", "lazy"] {
            let few = setup.size("5", "20", "50");
            let dials = [("materialise", materialise), ("results", "20000"), ("requests", few), ("cyclic", "0")];
            let record = requests::<H>(setup, &dials)?;
            let peak = record.heap_peak_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
            figures = figures.with(&format!("{materialise}_peak_mib"), peak);
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (whole, lazy) = (figures.number("whole_peak_mib")?, figures.number("lazy_peak_mib")?);
        let verdict = match lazy / whole {
            ratio if ratio <= 0.5 => Verdict::Reproduced,
            ratio if ratio >= 0.95 => Verdict::Not,
            _ => Verdict::Partly,
        };
        Some(Answer::new(verdict, format!("{} MiB lazy, {} MiB whole", short(lazy), short(whole))))
    }
}

/// R5: slots.
pub(super) struct SlotsForTheCollector;

impl Check for SlotsForTheCollector {
    const CLAIM: Claim = Claim {
        key: "R5",
        articles: "B",
        says: "Slots leave the collector less to examine",
        kind: Kind::Algorithm,
        cpython: None,
        so: None,
        rule: "objects that a full collection examines an instance; reproduced: fewer with slots; not: as many",
        analogue: Some("an object of two slots beside one that holds a dict of two, as a materialised `__dict__` is"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let instances: u32 = setup.size(1_000, 100_000, 1_000_000);
        let mut figures = Figures::new();
        for (name, slotted) in [("slots", true), ("dict", false)] {
            let lab = Lab::<H>::new(setup)?;
            let dict = lab.plain("dict", TypeKind::Dict)?;
            let mutator = lab.heap.attach();
            mutator.disable();
            let mut kept = Vec::with_capacity(instances as usize);
            for _ in 0..instances {
                let object = mutator.allocate(lab.node, Shape::new(2, 0))?;
                if !slotted {
                    object.put(0, Some(mutator.allocate(dict, Shape::new(2, 32))?));
                }
                kept.push(object);
            }
            mutator.collect(Generation::OLD);
            let before = mutator.get_stats()[2].examined;
            let (us, _) = microseconds(|| mutator.collect(Generation::OLD));
            let examined = mutator.get_stats()[2].examined - before;
            figures = figures
                .with(&format!("{name}_examined"), examined as f64 / f64::from(instances))
                .with(&format!("{name}_ms"), us / 1e3);
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (slots, dict) = (figures.number("slots_examined")?, figures.number("dict_examined")?);
        let times = (figures.number("slots_ms")?, figures.number("dict_ms")?);
        let text = format!(
            "{} and {} examined an instance, {} and {} ms",
            short(slots),
            short(dict),
            short(times.0),
            short(times.1)
        );
        Some(Answer::new(Verdict::of(slots < dict), text))
    }
}

/// R6: pools of what would be cyclic garbage.
pub(super) struct PoolOfCyclic;

impl Check for PoolOfCyclic {
    const CLAIM: Claim = Claim {
        key: "R6",
        articles: "B",
        says: "A pool spares the collector objects that would die on cycles",
        kind: Kind::Algorithm,
        cpython: None,
        so: None,
        rule: "collections while 20,000 pairs that hold each other are used one after the other; reproduced: fewer when they are used \
               again; not: as many",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        const USES: usize = 20_000;
        let mut figures = Figures::new();
        for pooled in [true, false] {
            let lab = Lab::<H>::new(setup)?;
            let mutator = lab.heap.attach();
            let held = interpreter(&mutator, lab.node)?;
            let pool = ObjectPool::new(lab.node, Shape::new(2, 8), 2);
            let (counts, result) = collections_of(&mutator, || -> Result<()> {
                for _ in 0..USES {
                    if !pooled {
                        drop(pair(&mutator, lab.node)?);
                        continue;
                    }
                    let (one, other) = (pool.acquire(&mutator)?, pool.acquire(&mutator)?);
                    one.store(0, Some(&other));
                    other.store(0, Some(&one));
                    // A pool takes back only what nobody else holds.
                    one.store(0, None);
                    other.store(0, None);
                    for object in [one, other] {
                        let _ = pool.release(object);
                    }
                }
                Ok(())
            });
            result?;
            drop(held);
            let name = if pooled { "pool" } else { "fresh" };
            figures = figures.with(name, counts.iter().sum::<u64>());
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (pool, fresh) = (figures.number("pool")?, figures.number("fresh")?);
        Some(Answer::new(Verdict::of(pool < fresh), format!("{pool} collections with a pool, {fresh} without")))
    }
}

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
               and at most 16 MiB more; partly: one of the two",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(Measured::NotApplicable("the heap collects no cycles: there is nothing to switch off"));
        }
        let objects = setup.size(5_000, 200_000, 200_000);
        let mut times = [const { Vec::new() }; 2];
        let mut peaks = [0.0; 2];
        for _ in 0..setup.repetitions() {
            for (place, on) in [true, false].into_iter().enumerate() {
                let lab = Lab::<H>::new(setup)?;
                let mutator = lab.heap.attach();
                let held = interpreter(&mutator, lab.node)?;
                if !on {
                    mutator.disable();
                }
                let mut kept = Vec::new();
                let (us, result) = microseconds(|| -> Result<()> {
                    for n in 0..objects / 2 {
                        if n % 10 == 0 {
                            drop(pair(&mutator, lab.node)?);
                        } else {
                            kept.push([
                                mutator.allocate(lab.node, Shape::new(2, 8))?,
                                mutator.allocate(lab.node, Shape::new(2, 8))?,
                            ]);
                        }
                    }
                    Ok(())
                });
                result?;
                times[place].push(us / 1e3);
                peaks[place] = lab.heap.statistics().peak_bytes as f64 / f64::from(1 << 20);
                drop((kept, held));
            }
        }
        let [on, off] = times.map(median);
        Ok(Figures::new()
            .with("on_ms", on)
            .with("off_ms", off)
            .with("on_peak_mib", peaks[0])
            .with("off_peak_mib", peaks[1])
            .into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (on, off) = (figures.number("on_ms")?, figures.number("off_ms")?);
        let (on_peak, off_peak) = (figures.number("on_peak_mib")?, figures.number("off_peak_mib")?);
        let text = format!(
            "off {} ms and {} MiB, on {} ms and {} MiB",
            short(off),
            short(off_peak),
            short(on),
            short(on_peak)
        );
        Some(Answer::new(Verdict::of_halves(off <= 1.05 * on, off_peak <= on_peak + 16.0), text))
    }
}
