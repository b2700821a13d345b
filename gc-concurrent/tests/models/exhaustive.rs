//! Exhaustive exploration of a state machine: every state that can be reached is looked at once.

use std::fmt::Debug;
use std::hash::Hash;

use rustc_hash::FxHashSet;

/// A state machine with a claim about its states.
pub(crate) trait Machine {
    type State: Copy + Debug;
    /// What tells states apart.
    type Key: Eq + Hash;

    fn key(&self, state: &Self::State) -> Self::Key;

    /// The states that can follow. None: nothing can happen any more.
    fn successors(&self, state: &Self::State, add: &mut impl FnMut(Self::State));

    /// What is wrong with a state; `last` if nothing can happen any more.
    fn wrong(&self, state: &Self::State, last: bool) -> Option<String>;
}

/// Looks at all states. Returns how many there are, or what is wrong with one.
pub(crate) fn explore<M: Machine>(machine: &M, initial: impl IntoIterator<Item = M::State>) -> Result<usize, String> {
    let mut seen: FxHashSet<M::Key> = FxHashSet::default();
    let mut next: Vec<M::State> = initial.into_iter().filter(|state| seen.insert(machine.key(state))).collect();
    while let Some(state) = next.pop() {
        let mut last = true;
        machine.successors(&state, &mut |after| {
            last = false;
            if seen.insert(machine.key(&after)) {
                next.push(after);
            }
        });
        if let Some(wrong) = machine.wrong(&state, last) {
            return Err(format!("{wrong} (state {} of those seen): {state:?}", seen.len()));
        }
    }
    Ok(seen.len())
}

/// The claim holds in every state.
pub(crate) fn holds<M: Machine>(machine: &M, initial: impl IntoIterator<Item = M::State>) {
    let result = explore(machine, initial);
    let name = std::thread::current().name().unwrap_or("model").to_owned();
    println!("{name}: {result:?} states");
    assert!(result.is_ok(), "{result:?}");
}

/// The claim fails in some state.
pub(crate) fn caught<M: Machine>(machine: &M, initial: impl IntoIterator<Item = M::State>) {
    let result = explore(machine, initial);
    let name = std::thread::current().name().unwrap_or("model").to_owned();
    println!("{name}: caught: {}", result.expect_err("not caught"));
}
