//! What a further worker costs: the slope of all memory over the number of workers, with an interval.

use super::record::{Record, Total};
use crate::statistics::bootstrap::{Estimate, NoEstimate, Plan, mean_of_rounds};

/// Bytes that a further worker adds, by least squares over the numbers of workers at which all memory was added up; `None`
/// with fewer than two of them.
pub(super) fn per_worker(totals: &[Total]) -> Option<f64> {
    // Without any worker nothing has been shared yet: the first one's stack and copied tables would bend the line.
    let points: Vec<(f64, f64)> = totals
        .iter()
        .filter(|total| total.workers > 0)
        .map(|total| (f64::from(total.workers), total.pss as f64))
        .collect();
    let n = points.len() as f64;
    let (x_mean, y_mean) =
        (points.iter().map(|(x, _)| x).sum::<f64>() / n, points.iter().map(|(_, y)| y).sum::<f64>() / n);
    let spread: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    (points.len() > 1 && spread > 0.0).then(|| together / spread)
}

/// The mean slope of several rounds, with its interval.
///
/// # Errors
/// If there are too few rounds for an interval.
pub(super) fn of_rounds(records: &[&Record]) -> Result<Estimate, NoEstimate> {
    let slopes: Vec<f64> = records.iter().filter_map(|record| per_worker(&record.totals)).collect();
    mean_of_rounds(&Plan::default(), &slopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope() {
        let total = |workers, pss| Total { workers, pss };
        let line = [total(0, 900), total(1, 1_300), total(2, 1_600), total(4, 2_200), total(8, 3_400)];
        assert!((per_worker(&line).unwrap() - 300.0).abs() < 1e-9);
        assert_eq!(per_worker(&line[..2]), None);
    }
}
