//! A heap graph as the tools of `gc_core::inspection` take it.

use gc_core::inspection::{GraphParts, ObjectGraph};
use serde_json::Value;

use super::HeapGraph;

impl HeapGraph {
    /// The same objects and references, to be asked what holds what. An object is held if its count is above the references
    /// to it from other objects, or is not kept.
    ///
    /// Names of objects come from the header's field `names`, where a dumper wrote one: a list of `[node, name]`. What of it
    /// is not of that form is passed over.
    pub fn inspected(&self) -> ObjectGraph {
        let columns = self.columns();
        let mut inside = vec![0_u64; self.node_count()];
        columns.targets.iter().for_each(|&target| inside[target as usize] += 1);
        let held = self
            .nodes()
            .map(|node| self.flags(node).is_immortal() || self.count(node) > inside[node as usize])
            .collect();
        let parts = GraphParts {
            type_names: self.header().types.iter().map(|record| record.name.clone()).collect(),
            types: columns.types.clone(),
            sizes: columns.sizes.clone(),
            tracked: columns.flags.iter().map(|flags| flags.is_tracked()).collect(),
            held,
            offsets: columns.offsets.clone(),
            targets: columns.targets.clone(),
            names: self.header().other.get("names").map(names).unwrap_or_default(),
            ..GraphParts::default()
        };
        ObjectGraph::new(parts).expect("the invariants of a heap graph are those of an object graph")
    }
}

fn names(field: &Value) -> rustc_hash::FxHashMap<u32, String> {
    let rows = field.as_array().into_iter().flatten();
    rows.filter_map(|row| serde_json::from_value::<(u32, String)>(row.clone()).ok()).collect()
}
