//! All programs of one or two mutators on three objects against one certification, without weak memory.
//!
//! A state machine in plain Rust whose steps are those of the shipped functions, one access each. Programs have no end:
//! from every state, every operation that the roots at hand allow can begin. The version is abstracted to "changed since
//! the first reading", which is what it is for. Two exact reductions keep the number of states down: a suspect that
//! changed since its first reading will be rejected, so it is at once; and what is not changed has the count that it had.
//!
//! The suspects are any set of objects: proposals may be wrong in every way. Checked in every state: counts are the
//! number of references; nothing that is claimed has a root or dies. In the end of each certification: nothing certified
//! is reachable; what was garbage when it began is certified, if it was proposed.

mod state;

use crate::exhaustive::{Machine, caught, holds};
use state::{DECIDES, ENDS, MUTATORS, Mutator, NULL, OBJECTS, OWNERS, SLOTS, State, Step, bit, cascade, finish};

/// Which rules are kept.
#[derive(Clone, Copy)]
struct Rules {
    /// Roots that each mutator can have.
    roots: [usize; MUTATORS],
    /// Slots that are used: all, or one of each object.
    slots: usize,
    raises_out: bool,
    raises_in: bool,
    words_first: bool,
    checks_again: bool,
    rejects_zero: bool,
    retains_zero: bool,
}

const SHIPPED: Rules = Rules {
    roots: [2, 0],
    slots: SLOTS,
    raises_out: true,
    raises_in: false,
    words_first: true,
    checks_again: true,
    rejects_zero: true,
    retains_zero: false,
};

impl Rules {
    /// Whether the first reading of an object has been, and the second has not.
    fn is_watched(&self, state: &State, object: u8) -> bool {
        let first = if self.words_first { object } else { SLOTS as u8 + object };
        state.at > first && state.at <= DECIDES + object
    }

    fn changed(&self, state: &mut State, object: u8) {
        if self.is_watched(state, object) {
            self.reject(state, object);
        }
    }

    fn reject(&self, state: &mut State, object: u8) {
        state.suspects &= !bit(object);
        if state.at >= DECIDES {
            cascade(state);
        }
    }

    fn retain(&self, state: &mut State, object: u8) {
        state.counts[object as usize] += 1;
        self.changed(state, object);
    }

    /// One step of a mutator that is under way.
    fn go_on(&self, state: &State, m: usize, add: &mut impl FnMut(State)) {
        let mut next = *state;
        let Mutator { slot, value, .. } = state.mutators[m];
        let mutator = &mut next.mutators[m];
        match mutator.step {
            Step::Idle => return,
            Step::Retain if state.counts[value as usize] == 0 && !self.retains_zero => finish(mutator),
            Step::Retain => {
                mutator.step = Step::Confirm;
                self.retain(&mut next, value);
            }
            Step::Confirm if self.checks_again && state.slots[slot as usize] != value => mutator.step = Step::Undo,
            Step::Confirm => self.keep(mutator, m, value),
            Step::Swap => {
                let old = std::mem::replace(&mut next.slots[slot as usize], value);
                (mutator.step, mutator.value, mutator.slot) = (Step::Release, old, 0);
                if old == NULL {
                    finish(mutator);
                }
            }
            Step::Raise => {
                self.keep(mutator, m, value);
                if self.raises_out {
                    self.changed(&mut next, value);
                }
            }
            Step::Release | Step::Undo => {
                next.counts[value as usize] -= 1;
                if next.counts[value as usize] == 0 {
                    mutator.dying |= bit(value);
                }
                finish(mutator);
                self.changed(&mut next, value);
            }
            Step::Empty => {
                let dying = mutator.dying.trailing_zeros() as usize;
                match (0..SLOTS).find(|&slot| OWNERS[slot] == dying && state.slots[slot] != NULL) {
                    Some(slot) => {
                        (mutator.step, mutator.value) = (Step::Release, state.slots[slot]);
                        next.slots[slot] = NULL;
                    }
                    None => {
                        mutator.dying &= !bit(dying as u8);
                        finish(mutator);
                    }
                }
            }
        }
        add(next);
    }

    /// A value becomes a root, or is released if there is no room for one.
    fn keep(&self, mutator: &mut Mutator, m: usize, value: u8) {
        match mutator.roots[..self.roots[m]].iter_mut().find(|root| **root == NULL) {
            Some(root) => {
                *root = value;
                finish(mutator);
            }
            None => (mutator.step, mutator.slot) = (Step::Release, 0),
        }
    }

    /// All operations that an idle mutator can begin.
    fn begin(&self, state: &State, m: usize, add: &mut impl FnMut(State)) {
        let mutator = state.mutators[m];
        let set = |step, slot: usize, value| Mutator { step, slot: slot as u8, value, ..mutator };
        let with = |mutator: Mutator| {
            let mut next = *state;
            next.mutators[m] = mutator;
            next
        };
        let roots = &mutator.roots[..self.roots[m]];
        for (at, &owner) in roots.iter().enumerate().filter(|&(_, &owner)| owner != NULL) {
            // Drop.
            let mut dropped = set(Step::Release, 0, owner);
            dropped.roots[at] = NULL;
            add(with(dropped));
            // Clone.
            if roots.contains(&NULL) {
                let mut cloned = mutator;
                self.keep(&mut cloned, m, owner);
                let mut next = with(cloned);
                self.retain(&mut next, owner);
                add(next);
            }
            for slot in (0..self.slots).filter(|&slot| OWNERS[slot] == owner as usize) {
                // Load, take, and a store of null.
                if state.slots[slot] != NULL {
                    add(with(set(Step::Retain, slot, state.slots[slot])));
                    let mut next = with(set(Step::Raise, 0, state.slots[slot]));
                    next.slots[slot] = NULL;
                    add(next);
                    add(with(set(Step::Swap, slot, NULL)));
                }
                for (other, &value) in roots.iter().enumerate().filter(|&(_, &value)| value != NULL) {
                    // Store.
                    let mut next = with(set(Step::Swap, slot, value));
                    self.retain(&mut next, value);
                    add(next);
                    // Put: another root than the owner's.
                    if other != at {
                        let mut put = set(Step::Swap, slot, value);
                        put.roots[other] = NULL;
                        let mut next = with(put);
                        if self.raises_in {
                            self.changed(&mut next, value);
                        }
                        add(next);
                    }
                }
            }
        }
        // Allocate.
        let taken = state.mutators.iter().fold(state.claimed(), |taken, mutator| taken | mutator.dying);
        let free = (0..OBJECTS as u8).find(|&object| state.counts[object as usize] == 0 && taken & bit(object) == 0);
        if let Some(object) = free
            && roots.contains(&NULL)
        {
            let mut allocated = mutator;
            self.keep(&mut allocated, m, object);
            let mut next = with(allocated);
            self.retain(&mut next, object);
            add(next);
        }
    }

    /// One step of the collection.
    fn collect(&self, state: &State, add: &mut impl FnMut(State)) {
        let mut next = *state;
        next.at += 1;
        let (word, slot) = if self.words_first {
            (state.at as usize, (state.at as usize).wrapping_sub(OBJECTS))
        } else {
            ((state.at as usize).wrapping_sub(SLOTS), state.at as usize)
        };
        if slot < SLOTS {
            let is_proposed = |object: u8| object != NULL && state.proposed & bit(object) != 0;
            if is_proposed(OWNERS[slot] as u8) && is_proposed(state.slots[slot]) {
                next.recorded[slot] = state.slots[slot];
            }
        } else if word < OBJECTS && self.rejects_zero && state.counts[word] == 0 {
            next.suspects &= !bit(word as u8);
        }
        if next.at == DECIDES {
            // The counts of what is unchanged are those of the first readings.
            for object in 0..OBJECTS as u8 {
                let explained = next.recorded.iter().filter(|&&target| target == object).count();
                if explained != next.counts[object as usize] as usize {
                    next.suspects &= !bit(object);
                }
            }
            cascade(&mut next);
        }
        add(next);
    }
}

impl Machine for Rules {
    type State = State;
    type Key = u128;

    /// Four bits for each number.
    fn key(&self, state: &State) -> u128 {
        let State { counts, slots, recorded, suspects, proposed, garbage, at, .. } = *state;
        let mutators = state.mutators.into_iter().flat_map(|mutator| {
            let Mutator { roots, step, slot, value, dying } = mutator;
            [roots[0], roots[1], step as u8, slot, value, dying]
        });
        let numbers = counts.into_iter().chain(slots).chain(recorded).chain([suspects, proposed, garbage, at]);
        numbers.chain(mutators).fold(0, |key, number| key << 4 | u128::from(number))
    }

    fn successors(&self, state: &State, add: &mut impl FnMut(State)) {
        if state.at != ENDS && state.suspects == 0 {
            // Nothing will be certified.
            return;
        }
        for (m, mutator) in state.mutators.iter().enumerate() {
            match mutator.step {
                Step::Idle if state.at != ENDS => self.begin(state, m, add),
                // After the end, loads that were under way come to theirs.
                Step::Retain | Step::Confirm | Step::Undo => self.go_on(state, m, add),
                _ if state.at != ENDS => self.go_on(state, m, add),
                _ => {}
            }
        }
        if state.at != ENDS {
            self.collect(state, add);
        }
    }

    fn wrong(&self, state: &State, _: bool) -> Option<String> {
        let mut tokens = [0; OBJECTS];
        let unconfirmed = state.mutators.iter().filter(|mutator| matches!(mutator.step, Step::Confirm | Step::Undo));
        let all = state.slots.into_iter().chain(state.held()).chain(unconfirmed.map(|mutator| mutator.value));
        all.filter(|&object| object != NULL).for_each(|object| tokens[object as usize] += 1);
        if tokens != state.counts {
            return Some(format!("counts are not {tokens:?}"));
        }
        let dying = state.mutators.iter().fold(0, |dying, mutator| dying | mutator.dying);
        if (0..OBJECTS as u8).any(|object| dying & bit(object) != 0 && state.counts[object as usize] != 0) {
            return Some("something dying is retained".to_owned());
        }
        if state.claimed() & (state.reachable() | dying) != 0 {
            return Some("something alive or dying is claimed".to_owned());
        }
        let ends = state.at == ENDS || state.suspects == 0;
        if ends && state.garbage & !state.proposed == 0 && state.garbage & !state.suspects != 0 {
            return Some("garbage is rejected".to_owned());
        }
        None
    }
}

#[test]
fn one_mutator_with_two_roots_loses_nothing_and_garbage_is_found() {
    holds(&SHIPPED, State::initial(&SHIPPED));
}

#[test]
fn two_mutators_with_a_root_each_lose_nothing_and_garbage_is_found() {
    let rules = Rules { roots: [1, 1], slots: 3, ..SHIPPED };
    holds(&rules, State::initial(&rules));
}

#[test]
fn a_raise_on_the_way_in_would_do_as_well() {
    // Not what ships. But either direction is enough by itself; both are not needed.
    let rules = Rules { raises_out: false, raises_in: true, slots: 3, ..SHIPPED };
    holds(&rules, State::initial(&rules));
}

#[test]
fn broken_rules_are_caught() {
    let one = Rules { slots: 3, ..SHIPPED };
    let two = Rules { roots: [1, 1], slots: 3, ..SHIPPED };
    for rules in [
        Rules { raises_out: false, ..one },
        Rules { words_first: false, ..one },
        Rules { rejects_zero: false, ..one },
        Rules { retains_zero: true, ..two },
        Rules { checks_again: false, ..two },
    ] {
        caught(&rules, State::initial(&rules));
    }
}
