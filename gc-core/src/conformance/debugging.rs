//! Rules of `set_debug`: what is reported, in CPython's words, and what is kept.

use std::io::{self, Write};

use super::fixture::{Fixture, Text, label, labelled, ring};
use crate::callback::Place;
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::debug::DebugFlags;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};

/// A type whose objects no collection may take apart.
fn legacy<H: Heap>(fixture: &Fixture<H>) -> crate::TypeId {
    let finalizer = fixture.callback(|_, _| {});
    fixture.register(TypeSpec::new("Legacy", Kind::Instance).with_legacy_finalizer(finalizer))
}

/// Flags are kept as they are set, also those that mean nothing; at first there are none. The numbers are CPython's.
pub fn debug_flags_are_kept<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    assert_eq!(mutator.get_debug(), DebugFlags::empty());
    for bits in [1, 2, 4, 32, 38, 1 << 20, 0] {
        mutator.set_debug(DebugFlags::from_bits_retain(bits));
        assert_eq!(mutator.get_debug().bits(), bits);
    }
    assert_eq!(DebugFlags::LEAK.bits(), 38);
}

/// `STATS` (`test_gc_debug_stats`): the sizes before generations are merged, then the figures; the time is the one thing that
/// is not told beforehand. A heap that does not collect has nothing to say.
pub fn debug_stats_report_each_collection<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let text = Text::default();
    mutator.set_debug_writer(Box::new(text.clone()));
    let make = |n| (0..n).map(|n| labelled(&mutator, fixture.node, n)).collect::<Vec<_>>();
    let frozen = make(4);
    mutator.freeze();
    let old = make(1);
    mutator.collect(Generation::OLD);
    let middle = make(2);
    mutator.collect(Generation::YOUNG);
    let young = make(1);
    drop(ring(&mutator, fixture.node, 2));
    assert_eq!(text.take_lines(), [""; 0], "nothing was asked for");
    mutator.set_debug(DebugFlags::STATS);
    mutator.collect(Generation::MIDDLE);
    let lines = text.take_lines();
    if !H::ABILITIES.collects_cycles {
        assert_eq!(lines, [""; 0]);
        return;
    }
    let start = [
        "gc: collecting generation 1...",
        "gc: objects in each generation: 3 2 1",
        "gc: objects in permanent generation: 4",
    ];
    assert_eq!(lines[..3], start);
    let time = lines[3].strip_prefix("gc: done, 2 unreachable, 0 uncollectable, ");
    let time = time.and_then(|rest| rest.strip_suffix("s elapsed")).expect("figures and time");
    let (seconds, decimals) = time.split_once('.').expect("a decimal fraction");
    assert!(seconds.parse::<u64>().is_ok() && decimals.len() == 4 && decimals.parse::<u64>().is_ok(), "{time}");
    assert_eq!(lines.len(), 4);
    drop((frozen, old, middle, young));
}

/// `COLLECTABLE` and `UNCOLLECTABLE` name each object by type and number; the collectable ones before any finalizer runs.
pub fn garbage_is_reported_by_name<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let text = Text::default();
    mutator.set_debug_writer(Box::new(text.clone()));
    mutator.set_debug(DebugFlags::COLLECTABLE | DebugFlags::UNCOLLECTABLE);
    let cycle = ring(&mutator, fixture.node, 2);
    let legacy = ring(&mutator, legacy(&fixture), 1);
    legacy.put(1, Some(labelled(&mutator, fixture.node, 7)));
    let name = |what, type_name, object: &crate::Root<'_, H::Mutator>| {
        format!("gc: {what} <{type_name} {:#x}>", object.object().bits())
    };
    let mut expected = vec![
        name("collectable", "node", &cycle),
        name("collectable", "node", &cycle.load(0).unwrap()),
        name("uncollectable", "Legacy", &legacy),
        name("uncollectable", "node", &legacy.load(1).unwrap()),
    ];
    drop((cycle, legacy));
    assert_eq!(mutator.collect(Generation::OLD), 4);
    let mut lines = text.take_lines();
    if !H::ABILITIES.list_order {
        lines.sort();
        expected.sort();
    }
    assert_eq!(lines, expected);
    let finalized = fixture.with_finalizer({
        let (text, log) = (text.clone(), fixture.log.clone());
        move |_, _| log.push(format!("{}", text.take_lines().len()))
    });
    drop(ring(&mutator, finalized, 1));
    assert_eq!(mutator.collect(Generation::OLD), 1);
    if H::ABILITIES.list_order {
        assert_eq!(fixture.log.take(), ["1"]);
    } else {
        // Heaps whose mutators run in parallel write when nobody stands still for it.
        assert_eq!(
            fixture.log.take().len() + text.take_lines().len(),
            if H::ABILITIES.parallel_mutators { 2 } else { 1 }
        );
    }
    mutator.set_debug(DebugFlags::empty());
    drop(ring(&mutator, fixture.node, 2));
    mutator.collect(Generation::OLD);
    assert_eq!(text.take_lines(), [""; 0]);
}

/// `test_saveall`: all garbage goes to the list instead of being taken apart. It counts as collected, is finalized, has lost
/// its weak references, and is whole; once the list is empty it is garbage as any other.
pub fn save_all_keeps_garbage_alive<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    mutator.set_debug(DebugFlags::SAVEALL);
    let logged = fixture.logged();
    for type_id in [logged, fixture.node] {
        let cycle = ring(&mutator, type_id, 3);
        let weak = mutator.weak_reference(&cycle, Some(fixture.log_event("weak"))).unwrap();
        drop(cycle);
        assert_eq!(mutator.collect(Generation::OLD), 3);
        assert!(mutator.upgrade(&weak).is_none(), "weak references are cleared");
        assert_eq!(fixture.live(), 4, "nothing was freed");
        assert_eq!(fixture.log.take().len(), if type_id == logged { 4 } else { 1 });
        assert_eq!(mutator.collect(Generation::OLD), 0, "in the list it is reachable");
        let garbage = mutator.garbage();
        let mut labels: Vec<_> = garbage.iter().map(label).collect();
        if !H::ABILITIES.list_order {
            labels.sort();
        }
        assert_eq!(labels, [0, 1, 2]);
        for object in &garbage {
            assert_eq!(mutator.retain_count(object), Some(3), "a slot, the list and the root");
            assert_eq!(mutator.is_finalized(object), type_id == logged);
            let next = object.load(0).expect("its slots are whole");
            assert_eq!(label(&next), (label(object) + 1) % 3);
            assert!(mutator.get_objects(Some(Generation::OLD)).contains(object));
        }
        drop(garbage);
        mutator.set_debug(DebugFlags::empty());
        mutator.clear_garbage();
        assert_eq!(mutator.collect(Generation::OLD), 3);
        assert_eq!((fixture.live(), fixture.log.take().len()), (1, 0), "nothing is finalized twice");
        mutator.set_debug(DebugFlags::SAVEALL);
    }
    let stats = mutator.get_stats()[2];
    assert_eq!((stats.collected, stats.uncollectable), (12, 0));
    assert_eq!(fixture.live(), 0);
}

/// `SAVEALL` keeps what a legacy object reaches as well; without it the list holds the legacy object alone.
pub fn save_all_keeps_what_legacy_objects_reach<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let type_id = legacy(&fixture);
    for (flags, kept) in [(DebugFlags::empty(), 1), (DebugFlags::SAVEALL, 2)] {
        mutator.set_debug(flags);
        let cycle = labelled(&mutator, type_id, 0);
        cycle.put(0, Some(labelled(&mutator, fixture.node, 1)));
        cycle.load(0).unwrap().store(0, Some(&cycle));
        drop(cycle);
        assert_eq!(mutator.collect(Generation::OLD), 2);
        let garbage = mutator.take_garbage();
        assert_eq!(garbage.len(), kept, "{flags:?}");
        garbage[0].store(0, None);
        drop(garbage);
        assert_eq!(fixture.live(), 0);
    }
}

/// A writer that fails or panics breaks no collection; the panic is reported; a later writer is written to.
pub fn a_broken_debug_writer_breaks_nothing<H: Heap>(config: HeapConfig) {
    struct Broken(bool);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            assert!(!self.0, "a writer");
            Err(io::Error::other("full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::Error::other("full"))
        }
    }
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    mutator.set_debug(DebugFlags::STATS | DebugFlags::COLLECTABLE);
    for panics in [false, true] {
        mutator.set_debug_writer(Box::new(Broken(panics)));
        for _ in 0..2 {
            drop(ring(&mutator, fixture.logged(), 3));
            assert_eq!(mutator.collect(Generation::OLD), 3);
            assert_eq!((fixture.log.take().len(), fixture.live()), (3, 0));
            let reported = std::mem::take(&mut *fixture.recorder.panics.lock());
            assert_eq!(!reported.is_empty(), panics);
            assert!(reported.iter().all(|panicked| panicked.place == Place::DebugWriter));
        }
    }
    let text = Text::default();
    mutator.set_debug_writer(Box::new(text.clone()));
    mutator.collect(Generation::OLD);
    assert_eq!(text.take_lines().len(), 4);
}
