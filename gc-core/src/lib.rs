#![doc = include_str!("../README.md")]

pub mod callback;
pub mod config;
pub mod conformance;
pub mod control;
pub mod debug;
pub mod event;
pub mod extent;
#[cfg(feature = "faults")]
pub mod faults;
pub mod heap;
pub mod inspection;
pub mod messages;
pub mod object;
pub mod process;
pub mod root;
pub mod space;
pub mod streaming;
pub mod switch;
pub mod sync;
#[cfg(feature = "traffic")]
pub mod traffic;

mod generational;
mod plain;
mod refcount;
pub mod tape;
#[cfg(traced_locks)]
mod traced;
mod turn;
pub mod types;
pub mod upkeep;
pub mod weak;
pub mod weak_maps;

pub use callback::{Callback, CallbackId, CollectionCallbackId, CollectionInfo, Phase};
pub use config::{
    Ages, Automatic, Certify, CreateError, FreeLists, HeapConfig, NestedDeaths, Place, Propose, Scheduling, Trigger,
    WeakOrder,
};
pub use control::{Control, Disabled, Generation, GenerationError, GenerationStats, Thresholds};
pub use debug::DebugFlags;
pub use event::{NoObserver, Observer};
pub use extent::{Extent, Holds};
pub use generational::{Generational, GenerationalHeap, GenerationalStreamingHeap};
pub use heap::{Abilities, Heap, HeapFull, HeapStatistics, Mutator, Shortage};
pub use object::{Kind, ObjectRef, Shape, TypeId, TypeSpec};
pub use plain::{PlainHeap, PlainMutator, Reason, Tracking};
pub use refcount::{Counted, Deaths, Recorded, RecordingHeap, RefcountHeap, Replayed, Uncollected, UncountedHeap};
pub use root::{Root, SharedRoot};
pub use tape::Tape;
pub use weak_maps::{Finalizer, Finalizers, WeakKeyMap, WeakValueMap};
