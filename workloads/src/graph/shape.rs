//! The shape of a heap graph in figures: what `gclab heap FILE` prints.

use super::HeapGraph;
use gc_core::inspection::components::Components;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// Types listed by count, and by bytes.
const TOP_TYPES: usize = 10;

/// The figures of one heap graph. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shape {
    /// Objects.
    pub nodes: u64,
    /// References, duplicates included.
    pub edges: u64,
    /// Size of all objects.
    pub bytes: u64,
    /// Objects the collector tracks.
    pub tracked: u64,
    /// Size of the tracked objects.
    pub tracked_bytes: u64,
    /// Immortal objects.
    pub immortal: u64,
    /// Objects that weak references point to.
    pub weakly_referenced: u64,
    /// Objects whose type has a finalizer.
    pub with_finalizer: u64,
    /// Out-degrees of tracked objects; none without tracked objects.
    pub out_degree: Option<Percentiles>,
    /// Reference counts of tracked objects that are not immortal.
    pub reference_count: Option<Percentiles>,
    /// Sizes of tracked objects.
    pub tracked_size: Option<Percentiles>,
    /// Tracked objects on a cycle of tracked objects.
    pub on_cycles: u64,
    /// Objects of the largest strongly connected component over tracked objects; 1 when no object is on a cycle.
    pub largest_component: u64,
    /// Sizes of the components on a cycle, ascending, each with its number of components.
    pub component_sizes: Vec<ComponentSize>,
    /// Types with the most objects.
    pub types_by_count: Vec<TypeTotal>,
    /// Types with the most bytes.
    pub types_by_bytes: Vec<TypeTotal>,
    /// Objects flagged as cyclic garbage by the recorded program.
    pub flagged: Flagged,
}

/// A distribution by nearest rank: `p90` is the smallest value that nine values in ten do not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it all")]
pub struct Percentiles {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
}

/// How many components have one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ComponentSize {
    /// Objects of the component.
    pub objects: u32,
    /// Number of components of that size.
    pub components: u32,
}

/// The objects of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeTotal {
    /// Qualified name.
    pub name: String,
    /// Number of objects.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
}

/// The objects flagged as cyclic garbage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flagged {
    /// Number of objects.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
    /// Those that are on a cycle themselves; the others hang off one.
    pub on_cycles: u64,
    /// Sizes of the garbage components on a cycle; none without garbage cycles.
    pub component_size: Option<Percentiles>,
}

impl Percentiles {
    /// The percentiles of `values`, or none of nothing.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut values: Vec<u64> = values.into_iter().collect();
        values.sort_unstable();
        let &max = values.last()?;
        let rank = |percent: usize| values[(values.len() * percent).div_ceil(100) - 1];
        Some(Self { p50: rank(50), p90: rank(90), p99: rank(99), max })
    }
}

impl Shape {
    /// Measures `graph`.
    pub fn of(graph: &HeapGraph) -> Self {
        let components = graph.components();
        let tracked = || graph.nodes().filter(|&node| graph.flags(node).is_tracked());
        let count = |wanted: fn(super::Flags) -> bool| {
            graph.columns().flags.iter().filter(|&&flags| wanted(flags)).count() as u64
        };
        let (types_by_count, types_by_bytes) = top_types(graph);
        Self {
            nodes: graph.node_count() as u64,
            edges: graph.edge_count() as u64,
            bytes: graph.columns().sizes.iter().sum(),
            tracked: count(super::Flags::is_tracked),
            tracked_bytes: tracked().map(|node| graph.size(node)).sum(),
            immortal: count(super::Flags::is_immortal),
            weakly_referenced: count(super::Flags::is_weakly_referenced),
            with_finalizer: count(super::Flags::has_finalizer),
            out_degree: Percentiles::of(tracked().map(|node| graph.targets(node).len() as u64)),
            // An immortal object's count is not kept: its 0 would be no measurement.
            reference_count: Percentiles::of(
                tracked().filter(|&node| graph.is_examined(node)).map(|node| graph.count(node)),
            ),
            tracked_size: Percentiles::of(tracked().map(|node| graph.size(node))),
            on_cycles: tracked().filter(|&node| components.is_on_cycle(node)).count() as u64,
            largest_component: components.sizes().iter().copied().max().unwrap_or(0).into(),
            component_sizes: component_sizes(&components),
            types_by_count,
            types_by_bytes,
            flagged: Flagged::of(graph, &components),
        }
    }

    /// The share of tracked objects that are on a cycle, from 0 to 1; none without tracked objects.
    pub fn on_cycles_share(&self) -> Option<f64> {
        (self.tracked > 0).then(|| self.on_cycles as f64 / self.tracked as f64)
    }
}

impl Flagged {
    fn of(graph: &HeapGraph, components: &Components) -> Self {
        let mut sums = Self::default();
        let mut garbage_components = BTreeMap::new();
        for node in graph.nodes().filter(|&node| graph.flags(node).is_garbage()) {
            sums.objects += 1;
            sums.bytes += graph.size(node);
            if let Some(component) = components.of_node(node).filter(|_| components.is_on_cycle(node)) {
                sums.on_cycles += 1;
                garbage_components.insert(component, u64::from(components.sizes()[component as usize]));
            }
        }
        sums.component_size = Percentiles::of(garbage_components.into_values());
        sums
    }
}

fn component_sizes(components: &Components) -> Vec<ComponentSize> {
    let mut sizes = BTreeMap::new();
    for (&size, _) in components.sizes().iter().zip(components.cyclic()).filter(|&(_, &cyclic)| cyclic) {
        *sizes.entry(size).or_insert(0) += 1;
    }
    sizes.into_iter().map(|(objects, components)| ComponentSize { objects, components }).collect()
}

/// The largest types by count and by bytes. Types of equal rank stand in the order of the file's type table.
fn top_types(graph: &HeapGraph) -> (Vec<TypeTotal>, Vec<TypeTotal>) {
    let mut totals = vec![(0_u64, 0_u64); graph.header().types.len()];
    for (&index, &size) in graph.columns().types.iter().zip(&graph.columns().sizes) {
        let (objects, bytes) = &mut totals[index as usize];
        *objects += 1;
        *bytes += size;
    }
    let top = |rank: fn((u64, u64)) -> (u64, u64)| {
        let mut order: Vec<usize> = (0..totals.len()).filter(|&index| totals[index].0 > 0).collect();
        order.sort_by_key(|&index| Reverse(rank(totals[index])));
        order.truncate(TOP_TYPES);
        order
            .into_iter()
            .map(|index| {
                let (objects, bytes) = totals[index];
                TypeTotal { name: graph.header().types[index].name.clone(), objects, bytes }
            })
            .collect()
    };
    (top(|(objects, bytes)| (objects, bytes)), top(|(objects, bytes)| (bytes, objects)))
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(out, "{name:<28} {value:>14}");
        line("nodes", grouped(self.nodes))?;
        line("edges", grouped(self.edges))?;
        line("bytes", grouped(self.bytes))?;
        line("tracked", grouped(self.tracked))?;
        line("tracked bytes", grouped(self.tracked_bytes))?;
        line("immortal", grouped(self.immortal))?;
        line("weakly referenced", grouped(self.weakly_referenced))?;
        line("with finalizer", grouped(self.with_finalizer))?;
        line("on cycles", grouped(self.on_cycles))?;
        if let Some(share) = self.on_cycles_share() {
            line("on cycles, of tracked", format!("{:.1} %", share * 100.0))?;
        }
        line("largest component", grouped(self.largest_component))?;
        line("flagged garbage", grouped(self.flagged.objects))?;
        line("flagged garbage bytes", grouped(self.flagged.bytes))?;
        line("flagged garbage on cycles", grouped(self.flagged.on_cycles))?;

        writeln!(out, "\n{:<28} {:>10} {:>10} {:>10} {:>10}", "tracked objects", "p50", "p90", "p99", "max")?;
        let rows = [
            ("out-degree", self.out_degree),
            ("reference count", self.reference_count),
            ("size, bytes", self.tracked_size),
            ("garbage component, objects", self.flagged.component_size),
        ];
        for (name, row) in rows {
            let cells = match row {
                Some(Percentiles { p50, p90, p99, max }) => [p50, p90, p99, max].map(grouped),
                None => std::array::from_fn(|_| "–".to_owned()),
            };
            writeln!(out, "{name:<28} {:>10} {:>10} {:>10} {:>10}", cells[0], cells[1], cells[2], cells[3])?;
        }

        writeln!(out, "\n{:<28} {:>10}", "component on a cycle, objects", "components")?;
        for (from, to, components) in doubling(&self.component_sizes) {
            let range = if from == to { grouped(from) } else { format!("{} to {}", grouped(from), grouped(to)) };
            writeln!(out, "{range:<28} {:>10}", grouped(components))?;
        }

        for (title, types) in [("by objects", &self.types_by_count), ("by bytes", &self.types_by_bytes)] {
            writeln!(out, "\ntypes {title:<34} {:>10} {:>14}", "objects", "bytes")?;
            for TypeTotal { name, objects, bytes } in types {
                writeln!(out, "{name:<40} {:>10} {:>14}", grouped(*objects), grouped(*bytes))?;
            }
        }
        Ok(())
    }
}

/// The histogram in ranges 1, 2, 3–4, 5–8, …: `(from, to, components)`, empty ranges left out.
fn doubling(sizes: &[ComponentSize]) -> Vec<(u64, u64, u64)> {
    let mut ranges = BTreeMap::new();
    for &ComponentSize { objects, components } in sizes {
        let to = u64::from(objects).next_power_of_two();
        *ranges.entry(to).or_insert(0) += u64::from(components);
    }
    ranges.into_iter().map(|(to, components)| (to / 2 + 1, to, components)).collect()
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let percentiles = Percentiles::of((1..=10).rev());
        assert_eq!(percentiles, Some(Percentiles { p50: 5, p90: 9, p99: 10, max: 10 }));
        assert_eq!(Percentiles::of([7]), Some(Percentiles { p50: 7, p90: 7, p99: 7, max: 7 }));
        assert_eq!(Percentiles::of([]), None);
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn ranges_of_component_sizes_double() {
        let sizes = [1, 2, 3, 4, 5, 9].map(|objects| ComponentSize { objects, components: 1 });
        assert_eq!(doubling(&sizes), [(1, 1, 1), (2, 2, 1), (3, 4, 2), (5, 8, 1), (9, 16, 1)]);
    }
}
