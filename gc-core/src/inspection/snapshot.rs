//! Objects and bytes by type and by allocation site at one moment, and what changed between two.

use std::collections::BTreeMap;

use super::graph::ObjectGraph;

/// Objects of one type or site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Objects.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What was in a heap at one moment. Small: a line a type and site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All objects.
    pub total: Total,
    /// Objects by the name of their type.
    pub by_type: BTreeMap<String, Total>,
    /// Objects by allocation site; those whose site is not known are in none.
    pub by_site: BTreeMap<String, Total>,
}

impl Snapshot {
    /// Counts a graph.
    pub fn of(graph: &ObjectGraph) -> Self {
        Self::over(graph, graph.objects())
    }

    /// Counts these objects of a graph.
    pub fn over(graph: &ObjectGraph, objects: impl IntoIterator<Item = u32>) -> Self {
        let mut snapshot = Self::default();
        for object in objects {
            let size = graph.size(object);
            snapshot.total.add(size);
            add(&mut snapshot.by_type, graph.type_name(object), size);
            if let Some(site) = graph.site(object) {
                add(&mut snapshot.by_site, site, size);
            }
        }
        snapshot
    }
}

impl Total {
    fn add(&mut self, size: u64) {
        self.objects += 1;
        self.bytes += size;
    }
}

fn add(totals: &mut BTreeMap<String, Total>, name: &str, size: u64) {
    match totals.get_mut(name) {
        Some(total) => total.add(size),
        None => {
            totals.insert(name.to_owned(), Total { objects: 1, bytes: size });
        }
    }
}

/// How one type or site changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What there was.
    pub before: Total,
    /// What there is.
    pub after: Total,
}

impl Change {
    /// Objects more than before; negative if fewer.
    pub fn objects(&self) -> i64 {
        self.after.objects as i64 - self.before.objects as i64
    }

    /// Bytes more than before; negative if fewer.
    pub fn bytes(&self) -> i64 {
        self.after.bytes as i64 - self.before.bytes as i64
    }
}

/// What changed between two snapshots. What did not is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Types, the one that grew by most bytes first.
    pub types: Vec<Change>,
    /// Allocation sites, in the same order.
    pub sites: Vec<Change>,
}

impl Difference {
    /// From `older` to `newer`.
    pub fn between(older: &Snapshot, newer: &Snapshot) -> Self {
        Self { types: changes(&older.by_type, &newer.by_type), sites: changes(&older.by_site, &newer.by_site) }
    }
}

fn changes(older: &BTreeMap<String, Total>, newer: &BTreeMap<String, Total>) -> Vec<Change> {
    let of = |totals: &BTreeMap<String, Total>, name: &str| totals.get(name).copied().unwrap_or_default();
    let gone = older.keys().filter(|&name| !newer.contains_key(name));
    let mut changes: Vec<_> = newer
        .keys()
        .chain(gone)
        .map(|name| Change { name: name.clone(), before: of(older, name), after: of(newer, name) })
        .filter(|change| change.before != change.after)
        .collect();
    changes.sort_by(|a, b| (b.bytes(), b.objects(), &a.name).cmp(&(a.bytes(), a.objects(), &b.name)));
    changes
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::graph;
    use super::*;

    #[test]
    fn a_difference_names_what_came_grew_fell_and_went() {
        let older = Snapshot::of(&graph(&["a", "b", "b", "c", "same"], &[]));
        let newer = Snapshot::of(&graph(&["a", "a", "a", "b", "same", "new"], &[]));
        let difference = Difference::between(&older, &newer);
        let lines: Vec<_> =
            difference.types.iter().map(|change| (change.name.as_str(), change.objects(), change.bytes())).collect();
        assert_eq!(lines, [("a", 2, 20), ("new", 1, 10), ("b", -1, -10), ("c", -1, -10)]);
        assert!(Difference::between(&older, &older).types.is_empty());
    }
}
