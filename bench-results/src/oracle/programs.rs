//! The Python side of the oracle, built into the program and written to a folder for an interpreter to run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The groups of logs, in the order in which fresh ones are made; `workloads/oracle/generate_logs.py` tells what each is for.
pub const GROUPS: [&str; 13] = [
    "plain",
    "auto",
    "grow",
    "weak",
    "resurrect",
    "freeze",
    "unfreeze",
    "chain",
    "cascade",
    "wide",
    "ages",
    "floor",
    "mixed",
];

const GENERATOR: &str = include_str!("../../../workloads/oracle/generate_logs.py");

/// Name and text of each. The writer of fresh logs finds the generator beside itself.
const FILES: [(&str, &str); 4] = [
    ("describe_interpreter.py", include_str!("../../../workloads/oracle/describe_interpreter.py")),
    ("fresh_logs.py", include_str!("../../../workloads/oracle/fresh_logs.py")),
    ("generate_logs.py", GENERATOR),
    ("record_outcome.py", include_str!("../../../workloads/oracle/record_outcome.py")),
];

/// The programs in a folder.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Writes them to `folder`, which is made.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn write(folder: &Path) -> Result<Self> {
        let failed = || format!("cannot write to {}; give a folder that can be written to by --keep", folder.display());
        fs::create_dir_all(folder).with_context(failed)?;
        for (name, text) in FILES {
            fs::write(folder.join(name), text).with_context(failed)?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Prints what the interpreter is.
    pub fn describe(&self) -> PathBuf {
        self.folder.join("describe_interpreter.py")
    }

    /// Writes fresh logs to a folder.
    pub fn fresh_logs(&self) -> PathBuf {
        self.folder.join("fresh_logs.py")
    }

    /// Runs a log and prints the outcome.
    pub fn record(&self) -> PathBuf {
        self.folder.join("record_outcome.py")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_of_the_generator() {
        let quoted: Vec<String> = GROUPS.iter().map(|group| format!("\"{group}\"")).collect();
        assert!(GENERATOR.contains(&format!("\nGROUPS = ({})\n", quoted.join(", "))));
    }
}
