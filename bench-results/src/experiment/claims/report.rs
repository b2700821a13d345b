//! What the records of a run say: verdicts, measured values, explanations, contradictions.

use super::answer::Verdict;
use super::checks::CLAIMS;
use super::claim::Claim;
use super::contradictions::CONTRADICTIONS;
use super::differences::{disagreements, findings};
use super::told::{BUILDS, RECORDED, Told, recorded, says};
use super::trials::{Claims, question};
use crate::comparison::BASELINE;
use crate::experiment::trial::{Experiment, Record, Run, Size, Subject};
use crate::report::chapter::Chapter;
use crate::report::grid::{Grid, Word};

pub(super) fn chapter(experiment: &Claims, run: &Run, records: &[Record]) -> Chapter {
    let told = Told::new(run, records);
    let numbered = |claim: &&&Claim| claim.cpython.is_some();
    let (claims, remedies): (Vec<&Claim>, Vec<&Claim>) = CLAIMS.iter().partition(|claim| numbered(&claim));
    Chapter {
        listings: Vec::new(),
        stem: experiment.name().to_owned(),
        title: experiment.title().to_owned(),
        question: experiment.question().to_owned(),
        findings: findings(&told, &claims),
        notes: notes(run.plan.size),
        grids: vec![
            verdicts(&told, &claims),
            explanations(&claims),
            contradictions(&told),
            remedies_grid(&told, &remedies),
            values(&told, CLAIMS),
            disagreements(&told, &claims),
            rules(),
        ],
        pictures: Vec::new(),
        facts: Vec::new(),
        records: records.iter().filter_map(|record| serde_json::to_string(record).ok()).collect(),
    }
}

fn verdicts(told: &Told<'_>, claims: &[&Claim]) -> Grid {
    let fixed = ["articles", BUILDS, RECORDED].map(str::to_owned);
    let row = |claim: &&Claim| {
        let cpython = claim.cpython.as_ref();
        let on_3_12 = cpython.map(|cpython| cpython.on_3_12);
        let as_recorded = recorded(claim);
        let first = [
            claim.articles.to_owned(),
            cpython.map_or("", |cpython| cpython.letter()).to_owned(),
            on_3_12.map_or("", Verdict::name).to_owned(),
        ];
        let heaps = told.subjects.iter().map(|subject| told.word(claim, subject, as_recorded.as_ref()));
        (says(claim), first.map(Word::plain).into_iter().chain(heaps).collect())
    };
    Grid {
        title: "The claims: which hold where".to_owned(),
        corner: "claim".to_owned(),
        columns: fixed.into_iter().chain(told.names()).collect(),
        rows: claims.iter().map(row).collect(),
        notes: vec![
            "Articles: A to E; a claim without a letter is in none of them. Seven CPythons: 3.8.18, 3.10.13, 3.11.7, 3.12.1, 3.13.0, \
             3.14.4 and 3.14.4t (free-threaded); Y reproduced, P partly or by version, N not reproduced, - nothing to be wrong about."
                .to_owned(),
            "Bold: not what CPython 3.12.1 does, in its verdict or in the figures that decide it; why is in a table below. n/a: the claim says nothing of this heap; why is among the measured values. Not decided: noise is larger than what was to be seen; beside it the bounds between which the change lies.".to_owned(),
        ],
    }
}

fn remedies_grid(told: &Told<'_>, remedies: &[&Claim]) -> Grid {
    let row = |claim: &&Claim| {
        let first = Word::plain(claim.articles);
        (
            says(claim),
            [first].into_iter().chain(told.subjects.iter().map(|subject| told.word(claim, subject, None))).collect(),
        )
    };
    Grid {
        title: "Remedies: which help where".to_owned(),
        corner: "remedy".to_owned(),
        columns: ["articles".to_owned()].into_iter().chain(told.names()).collect(),
        rows: remedies.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

fn values(told: &Told<'_>, claims: &[Claim]) -> Grid {
    let row = |claim: &Claim| {
        let first = [
            recorded(claim).map(|answer| answer.text).unwrap_or_default(),
            claim.cpython.map_or("", |cpython| cpython.measured).to_owned(),
        ];
        let text = |subject: &&Subject| match told.of(claim, subject) {
            Some((answer, ..)) => Word::plain(answer.text),
            None => told.rows.missing(&question(claim.key), subject),
        };
        (claim.key.to_owned(), first.map(Word::plain).into_iter().chain(told.subjects.iter().map(text)).collect())
    };
    let fixed = [RECORDED, BUILDS].map(str::to_owned);
    Grid {
        title: "What was measured".to_owned(),
        corner: "claim".to_owned(),
        columns: fixed.into_iter().chain(told.names()).collect(),
        rows: claims.iter().map(row).collect(),
        notes: vec!["Of several rounds, the first of those whose verdict most rounds have.".to_owned()],
    }
}

fn explanations(claims: &[&Claim]) -> Grid {
    let row = |claim: &&Claim| {
        let cpython = claim.cpython?;
        let full = format!("{} {}", claim.key, claim.says);
        Some((full, [cpython.letter(), claim.so?].map(Word::plain).to_vec()))
    };
    Grid {
        title: "What is so, where a claim is wrong or holds in part".to_owned(),
        corner: "claim".to_owned(),
        columns: [BUILDS, "what is so"].map(str::to_owned).to_vec(),
        rows: claims.iter().filter_map(row).collect(),
        notes: Vec::new(),
    }
}

fn contradictions(told: &Told<'_>) -> Grid {
    let here = |keys: &[&str]| {
        let words = keys.iter().filter_map(|key| {
            let claim = CLAIMS.iter().find(|claim| claim.key == *key)?;
            Some(format!("{key}: {}", told.verdict(claim, told.baseline()?)?))
        });
        words.collect::<Vec<_>>().join(", ")
    };
    let row = |one: &super::Contradiction| {
        let words =
            [one.one.to_owned(), one.other.to_owned(), one.so.to_owned(), one.claims.join(", "), here(one.claims)];
        (one.about.to_owned(), words.map(Word::plain).to_vec())
    };
    Grid {
        title: "Where the articles contradict one another".to_owned(),
        corner: "about".to_owned(),
        columns: ["one says", "another says", "what is so", "claims", BASELINE].map(str::to_owned).to_vec(),
        rows: CONTRADICTIONS.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

fn rules() -> Grid {
    let row = |claim: &Claim| {
        let words = [claim.says, claim.kind.name(), claim.rule, claim.analogue.unwrap_or("")];
        (claim.key.to_owned(), words.map(Word::plain).to_vec())
    };
    Grid {
        title: "How verdicts are made".to_owned(),
        corner: "claim".to_owned(),
        columns: ["in full", "about", "rule", "what stands for it on a heap without an interpreter"]
            .map(str::to_owned)
            .to_vec(),
        rows: CLAIMS.iter().map(row).collect(),
        notes: vec![
            "One rule judges a heap's figures, a live interpreter's, and those recorded on CPython 3.12.1.".to_owned(),
        ],
    }
}

fn notes(size: Size) -> Vec<String> {
    let mut notes = vec![
        "Five widely read articles about Python's gc module are called A to E; verdicts are on what they say, not on who says it."
            .to_owned(),
        "Heaps have thresholds of 700, 10 and 10. generational and generational-streaming count as CPython 3.12 with its free lists; \
         stop-the-world and concurrent do not model free lists and count every list, dict and tuple, so that the same thresholds \
         mean more collections in services. Collections that a threshold starts run on the mutator that crossed it, on the \
         concurrent heap too; in services (11 to 14, 38 to 40) they run on its own thread, and how many they are varies."
            .to_owned(),
        "Verdicts on counts and orders repeat exactly. Verdicts on time compare two figures of one run, with the tolerance that their \
         rule states; a busy machine may change them. Those of 11, 12 and 14 come from pairs of runs in turn, and are not decided where \
         the bounds of the median ratio (96 %) leave them open."
            .to_owned(),
        "CPython's figures were recorded on other hardware: compare verdicts with them, not times.".to_owned(),
    ];
    if size != Size::Standard {
        notes.push(
            "This is the short form: services (11 to 14, 38 to 40) serve 15,000 requests and not 40,000, those of 38 to 40 once and not \
             three times, batches (16, 17) have 100,000 dicts and not a million, forks (35 to 37) 200,000 objects and not a million; a \
             live interpreter is not asked for these. Claims on counts are as in the long form."
                .to_owned(),
        );
    }
    notes
}
