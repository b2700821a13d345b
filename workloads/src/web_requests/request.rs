//! One request, and what a thread keeps from one to the next.

use gc_core::{HeapFull, Mutator, Root, TypeId};

use super::dials::{Cleanup, Dials};
use super::resources::Resources;
use super::rings::RingPlan;
use super::types::Types;
use crate::allocate::Allocate;
use crate::drag::DragWatch;
use crate::draws::{DrawRing, SplitMix64, mix};
use crate::request_tree::{ParentLink, RequestTypes};

/// One thread's requests: its draws and what it read.
pub(super) struct Handler<'w> {
    dials: &'w Dials,
    types: Types,
    resources: Option<Resources>,
    held_nodes: usize,
    draws: DrawRing,
    /// Places of the cache, where they are not drawn evenly.
    keys: Option<DrawRing>,
    rings: Option<RingPlan>,
    /// Who watches how long cyclic trees stay, and the type of their first node then.
    pub(super) watch: Option<(&'w DragWatch, TypeId)>,
    pub(super) digest: u64,
    pub(super) held: HeldSamples,
}

/// Resources held, at the ends of requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeldSamples {
    pub(super) sum: u64,
    pub(super) samples: u64,
}

/// What a request reads beside its own objects.
pub(super) struct Shared<'c, 'm, M: Mutator> {
    pub(super) cache: &'c Root<'m, M>,
    /// Roots of the long-lived heap.
    pub(super) outside: &'c [Root<'m, M>],
}

impl<'w> Handler<'w> {
    /// The handler of a thread. `held_nodes` of the long-lived heap are held from outside.
    pub(super) fn new(
        dials: &'w Dials,
        types: Types,
        resources: Option<Resources>,
        held_nodes: usize,
        (seed, thread): (u64, u32),
    ) -> Self {
        // What is drawn for a dial is no part of the stream that the mirrored program draws from.
        let rings_stream = SplitMix64::of_thread(mix(seed ^ 0x5249_4e47), thread);
        Self {
            dials,
            types,
            resources,
            held_nodes,
            draws: DrawRing::new(SplitMix64::of_thread(seed, thread)),
            keys: dials.skew.map(|skew| DrawRing::zipf(dials.entries(), skew, seed, thread)),
            rings: dials.rings.as_ref().map(|rings| RingPlan::new(rings, rings_stream)),
            watch: None,
            digest: 0,
            held: HeldSamples::default(),
        }
    }

    /// Serves one. A failing one fails before it replaces anything; what it does at its end it does nevertheless, as a
    /// `finally` does.
    pub(super) fn request<'m, A: Allocate<'m>>(
        &mut self,
        source: A,
        shared: &Shared<'_, 'm, A::Mutator>,
    ) -> Result<(), HeapFull> {
        let (dials, mutator) = (self.dials, source.mutator());
        let link = if self.happens(dials.cyclic) { dials.back_pointers.link } else { ParentLink::None };
        let fails = dials.fail > 0.0 && self.happens(dials.fail);
        let is_cyclic = link == ParentLink::Strong && !dials.back_pointers.cleared && dials.nodes > 1;
        let first = self.watch.filter(|_| is_cyclic).map_or(self.types.tree.node, |(_, observed)| observed);
        let tree = self.types.tree.build_with_first(source, dials.nodes, link, first)?;
        let mut made = RequestTypes::objects_of(dials.nodes);
        let resource = self.open_resource(mutator, &tree)?;
        for _ in 0..dials.reads {
            let key = self.key();
            let entry = shared.cache.load(key).expect("every place of the cache is filled");
            self.read(RequestTypes::read_entry(mutator, &entry));
        }
        if dials.results > 0 {
            self.read_results(source)?;
            made += 2 * u64::from(dials.results) + u64::from(dials.whole);
        }
        for _ in 0..dials.walks.min(self.held_nodes as u32 * dials.walks) {
            self.walk(mutator, shared.outside);
        }
        if let Some(rings) = &mut self.rings {
            rings.garbage(dials.garbage(link, fails));
            while let Some(length) = rings.take() {
                self.types.drop_ring(source, length)?;
                made += u64::from(length);
            }
        }
        if fails {
            self.types.fail_with(source, &tree)?;
            made += 3;
        } else {
            for _ in 0..dials.replace {
                let key = self.key();
                let entry = self.types.tree.build_entry(source, key)?;
                shared.cache.put(key, Some(entry));
            }
            made += 2 * u64::from(dials.replace);
        }
        if dials.back_pointers.cleared && link != ParentLink::None {
            RequestTypes::clear_parents(&tree, dials.nodes);
        }
        if let (Some(resources), Some(resource)) = (&self.resources, &resource)
            && dials.cleanup == Cleanup::Explicit
        {
            resources.release(mutator, resource);
        }
        drop(resource);
        if let Some((watch, _)) = self.watch {
            watch.made(made);
            if let Some(node) = tree.load(0).filter(|_| is_cyclic) {
                watch.unreachable(node.object());
            }
        }
        drop(tree);
        if let Some(resources) = &self.resources {
            self.held.sum += resources.held();
            self.held.samples += 1;
        }
        Ok(())
    }

    /// Whether something happens that does in this share of the requests.
    fn happens(&mut self, share: f64) -> bool {
        f64::from(self.draws.draw()) < share * 4_294_967_296.0
    }

    /// A place of the cache.
    #[inline]
    fn key(&mut self) -> u32 {
        match &mut self.keys {
            None => self.draws.draw() % self.dials.entries(),
            Some(keys) => keys.draw(),
        }
    }

    fn open_resource<'m, M: Mutator>(
        &self,
        mutator: &'m M,
        tree: &Root<'m, M>,
    ) -> Result<Option<Root<'m, M>>, HeapFull> {
        let Some(resources) = &self.resources else { return Ok(None) };
        let resource = resources.open(mutator)?;
        RequestTypes::hang(tree, resource.clone());
        Ok(Some(resource))
    }

    /// Makes the rows of a result and reads each, in the same order either way.
    fn read_results<'m, A: Allocate<'m>>(&mut self, source: A) -> Result<(), HeapFull> {
        let (dials, tree) = (self.dials, self.types.tree);
        let whole = if dials.whole { Some(tree.build_list(source, dials.results)?) } else { None };
        for row in 0..dials.results {
            let entry = tree.build_entry(source, row)?;
            match &whole {
                Some(list) => list.put(row, Some(entry)),
                None => self.read(RequestTypes::read_entry(source.mutator(), &entry)),
            }
        }
        if let Some(list) = whole {
            for row in 0..dials.results {
                let entry = list.load(row).expect("every row was made");
                self.read(RequestTypes::read_entry(source.mutator(), &entry));
            }
        }
        Ok(())
    }

    /// Four steps from a held object of the real heap, along drawn references.
    fn walk<M: Mutator>(&mut self, mutator: &M, outside: &[Root<'_, M>]) {
        let mut object = outside[self.draws.draw() as usize % self.held_nodes].clone();
        for _ in 0..4 {
            let shape = mutator.shape(&object);
            let mark = if shape.payload >= 8 { mutator.read_word(&object, 0) } else { u64::from(shape.slots) };
            self.read(mark);
            if shape.slots == 0 {
                return;
            }
            let Some(next) = object.load(self.draws.draw() % shape.slots) else { return };
            object = next;
        }
    }

    fn read(&mut self, value: u64) {
        self.digest = mix(self.digest.rotate_left(1) ^ value);
    }
}
