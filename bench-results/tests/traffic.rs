//! A build that counts retains and releases tells them right. Needs the feature `traffic`:
//! `cargo test -p bench-results --features traffic --test traffic`.

use bench_results::roster;
use serde_json::Value;

mod program;
use program::{lines, output, stderr, stdout};

#[test]
fn every_heap_counts_the_same_program_alike() {
    let mut seen = Vec::new();
    for heap in roster::entries() {
        // Collections count too, on some heaps; none comes here.
        let run = format!(
            "run --heap {} --workload web-requests --set heap=none --set requests=500 --set live=500 --set cyclic=0 \
             --config thresholds=0,10,10 --json",
            heap.name
        );
        let done = output(&run.split_whitespace().collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let record = lines(&stdout(&done)).remove(0);
        let figure = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{record}"));
        let traffic = &record["count_traffic"];
        let (retains, releases) = (figure(&traffic["retains"]), figure(&traffic["releases"]));
        let (allocated, freed) = (figure(&record["allocated_objects"]), figure(&record["freed_by_count"]));
        assert_eq!(allocated, freed, "{}: what is made dies", heap.name);
        // Each object is made with one reference, so the last release of each has no retain.
        assert_eq!(releases, retains + allocated, "{}", heap.name);
        assert_eq!(traffic["contended"], 0, "{}: there is one mutator", heap.name);
        seen.push((retains, releases));
    }
    assert!(seen[0].0 > 500 * 100 && seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}
