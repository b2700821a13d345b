//! What live interpreters are asked, and their rows: `fork.py`, which does on CPython what `fork-v1` does here.

use super::anchors::{Anchor, Together};
use super::cell::{Cell, Condition, Content};
use super::plan::{Part, Plan};
use crate::experiment::live::{self, label, versions};
use crate::experiment::trial::{self, Options, Point, median};
use crate::record::Status;

/// The program.
pub const PROGRAM: &str = "fork.py";

/// Most workers that it forks.
const MOST_WORKERS: u32 = 256;

const MIB: f64 = 1_048_576.0;
const MS: f64 = 1e6;

/// A condition that the program has: what it calls it, and what we do. `None`: it has none such.
fn variant(condition: Condition) -> Option<(&'static str, &'static str)> {
    let variants = [
        (Condition::NOTHING, ("none", "nothing")),
        (Condition::OFF, ("off", "off")),
        (Condition::FREEZE, ("collect+freeze", "collect, freeze")),
        (Condition::FREEZE_AT_ONCE, ("freeze", "freeze")),
        (Condition::OFF_FREEZE, ("freeze+off", "off, freeze")),
    ];
    variants.into_iter().find(|(known, _)| *known == condition).map(|(_, names)| names)
}

/// With which options the program does what a cell does, whatever its heap; `None`: it cannot.
pub fn options(cell: &Cell) -> Option<Options> {
    let (variant, _) = variant(cell.condition)?;
    let share = cell.share?;
    let Content::Entries { objects, cyclic: false, garbage } = cell.content else { return None };
    let is_asked = matches!(cell.part, Part::Conditions | Part::Objects | Part::Reads | Part::Workers);
    let is_plain = garbage == 0.0 && cell.replaced == 0.0 && !cell.unfreeze && !cell.release;
    let is_possible = (1..=MOST_WORKERS).contains(&cell.workers) && cell.run < objects / 2 && share <= 1.0;
    if !(is_asked && is_plain && is_possible) {
        return None;
    }
    let point = Point::new(
        "",
        &[
            ("objects", &objects),
            ("variant", &variant),
            ("fraction", &share),
            ("run", &cell.run),
            ("workers", &cell.workers),
        ],
    );
    Some(point.options)
}

/// All that interpreters can be asked of a run: each thing once a round, in however many parts and on however many heaps it is.
pub fn plan(plan: &Plan) -> live::Plan {
    let mut asked: Vec<(u32, u64, Point)> = Vec::new();
    for cell in plan.all() {
        let Some(options) = options(&cell) else { continue };
        let name = |name: &str| options[name].replace(['.', '+'], "-");
        let question = ["variant", "objects", "fraction", "run", "workers"].map(name).join("-");
        let next = (cell.round, cell.seed, Point { question, options });
        if !asked.contains(&next) {
            asked.push(next);
        }
    }
    live::Plan { experiment: "freeze", program: PROGRAM, asked, timeout_s: plan.timeout_s }
}

/// About how many seconds a cell of an interpreter takes, on a virtual machine of 2024 with two cores.
pub fn expected_s(cell: &trial::Cell) -> f64 {
    let number = |name: &str| cell.text(name).parse().unwrap_or(0.0);
    let (objects, workers): (f64, f64) = (number("objects"), number("workers"));
    0.15 + 0.01 * workers + objects * (0.5e-6 + workers * (0.25e-6 + 0.6e-6 * number("fraction")))
}

/// What an interpreter did with what a cell does.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Such as `CPython 3.12.1, live`.
    pub name: String,
    /// What was asked of it.
    pub cell: Cell,
    /// Its figures: of means over the workers the median over rounds; `None` if no round is ok.
    pub figures: Option<Anchor>,
    /// Rounds.
    pub rounds: usize,
    /// Why rounds failed.
    pub causes: Vec<String>,
}

/// A row a version for each of these cells that interpreters were asked, each once.
pub fn rows<'c>(records: &[trial::Record], cells: impl Iterator<Item = &'c Cell>) -> Vec<Row> {
    let mut asked: Vec<(&Cell, Options)> = Vec::new();
    for cell in cells {
        let Some(options) = options(cell) else { continue };
        if !asked.iter().any(|(_, known)| *known == options) {
            asked.push((cell, options));
        }
    }
    let versions = versions(records);
    let row = |cell: &Cell, version: &String, options: &Options| {
        let all = live::of(records, version, options);
        let mut causes: Vec<String> = all.iter().filter_map(|record| record.error.clone()).collect();
        causes.dedup();
        let figures = figures(cell, variant(cell.condition)?.1, &all);
        (!all.is_empty()).then(|| Row { name: label(version), cell: cell.clone(), figures, rounds: all.len(), causes })
    };
    let of = |(cell, options): (&Cell, Options)| {
        versions.iter().filter_map(|version| row(cell, version, &options)).collect::<Vec<_>>()
    };
    asked.into_iter().flat_map(of).collect()
}

fn figures(cell: &Cell, variant: &'static str, records: &[&trial::Record]) -> Option<Anchor> {
    let Content::Entries { objects, .. } = cell.content else { return None };
    // A list has an element a worker.
    let of_round = |record: &trial::Record, name: &str| -> Option<f64> {
        let values: Vec<f64> = match record.figures.get(name)? {
            serde_json::Value::Array(values) => values.iter().map(serde_json::Value::as_f64).collect::<Option<_>>()?,
            value => vec![value.as_f64()?],
        };
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let ok = || records.iter().filter(|record| record.status == Status::Ok);
    let over = |name: &str| median(ok().filter_map(|record| of_round(record, name)).collect());
    let shared = |record: &trial::Record| {
        Some(of_round(record, "worker_shared_dirty_bytes")? + of_round(record, "worker_shared_clean_bytes")?)
    };
    // What older programs did not tell is not known.
    let mib = |name: &str| over(name).map(|bytes| bytes / MIB);
    let together = || {
        Some(Together {
            pss_mib: mib("worker_pss_last_bytes")?,
            shared_clean_mib: mib("worker_shared_clean_last_bytes")?,
            shared_dirty_mib: mib("worker_shared_dirty_last_bytes")?,
            parent_pss_mib: mib("parent_pss_after_bytes")?,
            parent_private_mib: mib("parent_private_dirty_after_bytes")?,
            parent_shared_clean_mib: mib("parent_shared_clean_after_bytes")?,
            parent_shared_dirty_mib: mib("parent_shared_dirty_after_bytes")?,
        })
    };
    Some(Anchor {
        objects,
        variant,
        workers: cell.workers,
        share: cell.share?,
        run: cell.run,
        freeze_ms: over("freeze_ns")? / MS,
        rss_mib: over("worker_rss_bytes")? / MIB,
        served_mib: over("dirty_by_requests_bytes")? / MIB,
        served_faults: over("faults_by_requests")?,
        first_mib: mib("dirty_by_collect_bytes")?,
        first_faults: over("faults_by_collect")?,
        both_mib: mib("dirty_by_collections_bytes"),
        both_faults: over("faults_by_collections"),
        private_percent: over("private_dirty_share")? * 100.0,
        pss_mib: over("worker_pss_bytes")? / MIB,
        shared_mib: median(ok().filter_map(|record| shared(record)).collect())? / MIB,
        together: together(),
        first_ms: over("first_pause_ns")? / MS,
        second_ms: over("second_pause_ns")? / MS,
        control_mib: mib("control_private_dirty_bytes"),
    })
}

/// What they copied without a freeze and with one, a sentence each version; `None` where none ran both.
pub fn finding(rows: &[Row]) -> Option<String> {
    let at = |name: &str, condition: Condition| {
        let is = |row: &&Row| row.name == name && row.cell.condition == condition && row.cell.share == Some(0.02);
        rows.iter().filter(is).filter_map(|row| row.figures).max_by_key(|figures| figures.objects)
    };
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    let sentence = |name: &str| {
        let (none, frozen) = (at(name, Condition::NOTHING)?, at(name, Condition::FREEZE)?);
        Some(format!(
            "{name} copied {:.1} of {:.1} MiB ({:.0} % of RSS) in the first collection of a worker, and {:.1} MiB after a \
             collection and a freeze (N = {}).",
            none.first_mib,
            none.rss_mib,
            none.first_share() * 100.0,
            frozen.first_mib,
            crate::units::count(none.objects.into())
        ))
    };
    let sentences: Vec<String> = names.into_iter().filter_map(sentence).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::cell::Layout;
    use super::super::plan::Size;
    use super::*;
    use crate::experiment::trial::{Figures, Subject};

    fn cell(condition: Condition) -> Cell {
        Cell::centre(Part::Conditions, Layout::new("generational", None), Content::entries(1000), condition)
    }

    #[test]
    fn each_thing_is_asked_once_a_round_and_only_what_the_program_can_do() {
        let plan_of = |parts: &[Part]| plan(&Plan::new(Size::Standard, parts, &[], 60)).asked;
        // Five conditions in three rounds, however many heaps.
        assert_eq!(plan_of(&[Part::Conditions]).len(), 15);
        // Of the sizes one is the centre's; reading all in order is none of the program's.
        assert_eq!(plan_of(&[Part::Conditions, Part::Objects]).len(), 3 * (5 + 4));
        assert_eq!(plan_of(&[Part::Reads]).len(), 3 * 8 * 2);
        assert_eq!(plan_of(&[Part::Workers]).len(), 5 * 2);
        assert!(plan_of(&[Part::Tables, Part::Churn, Part::Holes, Part::RealHeap]).is_empty());
        for condition in [Condition::IMMORTAL, Condition::OFF_IMMORTAL, Condition::OFF_COLLECT_FREEZE] {
            assert_eq!(options(&cell(condition)), None);
        }
        assert_eq!(options(&cell(Condition::FREEZE)).unwrap()["variant"], "collect+freeze");
        assert_eq!(options(&cell(Condition::OFF_FREEZE)).unwrap()["variant"], "freeze+off");
    }

    #[test]
    fn a_row_is_the_median_over_rounds_of_means_over_workers() {
        let asked = cell(Condition::NOTHING);
        let record = |round: u32, pss: [u64; 2]| {
            let cell = trial::Cell {
                experiment: "freeze".to_owned(),
                question: "test".to_owned(),
                subject: Subject::Interpreter { version: "CPython 3.12.1".to_owned() },
                options: options(&asked).unwrap(),
                round,
                seed: 1,
            };
            let same = ["dirty_by_requests_bytes", "faults_by_requests", "dirty_by_collect_bytes", "faults_by_collect"]
                .into_iter()
                .chain(["private_dirty_share", "worker_rss_bytes", "worker_shared_dirty_bytes"])
                .chain(["worker_shared_clean_bytes", "first_pause_ns", "second_pause_ns"])
                .chain(["worker_pss_last_bytes", "worker_shared_clean_last_bytes", "worker_shared_dirty_last_bytes"])
                .chain(["parent_pss_after_bytes", "parent_private_dirty_after_bytes"])
                .chain(["parent_shared_clean_after_bytes", "parent_shared_dirty_after_bytes"]);
            let mut figures: Figures = same.map(|name| (name.to_owned(), json!([1 << 20, 1 << 20]))).collect();
            figures.insert("freeze_ns".to_owned(), json!(5_000_000));
            // What it grew by is not what it has.
            figures.insert("control_dirty_bytes".to_owned(), json!(1 << 18));
            figures.insert("control_private_dirty_bytes".to_owned(), json!(1 << 19));
            figures.insert("dirty_by_collections_bytes".to_owned(), json!([3 << 20, 5 << 20]));
            figures.insert("worker_pss_bytes".to_owned(), json!(pss.map(|mib| mib << 20)));
            trial::Record { status: Status::Ok, figures, ..trial::Record::of(&cell, "program") }
        };
        let mut records = vec![record(0, [1, 3]), record(1, [10, 30]), record(2, [3, 5])];
        records[1].status = Status::Ok;
        let rows_of = |records: &[trial::Record]| rows(records, [&asked, &asked].into_iter());
        let all = rows_of(&records);
        assert_eq!((all.len(), all[0].rounds, all[0].name.as_str()), (1, 3, "CPython 3.12.1, live"));
        let figures = all[0].figures.unwrap();
        assert_eq!((figures.pss_mib, figures.shared_mib, figures.freeze_ms), (4.0, 2.0, 5.0));
        assert_eq!(figures.control_mib, Some(0.5));
        assert_eq!((figures.first_mib, figures.both_mib, figures.both_faults), (1.0, Some(4.0), None));
        assert_eq!(figures.together.map(|together| together.parent_private_mib), Some(1.0));
        assert_eq!(figures.pss_together(), Some(1.0), "of the last moment, not of each one's own end");
        // An older program told neither what both collections dirtied nor what the control has.
        for record in &mut records {
            for name in ["dirty_by_collections_bytes", "control_private_dirty_bytes", "worker_pss_last_bytes"] {
                record.figures.remove(name);
            }
        }
        let older = rows_of(&records)[0].figures.unwrap();
        assert_eq!((older.both_mib, older.control_mib, older.pss_together()), (None, None, None));
        for record in &mut records {
            (record.status, record.error) = (Status::Error, Some("MemoryError".to_owned()));
        }
        let failed = rows_of(&records);
        assert_eq!((failed[0].figures, failed[0].causes.join(", ")), (None, "MemoryError".to_owned()));
    }
}
