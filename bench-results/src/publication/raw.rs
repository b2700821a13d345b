//! A run's raw records, which a published result carries: `run.json`, `cells.jsonl`, the histograms, and the plan and the answer
//! of `tune`, as they are, but for paths of the machine, which are nobody's business.
//!
//! They lie beside the tables: what is published is a run folder again, and can be published again.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::experiment::tune::{answer, plan};
use crate::histogram::write_whole;
use crate::report::origin::{Places, word_without_paths};
use crate::scratch::Scratch;

/// The files of text, below the folder: plan and answer are there of a kind of runs that has them, and those of interpreters
/// where one was asked. Without them a run could not be published again.
const TEXTS: [&str; 6] = ["run.json", "cells.jsonl", plan::FILE, answer::FILE, "live/run.json", LIVE_CELLS];

/// The records of interpreters.
const LIVE_CELLS: &str = "live/cells.jsonl";

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Raw {
    folder: PathBuf,
    /// By their names.
    texts: Vec<(&'static str, String)>,
    /// The first file out of which a path was cut.
    had_path: Option<&'static str>,
    histograms: Vec<PathBuf>,
}

impl Raw {
    /// Reads a run folder.
    ///
    /// # Errors
    /// If it holds no run, or a file of it cannot be read, is damaged, or has a path that cannot be cut out.
    pub fn read(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let not_a_run = || {
            format!("{shown} is no run folder; name one that `gclab compare --out` or `gclab reproduce` has written")
        };
        fs::metadata(folder.join("cells.jsonl")).with_context(not_a_run)?;
        let mut read = Vec::new();
        for name in TEXTS {
            let bytes = read_if_there(&folder.join(name))
                .with_context(|| format!("cannot read {shown}/{name}; make it readable, or put a copy of it back"))?;
            if let Some(bytes) = bytes {
                let text = whole_text(name, bytes).with_context(|| {
                    format!("{shown}/{name} is damaged: it is no UTF-8; put a whole copy of it back")
                })?;
                read.push((name, text));
            }
        }
        let mut places = Places::of_machine();
        fs::canonicalize(folder).iter().for_each(|full| places.add(full));
        for document in read.iter().flat_map(|(name, text)| documents(name, text)) {
            // What is no JSON is told below.
            let value: Value = serde_json::from_str(document).unwrap_or_default();
            Strings::of(&value).all.iter().for_each(|said| places.add_of(said));
        }
        let (mut texts, mut had_path) = (Vec::new(), None);
        for (name, text) in &read {
            let mut whole = String::with_capacity(text.len());
            for (n, document) in documents(name, text).enumerate() {
                whole.push_str(&cut(document, &places).with_context(|| match name.ends_with(".jsonl") {
                    true => format!("{shown}/{name} cannot be published as line {} is; remove that line", n + 1),
                    false => format!("{shown}/{name} cannot be published"),
                })?);
            }
            had_path = had_path.or(Some(*name).filter(|_| *text != whole));
            texts.push((*name, whole));
        }
        let entries = fs::read_dir(folder).with_context(not_a_run)?.flatten().map(|entry| entry.path());
        let is_histogram = |path: &PathBuf| path.extension().is_some_and(|end| end == "hlog");
        let mut histograms: Vec<PathBuf> = entries.filter(is_histogram).collect();
        histograms.sort();
        Ok(Self { folder: folder.to_owned(), texts, had_path, histograms })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(of, _)| *of == name).map(|(_, text)| text.as_str())
    }

    /// The records, a line each.
    pub fn lines(&self) -> Vec<String> {
        self.text("cells.jsonl").unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The run folder as it will be published, in a temporary one: these texts, and links to whatever else is in it. What is made
    /// of it can name no path that is not in it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn staged(&self) -> Result<(Scratch, PathBuf)> {
        let scratch = Scratch::new()?;
        let full = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let staged = scratch.path().join("run").join(full.file_name().unwrap_or("run".as_ref()));
        let unwritable = || format!("cannot write {}; free space there or set TMPDIR", staged.display());
        fs::create_dir_all(&staged).with_context(unwritable)?;
        for entry in fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))?.flatten() {
            let name = entry.file_name();
            if !TEXTS.iter().any(|text| name == text.split('/').next().unwrap_or(text)) {
                symlink(entry.path(), staged.join(name)).with_context(unwritable)?;
            }
        }
        write_texts(&self.texts, &staged).with_context(unwritable)?;
        Ok((scratch, staged))
    }

    /// Asks whether a folder can have these records: it is empty, is not there, or has them or the first of them already.
    ///
    /// # Errors
    /// If it holds those of another run, or cells that are not among these, or what it holds cannot be read; or if it is the
    /// run's own, and they have paths of the machine.
    pub fn check_place(&self, folder: &Path) -> Result<()> {
        if !self.is_own(folder) {
            self.is_held_by(folder)?;
        } else if let Some(name) = self.had_path {
            let shown = folder.display();
            bail!(
                "{shown}/{name} names paths of this machine, and a run's own records are not changed; choose another folder \
                 with --out, and its copy will have none"
            );
        }
        Ok(())
    }

    /// Whether a folder holds this run, or a beginning of it; if not, it holds none.
    fn is_held_by(&self, folder: &Path) -> Result<bool> {
        let shown = folder.display();
        let unreadable = |name: &str| {
            format!(
                "cannot read {shown}/{name}, which may be of another run that would be lost; make it readable, or choose \
                 another folder with --out"
            )
        };
        let there = |name: &str| read_if_there(&folder.join(name)).with_context(|| unreadable(name));
        let (run, cells) = (there("run.json")?, there("cells.jsonl")?.unwrap_or_default());
        if run.is_none() && cells.is_empty() {
            return Ok(false);
        }
        let run = run.map(|bytes| whole_text("run.json", bytes)).transpose();
        let run = run.with_context(|| unreadable("run.json"))?;
        let cells = whole_text("cells.jsonl", cells).with_context(|| unreadable("cells.jsonl"))?;
        // Runs of old do not say when they began, or have cells alone.
        let has_same_cells = cells.lines().next() == self.text("cells.jsonl").and_then(|own| own.lines().next());
        let is_this = match (run.as_deref(), self.text("run.json")) {
            (Some(run), Some(own)) => began(run) == began(own) && (began(own).is_some() || has_same_cells),
            (None, None) => has_same_cells,
            _ => false,
        };
        if !is_this {
            bail!(
                "{shown} holds another run, which would be lost; choose another folder with --out, or remove that one"
            );
        }
        let live = there(LIVE_CELLS)?.unwrap_or_default();
        let live = whole_text(LIVE_CELLS, live).with_context(|| unreadable(LIVE_CELLS))?;
        // A copy of the run may have been gone on with.
        for (name, held) in [("cells.jsonl", cells), (LIVE_CELLS, live)] {
            if self.text(name).is_some_and(|own| !own.starts_with(&held)) {
                bail!(
                    "{shown}/{name} holds cells of this run that {} has not, or has otherwise, and they would be lost; \
                     choose another folder with --out, or publish {shown} instead",
                    self.folder.display()
                );
            }
        }
        Ok(true)
    }

    fn is_own(&self, folder: &Path) -> bool {
        fs::canonicalize(folder).is_ok_and(|there| fs::canonicalize(&self.folder).is_ok_and(|own| own == there))
    }

    /// Writes them into a folder; where they are. In the folder that they are from, nothing is to do.
    ///
    /// # Errors
    /// If the folder [cannot have them](Self::check_place), or they cannot be written.
    pub fn write(&self, folder: &Path, histograms: bool) -> Result<Vec<PathBuf>> {
        if self.is_own(folder) {
            return Ok(Vec::new());
        }
        let unwritable =
            || format!("cannot write {}; choose a folder that can be written with --out", folder.display());
        // What is left there of this run may be more than it has: tables would be made of both. What is not of it stays.
        let is_held = self.is_held_by(folder)?;
        for name in TEXTS.iter().filter(|name| is_held && self.text(name).is_none()) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if ![ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
                    return Err(error).with_context(unwritable);
                }
                _ => {}
            }
        }
        let mut written = write_texts(&self.texts, folder).with_context(unwritable)?;
        for from in self.histograms.iter().filter(|_| histograms) {
            let path = folder.join(from.file_name().unwrap_or_default());
            fs::copy(from, &path).with_context(|| format!("cannot copy {} to {}", from.display(), path.display()))?;
            written.push(path);
        }
        Ok(written)
    }
}

/// The bytes of a file; `None` if there is none.
fn read_if_there(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text of a file, of lines without a torn last one, which is no record: it is cut off among the bytes, since it may be torn
/// within a character.
fn whole_text(name: &str, mut bytes: Vec<u8>) -> Result<String, FromUtf8Error> {
    if name.ends_with(".jsonl") {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(end);
    }
    String::from_utf8(bytes)
}

/// Puts files below a folder; where they are.
fn write_texts(texts: &[(&str, String)], folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (name, text) in texts {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        write_whole(&path, text.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}

/// What tells runs apart in their `run.json`: when they were started, and by which program; `None` if it does not say.
fn began(run: &str) -> Option<(String, Value)> {
    let mut run: Value = serde_json::from_str(run).ok()?;
    Some((run["started"].as_str()?.to_owned(), run["provenance"]["binary"].take()))
}

/// What is JSON in a file: all of its [whole text](whole_text), or each line.
fn documents<'t>(name: &str, text: &'t str) -> impl Iterator<Item = &'t str> {
    let lines = name.ends_with(".jsonl");
    text.split_inclusive(move |c| lines && c == '\n')
}

/// A text of JSON whose strings have no absolute path; all else of it is as it was, byte for byte.
fn cut(text: &str, places: &Places) -> Result<String> {
    let value: Value = serde_json::from_str(text).context("it is damaged: no JSON")?;
    let strings = Strings::of(&value);
    let without = |said: &str| match strings.words.contains(said) {
        true => word_without_paths(said),
        false => places.cut(said),
    };
    // The longest first: one path may be the beginning of another.
    let mut with_paths: Vec<&str> = strings.all.iter().copied().filter(|said| without(said) != **said).collect();
    if with_paths.is_empty() {
        return Ok(text.to_owned());
    }
    with_paths.sort_by_key(|said| std::cmp::Reverse(said.len()));
    let mut cut = text.to_owned();
    for said in with_paths {
        let literal = |text: &str| serde_json::to_string(text).context("a string that is no JSON");
        cut = cut.replace(&literal(said)?, &literal(&without(said))?);
    }
    let value: Value = serde_json::from_str(&cut).context("it is no JSON without its paths")?;
    let left = Strings::of(&value);
    if let Some(path) = left.all.into_iter().find(|said| places.cut(said) != **said) {
        bail!("it names the path `{path}` in a way that cannot be cut out; take it out by hand");
    }
    Ok(cut)
}

/// The strings of a text of JSON.
#[derive(Default)]
struct Strings<'v> {
    all: BTreeSet<&'v str>,
    /// Those that are words of a command line.
    words: BTreeSet<&'v str>,
}

impl<'v> Strings<'v> {
    fn of(value: &'v Value) -> Self {
        let mut strings = Self::default();
        strings.collect(value);
        strings
    }

    fn collect(&mut self, value: &'v Value) {
        match value {
            Value::String(said) => {
                self.all.insert(said);
            }
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                self.all.insert(name);
                self.collect(value);
                if let Value::Array(words) = value
                    && name == "command"
                {
                    self.words.extend(words.iter().filter_map(Value::as_str));
                }
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run folder with these files.
    fn run(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        fs::create_dir_all(run.join("live")).unwrap();
        files.iter().for_each(|(name, text)| fs::write(run.join(name), text).unwrap());
        (folder, run)
    }

    #[test]
    fn paths_with_blanks_are_cut_wherever_one_file_tells_where_they_end() {
        let (_folder, run) = run(&[
            (
                "run.json",
                r#"{"command": ["gclab", "--out=/tmp/jane doe/x1"], "dials": [["heap", "/a/jane doe/sec/f"]]}"#,
            ),
            ("cells.jsonl", "{\"point\": \"web,heap=/a/jane doe/sec/f,live=3\"}\n{\"torn\": \"/a"),
            ("live/cells.jsonl", "{\"error\": \"cannot open /a/jane doe/sec/g.py: gone\"}\n"),
        ]);
        let raw = Raw::read(&run).unwrap();
        let expected = [
            ("run.json", r#"{"command": ["gclab", "--out=x1"], "dials": [["heap", "f"]]}"#),
            ("cells.jsonl", "{\"point\": \"web,heap=f,live=3\"}\n"),
            ("live/cells.jsonl", "{\"error\": \"cannot open g.py: gone\"}\n"),
        ];
        assert_eq!(raw.texts, expected.map(|(name, text)| (name, text.to_owned())));
        assert_eq!(raw.had_path, Some("run.json"));
    }

    #[test]
    fn a_line_that_cannot_be_cut_is_not_published_and_a_file_that_cannot_be_read_not_forgotten() {
        let hidden = r#"{"a": "\u002fa\u002fb"}"#;
        for (name, text, said) in [
            ("cells.jsonl", format!("{{}}\n{hidden}\n"), "cells.jsonl cannot be published as line 2 is"),
            ("live/cells.jsonl", format!("{hidden}\n"), "live/cells.jsonl cannot be published as line 1 is"),
            ("live/cells.jsonl", "{]\n".to_owned(), "it is damaged: no JSON"),
            ("live/run.json", "{".to_owned(), "live/run.json cannot be published"),
        ] {
            let (_folder, run) = run(&[("run.json", "{}"), ("cells.jsonl", "{}\n"), (name, &text)]);
            let error = format!("{:#}", Raw::read(&run).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
        let (_folder, run) = run(&[("run.json", "{}"), ("cells.jsonl", "{}\n")]);
        fs::create_dir(run.join("live/cells.jsonl")).unwrap();
        let error = format!("{:#}", Raw::read(&run).unwrap_err());
        assert!(error.contains("live/cells.jsonl; make it readable"), "{error}");
    }

    #[test]
    fn a_last_line_that_is_torn_within_a_character_is_no_record() {
        let (_folder, run) = run(&[("run.json", "{}")]);
        let torn = "{\"error\": \"é";
        let text = format!("{{\"error\": \"é\"}}\n{torn}");
        for name in ["cells.jsonl", LIVE_CELLS] {
            fs::write(run.join(name), &text.as_bytes()[..text.len() - 1]).unwrap();
        }
        let raw = Raw::read(&run).unwrap();
        for name in ["cells.jsonl", LIVE_CELLS] {
            assert_eq!(raw.text(name), Some("{\"error\": \"é\"}\n"), "{name}");
        }
        assert_eq!(raw.had_path, None);
        // Where a whole line is broken, nobody is told to remove all of them.
        for name in ["cells.jsonl", "run.json"] {
            fs::write(run.join(name), b"{\"error\": \"\xc3\"}\n").unwrap();
            let error = format!("{:#}", Raw::read(&run).unwrap_err());
            assert!(error.contains(&format!("{name} is damaged: it is no UTF-8; put a whole copy")), "{error}");
            assert!(!error.contains("remove"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let (_folder, run) = run(&[("run.json", r#"{"started": "now"}"#), ("cells.jsonl", "{}\n")]);
        let raw = Raw::read(&run).unwrap();
        for (name, bytes) in
            [("run.json", &b"\xff"[..]), ("cells.jsonl", &b"\xff\n"[..]), ("cells.jsonl", &b"{\"torn"[..])]
        {
            let out = tempfile::tempdir().unwrap();
            fs::write(out.path().join(name), bytes).unwrap();
            for error in [raw.check_place(out.path()).unwrap_err(), raw.write(out.path(), false).unwrap_err()] {
                let error = format!("{error:#}");
                assert!(error.contains("would be lost") && error.contains("another folder with --out"), "{error}");
            }
            assert_eq!(fs::read(out.path().join(name)).unwrap(), bytes);
        }
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join("run.json")).unwrap();
        let error = format!("{:#}", raw.check_place(out.path()).unwrap_err());
        assert!(error.contains("cannot read") && error.contains("run.json"), "{error}");
    }

    #[test]
    fn paths_are_cut_and_nothing_else_is_changed() {
        let text = r#"{ "command": ["gclab", "--out", "/a/somebody/runs/deep", "x=/a/somebody/y"],
            "rate": 0.30000000000000004, "unit": "60/s", "error": "cannot open /a/somebody/h.gz: gone" }"#;
        let published = cut(text, &Places::default()).unwrap();
        assert_eq!(
            published,
            text.replace("/a/somebody/runs/deep", "deep")
                .replace("/a/somebody/y", "y")
                .replace("/a/somebody/h.gz", "h.gz")
        );
        assert!(cut("{", &Places::default()).is_err());
        // The same string, written in another way than we write it.
        assert!(cut(r#"{"a": "\u002fa\u002fb"}"#, &Places::default()).is_err());
    }
}
