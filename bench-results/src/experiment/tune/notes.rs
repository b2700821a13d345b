//! What is to be said with an answer, whatever came of it.

use super::backtest::BackTest;
use super::plan::Plan;
use super::prediction::{FURTHER_RUNS, LEVEL};
use crate::units;

/// The notes of an answer; whole sentences.
pub(super) fn of(plan: &Plan, back_test: Option<&BackTest>) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.is_embedded() {
        notes.push(
            "No heap file was given: the long-lived heap is that of a Django process, which the program has in it. Dump your own \
             (python/gclab_dump.py) and give it with --heap-file."
                .to_owned(),
        );
    }
    if back_test.is_none() {
        notes.push(
            "No recording was given: that the model behaves as your service does is not tested. Record it \
             (python/gclab_record.py) and give that with --recording."
                .to_owned(),
        );
    }
    if plan.recording.is_none() {
        notes.push(
            "The default is 700,10,10 up to CPython 3.12, which settings are compared with here; 3.13 has 2000,10,10. With \
             --recording they are compared with what your service has."
                .to_owned(),
        );
    } else if !plan.is_of_service() {
        notes.push(
            "The recorded service has its collector off and makes collections itself, when is not known: settings are compared with \
             700,10,10, the default up to CPython 3.12, and not with what the service has now."
                .to_owned(),
        );
    }
    if let Some(test) = back_test {
        let how =
            if test.scale_found { "found from the pauses, whose proportions alone are tested" } else { "as given" };
        notes.push(format!(
            "Times are those of the recorded machine: what was measured here, times {:.2} ({how}).",
            test.scale
        ));
        if !test.trusted && plan.recording.as_ref().is_some_and(|asked| asked.despite) {
            notes.push("The model is not trusted, and this is printed because of --despite.".to_owned());
        }
    }
    for (quantity, ns) in plan.recording.iter().flat_map(|asked| &asked.beyond) {
        notes.push(format!(
            "Recorded requests without any pause have a {quantity} of {} already: no setting of the collector brings it below that.",
            units::time(*ns)
        ));
    }
    notes.push(
        "Requests are the model's, of about 200 objects; what a request of yours does beside the collector comes on top. Memory is \
         the model's process: read what a setting adds to the first one."
            .to_owned(),
    );
    notes.push(format!(
        "Intervals are where further runs of the same command lie, with other seeds, on this machine as it was: all values of the \
         goal's quantities and of peak memory, of {FURTHER_RUNS} runs at once, in {:.0} % of cases if runs differ lognormally; less \
         often where a few runs are far slower than the others (METHODOLOGY.md).",
        LEVEL * 100.0
    ));
    notes
}
