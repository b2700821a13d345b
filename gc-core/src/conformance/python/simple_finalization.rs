//! `SimpleFinalizationTest`: objects without cycles.

use super::finalization::{Scene, labels};
use super::row::Row;
use crate::conformance::fixture::labelled;
use crate::control::Control;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeSpec};

pub fn test_simple<H: Heap>() -> Row {
    Row::new("on death by count the finalizer runs once and the weak reference is dead afterwards", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let spec = TypeSpec::new("simple", Kind::Instance).with_finalizer(scene.finalizer(|_| true, |_| {}));
        let object = labelled(&mutator, scene.fixture.register(spec), 0);
        let weak = mutator.weak_reference(&object, None).unwrap();
        drop(object);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![]));
        assert!(mutator.upgrade(&weak).is_none());
        assert_eq!(scene.collect(&mutator), (0, vec![], vec![]));
        assert_eq!(scene.fixture.live(), 1, "the weak reference");
    })
}

pub fn test_simple_resurrect<H: Heap>() -> Row {
    Row::new("what resurrects itself on death by count keeps its weak reference, and dies in silence later", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let survivors = scene.survivors.clone();
        let finalizer = scene.finalizer(|_| true, move |object| survivors.push(object));
        let spec = TypeSpec::new("resurrector", Kind::Instance).with_finalizer(finalizer);
        let object = labelled(&mutator, scene.fixture.register(spec), 0);
        let weak = mutator.weak_reference(&object, None).unwrap();
        drop(object);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![0]));
        assert!(mutator.upgrade(&weak).is_some());
        scene.survivors.take(&mutator);
        assert_eq!(scene.collect(&mutator), (0, vec![], vec![]));
        assert!(mutator.upgrade(&weak).is_none());
        assert_eq!(scene.fixture.live(), 1, "the weak reference");
    })
}

pub fn test_non_gc<H: Heap>() -> Row {
    Row::new("the finalizer of an object that is not tracked runs on its death", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let spec = TypeSpec::new("atomic", Kind::Atomic).with_finalizer(scene.finalizer(|_| true, |_| {}));
        let object = mutator.allocate(scene.fixture.register(spec), Shape::new(0, 8)).unwrap();
        assert!(!mutator.is_tracked(&object));
        drop(object);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![]));
        assert_eq!(scene.collect(&mutator), (0, vec![], vec![]));
        assert_eq!(scene.fixture.live(), 0);
    })
    .standing_in("an atomic object is one of a class without the collector's header")
}

pub fn test_non_gc_resurrect<H: Heap>() -> Row {
    Row::new("and runs again on each later death, since nothing marks that it ran", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let survivors = scene.survivors.clone();
        let finalizer = scene.finalizer(|_| true, move |object| survivors.push(object));
        let spec = TypeSpec::new("atomic resurrector", Kind::Atomic).with_finalizer(finalizer);
        let object = mutator.allocate(scene.fixture.register(spec), Shape::new(0, 8)).unwrap();
        assert!(!mutator.is_tracked(&object));
        drop(object);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![0]));
        scene.survivors.take(&mutator);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![0]));
        assert_eq!(scene.fixture.live(), 1);
        // Or it would come back for ever.
        mutator.make_immortal(&scene.survivors.take(&mutator)[0]);
    })
    .standing_in("an atomic object is one of a class without the collector's header")
}
