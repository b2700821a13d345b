//! Nanoseconds and bytes as whole numbers in JSON, whatever means they were computed as.

use serde::Serializer;

fn whole(value: f64) -> i64 {
    // What is beyond becomes the greatest number there is.
    value as i64
}

/// Rounded down: the low end of an interval.
pub(super) fn down<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(whole(value.floor()))
}

/// Rounded up: the high end.
pub(super) fn up<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(whole(value.ceil()))
}

/// Rounded.
pub(super) fn near<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(whole(value.round()))
}

/// Rounded, if it is known.
pub(super) fn near_if_known<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => near(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// The same of several.
pub(super) fn each_near<S: Serializer>(values: &[Option<f64>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| value.map(|value| whole(value.round()))))
}
