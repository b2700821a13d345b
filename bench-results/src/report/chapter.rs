//! One experiment as a reader meets it: its question, what was found, tables and pictures, and where they come from.
//!
//! Every experiment ends in chapters, and every writer (Markdown, the page) sets any chapter; so no experiment has a writer of
//! its own, and no writer knows an experiment.

pub mod files;
pub mod screen;

use super::grid::Grid;

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

/// A sentence that stands for something measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is about, in a few words.
    pub about: String,
    /// The sentence.
    pub text: String,
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
