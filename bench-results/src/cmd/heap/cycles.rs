//! `gclab heap FILE --cycles`: the cycles of a heap, by the types along them.

use gc_core::inspection::{CycleGroup, cycle_cover, shortest_cycle};
use serde::Serialize;

use super::node::{Dump, Node, short};
use super::page::Page;
use crate::units;

/// References that the search follows at most; some seconds.
const BUDGET: u64 = 400_000_000;

/// Types of a cycle that are written out; of a longer one the rest is a number.
const WRITTEN: usize = 12;

/// The cycles of a dump: of the flagged garbage, or, where nothing is flagged, of all objects in two parts.
#[derive(Debug, Serialize)]
pub(super) struct Cycles {
    covers: Vec<Cover>,
}

/// Short cycles that every object on a cycle is on.
#[derive(Debug, Serialize)]
struct Cover {
    among: &'static str,
    objects: u64,
    on_cycles: u64,
    /// Objects on a cycle for which none was looked for.
    left_over: u64,
    /// Cycles of all forms.
    cycles: u64,
    forms: u64,
    groups: Vec<Group>,
}

/// The cycles of one form.
#[derive(Debug, Serialize)]
struct Group {
    types: Vec<String>,
    cycles: u64,
    bytes: u64,
    example: Vec<u32>,
}

impl Cycles {
    pub(super) fn of(dump: &Dump, rows: usize) -> Self {
        let covers = if dump.garbage.contains(&true) {
            vec![Cover::of(dump, "the flagged garbage", |node| dump.garbage[node as usize], rows)]
        } else {
            let among = "objects that are no modules, classes, functions or their parts";
            vec![
                Cover::of(dump, among, |node| !dump.program[node as usize], rows),
                Cover::of(dump, "all objects", |_| true, rows),
            ]
        };
        Self { covers }
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.covers.iter().for_each(|cover| cover.write(page));
    }
}

impl Cover {
    fn of(dump: &Dump, among: &'static str, is_wanted: impl Fn(u32) -> bool, rows: usize) -> Self {
        let cover = cycle_cover(&dump.graph, &dump.referrers, is_wanted, BUDGET);
        Self {
            among,
            objects: cover.objects,
            on_cycles: cover.on_cycles,
            left_over: cover.left_over,
            cycles: cover.groups.iter().map(|group| group.cycles).sum(),
            forms: cover.groups.len() as u64,
            groups: cover.groups.into_iter().take(rows).map(Group::of).collect(),
        }
    }

    fn write(&self, page: &mut Page) {
        page.title(&format!("cycles among {}", self.among));
        let [objects, on_cycles, cycles, forms] =
            [self.objects, self.on_cycles, self.cycles, self.forms].map(units::count);
        page.line(&format!(
            "{objects} objects, {on_cycles} on a cycle; {cycles} short cycles of {forms} forms cover these"
        ));
        if self.left_over > 0 {
            page.line(&format!("{} were not looked at: it would take too long", units::count(self.left_over)));
        }
        if self.groups.is_empty() {
            return;
        }
        page.line("the commonest (cycles, bytes, types along the cycle; the nodes of one of them):");
        for group in &self.groups {
            let (count, bytes) = (units::count(group.cycles), units::size(group.bytes));
            page.line(&format!("{count:>7} {bytes:>11}  {}", group.path()));
            page.line(&format!("{:>19}  {}", "", nodes(&group.example)));
        }
    }
}

impl Group {
    /// Beginning at the first type that is the program's own, where there is one.
    fn of(mut group: CycleGroup) -> Self {
        let own = group.types.iter().position(|name| !name.starts_with("builtins.")).unwrap_or(0);
        group.types.rotate_left(own);
        group.example.rotate_left(own);
        Self { types: group.types, cycles: group.cycles, bytes: group.bytes, example: group.example }
    }

    fn path(&self) -> String {
        path(self.types.iter().map(|name| short(name)))
    }
}

fn path<'a>(types: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = types.len();
    let mut written: Vec<&str> = types.take(WRITTEN).collect();
    let first = written[0];
    let more = format!("{} more", units::count(count.saturating_sub(WRITTEN) as u64));
    if count > WRITTEN {
        written.push(&more);
    }
    written.push(first);
    written.join(" → ")
}

fn nodes(example: &[u32]) -> String {
    let mut written: Vec<String> = example.iter().take(WRITTEN).map(|node| format!("#{node}")).collect();
    if example.len() > WRITTEN {
        written.push("…".to_owned());
    }
    written.join(" ")
}

/// The shortest cycle through one object.
#[derive(Debug, Serialize)]
pub(super) struct Through {
    object: Node,
    /// `None` if it is on none.
    cycle: Option<Vec<Node>>,
}

impl Through {
    pub(super) fn of(dump: &Dump, node: u32) -> Self {
        let cycle = shortest_cycle(&dump.graph, node);
        let named = |cycle: Vec<u32>| cycle.into_iter().map(|node| dump.node(node)).collect();
        Self { object: dump.node(node), cycle: cycle.map(named) }
    }

    pub(super) fn write(&self, page: &mut Page) {
        page.title(&format!("the shortest cycle through {}", self.object));
        match &self.cycle {
            None => page.line("it is on no cycle"),
            Some(cycle) => {
                page.line(&path(cycle.iter().map(|node| short(&node.type_name))));
                cycle.iter().take(WRITTEN * WRITTEN).for_each(|node| page.line(&format!("→ {node}")));
                if cycle.len() > WRITTEN * WRITTEN {
                    page.line(&format!("… {} more", units::count((cycle.len() - WRITTEN * WRITTEN) as u64)));
                }
            }
        }
    }
}
