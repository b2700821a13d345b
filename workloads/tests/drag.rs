//! How long garbage units stay is told for each watched one, and only for those.

use std::sync::Arc;

use gc_core::event::Observer;
use gc_core::{GenerationalHeap, Heap, HeapConfig, ObjectRef, RefcountHeap};
use workloads::catalogue;
use workloads::drag::{Drag, DragWatch};
use workloads::instruments::Instruments;
use workloads::workload::{Outcome, Pace, Plan, Stages};

struct Reports(Arc<DragWatch>);

impl Observer for Reports {
    fn teardown(&self, object: ObjectRef, begins: bool) {
        if begins {
            self.0.reclaimed(object);
        }
    }
}

struct Watched(Arc<DragWatch>);

impl Stages for Watched {
    fn instruments(&self) -> Instruments<'_> {
        Instruments { drag: Some(&self.0), ..Instruments::USUAL }
    }
}

fn outcome<H: Heap>(workload: &str, settings: &[(&str, &str)], threads: u32) -> Outcome {
    let watch = Arc::new(DragWatch::default());
    let heap = H::new(HeapConfig::default(), Arc::new(Reports(Arc::clone(&watch)))).unwrap();
    let stages = Watched(watch);
    let plan = Plan { seed: 3, threads, pace: Pace::Closed, stages: &stages };
    catalogue::run(workload, &catalogue::settings(workload, settings).unwrap(), &heap, &plan).unwrap()
}

fn drag<H: Heap>(workload: &str, settings: &[(&str, &str)], threads: u32) -> Drag {
    outcome::<H>(workload, settings, threads).drag.unwrap()
}

const RINGS: &[(&str, &str)] = &[("requests", "3100"), ("live", "0"), ("ring", "10")];

#[test]
fn one_ring_in_31_is_watched_and_its_drag_is_within_a_threshold() {
    let drag = drag::<GenerationalHeap>("ring-churn", RINGS, 1);
    assert_eq!(drag.ns.len() as u64 + drag.outstanding, 100, "{drag:?}");
    assert_eq!(drag.ns.len(), drag.allocations.len());
    // A young collection comes every 700 objects or so; with nothing old alive no ring outlives it.
    assert!(drag.ns.len() > 90 && drag.allocations.iter().all(|&made| made <= 720), "{drag:?}");
    assert!(drag.allocations.iter().any(|&made| made > 350), "{drag:?}");
}

#[test]
fn what_is_never_collected_is_outstanding() {
    let drag = drag::<RefcountHeap>("ring-churn", RINGS, 1);
    assert_eq!(drag, Drag { outstanding: 100, ..Drag::default() });
}

#[test]
fn every_cyclic_tree_of_web_requests_is_a_unit() {
    let settings = [("heap", "none"), ("requests", "1000"), ("live", "1000")];
    let drag = drag::<GenerationalHeap>("web-requests", &settings, 1);
    let units = drag.ns.len() as u64 + drag.outstanding;
    // One request in ten is cyclic.
    assert!((60..=140).contains(&units) && drag.ns.len() > 40, "{units} units");
    let without = catalogue::settings("web-requests", &settings).unwrap();
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(gc_core::NoObserver)).unwrap();
    let plan = Plan { seed: 3, threads: 1, pace: Pace::Closed, stages: &workloads::workload::NoStages };
    let plain = catalogue::run("web-requests", &without, &heap, &plan).unwrap();
    let watched = outcome::<GenerationalHeap>("web-requests", &settings, 1);
    assert_eq!(plain.drag, None);
    assert_eq!((plain.digest, plain.live_after), (watched.digest, watched.live_after), "watching changes nothing");
    let peak = |outcome: &Outcome| outcome.floating.as_ref().unwrap().peak_objects;
    assert_eq!(peak(&plain), peak(&watched), "nor when collections come");
}

#[test]
fn threads_share_a_watch() {
    let drag = drag::<GenerationalHeap>("ring-churn", RINGS, 2);
    assert_eq!(drag.ns.len() as u64 + drag.outstanding, 2 * 50, "{drag:?}");
}
