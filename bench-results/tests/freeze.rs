//! The freeze experiment: what forked workers copy, in figures that hang on pages and not on time.

use std::fs;
use std::path::Path;

use bench_results::experiment::freeze::{Cell, Condition, Content, Figures, Layout, Part, Record, Stage};
use bench_results::process_memory::{ProcessMemory, page_bytes};
use bench_results::record::Status;

mod program;
use program::{gclab, lines, output, stderr, stdout};

/// Objects that a collection examines, of 250,000: 13 MiB.
const OBJECTS: u32 = 100_000;

fn inline() -> Layout {
    Layout::new("generational", None)
}

fn side() -> Layout {
    Layout::new("generational", Some(("place", "side")))
}

/// Whether the system tells what memory a process has; without it there is nothing to test.
fn is_measurable() -> bool {
    let readable = ProcessMemory::is_readable();
    if let Err(cause) = &readable {
        eprintln!("skipped: {cause}");
    }
    readable.is_ok()
}

fn record_of(cell: &Cell) -> Record {
    let done = output(&["reproduce", "freeze", "--cell", &cell.to_text().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let record: Record = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(record.status, Status::Ok, "{:?}", record.error);
    record
}

/// Held against the published schema.
fn assert_valid(record: &Record) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/freeze.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let record = serde_json::to_value(record).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&record).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn figures_of(cell: &Cell) -> Figures {
    Figures::of(&record_of(cell)).unwrap()
}

fn cell(layout: Layout, condition: Condition) -> Cell {
    let cell = Cell::centre(Part::Conditions, layout, Content::entries(OBJECTS), condition);
    Cell { workers: 1, ..cell }
}

#[test]
fn collections_copy_the_heap_with_links_in_headers_and_next_to_nothing_of_it_once_it_is_frozen() {
    if !is_measurable() {
        return;
    }
    let without = figures_of(&cell(inline(), Condition::NOTHING));
    assert!(without.collected_share() > 0.4, "{without:?}");
    // A page where the allocator goes on is written to whatever is frozen.
    let margin = 4.0 * page_bytes() as f64;
    for condition in [Condition::FREEZE, Condition::FREEZE_AT_ONCE, Condition::OFF_FREEZE, Condition::IMMORTAL] {
        let with = figures_of(&cell(inline(), condition));
        assert!(with.collected_objects < 0.005 * with.heap + margin, "{}: {with:?}", condition.name());
        assert!(with.collected_faults.unwrap() < 200.0, "{}: {with:?}", condition.name());
    }
}

#[test]
fn reading_all_of_an_immortal_heap_copies_next_to_none_of_its_pages() {
    if !is_measurable() {
        return;
    }
    for layout in [inline(), side(), Layout::new("stop-the-world", None), Layout::new("refcount", None)] {
        let all = |condition| Cell { share: None, ..cell(layout.clone(), condition) };
        let immortal = figures_of(&all(Condition::IMMORTAL));
        let margin = 8.0 * page_bytes() as f64;
        let copied = immortal.served_objects + immortal.collected_objects;
        assert!(copied < 0.01 * immortal.heap + margin, "{}: {immortal:?}", layout.name());
        // As the same reads do to a heap that is frozen only.
        let frozen = figures_of(&all(Condition::FREEZE));
        assert!(frozen.served_share() > 0.9, "{}: {frozen:?}", layout.name());
    }
}

#[test]
fn side_tables_keep_the_objects_pages_and_are_counted_themselves() {
    if !is_measurable() {
        return;
    }
    let record = record_of(&Cell { share: Some(0.0), release: true, ..cell(side(), Condition::NOTHING) });
    let figures = Figures::of(&record).unwrap();
    assert!(figures.collected_share() < 0.01, "{figures:?}");
    // 8 bytes of links for each cell of objects, most of which are examined.
    let links = record.parent.as_ref().unwrap().side_bytes as f64;
    assert!(links > 8.0 * 2.0 * f64::from(OBJECTS), "{links}");
    assert!(figures.first_collected > 0.4 * links, "{:?}", record.workers[0]);
    assert!(figures.collected_tables > 0.4 * links, "{:?}", record.workers[0]);
    assert!(figures.tables_peak.unwrap() >= figures.collected_tables, "{figures:?}");
    let last = record.workers[0].at(Stage::CollectedAgain).unwrap();
    assert!(last.tables.private as f64 > 0.4 * links, "the system tells of the tables' own pages: {last:?}");
    assert!(figures.tables_end > 0.4 * links, "links stay as long as their objects: {figures:?}");
    let released = record.workers[0].at(Stage::Released).unwrap();
    assert!(released.tables.private < last.tables.private / 2, "and go with them: {released:?}");
    assert!(figures.tables_released.unwrap() < figures.tables_end, "{figures:?}");
}

#[test]
fn the_control_has_next_to_nothing_to_itself() {
    if !is_measurable() {
        return;
    }
    let record = record_of(&cell(inline(), Condition::NOTHING));
    let control = record.control.as_ref().unwrap();
    assert_eq!(control.moments.len(), 4);
    assert_valid(&record);
    for moment in &control.moments {
        assert_eq!(moment.objects.private, 0, "it touches no object");
        assert!(moment.child.private_dirty < 1 << 20, "{moment:?}");
        assert!(moment.said.digest.is_none() && moment.said.found.is_none());
    }
    // Pages that the system calls our own are those it says were written to.
    let worker = record.workers[0].at(Stage::CollectedAgain).unwrap();
    let of_heap = worker.objects.private + worker.new_objects.private + worker.tables.private;
    assert!(of_heap <= worker.child.private_dirty + (64 << 10), "{worker:?}");
    assert_eq!(
        worker.beside_objects() + worker.objects.private + worker.new_objects.private,
        worker.child.private_dirty
    );
}

#[test]
fn frozen_cycles_that_die_are_found_after_unfreezing_only() {
    if !is_measurable() {
        return;
    }
    let content = Content::Entries { objects: OBJECTS, cyclic: true, garbage: 0.0 };
    let churned =
        |condition| Cell { content: content.clone(), replaced: 0.02, unfreeze: true, ..cell(inline(), condition) };
    let replaced = 0.02 * f64::from(OBJECTS / 2);
    let frozen = record_of(&churned(Condition::FREEZE));
    let figures = Figures::of(&frozen).unwrap();
    let found_later = figures.unfrozen.unwrap().found;
    let worker = &frozen.workers[0];
    let of_worker: u64 = worker.moments.iter().filter_map(|moment| moment.said.found).sum();
    assert_eq!(worker.at(Stage::Served).unwrap().said.replaced as f64, replaced);
    // Two objects an entry; thresholds may have found some that died twice.
    assert!(found_later > 1.8 * replaced && of_worker as f64 <= 2.0 * replaced, "{found_later} of {replaced}");
    assert!(figures.found < 0.1 * replaced, "{figures:?}");
    let unfrozen = Figures::of(&record_of(&churned(Condition::NOTHING))).unwrap();
    assert_eq!(unfrozen.unfrozen.unwrap().found, 0.0);
}

#[test]
fn scratch_that_is_given_back_before_a_step_ends_counts_as_the_most_and_so_does_a_release() {
    if !is_measurable() {
        return;
    }
    let streaming = Layout::new("generational-streaming", None);
    let mut record = record_of(&Cell { release: true, ..cell(streaming, Condition::OFF) });
    assert_valid(&record);
    let moments = &record.workers[0].moments;
    assert_eq!(moments[0].given_back, None);
    assert!(moments[1..].iter().all(|moment| moment.given_back.is_some()), "{moments:?}");
    let figures = Figures::of(&record).unwrap();
    let peak = figures.tables_peak.unwrap();
    assert!(peak >= figures.tables_end && peak >= figures.tables_released.unwrap(), "{figures:?}");
    // Had the first collection given back 8 MiB before it ended, that would have been the most.
    let at = Stage::of(&record.spec).iter().position(|stage| *stage == Stage::Collected).unwrap();
    let first = &mut record.workers[0].moments[at];
    first.given_back = Some(8 << 20);
    let most = (first.beside_objects() + (8 << 20)) as f64;
    let figures = Figures::of(&record).unwrap();
    assert!(figures.tables_peak.unwrap() > figures.tables_end + f64::from(4 << 20), "{figures:?}");
    assert!((figures.tables_peak.unwrap() - most).abs() < f64::from(1 << 20), "{figures:?}");
}

#[test]
fn pss_is_of_a_moment_at_which_all_workers_are_done() {
    if !is_measurable() {
        return;
    }
    let record = record_of(&Cell { workers: 4, ..cell(inline(), Condition::FREEZE) });
    assert_valid(&record);
    let last = record.last.as_ref().unwrap();
    assert_eq!(last.workers.len(), 4);
    // Together they have what the sum over all has.
    let sum = last.workers.iter().map(|memory| memory.pss).sum::<u64>() + last.parent.pss;
    let total = record.totals.last().unwrap();
    assert_eq!(total.workers, 4);
    assert!(sum.abs_diff(total.pss) < 1 << 20, "{sum}, {total:?}");
    let figures = Figures::of(&record).unwrap();
    // The first worker ended with the parent alone beside it: half of what is shared was its.
    let first_ended = record.workers[0].at(Stage::CollectedAgain).unwrap().child.pss as f64;
    assert!(figures.pss.unwrap() < 0.7 * first_ended, "{figures:?} {first_ended}");

    // As an older build kept it.
    let mut older = serde_json::to_value(&record).unwrap();
    older.as_object_mut().unwrap().remove("last");
    for worker in older["workers"].as_array_mut().unwrap() {
        for moment in worker["moments"].as_array_mut().unwrap() {
            moment.as_object_mut().unwrap().remove("given_back");
        }
    }
    let older = Figures::of(&serde_json::from_value(older).unwrap()).unwrap();
    assert_eq!((older.tables_peak, older.shared_clean), (None, None));
    assert!((older.pss.unwrap() - figures.pss.unwrap()).abs() < f64::from(1 << 20), "{older:?}");
}

/// Runs a tiny experiment into a folder.
fn tiny(folder: &Path) -> std::process::Output {
    let parts = ["--parts", "conditions,workers", "--heaps", "generational", "--out", folder.to_str().unwrap()];
    output(&[&["reproduce", "freeze", "--tiny"][..], &parts].concat())
}

#[test]
fn the_experiment_runs_from_end_to_end_and_goes_on_where_it_was_cut() {
    if !is_measurable() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = tiny(&run);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("22 cells, about"), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.contains("CPython 3.12.1 (recorded), nothing") && text.contains("a further worker"), "{text}");
    let cells = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    let records: Vec<Record> = cells.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 22);
    let totals: Vec<u32> = records[21].totals.iter().map(|total| total.workers).collect();
    assert_eq!(totals, [0, 1, 2, 4]);
    let page = fs::read_to_string(run.join("freeze.md")).unwrap();
    assert!(page.contains("| CPython 3.12.1 (recorded), nothing, N = 1,000,000 |"), "{page}");
    assert!(page.contains("private of the control") && page.contains("**side tables**"), "{page}");
    assert!(fs::read_to_string(run.join("plots/memory-by-workers.svg")).unwrap().starts_with("<svg"));
    let figures = program::table(&run.join("freeze.csv"));
    assert!(
        figures.iter().any(|line| line["quantity"] == "collected-share" && line["value"].parse::<f64>().unwrap() > 0.3)
    );
    for key in ["pss", "shared-clean", "shared-dirty", "parent-pss", "parent-private"] {
        let of_key: Vec<_> = figures.iter().filter(|line| line["quantity"] == key).collect();
        assert_eq!(of_key.len(), 22, "{key}");
        for line in of_key {
            let number = |name: &str| line[name].parse::<f64>().unwrap();
            assert!(number("value") > 0.0 || key == "shared-clean", "{line:?}");
            // Of the workers' cells five rounds, were it no tiny run; the mean lies between.
            assert!(number("least") <= number("value") && number("value") <= number("most"), "{line:?}");
        }
    }

    // As if it had been killed in the sixth cell.
    let kept: String = cells.lines().take(5).map(|line| format!("{line}\n")).collect();
    fs::write(run.join("cells.jsonl"), format!("{kept}{{\"schema\"")).unwrap();
    let done = output(&["reproduce", "freeze", "--resume", run.to_str().unwrap(), "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("17 cells, about"), "{}", stderr(&done));
    let said = lines(&stdout(&done));
    assert_eq!(said.iter().filter(|line| line["kind"] == "freeze").count(), 17);
    assert!(said.iter().any(|line| line["about"] == "both to nearly nothing"));
    let again = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    let hashes = |text: &str| -> Vec<String> {
        lines(text).iter().map(|record| record["cell"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(hashes(&again), hashes(&cells));
}

#[test]
fn a_run_goes_on_in_any_folder_but_not_with_another_heap() {
    if !is_measurable() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let heap = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/tests/gcheap_dumped").join(name);
    let put = |name: &str| fs::copy(heap(name), folder.path().join("heap.gcheap.gz")).unwrap();
    put("planted_leak.gcheap.gz");
    let of_heap =
        ["--parts", "real-heap", "--heaps", "refcount,generational", "--heap-file", "heap.gcheap.gz", "--out", "run"];
    let begin = [&["reproduce", "freeze", "--tiny"][..], &of_heap].concat();
    let begun = gclab(&begin).current_dir(folder.path()).output().unwrap();
    assert_eq!(begun.status.code(), Some(0), "{}", stderr(&begun));
    let run = folder.path().join("run");
    let cells = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    let first = cells.lines().next().unwrap();
    let goes_on = || {
        fs::write(run.join("cells.jsonl"), format!("{first}\n")).unwrap();
        output(&["reproduce", "freeze", "--resume", run.to_str().unwrap()])
    };
    put("leaky_node20.gcheap.gz");
    let refused = goes_on();
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("heap.gcheap.gz has another content"), "{}", stderr(&refused));
    assert_eq!(fs::read_to_string(run.join("cells.jsonl")).unwrap().lines().count(), 1);
    put("planted_leak.gcheap.gz");
    let done = goes_on();
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(fs::read_to_string(run.join("cells.jsonl")).unwrap().lines().count(), cells.lines().count());
}

#[test]
fn what_cannot_run_is_said_with_what_can() {
    if !is_measurable() {
        return;
    }
    for (arguments, expected) in [
        (&["--parts", "colour"][..], "give one of conditions, tables, objects"),
        (&["--heaps", "none"], "give one of refcount, generational"),
        (&["--heap-file", "/nowhere/x.gcheap.gz"], "give a GCHEAP file with --heap-file"),
        (&["--timeout", "0"], "1.."),
        (&["--parts", "reads", "--heap-file", "/nowhere/x.gcheap.gz"], "no part of this run reads --heap-file"),
        (&["--parts", "real-heap", "--heap-file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], "Cargo.toml"),
        (&["--resume", "/nowhere"], "`gclab reproduce freeze` has written"),
        (&["--cell", "{}"], "no cell of the freeze experiment"),
    ] {
        let done = output(&[&["reproduce", "freeze"][..], arguments].concat());
        assert_ne!(done.status.code(), Some(0));
        assert!(stderr(&done).contains(expected), "{arguments:?}: {}", stderr(&done));
    }
}
