//! The platform control thread: an otherwise idle thread that sleeps and records by how much it wakes too late.
//!
//! What it sees is the machine's doing, not the heap's: published beside the results, never subtracted. It sees the core
//! it sleeps on, so a mutator kept from another core may go unnoticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::prctl;

use crate::histogram::Timings;
use crate::usage::thread_cpu_ns;

/// How long it sleeps each time.
pub const PERIOD: Duration = Duration::from_millis(1);

/// A running control thread.
pub struct Hiccups {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Recorded>,
}

/// What a control thread saw.
pub struct Recorded {
    /// How much later than planned it woke, each time.
    pub overshoot: Timings,
    /// CPU nanoseconds of the thread itself; part of the process's user and system time.
    pub cpu_ns: u64,
}

impl Hiccups {
    /// Starts the thread.
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            // Without it the kernel may add 50 µs of its own to each sleep. If refused, it does.
            let _ = prctl::set_timerslack(1);
            let mut overshoot = Timings::default();
            // Relaxed: it publishes nothing; what this thread recorded goes back through `join`.
            loop {
                let begin = Instant::now();
                std::thread::sleep(PERIOD);
                overshoot.record(begin.elapsed().saturating_sub(PERIOD).as_nanos() as u64);
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
            }
            Recorded { overshoot, cpu_ns: thread_cpu_ns() }
        });
        Self { stop, thread }
    }

    /// Stops the thread, within a period.
    pub fn stop(self) -> Recorded {
        // Relaxed: see the loop.
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the control thread does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_thread_wakes_and_no_oftener_than_every_period() {
        let begin = Instant::now();
        let hiccups = Hiccups::start();
        std::thread::sleep(Duration::from_millis(100));
        let recorded = hiccups.stop();
        // However late it or this thread is.
        let most = begin.elapsed().as_nanos() / PERIOD.as_nanos();
        let n = recorded.overshoot.summary().n;
        assert!((1..=most).contains(&u128::from(n)), "woke {n} times, {most} at most");
        assert!(recorded.cpu_ns > 0);
    }
}
