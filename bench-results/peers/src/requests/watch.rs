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
    stage: AtomicU64,
}

/// What the contestant's process is at.
#[derive(Clone, Copy)]
pub enum Stage {
    Filling,
    Serving,
    Ending,
    Over,
}

/// What the watchdog saw last of each counter, and since when.
struct Seen {
    stage: (u64, Instant),
    threads: Vec<(u64, Instant)>,
}

impl Watch {
    pub fn new(threads: usize) -> Self {
        Self {
            threads: (0..threads).map(|_| Counter::default()).collect(),
            stage: AtomicU64::new(Stage::Filling as u64),
        }
    }

    pub fn enter(&self, stage: Stage) {
        // Relaxed: the watchdog looks again.
        self.stage.store(stage as u64, Ordering::Relaxed);
    }

    /// Looks on until something hangs, and reports it. Who reads that ends the process: a hung thread cannot be ended.
    pub fn look_on(&self) {
        let begin = Instant::now();
        let mut seen = Seen { stage: (Stage::Filling as u64, begin), threads: vec![(0, begin); self.threads.len()] };
        loop {
            thread::sleep(LOOK);
            if let Some(how) = self.hung(&mut seen, Instant::now()) {
                println!("{}", Outcome::failure_line(&how));
                return;
            }
        }
    }

    /// How the process hangs, if it does.
    fn hung(&self, seen: &mut Seen, now: Instant) -> Option<String> {
        // Relaxed: a value that is a little old makes it look again.
        let stage = self.stage.load(Ordering::Relaxed);
        if stage != seen.stage.0 {
            seen.stage = (stage, now);
            seen.threads.iter_mut().for_each(|seen| seen.1 = now);
        }
        for (seen, counter) in seen.threads.iter_mut().zip(&self.threads) {
            let served = counter.0.load(Ordering::Relaxed);
            if seen.0 != served {
                *seen = (served, now);
            }
        }
        if stage == Stage::Over as u64 {
            return None;
        }
        if stage == Stage::Serving as u64 {
            let mut waiting = seen.threads.iter().filter(|seen| seen.0 != FINISHED).peekable();
            if waiting.peek().is_some() {
                let stuck = waiting.find(|seen| now - seen.1 > PATIENCE)?;
                return Some(format!("hung, a thread after {} requests", stuck.0));
            }
        }
        let since = seen.threads.iter().map(|seen| seen.1).fold(seen.stage.1, Instant::max);
        let what = if stage == Stage::Filling as u64 { "as it filled the cache" } else { "at its end" };
        (now - since > PATIENCE_ALONE).then(|| format!("hung {what}"))
    }
}

/// Processor time of the process in nanoseconds, to a hundredth of a second. Zero where the system does not say.
pub fn processor_time() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold spaces: user and system time are the 12th and 13th, in the ticks of Linux's interface.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10_000_000
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_stands_still_is_reported_and_a_finished_one_is_not() {
        let watch = Watch::new(2);
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut seen = Seen { stage: (0, begin), threads: vec![(0, begin); 2] };
        assert_eq!(watch.hung(&mut seen, after(50)), None, "filling the cache may take a minute");
        watch.enter(Stage::Serving);
        let serve = |thread: usize, n| watch.threads[thread].0.store(n, Ordering::Relaxed);
        assert_eq!(watch.hung(&mut seen, after(70)), None, "the wait begins with the stage");
        serve(0, 7);
        serve(1, FINISHED);
        assert_eq!(watch.hung(&mut seen, after(79)), None);
        assert_eq!(watch.hung(&mut seen, after(88)), None);
        assert_eq!(watch.hung(&mut seen, after(90)).as_deref(), Some("hung, a thread after 7 requests"));
        serve(0, FINISHED);
        watch.enter(Stage::Ending);
        assert_eq!(watch.hung(&mut seen, after(91)), None);
        assert_eq!(watch.hung(&mut seen, after(152)).as_deref(), Some("hung at its end"));
        watch.enter(Stage::Over);
        assert_eq!(watch.hung(&mut seen, after(1000)), None);
    }
}
