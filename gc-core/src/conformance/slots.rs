//! Rules of slots and payloads: what a read gives back, what a write releases, what is refused.

use super::fixture::{Fixture, NODE, catch_up, label, labelled, refusal};
use crate::config::HeapConfig;
use crate::control::Control;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId};
use crate::root::Root;
use crate::sync::{Arc, Mutex};

/// In a fresh cell and in one that was used before.
pub fn a_new_object_is_null_and_zero<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    for shape in [Shape::new(5, 21), Shape::new(0, 512), Shape::new(17, 513), Shape::new(5000, 90_000)] {
        for round in ["fresh", "recycled"] {
            let object = mutator.allocate(fixture.node, shape).unwrap();
            assert!((0..shape.slots).all(|slot| object.load(slot).is_none()), "null in a {round} {shape:?}");
            let mut payload = vec![1; shape.payload as usize];
            mutator.read_payload(&object, 0, &mut payload);
            assert!(payload.iter().all(|&byte| byte == 0), "zero in a {round} {shape:?}");
            mutator.write_payload(&object, 0, &vec![0xff; shape.payload as usize]);
            (0..shape.slots).for_each(|slot| object.store(slot, Some(&object)));
            (0..shape.slots).for_each(|slot| object.store(slot, None));
        }
    }
}

/// A slot gives back what was stored; the others are untouched.
pub fn load_gives_back_what_was_stored<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 100);
    let objects: [Root<'_, _>; 6] = std::array::from_fn(|n| labelled(&mutator, fixture.node, n as u64));
    for slot in [3, 0, 5] {
        holder.store(slot, Some(&objects[slot as usize]));
    }
    for slot in 0..6 {
        let expected = [0, 3, 5].contains(&slot).then_some(&objects[slot as usize]);
        assert_eq!(holder.load(slot).as_ref(), expected, "slot {slot}");
    }
    assert_eq!(label(&holder), 100, "slots do not overlap the payload");
}

/// Storing what a slot holds already changes nothing, even when the slot is its last holder but for the argument.
pub fn storing_the_same_object_again_changes_nothing<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    let value = labelled(&mutator, fixture.logged(), 1);
    holder.store(0, Some(&value));
    holder.store(0, Some(&value));
    assert_eq!(mutator.retain_count(&value), Some(2));
    holder.put(0, Some(value));
    assert_eq!(fixture.log.take(), [""; 0]);
    let value = holder.load(0).unwrap();
    assert_eq!(mutator.retain_count(&value), Some(2));
}

/// An object may hold itself, and let go of itself.
pub fn an_object_may_hold_itself<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.logged(), 4);
    object.store(0, Some(&object));
    assert_eq!(mutator.retain_count(&object), Some(2));
    assert_eq!(object.load(0).as_ref(), Some(&object));
    object.store(0, None);
    assert_eq!(mutator.retain_count(&object), Some(1));
    drop(object);
    assert_eq!(fixture.log.take(), ["f4"]);
}

/// `take` and `replace` give the value out.
pub fn take_and_replace_give_out_what_was_there<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    assert!(holder.take(2).is_none());
    assert!(mutator.replace(&holder, 2, Some(labelled(&mutator, fixture.node, 1))).is_none());
    let first = mutator.replace(&holder, 2, Some(labelled(&mutator, fixture.node, 2))).unwrap();
    assert_eq!(label(&first), 1);
    let second = holder.take(2).unwrap();
    assert_eq!(label(&second), 2);
    assert!(holder.load(2).is_none());
    assert_eq!(fixture.live(), 3);
}

/// A finalizer that the overwriting of a slot runs sees the new value there.
pub fn a_slot_is_written_before_the_old_value_is_released<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    let shared = Arc::new(Mutex::new(Some(holder.share())));
    let (log, watched) = (fixture.log.clone(), Arc::clone(&shared));
    let watching = fixture.with_finalizer(move |mutator, _| {
        let holder = mutator.clone_shared(watched.lock().as_ref().expect("set until the end"));
        let seen = mutator.adopt(holder).load(0).map(|value| label(&value));
        log.push(format!("{seen:?}"));
    });
    for store in [true, false] {
        holder.put(0, Some(labelled(&mutator, watching, 1)));
        let value = labelled(&mutator, fixture.node, 2);
        if store {
            holder.store(0, Some(&value))
        } else {
            holder.put(0, Some(value))
        }
        holder.put(0, Some(labelled(&mutator, watching, 1)));
        holder.store(0, None);
    }
    assert_eq!(fixture.log.take(), ["Some(2)", "None", "Some(2)", "None"]);
    shared.lock().take();
}

fn moved<H: Heap>(config: HeapConfig, from: std::ops::Range<u32>, to: u32) -> (String, Vec<String>) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    let logged = fixture.logged();
    for slot in [0, 1, 2, 4, 5] {
        holder.put(slot, Some(labelled(&mutator, logged, u64::from(slot))));
    }
    mutator.move_slots(&holder, from, to);
    let shown = |slot| holder.load(slot).map_or("-".to_owned(), |object| label(&object).to_string());
    ((0..6).map(shown).collect(), fixture.log.take())
}

/// As `memmove`: overlapping either way, nulls move too, what is left behind is null, what is overwritten is released
/// in order of slots, what moved onto its own place is not. Slot 3 is null at first.
pub fn move_slots_moves_as_memmove_does<H: Heap>(config: HeapConfig) {
    for (from, to, slots, released) in [
        (0..3, 3, "---012", &["f4", "f5"][..]),
        (1..5, 0, "12-4-5", &["f0"]),
        (0..4, 1, "-012-5", &["f4"]),
        (3..6, 1, "0-45--", &["f1", "f2"]),
        (2..5, 2, "012-45", &[]),
        (0..6, 0, "012-45", &[]),
        (4..4, 6, "012-45", &[]),
        (0..0, 0, "012-45", &[]),
        (3..4, 0, "-12-45", &["f0"]),
    ] {
        let (seen, dead) = moved::<H>(config, from.clone(), to);
        assert_eq!(seen, slots, "slots {from:?} moved to {to}");
        assert_eq!(dead, released, "released by moving {from:?} to {to}");
    }
}

/// Bytes come back as they were written, at any offset and length.
pub fn a_payload_gives_back_its_bytes<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    for shape in [Shape::new(0, 1), Shape::new(3, 61), Shape::new(1, 20_000), Shape::new(2, 70_001)] {
        let object = mutator.allocate(fixture.node, shape).unwrap();
        check_payload(&mutator, &object, shape.payload);
    }
}

fn check_payload<M: Mutator>(mutator: &M, object: &Root<'_, M>, payload: u32) {
    let mut model = vec![0; payload as usize];
    let mut written = 0u8;
    for offset in (0..20).chain([payload / 2, payload.saturating_sub(17), payload - 1]) {
        for length in [0, 1, 3, 7, 8, 9, 16, 33] {
            if offset + length > payload {
                continue;
            }
            let bytes: Vec<u8> = (0..length).map(|n| written.wrapping_add(n as u8)).collect();
            written = written.wrapping_add(37);
            mutator.write_payload(object, offset, &bytes);
            model[offset as usize..(offset + length) as usize].copy_from_slice(&bytes);
            let mut read = vec![0; length as usize];
            mutator.read_payload(object, offset, &mut read);
            assert_eq!(read, bytes, "{length} bytes at {offset} of {payload}");
        }
    }
    let mut all = vec![0; payload as usize];
    mutator.read_payload(object, 0, &mut all);
    assert!(all == model, "no write touched bytes beside its own in a payload of {payload} bytes");
}

/// Cells above 16 KiB and payloads above 64 KiB work as small ones do, and their memory is given back.
pub fn large_objects_are_objects<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let before = fixture.heap.statistics().held_bytes;
    for shape in [Shape::new(4080, 0), Shape::new(100_000, 0), Shape::new(2, 65_535), Shape::new(5000, 300_000)] {
        let object = mutator.allocate(fixture.node, shape).unwrap();
        assert_eq!(mutator.shape(&object), shape);
        for slot in 0..shape.slots {
            object.put(slot, Some(mutator.allocate(fixture.node, Shape::new(0, 8)).unwrap()));
        }
        mutator.write_payload(&object, 0, &vec![7; shape.payload as usize]);
        assert_eq!(mutator.get_referents(&object).len(), shape.slots as usize);
        assert!((0..shape.slots).all(|slot| object.load(slot).is_some()));
        if H::ABILITIES.collects_cycles {
            object.store(0, Some(&object));
            drop(object);
            assert_eq!(mutator.collect(crate::Generation::OLD), u64::from(shape.slots), "itself and all but one child");
        } else {
            drop(object);
            catch_up(&mutator);
        }
        assert_eq!(fixture.live(), 0);
    }
    let kept = fixture.heap.statistics().held_bytes - before;
    assert!(kept <= 4 << 20, "{kept} bytes are held for nothing");
}

/// A slot that is not there is refused, and nothing changes but that a value moved in is released.
pub fn a_slot_that_is_not_there_is_refused<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = mutator.allocate(fixture.node, Shape::new(2, 8)).unwrap();
    let value = labelled(&mutator, fixture.node, 1);
    object.store(1, Some(&value));
    refusal("load of slot 2 of 2", || object.load(2));
    refusal("load of slot 2^32 − 1", || object.load(u32::MAX));
    refusal("store into slot 2 of 2", || object.store(2, Some(&value)));
    refusal("take of slot 2 of 2", || object.take(2));
    refusal("replace in slot 3 of 2", || mutator.replace(&object, 3, Some(value.clone())));
    refusal("a move beyond the end", || mutator.move_slots(&object, 0..2, 1));
    refusal("a move from beyond the end", || mutator.move_slots(&object, 1..3, 0));
    refusal("a move with an overflow", || mutator.move_slots(&object, 0..2, u32::MAX));
    #[expect(clippy::reversed_empty_ranges, reason = "that is what must be refused")]
    refusal("a range that runs down", || mutator.move_slots(&object, 2..1, 0));
    assert_eq!(mutator.retain_count(&value), Some(2), "nothing changed");
    assert_eq!(object.load(1).as_ref(), Some(&value));
    assert!(object.load(0).is_none());
}

/// So are payload bytes that are not there.
pub fn payload_bytes_that_are_not_there_are_refused<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = mutator.allocate(fixture.node, Shape::new(1, 10)).unwrap();
    mutator.write_payload(&object, 0, &[5; 10]);
    for (offset, length) in [(3, 8), (10, 1), (11, 0), (u32::MAX, 1), (u32::MAX - 3, 8)] {
        refusal("a read outside", || mutator.read_payload(&object, offset, &mut vec![0; length]));
        refusal("a write outside", || mutator.write_payload(&object, offset, &vec![9; length]));
    }
    let mut bytes = [0; 10];
    mutator.read_payload(&object, 0, &mut bytes);
    assert_eq!(bytes, [5; 10]);
    mutator.read_payload(&object, 10, &mut []);
}

/// Roots of another heap are refused by every operation that takes one.
pub fn roots_of_another_heap_are_refused<H: Heap>(config: HeapConfig) {
    let (fixture, other) = (Fixture::<H>::new(config), Fixture::<H>::new(config));
    let (mutator, foreign) = (fixture.heap.attach(), other.heap.attach());
    let own = labelled(&mutator, fixture.node, 1);
    let alien = labelled(&foreign, other.node, 2);
    refusal("shape", || mutator.shape(&alien));
    refusal("load", || mutator.load(&alien, 0));
    refusal("store into", || mutator.store(&alien, 0, None));
    refusal("store of", || mutator.store(&own, 0, Some(&alien)));
    refusal("replace by", || mutator.replace(&own, 0, Some(alien.clone())));
    refusal("move_slots", || mutator.move_slots(&alien, 0..1, 1));
    refusal("read_payload", || mutator.read_payload(&alien, 0, &mut [0]));
    refusal("write_payload", || mutator.write_payload(&alien, 0, &[0]));
    refusal("weak_reference", || mutator.weak_reference(&alien, None).map(drop));
    refusal("upgrade", || mutator.upgrade(&alien));
    refusal("share", || mutator.share(&alien));
    refusal("clone_shared", || mutator.clone_shared(&foreign.share(&alien)));
    refusal("adopt", || mutator.adopt(foreign.share(&alien)));
    refusal("make_immortal", || mutator.make_immortal(&alien));
    refusal("get_referents", || mutator.get_referents(&alien));
    refusal("get_referrers", || mutator.get_referrers(&[&own, &alien]));
    refusal("append_garbage", || mutator.append_garbage(&alien));
    refusal("remove_garbage", || mutator.remove_garbage(&alien));
    refusal("is_tracked", || mutator.is_tracked(&alien));
    refusal("is_finalized", || mutator.is_finalized(&alien));
    refusal("retain_count", || mutator.retain_count(&alien));
    refusal("type_of", || mutator.type_of(&alien));
    foreign.safepoint();
    assert_eq!((mutator.retain_count(&own), foreign.retain_count(&alien)), (Some(1), Some(1)));
    assert!(own.load(0).is_none());
    assert_eq!((fixture.live(), other.live()), (1, 1));
}

/// An unregistered type, and slots in an object of an atomic one, are refused; no object appears.
pub fn impossible_objects_are_refused<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let unknown = TypeId(fixture.of_kind(Kind::List).0 + 1);
    let atomic = {
        refusal("an unregistered type", || mutator.allocate(unknown, NODE).map(drop));
        fixture.of_kind(Kind::Atomic)
    };
    refusal("an atomic object with slots", || mutator.allocate(atomic, Shape::new(1, 0)).map(drop));
    assert_eq!(fixture.live(), 0);
    refusal("a shape with too many slots", || Shape::new(Shape::MAX_SLOTS + 1, 0));
    refusal("a shape with too large a payload", || Shape::new(0, Shape::MAX_PAYLOAD + 1));
}

/// `walk` shows each object once, with the targets of its slots in order.
pub fn walk_visits_every_object_once<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let atomic = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
    let wide = mutator.allocate(fixture.node, Shape::new(30_000, 0)).unwrap();
    let node = labelled(&mutator, fixture.node, 1);
    wide.store(29_999, Some(&node));
    wide.store(5, Some(&atomic));
    node.store(0, Some(&node));
    node.store(4, Some(&wide));
    drop(labelled(&mutator, fixture.node, 2));
    let mut seen = Vec::new();
    mutator.walk(&mut |object, targets| seen.push((object, targets.to_vec())));
    seen.sort();
    let mut expected = vec![
        (atomic.object(), vec![]),
        (wide.object(), vec![atomic.object(), node.object()]),
        (node.object(), vec![node.object(), wide.object()]),
    ];
    expected.sort();
    assert_eq!(seen, expected);
    node.store(0, None);
    node.store(4, None);
}
