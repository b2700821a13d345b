//! The contract of [`heap`](crate::heap) as executable rules.
//!
//! A rule is a function that takes the configuration to run with and panics when the heap breaks it.
//! [`conformance_tests!`](crate::conformance_tests) writes one test a rule; a program takes the same rules from
//! [`rules`]. Rules ask a heap's [`Abilities`](crate::Abilities) and pass over what it does not claim to do, so a heap
//! that leaks cycles by design passes, and one that says it collects them and does not fails.
//!
//! Beside the single rules there is [`model`]: random operations on a heap and on a plain Rust graph, which must agree.
//! The rules provoke panics on purpose; a program that runs them may want to silence the panic hook.

mod fixture;

pub mod collections;
pub mod counts;
pub mod debugging;
pub mod finalizers;
pub mod freezing;
pub mod generations;
pub mod introspection;
pub mod legacy;
pub mod memory;
pub mod model;
pub mod panics;
pub mod python;
pub mod slots;
pub mod steering;
pub mod threads;
pub mod weak;
pub mod weak_callbacks;

use crate::config::HeapConfig;
use crate::heap::Heap;

/// A rule's name, `group::claim`, and the rule.
pub type Rule = (&'static str, fn(HeapConfig));

/// Every rule for the heap `H`, in the order of this module's files.
pub fn rules<H: Heap>() -> Vec<Rule> {
    crate::conformance_rules!(table H)
}

/// Writes one `#[test]` per rule for a heap, in modules by group: `conformance_tests!(MyHeap)` with the default
/// configuration, or `conformance_tests!(MyHeap, HeapConfig { .. })`.
#[macro_export]
macro_rules! conformance_tests {
    ($heap:ty) => {
        $crate::conformance_tests!($heap, $crate::HeapConfig::default());
    };
    ($heap:ty, $config:expr) => {
        $crate::conformance_rules!(tests $heap, $config);
    };
}

/// The list of rules, in one place.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_rules {
    (tests $heap:ty, $config:expr) => {
        $crate::conformance_rules!(@list @tests [$heap, $config]);
    };
    (table $heap:ident) => {
        $crate::conformance_rules!(@list @table $heap)
    };
    (@list $($then:tt)*) => {
        $crate::conformance_rules! {
            $($then)*
            counts {
                a_new_object_has_one_reference
                clone_retains_and_drop_releases
                store_retains_and_overwriting_releases
                load_retains
                moving_a_reference_keeps_its_count
                the_last_release_frees_at_once
                a_shared_object_dies_with_its_last_holder
                statistics_count_allocations_and_deaths
                an_instance_releases_its_slots_first_to_last
                a_list_releases_its_slots_last_to_first
                a_subtree_dies_before_the_next_slot
                observed_teardowns_begin_and_end_once
                churn_takes_no_memory
            }
            slots {
                a_new_object_is_null_and_zero
                load_gives_back_what_was_stored
                storing_the_same_object_again_changes_nothing
                an_object_may_hold_itself
                take_and_replace_give_out_what_was_there
                a_slot_is_written_before_the_old_value_is_released
                move_slots_moves_as_memmove_does
                a_payload_gives_back_its_bytes
                large_objects_are_objects
                a_slot_that_is_not_there_is_refused
                payload_bytes_that_are_not_there_are_refused
                roots_of_another_heap_are_refused
                impossible_objects_are_refused
                walk_visits_every_object_once
            }
            weak {
                a_weak_reference_gives_its_referent_while_it_lives
                only_weak_references_upgrade
                weak_references_to_weak_references_are_refused
                a_plain_weak_reference_is_shared
                callbacks_run_newest_first_after_all_are_cleared
                a_dead_weak_reference_never_fires
                on_death_by_count_finalizers_come_before_weak_references
                upgrade_fails_while_the_teardown_is_deferred
                in_a_collection_callbacks_come_before_finalizers
                a_weak_reference_in_garbage_never_fires
                a_living_weak_reference_to_garbage_fires_once
                a_weak_reference_that_dies_in_its_callback_counts_as_collected
                weak_references_in_finalizers_follow_the_configured_order
                weak_references_made_in_finalizers_die_silently
                a_callback_may_collect
                a_callback_in_the_teardown_sees_no_garbage
            }
            weak_callbacks {
                weak_references_are_listed_newest_first
                callbacks_that_let_go_of_each_other_are_all_called
                callbacks_that_collect_or_panic_leave_the_others
                a_callback_is_called_once_though_its_referent_is_resurrected
            }
            finalizers {
                a_finalizer_runs_once_on_death_by_count
                a_resurrected_object_dies_silently_the_second_time
                an_atomic_object_is_finalized_at_each_death
                all_finalizers_run_before_anything_is_cleared
                a_cycle_is_resurrected_once
                resurrection_is_transitive
                resurrection_does_not_keep_other_garbage
                mixed_chains_are_finalized_once_each
                what_dies_in_its_finalizer_is_not_counted
                a_finalizer_may_allocate
                collect_inside_a_collection_does_nothing
                finalizers_may_collect_in_a_deep_cascade
                a_late_finalizer_sees_no_torn_object
                finalizers_run_in_list_order
            }
            legacy {
                a_legacy_finalizer_runs_after_weak_references_died
                a_legacy_finalizer_runs_at_each_death
                a_cycle_with_a_legacy_finalizer_goes_to_garbage
                a_legacy_cycle_goes_to_garbage_while_others_are_finalized
                an_atomic_object_in_a_recycled_cell_is_no_candidate
            }
            collections {
                rooted_cycle_survives
                a_self_loop_is_collected
                a_cycle_of_two_is_collected
                a_ring_is_collected
                a_doubly_linked_list_is_collected
                a_clique_is_collected
                tails_die_with_their_cycle
                only_the_unreachable_part_is_collected
                wide_and_large_objects_are_followed
                a_shared_root_keeps_a_cycle
                statistics_are_kept_by_generation
                collection_callbacks_are_called_at_both_ends
                survivors_come_in_list_order
                garbage_may_refer_to_any_generation
                tuples_that_can_be_on_no_cycle_are_untracked
            }
            generations {
                survivors_grow_older
                older_garbage_waits_for_its_generation
                references_from_older_generations_are_roots
                counters_follow_allocations_and_collections
                thresholds_are_kept
                a_growing_heap_is_collected_where_the_rules_say
                full_collections_become_rarer_as_the_heap_grows
                a_first_threshold_of_zero_means_never
                disabled_heaps_collect_only_when_asked
                cycles_made_over_and_over_stay_bounded
                net_allocations_count_and_never_fall_below_zero
                a_list_schedules_and_a_safepoint_collects
                free_lists_hide_recycled_objects_from_the_counter
            }
            freezing {
                freeze_moves_everything_and_unfreeze_moves_it_to_the_oldest
                a_frozen_object_dies_by_count
                frozen_garbage_is_not_collected
                references_from_frozen_objects_are_roots
                an_immortal_object_never_dies
                an_immortal_member_keeps_its_cycle
                freeze_immortal_stops_counting
            }
            introspection {
                referents_come_in_order_with_duplicates
                referrers_are_the_tracked_holders
                every_tracked_object_is_listed
                containers_are_tracked_and_atomic_objects_are_not
                an_object_in_finalization_is_on_no_list
                objects_are_listed_by_type
                untracked_objects_are_not_found
                weak_references_are_no_referrers
                frozen_objects_are_tracked_and_not_found
                is_finalized_tells_whether_the_finalizer_ran
                counts_tell_all_counted_references
            }
            steering {
                collection_callbacks_learn_candidates_and_duration
                collection_callbacks_can_be_removed
                a_collection_callback_may_remove_itself
                a_disabled_guard_nests_and_restores
                a_disabled_guard_ends_with_a_panic
                disabled_guards_of_two_threads_add_up
                garbage_is_a_list_of_references
                numbers_of_generations_are_checked_as_in_cpython
            }
            debugging {
                debug_flags_are_kept
                debug_stats_report_each_collection
                garbage_is_reported_by_name
                save_all_keeps_garbage_alive
                save_all_keeps_what_legacy_objects_reach
                a_broken_debug_writer_breaks_nothing
            }
            threads {
                a_shared_root_dropped_elsewhere_is_released_at_a_safepoint
                a_shared_root_outlives_its_mutator
                two_mutators_share_a_cache
                a_running_mutator_hands_over_at_safepoints
                safe_region_holds_up_nobody
                heap_operations_work_inside_a_safe_region
                a_panic_leaves_a_safe_region_in_order
                a_thread_that_would_wait_for_itself_is_refused
                cascades_of_two_threads_do_not_mix
                a_forked_child_goes_on_with_its_own_heap
                a_forked_child_reports_lost_mutators
                a_forked_child_finds_no_lock_taken
                a_forked_child_copies_no_page_of_immortal_objects
                forking_inside_a_collection_is_refused
            }
            memory {
                a_full_heap_collects_garbage_first
                a_heap_full_of_living_objects_is_usable_afterwards
                a_full_heap_refuses_weak_references
                an_object_beyond_the_limit_is_refused_at_once
                memory_of_small_objects_serves_large_ones
                a_full_heap_respects_resurrection
                a_deep_list_dies_by_count
                a_deep_list_with_finalizers_dies_by_count
                a_deep_ring_is_collected
            }
            panics {
                a_panicking_finalizer_does_not_keep_its_object
                a_collection_goes_on_after_panicking_finalizers
                panicking_weak_reference_callbacks_stop_nothing
                panicking_collection_callbacks_stop_nothing
                a_panicking_legacy_finalizer_does_not_keep_its_object
                a_cascade_goes_on_after_a_panic
            }
            model {
                random_operations_agree_with_the_model
            }
        }
    };
    (@tests [$heap:ty, $config:expr] $($group:ident { $($rule:ident)* })*) => {
        $(
            mod $group {
                #[allow(unused_imports, reason = "the heap's name may be a full path")]
                use super::*;
                $(
                    #[test]
                    fn $rule() {
                        $crate::conformance::$group::$rule::<$heap>($config);
                    }
                )*
            }
        )*
    };
    (@table $heap:ident $($group:ident { $($rule:ident)* })*) => {
        vec![
            $($(
                (concat!(stringify!($group), "::", stringify!($rule)), $group::$rule::<$heap> as fn(HeapConfig))
            ),*),*
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule that is written and not listed would be tested by nobody.
    #[test]
    fn every_rule_is_listed() {
        let sources = [
            ("counts", include_str!("counts.rs")),
            ("slots", include_str!("slots.rs")),
            ("weak", include_str!("weak.rs")),
            ("weak_callbacks", include_str!("weak_callbacks.rs")),
            ("finalizers", include_str!("finalizers.rs")),
            ("legacy", include_str!("legacy.rs")),
            ("collections", include_str!("collections.rs")),
            ("generations", include_str!("generations.rs")),
            ("freezing", include_str!("freezing.rs")),
            ("introspection", include_str!("introspection.rs")),
            ("steering", include_str!("steering.rs")),
            ("debugging", include_str!("debugging.rs")),
            ("threads", include_str!("threads.rs")),
            ("memory", include_str!("memory.rs")),
            ("panics", include_str!("panics.rs")),
        ];
        let listed: Vec<_> = rules::<crate::RefcountHeap>().into_iter().map(|(name, _)| name.to_owned()).collect();
        for (group, source) in sources {
            for line in source.lines().filter_map(|line| line.strip_prefix("pub fn ")) {
                let rule = line.split('<').next().expect("a name");
                assert!(listed.contains(&format!("{group}::{rule}")), "{group}::{rule} is not listed");
            }
        }
    }
}
