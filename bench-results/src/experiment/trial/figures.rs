//! Flat figures by name, and what is wrong with them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Figures by name; the name ends in the unit. `null`: not known.
pub type Figures = BTreeMap<String, Value>;

/// Figures that cannot be, or that contradict what the heap was given: a wrong answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongFigures(pub String);

/// A figure as a number; `None` where it is not known or no number.
pub fn number(figures: &Figures, name: &str) -> Option<f64> {
    figures.get(name)?.as_f64()
}

/// Whether figures can be what their names say.
///
/// # Errors
/// [`WrongFigures`]: a name that is no name, a time or a number of objects below 0, or something with a unit that is no number.
pub fn check(figures: &Figures) -> Result<(), WrongFigures> {
    for (name, value) in figures {
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let is_right = match value {
            Value::Null => true,
            // Memory may have become less: a difference of bytes may be negative.
            Value::Number(number) if ["_ns", "_objects"].iter().any(|unit| name.ends_with(unit)) => {
                number.as_f64().is_some_and(|value| value >= 0.0)
            }
            Value::Array(values) => check(&values.iter().map(|value| (name.clone(), value.clone())).collect()).is_ok(),
            Value::Number(_) => true,
            _ => !["_ns", "_bytes", "_objects"].iter().any(|unit| name.ends_with(unit)),
        };
        if !is_name || !is_right {
            return Err(WrongFigures(format!("the figure {name} cannot be {value}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(name: &str, value: Value) -> bool {
        check(&Figures::from([(name.to_owned(), value)])).is_ok()
    }

    #[test]
    fn figures_that_cannot_be_are_refused() {
        for (name, value) in
            [("a_ns", json!(1.5)), ("a_bytes", json!(-4096)), ("b_objects", json!(3)), ("c", json!("x"))]
        {
            assert!(checked(name, value.clone()), "{name} {value}");
            assert!(checked(name, Value::Null), "not known is no error");
        }
        let wrong = [
            ("a_ns", json!(-1)),
            ("a_objects", json!(-1)),
            ("a_bytes", json!("3 MiB")),
            ("a_ns", json!([1, -2])),
            ("A ns", json!(1)),
            ("", json!(1)),
        ];
        for (name, value) in wrong {
            assert!(!checked(name, value.clone()), "{name} {value}");
        }
    }
}
