//! `dumpster`: its `sync::Gc`, collected by its own condition (as many dropped as there are).

use std::sync::Mutex;

use dumpster::Trace;
use dumpster::sync::{Gc, collect};

use super::program::{Build, CACHE, Contestant, Desk, Stream, graph};
use super::tally;

/// The crate tells a number of references only, which its collections do not lower.
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
    // Of the standard library: it is not traced through another one.
    second: Mutex<Link>,
    payload: [u64; 4],
    _counted: Counted,
}

fn new(word: u64, first: Link, second: Link) -> Gc<Node> {
    Gc::new(Node { first, second: Mutex::new(second), payload: [word, 0, 0, 0], _counted: Counted })
}

pub struct Dumpsters {
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
            *child.second.lock().expect("no panic under it") = Some(parent.clone());
        }
        parent
    }
}

impl Contestant for Dumpsters {
    fn new() -> Self {
        Self { cache: (0..CACHE).map(|n| new(n as u64, None, None)).collect() }
    }

    fn serve(&self, stream: &mut Stream<'_>) {
        stream.serve(
            |wait| wait(),
            |desk| {
                let root = graph(&mut Builder(desk));
                desk.read_cache(|entry| self.cache[entry].clone().payload[0]);
                desk.answer(root.payload[0]);
            },
        );
    }

    fn leaked(self, allocated: u64) -> u64 {
        drop(self);
        // Twice: what a collection of another thread was at work on is seen by the next one.
        (0..2).for_each(|_| collect());
        allocated.saturating_sub(tally::dead())
    }
}
