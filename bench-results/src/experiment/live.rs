//! Live interpreters beside an experiment that has cells and rounds of its own: the same asked of each, by a program of
//! `python/experiments`, between the cells of each round. What they say is kept in the run folder, in `live/`: a
//! [`Record`] a cell, and in its `run.json` which versions are asked.
//!
//! The options of a cell are the program's, so that a row of a table knows by them which records stand beside it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::trial::{Answer, Cell, Options, Point, Programs, Python, Record, SCHEMA, Script, Subject};
use crate::provenance::binary_hash;
use crate::record::Status;
use crate::report::origin::word_without_paths;
use crate::run_folder::{self, CellFolder, refuse_other_machine};

/// The folder in the run's.
const FOLDER: &str = "live";

/// What interpreters are asked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The experiment's name.
    pub experiment: &'static str,
    /// The program that asks.
    pub program: &'static str,
    /// What, in which round, with which seed.
    pub asked: Vec<(u32, u64, Point)>,
    /// Seconds after which a cell is given up.
    pub timeout_s: u64,
}

/// `live/run.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Begun {
    schema: u32,
    kind: String,
    experiment: String,
    program: String,
    versions: Vec<String>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Live {
    plan: Plan,
    pythons: Vec<Python>,
    programs: Programs,
    folder: CellFolder<Record>,
    /// All rounds, each shuffled.
    cells: Vec<Cell>,
    done: HashSet<String>,
}

impl Live {
    /// Of a new run in this folder. `None` if no interpreter is to be asked.
    ///
    /// # Errors
    /// If the folder cannot be written, or none of them can be asked anything of the run.
    pub fn begin(run: &Path, pythons: Vec<Python>, plan: Plan) -> Result<Option<Self>> {
        if pythons.is_empty() {
            return Ok(None);
        }
        if plan.asked.is_empty() {
            bail!(
                "nothing of this run can be asked of an interpreter; leave out --python, or choose other parts or settings"
            );
        }
        let path = run.join(FOLDER);
        // Left by a run that was killed before it had begun, if it is there.
        let _ = fs::remove_file(path.join("run.json"));
        let folder = CellFolder::create(&path)?;
        folder.write_run(&Begun {
            schema: SCHEMA,
            kind: FOLDER.to_owned(),
            experiment: plan.experiment.to_owned(),
            program: plan.program.to_owned(),
            versions: pythons.iter().map(|python| python.version.clone()).collect(),
        })?;
        Self::new(folder, pythons, plan).map(Some)
    }

    /// Of a run to go on with. `None` if it was begun without interpreters.
    ///
    /// # Errors
    /// If others are named than it was begun with and cells are left, or it was begun on another machine.
    pub fn resume(run: &Path, pythons: Vec<Python>, plan: Plan) -> Result<Option<Self>> {
        let path = run.join(FOLDER);
        if !path.join("run.json").exists() {
            refuse_further(&pythons, &[])?;
            return Ok(None);
        }
        let folder = CellFolder::<Record>::open(&path)?;
        let begun: Begun = folder.read_run()?;
        refuse_other_machine(run, folder.records().iter().map(|record| record.machine.as_deref()))?;
        refuse_further(&pythons, &begun.versions.iter().map(String::as_str).collect::<Vec<_>>())?;
        let versions = begun.versions.iter().map(String::as_str);
        let live = Self { cells: cells(&plan, versions), ..Self::new(folder, pythons, plan)? };
        let missing = |version: &&String| !live.pythons.iter().any(|python| python.version == **version);
        if let Some(version) = begun.versions.iter().find(missing).filter(|_| live.left().next().is_some()) {
            bail!("{version} is part of this run; name its path by --python");
        }
        Ok(Some(live))
    }

    fn new(folder: CellFolder<Record>, pythons: Vec<Python>, plan: Plan) -> Result<Self> {
        let cells = cells(&plan, pythons.iter().map(|python| python.version.as_str()));
        let done = folder.records().iter().map(|record| record.cell.clone()).collect();
        Ok(Self { plan, pythons, programs: Programs::write()?, folder, cells, done })
    }

    /// How many cells there are, and how many of them have ended.
    pub fn count(&self) -> (usize, usize) {
        (self.cells.len(), self.cells.len() - self.left().count())
    }

    /// The cells that have not ended.
    pub fn left(&self) -> impl Iterator<Item = &Cell> {
        let binary = binary_hash().unwrap_or_default();
        self.cells.iter().filter(move |cell| !self.done.contains(&cell.hash(binary)))
    }

    /// Runs those cells of a round whose turn it is when cell number `place` of the `of` of the experiment's own has ended:
    /// they are spread evenly over the round. Each record is told as soon as it is kept. Returns how long that took.
    ///
    /// # Errors
    /// If an interpreter cannot be started at all, or a record not be written. That a program fails is a record.
    pub fn turn(
        &mut self,
        round: u32,
        place: usize,
        of: usize,
        tell: &mut dyn FnMut(&Record) -> Result<()>,
    ) -> Result<Duration> {
        let began = Instant::now();
        let of_round: Vec<&Cell> = self.cells.iter().filter(|cell| cell.round == round).collect();
        let until = |place: usize| place * of_round.len() / of.max(1);
        let due: Vec<Cell> = of_round[until(place)..until(place + 1)].iter().copied().cloned().collect();
        let binary = binary_hash()?;
        let mut ran = false;
        for cell in due.iter().filter(|cell| !self.done.contains(&cell.hash(binary))).collect::<Vec<_>>() {
            let record = self.ask(cell, binary)?;
            ran = true;
            tell(&record)?;
            self.done.insert(record.cell.clone());
            self.folder.append(record)?;
        }
        Ok(if ran { began.elapsed() } else { Duration::ZERO })
    }

    fn ask(&self, cell: &Cell, binary: &str) -> Result<Record> {
        let python = self.pythons.iter().find(|python| cell.subject.name() == python.version);
        let python = python.with_context(|| format!("{} is not there", cell.subject.name()))?;
        let seed = cell.seed.to_string();
        let mut options: Vec<(&str, &dyn std::fmt::Display)> = vec![("seed", &seed)];
        options.extend(cell.options.iter().map(|(name, value)| (name.as_str(), value as &dyn std::fmt::Display)));
        let script = Script::new(self.plan.program, &options);
        let began = Instant::now();
        let Answer { status, error, figures } =
            python.run(&self.programs, &script, Duration::from_secs(self.plan.timeout_s))?;
        let process_ns = Some(began.elapsed().as_nanos() as u64);
        Ok(Record { status, error, figures, process_ns, ..Record::of(cell, binary) })
    }
}

/// Asks whether all of these are among the versions that a run was begun with: one that came later would have fewer rounds.
///
/// # Errors
/// If one is not.
pub fn refuse_further(pythons: &[Python], begun: &[&str]) -> Result<()> {
    let Some(python) = pythons.iter().find(|python| !begun.contains(&python.version.as_str())) else { return Ok(()) };
    let version = &python.version;
    if begun.is_empty() {
        bail!("{version} is no part of this run, which was begun without --python; start a new run");
    }
    bail!("{version} is no part of this run, which has {}; leave it out, or start a new run", begun.join(", "));
}

/// The cells of these versions: a round after the other, each shuffled as its seed says.
fn cells<'v>(plan: &Plan, versions: impl Iterator<Item = &'v str> + Clone) -> Vec<Cell> {
    let rounds = plan.asked.iter().map(|(round, ..)| round + 1).max().unwrap_or(0);
    let of_round = |of: u32| {
        let asked = plan.asked.iter().filter(|(round, ..)| *round == of);
        let seed = asked.clone().next().map_or(0, |(_, seed, _)| seed.wrapping_add(u64::from(of)));
        let cell = |version: &str, seed: u64, point: &Point| Cell {
            experiment: plan.experiment.to_owned(),
            question: point.question.clone(),
            subject: Subject::Interpreter { version: version.to_owned() },
            options: point.options.clone(),
            round: of,
            seed,
        };
        let versions = versions.clone();
        let mut cells: Vec<Cell> = asked
            .flat_map(|(_, seed, point)| versions.clone().map(move |version| cell(version, *seed, point)))
            .collect();
        cells.shuffle(&mut Pcg64::seed_from_u64(seed));
        cells
    };
    (0..rounds).flat_map(of_round).collect()
}

/// What live interpreters said in a run; nothing where none was asked.
///
/// # Errors
/// If a file is damaged.
pub fn read(run: &Path) -> Result<Vec<Record>> {
    let path = run.join(FOLDER);
    if !path.join("run.json").exists() {
        return Ok(Vec::new());
    }
    Ok(run_folder::read::<Begun, Record>(&path)?.1)
}

/// How an interpreter is called in tables.
pub fn label(version: &str) -> String {
    format!("{version}, live")
}

/// Who was asked and how that ended, for the facts of a run; `None` where none was.
pub fn fact(records: &[Record]) -> Option<String> {
    let versions = versions(records);
    let failed = records.iter().filter(|record| record.status != Status::Ok).count();
    (!versions.is_empty()).then(|| format!("{}: {} cells, {failed} failed", versions.join(", "), records.len()))
}

/// The versions that were asked, each once, the oldest first.
pub fn versions(records: &[Record]) -> Vec<String> {
    let mut versions: Vec<String> = records.iter().map(|record| record.subject.name()).collect();
    let number = |version: &String| -> Vec<u32> {
        version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
    };
    versions.sort_by_key(|version| (number(version), version.clone()));
    versions.dedup();
    versions
}

/// The records of a version that was asked with these options, a round each.
pub fn of<'r>(records: &'r [Record], version: &str, options: &Options) -> Vec<&'r Record> {
    records.iter().filter(|record| record.options == *options && record.subject.name() == version).collect()
}

/// A command line in which these interpreters, in its order, have the names of their commands: where they lie is nobody's
/// business, and the last names of several may be one.
pub fn without_places(command: Vec<String>, pythons: &[Python]) -> Vec<String> {
    let mut names = pythons.iter().map(Python::command_name);
    let mut is_next = false;
    let mut named = |word: String| {
        let (option, place) = match word.strip_prefix("--python=") {
            Some(place) => ("--python=", place),
            None if std::mem::replace(&mut is_next, word == "--python") => ("", word.as_str()),
            None => return word,
        };
        is_next = false;
        format!("{option}{}", names.next().unwrap_or_else(|| word_without_paths(place)))
    };
    command.into_iter().map(&mut named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(points: &[&str], rounds: u32) -> Plan {
        let asked = (0..rounds).flat_map(|round| points.iter().map(move |name| (round, 7, Point::new(*name, &[]))));
        Plan { experiment: "stub", program: "web.py", asked: asked.collect(), timeout_s: 1 }
    }

    #[test]
    fn each_version_is_asked_everything_in_each_round() {
        let plan = plan(&["a", "b", "c"], 4);
        let all = cells(&plan, ["CPython 3.12.1", "CPython 3.13.0"].into_iter());
        assert_eq!(all.len(), 4 * 3 * 2);
        assert!(all.iter().map(|cell| cell.round).is_sorted());
        let hashes: HashSet<String> = all.iter().map(|cell| cell.hash("program")).collect();
        assert_eq!(hashes.len(), all.len());
        let order = |round: u32| -> Vec<String> {
            let of = all.iter().filter(|cell| cell.round == round);
            of.map(|cell| cell.question.clone() + &cell.subject.name()).collect()
        };
        assert!((1..4).any(|round| order(round) != order(0)), "rounds have orders of their own");
        let seeded = |seed: u64| {
            let asked = plan.asked.iter().map(|(round, _, point)| (*round, seed, point.clone())).collect();
            let cells = cells(&Plan { asked, ..plan.clone() }, ["CPython 3.12.1", "CPython 3.13.0"].into_iter());
            cells.iter().map(|cell| cell.question.clone() + &cell.subject.name()).collect::<Vec<_>>()
        };
        assert_eq!(seeded(7), seeded(7));
        assert!((8..12).any(|seed| seeded(seed) != seeded(7)), "the seed decides the order");
    }

    #[test]
    fn versions_are_in_order_of_their_numbers() {
        let record = |version: &str| {
            let subject = Subject::Interpreter { version: version.to_owned() };
            let cell = Cell { subject, ..cells(&plan(&["a"], 1), ["x"].into_iter()).remove(0) };
            Record { status: Status::Ok, ..Record::of(&cell, "program") }
        };
        let records = ["CPython 3.13.0", "CPython 3.9.18", "CPython 3.12.1", "CPython 3.9.18"].map(record);
        assert_eq!(versions(&records), ["CPython 3.9.18", "CPython 3.12.1", "CPython 3.13.0"]);
        assert_eq!(fact(&records).unwrap(), "CPython 3.9.18, CPython 3.12.1, CPython 3.13.0: 4 cells, 0 failed");
        assert_eq!(fact(&[]), None);
        assert_eq!(of(&records, "CPython 3.9.18", &Options::new()).len(), 2);
    }

    #[test]
    fn command_lines_do_not_say_where_interpreters_lie() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line = "gclab --out /a/b --python /c/d/python --python=/e/python /f/g --python /h/python3";
        let found = |version: &str| Python::of_version(version);
        let cut = without_places(words(line), &["CPython 3.12.1", "CPython 3.14.4t"].map(found));
        assert_eq!(cut, words("gclab --out /a/b --python python3.12 --python=python3.14t /f/g --python python3"));
    }
}
