//! The dials of `web-requests`, its presets, and their values as a run uses them.

use super::steering::Steering;
use crate::request_tree::{ParentLink, RequestTypes};
use crate::workload::{Dial, Preset, Range, SettingError, Settings};

const fn integer(name: &'static str, meaning: &'static str, default: &'static str, low: u64, high: u64) -> Dial {
    Dial { name, meaning, default, range: Range::Integer(low, high) }
}

const fn number(name: &'static str, meaning: &'static str, default: &'static str, low: f64, high: f64) -> Dial {
    Dial { name, meaning, default, range: Range::Number(low, high) }
}

const fn word(name: &'static str, meaning: &'static str, words: &'static [&'static str]) -> Dial {
    Dial { name, meaning, default: words[0], range: Range::Word(words) }
}

/// Objects of the largest small ring.
const LARGEST_RING: u64 = 10_000;

/// Every dial. Where a word has to be given, the first one is the default.
pub(super) const DIALS: &[Dial] = &[
    Dial {
        name: "heap",
        meaning: "the long-lived heap beside the cache: a real Django process (built in), none, or a GCHEAP file",
        default: "django",
        range: Range::Text,
    },
    integer("live", "objects in the cache, two an entry; all threads share it", "20000", 2, 40_000_000),
    integer("requests", "timed requests", "40000", 1, 1_000_000_000),
    integer("warm-up", "requests before them", "500", 0, 1_000_000),
    integer("nodes", "tree nodes a request builds, four objects each", "50", 1, 1_000_000),
    number("cyclic", "share of requests whose nodes refer to their parents", "0.1", 0.0, 1.0),
    word(
        "back-pointers",
        "how they do: by a strong reference, by a weak one, or by a strong one that the request clears at its end",
        &["strong", "weak", "cleared"],
    ),
    integer("reads", "cache entries a request reads", "20", 0, 1_000_000),
    integer("replace", "cache entries a request replaces", "2", 0, 1_000_000),
    word("keys", "which entries it reads and replaces: all as often, or by Zipf's law", &["even", "zipf"]),
    number("skew", "the exponent of that law; 0 is even", "0.99", 0.0, 5.0),
    integer("walks", "walks of four steps a request makes through the long-lived heap", "5", 0, 1_000_000),
    number("ring-garbage", "share of a request's garbage that is on small rings of their own", "0", 0.0, 0.95),
    integer("ring-least", "objects of the smallest such ring", "2", 1, LARGEST_RING),
    integer("ring-most", "objects of the largest, no less than ring-least", "26", 1, LARGEST_RING),
    number("ring-skew", "rings of n objects are made in proportion to n to the minus this power", "1.6", 0.0, 5.0),
    word(
        "cleanup",
        "who releases the resource that a request opens: nobody, for it opens none; the request; or a finalizer",
        &["none", "explicit", "finalizer"],
    ),
    number(
        "fail",
        "percent of requests that fail, and die on a cycle of frame, exception and traceback",
        "0",
        0.0,
        100.0,
    ),
    integer("results", "rows of a result that a request reads through, two objects each", "0", 0, 1_000_000),
    word("materialise", "whether it has all rows at once, in a list, or one after the other", &["whole", "lazy"]),
    integer("ballast", "further live objects that nothing touches, as an interpreter's own", "0", 0, 100_000_000),
    Dial {
        name: "callback-dict",
        meaning: "a collection callback that allocates and drops a dict at both ends of each collection, as gc.callbacks does",
        default: "off",
        range: Range::Word(&["on", "off"]),
    },
    word(
        "freeze",
        "what happens after the warm-up and a full collection, before the timed requests; uncollected: it freezes without that \
         collection",
        &["no", "freeze", "uncollected", "immortal"],
    ),
    Dial {
        name: "steering",
        meaning: "what the program does about collections during the timed requests, one mutator's: it leaves them to thresholds, \
                  switches them off, has them on only between requests; or, with them off, collects between requests: the youngest \
                  generation or all every so many requests, the youngest when get_count()[0] is above a number or by the clock, all \
                  when the heap holds so many more bytes than after the last time",
        default: "automatic",
        range: Range::Text,
    },
    word("lifetimes", "watch every 31st object of the timed requests for how long it lives", &["off", "on"]),
];

/// Dials for a run of about a second.
pub(super) const SMALL: &[(&str, &str)] = &[("live", "2000"), ("requests", "1500"), ("warm-up", "50")];

/// Named sets of dials.
pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "web-v1",
        meaning: "the program whose counts on CPython are published: no real heap, a cache of 100,000 objects",
        settings: &[("heap", "none"), ("live", "100000"), ("walks", "0"), ("ballast", "8500"), ("callback-dict", "on")],
    },
    Preset {
        name: "service",
        meaning: "a Django service as its heap dumps show it: 15 % of the garbage on rings of 2 to 26 objects (median 4, \
                  nine of ten up to 14), about 200 objects a request, a cache of 100,000 objects used by Zipf's law",
        settings: &[
            ("live", "100000"),
            ("nodes", "42"),
            ("cyclic", "0"),
            ("keys", "zipf"),
            ("skew", "0.99"),
            ("ring-garbage", "0.15"),
            ("ring-least", "2"),
            ("ring-most", "26"),
            ("ring-skew", "1.6"),
        ],
    },
    Preset {
        name: "shared-cache",
        meaning: "threads over one cache, for --threads 2: about 200 objects a request, ten of them a ring and the others \
                  temporaries, and 100 reads of a cache of 100,000 entries",
        settings: &[
            ("heap", "none"),
            ("live", "200000"),
            ("nodes", "47"),
            ("cyclic", "0"),
            ("reads", "100"),
            ("replace", "0"),
            ("walks", "0"),
            ("ring-garbage", "0.0503"),
            ("ring-least", "10"),
            ("ring-most", "10"),
        ],
    },
];

/// What becomes of the nodes' links to their parents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BackPointers {
    pub(super) link: ParentLink,
    /// Broken by hand at the end of the request.
    pub(super) cleared: bool,
}

/// Who releases a request's resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cleanup {
    /// There is none.
    None,
    /// The request, at its end.
    Explicit,
    /// The resource's finalizer.
    Finalizer,
}

/// What is frozen before the timed part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Freeze {
    /// Nothing.
    No,
    /// What a full collection left.
    Collected,
    /// What there is, dead cycles among it.
    Uncollected,
    /// What a full collection left, and counts are no longer written.
    Immortal,
}

/// The small rings that a request leaves behind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct RingDials {
    /// Of the garbage.
    pub(super) share: f64,
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) skew: f64,
}

/// The values of the dials, but for the heap's.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Dials {
    pub(super) live: u32,
    pub(super) requests: u64,
    pub(super) warm_up: u64,
    pub(super) nodes: u32,
    pub(super) cyclic: f64,
    pub(super) back_pointers: BackPointers,
    pub(super) reads: u32,
    pub(super) replace: u32,
    /// Of the keys, if not all are used as often.
    pub(super) skew: Option<f64>,
    pub(super) walks: u32,
    pub(super) rings: Option<RingDials>,
    pub(super) cleanup: Cleanup,
    /// A share, not percent.
    pub(super) fail: f64,
    pub(super) results: u32,
    pub(super) whole: bool,
    pub(super) ballast: u32,
    pub(super) callback_dict: bool,
    pub(super) freeze: Freeze,
    pub(super) steering: Steering,
    pub(super) lifetimes: bool,
}

impl Dials {
    /// Reads them.
    ///
    /// # Errors
    /// The smallest ring is larger than the largest, or the steering is none.
    pub(super) fn new(workload: &'static str, settings: &Settings) -> Result<Self, SettingError> {
        let small = |name| settings.integer(name) as u32;
        let rings = RingDials {
            share: settings.number("ring-garbage"),
            least: small("ring-least"),
            most: small("ring-most"),
            skew: settings.number("ring-skew"),
        };
        if rings.most < rings.least {
            return Err(SettingError::Range {
                workload,
                name: "ring-most",
                value: rings.most.to_string(),
                range: format!(
                    "{} beside ring-least={}",
                    Range::Integer(rings.least.into(), LARGEST_RING),
                    rings.least
                ),
            });
        }
        let (link, cleared) = match settings.text("back-pointers") {
            "weak" => (ParentLink::Weak, false),
            other => (ParentLink::Strong, other == "cleared"),
        };
        let steering = settings.text("steering");
        let steering = Steering::parse(steering).ok_or_else(|| SettingError::Range {
            workload,
            name: "steering",
            value: steering.to_owned(),
            range: Steering::FORMS.to_owned(),
        })?;
        Ok(Self {
            live: small("live"),
            requests: settings.integer("requests"),
            warm_up: settings.integer("warm-up"),
            nodes: small("nodes"),
            cyclic: settings.number("cyclic"),
            back_pointers: BackPointers { link, cleared },
            reads: small("reads"),
            replace: small("replace"),
            skew: (settings.text("keys") == "zipf").then(|| settings.number("skew")),
            walks: small("walks"),
            rings: (rings.share > 0.0).then_some(rings),
            cleanup: match settings.text("cleanup") {
                "explicit" => Cleanup::Explicit,
                "finalizer" => Cleanup::Finalizer,
                _ => Cleanup::None,
            },
            fail: settings.number("fail") / 100.0,
            results: small("results"),
            whole: settings.text("materialise") == "whole",
            ballast: small("ballast"),
            callback_dict: settings.text("callback-dict") == "on",
            freeze: match settings.text("freeze") {
                "freeze" => Freeze::Collected,
                "uncollected" => Freeze::Uncollected,
                "immortal" => Freeze::Immortal,
                _ => Freeze::No,
            },
            steering,
            lifetimes: settings.text("lifetimes") == "on",
        })
    }

    /// Entries of the cache.
    pub(super) fn entries(&self) -> u32 {
        self.live / 2
    }

    /// Objects that a request leaves dead, small rings aside.
    pub(super) fn garbage(&self, link: ParentLink, fails: bool) -> u64 {
        let weak = if link == ParentLink::Weak { RequestTypes::parents_of(self.nodes) } else { 0 };
        let replaced = if fails { 0 } else { 2 * u64::from(self.replace) };
        let resource = u64::from(self.cleanup != Cleanup::None);
        let rows = 2 * u64::from(self.results) + u64::from(self.whole && self.results > 0);
        let failure = if fails { 3 } else { 0 };
        RequestTypes::objects_of(self.nodes) + weak + replaced + resource + rows + failure
    }
}
