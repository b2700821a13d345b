//! The heaps by name: the only file that names them. A new heap is one line here.

use gc_core::{Abilities, Heap};

pub use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
pub use gc_core::{GenerationalHeap, GenerationalStreamingHeap, RefcountHeap, UncountedHeap};

/// Calls a macro with its arguments and the ladder of heaps, lowest rung first. A rung differs from the one below it by
/// what its line says.
macro_rules! ladder {
    ($apply:ident!($($arguments:tt)*)) => {
        $crate::roster::$apply! {
            [$($arguments)*]
            RefcountHeap: "plain counts, no cycle collection: dead cycles leak; the floor",
            GenerationalHeap: "the same counts, and CPython's collector in three generations",
            GenerationalStreamingHeap: "the same, but full collections stream over the blocks, not along a list",
            RefcountAtomicHeap: "mutators run in parallel: counts are atomic; again no cycle collection",
            StopTheWorldHeap: "counts carry versions, and a collection for which all mutators stand still",
            ConcurrentHeap: "the same, but mutators run while it collects, on a thread of its own",
        }
    };
}
pub(crate) use ladder;

macro_rules! list_entries {
    ([] $($heap:ident: $summary:literal,)+) => {
        &[$(Entry { name: <$heap as Heap>::NAME, summary: $summary, abilities: <$heap as Heap>::ABILITIES }),+]
    };
}
use list_entries;

macro_rules! select_heap {
    ([$name:expr, $H:ident, $body:expr] $($heap:ident: $summary:literal,)+) => {
        match $name {
            $(name if name == <$crate::roster::$heap as gc_core::Heap>::NAME => {
                type $H = $crate::roster::$heap;
                Ok($body)
            })+
            name if name == <$crate::roster::UncountedHeap as gc_core::Heap>::NAME => {
                type $H = $crate::roster::UncountedHeap;
                Ok($body)
            }
            name => Err($crate::roster::UnknownHeap::new(name)),
        }
    };
}
pub(crate) use select_heap;

/// Evaluates an expression in which `H` is the heap called `name`: `for_heap!(name, H => H::NAME)`. An
/// [`UnknownHeap`] if there is none.
macro_rules! for_heap {
    ($name:expr, $H:ident => $body:expr) => {
        $crate::roster::ladder!(select_heap!($name, $H, $body))
    };
}
pub(crate) use for_heap;

/// One heap, as `gclab list` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// What it can do.
    pub abilities: Abilities,
}

/// All heaps, in order of the ladder.
pub fn entries() -> &'static [Entry] {
    ladder!(list_entries!())
}

/// Heaps that are run by their name only: instruments, no rungs of the ladder.
pub const INSTRUMENTS: &[Entry] = &[Entry {
    name: UncountedHeap::NAME,
    summary: "counts nothing, and frees what died by count in a run recorded before: what a program costs by itself",
    abilities: UncountedHeap::ABILITIES,
}];

/// The heap of that name.
///
/// # Errors
/// [`UnknownHeap`], which names those there are.
pub fn entry(name: &str) -> Result<&'static Entry, UnknownHeap> {
    entries().iter().chain(INSTRUMENTS).find(|entry| entry.name == name).ok_or_else(|| UnknownHeap::new(name))
}

/// No heap of that name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownHeap {
    name: String,
}

impl UnknownHeap {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

impl std::fmt::Display for UnknownHeap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = entries().iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
        write!(f, "no heap is called `{}`; give one of {known}", self.name)
    }
}

impl std::error::Error for UnknownHeap {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_heap_is_found_by_its_name() {
        for entry in entries().iter().chain(INSTRUMENTS) {
            assert_eq!(for_heap!(entry.name, H => H::NAME), Ok(entry.name));
        }
        assert!(for_heap!("none", H => H::NAME).unwrap_err().to_string().contains("refcount, generational"));
    }
}
