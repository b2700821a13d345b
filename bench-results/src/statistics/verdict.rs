//! The verdict on a workload: which heap is better on which axis, by how much, and whether that counts.
//!
//! Latency, CPU and memory are judged together, because each can be bought with another: a collector that waits longer has
//! shorter pauses and more garbage. Therefore one heap is said to *beat* another only at equal memory, and all three ratios
//! stand in the sentence. Memory is equal where it is shown to be: the whole interval of the ratio lies within 5 %. Where it is
//! not there is no winner but a *Pareto front*: the heaps to which no other is better on one axis and worse on none. What an
//! interval does not separate counts as equal there. Nor is there a winner where the noise floor is not known.

use std::fmt::Write as _;

use super::axis::Axis;
use super::comparison::{Comparison, Difference, Standing};

/// Memory is equal if the interval of the ratio, whichever way round, ends below this.
pub const EQUAL_MEMORY: f64 = 1.05;

/// The verdict on one workload.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The workload.
    pub workload: String,
    /// Latency, CPU and memory, in this order.
    pub axes: [AxisVerdict; 3],
    /// Whether all heaps are shown to have equal memory: the interval of each pair's ratio lies within 5 %. `None` if one is
    /// not known.
    pub memory_equal: Option<bool>,
    /// The least and the greatest memory, in bytes, of the heaps whose memory is known.
    pub memory_range: Option<(f64, f64)>,
    /// Pairs with equal memory of which one is better on latency or CPU and worse on neither.
    pub beats: Vec<Beats>,
    /// Heaps to which no other is better on one axis and worse on none, in the order given. A heap that lacks an axis or
    /// failed in a round is not among them.
    pub front: Vec<String>,
    /// What is not in the verdict, and why.
    pub excluded: Vec<String>,
}

/// Who is best on one axis.
#[derive(Clone, PartialEq, Debug)]
pub struct AxisVerdict {
    /// The axis.
    pub axis: Axis,
    /// The heap with the best value, and it; `None` if no heap has one.
    pub best: Option<(String, f64)>,
    /// Heaps that are not told apart from the best.
    pub tied: Vec<String>,
    /// The best of the heaps that are worse beyond interval and noise, over the best heap.
    pub next: Option<(String, Difference)>,
    /// Heaps without a value, and why.
    pub unknown: Vec<(String, String)>,
    /// By which factor a heap differs from itself; `None` if no A/A cell tells: then intervals alone tell heaps apart.
    pub noise_factor: Option<f64>,
}

/// One heap beats another: latency, CPU and memory ratios, the winner's over the loser's.
#[derive(Clone, PartialEq, Debug)]
pub struct Beats {
    /// The better heap.
    pub winner: String,
    /// The other.
    pub loser: String,
    /// On each axis.
    pub ratios: [Difference; 3],
}

impl Verdict {
    /// From three comparisons of the same heaps in the same order. `excluded` names what was left out beforehand, such as
    /// heaps that failed.
    pub fn new(workload: &str, axes: [&Comparison; 3], excluded: Vec<String>) -> Result<Self, UnequalHeaps> {
        let heaps: Vec<&str> = axes[0].rows.iter().map(|row| row.heap.as_str()).collect();
        if axes.iter().any(|axis| axis.rows.iter().map(|row| row.heap.as_str()).ne(heaps.iter().copied())) {
            return Err(UnequalHeaps { workload: workload.to_owned() });
        }
        let memory: Vec<Option<f64>> = axes[2].rows.iter().map(|row| row.point).collect();
        let memory_range = memory.iter().flatten().fold(None, |range: Option<(f64, f64)>, &bytes| {
            let (least, most) = range.unwrap_or((bytes, bytes));
            Some((least.min(bytes), most.max(bytes)))
        });
        let complete = !memory.is_empty() && memory.iter().all(Option::is_some);
        let pairs = || (0..heaps.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let memory_equal = complete.then(|| pairs().all(|(one, other)| equal_memory(axes[2], one, other)));
        let failed = |axis: &&Comparison| -> Vec<String> {
            axis.rows.iter().flat_map(|row| row.failed.iter().map(|what| format!("{} {what}", row.heap))).collect()
        };
        let failed_rounds = failed_rounds(axes);
        let mut excluded = excluded;
        for what in axes.iter().flat_map(failed) {
            // A round that failed is missing on each axis.
            if !excluded.contains(&what) {
                excluded.push(what);
            }
        }
        for (heap, rounds) in heaps.iter().zip(&failed_rounds).filter(|(_, rounds)| **rounds > 0) {
            let rounds = if *rounds == 1 { "a round".to_owned() } else { format!("{rounds} rounds") };
            excluded.push(format!(
                "{heap} failed in {rounds}, so it beats no heap, none is said to beat it, and it has no place on the front"
            ));
        }
        Ok(Self {
            workload: workload.to_owned(),
            axes: axes.map(AxisVerdict::new),
            memory_equal,
            memory_range,
            beats: beats(&heaps, axes, &failed_rounds),
            front: front(axes, &failed_rounds).into_iter().map(|place| heaps[place].to_owned()).collect(),
            excluded,
        })
    }

    /// The verdict in plain English: a line an axis, one on what follows from them, and one on what is left out, if anything
    /// is.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.axes.iter().map(AxisVerdict::line).collect();
        lines.push(self.conclusion());
        if !self.excluded.is_empty() {
            lines.push(format!("Left out: {}.", self.excluded.join("; ")));
        }
        lines
    }

    /// Of latency and CPU, by which heaps beat one another.
    fn noise_is_known(&self) -> bool {
        self.axes[..2].iter().all(|axis| axis.noise_factor.is_some())
    }

    fn conclusion(&self) -> String {
        let memory = self.axes[2].axis;
        let apart = |(least, most): (f64, f64)| most > EQUAL_MEMORY * least;
        let mut line = match (self.memory_equal, self.memory_range) {
            (Some(true), _) => "Memory is equal within 5 %.".to_owned(),
            (Some(false), Some((least, most))) if apart((least, most)) => {
                format!("Memory is not equal: {} to {}.", memory.show(least), memory.show(most))
            }
            (Some(false), Some((least, most))) => format!(
                "Memory is not shown equal: {} to {}, but an interval reaches beyond 5 % or there is none.",
                memory.show(least),
                memory.show(most)
            ),
            _ => "Memory is not known of every heap.".to_owned(),
        };
        if !self.noise_is_known() {
            line.push_str(" How much is noise is not known, so no heap is said to beat another.");
        }
        for beats in &self.beats {
            // Writing to a String cannot fail.
            let _ = write!(line, " {}", beats.sentence([0, 1, 2].map(|place| self.axes[place].axis)));
        }
        if self.memory_equal != Some(true) {
            if self.front.is_empty() {
                line.push_str(" No heap has all three axes and no failed round, so there is no Pareto front.");
            } else {
                let _ =
                    write!(line, " No other is better on one axis and worse on none than: {}.", self.front.join(", "));
            }
        } else if self.beats.is_empty() && self.noise_is_known() {
            line.push_str(" No heap beats another.");
        }
        line
    }
}

impl AxisVerdict {
    fn new(comparison: &Comparison) -> Self {
        let axis = comparison.axis;
        let better = |one: f64, other: f64| if axis.less_is_better() { one < other } else { one > other };
        let known = || comparison.rows.iter().enumerate().filter_map(|(place, row)| Some((place, row.point?)));
        let best = known().reduce(|best, row| if better(row.1, best.1) { row } else { best });
        let (mut tied, mut next) = (Vec::new(), None::<(usize, f64)>);
        if let Some((best, _)) = best {
            for (place, point) in known().filter(|&(place, _)| place != best) {
                if !comparison.is_better(best, place) {
                    tied.push(comparison.rows[place].heap.clone());
                } else if next.is_none_or(|(_, known)| better(point, known)) {
                    next = Some((place, point));
                }
            }
        }
        let reason = |row: &super::comparison::Row| match row.value {
            Err(reason) => reason.to_string(),
            Ok(_) => "no value".to_owned(),
        };
        Self {
            axis,
            best: best.map(|(place, point)| (comparison.rows[place].heap.clone(), point)),
            tied,
            next: next.and_then(|(place, _)| {
                Some((comparison.rows[place].heap.clone(), comparison.difference(place, best?.0)?))
            }),
            unknown: comparison
                .rows
                .iter()
                .filter(|row| row.point.is_none())
                .map(|row| (row.heap.clone(), reason(row)))
                .collect(),
            noise_factor: comparison.noise_factor(),
        }
    }

    fn line(&self) -> String {
        let name = self.axis.name();
        let Some((heap, value)) = &self.best else {
            let why = self.unknown.first().map_or("no heap", |(_, why)| why);
            return format!("{name}: n/a ({why}).");
        };
        let superlative = if self.axis.less_is_better() { "least" } else { "most" };
        let mut line = format!("{name}: {superlative} on {heap}, {}", self.axis.show(*value));
        // Writing to a String cannot fail.
        if !self.tied.is_empty() {
            let _ = write!(line, ", not told apart from {}", self.tied.join(", "));
        }
        if let Some((next, difference)) = &self.next {
            let _ = write!(line, "; next is {next}, {}", factor(difference));
        }
        let _ = match self.noise_factor {
            Some(noise) => write!(line, "; noise {:.1} %", (noise - 1.0) * 100.0),
            None if self.next.is_some() => write!(line, "; noise unknown, told apart by the interval alone"),
            None => write!(line, "; noise unknown"),
        };
        for (heap, why) in &self.unknown {
            let _ = write!(line, "; {heap} n/a ({why})");
        }
        line + "."
    }
}

impl Beats {
    fn sentence(&self, axes: [Axis; 3]) -> String {
        let [latency, cpu, memory] =
            [0, 1, 2].map(|place| format!("{} {}", axes[place].name(), factor(&self.ratios[place])));
        format!("{} beats {}: {latency}, {cpu}, {memory}.", self.winner, self.loser)
    }
}

/// A ratio with its interval: `× 1.52 (1.40–1.71)`.
fn factor(difference: &Difference) -> String {
    match difference.ratio {
        Ok(ratio) => format!("× {} ({}–{})", digits(ratio.point), digits(ratio.low), digits(ratio.high)),
        Err(why) => format!("n/a ({why})"),
    }
}

/// Three digits of a factor.
pub fn digits(factor: f64) -> String {
    match factor {
        f if f >= 99.95 => format!("{f:.0}"),
        f if f >= 9.995 => format!("{f:.1}"),
        f if f >= 0.0995 => format!("{f:.2}"),
        f => format!("{f:.4}"),
    }
}

/// Whether two heaps are shown to have equal memory: the whole interval of the ratio lies within 5 %.
fn equal_memory(memory: &Comparison, one: usize, other: usize) -> bool {
    let ratio = memory.difference(one, other).and_then(|difference| difference.ratio.ok());
    ratio.is_some_and(|ratio| ratio.high <= EQUAL_MEMORY && ratio.low >= 1.0 / EQUAL_MEMORY)
}

/// In how many rounds each heap failed. The figures of such a heap are of the rounds that went well: no ground for a verdict.
fn failed_rounds(axes: [&Comparison; 3]) -> Vec<usize> {
    let failed = |place: usize| axes.iter().map(|axis| axis.rows[place].failed.len()).max().unwrap_or(0);
    (0..axes[0].rows.len()).map(failed).collect()
}

/// Pairs of heaps with equal memory of which the one is better on latency or CPU, and worse on neither. None where it is not
/// known how much is noise, and none with a heap that failed in a round.
fn beats(heaps: &[&str], axes: [&Comparison; 3], failed_rounds: &[usize]) -> Vec<Beats> {
    let mut pairs = Vec::new();
    if axes[..2].iter().any(|axis| axis.noise_factor().is_none()) {
        return pairs;
    }
    for winner in 0..heaps.len() {
        for loser in (0..heaps.len()).filter(|&loser| loser != winner) {
            if failed_rounds[winner] + failed_rounds[loser] > 0 {
                continue;
            }
            if !equal_memory(axes[2], winner, loser) || !is_above(&axes[..2], winner, loser) {
                continue;
            }
            // Noise may hide that the winner is worse on the other axis: who claims that it beats may not lean on it.
            if axes[..2].iter().any(|axis| looks_worse(axis, winner, loser)) {
                continue;
            }
            let [Some(latency), Some(cpu), Some(memory)] = axes.map(|axis| axis.difference(winner, loser)) else {
                continue;
            };
            let (winner, loser) = (heaps[winner].to_owned(), heaps[loser].to_owned());
            pairs.push(Beats { winner, loser, ratios: [latency, cpu, memory] });
        }
    }
    pairs
}

/// Whether the interval alone, noise left aside, puts one heap on the worse side of another.
fn looks_worse(axis: &Comparison, one: usize, other: usize) -> bool {
    let ratio = axis.difference(one, other).and_then(|difference| difference.ratio.ok());
    ratio.is_some_and(|ratio| if axis.axis.less_is_better() { ratio.low > 1.0 } else { ratio.high < 1.0 })
}

/// Whether one heap is better on one axis and worse on none. What is not known on one axis is no ground.
fn is_above(axes: &[&Comparison], one: usize, other: usize) -> bool {
    let known = |axis: &&Comparison| {
        axis.difference(one, other).is_some_and(|difference| difference.standing != Standing::Unknown)
    };
    axes.iter().all(known)
        && axes.iter().any(|axis| axis.is_better(one, other))
        && !axes.iter().any(|axis| axis.is_better(other, one))
}

fn front(axes: [&Comparison; 3], failed_rounds: &[usize]) -> Vec<usize> {
    let known = |place: usize| failed_rounds[place] == 0 && axes.iter().all(|axis| axis.rows[place].point.is_some());
    let heaps: Vec<usize> = (0..axes[0].rows.len()).filter(|&place| known(place)).collect();
    let above = |one: usize, other: usize| is_above(&axes, one, other);
    // Equal within an interval is not transitive, so that three heaps may each be above the next. A heap is off the
    // front only if one stands above it to which it is not in turn, over others, above.
    let reaches = |from: usize, to: usize| {
        let (mut seen, mut next) = (vec![from], vec![from]);
        while let Some(at) = next.pop() {
            for &below in heaps.iter().filter(|&&below| above(at, below)) {
                if !seen.contains(&below) {
                    seen.push(below);
                    next.push(below);
                }
            }
        }
        seen.contains(&to)
    };
    let off = |place: usize| heaps.iter().any(|&other| above(other, place) && !reaches(place, other));
    heaps.iter().copied().filter(|&place| !off(place)).collect()
}

/// The three comparisons of a verdict are not of the same heaps.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("latency, CPU and memory of {workload} are not of the same heaps in the same order: give each all heaps")]
pub struct UnequalHeaps {
    /// The workload.
    pub workload: String,
}

#[cfg(test)]
mod tests {
    use crate::statistics::bootstrap::Plan;
    use crate::statistics::comparison::{Measured, Rounds};

    use super::*;

    /// Heaps by their mean on one axis; rounds differ by up to 2 %, in the same way on each, and each heap by 0.2 % more. The
    /// first heap is the twin's, if there is a twin, which is so many times as much.
    fn axis_with(axis: Axis, means: &[(&str, f64)], twin: Option<f64>) -> Comparison {
        const ROUND: [f64; 6] = [1.0, 1.02, 0.98, 1.01, 0.99, 1.0];
        const OWN: [[f64; 6]; 2] = [[1.001, 0.999, 1.002, 0.998, 1.0, 1.0], [0.999, 1.001, 1.0, 1.0, 0.998, 1.002]];
        let heaps: Vec<Measured> = means
            .iter()
            .enumerate()
            .map(|(place, &(heap, mean))| {
                let own = OWN[place % 2];
                let rounds = (0..).zip(ROUND.iter().zip(own).map(|(round, own)| mean * round * own)).collect();
                Measured { heap: heap.to_owned(), rounds: Rounds::Values(rounds), failed: Vec::new() }
            })
            .collect();
        let twin = twin.map(|factor| Measured {
            heap: means[0].0.to_owned(),
            rounds: Rounds::Values((0..).zip(ROUND.map(|round| means[0].1 * round * factor)).collect()),
            failed: Vec::new(),
        });
        let plan = Plan { resamples: 1_000, ..Plan::default() };
        Comparison::new(&plan, axis, &heaps, means[0].0, twin.as_ref())
    }

    fn axis(axis: Axis, means: &[(&str, f64)]) -> Comparison {
        axis_with(axis, means, Some(1.0))
    }

    fn verdict(latency: &[(&str, f64)], cpu: &[(&str, f64)], memory: &[(&str, f64)]) -> Verdict {
        let axes = [axis(Axis::Response(0.999), latency), axis(Axis::Cpu, cpu), axis(Axis::Memory, memory)];
        Verdict::new("web", [&axes[0], &axes[1], &axes[2]], Vec::new()).unwrap()
    }

    const MIB: f64 = 1_048_576.0;

    #[test]
    fn at_equal_memory_a_heap_beats_another_with_all_three_ratios() {
        let verdict = verdict(
            &[("a", 10_000.0), ("b", 5_000.0)],
            &[("a", 1_000.0), ("b", 1_000.0)],
            &[("a", 100.0 * MIB), ("b", 103.0 * MIB)],
        );
        assert_eq!(verdict.memory_equal, Some(true));
        assert_eq!(
            verdict.beats.iter().map(|pair| (pair.winner.as_str(), pair.loser.as_str())).collect::<Vec<_>>(),
            [("b", "a")]
        );
        let lines = verdict.lines();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("response p99.9: least on b, 5.00 µs; next is a, × 2.00 ("), "{}", lines[0]);
        assert!(lines[1].starts_with("CPU per operation: least on ") && lines[1].contains("not told apart from"));
        assert!(lines[3].starts_with("Memory is equal within 5 %. b beats a: response p99.9 × 0.50 ("), "{}", lines[3]);
        for axis in ["CPU per operation × 1.00 (", "peak RSS × 1.03 ("] {
            assert!(lines[3].contains(axis), "{axis} is missing in: {}", lines[3]);
        }
    }

    #[test]
    fn memory_is_equal_only_where_the_interval_shows_it() {
        let latency = axis(Axis::Response(0.999), &[("a", 10_000.0), ("b", 5_000.0)]);
        let cpu = axis(Axis::Cpu, &[("a", 1_000.0), ("b", 1_000.0)]);
        let heap = |heap: &str, mib: &[f64]| Measured {
            heap: heap.to_owned(),
            rounds: Rounds::Values((0..).zip(mib.iter().map(|mib| mib * MIB)).collect()),
            failed: Vec::new(),
        };
        // The means are equal; rounds differ by up to a third. And two rounds are too few for an interval.
        let steady = [100.0; 6];
        for unsteady in [&[70.0, 130.0, 85.0, 115.0, 75.0, 125.0][..], &[100.0, 100.0]] {
            let heaps = [heap("a", &steady), heap("b", unsteady)];
            let memory = Comparison::new(&Plan::default(), Axis::Memory, &heaps, "a", None);
            let verdict = Verdict::new("web", [&latency, &cpu, &memory], Vec::new()).unwrap();
            assert_eq!((verdict.memory_equal, verdict.beats.len()), (Some(false), 0));
            let last = verdict.lines().pop().unwrap();
            assert!(last.starts_with("Memory is not shown equal: 100 MiB to 100 MiB, but an interval"), "{last}");
        }
    }

    #[test]
    fn where_noise_is_not_known_nothing_beats_and_that_is_said() {
        let of = |one: Axis, means: &[(&str, f64)]| axis_with(one, means, None);
        let latency = of(Axis::Response(0.999), &[("a", 10_000.0), ("b", 5_000.0)]);
        let (cpu, memory) = (of(Axis::Cpu, &[("a", 1.0), ("b", 1.0)]), of(Axis::Memory, &[("a", MIB), ("b", MIB)]));
        let verdict = Verdict::new("web", [&latency, &cpu, &memory], Vec::new()).unwrap();
        assert_eq!((verdict.memory_equal, verdict.beats.len()), (Some(true), 0));
        let lines = verdict.lines();
        assert!(lines[0].ends_with("; noise unknown, told apart by the interval alone."), "{}", lines[0]);
        assert!(lines[1].ends_with("; noise unknown."), "{}", lines[1]);
        assert!(
            lines[3].ends_with("How much is noise is not known, so no heap is said to beat another."),
            "{}",
            lines[3]
        );
    }

    #[test]
    fn at_unequal_memory_nothing_beats_and_the_front_is_named() {
        // b buys latency with memory; c is worse than a on each axis.
        let verdict = verdict(
            &[("a", 10_000.0), ("b", 5_000.0), ("c", 12_000.0)],
            &[("a", 1_000.0), ("b", 1_000.0), ("c", 1_100.0)],
            &[("a", 100.0 * MIB), ("b", 200.0 * MIB), ("c", 120.0 * MIB)],
        );
        assert_eq!((verdict.memory_equal, verdict.beats.len()), (Some(false), 0));
        assert_eq!(verdict.front, ["a", "b"]);
        let last = verdict.lines().pop().unwrap();
        assert_eq!(
            last,
            "Memory is not equal: 100 MiB to 200 MiB. No other is better on one axis and worse on none than: a, b."
        );
        assert!(!verdict.lines().concat().contains("beats"));
    }

    #[test]
    fn what_only_noise_hides_is_no_ground_to_beat() {
        // b is better on CPU; its latency is 5 % worse, which a noise floor of 10 % hides.
        let latency = axis_with(Axis::Response(0.999), &[("a", 10_000.0), ("b", 10_500.0)], Some(1.1));
        let cpu = axis(Axis::Cpu, &[("a", 1_000.0), ("b", 500.0)]);
        let memory = axis(Axis::Memory, &[("a", 100.0 * MIB), ("b", 100.0 * MIB)]);
        let verdict = Verdict::new("web", [&latency, &cpu, &memory], Vec::new()).unwrap();
        assert_eq!(latency.difference(1, 0).unwrap().standing, Standing::WithinNoise);
        assert!(verdict.beats.is_empty(), "{:?}", verdict.lines());
    }

    #[test]
    fn a_heap_that_failed_in_a_round_beats_none_and_is_not_on_the_front() {
        let memory = |b: f64| axis(Axis::Memory, &[("a", MIB), ("b", b * MIB)]);
        let of = |failed: &[&str], b: f64| {
            let mut latency = axis(Axis::Response(0.999), &[("a", 10_000.0), ("b", 5_000.0)]);
            let mut cpu = axis(Axis::Cpu, &[("a", 1_000.0), ("b", 1_000.0)]);
            let mut memory = memory(b);
            for axis in [&mut latency, &mut cpu, &mut memory] {
                axis.rows[1].failed = failed.iter().map(|&what| what.to_owned()).collect();
            }
            Verdict::new("web", [&latency, &cpu, &memory], Vec::new()).unwrap()
        };
        // Where it did not fail it is the better one.
        assert_eq!(of(&[], 1.0).beats.len(), 1);
        assert_eq!(of(&[], 2.0).front, ["a", "b"]);
        let failed = ["round 2: timeout: killed", "round 4: out-of-memory: killed"];
        assert!(of(&failed, 1.0).beats.is_empty());
        let verdict = of(&failed, 2.0);
        assert_eq!(verdict.front, ["a"]);
        let last = verdict.lines().pop().unwrap();
        assert!(last.contains("round 4: out-of-memory") && last.contains("b failed in 2 rounds"), "{last}");
    }

    #[test]
    fn latency_bought_with_cpu_beats_nothing() {
        let memory = [("a", MIB), ("b", MIB)];
        let verdict = verdict(&[("a", 10_000.0), ("b", 5_000.0)], &[("a", 1_000.0), ("b", 2_000.0)], &memory);
        assert!(verdict.beats.is_empty());
        assert_eq!(verdict.front, ["a", "b"]);
        assert_eq!(verdict.lines().pop().unwrap(), "Memory is equal within 5 %. No heap beats another.");
    }

    #[test]
    fn what_is_missing_is_named_and_no_ground_for_a_verdict() {
        let mut latency = axis(Axis::Response(0.999), &[("a", 10_000.0), ("b", 5_000.0)]);
        let few = Measured {
            heap: "b".to_owned(),
            rounds: Rounds::Values([(0, 5.0)].into()),
            failed: vec!["round 1: timeout".to_owned()],
        };
        let full = Measured {
            heap: "a".to_owned(),
            rounds: Rounds::Values((0..6).map(|i| (i, 10.0)).collect()),
            failed: Vec::new(),
        };
        let cpu = Comparison::new(&Plan::default(), Axis::Cpu, &[full, few], "a", None);
        let memory = axis(Axis::Memory, &[("a", MIB), ("b", MIB)]);
        let verdict = Verdict::new("web", [&latency, &cpu, &memory], vec!["c: not run".to_owned()]).unwrap();
        assert!(verdict.beats.is_empty(), "CPU has no interval: {:?}", verdict.beats);
        assert_eq!(
            verdict.lines().pop().unwrap(),
            "Left out: c: not run; b round 1: timeout; b failed in a round, so it beats no heap, none is said to beat it, and \
             it has no place on the front."
        );
        latency.rows.reverse();
        let error = Verdict::new("web", [&latency, &cpu, &memory], Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("latency, CPU and memory of web"));
    }
}
