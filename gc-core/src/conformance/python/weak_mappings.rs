//! `MappingTestCase` and `FinalizeTestCase`: weak maps and finalizers, built on weak references.
//!
//! Where a row is one of their [claims](crate::weak_maps::claims) already, that is what is run.

use super::row::Row;
use crate::config::{Automatic, HeapConfig};
use crate::conformance::fixture::{Fixture, labelled, ring};
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::root::Root;
use crate::weak_maps::claims::{finalize, mapping, threads};
use crate::weak_maps::{WeakKeyMap, WeakValueMap};

const LOOPS: u64 = 20;

/// Has `run` fill a map with self loops, drop them, and tell how many entries there are after a collection while the map is
/// iterated over, and after one afterwards.
fn loops_vanish<H: Heap>(
    config: HeapConfig,
    run: impl for<'m> FnOnce(&Fixture<H>, &'m H::Mutator, Vec<Root<'m, H::Mutator>>) -> [usize; 2],
) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let loops = (0..LOOPS).map(|_| ring(&mutator, fixture.node, 1)).collect();
    let [during, after] = run(&fixture, &mutator, loops);
    assert!(during <= 1, "{during} entries while an iteration is open: one may be held by it");
    assert_eq!(after, 0);
    mutator.safepoint();
    assert_eq!(fixture.live(), 0);
}

pub fn test_weak_keyed_len_cycles<H: Heap>() -> Row {
    Row::new("self loops as keys are gone from the map once collected, also while it is iterated over", |config| {
        loops_vanish::<H>(config, |fixture, mutator, loops| {
            let map = WeakKeyMap::<H::Mutator, u64>::new(&fixture.heap);
            loops.iter().for_each(|key| map.insert(mutator, key, 1).expect("room"));
            let mut iteration = map.iter(mutator);
            drop(iteration.next());
            drop(loops);
            mutator.collect(Generation::OLD);
            let during = map.len();
            drop(iteration);
            mutator.collect(Generation::OLD);
            [during, map.len()]
        });
    })
    .of_cycles()
}

pub fn test_weak_valued_len_cycles<H: Heap>() -> Row {
    Row::new("the same of values", |config| {
        loops_vanish::<H>(config, |fixture, mutator, loops| {
            let map = WeakValueMap::<H::Mutator, usize>::new(&fixture.heap);
            loops.iter().enumerate().for_each(|(key, value)| map.insert(mutator, key, value).expect("room"));
            let mut iteration = map.iter(mutator);
            drop(iteration.next());
            drop(loops);
            mutator.collect(Generation::OLD);
            let during = map.len();
            drop(iteration);
            mutator.collect(Generation::OLD);
            [during, map.len()]
        });
    })
    .of_cycles()
}

pub fn test_weak_valued_consistency<H: Heap>() -> Row {
    Row::new("the late death of a value that was replaced does not take the new one out", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let map = WeakValueMap::<H::Mutator, u64>::new(&fixture.heap);
        let old = ring(&mutator, fixture.node, 1);
        map.insert(&mutator, 10, &old).expect("room");
        // Held as the old entry's weak reference is in Python, so that its callback is called.
        let weak = mutator.get_weak_references(&old);
        drop(old);
        let new = labelled(&mutator, fixture.node, 2);
        map.insert(&mutator, 10, &new).expect("room");
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!((map.len(), weak.len()), (1, 1));
        assert_eq!(map.get(&mutator, &10).as_ref(), Some(&new));
    })
    .of_cycles()
}

/// As the rows' own [`Fixture`] has it.
fn at_trigger(config: HeapConfig) -> HeapConfig {
    HeapConfig { automatic: Automatic::AtTrigger, ..config }
}

/// A row that is a claim of the maps.
macro_rules! claims {
    ($($module:ident::$claim:ident as $name:ident: $meaning:literal $(, $stand_in:literal)?;)*) => {
        $(
            pub fn $name<H: Heap>() -> Row {
                Row::new($meaning, |config| $module::$claim::<H>(at_trigger(config)))$(.standing_in($stand_in))?
            }
        )*
    };
}

claims! {
    mapping::test_weak_keyed_len_race as test_weak_keyed_len_race:
        "whatever the thresholds, the number of weak keys stays between none and all, and only falls";
    mapping::test_weak_valued_len_race as test_weak_valued_len_race: "the same of values";
    mapping::test_weak_keyed_iters as test_weak_keyed_iters:
        "an iteration gives each living key once, in the order of insertion, with its value";
    mapping::test_weak_valued_iters as test_weak_valued_iters: "the same of values";
    mapping::test_weak_keys_destroy_while_iterating as test_weak_keys_destroy_while_iterating:
        "a key that dies while the map is iterated over is no entry from then on; its row goes when the iteration ends";
    mapping::test_weak_values_destroy_while_iterating as test_weak_values_destroy_while_iterating: "the same of values";
    mapping::test_weak_keyed_dict_setdefault as test_weak_keyed_dict_setdefault:
        "a default is entered where nothing is alive, and only there";
    mapping::test_weak_valued_dict_setdefault as test_weak_valued_dict_setdefault: "the same of values";
    mapping::test_weak_keyed_cascading_deletes as test_weak_keyed_cascading_deletes:
        "keys that die while a loop deletes others are met by no iteration: of four it deletes two, and none is left",
        "a comparison of keys runs no program's code: the loop drops the last key itself, just before it deletes one";
    threads::test_threaded_weak_valued_setdefault as test_threaded_weak_valued_setdefault:
        "while another thread collects, a default is always given back",
        "3,000 rounds instead of 100,000";
    threads::test_threaded_weak_valued_pop as test_threaded_weak_valued_pop:
        "while another thread collects, what is popped is what was put in, or nothing",
        "3,000 rounds instead of 100,000";
    threads::test_threaded_weak_valued_consistency as test_threaded_weak_valued_consistency:
        "while another thread collects, the map of one living value has one entry",
        "3,000 rounds instead of 200,000";
    threads::test_threaded_weak_key_dict_copy as test_threaded_weak_key_dict_copy:
        "a map read to its end while its keys die gives living entries only, each whole",
        "the maps have no copy: what a copy reads is read, five times; 2,000 entries instead of 70,000";
    threads::test_threaded_weak_key_dict_copy as test_threaded_weak_key_dict_deepcopy:
        "the same of a deep copy",
        "the maps have no copy, deep or not: the check is the one of the plain copy";
    threads::test_threaded_weak_value_dict_copy as test_threaded_weak_value_dict_copy:
        "a map read to its end while its values die gives living entries only, each whole",
        "the maps have no copy: what a copy reads is read, five times; 2,000 entries instead of 70,000";
    threads::test_threaded_weak_value_dict_copy as test_threaded_weak_value_dict_deepcopy:
        "the same of a deep copy",
        "the maps have no copy, deep or not: the check is the one of the plain copy";
    finalize::test_finalize as test_finalize:
        "a registered function is called once: by hand or by the object's death; not when detached",
        "a function that captures its arguments stands for one with arguments";
    finalize::test_order as test_order:
        "on death the newest is called first, also those whose handle was dropped";
    finalize::test_all_freed as test_all_freed: "after the call neither the function nor the registration is kept";
    finalize::test_atexit as test_atexit:
        "at exit newest first, without those that opted out; what one registers is the next; a failure stops nobody",
        "the program's own call of `run_all` is the interpreter's exit";
}
