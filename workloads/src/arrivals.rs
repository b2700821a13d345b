//! When operations arrive, and the loops that serve them.
//!
//! In the open loop arrivals are planned ahead, and an operation's response time runs from its planned arrival, even when
//! the worker starts late: a stopped worker delays all that arrive meanwhile, and all of that is measured (no coordinated
//! omission).

use std::time::{Duration, Instant};

use gc_core::Mutator;
use nix::time::{ClockId, clock_gettime};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::instruments::Instruments;
use crate::workload::{Pace, Plan};

/// Sleep until this long before an arrival, then spin: a sleeping thread wakes late by about as much.
const SPIN: Duration = Duration::from_micros(100);

/// CPU nanoseconds of the calling thread so far.
pub fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the clock exists since Linux 2.6");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Planned arrivals in nanoseconds from the beginning: Poisson at `rate` per second.
///
/// The generator is PCG64 (`rand_pcg`), one stream per thread derived from (seed, thread).
pub fn poisson(rate: f64, operations: u64, seed: u64, thread: u32) -> Vec<u64> {
    let mut random = Pcg64::seed_from_u64(crate::draws::mix(seed).wrapping_add(u64::from(thread)));
    let mut at = 0.0;
    (0..operations)
        .map(|_| {
            // Uniform in (0, 1]: 53 bits, never 0.
            let uniform = ((random.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
            at += -uniform.ln() / rate * 1e9;
            at as u64
        })
        .collect()
}

/// Raw timings of the operations of one thread, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    /// Operations done.
    pub operations: u64,
    /// When the loop began.
    pub begin: Option<Instant>,
    /// Starts, since `begin`; empty if operations were not timed.
    pub starts_ns: Vec<u64>,
    /// End − start; empty if operations were not timed.
    pub service_ns: Vec<u64>,
    /// End − planned arrival; empty in a closed loop, and if operations were not timed.
    pub response_ns: Vec<u64>,
    /// Operations begun after the last planned arrival was due; 0 in a closed loop.
    pub backlog_end: u64,
    /// From the first operation's start or the plan's beginning to the last one's end.
    pub wall_ns: u64,
    /// CPU of the thread, waiting for arrivals excluded.
    pub cpu_ns: u64,
}

impl Timings {
    fn with_room(operations: u64, instruments: &Instruments<'_>, open: bool) -> Self {
        let timed = if instruments.timings { operations as usize } else { 0 };
        Self {
            starts_ns: Vec::with_capacity(timed),
            service_ns: Vec::with_capacity(timed),
            response_ns: Vec::with_capacity(if open { timed } else { 0 }),
            ..Self::default()
        }
    }

    /// Adds an operation that ran from `start` to `end` in a loop that began at `begin`.
    pub fn record(&mut self, begin: Instant, start: Instant, end: Instant) {
        self.begin = Some(begin);
        self.starts_ns.push((start - begin).as_nanos() as u64);
        self.service_ns.push((end - start).as_nanos() as u64);
        self.operations += 1;
    }
}

/// Runs `operations` operations of one thread; `operation` is given each one's number. In an open loop this thread's share
/// of the rate is `1 / threads`. Waiting happens in safe regions.
pub fn serve<M: Mutator, E>(
    mutator: &M,
    plan: &Plan<'_>,
    share: (u64, u64, u32, u32),
    operation: impl FnMut(u64) -> Result<(), E>,
) -> Result<Timings, E> {
    serve_and_pause(mutator, plan, share, operation, || Ok(()))
}

/// The same, and between two operations something that is part of neither: it is in no service time, and what arrives
/// meanwhile waits for it.
pub(crate) fn serve_and_pause<M: Mutator, E>(
    mutator: &M,
    plan: &Plan<'_>,
    (operations, seed, thread, threads): (u64, u64, u32, u32),
    operation: impl FnMut(u64) -> Result<(), E>,
    between: impl FnMut() -> Result<(), E>,
) -> Result<Timings, E> {
    let arrivals = match plan.pace {
        Pace::Closed => None,
        Pace::Open { rate } => Some(poisson(rate / f64::from(threads), operations, seed, thread)),
    };
    let instruments = plan.instruments();
    let timings = Timings::with_room(operations, &instruments, arrivals.is_some());
    match (arrivals, instruments.timings) {
        (None, false) => serve_untimed(mutator, operations, operation, between),
        (arrivals, timed) => {
            let plan = Loop { operations, arrivals: arrivals.as_deref(), timed };
            serve_timed(mutator, plan, timings, operation, between)
        }
    }
}

/// A closed loop that reads the clock at its ends only.
fn serve_untimed<M: Mutator, E>(
    mutator: &M,
    operations: u64,
    mut operation: impl FnMut(u64) -> Result<(), E>,
    mut between: impl FnMut() -> Result<(), E>,
) -> Result<Timings, E> {
    let cpu_before = thread_cpu_ns();
    let begin = Instant::now();
    for n in 0..operations {
        operation(n)?;
        between()?;
        mutator.safepoint();
    }
    let (wall_ns, cpu_ns) = (begin.elapsed().as_nanos() as u64, thread_cpu_ns() - cpu_before);
    Ok(Timings { operations, begin: Some(begin), wall_ns, cpu_ns, ..Timings::default() })
}

/// What a loop that reads the clock does.
struct Loop<'a> {
    operations: u64,
    /// Planned, in an open loop.
    arrivals: Option<&'a [u64]>,
    /// Whether what the clock said is kept.
    timed: bool,
}

/// A loop that reads the clock at both ends of each operation.
fn serve_timed<M: Mutator, E>(
    mutator: &M,
    Loop { operations, arrivals, timed }: Loop<'_>,
    mut timings: Timings,
    mut operation: impl FnMut(u64) -> Result<(), E>,
    mut between: impl FnMut() -> Result<(), E>,
) -> Result<Timings, E> {
    let cpu_before = thread_cpu_ns();
    let mut spun = Duration::ZERO;
    let begin = Instant::now();
    timings.begin = Some(begin);
    for n in 0..operations {
        if let Some(plan) = arrivals {
            spun += wait_until(mutator, begin + Duration::from_nanos(plan[n as usize]));
        }
        let start = Instant::now();
        operation(n)?;
        let end = Instant::now();
        if timed {
            timings.record(begin, start, end);
        } else {
            timings.operations += 1;
        }
        if let Some(plan) = arrivals {
            if timed {
                let end_ns = (end - begin).as_nanos() as u64;
                timings.response_ns.push(end_ns.saturating_sub(plan[n as usize]));
            }
            let last = plan[plan.len() - 1];
            timings.backlog_end += u64::from((start - begin).as_nanos() as u64 > last && n + 1 < operations);
        }
        between()?;
        mutator.safepoint();
    }
    timings.wall_ns = begin.elapsed().as_nanos() as u64;
    timings.cpu_ns = (thread_cpu_ns() - cpu_before).saturating_sub(spun.as_nanos() as u64);
    Ok(timings)
}

/// Waits for an arrival; returns how long it spun.
fn wait_until<M: Mutator>(mutator: &M, due: Instant) -> Duration {
    let now = Instant::now();
    if now >= due {
        return Duration::ZERO;
    }
    mutator.safe_region(|| {
        if let Some(sleep) = (due - now).checked_sub(SPIN) {
            std::thread::sleep(sleep);
        }
        let begin = Instant::now();
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        // A thread that lost its core meanwhile did not spin for all of that time.
        begin.elapsed().min(SPIN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_come_at_the_rate_asked_for_and_repeat() {
        let plan = poisson(10_000.0, 100_000, 7, 0);
        let seconds = plan[plan.len() - 1] as f64 / 1e9;
        assert!((9.8..10.2).contains(&seconds), "100,000 arrivals at 10,000/s took {seconds} s");
        assert!(plan.is_sorted());
        assert_eq!(plan, poisson(10_000.0, 100_000, 7, 0));
        assert_ne!(plan, poisson(10_000.0, 100_000, 7, 1));
    }
}
