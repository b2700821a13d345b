//! The axes on which heaps are compared, their units and which way is better.

use super::bootstrap::times_needed;
use crate::units;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Axis {
    /// A percentile, as a share, of end − planned arrival in nanoseconds.
    Response(f64),
    /// A percentile, as a share, of end − start in nanoseconds.
    Service(f64),
    /// CPU time of mutators and the heap's own threads per operation, in nanoseconds.
    Cpu,
    /// The most memory that the process had resident, in bytes.
    Memory,
    /// Operations a second.
    Throughput,
}

/// The percentiles of a verdict, the one to prefer first.
const PREFERRED: [f64; 4] = [0.999, 0.99, 0.9, 0.5];

impl Axis {
    /// As tables name it: `response p99.9`.
    pub fn name(self) -> String {
        let percentile = |of: &str, quantile: f64| format!("{of} p{}", (quantile * 1e6).round() / 1e4);
        match self {
            Axis::Response(quantile) => percentile("response", quantile),
            Axis::Service(quantile) => percentile("service", quantile),
            Axis::Cpu => "CPU per operation".to_owned(),
            Axis::Memory => "peak RSS".to_owned(),
            Axis::Throughput => "operations".to_owned(),
        }
    }

    /// Whether the smaller value is the better one.
    pub fn less_is_better(self) -> bool {
        !matches!(self, Axis::Throughput)
    }

    /// A value with its unit.
    pub fn show(self, value: f64) -> String {
        // Casts saturate: a value below 0 is shown as 0.
        match self {
            Axis::Response(_) | Axis::Service(_) | Axis::Cpu => units::time(value.round() as u64),
            Axis::Memory => units::size(value.round() as u64),
            Axis::Throughput => units::rate(value),
        }
    }
}

/// The highest percentile up to p99.9 for which each heap has enough times in all its rounds; `None` if there is none.
/// A verdict compares one percentile on all heaps.
pub fn highest_percentile(times_of_each_heap: &[u64]) -> Option<f64> {
    let least = times_of_each_heap.iter().copied().min()?;
    PREFERRED.into_iter().find(|&quantile| least >= times_needed(quantile))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_read_well() {
        assert_eq!(Axis::Response(0.999).name(), "response p99.9");
        assert_eq!(Axis::Service(0.5).name(), "service p50");
        assert_eq!(
            (Axis::Response(0.9999).name(), Axis::Response(0.99).name()),
            ("response p99.99".into(), "response p99".into())
        );
        assert_eq!((Axis::Cpu.show(1234.4), Axis::Memory.show(2048.0)), ("1.23 µs".into(), "2.00 KiB".into()));
    }

    #[test]
    fn the_percentile_is_the_highest_that_every_heap_has_times_for() {
        assert_eq!(highest_percentile(&[10_000, 20_000]), Some(0.999));
        assert_eq!(highest_percentile(&[9_999, 20_000]), Some(0.99));
        assert_eq!(
            (highest_percentile(&[20]), highest_percentile(&[19]), highest_percentile(&[])),
            (Some(0.5), None, None)
        );
    }
}
