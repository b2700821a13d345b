//! CPython's own tests, as rows of a table: what each means on a heap, and whether a heap does exactly that.
//!
//! The rows are named after the tests of `Lib/test/test_gc.py`, `test_finalization.py` and `test_weakref.py`. Each is one
//! function that gives a [`Row`]: what is checked, what changed between [releases](Release), what stands in for things that
//! only Python has, and which [sort](Sort) of heap differs and why. A row is stricter than its test where that only asks that
//! nothing crash: counts, order and messages are asserted as CPython gives them.
//!
//! [`rows`] gives the table; `gclab conformance` runs and prints it. [`python_tests!`](crate::python_tests) writes one
//! `#[test]` a row, which fails as well when a documented difference is none any more.
//!
//! Every row runs with the settings of each release ([`Release::configured`]), on top of a heap's own. A collector with a
//! thread of its own is told to collect where the trigger says ([`Automatic::AtTrigger`](crate::Automatic)): a row could not
//! say otherwise when its collection came.

#[doc(hidden)]
pub mod collection_callbacks;
#[doc(hidden)]
pub mod counters;
#[doc(hidden)]
pub mod cycle_chains;
#[doc(hidden)]
pub mod cycles;
#[doc(hidden)]
pub mod debugging;
#[doc(hidden)]
pub mod introspection;
#[doc(hidden)]
pub mod late_finalizers;
#[doc(hidden)]
pub mod legacy_finalization;
#[doc(hidden)]
pub mod resurrection;
#[doc(hidden)]
pub mod self_cycles;
#[doc(hidden)]
pub mod shutdown;
#[doc(hidden)]
pub mod simple_finalization;
#[doc(hidden)]
pub mod toggling;
#[doc(hidden)]
pub mod weak_callbacks;
#[doc(hidden)]
pub mod weak_mappings;
#[doc(hidden)]
pub mod weak_references;

mod absent;
mod finalization;
mod held;
mod release;
mod row;

pub use release::Release;
pub use row::{Evidence, Failure, Row, Sort, Source, Verdict};

use crate::config::HeapConfig;
use crate::heap::Heap;

/// Every row for the heap `H`: those of each source in turn, last the ones that can be asked of no heap.
pub fn rows<H: Heap>() -> Vec<Row> {
    let mut rows = crate::python_rows!(table H);
    rows.extend(absent::rows());
    rows.sort_by_key(|row| Source::ALL.iter().position(|&source| source == row.source()));
    rows
}

/// Runs a row on `H` and holds what it does against what is documented.
///
/// # Panics
/// If they are not the same.
pub fn assert_as_documented<H: Heap>(row: &Row, config: HeapConfig) {
    if let Err(surprise) = row.prove(H::ABILITIES, config) {
        panic!("{}: {surprise}", H::NAME);
    }
}

/// Writes one `#[test]` a row for a heap, in modules by file: `python_tests!(MyHeap)` with the default configuration, or
/// `python_tests!(MyHeap, HeapConfig { .. })`.
#[macro_export]
macro_rules! python_tests {
    ($heap:ty) => {
        $crate::python_tests!($heap, $crate::HeapConfig::default());
    };
    ($heap:ty, $config:expr) => {
        $crate::python_rows!(tests $heap, $config);
    };
}

/// The list of rows, in one place.
#[doc(hidden)]
#[macro_export]
macro_rules! python_rows {
    (tests $heap:ty, $config:expr) => {
        $crate::python_rows!(@list @tests [$heap, $config]);
    };
    (table $heap:ident) => {
        $crate::python_rows!(@list @table $heap)
    };
    (@list $($then:tt)*) => {
        $crate::python_rows! {
            $($then)*
            cycles: Gc {
                "GCTests" [
                    test_list
                    test_dict
                    test_tuple
                    test_class
                    test_newstyleclass
                    test_instance
                    test_newinstance
                    test_method
                    test_legacy_finalizer
                    test_legacy_finalizer_newclass
                    test_function
                    test_frame
                    test_boom
                    test_boom2
                ]
            }
            late_finalizers: Gc {
                "GCTests" [
                    test_function_tp_clear_leaves_consistent_state
                    test_datetime_weakref_cycle
                    test_del
                    test_del_newclass
                    test_trashcan
                    test_trashcan_threads
                    test_bug1055820b
                    test_bug21435
                    test_trash_weakref_clear
                ]
            }
            debugging: Gc {
                "GCTests" [
                    test_saveall
                    test_gc_debug_stats
                ]
            }
            counters: Gc {
                "GCTests" [
                    test_get_count
                    test_collect_generations
                    test_get_stats
                    test_tuple_untrack_counts
                    test_get_count_nonnegative
                    test_get_count_does_not_prevent_collection
                    test_threshold_zero
                ]
                "IncrementalGCTests" [
                    test_incremental_gc_handles_fast_cycle_creation
                ]
            }
            introspection: Gc {
                "GCTests" [
                    test_get_referents
                    test_is_tracked
                    test_freeze
                    test_get_objects
                    test_get_objects_generations
                    test_get_objects_arguments
                    test_get_objects_during_gc
                    test_traverse_frozen_objects
                    test_deferred_refcount_frozen
                    test_heap_size
                ]
            }
            resurrection: Gc {
                "GCTests" [
                    test_is_finalized
                    test_resurrection_only_happens_once_per_object
                    test_resurrection_is_transitive
                    test_resurrection_does_not_block_cleanup_of_other_objects
                ]
            }
            collection_callbacks: Gc {
                "GCCallbackTests" [
                    test_collect
                    test_collect_generation
                    test_collect_garbage
                    test_refcount_errors
                ]
            }
            toggling: Gc {
                "GCTogglingTests" [
                    test_bug1055820c
                    test_bug1055820d
                    test_indirect_calls_with_gc_disabled
                ]
            }
            shutdown: Gc {
                "GCTests" [
                    test_garbage_at_shutdown
                    test_gc_main_module_at_shutdown
                ]
            }
            simple_finalization: Finalization {
                "SimpleFinalizationTest" [
                    test_simple
                    test_simple_resurrect
                    test_non_gc
                    test_non_gc_resurrect
                ]
            }
            self_cycles: Finalization {
                "SelfCycleFinalizationTest" [
                    test_simple
                    test_simple_resurrect
                    test_simple_suicide
                ]
            }
            cycle_chains: Finalization {
                "CycleChainFinalizationTest" [
                    test_homogenous
                    test_homogenous_resurrect
                    test_homogenous_suicidal
                    test_heterogenous_suicidal_one
                    test_heterogenous_suicidal_two
                    test_heterogenous_resurrect_one
                    test_heterogenous_resurrect_two
                    test_heterogenous_resurrect_three
                ]
            }
            legacy_finalization: Finalization {
                "LegacyFinalizationTest" [
                    test_legacy
                    test_legacy_resurrect
                    test_legacy_self_cycle
                ]
            }
            weak_references: WeakReferences {
                "ReferencesTestCase" [
                    test_basic_ref
                    test_basic_callback
                    test_multiple_callbacks
                    test_multiple_selfref_callbacks
                    test_ref_reuse
                    test_proxy_reuse
                    test_shared_ref_without_callback
                    test_shared_proxy_without_callback
                    test_getweakrefcount
                    test_getweakrefs
                    test_callbacks_protected
                    test_ref_created_during_del
                    test_callback_attribute
                    test_callback_attribute_after_deletion
                ]
            }
            weak_callbacks: WeakReferences {
                "ReferencesTestCase" [
                    test_sf_bug_840829
                    test_callback_in_cycle
                    test_callback_reachable_one_way
                    test_callback_different_classes
                    test_callback_in_cycle_resurrection
                    test_callbacks_on_callback
                    test_gc_during_ref_creation
                    test_gc_during_proxy_creation
                    test_trashcan_16602
                    test_callback_gcs
                    test_clearing_weakrefs_in_gc
                ]
                "SubclassableWeakrefTestCase" [
                    test_subclass_refs_with_cycle
                ]
            }
            weak_mappings: WeakReferences {
                "MappingTestCase" [
                    test_weak_keyed_len_cycles
                    test_weak_valued_len_cycles
                    test_weak_keyed_len_race
                    test_weak_valued_len_race
                    test_weak_keyed_iters
                    test_weak_valued_iters
                    test_weak_keys_destroy_while_iterating
                    test_weak_values_destroy_while_iterating
                    test_weak_keyed_dict_setdefault
                    test_weak_valued_dict_setdefault
                    test_weak_keyed_cascading_deletes
                    test_weak_valued_consistency
                    test_threaded_weak_valued_setdefault
                    test_threaded_weak_valued_pop
                    test_threaded_weak_valued_consistency
                    test_threaded_weak_key_dict_copy
                    test_threaded_weak_key_dict_deepcopy
                    test_threaded_weak_value_dict_copy
                    test_threaded_weak_value_dict_deepcopy
                ]
                "FinalizeTestCase" [
                    test_finalize
                    test_order
                    test_all_freed
                    test_atexit
                ]
            }
        }
    };
    (@tests [$heap:ty, $config:expr] $($file:ident: $source:ident { $($class:literal [$($row:ident)*])* })*) => {
        $(
            mod $file {
                #[allow(unused_imports, reason = "the heap's name may be a full path")]
                use super::*;
                $($(
                    #[test]
                    fn $row() {
                        use $crate::conformance::python;
                        let row = python::$file::$row::<$heap>();
                        python::assert_as_documented::<$heap>(
                            &row.named(python::Source::$source, $class, stringify!($row)),
                            $config,
                        );
                    }
                )*)*
            }
        )*
    };
    (@table $heap:ident $($file:ident: $source:ident { $($class:literal [$($row:ident)*])* })*) => {
        vec![$($($(
            $file::$row::<$heap>().named(Source::$source, $class, stringify!($row)),
        )*)*)*]
    };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::generational::GenerationalHeap;
    use crate::heap::Abilities;
    use crate::refcount::RefcountHeap;

    /// A row that is written and not listed would be tested by nobody.
    #[test]
    fn every_row_is_listed() {
        let sources = [
            ("collection_callbacks", include_str!("collection_callbacks.rs")),
            ("counters", include_str!("counters.rs")),
            ("cycle_chains", include_str!("cycle_chains.rs")),
            ("cycles", include_str!("cycles.rs")),
            ("debugging", include_str!("debugging.rs")),
            ("introspection", include_str!("introspection.rs")),
            ("late_finalizers", include_str!("late_finalizers.rs")),
            ("legacy_finalization", include_str!("legacy_finalization.rs")),
            ("resurrection", include_str!("resurrection.rs")),
            ("self_cycles", include_str!("self_cycles.rs")),
            ("shutdown", include_str!("shutdown.rs")),
            ("simple_finalization", include_str!("simple_finalization.rs")),
            ("toggling", include_str!("toggling.rs")),
            ("weak_callbacks", include_str!("weak_callbacks.rs")),
            ("weak_mappings", include_str!("weak_mappings.rs")),
            ("weak_references", include_str!("weak_references.rs")),
        ];
        let written = |text: &str| text.matches("\npub fn test_").count() + text.matches(" as test_").count();
        let written = sources.iter().map(|(_, text)| written(text)).sum::<usize>();
        let listed = rows::<RefcountHeap>();
        assert_eq!(listed.len(), written + absent::rows().len());
        let names: HashSet<_> = listed.iter().map(Row::to_string).collect();
        assert_eq!(names.len(), listed.len(), "each name is listed once");
    }

    /// Whatever can be asked of it at all, CPython's own collector does as CPython does.
    #[test]
    fn the_baseline_is_documented_as_the_same_on_every_row() {
        let absent: Vec<_> = absent::rows().iter().map(Row::to_string).collect();
        for row in rows::<GenerationalHeap>() {
            let expected = !absent.contains(&row.to_string());
            assert_eq!(row.documented(GenerationalHeap::ABILITIES) == Verdict::Same, expected, "{row}");
        }
    }

    /// A row that must fail on a heap and does not, and one that must hold and fails, are both noticed.
    #[test]
    fn a_stale_difference_is_noticed() {
        let abilities = Abilities { collects_cycles: false, list_order: false, parallel_mutators: false };
        let holds = Row::new("it holds", |_| {});
        let fails = Row::new("it fails", |_| panic!("on purpose"));
        assert_eq!(holds.clone().prove(abilities, HeapConfig::default()), Ok(Verdict::Same));
        assert!(fails.prove(abilities, HeapConfig::default()).is_err_and(|error| error.contains("on purpose")));
        assert!(holds.of_cycles().prove(abilities, HeapConfig::default()).is_err_and(|error| error.contains("mend")));
        assert!(
            fails.of_cycles().prove(abilities, HeapConfig::default()).is_ok_and(|verdict| verdict != Verdict::Same)
        );
    }
}
