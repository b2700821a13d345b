//! A cache of weak references keeps its dead keys; a map with weak values does not.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use gc_core::{
    GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, SharedRoot, TypeSpec, WeakValueMap,
};

const PAGES: u64 = 1_000;

/// Lengths of the two caches after all but every tenth page died.
pub(crate) fn lengths() -> Result<(usize, usize), Box<dyn Error>> {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver))?;
    let page_type = heap.register_type(TypeSpec::new("Page", Kind::Instance))?;
    let mutator = heap.attach();
    let mut naive: HashMap<u64, SharedRoot> = HashMap::new();
    let cache = WeakValueMap::new(&heap);
    let mut in_use = Vec::new();
    for number in 0..PAGES {
        let page = mutator.allocate(page_type, Shape::new(0, 64))?;
        // cache[key] = weakref.ref(page)
        naive.insert(number, mutator.weak_reference(&page, None)?.share());
        // cache = WeakValueDictionary(); cache[key] = page
        cache.insert(&mutator, number, &page)?;
        if number % 10 == 0 {
            in_use.push(page);
        }
    }
    // Both find the pages in use, and only these.
    let found = naive.values().filter(|weak| mutator.upgrade(&mutator.adopt(mutator.clone_shared(weak))).is_some());
    assert_eq!(found.count(), in_use.len());
    assert_eq!(cache.iter(&mutator).count(), in_use.len());
    Ok((naive.len(), cache.len()))
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (naive, cache) = lengths()?;
    println!("of {PAGES} pages {} are in use", PAGES / 10);
    println!("a cache of weak references has {naive} entries, a map with weak values {cache}");
    Ok(())
}
