//! What a mutator of the stress test does: one random operation after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use gc_core::{Generation, Heap, HeapFull, Mutator, Root, Shape, Thresholds};

use super::objects::{self, Sort, Types, may_refer, new_container, new_object, pick};
use super::random::{self, below, one_in};
use super::{Plan, Stage, TABLE, forks};

/// Roots that a mutator keeps at most.
const ROOTS: usize = 48;
/// Weak references that a mutator keeps at most.
const WEAK: usize = 24;
/// Operations between two looks at whether the run is over.
const STRIDE: u32 = 64;

/// A thread's life: it attaches, works, lets go of everything and detaches, again and again.
pub(crate) fn mutate<H: Heap>(heap: &H, stage: &Arc<Stage>, types: &Types, plan: Plan, number: u32) {
    random::seed(plan.seed ^ random::mix(u64::from(number)));
    while !stage.ended.load(Ordering::Relaxed) {
        let mutator = heap.attach();
        let table = {
            let shared = stage.table.lock();
            mutator.adopt(mutator.clone_shared(shared.as_ref().expect("the run goes on")))
        };
        let mut worker = Worker { mutator: &mutator, types, stage, table, roots: Vec::new(), weak: Vec::new() };
        for _ in 0..below(400) {
            for _ in 0..STRIDE {
                // A full heap is not a failure: what is held is let go.
                if worker.step().is_err() {
                    worker.let_go();
                }
            }
            stage.operations.fetch_add(u64::from(STRIDE), Ordering::Relaxed);
            if stage.ended.load(Ordering::Relaxed) {
                break;
            }
            worker.stay_small(heap);
            if number == 0 && stage.forks.load(Ordering::Relaxed) < u64::from(plan.forks) && one_in(4) {
                forks::fork_and_verify(&worker);
                Stage::count(&stage.forks);
            }
        }
        worker.verify();
    }
}

pub(crate) struct Worker<'m, M: Mutator> {
    pub(crate) mutator: &'m M,
    pub(crate) types: &'m Types,
    pub(crate) stage: &'m Stage,
    pub(crate) table: Root<'m, M>,
    pub(crate) roots: Vec<Root<'m, M>>,
    /// Weak references, and the serials of their referents.
    weak: Vec<(Root<'m, M>, u64)>,
}

impl<'m, M: Mutator> Worker<'m, M> {
    fn check(&self, object: &Root<'m, M>) -> Sort {
        objects::check(self.mutator, self.types, object)
    }

    /// Another with the same roots.
    pub(crate) fn again(&self) -> Worker<'m, M> {
        Worker { table: self.table.clone(), roots: self.roots.clone(), weak: self.weak.clone(), ..*self }
    }

    /// Checks all that it holds.
    pub(crate) fn verify(&self) {
        for root in &self.roots {
            self.check(root);
        }
        for slot in 0..TABLE {
            if let Some(object) = self.table.load(slot) {
                self.check(&object);
            }
        }
    }

    fn keep(&mut self, root: Root<'m, M>) {
        if self.roots.len() < ROOTS {
            self.roots.push(root);
        } else {
            let at = below(ROOTS as u32) as usize;
            self.roots[at] = root;
        }
    }

    fn let_go(&mut self) {
        self.roots.clear();
        self.weak.clear();
        (0..TABLE / 2).for_each(|_| self.table.put(below(TABLE), None));
    }

    fn stay_small<H: Heap<Mutator = M>>(&mut self, heap: &H) {
        let live = heap.live_objects();
        if live > self.stage.most_objects {
            self.let_go();
            if live > 2 * self.stage.most_objects {
                drop(std::mem::take(&mut *self.stage.inbox.lock()));
                self.mutator.unfreeze();
                self.mutator.collect(Generation::OLD);
            }
        }
    }

    /// An object with slots that change, and one of them: most often the table.
    fn place(&self) -> Option<(Root<'m, M>, u32)> {
        if one_in(2) {
            return Some((self.table.clone(), below(TABLE)));
        }
        let owner = pick(&self.roots)?;
        let sort = self.types.sort_of(self.mutator, owner);
        let slots = self.mutator.shape(owner).slots;
        if matches!(sort, Sort::Tuple | Sort::Weak | Sort::Atomic | Sort::Guarded) || slots <= sort.first_slot() {
            return None;
        }
        Some((owner.clone(), sort.first_slot() + below((slots - sort.first_slot()).min(6))))
    }

    fn value_for(&self, owner: &Root<'m, M>) -> Option<Root<'m, M>> {
        pick(&self.roots).filter(|value| may_refer(self.mutator, self.types, owner, value)).cloned()
    }

    pub(crate) fn step(&mut self) -> Result<(), HeapFull> {
        match below(1000) {
            0..260 => {
                let object = new_object(self.mutator, self.types, &self.roots)?;
                self.keep(object);
            }
            260..290 => self.ring()?,
            290..400 => self.walk(),
            400..480 => {
                if let Some((owner, slot)) = self.place()
                    && let Some(value) = self.value_for(&owner)
                {
                    owner.store(slot, Some(&value));
                }
            }
            480..540 => {
                if let Some((owner, slot)) = self.place() {
                    let value = self.value_for(&owner);
                    owner.put(slot, value);
                }
            }
            540..600 => {
                if let Some((owner, slot)) = self.place()
                    && let Some(taken) = owner.take(slot)
                {
                    self.check(&taken);
                    // It moves on.
                    match self.place().filter(|(owner, _)| may_refer(self.mutator, self.types, owner, &taken)) {
                        Some((owner, slot)) => owner.put(slot, Some(taken)),
                        None => self.keep(taken),
                    }
                }
            }
            600..640 => {
                if let Some((owner, slot)) = self.place() {
                    let value = self.value_for(&owner);
                    if let Some(old) = self.mutator.replace(&owner, slot, value) {
                        self.check(&old);
                    }
                }
            }
            640..670 => self.move_slots(),
            670..700 => {
                if let Some(root) = pick(&self.roots).cloned() {
                    self.keep(root);
                }
            }
            700..800 => {
                if !self.roots.is_empty() {
                    let at = below(self.roots.len() as u32) as usize;
                    self.roots.swap_remove(at);
                }
            }
            800..830 => self.share(),
            830..890 => self.refer_weakly()?,
            890..950 => self.upgrade(),
            _ => self.control(),
        }
        self.mutator.safepoint();
        Ok(())
    }

    /// Makes a ring and forgets it, or chains it to the table.
    fn ring(&mut self) -> Result<(), HeapFull> {
        let first = new_container(self.mutator, self.types, Sort::Instance, &self.roots)?;
        if self.stage.acyclic {
            return Ok(());
        }
        let mut last = first.clone();
        for _ in 0..below(6) {
            let sort = [Sort::Instance, Sort::Finalized, Sort::List, Sort::Observed][below(4) as usize];
            let next = new_container(self.mutator, self.types, sort, &self.roots[..0])?;
            next.store(sort.first_slot(), Some(&last));
            if one_in(8) {
                let weak = self.mutator.weak_reference(&next, one_in(2).then_some(self.types.weak_callback))?;
                first.put(2.min(self.mutator.shape(&first).slots - 1), Some(weak));
            }
            last = next;
        }
        first.put(1, Some(last));
        if one_in(4) {
            self.table.put(below(TABLE), Some(first));
        }
        Ok(())
    }

    /// Follows references from the table.
    fn walk(&mut self) {
        let Some(mut object) = self.table.load(below(TABLE)) else { return };
        for _ in 0..below(8) {
            self.check(&object);
            let slots = self.mutator.shape(&object).slots;
            let Some(next) = (slots != 0).then(|| object.load(below(slots.min(8)))).flatten() else { break };
            object = next;
        }
        self.check(&object);
        if one_in(2) {
            self.keep(object);
        }
    }

    fn move_slots(&self) {
        let Some(owner) = pick(&self.roots) else { return };
        let sort = self.types.sort_of(self.mutator, owner);
        let slots = self.mutator.shape(owner).slots.min(16);
        if matches!(sort, Sort::List | Sort::Dict) && slots > 1 {
            let from = below(slots);
            let length = 1 + below(slots - from);
            self.mutator.move_slots(owner, from..from + length, below(slots - length + 1));
        } else if one_in(8) {
            let from = below(TABLE - 4);
            self.mutator.move_slots(&self.table, from..from + 4, below(TABLE - 4));
        }
    }

    /// Sends an object to another thread, or receives one.
    fn share(&mut self) {
        if one_in(2) {
            if let Some(shared) = pick(&self.roots).map(Root::share) {
                let mut inbox = self.stage.inbox.lock();
                if inbox.len() < 64 {
                    inbox.push(shared);
                }
            }
            return;
        }
        let received = self.stage.inbox.lock().pop();
        match received {
            // Dropped without a mutator: it waits for a safepoint.
            Some(shared) if one_in(4) => drop(shared),
            Some(shared) => {
                let root = self.mutator.adopt(shared);
                self.check(&root);
                self.keep(root);
            }
            None => {}
        }
    }

    fn refer_weakly(&mut self) -> Result<(), HeapFull> {
        let from_table = self.table.load(below(TABLE)).filter(|_| one_in(2));
        let Some(referent) = from_table.or_else(|| pick(&self.roots).cloned()) else { return Ok(()) };
        if self.check(&referent) == Sort::Weak {
            return Ok(());
        }
        let callback = one_in(2).then_some(self.types.weak_callback);
        let weak = self.mutator.weak_reference(&referent, callback)?;
        let upgraded =
            self.mutator.upgrade(&weak).unwrap_or_else(|| panic!("{referent:?} is alive, and {weak:?} dead"));
        assert_eq!(upgraded, referent, "{weak:?} refers to another object");
        if callback.is_none() {
            let again = self.mutator.weak_reference(&referent, None)?;
            assert_eq!(again, weak, "the weak reference without a callback is shared");
        }
        if one_in(8) {
            for weak in self.mutator.get_weak_references(&referent) {
                let upgraded = self.mutator.upgrade(&weak);
                assert_eq!(upgraded, Some(referent.clone()), "{weak:?} is on the list of {referent:?}");
            }
        }
        match below(4) {
            0 => self.table.put(below(TABLE), Some(weak)),
            1 => self.keep(weak),
            _ if self.weak.len() < WEAK => {
                let serial = self.mutator.read_word(&referent, 0);
                self.weak.push((weak, serial));
            }
            _ => self.weak.clear(),
        }
        Ok(())
    }

    fn upgrade(&mut self) {
        if one_in(2) {
            // Another thread's, perhaps.
            if let Some(weak) = self.table.load(below(TABLE))
                && let Some(object) = self.mutator.upgrade(&weak)
            {
                self.check(&object);
                self.keep(object);
            }
        } else if let Some((weak, serial)) = pick(&self.weak)
            && let Some(object) = self.mutator.upgrade(weak)
        {
            assert_eq!(self.mutator.read_word(&object, 0), *serial, "{weak:?} gives another object");
            self.check(&object);
            self.keep(object);
        }
    }

    /// What programs do seldom.
    fn control(&mut self) {
        let mutator = self.mutator;
        match below(1000) {
            0..8 => drop(mutator.collect(Generation::OLD)),
            8..16 => drop(mutator.collect(Generation::MIDDLE)),
            16..30 => drop(mutator.collect(Generation::YOUNG)),
            30..50 => mutator.set_threshold(Thresholds([[10, 50, 300, 2000][below(4) as usize], below(6), below(6)])),
            50..55 => mutator.disable(),
            55..75 => mutator.enable(),
            75..77 => mutator.freeze(),
            77..90 => mutator.unfreeze(),
            90..95 => {
                let generation = Generation::new(below(4) as u8).ok();
                let objects = mutator.get_objects(generation);
                objects.iter().take(500).for_each(|object| objects::check_found(mutator, self.types, object));
            }
            95..100 => {
                if let Some(object) = pick(&self.roots) {
                    drop(mutator.get_referrers(&[object]));
                }
            }
            100..200 => {
                if let Some(object) = pick(&self.roots) {
                    drop(mutator.get_referents(object));
                    assert!(mutator.retain_count(object).is_none_or(|count| count != 0));
                }
            }
            200..202 => mutator.clear_garbage(),
            202..206 => self.break_garbage(),
            206..240 => mutator.safe_region(|| thread::sleep(Duration::from_micros(u64::from(below(200))))),
            240..400 => mutator.safe_region(thread::yield_now),
            400..420 => mutator.safe_region(|| {
                // Operations inside re-enter.
                self.roots.pop();
                if let Some(object) = self.table.load(below(TABLE)) {
                    self.check(&object);
                }
            }),
            420..425 => drop((mutator.get_count(), mutator.get_stats(), mutator.get_freeze_count())),
            _ => {}
        }
    }

    fn break_garbage(&self) {
        for kept in self.mutator.garbage() {
            let Shape { slots, .. } = self.mutator.shape(&kept);
            (1..slots.max(1)).for_each(|slot| kept.put(slot, None));
        }
    }
}
