//! The claims experiment end to end at tiny size: every claim on three heaps, each in a process of its own, records that fit the schema,
//! and a chapter. What is tested hangs on counts and files, never on a time.

use std::fs;
use std::path::Path;

use bench_results::comparison::BASELINE;
use bench_results::experiment::claims::{CLAIMS, DISAGREEMENTS, Measured, Verdict, answer, claim};
use bench_results::experiment::trial::{Record, Subject};
use bench_results::process_memory::ProcessMemory;
use bench_results::record::Status;
use bench_results::roster;
use serde_json::{Value, json};

mod program;
use program::{output, stderr, stdout};

#[test]
fn each_claim_is_tried_in_a_process_of_its_own_and_told() {
    if let Err(cause) = ProcessMemory::is_readable() {
        eprintln!("skipped: {cause}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let heaps = ["refcount", "generational", "concurrent"];
    let done = output(&["reproduce", "claims", "--tiny", "--heaps", &heaps.join(","), "--out", run.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), CLAIMS.len() * heaps.len());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/trial.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for record in &records {
        assert_eq!(record.status, Status::Ok, "{}: {:?}", record.name(), record.error);
        let errors: Vec<String> = validator.iter_errors(&json!(record)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", record.name());
        let (told, reason) = (&record.figures["told"], &record.figures["not_applicable"]);
        assert!(told.is_null() != reason.is_null(), "{}: figures, or why there are none", record.name());
    }
    let page = fs::read_to_string(run.join("claims.md")).unwrap();
    for title in [
        "which hold where",
        "What is so",
        "contradict",
        "Remedies",
        "What was measured",
        "is not as CPython",
        "How verdicts are made",
    ] {
        assert!(page.contains(title), "{title}\n{page}");
    }
    for claim in CLAIMS {
        assert!(page.contains(claim.rule), "{}", claim.key);
    }
    assert!(page.contains("523/47/0"), "{page}");
    assert!(stdout(&done).contains("claims 1, 28 and 29"), "{}", stdout(&done));
    let articles =
        "Of 42 claims that they make 9 hold on none of the seven CPythons (claims 4, 9, 10, 18, 19, 22, 24, 25 and 42)";
    assert!(stdout(&done).contains(articles), "{}", stdout(&done));
}

/// What a claim on forks measured on a heap, in a process of its own.
fn forked(key: &str, heap: &str) -> Value {
    let cell = json!({"experiment": "claims", "question": format!("claim-{key}"), "options": {"claim": key, "scale": "small"},
        "subject": Subject::heap(heap, None), "round": 0, "seed": 1});
    let done = output(&["reproduce", "claims", "--cell", &cell.to_string()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let record: Record = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(record.status, Status::Ok, "{:?}", record.error);
    record.figures["told"].clone()
}

#[test]
fn what_a_fork_shares_is_explained_where_a_heap_is_not_as_cpython() {
    if let Err(cause) = ProcessMemory::is_readable() {
        eprintln!("skipped: {cause}");
        return;
    }
    for entry in roster::entries() {
        for key in ["35", "36", "37"] {
            let told = forked(key, entry.name);
            let listed = DISAGREEMENTS.iter().find(|one| one.key == key && one.heaps.contains(&entry.name));
            let verdict = match told.is_null() {
                true => None,
                false => {
                    let answer =
                        answer(key, &Measured::Figures(serde_json::from_value(told.clone()).unwrap())).unwrap();
                    // A freeze can prevent only what happens without one: where a heap's tables are beside its objects, nothing does.
                    let copies_nothing = key == "36" && entry.name != BASELINE;
                    assert_eq!(
                        answer.verdict == Verdict::NotApplicable,
                        copies_nothing,
                        "{key} on {}: {told}",
                        entry.name
                    );
                    Some(answer.verdict)
                        .filter(|_| !copies_nothing)
                        .filter(|verdict| *verdict != claim(key).unwrap().cpython.unwrap().on_3_12)
                }
            };
            assert_eq!(verdict, listed.map(|one| one.verdict), "claim {key} on {}: {told}", entry.name);
        }
    }
}

#[test]
fn what_a_fork_shares_is_cpythons_on_the_baseline() {
    if let Err(cause) = ProcessMemory::is_readable() {
        eprintln!("skipped: {cause}");
        return;
    }
    // Pages, not times: a collection copies them, a freeze prevents it, reading copies them with the collector off.
    let figures = |key: &str| forked(key, "generational");
    let mib = |figures: &Value, name: &str| figures[name].as_f64().unwrap();
    let freeze = figures("36");
    assert!(mib(&freeze, "collected_mib") >= 0.05 * mib(&freeze, "heap_mib"), "{freeze}");
    assert!(mib(&freeze, "frozen_mib") <= 0.05 * mib(&freeze, "heap_mib"), "{freeze}");
    let read = figures("37");
    assert!(mib(&read, "read_mib") > 0.01 * mib(&read, "heap_mib"), "{read}");
}
