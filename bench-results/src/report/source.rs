//! A run folder as it is read for publication: nothing in it is written, locked or mended.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::older_runs;
use super::origin::without_paths;
use crate::comparison::Run;
use crate::record::Record;
use crate::run_folder::remedy;

/// A record, and what a cell may have told beside it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The record.
    pub record: Record,
    /// Objects dead and not reclaimed: (nanoseconds since the timed part began, objects). Empty where nobody counted them.
    pub trash: Vec<(f64, f64)>,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder.
    pub path: PathBuf,
    /// Its last name: what the run is called.
    pub name: String,
    /// `run.json`.
    pub run: Run,
    /// The lines of `cells.jsonl`, in the order in which cells ended.
    pub lines: Vec<Line>,
    /// What is to be said of the run as a whole, such as that it was cut short.
    pub notes: Vec<String>,
}

impl Source {
    /// Reads a run folder: also one of before there were points, and one with cells alone.
    ///
    /// # Errors
    /// If it is none, or a file of it is damaged. A torn last line is left out, with a note.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let not_a_run = || format!("{shown} is no run folder; name one that `gclab compare --out` has written");
        let cells = fs::read_to_string(path.join("cells.jsonl")).with_context(not_a_run)?;
        let run_json = match fs::read(path.join("run.json")) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}/run.json")),
        };
        let mut notes = Vec::new();
        let mut lines = lines(&cells, &mut notes).with_context(|| format!("{shown}/cells.jsonl is damaged"))?;
        if lines.is_empty() {
            let run: Value = serde_json::from_slice(run_json.as_deref().unwrap_or_default()).unwrap_or_default();
            let is_planned = run["comparison"]["rounds"].is_number();
            let remedy = remedy(run["kind"].as_str().unwrap_or("compare"), is_planned, path);
            bail!("{shown} has no finished cell; {remedy}, then publish it");
        }
        let run = run(run_json.as_deref(), &mut lines, &mut notes)
            .with_context(|| format!("{shown}/run.json is damaged or of another version of gclab; run it again"))?;
        if run.ended.is_none() {
            notes.push("The run was not finished: cells are missing.".to_owned());
        }
        if !run.comparison.left_out.is_empty() {
            let titles: Vec<String> = run.comparison.left_out.iter().map(|point| point.title()).collect();
            notes.push(format!("Left out, as the budget had no room: {}.", titles.join("; ")));
        }
        let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = full.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { path: path.to_owned(), name, run, lines, notes })
    }

    /// The machines on which cells ran, as their hashes, in the order of their first cells; `None`: not recorded.
    pub fn machines(&self) -> Vec<Option<&str>> {
        let mut machines = Vec::new();
        for line in &self.lines {
            let machine = line.record.machine.as_deref();
            if !machines.contains(&machine) {
                machines.push(machine);
            }
        }
        machines
    }

    /// How many rounds have ended with every cell of theirs; of a run whose rounds were not planned, how many have any.
    pub fn rounds_finished(&self) -> usize {
        let cells: BTreeSet<(u32, Option<&str>, &str, bool)> = self
            .lines
            .iter()
            .map(|Line { record, .. }| (record.round, record.point.as_deref(), record.heap.as_str(), record.twin))
            .collect();
        let rounds: BTreeSet<u32> = cells.iter().map(|cell| cell.0).collect();
        let of_a_round = self.run.comparison.cells_of_a_round();
        let is_whole = |round: &&u32| {
            self.run.comparison.rounds.is_none() || cells.iter().filter(|cell| cell.0 == **round).count() >= of_a_round
        };
        rounds.iter().filter(is_whole).count()
    }
}

/// What `run.json` says, in the terms of today.
fn run(run_json: Option<&[u8]>, lines: &mut [Line], notes: &mut Vec<String>) -> Result<Run> {
    let mut records: Vec<&mut Record> = lines.iter_mut().map(|line| &mut line.record).collect();
    let Some(text) = run_json else {
        notes.push(
            "There is no run.json: machine, commit and command are not known, and what was compared at is read off the cells."
                .to_owned(),
        );
        return older_runs::of_cells(&mut records);
    };
    let run: Value = serde_json::from_slice(text)?;
    if older_runs::is_older(&run) {
        notes.push("run.json is of an older gclab: cells are put to its workloads by what they ran.".to_owned());
        return older_runs::upgraded(run, &mut records);
    }
    Ok(serde_json::from_value(run)?)
}

fn lines(text: &str, notes: &mut Vec<String>) -> Result<Vec<Line>> {
    let mut all = Vec::new();
    for (number, text) in text.split_inclusive('\n').enumerate() {
        if !text.ends_with('\n') {
            notes.push("The last line of cells.jsonl is torn: its cell is left out.".to_owned());
            break;
        }
        all.push(line(text).with_context(|| format!("line {}: remove it, and publish again", number + 1))?);
    }
    Ok(all)
}

fn line(text: &str) -> Result<Line> {
    let mut value: Value = serde_json::from_str(text)?;
    let mut trash = samples(value.get("trash"));
    // Among the further figures of a workload, which are numbers, the samples are a stranger.
    if let Some(extra) = value.get_mut("extra").and_then(Value::as_object_mut)
        && extra.get("trash").is_some_and(Value::is_array)
    {
        trash = samples(extra.remove("trash").as_ref());
    }
    let mut record: Record = serde_json::from_value(value)?;
    // It is told in tables, notes and verdicts.
    record.error = record.error.as_deref().map(without_paths);
    Ok(Line { record, trash })
}

/// `[[nanoseconds, objects], …]`; whatever else is there is no sample.
fn samples(value: Option<&Value>) -> Vec<(f64, f64)> {
    let pairs = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    pairs.iter().filter_map(|pair| Some((pair.get(0)?.as_f64()?, pair.get(1)?.as_f64()?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use workloads::catalogue;

    use super::*;
    use crate::cell::Cell;

    fn text(extra: &Value) -> String {
        let record = Cell::new("refcount", &[], catalogue::ENTRIES[0].name, &[], 1).unwrap().record(None);
        let mut value = json!(record);
        value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        format!("{value}\n")
    }

    #[test]
    fn trash_is_found_as_a_field_or_among_further_figures() {
        let pairs = json!([[0, 5], [1_000, 7]]);
        for extra in [json!({"trash": pairs}), json!({"extra": {"trash": pairs, "hits": 0.5}})] {
            let line = line(&text(&extra)).unwrap();
            assert_eq!(line.trash, [(0.0, 5.0), (1000.0, 7.0)]);
        }
        assert!(line(&text(&json!({}))).unwrap().trash.is_empty());
    }

    #[test]
    fn torn_last_line_is_left_out_with_a_note_and_damage_before_it_is_named() {
        let good = text(&json!({}));
        let mut notes = Vec::new();
        assert_eq!(lines(&format!("{good}{}", &good[..good.len() / 2]), &mut notes).unwrap().len(), 1);
        assert!(notes[0].contains("torn"), "{notes:?}");
        let error = format!("{:#}", lines(&format!("{good}{{]\n{good}"), &mut Vec::new()).unwrap_err());
        assert!(error.contains("line 2: remove it"), "{error}");
    }
}
