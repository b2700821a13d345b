//! `arc`: `std::sync::Arc` over the process's allocator, cycles broken by hand; to be the hardest honest competitor.
//!
//! What makes it light:
//! - A node is finished before anybody else can see it, so its first slot is a plain field: no lock, no atomic, no cell.
//! - Only what must change afterwards, the reference from a child back to its parent, is in a lock, a byte that nobody else
//!   waits for; it is taken twice for each of nine objects of a request and for none of the other 191, whose second slot
//!   is filled as it is made and dropped unlocked.
//! - No collector: the program knows its cycles and cuts them with one walk down the line. A program that does not know
//!   them cannot do that; the others are not asked to.
//! - The cache is a plain `Vec`, to which nobody writes: a read is an `Arc::clone` and its drop.
//! - Nothing counts the dead in timed runs: that is done by a type of its own, `COUNTED`.

use std::sync::Arc;

use parking_lot::Mutex;

use super::program::{Build, CACHE, Contestant, Desk, Stream, line, tree};
use super::tally;

/// Counts its drops, or is nothing at all.
struct Counted<const COUNTED: bool>;

impl<const COUNTED: bool> Drop for Counted<COUNTED> {
    fn drop(&mut self) {
        if COUNTED {
            tally::count();
        }
    }
}

type Link<const COUNTED: bool> = Option<Arc<Node<COUNTED>>>;

struct Node<const COUNTED: bool> {
    first: Link<COUNTED>,
    second: Mutex<Link<COUNTED>>,
    payload: [u64; 4],
    _counted: Counted<COUNTED>,
}

fn new<const COUNTED: bool>(word: u64, first: Link<COUNTED>, second: Link<COUNTED>) -> Arc<Node<COUNTED>> {
    Arc::new(Node { first, second: Mutex::new(second), payload: [word, 0, 0, 0], _counted: Counted })
}

pub struct Arcs<const COUNTED: bool> {
    cache: Vec<Arc<Node<COUNTED>>>,
}

struct Builder<'d, const COUNTED: bool>(&'d mut Desk);

impl<const COUNTED: bool> Build for Builder<'_, COUNTED> {
    type Node = Arc<Node<COUNTED>>;

    fn node(&mut self, first: Option<Self::Node>, second: Option<Self::Node>) -> Self::Node {
        new(self.0.word(), first, second)
    }

    fn parent_of(&mut self, child: Self::Node) -> Self::Node {
        let parent = new(self.0.word(), Some(child), None);
        if let Some(child) = &parent.first {
            *child.second.lock() = Some(Arc::clone(&parent));
        }
        parent
    }
}

/// Takes the references from children back to parents out of a line.
fn cut<const COUNTED: bool>(line: &Node<COUNTED>) {
    let mut parent = line;
    while let Some(child) = &parent.first {
        drop(child.second.lock().take());
        parent = child;
    }
}

impl<const COUNTED: bool> Contestant for Arcs<COUNTED> {
    fn new() -> Self {
        Self { cache: (0..CACHE).map(|n| new(n as u64, None, None)).collect() }
    }

    fn serve(&self, stream: &mut Stream<'_>) {
        stream.serve(
            |wait| wait(),
            |desk| {
                let mut build = Builder::<COUNTED>(desk);
                let line = line(&mut build);
                let root = tree(&mut build, Arc::clone(&line));
                desk.read_cache(|entry| Arc::clone(&self.cache[entry]).payload[0]);
                desk.answer(root.payload[0]);
                cut(&line);
            },
        );
    }

    fn leaked(self, allocated: u64) -> u64 {
        drop(self);
        allocated.saturating_sub(tally::dead())
    }
}
