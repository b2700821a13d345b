//! Which layouts and freezes keep nearly all pages of objects shared, through reading and collecting, and what they cost.

use std::collections::BTreeSet;

use super::cell::{Cell, Condition, Freeze};
use super::figures::Figures;
use super::findings::{INLINE, percent, size};
use super::plan::Part;
use super::tables::{Row, find};
use crate::process_memory::page_bytes;
use crate::units;

/// A share of the objects' pages below which they count as shared.
const NEARLY_NOTHING: f64 = 0.01;
/// Private memory that differs by no more pages than this is the same: so much lies in where allocations fall.
const TIE_PAGES: u64 = 2;

type Tried<'r> = (&'r Row<'r>, Figures);

fn copied(figures: &Figures) -> f64 {
    figures.served_share() + figures.collected_share()
}

fn name(cell: &Cell) -> String {
    format!("{} after {}", cell.layout.name(), cell.condition.name())
}

/// How long collection and freeze took, for people.
fn time(figures: &Figures) -> String {
    figures.freeze_ns.map_or_else(|| "no time".to_owned(), |ns| units::time(ns as u64))
}

/// The sentences; `None` where no condition was tried.
pub(super) fn finding(rows: &[Row<'_>]) -> Option<String> {
    let tried: Vec<Tried<'_>> = rows
        .iter()
        .filter(|row| row.cell.part == Part::Conditions && row.cell.layout.collects())
        .filter_map(|row| Some((row, row.figures?)))
        .collect();
    let (first, _) = tried.first()?;
    let frozen_only = tried.iter().filter(|(row, _)| row.cell.condition.freeze == Freeze::Freeze);
    let least_frozen = frozen_only.map(|(_, figures)| copied(figures)).min_by(f64::total_cmp);
    let least_frozen = least_frozen.map_or(String::new(), |least| {
        format!(" The best that freeze alone does is {}, because each read writes a count.", percent(least))
    });
    let good: Vec<&Tried<'_>> = tried.iter().filter(|(_, figures)| copied(figures) < NEARLY_NOTHING).collect();
    let (reads, of, more_reads) = (first.cell.reads(), tried.len(), other_reads(rows));
    if good.is_empty() {
        return Some(format!(
            "No layout and no freeze brings reading ({reads}) and collecting together to less than 1 % of the objects' pages \
             ({of} combinations tried).{least_frozen}"
        ));
    }
    let is_immortal = |(row, _): &Tried<'_>| row.cell.condition.freeze == Freeze::Immortal;
    let all_immortal = if good.iter().all(|tried| is_immortal(tried)) {
        " All of these use freeze_immortal; what is frozen so never dies."
    } else {
        ""
    };
    let layouts = |rows: &mut dyn Iterator<Item = &Row<'_>>| {
        rows.map(|row| row.cell.layout.name()).collect::<BTreeSet<_>>().len()
    };
    let (layouts_good, layouts_tried) =
        (layouts(&mut good.iter().map(|(row, _)| *row)), layouts(&mut tried.iter().map(|(row, _)| *row)));
    let without = find(rows, Part::Conditions, INLINE, Condition::NOTHING, |_| true);
    let without = without.map_or(String::new(), |(_, figures)| {
        format!(" Where nothing is done, {INLINE} has {}.", size(figures.private))
    });
    Some(format!(
        "With requests that read {reads}, reading and collecting together copy less than 1 % of the objects' pages in {} of {of} \
         combinations of layout and freeze, on {layouts_good} of {layouts_tried} layouts.{all_immortal} The least private memory \
         of a worker: {}.{without} {}{more_reads}{least_frozen}",
        good.len(),
        least(&good),
        most(&good),
    ))
}

/// Those with the least private memory: ties together, the cheapest in time first.
fn least(good: &[&Tried<'_>]) -> String {
    let of = |tried: &Tried<'_>| tried.1.less_control();
    let least = good.iter().map(|tried| of(tried)).fold(f64::INFINITY, f64::min);
    let tie = (TIE_PAGES * page_bytes()) as f64;
    let mut best: Vec<&&Tried<'_>> = good.iter().filter(|tried| of(tried) <= least + tie).collect();
    best.sort_by(|a, b| a.1.freeze_ns.unwrap_or(0.0).total_cmp(&b.1.freeze_ns.unwrap_or(0.0)));
    let words = best.iter().map(|(row, figures)| {
        format!(
            "{} ({}, {} of it the control's; {} before the fork)",
            name(row.cell),
            size(figures.private),
            size(figures.control),
            time(figures)
        )
    });
    words.collect::<Vec<_>>().join(", and, the same within two pages, ")
}

/// The one of them with the most.
fn most(good: &[&Tried<'_>]) -> String {
    let most = good.iter().max_by(|a, b| a.1.less_control().total_cmp(&b.1.less_control()));
    most.map_or(String::new(), |(row, figures)| {
        format!(
            "The most of these has {}: {}, {} of it beside the objects.",
            name(row.cell),
            size(figures.private),
            size(figures.tables_end)
        )
    })
}

/// What the same freeze does where more is read, on the layout that is CPython's.
fn other_reads(rows: &[Row<'_>]) -> String {
    let at = |is: &dyn Fn(&Cell) -> bool| find(rows, Part::Reads, INLINE, Condition::IMMORTAL, is);
    let scattered = at(&|cell| (cell.share, cell.run) == (Some(0.01), 1));
    let all = at(&|cell| cell.share.is_none());
    let (Some((_, scattered)), Some((_, all))) = (scattered, all) else { return String::new() };
    format!(
        " On {INLINE} after {}, reading 1 % of the entries one at a time, at random, and collecting copy {}, reading all {}.",
        Condition::IMMORTAL.name(),
        percent(copied(&scattered)),
        percent(copied(&all))
    )
}

#[cfg(test)]
mod tests {
    use super::super::cell::{Content, Layout};
    use super::super::figures::tests::figures;
    use super::*;

    #[test]
    fn ties_are_named_together_the_cheapest_first() {
        let cell =
            |condition| Cell::centre(Part::Conditions, Layout::new(INLINE, None), Content::entries(1000), condition);
        let page = page_bytes() as f64;
        let of = |private: f64, ms: f64| Figures { private, freeze_ns: Some(ms * 1e6), ..figures() };
        let cells = [cell(Condition::IMMORTAL), cell(Condition::OFF_IMMORTAL), cell(Condition::FREEZE)];
        let all = [of(10.0 * page, 161.0), of(11.0 * page, 20.0), of(20.0 * page, 1.0)];
        let rows: Vec<Row<'_>> = cells
            .iter()
            .zip(all)
            .map(|(cell, figures)| Row { cell, figures: Some(figures), rounds: vec![figures], records: Vec::new() })
            .collect();
        let text = finding(&rows).unwrap();
        let (cheap, dear) =
            (text.find("off, freeze_immortal").unwrap(), text.find("collect, freeze_immortal").unwrap());
        assert!(cheap < dear && text.contains("the same within two pages"), "{text}");
        assert!(
            text.contains("read 2 %, runs of 20")
                && text.contains("most of these has generational after collect, freeze:"),
            "{text}"
        );
    }
}
