//! `peers requests`: request throughput on threads that share a cache, contestant beside contestant.
//!
//! Each contestant runs in a process of its own, so that one that hangs, crashes or leaks spoils no other's figures; rounds
//! are interleaved, and ratios taken within a round, since the machine is noisier than the differences.

mod arcs;
mod dumpsters;
mod heaps;
mod lineup;
mod options;
mod outcome;
mod program;
mod schemes;
mod shredders;
mod table;
mod tally;
mod threaded_ccs;
mod watch;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lineup::Entry;
use options::{Options, SERVE};
use outcome::Outcome;
use program::{Length, SplitMix};

/// What one contestant found in one round.
type Round = Result<Outcome, String>;

/// Runs the subcommand with the words after its name.
pub fn main(words: &[String]) -> ExitCode {
    if let [first, name, threads, length] = words
        && first == SERVE
    {
        return serve(name, threads, length);
    }
    match Options::read(words) {
        Ok(options) => compare(&options),
        Err(wrong) => {
            eprintln!("peers requests: {wrong}\n\n{}", Options::usage());
            ExitCode::from(2)
        }
    }
}

/// In the process of one contestant.
fn serve(name: &str, threads: &str, length: &str) -> ExitCode {
    let entry = lineup::all().find(|entry| entry.name == name);
    let (Some(entry), Ok(threads), Some(length)) = (entry, threads.parse(), options::read_length(length)) else {
        eprintln!("peers requests: {SERVE} is for its own use");
        return ExitCode::from(2);
    };
    // One thread's panic would leave the others waiting for it.
    std::panic::set_hook(Box::new(|panic| {
        println!("{}", Outcome::failure_line(&format!("panicked: {}", panic.to_string().replace('\n', " "))));
    }));
    println!("{}", (entry.run)(threads, length).line());
    ExitCode::SUCCESS
}

fn compare(options: &Options) -> ExitCode {
    let mut results: Vec<(&Entry, Vec<Round>)> = options.contestants.iter().map(|entry| (*entry, vec![])).collect();
    for round in 0..options.rounds {
        let mut order: Vec<usize> = (0..results.len()).collect();
        let mut numbers = SplitMix(round as u64);
        (1..order.len()).for_each(|n| order.swap(n, numbers.below(n + 1)));
        for n in order {
            let (entry, rounds) = &mut results[n];
            eprintln!("round {} of {}: {}", round + 1, options.rounds, entry.name);
            rounds.push(run_apart(entry, options));
        }
    }
    print!("{}", table::render(&results, options));
    let mut digests = results
        .iter()
        .flat_map(|(entry, rounds)| rounds.iter().filter_map(|round| Some((entry.name, round.as_ref().ok()?.digest))));
    let Some((_, digest)) = digests.next() else {
        eprintln!("peers requests: no run came to its end");
        return ExitCode::FAILURE;
    };
    if let Some((name, other)) = digests.find(|(_, other)| *other != digest) {
        eprintln!(
            "peers requests: digests differ: {digest:016x} and, of {name}, {other:016x}: they did not run one program"
        );
        return ExitCode::FAILURE;
    }
    println!("\nDigest of every run that came to its end: {digest:016x}.");
    ExitCode::SUCCESS
}

/// Longest that filling a cache and collecting for the last time may take beside the requests. Beyond the patience of the
/// contestant's own watchdog: it is for processes that are hung as a whole.
const AROUND: Duration = Duration::from_secs(150);
/// With a number of requests instead of a time, nobody knows how long it takes; only standstill counts then.
const LONG: Duration = Duration::from_secs(3600);

fn run_apart(entry: &Entry, options: &Options) -> Round {
    let words = ["requests", SERVE, entry.name, &options.threads.to_string(), &options::length_word(options.length)];
    let program = std::env::current_exe().map_err(|error| format!("cannot find its own program: {error}"))?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("not started: {error}"))?;
    let limit = match options.length {
        Length::Time(time) => time + AROUND,
        Length::Requests(_) => LONG,
    };
    let (told, tells) = mpsc::channel();
    let pipe = child.stdout.take();
    thread::spawn(move || {
        let mut line = String::new();
        // What cannot be read counts as nothing said, and a receiver that is gone has given up on the process.
        if let Some(pipe) = pipe {
            let _bytes = BufReader::new(pipe).read_line(&mut line);
        }
        let _received = told.send(line);
    });
    let line = tells.recv_timeout(limit);
    if line.as_ref().is_ok_and(String::is_empty) {
        return Err(child.wait().map_or_else(|error| error.to_string(), |status| format!("crashed ({status})")));
    }
    // It has said what it has to say. Not every contestant's threads would let it end.
    let _ended = child.kill();
    let _status = child.wait();
    let line = line.map_err(|_| "hung as a whole".to_owned())?;
    Outcome::read(&line).unwrap_or_else(|| Err(format!("said {line:?}")))
}
