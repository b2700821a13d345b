//! What an observer hears of the collector's own thread: its collections, and no interruption, since nobody waits for it.

use std::sync::Arc;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use gc_concurrent::{ConcurrentHeap, StopTheWorldHeap};
use gc_core::event::{Cause, Collection};
use gc_core::{Certify, Generation, Heap, HeapConfig, Kind, Mutator, Observer, Shape, Thresholds, TypeSpec};

#[derive(Default)]
struct Heard {
    interrupted: Mutex<Vec<(ThreadId, Cause)>>,
    collected: Mutex<Vec<(ThreadId, u64)>>,
}

impl Observer for Heard {
    fn interruption_begins(&self, cause: Cause) {
        self.interrupted.lock().unwrap().push((thread::current().id(), cause));
    }

    fn collection(&self, collection: &Collection) {
        assert_eq!((collection.generation, collection.automatic), (Generation::OLD, true));
        self.collected.lock().unwrap().push((thread::current().id(), collection.collected));
    }
}

fn collector_is_not_interrupted<H: Heap>(certify: Certify) {
    let heard = Arc::new(Heard::default());
    // Thresholds start none: all collections are the collector's.
    let thresholds = Thresholds([0, 10, 10]);
    let config = HeapConfig { full_every: Some(5), certify, thresholds, reservation: 1 << 26, ..HeapConfig::default() };
    let heap = H::new(config, Arc::clone(&heard) as Arc<_>).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let begin = Instant::now();
    while heard.collected.lock().unwrap().iter().filter(|(_, collected)| *collected > 0).count() < 3 {
        let ring = mutator.allocate(node, Shape::new(1, 0)).unwrap();
        ring.store(0, Some(&ring));
        drop(ring);
        mutator.safepoint();
        // Running, so that a collector that stops the world has to wait; and slowly, so that memory lasts.
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_micros(20) {}
        assert!(begin.elapsed() < Duration::from_secs(60), "no collection every 5 ms");
    }
    drop(mutator);
    let own = thread::current().id();
    assert!(heard.collected.lock().unwrap().iter().all(|(thread, _)| *thread != own));
    let interrupted = heard.interrupted.lock().unwrap();
    assert!(interrupted.iter().all(|(thread, _)| *thread == own), "{interrupted:?}");
}

#[test]
fn the_collector_of_concurrent_reports_collections_and_no_interruption() {
    collector_is_not_interrupted::<ConcurrentHeap>(Certify::OnTheFly);
    collector_is_not_interrupted::<ConcurrentHeap>(Certify::Stopped);
}

#[test]
fn the_collector_of_stop_the_world_reports_collections_and_no_interruption() {
    collector_is_not_interrupted::<StopTheWorldHeap>(Certify::OnTheFly);
}
