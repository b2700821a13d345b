//! The messages of [debug flags](crate::debug), and where they go. For heaps.
//!
//! The texts are CPython's (`show_stats_each_generations`, `debug_cycle`, `gc_collect_main`): 3.8 to 3.13.0 were run and write
//! the same; 3.14 and 3.15 were not run. Before 3.7 there was no line on the permanent generation. Where CPython prints an
//! object's address there stands the number by which an [`ObjectRef`] prints itself.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use crate::callback::{Place, report_panic};
use crate::debug::DebugFlags;
use crate::event::Observer;
use crate::object::ObjectRef;
use crate::sync::{AtomicU32, Mutex, Ordering};

/// The debug settings of one heap.
#[derive(Default)]
pub struct Messages {
    flags: AtomicU32,
    /// `None` for the standard error stream, and while something is being written.
    writer: Mutex<Option<Box<dyn Write + Send>>>,
}

impl Messages {
    /// The flags chosen.
    pub fn flags(&self) -> DebugFlags {
        // Relaxed, here and below: a setting, read for itself.
        DebugFlags::from_bits_retain(self.flags.load(Ordering::Relaxed))
    }

    /// Chooses flags.
    pub fn set_flags(&self, flags: DebugFlags) {
        self.flags.store(flags.bits(), Ordering::Relaxed);
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: DebugFlags) -> bool {
        self.flags().contains(flag)
    }

    /// Messages go to `writer` from now on.
    pub fn set_writer(&self, writer: Box<dyn Write + Send>) {
        let old = self.writer.lock().replace(writer);
        // The program's code: not under the lock.
        drop(old);
    }

    /// Writes whole lines. An error is passed over, a panic is reported. No lock is held meanwhile.
    pub fn write(&self, text: &str, observer: &dyn Observer) {
        let Some(mut writer) = self.writer.lock().take() else {
            let _ = std::io::stderr().write_all(text.as_bytes());
            return;
        };
        report_panic(Place::DebugWriter, observer, || {
            let _ = writer.write_all(text.as_bytes());
            let _ = writer.flush();
        });
        let mut place = self.writer.lock();
        if place.is_none() {
            *place = Some(writer);
        } else {
            // Another one was set meanwhile.
            drop(place);
            report_panic(Place::DebugWriter, observer, || drop(writer));
        }
    }

    /// Holds the lock over `f`, in which the process forks.
    pub fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _writer = self.writer.lock();
        f()
    }
}

/// What [`DebugFlags::STATS`] says at the start: the number of the generation, the sizes of all three before it is merged with
/// the younger ones, and the size of the permanent one.
pub fn start(generation: impl fmt::Display, sizes: [u64; 3], permanent: u64) -> String {
    let [young, middle, old] = sizes;
    format!(
        "gc: collecting generation {generation}...\n\
         gc: objects in each generation: {young} {middle} {old}\n\
         gc: objects in permanent generation: {permanent}\n"
    )
}

/// What [`DebugFlags::COLLECTABLE`] says of an object.
pub fn collectable(type_name: &str, object: ObjectRef) -> String {
    format!("gc: collectable <{type_name} {:#x}>\n", object.bits())
}

/// What [`DebugFlags::UNCOLLECTABLE`] says of an object.
pub fn uncollectable(type_name: &str, object: ObjectRef) -> String {
    format!("gc: uncollectable <{type_name} {:#x}>\n", object.bits())
}

/// What [`DebugFlags::STATS`] says at the end. The unreachable include the uncollectable.
pub fn done(unreachable: u64, uncollectable: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    format!("gc: done, {unreachable} unreachable, {uncollectable} uncollectable, {seconds:.4}s elapsed\n")
}

/// What an interpreter says of objects that are left in `garbage` at its end (`_PyGC_DumpShutdownStats`), each with the name
/// of its type: how many there are; with [`DebugFlags::UNCOLLECTABLE`] which, else how to have them listed. `None` if there
/// are none, and with [`DebugFlags::SAVEALL`], for then not all of them are uncollectable. CPython 3.11 to 3.13 put
/// `gc:0: ResourceWarning: ` in front and print objects as they print themselves.
///
/// A heap has no end of its own, so none says this by itself: it is for a program that ends.
pub fn at_shutdown(flags: DebugFlags, garbage: &[(&str, ObjectRef)]) -> Option<String> {
    if garbage.is_empty() || flags.contains(DebugFlags::SAVEALL) {
        return None;
    }
    let count = garbage.len();
    let said = format!("gc: {count} uncollectable objects at shutdown");
    if !flags.contains(DebugFlags::UNCOLLECTABLE) {
        return Some(format!("{said}; use gc.set_debug(gc.DEBUG_UNCOLLECTABLE) to list them\n"));
    }
    let listed: Vec<_> = garbage.iter().map(|(name, object)| format!("<{name} {:#x}>", object.bits())).collect();
    Some(format!("{said}\n      [{}]\n", listed.join(", ")))
}
