//! What is in a heap: objects and bytes, by type.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::graph::ObjectGraph;

/// The objects of one type, or of several with one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeTotal {
    /// The type's name.
    pub name: String,
    /// Objects.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Objects and bytes, of the whole graph and of its largest types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    /// Objects.
    pub objects: u64,
    /// Bytes of all objects.
    pub bytes: u64,
    /// References, duplicates included.
    pub references: u64,
    /// Types that have objects.
    pub types: u64,
    /// Types with most objects, most first.
    pub by_objects: Vec<TypeTotal>,
    /// Types with most bytes, most first.
    pub by_bytes: Vec<TypeTotal>,
}

impl MemoryReport {
    /// A report that names the `top` largest types.
    pub fn of(graph: &ObjectGraph, top: usize) -> Self {
        Self::over(graph, graph.objects(), top)
    }

    /// The same of some objects only; references count for those that hold them.
    pub fn over(graph: &ObjectGraph, objects: impl IntoIterator<Item = u32>, top: usize) -> Self {
        let mut report = Self::default();
        let mut totals: FxHashMap<&str, (u64, u64)> = FxHashMap::default();
        for object in objects {
            let total = totals.entry(graph.type_name(object)).or_default();
            total.0 += 1;
            total.1 += graph.size(object);
            report.objects += 1;
            report.bytes += graph.size(object);
            report.references += graph.targets(object).len() as u64;
        }
        report.types = totals.len() as u64;
        let mut totals: Vec<_> = totals
            .into_iter()
            .map(|(name, (objects, bytes))| TypeTotal { name: name.to_owned(), objects, bytes })
            .collect();
        // Equal ones stand by name, so that a report does not depend on a hash.
        totals.sort_by(|a, b| (Reverse(a.objects), &a.name).cmp(&(Reverse(b.objects), &b.name)));
        report.by_objects = totals.iter().take(top).cloned().collect();
        totals.sort_by(|a, b| (Reverse(a.bytes), &a.name).cmp(&(Reverse(b.bytes), &b.name)));
        totals.truncate(top);
        report.by_bytes = totals;
        report
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::graph;
    use super::*;

    #[test]
    fn the_report_counts_objects_bytes_and_references_by_type() {
        let graph = graph(&["list", "str", "str", "dict"], &[(0, 1), (0, 2), (0, 2), (3, 0)]);
        let report = MemoryReport::of(&graph, 2);
        assert_eq!((report.objects, report.bytes, report.references, report.types), (4, 40, 4, 3));
        let names: Vec<_> = report.by_objects.iter().map(|total| (total.name.as_str(), total.objects)).collect();
        assert_eq!(names, [("str", 2), ("dict", 1)]);
        assert_eq!(report.by_bytes[0], TypeTotal { name: "str".to_owned(), objects: 2, bytes: 20 });
    }
}
