//! What a check measured: numbers, words and lists by name.
//!
//! Names are those that the Python program `claims.py` uses, where it measures the same; so one rule judges both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a check measured, by name. Times say their unit in their name.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figures(BTreeMap<String, Value>);

impl Figures {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Those of a text of JSON; `None` if it is no object.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What a Python program says under these names. The fields of a single object are figures themselves.
    pub fn of_python(told: &BTreeMap<String, Value>, names: &[&str]) -> Option<Self> {
        match names {
            [] => None,
            [name] if told.get(*name)?.is_object() => serde_json::from_value(told.get(*name)?.clone()).ok(),
            names => {
                names.iter().try_fold(Self::new(), |figures, name| Some(figures.with(name, told.get(*name)?.clone())))
            }
        }
    }

    /// All by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// One as it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// A yes or no.
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// Numbers.
    pub fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        numbers(self.get(name)?)
    }

    /// Words.
    pub fn words(&self, name: &str) -> Option<Vec<String>> {
        self.get(name)?.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
    }
}

/// A list of numbers.
pub(super) fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(Value::as_f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_says_is_found_by_name() {
        let told: BTreeMap<String, Value> =
            serde_json::from_str(r#"{"one": {"a": 1, "b": [1, 2]}, "two": [3], "three": true}"#).unwrap();
        let one = Figures::of_python(&told, &["one"]).unwrap();
        assert_eq!((one.number("a"), one.numbers("b")), (Some(1.0), Some(vec![1.0, 2.0])));
        let both = Figures::of_python(&told, &["two", "three"]).unwrap();
        assert_eq!((both.numbers("two"), both.truth("three")), (Some(vec![3.0]), Some(true)));
        assert_eq!(Figures::of_python(&told, &["four"]), None);
        assert_eq!(Figures::of_python(&told, &[]), None);
    }
}
