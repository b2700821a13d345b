//! The states of the exhaustive model of objects.

use super::Rules;

pub(super) const OBJECTS: usize = 3;
/// Whose slots there are; object 0 has two.
pub(super) const OWNERS: [usize; 4] = [0, 1, 2, 0];
pub(super) const SLOTS: usize = OWNERS.len();
/// No object.
pub(super) const NULL: u8 = 3;
/// Mutators.
pub(super) const MUTATORS: usize = 2;

/// What a mutator is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Idle,
    /// Retain what a load has read.
    Retain,
    /// Read the slot again.
    Confirm,
    /// Swap a value into a slot.
    Swap,
    /// Raise what was taken.
    Raise,
    /// Release a reference.
    Release,
    /// Release what a load retained by mistake.
    Undo,
    /// Take the next reference out of something dying.
    Empty,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Mutator {
    pub(super) roots: [u8; 2],
    pub(super) step: Step,
    pub(super) slot: u8,
    pub(super) value: u8,
    /// Objects that it is taking apart, as bits.
    pub(super) dying: u8,
}

pub(super) const IDLE: Mutator = Mutator { roots: [NULL; 2], step: Step::Idle, slot: 0, value: NULL, dying: 0 };

#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) counts: [u8; OBJECTS],
    pub(super) slots: [u8; SLOTS],
    pub(super) mutators: [Mutator; MUTATORS],
    /// Suspects that can still be certified, as bits.
    pub(super) suspects: u8,
    /// All that were proposed.
    pub(super) proposed: u8,
    /// Garbage when the certification began.
    pub(super) garbage: u8,
    /// What was recorded from each slot.
    pub(super) recorded: [u8; SLOTS],
    /// The collection's next step.
    pub(super) at: u8,
}

/// The collection's steps: a reading of each word, of each slot, and of each word again.
pub(super) const DECIDES: u8 = (OBJECTS + SLOTS) as u8;
pub(super) const ENDS: u8 = DECIDES + OBJECTS as u8;

pub(super) fn bit(object: u8) -> u8 {
    1 << object
}

/// Takes back what the rejected explained. What is recorded from them is not needed any more.
pub(super) fn cascade(state: &mut State) {
    loop {
        let before = state.suspects;
        for (slot, &owner) in OWNERS.iter().enumerate() {
            if state.suspects & bit(owner as u8) == 0 && state.recorded[slot] != NULL {
                state.suspects &= !bit(state.recorded[slot]);
                state.recorded[slot] = NULL;
            }
        }
        if state.suspects == before {
            return;
        }
    }
}

pub(super) fn finish(mutator: &mut Mutator) {
    let roots = &mut mutator.roots;
    roots.sort_unstable();
    let step = if mutator.dying == 0 { Step::Idle } else { Step::Empty };
    *mutator = Mutator { step, slot: 0, value: NULL, ..*mutator };
}

impl State {
    pub(super) fn claimed(&self) -> u8 {
        if self.at == ENDS { self.suspects } else { 0 }
    }

    /// What mutators hold, apart from what loads have not confirmed.
    pub(super) fn held(&self) -> impl Iterator<Item = u8> {
        let holds = |mutator: &Mutator| {
            let under_way = matches!(mutator.step, Step::Swap | Step::Raise | Step::Release);
            [mutator.roots[0], mutator.roots[1], if under_way { mutator.value } else { NULL }]
        };
        self.mutators.into_iter().flat_map(move |mutator| holds(&mutator)).filter(|&object| object != NULL)
    }

    pub(super) fn reachable(&self) -> u8 {
        let mut reached = self.held().fold(0, |reached, object| reached | bit(object));
        loop {
            let before = reached;
            for (slot, &target) in self.slots.iter().enumerate() {
                if target != NULL && reached & bit(OWNERS[slot] as u8) != 0 {
                    reached |= bit(target);
                }
            }
            if reached == before {
                return reached;
            }
        }
    }

    /// All states in which nothing is under way, each with all proposals.
    pub(super) fn initial(rules: &Rules) -> impl Iterator<Item = Self> {
        let digits = |n: usize, at: usize| (n >> (2 * at) & 3) as u8;
        let (rooms, slots) = (rules.roots, rules.slots);
        let all = (0..1usize << (2 * (SLOTS + 4))).filter_map(move |n| {
            let mut state = Self {
                counts: [0; OBJECTS],
                slots: std::array::from_fn(|slot| digits(n, slot)),
                mutators: [IDLE; MUTATORS],
                suspects: 0,
                proposed: 0,
                garbage: 0,
                recorded: [NULL; SLOTS],
                at: 0,
            };
            for (m, mutator) in state.mutators.iter_mut().enumerate() {
                mutator.roots = [digits(n, SLOTS + 2 * m), digits(n, SLOTS + 2 * m + 1)];
                let room = rooms[m];
                if !mutator.roots.is_sorted() || mutator.roots[room..].iter().any(|&root| root != NULL) {
                    return None;
                }
            }
            let references: Vec<u8> = state.slots.into_iter().chain(state.held()).collect();
            for object in references.into_iter().filter(|&object| object != NULL) {
                state.counts[object as usize] += 1;
            }
            // A dead object holds nothing, and slots that are not used are null.
            let is_fine = |slot| state.slots[slot] == NULL || (state.counts[OWNERS[slot]] != 0 && slot < slots);
            (0..SLOTS).all(is_fine).then_some(state)
        });
        all.flat_map(|state: Self| (1..1 << OBJECTS).map(move |proposed| state.proposed(proposed)))
    }

    /// A certification of these begins.
    fn proposed(mut self, proposed: u8) -> Self {
        let alive = (0..OBJECTS as u8).filter(|&object| self.counts[object as usize] != 0);
        self.garbage = alive.fold(0, |alive, object| alive | bit(object)) & !self.reachable();
        (self.proposed, self.suspects) = (proposed, proposed);
        self
    }
}
