//! What a cell is: one subject, one question with its options, one round.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::record::SCHEMA;
use crate::cell::Given;
use crate::provenance::sha256_hex;
use crate::{heap_settings, roster};

/// What a question is asked with: names and values.
pub type Options = BTreeMap<String, String>;

/// Who is asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// A heap of the roster.
    Heap {
        /// Its name.
        heap: String,
        /// Its settings, as on the command line.
        settings: Vec<Given>,
    },
    /// A live interpreter. Where it lies is nobody's business, and is not kept.
    Interpreter {
        /// Such as `CPython 3.12.1`.
        version: String,
    },
}

impl Subject {
    /// A heap with one setting, or none.
    pub fn heap(name: &str, setting: Option<(&str, &str)>) -> Self {
        let settings = setting.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::Heap { heap: name.to_owned(), settings: settings.into_iter().collect() }
    }

    /// For people: `concurrent, certify stopped` or `CPython 3.12.1`.
    pub fn name(&self) -> String {
        match self {
            Self::Heap { heap, settings } => {
                let settings = settings.iter().map(|(name, value)| format!(", {name} {value}"));
                settings.fold(heap.clone(), |name, setting| name + &setting)
            }
            Self::Interpreter { version } => version.clone(),
        }
    }

    /// The heap's name; `None` for an interpreter.
    pub fn heap_name(&self) -> Option<&str> {
        match self {
            Self::Heap { heap, .. } => Some(heap),
            Self::Interpreter { .. } => None,
        }
    }

    /// Whether it collects cycles. Interpreters do.
    pub fn collects(&self) -> bool {
        self.heap_name().is_none_or(|heap| roster::entry(heap).is_ok_and(|entry| entry.abilities.collects_cycles))
    }
}

/// A question at one place: `ring-10` with `k` 10.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Point {
    /// Its name: lower case letters, digits and hyphens. No two points of an experiment have the same.
    pub question: String,
    /// What it is asked with.
    pub options: Options,
}

impl Point {
    /// With these options.
    pub fn new(question: impl Into<String>, options: &[(&str, &dyn std::fmt::Display)]) -> Self {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        Self { question: question.into(), options }
    }
}

/// One cell; see the [module](self).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// The experiment's name.
    pub experiment: String,
    /// The point's name.
    pub question: String,
    /// Who is asked.
    pub subject: Subject,
    /// What it is asked with.
    pub options: Options,
    /// Which repetition.
    pub round: u32,
    /// Of every random choice.
    pub seed: u64,
}

impl Cell {
    /// What makes it this cell, for a program with this hash: 16 hexadecimal digits.
    pub fn hash(&self, binary: &str) -> String {
        let text = serde_json::json!({"schema": SCHEMA, "cell": self, "binary": binary}).to_string();
        sha256_hex(text.as_bytes())[..16].to_owned()
    }

    /// An option; empty if there is none.
    pub fn text(&self, option: &str) -> &str {
        self.options.get(option).map_or("", String::as_str)
    }

    /// An option that is a whole number.
    ///
    /// # Errors
    /// If it is missing or none.
    pub fn integer(&self, option: &str) -> Result<u32> {
        let text = self.text(option);
        text.parse().with_context(|| format!("the option {option} of a cell is `{text}`; it must be a whole number"))
    }

    /// An option that is `on` or `off`; `off` if it is missing.
    pub fn is_on(&self, option: &str) -> bool {
        self.text(option) == "on"
    }

    /// Fails if its heap or a setting is unknown.
    ///
    /// # Errors
    /// The error names what is possible.
    pub fn check(&self) -> Result<()> {
        if let Subject::Heap { heap, settings } = &self.subject {
            roster::entry(heap)?;
            heap_settings::parse(settings)?;
        }
        Ok(())
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
    /// If it is none, or cannot run.
    pub fn from_text(text: &str) -> Result<Self> {
        let cell: Self = serde_json::from_str(text).context("no cell of an experiment")?;
        cell.check()?;
        Ok(cell)
    }
}
