//! gclab's heaps, by one program for all: each thread is a mutator, the cache is one object with a slot an entry.

use std::sync::Arc;

use gc_core::{
    Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Root, Shape, SharedRoot, TypeId, TypeSpec,
};
use parking_lot::Mutex;

use super::program::{Build, CACHE, Contestant, Desk, Stream, graph};

const NODE: Shape = Shape::new(2, 32);

pub struct Hosted<H> {
    heap: H,
    node: TypeId,
    /// The cache's table. Each thread takes a hold of its own.
    table: Mutex<SharedRoot>,
}

struct Builder<'m, 'd, M> {
    mutator: &'m M,
    node: TypeId,
    desk: &'d mut Desk,
}

fn new<M: Mutator>(mutator: &M, node: TypeId, word: u64) -> Root<'_, M> {
    let root = mutator.allocate(node, NODE).expect("the heap has no limit");
    mutator.write_word(&root, 0, word);
    root
}

impl<'m, M: Mutator> Build for Builder<'m, '_, M> {
    type Node = Root<'m, M>;

    fn node(&mut self, first: Option<Self::Node>, second: Option<Self::Node>) -> Self::Node {
        let root = new(self.mutator, self.node, self.desk.word());
        if first.is_some() {
            root.put(0, first);
        }
        if second.is_some() {
            root.put(1, second);
        }
        root
    }

    fn parent_of(&mut self, child: Self::Node) -> Self::Node {
        let parent = new(self.mutator, self.node, self.desk.word());
        child.store(1, Some(&parent));
        parent.put(0, Some(child));
        parent
    }
}

impl<H: Heap> Contestant for Hosted<H> {
    fn new() -> Self {
        let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).expect("addresses to reserve");
        let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("few types");
        let list = heap.register_type(TypeSpec::new("table", Kind::List)).expect("few types");
        let mutator = heap.attach();
        let table = mutator.allocate(list, Shape::new(CACHE as u32, 0)).expect("the heap has no limit");
        (0..CACHE).for_each(|n| table.put(n as u32, Some(new(&mutator, node, n as u64))));
        let shared = table.share();
        drop(table);
        drop(mutator);
        Self { heap, node, table: Mutex::new(shared) }
    }

    fn serve(&self, stream: &mut Stream<'_>) {
        let mutator = self.heap.attach();
        let shared = mutator.clone_shared(&self.table.lock());
        let table = mutator.adopt(shared);
        stream.serve(
            // Where one mutator runs at a time, one that waited outside a safe region would keep the others from coming.
            |wait| mutator.safe_region(wait),
            |desk| {
                let root = graph(&mut Builder { mutator: &mutator, node: self.node, desk });
                desk.read_cache(|entry| {
                    let entry = table.load(entry as u32).expect("every entry is filled");
                    mutator.read_word(&entry, 0)
                });
                desk.answer(mutator.read_word(&root, 0));
                drop(root);
                mutator.safepoint();
            },
        );
    }

    fn leaked(self, _: u64) -> u64 {
        let mutator = self.heap.attach();
        drop(mutator.adopt(self.table.into_inner()));
        mutator.collect(Generation::OLD);
        drop(mutator);
        self.heap.live_objects()
    }
}
