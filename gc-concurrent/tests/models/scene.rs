//! A scene: a few objects, the mutators and the collection that work on them, and ghost state that knows the truth.
//!
//! Each operation is put together from the shipped functions as the heaps do it; only death and teardown, which the heaps
//! interweave with their allocator, are written anew here.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed as Plain};

use gc_concurrent::certify::{Certification, Verdict};
use gc_concurrent::memory::{Memory, Word};
use gc_concurrent::protocol::{COUNT_MASK, IMMORTAL, Protocol};
use gc_concurrent::{barrier, count, deciding};
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::thread::JoinHandle;

use crate::memory::{ModelWord, Mutators, Outline};

/// The first object.
pub(crate) const A: u32 = 1;
/// The second.
pub(crate) const B: u32 = 2;
/// The third.
pub(crate) const C: u32 = 3;

/// What is true of an object. Of the standard library, and so invisible to loom.
#[derive(Default)]
struct Truth {
    claimed: AtomicBool,
    dead: AtomicBool,
}

/// See the [module](self).
pub(crate) struct Scene<P> {
    memory: Mutators,
    truth: Arc<Vec<Truth>>,
    /// One weak reference to each object, which holds its name until it is cleared.
    weak: Arc<Vec<ModelWord>>,
    /// A word of payload each, for those who hold the object.
    payload: Arc<Vec<ModelWord>>,
    protocol: PhantomData<P>,
}

impl<P> Clone for Scene<P> {
    fn clone(&self) -> Self {
        let (truth, weak, payload) = (Arc::clone(&self.truth), Arc::clone(&self.weak), Arc::clone(&self.payload));
        Self { memory: self.memory.clone(), truth, weak, payload, protocol: PhantomData }
    }
}

impl<P: Protocol> Scene<P> {
    /// Objects with their counts and slots. What no slot explains is roots.
    pub(crate) fn new(objects: &[Outline<'_>]) -> Self {
        Self::over(Mutators::new(objects, false))
    }

    /// The same, where objects can become immortal.
    pub(crate) fn with_immortals(objects: &[Outline<'_>]) -> Self {
        Self::over(Mutators::new(objects, true))
    }

    fn over(memory: Mutators) -> Self {
        let truth = (0..memory.objects()).map(|_| Truth::default()).collect();
        let weak = (1..=memory.objects()).map(ModelWord::new).collect();
        let payload = (1..=memory.objects()).map(|_| ModelWord::new(0)).collect();
        let (truth, weak, payload) = (Arc::new(truth), Arc::new(weak), Arc::new(payload));
        Self { memory, truth, weak, payload, protocol: PhantomData }
    }

    /// Another thread.
    pub(crate) fn spawn<T: 'static>(&self, f: impl FnOnce(&Self) -> T + 'static) -> JoinHandle<T> {
        let scene = self.clone();
        loom::thread::spawn(move || f(&scene))
    }

    pub(crate) fn memory(&self) -> &Mutators {
        &self.memory
    }

    /// An object's word of payload, which is read and written relaxed.
    pub(crate) fn payload(&self, object: u32) -> &ModelWord {
        &self.payload[object as usize - 1]
    }

    fn truth(&self, object: u32) -> &Truth {
        &self.truth[object as usize - 1]
    }

    // What mutators do.

    /// One more root of an object, by the holder of one.
    pub(crate) fn retain(&self, object: u32) {
        count::retain::<P, _>(&self.memory, object);
    }

    /// Drops a root, or what else is counted. True if the object died.
    pub(crate) fn release(&self, object: u32) -> bool {
        if !count::release::<P, _>(&self.memory, object) {
            return false;
        }
        self.dies(object);
        for slot in 0..self.memory.slots(object) {
            // Relaxed, both: as in the heaps' deaths.
            let target = self.memory.slot(object, slot).load(Relaxed);
            self.memory.slot(object, slot).store(0, Relaxed);
            if target != 0 {
                self.release(target);
            }
        }
        true
    }

    fn dies(&self, object: u32) {
        assert!(!self.truth(object).dead.swap(true, Plain), "object {object} is freed twice");
    }

    /// A new object where a dead one was, with one root.
    pub(crate) fn reuse(&self, object: u32) {
        let word = self.memory.word_now(object);
        self.reuse_as(object, word.wrapping_add(P::RETAIN));
    }

    /// The same with a word of one's own.
    pub(crate) fn reuse_as(&self, object: u32, word: u64) {
        assert!(self.truth(object).dead.swap(false, Plain), "object {object} is used again alive");
        self.memory.store_word(object, word);
    }

    pub(crate) fn load(&self, owner: u32, slot: u32) -> Option<u32> {
        barrier::load::<P, _>(&self.memory, owner, slot, |object| _ = self.release(object))
    }

    /// Moves a root into a slot, or null. True if what was there died of it.
    pub(crate) fn put(&self, owner: u32, slot: u32, value: u32) -> bool {
        let old = barrier::swap::<P, _>(&self.memory, owner, slot, value);
        old != 0 && self.release(old)
    }

    /// Copies a root into a slot.
    pub(crate) fn store(&self, owner: u32, slot: u32, value: u32) {
        self.retain(value);
        self.put(owner, slot, value);
    }

    /// Moves what a slot holds out of it.
    pub(crate) fn take(&self, owner: u32, slot: u32) -> Option<u32> {
        match barrier::swap::<P, _>(&self.memory, owner, slot, 0) {
            0 => None,
            old => {
                barrier::raise::<P, _>(&self.memory, old);
                Some(old)
            }
        }
    }

    /// A root by the object's weak reference.
    pub(crate) fn upgrade(&self, object: u32) -> Option<u32> {
        // Acquire, both: as `gc_core::weak::referent_of`.
        let refers = || self.weak[object as usize - 1].load(Acquire) == object;
        let granted =
            refers() && deciding::upgrade::<P, _>(&self.memory, object, refers, |object| _ = self.release(object));
        granted.then_some(object)
    }

    /// Clears an object's weak reference.
    pub(crate) fn clear_weak(&self, object: u32) {
        // Release: as `gc_core::weak` does.
        self.weak[object as usize - 1].store(0, Release);
    }

    // What a collection does.

    /// Certifies suspects of which each has `held` references from the collection. Those certified are claimed.
    pub(crate) fn certify(&self, suspects: &[u32], held: u32) -> Certification {
        let certification = self.certify_unclaimed(suspects, held);
        self.claim(&certification);
        certification
    }

    /// The same without a claim: something comes before they are freed.
    pub(crate) fn certify_unclaimed(&self, suspects: &[u32], held: u32) -> Certification {
        let memory = self.memory.for_collections();
        let mut certification = self.read(suspects, held);
        memory.fence();
        certification.decide::<P, _>(&memory, 0..suspects.len() as u32);
        certification
    }

    /// Without step 3, the fence.
    pub(crate) fn certify_without_fence(&self, suspects: &[u32]) -> Certification {
        let mut certification = self.read(suspects, 0);
        certification.decide::<P, _>(&self.memory.for_collections(), 0..suspects.len() as u32);
        self.claim(&certification);
        certification
    }

    fn read(&self, suspects: &[u32], held: u32) -> Certification {
        let mut certification = Certification::default();
        let position = |object| suspects.iter().position(|&suspect| suspect == object).map(|k| k as u32);
        certification.read::<P, _>(&self.memory.for_collections(), suspects.iter().copied(), held, position);
        certification
    }

    /// Certifies suspects which all have weak references, component by component; clears those of the certified.
    pub(crate) fn certify_weak(&self, suspects: &[u32], held: u32) -> Certification {
        let certification = self.certify_weak_unclaimed(suspects, held, |object| self.clear_weak(object));
        self.claim(&certification);
        certification
    }

    /// The same without a claim, and with something else done to the certified before upgrades may go on.
    pub(crate) fn certify_weak_unclaimed(&self, suspects: &[u32], held: u32, f: impl Fn(u32)) -> Certification {
        let memory = self.memory.for_collections();
        let mut certification = self.read(suspects, held);
        memory.fence();
        for members in certification.components(&[]) {
            deciding::settle::<P, _>(&memory, &mut certification, &members, &members, |_, _| {});
            for &k in &members {
                if certification.verdicts()[k as usize] == Verdict::Certified {
                    f(certification.suspects()[k as usize]);
                }
            }
            deciding::finish(&memory, &certification, &members);
        }
        certification
    }

    /// What was certified is garbage, this says: from here on nothing may reach it.
    pub(crate) fn claim(&self, certification: &Certification) {
        for object in certification.certified() {
            self.truth(object).claimed.store(true, Plain);
        }
    }

    /// Frees what was certified, as the heaps do. Those that something retained meanwhile are left to it.
    pub(crate) fn free(&self, certification: &Certification) {
        self.free_those(certification, |object, last| {
            if last {
                self.dies(object);
            }
        });
    }

    /// Frees all that was certified: a broken collection.
    pub(crate) fn free_unseen(&self, certification: &Certification) {
        self.free_those(certification, |object, _| self.dies(object));
    }

    fn free_those(&self, certification: &Certification, end: impl Fn(u32, bool)) {
        let certified: Vec<u32> = certification.certified().collect();
        for &object in &certified {
            for slot in 0..self.memory.slots(object) {
                // Relaxed, both: as in the heaps.
                let target = self.memory.slot(object, slot).load(Relaxed);
                self.memory.slot(object, slot).store(0, Relaxed);
                if target != 0 && !certified.contains(&target) {
                    self.release(target);
                }
            }
        }
        for (k, (&object, &verdict)) in certification.suspects().iter().zip(certification.verdicts()).enumerate() {
            if verdict == Verdict::Certified {
                let count = certification.count(k).expect("words were read");
                end(object, count::disown(&self.memory, object, count));
            }
        }
    }

    // What must be true when all threads have ended.

    /// Nothing that the roots reach is dead or claimed; counts are right; the words of what is claimed have not changed
    /// since they were read.
    pub(crate) fn check(&self, roots: &[u32]) {
        self.check_sums(roots);
        self.check_not_freed_twice();
        for object in self.objects().filter(|&object| self.is_claimed(object)) {
            let (now, then) = (self.memory.word_now(object), self.memory.read_last(object));
            assert!(now == then, "the word of object {object}, which is claimed, changed from {then:x} to {now:x}");
        }
    }

    /// The same, but that versions of what is claimed may change: a stale load or an upgrade can still meet it.
    pub(crate) fn check_sums(&self, roots: &[u32]) {
        let mut tokens = vec![0; self.truth.len() + 1];
        let mut reached = roots.to_vec();
        roots.iter().for_each(|&root| tokens[root as usize] += 1);
        let targets =
            |object: u32| (0..self.memory.slots(object)).map(move |slot| self.memory.slot(object, slot).load(Acquire));
        for object in self.objects().filter(|&object| !self.is_dead(object)) {
            targets(object).for_each(|target| tokens[target as usize] += 1);
        }
        let mut seen = vec![false; tokens.len()];
        while let Some(object) = reached.pop() {
            if !std::mem::replace(&mut seen[object as usize], true) {
                assert!(!self.is_claimed(object), "object {object}, which is reachable, is claimed");
                assert!(!self.is_dead(object), "object {object}, which is reachable, is dead");
                reached.extend(targets(object).filter(|&target| target != 0));
            }
        }
        for object in self.objects() {
            let word = self.memory.word_now(object);
            let (count, tokens) = (word & COUNT_MASK, tokens[object as usize]);
            if word & IMMORTAL == 0 {
                assert!(count == tokens, "object {object} has {tokens} references, and a count of {count}");
            }
        }
    }

    fn objects(&self) -> impl Iterator<Item = u32> + use<P> {
        1..=self.memory.objects()
    }

    pub(crate) fn is_claimed(&self, object: u32) -> bool {
        self.truth(object).claimed.load(Plain)
    }

    pub(crate) fn is_dead(&self, object: u32) -> bool {
        self.truth(object).dead.load(Plain)
    }

    /// A claimed object that also died by count is freed twice.
    pub(crate) fn check_not_freed_twice(&self) {
        for object in self.objects() {
            assert!(!(self.is_claimed(object) && self.is_dead(object)), "object {object} is freed twice");
        }
    }
}
