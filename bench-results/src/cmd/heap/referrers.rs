//! `gclab heap FILE --referrers NODE|TYPE`: who holds an object, or the objects of a type.

use gc_core::inspection::{MemoryReport, holders};
use serde::Serialize;

use super::node::{Dump, Node, Way};
use super::page::Page;
use super::selection::Subject;
use super::top::{Row, write_rows};
use crate::units;

/// Who holds what was asked about.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// One object.
    Node {
        object: Node,
        held_from_outside: bool,
        /// Different objects that refer to it.
        referrers: usize,
        /// The same by type.
        by_type: Vec<Row>,
        chains: Vec<Way>,
    },
    /// The objects of a type.
    Type { types: Vec<String>, objects: u64, held_from_outside: u64, holders: Vec<Held> },
}

/// A container and how many of the objects it holds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Held {
    pub(super) holder: Node,
    /// How many of them.
    pub(super) held: u64,
    /// How many of these nothing else refers to.
    pub(super) held_by_nothing_else: u64,
    /// Who holds the container: the shortest chain.
    pub(super) chain: Option<Way>,
}

pub(super) fn answer(dump: &Dump, subject: &Subject, depth: usize, rows: usize) -> Answer {
    match subject {
        Subject::Node(node) => of_node(dump, *node, depth, rows),
        Subject::Types(types) => {
            let objects: Vec<u32> = dump.graph.objects().filter(|&node| types.wants(dump, node)).collect();
            Answer::Type {
                types: types.names.clone(),
                objects: objects.len() as u64,
                held_from_outside: objects.iter().filter(|&&node| dump.graph.is_held(node)).count() as u64,
                holders: holders_of(dump, |node| types.wants(dump, node), depth, rows),
            }
        }
    }
}

/// The containers that hold most of the objects that `is_wanted` is true for, each with its chain.
pub(super) fn holders_of(dump: &Dump, is_wanted: impl Fn(u32) -> bool, depth: usize, rows: usize) -> Vec<Held> {
    let found = holders(&dump.graph, &dump.referrers, is_wanted, rows);
    let held = found.into_iter().map(|holder| Held {
        holder: dump.node(holder.object),
        held: holder.held,
        held_by_nothing_else: holder.alone,
        chain: dump.held_by(holder.object, depth, 1).pop(),
    });
    held.collect()
}

fn of_node(dump: &Dump, node: u32, depth: usize, rows: usize) -> Answer {
    let mut referrers = dump.referrers.to(node).to_vec();
    referrers.dedup();
    let by_type = MemoryReport::over(&dump.graph, referrers.iter().copied(), rows).by_objects;
    Answer::Node {
        object: dump.node(node),
        held_from_outside: dump.graph.is_held(node),
        referrers: referrers.len(),
        by_type: by_type.into_iter().map(Row::from).collect(),
        chains: dump.held_by(node, depth, rows),
    }
}

impl Answer {
    pub(super) fn write(&self, page: &mut Page) {
        match self {
            Answer::Node { object, held_from_outside, referrers, by_type, chains } => {
                page.title(&format!("{object}, {}", units::size(object.bytes)));
                let outside = if *held_from_outside { "yes" } else { "no" };
                page.line(&format!("objects that refer to it: {}", units::count(*referrers as u64)));
                page.line(&format!("held from outside: {outside}"));
                if *referrers > 0 {
                    page.title("they are (objects, bytes, type)");
                    write_rows(page, by_type);
                }
                page.title("held by, the shortest ways to modules and to the outside first");
                chains.iter().for_each(|way| page.line(&way.to_string()));
            }
            Answer::Type { types, objects, held_from_outside, holders } => {
                page.title(&format!(
                    "{}: {} objects, {} of them held from outside",
                    types.join(", "),
                    units::count(*objects),
                    units::count(*held_from_outside)
                ));
                page.title("held by (how many, how many by nothing else)");
                write_holders(page, holders);
            }
        }
    }
}

/// Containers, each with its chain.
pub(super) fn write_holders(page: &mut Page, holders: &[Held]) {
    if holders.is_empty() {
        page.line("nothing in the file");
    }
    for held in holders {
        let rest = held.chain.as_ref().map(Way::rest).unwrap_or_default();
        let (count, alone) = (units::count(held.held), units::count(held.held_by_nothing_else));
        page.line(&format!("{count:>9} {alone:>9}  {} {rest}", held.holder).trim_end().replace("\n", " "));
    }
}
