//! `LegacyFinalizationTest`: objects with a legacy finalizer.

use super::finalization::{NONE, Scene, labels};
use super::row::Row;
use crate::conformance::fixture::{labelled, ring};
use crate::control::Control;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};
use crate::root::Root;

fn spec<H: Heap>(scene: &Scene<H>, resurrects: bool) -> TypeSpec {
    let survivors = scene.survivors.clone();
    let effect = move |object: &Root<'_, H::Mutator>| {
        if resurrects {
            survivors.push(object);
        }
    };
    TypeSpec::new("legacy", Kind::Instance)
        .with_finalizer(scene.finalizer(|_| true, |_| {}))
        .with_legacy_finalizer(scene.legacy_finalizer(effect))
}

pub fn test_legacy<H: Heap>() -> Row {
    Row::new("on death by count both finalizers run, once", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let object = labelled(&mutator, scene.fixture.register(spec(&scene, false)), 0);
        let weak = mutator.weak_reference(&object, None).unwrap();
        drop(object);
        assert_eq!(scene.collect(&mutator), (0, labels(1), vec![]));
        assert_eq!(scene.legacy.take(), labels(1));
        assert!(mutator.upgrade(&weak).is_none());
        assert_eq!(scene.collect(&mutator), (0, vec![], vec![]));
        assert_eq!(scene.legacy.take(), NONE);
        assert_eq!(scene.fixture.live(), 1, "the weak reference");
    })
}

pub fn test_legacy_resurrect<H: Heap>() -> Row {
    Row::new(
        "weak references die before the legacy finalizer, which runs at each death; the other runs once",
        |config| {
            let scene = Scene::<H>::new(config);
            let mutator = scene.fixture.heap.attach();
            let object = labelled(&mutator, scene.fixture.register(spec(&scene, true)), 0);
            let weak = mutator.weak_reference(&object, None).unwrap();
            drop(object);
            assert_eq!(scene.collect(&mutator), (0, labels(1), vec![0]));
            assert_eq!(scene.legacy.take(), labels(1));
            assert!(mutator.upgrade(&weak).is_none());
            scene.survivors.take(&mutator);
            assert_eq!(scene.collect(&mutator), (0, vec![], vec![0]));
            assert_eq!(scene.legacy.take(), labels(1));
            assert_eq!(scene.fixture.live(), 2, "the object and the weak reference");
            // Or it would come back for ever.
            mutator.make_immortal(&scene.survivors.take(&mutator)[0]);
        },
    )
}

pub fn test_legacy_self_cycle<H: Heap>() -> Row {
    Row::new("a self loop goes to garbage unfinalized, its weak reference alive; breaking it frees it", |config| {
        let scene = Scene::<H>::new(config);
        let mutator = scene.fixture.heap.attach();
        let object = ring(&mutator, scene.fixture.register(spec(&scene, false)), 1);
        let weak = mutator.weak_reference(&object, None).unwrap();
        drop(object);
        assert_eq!(scene.collect(&mutator), (1, vec![], vec![]));
        assert_eq!(scene.legacy.take(), NONE);
        let garbage = mutator.take_garbage();
        assert_eq!(garbage.len(), 1);
        assert_eq!(mutator.upgrade(&weak).as_ref(), Some(&garbage[0]));
        garbage[0].store(0, None);
        drop(garbage);
        assert_eq!((scene.finalized.take(), scene.legacy.take()), (labels(1), labels(1)));
        assert!(mutator.upgrade(&weak).is_none());
        assert_eq!(scene.fixture.live(), 1, "the weak reference");
    })
    .of_cycles()
}
