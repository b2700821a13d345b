//! What a run leaves in its folder: `answer.json` beside the files of its chapter; and the text on the screen.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::answer::{Answer, FILE};
use super::chapter::{all, finalists, listing, tested};
use super::findings::findings;
use crate::histogram::write_whole;
use crate::report::chapter::{Chapter, files as chapter_files};
use crate::report::grid::Grid;

/// Writes all files; where they are. Paths of the machine are in `answer.json` alone, whose commands run as they are.
///
/// # Errors
/// If one cannot be written.
pub fn write(answer: &Answer, chapter: &Chapter, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut written = chapter_files::write(chapter, folder)?;
    let path = folder.join(FILE);
    let text = serde_json::to_string_pretty(answer).context("an answer that is no JSON")? + "\n";
    write_whole(&path, text.as_bytes())
        .with_context(|| format!("cannot write {}; free space there, then go on with the run", path.display()))?;
    written.push(path);
    Ok(written)
}

/// Reads the answer of a finished run.
///
/// # Errors
/// If there is none.
pub fn read(folder: &Path) -> Result<Answer> {
    let path = folder.join(FILE);
    let text = std::fs::read(&path).with_context(|| {
        let (file, folder) = (path.display(), folder.display());
        format!("cannot read {file}; finish the run first: `gclab tune --resume {folder}`")
    })?;
    serde_json::from_slice(&text).with_context(|| format!("{} is of another version of gclab", path.display()))
}

/// The answer on the screen.
pub fn on_screen(answer: &Answer) -> String {
    let mut text = String::new();
    let grids = answer.back_test.iter().map(tested);
    let searched = [all, finalists].into_iter().filter(|_| !answer.candidates.is_empty()).map(|grid| grid(answer));
    for grid in grids.chain(searched) {
        let _ = writeln!(text, "\n{}\n{}", grid.title, table(&grid));
        for note in &grid.notes {
            let _ = writeln!(text, "{note}");
        }
    }
    for finding in findings(answer) {
        let _ = writeln!(text, "\n{}: {}", finding.about, finding.text);
    }
    if let Some(listing) = listing(answer) {
        let _ = writeln!(text, "\n{}:\n", listing.title);
        for line in &listing.lines {
            let _ = writeln!(text, "{}", if line.is_empty() { String::new() } else { format!("    {line}") });
        }
    }
    let _ = writeln!(text);
    for note in &answer.notes {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn table(grid: &Grid) -> comfy_table::Table {
    let header = std::iter::once(grid.corner.clone()).chain(grid.columns.iter().cloned());
    let mut table = crate::table::plain(header);
    for (name, words) in &grid.rows {
        table.add_row(
            std::iter::once(name.clone()).chain(words.iter().map(|word| word.text.clone())).collect::<Vec<_>>(),
        );
    }
    table
}
