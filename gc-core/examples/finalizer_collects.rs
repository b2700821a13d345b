//! A finalizer that collects: on death by count its collection is one; inside a collection it does nothing.

use std::error::Error;
use std::sync::{Arc, Mutex};

use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, HeapFull, Kind, Mutator, NoObserver, Shape, TypeId,
    TypeSpec,
};

fn drop_a_cycle<M: Mutator>(mutator: &M, type_id: TypeId) -> Result<(), HeapFull> {
    let cycle = mutator.allocate(type_id, Shape::new(1, 0))?;
    cycle.store(0, Some(&cycle));
    Ok(())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver))?;
    let plain = heap.register_type(TypeSpec::new("plain", Kind::Instance))?;
    let found: Arc<Mutex<Vec<u64>>> = Arc::default();
    let log = Arc::clone(&found);
    // The types of the arguments are those of this heap's callbacks.
    let finalizer = heap.register_callback(Arc::new(move |mutator: &<GenerationalHeap as Heap>::Mutator, _object| {
        let collected = mutator.collect(Generation::OLD);
        log.lock().expect("no callback panics with it").push(collected);
    }));
    let collecting = heap.register_type(TypeSpec::new("collecting", Kind::Instance).with_finalizer(finalizer))?;

    let mutator = heap.attach();
    drop_a_cycle(&mutator, plain)?;
    drop(mutator.allocate(collecting, Shape::new(0, 0))?);
    assert_eq!(*found.lock().expect("it did not panic"), [1], "its last release runs the finalizer, which collects");

    drop_a_cycle(&mutator, plain)?;
    drop_a_cycle(&mutator, collecting)?;
    assert_eq!(mutator.collect(Generation::OLD), 2);
    assert_eq!(*found.lock().expect("it did not panic"), [1, 0], "inside a collection it does nothing");
    assert_eq!(heap.statistics().live(), 0);
    println!("collections in finalizers found {:?} objects", found.lock().expect("it did not panic"));
    Ok(())
}
