//! Running a scenario in all its executions, or looking for one that fails.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Once};

/// The longest execution.
const MOST_BRANCHES: usize = 20_000;

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with panics of this thread kept off the terminal. (Loom runs all threads of a model on the thread that
/// explores it.) Returns the message of a panic.
pub(crate) fn silently(f: impl FnOnce()) -> Result<(), String> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Shuttle puts its hook over whatever there is, once: so ours comes after it. (Loom ends threads by panics.)
        shuttle::Runner::new(shuttle::scheduler::RandomScheduler::new(1), shuttle::Config::new()).run(|| {});
        let loud = take_hook();
        set_hook(Box::new(move |panic| {
            if !SILENT.get() {
                loud(panic);
            }
        }));
    });
    SILENT.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    SILENT.set(false);
    result.map_err(|payload| match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, ToString::to_string),
    })
}

fn explore(scenario: fn(), preemptions: Option<usize>) -> (u64, Result<(), String>) {
    let executions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&executions);
    let mut model = loom::model::Builder::new();
    model.max_branches = MOST_BRANCHES;
    model.preemption_bound = preemptions;
    let result = silently(|| {
        model.check(move || {
            counted.fetch_add(1, Relaxed);
            scenario();
        });
    });
    (executions.load(Relaxed), result)
}

fn report(outcome: &str, executions: u64) {
    let name = std::thread::current().name().unwrap_or("model").to_owned();
    println!("{name}: {outcome}, {executions} executions");
}

/// The scenario holds in every execution.
pub(crate) fn holds(scenario: fn()) {
    holds_within(scenario, None);
}

/// The scenario holds in every execution with at most so many preemptions (of any number of threads; a thread that
/// waits or ends is not preempted).
pub(crate) fn holds_within(scenario: fn(), preemptions: impl Into<Option<usize>>) {
    let preemptions = preemptions.into();
    let (executions, result) = explore(scenario, preemptions);
    let outcome = match (&result, preemptions) {
        (Ok(()), None) => "holds".to_owned(),
        (Ok(()), Some(bound)) => format!("holds within {bound} preemptions"),
        (Err(message), _) => format!("FAILS: {message}"),
    };
    report(&outcome, executions);
    assert!(result.is_ok(), "{outcome} (execution {executions})");
}

/// Some execution of the scenario fails a check of its own.
pub(crate) fn caught(scenario: fn()) {
    caught_within(scenario, None);
}

/// The same, searched among executions with few preemptions.
pub(crate) fn caught_within(scenario: fn(), preemptions: impl Into<Option<usize>>) {
    let (executions, result) = explore(scenario, preemptions.into());
    let message = result.err().unwrap_or_else(|| panic!("not caught in {executions} executions"));
    report(&format!("caught: {}", message.lines().next().unwrap_or_default()), executions);
    assert!(!message.contains("exceeded maximum"), "loom gave up: {message}");
}
