//! What a setting changes against the default, from pairs of runs, and how sure that is.

use super::figures::Figures;
use super::rules::short;
use crate::experiment::trial;

/// How many parts of the default a figure must change by to count as less or more.
const LEAST: f64 = 0.02;

/// From so many ratios on, as many as are said here are left out at each end: what is left encloses the median with 96 % or more.
const ENDS: [(usize, usize); 2] = [(12, 2), (9, 1)];

/// A figure of the default and of another setting, run in turn: medians of both, and the ratios of runs that stand beside each
/// other, which a machine that grows slower or faster meanwhile changes least.
pub(super) struct Change {
    pub(super) before: f64,
    pub(super) after: f64,
    /// Other by default: the median; it lies between these bounds.
    ratio: f64,
    bounds: Option<(f64, f64)>,
}

/// What a change is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    Less,
    More,
    /// Neither by 2 %.
    AsMuch,
}

impl Change {
    /// Of the figures `default_…`, `other_…` and `…_ratios`. Records of older runs have the spread of the default in place of ratios;
    /// figures of a single run have neither, and are taken as they are.
    pub(super) fn of(figures: &Figures, figure: &str) -> Option<Self> {
        let number = |who: &str| figures.number(&format!("{who}_{figure}"));
        let (before, after) = (number("default")?, number("other")?);
        if let Some(ratios) = figures.numbers(&format!("{figure}_ratios")).filter(|ratios| !ratios.is_empty()) {
            let bounds = bounds(&ratios);
            return Some(Self { before, after, ratio: trial::median(ratios)?, bounds });
        }
        let ratio = if before == after { 1.0 } else { after / before };
        let spread = figures.number(&format!("default_{figure}_spread")).filter(|_| before > 0.0 && before != after);
        let bounds = spread.map(|spread| ((after - spread) / before, (after + spread) / before));
        Some(Self { before, after, ratio, bounds })
    }

    fn bounds(&self) -> (f64, f64) {
        self.bounds.unwrap_or((self.ratio, self.ratio))
    }

    /// At least 2 % less; `None` if noise hides that.
    pub(super) fn is_less(&self) -> Option<bool> {
        let (low, high) = self.bounds();
        match self.ratio <= 1.0 - LEAST && high < 1.0 {
            true => Some(true),
            false => (low > 1.0 - LEAST).then_some(false),
        }
    }

    /// At least 2 % more; `None` if noise hides that.
    pub(super) fn is_more(&self) -> Option<bool> {
        let (low, high) = self.bounds();
        match self.ratio >= 1.0 + LEAST && low > 1.0 {
            true => Some(true),
            false => (high < 1.0 + LEAST).then_some(false),
        }
    }

    /// Less, more or as much; `None` if noise hides which.
    pub(super) fn direction(&self) -> Option<Direction> {
        match (self.is_less(), self.is_more()) {
            (Some(true), _) => Some(Direction::Less),
            (_, Some(true)) => Some(Direction::More),
            (Some(false), Some(false)) => Some(Direction::AsMuch),
            _ => None,
        }
    }

    /// At most so many times the default; `None` if noise hides that.
    pub(super) fn is_at_most(&self, times: f64) -> Option<bool> {
        let (low, high) = self.bounds();
        match (high <= times, low > times) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// Between which bounds the change lies: `-9 to +4 %`.
    pub(super) fn noise(&self) -> String {
        let (low, high) = self.bounds();
        format!("{:+.0} to {:+.0} %", percent(low), percent(high))
    }

    /// `106 against 119 ms, -11 % (-12 to -9)`.
    pub(super) fn text(&self, unit: &str) -> String {
        let change = match self.bounds {
            _ if self.before == self.after && self.ratio == 1.0 => String::new(),
            Some((low, high)) => {
                format!(", {:+.0} % ({:+.0} to {:+.0})", percent(self.ratio), percent(low), percent(high))
            }
            None => format!(", {:+.0} %", percent(self.ratio)),
        };
        format!("{} against {} {unit}{change}", short(self.after), short(self.before))
    }
}

/// A ratio as a change in parts of a hundred; never a negative zero.
fn percent(ratio: f64) -> f64 {
    (100.0 * (ratio - 1.0)).round() + 0.0
}

/// Between which of the ratios their median lies; `None` of fewer than three, which say nothing of noise.
fn bounds(ratios: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ends = ENDS.iter().find(|(least, _)| sorted.len() >= *least).map_or(0, |(_, ends)| *ends);
    let inner = sorted.get(ends..sorted.len() - ends).filter(|_| sorted.len() >= 3)?;
    Some((*inner.first()?, *inner.last()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ratios: &[f64]) -> Change {
        let figures =
            Figures::new().with("default_x", 100).with("other_x", 100.0 * trial::median(ratios.to_vec()).unwrap());
        Change::of(&figures.with("x_ratios", ratios.to_vec()), "x").unwrap()
    }

    #[test]
    fn a_change_is_known_once_noise_is_smaller() {
        assert_eq!(of(&[0.9, 0.91, 0.92]).direction(), Some(Direction::Less));
        assert_eq!(of(&[1.1, 1.11, 1.12]).direction(), Some(Direction::More));
        assert_eq!(of(&[0.99, 1.0, 1.01]).direction(), Some(Direction::AsMuch));
        assert_eq!(of(&[0.99, 1.0, 1.03]).direction(), None, "as much, or more");
        let hidden = of(&[0.91, 0.97, 1.04]);
        assert_eq!((hidden.is_less(), hidden.is_more(), hidden.direction()), (None, None, None));
        assert_eq!(hidden.noise(), "-9 to +4 %");
        assert_eq!(of(&[0.95, 0.985, 0.99]).is_less(), None, "less, but by 2 %?");
        assert_eq!((of(&[1.1, 2.0, 2.1]).is_at_most(2.0), of(&[2.1, 2.2, 2.3]).is_at_most(2.0)), (None, Some(false)));
    }

    #[test]
    fn a_few_runs_that_the_machine_disturbed_hide_nothing() {
        let mut ratios = vec![0.9, 0.91, 0.9, 0.92, 0.91, 0.9, 0.92, 0.9];
        ratios.extend([1.7, 0.4, 1.6, 0.5]);
        assert_eq!(of(&ratios).direction(), Some(Direction::Less));
        assert_eq!(of(&ratios[..10]).direction(), Some(Direction::Less), "one at each end");
        assert_eq!(of(&ratios[6..]).direction(), None, "six are too few to leave any out");
    }

    #[test]
    fn figures_of_older_and_of_single_runs_are_understood() {
        let single = Figures::new().with("default_x", 119.4).with("other_x", 106.1);
        let text = |figures: &Figures| Change::of(figures, "x").unwrap().text("ms");
        assert_eq!(text(&single), "106 against 119 ms, -11 %");
        assert_eq!(Change::of(&single, "x").unwrap().direction(), Some(Direction::Less));
        let older = single.with("default_x_spread", 20);
        assert_eq!(Change::of(&older, "x").unwrap().direction(), None);
        assert_eq!(text(&older), "106 against 119 ms, -11 % (-28 to +6)");
        let same = Figures::new().with("default_x", 6.29).with("other_x", 6.29).with("default_x_spread", 0);
        assert_eq!(
            (text(&same).as_str(), Change::of(&same, "x").unwrap().is_less()),
            ("6.29 against 6.29 ms", Some(false))
        );
    }
}
