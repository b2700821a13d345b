//! Metered latency, as DaCapo has it: what operations would have waited, had they come evenly.
//!
//! A closed loop begins an operation when the one before has ended. A pause of 10 ms then makes one operation late;
//! of the hundred that would have come meanwhile nothing is seen. Metered latency gives each operation a metered start:
//! where it would lie if those of the window around it had come at equal distances. Its latency is counted from
//! there, unless the real one is longer. See Blackburn et al., "Rethinking Java Performance Analysis" (ASPLOS 2025), and
//! DaCapo Chopin's `LatencyReporter`.
//!
//! **What it shows, and not.** It spreads a pause over the operations near it and so tells queueing that the service time
//! hides. But its arrivals are guessed from the heap's own pace: a heap that is slow throughout meters itself
//! slowly, and with a short window a pause is smoothed away within it. Response time in an open loop, whose
//! arrivals are planned beforehand, has neither fault and is the figure to judge by; this one is for holding our results
//! beside published ones.
//!
//! Where this departs from DaCapo: nanoseconds in whole numbers (DaCapo's are 32-bit floats of nanoseconds and whole
//! microseconds), and where a window holds no second operation the metered start is the real one (there, a division by
//! zero).

/// The window that published tables show: 100 ms.
pub const WINDOW_NS: u64 = 100_000_000;

/// The latency of each operation, in order of start. Operations are (start, end) in nanoseconds, in any order, of all
/// threads together; one that ends before it starts took 0. The window is the length over which starts are evened out.
/// O(n log n).
pub fn latencies(operations: &[(u64, u64)], window_ns: u64) -> Vec<u64> {
    let mut operations = operations.to_vec();
    operations.sort_unstable();
    let half = window_ns / 2;
    let (mut first, mut last) = (0, 0);
    let end_of_list = operations.len().saturating_sub(1);
    let mut latencies = Vec::with_capacity(operations.len());
    for (place, &(start, end)) in operations.iter().enumerate() {
        // Both edges only move forward, as starts do.
        while first < end_of_list && operations[first].0 < start.saturating_sub(half) {
            first += 1;
        }
        while last < end_of_list && operations[last].0 < start.saturating_add(half) {
            last += 1;
        }
        let metered = metered_start(&operations, place, first, last);
        latencies.push(end.saturating_sub(start).max(end.saturating_sub(metered)));
    }
    latencies
}

/// Where an operation would start if those from `first` to `last` came at equal distances: rounded down.
fn metered_start(operations: &[(u64, u64)], place: usize, first: usize, last: usize) -> u64 {
    let (from, to) = (operations[first].0, operations[last].0);
    match (place.checked_sub(first), last.checked_sub(first)) {
        (Some(before), Some(all)) if all > 0 => {
            let way = u128::from(to - from) * before as u128 / all as u128;
            from.saturating_add(u64::try_from(way).unwrap_or(u64::MAX))
        }
        _ => operations[place].0,
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    /// The definition, word for word: each window searched from the beginning.
    fn by_definition(operations: &[(u64, u64)], window: u64) -> Vec<u64> {
        let mut sorted = operations.to_vec();
        sorted.sort_unstable();
        let reaching = |t: i128| sorted.iter().position(|op| i128::from(op.0) >= t).unwrap_or(sorted.len() - 1) as i128;
        let start = |place: i128| i128::from(sorted[place as usize].0);
        (0..sorted.len() as i128)
            .map(|i| {
                let half = i128::from(window / 2);
                let (s, e) = (reaching(start(i) - half), reaching(start(i) + half));
                let metered = if e == s { start(i) } else { start(s) + (i - s) * (start(e) - start(s)) / (e - s) };
                let end = i128::from(sorted[i as usize].1);
                (end - start(i)).max(end - metered) as u64
            })
            .collect()
    }

    #[test]
    fn equal_to_the_definition_on_random_operations() {
        let seed = 23;
        println!("seed {seed}");
        let mut random = Pcg64::seed_from_u64(seed);
        let mut longer = 0;
        for _ in 0..300 {
            let span = random.random_range(1..5_000);
            let operations: Vec<(u64, u64)> = (0..random.random_range(1..60))
                .map(|_| (random.random_range(0..span), random.random_range(0..100)))
                .map(|(start, length)| (start, start + length))
                .collect();
            for window in [2, 3, 50, 1_000, 100_000] {
                let found = latencies(&operations, window);
                assert_eq!(found, by_definition(&operations, window), "{operations:?} in {window}");
                let mut sorted = operations.clone();
                sorted.sort_unstable();
                longer += found.iter().zip(&sorted).filter(|(found, op)| **found > op.1 - op.0).count();
            }
        }
        assert!(longer > 1_000, "only {longer} latencies were longer than the service time");
    }

    #[test]
    fn a_pause_makes_those_after_it_late() {
        // Operations of 10 each, back to back, and a pause of 40 in the third: starts 0, 10, 20, 70, 80, 90.
        let starts = [0, 10, 20, 70, 80, 90];
        let ends = [10, 20, 70, 80, 90, 100];
        let operations: Vec<(u64, u64)> = starts.into_iter().zip(ends).collect();
        // A window over all: metered starts 0, 18, 36, 54, 72, 90. The real start is earlier for 10 and 20.
        assert_eq!(latencies(&operations, 1_000), [10, 10, 50, 26, 18, 10]);
        // A window of 60 around 70 is [40, 100]: from 70 to the last, 90. Its metered start is its own.
        assert_eq!(latencies(&operations, 60)[3], 10);
        // Service times: only the third is long.
        assert_eq!(latencies(&operations, 0), [10, 10, 50, 10, 10, 10]);
    }

    #[test]
    fn great_times_and_single_operations_do_no_harm() {
        let far = u64::MAX - 10;
        assert_eq!(latencies(&[(far, u64::MAX), (3, 5), (far, far), (9, 4)], u64::MAX).len(), 4);
        assert_eq!(latencies(&[(7, 9)], WINDOW_NS), [2]);
        assert_eq!(latencies(&[], WINDOW_NS), [0; 0]);
    }
}
