//! Draws of rounds with replacement, and from what they give an interval.
//!
//! A resample is told as the number of times that each round was drawn. Both ways to an interval work on any figure
//! that can be had of rounds so weighted.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::Plan;

/// A figure of weighted rounds. `None` where it does not exist, as a percentile of nothing.
pub(super) trait Figure: Fn(&[u32]) -> Option<f64> {}
impl<F: Fn(&[u32]) -> Option<f64>> Figure for F {}

/// The weights of each resample of `rounds` rounds, in turn.
fn for_each_resample(plan: &Plan, rounds: usize, mut visit: impl FnMut(&mut [u32])) {
    let mut random = Pcg64::seed_from_u64(plan.seed);
    let mut weights = vec![0; rounds];
    for _ in 0..plan.resamples {
        weights.fill(0);
        (0..rounds).for_each(|_| weights[random.random_range(0..rounds)] += 1);
        visit(&mut weights);
    }
}

/// *Expanded percentile* interval (Hesterberg 2015): the percentiles of the resampled figure, but further out than the
/// level says, by as much as Student's interval is wider than one from a normal distribution whose variance divides by
/// n instead of n − 1.
pub(super) fn expanded_percentile(plan: &Plan, rounds: usize, figure: impl Figure) -> Option<(f64, f64)> {
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

/// *Studentized* interval (bootstrap-t; Efron 1981): resampled is how many of its own standard errors the figure lies off
/// the true one. The standard error is the jackknife's, each round left out once.
pub(super) fn studentized(plan: &Plan, rounds: usize, figure: impl Figure) -> Option<(f64, f64)> {
    let mut all = vec![1; rounds];
    let point = figure(&all)?;
    let error = jackknife_error(&mut all, &figure)?;
    if error == 0.0 {
        return Some((point, point));
    }
    let mut off = Vec::with_capacity(plan.resamples as usize);
    let mut without_spread = 0_u32;
    for_each_resample(plan, rounds, |weights| {
        let Some(resampled) = figure(weights) else { return };
        match jackknife_error(weights, &figure) {
            Some(error) if error > 0.0 => off.push((resampled - point) / error),
            _ => without_spread += 1,
        }
    });
    let tail = (1.0 - plan.level) / 2.0;
    if f64::from(without_spread) > tail * f64::from(plan.resamples) {
        // Most rounds are equal to the digit: resamples of them alone have no error to divide by. Student's interval.
        let student = StudentsT::new(0.0, 1.0, rounds as f64 - 1.0).ok()?.inverse_cdf(1.0 - tail);
        return Some((point - student * error, point + student * error));
    }
    off.sort_unstable_by(f64::total_cmp);
    Some((point - quantile(&off, 1.0 - tail) * error, point - quantile(&off, tail) * error))
}

/// The jackknife's standard error of a figure of weighted rounds.
fn jackknife_error(weights: &mut [u32], figure: &impl Figure) -> Option<f64> {
    let n: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let (mut sum, mut squares) = (0.0, 0.0);
    // Shifted by the figure of all, so that the difference of large squares loses no digits.
    let origin = figure(weights)?;
    for round in 0..weights.len() {
        let weight = f64::from(weights[round]);
        if weights[round] > 0 {
            weights[round] -= 1;
            let without = figure(weights);
            weights[round] += 1;
            let off = without? - origin;
            sum += weight * off;
            squares += weight * off * off;
        }
    }
    Some(((n - 1.0) / n * (squares - sum * sum / n).max(0.0)).sqrt())
}

/// The quantile of sorted figures, interpolated between neighbours (type 7 of Hyndman and Fan, as in R and NumPy).
pub(super) fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let place = quantile.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
