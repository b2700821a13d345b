//! Sweeps: the blocks of a run that differ in one dial and in nothing else.

use std::collections::BTreeMap;

use super::column::Block;
use crate::comparison::Arrivals;
use crate::sweep::{Point, shown};

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The dial, heap setting, `threads`, `load` or `rate` that is swept.
    pub dial: String,
    /// Its values, each with the place of its block: by size where they are numbers, else as they were given.
    pub values: Vec<(String, usize)>,
    /// The place of the block that was planned first: the first value given.
    pub first: usize,
}

impl Sweep {
    /// The values as numbers, where all are.
    pub fn numbers(&self) -> Option<Vec<(f64, usize)>> {
        self.values.iter().map(|(value, place)| Some((number(value)?, *place))).collect()
    }

    /// The sweeps of a run: cells of several machines are in none together.
    pub fn of(blocks: &[Block<'_>]) -> Vec<Self> {
        type Key = (String, String, Vec<(String, String)>, Option<String>);
        let mut groups: BTreeMap<Key, Vec<(String, usize)>> = BTreeMap::new();
        for (place, block) in blocks.iter().enumerate() {
            let dials = dials(block.point);
            for (dial, value) in &dials {
                let others = dials.iter().filter(|(name, _)| *name != dial);
                let others = others.map(|(name, value)| (name.clone(), value.clone())).collect();
                let key = (block.point.workload.clone(), dial.clone(), others, block.machine.map(str::to_owned));
                let group = groups.entry(key).or_default();
                if group.iter().all(|(known, _)| known != value) {
                    group.push((value.clone(), place));
                }
            }
        }
        let swept = groups.into_iter().filter(|(_, values)| values.len() > 1);
        swept
            .map(|((_, dial, ..), mut values)| {
                let first = values.iter().map(|(_, place)| *place).min().unwrap_or(0);
                if values.iter().all(|(value, _)| number(value).is_some()) {
                    let size = |value: &str| number(value).unwrap_or(0.0);
                    values.sort_by(|a, b| size(&a.0).total_cmp(&size(&b.0)));
                }
                for place in 0..values.len() {
                    let name = shown(&values[place].0).to_owned();
                    // Files of one name in two folders are two values.
                    let is_taken = values[..place].iter().any(|(known, _)| *known == name);
                    values[place].0 = if is_taken { format!("{name} ({})", place + 1) } else { name };
                }
                Self { dial, values, first }
            })
            .collect()
    }
}

fn number(value: &str) -> Option<f64> {
    value.replace('_', "").parse().ok()
}

/// What a point is made of: each dial with its value, in a fixed order.
pub fn dials(point: &Point) -> BTreeMap<String, String> {
    let given = point.given.iter().chain(&point.heap_settings);
    let mut dials: BTreeMap<String, String> = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    dials.insert("threads".to_owned(), point.threads.to_string());
    match point.arrivals {
        Arrivals::Load(load) => dials.insert("load".to_owned(), load.to_string()),
        Arrivals::Rate(rate) => dials.insert("rate".to_owned(), rate.to_string()),
        Arrivals::Closed => None,
    };
    dials
}

/// The other dials of a block, in brackets, as a title has them; empty if there are none.
pub fn others(block: &Block<'_>, dial: &str) -> String {
    let mut others: Vec<String> = dials(block.point)
        .into_iter()
        .filter(|(name, value)| name != dial && (name != "threads" || value != "1"))
        .filter(|(name, _)| block.open_loop || (name != "load" && name != "rate"))
        .map(|(name, value)| format!("{name}={}", shown(&value)))
        .collect();
    others.sort();
    others.extend(block.number.map(|number| format!("machine={number}")));
    if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) }
}
