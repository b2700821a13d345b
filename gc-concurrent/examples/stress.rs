//! Random operations of several mutators on one heap for as long as it is told; fails with the plan if anything is wrong.
//!
//! `cargo run --release -p gc-concurrent --example stress -- --seconds 600 --mutators 4 --heap concurrent --seed 1`

use std::time::Duration;

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{Ages, Automatic, Certify, HeapConfig, Propose, Thresholds, WeakOrder};

#[path = "../tests/stress/mod.rs"]
#[expect(dead_code, reason = "the narrow ones are for tests")]
mod engine;

use engine::{Plan, run};

const USAGE: &str = "stress [--seconds N] [--mutators N] [--heap concurrent|stop-the-world|refcount-atomic] [--seed N] \
                     [--forks N] [--threshold N] [--objects N] [--reservation BYTES] \
                     [--setting background|at-trigger|stopped|plain-after|inline-ages|candidate-roots]";

fn number(text: Option<String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_else(|| refuse("a number is missing"))
}

fn refuse(reason: &str) -> ! {
    eprintln!("{reason}\nusage: {USAGE}");
    std::process::exit(2)
}

fn main() {
    let seed = std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64);
    let config = HeapConfig { reservation: 1 << 32, thresholds: Thresholds([200, 5, 5]), ..HeapConfig::default() };
    let mut plan = Plan { config, mutators: 4, time: Duration::from_secs(60), seed, most_objects: 20_000, forks: 0 };
    let mut heap = "concurrent".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next();
        match argument.as_str() {
            "--seconds" => plan.time = Duration::from_secs(number(value())),
            "--mutators" => plan.mutators = number(value()) as u32,
            "--seed" => plan.seed = number(value()),
            "--forks" => plan.forks = number(value()) as u32,
            "--threshold" => plan.config.thresholds.0[0] = number(value()) as u32,
            "--objects" => plan.most_objects = number(value()),
            "--reservation" => plan.config.reservation = number(value()),
            "--heap" => heap = value().unwrap_or_else(|| refuse("a heap is missing")),
            "--setting" => match value().as_deref() {
                Some("background") => {}
                Some("at-trigger") => plan.config.automatic = Automatic::AtTrigger,
                Some("stopped") => plan.config.certify = Certify::Stopped,
                Some("plain-after") => plan.config.weak_order = WeakOrder::PlainAfterFinalizers,
                Some("inline-ages") => plan.config.ages = Ages::Inline,
                Some("candidate-roots") => plan.config.propose = Propose::CandidateRoots,
                _ => refuse("no such setting"),
            },
            _ => refuse(&format!("{argument} is not known")),
        }
    }
    println!("{heap}: {} mutators, {:?}, seed {}", plan.mutators, plan.time, plan.seed);
    let outcome = match heap.as_str() {
        "concurrent" => run::<ConcurrentHeap>(plan),
        "stop-the-world" => run::<StopTheWorldHeap>(plan),
        "refcount-atomic" => run::<RefcountAtomicHeap>(plan),
        _ => refuse(&format!("there is no heap {heap} here")),
    };
    println!("{outcome}");
}
