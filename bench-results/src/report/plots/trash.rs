//! Trash over time: objects dead and not reclaimed, in the first round that has samples.

use super::super::column::Block;
use super::super::quantity::Unit;
use super::super::svg::chart::{Chart, Series};
use super::super::svg::scale::Axis;
use super::{Plot, look};

/// So many places side by side: of the samples at one, the greatest stands, or lines that rise and fall would hide each other.
const PLACES: usize = 120;

pub(super) fn plot(block: &Block<'_>, caption: &str) -> Option<Plot> {
    let mut series = Vec::new();
    let mut round = None;
    for (nth, column) in block.columns.iter().enumerate() {
        let Some(line) = column.lines.iter().find(|line| !line.trash.is_empty()) else { continue };
        round = round.or(Some(line.record.round));
        // A logarithmic axis has no place for none at all: that is drawn as one.
        let points = crests(&line.trash).into_iter().map(|(ns, objects)| (ns, objects.max(1.0))).collect();
        series.push(Series::line(column.name(), look(column, nth), points));
    }
    let points = || series.iter().flat_map(|series| &series.points);
    let y = Axis::logarithmic("dead objects, not reclaimed", points().map(|point| point.1), Unit::Count("objects"))?;
    let last = points().map(|point| point.0).fold(0.0, f64::max);
    let title = format!("Trash over time: {}", block.title());
    let chart = Chart {
        title: title.clone(),
        x: Axis::linear("time since the timed part began", 0.0, last, Unit::Time),
        y,
        series,
        front: Vec::new(),
        notes: vec![format!(
            "Round {}. Each place shows the most in a {PLACES}th part of the time; none at all is drawn as 1.",
            round.unwrap_or(0)
        )],
        caption: caption.to_owned(),
    };
    Some(Plot { block: None, stem: format!("trash-{}", block.stem()), title, svg: chart.render() })
}

/// The greatest sample of each part of the time.
fn crests(samples: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let last = samples.iter().map(|sample| sample.0).fold(0.0, f64::max);
    let mut parts: Vec<Option<(f64, f64)>> = vec![None; PLACES];
    for sample in samples {
        let place = (sample.0 / last.max(1.0) * PLACES as f64) as usize;
        let part = &mut parts[place.min(PLACES - 1)];
        if part.is_none_or(|greatest| greatest.1 < sample.1) {
            *part = Some(*sample);
        }
    }
    parts.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_survive_thinning() {
        let samples: Vec<(f64, f64)> = (0..10_000).map(|n| (f64::from(n), f64::from(n % 700))).collect();
        let crests = crests(&samples);
        assert_eq!(crests.len(), PLACES);
        let most = |of: &[(f64, f64)]| of.iter().map(|sample| sample.1).fold(0.0, f64::max);
        assert_eq!((most(&crests), most(&samples)), (699.0, 699.0));
        assert_eq!(super::crests(&samples[..5]), samples[..5]);
    }
}
