//! What intervals say: of the heaps of a point, of the settings of a sweep. Typed; every figure is the judgement's.

use super::grid::{Grid, Word};
use crate::statistics::axis::Axis;
use crate::statistics::bootstrap::{Estimate, NoEstimate};
use crate::statistics::comparison::{Comparison, Difference, Row, Standing};
use crate::statistics::verdict::digits;

/// How a ratio begins that rounds or noise do not tell from 1; as on the screen.
const NOT_APART: &str = "~ ";

/// How one begins that the interval alone tells from 1, because the noise floor is not known.
const NOISE_UNKNOWN: &str = "? ";

/// An interval whose ends lie so many times apart is not written out: it says nothing.
const TOO_WIDE: f64 = 100.0;

/// What is not known.
const UNKNOWN: &str = "n/a";

/// Several columns on some axes, each over the first or another one of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Ratios {
    /// The column that ratios are over.
    pub reference: String,
    /// The columns: heaps, or settings.
    pub columns: Vec<String>,
    /// Each axis with its columns, in the same order.
    pub axes: Vec<Comparison>,
}

/// A column's name on an axis in CSV and JSON: that of the quantity, where tables have one.
pub fn key(axis: Axis) -> String {
    axis.name().to_lowercase().replace(' ', "-")
}

/// A standing's name in CSV and JSON.
pub fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Less => "less",
        Standing::More => "more",
        Standing::NotSeparated => "not-separated",
        Standing::WithinNoise => "within-noise",
        Standing::Unknown => "unknown",
    }
}

impl Ratios {
    /// Of comparisons of the same columns.
    pub fn new(axes: &[Comparison], columns: &[String]) -> Self {
        let reference = axes.first().map_or_else(String::new, |axis| axis.reference.clone());
        Self { reference, columns: columns.to_vec(), axes: axes.to_vec() }
    }

    /// As a table: two rows an axis, the values and their ratios, each with its interval; last what the noise floor comes from.
    pub fn grid(&self, title: String) -> Grid {
        let again = self.axes.iter().find_map(|axis| axis.noise.as_ref()).map(|noise| noise.heap.clone());
        let mut columns = self.columns.clone();
        columns.extend(again.as_ref().map(|heap| format!("{heap}, again")));
        let mut rows = Vec::new();
        for axis in &self.axes {
            let of = |name: &String| axis.rows.iter().find(|row| row.heap == *name);
            let mut values: Vec<Word> =
                self.columns.iter().map(|name| Word::plain(value(axis.axis, of(name)))).collect();
            let mut ratios: Vec<Word> = self
                .columns
                .iter()
                .map(|name| match of(name).and_then(|row| row.ratio) {
                    _ if *name == self.reference => Word::plain("1"),
                    Some(difference) => ratio(&difference, has_floor(axis)),
                    None => Word::plain(UNKNOWN),
                })
                .collect();
            if again.is_some() {
                let floor = axis.noise.as_ref().and_then(|noise| noise.ratio.ok());
                values.push(Word::plain(""));
                ratios.push(Word::plain(floor.map_or_else(|| UNKNOWN.to_owned(), |ratio| in_one_line(&ratio))));
            }
            rows.push((axis.axis.name(), values));
            rows.push((format!("× {}", self.reference), ratios));
        }
        Grid { title, corner: "with 95 % intervals".to_owned(), columns, rows, notes: self.notes() }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut missing: Vec<(String, Vec<String>)> = Vec::new();
        let mut add = |what: String, why: &NoEstimate| {
            let why = why.to_string();
            match missing.iter_mut().find(|(known, _)| *known == why) {
                Some((_, all)) => all.push(what),
                None => missing.push((why, vec![what])),
            }
        };
        let mut any = false;
        for axis in &self.axes {
            for row in &axis.rows {
                match row.ratio.map(|difference| difference.ratio) {
                    Some(Err(why)) => add(format!("{} on {}", row.heap, axis.axis.name()), &why),
                    Some(Ok(_)) => any = true,
                    None => {}
                }
            }
        }
        if !any {
            let why: Vec<String> = missing.into_iter().map(|(why, _)| why).collect();
            let why = if why.is_empty() { "there is nothing to compare with".to_owned() } else { why.join("; ") };
            return vec![format!("No ratios: {why}.")];
        }
        notes.extend(missing.into_iter().map(|(why, all)| format!("No ratio of {}: {why}.", all.join(", "))));
        if self.axes.iter().flat_map(|axis| &axis.rows).any(|row| row.value.is_ok_and(|value| is_too_wide(&value))) {
            notes.push(format!(
                "Too wide: the rounds are so unlike that the interval's ends lie {TOO_WIDE} times apart."
            ));
        }
        notes.push(
            "Ratios are paired by round. Bold: the interval leaves out 1, and the ratio lies outside the noise floor. \
             ~ not told apart. ? told apart by the interval alone, as the noise floor is not known."
                .to_owned(),
        );
        let floor = |axis: &Comparison| {
            let noise = axis.noise.as_ref()?;
            Some((axis.axis.name(), noise.factor().map(|factor| format!("{:.1} %", (factor - 1.0) * 100.0))))
        };
        let floors: Vec<(String, Option<String>)> = self.axes.iter().filter_map(floor).collect();
        notes.push(if floors.is_empty() {
            "No heap ran twice a round: the noise floor is not known.".to_owned()
        } else {
            let floors = floors.iter().map(|(axis, floor)| format!("{axis} {}", floor.as_deref().unwrap_or(UNKNOWN)));
            format!("Noise floor, by how much one heap differs from itself: {}.", floors.collect::<Vec<_>>().join(", "))
        });
        notes
    }
}

fn value(axis: Axis, row: Option<&Row>) -> String {
    let Some(row) = row else { return UNKNOWN.to_owned() };
    match (&row.value, row.point) {
        (Ok(value), _) if is_too_wide(value) => format!("{} (too wide)", axis.show(value.point)),
        (Ok(value), _) => {
            format!("{} ({}–{})", axis.show(value.point), axis.show(value.low), axis.show(value.high))
        }
        (Err(_), Some(point)) => axis.show(point),
        (Err(_), None) => UNKNOWN.to_owned(),
    }
}

fn is_too_wide(value: &Estimate) -> bool {
    !value.high.is_finite() || value.high > TOO_WIDE * value.low
}

/// Whether it is known by how much a heap differs from itself on an axis.
fn has_floor(axis: &Comparison) -> bool {
    axis.noise.as_ref().is_some_and(|noise| noise.factor().is_some())
}

fn ratio(difference: &Difference, has_floor: bool) -> Word {
    let Ok(ratio) = difference.ratio else { return Word::plain(UNKNOWN) };
    let (mark, bold) = match difference.standing {
        Standing::Less | Standing::More if has_floor => ("", true),
        Standing::Less | Standing::More => (NOISE_UNKNOWN, false),
        Standing::NotSeparated | Standing::WithinNoise | Standing::Unknown => (NOT_APART, false),
    };
    Word { text: format!("{mark}{}", in_one_line(&ratio)), bold }
}

/// A ratio with its interval, with the digits of a verdict: `0.61 (0.58–0.65)`.
pub(super) fn in_one_line(ratio: &Estimate) -> String {
    format!("{} ({}–{})", digits(ratio.point), digits(ratio.low), digits(ratio.high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::bootstrap::Plan;
    use crate::statistics::comparison::{Measured, Rounds};

    fn values(heap: &str, scale: f64, rounds: usize) -> Measured {
        let values = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0].map(|value| value * scale);
        let rounds = Rounds::Values((0..).zip(values.into_iter().take(rounds)).collect());
        Measured { heap: heap.to_owned(), rounds, failed: Vec::new() }
    }

    fn grid(rounds: usize, again: Option<&Measured>) -> Grid {
        let heaps = [values("a", 1.0, rounds), values("same", 1.000_01, rounds), values("twice", 2.0, rounds)];
        let axis = Comparison::new(&Plan::default(), Axis::Cpu, &heaps, "a", again);
        Ratios::new(&[axis], &["a", "same", "twice"].map(str::to_owned)).grid("a title".to_owned())
    }

    #[test]
    fn bold_is_what_interval_and_noise_separate_and_nothing_else() {
        let mut again = values("a", 1.01, 6);
        let grid = grid(6, Some(&again));
        let [values, ratios] = grid.rows.as_slice() else { panic!("{:?}", grid.rows) };
        assert!(values.1.iter().all(|word| !word.bold));
        assert!(values.1[0].text.starts_with("101 ns ("), "{:?}", values.1);
        let bold: Vec<bool> = ratios.1.iter().map(|word| word.bold).collect();
        assert_eq!(bold, [false, false, true, false]);
        assert_eq!((ratios.1[0].text.as_str(), ratios.1[2].text.as_str()), ("1", "2.00 (2.00–2.00)"));
        assert!(ratios.1[1].text.starts_with("~ 1.00 ("), "{:?}", ratios.1);
        assert_eq!(grid.columns, ["a", "same", "twice", "a, again"]);
        assert!(grid.notes.iter().any(|note| note.ends_with("CPU per operation 1.0 %.")), "{:?}", grid.notes);
        // Without a noise floor, no figure is bold.
        let ratios = self::grid(6, None).rows.remove(1).1;
        assert_eq!((ratios[2].text.as_str(), ratios[2].bold), ("? 2.00 (2.00–2.00)", false));
        // A heap that differs from itself threefold tells nothing apart.
        let Rounds::Values(rounds) = &mut again.rounds else { unreachable!() };
        rounds.values_mut().for_each(|value| *value *= 3.0);
        let grid = self::grid(6, Some(&again));
        assert!(grid.rows[1].1.iter().all(|word| !word.bold));
    }

    #[test]
    fn without_intervals_the_reason_is_said_once() {
        let grid = grid(3, None);
        assert_eq!(grid.rows[1].1.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["1", "n/a", "n/a"]);
        assert_eq!(grid.notes, ["No ratios: 3 rounds have it, and an interval needs 5: run more rounds."]);
    }

    #[test]
    fn keys_are_those_of_the_quantities() {
        use super::super::quantity::quantity;
        let known = [Axis::Response(0.999), Axis::Response(0.5), Axis::Service(0.99), Axis::Memory];
        for axis in known {
            assert!(quantity(&key(axis)).is_some(), "{}", key(axis));
        }
        assert_eq!(key(Axis::Cpu), "cpu-per-operation");
        assert!(quantity("cpu-per-operation").is_some());
    }
}
