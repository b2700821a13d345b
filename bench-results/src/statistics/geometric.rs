//! One ratio over all workloads: the geometric mean, with what is not in it.

use super::bootstrap::Estimate;

/// The geometric mean of one heap's ratios on several workloads.
#[derive(Clone, PartialEq, Debug)]
pub struct GeometricMean {
    /// The mean, as an estimate of the workloads' ratios; `None` if there is none. Its interval says how far rerunning the
    /// *same* workloads would move it, and nothing of other workloads. Its rounds are the fewest of any workload.
    pub ratio: Option<Estimate>,
    /// Workloads that are in it.
    pub workloads: Vec<String>,
    /// Workloads that are not, and why.
    pub excluded: Vec<(String, String)>,
}

/// The geometric mean of ratios by workload; a workload without one says why. A ratio of 0 or one that is not a number
/// is left out too.
///
/// The interval takes the distance of each workload's interval ends from its ratio, on the logarithm, and adds their squares
/// (recovered variances: Zou and Donner, Stat. Med. 2008). Workloads run in processes of their own, so they are independent.
pub fn geometric_mean(ratios: impl IntoIterator<Item = (String, Result<Estimate, String>)>) -> GeometricMean {
    let mut mean = GeometricMean { ratio: None, workloads: Vec::new(), excluded: Vec::new() };
    let mut taken: Vec<Estimate> = Vec::new();
    for (workload, ratio) in ratios {
        match ratio {
            Ok(ratio) if [ratio.point, ratio.low, ratio.high].iter().all(|end| end.is_finite() && *end > 0.0) => {
                taken.push(ratio);
                mean.workloads.push(workload);
            }
            Ok(ratio) => mean.excluded.push((workload, format!("its ratio, {}, has no logarithm", ratio.point))),
            Err(why) => mean.excluded.push((workload, why)),
        }
    }
    let Some(rounds) = taken.iter().map(|ratio| ratio.rounds).min() else { return mean };
    let n = taken.len() as f64;
    let point = taken.iter().map(|ratio| ratio.point.ln()).sum::<f64>() / n;
    let away = |end: fn(&Estimate) -> f64| {
        taken.iter().map(|ratio| (end(ratio).ln() - ratio.point.ln()).powi(2)).sum::<f64>().sqrt() / n
    };
    let (low, high) = (point - away(|ratio| ratio.low), point + away(|ratio| ratio.high));
    mean.ratio = Some(Estimate { point: point.exp(), low: low.exp(), high: high.exp(), rounds });
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(point: f64, low: f64, high: f64, rounds: usize) -> Result<Estimate, String> {
        Ok(Estimate { point, low, high, rounds })
    }

    #[test]
    fn twice_and_half_are_even_and_the_excluded_are_named() {
        let mean = geometric_mean([
            ("lru".to_owned(), ratio(2.0, 1.0, 8.0, 10)),
            ("cascade".to_owned(), Err("timeout".to_owned())),
            ("gcbench".to_owned(), ratio(0.5, 0.5, 0.5, 7)),
            ("churn".to_owned(), ratio(0.0, 0.0, 1.0, 7)),
        ]);
        let found = mean.ratio.unwrap();
        // By hand: half the distance of the one workload that moves, so √½ below and √4 above.
        for (is, should) in [(found.point, 1.0), (found.low, 0.5_f64.sqrt()), (found.high, 2.0)] {
            assert!((is - should).abs() < 1e-12, "{found:?}");
        }
        assert_eq!((found.rounds, mean.workloads), (7, vec!["lru".to_owned(), "gcbench".to_owned()]));
        assert_eq!(mean.excluded.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cascade", "churn"]);
    }

    #[test]
    fn of_nothing_there_is_none() {
        assert_eq!(geometric_mean([("lru".to_owned(), Err("timeout".to_owned()))]).ratio, None);
    }
}
