//! `shredder`: its `Gc`, collected and dropped on threads of its own.

// Its derive puts the implementations inside a constant.
#![expect(non_local_definitions)]

use std::sync::Mutex;

use shredder::{Gc, Scan, collect, number_of_tracked_allocations, synchronize_destructors};

use super::program::{Build, CACHE, Contestant, Desk, Stream, graph};

type Link = Option<Gc<Node>>;

#[derive(Scan)]
struct Node {
    first: Link,
    second: Mutex<Link>,
    // Four words: its trait is not there for arrays.
    word: u64,
    _word1: u64,
    _word2: u64,
    _word3: u64,
}

fn new(word: u64, first: Link, second: Link) -> Gc<Node> {
    Gc::new(Node { first, second: Mutex::new(second), word, _word1: 0, _word2: 0, _word3: 0 })
}

pub struct Shredders {
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
        if let Some(child) = &parent.get().first {
            *child.get().second.lock().expect("no panic under it") = Some(parent.clone());
        }
        parent
    }
}

impl Contestant for Shredders {
    fn new() -> Self {
        Self { cache: (0..CACHE).map(|n| new(n as u64, None, None)).collect() }
    }

    fn serve(&self, stream: &mut Stream<'_>) {
        stream.serve(
            |wait| wait(),
            |desk| {
                let root = graph(&mut Builder(desk));
                desk.read_cache(|entry| {
                    let entry = self.cache[entry].clone();
                    entry.get().word
                });
                let word = root.get().word;
                desk.answer(word);
            },
        );
    }

    fn leaked(self, _: u64) -> u64 {
        drop(self);
        collect();
        synchronize_destructors();
        number_of_tracked_allocations() as u64
    }
}
