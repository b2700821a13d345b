//! What the system counts for this process and the calling thread: CPU time, switches, faults, peak memory.

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// CPU nanoseconds of the calling thread so far.
pub fn thread_cpu_ns() -> u64 {
    // The clock is there on every Linux; a system that refuses it shows as no CPU at all.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// What the system counted for the calling thread up to one moment. One call of the system.
#[derive(Clone, Copy, Debug)]
pub struct ThreadUsage(Option<Usage>);

impl ThreadUsage {
    /// As of now.
    pub fn now() -> Self {
        Self(getrusage(UsageWho::RUSAGE_THREAD).ok())
    }

    /// What happened since `earlier`. Nothing, if the system does not say.
    pub fn since(&self, earlier: &Self) -> ThreadSpan {
        let (Some(now), Some(earlier)) = (self.0, earlier.0) else { return ThreadSpan::default() };
        let switches = now.involuntary_context_switches() - earlier.involuntary_context_switches();
        let waits = now.voluntary_context_switches() - earlier.voluntary_context_switches();
        ThreadSpan { involuntary_switches: switches as u64, waits: waits as u64 }
    }
}

/// What happened to a thread in a span of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ThreadSpan {
    /// How often the system took the core from it.
    pub involuntary_switches: u64,
    /// How often it gave the core up to wait.
    pub waits: u64,
}

/// Figures of the whole process so far.
#[derive(Clone, Copy, Debug)]
pub struct ProcessUsage(Usage);

impl ProcessUsage {
    /// As of now. `None` if the system does not say.
    pub fn now() -> Option<Self> {
        getrusage(UsageWho::RUSAGE_SELF).ok().map(Self)
    }

    /// CPU nanoseconds in programs, counted by microsecond.
    pub fn user_ns(&self) -> u64 {
        self.0.user_time().num_microseconds() as u64 * 1_000
    }

    /// CPU nanoseconds in the system on its behalf, counted by microsecond.
    pub fn system_ns(&self) -> u64 {
        self.0.system_time().num_microseconds() as u64 * 1_000
    }

    /// How often the system took the core from one of its threads.
    pub fn involuntary_switches(&self) -> u64 {
        self.0.involuntary_context_switches() as u64
    }

    /// Page faults that needed no reading from disk.
    pub fn minor_faults(&self) -> u64 {
        self.0.minor_page_faults() as u64
    }
}

/// The most memory this process ever had resident, in bytes; `None` if the system does not say.
///
/// Read from `VmHWM`: the maximum in `getrusage` also covers the process that started this one.
pub fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_says_all_of_it() {
        let usage = ProcessUsage::now().unwrap();
        assert!(usage.user_ns() + usage.system_ns() > 0 && usage.minor_faults() > 0);
        assert!(peak_rss_bytes().unwrap() > 100_000);
        let before = thread_cpu_ns();
        while thread_cpu_ns() == before {}
    }
}
