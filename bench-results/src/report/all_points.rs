//! One ratio over all points of a machine, with what is not in it.

use super::grid::{Grid, Word};
use super::ratios::in_one_line;
use crate::comparison::Comparison;
use crate::judgement::{Judgement, mixed_latency, over_all_points, reference};
use crate::statistics::geometric::GeometricMean;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct AllPoints {
    /// The machine's number, where there are several.
    pub number: Option<usize>,
    /// How many points there are.
    pub points: usize,
    /// The heap that ratios are over.
    pub reference: String,
    /// The other heaps, with their means.
    pub heaps: Vec<(String, [GeometricMean; 3])>,
    /// What its latency mixes, if it does.
    pub mixed: Option<String>,
}

/// What the means are of.
pub const AXES: [&str; 3] = ["latency", "CPU per operation", "peak RSS"];

impl AllPoints {
    /// Of the points of one machine; `None` where there are fewer than two, or no ratio.
    pub fn of(comparison: &Comparison, judgements: &[Judgement], number: Option<usize>) -> Option<Self> {
        let heaps = over_all_points(comparison, judgements);
        let any = heaps.iter().any(|(_, axes)| axes.iter().any(|mean| mean.ratio.is_some()));
        let all = Self {
            number,
            points: judgements.len(),
            reference: reference(comparison).to_owned(),
            heaps,
            mixed: mixed_latency(judgements),
        };
        (judgements.len() > 1 && any).then_some(all)
    }

    /// As a table.
    pub fn grid(&self) -> Grid {
        let mean = |axes: &[GeometricMean; 3], place: usize| {
            Word::plain(axes[place].ratio.as_ref().map_or_else(|| "n/a".to_owned(), in_one_line))
        };
        let row = |(place, name): (usize, &&str)| {
            ((*name).to_owned(), self.heaps.iter().map(|(_, axes)| mean(axes, place)).collect())
        };
        let mut notes = vec![format!(
            "Geometric means over {} points of the ratios to {}. Their intervals hold for these points and no others.",
            self.points, self.reference
        )];
        notes.extend(self.mixed.clone());
        for (place, name) in AXES.iter().enumerate() {
            let mut excluded: Vec<(String, Vec<&str>)> = Vec::new();
            for (heap, axes) in &self.heaps {
                for (point, why) in &axes[place].excluded {
                    let what = format!("{point} ({why})");
                    match excluded.iter_mut().find(|(known, _)| *known == what) {
                        Some((_, heaps)) => heaps.push(heap),
                        None => excluded.push((what, vec![heap])),
                    }
                }
            }
            notes.extend(
                excluded.into_iter().map(|(what, heaps)| format!("Not in the {name} of {}: {what}.", heaps.join(", "))),
            );
        }
        let machine = self.number.map_or_else(String::new, |number| format!(", machine {number}"));
        Grid {
            title: format!("All points together{machine}"),
            corner: format!("× {}", self.reference),
            columns: self.heaps.iter().map(|(heap, _)| heap.clone()).collect(),
            rows: AXES.iter().enumerate().map(row).collect(),
            notes,
        }
    }
}
