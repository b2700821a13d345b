//! One cell in a process of its own, and in this one.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gc_core::HeapFull;

use super::Experiment;
use super::cell::{Cell, Subject};
use super::figures::{WrongFigures, check};
use super::interpreter::{Answer, Python};
use super::programs::Programs;
use super::record::Record;
use crate::invocation::{Failure, run_for_record};
use crate::measure::message;
use crate::provenance::binary_hash;
use crate::record::Status;

/// Runs a cell of a heap in this process. That it fails is a record.
///
/// # Errors
/// If it is none of a heap's, or the program cannot read its own file.
pub fn measure(experiment: &dyn Experiment, cell: &Cell) -> Result<Record> {
    if cell.subject.heap_name().is_none() {
        bail!("a cell of an interpreter is not measured here");
    }
    let mut record = Record::of(cell, binary_hash()?);
    // Unwind safety: after a panic nothing of the heap is used any more.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let figures = experiment.measure(cell)?;
        check(&figures)?;
        Ok::<_, anyhow::Error>(figures)
    }));
    match outcome {
        Ok(Ok(figures)) => (record.status, record.figures) = (Status::Ok, figures),
        Ok(Err(error)) => {
            if error.is::<HeapFull>() {
                record.status = Status::OutOfMemory;
            } else if error.is::<WrongFigures>() {
                record.status = Status::WrongDigest;
            }
            record.error = Some(format!("{error:#}"));
        }
        Err(panic) => record.error = Some(format!("panicked: {}", message(&*panic))),
    }
    Ok(record)
}

/// Runs a cell in a fresh process: of this program, or of the interpreter among these that it names.
///
/// # Errors
/// If it cannot start at all.
pub fn run(
    experiment: &dyn Experiment,
    cell: &Cell,
    pythons: &[Python],
    programs: &Programs,
    timeout: Duration,
) -> Result<Record> {
    let binary = binary_hash()?;
    let began = Instant::now();
    let mut record = match &cell.subject {
        Subject::Heap { .. } => on_heap(cell, binary, timeout)?,
        Subject::Interpreter { version } => {
            let python = pythons.iter().find(|python| python.version == *version);
            let python = python.with_context(|| format!("{version} is part of the run; name its path by --python"))?;
            let script = experiment.script(cell).context("no program asks an interpreter this")?;
            let Answer { status, error, figures } = python.run(programs, &script, timeout)?;
            Record { status, error, figures, ..Record::of(cell, binary) }
        }
    };
    record.process_ns = Some(began.elapsed().as_nanos() as u64);
    Ok(record)
}

fn on_heap(cell: &Cell, binary: &str, timeout: Duration) -> Result<Record> {
    let arguments: [OsString; 4] =
        ["reproduce".into(), (&cell.experiment).into(), "--cell".into(), cell.to_text()?.into()];
    Ok(match run_for_record(&arguments, timeout)? {
        Ok(record) => record,
        Err(Failure { status, error }) => Record { status, error: Some(error), ..Record::of(cell, binary) },
    })
}
