//! Which cells the experiment has: one factor at a time from a centre, in interleaved rounds.

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Condition, Content, Layout};

/// A question, and with it a table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// What do freezing and the layout change, all else equal?
    Conditions,
    /// What do the collector's tables take, at peak and when all is released?
    Tables,
    /// How does it grow with the heap?
    Objects,
    /// How much of it is reading, by how much is read and how scattered that is?
    Reads,
    /// What does each further worker cost?
    Workers,
    /// How fast does freezing wear off when the heap is replaced bit by bit, and what becomes of dead frozen cycles?
    Churn,
    /// Does a collection before the freeze leave holes that workers fill?
    Holes,
    /// Is it so on the heap of a real process?
    RealHeap,
}

impl Part {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::Conditions,
        Self::Tables,
        Self::Objects,
        Self::Reads,
        Self::Workers,
        Self::Churn,
        Self::Holes,
        Self::RealHeap,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Part::Conditions => "conditions",
            Part::Tables => "tables",
            Part::Objects => "objects",
            Part::Reads => "reads",
            Part::Workers => "workers",
            Part::Churn => "churn",
            Part::Holes => "holes",
            Part::RealHeap => "real-heap",
        }
    }

    /// What its table shows.
    pub fn title(self) -> &'static str {
        match self {
            Part::Conditions => "What freezing and the layout change",
            Part::Tables => "The collector's tables, at peak and after release",
            Part::Objects => "By size of the heap",
            Part::Reads => "By what is read",
            Part::Workers => "By number of workers",
            Part::Churn => "Freezing wears off, and dead frozen cycles stay",
            Part::Holes => "Holes that a collection before the freeze leaves",
            Part::RealHeap => "The heap of a real process",
        }
    }
}

/// How much is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Tiny heaps, for tests: the shape of everything, the figures of nothing.
    Tiny,
    /// Less than three minutes.
    Quick,
    /// Less than half an hour.
    Standard,
}

/// What a run of the experiment consists of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// How much was asked for.
    pub size: Size,
    /// The cells of round 0; later rounds repeat those of them that have so many rounds.
    pub cells: Vec<Cell>,
    /// Seconds after which a cell is given up.
    pub timeout_s: u64,
    /// At most so many rounds of each part but the workers', so that all keeps within its time; `null` in runs of older
    /// builds.
    #[serde(default)]
    pub rounds: Option<u32>,
    /// Nodes of the graph that is read instead of the built-in one, where one is.
    #[serde(default)]
    pub nodes: Option<u64>,
    /// SHA-256 of what is in its file: cells of two graphs do not compare, whatever the file is called. `null` where none is
    /// read, and in runs of older builds.
    #[serde(default)]
    pub content: Option<String>,
}

/// Numbers that differ between sizes of the experiment.
struct Scale {
    /// Objects at the centre.
    objects: u32,
    /// Sizes of heap.
    by_objects: &'static [u32],
    /// Objects where many workers read them, and how many workers.
    many: (u32, u32),
    copies: u32,
}

impl Size {
    fn scale(self) -> Scale {
        match self {
            Size::Tiny => Scale { objects: 20_000, by_objects: &[20_000], many: (4_000, 4), copies: 1 },
            Size::Quick => Scale { objects: 200_000, by_objects: &[200_000, 1_000_000], many: (50_000, 64), copies: 1 },
            Size::Standard => Scale {
                objects: 1_000_000,
                by_objects: &[200_000, 1_000_000, 3_000_000],
                many: (200_000, 64),
                copies: 6,
            },
        }
    }

    /// Seconds within which a run of this size keeps, as expected, by dropping rounds.
    fn most_s(self) -> f64 {
        match self {
            Size::Tiny => f64::INFINITY,
            Size::Quick => 165.0,
            Size::Standard => 28.0 * 60.0,
        }
    }

    /// Rounds of a part. Memory repeats nearly to the page, but for where allocations fall; a slope needs five for its
    /// interval.
    fn rounds(self, part: Part) -> u32 {
        match (self, part) {
            (Size::Tiny, _) => 1,
            (_, Part::Workers) => 5,
            (Size::Quick, _) => 1,
            (Size::Standard, _) => 3,
        }
    }
}

fn inline() -> Layout {
    Layout::new("generational", None)
}

fn side() -> Layout {
    Layout::new("generational", Some(("place", "side")))
}

/// Every place that a heap of the ladder can keep its collector's words in.
fn layouts() -> Vec<Layout> {
    vec![
        Layout::new("refcount", None),
        inline(),
        side(),
        Layout::new("generational-streaming", None),
        Layout::new("generational-streaming", Some(("place", "side"))),
        Layout::new("refcount-atomic", None),
        Layout::new("stop-the-world", None),
        Layout::new("stop-the-world", Some(("ages", "inline"))),
        Layout::new("concurrent", None),
        Layout::new("concurrent", Some(("ages", "inline"))),
    ]
}

impl Plan {
    /// The experiment at this size; of these parts only, if any are named, and on these heaps only.
    pub fn new(size: Size, parts: &[Part], heaps: &[String], timeout_s: u64) -> Self {
        let wanted = |part: &Part| parts.is_empty() || parts.contains(part);
        let cells = Part::ALL.into_iter().filter(wanted).flat_map(|part| cells_of(part, &size.scale()));
        let cells = cells.filter(|cell| heaps.is_empty() || heaps.contains(&cell.layout.heap)).collect();
        let mut plan = Self { size, cells, timeout_s, rounds: None, nodes: None, content: None };
        plan.keep_its_time();
        plan
    }

    /// Drops rounds until what is expected of all cells is within the time of the size; one round is always left.
    pub fn keep_its_time(&mut self) {
        self.rounds = None;
        for rounds in (1..self.most_rounds()).rev() {
            if self.expected_in_all_s() < self.size.most_s() {
                return;
            }
            self.rounds = Some(rounds);
        }
    }

    /// Rounds of a part in this run.
    fn rounds_of(&self, part: Part) -> u32 {
        let rounds = self.size.rounds(part);
        // A slope without an interval says little, and its cells are small.
        if part == Part::Workers { rounds } else { rounds.min(self.rounds.unwrap_or(rounds)) }
    }

    /// The most rounds of any part whose rounds can be dropped.
    fn most_rounds(&self) -> u32 {
        let others = self.cells.iter().filter(|cell| cell.part != Part::Workers);
        others.map(|cell| self.size.rounds(cell.part)).max().unwrap_or(1)
    }

    /// Whether a cell reads the graph of a process.
    pub fn reads_a_graph(&self) -> bool {
        self.cells.iter().any(|cell| matches!(cell.content, Content::Graph { .. }))
    }

    /// Reads this GCHEAP file of so many nodes and with this hash where the plan has the built-in heap, and once: it is as
    /// large as it is.
    pub fn read_instead(&mut self, file: &str, nodes: u64, content: String) {
        (self.nodes, self.content) = (Some(nodes), Some(content));
        for cell in &mut self.cells {
            if let Content::Graph { file: read, copies } = &mut cell.content {
                file.clone_into(read);
                *copies = 1;
            }
        }
    }

    /// The cells of all rounds, in the order in which they run: a round after the other.
    pub fn all(&self) -> Vec<Cell> {
        let rounds = self.cells.iter().map(|cell| self.rounds_of(cell.part)).max().unwrap_or(0);
        let of_round = |round: u32| {
            let cells = self.cells.iter().filter(move |cell| round < self.rounds_of(cell.part));
            // Another round draws other entries.
            cells.map(move |cell| Cell { round, seed: cell.seed + 1_000 * u64::from(round), ..cell.clone() })
        };
        (0..rounds).flat_map(of_round).collect()
    }

    /// About how many seconds a cell takes.
    pub fn expected_s(&self, cell: &Cell) -> f64 {
        let objects = match &cell.content {
            Content::Entries { objects, garbage, .. } => f64::from(*objects) * (1.0 + garbage),
            Content::Graph { copies, .. } => {
                self.nodes.unwrap_or(BUILT_IN_NODES) as f64 * f64::from(*copies) * GRAPH_WEIGHT
            }
        };
        let read = cell.share.unwrap_or(1.0) + cell.replaced;
        let children = f64::from(cell.workers + 1);
        START_S + objects * (BUILD_S + children * (CHILD_S + read * READ_S)) + children * LOOK_S
    }

    /// About how many seconds all of them take.
    pub fn expected_in_all_s(&self) -> f64 {
        self.all().iter().map(|cell| self.expected_s(cell)).sum()
    }
}

/// Objects of the built-in heap.
const BUILT_IN_NODES: u64 = 156_000;
/// What a node of a graph costs, as a multiple of an object of entries: it has more references, and its collections come
/// on top.
const GRAPH_WEIGHT: f64 = 1.8;

/// Seconds, as measured on a virtual machine of 2024 with two cores, both busy: to start a process and look at its first stages;
const START_S: f64 = 0.02;
/// to build an object and what hangs on it, and to free it in the end;
const BUILD_S: f64 = 0.8e-6;
/// to collect twice in a child and copy what that writes to, for each object;
const CHILD_S: f64 = 0.38e-6;
/// to read an object, with its share of the tree that a request builds;
const READ_S: f64 = 0.6e-6;
/// and to look at a child.
const LOOK_S: f64 = 0.004;

fn cells_of(part: Part, scale: &Scale) -> Vec<Cell> {
    let centre = Content::entries(scale.objects);
    let both = [inline(), side()];
    let three = [Condition::NOTHING, Condition::FREEZE, Condition::IMMORTAL];
    let mut cells = Vec::new();
    match part {
        Part::Conditions => {
            for condition in Condition::ALL {
                for layout in layouts() {
                    cells.push(Cell::centre(part, layout, centre.clone(), condition));
                }
            }
        }
        Part::Tables => {
            for condition in [Condition::NOTHING, Condition::FREEZE] {
                for layout in layouts().into_iter().filter(Layout::collects) {
                    let cell = Cell::centre(part, layout, centre.clone(), condition);
                    cells.push(Cell { release: true, workers: 1, ..cell });
                }
            }
        }
        Part::Objects => {
            for &objects in scale.by_objects {
                for condition in three {
                    for layout in &both {
                        cells.push(Cell::centre(part, layout.clone(), Content::entries(objects), condition));
                    }
                }
            }
        }
        Part::Reads => {
            let drawn = [0.0, 0.01, 0.05, 0.2].map(|share| [(Some(share), 1), (Some(share), 20)]);
            for (share, run) in drawn.into_iter().flatten().chain([(None, 20)]) {
                for condition in three {
                    for layout in &both {
                        let cell = Cell::centre(part, layout.clone(), centre.clone(), condition);
                        // One worker, as CPython's rows.
                        cells.push(Cell { share, run, workers: 1, ..cell });
                    }
                }
            }
        }
        Part::Workers => {
            let (objects, workers) = scale.many;
            for condition in three {
                for layout in &both {
                    let cell = Cell::centre(part, layout.clone(), Content::entries(objects), condition);
                    cells.push(Cell { workers, ..cell });
                }
            }
        }
        Part::Churn => {
            for cyclic in [false, true] {
                let content = Content::Entries { objects: scale.objects, cyclic, garbage: 0.0 };
                for replaced in [0.0, 0.01, 0.05, 0.2] {
                    for condition in three {
                        for layout in &both {
                            let cell = Cell::centre(part, layout.clone(), content.clone(), condition);
                            cells.push(Cell { replaced, unfreeze: true, workers: 1, ..cell });
                        }
                    }
                }
            }
        }
        Part::Holes => {
            let conditions = [
                Condition::OFF_COLLECT_FREEZE,
                Condition::OFF_FREEZE,
                Condition { collect_first: true, ..Condition::OFF_IMMORTAL },
                Condition::OFF_IMMORTAL,
            ];
            for garbage in [0.0, 0.1] {
                let content = Content::Entries { objects: scale.objects, cyclic: false, garbage };
                for replaced in [0.0, 0.05] {
                    for condition in conditions {
                        for layout in &both {
                            let cell = Cell::centre(part, layout.clone(), content.clone(), condition);
                            cells.push(Cell { replaced, workers: 1, ..cell });
                        }
                    }
                }
            }
        }
        Part::RealHeap => {
            let content = Content::Graph { file: "django".to_owned(), copies: scale.copies };
            for layout in layouts().into_iter().filter(Layout::collects) {
                for condition in [
                    Condition::NOTHING,
                    Condition::OFF,
                    Condition::FREEZE,
                    Condition::FREEZE_AT_ONCE,
                    Condition::IMMORTAL,
                ] {
                    cells.push(Cell::centre(part, layout.clone(), content.clone(), condition));
                }
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cell_can_run_and_none_is_there_twice() {
        for size in [Size::Tiny, Size::Quick, Size::Standard] {
            let cells = Plan::new(size, &[], &[], 60).all();
            for cell in &cells {
                cell.check().unwrap();
            }
            let hashes: BTreeSet<String> = cells.iter().map(|cell| cell.hash("program")).collect();
            assert_eq!(hashes.len(), cells.len());
        }
    }

    #[test]
    fn rounds_are_interleaved() {
        let cells = Plan::new(Size::Quick, &[Part::Workers, Part::Holes], &[], 60).all();
        assert!(cells.iter().map(|cell| cell.round).is_sorted());
        assert_eq!(cells.iter().filter(|cell| cell.part == Part::Workers).count(), 5 * 6);
    }

    #[test]
    fn it_takes_as_long_as_promised() {
        for (size, most_s) in [(Size::Quick, 180.0), (Size::Standard, 1800.0)] {
            let s = Plan::new(size, &[], &[], 60).expected_in_all_s();
            assert!(s < most_s, "{size:?}: {s} s");
        }
    }

    #[test]
    fn rounds_are_dropped_where_they_do_not_fit_and_the_workers_keep_theirs() {
        let rounds =
            |plan: &Plan, part: Part| plan.all().iter().filter(|cell| cell.part == part).map(|cell| cell.round).max();
        let all = Plan::new(Size::Standard, &[], &[], 60);
        assert_eq!((rounds(&all, Part::Holes), rounds(&all, Part::Workers)), (Some(1), Some(4)));
        let few = Plan::new(Size::Standard, &[Part::Holes], &[], 60);
        assert_eq!(rounds(&few, Part::Holes), Some(2));
        // A heap of a hundred million objects takes as long as it takes, but one round only.
        let mut large = Plan::new(Size::Standard, &[Part::RealHeap], &[], 60);
        large.read_instead("large.gcheap", 100_000_000, "0".repeat(64));
        large.keep_its_time();
        assert_eq!(rounds(&large, Part::RealHeap), Some(0));
        assert!(large.cells.iter().all(|cell| matches!(cell.content, Content::Graph { copies: 1, .. })));
        let cell = &large.cells[0];
        assert!(large.expected_s(cell) > 100.0 && all.expected_s(cell) < 10.0);
    }
}
