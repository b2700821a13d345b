//! What a cell of the experiment is: one heap, one content, one condition, one way of reading.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use workloads::frozen_heap::{Entries, Reads, Serving};

use super::plan::Part;
use super::record::SCHEMA;
use crate::cell::Given;
use crate::provenance::sha256_hex;
use crate::{heap_settings, roster};

/// Most workers of a cell.
const MOST_WORKERS: u32 = 1024;

/// A heap and its settings: where counts, links and ages lie.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// The heap's name.
    pub heap: String,
    /// Its settings, as on the command line.
    pub settings: Vec<Given>,
}

impl Layout {
    /// A heap with one setting, or none.
    pub fn new(heap: &str, setting: Option<(&str, &str)>) -> Self {
        let settings = setting.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { heap: heap.to_owned(), settings: settings.into_iter().collect() }
    }

    /// For people: `generational, place side`.
    pub fn name(&self) -> String {
        let settings = self.settings.iter().map(|(name, value)| format!(", {name} {value}"));
        settings.fold(self.heap.clone(), |name, setting| name + &setting)
    }

    /// Whether the heap collects cycles.
    pub fn collects(&self) -> bool {
        roster::entry(&self.heap).is_ok_and(|entry| entry.abilities.collects_cycles)
    }
}

/// What is done to the heap so that it stays shared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freeze {
    /// Nothing.
    No,
    /// `freeze`: no collection examines it.
    Freeze,
    /// `freeze_immortal`: counts are not written either.
    Immortal,
}

/// What the parent does before it forks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Condition {
    /// To the heap.
    pub freeze: Freeze,
    /// Whether thresholds start collections, from the beginning on. Workers collect when they have served in either case.
    pub automatic: bool,
    /// Whether a full collection comes before the freeze.
    pub collect_first: bool,
}

impl Condition {
    /// The parent builds and forks.
    pub const NOTHING: Self = Self { freeze: Freeze::No, automatic: true, collect_first: false };
    /// Thresholds start no collection.
    pub const OFF: Self = Self { automatic: false, ..Self::NOTHING };
    /// A full collection, then `freeze`.
    pub const FREEZE: Self = Self { freeze: Freeze::Freeze, automatic: true, collect_first: true };
    /// `freeze` alone.
    pub const FREEZE_AT_ONCE: Self = Self { collect_first: false, ..Self::FREEZE };
    /// Collector off from the beginning, a full collection, then `freeze`.
    pub const OFF_COLLECT_FREEZE: Self = Self { automatic: false, ..Self::FREEZE };
    /// Collector off from the beginning, then `freeze`: what the documentation of Python's `gc.freeze` advises.
    pub const OFF_FREEZE: Self = Self { collect_first: false, ..Self::OFF_COLLECT_FREEZE };
    /// A full collection, then `freeze_immortal`.
    pub const IMMORTAL: Self = Self { freeze: Freeze::Immortal, ..Self::FREEZE };
    /// Collector off from the beginning, then `freeze_immortal`.
    pub const OFF_IMMORTAL: Self = Self { freeze: Freeze::Immortal, ..Self::OFF_FREEZE };

    /// All of them, from nothing to most.
    pub const ALL: [Self; 8] = [
        Self::NOTHING,
        Self::OFF,
        Self::FREEZE,
        Self::FREEZE_AT_ONCE,
        Self::OFF_COLLECT_FREEZE,
        Self::OFF_FREEZE,
        Self::IMMORTAL,
        Self::OFF_IMMORTAL,
    ];

    /// For people: `off, collect, freeze`.
    pub fn name(&self) -> String {
        let parts = [
            (!self.automatic).then_some("off"),
            self.collect_first.then_some("collect"),
            match self.freeze {
                Freeze::No => None,
                Freeze::Freeze => Some("freeze"),
                Freeze::Immortal => Some("freeze_immortal"),
            },
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    }
}

/// What the heap holds.
#[derive(Clone, PartialEq, PartialOrd, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Content {
    /// The entries of `fork-v1`.
    Entries {
        /// Objects that a collection examines, two an entry.
        objects: u32,
        /// Each entry is on a cycle.
        cyclic: bool,
        /// Dead cyclic entries for each living one, made while the heap was built.
        garbage: f64,
    },
    /// The graph of a real process.
    Graph {
        /// A GCHEAP file, or `django` for the one that is built in.
        file: String,
        /// How often it stands side by side.
        copies: u32,
    },
}

impl Content {
    /// So many objects that a collection examines, in entries.
    pub fn entries(objects: u32) -> Self {
        Self::Entries { objects, cyclic: false, garbage: 0.0 }
    }

    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Entries { objects, cyclic, garbage } => {
                let cyclic = if *cyclic { ", cyclic" } else { "" };
                let garbage = if *garbage > 0.0 { format!(", {garbage} dead for each") } else { String::new() };
                format!("fork-v1, N = {}{cyclic}{garbage}", crate::units::count(u64::from(*objects)))
            }
            Self::Graph { file, copies } => {
                let name =
                    std::path::Path::new(file).file_name().map_or(file.as_str().into(), |name| name.to_string_lossy());
                format!("{name} × {copies}")
            }
        }
    }

    pub(super) fn as_entries(&self) -> Option<Entries> {
        match *self {
            Self::Entries { objects, cyclic, garbage } => Some(Entries { objects, cyclic, garbage }),
            Self::Graph { .. } => None,
        }
    }
}

/// One cell: what is built, how it is frozen, what is read, by how many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// The question that it helps to answer.
    pub part: Part,
    /// The heap.
    pub layout: Layout,
    /// What it holds.
    pub content: Content,
    /// What the parent does.
    pub condition: Condition,
    /// The share of the entries that each worker reads; `null`: all of them, once, in order.
    pub share: Option<f64>,
    /// Neighbours read in a row.
    pub run: u32,
    /// The share of the entries that each worker replaces.
    pub replaced: f64,
    /// Children that serve.
    pub workers: u32,
    /// Whether each worker unfreezes after its second collection, and collects once more.
    pub unfreeze: bool,
    /// Whether each worker drops all that the heap holds in the end, and collects.
    pub release: bool,
    /// Of the draws of the first worker; the next has the next one.
    pub seed: u64,
    /// Which repetition.
    pub round: u32,
}

impl Cell {
    /// The centre of the experiment, from which each part changes one factor: two workers that read 2 % in runs of 20.
    pub fn centre(part: Part, layout: Layout, content: Content, condition: Condition) -> Self {
        Self {
            part,
            layout,
            content,
            condition,
            share: Some(0.02),
            run: 20,
            replaced: 0.0,
            workers: 2,
            unfreeze: false,
            release: false,
            seed: 1,
            round: 0,
        }
    }

    /// What makes it this cell, for a program with this hash: 16 hexadecimal digits.
    pub fn hash(&self, binary: &str) -> String {
        // What a cell's fields are is part of the schema; the part does not change what runs, but what it is shown as.
        let text = serde_json::json!({"schema": SCHEMA, "cell": self, "binary": binary}).to_string();
        sha256_hex(text.as_bytes())[..16].to_owned()
    }

    /// Fails if it cannot run.
    ///
    /// # Errors
    /// An unknown heap or setting, or an impossible number; the error names what is possible.
    pub fn check(&self) -> Result<()> {
        roster::entry(&self.layout.heap)?;
        heap_settings::parse(&self.layout.settings)?;
        ensure!(
            (1..=MOST_WORKERS).contains(&self.workers),
            "{} workers are not possible; give 1 to {MOST_WORKERS}",
            self.workers
        );
        ensure!(self.run > 0, "a run of 0 entries is not possible; give 1 or more");
        for (name, share, most) in [("read", self.share.unwrap_or(0.0), 100.0), ("replaced", self.replaced, 100.0)] {
            ensure!((0.0..=most).contains(&share), "a share of {share} {name} is not possible; give 0 to {most}");
        }
        match self.content {
            Content::Entries { objects, garbage, .. } => {
                ensure!(
                    (40..=40_000_000).contains(&objects),
                    "{objects} objects are not possible; give 40 to 40,000,000"
                );
                ensure!(
                    (0.0..=10.0).contains(&garbage),
                    "{garbage} dead for each living is not possible; give 0 to 10"
                );
            }
            Content::Graph { copies, .. } => {
                ensure!((1..=100).contains(&copies), "{copies} copies are not possible; give 1 to 100");
                if self.replaced > 0.0 {
                    bail!("objects of a real heap cannot be replaced; use entries, or replace none");
                }
            }
        }
        Ok(())
    }

    /// What worker number `n` serves, the first being 0.
    pub fn serving(&self, n: u32) -> Serving {
        let reads = self.share.map_or(Reads::All, |share| Reads::Drawn { share, run: self.run });
        Serving { reads, replaced: self.replaced, seed: self.seed + u64::from(n) }
    }

    /// The share of reads for people: `2 %, runs of 20`.
    pub fn reads(&self) -> String {
        match self.share {
            None => "all, in order".to_owned(),
            Some(share) => format!("{} %, runs of {}", (share * 1e4).round() / 1e2, self.run),
        }
    }

    /// As the process of a cell is told it.
    ///
    /// # Errors
    /// If it is no JSON, which does not happen.
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string(self).context("a cell that is no JSON")
    }

    /// The same back.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_text(text: &str) -> Result<Self> {
        let cell: Self = serde_json::from_str(text).context("no cell of the freeze experiment")?;
        cell.check()?;
        Ok(cell)
    }
}
