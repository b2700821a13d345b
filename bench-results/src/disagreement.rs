//! Which cells read something else than the others: a workload with the same dials, mutators and seed reads the same on every
//! heap, in every round.
//!
//! Heaps vote, not cells: one heap has several rounds and perhaps a twin, and says the same thing in all. What more than half of
//! the heaps read is taken for right, and cells with another digest are wrong. Where no digest has that, as with two
//! heaps that differ, nobody can tell who is wrong, and all of them are marked.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Record, Status};

/// Marks cells that are not in agreement as wrong, with both digests in the error. What failed before stays as it is. Whether a
/// record has changed.
pub fn mark(records: &mut [Record]) -> bool {
    let mut same_work: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate().filter(|(_, record)| record.digest.is_some()) {
        let params = serde_json::Value::from(record.params.clone());
        let work = format!("{} {params} {} {}", record.workload, record.threads, record.seed);
        same_work.entry(work).or_default().push(place);
    }
    let mut changed = false;
    for places in same_work.values() {
        let votes = Votes::new(places.iter().map(|&place| &records[place]));
        for &place in places {
            let cause = votes.against(&records[place]);
            let record = &mut records[place];
            if let (Some(cause), Status::Ok | Status::Saturated) = (cause, record.status) {
                (record.status, record.error) = (Status::WrongDigest, Some(cause));
                changed = true;
            }
        }
    }
    changed
}

/// Which heaps gave which digest.
struct Votes {
    heaps_by_digest: BTreeMap<String, BTreeSet<String>>,
    /// What more than half of the heaps read, if no other digest is that too.
    majority: Option<String>,
}

impl Votes {
    fn new<'r>(records: impl Iterator<Item = &'r Record>) -> Self {
        let mut heaps_by_digest: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut heaps = BTreeSet::new();
        for record in records {
            let Some(digest) = &record.digest else { continue };
            heaps.insert(&record.heap);
            heaps_by_digest.entry(digest.clone()).or_default().insert(record.heap.clone());
        }
        let mut most: Vec<(&String, usize)> = heaps_by_digest
            .iter()
            .map(|(digest, of)| (digest, of.len()))
            .filter(|(_, votes)| 2 * votes > heaps.len())
            .collect();
        // A heap that read both votes for both.
        most.sort_by_key(|&(_, votes)| std::cmp::Reverse(votes));
        let majority = match most[..] {
            [(digest, votes), ref others @ ..] if others.iter().all(|&(_, other)| other < votes) => {
                Some(digest.clone())
            }
            _ => None,
        };
        Self { heaps_by_digest, majority }
    }

    /// Why this record's digest is not to be trusted; `None` if it is that of most, or of all.
    fn against(&self, record: &Record) -> Option<String> {
        let own = record.digest.as_ref()?;
        if self.heaps_by_digest.len() < 2 || self.majority.as_ref() == Some(own) {
            return None;
        }
        let on = |digest: &str, heaps: &BTreeSet<String>| {
            format!("{digest} on {}", heaps.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        };
        let others = self.heaps_by_digest.iter().filter(|(digest, _)| match &self.majority {
            Some(majority) => *digest == majority,
            None => *digest != own,
        });
        let others = others.map(|(digest, heaps)| on(digest, heaps)).collect::<Vec<_>>().join("; ");
        let whose = if self.majority.is_some() {
            "which is what most heaps read"
        } else {
            "and no digest is that of most heaps: which is wrong is not known; run `gclab verify`"
        };
        Some(format!("digest {own}, but {others}, {whose}"))
    }
}

#[cfg(test)]
mod tests {
    use workloads::catalogue;

    use super::*;
    use crate::cell::Cell;

    /// Cells of one workload: heap, round and digest.
    fn records(cells: &[(&str, u32, &str)]) -> Vec<Record> {
        let record = |&(heap, round, digest): &(&str, u32, &str)| {
            let cell = Cell::new(heap, &[], catalogue::ENTRIES[0].name, &[], 1).unwrap();
            let mut record = Cell { round, ..cell }.record(None);
            (record.status, record.digest) = (Status::Ok, Some(digest.to_owned()));
            record
        };
        cells.iter().map(record).collect()
    }

    fn marked(cells: &[(&str, u32, &str)]) -> Vec<bool> {
        let mut records = records(cells);
        let changed = mark(&mut records);
        let wrong: Vec<bool> = records.iter().map(|record| record.status == Status::WrongDigest).collect();
        assert_eq!(changed, wrong.contains(&true));
        assert!(records.iter().zip(&wrong).all(|(record, wrong)| record.error.is_some() == *wrong));
        assert!(!mark(&mut records), "a second look changes nothing");
        wrong
    }

    #[test]
    fn the_cell_that_differs_from_most_is_marked_whenever_it_ran() {
        let [g, r, c] = ["generational", "refcount", "concurrent"];
        assert_eq!(marked(&[(g, 0, "a"), (r, 0, "a"), (c, 0, "a")]), [false; 3]);
        assert_eq!(marked(&[(g, 0, "wrong"), (r, 0, "a"), (c, 0, "a")]), [true, false, false]);
        assert_eq!(marked(&[(g, 0, "a"), (r, 0, "a"), (c, 0, "wrong")]), [false, false, true]);
        // A heap that is right in one round and wrong in another.
        assert_eq!(marked(&[(g, 0, "a"), (r, 0, "a"), (g, 1, "wrong"), (r, 1, "a")]), [false, false, true, false]);
    }

    #[test]
    fn without_a_majority_all_are_marked_with_both_digests() {
        let [g, r, c] = ["generational", "refcount", "concurrent"];
        // That the one has more cells, as with a twin, does not decide.
        let cells = [(g, 0, "a"), (g, 1, "a"), (g, 2, "a"), (r, 0, "b")];
        assert_eq!(marked(&cells), [true; 4]);
        assert_eq!(marked(&[(g, 0, "a"), (r, 0, "b"), (c, 0, "c")]), [true; 3]);
        assert_eq!(marked(&[(g, 0, "a"), (g, 1, "a"), (g, 2, "b")]), [true; 3], "a heap that differs from itself");
        let mut records = records(&cells);
        mark(&mut records);
        let error = records[0].error.as_deref().unwrap();
        assert!(error.starts_with("digest a, but b on refcount, and no digest is that of most heaps"), "{error}");
    }

    #[test]
    fn other_work_is_no_disagreement_and_what_failed_keeps_its_cause() {
        let mut all = records(&[("generational", 0, "a"), ("refcount", 0, "b")]);
        all[1].seed = 2;
        assert!(!mark(&mut all));
        all[1].seed = 1;
        (all[1].status, all[1].error) = (Status::WrongDigest, Some("one object too few".to_owned()));
        assert!(mark(&mut all));
        assert_eq!(all[1].error.as_deref(), Some("one object too few"));
    }
}
