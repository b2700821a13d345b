//! A run folder: `run.json`, `cells.jsonl` with one line a cell, and one `.hlog` a cell.
//!
//! A finished cell is on disk before the next one begins: whatever ends the program, finished cells stay, and a line
//! that was being written then is not taken for one.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::histogram::write_whole;
use crate::provenance::{Provenance, binary_hash, machine_hash};
use crate::record::Record;

/// A line of `cells.jsonl`: what is kept of a finished cell.
pub trait Line: Clone + Serialize + DeserializeOwned {
    /// What comes behind `gclab` on the command line of a run of such cells.
    const VERB: &'static str;
}

impl Line for Record {
    const VERB: &'static str = "compare";
}

/// The folder of a comparison.
pub type RunFolder = CellFolder<Record>;

/// See the [module](self). While it is open, no other process can open it.
#[derive(Debug)]
pub struct CellFolder<R> {
    path: PathBuf,
    cells: File,
    records: Vec<R>,
}

impl<R: Line> CellFolder<R> {
    /// A new folder, made if it is not there.
    ///
    /// # Errors
    /// If it cannot be written, or holds a run already.
    pub fn create(path: &Path) -> Result<Self> {
        let unwritable = || format!("cannot write the run folder {}; choose another one with --out", path.display());
        fs::create_dir_all(path).with_context(unwritable)?;
        // One that was killed before it had written what it runs holds no run.
        let is_begun = path.join("run.json").exists();
        let is_empty = fs::metadata(path.join("cells.jsonl")).is_ok_and(|file| file.len() == 0);
        if path.join("cells.jsonl").exists() && (is_begun || !is_empty) {
            let path = path.display();
            bail!("{path} holds a run already; go on with it (--resume {path}) or choose another folder with --out");
        }
        let mut options = OpenOptions::new();
        let cells = options.read(true).append(true).create(true).open(path.join("cells.jsonl"));
        let folder = Self { path: path.to_owned(), cells: cells.with_context(unwritable)?, records: Vec::new() };
        folder.lock()?;
        Ok(folder)
    }

    /// An existing one, to go on with. A torn last line is cut off.
    ///
    /// # Errors
    /// If it holds no run or one of other lines, another process is at it, or a line before the last is no record.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        refuse_other_lines::<R>(path)?;
        let mut options = OpenOptions::new();
        let mut cells = options.read(true).append(true).open(path.join("cells.jsonl")).with_context(|| {
            format!("cannot go on with {shown}; name a folder that `gclab {}` has written and you may write", R::VERB)
        })?;
        let mut text = Vec::new();
        cells.read_to_end(&mut text).with_context(|| format!("cannot read {shown}/cells.jsonl"))?;
        let (records, whole) = parse(&text).with_context(|| format!("{shown}/cells.jsonl is damaged"))?;
        let mut folder = Self { path: path.to_owned(), cells, records };
        folder.lock()?;
        if whole < text.len() {
            folder.cells.set_len(whole as u64).with_context(|| format!("cannot repair {shown}/cells.jsonl"))?;
            folder.cells.seek(SeekFrom::End(0)).with_context(|| format!("cannot repair {shown}/cells.jsonl"))?;
        }
        Ok(folder)
    }

    /// Puts it in another place of the same file system, where nothing is or an empty folder.
    ///
    /// # Errors
    /// If something is there. Then it stays where it is.
    pub fn move_to(&mut self, path: &Path) -> Result<()> {
        fs::rename(&self.path, path).with_context(|| {
            format!("cannot put the run folder at {}; choose another place with --out", path.display())
        })?;
        self.path = path.to_owned();
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The records of finished cells, in the order in which they ended.
    pub fn records(&self) -> &[R] {
        &self.records
    }

    /// Where the histograms of a cell are.
    pub fn hlog(&self, cell: &str) -> PathBuf {
        self.path.join(format!("{cell}.hlog"))
    }

    /// Where the trace of a cell is, if one was asked for.
    pub fn trace(&self, cell: &str) -> PathBuf {
        self.path.join(format!("{cell}.trace.json"))
    }

    /// Adds the record of a finished cell; it is on disk when this returns.
    ///
    /// # Errors
    /// If it cannot be written. Cells added before stay.
    pub fn append(&mut self, record: R) -> Result<()> {
        let mut line = serde_json::to_string(&record).context("a record that is no JSON")?;
        line.push('\n');
        self.cells.write_all(line.as_bytes()).and_then(|()| self.cells.sync_data()).with_context(|| {
            let (path, done) = (self.path.display(), self.records.len());
            let words = kind_of(&self.path).map_or_else(|| format!("gclab {} --resume", R::VERB), |kind| words_to_resume(&kind));
            format!(
                "cannot write {path}/cells.jsonl; {done} finished cells are kept: free space there, then go on with `{words} {path}`"
            )
        })?;
        self.records.push(record);
        Ok(())
    }

    /// Changes finished cells' records, such as to mark what only a look at all of them shows. `change` says whether it did; if
    /// so `cells.jsonl` is replaced whole, and until then it is as it was.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn amend(&mut self, change: impl FnOnce(&mut [R]) -> bool) -> Result<()> {
        let mut records = self.records.clone();
        if !change(&mut records) {
            return Ok(());
        }
        let mut text = Vec::new();
        for record in &records {
            serde_json::to_writer(&mut text, record).context("a record that is no JSON")?;
            text.push(b'\n');
        }
        let (path, temporary) = (self.path.join("cells.jsonl"), self.path.join("cells.jsonl.part"));
        let unwritable = || format!("cannot write {}; free space there", path.display());
        let mut options = OpenOptions::new();
        let cells = options.read(true).append(true).create(true).open(&temporary).with_context(unwritable)?;
        let mut amended = Self { path: self.path.clone(), cells, records };
        // It is locked before it is in the place of the one that is: there is no moment at which another process could open it.
        amended.lock()?;
        let whole = amended.cells.set_len(0).and_then(|()| amended.cells.write_all(&text));
        let written = whole.and_then(|()| amended.cells.sync_all()).and_then(|()| fs::rename(&temporary, &path));
        written.with_context(unwritable)?;
        *self = amended;
        Ok(())
    }

    /// Writes `run.json`.
    pub fn write_run(&self, run: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(run).context("a run that is no JSON")?;
        text.push('\n');
        write_whole(&self.path.join("run.json"), text.as_bytes()).with_context(|| {
            format!("cannot write {}/run.json; free space there, or choose another folder", self.path.display())
        })
    }

    /// Reads `run.json`.
    pub fn read_run<T: DeserializeOwned>(&self) -> Result<T> {
        let path = self.path.join("run.json");
        let text = fs::read(&path).with_context(|| {
            let (file, folder) = (path.display(), self.path.display());
            format!(
                "cannot read {file}: the run was killed before it had begun, or the file is gone; start it again with the \
                 same arguments and --out {folder}"
            )
        })?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not of this version of gclab; start a new run", path.display()))
    }

    fn lock(&self) -> Result<()> {
        self.cells.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                anyhow!("another gclab is writing to {}; wait for it or choose another folder", self.path.display())
            }
            fs::TryLockError::Error(error) => anyhow!("cannot lock {}/cells.jsonl ({error})", self.path.display()),
        })
    }
}

impl<R> Drop for CellFolder<R> {
    fn drop(&mut self) {
        // A child that was forked and has not yet begun its own program has a copy of the file: closing ours alone would leave
        // the lock to it for a moment. If this fails, closing must do.
        let _ = self.cells.unlock();
    }
}

/// Which sort of run a folder holds, as its `run.json` says; `None` if it does not say.
pub fn kind_of(path: &Path) -> Option<String> {
    let text = fs::read(path.join("run.json")).ok()?;
    let run: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(run.get("kind")?.as_str()?.to_owned())
}

/// The words that make a run of this kind.
fn words(kind: &str) -> String {
    // Experiments are below `reproduce`; these two are verbs of their own.
    if ["compare", "tune"].contains(&kind) { format!("gclab {kind}") } else { format!("gclab reproduce {kind}") }
}

/// The words that go on with a run of this kind, but for its folder.
pub fn words_to_resume(kind: &str) -> String {
    format!("{} --resume", words(kind))
}

/// What is to be done about a run that was interrupted: go on with it; one of thresholds whose rounds are not yet known cannot.
pub fn remedy(kind: &str, is_planned: bool, path: &Path) -> String {
    match kind {
        "thresholds" if !is_planned => format!("remove {}, and begin again", path.display()),
        _ => format!("go on with `{} {}`", words_to_resume(kind), path.display()),
    }
}

/// Asks before anything else of a folder is read whether it holds a run of this kind, to go on with.
///
/// # Errors
/// If it holds none, or one of another kind: then with the command that goes on with that.
pub fn refuse_other(path: &Path, kind: &str) -> Result<()> {
    let shown = path.display();
    if !path.join("run.json").exists() && !path.join("cells.jsonl").exists() {
        bail!("cannot go on with {shown}: there is no run; name a folder that `{}` has written", words(kind));
    }
    match kind_of(path).filter(|known| known != kind) {
        Some(other) => Err(another(path, &other)),
        None => Ok(()),
    }
}

/// Asks whether this build began a run: cells of two builds do not compare.
///
/// # Errors
/// If another build did, or this program cannot read its own file.
pub fn refuse_other_build(path: &Path, begun: &Provenance) -> Result<()> {
    if begun.binary.as_deref() == Some(binary_hash()?) {
        return Ok(());
    }
    bail!(
        "{} was begun by another build of gclab, and its cells would not compare; start a new run, or use that build",
        path.display()
    )
}

/// Asks whether all of these, the machines of a run's records, are this one: cells of two machines do not compare.
///
/// # Errors
/// If one is not.
pub fn refuse_other_machine<'r>(path: &Path, machines: impl IntoIterator<Item = Option<&'r str>>) -> Result<()> {
    if machines.into_iter().all(|machine| machine == machine_hash()) {
        return Ok(());
    }
    bail!("{} was begun on another machine, and its cells would not compare; go on there", path.display())
}

fn another(path: &Path, kind: &str) -> anyhow::Error {
    let (path, resume) = (path.display(), words_to_resume(kind));
    anyhow!("{path} holds a run of another kind, `{kind}`; go on with it by `{resume} {path}`")
}

/// Lines of other runs are no damage: whoever was told so would remove them.
fn refuse_other_lines<R: Line>(path: &Path) -> Result<()> {
    let Some(kind) = kind_of(path) else { return Ok(()) };
    // Who has which lines; a kind that is not known may have any.
    let verb = match kind.as_str() {
        "compare" | "thresholds" | "tune" => "compare",
        "freeze" => "reproduce freeze",
        "pauses" | "floating" | "release" | "claims" => "reproduce EXPERIMENT",
        _ => R::VERB,
    };
    if verb == R::VERB { Ok(()) } else { Err(another(path, &kind)) }
}

/// Reads a folder's `run.json` and finished cells, and changes nothing in it: it may be on a disk that cannot be written.
///
/// # Errors
/// If a file is not there or is damaged.
pub fn read<T: DeserializeOwned, R: Line>(path: &Path) -> Result<(T, Vec<R>)> {
    let shown = path.display();
    refuse_other_lines::<R>(path)?;
    let file = |name: &str| {
        let (verb, path) = (R::VERB, path.join(name));
        fs::read(path)
            .with_context(|| format!("cannot read {shown}/{name}; name a folder that `gclab {verb}` has written"))
    };
    let run = serde_json::from_slice(&file("run.json")?)
        .with_context(|| format!("{shown}/run.json is damaged or of another version of gclab; run it again"))?;
    let (records, _) = parse(&file("cells.jsonl")?).with_context(|| format!("{shown}/cells.jsonl is damaged"))?;
    Ok((run, records))
}

/// The records of whole lines, and how many bytes those take. The last line may be torn.
fn parse<R: Line>(text: &[u8]) -> Result<(Vec<R>, usize)> {
    let mut records = Vec::new();
    let mut whole = 0;
    let mut lines = text.split_inclusive(|&byte| byte == b'\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        match serde_json::from_slice(line) {
            Ok(record) if line.ends_with(b"\n") => records.push(record),
            Ok(_) => break,
            Err(_) if lines.peek().is_none() => break,
            Err(error) => {
                return Err(error).with_context(|| format!("line {}: remove it and the run can go on", number + 1));
            }
        }
        whole += line.len();
    }
    Ok((records, whole))
}

#[cfg(test)]
mod tests {
    use workloads::catalogue;

    use super::*;
    use crate::cell::Cell;

    fn record(round: u32) -> Record {
        let cell = Cell::new("refcount", &[], catalogue::ENTRIES[0].name, &[], 1).unwrap();
        Cell { round, ..cell }.record(None)
    }

    #[test]
    fn torn_last_line_is_cut_off_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = RunFolder::create(folder.path()).unwrap();
        run.append(record(0)).unwrap();
        run.append(record(1)).unwrap();
        drop(run);
        let path = folder.path().join("cells.jsonl");
        let text = fs::read(&path).unwrap();
        for torn in [text.len() - 1, text.len() - 7, text.len() / 2 + 1] {
            fs::write(&path, &text[..torn]).unwrap();
            let mut run = RunFolder::open(folder.path()).unwrap();
            assert_eq!(run.records(), [record(0)]);
            run.append(record(1)).unwrap();
            drop(run);
            assert_eq!(fs::read(&path).unwrap(), text);
        }
    }

    #[test]
    fn damage_before_the_last_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let good = serde_json::to_string(&record(0)).unwrap();
        fs::write(folder.path().join("cells.jsonl"), format!("{good}\n{{]\n{good}\n")).unwrap();
        let error = format!("{:#}", RunFolder::open(folder.path()).unwrap_err());
        assert!(error.contains("line 2: remove it"), "{error}");
    }

    #[test]
    fn a_run_of_another_kind_is_no_damage_and_is_named_with_the_command_that_goes_on_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display();
        fs::write(folder.path().join("cells.jsonl"), "{\"of\":\"another kind\"}\n{}\n").unwrap();
        for (kind, command) in [("freeze", "gclab reproduce freeze"), ("claims", "gclab reproduce claims")] {
            fs::write(folder.path().join("run.json"), format!("{{\"kind\":\"{kind}\"}}")).unwrap();
            let other = read::<serde_json::Value, Record>(folder.path()).map(drop).unwrap_err();
            for error in
                [other, RunFolder::open(folder.path()).unwrap_err(), refuse_other(folder.path(), "tune").unwrap_err()]
            {
                let error = format!("{error:#}");
                assert!(error.ends_with(&format!("go on with it by `{command} --resume {shown}`")), "{error}");
                assert!(!error.contains("remove it") && !error.contains("damaged"), "{error}");
            }
            refuse_other(folder.path(), kind).unwrap();
        }
        let error = refuse_other(Path::new("/nope"), "tune").unwrap_err().to_string();
        assert_eq!(error, "cannot go on with /nope: there is no run; name a folder that `gclab tune` has written");
    }

    #[test]
    fn what_cannot_go_on_is_begun_again() {
        let path = Path::new("runs/x");
        assert_eq!(remedy("thresholds", false, path), "remove runs/x, and begin again");
        assert_eq!(remedy("thresholds", true, path), "go on with `gclab reproduce thresholds --resume runs/x`");
        assert_eq!(remedy("compare", false, path), "go on with `gclab compare --resume runs/x`");
    }

    #[test]
    fn amended_records_are_on_disk_and_cells_can_follow() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = RunFolder::create(folder.path()).unwrap();
        run.append(record(0)).unwrap();
        run.append(record(1)).unwrap();
        run.amend(|records| {
            records[0].error = Some("amended".to_owned());
            true
        })
        .unwrap();
        assert!(RunFolder::open(folder.path()).unwrap_err().to_string().contains("another gclab"), "it stays locked");
        run.append(record(2)).unwrap();
        drop(run);
        let run = RunFolder::open(folder.path()).unwrap();
        let amended = Record { error: Some("amended".to_owned()), ..record(0) };
        assert_eq!(run.records(), [amended, record(1), record(2)]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn folder_belongs_to_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _run = RunFolder::create(folder.path()).unwrap();
        assert!(RunFolder::create(folder.path()).unwrap_err().to_string().contains("another gclab"));
        assert!(RunFolder::open(folder.path()).unwrap_err().to_string().contains("another gclab"));
    }
    #[test]
    fn a_copy_of_the_file_in_a_child_does_not_keep_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::create(folder.path()).unwrap();
        // As a fork copies it.
        let copy = run.cells.try_clone().unwrap();
        drop(run);
        assert!(RunFolder::open(folder.path()).is_ok());
        drop(copy);
    }
}
