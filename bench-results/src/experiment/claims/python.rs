//! What `claims.py` says, as the figures that rules ask for.
//!
//! Most checks there have figures of these names already. Services, batches and forks are whole programs, whose figures are
//! put together here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::checks::python_names;
use super::figures::Figures;
use super::serving::ratio;

/// Checks that take many seconds, or run other programs.
const STEERING: &str = "service_steering";
const FORKS: &str = "fork_copies_pages";
const BATCHES: &str = "batch_creation";
const POOLS: &str = "object_pool";

/// In records of older runs, one check of all thresholds.
const ALL_THRESHOLDS: &str = "threshold_settings";

/// The thresholds that a claim holds against the default, and the check that does.
fn thresholds_of(key: &str) -> Option<(&'static str, &'static str)> {
    match key {
        "11" => Some(("1000,15,15", "threshold_1000_15_15")),
        "12" => Some(("400,5,5", "threshold_400_5_5")),
        "13" => Some(("50000,500,100", "threshold_50000_500_100")),
        "14" => Some(("100,5,5", "threshold_100_5_5")),
        _ => None,
    }
}

/// The slow check of a claim; `None` if its checks are quick.
fn slow(key: &str) -> Option<&'static str> {
    match key {
        "38" | "39" | "40" => Some(STEERING),
        "35" | "36" | "37" => Some(FORKS),
        "16" | "17" => Some(BATCHES),
        "18" => Some(POOLS),
        key => thresholds_of(key).map(|(_, check)| check),
    }
}

/// What a check of `claims.py` is to be asked for a claim; none if no check is one of this claim.
pub(super) fn asked(key: &str) -> Vec<&'static str> {
    match key {
        key if slow(key).is_some() => slow(key).into_iter().collect(),
        "R1" => vec!["remedy_weak_back_pointers"],
        "R2" => vec!["remedy_explicit_breaking"],
        "R3" => vec!["remedy_explicit_cleanup"],
        key => python_names(key).to_vec(),
    }
}

/// Whether that takes many seconds.
pub(super) fn is_slow(key: &str) -> bool {
    slow(key).is_some()
}

/// What it said, as figures for the claim's rule; `None` if something is missing.
pub(super) fn figures(key: &str, told: &BTreeMap<String, Value>) -> Option<Figures> {
    let of = |check: &str| told.get(check);
    let steering = |way: &str| service(of(STEERING)?, &format!("--threshold 700,10,10 --steering {way}"));
    let against = |default: Option<Service>, other: Option<Service>| {
        let (default, other) = (default?, other?);
        Some(other.pair_with(&default, other.enter(default.enter(Figures::new(), "default"), "other")))
    };
    match key {
        "11" | "12" | "13" | "14" => {
            let (values, check) = thresholds_of(key)?;
            let told = of(check).or(of(ALL_THRESHOLDS))?;
            let thresholds = |values: &str| service(told, &format!("--threshold {values}"));
            against(thresholds("700,10,10"), thresholds(values))
        }
        "38" => against(steering("automatic"), steering("off")),
        "39" => against(steering("automatic"), steering("scheduler:2000")),
        "40" => {
            let ways = [("default", "automatic"), ("full", "full-every:1000"), ("young", "young-every:25")];
            ways.into_iter().try_fold(Figures::new(), |figures, (name, way)| Some(steering(way)?.enter(figures, name)))
        }
        "16" | "17" => {
            let batch = of(BATCHES)?;
            let ms = |name: &str| Some(number(batch, name)? / 1e6);
            let (on, off) = (ms("on_create_ns")?, ms("off_create_ns")?);
            let figures = Figures::new().with("objects", 200_000).with("on_ms", on).with("off_ms", off);
            Some(figures.with("final_collect_ms", ms("off_collect_ns")?))
        }
        "18" => {
            let pool = of(POOLS)?;
            let collections = |name: &str| Some(numbers(pool.get(name)?)?.iter().sum::<f64>());
            Some(
                Figures::new()
                    .with("collections_pool", collections("pool_collections")?)
                    .with("collections_fresh", collections("fresh_collections")?)
                    .with("created_pool", number(pool, "pool_made")?)
                    .with("created_fresh", number(pool, "fresh_made")?)
                    .with("fresh_over_pool", number(pool, "fresh_to_pool")?),
            )
        }
        "35" | "36" | "37" => forked(of(FORKS)?),
        "R1" => remedy(of("remedy_weak_back_pointers")?, "strong", "weak"),
        "R2" => remedy(of("remedy_explicit_breaking")?, "kept", "broken"),
        "R3" => {
            let held = |name: &str| number(of("remedy_explicit_cleanup")?.get(name)?, "held_most");
            Some(Figures::new().with("explicit_held", held("explicit")?).with("finalizer_held", held("finalizer")?))
        }
        key => Figures::of_python(told, python_names(key)),
    }
}

/// What a run of `web.py` said.
struct Service(Value);

fn service(all: &Value, name: &str) -> Option<Service> {
    all.get(name).cloned().map(Service)
}

impl Service {
    fn enter(&self, figures: Figures, name: &str) -> Figures {
        let all = [
            ("gc_ms", "gc_ns", 1e6),
            ("p99_us", "service_p99_ns", 1e3),
            ("max_us", "service_max_ns", 1e3),
            ("open_p99_us", "response_p99_ns", 1e3),
            ("peak_mib", "peak_rss_bytes", f64::from(1 << 20)),
            ("young_pause_us", "pause_generation_0_p50_ns", 1e3),
            // Of older runs.
            ("gc_ms_spread", "gc_ns_spread", 1e6),
            ("peak_mib_spread", "peak_rss_bytes_spread", f64::from(1 << 20)),
        ];
        let collections = self.0.get("collections").cloned().unwrap_or(Value::Null);
        all.into_iter().fold(
            figures.with(&format!("{name}_collections"), collections),
            |figures, (ours, theirs, unit)| match number(&self.0, theirs) {
                Some(value) => figures.with(&format!("{name}_{ours}"), value / unit),
                None => figures,
            },
        )
    }
}

impl Service {
    /// With the ratios of runs that stand beside each other, where both tell of each run.
    fn pair_with(&self, default: &Self, figures: Figures) -> Figures {
        let runs = |of: &Self, name: &str| numbers(of.0.get(name)?);
        let ratios = |name: &str| -> Option<Vec<f64>> {
            let (default, other) = (runs(default, name)?, runs(self, name)?);
            default.into_iter().zip(other).map(ratio).collect()
        };
        [("gc_ms", "gc_ns_runs"), ("peak_mib", "peak_rss_bytes_runs")].into_iter().fold(
            figures,
            |figures, (ours, theirs)| match ratios(theirs) {
                Some(ratios) => figures.with(&format!("{ours}_ratios"), ratios),
                None => figures,
            },
        )
    }
}

/// What children of `fork.py` dirtied, in MiB, the control's share subtracted by nobody.
fn forked(all: &Value) -> Option<Figures> {
    let mib = |way: &str, name: &str| {
        let figure = all.get(way)?.get(name)?;
        let bytes = figure.as_f64().or_else(|| numbers(figure)?.first().copied())?;
        Some((bytes / f64::from(1 << 20) * 10.0).round() / 10.0)
    };
    Some(
        Figures::new()
            .with("heap_mib", mib("none", "parent_rss_bytes")?)
            .with("collected_mib", mib("none", "dirty_by_collect_bytes")?)
            .with("frozen_mib", mib("collect+freeze", "dirty_by_collect_bytes")?)
            .with("read_mib", mib("off, 1 % read at random", "dirty_by_requests_bytes")?),
    )
}

/// What was dead and still there at a time, as on heaps; what collections found is what was left to them. Unknown where the program
/// could not tell, as it could not in older runs.
fn remedy(all: &Value, without: &str, with: &str) -> Option<Figures> {
    let outstanding = |name: &str| number(all.get(name)?, "outstanding_most_objects");
    let found = |name: &str| {
        let cost = all.get(name)?;
        Some(number(cost, "collected_objects")? + number(cost, "left_objects")?)
    };
    Some(
        Figures::new()
            .with("strong_floating", outstanding(without)?)
            .with("remedy_floating", outstanding(with)?)
            .with("remedy_collected", found(with)?),
    )
}

fn number(value: &Value, name: &str) -> Option<f64> {
    value.get(name)?.as_f64()
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    super::figures::numbers(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::claim::Measured;
    use super::super::{Verdict, answer};
    use super::*;

    fn verdict(key: &str, told: Value) -> Option<Verdict> {
        let told = serde_json::from_value(told).unwrap();
        Some(answer(key, &Measured::Figures(figures(key, &told)?))?.verdict)
    }

    #[test]
    fn programs_figures_are_judged_by_the_same_rules() {
        let service = |collections: [u32; 3], gc_ns: u64| json!({"collections": collections, "gc_ns": gc_ns});
        let told = |gc_ns| {
            json!({"threshold_settings": {"--threshold 700,10,10": service([914, 83, 5], 119_400_000),
                "--threshold 1000,15,15": service([736, 46, 2], gc_ns)}})
        };
        assert_eq!(verdict("11", told(106_100_000)), Some(Verdict::Reproduced));
        assert_eq!(verdict("11", told(126_100_000)), Some(Verdict::Partly));
        assert_eq!(verdict("11", json!({})), None);
        let runs = |ns: [u32; 3]| json!({"collections": [9, 9, 9], "gc_ns": ns[1], "gc_ns_runs": ns});
        let in_turn = |other| {
            json!({"threshold_1000_15_15": {"--threshold 700,10,10": runs([100, 110, 120]),
                "--threshold 1000,15,15": other}})
        };
        assert_eq!(verdict("11", in_turn(runs([90, 99, 108]))), Some(Verdict::Partly), "each pair says so");
        assert_eq!(verdict("11", in_turn(runs([110, 99, 108]))), Some(Verdict::NotDecided));
        let pool = json!({"object_pool": {"pool_collections": [0, 0, 0], "fresh_collections": [0, 0, 0], "pool_made": 1,
            "fresh_made": 1000, "fresh_to_pool": 20.0}});
        assert_eq!(verdict("18", pool), Some(Verdict::Not));
        let pauses = |young: Option<u64>| {
            let run = |collections: [u32; 3], ns: Option<u64>| json!({"collections": collections, "pause_generation_0_p50_ns": ns});
            json!({"threshold_settings": {"--threshold 700,10,10": run([914, 83, 5], young),
                "--threshold 50000,500,100": run([16, 0, 0], Some(8_547_000))}})
        };
        assert_eq!(verdict("13", pauses(Some(70_000))), Some(Verdict::Reproduced));
        assert_eq!(verdict("13", pauses(None)), None, "what was not measured is not judged");
        assert_eq!(verdict("6", json!({"threshold_default": [2000, 10, 10]})), Some(Verdict::Not));
        let forked = |bytes: [u64; 2]| {
            json!({"parent_rss_bytes": 137 << 20, "dirty_by_collect_bytes": [bytes[0]],
            "dirty_by_requests_bytes": [bytes[1]]})
        };
        let forks = json!({"fork_copies_pages": {"none": forked([73 << 20, 0]), "collect+freeze": forked([0, 0]),
            "off, 1 % read at random": forked([0, 47 << 20])}});
        assert_eq!(verdict("35", forks.clone()), Some(Verdict::Reproduced));
        assert_eq!(verdict("36", forks.clone()), Some(Verdict::Reproduced));
        assert_eq!(verdict("37", forks), Some(Verdict::Partly));
    }

    #[test]
    fn what_a_remedy_leaves_dead_is_counted_at_a_time_and_not_over_a_run() {
        let cost = |found: u32, outstanding: Option<u32>| json!({"collected_objects": found, "left_objects": 0, "outstanding_most_objects": outstanding});
        let told = |outstanding| {
            let told =
                json!({"remedy_weak_back_pointers": {"strong": cost(400_000, outstanding), "weak": cost(0, Some(0))}});
            serde_json::from_value(told).unwrap()
        };
        let figures = figures("R1", &told(Some(5600))).unwrap();
        let answer = answer("R1", &Measured::Figures(figures)).unwrap();
        assert_eq!(answer.verdict, Verdict::Reproduced);
        assert_eq!(answer.text, "0 left to the collector, at most 0 dead at a time; without it 5600");
        assert_eq!(super::figures("R1", &told(None)), None);
    }

    #[test]
    fn a_figure_that_was_not_measured_makes_no_verdict() {
        for claim in super::super::CLAIMS {
            let Some(cpython) = claim.cpython else { continue };
            let all: Value = serde_json::from_str(cpython.recorded).unwrap();
            // Fields that only words tell of may be missing.
            let decisive: &[&str] = match claim.key {
                "2" => &["inside_del", "left"],
                "7" => &["700", "1000", "short_lived_collections"],
                "15" => &["made", "left"],
                "20" => &["freed_without_gc", "raises_count"],
                "28" => &["list of int", "dict of int", "tuple after a collection"],
                "34" => &["leaked", "dead", "dies_by_count"],
                _ => continue,
            };
            for name in decisive {
                let mut figures = all.as_object().unwrap().clone();
                assert!(figures.remove(*name).is_some(), "claim {}: {name}", claim.key);
                let figures = serde_json::from_value(Value::Object(figures)).unwrap();
                assert_eq!(answer(claim.key, &Measured::Figures(figures)), None, "claim {} without {name}", claim.key);
            }
        }
    }

    #[test]
    fn what_is_slow_is_known() {
        assert!(is_slow("38") && !is_slow("4"));
        assert_eq!(asked("21").len(), 2);
        assert!(asked("R6").is_empty());
    }
}
