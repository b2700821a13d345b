//! The Python programs that ask an interpreter what an experiment asks a heap: built into this program, written to a
//! temporary folder for an interpreter to run.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::scratch::Scratch;

/// Name and text of a file of `python/experiments`.
macro_rules! program {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../python/experiments/", $name)))
    };
}

/// The programs, and the modules that they share.
const FILES: [(&str, &str); 16] = [
    program!("batch.py"),
    program!("claim.py"),
    program!("claims.py"),
    program!("claims_collector.py"),
    program!("claims_costs.py"),
    program!("claims_counting.py"),
    program!("claims_remedies.py"),
    program!("draws.py"),
    program!("floating.py"),
    program!("fork.py"),
    program!("measured.py"),
    program!("release.py"),
    program!("report.py"),
    program!("request_tree.py"),
    program!("shapes.py"),
    program!("web.py"),
];

/// The programs in a folder, which goes when this does.
#[derive(Debug)]
pub struct Programs {
    folder: Scratch,
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
        let folder = Scratch::new()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_of_the_folder_is_built_in_and_written() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../python/experiments");
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let programs = Programs::write().unwrap();
        for name in names.filter(|name| name.ends_with(".py") && name != "selftest.py") {
            assert!(programs.path(&name).is_file(), "add {name} to FILES");
        }
    }
}
