//! The figures of a cell: what its workers copied, by serving and by collecting, in all and of the objects' own pages.

use super::record::{ChildRecord, Moment, Record, Stage};
use crate::process_memory::ProcessMemory;
use crate::record::Status;

/// Means over the workers of a cell. Sizes in bytes, times in nanoseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Figures {
    /// The parent's pages of objects at the first fork.
    pub heap: f64,
    /// The parent's lasting tables then.
    pub heap_tables: f64,
    /// All memory of the parent then.
    pub parent_rss: f64,
    /// What the collection before the freeze, and the freeze, took; `None` if there was neither.
    pub freeze_ns: Option<f64>,
    /// Resident memory of a worker in the end.
    pub rss: f64,
    /// Private dirty memory that came with serving.
    pub served: f64,
    /// Minor faults of it.
    pub served_faults: Option<f64>,
    /// Of it, pages that the objects had at the fork.
    pub served_objects: f64,
    /// Private dirty memory that came with the first collection.
    pub first_collected: f64,
    /// Minor faults of it.
    pub first_faults: Option<f64>,
    /// Of it, pages that the objects had at the fork.
    pub first_objects: f64,
    /// Private dirty memory that came with both collections.
    pub collected: f64,
    /// Minor faults of them.
    pub collected_faults: Option<f64>,
    /// Of it, pages that the objects had at the fork.
    pub collected_objects: f64,
    /// Of it, what is no object: tables.
    pub collected_tables: f64,
    /// The most private memory beside objects at any time, a release of all included; `None` if that was not measured.
    pub tables_peak: Option<f64>,
    /// How much of it is left after the second collection.
    pub tables_end: f64,
    /// The same when a worker has dropped all that the heap holds, if it did.
    pub tables_released: Option<f64>,
    /// Private dirty memory in the end.
    pub private: f64,
    /// The same of the control: what asking alone dirties.
    pub control: f64,
    /// `Pss` of a worker when all of them are alive and done.
    pub pss: Option<f64>,
    /// Shared memory of a worker then, not written to; `None` in records of older builds with several workers.
    pub shared_clean: Option<f64>,
    /// The same, written to before the fork.
    pub shared_dirty: Option<f64>,
    /// `Pss` of the parent then.
    pub parent_pss: f64,
    /// Memory that the parent has to itself then, written to.
    pub parent_private: f64,
    /// Shared memory of the parent then, not written to.
    pub parent_shared_clean: f64,
    /// The same, written to.
    pub parent_shared_dirty: f64,
    /// The first collection.
    pub first_ns: f64,
    /// The second.
    pub second_ns: f64,
    /// Objects that both collections found.
    pub found: f64,
    /// What came of unfreezing, if a worker did so.
    pub unfrozen: Option<Unfrozen>,
}

/// What unfreezing and a third collection brought.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unfrozen {
    /// Private dirty memory that came with it.
    pub dirtied: f64,
    /// Unreachable objects it found: those that had leaked.
    pub found: f64,
    /// How long the collection took.
    pub ns: f64,
}

impl Figures {
    /// Of a record; `None` if the cell is not ok.
    pub fn of(record: &Record) -> Option<Self> {
        let parent = record.parent.as_ref().filter(|_| record.status == Status::Ok)?;
        let control = record.control.as_ref()?;
        let workers: Vec<Worker> = record.workers.iter().map(Worker::of).collect::<Option<_>>()?;
        if workers.is_empty() {
            return None;
        }
        let mean = |of: &dyn Fn(&Worker) -> f64| workers.iter().map(of).sum::<f64>() / workers.len() as f64;
        let known = |of: &dyn Fn(&Worker) -> Option<f64>| {
            let known: Option<Vec<f64>> = workers.iter().map(of).collect();
            known.map(|known| known.iter().sum::<f64>() / known.len() as f64)
        };
        let dirty = |moment: &Moment| moment.child.private_dirty as f64;
        let together = Together::of(record, &workers);
        let freeze_ns = match (parent.collect_ns, parent.freeze_ns) {
            (None, None) => None,
            (collect, freeze) => Some((collect.unwrap_or(0) + freeze.unwrap_or(0)) as f64),
        };
        Some(Self {
            heap: parent.objects.resident as f64,
            heap_tables: parent.tables.resident as f64,
            parent_rss: parent.before_fork.rss as f64,
            freeze_ns,
            rss: mean(&|worker| worker.again.child.rss as f64),
            served: mean(&|worker| dirty(&worker.served) - dirty(&worker.forked)),
            served_faults: known(&|worker| minus(&worker.served, &worker.forked)),
            served_objects: mean(&|worker| objects(&worker.served) - objects(&worker.forked)),
            first_collected: mean(&|worker| dirty(&worker.first) - dirty(&worker.served)),
            first_faults: known(&|worker| minus(&worker.first, &worker.served)),
            first_objects: mean(&|worker| objects(&worker.first) - objects(&worker.served)),
            collected: mean(&|worker| dirty(&worker.again) - dirty(&worker.served)),
            collected_faults: known(&|worker| minus(&worker.again, &worker.served)),
            collected_objects: mean(&|worker| objects(&worker.again) - objects(&worker.served)),
            collected_tables: mean(&|worker| {
                worker.again.beside_objects() as f64 - worker.served.beside_objects() as f64
            }),
            tables_peak: known(&Worker::beside_at_most),
            tables_end: mean(&|worker| worker.again.beside_objects() as f64),
            tables_released: known(&|worker| worker.released.as_ref().map(|moment| moment.beside_objects() as f64)),
            private: mean(&|worker| dirty(&worker.again)),
            control: control.at(Stage::CollectedAgain).map(dirty)?,
            pss: together.pss,
            shared_clean: together.worker(|memory| memory.shared_clean),
            shared_dirty: together.worker(|memory| memory.shared_dirty),
            parent_pss: together.parent(|memory| memory.pss),
            parent_private: together.parent(|memory| memory.private_dirty),
            parent_shared_clean: together.parent(|memory| memory.shared_clean),
            parent_shared_dirty: together.parent(|memory| memory.shared_dirty),
            first_ns: mean(&|worker| worker.first.said.wall_ns as f64),
            second_ns: mean(&|worker| worker.again.said.wall_ns as f64),
            found: mean(&|worker| (worker.first.said.found.unwrap_or(0) + worker.again.said.found.unwrap_or(0)) as f64),
            unfrozen: workers.iter().all(|worker| worker.unfrozen.is_some()).then(|| {
                let of = |of: &dyn Fn(&Worker, &Moment) -> f64| {
                    mean(&|worker| worker.unfrozen.as_ref().map_or(0.0, |unfrozen| of(worker, unfrozen)))
                };
                Unfrozen {
                    dirtied: of(&|worker, unfrozen| dirty(unfrozen) - dirty(&worker.again)),
                    found: of(&|_, unfrozen| unfrozen.said.found.unwrap_or(0) as f64),
                    ns: of(&|_, unfrozen| unfrozen.said.wall_ns as f64),
                }
            }),
        })
    }

    /// Means over rounds; `None` if there are none.
    pub fn mean(rounds: &[Self]) -> Option<Self> {
        let first = *rounds.first()?;
        let mean = |of: &dyn Fn(&Self) -> f64| rounds.iter().map(of).sum::<f64>() / rounds.len() as f64;
        let known = |of: &dyn Fn(&Self) -> Option<f64>| {
            let known: Option<Vec<f64>> = rounds.iter().map(of).collect();
            known.map(|known| known.iter().sum::<f64>() / known.len() as f64)
        };
        let unfrozen = |of: &dyn Fn(&Unfrozen) -> f64| known(&|round| round.unfrozen.as_ref().map(of));
        Some(Self {
            heap: mean(&|round| round.heap),
            heap_tables: mean(&|round| round.heap_tables),
            parent_rss: mean(&|round| round.parent_rss),
            freeze_ns: known(&|round| round.freeze_ns),
            rss: mean(&|round| round.rss),
            served: mean(&|round| round.served),
            served_faults: known(&|round| round.served_faults),
            served_objects: mean(&|round| round.served_objects),
            first_collected: mean(&|round| round.first_collected),
            first_faults: known(&|round| round.first_faults),
            first_objects: mean(&|round| round.first_objects),
            collected: mean(&|round| round.collected),
            collected_faults: known(&|round| round.collected_faults),
            collected_objects: mean(&|round| round.collected_objects),
            collected_tables: mean(&|round| round.collected_tables),
            tables_peak: known(&|round| round.tables_peak),
            tables_end: mean(&|round| round.tables_end),
            tables_released: known(&|round| round.tables_released),
            private: mean(&|round| round.private),
            control: mean(&|round| round.control),
            pss: known(&|round| round.pss),
            shared_clean: known(&|round| round.shared_clean),
            shared_dirty: known(&|round| round.shared_dirty),
            parent_pss: mean(&|round| round.parent_pss),
            parent_private: mean(&|round| round.parent_private),
            parent_shared_clean: mean(&|round| round.parent_shared_clean),
            parent_shared_dirty: mean(&|round| round.parent_shared_dirty),
            first_ns: mean(&|round| round.first_ns),
            second_ns: mean(&|round| round.second_ns),
            found: mean(&|round| round.found),
            unfrozen: first.unfrozen.and_then(|_| {
                Some(Unfrozen {
                    dirtied: unfrozen(&|each| each.dirtied)?,
                    found: unfrozen(&|each| each.found)?,
                    ns: unfrozen(&|each| each.ns)?,
                })
            }),
        })
    }

    /// What collections copied of the objects' own pages, as a share of them.
    pub fn collected_share(&self) -> f64 {
        self.collected_objects / self.heap.max(1.0)
    }

    /// The same of the first collection alone.
    pub fn first_share(&self) -> f64 {
        self.first_objects / self.heap.max(1.0)
    }

    /// The same of serving.
    pub fn served_share(&self) -> f64 {
        self.served_objects / self.heap.max(1.0)
    }

    /// Private memory in the end, less that of the control.
    pub fn less_control(&self) -> f64 {
        self.private - self.control
    }
}

/// Parent and workers when all workers are alive and done.
struct Together<'r> {
    pss: Option<f64>,
    parent: &'r ProcessMemory,
    workers: Option<Vec<&'r ProcessMemory>>,
}

impl<'r> Together<'r> {
    /// As the record has it. An older one has the parent at the last worker's last moment, and the sum over all; of single
    /// workers what was read when each of them had ended, which is of that moment only where there is one.
    fn of(record: &'r Record, workers: &'r [Worker]) -> Self {
        if let Some(last) = &record.last {
            let of_workers: Vec<&ProcessMemory> = last.workers.iter().collect();
            let pss = of_workers.iter().map(|memory| memory.pss as f64).sum::<f64>() / of_workers.len().max(1) as f64;
            return Self { pss: Some(pss), parent: &last.parent, workers: Some(of_workers) };
        }
        let parent = &workers[workers.len() - 1].again.parent;
        let all = record.totals.iter().find(|total| total.workers as usize == workers.len());
        // Nothing but these two stages lies between the two readings, unless workers went on to further stages.
        let is_last = record.spec.unfreeze || record.spec.release;
        let pss = all.filter(|_| !is_last).map(|all| (all.pss as f64 - parent.pss as f64) / workers.len() as f64);
        Self { pss, parent, workers: (workers.len() == 1).then(|| vec![&workers[0].again.child]) }
    }

    fn worker(&self, of: fn(&ProcessMemory) -> u64) -> Option<f64> {
        let workers = self.workers.as_ref()?;
        Some(workers.iter().map(|memory| of(memory) as f64).sum::<f64>() / workers.len() as f64)
    }

    fn parent(&self, of: fn(&ProcessMemory) -> u64) -> f64 {
        of(self.parent) as f64
    }
}

/// A worker's stages.
struct Worker {
    forked: Moment,
    served: Moment,
    first: Moment,
    again: Moment,
    unfrozen: Option<Moment>,
    released: Option<Moment>,
}

impl Worker {
    fn of(record: &ChildRecord) -> Option<Self> {
        let at = |stage| record.at(stage).cloned();
        Some(Self {
            forked: at(Stage::Forked)?,
            served: at(Stage::Served)?,
            first: at(Stage::Collected)?,
            again: at(Stage::CollectedAgain)?,
            unfrozen: at(Stage::Unfrozen),
            released: at(Stage::Released),
        })
    }

    /// The most private memory beside objects on the way through all stages.
    fn beside_at_most(&self) -> Option<f64> {
        let stages: Vec<&Moment> = [&self.forked, &self.served, &self.first, &self.again]
            .into_iter()
            .chain(&self.unfrozen)
            .chain(&self.released)
            .collect();
        let steps = stages.windows(2).map(|pair| pair[1].beside_objects_at_most(pair[0]));
        steps.collect::<Option<Vec<u64>>>()?.into_iter().max().map(|bytes| bytes as f64)
    }
}

fn objects(moment: &Moment) -> f64 {
    moment.objects.private as f64
}

fn minus(later: &Moment, earlier: &Moment) -> Option<f64> {
    Some(later.said.minor_faults? as f64 - earlier.said.minor_faults? as f64)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of a heap of a thousand pages, of which nothing was copied.
    pub(in super::super) fn figures() -> Figures {
        Figures {
            heap: 4_096_000.0,
            heap_tables: 0.0,
            parent_rss: 0.0,
            freeze_ns: None,
            rss: 0.0,
            served: 0.0,
            served_faults: None,
            served_objects: 0.0,
            first_collected: 0.0,
            first_faults: None,
            first_objects: 0.0,
            collected: 0.0,
            collected_faults: None,
            collected_objects: 0.0,
            collected_tables: 0.0,
            tables_peak: None,
            tables_end: 0.0,
            tables_released: None,
            private: 0.0,
            control: 0.0,
            pss: None,
            shared_clean: None,
            shared_dirty: None,
            parent_pss: 0.0,
            parent_private: 0.0,
            parent_shared_clean: 0.0,
            parent_shared_dirty: 0.0,
            first_ns: 0.0,
            second_ns: 0.0,
            found: 0.0,
            unfrozen: None,
        }
    }
}
