//! What `claims.py` says, as the figures that rules ask for.
//!
//! Most checks there have figures of these names already. Services, batches and forks are whole programs, whose figures are
//! put together here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::checks::python_names;
use super::figures::Figures;

/// Checks that take many seconds, or run other programs.
const SLOW: [&str; 5] =
    ["threshold_settings", "service_steering", "fork_copies_pages", "batch_creation", "object_pool"];

/// What a check of `claims.py` is to be asked for a claim; none if no check is one of this claim.
pub(super) fn asked(key: &str) -> Vec<&'static str> {
    match key {
        "11" | "12" | "13" | "14" => vec![SLOW[0]],
        "38" | "39" | "40" => vec![SLOW[1]],
        "35" | "36" | "37" => vec![SLOW[2]],
        "16" | "17" => vec![SLOW[3]],
        "18" => vec![SLOW[4]],
        "R1" => vec!["remedy_weak_back_pointers"],
        "R2" => vec!["remedy_explicit_breaking"],
        "R3" => vec!["remedy_explicit_cleanup"],
        key => python_names(key).to_vec(),
    }
}

/// Whether that takes many seconds.
pub(super) fn is_slow(key: &str) -> bool {
    asked(key).iter().any(|name| SLOW.contains(name))
}

/// What it said, as figures for the claim's rule; `None` if something is missing.
pub(super) fn figures(key: &str, told: &BTreeMap<String, Value>) -> Option<Figures> {
    let of = |check: &str| told.get(check);
    let thresholds = |values: &str| service(of(SLOW[0])?, &format!("--threshold {values}"));
    let steering = |way: &str| service(of(SLOW[1])?, &format!("--threshold 700,10,10 --steering {way}"));
    let against = |default: Option<Service>, other: Option<Service>| {
        Some(other?.enter(default?.enter(Figures::new(), "default"), "other"))
    };
    match key {
        "11" => against(thresholds("700,10,10"), thresholds("1000,15,15")),
        "12" => against(thresholds("700,10,10"), thresholds("400,5,5")),
        "13" => against(thresholds("700,10,10"), thresholds("50000,500,100")),
        "14" => against(thresholds("700,10,10"), thresholds("100,5,5")),
        "38" => against(steering("automatic"), steering("off")),
        "39" => against(steering("automatic"), steering("scheduler:2000")),
        "40" => {
            let ways = [("default", "automatic"), ("full", "full-every:1000"), ("young", "young-every:25")];
            ways.into_iter().try_fold(Figures::new(), |figures, (name, way)| Some(steering(way)?.enter(figures, name)))
        }
        "16" | "17" => {
            let batch = of(SLOW[3])?;
            let ms = |name: &str| Some(number(batch, name)? / 1e6);
            let (on, off) = (ms("on_create_ns")?, ms("off_create_ns")?);
            let figures = Figures::new().with("objects", 200_000).with("on_ms", on).with("off_ms", off);
            Some(figures.with("final_collect_ms", ms("off_collect_ns")?))
        }
        "18" => {
            let pool = of(SLOW[4])?;
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
        "35" | "36" | "37" => forked(of(SLOW[2])?),
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

fn remedy(all: &Value, without: &str, with: &str) -> Option<Figures> {
    let found = |name: &str| {
        let cost = all.get(name)?;
        Some(number(cost, "collected_objects")? + number(cost, "left_objects")?)
    };
    Some(
        Figures::new()
            .with("strong_floating", found(without)?)
            .with("remedy_floating", found(with)?)
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
