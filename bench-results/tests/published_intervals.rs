//! What a published run says of ratios and verdicts, of settings, of several machines, and of runs that are not whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;

mod program;
use program::{cells, change_cells, files_below, lines, output, stderr, stdout, table};

type Row = BTreeMap<String, String>;

/// A sweep of one short workload: two points, two heaps and a twin, five rounds. Run once, and copied for each test; with the
/// verdicts that were printed.
fn compare(folder: &Path) -> (PathBuf, Vec<Value>) {
    static MADE: LazyLock<(TempDir, Vec<Value>)> = LazyLock::new(|| {
        let made = tempfile::tempdir().unwrap();
        let arguments = ["compare", "--json", "--workloads", "web-requests", "--heaps", "refcount,generational"];
        let dials = ["--set", "web-requests.requests=500", "--set", "web-requests.live=500,5000", "--rate", "2000"];
        let out = made.path().join("run");
        let done = output(&[&arguments[..], &dials, &["--rounds", "5", "--out", out.to_str().unwrap()]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let verdicts = lines(&stdout(&done)).into_iter().filter(|line| line["kind"] == "verdict").collect();
        (made, verdicts)
    });
    let run = folder.join("run");
    fs::create_dir(&run).unwrap();
    for file in files_below(&MADE.0.path().join("run")) {
        fs::copy(&file, run.join(file.file_name().unwrap())).unwrap();
    }
    (run, MADE.1.clone())
}

fn change_run(run: &Path, change: impl Fn(&mut Value)) {
    let path = run.join("run.json");
    let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn publish(run: &Path) -> PathBuf {
    let out = run.parent().unwrap().join("out");
    let done = output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    out
}

fn text(out: &Path, name: &str) -> String {
    fs::read_to_string(out.join(name)).unwrap()
}

fn of_kind<'r>(rows: &'r [Row], kind: &str) -> Vec<&'r Row> {
    rows.iter().filter(|row| row["kind"] == kind).collect()
}

fn number(row: &Row, name: &str) -> f64 {
    row[name].parse().unwrap_or_else(|_| panic!("{name} of {row:?}"))
}

#[test]
fn tables_say_what_compare_says() {
    let folder = tempfile::tempdir().unwrap();
    let (run, verdicts) = compare(folder.path());
    let out = publish(&run);
    let rows = table(&out.join("tables.csv"));
    let (markdown, latex) = (text(&out, "tables.md"), text(&out, "tables.tex"));
    assert_eq!(verdicts.len(), 2);
    for verdict in &verdicts {
        let live = if verdict["title"].as_str().unwrap().contains("live=5000") { "5000" } else { "500" };
        let is_here = |row: &&Row| row["dials"].contains(&format!("live={live} ")) || row["dials"].ends_with(live);
        for sentence in verdict["text"].as_array().unwrap() {
            let sentence = sentence.as_str().unwrap();
            assert!(rows.iter().any(|row| row["kind"] == "verdict" && row["text"] == sentence), "{sentence}");
            let start = sentence.split(['–', '×', '~']).next().unwrap();
            assert!(markdown.contains(start) && latex.contains(&start.replace('%', "\\%").replace('µ', "\\textmu{}")));
        }
        for axis in verdict["axes"].as_array().unwrap() {
            let of_axis = |kind: &str, heap: &str| -> Row {
                let is = |row: &&&Row| row["quantity"] == axis["axis"].as_str().unwrap() && row["heap"] == heap;
                let here = of_kind(&rows, kind).into_iter().filter(is_here).collect::<Vec<_>>();
                (*here.iter().find(is).unwrap_or_else(|| panic!("no {kind} of {heap}"))).clone()
            };
            let ratio = &axis["heaps"][0]["ratio"];
            let row = of_axis("ratio", "refcount");
            assert_eq!(number(&row, "value"), ratio["value"].as_f64().unwrap());
            assert_eq!(number(&row, "low"), ratio["interval"][0].as_f64().unwrap());
            assert_eq!((&row["reference"], &row["n"]), (&"generational".to_owned(), &"5".to_owned()));
            assert_eq!(row["standing"], ratio["standing"].as_str().unwrap());
            let floor = of_axis("noise", "generational");
            assert_eq!(number(&floor, "high"), axis["noise"]["interval"][1].as_f64().unwrap());
            let interval = of_axis("interval", "generational");
            assert_eq!(number(&interval, "value").round(), axis["heaps"][1]["value"].as_f64().unwrap());
        }
    }
    // As many bold figures as ratios that count.
    let counts = |row: &&&Row| matches!(row["standing"].as_str(), "less" | "more");
    let [ratios, settings] = ["ratio", "setting"].map(|kind| of_kind(&rows, kind).iter().filter(counts).count());
    assert!(ratios > 0, "resident memory of a heap that leaks is told apart");
    assert_eq!(
        markdown.lines().filter(|line| line.starts_with('|')).collect::<String>().matches("**").count(),
        2 * (ratios + settings)
    );
    assert_eq!(of_kind(&rows, "mean").len(), 3);
    assert!(markdown.contains("Left out: refcount (no cycle collection: a floor)"), "{markdown}");
}

#[test]
fn settings_of_a_sweep_are_compared_by_round() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = compare(folder.path());
    let out = publish(&run);
    let rows = table(&out.join("tables.csv"));
    let settings = of_kind(&rows, "setting");
    // Two heaps on three axes: the second setting over the first.
    assert_eq!(settings.len(), 6);
    assert!(settings.iter().all(|row| row["reference"] == "live=500" && row["dials"].contains("live=5000")));
    for heap in ["refcount", "generational"] {
        let rss = |live: u64| -> BTreeMap<u64, f64> {
            let all = cells(&run).into_iter();
            let of = all.filter(|cell| cell["heap"] == heap && cell["twin"] == false && cell["params"]["live"] == live);
            of.map(|cell| (cell["round"].as_u64().unwrap(), cell["peak_rss_bytes"].as_f64().unwrap())).collect()
        };
        let (small, great) = (rss(500), rss(5000));
        let logs: f64 = small.iter().map(|(round, bytes)| (great[round] / bytes).ln()).sum();
        let expected = (logs / small.len() as f64).exp();
        let row = settings.iter().find(|row| row["heap"] == heap && row["quantity"] == "peak-rss").unwrap();
        assert!((number(row, "value") / expected - 1.0).abs() < 1e-9, "{row:?}");
        assert!(number(row, "low") <= expected && expected <= number(row, "high"), "{row:?}");
    }
    let markdown = text(&out, "tables.md");
    for said in ["generational by live: web-requests", "| × live=500 | 1 |", "generational at live=500, again"] {
        assert!(markdown.contains(said), "{said} is missing in {markdown}");
    }
}

#[test]
fn nothing_mixes_machines() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = compare(folder.path());
    let (one, other) = ("1".repeat(64), "2".repeat(64));
    change_cells(&run, |_, cell| {
        cell["machine"] = json!(if cell["params"]["live"] == 5000 { &other } else { &one });
    });
    change_run(&run, |whole| {
        let part = |place: usize, model: &str| {
            let mut part = whole.clone();
            part["comparison"]["points"] = json!([whole["comparison"]["points"][place]]);
            part["provenance"]["machine"]["cpu_model"] = json!(model);
            part
        };
        whole["parts"] = json!([part(0, "First processor"), part(1, "Second processor")]);
    });
    let out = publish(&run);
    let rows = table(&out.join("tables.csv"));
    assert_eq!(of_kind(&rows, "setting").len(), 0);
    for row in rows.iter().filter(|row| !row["dials"].is_empty()) {
        let is_other = row["dials"].contains("live=5000");
        assert_eq!(row["machine_id"], if is_other { &*other } else { &*one });
        assert!(row["machine"].starts_with(if is_other { "Second processor" } else { "First processor" }), "{row:?}");
    }
    let plots: BTreeSet<String> = files_below(&out.join("plots"))
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(plots.iter().all(|name| !name.starts_with("sweep-")), "{plots:?}");
    for (live, processor) in [("live=500_", "First processor"), ("live=5000_", "Second processor")] {
        for kind in ["pareto-cpu-", "pareto-memory-", "percentiles-"] {
            let is = |name: &&String| name.starts_with(kind) && name.contains(live);
            let name = plots.iter().find(is).unwrap_or_else(|| panic!("no {kind} of {live}: {plots:?}"));
            let svg = text(&out, &format!("plots/{name}"));
            assert!(name.contains("machine=") && svg.contains(processor), "{name}");
            assert_eq!(
                svg.matches(" processor").count(),
                svg.matches(processor).count(),
                "{name} names another machine"
            );
        }
    }
    assert!(text(&out, "tables.md").contains("Cells ran on 2 machines"));
    // One point that two machines ran: a table each, and no ratio over the other's cells.
    let (run, out) = (run, folder.path().join("out"));
    fs::remove_dir_all(&out).unwrap();
    change_cells(&run, |_, cell| {
        cell["machine"] = json!(if cell["heap"] == "refcount" { &other } else { &one });
    });
    let rows = table(&publish(&run).join("tables.csv"));
    assert!(of_kind(&rows, "ratio").iter().all(|row| row["value"].is_empty()), "a ratio across machines");
}

#[test]
fn a_run_that_was_cut_short_says_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = compare(folder.path());
    change_run(&run, |run| run["ended"] = json!(null));
    let path = run.join("cells.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = whole.lines().take(30 - 2).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    let out = publish(&run);
    let markdown = text(&out, "tables.md");
    for said in ["| rounds | 4 of 5 |", "The run was not finished", "Cells that were not run: "] {
        assert!(markdown.contains(said), "{said} is missing in {markdown}");
    }
    let rows = table(&out.join("tables.csv"));
    assert!(rows.iter().all(|row| row["rounds"] == "4 of 5"));
    assert!(markdown.matches(" 1 of 5").count() == 2, "two cells are missing: {markdown}");
}

#[test]
fn a_twin_is_spoken_of_only_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = compare(folder.path());
    let says_twin = |out: &Path| -> Vec<bool> {
        files_below(&out.join("plots")).iter().map(|plot| fs::read_to_string(plot).unwrap().contains("twin")).collect()
    };
    assert!(says_twin(&publish(&run)).contains(&true));
    change_run(&run, |run| run["comparison"]["twin"] = json!(null));
    let path = run.join("cells.jsonl");
    let kept: String =
        cells(&run).iter().filter(|cell| cell["twin"] == false).map(|cell| format!("{cell}\n")).collect();
    fs::write(path, kept).unwrap();
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    let out = publish(&run);
    assert!(!says_twin(&out).contains(&true));
    let markdown = text(&out, "tables.md");
    assert!(markdown.contains("the noise floor is not known") && !markdown.contains("twin"), "{markdown}");
}

#[test]
fn older_runs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    fs::create_dir(&run).unwrap();
    for file in files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/older-run")) {
        fs::copy(&file, run.join(file.file_name().unwrap())).unwrap();
    }
    let p50 = |rows: &[Row]| -> BTreeMap<String, u64> {
        let is = |row: &&&Row| row["quantity"] == "response-p50" && !row["value"].is_empty();
        of_kind(rows, "figure")
            .iter()
            .filter(is)
            .map(|row| (row["heap"].clone(), number(row, "value") as u64))
            .collect()
    };
    let expected = BTreeMap::from([("generational".to_owned(), 7_999), ("refcount".to_owned(), 6_719)]);
    let out = publish(&run);
    let markdown = text(&out, "tables.md");
    for said in ["## web-requests (load=0.5)", "## deep-cycles", "of an older gclab", "0.5 of the ", "| rounds | 1 |"] {
        assert!(markdown.contains(said), "{said} is missing in {markdown}");
    }
    assert_eq!(p50(&table(&out.join("tables.csv"))), expected);

    // Without points and workloads: what was compared at is read off the cells.
    fs::remove_file(run.join("run.json")).unwrap();
    fs::remove_dir_all(&out).unwrap();
    let out = publish(&run);
    let markdown = text(&out, "tables.md");
    assert!(markdown.contains("There is no run.json") && markdown.contains("| machine | unknown |"), "{markdown}");
    assert_eq!(p50(&table(&out.join("tables.csv"))), expected);
}
