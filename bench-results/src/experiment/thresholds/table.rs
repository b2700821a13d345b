//! The table, typed: each work on each heap, a row a setting, beside what CPython did. All files are made from it.

use super::cpython::{self, OnCPython};
use super::figures::{FIGURES, Loop, place};
use super::live;
use super::settings::{Setting, Work, made_of};
use crate::cell::Given;
use crate::comparison::BASELINE;
use crate::experiment::trial;
use crate::record::Status;
use crate::report::column::{Block, Column};
use crate::report::quantity::Figure;
use crate::sweep::Arrivals;

/// A setting on one heap.
#[derive(Clone, Debug)]
pub struct Row {
    /// The setting.
    pub setting: &'static Setting,
    /// It is the heap's second row: what the two differ in is noise.
    pub twin: bool,
    /// In the order of [`FIGURES`]; `None`: not known, or too few times to say.
    pub figures: Vec<Option<Figure>>,
    /// The same program and setting on CPython; only beside the heap that does as it does.
    pub cpython: Vec<&'static OnCPython>,
    /// Cells that are not ok: the loop, how they ended, how many of how many.
    pub failures: Vec<(Loop, Status, usize, usize)>,
    /// The same on live interpreters, a row a version; only beside the heap that does as CPython does.
    pub live: Vec<Row>,
    /// The interpreter, if this is the row of one.
    pub interpreter: Option<Interpreter>,
}

/// A live interpreter, as a row names it.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// Such as `CPython 3.12.1, live`.
    pub name: String,
    /// Of a version 3.12: by how much the baseline's collections of each generation differ from its.
    pub less: Option<[i64; 3]>,
    /// Why cells of it failed.
    pub causes: Vec<String>,
}

impl Row {
    /// A figure as a number.
    pub fn number(&self, of: Loop, key: &str) -> Option<f64> {
        match self.figures.get(place(of, key)?)?.as_ref()? {
            Figure::Number { value, .. } => Some(*value),
            Figure::Text(_) => None,
        }
    }

    /// What live interpreters did with the same, each with its name.
    pub fn live_rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.live.iter().filter_map(|row| Some((row.interpreter.as_ref()?.name.as_str(), row)))
    }

    /// Collections of each generation.
    pub fn collections(&self) -> Option<[f64; 3]> {
        let of = |generation| self.number(Loop::Closed, &format!("collections-{generation}"));
        Some([of(0)?, of(1)?, of(2)?])
    }

    /// By how much the collections of each generation differ from CPython's; `None` where one of the two is not known, or both
    /// hang on the machine.
    pub fn difference(&self) -> Option<[i64; 3]> {
        if self.setting.goes_by_the_clock() {
            return None;
        }
        let (ours, theirs) = (self.collections()?, self.cpython.first()?.collections()?);
        Some(std::array::from_fn(|generation| ours[generation].round() as i64 - theirs[generation] as i64))
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Table {
    /// The heap.
    pub heap: String,
    /// A row a setting.
    pub rows: Vec<Row>,
}

/// A work on all heaps.
#[derive(Clone, Debug)]
pub struct OfWork {
    /// Its name.
    pub name: String,
    /// Its dials.
    pub dials: Vec<Given>,
    /// Requests that arrived a second in the open loop, if it has run.
    pub rate: Option<f64>,
    /// A table a heap.
    pub tables: Vec<Table>,
}

impl OfWork {
    /// All rows, each with its heap or interpreter; those of interpreters stand behind the baseline's of their setting.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        let rows = self.tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table.heap.as_str(), row)));
        rows.flat_map(|(heap, row)| std::iter::once((heap, row)).chain(row.live_rows()))
    }

    /// Of the blocks of a run and what live interpreters said, the works in their order.
    pub fn of(blocks: &[Block<'_>], records: &[trial::Record]) -> Vec<Self> {
        let mut works: Vec<(Work, Vec<Made<'_, '_>>)> = Vec::new();
        for block in blocks {
            let Some((work, setting)) = made_of(block.point) else { continue };
            let made = Made { setting, block };
            match works.iter_mut().find(|(known, _)| *known == work) {
                Some((_, all)) => all.push(made),
                None => works.push((work, vec![made])),
            }
        }
        works.into_iter().map(|(work, made)| Self::new(work, &made, records)).collect()
    }

    fn new(work: Work, made: &[Made<'_, '_>], records: &[trial::Record]) -> Self {
        let rate = made.iter().find_map(|made| match made.block.point.arrivals {
            Arrivals::Rate(rate) => Some(rate),
            Arrivals::Closed | Arrivals::Load(_) => None,
        });
        let mut heaps: Vec<&str> = Vec::new();
        for column in made.iter().flat_map(|made| &made.block.columns) {
            if !heaps.contains(&column.heap) {
                heaps.push(column.heap);
            }
        }
        let mut tables: Vec<Table> =
            heaps.into_iter().map(|heap| table(&work, heap, made)).filter(|table| !table.rows.is_empty()).collect();
        for row in tables.iter_mut().filter(|table| table.heap == BASELINE).flat_map(|table| &mut table.rows) {
            if !row.twin {
                row.live = live::rows(records, &work, row.setting, row.collections());
            }
        }
        Self { tables, name: work.name, dials: work.dials, rate }
    }
}

/// A block, and the setting that it is of.
struct Made<'b, 's> {
    setting: &'static Setting,
    block: &'b Block<'s>,
}

impl Made<'_, '_> {
    fn of(&self) -> Loop {
        if self.block.point.arrivals == Arrivals::Closed { Loop::Closed } else { Loop::Open }
    }
}

fn table(work: &Work, heap: &str, made: &[Made<'_, '_>]) -> Table {
    let mut settings: Vec<&'static Setting> = Vec::new();
    for made in made {
        if !settings.contains(&made.setting) {
            settings.push(made.setting);
        }
    }
    let mut rows = Vec::new();
    for setting in settings {
        for twin in [false, true] {
            let column = |of: Loop| {
                let block = made.iter().find(|made| made.setting == setting && made.of() == of)?.block;
                block
                    .columns
                    .iter()
                    .find(|column| column.heap == heap && column.twin == twin && !column.lines.is_empty())
            };
            let columns = [(Loop::Closed, column(Loop::Closed)), (Loop::Open, column(Loop::Open))];
            if columns.iter().all(|(_, column)| column.is_none()) {
                continue;
            }
            let in_loop = |of: Loop| columns.iter().find(|(known, _)| *known == of).and_then(|(_, column)| *column);
            rows.push(Row {
                setting,
                twin,
                figures: FIGURES.iter().map(|figure| figure.figure(in_loop(figure.of)?)).collect(),
                cpython: if heap == BASELINE { cpython::rows(&work.name, setting.key) } else { Vec::new() },
                failures: columns.iter().flat_map(|(of, column)| failures(*of, *column)).collect(),
                live: Vec::new(),
                interpreter: None,
            });
        }
    }
    Table { heap: heap.to_owned(), rows }
}

fn failures(of: Loop, column: Option<&Column<'_>>) -> Vec<(Loop, Status, usize, usize)> {
    let all = [Status::Saturated, Status::OutOfMemory, Status::Timeout, Status::WrongDigest, Status::Error];
    let Some(column) = column else { return Vec::new() };
    let ended = all.into_iter().map(|status| (of, status, column.count(status), column.lines.len()));
    ended.filter(|(_, _, count, _)| *count > 0).collect()
}
