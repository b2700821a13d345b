//! What is tried, and on which work: settings, works, and the points that they make together.

use std::path::Path;

use crate::cell::Given;
use crate::sweep::{Arrivals, Point};

/// The workload of all points.
pub const WORKLOAD: &str = "web-requests";

/// Settings of the heap at every point: counters see what CPython's see.
const EVERYWHERE: (&str, &str) = ("free-lists", "cpython-3.12");

/// The dials that are a program's doing about collections, and no part of its work.
const STEERING: [&str; 2] = ["steering", "freeze"];

/// One thing to try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Its name on the command line and in tables.
    pub key: &'static str,
    /// What it is, in one line.
    pub meaning: &'static str,
    /// Settings of the heap.
    pub heap: &'static [(&'static str, &'static str)],
    /// Dials of the program.
    pub dials: &'static [(&'static str, &'static str)],
}

impl Setting {
    /// Whether a clock decides when to collect, and so the speed of the machine how often: then counts are not compared.
    pub fn goes_by_the_clock(&self) -> bool {
        self.dials.iter().any(|(name, value)| *name == "steering" && value.starts_with("interval:"))
    }
}

macro_rules! thresholds {
    ($key:literal, $meaning:literal) => {
        Setting { key: $key, meaning: $meaning, heap: &[("thresholds", $key)], dials: &[] }
    };
}

macro_rules! steering {
    ($key:literal, $meaning:literal) => {
        Setting { key: $key, meaning: $meaning, heap: &[], dials: &[("steering", $key)] }
    };
}

/// All of them; the first one is the centre, CPython 3.12's default.
pub const SETTINGS: [Setting; 16] = [
    thresholds!("700,10,10", "the centre: the default of CPython up to 3.12"),
    thresholds!("1000,15,15", "fewer collections"),
    thresholds!("400,5,5", "more collections"),
    thresholds!("700,10,0", "recommended as: never a full collection; it means: always due"),
    thresholds!("50000,500,100", "few collections"),
    thresholds!("100,5,5", "many collections"),
    thresholds!("2000,10,10", "the default of CPython 3.13"),
    steering!("off", "the collector is off"),
    steering!("between", "off during each request, on between two"),
    steering!("young-every:25", "off, and between requests collect(0), each 25th time"),
    steering!("full-every:1000", "off, and between requests a full collection, each 1,000th time"),
    steering!("scheduler:2000", "off, and after a request collect(0) if get_count()[0] > 2000"),
    steering!(
        "interval:5",
        "off, and between requests collect(0) if 5 ms have passed: how often, hangs on the machine"
    ),
    steering!(
        "bytes:4M",
        "off, and between requests a full collection if the heap holds 4 MiB more than after the last"
    ),
    Setting {
        key: "freeze",
        meaning: "the centre, and freeze() after the warm-up and a full collection",
        heap: &[("thresholds", "700,10,10")],
        dials: &[("freeze", "freeze")],
    },
    Setting {
        key: "freeze-uncollected",
        meaning: "the centre, and freeze() after the warm-up without a collection before it",
        heap: &[("thresholds", "700,10,10")],
        dials: &[("freeze", "uncollected")],
    },
];

/// The setting that is tried where live objects and their replacement vary, too: what freezing saves wears off.
pub const FREEZE: &str = "freeze";

/// The setting of this name.
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// What the program works on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Work {
    /// Its name in tables.
    pub name: String,
    /// Its dials.
    pub dials: Vec<Given>,
}

/// Live objects, share of cyclic requests, and cache entries that a request replaces: the centre first.
const LIVE: [&str; 3] = ["100000", "300000", "1000000"];
const CYCLIC: [&str; 3] = ["0.1", "0", "1"];
const REPLACE: [&str; 3] = ["2", "0", "10"];

impl Work {
    /// `web-v1`, with other dials than the centre's where these are not its own. As many requests as there were on CPython.
    fn web(live: &str, cyclic: &str, replace: &str) -> Self {
        let requests = match (live, cyclic) {
            ("1000000", _) => "100000",
            ("300000", _) => "60000",
            (_, "1") => "15000",
            (_, "0") => "20000",
            _ => "40000",
        };
        let all = [("live", live, LIVE[0]), ("cyclic", cyclic, CYCLIC[0]), ("replace", replace, REPLACE[0])];
        let others = || all.iter().filter(|(_, value, centre)| value != centre);
        let name: Vec<String> = others().map(|(name, value, _)| format!("{name}={value}")).collect();
        let dials = [("preset", "web-v1")].into_iter().chain(others().map(|&(name, value, _)| (name, value)));
        Self {
            name: if name.is_empty() { "web-v1".to_owned() } else { name.join(",") },
            dials: given(dials.chain([("requests", requests)])),
        }
    }

    /// The centre: a cache of 100,000 objects, a tenth of the requests cyclic, two entries replaced by each.
    pub fn centre() -> Self {
        Self::web(LIVE[0], CYCLIC[0], REPLACE[0])
    }

    /// The same requests over the heap of a real process and a smaller cache.
    pub fn django() -> Self {
        let dials = [("heap", "django"), ("live", "20000"), ("callback-dict", "on"), ("requests", "40000")];
        Self { name: "django".to_owned(), dials: given(dials) }
    }

    /// The works that differ from the centre in one dial.
    pub fn factors() -> Vec<Self> {
        let live = LIVE[1..].iter().map(|live| Self::web(live, CYCLIC[0], REPLACE[0]));
        let cyclic = CYCLIC[1..].iter().map(|cyclic| Self::web(LIVE[0], cyclic, REPLACE[0]));
        let replace = REPLACE[1..].iter().map(|replace| Self::web(LIVE[0], CYCLIC[0], replace));
        live.chain(cyclic).chain(replace).collect()
    }

    /// Whether live objects or their replacement are other than the centre's: what is frozen, and for how long.
    pub fn varies_the_cache(&self) -> bool {
        let is_other =
            |(name, value): &Given| (name == "live" && value != LIVE[0]) || (name == "replace" && value != REPLACE[0]);
        self.dials.iter().any(is_other)
    }

    /// Every combination of their dials, the centre first.
    pub fn grid() -> Vec<Self> {
        let pairs = LIVE.iter().flat_map(|live| CYCLIC.iter().map(move |cyclic| (live, cyclic)));
        pairs.flat_map(|(live, cyclic)| REPLACE.iter().map(move |replace| Self::web(live, cyclic, replace))).collect()
    }

    /// The work with these dials; one that is none of the above has them for a name.
    fn with(dials: Vec<Given>) -> Self {
        let known = Self::grid().into_iter().chain([Self::django()]).find(|work| work.dials == dials);
        known.unwrap_or_else(|| Self { name: shown(&dials).join(","), dials })
    }

    /// The same with further dials, which go before its own.
    pub fn changed(mut self, changes: &[Given]) -> Self {
        self.dials.extend_from_slice(changes);
        Self::with(self.dials)
    }

    /// The point at which the baseline is measured before the first round.
    pub fn to_calibrate(&self, load: f64) -> Point {
        Point {
            workload: WORKLOAD.to_owned(),
            given: self.dials.clone(),
            heap_settings: Vec::new(),
            threads: 1,
            arrivals: Arrivals::Load(load),
        }
    }

    /// Its point with a setting.
    pub fn point(&self, setting: &Setting, arrivals: Arrivals) -> Point {
        Point {
            workload: WORKLOAD.to_owned(),
            given: self.dials.iter().cloned().chain(given(setting.dials.iter().copied())).collect(),
            heap_settings: given([EVERYWHERE].into_iter().chain(setting.heap.iter().copied())),
            threads: 1,
            arrivals,
        }
    }
}

/// Dials for people: of a file's path no more than its last name, which is all that concerns them.
pub fn shown(dials: &[Given]) -> Vec<String> {
    let last = |value: &str| {
        let name = Path::new(value).file_name().filter(|_| value.contains('/'));
        name.map_or_else(|| value.to_owned(), |name| name.to_string_lossy().into_owned())
    };
    dials.iter().map(|(name, value)| format!("{name}={}", last(value))).collect()
}

/// The work and the setting that a point was made of; `None` if it was not made here.
pub fn made_of(point: &Point) -> Option<(Work, &'static Setting)> {
    let (steering, dials): (Vec<Given>, Vec<Given>) =
        point.given.iter().cloned().partition(|(name, _)| STEERING.contains(&name.as_str()));
    let is_made_of = |setting: &&Setting| {
        let heap = given([EVERYWHERE].into_iter().chain(setting.heap.iter().copied()));
        steering == given(setting.dials.iter().copied()) && point.heap_settings == heap
    };
    let setting = SETTINGS.iter().find(is_made_of)?;
    (point.workload == WORKLOAD).then(|| (Work::with(dials), setting))
}

fn given<'g>(pairs: impl IntoIterator<Item = (&'g str, &'g str)>) -> Vec<Given> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::comparison::BASELINE;

    #[test]
    fn each_point_can_run_and_says_what_it_was_made_of() {
        let works = Work::grid().into_iter().chain([Work::django()]);
        let mut ids = Vec::new();
        for work in works {
            for setting in &SETTINGS {
                for arrivals in [Arrivals::Closed, Arrivals::Rate(100.0)] {
                    let point = work.point(setting, arrivals);
                    assert_eq!(made_of(&point), Some((work.clone(), setting)), "{}", point.title());
                    ids.push(point.id());
                }
            }
            let cell = Cell::new(BASELINE, &[], WORKLOAD, &work.dials, 1).unwrap();
            assert!(cell.settings.integer("requests") >= 15_000, "{}", work.name);
        }
        for setting in &SETTINGS {
            let point = Work::centre().point(setting, Arrivals::Closed);
            Cell::new(BASELINE, &point.heap_settings, WORKLOAD, &point.given, 1).unwrap();
        }
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "points have names of their own");
    }

    #[test]
    fn the_centre_is_the_one_that_is_stated_and_factors_differ_from_it_in_one_dial() {
        let settings = |work: &Work| Cell::new(BASELINE, &[], WORKLOAD, &work.dials, 1).unwrap().settings;
        let centre = settings(&Work::centre());
        assert_eq!((centre.integer("live"), centre.number("cyclic"), centre.integer("replace")), (100_000, 0.1, 2));
        let works = Work::factors();
        assert_eq!(works.len(), 6);
        for work in works {
            let (own, mut differences) = (settings(&work), Vec::new());
            for (name, value) in own.iter().filter(|(name, _)| *name != "requests") {
                let differs = centre.text(name).parse::<f64>().ok() != value.parse::<f64>().ok();
                differences.extend((differs || centre.text(name) != value).then_some(name));
            }
            assert_eq!(differences.len(), 1, "{}: {differences:?}", work.name);
        }
    }

    #[test]
    fn of_a_users_heap_nobody_learns_where_it_lies() {
        let heap = |path: &str| Work::django().changed(&[("heap".to_owned(), path.to_owned())]);
        for path in ["/home/jane doe/secret/x.gcheap.gz", "../secret/x.gcheap.gz"] {
            let work = heap(path);
            assert!(work.name.ends_with(",heap=x.gcheap.gz") && !work.name.contains("secret"), "{}", work.name);
            assert!(work.dials.iter().any(|(_, value)| value == path), "it is still found");
        }
        assert_eq!(shown(&Work::centre().dials), ["preset=web-v1", "requests=40000"]);
    }

    #[test]
    fn a_changed_work_is_no_longer_the_one_that_ran_on_cpython() {
        let changed = Work::centre().changed(&[("live".to_owned(), "2000".to_owned())]);
        assert!(changed.name.contains("live=2000"), "{}", changed.name);
        assert_eq!(Work::centre().changed(&[]), Work::centre());
    }
}
