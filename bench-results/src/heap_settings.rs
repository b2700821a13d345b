//! The settings of a heap on the command line (`--config key=value`) and in records.

use anyhow::{Result, bail};
use gc_core::{FreeLists, HeapConfig, Place, Thresholds, Trigger, WeakOrder};
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
pub const SETTINGS: [Setting; 8] = [
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
];

/// The configuration that these settings (name, value) make of the default one.
///
/// # Errors
/// An unknown name or an impossible value; the error names what is possible.
pub fn parse(settings: &[(String, String)]) -> Result<HeapConfig> {
    let mut config = HeapConfig::default();
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
        "place" => config.place = word(value, &[("inline", Place::Inline), ("side", Place::Side)])?,
        "limit" => config.limit = if value == "none" { None } else { Some(bytes(value)?) },
        "reservation" => {
            let possible = HeapConfig::MIN_RESERVATION..=HeapConfig::MAX_RESERVATION;
            config.reservation = bytes(value).filter(|size| size.is_power_of_two() && possible.contains(size))?;
        }
        _ => return None,
    }
    Some(())
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
    let place = match config.place {
        Place::Inline => "inline",
        Place::Side => "side",
    };
    Map::from_iter([
        ("thresholds".to_owned(), json!(config.thresholds.0)),
        ("trigger".to_owned(), json!(trigger)),
        ("weak-order".to_owned(), json!(weak_order)),
        ("untrack-tuples".to_owned(), json!(config.untrack_tuples)),
        ("free-lists".to_owned(), json!(free_lists)),
        ("place".to_owned(), json!(place)),
        ("limit".to_owned(), json!(config.limit)),
        ("reservation".to_owned(), json!(config.reservation)),
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
            ("limit", "12Q"),
            ("limit", "99999999999999G"),
            ("reservation", "3M"),
            ("reservation", "64G"),
            ("untrack-tuples", "yes"),
        ] {
            let error = one(name, value).unwrap_err().to_string();
            assert!(error.contains(&format!("--config {name}={value} is not possible; give")), "{error}");
        }
        assert!(one("pace", "1").unwrap_err().to_string().contains("thresholds, trigger"));
    }

    #[test]
    fn sizes_take_suffixes() {
        assert_eq!(one("limit", "64M").unwrap().limit, Some(64 << 20));
        assert_eq!(one("limit", "123").unwrap().limit, Some(123));
        assert_eq!(one("reservation", "1G").unwrap().reservation, 1 << 30);
    }
}
