//! `.hgrm`: the text form of a percentile distribution, as HdrHistogram's own tools write and plot it.
//!
//! Source: `AbstractHistogram.outputPercentileDistribution` of HdrHistogram (Java). The unit and the origin stand
//! below, in lines that begin with `#`, as readers expect the heading in the first line.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

/// Lines for each halving of the distance to 100 %: the customary number.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// What the figures of a histogram are, by its tag.
pub fn unit(tag: &str) -> &'static str {
    if tag.ends_with("-objects") || tag.ends_with("-allocations") { "in objects" } else { "times in nanoseconds" }
}

/// The text for a histogram, with remarks below it.
pub fn render(histogram: &Histogram<u64>, remarks: &[String]) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
        let _ = write!(text, "{value:12.3} {quantile:2.12} {total:10}");
        if quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - quantile));
        }
        text.push('\n');
    }
    let (max, count) = (histogram.max() as f64, histogram.len());
    let _ = writeln!(text, "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]", histogram.mean(), histogram.stdev());
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    let _ = writeln!(
        text,
        "#[Buckets = {:12}, SubBuckets     = {:12}]",
        histogram.buckets(),
        2 * 10u64.pow(u32::from(histogram.sigfig())).next_power_of_two()
    );
    for remark in remarks {
        let _ = writeln!(text, "# {}", remark.replace(['\n', '\r'], " "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_shape_that_readers_expect_and_end_at_the_maximum() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        (1..=100_000).for_each(|ns| histogram.record(ns).unwrap());
        let text = render(&histogram, &["one\nremark".to_owned()]);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("       Value     Percentile TotalCount 1/(1-Percentile)"));
        assert_eq!(lines.next(), Some(""));
        let rows: Vec<Vec<f64>> = lines
            .clone()
            .take_while(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|field| field.parse().unwrap()).collect())
            .collect();
        let (last, others) = rows.split_last().unwrap();
        assert_eq!((last.len(), last[1], last[2]), (3, 1.0, 100_000.0));
        assert!(others.iter().all(|row| row.len() == 4));
        let median = others.iter().find(|row| row[1] >= 0.5).unwrap();
        assert!((median[0] - 50_000.0).abs() < 100.0 && (median[2] - 50_000.0).abs() < 100.0, "{median:?}");
        assert_eq!(lines.filter(|line| line.starts_with('#')).count(), 4);
        assert!(text.contains("Total count    =       100000]"));
    }
}
