//! What the system says of a process's memory: which of it the process has to itself, and which it shares.
//!
//! After a fork both processes have the same pages. A page that either of them writes to is copied first, and each has one
//! to itself from then on. Sums over a process are those of `/proc/PID/smaps_rollup`; which pages of a range of addresses
//! they are is in `/proc/PID/pagemap`, which tells of each page whether it is there and whether another process has it
//! too. Both files are for the process's own user, without further rights.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// Sums over all memory of a process, in bytes. Names and meaning are the kernel's (proc_pid_smaps(5)).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// Resident.
    pub rss: u64,
    /// The same, each page divided by the number of processes that have it: over all processes it adds up to what is used.
    pub pss: u64,
    /// Written to, and no other process has it: after a fork, what was copied, and what is new.
    pub private_dirty: u64,
    /// Not written to, and no other process has it.
    pub private_clean: u64,
    /// Not written to, and another process has it too.
    pub shared_clean: u64,
    /// Written to before the fork, and another process has it too.
    pub shared_dirty: u64,
}

impl ProcessMemory {
    /// Of the process with this number, now.
    ///
    /// # Errors
    /// If the system does not tell: another user's process, or a kernel without the file (Linux since 4.14 has it).
    pub fn of(process: u32) -> io::Result<Self> {
        let path = format!("/proc/{process}/smaps_rollup");
        let text = fs::read_to_string(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot read {path}: {error}")))?;
        parse(&text).ok_or_else(|| io::Error::other(format!("{path} is not as proc_pid_smaps(5) says")))
    }

    /// Whether the system tells of this process at all.
    ///
    /// # Errors
    /// The reason, if it does not.
    pub fn is_readable() -> io::Result<()> {
        Self::of(std::process::id()).map(|_| ())
    }

    /// Shared, clean or dirty.
    pub fn shared(&self) -> u64 {
        self.shared_clean + self.shared_dirty
    }
}

fn parse(text: &str) -> Option<ProcessMemory> {
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    };
    Some(ProcessMemory {
        rss: field("Rss")?,
        pss: field("Pss")?,
        private_dirty: field("Private_Dirty")?,
        private_clean: field("Private_Clean")?,
        shared_clean: field("Shared_Clean")?,
        shared_dirty: field("Shared_Dirty")?,
    })
}

/// What a process has of a range of addresses, in bytes of whole pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RangeMemory {
    /// Resident.
    pub resident: u64,
    /// Of it, what no other process has.
    pub private: u64,
}

impl RangeMemory {
    /// Of these addresses of the process with this number, now. Pages that begin or end in the range are in it.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn of(process: u32, addresses: &Range<u64>) -> io::Result<Self> {
        // Bits of an entry, one for each page (proc_pid_pagemap(5)).
        const PRESENT: u64 = 1 << 63;
        const EXCLUSIVE: u64 = 1 << 56;
        let page = page_bytes();
        let pages = addresses.start / page..addresses.end.div_ceil(page);
        let path = format!("/proc/{process}/pagemap");
        let unreadable = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {path}: {error}"));
        let mut file = File::open(&path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(pages.start * 8)).map_err(unreadable)?;
        let mut memory = Self::default();
        let mut buffer = vec![0; 1 << 16];
        let mut left = (pages.end - pages.start) * 8;
        while left > 0 {
            let part = &mut buffer[..left.min(1 << 16) as usize];
            file.read_exact(part).map_err(unreadable)?;
            left -= part.len() as u64;
            for entry in part.chunks_exact(8) {
                let entry = u64::from_ne_bytes(entry.try_into().expect("eight bytes"));
                if entry & PRESENT != 0 {
                    memory.resident += page;
                    memory.private += if entry & EXCLUSIVE != 0 { page } else { 0 };
                }
            }
        }
        Ok(memory)
    }
}

/// Bytes of a page: from the vector that the kernel gives each program (getauxval(3), `AT_PAGESZ`).
pub fn page_bytes() -> u64 {
    const AT_PAGESZ: u64 = 6;
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let vector = fs::read("/proc/self/auxv").unwrap_or_default();
        let words: Vec<u64> =
            vector.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("eight bytes"))).collect();
        // The size on x86-64, where a system does not show the vector.
        words.chunks_exact(2).find(|pair| pair[0] == AT_PAGESZ).map_or(4096, |pair| pair[1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_by_name() {
        let text = "55d-7ff ---p 00000000 00:00 0    [rollup]\nRss:     1760 kB\nPss:      223 kB\nPss_Dirty:  112 kB\n\
                    Shared_Clean:  1608 kB\nShared_Dirty:   4 kB\nPrivate_Clean:   40 kB\nPrivate_Dirty:   108 kB\n";
        let memory = parse(text).unwrap();
        assert_eq!((memory.rss, memory.pss, memory.private_dirty), (1760 << 10, 223 << 10, 108 << 10));
        assert_eq!((memory.private_clean, memory.shared()), (40 << 10, 1612 << 10));
        assert!(parse("Rss: 3 kB").is_none());
    }

    #[test]
    fn pages_that_were_written_to_are_resident_and_our_own() {
        if let Err(cause) = ProcessMemory::is_readable() {
            eprintln!("skipped: {cause}");
            return;
        }
        // More than an allocator keeps for reuse: pages that nobody has written to yet.
        const BYTES: usize = 64 << 20;
        let mut block = vec![0u8; BYTES];
        // Half of it.
        block[..BYTES / 2].fill(1);
        let begin = block.as_ptr().addr() as u64;
        let range = RangeMemory::of(std::process::id(), &(begin..begin + BYTES as u64)).unwrap();
        // Where the system gives huge pages unasked, one of them may reach into the other half.
        let near = |bytes: u64| bytes.abs_diff(BYTES as u64 / 2) < 9 << 18;
        assert!(near(range.resident) && near(range.private), "{range:?}");
        assert!(ProcessMemory::of(std::process::id()).unwrap().private_dirty >= range.private);
        assert!(page_bytes().is_power_of_two() && page_bytes() >= 4096);
        drop(block);
    }
}
