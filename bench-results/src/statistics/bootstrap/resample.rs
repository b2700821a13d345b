//! Draws of rounds with replacement, and from what they give an interval.
//!
//! A resample is told as the number of times that each round was drawn: the figure is had of rounds so weighted.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::Plan;

/// The weights of each resample of `rounds` rounds, in turn.
fn for_each_resample(plan: &Plan, rounds: usize, mut visit: impl FnMut(&[u32])) {
    let mut random = Pcg64::seed_from_u64(plan.seed);
    let mut weights = vec![0; rounds];
    for _ in 0..plan.resamples {
        weights.fill(0);
        (0..rounds).for_each(|_| weights[random.random_range(0..rounds)] += 1);
        visit(&weights);
    }
}

/// *Expanded percentile* interval (Hesterberg 2015): the percentiles of the resampled figure, but further out than the
/// level says, by as much as Student's interval is wider than one from a normal distribution whose variance divides by
/// n instead of n − 1. A figure is `None` where it does not exist, as a percentile of nothing.
pub(super) fn expanded_percentile(
    plan: &Plan,
    rounds: usize,
    figure: impl Fn(&[u32]) -> Option<f64>,
) -> Option<(f64, f64)> {
    let n = rounds as f64;
    let tail = (1.0 - plan.level) / 2.0;
    let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(tail);
    let expanded = Normal::standard().cdf((n / (n - 1.0)).sqrt() * student);
    let mut figures = Vec::with_capacity(plan.resamples as usize);
    for_each_resample(plan, rounds, |weights| figures.extend(figure(weights)));
    if figures.is_empty() {
        return None;
    }
    figures.sort_unstable_by(f64::total_cmp);
    Some((quantile(&figures, expanded), quantile(&figures, 1.0 - expanded)))
}

/// A figure of weighted rounds with its standard error.
#[derive(Clone, Copy, Debug)]
pub(super) struct WithError {
    pub(super) value: f64,
    pub(super) error: f64,
}

/// *Studentized* interval (bootstrap-t; Efron 1981): what is resampled is how many of its own standard errors a figure
/// lies off the true one.
pub(super) fn studentized(
    plan: &Plan,
    rounds: usize,
    figure: impl Fn(&[u32]) -> Option<WithError>,
) -> Option<(f64, f64)> {
    let all = figure(&vec![1; rounds])?;
    if all.error == 0.0 {
        return Some((all.value, all.value));
    }
    let mut off = Vec::with_capacity(plan.resamples as usize);
    for_each_resample(plan, rounds, |weights| {
        let Some(drawn) = figure(weights) else { return };
        let away = drawn.value - all.value;
        // Equal values have a mean that is rounded, and so an error that is not quite 0.
        off.push(match drawn.error > all.error * 1e-9 {
            true => away / drawn.error,
            false if away == 0.0 => 0.0,
            false => away.signum() * f64::INFINITY,
        });
    });
    off.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - plan.level) / 2.0;
    let (mut low, mut high) = (quantile(&off, tail), quantile(&off, 1.0 - tail));
    if !low.is_finite() || !high.is_finite() {
        // Most rounds are equal to the digit: too many resamples are of equal rounds alone. Student's interval instead.
        high = StudentsT::new(0.0, 1.0, rounds as f64 - 1.0).ok()?.inverse_cdf(1.0 - tail);
        low = -high;
    }
    Some((all.value - high * all.error, all.value - low * all.error))
}

/// The quantile of sorted figures, interpolated between neighbours (type 7 of Hyndman and Fan, as in R and NumPy).
pub(super) fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let place = quantile.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
