//! Serving requests on one thread or several, watched or not.

use gc_core::{Heap, HeapFull, Mutator, Root, SharedRoot, TypeId};

use super::dials::Dials;
use super::long_lived::LongLived;
use super::request::{Handler, Shared};
use super::steering::Steered;
use super::types::Types;
use crate::arrivals::{Timings, serve_and_pause};
use crate::lifetimes::{Lifetimes, Watch, Watched};
use crate::workload::{Floating, Outcome, Pace, Plan, RunError};

/// A watch over the lifetimes of a run's objects.
pub(super) struct Watching {
    watch: std::sync::Arc<Watch>,
    twins: Vec<(TypeId, TypeId)>,
}

impl Watching {
    pub(super) fn new<H: Heap>(heap: &H, types: &Types) -> Self {
        let watch = Watch::new();
        let finalizer = watch.register_finalizer(heap);
        Self { watch, twins: types.beside(&Types::register(heap, Some(finalizer))) }
    }

    pub(super) fn reading(&self) -> Lifetimes {
        self.watch.reading()
    }
}

/// What all threads serve by.
#[derive(Clone, Copy)]
pub(super) struct Service<'s, 'p> {
    pub(super) dials: &'s Dials,
    pub(super) plan: &'s Plan<'p>,
    pub(super) watching: Option<&'s Watching>,
}

impl Service<'_, '_> {
    /// Requests before the timed part, which nobody watches.
    pub(super) fn warm_up<M: Mutator>(
        &self,
        mutator: &M,
        handler: &mut Handler<'_>,
        long_lived: &LongLived<'_, '_, M>,
    ) -> Result<(), HeapFull> {
        let shared = Shared { cache: &long_lived.cache, outside: long_lived.outside() };
        for _ in 0..self.dials.warm_up {
            handler.request(mutator, &shared)?;
        }
        mutator.safepoint();
        Ok(())
    }

    /// The timed part. What floats is known on one mutator only.
    pub(super) fn serve<M: Mutator>(
        &self,
        mutator: &M,
        handlers: &mut [Handler<'_>],
        long_lived: &LongLived<'_, '_, M>,
        steered: &Steered,
    ) -> Result<(Vec<Timings>, Option<Floating>), RunError> {
        if self.plan.threads > 1 {
            return Ok((self.serve_on_threads(mutator, handlers, long_lived, steered)?, None));
        }
        let shared = Shared { cache: &long_lived.cache, outside: long_lived.outside() };
        let heap = mutator.heap();
        let mut floating = self.plan.floating_gauge(heap.live_objects());
        let timings = self.serve_share(mutator, (&mut handlers[0], 0), &shared, steered, || {
            // What a request made is dead at its end, and a replaced entry has the size of the old one.
            floating.sample_of(heap);
        })?;
        Ok((vec![timings], floating.reading()))
    }

    /// Each thread has a mutator of its own, and its share of the requests; the first is this one.
    fn serve_on_threads<M: Mutator>(
        &self,
        mutator: &M,
        handlers: &mut [Handler<'_>],
        long_lived: &LongLived<'_, '_, M>,
        steered: &Steered,
    ) -> Result<Vec<Timings>, RunError> {
        let serve_adopted =
            |mutator: &M, handler: &mut Handler<'_>, thread: u32, cache: &SharedRoot, outside: &[SharedRoot]| {
                let cache = mutator.adopt(mutator.clone_shared(cache));
                let outside: Vec<_> = outside.iter().map(|root| mutator.adopt(mutator.clone_shared(root))).collect();
                let shared = Shared { cache: &cache, outside: &outside };
                self.serve_share(mutator, (handler, thread), &shared, steered, || {})
            };
        let shared_cache = long_lived.cache.share();
        let shared_outside: Vec<SharedRoot> = long_lived.outside().iter().map(Root::share).collect();
        let (first, others) = handlers.split_first_mut().expect("at least one thread");
        let heap = mutator.heap().clone();
        let results = std::thread::scope(|scope| {
            let (shared_cache, shared_outside) = (&shared_cache, &shared_outside[..]);
            let serve_adopted = &serve_adopted;
            let workers: Vec<_> = (1..)
                .zip(others)
                .map(|(thread, handler)| {
                    let heap = heap.clone();
                    scope.spawn(move || {
                        let mutator = heap.attach();
                        serve_adopted(&mutator, handler, thread, shared_cache, shared_outside)
                    })
                })
                .collect();
            let mut results = vec![serve_adopted(mutator, first, 0, shared_cache, shared_outside)];
            mutator.safe_region(|| {
                results.extend(workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")));
            });
            results
        });
        drop(mutator.adopt(shared_cache));
        shared_outside.into_iter().for_each(|root| drop(mutator.adopt(root)));
        Ok(results.into_iter().collect::<Result<_, HeapFull>>()?)
    }

    /// One thread's share of the requests; `ended` is called at the end of each.
    fn serve_share<'m, M: Mutator>(
        &self,
        mutator: &'m M,
        (handler, thread): (&mut Handler<'_>, u32),
        shared: &Shared<'_, 'm, M>,
        steered: &Steered,
        mut ended: impl FnMut(),
    ) -> Result<Timings, HeapFull> {
        let (requests, threads) = (self.dials.requests, u64::from(self.plan.threads));
        let share = requests / threads + u64::from(u64::from(thread) < requests % threads);
        let arrivals = (share, self.plan.seed, thread, self.plan.threads);
        let between = || steered.after_request(mutator);
        match self.watching {
            None => {
                let request = |_| {
                    handler.request(mutator, shared)?;
                    ended();
                    Ok(())
                };
                serve_and_pause(mutator, self.plan, arrivals, request, between)
            }
            Some(watching) => {
                let source = Watched::new(mutator, &watching.watch, &watching.twins);
                let request = |_| {
                    handler.request(source, shared)?;
                    ended();
                    Ok(())
                };
                serve_and_pause(mutator, self.plan, arrivals, request, between)
            }
        }
    }
}

/// Joins the timings of threads.
pub(crate) fn merge(timings: Vec<Timings>, pace: Pace) -> Outcome {
    let mut outcome = Outcome::default();
    let open = pace != Pace::Closed;
    let first = timings.iter().filter_map(|thread| thread.begin).min();
    let mut response_ns = Vec::new();
    let mut backlog = 0;
    for thread in timings {
        outcome.operations += thread.operations;
        // Each thread counts from its own beginning, a little after the first one's.
        let later = first.zip(thread.begin).map_or(0, |(first, begin)| (begin - first).as_nanos() as u64);
        outcome.starts_ns.extend(thread.starts_ns.into_iter().map(|start| start + later));
        outcome.wall_ns = outcome.wall_ns.max(thread.wall_ns);
        outcome.mutator_cpu_ns += thread.cpu_ns;
        outcome.service_ns.extend(thread.service_ns);
        response_ns.extend(thread.response_ns);
        backlog += thread.backlog_end;
    }
    outcome.response_ns = (open && !outcome.service_ns.is_empty()).then_some(response_ns);
    outcome.backlog_end = open.then_some(backlog);
    outcome
}
