//! Which kinds of runs can be published: one line each, by the `kind` in `run.json`.
//!
//! A new experiment plugs in here and nowhere else: with a function from its folder to an [`Edition`]; one that has chapters
//! alone uses [`Edition::of_chapters`].

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::experiment::claims::Claims;
use crate::experiment::floating::FloatingGarbage;
use crate::experiment::pauses::Pauses;
use crate::experiment::release::Release;
use crate::experiment::thresholds::files::Results;
use crate::experiment::trial::{self, Experiment, whole_chapter};
use crate::experiment::{freeze, live, tune};
use crate::report::chapter::Chapter;
use crate::report::edition::{Edition, Leaf};
use crate::report::origin::Origin;
use crate::report::quantity::Quantity;
use crate::report::source::Source;
use crate::run_folder;

/// Makes an edition from a folder; the quantity is that of sweep plots.
type Read = fn(&Path, Option<&'static Quantity>) -> Result<Edition>;

/// The kinds: their names in `run.json`, and what reads them.
const KINDS: [(&str, Read); 8] = [
    ("compare", compared),
    ("thresholds", thresholds),
    ("freeze", frozen),
    ("pauses", |folder, _| asked(&Pauses, folder)),
    ("floating", |folder, _| asked(&FloatingGarbage, folder)),
    ("release", |folder, _| asked(&Release, folder)),
    ("claims", |folder, _| asked(&Claims, folder)),
    (tune::NAME, tuned),
];

/// A run folder as it will be published: without paths of the machine.
///
/// # Errors
/// If it holds no run of a known kind, or a file of it is damaged.
pub fn edition(folder: &Path, swept: Option<&'static Quantity>) -> Result<Edition> {
    let kind = kind(folder)?;
    match KINDS.iter().find(|(known, _)| *known == kind) {
        Some((_, read)) => Ok(read(folder, swept)?.without_paths()),
        None => {
            let known = KINDS.map(|(name, _)| name).join(", ");
            bail!(
                "{} holds a run of kind `{kind}`, which this gclab cannot publish ({known}); use the version that made it",
                folder.display()
            )
        }
    }
}

/// The chapters of a run folder, without its records.
///
/// # Errors
/// As for [`edition`].
pub fn chapters(folder: &Path) -> Result<Vec<Chapter>> {
    Ok(edition(folder, None)?.chapters)
}

/// The kind that `run.json` says; `compare` where there is none, as older runs have cells alone.
fn kind(folder: &Path) -> Result<String> {
    let compare = || "compare".to_owned();
    let path = folder.join("run.json");
    let Ok(text) = fs::read(&path) else {
        let cells = fs::read_to_string(folder.join("cells.jsonl")).unwrap_or_default();
        let first: Value = cells.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        if first.is_object() && first.get("workload").is_none() {
            bail!(
                "{} is gone, without which an experiment cannot be read; put it back, or run it again",
                path.display()
            );
        }
        return Ok(compare());
    };
    let run: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is damaged or of another version of gclab; run it again", path.display()))?;
    Ok(run.get("kind").and_then(Value::as_str).map_or_else(compare, str::to_owned))
}

fn compared(folder: &Path, swept: Option<&'static Quantity>) -> Result<Edition> {
    crate::report::edition(&Source::read(folder)?, swept)
}

/// Its own files beside those of a comparison, which it is too.
fn thresholds(folder: &Path, swept: Option<&'static Quantity>) -> Result<Edition> {
    let results = Results::read(folder)?;
    let mut edition = compared(folder, swept)?;
    edition.files.extend(leaves(results.files()?));
    Ok(Edition { chapters: vec![results.chapter()], ..edition })
}

/// An experiment with flat figures.
fn asked(experiment: &dyn Experiment, folder: &Path) -> Result<Edition> {
    let (run, records) = run_folder::read::<trial::Run, trial::Record>(folder)?;
    Edition::of_chapters(&name_of(folder, experiment.name()), vec![whole_chapter(experiment, &run, &records)])
}

/// The answer as it was given: its runs are a comparison of settings that were not all run as often.
fn tuned(folder: &Path, _swept: Option<&'static Quantity>) -> Result<Edition> {
    let answer = tune::files::read(folder)?;
    let chapter = tune::chapter::chapter(&answer, &Origin::of(&Source::read(folder)?))?;
    Edition::of_chapters(&name_of(folder, tune::NAME), vec![chapter])
}

/// The folder's own name, if it has one.
fn name_of(folder: &Path, otherwise: &str) -> String {
    let full = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    full.file_name().map_or_else(|| otherwise.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn frozen(folder: &Path, _swept: Option<&'static Quantity>) -> Result<Edition> {
    let (run, records) = run_folder::read::<freeze::Run, freeze::Record>(folder)?;
    let report = freeze::Report::new(&run, &records, &live::read(folder)?)?;
    Ok(Edition { name: name_of(folder, "freeze"), files: leaves(report.files()?), chapters: vec![report.chapter()] })
}

fn leaves(files: Vec<(String, String)>) -> Vec<Leaf> {
    files.into_iter().map(|(path, text)| Leaf::new(path, text)).collect()
}
