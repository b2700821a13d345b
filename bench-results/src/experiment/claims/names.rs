//! Short names of claims, for tables that have a column a heap and are to fit a screen.

use super::claim::Claim;

/// Letters that a name may have.
#[cfg(test)]
const ROOM: usize = 60;

/// The claim in few words; itself if it is short.
pub(super) fn name(claim: &Claim) -> &'static str {
    match claim.key {
        "1" => "`sys.getrefcount` gives 2, with a second name 3, then 2",
        "2" => "An object whose count falls to 0 dies inside the `del`",
        "3" => "Objects on a cycle survive `del`; `gc.collect()` frees them",
        "5" => "A deleted cycle stays tracked until it is collected",
        "8" => "Generation 1 is due after 10 collections of generation 0",
        "9" => "Generation 2 is due after 10 collections of generation 1",
        "10" => "A third threshold of 0: generation 2 is never collected",
        "11" => "(1000, 15, 15): fewer collections and less time in them",
        "13" => "(50000, 500, 100): fewer, but longer pauses",
        "19" => "Differences of `gc.get_count()[0]` count collections",
        "20" => "A weak reference to the parent breaks the cycle",
        "22" => "Finalizers run in topological order",
        "23" => "Cycles with `__del__` are collected, since Python 3.4",
        "24" => "Cycles with `__del__` are uncollectable: `gc.garbage`",
        "26" => "Differences of `len(gc.get_objects())` show leaks",
        "27" => "`gc.callbacks` are called at start and stop, with figures",
        "29" => "The runtime makes cycles: exception, traceback, frame",
        "33" => "`freeze` moves all, `get_freeze_count` counts them",
        "34" => "(In no article.) A frozen dead cycle leaks till `unfreeze`",
        "35" => "A collection in a forked child copies shared pages",
        "39" => "Collecting generation 0 between requests: no pauses in them",
        "41" => "Subtraction, promotion and counters are as described",
        "42" => "`get_count` shows thresholds, `garbage` the unreachable",
        "43" => "Memory of freed objects is not returned to the system",
        "R3" => "Release resources explicitly, not by a finalizer",
        "R4" => "Read results lazily, not all rows in a list",
        _ => claim.says,
    }
}

#[cfg(test)]
mod tests {
    use super::super::CLAIMS;
    use super::*;

    #[test]
    fn each_name_fits_a_screen_and_is_no_longer_than_the_claim() {
        for claim in CLAIMS {
            let name = name(claim);
            assert!(name.chars().count() <= ROOM.min(claim.says.chars().count()), "{}: {name}", claim.key);
        }
    }
}
