//! `gclab heap FILE --top`: what fills the heap, by type.

use gc_core::inspection::{MemoryReport, TypeTotal};
use serde::Serialize;

use super::node::{Dump, short};
use super::page::Page;
use crate::units;

/// Objects and bytes of one type.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    #[serde(rename = "type")]
    pub(super) type_name: String,
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

impl From<TypeTotal> for Row {
    fn from(total: TypeTotal) -> Self {
        Self { type_name: total.name, objects: total.objects, bytes: total.bytes }
    }
}

/// The largest types.
#[derive(Debug, Serialize)]
pub(super) struct Top {
    objects: u64,
    references: u64,
    bytes: u64,
    types: u64,
    by_objects: Vec<Row>,
    by_bytes: Vec<Row>,
}

impl Top {
    pub(super) fn of(dump: &Dump, rows: usize) -> Self {
        let report = MemoryReport::of(&dump.graph, rows);
        Self {
            objects: report.objects,
            references: report.references,
            bytes: report.bytes,
            types: report.types,
            by_objects: report.by_objects.into_iter().map(Row::from).collect(),
            by_bytes: report.by_bytes.into_iter().map(Row::from).collect(),
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        page.title(&format!(
            "{} objects of {} types, {} references, {}",
            units::count(self.objects),
            units::count(self.types),
            units::count(self.references),
            units::size(self.bytes)
        ));
        for (title, rows) in [("most objects", &self.by_objects), ("most bytes", &self.by_bytes)] {
            page.title(title);
            write_rows(page, rows);
        }
    }
}

/// Types with objects and bytes, one a line.
pub(super) fn write_rows(page: &mut Page, rows: &[Row]) {
    for row in rows {
        let (objects, bytes) = (units::count(row.objects), units::size(row.bytes));
        page.line(&format!("{objects:>10} {bytes:>11}  {}", short(&row.type_name)));
    }
}
