//! A run's raw records, which a published result carries: `run.json`, `cells.jsonl`, the histograms, and the plan and the answer
//! of `tune`, as they are, but for paths of the machine, which are nobody's business.
//!
//! They lie beside the tables: what is published is a run folder again, and can be published again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::experiment::tune::{answer, plan};
use crate::histogram::write_whole;
use crate::report::origin::without_paths;

/// What a run may have beside its records, each file one JSON text: without it, it could not be published again.
const PLANS: [&str; 2] = [plan::FILE, answer::FILE];

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Raw {
    folder: PathBuf,
    run: Option<String>,
    cells: String,
    /// Plan and answer, of a kind of runs that has them, by the names of files.
    plans: Vec<(&'static str, String)>,
    /// What live interpreters said, by the names of files.
    live: Vec<(&'static str, String)>,
    histograms: Vec<PathBuf>,
}

impl Raw {
    /// Reads a run folder.
    ///
    /// # Errors
    /// If it holds no run, or paths cannot be cut out of it.
    pub fn read(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let not_a_run = || {
            format!("{shown} is no run folder; name one that `gclab compare --out` or `gclab reproduce` has written")
        };
        let cells = fs::read_to_string(folder.join("cells.jsonl")).with_context(not_a_run)?;
        let run = match fs::read_to_string(folder.join("run.json")) {
            Ok(text) => Some(cut(&text).with_context(|| format!("{shown}/run.json cannot be published"))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}/run.json")),
        };
        let mut plans = Vec::new();
        for name in PLANS {
            match fs::read_to_string(folder.join(name)) {
                Ok(text) => {
                    plans.push((name, cut(&text).with_context(|| format!("{shown}/{name} cannot be published"))?))
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot read {shown}/{name}")),
            }
        }
        // A torn last line is no record; damage elsewhere is told by who reads the records.
        let lines = cells.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let cells: String = lines.map(|line| cut(line).unwrap_or_else(|_| line.to_owned())).collect();
        let live = ["live/run.json", "live/cells.jsonl"];
        let live = live.into_iter().filter_map(|name| Some((name, fs::read_to_string(folder.join(name)).ok()?)));
        let entries = fs::read_dir(folder).with_context(not_a_run)?.flatten().map(|entry| entry.path());
        let is_histogram = |path: &PathBuf| path.extension().is_some_and(|end| end == "hlog");
        let mut histograms: Vec<PathBuf> = entries.filter(is_histogram).collect();
        histograms.sort();
        Ok(Self { folder: folder.to_owned(), run, cells, plans, live: live.collect(), histograms })
    }

    /// The records, a line each.
    pub fn lines(&self) -> Vec<String> {
        self.cells.lines().map(str::to_owned).collect()
    }

    /// Writes them into a folder; where they are. In the folder that they are from, nothing is to do.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, folder: &Path, histograms: bool) -> Result<Vec<PathBuf>> {
        let place = |path: &Path| fs::canonicalize(path).ok();
        if place(folder).is_some_and(|there| place(&self.folder) == Some(there)) {
            return Ok(Vec::new());
        }
        let unwritable =
            || format!("cannot write {}; choose a folder that can be written with --out", folder.display());
        fs::create_dir_all(folder).with_context(unwritable)?;
        let mut written = Vec::new();
        let texts = [("run.json", self.run.as_deref()), ("cells.jsonl", Some(self.cells.as_str()))];
        let live = self.plans.iter().chain(&self.live).map(|(name, text)| (*name, Some(text.as_str())));
        for (name, text) in texts.into_iter().chain(live).filter_map(|(name, text)| Some((name, text?))) {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(unwritable)?;
            write_whole(&path, text.as_bytes()).with_context(unwritable)?;
            written.push(path);
        }
        for from in self.histograms.iter().filter(|_| histograms) {
            let path = folder.join(from.file_name().unwrap_or_default());
            fs::copy(from, &path).with_context(|| format!("cannot copy {} to {}", from.display(), path.display()))?;
            written.push(path);
        }
        Ok(written)
    }
}

/// A text of JSON whose strings have no absolute path; all else of it is as it was, byte for byte.
fn cut(text: &str) -> Result<String> {
    let value: Value = serde_json::from_str(text).context("it is damaged: no JSON")?;
    let mut strings = BTreeSet::new();
    collect(&value, &mut strings);
    let mut cut = text.to_owned();
    // The longest first: one path may be the beginning of another.
    let mut with_paths: Vec<&str> = strings.into_iter().filter(|said| without_paths(said) != **said).collect();
    with_paths.sort_by_key(|said| std::cmp::Reverse(said.len()));
    for said in with_paths {
        let literal = |text: &str| serde_json::to_string(text).context("a string that is no JSON");
        cut = cut.replace(&literal(said)?, &literal(&without_paths(said))?);
    }
    let mut left = BTreeSet::new();
    let value: Value = serde_json::from_str(&cut).context("it is no JSON without its paths")?;
    collect(&value, &mut left);
    if let Some(path) = left.into_iter().find(|said| without_paths(said) != **said) {
        bail!("it names the path `{path}` in a way that cannot be cut out; take it out by hand");
    }
    Ok(cut)
}

fn collect<'v>(value: &'v Value, strings: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(said) => {
            strings.insert(said);
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, strings)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            strings.insert(name);
            collect(value, strings);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_and_nothing_else_is_changed() {
        let text = r#"{ "command": ["gclab", "--out", "/a/somebody/runs/deep", "x=/a/somebody/y"],
            "rate": 0.30000000000000004, "unit": "60/s", "error": "cannot open /a/somebody/h.gz: gone" }"#;
        let published = cut(text).unwrap();
        assert_eq!(
            published,
            text.replace("/a/somebody/runs/deep", "deep")
                .replace("/a/somebody/y", "y")
                .replace("/a/somebody/h.gz", "h.gz")
        );
        assert!(cut("{").is_err());
        // The same string, written in another way than we write it.
        assert!(cut(r#"{"a": "\u002fa\u002fb"}"#).is_err());
    }
}
