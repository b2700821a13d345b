//! What a run leaves in its folder: `answer.json`, `tune.md` and its pictures; and the text on the screen.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::answer::{Answer, FILE, Verdict};
use super::chapter::{all, finalists, findings, tested};
use crate::histogram::write_whole;
use crate::report::chapter::Chapter;
use crate::report::grid::Grid;
use crate::report::markdown;

/// Writes all files; where they are. Paths of the machine are in `answer.json` alone, whose commands run as they are.
///
/// # Errors
/// If one cannot be written.
pub fn write(answer: &Answer, chapter: &Chapter, folder: &Path) -> Result<Vec<PathBuf>> {
    let chapter = &chapter.without_paths();
    let mut files = vec![
        (format!("{}.md", chapter.stem), page(answer, chapter)),
        (FILE.to_owned(), serde_json::to_string_pretty(answer).context("an answer that is no JSON")? + "\n"),
    ];
    files.extend(chapter.pictures.iter().map(|picture| (format!("{}.svg", picture.stem), picture.svg.clone())));
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        let unwritable = || format!("cannot write {}; free space there, then go on with the run", path.display());
        write_whole(&path, text.as_bytes()).with_context(unwritable)?;
        written.push(path);
    }
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

fn page(answer: &Answer, chapter: &Chapter) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("# {}\n\n{}\n\n", chapter.title, markdown::escaped(&chapter.question));
    for finding in &chapter.findings {
        let _ = writeln!(text, "- **{}**: {}", markdown::escaped(&finding.about), markdown::escaped(&finding.text));
    }
    if let Some(lines) = &answer.lines {
        let _ = writeln!(text, "\n```python\n{}\n```", lines.join("\n"));
    }
    let _ = writeln!(text);
    for grid in &chapter.grids {
        markdown::grid(&mut text, 2, grid);
    }
    for picture in &chapter.pictures {
        let _ = writeln!(text, "![{}]({}.svg)\n", markdown::escaped(&picture.title), picture.stem);
    }
    let _ = writeln!(text, "## How to read this, and where it comes from\n");
    for note in &chapter.notes {
        let _ = writeln!(text, "- {}", markdown::escaped(note));
    }
    let _ = writeln!(text, "\n| | |\n|---|---|");
    for (name, value) in &chapter.facts {
        let _ = writeln!(text, "| {} | {} |", markdown::escaped(name), markdown::escaped(value));
    }
    text
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
    if let Some(lines) = &answer.lines {
        let what = match answer.verdict {
            Verdict::DefaultMeets => "The default in words, for a Python that has another one:",
            _ => "Lines to paste:",
        };
        let _ = writeln!(text, "\n{what}\n");
        for line in lines {
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
