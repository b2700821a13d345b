//! The settings of a heap on the command line (`--config key=value`) and in records.

use anyhow::{Result, bail};
use gc_core::{
    Ages, Automatic, Certify, FreeLists, HeapConfig, NestedDeaths, Place, Propose, Scheduling, Thresholds, Trigger,
    WeakOrder,
};
use serde_json::{Map, Value, json};

/// One setting of a heap.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As in `--config name=value`.
    pub name: &'static str,
    /// What it does, with its unit.
    pub meaning: &'static str,
    /// Its value when nothing is said.
    pub default: &'static str,
    /// Which values are possible.
    pub range: &'static str,
}

/// All of them.
pub const SETTINGS: [Setting; 17] = [
    Setting {
        name: "thresholds",
        meaning: "when generations 0, 1 and 2 are due: net allocations, then collections of the next younger one",
        default: "700,10,10",
        range: "three whole numbers with commas; 0 first: never",
    },
    Setting {
        name: "trigger",
        meaning: "where a due collection runs: inside the allocation (CPython up to 3.11) or after it",
        default: "after",
        range: "inside, after",
    },
    Setting {
        name: "weak-order",
        meaning: "whether plain weak references are cleared before finalizers (CPython up to 3.14) or after them",
        default: "before-finalizers",
        range: "before-finalizers, plain-after-finalizers",
    },
    Setting {
        name: "untrack-tuples",
        meaning: "whether collections untrack tuples of atomic objects",
        default: "on",
        range: "on, off",
    },
    Setting {
        name: "free-lists",
        meaning: "whether dead lists, dicts and tuples are recycled past the trigger's counter",
        default: "none",
        range: "none, cpython-3.12",
    },
    Setting {
        name: "nested-deaths",
        meaning: "refcount, generational: how deep deaths by count nest before further ones wait: 50 (CPython 3.8 to 3.12) or \
                  9,950 (CPython 3.13)",
        default: "cpython-3.12",
        range: "cpython-3.12, cpython-3.13",
    },
    Setting {
        name: "place",
        meaning: "where the collector keeps its links: inline in each object, or in side tables",
        default: "inline",
        range: "inline, side",
    },
    Setting {
        name: "limit",
        meaning: "most bytes of memory the heap holds",
        default: "none",
        range: "none, or bytes with an optional k, M or G (powers of 1024)",
    },
    Setting {
        name: "reservation",
        meaning: "bytes of addresses, not memory, that the heap reserves",
        default: "32G",
        range: "a power of two from 1M to 32G",
    },
    Setting {
        name: "release-budget",
        meaning: "parallel heaps: most objects that one operation frees by count; the rest follows at later ones",
        default: "256",
        range: "none, or a whole number of objects from 1",
    },
    Setting {
        name: "automatic",
        meaning: "concurrent: who runs the collections that thresholds start: a thread of the heap's own, or the mutator \
                  that crossed the threshold",
        default: "background",
        range: "background, at-trigger",
    },
    Setting {
        name: "certify",
        meaning: "concurrent: whether mutators stand still while what a collection suspects is certified",
        default: "on-the-fly",
        range: "on-the-fly, stopped",
    },
    Setting {
        name: "ages",
        meaning: "stop-the-world, concurrent: where an object's age is kept: in a table beside the objects, or in each header",
        default: "side",
        range: "side, inline",
    },
    Setting {
        name: "propose",
        meaning: "stop-the-world, concurrent: what collections that thresholds start examine: the young generations, or \
                  what can be reached from objects that lost a reference and lived on",
        default: "generations",
        range: "generations, candidate-roots",
    },
    Setting {
        name: "duty",
        meaning: "concurrent: the most of its time that the heap's own thread collects, in percent",
        default: "50",
        range: "a whole number from 1 to 100",
    },
    Setting {
        name: "scheduling",
        meaning: "concurrent: the scheduling class of that thread: as any, or only where a core has nothing else to do",
        default: "normal",
        range: "normal, lowest",
    },
    Setting {
        name: "full-every",
        meaning: "stop-the-world, concurrent: milliseconds from the end of a full collection that this started to the \
                  next, run by a thread of the heap's own",
        default: "none",
        range: "none, or a whole number of milliseconds from 1",
    },
];

/// The configuration that these settings (name, value) make of the default one.
///
/// # Errors
/// An unknown name or an impossible value; the error names what is possible.
pub fn parse(settings: &[(String, String)]) -> Result<HeapConfig> {
    change(HeapConfig::default(), settings)
}

/// The configuration that they make of this one.
///
/// # Errors
/// As [`parse`].
pub fn change(mut config: HeapConfig, settings: &[(String, String)]) -> Result<HeapConfig> {
    for (name, value) in settings {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let known = SETTINGS.iter().map(|setting| setting.name).collect::<Vec<_>>().join(", ");
            bail!("no setting of a heap is called `{name}`; there are: {known}");
        };
        if apply(&mut config, name, value).is_none() {
            bail!("--config {name}={value} is not possible; give {}", setting.range);
        }
    }
    Ok(config)
}

fn apply(config: &mut HeapConfig, name: &str, value: &str) -> Option<()> {
    match name {
        "thresholds" => {
            let numbers = value.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<u32>>>()?;
            config.thresholds = Thresholds(numbers.try_into().ok()?);
        }
        "trigger" => config.trigger = word(value, &[("inside", Trigger::Inside), ("after", Trigger::After)])?,
        "weak-order" => {
            let orders = [
                ("before-finalizers", WeakOrder::BeforeFinalizers),
                ("plain-after-finalizers", WeakOrder::PlainAfterFinalizers),
            ];
            config.weak_order = word(value, &orders)?;
        }
        "untrack-tuples" => config.untrack_tuples = word(value, &[("on", true), ("off", false)])?,
        "free-lists" => {
            config.free_lists = word(value, &[("none", FreeLists::None), ("cpython-3.12", FreeLists::CPython312)])?;
        }
        "nested-deaths" => {
            let versions = [("cpython-3.12", NestedDeaths::CPython312), ("cpython-3.13", NestedDeaths::CPython313)];
            config.nested_deaths = word(value, &versions)?;
        }
        "place" => config.place = word(value, &[("inline", Place::Inline), ("side", Place::Side)])?,
        "limit" => config.limit = if value == "none" { None } else { Some(bytes(value)?) },
        "reservation" => {
            let possible = HeapConfig::MIN_RESERVATION..=HeapConfig::MAX_RESERVATION;
            config.reservation = bytes(value).filter(|size| size.is_power_of_two() && possible.contains(size))?;
        }
        "release-budget" => config.release_budget = number_or_none(value)?,
        "automatic" => {
            config.automatic =
                word(value, &[("background", Automatic::Background), ("at-trigger", Automatic::AtTrigger)])?;
        }
        "certify" => {
            config.certify = word(value, &[("on-the-fly", Certify::OnTheFly), ("stopped", Certify::Stopped)])?;
        }
        "ages" => config.ages = word(value, &[("side", Ages::Side), ("inline", Ages::Inline)])?,
        "propose" => {
            config.propose =
                word(value, &[("generations", Propose::Generations), ("candidate-roots", Propose::CandidateRoots)])?;
        }
        "duty" => config.duty = value.parse().ok().filter(|percent| (1..=100).contains(percent))?,
        "scheduling" => {
            config.scheduling = word(value, &[("normal", Scheduling::Normal), ("lowest", Scheduling::Lowest)])?;
        }
        "full-every" => config.full_every = number_or_none(value)?,
        _ => return None,
    }
    Some(())
}

/// `none`, or a number from 1.
fn number_or_none(value: &str) -> Option<Option<u32>> {
    match value {
        "none" => Some(None),
        value => value.parse().ok().filter(|&number| number > 0).map(Some),
    }
}

fn word<T: Copy>(value: &str, words: &[(&str, T)]) -> Option<T> {
    words.iter().find(|(name, _)| *name == value).map(|&(_, meaning)| meaning)
}

fn bytes(value: &str) -> Option<u64> {
    let (digits, shift) = match value.strip_suffix(['k', 'K', 'M', 'G']) {
        Some(digits) => (
            digits,
            if value.ends_with('M') {
                20
            } else if value.ends_with('G') {
                30
            } else {
                10
            },
        ),
        None => (value, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// All settings of a configuration, as records hold them.
pub fn recorded(config: &HeapConfig) -> Map<String, Value> {
    let trigger = match config.trigger {
        Trigger::Inside => "inside",
        Trigger::After => "after",
    };
    let weak_order = match config.weak_order {
        WeakOrder::BeforeFinalizers => "before-finalizers",
        WeakOrder::PlainAfterFinalizers => "plain-after-finalizers",
    };
    let free_lists = match config.free_lists {
        FreeLists::None => "none",
        FreeLists::CPython312 => "cpython-3.12",
    };
    let nested_deaths = match config.nested_deaths {
        NestedDeaths::CPython312 => "cpython-3.12",
        NestedDeaths::CPython313 => "cpython-3.13",
    };
    let place = match config.place {
        Place::Inline => "inline",
        Place::Side => "side",
    };
    let automatic = match config.automatic {
        Automatic::Background => "background",
        Automatic::AtTrigger => "at-trigger",
    };
    let certify = match config.certify {
        Certify::OnTheFly => "on-the-fly",
        Certify::Stopped => "stopped",
    };
    let ages = match config.ages {
        Ages::Side => "side",
        Ages::Inline => "inline",
    };
    let propose = match config.propose {
        Propose::Generations => "generations",
        Propose::CandidateRoots => "candidate-roots",
    };
    let scheduling = match config.scheduling {
        Scheduling::Normal => "normal",
        Scheduling::Lowest => "lowest",
    };
    Map::from_iter([
        ("thresholds".to_owned(), json!(config.thresholds.0)),
        ("trigger".to_owned(), json!(trigger)),
        ("weak-order".to_owned(), json!(weak_order)),
        ("untrack-tuples".to_owned(), json!(config.untrack_tuples)),
        ("free-lists".to_owned(), json!(free_lists)),
        ("nested-deaths".to_owned(), json!(nested_deaths)),
        ("place".to_owned(), json!(place)),
        ("limit".to_owned(), json!(config.limit)),
        ("reservation".to_owned(), json!(config.reservation)),
        ("release-budget".to_owned(), json!(config.release_budget)),
        ("automatic".to_owned(), json!(automatic)),
        ("certify".to_owned(), json!(certify)),
        ("ages".to_owned(), json!(ages)),
        ("propose".to_owned(), json!(propose)),
        ("duty".to_owned(), json!(config.duty)),
        ("scheduling".to_owned(), json!(scheduling)),
        ("full-every".to_owned(), json!(config.full_every)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Result<HeapConfig> {
        parse(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn stated_defaults_are_the_defaults() {
        for setting in SETTINGS {
            assert_eq!(one(setting.name, setting.default).unwrap(), HeapConfig::default(), "{}", setting.name);
        }
        assert_eq!(recorded(&HeapConfig::default()).len(), SETTINGS.len());
    }

    #[test]
    fn impossible_values_are_refused_with_what_is_possible() {
        for (name, value) in [
            ("thresholds", "700,10"),
            ("thresholds", "-1,1,1"),
            ("trigger", "never"),
            ("nested-deaths", "9950"),
            ("limit", "12Q"),
            ("limit", "99999999999999G"),
            ("reservation", "3M"),
            ("reservation", "64G"),
            ("untrack-tuples", "yes"),
            ("release-budget", "0"),
            ("automatic", "at_trigger"),
            ("certify", "never"),
            ("duty", "0"),
            ("duty", "101"),
            ("ages", "both"),
            ("propose", "purple"),
            ("scheduling", "idle"),
            ("full-every", "0"),
            ("full-every", "1s"),
        ] {
            let error = one(name, value).unwrap_err().to_string();
            assert!(error.contains(&format!("--config {name}={value} is not possible; give")), "{error}");
        }
        assert!(one("pace", "1").unwrap_err().to_string().contains("thresholds, trigger"));
    }

    #[test]
    fn words_that_are_no_default_are_recorded_as_they_are_given() {
        let given = [
            ("trigger", "inside"),
            ("weak-order", "plain-after-finalizers"),
            ("free-lists", "cpython-3.12"),
            ("nested-deaths", "cpython-3.13"),
            ("place", "side"),
            ("automatic", "at-trigger"),
            ("certify", "stopped"),
            ("ages", "inline"),
            ("propose", "candidate-roots"),
            ("scheduling", "lowest"),
        ];
        for (name, value) in given {
            assert_eq!(recorded(&one(name, value).unwrap())[name], value);
        }
        assert_eq!(recorded(&one("duty", "10").unwrap())["duty"], 10);
        for name in ["release-budget", "full-every"] {
            assert_eq!(recorded(&one(name, "1000").unwrap())[name], 1000);
            assert_eq!(recorded(&one(name, "none").unwrap())[name], Value::Null);
        }
    }

    #[test]
    fn sizes_take_suffixes() {
        assert_eq!(one("limit", "64M").unwrap().limit, Some(64 << 20));
        assert_eq!(one("limit", "123").unwrap().limit, Some(123));
        assert_eq!(one("reservation", "1G").unwrap().reservation, 1 << 30);
    }
}
