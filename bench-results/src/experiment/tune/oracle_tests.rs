//! The search on candidates whose distributions are known.

use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::goal::{Goal, Memory, Slo};
use super::growth::Slope;
use super::judge::{Judged, PEAK, Standing, judge};
use super::prediction::FURTHER_RUNS;
use super::search::{Bench, CONFIRMATIONS_FROM, Rung, Schedule, search};
use super::track::{Measured, Track};

const SEED: u64 = 7_112_026;

/// The median of p99.9 in milliseconds, memory in MiB, CPU in microseconds.
type Made = (f64, f64, f64);

struct Oracle {
    candidates: Vec<Made>,
    /// Spread of the logarithm of times between runs.
    spread: f64,
    random: Pcg64,
    /// Which rounds each was run in.
    rounds: Vec<Vec<u32>>,
}

impl Oracle {
    fn new(candidates: &[Made], spread: f64, seed: u64) -> Self {
        let rounds = vec![Vec::new(); candidates.len()];
        Self { candidates: candidates.to_vec(), spread, random: Pcg64::seed_from_u64(seed), rounds }
    }

    fn normal(&mut self) -> f64 {
        let (one, two): (f64, f64) = (self.random.random(), self.random.random());
        (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos()
    }
}

impl Bench for Oracle {
    fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured> {
        self.rounds[candidate].push(round);
        let (ms, mib, us) = self.candidates[candidate];
        let (time, memory, cpu) = (self.normal() * self.spread, self.normal() * 0.001, self.normal() * 0.01);
        Ok(Measured {
            latency_ns: vec![Some(ms * 1e6 * time.exp())],
            peak_bytes: Some(mib * 1_048_576.0 * memory.exp()),
            held_bytes: None,
            cpu_ns: Some(us * 1e3 * cpu.exp()),
            failure: None,
            ..Measured::default()
        })
    }
}

fn goal(ms: u64, memory: Option<f64>) -> Goal {
    let slo = Slo::parse(&format!("p99.9={ms}ms")).unwrap();
    Goal { slos: vec![slo], memory: memory.map(Memory::Share) }
}

fn schedule() -> Schedule {
    Schedule { rungs: vec![Rung { rounds: 2, go_on: 8 }, Rung { rounds: 2, go_on: 3 }], confirmations: 8 }
}

fn searched(oracle: &mut Oracle, goal: &Goal, seed: u64) -> Judged {
    let always: Vec<bool> = (0..oracle.candidates.len()).map(|place| place == 0).collect();
    let tracks = search(oracle, &always, goal, &schedule(), seed).unwrap();
    judge(&tracks, goal, &vec![true; always.len()])
}

/// How many of `trials` searches recommended each candidate; the last place: none.
fn recommended(candidates: &[Made], spread: f64, goal: &Goal, trials: u64) -> Vec<u32> {
    let mut counts = vec![0; candidates.len() + 1];
    for trial in 0..trials {
        let judged = searched(&mut Oracle::new(candidates, spread, SEED + trial), goal, trial);
        counts[judged.recommended.unwrap_or(candidates.len())] += 1;
    }
    counts
}

#[test]
fn the_candidate_that_meets_the_goal_is_found_among_those_that_do_not() {
    let mut candidates: Vec<Made> = (0..20).map(|n| (10.0 + f64::from(n), 100.0, 50.0)).collect();
    candidates[13] = (2.5, 105.0, 52.0);
    // Fast, and too large.
    candidates[5] = (1.0, 150.0, 40.0);
    let counts = recommended(&candidates, 0.1, &goal(5, Some(0.1)), 200);
    // Never another one; now and then none, as the finalists share the risk and few runs may lie far apart.
    assert!(counts[13] >= 190 && counts[13] + counts[20] == 200, "seed {SEED}: {counts:?}");
}

#[test]
fn of_several_that_meet_it_the_cheapest_is_recommended_and_the_default_before_all() {
    let candidates = [(20.0, 100.0, 50.0), (2.0, 100.0, 60.0), (1.0, 100.0, 70.0), (2.2, 100.0, 50.0)];
    let counts = recommended(&candidates, 0.05, &goal(5, None), 100);
    assert!(counts[3] >= 99, "seed {SEED}: {counts:?}");
    let mut with_default = candidates;
    with_default[0].0 = 2.0;
    assert_eq!(recommended(&with_default, 0.05, &goal(5, None), 50)[0], 50, "seed {SEED}");
}

#[test]
fn a_goal_that_is_too_strict_gives_no_recommendation_and_says_who_came_nearest() {
    let candidates = [(20.0, 100.0, 50.0), (8.0, 100.0, 60.0), (6.0, 100.0, 70.0), (30.0, 100.0, 50.0)];
    for trial in 0..100 {
        let mut oracle = Oracle::new(&candidates, 0.02, SEED + trial);
        let judged = searched(&mut oracle, &goal(5, None), trial);
        assert_eq!(judged.recommended, None, "seed {SEED} + {trial}");
        // All others went in the search, being far above the limit; the default never goes.
        let finalists: Vec<usize> = judged.finalists.iter().map(|one| one.candidate).collect();
        assert_eq!((finalists, judged.nearest), (vec![0], Some(0)), "seed {SEED} + {trial}");
    }
    let near = searched(&mut Oracle::new(&[candidates[0], (5.1, 100.0, 50.0)], 0.1, SEED), &goal(5, None), 1);
    assert_eq!((near.recommended, near.nearest), (None, Some(1)));
    assert_eq!(near.finalists[1].standing, Standing::NotShown);
    assert!(near.finalists[1].misses[0].contains("× the limit"), "{near:?}");
}

#[test]
fn noise_makes_no_winner_more_often_than_stated() {
    // Thirty candidates of which none meets the goal in more than half of its runs: the best of the search is luck.
    for spread in [0.02, 0.1, 0.3] {
        let candidates = [(5.0, 100.0, 50.0); 30];
        let trials = 400;
        let counts = recommended(&candidates, spread, &goal(5, None), trials);
        let winners = trials as u32 - counts[30];
        println!("seed {SEED}, spread {spread}: {winners} false winners of {trials}");
        assert!(f64::from(winners) <= 0.05 * trials as f64, "seed {SEED}, spread {spread}: {counts:?}");
    }
}

#[test]
fn of_tied_finalists_the_chosen_one_is_held_as_often_as_stated() {
    // Finalists that are alike in all but luck: choosing is by the runs that the interval is made of. The judge alone, as no
    // search is needed to bring all of them there.
    let candidates =
        [(20.0, 100.0, 50.0), (2.0, 100.0, 50.0), (2.0, 100.0, 50.0), (2.0, 100.0, 50.0), (2.0, 100.0, 50.0)];
    let (goal, trials) = (goal(5, None), 3_000);
    for spread in [0.02, 0.1] {
        let mut oracle = Oracle::new(&candidates, spread, SEED);
        let (mut chosen, mut held) = (0, 0);
        for _ in 0..trials {
            let mut tracks = vec![Track::default(); candidates.len()];
            for (candidate, track) in tracks.iter_mut().enumerate() {
                track.confirmed = (0..8).map(|round| oracle.measure(candidate, round).unwrap()).collect();
            }
            let judged = judge(&tracks, &goal, &[true; 5]);
            let Some(best) = judged.recommended else { continue };
            let finalist = judged.finalists.iter().find(|one| one.candidate == best).unwrap();
            chosen += 1;
            let is_held = (0..FURTHER_RUNS).all(|round| {
                let run = oracle.measure(best, round).unwrap();
                let holds = |name: &str, value: f64| finalist.quantity(name).unwrap().prediction.holds(value);
                holds("p99.9", run.latency_ns[0].unwrap()) && holds(PEAK, run.peak_bytes.unwrap())
            });
            held += u32::from(is_held);
        }
        let share = f64::from(held) / f64::from(chosen);
        println!("seed {SEED}, spread {spread}: {share} of {chosen} chosen ones");
        assert!(chosen > trials * 9 / 10, "seed {SEED}, spread {spread}: {chosen} of {trials}");
        // Not below 0.95 by more than chance: three standard errors.
        assert!(share > 0.938, "seed {SEED}, spread {spread}: {share}");
    }
}

#[test]
fn what_dropped_out_counts_nowhere_and_too_few_runs_recommend_nothing() {
    let goal = goal(5, None);
    let of = |counting: usize, dropped: usize| {
        let run = |ms: f64, failure: Option<&str>| Measured {
            latency_ns: vec![Some(ms * 1e6)],
            peak_bytes: Some(1e8),
            held_bytes: None,
            cpu_ns: Some(5e4),
            failure: failure.map(str::to_owned),
            ..Measured::default()
        };
        let counting = (0..counting).map(|n| run(2.0 + 0.01 * n as f64, None));
        // Far away, as a run that was saturated is.
        let dropped = (0..dropped).map(|_| run(9e9, Some("saturated")));
        let track = Track { confirmed: counting.chain(dropped).collect(), ..Track::default() };
        judge(&[track], &goal, &[true])
    };
    let whole = of(5, 0);
    assert_eq!((whole.recommended, whole.finalists[0].standing), (Some(0), Standing::Meets));
    let few = of(4, 0);
    assert_eq!((few.recommended, few.finalists[0].standing), (None, Standing::NotShown));
    assert_eq!(few.finalists[0].misses, ["too few runs: 4 of 4 count, and 5 must"]);
    assert!(few.finalists[0].held.is_empty(), "{few:?}");
    let failed = of(6, 2);
    assert_eq!((failed.recommended, failed.finalists[0].standing), (None, Standing::Misses));
    assert_eq!(failed.finalists[0].misses, ["2 of 8 runs failed: saturated"]);
    let held = &failed.finalists[0].quantity("p99.9").unwrap().prediction;
    assert!(held.runs == 6 && held.high < 3e6, "{held:?}");
    let most = of(3, 5);
    assert!(most.finalists[0].misses.iter().any(|miss| miss.contains("too few runs: 3 of 8")), "{most:?}");
}

#[test]
fn who_grows_in_all_runs_is_refused_and_who_rises_in_some_is_not() {
    struct Growing(Oracle, Option<u64>);
    impl Bench for Growing {
        fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured> {
            let run = self.0.measure(candidate, round)?;
            // The second leaks; the third rises in every third run, as saw teeth do.
            let share = match candidate {
                1 => 0.126 + 0.001 * f64::from(round % 3),
                2 => [0.12, -0.09, 0.01][round as usize % 3],
                _ => return Ok(run),
            };
            let slope = Slope { share, request_bytes: Some(1024.0), requests_left: self.1 };
            Ok(Measured { slope: Some(slope), ..run })
        }
    }
    let candidates = [(20.0, 100.0, 50.0), (1.0, 100.0, 30.0), (2.0, 100.0, 60.0)];
    let searched = |always: &[bool], life: Option<u64>, goal: &Goal| {
        let mut bench = Growing(Oracle::new(&candidates, 0.05, SEED), life);
        search(&mut bench, always, goal, &schedule(), 1).unwrap()
    };
    let (goal, endless) = (goal(5, None), goal(5, Some(0.2)));
    let tracks = searched(&[true, false, false], None, &goal);
    assert!(
        tracks[1].left.as_ref().unwrap().contains("grows without end, by 1000 KiB in 1,000"),
        "{:?}",
        tracks[1].left
    );
    assert_eq!(judge(&tracks, &goal, &[true; 3]).recommended, Some(2));
    // Confirmed all the same, it misses: of none of its runs anything counts.
    let judged = judge(&searched(&[true, true, false], None, &goal), &goal, &[true; 3]);
    assert_eq!((judged.finalists[1].standing, judged.recommended), (Standing::Misses, Some(2)));
    assert!(judged.finalists[1].misses[0].contains("8 of 8 runs failed: its memory grows"), "{judged:?}");
    // Where workers are replaced it counts with what a worker holds in the end.
    let tracks = searched(&[true, true, false], Some(10_240), &endless);
    let judged = judge(&tracks, &endless, &[true; 3]);
    assert_eq!(judged.recommended, Some(1), "{judged:?}");
    let peak = judged.finalists[1].quantity(PEAK).unwrap().prediction.mean / 1_048_576.0;
    assert!((peak - 110.0).abs() < 0.5, "{peak}");
    let judged = judge(&searched(&[true, true, false], Some(102_400), &endless), &endless, &[true; 3]);
    assert_eq!((judged.recommended, judged.finalists[1].standing), (Some(2), Standing::Misses));
}

#[test]
fn who_may_grow_is_not_shown_to_meet_the_goal_unless_workers_are_replaced() {
    struct Rising(Oracle, Option<u64>);
    impl Bench for Rising {
        fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured> {
            let run = self.0.measure(candidate, round)?;
            let share = [0.3, -0.1, 0.2][round as usize % 3];
            let slope = (candidate == 1).then_some(Slope { share, request_bytes: Some(1024.0), requests_left: self.1 });
            Ok(Measured { slope, ..run })
        }
    }
    let goal = goal(5, Some(0.2));
    let judged = |life: Option<u64>| {
        let mut bench = Rising(Oracle::new(&[(20.0, 100.0, 50.0), (1.0, 100.0, 30.0)], 0.05, SEED), life);
        judge(&search(&mut bench, &[true, true], &goal, &schedule(), 1).unwrap(), &goal, &[true; 2])
    };
    let open = judged(None);
    assert_eq!((open.recommended, open.finalists[1].standing), (None, Standing::NotShown), "{open:?}");
    assert!(open.finalists[1].misses[0].contains("may grow without end"), "{open:?}");
    assert_eq!(judged(Some(10_240)).recommended, Some(1));
    assert_eq!(judged(Some(102_400)).finalists[1].standing, Standing::Misses);
}

#[test]
fn a_limit_of_memory_holds_where_the_default_has_no_interval() {
    struct Saturating(Oracle);
    impl Bench for Saturating {
        fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured> {
            let failure = (candidate == 0 && round != CONFIRMATIONS_FROM).then(|| "saturated".to_owned());
            Ok(Measured { failure, ..self.0.measure(candidate, round)? })
        }
    }
    // Of the default one run of eight counts.
    let candidates = [(20.0, 100.0, 50.0), (2.0, 60.0, 40.0), (2.0, 18.0, 60.0)];
    let searched = |memory: Memory| {
        let goal = Goal { memory: Some(memory), ..goal(5, None) };
        let mut bench = Saturating(Oracle::new(&candidates, 0.02, SEED));
        let tracks = search(&mut bench, &[true, true, true], &goal, &schedule(), 1).unwrap();
        judge(&tracks, &goal, &[true; 3])
    };
    let absolute = searched(Memory::Bytes(20 << 20));
    assert_eq!(absolute.recommended, Some(2), "{absolute:?}");
    let large = &absolute.finalists[1];
    assert_eq!((large.standing, large.quantity(PEAK).unwrap().limit), (Standing::Misses, Some(20_971_520.0)));
    assert!(large.misses.iter().any(|miss| miss.starts_with("peak-memory is 3.0")), "{large:?}");
    for relative in [Memory::Share(9.0), Memory::More(1 << 40)] {
        let judged = searched(relative);
        assert_eq!(judged.recommended, None, "{judged:?}");
        for finalist in &judged.finalists[1..] {
            assert_eq!(finalist.standing, Standing::NotShown);
            assert!(finalist.misses[0].contains("the limit of memory is not known"), "{finalist:?}");
        }
        assert!(judged.nearest.is_some_and(|nearest| nearest != 0), "{judged:?}");
    }
    // The search goes by an absolute limit too, before the default has any run that counts.
    let goal = Goal { memory: Some(Memory::Bytes(20 << 20)), ..goal(5, None) };
    let mut bench = Saturating(Oracle::new(&candidates, 0.02, SEED));
    let tracks = search(&mut bench, &[true, false, false], &goal, &schedule(), 1).unwrap();
    assert!(tracks[1].left.as_ref().unwrap().contains("peak memory is 3.0"), "{:?}", tracks[1].left);
}

#[test]
fn finalists_run_again_with_seeds_that_the_search_has_not_used() {
    let candidates = [(20.0, 100.0, 50.0), (2.0, 100.0, 60.0), (40.0, 100.0, 50.0)];
    let mut oracle = Oracle::new(&candidates, 0.05, SEED);
    searched(&mut oracle, &goal(5, None), 1);
    let all: Vec<u32> = (0..4).chain(CONFIRMATIONS_FROM..CONFIRMATIONS_FROM + 8).collect();
    assert_eq!((&oracle.rounds[0], &oracle.rounds[1]), (&all, &all));
    assert_eq!(oracle.rounds[2], [0, 1], "far above the limit, it goes after the first rung");
    assert!(schedule().most_runs(3, 1) >= oracle.rounds.iter().map(Vec::len).sum());
}

#[test]
fn who_fails_or_is_no_lines_to_paste_is_not_recommended() {
    struct Failing(Oracle);
    impl Bench for Failing {
        fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured> {
            let failure = (candidate == 1).then(|| "saturated".to_owned());
            Ok(Measured { failure, ..self.0.measure(candidate, round)? })
        }
    }
    let candidates = [(20.0, 100.0, 50.0), (1.0, 100.0, 30.0), (2.0, 100.0, 60.0), (1.0, 100.0, 20.0)];
    let mut bench = Failing(Oracle::new(&candidates, 0.05, SEED));
    let goal = goal(5, None);
    let tracks = search(&mut bench, &[true, false, false, true], &goal, &schedule(), 1).unwrap();
    assert_eq!(tracks[1].left.as_deref(), Some("saturated (2 of 2 runs)"));
    let judged = judge(&tracks, &goal, &[true, true, true, false]);
    assert_eq!(judged.recommended, Some(2));
    let other = judged.finalists.iter().find(|finalist| finalist.candidate == 3).unwrap();
    assert_eq!(other.standing, Standing::Meets, "it is shown, and not recommended");
}
