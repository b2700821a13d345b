//! An independent reader, PyPI's `hdrhistogram`, finds in `.hlog` files what this program wrote.
//!
//! It needs Python and a package index, so it runs on request:
//! `cargo test -p bench-results --test independent_reader -- --ignored --nocapture`

use std::path::Path;
use std::process::Command;

use bench_results::report::merged::{read_all, summary_in_record};
use bench_results::report::source::Source;
use serde_json::Value;

mod program;
use program::{lines, output, stderr, stdout};

/// A Python with the package, in an environment of its own; `None`, with a word why, if it cannot be had.
fn python(folder: &Path) -> Option<std::path::PathBuf> {
    let run = |program: &Path, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).output().ok()?;
        if !done.status.success() {
            eprintln!("skipped: {} {arguments:?}: {}", program.display(), stderr(&done));
        }
        done.status.success().then_some(())
    };
    run(Path::new("python3"), &["-m", "venv", folder.to_str()?])?;
    let python = folder.join("bin/python");
    run(&python, &["-m", "pip", "install", "--quiet", "hdrhistogram==0.10.8"])?;
    Some(python)
}

#[test]
#[ignore = "needs Python and a package index"]
fn another_reader_finds_the_same_counts_and_percentiles() {
    let folder = tempfile::tempdir().unwrap();
    let Some(python) = python(&folder.path().join("venv")) else { return };
    let run = folder.path().join("run");
    let arguments = ["compare", "--workloads", "web-requests,deep-cycles", "--rounds", "1"];
    let small = ["--set", "web-requests.requests=120000", "--set", "deep-cycles.objects=20000"];
    let done = output(&[&arguments[..], &small, &["--out", run.to_str().unwrap()]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent_reader.py");
    let read = Command::new(python).arg(script).arg(&run).output().unwrap();
    assert!(read.status.success(), "{}", stderr(&read));
    let theirs = lines(&stdout(&read));
    let (mut histograms, mut times, mut percentiles) = (0, 0, 0);
    for line in Source::read(&run).unwrap().lines {
        let hlog = line.record.hlog.as_ref().unwrap();
        for (tag, histogram) in read_all(&run.join(hlog)).unwrap() {
            let of = |their: &&Value| their["hlog"] == hlog.as_str() && their["tag"] == tag.as_str();
            let their = theirs.iter().find(of).unwrap_or_else(|| panic!("{hlog} {tag} was not found"));
            assert_eq!(their["n"], histogram.len(), "{hlog} {tag}");
            for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("p99_99", 0.9999)] {
                assert_eq!(their[name], histogram.value_at_quantile(quantile), "{hlog} {tag} {name}");
                percentiles += 1;
            }
            // What the record says has percentiles only where there are enough times.
            if let Some(summary) = summary_in_record(&line.record, &tag) {
                assert_eq!(their["n"], summary.n);
                let p99 = summary.p99.filter(|p99| Some(*p99) != summary.max);
                assert!(p99.is_none_or(|p99| their["p99"] == p99), "{hlog} {tag}: {summary:?}");
            }
            histograms += 1;
            times += histogram.len();
        }
    }
    assert_eq!(histograms, theirs.len());
    eprintln!("{histograms} histograms, {times} times, {percentiles} percentiles: all equal");
    assert!(times > 1_000_000, "{times}");
}
