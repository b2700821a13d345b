//! Ratios with their intervals, the noise floor, and the verdict in words.

use std::fmt::Write as _;

use comfy_table::CellAlignment;

use super::{narrow, plain};
use crate::comparison::Comparison;
use crate::judgement::{Judgement, mixed_latency, over_all_points, reference, shown};
use crate::statistics::comparison::{Difference, Standing};

/// How a ratio begins that rounds or noise do not tell from 1.
const NOT_APART: &str = "~ ";
/// How one begins that the interval alone tells from 1, because the noise floor is not known.
const NOISE_UNKNOWN: &str = "? ";

/// The ratios of a point and its verdict.
pub(super) fn of_point(text: &mut String, comparison: &Comparison, judgement: &Judgement) {
    let reference = reference(comparison);
    let others: Vec<&String> = comparison.heaps.iter().filter(|heap| *heap != reference).collect();
    let of_heaps =
        judgement.axes.iter().flat_map(|axis| &axis.rows).any(|row| row.ratio.is_some_and(|r| r.ratio.is_ok()));
    let of_twin = judgement.axes.iter().any(|axis| axis.noise.as_ref().is_some_and(|noise| noise.ratio.is_ok()));
    let has_ratio = of_heaps || of_twin;
    // Writing to a String cannot fail.
    if has_ratio {
        let header = std::iter::once(format!("× {reference} (95 %)")).chain(others.iter().map(|heap| narrow(heap)));
        let mut table = plain(header.chain([format!("{}\nagain", narrow(reference))]));
        for axis in &judgement.axes {
            let of = |heap: &String| {
                let row = axis.rows.iter().find(|row| row.heap == *heap)?;
                row.ratio.map(|ratio| difference(&ratio, axis.noise_factor().is_some()))
            };
            let again = axis.noise.as_ref().and_then(|noise| noise.ratio.ok()).map(|ratio| shown(&ratio));
            let cells = others.iter().map(|heap| of(heap)).chain([again]);
            let cells = cells.map(|cell| cell.unwrap_or_else(super::unknown));
            table.add_row(std::iter::once(axis.axis.name()).chain(cells));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let _ = writeln!(text, "{table}");
        let _ = writeln!(
            text,
            "~ not told apart: the interval holds 1, or the baseline differs as much from itself (again)."
        );
        let noise_unknown = judgement.axes.iter().filter(|axis| axis.noise_factor().is_none());
        let noise_unknown: Vec<String> = noise_unknown.map(|axis| axis.axis.name()).collect();
        if !noise_unknown.is_empty() {
            let _ = writeln!(
                text,
                "? told apart by the interval alone: how much the baseline differs from itself is unknown of {}.",
                noise_unknown.join(", ")
            );
        }
    }
    if !has_ratio {
        let _ = writeln!(text, "Too few rounds for intervals (five are needed), so no two heaps are told apart.");
    }
    let _ = writeln!(text, "Verdict on heaps that collect cycles:");
    for line in judgement.verdict.lines() {
        let _ = writeln!(text, "  {line}");
    }
}

/// One ratio over all points of a machine, where there are several points; `number` is the machine's, where there are several.
pub(super) fn of_all_points(
    text: &mut String,
    comparison: &Comparison,
    judgements: &[Judgement],
    number: Option<usize>,
) {
    if judgements.len() < 2 {
        return;
    }
    let heaps = over_all_points(comparison, judgements);
    if heaps.iter().all(|(_, axes)| axes.iter().all(|mean| mean.ratio.is_none())) {
        return;
    }
    let of = number.map_or_else(|| "all points".to_owned(), |number| format!("points of machine {number}"));
    let header = format!("{of},\n× {}", reference(comparison));
    let mut table = plain(std::iter::once(header).chain(heaps.iter().map(|(heap, _)| narrow(heap))));
    for (place, name) in ["latency", "CPU per operation", "peak RSS"].into_iter().enumerate() {
        let ratio = |axes: &[crate::statistics::geometric::GeometricMean; 3]| {
            axes[place].ratio.as_ref().map_or_else(super::unknown, shown)
        };
        table.add_row(std::iter::once(name.to_owned()).chain(heaps.iter().map(|(_, axes)| ratio(axes))));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{table}\nGeometric means over {} points.", judgements.len());
    if let Some(mixed) = mixed_latency(judgements) {
        let _ = writeln!(text, "{mixed}");
    }
    for (place, name) in ["latency", "CPU", "memory"].into_iter().enumerate() {
        let mut excluded: Vec<(String, Vec<&str>)> = Vec::new();
        for (heap, axes) in &heaps {
            for (point, why) in &axes[place].excluded {
                let what = format!("{point} ({why})");
                match excluded.iter_mut().find(|(known, _)| *known == what) {
                    Some((_, heaps)) => heaps.push(heap),
                    None => excluded.push((what, vec![heap])),
                }
            }
        }
        for (what, heaps) in excluded {
            let _ = writeln!(text, "Not in the {name} of {}: {what}.", heaps.join(", "));
        }
    }
    text.push('\n');
}

fn difference(difference: &Difference, noise_is_known: bool) -> String {
    let Ok(ratio) = difference.ratio else { return super::unknown() };
    let mark = match difference.standing {
        Standing::Less | Standing::More if noise_is_known => "",
        Standing::Less | Standing::More => NOISE_UNKNOWN,
        Standing::NotSeparated | Standing::WithinNoise | Standing::Unknown => NOT_APART,
    };
    format!("{mark}{}", shown(&ratio))
}
