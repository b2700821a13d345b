//! What CPython's own tests claim of weak maps and `finalize`, as functions that hold any heap to it.
//!
//! Each that is called `test_…` is named after its test in `Lib/test/test_weakref.py` (CPython 3.12); the others are rules of
//! our own. Each makes a heap of its own with the configuration it is given, and panics where the claim fails. On a heap that collects no cycles, cycles of keys or values stay: there the claim is that they do.

pub mod finalize;
pub mod mapping;
pub mod threads;

use crate::config::HeapConfig;
use crate::event::NoObserver;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId, TypeSpec};
use crate::root::Root;
use crate::sync::Arc;

/// A claim's name and the claim.
pub type Claim = (&'static str, fn(HeapConfig));

/// Every claim for the heap `H`.
pub fn claims<H: Heap>() -> Vec<Claim> {
    macro_rules! list {
        ($($module:ident: $($claim:ident)*;)*) => {
            vec![$($((stringify!($claim), $module::$claim::<H> as fn(HeapConfig))),*),*]
        };
    }
    list! {
        mapping:
            test_weak_valued_len_cycles test_weak_keyed_len_cycles
            test_weak_valued_len_race test_weak_keyed_len_race
            test_weak_valued_iters test_weak_keyed_iters
            test_weak_values_destroy_while_iterating test_weak_keys_destroy_while_iterating
            test_weak_valued_dict_setdefault test_weak_keyed_dict_setdefault
            test_weak_keyed_cascading_deletes a_chain_of_keys_goes_with_its_first;
        threads:
            test_threaded_weak_valued_setdefault test_threaded_weak_valued_pop test_threaded_weak_valued_consistency
            test_threaded_weak_value_dict_copy test_threaded_weak_key_dict_copy;
        finalize:
            test_finalize test_order test_all_freed test_atexit;
    }
}

/// A heap with one type, whose objects have a slot and a number.
struct Scene<H: Heap> {
    heap: H,
    node: TypeId,
}

impl<H: Heap> Scene<H> {
    fn new(config: HeapConfig) -> Self {
        let heap = H::new(config, Arc::new(NoObserver)).expect("the configuration of a claim is possible");
        let node = heap.register_type(TypeSpec::new("Object", Kind::Instance)).expect("the first type");
        Self { heap, node }
    }

    fn object<'m>(&self, mutator: &'m H::Mutator, number: u64) -> Root<'m, H::Mutator> {
        let object = mutator.allocate(self.node, Shape::new(1, 8)).expect("the heap has room");
        mutator.write_word(&object, 0, number);
        object
    }

    /// An object that holds itself (`RefCycle`).
    fn cycle<'m>(&self, mutator: &'m H::Mutator, number: u64) -> Root<'m, H::Mutator> {
        let object = self.object(mutator, number);
        object.store(0, Some(&object));
        object
    }
}

fn number<M: Mutator>(object: &Root<'_, M>) -> u64 {
    object.mutator().read_word(object, 0)
}
