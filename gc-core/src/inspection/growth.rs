//! Types that grow from snapshot to snapshot and never shrink: what a slow leak looks like from afar.

use super::snapshot::Snapshot;

/// A type that accumulates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accumulation {
    /// The type's name.
    pub name: String,
    /// Its objects, snapshot by snapshot.
    pub objects: Vec<u64>,
    /// Steps from one snapshot to the next in which it grew.
    pub rises: usize,
    /// Bytes more at the end than at the beginning.
    pub bytes: i64,
}

impl Accumulation {
    /// Objects more at the end than at the beginning.
    pub fn grown(&self) -> u64 {
        self.objects[self.objects.len() - 1] - self.objects[0]
    }
}

/// Types whose objects never became fewer over `snapshots`, oldest first, and became more in at least half of the steps;
/// those that grew by most objects first. None of fewer than three snapshots: two points make no trend.
pub fn accumulating(snapshots: &[Snapshot]) -> Vec<Accumulation> {
    let [first, .., last] = snapshots else { return Vec::new() };
    if snapshots.len() < 3 {
        return Vec::new();
    }
    let mut found: Vec<_> = last
        .by_type
        .iter()
        .filter_map(|(name, total)| {
            let of = |snapshot: &Snapshot| snapshot.by_type.get(name).map_or(0, |total| total.objects);
            let objects: Vec<u64> = snapshots.iter().map(of).collect();
            let rises = objects.windows(2).filter(|step| step[0] < step[1]).count();
            let before = first.by_type.get(name).map_or(0, |total| total.bytes);
            let bytes = total.bytes as i64 - before as i64;
            let accumulates = objects.is_sorted() && 2 * rises >= snapshots.len() - 1;
            accumulates.then(|| Accumulation { name: name.clone(), objects, rises, bytes })
        })
        .filter(|accumulation| accumulation.rises > 0)
        .collect();
    found.sort_by(|a, b| (b.grown(), &a.name).cmp(&(a.grown(), &b.name)));
    found
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::Total;
    use super::*;

    fn snapshots(series: &[(&str, [u64; 5])]) -> Vec<Snapshot> {
        let at = |moment: usize| {
            let total = |count: u64| Total { objects: count, bytes: 8 * count };
            let by_type = series.iter().map(|(name, counts)| ((*name).to_owned(), total(counts[moment]))).collect();
            Snapshot { by_type, ..Snapshot::default() }
        };
        (0..5).map(at).collect()
    }

    #[test]
    fn only_what_rises_and_never_falls_accumulates() {
        let snapshots = snapshots(&[
            ("leak", [0, 10, 20, 30, 40]),
            ("slow leak", [5, 5, 6, 6, 7]),
            ("cache that filled once", [0, 100, 100, 100, 100]),
            ("wave", [0, 10, 5, 10, 15]),
            ("constant", [7; 5]),
        ]);
        let found = accumulating(&snapshots);
        let lines: Vec<_> = found.iter().map(|a| (a.name.as_str(), a.grown(), a.rises, a.bytes)).collect();
        assert_eq!(lines, [("leak", 40, 4, 320), ("slow leak", 2, 2, 16)]);
        assert!(accumulating(&snapshots[..2]).is_empty(), "two points make no trend");
    }
}
