//! The Python programs that ask an interpreter what an experiment asks a heap: built into this program, written to a
//! temporary folder for an interpreter to run.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Name and text of each; they import one another.
const FILES: [(&str, &str); 0] = [];

/// The programs in a folder, which goes when this does.
#[derive(Debug)]
pub struct Programs {
    folder: TempDir,
}

impl Programs {
    /// Writes them.
    ///
    /// # Errors
    /// If there is no room for them.
    pub fn write() -> Result<Self> {
        Self::of(&FILES)
    }

    /// The same of these: name and text.
    ///
    /// # Errors
    /// If there is no room for them.
    pub fn of(files: &[(&str, &str)]) -> Result<Self> {
        let unwritable = "cannot write the Python programs to a temporary folder; free space there or set TMPDIR";
        let folder = tempfile::Builder::new().prefix("gclab-python-").tempdir().context(unwritable)?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text).context(unwritable)?;
        }
        Ok(Self { folder })
    }

    /// Where a program is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
