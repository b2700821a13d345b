//! `gclab heap FILE --leaks`: what holds suspiciously much, and what grew since an older dump.

use std::cmp::Reverse;

use gc_core::inspection::{Difference, Dominators, MemoryReport, Snapshot};
use rustc_hash::FxHashMap;
use serde::Serialize;
use workloads::graph::HeapGraph;

use super::node::{Dump, Node, Way, short};
use super::page::Page;
use super::referrers::{Held, holders_of, write_holders};
use super::top::{Row, write_rows};
use crate::units;

/// Fewer objects of one type in a container are no suspicion.
const SUSPICIOUS: u64 = 16;

/// An object that retains this share of what another retains stands for it.
const STANDS_FOR: f64 = 0.8;

/// Types that grew for which holders are looked for: the first that are no builtins, and the first that are.
const GROWN_WITH_HOLDERS: usize = 3;

/// What looks like a leak.
#[derive(Debug, Serialize)]
pub(super) struct Leaks {
    /// Objects that nothing from outside leads to: garbage, which the collector has not freed yet.
    unreachable: Unreachable,
    /// Objects that hold most objects of one type; those of types that do not come with Python first, garbage last.
    containers: Vec<Container>,
    /// Objects with which most bytes would be freed.
    retaining: Vec<Retaining>,
    /// Types of which there are more than in the older dump; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    grown: Option<Vec<Grown>>,
}

#[derive(Debug, Serialize)]
struct Unreachable {
    objects: u64,
    bytes: u64,
    by_type: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Container {
    holder: Node,
    /// The type of most objects it holds.
    of_type: String,
    /// Different objects of that type that it holds.
    held: u64,
    /// Bytes that would be freed with it; none if nothing from outside leads to it.
    retained_bytes: Option<u64>,
    chain: Option<Way>,
}

#[derive(Debug, Serialize)]
struct Retaining {
    holder: Node,
    retained_bytes: u64,
    retained_objects: u64,
    chain: Option<Way>,
}

#[derive(Debug, Serialize)]
struct Grown {
    #[serde(rename = "type")]
    type_name: String,
    objects_before: u64,
    objects: u64,
    bytes_before: u64,
    bytes: u64,
    /// Who holds objects of this type now. For the types that grew most only.
    holders: Vec<Held>,
}

impl Leaks {
    pub(super) fn of(dump: &Dump, older: Option<&HeapGraph>, depth: usize, rows: usize) -> Self {
        let dominators = Dominators::of(&dump.graph, &dump.referrers);
        let lost = dump.graph.objects().filter(|&node| dominators.retained_bytes(node).is_none());
        let lost = MemoryReport::over(&dump.graph, lost, rows);
        Self {
            unreachable: Unreachable {
                objects: lost.objects,
                bytes: lost.bytes,
                by_type: lost.by_objects.into_iter().map(Row::from).collect(),
            },
            containers: containers(dump, &dominators, depth, rows),
            retaining: retaining(dump, &dominators, depth, rows),
            grown: older.map(|older| grown(dump, older, depth, rows)),
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        if let Some(grown) = &self.grown {
            page.title("what grew since the older dump (objects, bytes, type)");
            if grown.is_empty() {
                page.line("nothing");
            }
            for row in grown {
                let (objects, bytes) = (row.objects - row.objects_before, row.bytes.saturating_sub(row.bytes_before));
                let (objects, bytes) = (format!("+{}", units::count(objects)), format!("+{}", units::size(bytes)));
                page.line(&format!("{objects:>10} {bytes:>12}  {}", short(&row.type_name)));
            }
            for row in grown.iter().filter(|row| !row.holders.is_empty()) {
                page.title(&format!("who holds {} (how many, how many by nothing else)", short(&row.type_name)));
                write_holders(page, &row.holders);
            }
        }
        page.title("containers with most objects of one type (objects, retained bytes)");
        for row in &self.containers {
            let (held, rest) = (units::count(row.held), row.chain.as_ref().map(Way::rest).unwrap_or_default());
            let retained = row.retained_bytes.map_or("garbage".to_owned(), units::size);
            page.line(&format!("{held:>9} {retained:>11}  {} in {}", short(&row.of_type), row.holder));
            page.line(&format!("{:>21}  {rest}", "").trim_end().replacen("  ", "", 1));
        }
        page.title("objects that retain most (bytes, objects)");
        for row in &self.retaining {
            let (bytes, objects) = (units::size(row.retained_bytes), units::count(row.retained_objects));
            let rest = row.chain.as_ref().map(Way::rest).unwrap_or_default();
            page.line(format!("{bytes:>11} {objects:>9}  {} {rest}", row.holder).trim_end());
        }
        if self.unreachable.objects > 0 {
            let (objects, bytes) = (units::count(self.unreachable.objects), units::size(self.unreachable.bytes));
            page.title(&format!(
                "garbage that no collection has freed: {objects} objects, {bytes}; --cycles tells its cycles"
            ));
            write_rows(page, &self.unreachable.by_type);
        }
    }
}

fn containers(dump: &Dump, dominators: &Dominators, depth: usize, rows: usize) -> Vec<Container> {
    let graph = &dump.graph;
    let own = |kind: u32| dump.own_types[kind as usize];
    let mut found: Vec<(u64, u32, u32)> = Vec::new();
    let mut targets = Vec::new();
    let mut counts: FxHashMap<u32, u64> = FxHashMap::default();
    for node in graph.objects().filter(|&node| graph.targets(node).len() as u64 >= SUSPICIOUS) {
        targets.clear();
        targets.extend_from_slice(graph.targets(node));
        targets.sort_unstable();
        targets.dedup();
        counts.clear();
        targets.iter().for_each(|&target| *counts.entry(graph.type_of(target)).or_default() += 1);
        // Of a dict with as many keys as values the values say more: they are tracked.
        let most = counts.iter().max_by_key(|&(&kind, &count)| {
            (count, own(kind), graph.type_names()[kind as usize] != "builtins.str", kind)
        });
        if let Some((&kind, &count)) = most.filter(|&(_, &count)| count >= SUSPICIOUS) {
            found.push((count, node, kind));
        }
    }
    // Every program has modules with hundreds of strings and functions. What its own classes made is what may leak; not
    // garbage, which nothing keeps.
    found.sort_by_key(|&(count, node, kind)| (dump.garbage[node as usize], !own(kind), Reverse(count), node));
    found.truncate(rows);
    let container = |(held, node, kind): (u64, u32, u32)| Container {
        holder: dump.node(node),
        of_type: graph.type_names()[kind as usize].clone(),
        held,
        retained_bytes: dominators.retained_bytes(node),
        chain: dump.held_by(node, depth, 1).pop(),
    };
    found.into_iter().map(container).collect()
}

fn retaining(dump: &Dump, dominators: &Dominators, depth: usize, rows: usize) -> Vec<Retaining> {
    let bytes = |node: u32| dominators.retained_bytes(node).unwrap_or(0);
    // What retains nearly all that its dominator retains stands for it: the dict of a module, the table of a cache.
    let mut stood_for = vec![false; dump.graph.len()];
    for node in dump.graph.objects() {
        if let Some(above) = dominators.direct(node)
            && bytes(node) as f64 >= STANDS_FOR * bytes(above) as f64
        {
            stood_for[above as usize] = true;
        }
    }
    let mut found: Vec<u32> =
        dump.graph.objects().filter(|&node| bytes(node) > 0 && !stood_for[node as usize]).collect();
    found.sort_by_key(|&node| (Reverse(bytes(node)), node));
    found.truncate(rows);
    let row = |node| Retaining {
        holder: dump.node(node),
        retained_bytes: bytes(node),
        retained_objects: dominators.retained_objects(node).into(),
        chain: dump.held_by(node, depth, 1).pop(),
    };
    found.into_iter().map(row).collect()
}

fn grown(dump: &Dump, older: &HeapGraph, depth: usize, rows: usize) -> Vec<Grown> {
    // Garbage is not kept by anything: how much of it there is depends on when the collector last ran.
    let before = older.inspected();
    let kept_before = before.objects().filter(|&node| !older.flags(node).is_garbage());
    let kept = dump.graph.objects().filter(|&node| !dump.garbage[node as usize]);
    let difference = Difference::between(&Snapshot::over(&before, kept_before), &Snapshot::over(&dump.graph, kept));
    let mut changes: Vec<_> = difference.types.into_iter().filter(|change| change.objects() > 0).collect();
    // The program's own types first: behind a thousand strings more there is one that holds them.
    let builtin = |name: &str| name.starts_with("builtins.");
    changes.sort_by(|a, b| {
        (builtin(&a.name), b.objects(), b.bytes(), &a.name).cmp(&(builtin(&b.name), a.objects(), a.bytes(), &b.name))
    });
    let own = changes.iter().filter(|change| !builtin(&change.name)).count();
    // Half of the rows each, or what the other half leaves.
    let builtins = (changes.len() - own).min(rows.saturating_sub(own).max(rows / 2));
    let shown = own.min(rows - builtins);
    let (own_changes, builtin_changes) = changes.split_at(own);
    let chosen = own_changes[..shown].iter().enumerate().chain(builtin_changes[..builtins].iter().enumerate());
    let rows = chosen.map(|(rank, change)| {
        let change = change.clone();
        let wanted = |node| dump.graph.type_name(node) == change.name && !dump.garbage[node as usize];
        let holders = if rank < GROWN_WITH_HOLDERS { holders_of(dump, wanted, depth, 3) } else { Vec::new() };
        Grown {
            objects_before: change.before.objects,
            objects: change.after.objects,
            bytes_before: change.before.bytes,
            bytes: change.after.bytes,
            holders,
            type_name: change.name,
        }
    });
    rows.collect()
}
