//! A heap against itself: how often the interval of the ratio holds 1.
//!
//! It takes three minutes and a machine that is at rest, so it is not run by default:
//! `cargo test --release -p bench-results --test twins -- --ignored --nocapture`.

use bench_results::comparison::Run;
use bench_results::judgement::judge;
use bench_results::run_folder::RunFolder;

mod program;
use program::{output, stderr};

/// Comparisons of a heap with itself.
const RUNS: usize = 20;
/// Of so many, 95 % intervals leave out the truth more than twice with a probability of 8 %.
const LEAST: usize = 18;

#[test]
#[ignore = "takes three minutes, and a machine at rest"]
fn the_interval_of_a_heap_over_itself_holds_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = [0; 3];
    for seed in 1..=RUNS {
        let path = folder.path().join(seed.to_string());
        let seed = seed.to_string();
        let done = output(&[
            "compare",
            "--heaps",
            "generational",
            "--workloads",
            "web-requests",
            "--set",
            "web-requests.heap=none",
            "--rounds",
            "5",
            "--cell-time",
            "0.5",
            "--seed",
            &seed,
            "--out",
            path.to_str().unwrap(),
        ]);
        assert!(done.status.success(), "{}", stderr(&done));
        let folder = RunFolder::open(&path).unwrap();
        let run: Run = folder.read_run().unwrap();
        let judged = judge(&run.comparison, &run.comparison.points[0], folder.records(), &path).unwrap();
        for (held, axis) in held.iter_mut().zip(&judged.axes) {
            let ratio = axis.noise.as_ref().unwrap().ratio.unwrap();
            println!("seed {seed}: {} {:.3} ({:.3} to {:.3})", axis.axis.name(), ratio.point, ratio.low, ratio.high);
            *held += usize::from(ratio.holds(1.0));
        }
    }
    println!("latency, CPU and memory held 1 in {held:?} of {RUNS}");
    assert!(held.iter().all(|&held| held >= LEAST), "{held:?}");
}
