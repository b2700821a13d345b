//! A heap that fell behind in one round has no response times at that point, and its CPU and memory all the same; and without a
//! twin the table says that it does not know how much is noise.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bench_results::cell::Cell;
use bench_results::comparison::{Arrivals, Comparison, Point};
use bench_results::histogram::{Histograms, Timings};
use bench_results::judgement::judge;
use bench_results::record::{Record, Status};
use bench_results::table;

const ROUNDS: u32 = 6;
const HEAPS: [&str; 2] = ["generational", "stop-the-world"];

fn point() -> Point {
    Point {
        workload: "web-requests".to_owned(),
        given: Vec::new(),
        heap_settings: Vec::new(),
        threads: 1,
        arrivals: Arrivals::Rate(1_000.0),
    }
}

fn comparison() -> Comparison {
    Comparison {
        heaps: HEAPS.map(str::to_owned).to_vec(),
        twin: None,
        points: vec![point()],
        left_out: Vec::new(),
        shard: None,
        grid: None,
        seed: 1,
        rounds: Some(ROUNDS),
        cell_s: None,
        timeout_s: 1,
        calibrations: Default::default(),
        narrowed: Default::default(),
    }
}

/// Cells whose times, CPU and memory differ by a few thousandths from round to round; the second heap takes twice the CPU, and
/// fell behind in round 2.
fn records(folder: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    for round in 0..ROUNDS {
        for (place, heap) in HEAPS.iter().enumerate() {
            let cell = point().closed_cell(heap, 1).unwrap().with_rate(Some(1_000.0)).unwrap();
            let mut record = Cell { round, ..cell }.record(None);
            let scale = 10_000 + u64::from((round * 7 + place as u32 * 3) % 5) * 10;
            let times: Vec<u64> = (0..2_000).map(|n| scale + n).collect();
            let mut histograms = Histograms::default();
            histograms.insert("response", Timings::of(&times));
            let hlog = format!("{}.hlog", record.cell);
            histograms.write(&folder.join(&hlog), "a test", SystemTime::now(), Duration::from_secs(1)).unwrap();
            let saturated = place == 1 && round == 2;
            record.status = if saturated { Status::Saturated } else { Status::Ok };
            record.error = saturated.then(|| "many were waiting".to_owned());
            (record.hlog, record.point, record.operations) = (Some(hlog), Some(point().id()), Some(2_000));
            record.mutator_cpu_ns = Some(scale * 2_000 * (1 + place as u64));
            (record.peak_rss_bytes, record.wall_ns) = (Some(scale * 1_000), Some(2_000_000_000));
            records.push(record);
        }
    }
    records
}

#[test]
fn one_saturated_round_takes_the_response_times_of_all_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (comparison, records) = (comparison(), records(folder.path()));
    let judged = judge(&comparison, &point(), &records, folder.path()).unwrap();
    let [latency, cpu, memory] = judged.axes.each_ref().map(|axis| &axis.rows[1]);
    assert_eq!(latency.point, None);
    assert_eq!(latency.value.unwrap_err().to_string(), "saturated (1 of 6 rounds)");
    for axis in [cpu, memory] {
        assert_eq!(axis.value.unwrap().rounds, 6, "the work of a saturated round is as large as of any");
        assert_eq!(axis.ratio.unwrap().ratio.unwrap().rounds, 6);
        assert!(axis.failed.is_empty());
    }
    let left_out = judged.verdict.lines().pop().unwrap();
    assert_eq!(
        left_out,
        "Left out: response times of stop-the-world: saturated (1 of 6 rounds; CPU and memory are of all, as the work is \
         fixed)."
    );
}

#[test]
fn the_table_says_so_and_that_noise_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let text = table::comparison(&comparison(), &records(folder.path()), folder.path());
    let row = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap().to_owned();
    assert!(row("response p50").trim_end().ends_with("n/a"), "{text}");
    assert!(text.contains("stop-the-world: saturated in 1 of 6 rounds, so it has no response times"), "{text}");
    // Twice the CPU, by the interval alone.
    assert!(row("CPU per operation").contains("? 2.0") || row("CPU per operation").contains("? 1.99"), "{text}");
    assert!(text.contains("? told apart by the interval alone"), "{text}");
    assert!(text.contains("noise unknown") && !text.contains(" beats "), "{text}");
}
