//! A graph of objects, apart from any heap: types, sizes, sites, and the references as compressed sparse rows.

use rustc_hash::FxHashMap;

/// The arrays of a graph, one entry an object unless said otherwise; [`ObjectGraph::new`] checks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphParts {
    /// Names of types.
    pub type_names: Vec<String>,
    /// Index into `type_names`.
    pub types: Vec<u32>,
    /// Bytes.
    pub sizes: Vec<u64>,
    /// Whether the collector tracks it.
    pub tracked: Vec<bool>,
    /// Whether it is held from outside the graph: by a stack, a global variable, for ever.
    pub held: Vec<bool>,
    /// Names of allocation sites. Empty if none are known.
    pub site_names: Vec<String>,
    /// Index into `site_names` + 1, or 0 for an object whose site is not known. May be empty: none is known then.
    pub sites: Vec<u32>,
    /// Where each object's references begin in `targets`, and at the end their number: one entry more than objects.
    pub offsets: Vec<u32>,
    /// What each reference refers to, by holder, in order of slots, duplicates kept.
    pub targets: Vec<u32>,
    /// What a program calls some objects: `module app.views`.
    pub names: FxHashMap<u32, String>,
}

/// Arrays that make no graph.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PartsError {
    /// Arrays of different lengths.
    #[error("`{part}` has {length} entries where {expected} belong; give one an object")]
    Length {
        /// Which array.
        part: &'static str,
        /// Its length.
        length: usize,
        /// What it should be.
        expected: usize,
    },
    /// An index that leads nowhere.
    #[error("`{part}` of object {object} is {index}, and there are {count}; number them from 0")]
    Index {
        /// Which array.
        part: &'static str,
        /// Whose entry.
        object: usize,
        /// The entry.
        index: u32,
        /// What it should be below.
        count: usize,
    },
    /// Rows that do not follow each other.
    #[error("`offsets` does not rise from 0 to {edges} at entry {entry}; give where each object's references begin")]
    Offsets {
        /// References.
        edges: usize,
        /// The first wrong entry.
        entry: usize,
    },
}

/// Objects, numbered from 0, and what they refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectGraph {
    parts: GraphParts,
}

impl ObjectGraph {
    /// A graph of these arrays.
    ///
    /// # Errors
    /// [`PartsError`] if they do not belong together.
    pub fn new(mut parts: GraphParts) -> Result<Self, PartsError> {
        let objects = parts.types.len();
        if parts.sites.is_empty() {
            parts.sites = vec![0; objects];
        }
        let lengths = [
            ("sizes", parts.sizes.len(), objects),
            ("tracked", parts.tracked.len(), objects),
            ("held", parts.held.len(), objects),
            ("sites", parts.sites.len(), objects),
            ("offsets", parts.offsets.len(), objects + 1),
        ];
        for (part, length, expected) in lengths {
            if length != expected {
                return Err(PartsError::Length { part, length, expected });
            }
        }
        let edges = parts.targets.len();
        let rises = |entry: usize| entry == 0 || parts.offsets[entry - 1] <= parts.offsets[entry];
        if let Some(entry) = (0..=objects).find(|&entry| !rises(entry)) {
            return Err(PartsError::Offsets { edges, entry });
        }
        if parts.offsets[0] != 0 || parts.offsets[objects] as usize != edges {
            let entry = if parts.offsets[0] == 0 { objects } else { 0 };
            return Err(PartsError::Offsets { edges, entry });
        }
        let below = |part, entries: &[u32], count| {
            let wrong = entries.iter().position(|&index| index as usize >= count);
            wrong.map_or(Ok(()), |object| Err(PartsError::Index { part, object, index: entries[object], count }))
        };
        below("types", &parts.types, parts.type_names.len())?;
        below("sites", &parts.sites, parts.site_names.len() + 1)?;
        for object in 0..objects {
            let row = parts.offsets[object] as usize..parts.offsets[object + 1] as usize;
            if let Some(&index) = parts.targets[row].iter().find(|&&target| target as usize >= objects) {
                return Err(PartsError::Index { part: "targets", object, index, count: objects });
            }
        }
        Ok(Self { parts })
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.parts.types.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.parts.types.is_empty()
    }

    /// Number of references, duplicates included.
    pub fn edges(&self) -> usize {
        self.parts.targets.len()
    }

    /// All objects.
    pub fn objects(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    /// What an object refers to, in order of slots, duplicates kept.
    pub fn targets(&self, object: u32) -> &[u32] {
        let object = object as usize;
        &self.parts.targets[self.parts.offsets[object] as usize..self.parts.offsets[object + 1] as usize]
    }

    /// The type of an object, as an index into [`ObjectGraph::type_names`].
    pub fn type_of(&self, object: u32) -> u32 {
        self.parts.types[object as usize]
    }

    /// The name of an object's type.
    pub fn type_name(&self, object: u32) -> &str {
        &self.parts.type_names[self.type_of(object) as usize]
    }

    /// The names of all types. Several types may have the same.
    pub fn type_names(&self) -> &[String] {
        &self.parts.type_names
    }

    /// Bytes of an object.
    pub fn size(&self, object: u32) -> u64 {
        self.parts.sizes[object as usize]
    }

    /// Whether the collector tracks an object.
    pub fn is_tracked(&self, object: u32) -> bool {
        self.parts.tracked[object as usize]
    }

    /// Whether an object is held from outside the graph.
    pub fn is_held(&self, object: u32) -> bool {
        self.parts.held[object as usize]
    }

    /// Where an object was allocated, if that is known.
    pub fn site(&self, object: u32) -> Option<&str> {
        let index = self.parts.sites[object as usize].checked_sub(1)?;
        Some(&self.parts.site_names[index as usize])
    }

    /// What the program calls an object, if that is known.
    pub fn name(&self, object: u32) -> Option<&str> {
        self.parts.names.get(&object).map(String::as_str)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Objects of these types and the references between them; each of 10 bytes. The first is held from outside.
    pub(crate) fn graph(types: &[&str], edges: &[(u32, u32)]) -> ObjectGraph {
        let mut type_names: Vec<String> = types.iter().map(|name| (*name).to_owned()).collect();
        type_names.sort();
        type_names.dedup();
        let index = |name: &&str| type_names.iter().position(|known| known == name).unwrap() as u32;
        let types: Vec<u32> = types.iter().map(index).collect();
        from_edges(type_names, types, edges)
    }

    pub(crate) fn from_edges(type_names: Vec<String>, types: Vec<u32>, edges: &[(u32, u32)]) -> ObjectGraph {
        let objects = types.len();
        let mut edges = edges.to_vec();
        edges.sort_by_key(|&(from, _)| from);
        let mut offsets = vec![0; objects + 1];
        edges.iter().for_each(|&(from, _)| offsets[from as usize + 1] += 1);
        (0..objects).for_each(|object| offsets[object + 1] += offsets[object]);
        let mut held = vec![false; objects];
        held.iter_mut().take(1).for_each(|held| *held = true);
        ObjectGraph::new(GraphParts {
            type_names,
            types,
            sizes: vec![10; objects],
            tracked: vec![true; objects],
            held,
            offsets,
            targets: edges.into_iter().map(|(_, to)| to).collect(),
            ..GraphParts::default()
        })
        .unwrap()
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_by_name() {
        let sound = GraphParts {
            type_names: vec!["a".to_owned()],
            types: vec![0],
            sizes: vec![1],
            tracked: vec![true],
            held: vec![true],
            offsets: vec![0, 1],
            targets: vec![0],
            ..GraphParts::default()
        };
        assert!(ObjectGraph::new(sound.clone()).is_ok());
        let refused = |change: fn(&mut GraphParts)| {
            let mut parts = sound.clone();
            change(&mut parts);
            ObjectGraph::new(parts).unwrap_err()
        };
        assert!(matches!(refused(|parts| parts.sizes.clear()), PartsError::Length { part: "sizes", .. }));
        assert!(matches!(refused(|parts| parts.types[0] = 1), PartsError::Index { part: "types", .. }));
        assert!(matches!(refused(|parts| parts.sites = vec![1]), PartsError::Index { part: "sites", .. }));
        assert!(matches!(refused(|parts| parts.targets[0] = 1), PartsError::Index { part: "targets", .. }));
        assert!(matches!(refused(|parts| parts.offsets[1] = 2), PartsError::Offsets { entry: 1, .. }));
        assert!(matches!(refused(|parts| parts.offsets[0] = 2), PartsError::Offsets { entry: 1, .. }));
    }
}
