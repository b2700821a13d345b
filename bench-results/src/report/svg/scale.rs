//! Axes: from figures to places, and where ticks stand.

use super::super::quantity::Unit;

/// How figures lie on an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Equal differences, equal distances.
    Linear,
    /// Equal ratios, equal distances.
    Logarithmic,
}

/// A tick: its figure and its label.
pub type Tick = (f64, String);

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, with the unit where ticks have none.
    pub label: String,
    kind: Kind,
    low: f64,
    high: f64,
    ticks: Vec<Tick>,
    reading: Reading,
}

/// How a figure of an axis is said beside a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// With this unit.
    Unit(Unit),
    /// As a percentile q; the axis has 1 / (1 − q).
    Percentile,
    /// As the number that it is.
    Number,
}

impl Axis {
    /// One with equal distances, from `low` or less to `high` or more.
    pub fn linear(label: &str, low: f64, high: f64, unit: Unit) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = nice_step((high - low) / 5.0, unit);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let ticks: Vec<Tick> = (first..=last).map(|n| n as f64 * step).map(|at| (at, label_of(at, unit))).collect();
        let (low, high) = (first as f64 * step, last as f64 * step);
        Self { label: label.to_owned(), kind: Kind::Linear, low, high, ticks, reading: Reading::Unit(unit) }
    }

    /// One with equal ratios around positive figures; `None` if there are none.
    pub fn logarithmic(label: &str, figures: impl Iterator<Item = f64>, unit: Unit) -> Option<Self> {
        let (low, high) = figures
            .filter(|figure| *figure > 0.0 && figure.is_finite())
            .fold((f64::INFINITY, 0f64), |(low, high), figure| (low.min(figure), high.max(figure)));
        if low > high {
            return None;
        }
        let base = if unit == Unit::Size { 1024f64.powf((low.log2() / 10.0).floor()) } else { 1.0 };
        let (low, high) = (low / base, high / base);
        // Three steps a decade while it has few; then whole decades.
        let steps: &[f64] = if high / low < 40.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32 + 1);
        let all: Vec<f64> =
            (first..=last).flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade))).collect();
        let from = all.iter().rposition(|&at| at <= low * 1.000_001).unwrap_or(0);
        let to = all.iter().position(|&at| at >= high * 0.999_999).unwrap_or(all.len() - 1).max(from + 1);
        let shown = &all[from..=to.min(all.len() - 1)];
        // With too many of them, labels would touch: each second or third is left out.
        let every = shown.len().div_ceil(9);
        let ticks = shown.iter().step_by(every).map(|&at| (at * base, label_of(at * base, unit))).collect();
        let (low, high) = (shown[0] * base, shown[shown.len() - 1] * base);
        Some(Self { label: label.to_owned(), kind: Kind::Logarithmic, low, high, ticks, reading: Reading::Unit(unit) })
    }

    /// One with ticks at given figures.
    pub fn with_ticks(label: &str, kind: Kind, (low, high): (f64, f64), ticks: Vec<Tick>) -> Self {
        Self { label: label.to_owned(), kind, low, high, ticks, reading: Reading::Number }
    }

    /// The same, whose figures are said in this way.
    pub fn read_as(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    /// A figure in words, for who points at its place.
    pub fn said(&self, figure: f64) -> String {
        match self.reading {
            Reading::Unit(unit) => unit.show(figure),
            Reading::Percentile => percentile_of(figure),
            Reading::Number if figure.fract() == 0.0 => format!("{figure}"),
            Reading::Number => short(figure),
        }
    }

    /// Where a figure lies, 0 at the low end and 1 at the high one; ends hold back what lies beyond.
    pub fn place(&self, figure: f64) -> f64 {
        let place = match self.kind {
            Kind::Linear => (figure - self.low) / (self.high - self.low),
            Kind::Logarithmic => (figure.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Its ticks.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// The label, with a word on what equal distances mean where that is not equal differences.
    pub fn full_label(&self) -> String {
        match self.kind {
            Kind::Linear => self.label.clone(),
            Kind::Logarithmic => format!("{} (log scale)", self.label),
        }
    }
}

/// The least of 1, 2, 5, 10, 20 … that is not less than `step`; of bytes the least power of two.
fn nice_step(step: f64, unit: Unit) -> f64 {
    if unit == Unit::Size {
        return 2f64.powf(step.max(1.0).log2().ceil());
    }
    let decade = 10f64.powf(step.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * decade).find(|nice| *nice >= step * 0.999_999).unwrap_or(step);
    if matches!(unit, Unit::Count(_)) { step.max(1.0) } else { step }
}

/// A tick's label: short, with its unit.
pub fn label_of(figure: f64, unit: Unit) -> String {
    match unit {
        Unit::Time => scaled(figure, &[(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (1.0, " ns")]),
        Unit::Size => {
            scaled(figure, &[(1024f64.powi(3), " GiB"), (1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")])
        }
        Unit::Share => format!("{} %", short(figure * 100.0)),
        Unit::Rate | Unit::Count(_) | Unit::Text => scaled(figure, &[(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")]),
    }
}

fn scaled(figure: f64, units: &[(f64, &str)]) -> String {
    if figure == 0.0 {
        return "0".to_owned();
    }
    let (size, unit) = units.iter().find(|(size, _)| figure >= size * 0.999_999).unwrap_or(&units[units.len() - 1]);
    format!("{}{unit}", short(figure / size))
}

/// The percentile of which a part 1 / `figure` lies beyond, with a digit more than it has nines.
fn percentile_of(figure: f64) -> String {
    let beyond = 1.0 / figure.max(1.0);
    let decimals = (-beyond.log10()).floor().max(0.0) as usize;
    let text = format!("{:.decimals$}", (1.0 - beyond) * 100.0);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// Three digits, without noughts at the end.
fn short(figure: f64) -> String {
    let decimals = if figure >= 99.5 { 0 } else { 2 };
    let text = format!("{figure:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_an_axis_hold_all_figures() {
        for figures in [vec![3.0, 4.0], vec![7.0], vec![1.0, 1e9], vec![999.0, 1001.0], vec![0.0, 512.5, 80_000.0]] {
            let axis = Axis::logarithmic("x", figures.iter().copied(), Unit::Time).unwrap();
            let positive: Vec<f64> = figures.into_iter().filter(|figure| *figure > 0.0).collect();
            assert!(positive.iter().all(|&figure| axis.low <= figure * 1.000_01 && figure <= axis.high * 1.000_01));
            assert!((2..=9).contains(&axis.ticks().len()), "{:?}", axis.ticks());
            assert_eq!((axis.place(axis.low), axis.place(axis.high)), (0.0, 1.0));
        }
        assert!(Axis::logarithmic("x", [0.0].into_iter(), Unit::Time).is_none());
        let axis = Axis::linear("x", 0.0, 0.0, Unit::Share);
        assert!(axis.high > axis.low);
    }

    #[test]
    fn places_are_said_with_their_unit() {
        let axis = |reading| Axis::with_ticks("x", Kind::Linear, (0.0, 1.0), Vec::new()).read_as(reading);
        let percentiles = [1.0, 2.0, 10.0, 100.0, 1000.0, 100_000.0].map(|at| axis(Reading::Percentile).said(at));
        assert_eq!(percentiles, ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.999 %"]);
        assert_eq!([axis(Reading::Number).said(64.0), axis(Reading::Unit(Unit::Share)).said(0.25)], ["64", "25.0 %"]);
    }

    #[test]
    fn labels_are_short_and_have_units() {
        let labels = [label_of(1e6, Unit::Time), label_of(2e5, Unit::Time), label_of(0.0, Unit::Time)];
        assert_eq!(labels, ["1 ms", "200 µs", "0"]);
        assert_eq!([label_of(3.0 * 1_048_576.0, Unit::Size), label_of(0.25, Unit::Share)], ["3 MiB", "25 %"]);
        assert_eq!(label_of(20_000.0, Unit::Count("objects")), "20 k");
    }
}
