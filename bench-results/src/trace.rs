//! The trace of a cell: its pauses, cascades and collections as Chrome trace events, a file that Perfetto opens.
//!
//! Format: "Trace Event Format" of the Chromium project. Complete events (`"ph":"X"`) with begin and length in microseconds,
//! whose fractions are nanoseconds; metadata events (`"ph":"M"`) name tracks. What one thread does may not overlap in a
//! track unless it is nested, so each thread has one track for pauses, one for release cascades and one for each
//! generation that it collects as a thread of the heap's own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::histogram::write_whole;
use crate::record::Record;
use crate::spans::{Kind, Span, Spans};

/// The process of all events.
const PROCESS: u32 = 1;
/// Tracks of a thread.
const TRACKS: u32 = 8;

/// Writes the trace of a cell. The file appears whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, record: &Record, spans: &Spans) -> Result<()> {
    let text = serde_json::to_vec(&events(record, spans)).context("a trace that is no JSON")?;
    write_whole(path, &text)
        .with_context(|| format!("cannot write {}; free space there, or choose another file", path.display()))
}

/// The trace as JSON.
pub fn events(record: &Record, spans: &Spans) -> Value {
    let mut tracks: BTreeMap<u32, String> = BTreeMap::new();
    let mut events = Vec::with_capacity(spans.all().len() + 8);
    for span in spans.all() {
        let (track, name) = track_of(span, spans);
        tracks.entry(track).or_insert(name);
        events.push(event(span, track));
    }
    let name = |kind: &str, track: u32, name: &str| json!({"name": kind, "ph": "M", "pid": PROCESS, "tid": track, "args": {"name": name}});
    let process = format!("{} on {}", record.workload, record.heap);
    let mut all = vec![name("process_name", 0, &process)];
    all.extend(tracks.iter().map(|(&track, called)| name("thread_name", track, called)));
    all.append(&mut events);
    json!({
        "displayTimeUnit": "ns",
        "otherData": {"cell": record.cell, "seed": record.seed, "round": record.round, "dropped": spans.dropped()},
        "traceEvents": all,
    })
}

/// The number of a span's track, and what the track is called.
fn track_of(span: &Span, spans: &Spans) -> (u32, String) {
    let first = 1 + span.thread * TRACKS;
    match span.kind {
        Kind::Pause { .. } => (first, format!("mutator {}", span.thread)),
        Kind::Cascade { .. } => (first + 1, format!("thread {}: release cascades", span.thread)),
        Kind::Collection { generation, .. } => {
            let thread = spans.threads().get(span.thread as usize).and_then(|thread| thread.name.as_deref());
            let thread = thread.unwrap_or("the heap's own thread");
            (first + 2 + u32::from(generation), format!("{thread}: collections of generation {generation}"))
        }
    }
}

fn event(span: &Span, track: u32) -> Value {
    let (category, name, arguments) = match span.kind {
        Kind::Pause { cause, marked, generation, .. } => {
            ("pause", cause.name(), json!({"marked": marked, "generation": generation}))
        }
        Kind::Cascade { objects } => ("cascade", "cascade", json!({"objects": objects})),
        Kind::Collection { generation, collected, automatic } => {
            let arguments = json!({"generation": generation, "collected": collected, "automatic": automatic});
            ("collection", "collection", arguments)
        }
    };
    let microseconds = |ns: u64| ns as f64 / 1_000.0;
    json!({
        "name": name,
        "cat": category,
        "ph": "X",
        "ts": microseconds(span.begin_ns),
        "dur": microseconds(span.ns),
        "pid": PROCESS,
        "tid": track,
        "args": arguments,
    })
}
