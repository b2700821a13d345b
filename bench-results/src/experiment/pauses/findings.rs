//! What the pauses experiment's records say: sentences.

use super::figures::{Series, State, beside_control, called_by, growth, median, per_object};
use super::slope::Exponent;
use crate::experiment::trial::{Rows, Subject};
use crate::report::chapter::Finding;
use crate::report::quantity::Unit;
use crate::units;

pub(super) fn findings(rows: &Rows<'_>, all: &[Series]) -> Vec<Finding> {
    let subjects = rows.subjects(|_| true);
    let each = |about: &str, of: &dyn Fn(&Subject) -> Option<String>, begin: &str| {
        let words: Vec<String> =
            subjects.iter().filter_map(|subject| Some(format!("{} {}", subject.name(), of(subject)?))).collect();
        (!words.is_empty())
            .then(|| Finding { about: about.to_owned(), text: format!("{begin}: {}.", words.join("; ")) })
    };
    let grows = each(
        "growth",
        &|subject| grows(rows, all, subject),
        "Does the time that a program stands still grow with the live heap? It grows where the whole 95 % interval of its \
         exponent is above 0.25, and does not where all of it is below (rings of 10, median gaps at the ends). A gap is told \
         from the machine's where that of every round is longer than all of as long a time without a collection (ten times as long, \
         with fewer than three rounds)",
    );
    let cheapest = each(
        "the cheapest shape",
        &|subject| cheapest(rows, all, subject),
        "Cheapest and dearest shape to collect alive, per object, in order of memory (nested lists are left out: with half as \
         many references in a list as lists in a structure, a cost per object says nothing beside the others')",
    );
    let worst = each(
        "the worst gap",
        &|subject| worst(rows, all, subject),
        "The longest gap of all cells, each cell's median over rounds, of live and dead structures and of first collections",
    );
    let shuffle = each(
        "scattered neighbours",
        &|subject| shuffled(rows, all, subject),
        "One ring whose neighbours lie anywhere costs, over one in order",
    );
    let dead = each(
        "dead against alive",
        &|subject| dead(rows, all, subject),
        "Rings of 10 that die cost, over rings that live",
    );
    [grows, worst, cheapest, shuffle, dead].into_iter().flatten().collect()
}

fn rings_of_10(all: &[Series]) -> Option<&Series> {
    all.iter().find(|series| {
        (series.shape.as_str(), series.k, series.order.as_str(), series.dying.as_str())
            == ("ring", Some(10), "built", "all")
    })
}

fn grows(rows: &Rows<'_>, all: &[Series], subject: &Subject) -> Option<String> {
    let series = rings_of_10(all)?;
    let exponent = growth(rows, series, subject, "live_gap_ns")?;
    let (fewest, least) = *series.sizes(rows).first()?;
    let (largest, most) = *series.sizes(rows).last()?;
    let gap = |question| median(rows, question, subject, "live_gap_ns");
    let (from, to) = (gap(least)?, gap(most)?);
    let ends = format!("({} to {})", Unit::Time.show(from), Unit::Time.show(to));
    let growth = Growth::of(exponent);
    let beside = beside_control(rows, most, subject, State::Live.gap(), State::Live.control());
    if let Some((false, control)) = beside.filter(|_| growth != Growth::DoesNot) {
        return Some(format!(
            "is not told from the machine {ends}: as long a time without a collection has {} at {} nodes",
            Unit::Time.show(control),
            units::count(u64::from(largest)),
        ));
    }
    Some(match growth {
        Growth::Grows => format!("does {ends}"),
        Growth::DoesNot => format!("does not {ends}"),
        Growth::Open => {
            // What the gaps themselves allow at most.
            let longest = rows.numbers(most, subject, called_by(subject, "live_gap_ns")).into_iter().fold(to, f64::max);
            let shortest =
                rows.numbers(least, subject, called_by(subject, "live_gap_ns")).into_iter().fold(from, f64::min);
            format!(
                "is open {ends}: the longest gap at {} nodes is {:.1} times the shortest at {}, while the heap grew {:.0} times",
                units::count(u64::from(largest)),
                longest / shortest,
                units::count(u64::from(fewest)),
                f64::from(largest) / f64::from(fewest),
            )
        }
    })
}

/// What an exponent says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Growth {
    Grows,
    DoesNot,
    Open,
}

/// A smaller power of the heap no program would call growing with it.
const GROWING: f64 = 0.25;

impl Growth {
    fn of(Exponent { value, margin }: Exponent) -> Self {
        // Without an interval nothing is known of where it ends.
        let margin = margin.unwrap_or(f64::INFINITY);
        match value {
            value if value + margin < GROWING => Self::DoesNot,
            value if value - margin > GROWING => Self::Grows,
            _ => Self::Open,
        }
    }
}

/// The longest gap of a subject, and where it was.
fn worst(rows: &Rows<'_>, all: &[Series], subject: &Subject) -> Option<String> {
    let cells = all.iter().flat_map(|series| series.sizes(rows).into_iter().map(move |at| (series, at)));
    let gaps = cells.flat_map(|(series, (nodes, question))| {
        let dead = if series.dying == "half" { "half dead" } else { "dead" };
        [("first", "alive, first"), ("live", "alive"), ("dead", dead)].map(|(figure, state)| {
            let (gap, control) = (format!("{figure}_gap_ns"), format!("{figure}_control_ns"));
            let beside = beside_control(rows, question, subject, &gap, &control);
            let control = beside.map_or_else(String::new, |(_, ns)| format!("; its control {}", Unit::Time.show(ns)));
            let name = format!("{} of {} nodes, {state}{control}", series.name(), units::count(u64::from(nodes)));
            Some((median(rows, question, subject, &gap)?, name))
        })
    });
    let (gap, name) = gaps.flatten().max_by(|one, other| one.0.total_cmp(&other.0))?;
    Some(format!("{} ({name})", Unit::Time.show(gap)))
}

/// Questions of one size, so that shapes can be compared.
fn of_size<'r>(rows: &Rows<'r>, series: &Series, nodes: u32) -> Option<&'r str> {
    series.sizes(rows).into_iter().find(|(of_series, _)| *of_series == nodes).map(|(_, question)| question)
}

fn common_size(rows: &Rows<'_>, all: &[Series]) -> Option<u32> {
    let shuffled = all.iter().find(|series| series.order == "shuffled")?;
    Some(shuffled.sizes(rows).first()?.0)
}

fn cheapest(rows: &Rows<'_>, all: &[Series], subject: &Subject) -> Option<String> {
    let nodes = common_size(rows, all)?;
    let mut costs: Vec<(f64, String)> = all
        .iter()
        .filter(|series| series.order == "built" && series.dying == "all" && series.shape != "nested")
        .filter_map(|series| {
            let question = of_size(rows, series, nodes)?;
            Some((per_object(rows, question, subject, "live_cpu_ns")?, series.name()))
        })
        .collect();
    costs.sort_by(|one, other| one.0.total_cmp(&other.0));
    let ((least, cheap), (most, dear)) = (costs.first()?, costs.last()?);
    Some(format!("{cheap} ({least:.0} ns), {dear} ({most:.0} ns)"))
}

fn shuffled(rows: &Rows<'_>, all: &[Series], subject: &Subject) -> Option<String> {
    let nodes = common_size(rows, all)?;
    let of = |order: &str, figure| {
        let wanted = |series: &&Series| series.shape == "ring" && series.k.is_none() && series.order == order;
        per_object(rows, of_size(rows, all.iter().find(wanted)?, nodes)?, subject, figure)
    };
    let times = |figure| Some(of("shuffled", figure)? / of("built", figure)?);
    Some(format!("{:.1} times alive, {:.1} times dead", times("live_cpu_ns")?, times("dead_cpu_ns")?))
}

fn dead(rows: &Rows<'_>, all: &[Series], subject: &Subject) -> Option<String> {
    let nodes = common_size(rows, all)?;
    let question = of_size(rows, rings_of_10(all)?, nodes)?;
    let of = |figure| per_object(rows, question, subject, figure);
    Some(format!("{:.1} times", of("dead_cpu_ns")? / of("live_cpu_ns")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_what_the_whole_interval_says() {
        let of = |value, margin| Growth::of(Exponent { value, margin });
        assert_eq!(of(1.0, Some(0.7)), Growth::Grows);
        assert_eq!(of(1.0, Some(0.8)), Growth::Open);
        assert_eq!(of(0.0, Some(0.2)), Growth::DoesNot);
        assert_eq!(of(0.0, Some(0.3)), Growth::Open);
        assert_eq!(of(1.0, None), Growth::Open);
    }
}
