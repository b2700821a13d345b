//! `gclab tune --check`: what was recommended runs again, with seeds that nobody has seen, and is held against the intervals.

use std::ops::Range;

use anyhow::{Context, Result, bail};

use super::super::compare::{Asked, right_answers};
use super::super::{NoRecommendation, print};
use super::bench::Processes;
use crate::comparison::Run;
use crate::experiment::tune::files;
use crate::experiment::tune::findings::{interval, time};
use crate::experiment::tune::judge::{PEAK, is_time};
use crate::experiment::tune::plan::{CHECK_FROM, Plan};
use crate::experiment::tune::prediction::FURTHER_RUNS;
use crate::record::Record;
use crate::run_folder::RunFolder;
use crate::{disagreement, units};

/// The seeds of a check: the given ones, if nothing was chosen by them; else those behind all that were used.
///
/// # Errors
/// If the search or the confirmation used one of them: the recommendation was made by these runs, and they prove nothing.
fn seeds(records: &[Record], own: u64, given: Option<u64>) -> Result<Range<u64>> {
    let behind = |first: u64| first..first.saturating_add(FURTHER_RUNS.into());
    let Some(first) = given else {
        let checked = records.iter().filter(|record| record.round >= CHECK_FROM);
        let next = checked.filter_map(|record| record.seed.checked_add(1)).max();
        return Ok(behind(next.unwrap_or(0).max(own.saturating_add(CHECK_FROM.into()))));
    };
    let seeds = behind(first);
    if seeds.end - seeds.start < u64::from(FURTHER_RUNS) {
        bail!("--seed {first} leaves no room for {FURTHER_RUNS} runs; give a lower one");
    }
    let mut used = records.iter().filter(|record| record.round < CHECK_FROM && seeds.contains(&record.seed));
    if let Some(record) = used.next() {
        bail!(
            "seed {} was used to choose the setting (search, confirmation or back-test), so a check with it would prove nothing; \
             give another --seed, or none: then new ones are taken",
            record.seed
        );
    }
    Ok(seeds)
}

pub(super) fn run(folder: RunFolder, run: Run, seed: Option<u64>, asked: Asked) -> Result<()> {
    let plan = Plan::read(folder.path())?;
    plan.check_heap()?;
    let answer = files::read(folder.path())?;
    let name = answer.recommended.as_ref().or(answer.nearest.as_ref());
    let entry = answer
        .candidate(name)
        .context("the run has no finalist to run again: its model was not trusted, or all failed")?;
    let place = plan.candidates.iter().position(|candidate| candidate.name() == entry.name);
    let place = place.context("its candidate is not in tune.json; start a new run")?;
    let seeds = seeds(folder.records(), run.comparison.seed, seed)?;
    let first = seeds.start;
    let before = folder.records().len();
    let mut bench = Processes::new(folder, run, plan, asked);
    bench.scale = answer.back_test.as_ref().map_or(1.0, |test| test.scale);
    bench.progress.cells(FURTHER_RUNS.into());
    let mut runs = Vec::new();
    for (round, seed) in (CHECK_FROM..).zip(seeds) {
        runs.push(bench.measure_with(place, round, Some(seed))?);
    }
    let kept = FURTHER_RUNS as usize - (bench.folder.records().len() - before).min(FURTHER_RUNS as usize);
    bench.progress.finish();
    bench.folder.amend(disagreement::mark)?;
    right_answers(&bench.folder)?;
    let outside = answer.outside(entry, &runs);
    if asked.json {
        let line = serde_json::json!({
            "schema": answer.schema, "kind": "tune-check", "candidate": entry.name, "first_seed": first, "runs": FURTHER_RUNS,
            "kept": kept, "outside": outside,
        });
        print(&format!("{line}\n"))?;
    } else {
        print(&format!("{} once more, seeds {first} to {}:\n", entry.name, first + u64::from(FURTHER_RUNS) - 1))?;
        if kept > 0 {
            print(&format!(
                "  ({kept} of {FURTHER_RUNS} runs are kept from an earlier check; without --seed, new ones are made)\n"
            ))?;
        }
        let finalist = entry.finalist.as_ref();
        for held in finalist.iter().flat_map(|finalist| &finalist.held) {
            let shown = |value: f64| {
                if is_time(&held.quantity) {
                    units::time(value.round() as u64)
                } else {
                    units::size(value.round() as u64)
                }
            };
            let of_run = |run: &crate::experiment::tune::track::Measured| {
                let slos = answer.goal.slos.iter();
                let latency = slos.zip(&run.latency_ns).find(|(slo, _)| slo.percentile.name() == held.quantity);
                if held.quantity == PEAK { run.peak_bytes } else { latency.and_then(|(_, value)| *value) }
            };
            let values: Vec<String> =
                runs.iter().map(|run| of_run(run).map_or_else(|| "n/a".to_owned(), shown)).collect();
            let printed = interval(held);
            print(&format!("  {}: {}; printed: {printed}\n", held.quantity, values.join(", ")))?;
        }
        let hiccup = runs.iter().filter_map(|run| run.aside.hiccup_ns).reduce(f64::max);
        print(&format!("  the machine's own longest hiccup: {}\n", time(hiccup)))?;
        let verdict =
            if outside.is_empty() { "All lie inside.".to_owned() } else { format!("Outside: {}.", outside.join("; ")) };
        print(&format!("{verdict}\n"))?;
    }
    if outside.is_empty() { Ok(()) } else { Err(NoRecommendation.into()) }
}

#[cfg(test)]
mod tests {
    use workloads::catalogue;

    use super::*;
    use crate::cell::Cell;

    #[test]
    fn no_seed_by_which_the_setting_was_chosen_checks_it() {
        let record = |round: u32, seed: u64| {
            let cell = Cell::new("refcount", &[], catalogue::ENTRIES[0].name, &[], seed).unwrap();
            Cell { round, ..cell }.record(None)
        };
        let mut records = vec![record(0, 1), record(1, 2), record(1_000, 1_001), record(2_000, 2_001)];
        assert_eq!(seeds(&records, 1, None).unwrap(), 3_001..3_004);
        assert_eq!(seeds(&records, 1, Some(70)).unwrap(), 70..73);
        assert_eq!(seeds(&records, 1, Some(3)).unwrap(), 3..6);
        for used in [1, 2, 999, 1_001, 1_999] {
            let error = seeds(&records, 1, Some(used)).unwrap_err().to_string();
            assert!(error.contains("would prove nothing"), "{used}: {error}");
        }
        // A second check begins behind the first one; the first one's own seeds may be asked for again.
        records.extend([record(CHECK_FROM, 3_001), record(CHECK_FROM + 1, 3_002), record(CHECK_FROM + 2, 3_003)]);
        assert_eq!(seeds(&records, 1, None).unwrap(), 3_004..3_007);
        assert_eq!(seeds(&records, 1, Some(3_001)).unwrap(), 3_001..3_004);
        assert!(seeds(&records, 1, Some(u64::MAX)).is_err());
    }
}
