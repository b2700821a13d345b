//! How a pause grows with the heap: the exponent of a power of the number of objects, by least squares on logarithms.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// An exponent: 1 is in proportion to the heap, 0 does not grow.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Exponent {
    pub(super) value: f64,
    /// Half the width of its 95 % interval, from the scatter around the line; `None` with fewer than three points.
    pub(super) margin: Option<f64>,
}

/// Of points (objects, nanoseconds), all positive; `None` if they have fewer than two sizes.
pub(super) fn exponent(points: &[(f64, f64)]) -> Option<Exponent> {
    let logs: Vec<(f64, f64)> =
        points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / n;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = logs.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    if logs.len() < 2 || spread < 1e-9 {
        return None;
    }
    let value = logs.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>() / spread;
    let residues: f64 = logs.iter().map(|(x, y)| (y - y_mean - value * (x - x_mean)).powi(2)).sum();
    let margin = (logs.len() > 2).then(|| {
        let freedom = n - 2.0;
        let t = StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975));
        t * (residues / freedom / spread).sqrt()
    });
    Some(Exponent { value, margin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_have_their_exponent() {
        let of = |power: f64| [1e5, 3e5, 1e6].map(|x: f64| (x, 7.0 * x.powf(power)));
        for power in [0.0, 0.5, 1.0, 1.3] {
            let exponent = exponent(&of(power)).unwrap();
            assert!((exponent.value - power).abs() < 1e-9 && exponent.margin.unwrap() < 1e-6);
        }
        assert_eq!(exponent(&[(1e5, 3.0), (1e5, 4.0)]), None);
        assert_eq!(exponent(&[(1e5, 3.0), (1e6, 30.0)]).unwrap().margin, None);
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // x 1, 2, 3, 4 and y 1, 3, 2, 4 on logarithms: slope 0.8, residual sum 1.8 in 2 degrees of freedom, spread 5.
        let points = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)].map(|(x, y): (f64, f64)| (x.exp(), y.exp()));
        let exponent = exponent(&points).unwrap();
        assert!((exponent.value - 0.8).abs() < 1e-9);
        assert!((exponent.margin.unwrap() - 4.302_652_73 * (0.9f64 / 5.0).sqrt()).abs() < 1e-6);
    }
}
