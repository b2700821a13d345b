//! The types registered with one heap. For heaps.

use crate::object::{Kind, Shape, TypeError, TypeId, TypeSpec};
use crate::space::header::{self, MAX_TYPES, flag};
use crate::sync::Ordering::Relaxed;
use crate::sync::{Arc, AtomicU32, RwLock};
use crate::weak;

/// What allocation needs to know of a type, in one word. Its top bits are the flags of a shape word's high half.
#[derive(Clone, Copy)]
pub struct TypeWord(u32);

impl TypeWord {
    const REGISTERED: u32 = 1;
    const CONTAINER: u32 = 2;
    const FLAGS: u32 = !0 << (header::FLAGS_SHIFT - 32);

    fn new(spec: &TypeSpec, hooked: bool) -> Self {
        let container = spec.kind.is_container();
        let mut flags = flag::ALLOCATED | header::kind_bits(spec.kind);
        if container {
            flags |= flag::TRACKED;
        }
        if hooked {
            flags |= flag::HOOKED;
        }
        if spec.observe_teardown {
            flags |= flag::OBSERVED;
        }
        Self(Self::REGISTERED | if container { Self::CONTAINER } else { 0 } | (flags >> 32) as u32)
    }

    /// Whether there is such a type.
    #[inline(always)]
    pub fn is_registered(self) -> bool {
        self.0 & Self::REGISTERED != 0
    }

    /// Whether its objects may hold references.
    #[inline(always)]
    pub fn is_container(self) -> bool {
        self.0 & Self::CONTAINER != 0
    }

    /// The flags of a new object: allocated, its kind, tracked if it is a container, hooked if its death has more to do
    /// than to release slots, observed if its teardown is to be reported.
    #[inline(always)]
    pub fn flags(self) -> u64 {
        u64::from(self.0 & Self::FLAGS) << 32
    }
}

/// The types of one heap, that of weak references first.
pub struct TypeTable {
    words: Box<[AtomicU32]>,
    specs: RwLock<Vec<Arc<TypeSpec>>>,
}

impl Default for TypeTable {
    fn default() -> Self {
        Self::new()
    }
}

impl TypeTable {
    fn new() -> Self {
        let table = Self { words: (0..MAX_TYPES).map(|_| AtomicU32::new(0)).collect(), specs: RwLock::default() };
        let weak = TypeSpec::new("weakref", Kind::Instance);
        let id = table.add(weak, true).expect("the first of many");
        debug_assert_eq!(id, TypeId::WEAK_REFERENCE);
        table
    }

    /// Adds a type.
    pub fn register(&self, spec: TypeSpec) -> Result<TypeId, TypeError> {
        let hooked = spec.finalizer.is_some() || spec.legacy_finalizer.is_some();
        self.add(spec, hooked)
    }

    fn add(&self, spec: TypeSpec, hooked: bool) -> Result<TypeId, TypeError> {
        let mut specs = self.specs.write();
        let index = specs.len();
        if index >= MAX_TYPES {
            return Err(TypeError::TooMany { max: MAX_TYPES });
        }
        // Relaxed: see `word`.
        self.words[index].store(TypeWord::new(&spec, hooked).0, Relaxed);
        specs.push(Arc::new(spec));
        Ok(TypeId(index as u16))
    }

    /// What allocation needs to know of a type; of one that is not registered, a word that says so.
    #[inline(always)]
    pub fn word(&self, id: TypeId) -> TypeWord {
        // Relaxed: the id came from `register`, which stored the word before it returned; passing the id on to another
        // thread orders them.
        TypeWord(self.words[id.index() & (MAX_TYPES - 1)].load(Relaxed))
    }

    /// The flags of a new object of this type; it is tracked only where `tracks` is true.
    ///
    /// # Panics
    /// If there can be none of this shape.
    pub fn flags_of_new(&self, type_id: TypeId, shape: Shape, tracks: bool) -> u64 {
        let word = self.word(type_id);
        assert!(word.is_registered(), "{type_id:?} is not registered with this heap");
        assert!(word.is_container() || shape.slots == 0, "an object of an atomic type has no slots");
        assert!(
            shape.slots <= Shape::MAX_SLOTS && shape.payload <= Shape::MAX_PAYLOAD,
            "{shape:?} is larger than any object; make shapes by Shape::new"
        );
        assert!(
            type_id != TypeId::WEAK_REFERENCE || shape == weak::SHAPE,
            "weak references are made by `weak_reference`, not by `allocate`"
        );
        if tracks { word.flags() } else { word.flags() & !flag::TRACKED }
    }

    /// A registered type as it was described.
    pub fn spec(&self, id: TypeId) -> Arc<TypeSpec> {
        Arc::clone(&self.specs.read()[id.index()])
    }

    /// Holds the lock over `f`, in which the process forks.
    pub fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _specs = self.specs.write();
        f()
    }
}
