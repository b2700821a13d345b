//! What the user wants: percentiles of latency below limits, and no more memory than so much. Read from the command line.

use serde::{Deserialize, Serialize};

use crate::histogram::Summary;
use crate::units;

/// A percentile of latency, or its maximum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Percentile {
    /// Half of the requests are faster.
    #[serde(rename = "p50")]
    P50,
    /// Nine in ten.
    #[serde(rename = "p90")]
    P90,
    /// 99 of 100.
    #[serde(rename = "p99")]
    P99,
    /// 999 of 1,000.
    #[serde(rename = "p99.9")]
    P99_9,
    /// 9,999 of 10,000.
    #[serde(rename = "p99.99")]
    P99_99,
    /// All of them.
    #[serde(rename = "max")]
    Max,
}

impl Percentile {
    /// All, from the least on.
    pub const ALL: [Self; 6] = [Self::P50, Self::P90, Self::P99, Self::P99_9, Self::P99_99, Self::Max];

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Percentile::P50 => "p50",
            Percentile::P90 => "p90",
            Percentile::P99 => "p99",
            Percentile::P99_9 => "p99.9",
            Percentile::P99_99 => "p99.99",
            Percentile::Max => "max",
        }
    }

    /// How many requests a run must have so that it says something: 10 / (1 − q), as everywhere.
    pub fn requests_needed(self) -> u64 {
        match self {
            Percentile::P50 => 20,
            Percentile::P90 => 100,
            Percentile::P99 => 1_000,
            Percentile::P99_9 | Percentile::Max => 10_000,
            Percentile::P99_99 => 100_000,
        }
    }

    /// Its value of a run, in nanoseconds.
    pub fn of(self, times: &Summary) -> Option<u64> {
        match self {
            Percentile::P50 => times.p50,
            Percentile::P90 => times.p90,
            Percentile::P99 => times.p99,
            Percentile::P99_9 => times.p99_9,
            Percentile::P99_99 => times.p99_99,
            Percentile::Max => times.max,
        }
    }
}

/// A limit of latency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Slo {
    /// Of which requests.
    pub percentile: Percentile,
    /// The limit.
    pub limit_ns: u64,
}

impl Slo {
    /// Reads `p99.9=5ms`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, limit) =
            text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write such as p99.9=5ms"))?;
        let percentile = Percentile::ALL.into_iter().find(|one| one.name() == name.trim()).ok_or_else(|| {
            let known = Percentile::ALL.map(Percentile::name).join(", ");
            format!("`{name}` is no percentile that is measured; give one of {known}")
        })?;
        Ok(Self { percentile, limit_ns: time(limit.trim())? })
    }

    /// As a person reads it: `p99.9 ≤ 5.00 ms`.
    pub fn words(&self) -> String {
        format!("{} ≤ {}", self.percentile.name(), units::time(self.limit_ns))
    }
}

/// Nanoseconds, from a number and its unit.
fn time(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time; write a number and a unit (ns, us, µs, ms, s), such as 5ms");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    let unit = match text[digits.len()..].trim() {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return Err(wrong()),
    };
    let ns = number * unit;
    if (1.0..=3.6e12).contains(&ns) { Ok(ns.round() as u64) } else { Err(wrong()) }
}

/// A limit of memory.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// So much more than with the first setting, as a share of it: the default, or what was recorded.
    Share(f64),
    /// So many bytes more.
    More(u64),
    /// So many bytes in all.
    Bytes(u64),
}

impl Memory {
    /// Reads `+10%`, `+50MiB` or `500MiB`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no limit of memory; write such as +10% or +50MiB (over the default setting), or 500MiB"
            )
        };
        let (more, amount) = match text.trim().strip_prefix('+') {
            Some(amount) => (true, amount),
            None => (false, text.trim()),
        };
        if let Some(percent) = amount.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            return if more && (0.0..=10_000.0).contains(&percent) {
                Ok(Self::Share(percent / 100.0))
            } else {
                Err(wrong())
            };
        }
        let digits = amount.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number: f64 = digits.parse().map_err(|_| wrong())?;
        let unit = match amount[digits.len()..].trim() {
            "B" => 1.0,
            "k" | "K" | "KiB" => 1024.0,
            "M" | "MiB" => 1_048_576.0,
            "G" | "GiB" => 1_073_741_824.0,
            _ => return Err(wrong()),
        };
        let bytes = number * unit;
        if !(0.0..=1e15).contains(&bytes) {
            return Err(wrong());
        }
        Ok(if more { Self::More(bytes as u64) } else { Self::Bytes(bytes as u64) })
    }

    /// The limit in bytes, where the first setting takes so much.
    pub fn limit(self, default_bytes: f64) -> f64 {
        match self {
            Memory::Share(share) => default_bytes * (1.0 + share),
            Memory::More(bytes) => default_bytes + bytes as f64,
            Memory::Bytes(bytes) => bytes as f64,
        }
    }

    /// The same where what the first setting takes may not be known: an absolute limit holds all the same.
    pub fn limit_if_known(self, default_bytes: Option<f64>) -> Option<f64> {
        match self {
            Memory::Bytes(bytes) => Some(bytes as f64),
            Memory::Share(_) | Memory::More(_) => default_bytes.map(|bytes| self.limit(bytes)),
        }
    }

    /// As a person reads it. `whose` is what it is relative to: `the default's`.
    pub fn words(self, whose: &str) -> String {
        match self {
            Memory::Share(share) => format!("peak memory ≤ {whose} + {:.4} %", share * 100.0).replace(".0000", ""),
            Memory::More(bytes) => format!("peak memory ≤ {whose} + {}", units::size(bytes)),
            Memory::Bytes(bytes) => format!("peak memory ≤ {}", units::size(bytes)),
        }
    }
}

/// All that is wanted at once.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Goal {
    /// Limits of latency; at least one, no percentile twice.
    pub slos: Vec<Slo>,
    /// The limit of memory, if there is one.
    pub memory: Option<Memory>,
}

impl Goal {
    /// As a person reads it. `whose` is what a limit of memory is relative to: `the default's`.
    pub fn words(&self, whose: &str) -> String {
        let slos = self.slos.iter().map(Slo::words);
        slos.chain(self.memory.map(|memory| memory.words(whose))).collect::<Vec<_>>().join(", ")
    }

    /// How many requests each run must have.
    pub fn requests_needed(&self) -> u64 {
        self.slos.iter().map(|slo| slo.percentile.requests_needed()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_latency_are_read_with_their_units() {
        for (text, percentile, limit_ns) in [
            ("p99.9=5ms", Percentile::P99_9, 5_000_000),
            ("p50=250us", Percentile::P50, 250_000),
            ("p99.99 = 1.5 µs", Percentile::P99_99, 1_500),
            ("max=2s", Percentile::Max, 2_000_000_000),
            ("p90=900ns", Percentile::P90, 900),
        ] {
            assert_eq!(Slo::parse(text), Ok(Slo { percentile, limit_ns }), "{text}");
        }
        for text in ["p99.9", "p98=5ms", "p99=5", "p99=ms", "p99=-5ms", "p99=5min", "p99=0ms", "=5ms", "p99=9999s"] {
            assert!(Slo::parse(text).is_err(), "{text}");
        }
        assert_eq!(Slo::parse("p99=5ms").unwrap().words(), "p99 ≤ 5.00 ms");
    }

    #[test]
    fn limits_of_memory_are_relative_or_absolute() {
        assert_eq!(Memory::parse("+10%"), Ok(Memory::Share(0.1)));
        assert_eq!(Memory::parse("+50MiB"), Ok(Memory::More(50 << 20)));
        assert_eq!(Memory::parse("500M"), Ok(Memory::Bytes(500 << 20)));
        for text in ["10%", "+", "+10", "-5%", "+1TB", "%", "+x%"] {
            assert!(Memory::parse(text).is_err(), "{text}");
        }
        assert!((Memory::Share(0.1).limit(200.0) - 220.0).abs() < 1e-9);
        assert_eq!((Memory::More(50).limit(200.0), Memory::Bytes(50).limit(200.0)), (250.0, 50.0));
        assert_eq!(Memory::Bytes(50).limit_if_known(None), Some(50.0), "it needs no default");
        assert_eq!(Memory::More(50).limit_if_known(Some(200.0)), Some(250.0));
        assert_eq!((Memory::More(50).limit_if_known(None), Memory::Share(0.1).limit_if_known(None)), (None, None));
        assert_eq!(Memory::Share(0.1).words("the default's"), "peak memory ≤ the default's + 10 %");
        assert_eq!(Memory::More(1 << 20).words("the service's"), "peak memory ≤ the service's + 1.00 MiB");
    }
}
