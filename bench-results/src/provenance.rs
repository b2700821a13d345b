//! Where a result comes from: the program, its source, the machine. Never the machine's name.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Everything about the program and the machine that a result depends on. What is not known is `null`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of `gclab`.
    pub version: String,
    /// SHA-256 of the program's file.
    pub binary: Option<String>,
    /// The commit its source was at.
    pub git_commit: Option<String>,
    /// Whether tracked files differed from it.
    pub git_dirty: Option<bool>,
    /// The compiler.
    pub rustc: String,
    /// The build profile: `release` or `debug`.
    pub profile: String,
    /// The target triple.
    pub target: String,
    /// The machine.
    pub machine: Machine,
}

/// What a result depends on of a machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor.
    pub cpu_model: Option<String>,
    /// Cores the system has.
    pub cores: Option<usize>,
    /// Cores this program may run on.
    pub usable_cores: Option<usize>,
    /// Whether it is a virtual machine.
    pub is_virtual: Option<bool>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The clock behind `Instant`.
    pub clock_source: Option<String>,
    /// The frequency governor of core 0; `null` where there is none.
    pub governor: Option<String>,
    /// Transparent huge pages: the mode in force.
    pub huge_pages: Option<String>,
    /// Their defragmentation: the mode in force.
    pub huge_pages_defrag: Option<String>,
    /// Address space randomization: 0 off, 2 full.
    pub aslr: Option<String>,
    /// The policy on overcommitting memory.
    pub overcommit: Option<String>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
}

/// How busy the machine is at one moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Load {
    /// Load averages over 1, 5 and 15 minutes.
    pub averages: Option<[f64; 3]>,
    /// Time that the hypervisor gave to others since the machine started, in ticks of 10 ms over all cores.
    pub steal_ticks: Option<u64>,
}

impl Provenance {
    /// Of this program on this machine.
    pub fn collect() -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary: binary_hash().ok().map(str::to_owned),
            git_commit: known(env!("GCLAB_COMMIT")),
            git_dirty: env!("GCLAB_DIRTY").parse().ok(),
            rustc: env!("GCLAB_RUSTC").to_owned(),
            profile: env!("GCLAB_PROFILE").to_owned(),
            target: env!("GCLAB_TARGET").to_owned(),
            machine: Machine::collect(),
        }
    }
}

impl Machine {
    fn collect() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").ok();
        let field = |name: &str| {
            let line = cpu.as_deref()?.lines().find(|line| line.starts_with(name))?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let memory = read("/proc/meminfo").and_then(|text| {
            let line = text.lines().next()?.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?;
            line.trim().parse::<u64>().ok()
        });
        Self {
            cpu_model: field("model name"),
            cores: cpu.as_deref().map(|cpu| cpu.lines().filter(|line| line.starts_with("processor")).count()),
            usable_cores: std::thread::available_parallelism().ok().map(usize::from),
            is_virtual: field("flags").map(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            kernel: read("/proc/sys/kernel/osrelease"),
            clock_source: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            huge_pages: read("/sys/kernel/mm/transparent_hugepage/enabled").as_deref().and_then(chosen),
            huge_pages_defrag: read("/sys/kernel/mm/transparent_hugepage/defrag").as_deref().and_then(chosen),
            aslr: read("/proc/sys/kernel/randomize_va_space"),
            overcommit: read("/proc/sys/vm/overcommit_memory"),
            memory_bytes: memory.map(|kib| kib * 1024),
        }
    }
}

impl Load {
    /// As of now.
    pub fn now() -> Self {
        let averages = read("/proc/loadavg").and_then(|text| {
            let numbers: Vec<f64> = text.split(' ').take(3).filter_map(|number| number.parse().ok()).collect();
            numbers.try_into().ok()
        });
        // The first line sums all cores; steal is its eighth figure.
        let steal_ticks = read("/proc/stat").and_then(|text| text.split_whitespace().nth(8)?.parse().ok());
        Self { averages, steal_ticks }
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The word in brackets: `always [madvise] never`.
fn chosen(modes: &str) -> Option<String> {
    Some(modes.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// SHA-256 of this program's file, read once.
pub fn binary_hash() -> Result<&'static str> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let hash = hash_of(Path::new("/proc/self/exe")).context("cannot read this program's own file")?;
    Ok(HASH.get_or_init(|| hash))
}

/// SHA-256 of a file's content, as 64 hexadecimal digits: what a file is, wherever it lies.
///
/// # Errors
/// If it cannot be read.
pub fn content_hash(path: &Path) -> Result<String> {
    hash_of(path).with_context(|| format!("cannot read {}; name a file that this user may read", path.display()))
}

fn hash_of(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// A short hash that differs from machine to machine; `None` where the system does not say which it is.
pub fn machine_hash() -> Option<&'static str> {
    static HASH: OnceLock<Option<String>> = OnceLock::new();
    let hash = || {
        // A machine without an identity of its own has one until it is started anew.
        let id = read("/etc/machine-id").or_else(|| read("/proc/sys/kernel/random/boot_id"))?;
        let name = read("/proc/sys/kernel/hostname")?;
        let processor = Machine::collect().cpu_model?;
        Some(sha256_hex(format!("gclab {id} {name} {processor}").as_bytes())[..12].to_owned())
    };
    HASH.get_or_init(hash).as_deref()
}

/// SHA-256 of some bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// This moment in UTC: `2026-11-21T09:26:30Z`.
pub fn now_utc() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days to a date: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days, for years from
    // 1970 on. Years begin in March there.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_253_190), "2026-11-21T09:26:30Z");
        assert_eq!(utc(1_798_761_599), "2026-12-31T23:59:59Z");
    }

    #[test]
    fn machine_has_no_name_in_its_provenance() {
        let provenance = serde_json::to_string(&Provenance::collect()).unwrap();
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert!(name.trim().len() < 4 || !provenance.contains(name.trim()));
    }

    #[test]
    fn hash_is_sha256() {
        assert_eq!(&sha256_hex(b"abc")[..16], "ba7816bf8f01cfea");
    }

    #[test]
    fn files_are_told_apart_by_their_content_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        // Longer than the buffer.
        let long = vec![7; (1 << 16) + 1];
        let (one, same, other) = (write("one", &long), write("same", &long), write("other", &long[1..]));
        assert_eq!(content_hash(&one).unwrap(), sha256_hex(&long));
        assert_eq!(content_hash(&one).unwrap(), content_hash(&same).unwrap());
        assert_ne!(content_hash(&one).unwrap(), content_hash(&other).unwrap());
        let error = content_hash(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("cannot read") && error.contains("none"), "{error}");
    }
}
