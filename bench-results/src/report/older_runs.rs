//! Runs of before `run.json` knew points, and folders of cells without one: what they lack is read off their cells.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};
use workloads::catalogue;

use crate::cell::Given;
use crate::comparison::{Arrivals, Calibration, Comparison, Point, Run};
use crate::provenance::{Load, Machine, Provenance};
use crate::record::{Record, SCHEMA};
use crate::roster;

/// What a fact is called that nobody wrote down.
const UNKNOWN: &str = "unknown";

/// Whether `run.json` is of before there were points.
pub fn is_older(run: &Value) -> bool {
    run["comparison"]["points"].is_null() && run["comparison"]["workloads"].is_array()
}

/// `run.json` of before there were points, as it is written today. Each record is told its point.
///
/// # Errors
/// If it is damaged, or a cell is of none of its workloads.
pub fn upgraded(mut run: Value, records: &mut [&mut Record]) -> Result<Run> {
    let comparison = run["comparison"].take();
    let part = |name: &str| comparison.get(name).cloned().with_context(|| format!("`comparison.{name}` is missing"));
    let heap_settings: Vec<Given> = serde_json::from_value(part("heap_settings")?)?;
    let (threads, arrivals) = (serde_json::from_value(part("threads")?)?, serde_json::from_value(part("arrivals")?)?);
    let mut points = Vec::new();
    for workload in part("workloads")?.as_array().into_iter().flatten() {
        let given: Vec<Given> = serde_json::from_value(workload["given"].clone())?;
        let workload = workload["workload"].as_str().context("a workload without a name")?.to_owned();
        points.push(Point { workload, given, heap_settings: heap_settings.clone(), threads, arrivals });
    }
    for record in records.iter_mut() {
        let fits = |point: &&Point| {
            let has = |(name, value): &Given| record.params.get(name).is_some_and(|known| shown(known) == *value);
            record.workload == point.workload && point.given.iter().all(has)
        };
        match points.iter().find(fits) {
            Some(point) => record.point = Some(point.id()),
            None => bail!("cell {} is of none of its workloads: remove its line from cells.jsonl", record.cell),
        }
    }
    let mut calibrations = BTreeMap::new();
    for (workload, record) in comparison["saturation"].as_object().into_iter().flatten() {
        let record: Record = serde_json::from_value(record.clone())?;
        // What the process took beside its timed part was not kept; only a run that goes on would need it.
        let process_s = record.wall_ns.unwrap_or(0) as f64 / 1e9;
        for point in points.iter().filter(|point| point.workload == *workload) {
            calibrations.insert(point.calibrated().id(), Calibration { record: record.clone(), process_s });
        }
    }
    let mut upgraded = json!({"twin": null, "left_out": [], "shard": null, "cell_s": null});
    for name in ["heaps", "seed", "rounds", "timeout_s"] {
        upgraded[name] = part(name)?;
    }
    upgraded["points"] = json!(points);
    upgraded["calibrations"] = json!(calibrations);
    run["comparison"] = upgraded;
    Ok(serde_json::from_value(run)?)
}

/// A run of cells that nobody wrote a `run.json` for. Each record is told its point.
///
/// # Errors
/// If a cell is of a workload that is not known here.
pub fn of_cells(records: &mut [&mut Record]) -> Result<Run> {
    let mut points: Vec<Point> = Vec::new();
    let varying: BTreeSet<String> = {
        let first = records.first().map(|record| record.heap_config.clone()).unwrap_or_default();
        let differs = |name: &&String, value: &Value| first.get(*name) != Some(value);
        let all = records.iter().flat_map(|record| &record.heap_config);
        all.filter(|(name, value)| differs(name, value)).map(|(name, _)| name.clone()).collect()
    };
    let usual: Map<String, Value> = crate::heap_settings::recorded(&crate::heap_settings::parse(&[])?);
    for record in records.iter_mut() {
        let entry = catalogue::find(&record.workload)?;
        let default = |name: &str| entry.dials.iter().find(|dial| dial.name == name).map(|dial| dial.default);
        let params = record.params.iter().map(|(name, value)| (name.clone(), shown(value)));
        let given = params.filter(|(name, value)| default(name) != Some(value)).collect();
        let settings = record
            .heap_config
            .iter()
            .filter(|(name, value)| varying.contains(*name) || usual.get(*name).is_some_and(|usual| usual != *value));
        let point = Point {
            workload: record.workload.clone(),
            given,
            heap_settings: settings.map(|(name, value)| (name.clone(), shown(value))).collect(),
            threads: record.threads,
            // In a closed loop nothing arrives, and titles leave this one out.
            arrivals: record.offered_per_s.map_or(Arrivals::Load(0.5), Arrivals::Rate),
        };
        record.point = Some(point.id());
        if !points.contains(&point) {
            points.push(point);
        }
    }
    let is_of = |heap: &str| records.iter().any(|record| record.heap == heap);
    let mut heaps: Vec<String> =
        roster::entries().iter().filter(|entry| is_of(entry.name)).map(|entry| entry.name.to_owned()).collect();
    for record in records.iter() {
        if !heaps.contains(&record.heap) {
            heaps.push(record.heap.clone());
        }
    }
    Ok(Run {
        schema: SCHEMA,
        kind: "cells".to_owned(),
        command: vec![UNKNOWN.to_owned()],
        started: UNKNOWN.to_owned(),
        ended: Some(UNKNOWN.to_owned()),
        comparison: Comparison {
            heaps,
            twin: records.iter().find(|record| record.twin).map(|record| record.heap.clone()),
            points,
            left_out: Vec::new(),
            shard: None,
            grid: None,
            seed: records.first().map_or(0, |record| record.seed),
            rounds: None,
            cell_s: None,
            timeout_s: 0,
            calibrations: BTreeMap::new(),
            narrowed: BTreeMap::new(),
        },
        provenance: unknown_provenance(records.first().and_then(|record| record.binary.clone())),
        load_before: Load { averages: None, steal_ticks: None },
        load_after: None,
        parts: Vec::new(),
    })
}

fn unknown_provenance(binary: Option<String>) -> Provenance {
    let unknown = || UNKNOWN.to_owned();
    Provenance {
        version: unknown(),
        binary,
        git_commit: None,
        git_dirty: None,
        rustc: unknown(),
        profile: unknown(),
        target: unknown(),
        machine: Machine {
            cpu_model: None,
            cores: None,
            usable_cores: None,
            is_virtual: None,
            kernel: None,
            clock_source: None,
            governor: None,
            huge_pages: None,
            huge_pages_defrag: None,
            aslr: None,
            overcommit: None,
            memory_bytes: None,
        },
    }
}

/// A value as it is given on the command line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
