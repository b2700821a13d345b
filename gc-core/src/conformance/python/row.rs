//! One row of the table: a test of CPython, what it means on a heap, and how each sort of heap takes it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::config::HeapConfig;
use crate::heap::Abilities;

use super::release::Release;

/// The file of CPython's test suite that a row comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Source {
    /// `Lib/test/test_gc.py`.
    Gc,
    /// `Lib/test/test_finalization.py`.
    Finalization,
    /// `Lib/test/test_weakref.py`.
    WeakReferences,
}

impl Source {
    /// All of them, in the order of the table.
    pub const ALL: [Source; 3] = [Self::Gc, Self::Finalization, Self::WeakReferences];

    /// The file's name without its ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gc => "test_gc",
            Self::Finalization => "test_finalization",
            Self::WeakReferences => "test_weakref",
        }
    }
}

/// How it is known what CPython does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// Its test was run, on releases up to 3.13; nothing is known to have changed since.
    Live,
    /// Its test was run on releases up to 3.13; what later ones do is by reading.
    Partly,
    /// Only by reading: it is about later releases, or the interpreters at hand skip its test.
    Reading,
}

impl Evidence {
    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Partly => "live to 3.13, later by reading",
            Self::Reading => "by reading",
        }
    }
}

/// A sort of heap, by what it can do. Each heap is of one sort or several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// It collects no cycles.
    Leaks,
    /// It collects cycles, in an order that is not CPython's.
    Unordered,
    /// It collects cycles, and its mutators run in parallel.
    Parallel,
}

impl Sort {
    fn takes(self, abilities: Abilities) -> bool {
        match self {
            Self::Leaks => !abilities.collects_cycles,
            Self::Unordered => abilities.collects_cycles && !abilities.list_order,
            Self::Parallel => abilities.collects_cycles && abilities.parallel_mutators,
        }
    }
}

/// How a heap takes a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It does exactly what CPython does.
    Same,
    /// It does something else, and this is why.
    Differs(&'static str),
    /// The row cannot be asked of it, and this is why.
    NotApplicable(&'static str),
}

impl Verdict {
    /// In two words at most.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs(_) => "differs",
            Self::NotApplicable(_) => "n/a",
        }
    }

    /// Why it is not the same.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Same => None,
            Self::Differs(why) | Self::NotApplicable(why) => Some(why),
        }
    }
}

/// A row of the table. Its check panics unless the heap does exactly what CPython does: return values, counts, order,
/// messages.
#[derive(Clone)]
pub struct Row {
    source: Source,
    class: &'static str,
    name: &'static str,
    meaning: &'static str,
    change: Option<&'static str>,
    releases: &'static [Release],
    was_run: bool,
    stand_in: Option<&'static str>,
    departures: Vec<(Sort, Verdict)>,
    check: Result<fn(HeapConfig), &'static str>,
}

impl Row {
    fn with_check(meaning: &'static str, check: Result<fn(HeapConfig), &'static str>) -> Self {
        Self {
            source: Source::Gc,
            class: "",
            name: "",
            meaning,
            change: None,
            releases: &Release::ALL,
            was_run: true,
            stand_in: None,
            departures: Vec::new(),
            check,
        }
    }

    /// A row that holds on every heap and for every release, until more is said.
    pub(super) fn new(meaning: &'static str, check: fn(HeapConfig)) -> Self {
        Self::with_check(meaning, Ok(check))
    }

    /// A row that can be asked of no heap.
    pub(super) fn absent(meaning: &'static str, why: &'static str) -> Self {
        Self::with_check(meaning, Err(why))
    }

    /// Gives it CPython's name.
    pub fn named(mut self, source: Source, class: &'static str, name: &'static str) -> Self {
        (self.source, self.class, self.name) = (source, class, name);
        self
    }

    /// What changed between releases. The check is run with the settings of each, and asks them.
    pub(super) fn changed(mut self, rule: &'static str) -> Self {
        self.change = Some(rule);
        self
    }

    /// Only these releases behave so; the rule says what the others do.
    pub(super) fn only(mut self, releases: &'static [Release], rule: &'static str) -> Self {
        self.releases = releases;
        self.changed(rule)
    }

    /// What stands in for something of Python that no heap has.
    pub(super) fn standing_in(mut self, stand_in: &'static str) -> Self {
        self.stand_in = Some(stand_in);
        self
    }

    /// The interpreters at hand skip its test.
    pub(super) fn by_reading(mut self) -> Self {
        self.was_run = false;
        self
    }

    /// Heaps of this sort do something else.
    pub(super) fn differs(mut self, sort: Sort, why: &'static str) -> Self {
        self.departures.push((sort, Verdict::Differs(why)));
        self
    }

    /// Heaps of this sort cannot be asked.
    pub(super) fn spares(mut self, sort: Sort, why: &'static str) -> Self {
        self.departures.push((sort, Verdict::NotApplicable(why)));
        self
    }

    /// Heaps that collect no cycles leak what the row expects to be collected.
    pub(super) fn of_cycles(self) -> Self {
        self.differs(Sort::Leaks, "it collects no cycles: the garbage of this row is never found")
    }

    /// Heaps that collect no cycles have neither lists nor counters.
    pub(super) fn of_tracking(self) -> Self {
        self.differs(Sort::Leaks, "it tracks no objects: there are no generations, no lists and no counters")
    }

    /// Where the row comes from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The class in CPython's test file.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// The name of CPython's test.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it means on a heap, in one sentence.
    pub fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// What changed between releases, where something did.
    pub fn change(&self) -> Option<&'static str> {
        self.change
    }

    /// How the row was confirmed. `None` for one that is asked of no heap: nothing is held against CPython.
    pub fn evidence(&self) -> Option<Evidence> {
        let live = self.releases.iter().filter(|release| release.is_live()).count();
        Some(match (live, self.change) {
            _ if self.check.is_err() => return None,
            _ if !self.was_run => Evidence::Reading,
            (0, _) => Evidence::Reading,
            (_, Some(_)) if live < self.releases.len() => Evidence::Partly,
            _ => Evidence::Live,
        })
    }

    /// What stands in for something that only Python has.
    pub fn stand_in(&self) -> Option<&'static str> {
        self.stand_in
    }

    /// How a heap of these abilities is known to take the row.
    pub fn documented(&self, abilities: Abilities) -> Verdict {
        if let Err(why) = self.check {
            return Verdict::NotApplicable(why);
        }
        let departure = self.departures.iter().find(|(sort, _)| sort.takes(abilities));
        departure.map_or(Verdict::Same, |&(_, verdict)| verdict)
    }

    /// Runs the check with the settings of each release it is about, on top of `config`.
    ///
    /// # Errors
    /// The first [`Failure`].
    pub fn run(&self, config: HeapConfig) -> Result<(), Failure> {
        let Ok(check) = self.check else { return Ok(()) };
        let mut tried = Vec::new();
        for &release in self.releases {
            let config = release.configured(config);
            if tried.contains(&config) {
                continue;
            }
            tried.push(config);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| check(config))) {
                let message = payload
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| payload.downcast_ref::<&str>().copied())
                    .unwrap_or("a panic without a message");
                return Err(Failure { release, message: message.to_owned() });
            }
        }
        Ok(())
    }

    /// Runs the row on a heap of these abilities and holds what it does against what is documented. Of what is not
    /// applicable nothing is run.
    ///
    /// # Errors
    /// A sentence that says what was not expected: a failure, or a difference that is none any more.
    pub fn prove(&self, abilities: Abilities, config: HeapConfig) -> Result<Verdict, String> {
        let documented = self.documented(abilities);
        if let Verdict::NotApplicable(_) = documented {
            return Ok(documented);
        }
        match (documented, self.run(config)) {
            (Verdict::Same, Err(failure)) => Err(format!("{self} is not as in CPython: {failure}")),
            (Verdict::Differs(why), Ok(())) => {
                Err(format!("{self} is as in CPython, but the table says it differs because {why}; mend the table"))
            }
            _ => Ok(documented),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.source.name(), self.class, self.name)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({self})")
    }
}

/// A check that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// With whose settings.
    pub release: Release,
    /// What the check said.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "with the settings of {}: {}", self.release.name(), self.message)
    }
}
