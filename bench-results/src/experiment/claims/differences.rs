//! Who is not as CPython 3.12.1, in what, and why.

use super::answer::{Answer, Verdict};
use super::claim::{Claim, Kind};
use super::disagreements::explained;
use super::told::{BUILDS, RECORDED, Told, recorded, says};
use crate::comparison::BASELINE;
use crate::experiment::trial::Subject;
use crate::report::chapter::Finding;
use crate::report::grid::{Grid, Word};

/// A claim on which somebody says something else than what was recorded.
struct Difference<'c> {
    claim: &'c Claim,
    recorded: Answer,
    here: Answer,
}

impl Difference<'_> {
    /// Why; for times without a known cause, both figures.
    fn why(&self, subject: &Subject) -> String {
        let Self { claim, recorded, here } = self;
        let Some(heap) = subject.heap_name() else {
            let measured = claim.cpython.map_or("", |cpython| cpython.measured);
            return format!("versions of CPython differ, or its runs do: {measured}");
        };
        let values = || format!("here {}; recorded {}", here.text, recorded.text);
        match explained(claim.key, heap, here.verdict) {
            Some(one) => one.why.to_owned(),
            None => format!("not explained: {}", values()),
        }
    }
}

fn differing<'c>(told: &Told<'_>, claims: &[&'c Claim], subject: &Subject) -> Vec<Difference<'c>> {
    let difference = |claim: &&'c Claim| {
        let (recorded, (here, ..)) = (recorded(claim)?, told.of(claim, subject)?);
        (!here.agrees(&recorded)).then_some(Difference { claim, recorded, here })
    };
    claims.iter().filter_map(difference).collect()
}

/// Claims that noise leaves open.
fn not_decided(told: &Told<'_>, claims: &[&Claim], subject: &Subject) -> Vec<&'static str> {
    let is_open = |claim: &&&Claim| told.verdict(claim, subject) == Some(Verdict::NotDecided);
    claims.iter().filter(is_open).map(|claim| claim.key).collect()
}

pub(super) fn disagreements(told: &Told<'_>, claims: &[&Claim]) -> Grid {
    let mut rows = Vec::new();
    for claim in claims {
        for subject in &told.subjects {
            for difference in differing(told, &[claim], subject) {
                let verdict = |answer: &Answer| answer.verdict.name().to_owned();
                let words = [
                    claim.kind.name().to_owned(),
                    subject.name(),
                    verdict(&difference.recorded),
                    verdict(&difference.here),
                    difference.why(subject),
                ];
                rows.push((says(claim), words.map(Word::plain).to_vec()));
            }
        }
    }
    Grid {
        title: format!("Who is not as {RECORDED}, and why"),
        corner: "claim".to_owned(),
        columns: ["about", "heap", RECORDED, "here", "why"].map(str::to_owned).to_vec(),
        rows,
        notes: vec![
            "Of claims 14, 28 and 29 the figures that decide are compared as well: verdicts may be equal where these are not."
                .to_owned(),
        ],
    }
}

pub(super) fn findings(told: &Told<'_>, claims: &[&Claim]) -> Vec<Finding> {
    let with = |letter: &str| -> Vec<&str> {
        let has_it = |claim: &&&Claim| claim.cpython.is_some_and(|cpython| cpython.letter() == letter);
        claims.iter().filter(has_it).map(|claim| claim.key).collect()
    };
    let (wrong, partly) = (with("N"), with("P"));
    let mut findings = vec![Finding {
        about: "the articles".to_owned(),
        text: format!(
            "Of {} claims that they make {} hold on none of the {BUILDS} ({}), and {} hold in part or on some of them ({}).",
            claims.iter().filter(|claim| !claim.articles.is_empty()).count(),
            wrong.len(),
            numbered(&wrong),
            partly.len(),
            numbered(&partly)
        ),
    }];
    let baseline = told.baseline();
    let others = told.subjects.iter().copied().filter(|subject| Some(*subject) != baseline);
    for subject in baseline.into_iter().chain(others) {
        let (timed, untimed): (Vec<_>, Vec<_>) =
            differing(told, claims, subject).into_iter().partition(|one| one.claim.kind == Kind::Performance);
        let keys = |of: &[Difference<'_>]| of.iter().map(|one| one.claim.key).collect::<Vec<_>>();
        let (timed, untimed, hidden) = (keys(&timed), keys(&untimed), not_decided(told, claims, subject));
        if Some(subject) != baseline && timed.is_empty() && untimed.is_empty() && hidden.is_empty() {
            continue;
        }
        let about = if Some(subject) == baseline { format!("the baseline, {BASELINE}") } else { subject.name() };
        let open = if hidden.is_empty() {
            String::new()
        } else {
            format!(" Not decided here, because noise is larger: {}.", numbered(&hidden))
        };
        let text = format!(
            "Not as {RECORDED}: on the algorithm and the layout of objects {}; on time and memory {}.{open}",
            numbered(&untimed),
            numbered(&timed)
        );
        findings.push(Finding { about, text });
    }
    findings
}

/// `claims 1, 35 and 37`.
fn numbered(keys: &[&str]) -> String {
    match keys {
        [] => "no claim".to_owned(),
        [key] => format!("claim {key}"),
        [keys @ .., last] => format!("claims {} and {last}", keys.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_named_as_people_name_them() {
        assert_eq!(numbered(&[]), "no claim");
        assert_eq!(numbered(&["1"]), "claim 1");
        assert_eq!(numbered(&["1", "35", "37"]), "claims 1, 35 and 37");
    }

    #[test]
    fn what_is_known_is_told_and_what_is_not_is_shown() {
        let claim = |key| super::super::claim(key).unwrap();
        let of = |key: &'static str, here: Answer| Difference {
            claim: claim(key),
            recorded: Answer::new(Verdict::Reproduced, "119 ms"),
            here,
        };
        let heap = Subject::heap("concurrent", None);
        let known = of("35", Answer::new(Verdict::Not, "0 MiB"));
        assert!(known.why(&heap).contains("tables"), "{}", known.why(&heap));
        let unknown = of("11", Answer::new(Verdict::Partly, "130 ms"));
        assert_eq!(unknown.why(&heap), "not explained: here 130 ms; recorded 119 ms");
    }

    #[test]
    fn figures_that_decide_must_agree_as_well() {
        let one = Answer::new(Verdict::Partly, "").deciding("a list");
        assert!(one.agrees(&one.clone()));
        assert!(!one.agrees(&one.clone().deciding("a list and a dict")));
        assert!(!one.agrees(&Answer::new(Verdict::Not, "").deciding("a list")));
        assert!(one.agrees(&Answer::new(Verdict::NotApplicable, "")));
        let hidden = Answer::new(Verdict::Partly, "").hidden_by("-9 to +4 %");
        assert!(one.agrees(&hidden) && hidden.agrees(&one), "noise hides which");
        assert!(!one.agrees(&Answer::new(Verdict::Partly, "")), "it is missing for no other reason");
    }

    #[test]
    fn what_noise_leaves_open_is_no_difference() {
        let open = Answer::new(Verdict::NotDecided, "23.3 against 23.1 ms").hidden_by("-9 to +4 %");
        for verdict in [Verdict::Reproduced, Verdict::Partly, Verdict::Not] {
            assert!(open.agrees(&Answer::new(verdict, "")) && Answer::new(verdict, "").agrees(&open));
        }
        assert_eq!(open.shown(), "not decided, -9 to +4 %");
        assert_eq!(Answer::new(Verdict::Partly, "").hidden_by("-9 to +4 %").shown(), "partly");
    }
}
