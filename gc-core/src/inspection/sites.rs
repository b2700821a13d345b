//! Where objects were allocated, as far as the program says so.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::heap::{HeapFull, Mutator};
use crate::object::{ObjectRef, Shape, TypeId};
use crate::root::Root;
use crate::sync::{Arc, Mutex};
use crate::weak_maps::WeakKeyMap;

/// Remembers the site of each object that is allocated through one of its [`Site`]s, for as long as the object lives.
///
/// The heap is not changed for it. It costs a weak reference an object: time and memory while one looks for something,
/// and the weak references are seen by the collector's counters. Captures and snapshots leave them out.
pub struct AllocationSites<M: Mutator> {
    of_object: WeakKeyMap<M, u32>,
    names: Mutex<Vec<Arc<str>>>,
}

/// What a capture needs of the sites.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) names: Vec<String>,
    pub(super) site_of: FxHashMap<ObjectRef, u32>,
    /// Objects that are there only for the sites' sake.
    pub(super) own: FxHashSet<ObjectRef>,
}

impl<M: Mutator> AllocationSites<M> {
    /// No site yet, for objects of `heap`.
    pub fn new(heap: &M::Heap) -> Self {
        Self { of_object: WeakKeyMap::new(heap), names: Mutex::default() }
    }

    /// The site of this name; one name is one site, however often it is asked for.
    pub fn site(&self, name: &str) -> Site<'_, M> {
        let mut names = self.names.lock();
        let index = names.iter().position(|known| &**known == name).unwrap_or_else(|| {
            names.push(name.into());
            names.len() - 1
        });
        Site { sites: self, index: index as u32, name: Arc::clone(&names[index]) }
    }

    pub(super) fn marks(&self, mutator: &M) -> Marks {
        let site_of = self.of_object.iter(mutator).map(|(object, site)| (object.object(), *site)).collect();
        let names = self.names.lock().iter().map(|name| name.to_string()).collect();
        Marks { names, site_of, own: self.of_object.weak_references() }
    }
}

/// One place of a program where objects are allocated: for as long as it is in scope, what is allocated through it bears
/// its name. A site within it has both names: `request > template`.
pub struct Site<'a, M: Mutator> {
    sites: &'a AllocationSites<M>,
    index: u32,
    name: Arc<str>,
}

impl<'a, M: Mutator> Site<'a, M> {
    /// A site within this one.
    pub fn within(&self, name: &str) -> Site<'a, M> {
        self.sites.site(&format!("{} > {name}", self.name))
    }

    /// Allocates an object, see [`Mutator::allocate`], and remembers that it was here.
    ///
    /// # Errors
    /// [`HeapFull`] if there is no room for it or for the memory of its site.
    pub fn allocate<'m>(&self, mutator: &'m M, type_id: TypeId, shape: Shape) -> Result<Root<'m, M>, HeapFull> {
        let object = mutator.allocate(type_id, shape)?;
        self.mark(mutator, &object)?;
        Ok(object)
    }

    /// Remembers that an object allocated otherwise was allocated here.
    ///
    /// # Errors
    /// [`HeapFull`] if there is no room for a weak reference.
    pub fn mark(&self, mutator: &M, object: &Root<'_, M>) -> Result<(), HeapFull> {
        self.sites.of_object.insert(mutator, object, self.index)
    }
}
