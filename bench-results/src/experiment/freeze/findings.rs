//! What the figures say, in sentences that are computed from them.

use super::anchors::{self, Anchor};
use super::cell::{Cell, Condition, Content};
use super::figures::Figures;
use super::plan::Part;
use super::remedy;
use super::tables::{Row, find, slope_words};
use crate::report::chapter::Finding;
use crate::units;

/// The layout that is CPython's.
pub(super) const INLINE: &str = "generational";
const STREAMING: &str = "generational-streaming, place side";
const SIDE: &str = "generational, place side";

/// Whatever the rows have the figures for.
pub(super) fn findings(rows: &[Row<'_>]) -> Vec<Finding> {
    let all: [(&str, Option<String>); 9] = [
        ("shape", shape(rows)),
        ("reading", reading(rows)),
        ("reading all", reading_all(rows)),
        ("side tables", side_tables(rows)),
        ("both to nearly nothing", remedy::finding(rows)),
        ("a further worker", further_worker(rows)),
        ("wearing off", wearing_off(rows)),
        ("holes", holes(rows)),
        ("the heap of a process", real_heap(rows)),
    ];
    all.into_iter().filter_map(|(about, text)| Some(Finding { about: about.to_owned(), text: text? })).collect()
}

pub(super) fn size(bytes: f64) -> String {
    units::size(bytes.max(0.0).round() as u64)
}

fn known_size(bytes: Option<f64>) -> String {
    bytes.map_or_else(|| "n/a".to_owned(), size)
}

pub(super) fn percent(share: f64) -> String {
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
         objects' pages ({}); after a collection and a freeze {} ({}).",
        cell.content.name(),
        size(without.collected_objects),
        size(without.heap),
        percent(without.collected_share()),
        size(with.collected_objects),
        percent(with.collected_share())
    );
    let Content::Entries { objects, .. } = cell.content else { return Some(ours) };
    let beside = anchor("nothing", objects, false, 0.02, 20).zip(anchor("collect, freeze", objects, false, 0.02, 20));
    Some(match beside {
        None => ours,
        Some((none, freeze)) => format!(
            "{ours} CPython 3.12.1 copied {} of {} MiB of RSS ({}) in the first collection of a worker, and {} MiB after a \
             collection and a freeze.",
            none.first_mib,
            none.rss_mib,
            percent(none.first_share()),
            freeze.first_mib
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
        Content::Entries { objects, .. } => anchor("collect, freeze", objects, true, 0.01, 1),
        Content::Graph { .. } => None,
    };
    let cpython = cpython.map_or(String::new(), |row| {
        format!(
            " CPython 3.12.1 copied {} of {} MiB of RSS ({}).",
            row.served_mib,
            row.rss_mib,
            percent(row.served_share())
        )
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
            " Streaming detection needs scratch beside the links: both together take {} at most{released}.",
            known_size(figures.tables_peak)
        )
    });
    Some(format!(
        "Side tables need no freeze against the collector: unfrozen, two collections copy {} of the objects' pages ({} with \
         links in headers; {}). The price is private memory beside the objects: {} at most, {} after the second \
         collection{released}; the control has {}, and with links in headers it is {} at most.{streaming}",
        percent(side.collected_share()),
        percent(inline.collected_share()),
        cell.content.name(),
        known_size(side.tables_peak),
        size(side.tables_end),
        size(side.control),
        known_size(inline.tables_peak)
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
    let garbage_only =
        |cell: &Cell| cell.replaced == 0.0 && matches!(cell.content, Content::Entries { garbage, .. } if garbage > 0.0);
    let plain = |more: &dyn Fn(&Cell) -> bool| {
        let (_, with) = find(rows, Part::Holes, INLINE, Condition::OFF_COLLECT_FREEZE, more)?;
        let (_, without) = find(rows, Part::Holes, INLINE, Condition::OFF_FREEZE, more)?;
        Some(format!(
            "{} with that collection and {} without",
            percent(with.served_share()),
            percent(without.served_share())
        ))
    };
    let frozen = plain(&most).map_or(String::new(), |both| {
        let none_replaced =
            plain(&garbage_only).map_or(String::new(), |both| format!(" (where nothing is replaced: {both})"));
        format!(
            " After freeze alone it makes little difference, because counts and deaths write to the pages anyway: {both}{none_replaced}."
        )
    });
    Some(format!(
        "Of a heap with garbage in it ({}), a collection before freeze_immortal leaves holes that workers fill: requests that \
         replace {} copy {} of the objects' pages, and {} without that collection. The parent has {} with it and {} without.{frozen}",
        cell.content.name(),
        percent(cell.replaced),
        percent(with.served_share()),
        percent(without.served_share()),
        size(with.parent_rss),
        size(without.parent_rss)
    ))
}

/// What the heap of a real process shows, on the layout that is CPython's.
fn real_heap(rows: &[Row<'_>]) -> Option<String> {
    let at = |condition| find(rows, Part::RealHeap, INLINE, condition, |_| true);
    let (cell, without) = at(Condition::NOTHING)?;
    let copied = |figures: &Figures| percent(figures.served_share() + figures.collected_share());
    let off = at(Condition::OFF).map_or(String::new(), |(_, off)| {
        format!(
            " With the collector off requests copy {} and two collections {}.",
            percent(off.served_share()),
            percent(off.collected_share())
        )
    });
    let frozen = [Condition::FREEZE, Condition::FREEZE_AT_ONCE, Condition::IMMORTAL];
    let frozen: Vec<String> = frozen
        .into_iter()
        .filter_map(|condition| Some(format!("{} after {}", copied(&at(condition)?.1), condition.name())))
        .collect();
    let frozen = if frozen.is_empty() { String::new() } else { format!(", and {}", frozen.join(", ")) };
    Some(format!(
        "On {INLINE} with the heap of a process ({}; reads {}), requests and two collections together copy {} of the objects' \
         pages where nothing is done{frozen}.{off}",
        cell.content.name(),
        cell.reads(),
        copied(&without)
    ))
}
