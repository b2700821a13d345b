//! One experiment as a reader meets it: its question, what was found, tables and pictures, and where they come from.
//!
//! Every experiment ends in chapters, and every writer (Markdown, the page) sets any chapter; so no experiment has a writer of
//! its own, and no writer knows an experiment.

pub mod files;
pub mod screen;

use serde::Serialize;

use super::grid::{Grid, Word};
use super::origin::{drawing_without_paths, without_paths};

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chapter {
    /// Names it in paths and links, such as `freeze`: lower case letters, digits and hyphens.
    pub stem: String,
    /// What is above it.
    pub title: String,
    /// What it asks, in a sentence or two.
    pub question: String,
    /// What was found, the most important first; whole sentences.
    pub findings: Vec<Finding>,
    /// Lines to use as they stand, such as of a program.
    pub listings: Vec<Listing>,
    /// What must not be read out of it, and how figures are meant.
    pub notes: Vec<String>,
    /// The tables.
    pub grids: Vec<Grid>,
    /// The pictures.
    pub pictures: Vec<Picture>,
    /// Where it comes from: command, commit, machine, rounds, noise floor and what else a name and a value can say.
    pub facts: Vec<(String, String)>,
    /// The records behind it: lines of JSON.
    pub records: Vec<String>,
}

impl Chapter {
    /// The chapter as anybody may read it: no string of it has more of an absolute path than its last name. Who writes a chapter
    /// to a file writes this.
    #[must_use]
    pub fn without_paths(&self) -> Self {
        let cut = |text: &String| without_paths(text);
        let all = |texts: &[String]| texts.iter().map(cut).collect::<Vec<_>>();
        let word = |word: &Word| Word { text: cut(&word.text), bold: word.bold };
        let row = |(name, words): &(String, Vec<Word>)| (cut(name), words.iter().map(word).collect());
        let grid = |grid: &Grid| Grid {
            title: cut(&grid.title),
            corner: cut(&grid.corner),
            columns: all(&grid.columns),
            rows: grid.rows.iter().map(row).collect(),
            notes: all(&grid.notes),
        };
        let picture = |picture: &Picture| Picture {
            stem: picture.stem.clone(),
            title: cut(&picture.title),
            svg: drawing_without_paths(&picture.svg),
        };
        let listing = |listing: &Listing| Listing { title: cut(&listing.title), ..listing.clone() };
        let finding = |finding: &Finding| Finding { about: cut(&finding.about), text: cut(&finding.text) };
        Self {
            stem: self.stem.clone(),
            title: cut(&self.title),
            question: cut(&self.question),
            findings: self.findings.iter().map(finding).collect(),
            listings: self.listings.iter().map(listing).collect(),
            notes: all(&self.notes),
            grids: self.grids.iter().map(grid).collect(),
            pictures: self.pictures.iter().map(picture).collect(),
            facts: self.facts.iter().map(|(name, value)| (cut(name), cut(value))).collect(),
            records: all(&self.records),
        }
    }
}

/// A sentence that stands for something measured.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What it is about, in a few words.
    pub about: String,
    /// The sentence.
    pub text: String,
}

/// Lines of a program, to be pasted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// What they are for.
    pub title: String,
    /// Their language, as Markdown names it.
    pub language: &'static str,
    /// The lines.
    pub lines: Vec<String>,
}

/// A drawing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Its file without the ending, no other of the chapter has it.
    pub stem: String,
    /// What it shows, for who cannot see it.
    pub title: String,
    /// The drawing, with its own style and title elements on what can be pointed at.
    pub svg: String,
}

/// A stem from any name: what is no letter or digit becomes a hyphen.
pub fn stem(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            stem.push(c.to_ascii_lowercase());
        } else if !stem.ends_with('-') && !stem.is_empty() {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "run".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_of_a_chapter_keeps_a_path() {
        let text = |what: &str| format!("{what} failed: cannot open '/home/somebody/a secret/dump.gz': gone");
        let chapter = Chapter {
            stem: "x".to_owned(),
            title: text("title"),
            question: text("question"),
            findings: vec![Finding { about: text("about"), text: text("finding") }],
            listings: vec![Listing { title: text("listing"), language: "python", lines: vec!["import gc".to_owned()] }],
            notes: vec![text("note")],
            grids: vec![Grid {
                title: text("grid"),
                corner: text("corner"),
                columns: vec![text("column")],
                rows: vec![(text("row"), vec![Word { text: text("word"), bold: true }])],
                notes: vec![text("grid's note")],
            }],
            pictures: vec![Picture {
                stem: "y".to_owned(),
                title: text("picture"),
                svg: format!("<svg><title>{}</title></svg>", text("drawing")),
            }],
            facts: vec![(text("name"), text("fact"))],
            records: vec![r#"{"heap":"/home/somebody/a secret/dump.gz"}"#.to_owned()],
        };
        let cut = chapter.without_paths();
        let (before, after) = (format!("{chapter:?}"), format!("{cut:?}"));
        assert!(!after.contains("somebody") && !after.contains("secret"), "{after}");
        assert_eq!(after.matches("dump.gz").count(), before.matches("dump.gz").count());
        assert!(after.contains("</title></svg>"), "{after}");
        assert_eq!(cut.without_paths(), cut);
    }
}
