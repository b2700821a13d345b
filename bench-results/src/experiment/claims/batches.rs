//! Claims on speed: batches made with the collector off, pools, and what old objects cost.

use anyhow::Result;
use gc_core::{Control, Generation, Heap, Kind as TypeKind, Mutator, Shape};

use super::answer::{Answer, Verdict};
use super::claim::{Check, Claim, Kind, Measured, NO_COLLECTOR, OnCPython};
use super::figures::Figures;
use super::lab::{Lab, NODE, collections_of, interpreter, median, microseconds};
use super::rules::short;
use super::setup::Setup;

/// Milliseconds to make a batch of dicts that hold a list each, and to collect afterwards: medians.
fn batches<H: Heap>(setup: &Setup) -> Result<Measured> {
    if !H::ABILITIES.collects_cycles {
        return Ok(Measured::NotApplicable("the heap collects no cycles: there is nothing to switch off"));
    }
    let count = setup.size(2_000, 100_000, 1_000_000);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..setup.repetitions() {
        for on in [true, false] {
            let lab = Lab::<H>::new(setup)?;
            let (dict, list) = (lab.plain("dict", TypeKind::Dict)?, lab.plain("list", TypeKind::List)?);
            let mutator = lab.heap.attach();
            let held = interpreter(&mutator, lab.node)?;
            if !on {
                mutator.disable();
            }
            let mut kept = Vec::with_capacity(count);
            let (us, made) = microseconds(|| -> Result<()> {
                for _ in 0..count {
                    let object = mutator.allocate(dict, Shape::new(1, 48))?;
                    object.put(0, Some(mutator.allocate(list, Shape::new(0, 80))?));
                    kept.push(object);
                    // The end of a loop's body is a check.
                    mutator.safepoint();
                }
                Ok(())
            });
            made?;
            times[usize::from(!on)].push(us / 1e3);
            if !on {
                times[2].push(microseconds(|| mutator.collect(Generation::OLD)).0 / 1e3);
            }
            // All at once, not counted.
            drop((kept, held));
        }
    }
    let [on, off, collect] = times.map(median);
    Ok(Figures::new()
        .with("objects", 2 * count)
        .with("on_ms", on)
        .with("off_ms", off)
        .with("final_collect_ms", collect)
        .into())
}

/// What 3.12.1 did with 100,000.
const BATCHES: &str = r#"{"objects": 200000, "on_ms": 54.3, "off_ms": 25.5, "final_collect_ms": 13.9}"#;

/// Faster, as fast, or slower: by more than a tenth, or not.
fn by_ratio(ratio: f64) -> Verdict {
    match ratio {
        ratio if ratio >= 1.1 => Verdict::Reproduced,
        ratio if ratio < 1.0 / 1.1 => Verdict::Not,
        _ => Verdict::Partly,
    }
}

/// 16: the loop alone.
pub(super) struct OffIsFaster;

impl Check for OffIsFaster {
    const CLAIM: Claim = Claim {
        key: "16",
        articles: "B C",
        says: "To make many objects is faster with the collector off",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: BATCHES,
            measured: "at 100,000 and 1,000,000 dicts: 2.1 and 4.6 times on 3.12, 1.4 and 3.7 on 3.13, 1.35 and 1.9 on 3.14; the \
                       loop only",
        }),
        so: None,
        rule: "time with the collector on by that with it off, medians; reproduced: 1.1 or more; not: less than 1/1.1; otherwise partly",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        batches::<H>(setup)
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let ratio = figures.number("on_ms")? / figures.number("off_ms")?;
        Some(Answer::new(by_ratio(ratio), format!("{ratio:.2} times, {} objects", figures.number("objects")?)))
    }
}

/// 17: with the collection that was put off.
pub(super) struct OffThenCollect;

impl Check for OffThenCollect {
    const CLAIM: Claim = Claim {
        key: "17",
        articles: "B C",
        says: "It is still faster when a collection follows",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Partly),
            on_3_12: Verdict::Reproduced,
            recorded: BATCHES,
            measured: "at 100,000 and 1,000,000 dicts: 1.38 and 2.44 times on 3.12, 0.92 and 1.96 on 3.13, 0.85 and 1.00 on 3.14",
        }),
        so: Some(
            "On 3.12 it is; where fewer collections run by themselves the one that follows costs as much as it saves.",
        ),
        rule: "time with the collector on by that with it off and the collection; reproduced: 1.1 or more; not: less than 1/1.1; \
               otherwise partly",
        analogue: None,
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        batches::<H>(setup)
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let ratio = figures.number("on_ms")? / (figures.number("off_ms")? + figures.number("final_collect_ms")?);
        Some(Answer::new(by_ratio(ratio), format!("{ratio:.2} times, {} objects", figures.number("objects")?)))
    }
}

/// 18: pools.
pub(super) struct Pools;

impl Check for Pools {
    const CLAIM: Claim = Claim {
        key: "18",
        articles: "B",
        says: "An object pool reduces the work of the collector",
        kind: Kind::Algorithm,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Not),
            on_3_12: Verdict::Not,
            recorded: r#"{"collections_pool": 0, "collections_fresh": 0, "created_pool": 1, "created_fresh": 1000, "fresh_over_pool": 23.33}"#,
            measured: "no collection with it and none without, as the objects die by count; it saves time (7 to 23 times, all of it \
                       filling a list of 10,000; with 10 elements 0.7 times on 3.8, 1.7 on 3.12); of \"about 10 created\" 1 is",
        }),
        so: Some(
            "Objects that are used and dropped die by count and never concern the collector, so a pool saves their making only.",
        ),
        rule: "collections while 1,000 objects are used one after the other; reproduced: fewer with a pool; not: as many",
        analogue: Some(
            "an object with 10,000 words that are written when it is made, as `[0] * 10000` does; the article's pool takes it back as \
             it is, where `ObjectPool` would clear it",
        ),
    };

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        const USES: u64 = 1_000;
        let shape = Shape::new(1, 80_000);
        let zeros = vec![0; shape.payload as usize];
        let mut figures = Figures::new();
        let mut times = Vec::new();
        for pooled in [true, false] {
            let lab = Lab::<H>::new(setup)?;
            let mutator = lab.heap.attach();
            let held = interpreter(&mutator, lab.node)?;
            let mut pool = Vec::new();
            let before = lab.heap.statistics().allocated;
            let use_all = || -> Result<()> {
                for number in 0..USES {
                    let object = match pool.pop() {
                        Some(object) => object,
                        None => {
                            let object = mutator.allocate(lab.node, shape)?;
                            mutator.write_payload(&object, 0, &zeros);
                            object
                        }
                    };
                    mutator.write_word(&object, 0, number);
                    if pooled {
                        pool.push(object);
                    }
                    mutator.safepoint();
                }
                Ok(())
            };
            let (us, (counts, result)) = microseconds(|| collections_of(&mutator, use_all));
            result?;
            times.push(us);
            let name = if pooled { "pool" } else { "fresh" };
            figures = figures
                .with(&format!("collections_{name}"), counts.iter().sum::<u64>())
                .with(&format!("created_{name}"), lab.heap.statistics().allocated - before);
            drop(held);
        }
        Ok(figures.with("fresh_over_pool", times[1] / times[0]).into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (pool, fresh) = (figures.number("collections_pool")?, figures.number("collections_fresh")?);
        let text = format!(
            "{pool} collections with it, {fresh} without; {} and {} created; without it {} times the time",
            figures.number("created_pool")?,
            figures.number("created_fresh")?,
            short(figures.number("fresh_over_pool")?)
        );
        Some(Answer::new(Verdict::of(pool < fresh), text))
    }
}

/// 31: what old objects cost a young collection.
pub(super) struct YoungOnly;

impl Check for YoungOnly {
    const CLAIM: Claim = Claim {
        key: "31",
        articles: "A B C D",
        says: "Young collections do not pay for old objects",
        kind: Kind::Performance,
        cpython: Some(OnCPython {
            overall: Some(Verdict::Reproduced),
            on_3_12: Verdict::Reproduced,
            recorded: r#"{"10000": 6450, "1000000": 5969}"#,
            measured: "a collection of 700 objects takes 6.5 us beside 10,000 old ones and 6.0 us beside 1,000,000; 3.14t, which has \
                       no generations, takes 0.5 and 11 ms",
        }),
        so: None,
        rule: "median time of a young collection of 700 objects beside 10,000 old ones and a hundred times as many; reproduced: at \
               most twice as long; not: ten times or more; otherwise partly",
        analogue: None,
    };
    const PYTHON: &'static [&'static str] = &["young_scan_reads_only_young"];

    fn measure<H: Heap>(setup: &Setup) -> Result<Measured> {
        if !H::ABILITIES.collects_cycles {
            return Ok(NO_COLLECTOR);
        }
        let mut figures = Figures::new();
        for (name, old) in
            [("10000", setup.size(1_000, 10_000, 10_000)), ("1000000", setup.size(20_000, 1_000_000, 1_000_000))]
        {
            let lab = Lab::<H>::new(setup)?;
            let mutator = lab.heap.attach();
            mutator.disable();
            let make = |count| (0..count).map(|_| mutator.allocate(lab.node, NODE)).collect::<Result<Vec<_>, _>>();
            let kept = make(old)?;
            mutator.collect(Generation::OLD);
            let mut times = Vec::new();
            for _ in 0..3 * setup.repetitions() {
                let young = make(700)?;
                times.push(microseconds(|| mutator.collect(Generation::YOUNG)).0);
                drop(young);
            }
            let examined = mutator.get_stats()[0].examined;
            let each = examined / (3 * setup.repetitions() as u64);
            figures = figures.with(name, 1e3 * median(times)).with(&format!("examined_{name}"), each);
            drop(kept);
        }
        Ok(figures.into())
    }

    fn judge(figures: &Figures) -> Option<Answer> {
        let (few, many) = (figures.number("10000")?, figures.number("1000000")?);
        let verdict = match many / few {
            ratio if ratio <= 2.0 => Verdict::Reproduced,
            ratio if ratio >= 10.0 => Verdict::Not,
            _ => Verdict::Partly,
        };
        Some(Answer::new(
            verdict,
            format!("{} us beside few, {} us beside a hundred times as many", short(few / 1e3), short(many / 1e3)),
        ))
    }
}
