//! The experiment as a chapter.

use super::cpython::{UNLIKE, VERSION};
use super::figures::Loop;
use super::files::{Results, grid, plot_stem};
use super::pareto;
use super::settings::{FREEZE, SETTINGS, shown};
use super::table::{OfWork, Row};
use crate::comparison::BASELINE;
use crate::report::chapter::{Chapter, Finding, Picture};
use crate::report::grid::{Grid, Word};
use crate::units;

/// The times to judge by, the best first: a percentile needs enough of them.
const TIMES: [(&str, &str); 2] = [("response-p99.9", "response p99.9"), ("response-p99", "response p99")];

impl Results {
    /// As a chapter; its records are the run's.
    pub fn chapter(&self) -> Chapter {
        let mut findings: Vec<Finding> = self.works.iter().flat_map(least).collect();
        findings.extend(agreement(&self.works));
        findings.extend(wearing_off(&self.works));
        if self.has_cpython() {
            findings.push(Finding { about: "times beside CPython's".to_owned(), text: UNLIKE.to_owned() });
        }
        let mut notes = vec![
            "Each row is one setting; all else is as at the centre. Service times are of a closed loop, response times of an open \
             one."
                .to_owned(),
            format!("Counts in bold differ from {VERSION}'s, by what stands behind them."),
            "n/a: not known, or too few times to say. Fewer than 20 full collections prove nothing about their pauses.".to_owned(),
        ];
        for work in &self.works {
            let dials = shown(&work.dials);
            let rate =
                work.rate.map_or_else(String::new, |rate| format!("; in the open loop {} arrived", units::rate(rate)));
            notes.push(format!("{}: `{}`{rate}.", work.name, dials.join(" ").replace('`', "'")));
        }
        notes.extend(self.notes.clone());
        let mut grids: Vec<Grid> =
            self.works.iter().flat_map(|work| work.tables.iter().map(|table| grid(&work.name, table))).collect();
        let setting = |setting: &super::settings::Setting| (setting.key.to_owned(), vec![Word::plain(setting.meaning)]);
        grids.push(Grid {
            title: "The settings".to_owned(),
            corner: "setting".to_owned(),
            columns: vec!["what it is".to_owned()],
            rows: SETTINGS.iter().map(setting).collect(),
            notes: Vec::new(),
        });
        let picture = |work: &OfWork| {
            let title = format!("What settings trade on {}", work.name);
            Some(Picture { stem: plot_stem(work), title, svg: pareto::plot(work, &self.origin)? })
        };
        let mut facts: Vec<(String, String)> =
            self.origin.facts().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        facts.insert(4.min(facts.len()), ("seed".to_owned(), self.origin.seed.to_string()));
        let floors = grids.iter().flat_map(|grid| &grid.notes).filter_map(|note| note.strip_prefix("Noise floor: "));
        let floors: Vec<&str> = floors.collect();
        let floor =
            if floors.is_empty() { "not known: no setting ran twice a round".to_owned() } else { floors.join(" ") };
        facts.insert(5.min(facts.len()), ("noise floor (A/A twin)".to_owned(), floor));
        Chapter {
            listings: Vec::new(),
            stem: super::NAME.to_owned(),
            title: "What settings do to a service, heap by heap".to_owned(),
            question: "What do thresholds, switching the collector off, collecting between requests, schedules and freezing do to \
                       a service?"
                .to_owned(),
            findings,
            notes,
            pictures: self.works.iter().filter_map(picture).collect(),
            grids,
            facts,
            records: Vec::new(),
        }
    }
}

/// Of each heap the setting with the shortest tail, beside the centre.
fn least(work: &OfWork) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in work.tables.iter().filter(|table| table.rows.len() > 1) {
        let known = |key: &str| -> Vec<(&Row, f64)> {
            let rows = table.rows.iter().filter(|row| !row.twin);
            rows.filter_map(|row| Some((row, row.number(Loop::Open, key)?))).collect()
        };
        let Some((name, rows)) = TIMES.iter().map(|(key, name)| (name, known(key))).find(|(_, rows)| rows.len() > 1)
        else {
            continue;
        };
        let Some((best, least)) = rows.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        let (centre, there) = rows[0];
        let text = format!(
            "the least {name} in the open loop is {} with {}; {} with {}. One figure each, without an interval.",
            units::time(*least as u64),
            best.setting.key,
            units::time(there as u64),
            centre.setting.key
        );
        findings.push(Finding { about: format!("{} on {}", table.heap, work.name), text });
    }
    findings
}

/// Of the baseline, full collections with freezing beside those without, on each work that has both.
fn wearing_off(works: &[OfWork]) -> Option<Finding> {
    let of = |work: &OfWork| {
        let table = work.tables.iter().find(|table| table.heap == BASELINE)?;
        let row = |key: &str| table.rows.iter().find(|row| !row.twin && row.setting.key == key);
        let (without, with) = (row(SETTINGS[0].key)?, row(FREEZE)?);
        let full = |row: &Row| Some(row.collections()?[2].round() as u64);
        let longest = |row: &Row| {
            let ns = row.number(Loop::Closed, "pause-g2-max");
            ns.map_or_else(|| "n/a".to_owned(), |ns| units::time(ns as u64))
        };
        let (less, more) = (full(without)?, full(with)?);
        let text = format!("{} {less} → {more} (the longest {} → {})", work.name, longest(without), longest(with));
        Some((more > less, text))
    };
    let all: Vec<(bool, String)> = works.iter().filter_map(of).collect();
    all.iter().any(|(wears_off, _)| *wears_off).then(|| Finding {
        about: "freezing wears off".to_owned(),
        text: format!(
            "Full collections on {BASELINE} without and with {FREEZE}: {}. What is frozen does not count as long-lived, so the quarter \
             of new objects that a full collection waits for is there sooner; and as requests replace what was frozen, what they \
             put in its place is looked at again.",
            all.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("; ")
        ),
    })
}

/// How often collections are as many as CPython's.
fn agreement(works: &[OfWork]) -> Option<Finding> {
    let rows = works.iter().flat_map(OfWork::rows).map(|(_, row)| row).filter(|row| !row.twin);
    let differences: Vec<[i64; 3]> = rows.filter_map(Row::difference).collect();
    let same = differences.iter().filter(|of| **of == [0, 0, 0]).count();
    let all = differences.len();
    (all > 0).then(|| Finding {
        about: format!("beside {VERSION}"),
        text: format!(
            "{same} of {all} rows have as many collections, generation by generation; the others are in bold."
        ),
    })
}
