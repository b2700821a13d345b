//! Sweeps: what `name=a,b,c` stands for, and in which order the points of a grid are worth measuring.
//!
//! A *point* is one workload with one value of each dial, setting, thread count and load: what heaps are compared at. When
//! time is short, the ends of a sweep and its middle say most; so points are ordered by that.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cell::{Cell, Given};
use crate::provenance::sha256_hex;

/// How fast operations arrive, where they can.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// So many a second.
    Rate(f64),
    /// At this share of what the baseline can serve.
    Load(f64),
    /// Each when the last one has ended.
    Closed,
}

/// See the [module](self).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// The workload's name.
    pub workload: String,
    /// Its dials as given.
    pub given: Vec<Given>,
    /// Settings of every heap, as given.
    pub heap_settings: Vec<Given>,
    /// Mutators.
    pub threads: u32,
    /// How fast operations arrive.
    pub arrivals: Arrivals,
}

impl Point {
    /// Names it among those of a run: a hash of all that it says.
    pub fn id(&self) -> String {
        sha256_hex(json!(self).to_string().as_bytes())[..12].to_owned()
    }

    /// The same with no settings of heaps and no load: what is calibrated once for all of them, so that they do the same work
    /// at the same rates.
    pub fn calibrated(&self) -> Point {
        Point { heap_settings: Vec::new(), arrivals: Arrivals::Load(1.0), ..self.clone() }
    }

    /// Its cell on a heap, in a closed loop.
    ///
    /// # Errors
    /// An unknown name or an impossible value.
    pub fn closed_cell(&self, heap: &str, seed: u64) -> Result<Cell> {
        Cell::new(heap, &self.heap_settings, &self.workload, &self.given, seed)?.with_threads(self.threads)
    }

    /// The workload and what was given, as a title.
    pub fn title(&self) -> String {
        let mut title = self.workload.clone();
        for (name, value) in self.given.iter().chain(&self.heap_settings) {
            title.push_str(&format!(" {name}={}", shown(value)));
        }
        if self.threads != 1 {
            title.push_str(&format!(" threads={}", self.threads));
        }
        match self.arrivals {
            // As in most comparisons.
            Arrivals::Load(0.5) => {}
            Arrivals::Load(load) => title.push_str(&format!(" load={load}")),
            Arrivals::Rate(rate) => title.push_str(&format!(" rate={rate}")),
            Arrivals::Closed => title.push_str(" closed"),
        }
        title
    }
}

/// A value for people: of a path, the last name, as the folders above it are nobody's business.
pub fn shown(value: &str) -> &str {
    let path = std::path::Path::new(value);
    let name = path.file_name().and_then(|name| name.to_str());
    name.filter(|_| value.contains('/')).unwrap_or(value)
}

/// The values that one name stands for: those between commas; for thresholds, which have commas themselves, those between
/// slashes.
fn values<'v>(name: &str, value: &'v str) -> Vec<&'v str> {
    value.split(if name == "thresholds" { '/' } else { ',' }).map(str::trim).collect()
}

/// What a grid is made of.
#[derive(Clone, Debug)]
pub struct Grid<'g> {
    /// The workload.
    pub workload: &'g str,
    /// Its dials, each with the values it takes.
    pub dials: &'g [Given],
    /// Settings of heaps, likewise.
    pub heap_settings: &'g [Given],
    /// Thread counts.
    pub threads: &'g [u32],
    /// Loads or rates.
    pub arrivals: &'g [Arrivals],
}

impl Grid<'_> {
    /// Its points, those that say most first.
    ///
    /// # Errors
    /// If a value is missing between two commas.
    pub fn points(&self) -> Result<Vec<Point>> {
        let mut ranked = vec![(
            0,
            Point {
                workload: self.workload.to_owned(),
                given: Vec::new(),
                heap_settings: Vec::new(),
                threads: 1,
                arrivals: Arrivals::Load(0.5),
            },
        )];
        for (name, value) in self.dials {
            let values = checked(name, value)?;
            ranked = cross(&ranked, &values, |point, value| point.given.push((name.clone(), (*value).to_owned())));
        }
        for (name, value) in self.heap_settings {
            let values = checked(name, value)?;
            ranked =
                cross(&ranked, &values, |point, value| point.heap_settings.push((name.clone(), (*value).to_owned())));
        }
        ranked = cross(&ranked, self.threads, |point, threads| point.threads = *threads);
        ranked = cross(&ranked, self.arrivals, |point, arrivals| point.arrivals = *arrivals);
        // Stable: points of one rank stay in the order of the grid.
        ranked.sort_by_key(|(rank, _)| *rank);
        Ok(ranked.into_iter().map(|(_, point)| point).collect())
    }
}

fn checked<'v>(name: &str, value: &'v str) -> Result<Vec<&'v str>> {
    let values = values(name, value);
    if values.len() > 1 && values.iter().any(|value| value.is_empty()) {
        bail!("{name}={value} has no value between two separators; write {name}=a,b,c");
    }
    Ok(values)
}

/// Each point with each value; ranks add up.
fn cross<V>(points: &[(usize, Point)], values: &[V], set: impl Fn(&mut Point, &V)) -> Vec<(usize, Point)> {
    let ranks = ranks(values.len());
    let mut all = Vec::with_capacity(points.len() * values.len());
    for (rank, point) in points {
        for (value, own) in values.iter().zip(&ranks) {
            let mut point = point.clone();
            set(&mut point, value);
            all.push((rank + own, point));
        }
    }
    all
}

/// When each of `n` values in a row is worth measuring: the ends first, the middle next, then the middles of what is between.
fn ranks(n: usize) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; n];
    let mut next = 0;
    let mut give = |ranks: &mut Vec<usize>, at: usize| {
        if ranks[at] == usize::MAX {
            ranks[at] = next;
            next += 1;
        }
    };
    if n > 0 {
        give(&mut ranks, 0);
        give(&mut ranks, n - 1);
    }
    let mut gaps = std::collections::VecDeque::from([(0, n.saturating_sub(1))]);
    while let Some((low, high)) = gaps.pop_front() {
        if high - low > 1 {
            let middle = low + (high - low) / 2;
            give(&mut ranks, middle);
            gaps.extend([(low, middle), (middle, high)]);
        }
    }
    ranks
}

/// The first points of several lists in turn, `most` together: what a budget has room for.
pub fn first_of_each(lists: &[Vec<Point>], most: usize) -> (Vec<Point>, Vec<Point>) {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|n| lists.iter().filter_map(move |list| list.get(n)));
    let mut chosen: Vec<Point> = in_turn.cloned().collect();
    let left_out = chosen.split_off(most.min(chosen.len()));
    (chosen, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_middle_come_first() {
        assert_eq!(ranks(0), [0usize; 0]);
        assert_eq!(ranks(1), [0]);
        assert_eq!(ranks(2), [0, 1]);
        assert_eq!(ranks(5), [0, 3, 2, 4, 1]);
        let mut nine = ranks(9);
        assert_eq!((nine[0], nine[8], nine[4]), (0, 1, 2));
        nine.sort_unstable();
        assert_eq!(nine, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let dials = [("live".to_owned(), "1,2,3".to_owned()), ("nodes".to_owned(), "5".to_owned())];
        let settings = [("thresholds".to_owned(), "700,10,10/2000,10,10".to_owned())];
        let arrivals = [Arrivals::Load(0.2), Arrivals::Load(0.8)];
        let grid =
            Grid { workload: "w", dials: &dials, heap_settings: &settings, threads: &[1, 2], arrivals: &arrivals };
        let points = grid.points().unwrap();
        assert_eq!(points.len(), 24);
        let mut ids: Vec<String> = points.iter().map(Point::id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 24);
        assert_eq!(points[0].title(), "w live=1 nodes=5 thresholds=700,10,10 load=0.2");
        let first: Vec<&str> = points.iter().map(|point| point.given[0].1.as_str()).take(2).collect();
        assert!(first.contains(&"1"));
        assert!(Grid { dials: &[("live".to_owned(), "1,,3".to_owned())], ..grid }.points().is_err());
    }

    #[test]
    fn a_path_is_shown_by_its_last_name() {
        for (value, name) in
            [("/a/somebody/x.gz", "x.gz"), ("../x.gz", "x.gz"), ("x.gz", "x.gz"), ("700,10,10", "700,10,10")]
        {
            assert_eq!(shown(value), name);
        }
        let dials = [("heap".to_owned(), "/a/somebody/x.gz".to_owned())];
        let grid =
            Grid { workload: "w", dials: &dials, heap_settings: &[], threads: &[1], arrivals: &[Arrivals::Load(0.5)] };
        assert_eq!(grid.points().unwrap()[0].title(), "w heap=x.gz");
    }

    #[test]
    fn a_budget_takes_the_first_points_of_each_workload() {
        let point = |workload: &str, live: &str| Point {
            workload: workload.to_owned(),
            given: vec![("live".to_owned(), live.to_owned())],
            heap_settings: Vec::new(),
            threads: 1,
            arrivals: Arrivals::Load(0.5),
        };
        let lists = [vec![point("a", "1"), point("a", "9"), point("a", "5")], vec![point("b", "1")]];
        let (chosen, left_out) = first_of_each(&lists, 3);
        let titles: Vec<String> = chosen.iter().map(Point::title).collect();
        assert_eq!(titles, ["a live=1", "b live=1", "a live=9"]);
        assert_eq!(left_out.len(), 1);
    }
}
