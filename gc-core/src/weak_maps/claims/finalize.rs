//! `FinalizeTestCase`: functions called once, on death or at exit.

use super::Scene;
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::sync::{Arc, Mutex};
use crate::weak_maps::Finalizers;

/// What was called, in order.
#[derive(Clone, Default)]
struct Called(Arc<Mutex<Vec<&'static str>>>);

impl Called {
    fn note<M>(&self, name: &'static str) -> impl FnOnce(&M) + Send + 'static + use<M> {
        let called = self.clone();
        move |_: &M| called.push(name)
    }

    fn push(&self, name: &'static str) {
        self.0.lock().push(name);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Called by hand, detached, or called by the object's death: once in each case, and dead afterwards.
pub fn test_finalize<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let (called, finalizers) = (Called::default(), Finalizers::new(&scene.heap));
    let object = scene.object(&mutator, 1);

    let finalizer = finalizers.register(&mutator, &object, called.note("by hand")).expect("there is room");
    assert!(finalizer.is_alive());
    assert!(finalizer.peek(&mutator).is_some_and(|found| found == object));
    assert!(finalizer.call(&mutator) && !finalizer.call(&mutator));
    assert!(finalizer.peek(&mutator).is_none() && finalizer.detach(&mutator).is_none() && !finalizer.is_alive());
    assert_eq!(called.take(), ["by hand"]);

    let finalizer = finalizers.register(&mutator, &object, called.note("detached")).expect("there is room");
    let (found, call) = finalizer.detach(&mutator).expect("it is alive");
    assert!(found == object && !finalizer.is_alive() && !finalizer.call(&mutator));
    assert_eq!(called.take().len(), 0);
    call(&mutator);
    assert_eq!(called.take(), ["detached"], "the function came back whole");
    drop(found);

    let finalizer = finalizers.register(&mutator, &object, called.note("death")).expect("there is room");
    drop(object);
    assert_eq!(called.take(), ["death"]);
    assert!(!finalizer.is_alive() && !finalizer.call(&mutator) && finalizer.detach(&mutator).is_none());
    assert!(finalizers.is_empty());
}

/// On death the newest is called first. Those that nobody holds are called too.
pub fn test_order<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let (called, finalizers) = (Called::default(), Finalizers::new(&scene.heap));
    let object = scene.object(&mutator, 1);
    let [first, second, third, fourth, fifth] = ["f1", "f2", "f3", "f4", "f5"]
        .map(|name| finalizers.register(&mutator, &object, called.note(name)).expect("there is room"));
    drop((first, fourth));
    assert!(second.is_alive() && third.is_alive() && fifth.is_alive());
    assert!(fifth.detach(&mutator).is_some() && !fifth.is_alive());
    fifth.call(&mutator);
    called.push("A");
    third.call(&mutator);
    assert!(!third.is_alive());
    called.push("B");
    third.call(&mutator);
    called.push("C");
    drop(object);
    assert!(!second.is_alive());
    called.push("D");
    second.call(&mutator);
    assert_eq!(called.take(), ["A", "f3", "B", "C", "f4", "f2", "f1", "D"]);
}

/// Neither the registry nor the finalizer need be held; after the call nothing of either is left, on the heap or beside it.
pub fn test_all_freed<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let called = Called::default();
    let object = if H::ABILITIES.collects_cycles { scene.cycle(&mutator, 1) } else { scene.object(&mutator, 1) };
    drop(Finalizers::new(&scene.heap).register(&mutator, &object, called.note("once")));
    mutator.collect(Generation::OLD);
    assert_eq!((Arc::strong_count(&called.0), called.take().len()), (2, 0), "the function is held");
    drop(object);
    mutator.collect(Generation::OLD);
    mutator.safepoint();
    assert_eq!(called.take(), ["once"]);
    assert_eq!(Arc::strong_count(&called.0), 1, "and not any more");
    assert_eq!(scene.heap.live_objects(), 0);
}

/// At exit: newest first, without those that do not want it; what a finalizer registers is the next; a panic stops nobody;
/// and afterwards nothing is called.
pub fn test_atexit<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let (called, finalizers) = (Called::default(), Finalizers::<H::Mutator>::new(&scene.heap));
    let object = scene.object(&mutator, 1);
    let register = |name| finalizers.register(&mutator, &object, called.note(name)).expect("there is room");
    register("f1");
    let second = register("f2");
    second.set_at_exit(false);
    let (inner, again, node) = (called.clone(), finalizers.clone(), scene.node);
    let failing = move |mutator: &H::Mutator| {
        inner.push("f3 error");
        let late = mutator.allocate(node, crate::Shape::new(1, 8)).expect("there is room");
        again.register(mutator, &late, inner.note("g1")).expect("there is room");
        // It holds its object until after the exit.
        late.store(0, Some(&late));
        panic!("on purpose");
    };
    finalizers.register(&mutator, &object, failing).expect("there is room");
    register("f4");
    assert_eq!(finalizers.len(), 4);
    let exit = finalizers.run_all(&mutator);
    assert_eq!(called.take(), ["f4", "f3 error", "g1", "f1"]);
    assert_eq!((exit.called, exit.panics), (4, vec!["on purpose".to_owned()]));
    assert!(mutator.is_enabled(), "the collector is as it was");
    assert_eq!(finalizers.len(), 1);
    drop(object);
    assert!(!second.call(&mutator), "nothing is called after the exit");
    assert_eq!(called.take().len(), 0);
}
