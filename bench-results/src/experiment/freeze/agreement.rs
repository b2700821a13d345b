//! Whether workers that read the same read the same: whatever the heap and the freeze.

use std::collections::BTreeMap;

use super::record::{Record, Stage};

/// Workers that read something else than another one with the same content, requests and seed; a sentence each.
pub(super) fn disagreements(records: &[Record]) -> Vec<String> {
    let mut first: BTreeMap<String, (&str, String)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for record in records {
        let cell = &record.spec;
        for worker in &record.workers {
            let Some(digest) = worker.at(Stage::Served).and_then(|moment| moment.said.digest.as_deref()) else {
                continue;
            };
            let work = format!("{:?}", (&cell.content, cell.serving(worker.number)));
            let whose = format!("{}, {}", cell.layout.name(), cell.condition.name());
            match first.get(&work) {
                None => {
                    first.insert(work, (digest, whose));
                }
                Some((other, _)) if *other == digest => {}
                Some((other, others)) => wrong.push(format!(
                    "{}, {}: {whose} read {digest}, {others} {other}",
                    cell.content.name(),
                    cell.reads()
                )),
            }
        }
    }
    wrong
}
