//! The types of `web-requests`, and the smaller structures that its requests make of them.

use gc_core::{CallbackId, Heap, HeapFull, Kind, Root, Shape, TypeId, TypeSpec};

use crate::allocate::Allocate;
use crate::request_tree::RequestTypes;

/// The types of a request's objects, resources aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types {
    pub(super) tree: RequestTypes,
    /// A place of a small ring: one slot for the next one.
    ring: TypeId,
    /// Slots: locals, exception.
    frame: TypeId,
    /// One slot for its traceback.
    exception: TypeId,
    /// One slot for its frame.
    traceback: TypeId,
}

impl Types {
    /// Registers them, with a finalizer each, or without.
    pub(super) fn register<H: Heap>(heap: &H, finalizer: Option<CallbackId>) -> Self {
        let register = |name: &str| {
            let spec = TypeSpec { finalizer, ..TypeSpec::new(name, Kind::Instance) };
            heap.register_type(spec).expect("a new heap has few types")
        };
        Self {
            tree: RequestTypes::register_with(heap, finalizer),
            ring: register("Ring"),
            frame: register("frame"),
            exception: register("Exception"),
            traceback: register("traceback"),
        }
    }

    /// Each type of `self` and the one of `twin` in its place.
    pub(super) fn beside(&self, twin: &Self) -> Vec<(TypeId, TypeId)> {
        let all = |types: &Self| {
            let Self { tree: RequestTypes { node, list, dict, entry }, ring, frame, exception, traceback } = *types;
            [node, list, dict, entry, ring, frame, exception, traceback]
        };
        all(self).into_iter().zip(all(twin)).collect()
    }

    /// Makes a ring of `length` objects, each referring to the next, and drops it.
    pub(super) fn drop_ring<'m, A: Allocate<'m>>(&self, source: A, length: u32) -> Result<(), HeapFull> {
        let first = source.allocate(self.ring, Shape::new(1, 16))?;
        let mut last = first.clone();
        for _ in 1..length {
            let object = source.allocate(self.ring, Shape::new(1, 16))?;
            last.store(0, Some(&object));
            last = object;
        }
        last.put(0, Some(first));
        Ok(())
    }

    /// Fails as a Python function does that keeps the exception it caught: its frame holds the locals and the exception,
    /// the exception its traceback, and that one the frame. The three are a cycle, and the locals hang off it.
    pub(super) fn fail_with<'m, A: Allocate<'m>>(
        &self,
        source: A,
        locals: &Root<'m, A::Mutator>,
    ) -> Result<(), HeapFull> {
        let frame = source.allocate(self.frame, Shape::new(2, 32))?;
        frame.store(0, Some(locals));
        let exception = source.allocate(self.exception, Shape::new(1, 24))?;
        let traceback = source.allocate(self.traceback, Shape::new(1, 16))?;
        traceback.store(0, Some(&frame));
        exception.put(0, Some(traceback));
        frame.put(1, Some(exception));
        Ok(())
    }
}
