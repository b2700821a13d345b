//! A run as it will be published, whole in memory: nothing is written before all of it could be made.

use anyhow::Result;

use super::chapter::{Chapter, files};
use super::origin::{drawing_without_paths, without_paths};

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

impl Leaf {
    /// A table or a plot, as its ending says.
    pub fn new(path: String, text: String) -> Self {
        Self { kind: if path.ends_with(".svg") { "plot" } else { "table" }, path, text }
    }
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
    /// Of an experiment that has chapters and no files of its own: each chapter as tables, with its pictures.
    ///
    /// # Errors
    /// If a figure is no text, which does not happen.
    pub fn of_chapters(name: &str, chapters: Vec<Chapter>) -> Result<Self> {
        let mut leaves = Vec::new();
        for chapter in &chapters {
            leaves.extend(files::all(chapter)?.into_iter().map(|(path, text)| Leaf::new(path, text)));
        }
        Ok(Self { name: name.to_owned(), files: leaves, chapters })
    }

    /// The edition as anybody may read it: nothing of it, chapters and files, has more of an absolute path than its last name.
    #[must_use]
    pub fn without_paths(self) -> Self {
        let leaf = |leaf: Leaf| {
            let text = match leaf.kind {
                "plot" => drawing_without_paths(&leaf.text),
                // Line by line: a quote ends where its line does.
                _ => leaf.text.split_inclusive('\n').map(without_paths).collect(),
            };
            Leaf { text, ..leaf }
        };
        Self {
            name: self.name,
            files: self.files.into_iter().map(leaf).collect(),
            chapters: self.chapters.iter().map(Chapter::without_paths).collect(),
        }
    }
}
