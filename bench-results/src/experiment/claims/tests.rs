//! The checks themselves are checked: complete, right about CPython as recorded, and able to fail.

use std::collections::BTreeMap;

use gc_core::{Heap, HeapConfig, Thresholds};

use super::*;
use crate::experiment::trial::Experiment;
use crate::roster::{self, ConcurrentHeap, GenerationalHeap, RefcountHeap, StopTheWorldHeap, entries, for_heap};

/// On a small scale.
fn tried<H: Heap>(key: &str, change: impl FnOnce(&mut HeapConfig)) -> Answer {
    let mut setup = Setup::new(Scale::Small);
    change(&mut setup.config);
    let measured = measure::<H>(key, &setup).unwrap_or_else(|error| panic!("{key} on {}: {error:#}", H::NAME));
    answer(key, &measured).unwrap_or_else(|| panic!("{key} on {}: a figure is missing in {measured:?}", H::NAME))
}

fn verdict<H: Heap>(key: &str) -> Verdict {
    tried::<H>(key, |_| {}).verdict
}

#[test]
fn each_claim_is_there_once_and_in_order() {
    let numbers = (1..=43).map(|number| number.to_string());
    let keys: Vec<String> = numbers.chain((1..=7).map(|number| format!("R{number}"))).collect();
    assert_eq!(CLAIMS.iter().map(|claim| claim.key).collect::<Vec<_>>(), keys);
    assert!(claim("44").unwrap_err().to_string().contains("R7"));
    let in_no_article: Vec<&str> =
        CLAIMS.iter().filter(|claim| claim.articles.is_empty()).map(|claim| claim.key).collect();
    assert_eq!(in_no_article, ["34"], "the articles make 42 claims");
    assert!(Claims.question().contains("make 42 claims"));
}

#[test]
fn what_is_wrong_or_partly_right_is_explained_in_one_sentence() {
    for claim in CLAIMS {
        let overall = claim.cpython.and_then(|cpython| cpython.overall);
        let wrong = matches!(overall, Some(Verdict::Not | Verdict::Partly));
        assert_eq!(claim.so.is_some(), wrong, "{}", claim.key);
        if let Some(so) = claim.so {
            assert!(so.ends_with('.') && !so.trim_end_matches('.').contains(". "), "{}: {so}", claim.key);
        }
        assert!(
            !claim.rule.is_empty() && claim.articles.chars().all(|letter| "ABCDE ".contains(letter)),
            "{}",
            claim.key
        );
        let is_numbered = !claim.key.starts_with('R');
        assert_eq!(is_numbered, claim.cpython.is_some(), "{}", claim.key);
    }
}

#[test]
fn rules_say_of_cpythons_figures_what_was_published() {
    for claim in CLAIMS {
        let Some(cpython) = claim.cpython else { continue };
        let figures = Figures::from_json(cpython.recorded).unwrap_or_else(|| panic!("{}: no JSON", claim.key));
        let answer = answer(claim.key, &Measured::Figures(figures));
        assert_eq!(answer.map(|answer| answer.verdict), Some(cpython.on_3_12), "claim {}", claim.key);
    }
    let count =
        |letter| CLAIMS.iter().filter_map(|claim| claim.cpython).filter(|cpython| cpython.letter() == letter).count();
    // As published: 9 not reproduced, 11 partly or by version, 2 without a verdict.
    assert_eq!((count("N"), count("P"), count("-")), (9, 11, 2));
}

#[test]
fn other_versions_figures_get_other_verdicts() {
    for (key, figures, verdict) in [
        ("1", r#"{"getrefcount_sequence": [1, 2, 1]}"#, Verdict::Partly),
        ("6", r#"{"threshold_default": [2000, 10, 10]}"#, Verdict::Not),
        ("7", r#"{"700": [], "1000": [], "short_lived_collections": 0}"#, Verdict::Not),
        ("8", r#"{"collections": [4, 0, 0]}"#, Verdict::Not),
        ("10", r#"{"(700, 10, 10)": [0, 24, 0], "(700, 10, 0)": [0, 23, 0]}"#, Verdict::NotApplicable),
        ("10", r#"{"(700, 10, 10)": [519, 47, 4], "(700, 10, 0)": [519, 47, 0]}"#, Verdict::Reproduced),
        ("10", r#"{"(700, 10, 10)": [519, 47, 4], "(700, 10, 0)": [519, 47, 4]}"#, Verdict::Partly),
        (
            "11",
            r#"{"default_collections": [9, 0, 0], "other_collections": [5, 0, 0], "default_gc_ms": 100, "other_gc_ms": 90,
            "default_gc_ms_spread": 11}"#,
            Verdict::NotDecided,
        ),
        (
            "11",
            r#"{"default_collections": [9, 0, 0], "other_collections": [5, 0, 0], "default_gc_ms": 100, "other_gc_ms": 90,
            "default_gc_ms_spread": 9}"#,
            Verdict::Reproduced,
        ),
        (
            "11",
            r#"{"default_collections": [9, 0, 0], "other_collections": [5, 0, 0], "default_gc_ms": 100, "other_gc_ms": 99.5,
            "gc_ms_ratios": [0.99, 0.995, 1.01]}"#,
            Verdict::Partly,
        ),
        (
            "11",
            r#"{"default_collections": [9, 0, 0], "other_collections": [5, 0, 0], "default_gc_ms": 100, "other_gc_ms": 99.5,
            "gc_ms_ratios": [0.9, 0.995, 1.01]}"#,
            Verdict::NotDecided,
        ),
        (
            "12",
            r#"{"default_gc_ms": 100, "other_gc_ms": 110, "default_gc_ms_spread": 11, "default_peak_mib": 9, "other_peak_mib": 9}"#,
            Verdict::NotDecided,
        ),
        (
            "12",
            r#"{"default_gc_ms": 100, "other_gc_ms": 100, "gc_ms_ratios": [0.99, 1, 1.01], "default_peak_mib": 9, "other_peak_mib": 9}"#,
            Verdict::Not,
        ),
        (
            "14",
            r#"{"default_collections": [9, 0, 0], "other_collections": [50, 0, 0], "default_gc_ms": 10, "other_gc_ms": 21,
            "gc_ms_ratios": [1.9, 2.1, 2.2]}"#,
            Verdict::NotDecided,
        ),
        ("R4", r#"{"whole_peak_mib": 2, "lazy_peak_mib": 2, "whole_us": 5, "lazy_us": 6}"#, Verdict::Not),
        ("R4", r#"{"whole_peak_mib": 2, "lazy_peak_mib": 1, "whole_us": 5, "lazy_us": 6}"#, Verdict::Partly),
        (
            "R5",
            r#"{"slots_examined": 1, "dict_examined": 1, "lazy_examined": 1, "slots_ms": 1, "dict_ms": 1, "lazy_ms": 1}"#,
            Verdict::Not,
        ),
        ("R6", r#"{"pool": 57, "pool_broken": 0, "fresh": 57, "fresh_broken": 0}"#, Verdict::Not),
        ("R6", r#"{"pool": 0, "pool_broken": 0, "fresh": 57, "fresh_broken": 57}"#, Verdict::Reproduced),
        (
            "R7",
            r#"{"on_ms": 9, "off_ms": 5, "on_peak_mib": 8, "off_peak_mib": 9, "long_on_peak_mib": 8, "long_off_peak_mib": 9}"#,
            Verdict::Partly,
        ),
        (
            "R7",
            r#"{"on_ms": 9, "off_ms": 5, "on_peak_mib": 8, "off_peak_mib": 9, "long_on_peak_mib": 8, "long_off_peak_mib": 19}"#,
            Verdict::Reproduced,
        ),
        (
            "R7",
            r#"{"on_ms": 5, "off_ms": 6, "on_peak_mib": 8, "off_peak_mib": 11, "long_on_peak_mib": 8, "long_off_peak_mib": 19}"#,
            Verdict::Not,
        ),
        ("32", r#"{"full_collection_ns": 2300000, "frozen_ns": 5000000}"#, Verdict::Not),
        (
            "32",
            r#"{"full_collection_ns": 2300000, "frozen_ns": 5000000, "examined_live": 9, "examined_frozen": 0}"#,
            Verdict::Not,
        ),
        (
            "32",
            r#"{"full_collection_ns": 2300000, "frozen_ns": 2400000, "examined_live": 9, "examined_frozen": 0}"#,
            Verdict::Partly,
        ),
        (
            "32",
            r#"{"full_collection_ns": 2300000, "frozen_ns": 300000, "examined_live": 9, "examined_frozen": 0}"#,
            Verdict::Partly,
        ),
        (
            "32",
            r#"{"full_collection_ns": 2300000, "frozen_ns": 2300000, "examined_live": 9, "examined_frozen": 9}"#,
            Verdict::Not,
        ),
        (
            "32",
            r#"{"full_collection_ns": 2300000, "frozen_ns": 200, "examined_live": 9, "examined_frozen": 9}"#,
            Verdict::Partly,
        ),
        (
            "32",
            r#"{"full_collection_ns": 2300000, "frozen_ns": 200, "examined_live": 9, "examined_frozen": 0}"#,
            Verdict::Reproduced,
        ),
        ("36", r#"{"heap_mib": 26.3, "collected_mib": 0, "frozen_mib": 0}"#, Verdict::NotApplicable),
        ("36", r#"{"heap_mib": 26.3, "collected_mib": 0, "frozen_mib": 9}"#, Verdict::Not),
        ("36", r#"{"heap_mib": 26.3, "collected_mib": 13.8, "frozen_mib": 0}"#, Verdict::Reproduced),
        ("36", r#"{"heap_mib": 26.3, "collected_mib": 13.8, "frozen_mib": 13}"#, Verdict::Not),
        ("31", r#"{"10000": 499470, "1000000": 11165110}"#, Verdict::Not),
        ("43", r#"{"grown_bytes": 4972544, "collected_objects": 399999, "kept_bytes": 4972544}"#, Verdict::Reproduced),
        ("17", r#"{"objects": 2, "on_ms": 30.3, "off_ms": 22.5, "final_collect_ms": 13.2}"#, Verdict::Not),
        (
            "22",
            r#"{"forward": {"created": [0, 1, 2, 3], "finalized": [0, 1, 2, 3]}, "backward": {"created": [3, 2, 1, 0],
            "finalized": [0, 1, 2, 3]}, "mixed": {"created": [2, 0, 3, 1], "finalized": [0, 1, 2, 3]}}"#,
            Verdict::Reproduced,
        ),
    ] {
        let figures = Figures::from_json(figures).unwrap();
        assert_eq!(answer(key, &Measured::Figures(figures)).unwrap().verdict, verdict, "claim {key}");
    }
}

#[test]
fn what_is_within_noise_is_said_and_what_a_threshold_costs_must_agree() {
    let judged = |figures: &str| answer("14", &Measured::Figures(Figures::from_json(figures).unwrap())).unwrap();
    let counts = r#"{"default_collections": [9, 0, 0], "other_collections": [50, 0, 0], "default_gc_ms": 100"#;
    let dearer = judged(&format!(r#"{counts}, "other_gc_ms": 126}}"#));
    let cheaper = judged(&format!(r#"{counts}, "other_gc_ms": 82, "default_gc_ms_spread": 5}}"#));
    let noise = judged(&format!(r#"{counts}, "other_gc_ms": 82, "default_gc_ms_spread": 20}}"#));
    assert!(dearer.agrees(&told::recorded(claim("14").unwrap()).unwrap()));
    assert!(cheaper.verdict == dearer.verdict && !cheaper.agrees(&dearer), "{cheaper:?}");
    assert!(noise.decisive.is_none() && noise.text.contains("-18 % (-38 to +2)"), "{noise:?}");
    assert!(noise.agrees(&dearer) && cheaper.decisive.as_deref() == Some("less time"), "{cheaper:?}");
}

#[test]
fn a_freeze_that_makes_collections_slower_is_said_to() {
    let judged = |frozen_ns: u64| {
        let figures = Figures::new().with("full_collection_ns", 2_320_000).with("frozen_ns", frozen_ns);
        let figures = figures.with("examined_live", 200_000).with("examined_frozen", 0);
        answer("32", &Measured::Figures(figures)).unwrap()
    };
    assert!(judged(4_850_000).text.ends_with("2.32 ms, frozen 4.85 ms: slower than without a freeze"));
    assert!(judged(2_320_000).text.ends_with(": no less time than without a freeze"));
    assert!(judged(300_000).text.ends_with("0.30 ms"));
    let of = |heap, verdict| explained("32", heap, verdict).map(|one| one.why);
    assert_eq!(of("generational-streaming", Verdict::Partly), None, "that goes along its list");
    for heap in ["stop-the-world", "concurrent"] {
        let (less, more) = (of(heap, Verdict::Partly), of(heap, Verdict::Not));
        assert!(less.is_some() && less != more, "{heap}");
        assert!(more.is_some_and(|why| why.contains("slower")), "{heap}: {more:?}");
    }
}

/// The claims whose verdict no clock and no other process decides.
fn untimed() -> impl Iterator<Item = &'static Claim> {
    CLAIMS.iter().filter(|claim| claim.kind != Kind::Performance && !["35", "36", "37"].contains(&claim.key))
}

#[test]
fn each_heap_says_what_cpython_says_but_where_it_is_explained() {
    let mut found = BTreeMap::new();
    for entry in entries() {
        for claim in untimed() {
            let Some(recorded) = told::recorded(claim) else { continue };
            let answer = for_heap!(entry.name, H => tried::<H>(claim.key, |_| {})).unwrap();
            println!("{:>3} {:<22} {:<12} {}", claim.key, entry.name, answer.verdict, answer.text);
            if !answer.agrees(&recorded) {
                found.insert((claim.key, entry.name), answer.verdict);
            }
        }
    }
    let is_untimed = |key: &str| untimed().any(|claim| claim.key == key);
    let of_heaps =
        |one: &Disagreement| one.heaps.iter().map(|heap| ((one.key, *heap), one.verdict)).collect::<Vec<_>>();
    let listed: BTreeMap<_, _> = DISAGREEMENTS.iter().filter(|one| is_untimed(one.key)).flat_map(of_heaps).collect();
    assert_eq!(found, listed);
}

#[test]
fn counts_are_cpythons_exactly() {
    let figures = |key| match measure::<GenerationalHeap>(key, &Setup::new(Scale::Small)).unwrap() {
        Measured::Figures(figures) => figures,
        Measured::NotApplicable(reason) => panic!("{reason}"),
    };
    assert_eq!(figures("7").numbers("700"), Some(vec![700.0]));
    assert_eq!(figures("8").numbers("collections"), Some(vec![523.0, 47.0, 0.0]));
    let growth = figures("10");
    assert_eq!(growth.numbers("(700, 10, 10)").unwrap()[2], 4.0);
    assert_eq!(growth.numbers("(700, 10, 0)").unwrap()[2], 12.0);
    assert_eq!(
        (figures("18").number("collections_pool"), figures("18").number("collections_fresh")),
        (Some(0.0), Some(0.0))
    );
    assert_eq!(figures("19").number("collections"), Some(7.0));
}

#[test]
fn each_check_runs_on_each_heap() {
    for entry in entries() {
        for claim in CLAIMS.iter().filter(|claim| !["35", "36", "37"].contains(&claim.key)) {
            let answer = for_heap!(entry.name, H => tried::<H>(claim.key, |_| {})).unwrap();
            println!("{:>3} {:<22} {:<12} {}", claim.key, entry.name, answer.verdict, answer.text);
        }
    }
}

#[test]
fn thresholds_that_are_off_by_one_change_verdicts() {
    let off_by_one = |thresholds: [u32; 3]| move |config: &mut HeapConfig| config.thresholds = Thresholds(thresholds);
    assert_eq!(verdict::<GenerationalHeap>("6"), Verdict::Reproduced);
    assert_eq!(tried::<GenerationalHeap>("6", off_by_one([701, 10, 10])).verdict, Verdict::Not);
    assert_eq!(verdict::<GenerationalHeap>("8"), Verdict::Partly);
    assert_eq!(tried::<GenerationalHeap>("8", off_by_one([700, 9, 10])).verdict, Verdict::Reproduced);
    assert_eq!(tried::<GenerationalHeap>("28", |config| config.untrack_tuples = false).verdict, Verdict::Not);
}

#[test]
fn heaps_that_differ_get_other_verdicts() {
    assert_eq!(verdict::<GenerationalHeap>("3"), Verdict::Reproduced);
    assert_eq!(verdict::<RefcountHeap>("3"), Verdict::Partly, "nothing frees a cycle");
    assert_eq!(verdict::<RefcountHeap>("8"), Verdict::NotApplicable);
    assert_eq!(verdict::<RefcountHeap>("26"), Verdict::Not, "it tracks nothing");
    assert_eq!(verdict::<StopTheWorldHeap>("2"), Verdict::Partly, "a large list dies bit by bit");
    assert_eq!(verdict::<ConcurrentHeap>("23"), Verdict::Reproduced);
}

#[test]
fn remedies_that_only_seem_to_help_are_seen() {
    // Breaking by hand does what a pool does, and a lazy `__dict__` is no object of its own.
    for (key, verdict) in [("R5", Verdict::Partly), ("R6", Verdict::Partly)] {
        let answer = tried::<GenerationalHeap>(key, |_| {});
        assert_eq!(answer.verdict, verdict, "{key}: {}", answer.text);
    }
    assert_eq!(
        tried::<GenerationalHeap>("R6", |config| config.thresholds = Thresholds([0, 10, 10])).verdict,
        Verdict::Not
    );
}

#[test]
fn contradictions_and_disagreements_are_of_claims_that_there_are() {
    for key in CONTRADICTIONS.iter().flat_map(|one| one.claims).chain(DISAGREEMENTS.iter().map(|one| &one.key)) {
        assert!(claim(key).is_ok(), "{key}");
    }
    let mut pairs = BTreeMap::new();
    for one in DISAGREEMENTS {
        // A time may come out in two ways, each with its cause; a count may not.
        let timed = Some(one.verdict).filter(|_| claim(one.key).unwrap().kind == Kind::Performance);
        for heap in one.heaps {
            assert!(roster::entry(heap).is_ok(), "{heap}");
            assert!(pairs.insert((one.key, heap, timed), one.verdict).is_none(), "{} on {heap} twice", one.key);
        }
    }
}
