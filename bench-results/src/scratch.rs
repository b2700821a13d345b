//! A folder for the time of a process: it goes with who made it; where the process was killed first, whoever makes the next
//! one removes it.

use std::fs::{self, DirEntry, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// How the names of these folders begin.
const PREFIX: &str = "gclab-scratch-";

/// The file in each that its process holds locked: the system lets go of it however the process ends, and no number of a
/// process is taken for another's.
const LOCK: &str = "lock";

/// What it is called before it is locked.
const PART: &str = "lock.part";

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
        let unlocked = folder.path().join(PART);
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

/// Up to this age of a folder, its process may be about to lock the file in it.
const YOUNG: Duration = Duration::from_secs(3600);

/// Removes what killed processes of this user left; what cannot be removed stays.
fn sweep(place: &Path) {
    // The system gives a process's own entry to the user that it acts for.
    let Ok(user) = fs::metadata("/proc/self").map(|own| own.uid()) else { return };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let folder = entry.path();
        let is_own = fs::symlink_metadata(&folder).is_ok_and(|there| there.is_dir() && there.uid() == user);
        if is_own && is_left(&folder) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Whether the process that made a folder is gone.
fn is_left(folder: &Path) -> bool {
    let lock = folder.join(LOCK);
    match fs::symlink_metadata(&lock) {
        Ok(there) => there.is_file() && File::open(&lock).is_ok_and(|lock| lock.try_lock().is_ok()),
        // Its process was killed before it had locked it, or is just about to.
        Err(error) if error.kind() == ErrorKind::NotFound => has_nothing(folder) && is_old(folder),
        Err(_) => false,
    }
}

/// Whether there is nothing in a folder, or only what was to be locked.
fn has_nothing(folder: &Path) -> bool {
    let is_unlocked = |entry: std::io::Result<DirEntry>| entry.is_ok_and(|entry| entry.file_name() == PART);
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_unlocked))
}

fn is_old(folder: &Path) -> bool {
    let changed = fs::symlink_metadata(folder).and_then(|there| there.modified());
    // A time to come is no age.
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > YOUNG))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

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

    #[test]
    fn a_lock_that_is_no_file_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let odd = place.path().join("gclab-scratch-odd");
        fs::create_dir(&odd).unwrap();
        let made = std::process::Command::new("mkfifo").arg(odd.join(LOCK)).status().unwrap();
        assert!(made.success());
        sweep(place.path());
        assert!(odd.is_dir());
    }

    #[test]
    fn what_was_left_before_it_was_locked_is_removed_when_it_is_old() {
        let place = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * YOUNG;
        let folder = |name: &str, file: Option<&str>, age: Option<SystemTime>| {
            let folder = place.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&folder).unwrap();
            file.iter().for_each(|file| fs::write(folder.join(file), "").unwrap());
            age.iter().for_each(|age| File::open(&folder).unwrap().set_modified(*age).unwrap());
            folder
        };
        let left = [folder("empty", None, Some(old)), folder("part", Some(PART), Some(old))];
        let kept = [
            folder("new", None, None),
            folder("new-part", Some(PART), None),
            folder("of-others", Some("letter"), Some(old)),
        ];
        sweep(place.path());
        assert!(left.iter().all(|folder| !folder.exists()), "{left:?}");
        assert!(kept.iter().all(|folder| folder.is_dir()), "{kept:?}");
    }
}
