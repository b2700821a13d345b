//! Where nothing more can be written, that is said with its remedy, and what was finished before survives.

use std::process::Command;

mod program;
use program::{cells, output, stderr};

const RUN: &str = "run --heap generational --workload ring-churn --set requests=2000 --set live=0";

#[test]
fn histograms_and_traces_say_that_the_disk_is_full() {
    for option in ["--hlog", "--trace"] {
        let done = output(&format!("{RUN} {option} /dev/full").split_whitespace().collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(1));
        let message = stderr(&done);
        assert!(message.contains("cannot write /dev/full; free space there"), "{message}");
        assert!(message.contains("No space left"), "the system's cause is kept: {message}");
    }
    let done = output(&format!("{RUN} --trace /nonexistent/x").split_whitespace().collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("give --trace a file in a folder that exists"), "{}", stderr(&done));
    let done = output(&format!("{RUN} --bare --trace x").split_whitespace().collect::<Vec<_>>());
    assert!(stderr(&done).contains("run with the ledger"), "{}", stderr(&done));
}

#[test]
fn finished_cells_survive_a_full_disk_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let compare = format!(
        "compare --workloads web-requests --heaps refcount,generational --no-twin --rounds 4 --rate 20000 --out {out} --set \
         web-requests.requests=1200 --set web-requests.live=500 --set web-requests.heap=none"
    );
    // No file may grow beyond 64 KiB; writing then fails, as on a full disk, instead of ending the process.
    let limited = format!("trap '' XFSZ; ulimit -f 128; exec {} {compare}", env!("CARGO_BIN_EXE_gclab"));
    let done = Command::new("sh").args(["-c", &limited]).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    let message = stderr(&done);
    assert!(message.contains("finished cells are kept") && message.contains("--resume"), "{message}");
    let text = std::fs::read_to_string(folder.path().join("cells.jsonl")).unwrap();
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    let finished = whole.lines().count();
    assert!((1..8).contains(&finished), "{finished} cells");

    let done = output(&["compare", "--resume", out]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let cells = cells(folder.path());
    let mut names: Vec<&str> = cells.iter().map(|cell| cell["cell"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((cells.len(), names.len()), (8, 8), "none is lost and none doubled");
    let after = std::fs::read_to_string(folder.path().join("cells.jsonl")).unwrap();
    assert!(after.starts_with(whole), "what was finished is as it was");
}
