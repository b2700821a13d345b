//! The figures of a row, in the order of the table, each with the column that CPython's stands in.

use crate::report::column::Column;
use crate::report::quantity::{Figure, Quantity, Unit, quantity};

/// In which loop a figure was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loop {
    /// Each request when the last one has ended.
    Closed,
    /// Requests arrive on a plan.
    Open,
}

impl Loop {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Loop::Closed => "closed",
            Loop::Open => "open",
        }
    }
}

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct FigureOf {
    /// The loop.
    pub of: Loop,
    /// The quantity, by its key.
    key: &'static str,
    /// The column of CPython's, and what its unit is in ours.
    pub cpython: Option<(&'static str, f64)>,
}

impl FigureOf {
    /// What is measured.
    pub fn quantity(&self) -> &'static Quantity {
        if self.key == BETWEEN.key {
            return &BETWEEN;
        }
        quantity(self.key).expect("a test asks for each of them")
    }

    /// The same of the cells of a heap at a point.
    pub fn figure(&self, column: &Column<'_>) -> Option<Figure> {
        self.quantity().figure(column)
    }
}

/// The longest work between two requests, such as a collection there: interpreters' programs measure it, heaps do not.
static BETWEEN: Quantity = Quantity::of_others("between-max", "between requests, max", Unit::Time);

const US: f64 = 1e3;
const MS: f64 = 1e6;
const MIB: f64 = 1_048_576.0;

const fn closed(key: &'static str, column: &'static str, unit: f64) -> FigureOf {
    FigureOf { of: Loop::Closed, key, cpython: Some((column, unit)) }
}

const fn open(key: &'static str, column: &'static str) -> FigureOf {
    FigureOf { of: Loop::Open, key, cpython: Some((column, US)) }
}

const fn ours(of: Loop, key: &'static str) -> FigureOf {
    FigureOf { of, key, cpython: None }
}

/// All of them.
pub const FIGURES: &[FigureOf] = &[
    closed("collections-0", "collections_0", 1.0),
    closed("collections-1", "collections_1", 1.0),
    closed("collections-2", "collections_2", 1.0),
    closed("collector-cpu", "collector_ms", MS),
    closed("collector-share", "collector_share", 1.0),
    closed("throughput", "per_s", 1.0),
    closed("service-p50", "p50_us", US),
    closed("service-p90", "p90_us", US),
    closed("service-p99", "p99_us", US),
    closed("service-p99.9", "p99_9_us", US),
    closed("service-p99.99", "p99_99_us", US),
    closed("service-max", "max_us", US),
    closed("between-max", "between_max_us", US),
    ours(Loop::Open, "response-p50"),
    ours(Loop::Open, "response-p90"),
    open("response-p99", "open_p99_us"),
    open("response-p99.9", "open_p99_9_us"),
    ours(Loop::Open, "response-p99.99"),
    open("response-max", "open_max_us"),
    closed("pause-g0-p50", "pause_0_p50_us", US),
    closed("pause-g0-max", "pause_0_max_us", US),
    closed("pause-g1-p50", "pause_1_p50_us", US),
    closed("pause-g1-max", "pause_1_max_us", US),
    closed("pause-g2-p50", "pause_2_p50_us", US),
    closed("pause-g2-max", "pause_2_max_us", US),
    closed("peak-rss", "peak_rss_mib", MIB),
    ours(Loop::Closed, "floating-peak"),
    ours(Loop::Closed, "floating-mean"),
    ours(Loop::Open, "throughput"),
    ours(Loop::Open, "collector-share"),
    ours(Loop::Open, "peak-rss"),
];

/// Several figures in one cell of a table for people, as `p50/max`.
#[derive(Clone, Copy, Debug)]
pub struct Heading {
    /// What stands above it.
    pub title: &'static str,
    /// Loop and key of each figure.
    pub figures: &'static [(Loop, &'static str)],
}

use Loop::{Closed, Open};

/// The columns of a table for people.
pub const HEADINGS: &[Heading] = &[
    Heading {
        title: "collections 0/1/2",
        figures: &[(Closed, "collections-0"), (Closed, "collections-1"), (Closed, "collections-2")],
    },
    Heading { title: "collecting", figures: &[(Closed, "collector-cpu")] },
    Heading { title: "share", figures: &[(Closed, "collector-share")] },
    Heading { title: "served", figures: &[(Closed, "throughput")] },
    Heading { title: "service p50", figures: &[(Closed, "service-p50")] },
    Heading { title: "service p90", figures: &[(Closed, "service-p90")] },
    Heading { title: "service p99", figures: &[(Closed, "service-p99")] },
    Heading { title: "service p99.9", figures: &[(Closed, "service-p99.9")] },
    Heading { title: "service p99.99", figures: &[(Closed, "service-p99.99")] },
    Heading { title: "service max", figures: &[(Closed, "service-max")] },
    Heading { title: "between max", figures: &[(Closed, "between-max")] },
    Heading { title: "response p50", figures: &[(Open, "response-p50")] },
    Heading { title: "response p90", figures: &[(Open, "response-p90")] },
    Heading { title: "response p99", figures: &[(Open, "response-p99")] },
    Heading { title: "response p99.9", figures: &[(Open, "response-p99.9")] },
    Heading { title: "response p99.99", figures: &[(Open, "response-p99.99")] },
    Heading { title: "response max", figures: &[(Open, "response-max")] },
    Heading { title: "pause 0 p50/max", figures: &[(Closed, "pause-g0-p50"), (Closed, "pause-g0-max")] },
    Heading { title: "pause 1 p50/max", figures: &[(Closed, "pause-g1-p50"), (Closed, "pause-g1-max")] },
    Heading { title: "pause 2 p50/max", figures: &[(Closed, "pause-g2-p50"), (Closed, "pause-g2-max")] },
    Heading { title: "peak RSS", figures: &[(Closed, "peak-rss")] },
    Heading { title: "floating peak/mean", figures: &[(Closed, "floating-peak"), (Closed, "floating-mean")] },
];

/// The place of a figure in [`FIGURES`].
pub fn place(of: Loop, key: &str) -> Option<usize> {
    FIGURES.iter().position(|figure| figure.of == of && figure.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_a_quantity_and_each_heading_its_figures() {
        for figure in FIGURES {
            assert_eq!(figure.quantity().key, figure.key);
        }
        for (of, key) in HEADINGS.iter().flat_map(|heading| heading.figures) {
            assert!(place(*of, key).is_some(), "{key}");
        }
    }
}
