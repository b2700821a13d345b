//! A candidate as lines of Python to paste into a service; none where no CPython can do what it does.

use super::candidate::{Candidate, DEFAULT, Freeze, When};
use crate::comparison::BASELINE;

/// The lines, each without its end. `None`: there are none, as this is another heap, or a trigger that CPython has not.
pub fn lines(candidate: &Candidate) -> Option<Vec<String>> {
    if candidate.heap != BASELINE || matches!(candidate.when, When::Bytes(_)) {
        return None;
    }
    let mut lines = vec!["import gc".to_owned()];
    if matches!(candidate.when, When::Interval(_)) {
        lines.push("import time".to_owned());
    }
    lines.push(String::new());
    let mut add = |text: &str| lines.extend(text.lines().map(str::to_owned));
    let thresholds = candidate.thresholds.map(|threshold| threshold.to_string()).join(", ");
    let is_default = candidate.thresholds == DEFAULT;
    match candidate.freeze {
        Freeze::No => {}
        Freeze::Collected => {
            add("# Once, after the warm-up (modules imported, caches filled) and before the workers are forked:\n\
             gc.collect()\n\
             gc.freeze()")
        }
        Freeze::Uncollected => add(
            "# Once, after the warm-up (modules imported, caches filled) and before the workers are forked; no gc.collect()\n\
             # before it, as its holes would be filled by the workers:\n\
             gc.freeze()",
        ),
    }
    add("# In each worker, when it starts:");
    match candidate.when {
        When::Thresholds if is_default => add(&format!(
            "gc.set_threshold({thresholds})  # the default up to CPython 3.12; 3.13 has 2000 in the first place"
        )),
        When::Thresholds => add(&format!("gc.set_threshold({thresholds})")),
        When::Between => add(&format!("gc.set_threshold({thresholds})\ngc.disable()")),
        _ => add("gc.disable()"),
    }
    match candidate.when {
        When::Thresholds => {}
        When::Off => add("\n# Cycles that die are never freed: replace each worker after a number of requests."),
        When::Between => add("\n\nclass _Allocated:\n    pass\n\n\n\
             def after_request():\n    \"\"\"Call it when an answer has been sent, before the next request is taken.\"\"\"\n    \
             gc.enable()\n    _Allocated()  # a collection that is due comes with an allocation\n    gc.disable()"),
        When::YoungEvery(every) => add(&counted(every, "gc.collect(0)")),
        When::FullEvery(every) => add(&counted(every, "gc.collect()")),
        When::Scheduler(count) => add(&format!(
            "\n\ndef after_request():\n    \"\"\"Call it when an answer has been sent, before the next request is taken.\"\"\"\n    \
             if gc.get_count()[0] > {count}:\n        gc.collect(0)"
        )),
        When::Interval(ms) => add(&format!(
            "\n_collected = time.monotonic()\n\n\n\
             def after_request():\n    \"\"\"Call it when an answer has been sent, before the next request is taken.\"\"\"\n    \
             global _collected\n    if time.monotonic() - _collected >= {}:\n        gc.collect(0)\n        \
             _collected = time.monotonic()",
            ms as f64 / 1000.0
        )),
        When::Bytes(_) => {}
    }
    if candidate.oldest_collected() == Some(0) {
        add(
            "\n\n# collect(0) finds no cycle that dies old: call gc.collect() where nobody waits, or replace the worker from time to\n\
             # time.",
        );
    }
    Some(lines)
}

fn counted(every: u64, call: &str) -> String {
    format!(
        "\n_requests = 0\n\n\ndef after_request():\n    \"\"\"Call it when an answer has been sent, before the next request is \
         taken.\"\"\"\n    global _requests\n    _requests += 1\n    if _requests % {every} == 0:\n        {call}"
    )
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn only_what_a_cpython_can_do_has_lines() {
        for candidate in Candidate::all() {
            let lines = lines(&candidate);
            assert_eq!(lines.is_none(), matches!(candidate.when, When::Bytes(_)), "{}", candidate.name());
            let Some(lines) = lines else { continue };
            assert_eq!(lines[0], "import gc");
            let text = lines.join("\n");
            assert_eq!(text.contains("gc.freeze()"), candidate.freeze != Freeze::No);
            let first = text.find("gc.collect()\ngc.freeze()").is_some();
            assert_eq!(first, candidate.freeze == Freeze::Collected, "{text}");
            let is_off = text.contains("gc.disable()");
            assert_eq!(is_off, candidate.when != When::Thresholds, "{text}");
        }
        assert_eq!(lines(&Candidate::on("concurrent")), None);
    }

    /// Each runs on the `python3` that is there, and does what it says to the collector.
    #[test]
    fn the_lines_run_on_a_python() {
        let python = |text: &str| {
            let mut command = Command::new("python3");
            command.args(["-B", "-c", text]).stdin(Stdio::null()).output()
        };
        if !python("import sys; assert sys.implementation.name == 'cpython'").is_ok_and(|done| done.status.success()) {
            eprintln!("skipped: no python3 of CPython");
            return;
        }
        for candidate in Candidate::all() {
            let Some(lines) = lines(&candidate) else { continue };
            let mut text = lines.join("\n");
            let on = if candidate.when == When::Thresholds { "gc.isenabled()" } else { "not gc.isenabled()" };
            text.push_str(&format!("\nassert {on}\n"));
            if candidate.freeze != Freeze::No {
                text.push_str("assert gc.get_freeze_count() > 0\n");
            }
            if !matches!(candidate.when, When::Thresholds | When::Off) {
                // Cycles enough for each schedule, in a second.
                text.push_str(
                    "found = []\ngc.callbacks.append(lambda phase, info: found.append(info['generation']))\nimport time as t\nend = \
                     t.monotonic() + 5\nwhile not found and t.monotonic() < end:\n    for _ in range(20):\n        a = []\n        \
                     a.append(a)\n    after_request()\nassert found\n",
                );
            }
            let done = python(&text).unwrap();
            assert!(done.status.success(), "{}: {}", candidate.name(), String::from_utf8_lossy(&done.stderr));
        }
    }
}
