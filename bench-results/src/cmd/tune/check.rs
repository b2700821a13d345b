//! `gclab tune --check`: what was recommended runs again, with seeds that nobody has seen, and is held against the intervals.

use anyhow::{Context, Result};

use super::super::compare::{Asked, right_answers};
use super::super::{NoRecommendation, print};
use super::bench::Processes;
use crate::comparison::Run;
use crate::experiment::tune::files;
use crate::experiment::tune::judge::{PEAK, is_time};
use crate::experiment::tune::plan::{CHECK_FROM, Plan};
use crate::experiment::tune::prediction::FURTHER_RUNS;
use crate::run_folder::RunFolder;
use crate::{disagreement, units};

/// The seed that stands for the run's own.
const OWN: u64 = 1;

pub(super) fn run(folder: RunFolder, run: Run, seed: u64, asked: Asked) -> Result<()> {
    let plan = Plan::read(folder.path())?;
    let answer = files::read(folder.path())?;
    let name = answer.recommended.as_ref().or(answer.nearest.as_ref());
    let entry = answer
        .candidate(name)
        .context("the run has no finalist to run again: its model was not trusted, or all failed")?;
    let place = plan.candidates.iter().position(|candidate| candidate.name() == entry.name);
    let place = place.context("its candidate is not in tune.json; start a new run")?;
    let first = if seed == OWN { run.comparison.seed.wrapping_add(CHECK_FROM.into()) } else { seed };
    let mut bench = Processes::new(folder, run, plan, asked);
    bench.scale = answer.back_test.as_ref().map_or(1.0, |test| test.scale);
    bench.progress.cells(FURTHER_RUNS.into());
    let mut runs = Vec::new();
    for nth in 0..FURTHER_RUNS {
        runs.push(bench.measure_with(place, CHECK_FROM + nth, Some(first.wrapping_add(nth.into())))?);
    }
    bench.progress.finish();
    bench.folder.amend(disagreement::mark)?;
    right_answers(&bench.folder)?;
    let outside = answer.outside(entry, &runs);
    if asked.json {
        let line = serde_json::json!({
            "schema": answer.schema, "kind": "tune-check", "candidate": entry.name, "first_seed": first, "runs": FURTHER_RUNS,
            "outside": outside,
        });
        print(&format!("{line}\n"))?;
    } else {
        print(&format!("{} once more, seeds {first} to {}:\n", entry.name, first + u64::from(FURTHER_RUNS) - 1))?;
        let finalist = entry.finalist.as_ref();
        for held in finalist.iter().flat_map(|finalist| &finalist.held) {
            let shown = |value: f64| {
                if is_time(&held.quantity) {
                    units::time(value.round() as u64)
                } else {
                    units::size(value.round() as u64)
                }
            };
            let of_run = |run: &crate::experiment::tune::search::Measured| {
                let slos = answer.goal.slos.iter();
                let latency = slos.zip(&run.latency_ns).find(|(slo, _)| slo.percentile.name() == held.quantity);
                if held.quantity == PEAK { run.peak_bytes } else { latency.and_then(|(_, value)| *value) }
            };
            let values: Vec<String> =
                runs.iter().map(|run| of_run(run).map_or_else(|| "n/a".to_owned(), shown)).collect();
            let (low, high) = (shown(held.prediction.low), shown(held.prediction.high));
            print(&format!("  {}: {}; printed: {low} to {high}\n", held.quantity, values.join(", ")))?;
        }
        let verdict =
            if outside.is_empty() { "All lie inside.".to_owned() } else { format!("Outside: {}.", outside.join("; ")) };
        print(&format!("{verdict}\n"))?;
    }
    if outside.is_empty() { Ok(()) } else { Err(NoRecommendation.into()) }
}
