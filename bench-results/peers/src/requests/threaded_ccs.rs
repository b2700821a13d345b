//! `gcmodule`: its counted references for threads, `ThreadedCc`, collected after every so many objects of a thread.

use std::cell::Cell;

use gcmodule::{ThreadedCc, ThreadedObjectSpace, Trace, Tracer};
use parking_lot::Mutex;

use super::program::{Build, CACHE, Contestant, Desk, NODES, Stream, graph};

type Link = Option<ThreadedCc<Node>>;

struct Node {
    first: Link,
    second: Mutex<Link>,
    payload: [u64; 4],
}

impl Trace for Node {
    fn trace(&self, tracer: &mut Tracer<'_>) {
        self.first.trace(tracer);
        // Never taken here: it is locked under `borrow` only, which excludes the collector.
        if let Some(second) = self.second.try_lock() {
            second.trace(tracer);
        }
    }

    fn is_type_tracked() -> bool {
        true
    }
}

/// It has no trigger of its own and no generations: each collection looks at the whole cache, so often is bad; seldom, and
/// dead cycles fill the processor's caches.
pub struct ThreadedCcs<const EVERY: usize> {
    space: ThreadedObjectSpace,
    cache: Vec<ThreadedCc<Node>>,
    /// Two threads that collect at once break it: one drops unlocked what the other still walks over.
    collecting: Mutex<()>,
}

struct Builder<'s, 'd> {
    space: &'s ThreadedObjectSpace,
    desk: &'d mut Desk,
}

fn create(space: &ThreadedObjectSpace, word: u64, first: Link, second: Link) -> ThreadedCc<Node> {
    space.create(Node { first, second: Mutex::new(second), payload: [word, 0, 0, 0] })
}

impl Build for Builder<'_, '_> {
    type Node = ThreadedCc<Node>;

    fn node(&mut self, first: Link, second: Link) -> Self::Node {
        create(self.space, self.desk.word(), first, second)
    }

    fn parent_of(&mut self, child: Self::Node) -> Self::Node {
        let parent = create(self.space, self.desk.word(), Some(child), None);
        if let Some(child) = &parent.borrow().first {
            *child.borrow().second.lock() = Some(parent.clone());
        }
        parent
    }
}

impl<const EVERY: usize> Contestant for ThreadedCcs<EVERY> {
    fn new() -> Self {
        let space = ThreadedObjectSpace::default();
        let cache = (0..CACHE).map(|n| create(&space, n as u64, None, None)).collect();
        Self { space, cache, collecting: Mutex::new(()) }
    }

    fn serve(&self, stream: &mut Stream<'_>) {
        let uncollected = Cell::new(0);
        stream.serve(
            |wait| wait(),
            |desk| {
                let root = graph(&mut Builder { space: &self.space, desk });
                desk.read_cache(|entry| {
                    let entry = self.cache[entry].clone();
                    entry.borrow().payload[0]
                });
                let word = root.borrow().payload[0];
                desk.answer(word);
                drop(root);
                uncollected.set(uncollected.get() + NODES);
                // While another thread collects it goes on, and tries again after the next request.
                if uncollected.get() >= EVERY
                    && let Some(_alone) = self.collecting.try_lock()
                {
                    uncollected.set(0);
                    self.space.collect_cycles();
                }
            },
        );
    }

    fn leaked(self, _: u64) -> u64 {
        let Self { space, cache, .. } = self;
        drop(cache);
        space.collect_cycles();
        space.count_tracked() as u64
    }
}
