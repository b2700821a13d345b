//! What the rules run on: a heap whose observer remembers, and the few types and shapes that most of them need.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::callback::CallbackId;
use crate::config::{Automatic, HeapConfig};
use crate::control::Thresholds;
use crate::event::{Cascade, Collection, Observer, Panicked};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId, TypeSpec};
use crate::root::Root;
use crate::sync::{Arc, Mutex};

/// The shape of most objects here: six slots and a label.
pub(super) const NODE: Shape = Shape::new(6, 8);

/// What happened, in order, as short words: `f3` the finalizer of the object labelled 3 ran.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(super) fn push(&self, event: impl Into<String>) {
        self.0.lock().push(event.into());
    }

    /// What happened since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// An observer that remembers.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) panics: Mutex<Vec<Panicked>>,
    pub(super) collections: Mutex<Vec<Collection>>,
    pub(super) cascades: Mutex<Vec<Cascade>>,
    /// Beginnings and ends of teardowns.
    pub(super) teardowns: Mutex<Vec<bool>>,
}

impl Observer for Recorder {
    fn collection(&self, collection: &Collection) {
        self.collections.lock().push(*collection);
    }
    fn cascade(&self, cascade: &Cascade) {
        self.cascades.lock().push(*cascade);
    }
    fn panicked(&self, panicked: &Panicked) {
        self.panics.lock().push(panicked.clone());
    }
    fn teardown(&self, _: crate::ObjectRef, begins: bool) {
        self.teardowns.lock().push(begins);
    }
}

/// A writer of a heap's messages that keeps them.
#[derive(Clone, Default)]
pub(super) struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    /// What was written since the last call.
    pub(super) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock())).expect("messages are text")
    }

    /// The same by lines.
    pub(super) fn take_lines(&self) -> Vec<String> {
        let text = self.take();
        assert!(text.is_empty() || text.ends_with('\n'), "whole lines only: {text:?}");
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A heap under test.
pub(super) struct Fixture<H: Heap> {
    pub(super) heap: H,
    pub(super) recorder: Arc<Recorder>,
    pub(super) log: Log,
    /// An ordinary container type.
    pub(super) node: TypeId,
}

impl<H: Heap> Fixture<H> {
    /// A heap that collects only when asked.
    pub(super) fn new(config: HeapConfig) -> Self {
        Self::as_configured(HeapConfig { thresholds: Thresholds([0, 10, 10]), ..config })
    }

    /// A heap with this configuration. A concurrent collector collects where the trigger says: rules on the trigger can only
    /// be stated for that.
    pub(super) fn as_configured(config: HeapConfig) -> Self {
        let config = HeapConfig { automatic: Automatic::AtTrigger, ..config };
        let recorder = Arc::new(Recorder::default());
        let heap = H::new(config, recorder.clone()).expect("the configuration of a rule is possible");
        let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("the first type");
        Self { heap, recorder, log: Log::default(), node }
    }

    /// A plain type.
    pub(super) fn of_kind(&self, kind: Kind) -> TypeId {
        self.register(TypeSpec::new("plain", kind))
    }

    pub(super) fn register(&self, spec: TypeSpec) -> TypeId {
        self.heap.register_type(spec).expect("a rule registers few types")
    }

    pub(super) fn callback<F>(&self, f: F) -> CallbackId
    where
        F: Fn(&H::Mutator, Root<'_, H::Mutator>) + Send + Sync + 'static,
    {
        self.heap.register_callback(Arc::new(f))
    }

    /// A container type with this finalizer.
    pub(super) fn with_finalizer<F>(&self, f: F) -> TypeId
    where
        F: Fn(&H::Mutator, Root<'_, H::Mutator>) + Send + Sync + 'static,
    {
        let finalizer = self.callback(f);
        self.register(TypeSpec::new("finalized", Kind::Instance).with_finalizer(finalizer))
    }

    /// A container type whose finalizer logs `f` and the object's label.
    pub(super) fn logged(&self) -> TypeId {
        let finalizer = self.log_label("f");
        self.register(TypeSpec::new("logged", Kind::Instance).with_finalizer(finalizer))
    }

    /// A callback that logs `prefix` and its object's label.
    pub(super) fn log_label(&self, prefix: &'static str) -> CallbackId {
        let log = self.log.clone();
        self.callback(move |_, object| log.push(format!("{prefix}{}", label(&object))))
    }

    /// A callback that logs `event`.
    pub(super) fn log_event(&self, event: &'static str) -> CallbackId {
        let log = self.log.clone();
        self.callback(move |_, _| log.push(event))
    }

    /// Objects on the heap.
    pub(super) fn live(&self) -> u64 {
        self.heap.statistics().live()
    }
}

/// Lets a heap that bounds what one operation frees catch up.
pub(super) fn catch_up<M: Mutator>(mutator: &M) {
    let mut live = mutator.heap().live_objects();
    loop {
        mutator.safepoint();
        match mutator.heap().live_objects() {
            now if now == live => return,
            now => live = now,
        }
    }
}

/// A new object with a label.
pub(super) fn labelled<M: Mutator>(mutator: &M, type_id: TypeId, label: u64) -> Root<'_, M> {
    let object = mutator.allocate(type_id, NODE).expect("the heap has room");
    mutator.write_payload(&object, 0, &label.to_le_bytes());
    object
}

/// An object's label.
pub(super) fn label<M: Mutator>(object: &Root<'_, M>) -> u64 {
    let mut bytes = [0; 8];
    object.mutator().read_payload(object, 0, &mut bytes);
    u64::from_le_bytes(bytes)
}

/// `length` objects labelled from 0, each with the next one in slot 0, the last with the first.
pub(super) fn ring<M: Mutator>(mutator: &M, type_id: TypeId, length: u64) -> Root<'_, M> {
    let first = labelled(mutator, type_id, 0);
    let mut last = first.clone();
    for n in 1..length {
        let next = labelled(mutator, type_id, n);
        last.store(0, Some(&next));
        last = next;
    }
    last.put(0, Some(first.clone()));
    first
}

/// Runs `f`, which must panic. Returns the message.
pub(super) fn refusal<R>(what: &str, f: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("{what} must be refused with a panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => payload.downcast_ref::<&str>().map_or(String::new(), |message| (*message).to_owned()),
        },
    }
}
