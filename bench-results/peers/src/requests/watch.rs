//! The watchdog of a contestant's process, and what the system says of its memory.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::program::FINISHED;

/// A thread that ends no request for so long is reported as hung.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long may filling the cache or the last collection take.
const PATIENCE_ALONE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(500);

/// A counter on cache lines of its own, so that watching it slows nobody.
#[repr(align(128))]
#[derive(Default)]
pub struct Counter(pub AtomicU64);

/// What the watchdog looks at.
pub struct Watch {
    pub threads: Vec<Counter>,
    /// 0 while the cache is filled, 1 while requests are served, 2 in the last collection.
    pub stage: AtomicU64,
}

impl Watch {
    pub fn new(threads: usize) -> Self {
        Self { threads: (0..threads).map(|_| Counter::default()).collect(), stage: AtomicU64::new(0) }
    }

    /// Looks on until something hangs; then reports it and ends the process, since a hung thread cannot be ended.
    pub fn look_on(&self) -> ! {
        // Relaxed: a value that is a little old makes it look again.
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut seen: Vec<(u64, Instant)> = vec![(0, Instant::now()); self.threads.len()];
        let mut stage = (0, Instant::now());
        loop {
            thread::sleep(LOOK);
            let now = Instant::now();
            if read(&self.stage) != stage.0 {
                stage = (read(&self.stage), now);
                seen.iter_mut().for_each(|seen| seen.1 = now);
            }
            let served = self.threads.iter().map(|thread| read(&thread.0));
            for (seen, served) in seen.iter_mut().zip(served) {
                if seen.0 != served {
                    *seen = (served, now);
                }
            }
            let done = || seen.iter().filter(|seen| seen.0 != FINISHED).map(|seen| seen.0).sum::<u64>();
            let serving = stage.0 == 1 && seen.iter().any(|seen| seen.0 != FINISHED);
            let hung = match (stage.0, serving) {
                (1, true) => seen
                    .iter()
                    .any(|seen| seen.0 != FINISHED && now - seen.1 > PATIENCE)
                    .then(|| format!("hung after {} requests", done())),
                (0, _) => (now - stage.1 > PATIENCE_ALONE).then(|| "hung while it filled the cache".to_owned()),
                (1, false) => {
                    let last = seen.iter().map(|seen| seen.1).max().expect("one thread at least");
                    (now - last > PATIENCE_ALONE).then(|| "hung at the end of its threads".to_owned())
                }
                _ => (now - stage.1 > PATIENCE_ALONE).then(|| "hung in the last collection".to_owned()),
            };
            if let Some(how) = hung {
                println!("{}", Outcome::failure_line(&how));
                std::process::exit(0);
            }
        }
    }
}

/// Resident memory in KiB: at present, and the most since [`forget_peak`]. Zero where the system does not say.
pub fn resident() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    (field("VmRSS:").unwrap_or(0), field("VmHWM:").unwrap_or(0))
}

/// Lets the peak begin anew at what is resident. Where that is refused, the peak of building the cache stays in the figure.
pub fn forget_peak() {
    let _refused = fs::write("/proc/self/clear_refs", "5");
}
