//! `GCTests` on the end of the interpreter: a heap has none of its own, so a program that ends does it by hand.

use super::held::Held;
use super::row::Row;
use crate::conformance::fixture::{Fixture, labelled, ring};
use crate::control::{Control, Generation};
use crate::debug::DebugFlags;
use crate::heap::Heap;
use crate::messages;
use crate::object::{Kind, TypeSpec};

pub fn test_garbage_at_shutdown<H: Heap>() -> Row {
    Row::new(
        "the last words count what is left in garbage, and name it with UNCOLLECTABLE; with SAVEALL there are none",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let legacy = TypeSpec::new("X", Kind::Instance).with_legacy_finalizer(fixture.log_event("l"));
            let legacy = fixture.register(legacy);
            let first = labelled(&mutator, legacy, 1);
            first.store(0, Some(&first));
            first.put(1, Some(labelled(&mutator, legacy, 2)));
            drop(first);
            assert_eq!(mutator.collect(Generation::OLD), 2);
            let garbage = mutator.garbage();
            let left: Vec<_> = garbage.iter().map(|object| ("X", object.object())).collect();
            let words = |flags| messages::at_shutdown(flags, &left);
            assert_eq!(
                words(DebugFlags::empty()).as_deref(),
                Some(
                    "gc: 2 uncollectable objects at shutdown; use gc.set_debug(gc.DEBUG_UNCOLLECTABLE) to list them\n"
                )
            );
            let [one, two] = [left[0].1, left[1].1].map(crate::object::ObjectRef::bits);
            assert_eq!(
                words(DebugFlags::UNCOLLECTABLE),
                Some(format!("gc: 2 uncollectable objects at shutdown\n      [<X {one:#x}>, <X {two:#x}>]\n"))
            );
            for flags in [DebugFlags::SAVEALL, DebugFlags::LEAK] {
                assert_eq!(words(flags), None);
            }
            assert_eq!(messages::at_shutdown(DebugFlags::empty(), &[]), None, "nothing is left: no word");
            garbage.iter().for_each(|object| object.store(0, None));
            drop(garbage);
            mutator.clear_garbage();
            assert_eq!(fixture.live(), 0);
        },
    )
    .standing_in(
        "a heap is not shut down: `gc_core::messages::at_shutdown` makes the text from what is left in garbage, and a program \
         that wants it calls that; without `gc:0: ResourceWarning:`, which the warnings module puts in front",
    )
    .of_cycles()
}

pub fn test_gc_main_module_at_shutdown<H: Heap>() -> Row {
    Row::new("a cycle that the main module holds is finalized when the program ends", |config| {
        let fixture = Fixture::<H>::new(config);
        let main_module = Held::default();
        let mutator = fixture.heap.attach();
        main_module.push(&ring(&mutator, fixture.logged(), 1));
        assert_eq!(mutator.collect(Generation::OLD), 0, "the module holds it");
        main_module.take(&mutator);
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!(fixture.log.take().len(), 1);
        assert_eq!(fixture.live(), 0);
    })
    .standing_in(
        "a heap has no modules, and no finalizer runs when its last handle goes: the program drops its last root and collects \
         before",
    )
    .of_cycles()
}
