//! An independent reader, PyPI's `hdrhistogram`, finds in `.hlog` files what this program wrote.
//!
//! A percentile q of n times is the time of rank q × n. This program rounds that up, as HdrHistogram in Java does; the other
//! reader rounds it to the nearest. Where the two ranks are one, the percentiles must be equal; where they are not, ours at the
//! other's rank must be.
//!
//! It needs Python and a package index, so it runs on request:
//! `cargo test -p bench-results --test independent_reader -- --ignored --nocapture`

use std::path::Path;
use std::process::Command;

use bench_results::report::merged::{read_all, summary_in_record};
use bench_results::report::source::Source;
use hdrhistogram::Histogram;
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

/// The time of a rank, from 1: the greatest that its bucket stands for. 0 if there is none.
fn at_rank(histogram: &Histogram<u64>, rank: u64) -> u64 {
    let mut total = 0;
    let reached = histogram.iter_recorded().find(|bucket| {
        total += bucket.count_since_last_iteration();
        total >= rank
    });
    reached.map_or(0, |bucket| histogram.highest_equivalent(bucket.value_iterated_to()))
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
    let (mut histograms, mut times, mut equal, mut neighbours) = (0, 0, 0, 0);
    for line in Source::read(&run).unwrap().lines {
        let hlog = line.record.hlog.as_ref().unwrap();
        for (tag, histogram) in read_all(&run.join(hlog)).unwrap() {
            let of = |their: &&Value| their["hlog"] == hlog.as_str() && their["tag"] == tag.as_str();
            let their = theirs.iter().find(of).unwrap_or_else(|| panic!("{hlog} {tag} was not found"));
            assert_eq!(their["n"], histogram.len(), "{hlog} {tag}");
            for (name, percent) in [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99_9", 99.9), ("p99_99", 99.99)] {
                let rank = ((percent * histogram.len() as f64 / 100.0 + 0.5) as u64).max(1);
                assert_eq!(their[name], at_rank(&histogram, rank), "{hlog} {tag} {name}");
                let ours = histogram.value_at_quantile(percent / 100.0);
                let our_rank = ((percent / 100.0 * histogram.len() as f64).ceil() as u64).max(1);
                if rank == our_rank {
                    assert_eq!(their[name], ours, "{hlog} {tag} {name}");
                    equal += 1;
                } else {
                    assert_eq!(our_rank, rank + 1, "{hlog} {tag} {name}");
                    neighbours += 1;
                }
            }
            assert_eq!(their["max"], if histogram.is_empty() { 0 } else { histogram.max() }, "{hlog} {tag}");
            if let Some(summary) = summary_in_record(&line.record, &tag) {
                assert_eq!(their["n"], summary.n, "{hlog} {tag}");
            }
            histograms += 1;
            times += histogram.len();
        }
    }
    assert_eq!(histograms, theirs.len());
    eprintln!(
        "{histograms} histograms, {times} times, {equal} percentiles equal, {neighbours} equal at the other's rank, one lower"
    );
    assert!(equal > neighbours, "{equal} {neighbours}");
    assert!(times > 1_000_000, "{times}");
}
