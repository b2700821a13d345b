//! What the system counts for this process, the calling thread and a heap's own threads: CPU time, switches, faults, peak
//! memory.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// CPU nanoseconds of the calling thread so far.
pub fn thread_cpu_ns() -> u64 {
    // The clock is there on every Linux; a system that refuses it shows as no CPU at all.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// How the threads that a heap starts for itself are called.
pub(crate) const HEAP_THREAD: &str = "gclab-collector";

/// CPU nanoseconds of the threads of this process that heaps started for themselves, by thread.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeapThreads(BTreeMap<i32, u64>);

impl HeapThreads {
    /// As of now. None where the system does not list a process's threads.
    pub fn now() -> Self {
        let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Self::default() };
        let threads = tasks.filter_map(|task| {
            let path = task.ok()?.path();
            let name = fs::read_to_string(path.join("comm")).ok()?;
            let thread: i32 = path.file_name()?.to_str()?.parse().ok()?;
            (name.trim_end() == HEAP_THREAD).then_some((thread, cpu_ns_of(thread)?))
        });
        Self(threads.collect())
    }

    /// CPU nanoseconds of all of them since `earlier`.
    pub fn since(&self, earlier: &Self) -> u64 {
        let before = |thread| earlier.0.get(thread).copied().unwrap_or(0);
        self.0.iter().map(|(thread, ns)| ns.saturating_sub(before(thread))).sum()
    }
}

/// CPU nanoseconds of any thread of this process; `None` if it has ended.
fn cpu_ns_of(thread: i32) -> Option<u64> {
    // How Linux numbers CPU clocks (`CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED`, as in `pthread_getcpuclockid`).
    let clock = ClockId::from_raw((!thread << 3) | 6);
    let time = clock_gettime(clock).ok()?;
    Some(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
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
    let status = fs::read_to_string("/proc/self/status").ok()?;
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

    #[test]
    fn cpu_of_a_heaps_own_threads_is_counted_and_nobody_elses() {
        let (done, wait) = std::sync::mpsc::channel();
        let before = HeapThreads::now();
        let mut threads = Vec::new();
        for name in [HEAP_THREAD, "another"] {
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            let done = done.clone();
            let work = move || {
                while thread_cpu_ns() < 20_000_000 {}
                done.send(()).unwrap();
                // There until it was looked at.
                let _ = stopped.recv();
            };
            threads.push((std::thread::Builder::new().name(name.to_owned()).spawn(work).unwrap(), stop));
        }
        wait.iter().take(2).for_each(drop);
        let counted = HeapThreads::now().since(&before);
        for (thread, stop) in threads {
            drop(stop);
            thread.join().unwrap();
        }
        assert!((20_000_000..40_000_000).contains(&counted), "{counted} ns");
    }
}
