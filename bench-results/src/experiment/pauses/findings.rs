//! What the pauses experiment's records say: sentences.

use super::figures::{Series, growth, median, per_object};
use crate::experiment::trial::{Rows, Subject};
use crate::report::chapter::Finding;
use crate::report::quantity::Unit;

pub(super) fn findings(rows: &Rows<'_>, all: &[Series]) -> Vec<Finding> {
    let subjects = rows.subjects(|_| true);
    let each = |about: &str, of: &dyn Fn(&Subject) -> Option<String>, begin: &str| {
        let words: Vec<String> =
            subjects.iter().filter_map(|subject| Some(format!("{} {}", subject.name(), of(subject)?))).collect();
        (!words.is_empty())
            .then(|| Finding { about: about.to_owned(), text: format!("{begin}: {}.", words.join("; ")) })
    };
    let grows =
        each("growth", &|subject| grows(rows, all, subject), "Does the stop grow with the live heap? (rings of 10)");
    let cheapest = each(
        "the cheapest shape",
        &|subject| cheapest(rows, all, subject),
        "Cheapest and dearest shape to collect alive, per object, in order of memory",
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
    [grows, cheapest, shuffle, dead].into_iter().flatten().collect()
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
    let (_, least) = *series.sizes(rows).first()?;
    let (_, most) = *series.sizes(rows).last()?;
    let stop = |question| median(rows, question, subject, "live_gap_ns");
    let (from, to) = (stop(least)?, stop(most)?);
    // Less than a quarter of the growth of the heap in powers: no program would call that growing with it.
    let margin = exponent.margin.unwrap_or(f64::INFINITY);
    let verdict = match exponent.value {
        value if value + margin < 0.25 => "does not",
        value if value - margin > 0.25 => "does",
        _ => "is open",
    };
    Some(format!("{verdict} ({} to {})", Unit::Time.show(from), Unit::Time.show(to)))
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
        .filter(|series| series.order == "built" && series.dying == "all" && series.shape != "rec")
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
