//! `gclab heap FILE --collect`: what a full collection of the loaded graph finds, beside what the file flags.

use std::time::Instant;

use anyhow::Result;
use gc_core::{Control, Generation, Heap, HeapConfig, NoObserver};
use serde::Serialize;
use workloads::graph::HeapGraph;

use super::super::WrongAnswer;
use super::Arguments;
use crate::heap_settings;
use crate::roster::{self, for_heap};
use crate::units;

/// What a full collection of the loaded graph found: the line that `--collect --json` prints.
#[derive(Debug, Serialize)]
struct Found {
    file: String,
    nodes: usize,
    edges: usize,
    tracked: usize,
    flagged: usize,
    found: usize,
    missing: usize,
    extra: usize,
    heap: String,
    collect_ns: u64,
    /// The first nodes of either difference, to look at.
    #[serde(skip)]
    first_differences: Vec<u32>,
}

/// Loads, collects, compares.
pub(super) fn run(arguments: &Arguments, read: impl FnOnce() -> Result<HeapGraph>) -> Result<()> {
    // What is wrong with the arguments is said before a file is read.
    let heap = roster::entry(&arguments.heap)?;
    let config = heap_settings::parse(&arguments.config)?;
    let graph = read()?;
    let found = for_heap!(heap.name, H => collect::<H>(&graph, config, &arguments.file))??;
    if arguments.json {
        super::super::print(&(serde_json::to_string(&found)? + "\n"))?;
    } else {
        super::super::print(&readable(&found))?;
    }
    // A heap that collects no cycles is expected to leave them.
    if found.extra > 0 || (found.missing > 0 && heap.abilities.collects_cycles) {
        let message = format!(
            "heap {}, file {}: {} flagged objects not found, {} found that are not flagged; the first nodes: {:?}",
            found.heap, found.file, found.missing, found.extra, found.first_differences
        );
        return Err(WrongAnswer(message).into());
    }
    Ok(())
}

fn collect<H: Heap>(graph: &HeapGraph, config: HeapConfig, file: &str) -> Result<Found> {
    let heap = H::new(config, std::sync::Arc::new(NoObserver))?;
    let mutator = heap.attach();
    let loaded = graph.load(&mutator)?;
    let begin = Instant::now();
    mutator.collect(Generation::OLD);
    let collect_ns = begin.elapsed().as_nanos() as u64;
    let verdict = graph.judge(&mutator, &loaded);
    Ok(Found {
        file: file.to_owned(),
        nodes: graph.node_count(),
        edges: graph.edge_count(),
        tracked: graph.nodes().filter(|&node| graph.flags(node).is_tracked()).count(),
        flagged: verdict.flagged,
        found: verdict.found,
        missing: verdict.missing.len(),
        extra: verdict.extra.len(),
        heap: H::NAME.to_owned(),
        collect_ns,
        first_differences: verdict.missing.iter().chain(&verdict.extra).take(5).copied().collect(),
    })
}

fn readable(found: &Found) -> String {
    let verdict = match (found.missing, found.extra) {
        (0, 0) => "exactly the flagged objects".to_owned(),
        (missing, extra) => format!("{missing} flagged objects missing, {extra} found that are not flagged"),
    };
    format!(
        "graph        {} objects, {} references, {} tracked\n\
         flagged      {} objects, which the process's own collector found unreachable\n\
         found        {} tracked objects, by a full collection on {} in {}\n\
         verdict      {verdict}\n",
        units::count(found.nodes as u64),
        units::count(found.edges as u64),
        units::count(found.tracked as u64),
        units::count(found.flagged as u64),
        units::count(found.found as u64),
        found.heap,
        units::time(found.collect_ns),
    )
}
