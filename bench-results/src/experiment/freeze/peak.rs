//! The most memory that a process had at a time between two moments: the kernel's high-water mark, set back at the first.
//!
//! What a process has at the end of a step is not the most it had: scratch tables of a collection may be given back before it
//! ends. The kernel keeps the most that was ever resident (`VmHWM` in `/proc/PID/status`), and sets that mark back to what
//! is resident when 5 is written to `/proc/PID/clear_refs` (proc_pid_clear_refs(5), Linux since 4.0).

use std::fs;

/// That a mark was set back.
pub(super) struct Mark {
    process: u32,
}

impl Mark {
    /// Sets the mark of a process back; `None` where the system does not allow it.
    pub(super) fn set_back(process: u32) -> Option<Self> {
        fs::write(format!("/proc/{process}/clear_refs"), "5").ok()?;
        Some(Self { process })
    }

    /// Bytes that were resident at the most since then and are no longer: the mark less what is resident now. The kernel
    /// keeps both in counters that may lag by some tens of pages a processor.
    pub(super) fn given_back(&self) -> Option<u64> {
        given_back(&fs::read_to_string(format!("/proc/{}/status", self.process)).ok()?)
    }
}

fn given_back(status: &str) -> Option<u64> {
    let bytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    };
    Some(bytes("VmHWM")?.saturating_sub(bytes("VmRSS")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_the_mark_less_what_is_left() {
        assert_eq!(given_back("Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n"), Some(100 << 10));
        assert_eq!(given_back("VmHWM:\t  200 kB\nVmRSS:\t  300 kB\n"), Some(0));
        assert_eq!(given_back("VmRSS:\t  300 kB\n"), None);
    }

    #[test]
    fn memory_that_came_and_went_is_seen() {
        let Some(mark) = Mark::set_back(std::process::id()) else {
            eprintln!("skipped: the system sets no mark back");
            return;
        };
        // Beyond what an allocator keeps for reuse, and what other tests take meanwhile.
        let block = vec![1u8; 192 << 20];
        assert!(std::hint::black_box(&block).iter().step_by(4096).all(|byte| *byte == 1));
        drop(block);
        assert!(mark.given_back().unwrap() > 64 << 20, "{:?}", mark.given_back());
    }
}
