//! `gclab heap FILE --type NAME`: the objects of one type, what holds them and what they hold.

use gc_core::inspection::MemoryReport;
use rustc_hash::FxHashSet;
use serde::Serialize;

use super::node::{Dump, Node};
use super::page::Page;
use super::selection::Types;
use super::top::{Row, write_rows};
use crate::units;

/// What a file says of the objects of a type.
#[derive(Debug, Serialize)]
pub(super) struct OneType {
    types: Vec<String>,
    objects: u64,
    bytes: u64,
    tracked: u64,
    held_from_outside: u64,
    flagged_garbage: u64,
    /// The objects that refer to some of them, by type.
    held_by: Vec<Row>,
    /// The objects that some of them refer to, by type.
    hold: Vec<Row>,
    largest: Vec<Node>,
}

impl OneType {
    pub(super) fn of(dump: &Dump, types: &Types, rows: usize) -> Self {
        let graph = &dump.graph;
        let objects: Vec<u32> = graph.objects().filter(|&node| types.wants(dump, node)).collect();
        let count = |holds: &dyn Fn(u32) -> bool| objects.iter().filter(|&&node| holds(node)).count() as u64;
        let total = |others: FxHashSet<u32>| {
            MemoryReport::over(graph, others, rows).by_objects.into_iter().map(Row::from).collect::<Vec<_>>()
        };
        let mut largest = objects.clone();
        largest.sort_by_key(|&node| (std::cmp::Reverse(graph.size(node)), node));
        largest.truncate(rows);
        Self {
            types: types.names.clone(),
            objects: objects.len() as u64,
            bytes: objects.iter().map(|&node| graph.size(node)).sum(),
            tracked: count(&|node| graph.is_tracked(node)),
            held_from_outside: count(&|node| graph.is_held(node)),
            flagged_garbage: count(&|node| dump.garbage[node as usize]),
            held_by: total(objects.iter().flat_map(|&node| dump.referrers.to(node)).copied().collect()),
            hold: total(objects.iter().flat_map(|&node| graph.targets(node)).copied().collect()),
            largest: largest.into_iter().map(|node| dump.node(node)).collect(),
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        page.title(&self.types.join(", "));
        page.line(&format!(
            "{} objects, {}; {} tracked, {} held from outside, {} flagged as garbage",
            units::count(self.objects),
            units::size(self.bytes),
            units::count(self.tracked),
            units::count(self.held_from_outside),
            units::count(self.flagged_garbage)
        ));
        page.title("objects that refer to them (objects, bytes, type)");
        write_rows(page, &self.held_by);
        page.title("objects that they refer to");
        write_rows(page, &self.hold);
        page.title("largest");
        for node in &self.largest {
            page.line(&format!("{:>11}  {node}", units::size(node.bytes)));
        }
    }
}
