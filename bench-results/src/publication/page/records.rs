//! The raw records on the page: all of them compressed, to be saved as a file, and what differs between them as a table.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};

use crate::report::grid::{Grid, Word};

/// The table has no more columns.
const MOST_COLUMNS: usize = 16;

/// What names a cell, in the order of columns.
const FIRST: [&str; 7] = ["cell", "status", "heap", "workload", "threads", "seed", "round"];

/// The records as gzip in base64: text that a page can carry.
///
/// # Errors
/// If they cannot be compressed, which does not happen in memory.
pub(super) fn packed(records: &[String]) -> Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for record in records {
        writeln!(encoder, "{record}").context("cannot compress records")?;
    }
    Ok(STANDARD.encode(encoder.finish().context("cannot compress records")?))
}

/// A row a record: those plain fields that are not the same in all; the same ones are told in a note.
pub(super) fn cells(records: &[String], title: &str) -> Option<Grid> {
    let records: Vec<Map<String, Value>> =
        records.iter().filter_map(|record| serde_json::from_str(record).ok()).map(flat).collect();
    let mut names: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in FIRST.into_iter().chain(records.iter().flat_map(|record| record.keys().map(String::as_str))) {
        if records.iter().any(|record| record.contains_key(name)) && seen.insert(name) {
            names.push(name);
        }
    }
    let values = |name: &str| records.iter().map(|record| record.get(name)).collect::<Vec<_>>();
    let differs = |name: &&str| values(name).windows(2).any(|pair| pair[0] != pair[1]);
    let (differing, same): (Vec<&str>, Vec<&str>) = names.into_iter().partition(differs);
    let (first, columns) = differing.split_first()?;
    let columns: Vec<&str> = columns.iter().copied().take(MOST_COLUMNS).collect();
    let row = |record: &Map<String, Value>| {
        let words = columns.iter().map(|name| Word::plain(said(record.get(*name)))).collect();
        (said(record.get(*first)), words)
    };
    let same: Vec<String> = same
        .into_iter()
        .filter_map(|name| Some((name, records.first()?.get(name)?)))
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name} {}", said(Some(value))))
        .collect();
    let mut notes = vec![format!("The same in all: {}.", same.join(", "))];
    if same.is_empty() {
        notes.clear();
    }
    if differing.len() > columns.len() + 1 {
        notes.push("Further fields, and those that are lists, are in the records.".to_owned());
    }
    Some(Grid {
        title: title.to_owned(),
        corner: (*first).to_owned(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: records.iter().map(row).collect(),
        notes,
    })
}

/// A record's plain fields; of `response_ns` and the like, what is telling.
fn flat(record: Value) -> Map<String, Value> {
    let Value::Object(fields) = record else { return Map::new() };
    let mut flat = Map::new();
    for (name, value) in fields {
        match value {
            Value::Object(inner) => {
                for part in ["p99_9", "max"] {
                    if let Some(value) = inner.get(part).filter(|value| value.is_number()) {
                        flat.insert(format!("{name} {}", part.replace('_', ".")), value.clone());
                    }
                }
            }
            Value::Array(_) => {}
            value => {
                flat.insert(name, value);
            }
        }
    }
    for unneeded in ["schema", "hlog", "digest", "binary", "machine"] {
        flat.remove(unneeded);
    }
    flat
}

fn said(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "n/a".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => match number.as_f64() {
            Some(float) if !number.is_u64() && !number.is_i64() => format!("{float:.3}"),
            _ => number.to_string(),
        },
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let records = ["{\"a\":1}".to_owned(), "{\"a\":\"µ </script>\"}".to_owned()];
        let bytes = STANDARD.decode(packed(&records).unwrap()).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, records.join("\n") + "\n");
    }

    #[test]
    fn cells_show_what_differs_and_say_what_does_not() {
        let record =
            |heap: &str, ns: u64| format!(r#"{{"cell":"{heap}{ns}","heap":"{heap}","seed":1,"wall_ns":{ns},"l":[1]}}"#);
        let grid = cells(&[record("a", 1), record("b", 2)], "t").unwrap();
        assert_eq!((grid.corner.as_str(), grid.columns.join(" ")), ("cell", "heap wall_ns".to_owned()));
        assert_eq!(grid.rows[1].1, [Word::plain("b"), Word::plain("2")]);
        assert_eq!(grid.notes, ["The same in all: seed 1."]);
        assert!(cells(&[], "t").is_none());
    }
}
