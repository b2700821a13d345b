//! `web-requests`: a service with a long-lived heap, each of whose requests builds a tree, reads, replaces and drops.

mod dials;
mod long_lived;
mod request;
mod resources;
mod rings;
mod serving;
mod steering;
mod types;

use std::path::PathBuf;
use std::sync::Arc;

use gc_core::callback::Phase;
use gc_core::{Control, Generation, Heap, Mutator, Shape};

use self::dials::{Cleanup, Dials, Freeze};
use self::long_lived::LongLived;
use self::request::Handler;
use self::resources::Resources;
pub(crate) use self::serving::merge;
use self::serving::{Service, Watching};
use self::types::Types;
use crate::audit::audit;
use crate::drag::DragWatch;
use crate::draws::mix;
use crate::graph::{HeapGraph, embedded_django};
use crate::lifetimes::{Lifetimes, died_by_count_share};
use crate::workload::{Dial, Outcome, Plan, Preset, RunError, SettingError, Settings, Workload};

/// A service with a long-lived heap: the workload `web-requests`.
pub struct WebRequests {
    graph: Option<HeapGraph>,
    dials: Dials,
}

impl Workload for WebRequests {
    const NAME: &'static str = "web-requests";
    const SUMMARY: &'static str =
        "requests of 200 objects, some on cycles, over a cache and the heap of a real Django process";
    const DIALS: &'static [Dial] = dials::DIALS;
    const PRESETS: &'static [Preset] = dials::PRESETS;
    const SMALL: &'static [(&'static str, &'static str)] = dials::SMALL;
    const OPEN_LOOP: bool = true;
    const THREADS: bool = true;
    const AMOUNT: Option<&'static str> = Some("requests");

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        let graph = match settings.text("heap") {
            "none" => None,
            "django" => Some(embedded_django()),
            path => Some(HeapGraph::open(PathBuf::from(path)).map_err(|cause| SettingError::File {
                workload: Self::NAME,
                name: "heap",
                value: path.to_owned(),
                cause: cause.to_string(),
            })?),
        };
        Ok(Self { graph, dials: Dials::new(Self::NAME, settings)? })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let dials = &self.dials;
        let types = Types::register(heap, None);
        let resources = (dials.cleanup != Cleanup::None).then(|| Resources::register(heap));
        let watching = dials.lifetimes.then(|| Watching::new(heap, &types));
        let mutator = heap.attach();
        mutator.disable();
        let long_lived = LongLived::build(&mutator, &types.tree, self.graph.as_ref(), dials)?;
        mutator.enable();
        if dials.callback_dict {
            let dict = types.tree.dict;
            mutator.on_collection(Arc::new(move |mutator: &H::Mutator, _: Phase, _| {
                // An allocation that fails here changes the count of one collection; the run fails soon enough itself.
                drop(mutator.allocate(dict, Shape::new(1, 48)));
            }));
        }
        let held_nodes = long_lived.outside().len();
        let mut handlers: Vec<Handler<'_>> = (0..plan.threads)
            .map(|thread| Handler::new(dials, types, resources.clone(), held_nodes, (plan.seed, thread)))
            .collect();
        let service = Service { dials, plan, watching: watching.as_ref() };
        service.warm_up(&mutator, &mut handlers[0], &long_lived)?;
        if dials.freeze != Freeze::Uncollected {
            mutator.collect(Generation::OLD);
        }
        match dials.freeze {
            Freeze::No => {}
            Freeze::Collected | Freeze::Uncollected => mutator.freeze(),
            Freeze::Immortal => mutator.freeze_immortal(),
        }
        mutator.collect(Generation::MIDDLE);

        let before = heap.statistics();
        handlers.iter_mut().for_each(|handler| handler.held = Default::default());
        resources.iter().for_each(Resources::restart_peak);
        // Who watches lifetimes makes the nodes another way.
        let drag = plan.instruments().drag.filter(|_| watching.is_none());
        let watch = drag.map(|watch| (watch, types.tree.register_observed_node(heap)));
        handlers.iter_mut().for_each(|handler| handler.watch = watch);
        let steered = dials.steering.begin(&mutator, types.tree.node);
        plan.stages.timed_part_begins();
        let (timings, floating) = service.serve(&mutator, &mut handlers, &long_lived, &steered)?;
        plan.stages.timed_part_ends();
        let held_peak = resources.as_ref().map(Resources::peak);
        let lifetimes = watching.as_ref().map(Watching::reading);
        let drag = drag.map(DragWatch::reading);

        if dials.freeze == Freeze::Uncollected {
            // Dead cycles that were frozen are nobody's until here.
            mutator.unfreeze();
        }
        let audit = audit(&mutator, &long_lived.held_objects(), long_lived.model())?;
        let mut outcome = merge(timings, plan.pace);
        outcome.operation = "request";
        outcome.digest = handlers.iter().fold(0, |digest, handler| mix(digest ^ handler.digest));
        outcome.floating = floating;
        outcome.drag = drag;
        audit.enter(&mut outcome);
        outcome.lifetimes = lifetimes.map(|lifetimes| {
            let died_by_count_share = died_by_count_share(&before, &heap.statistics());
            Lifetimes { died_by_count_share, ..lifetimes }
        });
        if let Some(peak) = held_peak {
            let sum: u64 = handlers.iter().map(|handler| handler.held.sum).sum();
            let samples: u64 = handlers.iter().map(|handler| handler.held.samples).sum();
            outcome.extra.insert("resources_held_peak", peak as f64);
            outcome.extra.insert("resources_held_mean", sum as f64 / samples.max(1) as f64);
        }
        Ok(outcome)
    }
}
