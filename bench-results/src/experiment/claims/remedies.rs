//! What the articles recommend against cycles, pauses and memory, as checks.

use anyhow::{Result, bail};
use gc_core::{Control, Generation, Heap, Kind as TypeKind, Mutator, Shape};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR};
use super::figures::Figures;
use super::lab::{Lab, collections_of, interpreter, microseconds, pair};
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
        rule: "20,000 rows a request; reproduced: at most half of the heap's peak when lazy, and no more time a request (up to 5 %); \
               partly: one of the two",
        analogue: Some("rows made one by one, or all in a list"),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        let mut figures = Figures::new();
        for materialise in ["whole", "lazy"] {
            let few = setup.size("5", "20", "50");
            let dials = [("materialise", materialise), ("results", "20000"), ("requests", few), ("cyclic", "0")];
            let record = requests::<H>(setup, &dials)?;
            let peak = record.heap_peak_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
            let mean = record.service_ns.and_then(|service| service.mean).map(|ns| ns as f64 / 1e3);
            figures = figures.with(&format!("{materialise}_peak_mib"), peak).with(&format!("{materialise}_us"), mean);
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (whole, lazy) = (figures.number("whole_peak_mib")?, figures.number("lazy_peak_mib")?);
        let (whole_us, lazy_us) = (figures.number("whole_us")?, figures.number("lazy_us")?);
        let text = format!(
            "{} MiB and {} us a request when lazy, {} MiB and {} us whole",
            short(lazy),
            short(lazy_us),
            short(whole),
            short(whole_us)
        );
        Some(Answer::new(Verdict::of_halves(lazy <= 0.5 * whole, lazy_us <= 1.05 * whole_us), text))
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
        rule: "objects that a full collection examines an instance; reproduced: fewer with slots than with any `__dict__`; partly: fewer \
               than with a materialised one only; not: as many",
        analogue: Some(
            "an object of two slots; one that holds a dict of two, as a materialised `__dict__` is (always up to 3.10); one with its \
             two values inside, as from 3.11 on until somebody asks for `__dict__`",
        ),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let instances: u32 = setup.size(1_000, 100_000, 1_000_000);
        let mut figures = Figures::new();
        for (name, payload, materialised) in [("slots", 0, false), ("dict", 0, true), ("lazy", 32, false)] {
            let lab = Lab::<H>::new(setup)?;
            let dict = lab.plain("dict", TypeKind::Dict)?;
            let mutator = lab.heap.attach();
            mutator.disable();
            let mut kept = Vec::with_capacity(instances as usize);
            for _ in 0..instances {
                let object = mutator.allocate(lab.node, Shape::new(2, payload))?;
                if materialised {
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
        let examined = |name: &str| figures.number(&format!("{name}_examined"));
        let (slots, dict, lazy) = (examined("slots")?, examined("dict")?, examined("lazy")?);
        let ms = |name: &str| Some(short(figures.number(&format!("{name}_ms"))?));
        let text = format!(
            "examined an instance: {} with slots, {} with a materialised dict, {} with a lazy one; {}, {} and {} ms",
            short(slots),
            short(dict),
            short(lazy),
            ms("slots")?,
            ms("dict")?,
            ms("lazy")?
        );
        Some(Answer::new(Verdict::of_halves(slots < dict, slots < lazy), text))
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
        rule: "collections while 20,000 pairs that hold each other are used one after the other, in four ways: from a pool or made \
               anew, broken by hand or not; reproduced: fewer with a pool, and fewer than breaking by hand leaves without one; partly: \
               fewer, but breaking does as much; not: as many",
        analogue: Some(
            "a pool that takes back what it is given as it is; `ObjectPool` refuses what is still referred to",
        ),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        const USES: usize = 20_000;
        let mut figures = Figures::new();
        for (name, pooled, broken) in
            [("pool", true, false), ("pool_broken", true, true), ("fresh", false, false), ("fresh_broken", false, true)]
        {
            let lab = Lab::<H>::new(setup)?;
            let mutator = lab.heap.attach();
            let held = interpreter(&mutator, lab.node)?;
            let mut pool = None;
            let (counts, result) = collections_of(&mutator, || -> Result<()> {
                for _ in 0..USES {
                    let [one, other] = match pool.take() {
                        Some(nodes) => nodes,
                        None => pair(&mutator, lab.node)?,
                    };
                    one.store(0, Some(&other));
                    other.store(0, Some(&one));
                    if broken {
                        one.store(0, None);
                        other.store(0, None);
                    }
                    pool = pooled.then_some([one, other]);
                }
                Ok(())
            });
            result?;
            drop((pool, held));
            figures = figures.with(name, counts.iter().sum::<u64>());
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (pool, pool_broken) = (figures.number("pool")?, figures.number("pool_broken")?);
        let (fresh, fresh_broken) = (figures.number("fresh")?, figures.number("fresh_broken")?);
        let text =
            format!("{pool} collections with a pool, {fresh} without; broken by hand {pool_broken} and {fresh_broken}");
        let verdict = match pool < fresh {
            true => Verdict::of_halves(true, pool < fresh_broken),
            false => Verdict::Not,
        };
        Some(Answer::new(verdict, text))
    }
}
