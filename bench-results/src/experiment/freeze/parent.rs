//! The process of a cell: builds the heap, freezes it, forks, and asks the system what its children have copied.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gc_core::process::Forked;
use gc_core::{Generation, Heap, HeapFull, Mutator, NoObserver};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use workloads::frozen_heap::FrozenHeap;
use workloads::graph::{HeapGraph, embedded_django};

use super::cell::{Cell, Content, Freeze};
use super::channel::{Message, ParentEnd, pipes};
use super::child::{Task, live};
use super::peak::Mark;
use super::ranges::Ranges;
use super::record::{ChildRecord, Last, Moment, ParentRecord, Record, Stage, Total};
use crate::heap_settings;
use crate::process_memory::{ProcessMemory, RangeMemory};
use crate::provenance::binary_hash;
use crate::record::Status;
use crate::roster::for_heap;

/// How often a collector with a thread of its own is waited for;
const STANDSTILLS: u32 = 3;
/// and how long it has each time to begin what it was asked for.
const BETWEEN_STANDSTILLS: Duration = Duration::from_millis(10);

/// Runs a cell in this process, which must have no other threads.
///
/// # Errors
/// If it cannot run at all: its parts are unknown, or the system does not tell what memory processes have. That it fails is
/// a record.
pub fn run(cell: &Cell) -> Result<Record> {
    cell.check()?;
    ProcessMemory::is_readable().context("the experiment asks the system what memory a process has to itself")?;
    let mut record = Record::of(cell, binary_hash()?);
    let outcome = for_heap!(cell.layout.heap.as_str(), H => on::<H>(cell, &mut record))?;
    match outcome {
        Ok(()) => record.status = Status::Ok,
        Err(error) => {
            let is_full = error.downcast_ref::<HeapFull>().is_some();
            record.status = if is_full { Status::OutOfMemory } else { Status::Error };
            record.error = Some(format!("{error:#}"));
        }
    }
    Ok(record)
}

fn on<H: Heap>(cell: &Cell, record: &mut Record) -> Result<()> {
    let heap = H::new(heap_settings::parse(&cell.layout.settings)?, Arc::new(NoObserver))?;
    let mutator = heap.attach();
    let (parent, content) = prepare(&mutator, cell)?;
    record.parent = Some(parent);
    let ranges = Ranges::of(&heap);
    {
        let task = Task::Control;
        let mut control = Child::fork(&mutator, cell, &task, 0)?;
        record.control = Some(control.watch(&mutator, cell, &ranges)?);
    }
    let mut workers: Vec<Child> = Vec::new();
    record.totals.push(total(&workers)?);
    for number in 0..cell.workers {
        let task = Task::Serve { heap: &content, number };
        let mut worker = Child::fork(&mutator, cell, &task, number)?;
        record.workers.push(worker.watch(&mutator, cell, &ranges)?);
        workers.push(worker);
        if (number + 1).is_power_of_two() || number + 1 == cell.workers {
            record.totals.push(total(&workers)?);
        }
    }
    // What a page is shared by is known when all have done what they do: the first worker saw few beside it.
    record.last = Some(Last {
        parent: ProcessMemory::of(std::process::id())?,
        workers: workers.iter().map(|worker| ProcessMemory::of(worker.process)).collect::<Result<_, _>>()?,
    });
    Ok(())
}

/// Builds and freezes as the cell says.
fn prepare<'m, M: Mutator>(mutator: &'m M, cell: &Cell) -> Result<(ParentRecord, FrozenHeap<'m, M>)> {
    let own = std::process::id();
    if !cell.condition.automatic {
        mutator.disable();
    }
    let begin = Instant::now();
    let content = build(mutator, &cell.content)?;
    let build_ns = begin.elapsed().as_nanos() as u64;
    let built = ProcessMemory::of(own)?;
    let (mut collect_ns, mut collected, mut freeze_ns) = (None, None, None);
    if cell.condition.collect_first {
        let begin = Instant::now();
        collected = Some(mutator.collect(Generation::OLD));
        collect_ns = Some(begin.elapsed().as_nanos() as u64);
    }
    if cell.condition.freeze != Freeze::No {
        let begin = Instant::now();
        if cell.condition.freeze == Freeze::Immortal {
            mutator.freeze_immortal()
        } else {
            mutator.freeze()
        }
        freeze_ns = Some(begin.elapsed().as_nanos() as u64);
    }
    come_to_rest(mutator);
    let heap = mutator.heap();
    let (statistics, ranges) = (heap.statistics(), Ranges::of(heap));
    let parent = ParentRecord {
        build_ns,
        collect_ns,
        collected,
        freeze_ns,
        frozen_objects: mutator.get_freeze_count(),
        live_objects: heap.live_objects(),
        places: content.places(),
        held_bytes: statistics.held_bytes,
        side_bytes: statistics.side_bytes,
        built,
        before_fork: ProcessMemory::of(own)?,
        objects: RangeMemory::of(own, &ranges.objects)?,
        tables: ranges.tables_of(own)?,
    };
    Ok((parent, content))
}

/// Waits until a collector that has a thread of its own has done what it was asked for while the heap was built: otherwise it
/// goes on after the fork, and the pages it writes to are charged to whoever was forked.
fn come_to_rest<M: Mutator>(mutator: &M) {
    let abilities = M::Heap::ABILITIES;
    if !(abilities.parallel_mutators && abilities.collects_cycles) {
        return;
    }
    // A standstill comes when no collection is under way. One that was asked for begins when the thread wakes up.
    for _ in 0..STANDSTILLS {
        mutator.safe_region(|| std::thread::sleep(BETWEEN_STANDSTILLS));
        mutator.at_standstill(|| ());
    }
}

fn build<'m, M: Mutator>(mutator: &'m M, content: &Content) -> Result<FrozenHeap<'m, M>> {
    if let Some(entries) = content.as_entries() {
        return Ok(FrozenHeap::of_entries(mutator, &entries)?);
    }
    let Content::Graph { file, copies } = content else { unreachable!("a content that is no entries is a graph") };
    let graph = match file.as_str() {
        "django" => embedded_django(),
        path => HeapGraph::open(path).with_context(|| format!("cannot read the heap graph {path}"))?,
    };
    Ok(FrozenHeap::of_graph(mutator, &graph, *copies)?)
}

/// The memory of this process and these together.
fn total(workers: &[Child]) -> Result<Total> {
    let processes = workers.iter().map(|worker| worker.process).chain([std::process::id()]);
    let pss = processes.map(|process| Ok(ProcessMemory::of(process)?.pss)).sum::<Result<u64>>()?;
    Ok(Total { workers: workers.len() as u32, pss })
}

/// A child that is alive. Dropping it ends it.
struct Child {
    process: u32,
    number: u32,
    fork_ns: u64,
    end: ParentEnd,
}

impl Child {
    fn fork<M: Mutator>(mutator: &M, cell: &Cell, task: &Task<'_, '_, M>, number: u32) -> Result<Self> {
        let (parent_end, child_end) = pipes().context("cannot make a pipe to a child; raise `ulimit -n`")?;
        let begin = Instant::now();
        match mutator.fork()? {
            Forked::Child { .. } => {
                drop(parent_end);
                live(mutator, cell, task, child_end)
            }
            Forked::Parent { child } => {
                let fork_ns = begin.elapsed().as_nanos() as u64;
                Ok(Self { process: child as u32, number, fork_ns, end: parent_end })
            }
        }
    }

    /// Looks at it stage by stage, to its last.
    fn watch<M: Mutator>(&mut self, mutator: &M, cell: &Cell, ranges: &Ranges) -> Result<ChildRecord> {
        let mut moments = Vec::new();
        let mut mark: Option<Mark> = None;
        for stage in Stage::of(cell) {
            // A collection in the parent would write to pages, and the child would have what it leaves to itself.
            let message = mutator.at_standstill(|| self.end.hear())?;
            ensure!(message.said.stage == stage, "a child is at another stage than it should be");
            let given_back = mark.as_ref().and_then(Mark::given_back);
            moments.push(self.moment(message, ranges, given_back)?);
            mark = Mark::set_back(self.process);
            self.end.go_on()?;
        }
        Ok(ChildRecord { number: self.number, fork_ns: self.fork_ns, moments })
    }

    /// It now; `ranges` are those at the first fork.
    fn moment(&self, message: Message, ranges: &Ranges, given_back: Option<u64>) -> Result<Moment> {
        let (own, objects) = (std::process::id(), &ranges.objects);
        // Addresses are the same on both sides of a fork; a heap that grows does so at the end.
        let new_objects = objects.end..message.ranges.objects.end.max(objects.end);
        Ok(Moment {
            child: ProcessMemory::of(self.process)?,
            objects: RangeMemory::of(self.process, objects)?,
            new_objects: RangeMemory::of(self.process, &new_objects)?,
            tables: message.ranges.tables_of(self.process)?,
            parent: ProcessMemory::of(own)?,
            parent_objects: RangeMemory::of(own, objects)?,
            said: message.said,
            given_back,
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let process = Pid::from_raw(self.process as i32);
        // It may have ended by itself; waiting for it lets the system forget it.
        let _ = kill(process, Signal::SIGKILL);
        let _ = waitpid(process, None);
    }
}
