//! `SelfCycleFinalizationTest`: objects that hold themselves.

use super::finalization::{NONE, Scene, labels};
use super::late_finalizers::plain_lives;
use super::row::Row;
use crate::conformance::fixture::ring;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};
use crate::root::Root;

fn is_whole<M: Mutator>(object: &Root<'_, M>) -> bool {
    object.load(0).as_ref() == Some(object)
}

pub fn test_simple<H: Heap>() -> Row {
    Row::new("in a collection the finalizer runs once, with the cycle whole", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let finalizer = scene.finalizer(is_whole, |_| {});
        let spec = TypeSpec::new("self cycle", Kind::Instance).with_finalizer(finalizer);
        let object = ring(&mutator, scene.fixture.register(spec), 1);
        let weak = mutator.weak_reference(&object, None).unwrap();
        drop(object);
        assert_eq!(scene.finalized.take(), NONE);
        assert_eq!(scene.collect(&mutator), (1, labels(1), vec![]));
        assert!(mutator.upgrade(&weak).is_none());
        assert_eq!(scene.collect(&mutator), (0, vec![], vec![]));
        assert_eq!(scene.fixture.live(), 1, "the weak reference");
    })
    .of_cycles()
}

pub fn test_simple_resurrect<H: Heap>() -> Row {
    Row::new(
        "a resurrected object's weak reference with a callback is dead and was fired; a plain one by release",
        |config| {
            let scene = Scene::<H>::new(config);
            let mutator = scene.fixture.heap.attach();
            let survivors = scene.survivors.clone();
            let finalizer = scene.finalizer(is_whole, move |object| survivors.push(object));
            let spec = TypeSpec::new("self cycle", Kind::Instance).with_finalizer(finalizer);
            let object = ring(&mutator, scene.fixture.register(spec), 1);
            let plain = mutator.weak_reference(&object, None).unwrap();
            let noisy = mutator.weak_reference(&object, Some(scene.fixture.log_event("called"))).unwrap();
            drop(object);
            assert_eq!(scene.collect(&mutator), (0, labels(1), vec![0]));
            assert_eq!(mutator.upgrade(&plain).is_some(), plain_lives(config));
            assert!(mutator.upgrade(&noisy).is_none());
            assert_eq!(scene.fixture.log.take(), ["called"]);
            scene.survivors.take(&mutator);
            assert_eq!(scene.collect(&mutator), (1, vec![], vec![]));
            assert!(mutator.upgrade(&plain).is_none());
            assert_eq!(scene.fixture.log.take(), NONE);
            assert_eq!(scene.fixture.live(), 2, "the weak references");
        },
    )
    .changed("until 3.14 the plain one is dead for ever; from 3.15 on it stays alive with its object (weak-order)")
    .of_cycles()
}

pub fn test_simple_suicide<H: Heap>() -> Row {
    Row::new("an object whose finalizer breaks its own cycle dies by count there and is not counted", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let finalizer = scene.finalizer(is_whole, |object| object.store(0, None));
        let spec = TypeSpec::new("self cycle", Kind::Instance).with_finalizer(finalizer);
        let object = ring(&mutator, scene.fixture.register(spec), 1);
        let weak = mutator.weak_reference(&object, None).unwrap();
        drop(object);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![]));
        assert!(mutator.upgrade(&weak).is_none());
        assert_eq!(scene.collect(&mutator), (0, vec![], vec![]));
        assert_eq!(scene.fixture.live(), 1, "the weak reference");
    })
    .of_cycles()
}
