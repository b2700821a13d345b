//! A lower bound on what memory management costs, and on which of its parts.
//!
//! No run is without memory management, so its cost cannot be had by subtraction. But what a run would cost without is at
//! most what the cheapest heap's run costs *less what that heap knows it spent on collecting*. Held against this, every heap
//! costs at least so much more (Cai, Blackburn, Bond and Maas, "Distilling the Real Cost of Production Garbage Collectors",
//! ISPASS 2022):
//!
//! ```text
//! distilled(g) = total(g) − explicit(g)      minimum distilled cost = least distilled(g) of all heaps g
//! overhead(g) ≥ total(g) / minimum distilled cost
//! ```
//!
//! It is a bound and no estimate: what a heap spends unseen (counting, barriers, lost caches) stays in its distilled cost. For
//! counted heaps that is most of it; therefore the heaps should include a replay that counts nothing and still frees what died, and the rungs
//! between tell the parts.

/// What a heap's run cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The heap's name.
    pub heap: String,
    /// CPU time of mutators and the heap's own threads, in nanoseconds.
    pub total_ns: u64,
    /// Of it, what is known to be collecting: in the mutators' place and on the heap's own threads.
    pub explicit_ns: u64,
}

/// A heap's least overhead.
#[derive(Clone, PartialEq, Debug)]
pub struct Overhead {
    /// The heap's name.
    pub heap: String,
    /// Total less explicit cost.
    pub distilled_ns: u64,
    /// Total over the minimum distilled cost: 1.3 is at least 30 % on top.
    pub factor: f64,
    /// Total less the minimum distilled cost.
    pub above_ns: u64,
}

/// The lower bound on all heaps of a set, for the same work.
#[derive(Clone, PartialEq, Debug)]
pub struct LowerBound {
    /// The minimum distilled cost, in nanoseconds of CPU.
    pub minimum_ns: u64,
    /// The heap that has it.
    pub cheapest: String,
    /// Each heap's overhead, in the order given.
    pub overheads: Vec<Overhead>,
}

/// Why there is no lower bound.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoLowerBound {
    /// No heap.
    #[error("no heap has finished: there is nothing to compare")]
    Nothing,
    /// A heap spent more on collecting than in all.
    #[error("{heap} spent {explicit_ns} ns on collecting, not less than {total_ns} ns in all: its record is broken")]
    Broken {
        /// The heap.
        heap: String,
        /// Its explicit cost.
        explicit_ns: u64,
        /// Its total.
        total_ns: u64,
    },
}

/// The lower bound; see the [module](self). All costs are of the same work.
pub fn lower_bound(costs: &[Cost]) -> Result<LowerBound, NoLowerBound> {
    let distilled = |cost: &Cost| {
        let Cost { heap, total_ns, explicit_ns } = cost;
        match total_ns.checked_sub(*explicit_ns) {
            Some(rest @ 1..) => Ok(rest),
            _ => Err(NoLowerBound::Broken { heap: heap.clone(), explicit_ns: *explicit_ns, total_ns: *total_ns }),
        }
    };
    let all = costs.iter().map(distilled).collect::<Result<Vec<u64>, _>>()?;
    let (&minimum_ns, cheapest) =
        all.iter().zip(costs).min_by_key(|(distilled, _)| **distilled).ok_or(NoLowerBound::Nothing)?;
    let overheads = costs
        .iter()
        .zip(&all)
        .map(|(cost, &distilled_ns)| Overhead {
            heap: cost.heap.clone(),
            distilled_ns,
            factor: cost.total_ns as f64 / minimum_ns as f64,
            above_ns: cost.total_ns - minimum_ns,
        })
        .collect();
    Ok(LowerBound { minimum_ns, cheapest: cheapest.heap.clone(), overheads })
}

/// CPU time of the same work on the rungs from no counting to a collector, in nanoseconds. A rung that was not run is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rungs {
    /// A replay that counts nothing and frees, from a tape, what died by count.
    pub no_counts_ns: Option<u64>,
    /// Plain counts.
    pub refcount_ns: Option<u64>,
    /// Atomic counts.
    pub refcount_atomic_ns: Option<u64>,
    /// Counts with versions, and no collection made.
    pub versioned_ns: Option<u64>,
    /// The rung that the heap with its collector stands on: the last of those above that its counts are like.
    pub below_ns: Option<u64>,
    /// The heap with its collector, everything included.
    pub collected_ns: Option<u64>,
    /// Of it, collections in the mutators' place.
    pub stopped_ns: Option<u64>,
    /// Of it, the heap's own threads.
    pub own_threads_ns: Option<u64>,
}

/// The parts of the CPU time of a heap with a collector; they add up to it. A part is below 0 where a rung was cheaper
/// than the one below it, and `None` where a rung that it needs was not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts {
    /// The program itself, allocating and freeing included: the lowest rung.
    pub program_ns: Option<i64>,
    /// Counting, and finding what a death takes with it; less the reading of the tape.
    pub counting_ns: Option<i64>,
    /// That counts are atomic.
    pub atomic_ns: Option<i64>,
    /// That counts carry versions and loads and stores keep to their protocol.
    pub versions_ns: Option<i64>,
    /// Collections in the mutators' place.
    pub stopped_ns: Option<i64>,
    /// Collections on the heap's own threads.
    pub own_threads_ns: Option<i64>,
    /// What the collector costs besides: barriers that are at work only with it, caches lost to it; less what its freeing
    /// memory early saves.
    pub beside_ns: Option<i64>,
}

impl Rungs {
    /// The difference that each rung makes.
    pub fn parts(&self) -> Parts {
        // A CPU time of 292 years would be the first not to fit.
        let signed = |ns: Option<u64>| ns.and_then(|ns| i64::try_from(ns).ok());
        let less = |above: Option<u64>, below: Option<u64>| Some(signed(above)? - signed(below)?);
        let (stopped_ns, own_threads_ns) = (signed(self.stopped_ns), signed(self.own_threads_ns));
        let collector = less(self.collected_ns, self.below_ns);
        Parts {
            program_ns: signed(self.no_counts_ns),
            counting_ns: less(self.refcount_ns, self.no_counts_ns),
            atomic_ns: less(self.refcount_atomic_ns, self.refcount_ns),
            versions_ns: less(self.versioned_ns, self.refcount_atomic_ns),
            stopped_ns,
            own_threads_ns,
            beside_ns: collector.and_then(|all| Some(all - stopped_ns? - own_threads_ns?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(heap: &str, total_ns: u64, explicit_ns: u64) -> Cost {
        Cost { heap: heap.to_owned(), total_ns, explicit_ns }
    }

    #[test]
    fn overhead_is_against_the_least_cost_less_collecting() {
        // Distilled: 200, 160, 180. The cheapest in all is not the one with the minimum.
        let costs = [cost("a", 200, 0), cost("b", 240, 80), cost("c", 190, 10)];
        let bound = lower_bound(&costs).unwrap();
        assert_eq!((bound.minimum_ns, bound.cheapest.as_str()), (160, "b"));
        let rows: Vec<(u64, f64, u64)> =
            bound.overheads.iter().map(|heap| (heap.distilled_ns, heap.factor, heap.above_ns)).collect();
        assert_eq!(rows, [(200, 1.25, 40), (160, 1.5, 80), (180, 1.1875, 30)]);
        // Another heap can only lower the minimum, and so raise every bound.
        let more = lower_bound(&[costs.to_vec(), vec![cost("no-counts", 100, 0)]].concat()).unwrap();
        assert_eq!((more.minimum_ns, more.overheads[0].factor), (100, 2.0));
    }

    #[test]
    fn impossible_costs_are_refused() {
        assert_eq!(lower_bound(&[]), Err(NoLowerBound::Nothing));
        let broken = lower_bound(&[cost("a", 5, 0), cost("b", 10, 10)]).unwrap_err();
        assert_eq!(broken.to_string(), "b spent 10 ns on collecting, not less than 10 ns in all: its record is broken");
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let rungs = Rungs {
            no_counts_ns: Some(100),
            refcount_ns: Some(130),
            refcount_atomic_ns: Some(150),
            versioned_ns: Some(145),
            below_ns: Some(145),
            collected_ns: Some(260),
            stopped_ns: Some(20),
            own_threads_ns: Some(70),
        };
        let Parts { program_ns, counting_ns, atomic_ns, versions_ns, stopped_ns, own_threads_ns, beside_ns } =
            rungs.parts();
        let parts = [program_ns, counting_ns, atomic_ns, versions_ns, stopped_ns, own_threads_ns, beside_ns];
        assert_eq!(parts.map(Option::unwrap), [100, 30, 20, -5, 20, 70, 25]);
        assert_eq!(parts.iter().flatten().sum::<i64>(), 260);
    }

    #[test]
    fn a_heap_on_plain_counts_has_no_part_of_rungs_that_it_does_not_stand_on() {
        let rungs = Rungs {
            no_counts_ns: Some(100),
            refcount_ns: Some(130),
            below_ns: Some(130),
            collected_ns: Some(170),
            stopped_ns: Some(30),
            own_threads_ns: Some(0),
            ..Rungs::default()
        };
        let parts = rungs.parts();
        assert_eq!((parts.atomic_ns, parts.versions_ns, parts.beside_ns), (None, None, Some(10)));
    }

    #[test]
    fn a_rung_that_was_not_run_leaves_its_parts_unknown() {
        let parts = Rungs { refcount_ns: Some(130), refcount_atomic_ns: Some(150), ..Rungs::default() }.parts();
        assert_eq!((parts.program_ns, parts.counting_ns, parts.atomic_ns), (None, None, Some(20)));
        assert_eq!((parts.versions_ns, parts.beside_ns), (None, None));
    }
}
