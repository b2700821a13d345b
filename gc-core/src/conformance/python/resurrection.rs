//! `GCTests` on resurrection: what finalizers bring back to life.

use super::held::Held;
use super::row::Row;
use crate::conformance::fixture::{Fixture, labelled, ring};
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId};

/// A type whose finalizer logs, and brings its object back.
fn lazarus<H: Heap>(fixture: &Fixture<H>) -> (TypeId, Held) {
    let limbo = Held::default();
    let (log, hold) = (fixture.log.clone(), limbo.clone());
    let type_id = fixture.with_finalizer(move |_, object| {
        log.push("f");
        hold.push(&object);
    });
    (type_id, limbo)
}

pub fn test_is_finalized<H: Heap>() -> Row {
    Row::new("false for an atomic object and before the finalizer ran, true for what it resurrected", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let atom = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
        assert!(!mutator.is_finalized(&atom));
        let (type_id, limbo) = lazarus(&fixture);
        let object = labelled(&mutator, type_id, 1);
        assert!(!mutator.is_finalized(&object));
        drop(object);
        mutator.collect(Generation::OLD);
        let back = limbo.take(&mutator);
        assert_eq!(back.len(), 1);
        assert!(mutator.is_finalized(&back[0]));
    })
}

pub fn test_resurrection_only_happens_once_per_object<H: Heap>() -> Row {
    Row::new(
        "a self loop that resurrects itself is finalized once; the second time it is collected in silence",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let (type_id, limbo) = lazarus(&fixture);
            drop(ring(&mutator, type_id, 1));
            assert_eq!(fixture.log.take(), [""; 0]);
            assert_eq!(mutator.collect(Generation::OLD), 0);
            assert_eq!(fixture.log.take(), ["f"]);
            assert_eq!(limbo.take(&mutator).len(), 1);
            assert_eq!(mutator.collect(Generation::OLD), 1);
            assert_eq!(fixture.log.take(), [""; 0]);
            assert_eq!(fixture.live(), 0);
        },
    )
    .of_cycles()
}

pub fn test_resurrection_is_transitive<H: Heap>() -> Row {
    Row::new("what a resurrected object reaches is resurrected with it, whole", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let (type_id, limbo) = lazarus(&fixture);
        let object = labelled(&mutator, type_id, 1);
        let cargo = labelled(&mutator, fixture.node, 2);
        cargo.store(1, Some(&cargo));
        object.store(0, Some(&cargo));
        cargo.store(0, Some(&object));
        let name = cargo.object();
        drop((object, cargo));
        assert_eq!(mutator.collect(Generation::OLD), 0);
        let back = limbo.take(&mutator);
        assert_eq!(back.len(), 1);
        let cargo = back[0].load(0).expect("the resurrected object still holds it");
        assert_eq!(cargo.object(), name);
        assert_eq!(cargo.load(1).as_ref(), Some(&cargo));
        drop((back, cargo));
        assert_eq!(mutator.collect(Generation::OLD), 2);
        assert_eq!(fixture.live(), 0);
    })
    .of_cycles()
}

pub fn test_resurrection_does_not_block_cleanup_of_other_objects<H: Heap>() -> Row {
    Row::new(
        "resurrected objects are in no return value and no statistics; all other garbage of that collection is freed",
        |config| {
            const MANY: u64 = 100;
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let (type_id, limbo) = lazarus(&fixture);
            let mut before = mutator.get_stats()[2];
            let mut collects = |expected: u64| {
                assert_eq!(mutator.collect(Generation::OLD), expected);
                let now = mutator.get_stats()[2];
                assert_eq!((now.collected - before.collected, now.uncollectable), (expected, 0));
                before = now;
            };
            (0..MANY).for_each(|_| drop(ring(&mutator, fixture.node, 1)));
            collects(MANY);
            drop(ring(&mutator, type_id, 1));
            collects(0);
            (0..MANY).for_each(|_| drop(ring(&mutator, fixture.node, 1)));
            drop(ring(&mutator, type_id, 1));
            collects(MANY);
            assert_eq!(limbo.take(&mutator).len(), 2);
            collects(2);
            assert_eq!(fixture.live(), 0);
        },
    )
    .of_cycles()
}
