//! `GCTests` on what is garbage: dead cycles of lists, dicts, tuples, instances, classes and functions.

use super::row::Row;
use crate::config::HeapConfig;
use crate::conformance::fixture::{Fixture, NODE, label, labelled, ring};
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeSpec};
use crate::root::Root;

/// Builds something, collects while it is held, drops it and collects again. Returns what that found; nothing may be left.
fn found<H: Heap>(
    config: HeapConfig,
    build: impl for<'m> FnOnce(&Fixture<H>, &'m H::Mutator) -> Root<'m, H::Mutator>,
) -> u64 {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let held = build(&fixture, &mutator);
    assert_eq!(mutator.collect(Generation::OLD), 0, "what is held is no garbage");
    drop(held);
    let found = mutator.collect(Generation::OLD);
    assert_eq!(fixture.live(), 0, "all of it is freed");
    assert_eq!(mutator.garbage().len(), 0, "nothing is put aside");
    found
}

/// An object of this kind, with as many slots as needed here.
fn object<'m, H: Heap>(fixture: &Fixture<H>, mutator: &'m H::Mutator, kind: Kind) -> Root<'m, H::Mutator> {
    mutator.allocate(fixture.of_kind(kind), NODE).expect("the heap has room")
}

/// A class: it holds the tuple of its ancestors, which begins with the class itself.
fn class<'m, H: Heap>(
    fixture: &Fixture<H>,
    mutator: &'m H::Mutator,
    ancestors: &[&Root<'m, H::Mutator>],
) -> Root<'m, H::Mutator> {
    let class = object(fixture, mutator, Kind::Instance);
    let order = mutator.allocate(fixture.of_kind(Kind::Tuple), Shape::new(ancestors.len() as u32 + 1, 0)).unwrap();
    order.store(0, Some(&class));
    (1..).zip(ancestors).for_each(|(slot, ancestor)| order.store(slot, Some(ancestor)));
    class.put(0, Some(order));
    class
}

pub fn test_list<H: Heap>() -> Row {
    Row::new("a dropped list that holds itself is one object found", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let list = object(fixture, mutator, Kind::List);
            list.store(0, Some(&list));
            list
        });
        assert_eq!(found, 1);
    })
    .of_cycles()
}

pub fn test_dict<H: Heap>() -> Row {
    Row::new("a dropped dict that holds itself is one object found", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let dict = object(fixture, mutator, Kind::Dict);
            dict.store(0, Some(&dict));
            dict
        });
        assert_eq!(found, 1);
    })
    .of_cycles()
}

pub fn test_tuple<H: Heap>() -> Row {
    Row::new("a dropped tuple and list that hold each other are two objects found", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let list = object(fixture, mutator, Kind::List);
            let tuple = mutator.allocate(fixture.of_kind(Kind::Tuple), Shape::new(1, 0)).unwrap();
            tuple.store(0, Some(&list));
            list.store(0, Some(&tuple));
            tuple
        });
        assert_eq!(found, 2);
    })
    .of_cycles()
}

pub fn test_class<H: Heap>() -> Row {
    Row::new("a dropped class that is an attribute of itself is found", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let class = class(fixture, mutator, &[]);
            let attributes = object(fixture, mutator, Kind::Dict);
            attributes.store(0, Some(&class));
            class.put(1, Some(attributes));
            class
        });
        assert_eq!(found, 3, "the class, its ancestors and its attributes");
    })
    .standing_in("an object that holds a tuple of its ancestors, itself the first, is the class")
    .of_cycles()
}

pub fn test_newstyleclass<H: Heap>() -> Row {
    Row::new("a dropped class is on a cycle even without attributes", |config| {
        assert_eq!(found::<H>(config, |fixture, mutator| class(fixture, mutator, &[])), 2);
    })
    .standing_in("an object that holds a tuple of its ancestors, itself the first, is the class")
    .of_cycles()
}

pub fn test_instance<H: Heap>() -> Row {
    Row::new("a dropped instance that holds itself is found, and its class, which is held, is not", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let class = class(&fixture, &mutator, &[]);
        let instance = labelled(&mutator, fixture.node, 1);
        instance.store(0, Some(&instance));
        instance.store(1, Some(&class));
        assert_eq!(mutator.collect(Generation::OLD), 0);
        drop(instance);
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!((fixture.live(), mutator.retain_count(&class)), (2, Some(2)));
    })
    .of_cycles()
}

pub fn test_newinstance<H: Heap>() -> Row {
    Row::new("instances and classes of several layouts go stage by stage, as the last holder of each goes", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let instance_of = |class: &Root<'_, H::Mutator>, kind| {
            let instance = object(&fixture, &mutator, kind);
            instance.store(1, Some(class));
            instance
        };
        let plain = class(&fixture, &mutator, &[]);
        let instance = instance_of(&plain, Kind::Instance);
        instance.store(0, Some(&instance));
        mutator.collect(Generation::OLD);
        drop(instance);
        assert_eq!(mutator.collect(Generation::OLD), 1, "the instance; its class is held");
        let lists = class(&fixture, &mutator, &[]);
        let both = class(&fixture, &mutator, &[&lists, &plain]);
        let instance = instance_of(&both, Kind::List);
        instance.store(0, Some(&instance));
        mutator.collect(Generation::OLD);
        drop(instance);
        assert_eq!(mutator.collect(Generation::OLD), 1);
        drop((lists, both));
        assert_eq!(mutator.collect(Generation::OLD), 4, "two classes with their ancestors");
        plain.put(1, Some(instance_of(&plain, Kind::Instance)));
        drop(plain);
        assert_eq!(mutator.collect(Generation::OLD), 3, "the class, its ancestors and its instance");
        assert_eq!(mutator.collect(Generation::OLD), 0);
        assert_eq!(fixture.live(), 0);
    })
    .standing_in("an object that holds a tuple of its ancestors is a class; an object that holds it is its instance")
    .of_cycles()
}

pub fn test_method<H: Heap>() -> Row {
    Row::new("an instance that holds a bound method of its own is found with it", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let instance = object(fixture, mutator, Kind::Instance);
            let method = object(fixture, mutator, Kind::Instance);
            method.store(0, Some(&instance));
            instance.put(0, Some(method));
            instance
        });
        assert_eq!(found, 2);
    })
    .of_cycles()
}

pub fn test_function<H: Heap>() -> Row {
    Row::new("a dict and a function whose globals it is are two objects found", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let globals = object(fixture, mutator, Kind::Dict);
            let function = object(fixture, mutator, Kind::Instance);
            function.store(0, Some(&globals));
            globals.put(0, Some(function));
            globals
        });
        assert_eq!(found, 2);
    })
    .changed("a build without the global lock finds the function's code object too, and says 3; no heap here does")
    .of_cycles()
}

pub fn test_frame<H: Heap>() -> Row {
    Row::new("a frame that one of its own variables holds is one object found", |config| {
        let found = found::<H>(config, |fixture, mutator| {
            let frame = object(fixture, mutator, Kind::Instance);
            frame.store(4, Some(&frame));
            frame
        });
        assert_eq!(found, 1);
    })
    .of_cycles()
}

/// Two objects that hold each other, of a type with a hook that no collection may call.
fn two_untouched<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let pair = ring(&mutator, fixture.node, 2);
    assert_eq!(mutator.collect(Generation::OLD), 0);
    let put_aside = mutator.garbage().len();
    drop(pair);
    assert_eq!(mutator.collect(Generation::OLD), 2);
    assert_eq!((mutator.garbage().len(), fixture.live()), (put_aside, 0));
}

pub fn test_boom<H: Heap>() -> Row {
    Row::new("a look-up hook that would break the cycle is not called: both objects are found", two_untouched::<H>)
        .standing_in("no heap has look-up hooks; a cycle of two is found whole")
        .of_cycles()
}

pub fn test_boom2<H: Heap>() -> Row {
    Row::new("nor is a hook that would break it when called again", two_untouched::<H>)
        .standing_in("no heap has look-up hooks; a cycle of two is found whole")
        .of_cycles()
}

/// A self loop with a legacy finalizer and one without.
fn one_put_aside<H: Heap>(config: HeapConfig, spec: impl FnOnce(&Fixture<H>) -> TypeSpec) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let legacy = fixture.register(spec(&fixture).with_legacy_finalizer(fixture.log_label("legacy ")));
    let kept = labelled(&mutator, legacy, 1);
    kept.store(0, Some(&kept));
    let freed = ring(&mutator, fixture.node, 1);
    assert_eq!(mutator.collect(Generation::OLD), 0);
    drop((kept, freed));
    assert_eq!(mutator.collect(Generation::OLD), 2, "one collected, one uncollectable");
    let stats = mutator.get_stats()[2];
    assert_eq!((stats.collected, stats.uncollectable), (1, 1));
    let garbage = mutator.garbage();
    assert_eq!(garbage.iter().map(label).collect::<Vec<_>>(), [1]);
    assert_eq!(fixture.log.take(), [""; 0]);
    garbage[0].store(0, None);
    assert!(mutator.remove_garbage(&garbage[0]));
    drop(garbage);
    assert_eq!(fixture.log.take(), ["legacy 1"]);
    assert_eq!(fixture.live(), 0);
}

pub fn test_legacy_finalizer<H: Heap>() -> Row {
    Row::new("a self loop with a legacy finalizer goes to garbage, untouched, while other trash is freed", |config| {
        one_put_aside::<H>(config, |_| TypeSpec::new("legacy", Kind::Instance));
    })
    .of_cycles()
}

pub fn test_legacy_finalizer_newclass<H: Heap>() -> Row {
    Row::new("the same of another class", |config| {
        one_put_aside::<H>(config, |_| TypeSpec::new("legacy list", Kind::List));
    })
    .of_cycles()
}
