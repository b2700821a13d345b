//! What an object is: its name ([`ObjectRef`]), its form ([`Shape`]) and its type ([`TypeSpec`]).
//!
//! A heap hosts uniform nodes, not Rust values: a header, `slots` references and `payload` bytes, as a `PyObject` is.

use std::fmt;
use std::num::NonZeroU32;

use crate::callback::CallbackId;

/// Names one object of one heap: the index of its first 8-byte granule in the heap's range. Never zero.
///
/// It is an identity, not a hold: the object may die and its place be used again. To keep an object, keep a
/// [`Root`](crate::Root).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef(NonZeroU32);

impl ObjectRef {
    /// The reference with these bits, as a slot holds it; `None` for the null slot.
    #[inline(always)]
    pub fn from_bits(bits: u32) -> Option<Self> {
        NonZeroU32::new(bits).map(Self)
    }

    /// The bits as a slot holds them.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:x}", self.0)
    }
}

/// How many reference slots and payload bytes an object has. Fixed for its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Shape {
    /// Reference slots, at most [`Shape::MAX_SLOTS`].
    pub slots: u32,
    /// Payload bytes, at most [`Shape::MAX_PAYLOAD`].
    pub payload: u32,
}

impl Shape {
    /// Most reference slots of one object: 16,777,215.
    pub const MAX_SLOTS: u32 = (1 << 24) - 1;
    /// Most payload bytes of one object: 256 MiB.
    pub const MAX_PAYLOAD: u32 = 1 << 28;

    /// An object with `slots` references and `payload` bytes.
    ///
    /// # Panics
    /// If either number is above its maximum.
    #[inline]
    pub const fn new(slots: u32, payload: u32) -> Self {
        assert!(slots <= Self::MAX_SLOTS, "an object has at most 16,777,215 slots");
        assert!(payload <= Self::MAX_PAYLOAD, "an object has at most 256 MiB of payload");
        Self { slots, payload }
    }
}

/// Names one registered type of one heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u16);

impl TypeId {
    /// The type of weak reference objects, registered by every heap.
    pub const WEAK_REFERENCE: TypeId = TypeId(0);

    /// Position in the order of registration; weak references are 0.
    pub fn index(self) -> usize {
        self.0.into()
    }
}

/// What CPython's collector does specially to objects of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum Kind {
    /// Holds no references (`int`, `str`, `bytes`): never tracked, never counted by a trigger. Has no slots.
    Atomic,
    /// An ordinary container, such as an instance of a class: tracked from its allocation on, which is also a check
    /// for a scheduled collection.
    #[default]
    Instance,
    /// As `list`: up to 80 dead ones are kept for reuse, which no counter sees; its allocation is no check.
    List,
    /// As `dict`: the same, with a free list of its own. Tracked from its allocation on, as since CPython 3.14.
    Dict,
    /// As `tuple`: free lists by number of slots (1–20, 2,000 each); untracked by the first collection that finds
    /// only atomic objects and untracked tuples in it. Fill it before that: as Python's tuples cannot change, what is stored
    /// in an untracked one is seen by no collection.
    Tuple,
}

impl Kind {
    /// Whether objects of this kind may hold references.
    pub fn is_container(self) -> bool {
        self != Kind::Atomic
    }
}

/// A type to register with [`Heap::register_type`](crate::Heap::register_type).
#[derive(Clone, Debug, Default)]
pub struct TypeSpec {
    /// As it is printed.
    pub name: String,
    /// How the collector treats its objects.
    pub kind: Kind,
    /// Runs once in an object's life, before anything of it is cleared; may bring the object back to life (PEP 442).
    pub finalizer: Option<CallbackId>,
    /// Runs at each death by count; an object with one that is on a cycle is not collected but put into `garbage`
    /// (CPython's `tp_del`).
    pub legacy_finalizer: Option<CallbackId>,
    /// Report the beginning and the end of the teardown of each object's slots to
    /// [`Observer::teardown`](crate::Observer::teardown), once an object.
    pub observe_teardown: bool,
}

impl TypeSpec {
    /// A plain type of this name and kind.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, ..Self::default() }
    }

    /// The same with a finalizer.
    pub fn with_finalizer(mut self, finalizer: CallbackId) -> Self {
        self.finalizer = Some(finalizer);
        self
    }

    /// The same with a legacy finalizer.
    pub fn with_legacy_finalizer(mut self, finalizer: CallbackId) -> Self {
        self.legacy_finalizer = Some(finalizer);
        self
    }

    /// The same with its teardown observed.
    pub fn with_observed_teardown(mut self) -> Self {
        self.observe_teardown = true;
        self
    }
}

/// A type could not be registered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TypeError {
    /// More types than an object's header can name.
    #[error("a heap has at most {max} types; register one type for several that behave alike")]
    TooMany {
        /// The limit.
        max: usize,
    },
}
