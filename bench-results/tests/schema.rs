//! The published schemas, held against what the program writes.

use std::fs;
use std::path::Path;

use bench_results::cell::Cell;
use bench_results::comparison::Run;
use bench_results::report::verdict_line::VerdictLine;
use jsonschema::Validator;
use serde_json::{Value, json};

mod program;
use program::{cells, lines, output, stderr, stdout};

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(format!("{name}.schema.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn of_records() -> Validator {
    jsonschema::draft202012::new(&schema("record")).unwrap()
}

fn of_runs() -> Validator {
    let registry = jsonschema::Registry::new().add("urn:gclab:record:1", schema("record")).unwrap().prepare().unwrap();
    jsonschema::draft202012::options().with_registry(&registry).build(&schema("run")).unwrap()
}

fn assert_valid(validator: &Validator, value: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A record of which nothing is known but what it was asked for.
fn empty_record() -> Value {
    json!(Cell::new("generational", &[], "deep-cycles", &[], 1).unwrap().record(None))
}

#[test]
fn record_and_schema_have_the_same_fields() {
    let record = empty_record();
    assert_valid(&of_records(), &record);
    let schema = schema("record");
    let mut described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut written: Vec<&String> = record.as_object().unwrap().keys().collect();
    described.sort();
    written.sort();
    assert_eq!(described, written, "add the field to bench-results/schema/record.schema.json, with its unit");
}

#[test]
fn stranger_a_missing_field_and_a_nought_for_a_time_unknown_are_refused() {
    let refuse = |change: fn(&mut Value)| {
        let mut record = empty_record();
        change(&mut record);
        assert!(!of_records().is_valid(&record), "{record}");
    };
    refuse(|record| record["stranger"] = json!(1));
    refuse(|record| drop(record.as_object_mut().unwrap().remove("wall_ns")));
    refuse(|record| record["wall_ns"] = json!(1.5));
    refuse(|record| record["status"] = json!("fine"));
    refuse(|record| record["service_ns"] = json!({"n": 1}));
    refuse(|record| record["floating"] = json!({"peak_objects": 1, "mean_objects": 1, "peak_bytes": null, "more": 0}));
    refuse(|record| record["mmu"] = json!([[1000, 1.5]]));
}

#[test]
fn every_field_says_what_it_is() {
    fn check(at: &str, value: &Value) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                assert!(property["description"].as_str().is_some_and(|text| text.len() > 3), "{at}/{name}");
            }
        }
        match value {
            Value::Object(object) => object.iter().for_each(|(name, value)| check(&format!("{at}/{name}"), value)),
            Value::Array(array) => array.iter().for_each(|value| check(at, value)),
            _ => {}
        }
    }
    for name in ["record", "run", "verdict", "recording", "freeze"] {
        jsonschema::draft202012::meta::validate(&schema(name)).unwrap();
        check(name, &schema(name));
    }
}

#[test]
fn verdicts_fit_with_intervals_without_and_where_there_is_none() {
    let validator = jsonschema::draft202012::new(&schema("verdict")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for rounds in ["5", "1"] {
        let run = folder.path().join(rounds);
        let arguments = ["compare", "--json", "--workloads", "web-requests", "--heaps", "refcount,generational"];
        let small = ["--set", "web-requests.requests=500", "--rate", "2000", "--rounds", rounds];
        let done = output(&[&arguments[..], &small, &["--out", run.to_str().unwrap()]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let printed = lines(&stdout(&done));
        let [records @ .., verdict] = printed.as_slice() else { panic!("nothing printed") };
        records.iter().for_each(|record| assert_valid(&of_records(), record));
        assert_valid(&validator, verdict);
        let cpu = &verdict["axes"][1];
        assert_eq!((&cpu["axis"], &cpu["noise"]["heap"]), (&json!("cpu-per-operation"), &json!("generational")));
        let (refcount, has_interval) = (&cpu["heaps"][0], rounds == "5");
        assert_eq!(refcount["interval"].is_array(), has_interval);
        assert_eq!(refcount["no_interval"].is_null(), has_interval);
        assert_eq!(refcount["ratio"]["standing"] != "unknown", has_interval);
        // A busy machine may fall behind, which stands there too.
        let excluded = verdict["excluded"].as_array().unwrap();
        assert!(excluded.iter().any(|what| what.as_str().unwrap().starts_with("refcount (no cycle")), "{verdict}");
        for field in ["standing", "no_ratio"] {
            let mut broken = verdict.clone();
            broken["axes"][1]["heaps"][0]["ratio"][field] = json!(1);
            assert!(!validator.is_valid(&broken));
        }
    }
    let comparison =
        serde_json::from_slice::<Run>(&fs::read(folder.path().join("1/run.json")).unwrap()).unwrap().comparison;
    let none = VerdictLine::new(&comparison, &comparison.points[0], &[], &Err(anyhow::anyhow!("two machines")));
    let none = json!(none);
    assert_valid(&validator, &none);
    assert_eq!((&none["error"], &none["axes"]), (&json!("two machines"), &json!(null)));
}

#[test]
fn a_recording_of_a_python_program_fits_and_strangers_do_not() {
    let validator = jsonschema::draft202012::new(&schema("recording")).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/small_py312.jsonl");
    let recording = lines(&fs::read_to_string(path).unwrap());
    for line in &recording {
        assert_valid(&validator, line);
        let mut stranger = line.clone();
        stranger["stranger"] = json!(1);
        assert!(!validator.is_valid(&stranger), "{stranger}");
    }
    for kind in ["start", "collection", "request", "end"] {
        assert!(recording.iter().any(|line| line["kind"] == kind), "{kind}");
    }
}

#[test]
fn what_the_program_writes_fits() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = ["compare", "--workloads", "web-requests,deep-cycles", "--heaps", "generational,concurrent"];
    let small = ["--set", "web-requests.requests=2000", "--set", "deep-cycles.objects=2000", "--rounds", "1"];
    let done = output(&[&arguments[..], &small, &["--out", run.to_str().unwrap()]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let records = cells(&run);
    assert_eq!(records.len(), 6);
    records.iter().for_each(|record| assert_valid(&of_records(), record));
    let written: Value = serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    assert_valid(&of_runs(), &written);
    let mut more = written.clone();
    more["comparison"]["stranger"] = json!(1);
    assert!(!of_runs().is_valid(&more));
    let mut broken = written;
    let calibrations = broken["comparison"]["calibrations"].as_object_mut().unwrap();
    calibrations.values_mut().next().unwrap()["record"]["stranger"] = json!(1);
    assert!(!of_runs().is_valid(&broken), "records in a run are not held against their own schema");
    // Lifetimes are watched on request only.
    let watched = ["--set", "requests=2000", "--set", "lifetimes=on", "--json"];
    let done = output(&[&["run", "--heap", "generational", "--workload", "web-requests"], &watched[..]].concat());
    let record = lines(&stdout(&done)).remove(0);
    assert!(record["lifetimes"].is_object(), "{}", stderr(&done));
    assert_valid(&of_records(), &record);
}
