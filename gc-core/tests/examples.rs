//! The examples run and hold what they assert.

#[path = "../examples/finalizer_collects.rs"]
mod finalizer_collects;
#[path = "../examples/fork.rs"]
mod fork;
#[path = "../examples/resurrection_into_limbo.rs"]
mod resurrection_into_limbo;
#[path = "../examples/shared_cache.rs"]
mod shared_cache;
#[path = "../examples/weak_cache.rs"]
mod weak_cache;

#[test]
fn resurrection_into_limbo_replays() {
    resurrection_into_limbo::main().unwrap();
}

#[test]
fn a_cache_is_shared_by_two_threads() {
    shared_cache::main().unwrap();
}

#[test]
fn a_finalizer_collects() {
    finalizer_collects::main().unwrap();
}

#[test]
fn a_forked_child_works() {
    fork::main().unwrap();
}

#[test]
fn a_cache_of_weak_references_keeps_its_dead_keys_and_a_weak_map_does_not() {
    weak_cache::main().unwrap();
    assert_eq!(weak_cache::lengths().unwrap(), (1_000, 100));
}
