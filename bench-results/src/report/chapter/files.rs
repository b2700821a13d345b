//! A chapter as files: `STEM.md`, `STEM.csv` (every cell of every table, tidy), `STEM.tex`, and a picture each in `plots/`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::super::latex;
use super::super::markdown::{self, escaped};
use super::Chapter;
use crate::histogram::write_whole;

/// Writes the files into a folder, which is made. Where they are, the Markdown first.
///
/// # Errors
/// If they cannot be written.
pub fn write(chapter: &Chapter, folder: &Path) -> Result<Vec<PathBuf>> {
    write_all(all(chapter)?, folder)
}

/// Writes files, each with its path below the folder, which is made. Where they are, in their order.
///
/// # Errors
/// If they cannot be written.
pub fn write_all(files: Vec<(String, String)>, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        let unwritable = || format!("cannot write {}; free space there, or choose another folder", path.display());
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(unwritable)?;
        write_whole(&path, text.as_bytes()).with_context(unwritable)?;
        written.push(path);
    }
    Ok(written)
}

/// The files: their paths below a folder, and texts; the Markdown first. Paths of the machine are cut out of them.
///
/// # Errors
/// If a figure is no text, which does not happen.
pub fn all(chapter: &Chapter) -> Result<Vec<(String, String)>> {
    let chapter = &chapter.without_paths();
    let stem = &chapter.stem;
    let mut files = vec![
        (format!("{stem}.md"), markdown(chapter)),
        (format!("{stem}.csv"), csv(chapter)?),
        (format!("{stem}.tex"), latex::chapter(chapter)),
    ];
    files.extend(chapter.pictures.iter().map(|picture| (format!("plots/{}.svg", picture.stem), picture.svg.clone())));
    Ok(files)
}

/// As Markdown (GitHub's dialect).
fn markdown(chapter: &Chapter) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("# {}\n\n{}\n\n", escaped(&chapter.title), escaped(&chapter.question));
    for finding in &chapter.findings {
        let _ = writeln!(text, "- **{}**: {}", escaped(&finding.about), escaped(&finding.text));
    }
    for listing in &chapter.listings {
        let (title, lines) = (escaped(&listing.title), listing.lines.join("\n"));
        let _ = writeln!(text, "\n{title}:\n\n```{}\n{lines}\n```", listing.language);
    }
    text.push('\n');
    for picture in &chapter.pictures {
        let _ = writeln!(text, "![{}](plots/{}.svg)\n", escaped(&picture.title), picture.stem);
    }
    for grid in &chapter.grids {
        markdown::grid(&mut text, 2, grid);
    }
    text.push_str("## How to read this, and where it comes from\n\n");
    for note in &chapter.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    let _ = writeln!(text, "\n| | |\n|---|---|");
    for (name, value) in &chapter.facts {
        let value = if name == "command" { format!("`{}`", value.replace('|', "\\|")) } else { escaped(value) };
        let _ = writeln!(text, "| {} | {value} |", escaped(name));
    }
    text
}

/// Every cell of every table: a line each.
fn csv(chapter: &Chapter) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["table", "row", "column", "value"])?;
    for grid in &chapter.grids {
        for (row, words) in &grid.rows {
            for (column, word) in grid.columns.iter().zip(words) {
                writer.write_record([&grid.title, row, column, &word.text])?;
            }
        }
    }
    let bytes = writer.into_inner().context("a table that cannot be finished")?;
    String::from_utf8(bytes).context("a table that is no text")
}
