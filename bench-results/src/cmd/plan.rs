//! `gclab plan`: the cells that a comparison would run, without running any.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::compare::{expectation, plural};
use super::selection::{Selection, expected_s};
use crate::comparison::{Arrivals, Comparison, Point};

const EXAMPLES: &str = "\
Examples:
  gclab plan --full
  gclab plan --workloads web-requests --load 0.2,0.4,0.6,0.8 --budget 20m
  gclab plan --set web-requests.live=10000,100000,1000000 --json";

/// List the cells that `gclab compare` would run with the same arguments
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Print one line of JSON a cell
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let comparison = arguments.selection.comparison()?;
    let text = if arguments.json { as_json(&comparison)? } else { as_text(&comparison)? };
    super::print(&text)
}

fn load(point: &Point, open_loop: bool) -> String {
    match point.arrivals {
        _ if !open_loop => "closed loop".to_owned(),
        Arrivals::Load(load) => format!("load {load}"),
        Arrivals::Rate(rate) => format!("{rate}/s"),
        Arrivals::Closed => "closed loop".to_owned(),
    }
}

fn as_text(comparison: &Comparison) -> Result<String> {
    let mut text = String::new();
    let twins = if comparison.twin.is_some() { " and one of them twice" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} a round ({}{twins}, at {}), {}.",
        plural(comparison.cells_of_a_round(), "cell"),
        plural(comparison.heaps.len(), "heap"),
        plural(comparison.points.len(), "point"),
        expectation(comparison)
    );
    match comparison.cell_s {
        Some(s) => {
            let _ =
                writeln!(text, "A cell takes {s:.1} s on the baseline, where the amount of work is free to choose.");
        }
        None => {
            let _ = writeln!(text, "A cell does the amount of work that its workload's dials say.");
        }
    }
    let _ = writeln!(text, "\nFirst round, in this order:");
    for (number, (place, cell)) in comparison.round(0)?.into_iter().enumerate() {
        let point = &comparison.points[place];
        let twin = if cell.twin { ", again" } else { "" };
        let how = load(point, cell.workload.open_loop);
        let _ = writeln!(text, "  {:>4}  {}, {how}, on {}{twin}", number + 1, point.title(), cell.heap.name);
    }
    if !comparison.left_out.is_empty() {
        let _ = writeln!(text, "\nLeft out by the budget:");
        for point in &comparison.left_out {
            let open_loop = point.closed_cell(&comparison.heaps[0], comparison.seed)?.workload.open_loop;
            let _ = writeln!(text, "        {}, {}", point.title(), load(point, open_loop));
        }
    }
    Ok(text)
}

fn as_json(comparison: &Comparison) -> Result<String> {
    let mut text = String::new();
    for round in 0..comparison.rounds.unwrap_or(1) {
        for (place, cell) in comparison.round(round)? {
            let point = &comparison.points[place];
            let line = json!({
                "round": round,
                "point": point.id(),
                "workload": point.workload,
                "given": point.given,
                "heap_settings": point.heap_settings,
                "threads": point.threads,
                "arrivals": cell.workload.open_loop.then_some(point.arrivals),
                "heap": cell.heap.name,
                "twin": cell.twin,
                "expected_s": comparison.cell_s,
                "expected_in_all_s": expected_s(comparison),
            });
            let _ = writeln!(text, "{line}");
        }
    }
    Ok(text)
}
