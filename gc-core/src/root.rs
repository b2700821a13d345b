//! Counted references held outside the heap: [`Root`] on a mutator's thread, [`SharedRoot`] anywhere.

use std::fmt;

use crate::heap::Mutator;
use crate::object::ObjectRef;
use crate::sync::{Arc, AtomicU32, Mutex, Ordering};

/// What a [`Root`] needs of its mutator. Heaps implement and use it; programs hold roots instead, with which they cannot
/// unbalance a count. With these functions one can: the heap is then wrong, if never undefined.
pub trait Counts: Sized {
    /// Count + 1.
    fn retain(&self, object: ObjectRef);
    /// Count − 1; at 0 the object dies before this returns.
    fn release(&self, object: ObjectRef);
}

/// A counted reference held outside the heap. Cloning retains, dropping releases; it cannot outlive its mutator.
///
/// Two roots are equal when they hold the same object.
pub struct Root<'m, M: Counts> {
    mutator: &'m M,
    object: ObjectRef,
}

impl<'m, M: Counts> Root<'m, M> {
    /// A root that takes over one reference already counted. For heaps: elsewhere it unbalances the count.
    #[inline(always)]
    pub fn adopt(mutator: &'m M, object: ObjectRef) -> Self {
        Self { mutator, object }
    }

    /// Gives up the root without releasing: its counted reference passes to the caller. For heaps.
    #[inline(always)]
    pub fn into_counted(self) -> ObjectRef {
        let object = self.object;
        std::mem::forget(self);
        object
    }

    /// Which object it holds.
    #[inline(always)]
    pub fn object(&self) -> ObjectRef {
        self.object
    }

    /// The mutator it belongs to.
    #[inline(always)]
    pub fn mutator(&self) -> &'m M {
        self.mutator
    }
}

/// The operations of the contract, from the object's side: `node.store(0, Some(&next))`.
impl<'m, M: Mutator> Root<'m, M> {
    /// See [`Mutator::load`].
    #[inline]
    pub fn load(&self, slot: u32) -> Option<Root<'m, M>> {
        self.mutator.load(self, slot)
    }

    /// See [`Mutator::store`].
    #[inline]
    pub fn store(&self, slot: u32, value: Option<&Root<'m, M>>) {
        self.mutator.store(self, slot, value);
    }

    /// See [`Mutator::put`].
    #[inline]
    pub fn put(&self, slot: u32, value: Option<Root<'m, M>>) {
        self.mutator.put(self, slot, value);
    }

    /// See [`Mutator::take`].
    #[inline]
    pub fn take(&self, slot: u32) -> Option<Root<'m, M>> {
        self.mutator.replace(self, slot, None)
    }

    /// See [`Mutator::share`].
    pub fn share(&self) -> SharedRoot {
        self.mutator.share(self)
    }
}

impl<M: Counts> Clone for Root<'_, M> {
    #[inline]
    fn clone(&self) -> Self {
        self.mutator.retain(self.object);
        Self { mutator: self.mutator, object: self.object }
    }
}

impl<M: Counts> Drop for Root<'_, M> {
    #[inline]
    fn drop(&mut self) {
        self.mutator.release(self.object);
    }
}

impl<M: Counts> PartialEq for Root<'_, M> {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object && std::ptr::eq(self.mutator, other.mutator)
    }
}

impl<M: Counts> Eq for Root<'_, M> {}

impl<M: Counts> fmt::Debug for Root<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({:?})", self.object)
    }
}

/// What of a heap can be reached without a mutator: a word that asks mutators for attention at their next safepoint,
/// and the roots dropped where there was no mutator.
#[derive(Default)]
pub struct Mailbox {
    attention: AtomicU32,
    dropped: Mutex<Vec<ObjectRef>>,
}

impl Mailbox {
    /// Bit: shared roots were dropped.
    pub const DROPPED: u32 = 1;
    /// Bit: a collection is scheduled.
    pub const COLLECT: u32 = 2;
    /// Bit: another mutator wants its turn.
    pub const TURN: u32 = 4;

    /// The bits set at present.
    #[inline(always)]
    pub fn attention(&self) -> u32 {
        // Relaxed: a hint, looked at again under the lock of what it points to.
        self.attention.load(Ordering::Relaxed)
    }

    /// Sets a bit.
    pub fn ask(&self, bit: u32) {
        // Relaxed: what the bit announces is published by the lock of the thing announced.
        self.attention.fetch_or(bit, Ordering::Relaxed);
    }

    /// Clears a bit.
    pub fn answer(&self, bit: u32) {
        // Relaxed: as for `ask`.
        self.attention.fetch_and(!bit, Ordering::Relaxed);
    }

    fn push(&self, object: ObjectRef) {
        self.dropped.lock().push(object);
        self.ask(Self::DROPPED);
    }

    /// Takes the dropped roots; the caller owes each a release.
    pub fn take_dropped(&self) -> Vec<ObjectRef> {
        let mut dropped = self.dropped.lock();
        self.answer(Self::DROPPED);
        std::mem::take(&mut *dropped)
    }

    /// Holds the lock of the dropped roots over `f`, so that a fork inside finds it free in the child.
    pub fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _dropped = self.dropped.lock();
        f()
    }
}

/// A counted reference that may outlive or cross mutators: a cache shared by threads, a callback's capture.
///
/// It is cloned and turned into a [`Root`] through a mutator. Dropped without one, its release waits for the heap's
/// next mutator at a safepoint, an explicit collection or its detaching.
#[must_use = "dropping it releases the object"]
pub struct SharedRoot {
    /// `None` once the counted reference was handed over.
    object: Option<ObjectRef>,
    mailbox: Arc<Mailbox>,
}

impl SharedRoot {
    /// Takes over one reference already counted. For heaps.
    pub fn adopt(object: ObjectRef, mailbox: Arc<Mailbox>) -> Self {
        Self { object: Some(object), mailbox }
    }

    /// Gives up the root without releasing; the caller takes over the counted reference. For heaps.
    pub fn into_counted(mut self) -> ObjectRef {
        self.object.take().expect("handed over only here, which consumes it")
    }

    /// Which object it holds.
    pub fn object(&self) -> ObjectRef {
        self.object.expect("handed over only by into_counted, which consumes it")
    }

    /// Whether it belongs to the heap with this mailbox.
    pub fn belongs_to(&self, mailbox: &Arc<Mailbox>) -> bool {
        Arc::ptr_eq(&self.mailbox, mailbox)
    }
}

impl Drop for SharedRoot {
    fn drop(&mut self) {
        if let Some(object) = self.object {
            self.mailbox.push(object);
        }
    }
}

impl fmt::Debug for SharedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedRoot({:?})", self.object())
    }
}
