//! `GCTests` on debug flags.

use super::row::Row;
use crate::conformance::fixture::{Fixture, Text, labelled, ring};
use crate::control::{Control, Generation};
use crate::debug::DebugFlags;
use crate::heap::Heap;
use crate::object::{Kind, TypeSpec};

pub fn test_saveall<H: Heap>() -> Row {
    Row::new("with SAVEALL exactly the garbage is in the list, alive and whole, and counted as collected", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        assert!(mutator.garbage().is_empty());
        let list = ring(&mutator, fixture.of_kind(Kind::List), 1);
        let name = list.object();
        let debug = mutator.get_debug();
        mutator.set_debug(debug | DebugFlags::SAVEALL);
        drop(list);
        assert_eq!(mutator.collect(Generation::OLD), 1);
        mutator.set_debug(debug);
        let garbage = mutator.take_garbage();
        assert_eq!(garbage.iter().map(|object| object.object()).collect::<Vec<_>>(), [name]);
        assert_eq!(garbage[0].load(0).as_ref(), Some(&garbage[0]), "its slots are untouched");
        drop(garbage);
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!(fixture.live(), 0);
    })
    .of_cycles()
}

/// Replaces the seconds in the last line.
fn without_time(text: &str) -> String {
    let Some((head, tail)) = text.rsplit_once(" uncollectable, ") else { return text.to_owned() };
    let seconds = tail.strip_suffix("s elapsed\n").expect("seconds end the line");
    let (whole, fraction) = seconds.split_once('.').expect("a fraction");
    assert!(whole.parse::<u64>().is_ok() && fraction.len() == 4, "four digits after the point: {seconds}");
    format!("{head} uncollectable, _s elapsed\n")
}

pub fn test_gc_debug_stats<H: Heap>() -> Row {
    Row::new("with STATS a collection reports sizes before and figures after, in CPython's words", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let text = Text::default();
        mutator.set_debug_writer(Box::new(text.clone()));
        let make = |n| (0..n).map(|n| labelled(&mutator, fixture.node, n)).collect::<Vec<_>>();
        let frozen = make(1);
        mutator.freeze();
        let old = make(2);
        mutator.collect(Generation::MIDDLE);
        let middle = make(3);
        mutator.collect(Generation::YOUNG);
        let young = make(4);
        drop(ring(&mutator, fixture.node, 2));
        let legacy = TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(fixture.log_event("l"));
        drop(ring(&mutator, fixture.register(legacy), 1));
        assert_eq!(text.take(), "", "no flag, no word");
        mutator.set_debug(DebugFlags::STATS);
        assert_eq!(mutator.collect(Generation::MIDDLE), 3);
        assert_eq!(
            without_time(&text.take()),
            "gc: collecting generation 1...\n\
             gc: objects in each generation: 7 3 2\n\
             gc: objects in permanent generation: 1\n\
             gc: done, 3 unreachable, 1 uncollectable, _s elapsed\n"
        );
        mutator.set_debug(DebugFlags::empty());
        mutator.collect(Generation::OLD);
        assert_eq!(text.take(), "");
        mutator.take_garbage().iter().for_each(|object| object.store(0, None));
        drop((frozen, old, middle, young));
        assert_eq!(fixture.live(), 0);
    })
    .of_cycles()
}
