//! What the figures say, in sentences that are computed from them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::anchors::{self, Anchor};
use super::cell::{Cell, Condition, Content, Freeze};
use super::figures::Figures;
use super::plan::Part;
use super::tables::{Row, find, slope_words};
use crate::units;

/// A share of the objects' pages below which they count as shared.
const NEARLY_NOTHING: f64 = 0.01;
/// The layout that is CPython's.
const INLINE: &str = "generational";
const STREAMING: &str = "generational-streaming, place side";
const SIDE: &str = "generational, place side";

/// One sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub about: String,
    /// The sentence.
    pub text: String,
}

/// Whatever the rows have the figures for.
pub(super) fn findings(rows: &[Row<'_>]) -> Vec<Finding> {
    let all: [(&str, Option<String>); 8] = [
        ("shape", shape(rows)),
        ("reading", reading(rows)),
        ("reading all", reading_all(rows)),
        ("side tables", side_tables(rows)),
        ("both to nearly nothing", remedy(rows)),
        ("a further worker", further_worker(rows)),
        ("wearing off", wearing_off(rows)),
        ("holes", holes(rows)),
    ];
    all.into_iter().filter_map(|(about, text)| Some(Finding { about: about.to_owned(), text: text? })).collect()
}

fn size(bytes: f64) -> String {
    units::size(bytes.max(0.0).round() as u64)
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.2} %") } else { format!("{percent:.0} %") }
}

fn anchor(variant: &str, objects: u32, one_worker: bool, share: f64, run: u32) -> Option<&'static Anchor> {
    anchors::matching(one_worker, Some(share), run).find(|row| row.variant == variant && row.objects == objects)
}

/// The collector's part, without a freeze and with one, beside CPython's.
fn shape(rows: &[Row<'_>]) -> Option<String> {
    let part = if rows.iter().any(|row| row.cell.part == Part::Objects) { Part::Objects } else { Part::Conditions };
    let (cell, without) = find(rows, part, INLINE, Condition::NOTHING, |_| true)?;
    let (_, with) = find(rows, part, INLINE, Condition::FREEZE, |other| other.content == cell.content)?;
    let ours = format!(
        "On the heap that is CPython's in kind (links in each header; {}), two collections in a worker copy {} of {} of the \
         objects' pages ({}); after freeze {} ({}).",
        cell.content.name(),
        size(without.collected_objects),
        size(without.heap),
        percent(without.collected_share()),
        size(with.collected_objects),
        percent(with.collected_share())
    );
    let Content::Entries { objects, .. } = cell.content else { return Some(ours) };
    let beside = anchor("none", objects, false, 0.02, 20).zip(anchor("freeze", objects, false, 0.02, 20));
    Some(match beside {
        None => ours,
        Some((none, freeze)) => format!(
            "{ours} CPython 3.12.1 copied {} of {} MiB ({}) and {} MiB.",
            none.collected_mib,
            none.rss_mib,
            percent(none.collected_share()),
            freeze.collected_mib
        ),
    })
}

/// What reading alone copies where it is scattered most.
fn reading(rows: &[Row<'_>]) -> Option<String> {
    let scattered = |share: f64, run: u32| move |cell: &Cell| (cell.share, cell.run) == (Some(share), run);
    let one = |layout, condition| find(rows, Part::Reads, layout, condition, scattered(0.01, 1));
    let (cell, frozen) = one(INLINE, Condition::FREEZE)?;
    let (_, side) = one(SIDE, Condition::FREEZE)?;
    let (_, immortal) = one(INLINE, Condition::IMMORTAL)?;
    let in_runs = find(rows, Part::Reads, INLINE, Condition::FREEZE, scattered(0.01, 20));
    let in_runs = in_runs
        .map_or(String::new(), |(_, runs)| format!(" in runs of 20 neighbours only {}", percent(runs.served_share())));
    let cpython = match cell.content {
        Content::Entries { objects, .. } => anchor("freeze", objects, true, 0.01, 1),
        Content::Graph { .. } => None,
    };
    let cpython = cpython.map_or(String::new(), |row| {
        format!(" CPython 3.12.1 copied {} of {} MiB ({}).", row.served_mib, row.rss_mib, percent(row.served_share()))
    });
    Some(format!(
        "Freezing does not stop reads from writing counts: reading 1 % of the entries at random copies {} of {} of the \
         objects' pages ({}) although they are frozen,{in_runs}; {} with links in side tables, because the count is in the \
         header all the same. After freeze_immortal it is {}.{cpython}",
        size(frozen.served_objects),
        size(frozen.heap),
        percent(frozen.served_share()),
        percent(side.served_share()),
        percent(immortal.served_share())
    ))
}

/// Reading every frozen object.
fn reading_all(rows: &[Row<'_>]) -> Option<String> {
    let all = |layout, condition| find(rows, Part::Reads, layout, condition, |cell| cell.share.is_none());
    let (_, frozen) = all(INLINE, Condition::FREEZE)?;
    let (_, immortal) = all(INLINE, Condition::IMMORTAL)?;
    Some(format!(
        "Reading every entry copies {} of the objects' pages after freeze, {} after freeze_immortal.",
        percent(frozen.served_share()),
        percent(immortal.served_share())
    ))
}

/// What side tables save and cost without any freeze.
fn side_tables(rows: &[Row<'_>]) -> Option<String> {
    let part = if rows.iter().any(|row| row.cell.part == Part::Tables) { Part::Tables } else { Part::Conditions };
    let (cell, side) = find(rows, part, SIDE, Condition::NOTHING, |_| true)?;
    let (_, inline) = find(rows, part, INLINE, Condition::NOTHING, |_| true)?;
    let released = side
        .tables_released
        .map_or(String::new(), |bytes| format!(", and {} when all that the heap held has been dropped", size(bytes)));
    let streaming = find(rows, part, STREAMING, Condition::NOTHING, |_| true);
    let streaming = streaming.map_or(String::new(), |(_, figures)| {
        let released =
            figures.tables_released.map_or(String::new(), |bytes| format!(", {} after the release", size(bytes)));
        format!(
            " Streaming detection needs scratch tables as well: {} at their peak{released}.",
            size(figures.tables_peak)
        )
    });
    Some(format!(
        "Side tables need no freeze against the collector: unfrozen, two collections copy {} of the objects' pages ({} with \
         links in headers; {}). The price is private memory beside the objects: {} at its peak, {} after the second \
         collection{released}; the control has {}, and with links in headers it is {}.{streaming}",
        percent(side.collected_share()),
        percent(inline.collected_share()),
        cell.content.name(),
        size(side.tables_peak),
        size(side.tables_end),
        size(side.control),
        size(inline.tables_peak)
    ))
}

/// Which layouts and conditions keep nearly all pages of objects shared, through reading and collecting, and what they cost.
fn remedy(rows: &[Row<'_>]) -> Option<String> {
    let tried: Vec<(&Row<'_>, Figures)> = rows
        .iter()
        .filter(|row| row.cell.part == Part::Conditions && row.cell.layout.collects())
        .filter_map(|row| Some((row, row.figures?)))
        .collect();
    let copied = |figures: &Figures| figures.served_share() + figures.collected_share();
    let is_good = |figures: &Figures| copied(figures) < NEARLY_NOTHING;
    let mut good: Vec<&(&Row<'_>, Figures)> = tried.iter().filter(|(_, figures)| is_good(figures)).collect();
    good.sort_by(|a, b| a.1.less_control().total_cmp(&b.1.less_control()));
    let frozen_only = tried.iter().filter(|(row, _)| row.cell.condition.freeze == Freeze::Freeze);
    let least_frozen = frozen_only.map(|(_, figures)| copied(figures)).min_by(f64::total_cmp);
    let least_frozen = least_frozen.map_or(String::new(), |least| {
        format!(" The best that freeze alone does is {}, because each read writes a count.", percent(least))
    });
    let of = tried.len();
    let (Some((best, figures)), Some((worst, most))) = (good.first(), good.last()) else {
        return (of > 0).then(|| {
            format!(
                "No layout and no freeze brings reading and collecting together to less than 1 % of the objects' pages ({of} \
                 combinations tried).{least_frozen}"
            )
        });
    };
    let name = |row: &Row<'_>| format!("{} after {}", row.cell.layout.name(), row.cell.condition.name());
    let all_immortal = good.iter().all(|(row, _)| row.cell.condition.freeze == Freeze::Immortal);
    let all_immortal =
        if all_immortal { ", all of them with freeze_immortal (what is frozen so never dies)" } else { "" };
    let layouts = |rows: &mut dyn Iterator<Item = &Row<'_>>| {
        rows.map(|row| row.cell.layout.name()).collect::<BTreeSet<_>>().len()
    };
    let (layouts_good, layouts_tried) =
        (layouts(&mut good.iter().map(|(row, _)| *row)), layouts(&mut tried.iter().map(|(row, _)| *row)));
    let without = find(rows, Part::Conditions, INLINE, Condition::NOTHING, |_| true);
    let without = without
        .map_or(String::new(), |(_, figures)| format!("; without anything, {INLINE} has {}", size(figures.private)));
    Some(format!(
        "Reading and collecting together stay below 1 % of the objects' pages in {} of {of} combinations of layout and \
         freeze, on {layouts_good} of {layouts_tried} layouts{all_immortal}. Least private memory has {}: {} a worker, {} of it the control's{without}. It costs {} before \
         the fork. Most of them has {}: {}, {} of it beside the objects.{least_frozen}",
        good.len(),
        name(best),
        size(figures.private),
        size(figures.control),
        figures.freeze_ns.map_or_else(|| "no time".to_owned(), |ns| units::time(ns as u64)),
        name(worst),
        size(most.private),
        size(most.tables_end)
    ))
}

/// The slope of each condition.
fn further_worker(rows: &[Row<'_>]) -> Option<String> {
    let slopes: Vec<String> = rows
        .iter()
        .filter(|row| row.cell.part == Part::Workers && row.figures.is_some())
        .map(|row| format!("{} on {}: {}", row.cell.condition.name(), row.cell.layout.name(), slope_words(row)))
        .collect();
    let cell = rows.iter().find(|row| row.cell.part == Part::Workers)?.cell;
    (!slopes.is_empty()).then(|| {
        format!(
            "A further worker (up to {}; {}) adds, with 95 % intervals: {}.",
            cell.workers,
            cell.content.name(),
            slopes.join("; ")
        )
    })
}

/// How freezing wears off, and what leaks.
fn wearing_off(rows: &[Row<'_>]) -> Option<String> {
    let at = |replaced: f64, cyclic: bool, condition| {
        find(rows, Part::Churn, INLINE, condition, |cell| {
            cell.replaced == replaced && matches!(cell.content, Content::Entries { cyclic: is, .. } if is == cyclic)
        })
    };
    let shares = || rows.iter().filter(|row| row.cell.part == Part::Churn).map(|row| row.cell.replaced);
    let most = shares().fold(0.0, f64::max);
    let least = shares().filter(|share| *share > 0.0).fold(most, f64::min);
    let (_, none) = at(0.0, false, Condition::FREEZE)?;
    let (_, few) = at(least, false, Condition::FREEZE)?;
    let (_, some) = at(most, false, Condition::FREEZE)?;
    let (_, immortal) = at(most, false, Condition::IMMORTAL)?;
    let leak = at(most, true, Condition::FREEZE).and_then(|(_, figures)| figures.unfrozen);
    let leak = leak.map_or(String::new(), |unfrozen| {
        format!(
            " Where entries are on cycles, two collections leave what was frozen: unfreezing and collecting then finds {} \
             objects and dirties {}.",
            units::count(unfrozen.found as u64),
            size(unfrozen.dirtied)
        )
    });
    Some(format!(
        "Replacing {} of the frozen entries, drawn at random, copies {} of the objects' pages, and {} of them {} ({} where \
         nothing is replaced): the dead are released one by one and their places filled. After freeze_immortal replacing {} \
         copies {}, but what is replaced never dies, and each worker grows by what is new.{leak}",
        percent(least),
        percent(few.served_share()),
        percent(most),
        percent(some.served_share()),
        percent(none.served_share()),
        percent(most),
        percent(immortal.served_share())
    ))
}

/// What a collection before the freeze leaves.
fn holes(rows: &[Row<'_>]) -> Option<String> {
    let most =
        |cell: &Cell| cell.replaced > 0.0 && matches!(cell.content, Content::Entries { garbage, .. } if garbage > 0.0);
    let immortal_first = Condition { collect_first: true, ..Condition::OFF_IMMORTAL };
    let (cell, with) = find(rows, Part::Holes, INLINE, immortal_first, most)?;
    let (_, without) = find(rows, Part::Holes, INLINE, Condition::OFF_IMMORTAL, most)?;
    Some(format!(
        "Of a heap with garbage in it ({}), a collection before freeze_immortal leaves holes that workers fill: requests that \
         replace {} copy {} of the objects' pages, and {} without that collection. The parent has {} with it and {} without.",
        cell.content.name(),
        percent(cell.replaced),
        percent(with.served_share()),
        percent(without.served_share()),
        size(with.parent_rss),
        size(without.parent_rss)
    ))
}
