//! The cell of the heap that does not count: the program runs twice, once on plain counts to record what died when, and once,
//! measured, on the heap without counts, which frees the same objects at the same places.
//!
//! So the second run's memory is what it is with counts, and its price is that of the program, of allocation and of freeing: no
//! retain, no release, no search for what a death takes with it. What it does pay beside is the tape: 4 bytes a death
//! and 12 a batch of them, and a look at the object's header before it is freed.
//!
//! What is not as with counts, and therefore unknown in the record: floating garbage (what died waits for the next allocation),
//! release cascades, and the peak of the process's memory, which is also that of the recording.

use std::sync::{Arc, OnceLock};

use anyhow::{Result, bail};
use gc_core::{CreateError, Heap, NoObserver, Observer, RecordingHeap, Tape, UncountedHeap};
use workloads::catalogue::{self, StartError};
use workloads::workload::{NoStages, Pace, Plan, RunError};

use crate::cell::Cell;
use crate::record::{Record, Status};
use crate::units;

/// A cell's program, run on plain counts, and the replay that follows it.
pub(crate) struct Recording {
    tape: Arc<Tape>,
    digest: u64,
    replay: OnceLock<UncountedHeap>,
}

impl Recording {
    /// Runs the cell's program on plain counts.
    ///
    /// # Errors
    /// If the cell has several mutators, the program fails, or a replay could not follow it.
    pub(crate) fn new(cell: &Cell) -> Result<Self> {
        let (heap_name, workload) = (cell.heap.name, cell.workload.name);
        if cell.threads > 1 {
            bail!("{heap_name} replays a recording, which only one mutator can repeat; give --threads 1");
        }
        let heap = RecordingHeap::new(cell.heap_config, Arc::new(NoObserver))?;
        // The pace changes when operations begin, not what they do.
        let plan = Plan { seed: cell.seed, threads: 1, pace: Pace::Closed, stages: &NoStages };
        let outcome = match catalogue::run(workload, &cell.settings, &heap, &plan) {
            Ok(outcome) => outcome,
            Err(StartError::Setting(error)) => return Err(error.into()),
            Err(StartError::Run(RunError::Create(error))) => return Err(error.into()),
            Err(StartError::Run(error)) => bail!("{heap_name} has nothing to replay, its recording failed: {error}"),
        };
        match heap.tape() {
            Ok(tape) => Ok(Self { tape: Arc::new(tape), digest: outcome.digest, replay: OnceLock::new() }),
            Err(cause) => bail!("{heap_name} cannot replay {workload}: {cause}"),
        }
    }

    /// A heap for the replay, which [`enter`](Self::enter) will ask how it went.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn replay(&self, observer: Arc<dyn Observer>) -> Result<UncountedHeap, CreateError> {
        let heap = UncountedHeap::replaying(Arc::clone(&self.tape), observer)?;
        Ok(self.replay.get_or_init(|| heap).clone())
    }

    /// Enters in the replay's record what it owes to the recording. A replay of another program has measured nothing.
    pub(crate) fn enter(&self, record: &mut Record) {
        (record.floating, record.cascade_ns, record.peak_rss_bytes) = (None, None, None);
        record.extra.insert("tape_bytes".to_owned(), self.tape.bytes() as f64);
        record.extra.insert("tape_deaths".to_owned(), self.tape.deaths() as f64);
        let recorded = units::digest(self.digest);
        if let Some(Err(misfit)) = self.replay.get().map(UncountedHeap::replayed) {
            let before = record.error.take().map(|error| format!("{error}; ")).unwrap_or_default();
            (record.status, record.error) = (Status::Error, Some(format!("{before}{misfit}")));
        } else if record.status == Status::Ok && record.digest.as_ref() != Some(&recorded) {
            let read = record.digest.as_deref().unwrap_or("nothing");
            let error = format!("the replay read {read}, the recording {recorded}");
            (record.status, record.error) = (Status::WrongDigest, Some(error));
        }
    }
}
