//! A folder for the time of a process: it goes with who made it; where the process was killed first, whoever makes the next
//! one removes it.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// How the names of these folders begin.
const PREFIX: &str = "gclab-scratch-";

/// The file in each that its process holds locked: the system lets go of it however the process ends, and no number of a
/// process is taken for another's.
const LOCK: &str = "lock";

/// See the [module](self).
#[derive(Debug)]
pub struct Scratch {
    // Goes first: until then nobody else may lock it.
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// A new folder below the one for temporary files, where those of processes that are gone are removed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new() -> Result<Self> {
        let place = std::env::temp_dir();
        sweep(&place);
        Self::below(&place).with_context(|| {
            format!("cannot write to the temporary folder {}; free space there or set TMPDIR", place.display())
        })
    }

    fn below(place: &Path) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        // It has its name when it is locked: there is no moment at which it looks left behind.
        let unlocked = folder.path().join("lock.part");
        let lock = File::create(&unlocked)?;
        lock.lock()?;
        fs::rename(&unlocked, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what killed processes left; what cannot be removed, such as another user's, stays.
fn sweep(place: &Path) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let is_left = |lock: File| lock.try_lock().is_ok();
        if File::open(entry.path().join(LOCK)).is_ok_and(is_left) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_in_use_stays() {
        let place = tempfile::tempdir().unwrap();
        let (used, ended) = (Scratch::below(place.path()).unwrap(), Scratch::below(place.path()).unwrap());
        fs::write(ended.path().join("program.py"), "").unwrap();
        // As the system ends a process: its files are closed, and nothing is removed.
        let Scratch { folder, _lock } = ended;
        let left = folder.keep();
        drop(_lock);
        let foreign = place.path().join("gclab-scratch-foreign");
        fs::create_dir(&foreign).unwrap();
        sweep(place.path());
        assert!(used.path().is_dir() && foreign.is_dir());
        assert!(!left.exists());
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }
}
