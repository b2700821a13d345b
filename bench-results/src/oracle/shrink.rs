//! A log that shows something, made smaller as long as it still does.
//!
//! Prior work: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (delta debugging), 2002; here
//! without its second half, the trial of each piece alone.

use std::collections::BTreeMap;
use std::ops::Range;

use workloads::oplog::{Log, Operation};

/// Leaves out pieces of `log`, half of it at first and single operations at last, as long as `shows` says yes to what is
/// left; asks at most `tries` times.
pub fn shrink(log: &Log, mut tries: u32, mut shows: impl FnMut(&Log) -> bool) -> Log {
    let mut smallest = log.clone();
    let mut piece = smallest.operations.len().div_ceil(2);
    while piece > 0 && tries > 0 {
        let mut left_out = false;
        // From the end: what comes late depends on what comes early.
        let mut end = smallest.operations.len();
        while end > 0 && tries > 0 {
            let begin = end.saturating_sub(piece);
            let candidate = without(&smallest, begin..end);
            tries -= 1;
            if shows(&candidate) {
                smallest = candidate;
                left_out = true;
            }
            end = begin.min(smallest.operations.len());
        }
        // Single operations until none can be left out.
        piece = if piece == 1 { usize::from(left_out) } else { piece.div_ceil(2) };
    }
    smallest
}

/// The log without these operations. Weak references are numbered anew without gaps; what asks for one that is not made any
/// more is left out as well.
fn without(log: &Log, range: Range<usize>) -> Log {
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    let kept = log.operations.iter().enumerate().filter(|(at, _)| !range.contains(at));
    let operations = kept.filter_map(|(_, operation)| {
        let mut operation = operation.clone();
        match &mut operation {
            Operation::Weakref { w, .. } | Operation::Wslot { w, .. } => {
                let next = numbers.len();
                *w = *numbers.entry(*w).or_insert(next);
            }
            Operation::Deref { w, .. } | Operation::Dropweak { w } => *w = *numbers.get(w)?,
            _ => {}
        }
        Some(operation)
    });
    Log { operations: operations.collect(), header: log.header.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(operations: &str) -> Log {
        let header = r#"{"log":"a","group":"weak","registers":3,"slots":6,"threshold":[700,10,10],"enabled":false}"#;
        Log::parse(&format!("{header}\n{operations}")).unwrap()
    }

    #[test]
    fn what_shows_it_is_what_is_left() {
        let long = (0..100).map(|n| format!("{{\"op\":\"set_threshold\",\"a\":{n},\"b\":1,\"c\":1}}\n"));
        let long = log(&long.collect::<String>());
        let needed = [3, 50, 51, 97].map(|at: usize| long.operations[at].clone());
        let mut asked = 0;
        let shows = |log: &Log| {
            asked += 1;
            needed.iter().all(|operation| log.operations.contains(operation))
        };
        assert_eq!(shrink(&long, 1000, shows).operations, needed);
        assert!(asked < 100, "{asked}");
        assert_eq!(shrink(&long, 0, |_| true), long);
        assert_eq!(shrink(&long, 1000, |_| false), long);
        assert!(shrink(&long, 1000, |_| true).operations.is_empty());
    }

    #[test]
    fn smaller_logs_are_logs() {
        let text = "{\"op\":\"weakref\",\"w\":0,\"r\":0,\"cb\":0}\n{\"op\":\"wslot\",\"w\":1,\"r\":0,\"s\":0,\"q\":0,\"cb\":0}\n\
                    {\"op\":\"deref\",\"r\":0,\"w\":0}\n{\"op\":\"dropweak\",\"w\":1}\n";
        let smaller = without(&log(text), 0..1);
        assert_eq!(Log::parse(&smaller.print()).unwrap(), smaller);
        assert_eq!(smaller.operations.len(), 2, "{smaller:?}");
        assert_eq!(smaller.operations[1], Operation::Dropweak { w: 0 });
    }
}
