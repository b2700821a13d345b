//! What a process builds before it forks, and what its children do with it: reading a part of it, with or without
//! neighbours, and replacing a part of it.
//!
//! The heap is that of `fork-v1`, the Python program by which copy-on-write damage was measured (`entries`), or the graph
//! of a real process (`graph`). Either way its objects are found through one list, the *index*. A request reads 20
//! entries and builds and drops one acyclic tree of 201 objects, which dies by count.

mod entries;
mod graph;

pub use entries::Entries;

use gc_core::{Heap, HeapFull, Mutator, Root, Shape};

use crate::draws::{SplitMix64, mix};
use crate::request_tree::{ParentLink, RequestTypes};

/// Entries that a request reads.
pub const READS_OF_A_REQUEST: u32 = 20;
/// Nodes of the tree that a request builds and drops; four objects each, and their list.
const NODES_OF_A_REQUEST: u32 = 50;

/// A heap that children of its process read. Its objects live as long as it does.
pub struct FrozenHeap<'m, M: Mutator> {
    mutator: &'m M,
    types: RequestTypes,
    index: Root<'m, M>,
    places: u32,
    content: Content<'m, M>,
}

/// What stands behind the places of the index.
enum Content<'m, M: Mutator> {
    Entries(entries::Builder),
    /// What the process holds beside the index.
    Graph {
        _outside: Vec<Root<'m, M>>,
    },
}

/// Which of the entries are read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reads {
    /// As many as this share of them, drawn at random, each draw with its neighbours up to `run` entries.
    Drawn {
        /// From 0 to 1, and beyond: entries may be drawn twice.
        share: f64,
        /// Entries read in a row; at least 1.
        run: u32,
    },
    /// Each of them once, in order.
    All,
}

/// What a child serves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Serving {
    /// Which entries its requests read.
    pub reads: Reads,
    /// The share of the entries that they replace by new ones; only where the heap is of entries.
    pub replaced: f64,
    /// Of the draws.
    pub seed: u64,
}

/// What a child has served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Served {
    /// Requests.
    pub requests: u64,
    /// Entries read.
    pub read: u64,
    /// Entries replaced.
    pub replaced: u64,
    /// All that was read, as one number: the same on every heap.
    pub digest: u64,
}

impl<'m, M: Mutator> FrozenHeap<'m, M> {
    /// Entries, or objects of the graph that the index holds.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// Serves to the end.
    ///
    /// # Errors
    /// The heap is full.
    pub fn serve(&self, serving: &Serving) -> Result<Served, HeapFull> {
        let (requests, run) = match serving.reads {
            Reads::All => (u64::from(self.places.div_ceil(READS_OF_A_REQUEST)), READS_OF_A_REQUEST),
            Reads::Drawn { share, run } => {
                ((share * f64::from(self.places) / f64::from(READS_OF_A_REQUEST)) as u64, run.clamp(1, self.places))
            }
        };
        let to_replace = match self.content {
            Content::Entries(_) => (serving.replaced * f64::from(self.places)) as u64,
            Content::Graph { .. } => 0,
        };
        // Without a request to do it, nothing is replaced.
        let mut draws = SplitMix64::new(serving.seed);
        let mut served = Served::default();
        for request in 0..requests {
            self.read(serving.reads, run, request, &mut draws, &mut served);
            drop(self.types.build(self.mutator, NODES_OF_A_REQUEST, ParentLink::None)?);
            while served.replaced * requests < to_replace * (request + 1) {
                self.replace(&mut draws)?;
                served.replaced += 1;
            }
            self.mutator.safepoint();
            served.requests += 1;
        }
        Ok(served)
    }

    /// Drops what the index holds: what nothing else refers to dies, unless it is immortal.
    pub fn release(&self) {
        for place in 0..self.places {
            self.index.put(place, None);
        }
    }

    fn read(&self, reads: Reads, run: u32, request: u64, draws: &mut SplitMix64, served: &mut Served) {
        let mut left = READS_OF_A_REQUEST;
        while left > 0 {
            let first = match reads {
                Reads::All => request as u32 * READS_OF_A_REQUEST,
                Reads::Drawn { .. } => draws.below((self.places - run).max(1)),
            };
            let length = left.min(run);
            for place in first..(first + length).min(self.places) {
                let object = self.index.load(place).expect("every place of the index is filled");
                let seen = match &self.content {
                    Content::Entries(_) => entries::read(self.mutator, &object),
                    Content::Graph { .. } => graph::read(self.mutator, &object),
                };
                served.digest = mix(served.digest.rotate_left(1) ^ seen);
                served.read += 1;
            }
            left -= length;
        }
    }

    fn replace(&self, draws: &mut SplitMix64) -> Result<(), HeapFull> {
        if let Content::Entries(builder) = &self.content {
            let place = draws.below(self.places);
            self.index.put(place, Some(builder.build(self.mutator, place)?));
        }
        Ok(())
    }
}

/// The first word of an object's payload; 0 if it has none.
fn first_word<M: Mutator>(mutator: &M, object: &Root<'_, M>) -> u64 {
    if mutator.shape(object).payload >= 8 { mutator.read_word(object, 0) } else { 0 }
}

fn register<H: Heap>(heap: &H) -> RequestTypes {
    RequestTypes::register(heap)
}

fn build_index<'m, M: Mutator>(mutator: &'m M, types: &RequestTypes, places: u32) -> Result<Root<'m, M>, HeapFull> {
    mutator.allocate(types.list, Shape::new(places, 16))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gc_core::{Control, Generation, GenerationalHeap, HeapConfig, NoObserver, RefcountHeap};

    use super::*;
    use crate::graph::embedded_django;

    const SERVING: Serving = Serving { reads: Reads::Drawn { share: 0.1, run: 5 }, replaced: 0.0, seed: 3 };

    fn entries<'m, M: Mutator>(mutator: &'m M, plan: &Entries) -> FrozenHeap<'m, M> {
        FrozenHeap::of_entries(mutator, plan).unwrap()
    }

    #[test]
    fn what_is_read_is_the_same_on_each_heap_and_does_not_hang_on_a_freeze() {
        fn digest<H: Heap>(freeze: impl Fn(&H::Mutator)) -> Served {
            let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
            let mutator = heap.attach();
            let frozen = entries(&mutator, &Entries { objects: 2_000, ..Entries::default() });
            freeze(&mutator);
            frozen.serve(&SERVING).unwrap()
        }
        let served = digest::<RefcountHeap>(|_| ());
        // 1,000 entries: a tenth of them is 100, in five requests.
        assert_eq!((served.requests, served.read, served.replaced), (5, 100, 0));
        assert_ne!(served.digest, 0);
        assert_eq!(served, digest::<GenerationalHeap>(|_| ()));
        assert_eq!(served, digest::<GenerationalHeap>(Control::freeze));
        assert_eq!(served, digest::<GenerationalHeap>(Control::freeze_immortal));
    }

    #[test]
    fn reading_all_reads_each_entry_once() {
        let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let mutator = heap.attach();
        let frozen = entries(&mutator, &Entries { objects: 2_006, ..Entries::default() });
        let served = frozen.serve(&Serving { reads: Reads::All, ..SERVING }).unwrap();
        assert_eq!((served.requests, served.read), (51, 1_003));
    }

    #[test]
    fn replaced_entries_die_by_count_and_cyclic_ones_by_a_collection_unless_they_are_frozen() {
        for (cyclic, freeze, found) in [(false, false, 0), (true, false, 2 * 500), (true, true, 2 * 500)] {
            let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
            let mutator = heap.attach();
            mutator.disable();
            let frozen = entries(&mutator, &Entries { objects: 2_000, cyclic, garbage: 0.0 });
            if freeze {
                mutator.freeze();
            }
            let live = heap.live_objects();
            let reads = Reads::Drawn { share: 0.2, run: 1 };
            let served = frozen.serve(&Serving { reads, replaced: 0.5, seed: 1 }).unwrap();
            assert_eq!(served.replaced, 500);
            let collected = mutator.collect(Generation::OLD);
            // An entry is five objects, two of which a collection examines. Of one that is drawn twice a new one dies the
            // second time, which is not frozen.
            let leaked = heap.live_objects() - live;
            assert_eq!(collected + leaked / 5 * 2, found, "cyclic {cyclic}, frozen {freeze}");
            assert_eq!(leaked > 0, freeze, "cyclic {cyclic}: what is frozen leaks");
            mutator.unfreeze();
            mutator.collect(Generation::OLD);
            assert_eq!(heap.live_objects(), live);
        }
    }

    #[test]
    fn garbage_is_there_until_it_is_collected() {
        let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let mutator = heap.attach();
        mutator.disable();
        let _frozen = entries(&mutator, &Entries { objects: 2_000, cyclic: false, garbage: 0.25 });
        assert_eq!(mutator.collect(Generation::OLD), 2 * 250);
    }

    #[test]
    fn a_graph_is_read_through_its_index_and_loses_its_garbage_to_a_collection() {
        let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let mutator = heap.attach();
        let graph = embedded_django();
        let frozen = FrozenHeap::of_graph(&mutator, &graph, 1).unwrap();
        let in_index = graph.nodes().filter(|&node| graph.flags(node).is_tracked() && !graph.flags(node).is_garbage());
        assert_eq!(frozen.places() as usize, in_index.count());
        let garbage = graph.nodes().filter(|&node| graph.flags(node).is_garbage()).count();
        assert_eq!(mutator.collect(Generation::OLD) as usize, garbage);
        let served = frozen.serve(&SERVING).unwrap();
        assert!(served.requests > 100 && served.read == 20 * served.requests);
    }
}
