//! The scripts in `python/`, run by the `python3` that is found, and what the heaps make of the files they write.
//!
//! Without a Python the scripts are not run, and that is said; the files in `workloads/tests/gcheap_dumped` and
//! `bench-results/tests/recorded`, which they wrote, are read in any case.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use workloads::graph::HeapGraph;

mod program;
use program::{lines, output, stderr, stdout};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn committed(name: &str) -> PathBuf {
    repository().join("workloads/tests/gcheap_dumped").join(name)
}

/// A script run with these arguments; `None`, with a word why, without a CPython from 3.9 to 3.13.
fn script(name: &str, arguments: &[&Path]) -> Option<Output> {
    let question =
        "import sys; sys.exit(not (sys.implementation.name == 'cpython' and (3, 9) <= sys.version_info < (3, 14)))";
    let fits = Command::new("python3").args(["-c", question]).status().is_ok_and(|status| status.success());
    if !fits {
        eprintln!("skipped: python/{name}: no python3 of CPython 3.9 to 3.13");
        return None;
    }
    let path = repository().join("python").join(name);
    Some(Command::new("python3").arg("-B").arg(path).args(arguments).output().unwrap())
}

/// What each collecting heap finds in a file.
fn assert_found(file: &Path, flagged: u64) {
    for heap in ["generational", "stop-the-world", "concurrent"] {
        let done = output(&["heap", file.to_str().unwrap(), "--collect", "--heap", heap, "--json"]);
        assert_eq!(done.status.code(), Some(0), "{heap}: {}", stderr(&done));
        let told: Value = lines(&stdout(&done)).remove(0);
        let counts = ["flagged", "found", "missing", "extra"].map(|name| told[name].as_u64().unwrap());
        assert_eq!(counts, [flagged, flagged, 0, 0], "{heap}");
    }
}

#[test]
fn heaps_find_the_garbage_that_the_interpreter_found() {
    assert_found(&committed("planted_leak.gcheap.gz"), 1_600);
    assert_found(&committed("leaky_node20.gcheap.gz"), 0);
}

#[test]
fn what_is_dumped_now_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leak.gcheap.gz");
    let Some(done) = script("trial/leaky.py", &[&path]) else { return };
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(stderr(&done).contains("process stopped for"), "{}", stderr(&done));
    let graph = HeapGraph::read(File::open(&path).unwrap()).unwrap();
    let flagged_nodes =
        graph.nodes().filter(|&node| graph.flags(node).is_garbage() && graph.type_of(node).name == "__main__.Node");
    assert_eq!(flagged_nodes.count(), 800);
    // Before 3.11 each instance has a dictionary of its own, so the whole number depends on the version.
    assert_found(&path, graph.nodes().filter(|&node| graph.flags(node).is_garbage()).count() as u64);
}

#[test]
fn the_scripts_own_checks_pass() {
    let Some(done) = script("trial/selftest.py", &[]) else { return };
    assert!(done.status.success(), "{}{}", stdout(&done), stderr(&done));
    assert!(stdout(&done).contains("all well on CPython"), "{}", stdout(&done));
}

#[test]
fn a_snapshot_of_v8_converts_to_the_committed_graph() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leaky.gcheap.gz");
    let Some(done) = script("heapsnapshot_to_gcheap.py", &[&committed("leaky.heapsnapshot.gz"), &path]) else { return };
    assert!(done.status.success(), "{}", stderr(&done));
    let read = |path: &Path| HeapGraph::read(File::open(path).unwrap()).unwrap();
    assert_eq!(read(&path), read(&committed("leaky_node20.gcheap.gz")));
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (given, out) = (folder.path().join("a.heapsnapshot"), folder.path().join("out"));
    // An edge that leads between two nodes; a node that nothing leads to; a row too short; no JSON.
    let snapshot = |nodes: &str, edges: &str, counts: (u32, u32)| {
        let fields = r#""node_fields":["type","name","self_size","edge_count"],"node_types":[["object"],"string","number","number"],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["property","weak"],"string_or_number","node"]"#;
        format!(
            r#"{{"snapshot":{{"meta":{{{fields}}},"node_count":{},"edge_count":{}}},"nodes":[{nodes}],"edges":[{edges}],"strings":["a"]}}"#,
            counts.0, counts.1
        )
    };
    let two = "0,0,8,1,0,0,8,0";
    let cases = [
        (snapshot(two, "0,0,3", (2, 1)), "no node"),
        (snapshot("0,0,8,0,0,0,8,0", "", (2, 0)), "not reached from the root"),
        (snapshot(two, "0,0", (2, 1)), "numbers of edges"),
        ("{".to_owned(), "Expecting"),
        ("[]".to_owned(), "no heap snapshot"),
    ];
    for (text, wanted) in cases {
        std::fs::write(&given, text).unwrap();
        let Some(done) = script("heapsnapshot_to_gcheap.py", &[&given, &out]) else { return };
        assert_eq!(done.status.code(), Some(1), "{wanted}");
        assert!(stderr(&done).contains(wanted) && !stderr(&done).contains("Traceback"), "{wanted}: {}", stderr(&done));
        assert!(!out.exists());
    }
    // What only a weak edge leads to is held by V8 itself.
    std::fs::write(&given, snapshot(two, "1,0,4", (2, 1))).unwrap();
    let Some(done) = script("heapsnapshot_to_gcheap.py", &[&given, &out]) else { return };
    assert!(done.status.success(), "{}", stderr(&done));
    let graph = HeapGraph::read(File::open(&out).unwrap()).unwrap();
    assert_eq!((graph.node_count(), graph.edge_count(), graph.count(1)), (2, 0, 1));
}
