//! `scheme-rs`: the cycle collector of that interpreter, which runs on a thread of its own after every 10,000 objects.

use parking_lot::Mutex;
use scheme_rs::gc::{Gc, Trace, collect_garbage, init_gc};

use super::program::{Build, CACHE, Contestant, Desk, Stream, graph};
use super::tally;

/// The crate tells no number of live objects.
#[derive(Trace)]
struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        tally::count();
    }
}

type Link = Option<Gc<Node>>;

#[derive(Trace)]
struct Node {
    first: Link,
    second: Mutex<Link>,
    // Four words: its trait is not there for arrays.
    word: u64,
    _word1: u64,
    _word2: u64,
    _word3: u64,
    _counted: Counted,
}

fn new(word: u64, first: Link, second: Link) -> Gc<Node> {
    Gc::new(Node { first, second: Mutex::new(second), word, _word1: 0, _word2: 0, _word3: 0, _counted: Counted })
}

pub struct Schemes {
    cache: Vec<Gc<Node>>,
}

struct Builder<'d>(&'d mut Desk);

impl Build for Builder<'_> {
    type Node = Gc<Node>;

    fn node(&mut self, first: Link, second: Link) -> Self::Node {
        new(self.0.word(), first, second)
    }

    fn parent_of(&mut self, child: Self::Node) -> Self::Node {
        let parent = new(self.0.word(), Some(child), None);
        if let Some(child) = &parent.first {
            *child.second.lock() = Some(parent.clone());
        }
        parent
    }
}

impl Contestant for Schemes {
    fn new() -> Self {
        init_gc();
        Self { cache: (0..CACHE).map(|n| new(n as u64, None, None)).collect() }
    }

    fn serve(&self, stream: &mut Stream<'_>) {
        stream.serve(
            |wait| wait(),
            |desk| {
                let root = graph(&mut Builder(desk));
                desk.read_cache(|entry| self.cache[entry].clone().word);
                desk.answer(root.word);
            },
        );
    }

    fn leaked(self, allocated: u64) -> u64 {
        drop(self);
        // A cycle takes several of its epochs: one to find it, one to confirm it, and it asks for one more.
        (0..6).for_each(|_| collect_garbage());
        allocated.saturating_sub(tally::dead())
    }
}
