//! The lines of an outcome: printed, and compared with recorded ones.

use serde::{Deserialize, Serialize};

/// What one operation did. Fields that say nothing are absent from the printed line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// The operation, from 0.
    pub i: usize,
    /// Its return value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ret: Option<i64>,
    /// Events in order: `fN` finalizer of object N, `wN` callback of weak reference N, `bN` and `eN` the beginning and end
    /// of the teardown of object N's slots.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ev: Vec<String>,
    /// The trigger's counters.
    pub cnt: [u32; 3],
    /// Change of the statistics: per generation collections, collected, uncollectable.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dst: Option<[[u64; 3]; 3]>,
    /// Size of the permanent generation less that at the start, when it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fz: Option<i64>,
    /// The generations' lists: object numbers, weak reference w as −1 − w.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gens: Option<[Vec<i64>; 3]>,
}

impl Line {
    /// The line as it is printed.
    pub fn print(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings only")
    }

    /// The first field in which another line is not this one.
    fn differs_in(&self, other: &Self) -> Option<&'static str> {
        let Self { i, ret, ev, cnt, dst, fz, gens } = self;
        let same = [
            ("i", *i == other.i),
            ("ret", *ret == other.ret),
            ("ev", *ev == other.ev),
            ("cnt", *cnt == other.cnt),
            ("dst", *dst == other.dst),
            ("fz", *fz == other.fz),
            ("gens", *gens == other.gens),
        ];
        same.iter().find(|(_, same)| !same).map(|&(field, _)| field)
    }

    /// The line with order taken out of `gens` and `ev`: what logs that unfreeze, and heaps without list order, promise.
    fn sets(&self) -> Self {
        let mut line = self.clone();
        line.ev.sort();
        line.gens.iter_mut().flatten().for_each(|generation| generation.sort_unstable());
        line
    }
}

/// The first line at which an outcome is not what was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// From 0.
    pub operation: usize,
    /// The line expected, or nothing where the expectation ends early.
    pub expected: String,
    /// The line that came.
    pub came: String,
    /// The first field that differs; `None` where one of the lines is missing.
    pub field: Option<&'static str>,
}

/// The lines of a recorded outcome (with or without its first line, which tells the baseline).
///
/// # Errors
/// A line that is not of the format, as (line from 1, cause).
pub fn parse_lines(recorded: &str) -> Result<Vec<Line>, (usize, String)> {
    let is_line = |&(_, text): &(usize, &str)| !text.trim().is_empty() && parse_baseline(text).is_none();
    let lines = recorded.lines().enumerate().filter(is_line);
    lines.map(|(number, text)| serde_json::from_str(text).map_err(|cause| (number + 1, cause.to_string()))).collect()
}

/// Compares an outcome with a recorded one (with or without its first line, which tells the baseline).
///
/// # Errors
/// A recorded line that is not of the format, as (line from 1, cause).
pub fn compare(came: &[Line], recorded: &str, ordered: bool) -> Result<Option<Difference>, (usize, String)> {
    let mut expected =
        recorded.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && parse_baseline(line).is_none());
    let mut came = came.iter();
    loop {
        let (expected, came) = (expected.next(), came.next());
        let operation = came.map_or(0, |line| line.i);
        let Some((number, text)) = expected else {
            return Ok(came.map(|line| Difference {
                operation,
                expected: String::new(),
                came: line.print(),
                field: None,
            }));
        };
        let line: Line = serde_json::from_str(text).map_err(|cause| (number + 1, cause.to_string()))?;
        let Some(came) = came else {
            return Ok(Some(Difference {
                operation: line.i,
                expected: text.to_owned(),
                came: String::new(),
                field: None,
            }));
        };
        let field = if ordered { line.differs_in(came) } else { line.sets().differs_in(&came.sets()) };
        if field.is_some() {
            return Ok(Some(Difference { operation, expected: text.to_owned(), came: came.print(), field }));
        }
    }
}

/// The first line of a recorded outcome: how many objects the interpreter itself had in the permanent generation, and how
/// many of them were immortal.
pub fn parse_baseline(line: &str) -> Option<(u32, u32)> {
    #[derive(Deserialize)]
    struct First {
        baseline_frozen: u32,
        baseline_immortal: u32,
    }
    let first: First = serde_json::from_str(line).ok()?;
    Some((first.baseline_frozen, first.baseline_immortal))
}
