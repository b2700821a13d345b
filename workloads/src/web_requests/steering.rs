//! When a service collects: what the program itself does about it, through Python's `gc` and nothing else.
//!
//! Thresholds are the heap's settings. Everything else that people recommend (to switch the collector off, to collect between
//! requests, by a schedule, by memory) is a program's doing, and works the same way on every heap.

use std::time::{Duration, Instant};

use gc_core::upkeep::{BetweenRequests, ByInterval, Every};
use gc_core::{HeapFull, Mutator, Shape, TypeId};

/// What a program does, as its dial says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Steering {
    /// Nothing: thresholds decide.
    Automatic,
    /// The collector is off.
    Off,
    /// It is off during each request and on between two.
    Between,
    /// It is off, and between requests the program collects the youngest generation or, if `full`, all of them.
    Scheduled { every: Every, full: bool },
    /// It is off, and the program collects the youngest generation when that much time has passed.
    Interval(Duration),
}

impl Steering {
    /// What [`Steering::parse`] takes.
    pub(super) const FORMS: &'static str = "automatic, off, between, young-every:REQUESTS, full-every:REQUESTS, \
        scheduler:COUNT, interval:MILLISECONDS or bytes:N with an optional k, M or G; numbers from 1";

    /// The value of the dial; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let whole = |digits: &str| digits.parse().ok().filter(|&number: &u64| number > 0);
        let scheduled = |every: Every, full| Some(Self::Scheduled { every, full });
        match (name, number) {
            ("automatic", None) => Some(Self::Automatic),
            ("off", None) => Some(Self::Off),
            ("between", None) => Some(Self::Between),
            ("young-every", Some(number)) => scheduled(Every::Requests(whole(number)?), false),
            ("full-every", Some(number)) => scheduled(Every::Requests(whole(number)?), true),
            ("scheduler", Some(number)) => scheduled(Every::Counter(whole(number)?), false),
            ("interval", Some(number)) => Some(Self::Interval(Duration::from_millis(whole(number)?))),
            ("bytes", Some(number)) => {
                let shift = match number.as_bytes().last()? {
                    b'k' | b'K' => 10,
                    b'M' => 20,
                    b'G' => 30,
                    _ => 0,
                };
                let digits = number.strip_suffix(['k', 'K', 'M', 'G']).unwrap_or(number);
                scheduled(Every::HeldBytes(whole(digits)?.checked_mul(1 << shift)?), true)
            }
            _ => None,
        }
    }

    /// Takes the wheel, just before the timed part. `node` is a type of small objects of the program.
    pub(super) fn begin<M: Mutator>(self, mutator: &M, node: TypeId) -> Steered {
        if self != Self::Automatic {
            mutator.disable();
        }
        match self {
            Self::Automatic | Self::Off => Steered::NotAtAll,
            Self::Between => Steered::Between(node),
            Self::Scheduled { every, full } => Steered::Scheduled(BetweenRequests::new(every, u64::from(full))),
            Self::Interval(interval) => Steered::Interval(ByInterval::new(interval, 0), Instant::now()),
        }
    }
}

/// A program at work on it.
pub(super) enum Steered {
    NotAtAll,
    Between(TypeId),
    Scheduled(BetweenRequests),
    Interval(ByInterval, Instant),
}

impl Steered {
    /// To be called between two requests.
    pub(super) fn after_request<M: Mutator>(&self, mutator: &M) -> Result<(), HeapFull> {
        match self {
            Self::NotAtAll => {}
            Self::Between(node) => {
                mutator.enable();
                // To switch the collector on collects nothing. The next allocation does, if one is due: here one of what a
                // server does between requests.
                let between = mutator.allocate(*node, Shape::new(1, 0));
                mutator.safepoint();
                mutator.disable();
                drop(between?);
            }
            Self::Scheduled(schedule) => {
                schedule.after_request(mutator);
            }
            Self::Interval(schedule, begin) => {
                schedule.tick(mutator, begin.elapsed());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_nothing_else_is() {
        let scheduled = |every, full| Some(Steering::Scheduled { every, full });
        for (text, steering) in [
            ("automatic", Some(Steering::Automatic)),
            ("off", Some(Steering::Off)),
            ("between", Some(Steering::Between)),
            ("young-every:25", scheduled(Every::Requests(25), false)),
            ("full-every:1000", scheduled(Every::Requests(1000), true)),
            ("scheduler:2000", scheduled(Every::Counter(2000), false)),
            ("interval:50", Some(Steering::Interval(Duration::from_millis(50)))),
            ("bytes:4M", scheduled(Every::HeldBytes(4 << 20), true)),
            ("bytes:4096", scheduled(Every::HeldBytes(4096), true)),
        ] {
            assert_eq!(Steering::parse(text), steering, "{text}");
        }
        for text in
            ["", "on", "off:1", "young-every", "young-every:0", "full-every:-1", "interval:1s", "bytes:M", "bytes:"]
        {
            assert_eq!(Steering::parse(text), None, "{text}");
        }
        assert_eq!(Steering::parse("bytes:99999999999G"), None, "more than a number holds");
    }
}
