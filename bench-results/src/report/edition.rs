//! A run as it will be published, whole in memory: nothing is written before all of it could be made.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::chapter::Chapter;
use super::markdown;

/// A file of an edition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// `table`, `percentiles` or `plot`.
    pub kind: &'static str,
    /// Its path below the folder of the run, with slashes.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edition {
    /// What the run is called.
    pub name: String,
    /// Its files.
    pub files: Vec<Leaf>,
    /// What a reader meets: the run first, then its parts.
    pub chapters: Vec<Chapter>,
}

impl Edition {
    /// Of an experiment that has chapters and no files of its own: each chapter as Markdown and CSV, with its pictures.
    ///
    /// # Errors
    /// If a figure is no text, which does not happen.
    pub fn of_chapters(name: &str, chapters: Vec<Chapter>) -> Result<Self> {
        let mut files = Vec::new();
        for chapter in &chapters {
            let mut leaf = |kind, path: String, text: String| files.push(Leaf { kind, path, text });
            for picture in &chapter.pictures {
                leaf("plot", format!("plots/{}-{}.svg", chapter.stem, picture.stem), picture.svg.clone());
            }
            leaf("table", format!("{}.csv", chapter.stem), csv(chapter)?);
            leaf("table", format!("{}.md", chapter.stem), as_markdown(chapter));
        }
        Ok(Self { name: name.to_owned(), files, chapters })
    }
}

/// One line a cell of each table, as its words have it.
fn csv(chapter: &Chapter) -> Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["chapter", "table", "row", "column", "text"])?;
    for grid in &chapter.grids {
        for (row, words) in &grid.rows {
            for (column, word) in grid.columns.iter().zip(words) {
                csv.write_record([&chapter.stem, &grid.title, row, column, &word.text])?;
            }
        }
    }
    String::from_utf8(csv.into_inner().context("cannot make CSV")?).context("CSV that is no text")
}

fn as_markdown(chapter: &Chapter) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("# {}\n\n{}\n\n", markdown::escaped(&chapter.title), markdown::escaped(&chapter.question));
    for finding in &chapter.findings {
        let _ = writeln!(text, "- **{}**: {}", markdown::escaped(&finding.about), markdown::escaped(&finding.text));
    }
    text.push('\n');
    for picture in &chapter.pictures {
        let _ =
            writeln!(text, "![{}](plots/{}-{}.svg)\n", markdown::escaped(&picture.title), chapter.stem, picture.stem);
    }
    for grid in &chapter.grids {
        markdown::grid(&mut text, 2, grid);
    }
    text.push_str("## How to read this, and where it comes from\n\n");
    for note in &chapter.notes {
        let _ = writeln!(text, "- {}", markdown::escaped(note));
    }
    text.push_str("\n| | |\n|---|---|\n");
    for (name, value) in &chapter.facts {
        let _ = writeln!(text, "| {} | {} |", markdown::escaped(name), markdown::escaped(value));
    }
    text
}
