//! What the records of a run say: verdicts, measured values, explanations, contradictions.

use super::answer::{Answer, Verdict};
use super::checks::{CLAIMS, answer};
use super::claim::{Claim, Kind, Measured};
use super::contradictions::CONTRADICTIONS;
use super::disagreements::DISAGREEMENTS;
use super::figures::Figures;
use super::trials::{Claims, answer_of, common, question};
use crate::comparison::BASELINE;
use crate::experiment::trial::{Experiment, Record, Rows, Run, Size, Subject};
use crate::report::chapter::{Chapter, Finding};
use crate::report::grid::{Grid, Word};

/// What stands over CPython's recorded verdicts.
const RECORDED: &str = "CPython 3.12.1, recorded";

pub(super) fn chapter(experiment: &Claims, run: &Run, records: &[Record]) -> Chapter {
    let told = Told::new(run, records);
    let numbered = |claim: &&&Claim| claim.cpython.is_some();
    let (claims, remedies): (Vec<&Claim>, Vec<&Claim>) = CLAIMS.iter().partition(|claim| numbered(&claim));
    Chapter {
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

/// The answers of a run.
struct Told<'r> {
    rows: Rows<'r>,
    subjects: Vec<&'r Subject>,
}

impl<'r> Told<'r> {
    fn new(run: &'r Run, records: &'r [Record]) -> Self {
        let rows = Rows::new(run, records);
        Self { rows, subjects: rows.subjects(|_| true) }
    }

    fn names(&self) -> Vec<String> {
        self.subjects.iter().map(|subject| subject.name()).collect()
    }

    /// What most rounds say; how many do, of how many.
    fn of(&self, claim: &Claim, subject: &Subject) -> Option<(Answer, usize, usize)> {
        let answers: Vec<Answer> = self.rows.of(&question(claim.key), subject).filter_map(answer_of).collect();
        common(&answers).map(|(answer, rounds)| (answer.clone(), rounds, answers.len()))
    }

    fn verdict(&self, claim: &Claim, subject: &Subject) -> Option<Verdict> {
        self.of(claim, subject).map(|(answer, ..)| answer.verdict)
    }

    /// A verdict as a word, which stands out where it is not `usual`.
    fn word(&self, claim: &Claim, subject: &Subject, usual: Option<Verdict>) -> Word {
        match self.of(claim, subject) {
            Some((Answer { verdict, .. }, rounds, all)) => {
                let differs = usual.is_some_and(|usual| usual != verdict) && verdict != Verdict::NotApplicable;
                let of = if rounds < all { format!(" ({rounds} of {all})") } else { String::new() };
                Word { text: verdict.name().to_owned() + &of, bold: differs }
            }
            None => self.rows.missing(&question(claim.key), subject),
        }
    }

    fn baseline(&self) -> Option<&'r Subject> {
        self.subjects.iter().copied().find(|subject| subject.heap_name() == Some(BASELINE))
    }
}

/// What the rule says of the figures that were recorded on CPython 3.12.1.
fn recorded(claim: &Claim) -> Option<Answer> {
    answer(claim.key, &Measured::Figures(Figures::from_json(claim.cpython?.recorded)?))
}

fn says(claim: &Claim) -> String {
    format!("{} {}", claim.key, claim.says)
}

fn verdicts(told: &Told<'_>, claims: &[&Claim]) -> Grid {
    let fixed = ["articles", "CPython 3.8 to 3.14", RECORDED].map(str::to_owned);
    let row = |claim: &&Claim| {
        let cpython = claim.cpython.as_ref();
        let on_3_12 = cpython.map(|cpython| cpython.on_3_12);
        let first = [
            claim.articles.to_owned(),
            cpython.map_or("", |cpython| cpython.letter()).to_owned(),
            on_3_12.map_or("", Verdict::name).to_owned(),
        ];
        let heaps = told.subjects.iter().map(|subject| told.word(claim, subject, on_3_12));
        (says(claim), first.map(Word::plain).into_iter().chain(heaps).collect())
    };
    Grid {
        title: "The claims: which hold where".to_owned(),
        corner: "claim".to_owned(),
        columns: fixed.into_iter().chain(told.names()).collect(),
        rows: claims.iter().map(row).collect(),
        notes: vec![
            "Articles: A to E. CPython 3.8 to 3.14, seven builds: Y reproduced, P partly or by version, N not reproduced, - nothing \
             to be wrong about."
                .to_owned(),
            "Bold: not what CPython 3.12.1 does. n/a: the claim says nothing of this heap; why is among the measured values.".to_owned(),
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
    let fixed = [RECORDED, "CPython 3.8 to 3.14"].map(str::to_owned);
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
        Some((says(claim), [cpython.letter(), claim.so?].map(Word::plain).to_vec()))
    };
    Grid {
        title: "What is so, where a claim is wrong or holds in part".to_owned(),
        corner: "claim".to_owned(),
        columns: ["CPython 3.8 to 3.14", "what is so"].map(str::to_owned).to_vec(),
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

/// Claims on which the baseline's verdict is not CPython 3.12.1's, with both verdicts.
fn differing<'c>(told: &Told<'_>, claims: &[&'c Claim]) -> Vec<(&'c Claim, Verdict, Verdict)> {
    let Some(baseline) = told.baseline() else { return Vec::new() };
    let of = |claim: &&'c Claim| Some((*claim, claim.cpython?.on_3_12, told.verdict(claim, baseline)?));
    claims.iter().filter_map(of).filter(|(_, cpython, baseline)| cpython != baseline).collect()
}

fn disagreements(told: &Told<'_>, claims: &[&Claim]) -> Grid {
    let row = |(claim, cpython, baseline): (&Claim, Verdict, Verdict)| {
        let listed = DISAGREEMENTS.iter().find(|one| one.key == claim.key && one.baseline == baseline);
        let why = match (listed, claim.kind) {
            (Some(one), _) => one.why,
            (None, Kind::Performance) => "times and memory of another program on another machine",
            (None, _) => "not explained",
        };
        (says(claim), [claim.kind.name(), cpython.name(), baseline.name(), why].map(Word::plain).to_vec())
    };
    Grid {
        title: format!("Where {BASELINE} is not as {RECORDED}"),
        corner: "claim".to_owned(),
        columns: ["about", RECORDED, BASELINE, "why"].map(str::to_owned).to_vec(),
        rows: differing(told, claims).into_iter().map(row).collect(),
        notes: Vec::new(),
    }
}

fn rules() -> Grid {
    let row = |claim: &Claim| {
        let words = [claim.kind.name(), claim.rule, claim.analogue.unwrap_or("")];
        (claim.key.to_owned(), words.map(Word::plain).to_vec())
    };
    Grid {
        title: "How verdicts are made".to_owned(),
        corner: "claim".to_owned(),
        columns: ["about", "rule", "what stands for it on a heap without an interpreter"].map(str::to_owned).to_vec(),
        rows: CLAIMS.iter().map(row).collect(),
        notes: vec![
            "One rule judges a heap's figures, a live interpreter's, and those recorded on CPython 3.12.1.".to_owned(),
        ],
    }
}

fn findings(told: &Told<'_>, claims: &[&Claim]) -> Vec<Finding> {
    let finding = |about: &str, text: String| Finding { about: about.to_owned(), text };
    let with = |letter: &str| -> Vec<&str> {
        claims
            .iter()
            .filter(|claim| claim.cpython.is_some_and(|cpython| cpython.letter() == letter))
            .map(|claim| claim.key)
            .collect()
    };
    let (wrong, partly) = (with("N"), with("P"));
    let mut findings = vec![finding(
        "the articles",
        format!(
            "Of 43 claims {} hold on no CPython from 3.8 to 3.14 ({}), and {} hold in part or on some versions ({}).",
            wrong.len(),
            wrong.join(", "),
            partly.len(),
            partly.join(", ")
        ),
    )];
    if told.baseline().is_some() {
        let (timed, others): (Vec<_>, Vec<_>) =
            differing(told, claims).into_iter().partition(|(claim, ..)| claim.kind == Kind::Performance);
        let keys = |of: &[(&Claim, Verdict, Verdict)]| match of {
            [] => "none".to_owned(),
            of => of.iter().map(|(claim, ..)| claim.key).collect::<Vec<_>>().join(", "),
        };
        findings.push(finding(
            "the baseline",
            format!(
                "Verdicts of {BASELINE} that are not those of {RECORDED}: on the algorithm and the layout of objects {}; on time and \
                 memory {}.",
                keys(&others),
                keys(&timed)
            ),
        ));
    }
    for subject in told.subjects.iter().filter(|subject| Some(**subject) != told.baseline()) {
        let differs = |claim: &&&Claim| {
            let verdict = told.verdict(claim, subject).filter(|verdict| *verdict != Verdict::NotApplicable);
            claim.kind != Kind::Performance
                && verdict.zip(claim.cpython).is_some_and(|(verdict, cpython)| verdict != cpython.on_3_12)
        };
        let keys: Vec<&str> = claims.iter().filter(differs).map(|claim| claim.key).collect();
        if !keys.is_empty() {
            let text =
                format!("On the algorithm and the layout of objects it is not as {RECORDED} in: {}.", keys.join(", "));
            findings.push(finding(&subject.name(), text));
        }
    }
    findings
}

fn notes(size: Size) -> Vec<String> {
    let mut notes = vec![
        "Five widely read articles about Python's gc module are called A to E; verdicts are on what they say, not on who says it."
            .to_owned(),
        "Heaps have thresholds of 700, 10 and 10 and count as CPython 3.12 with its free lists. Collections that a threshold starts run \
         on the mutator that crossed it, on the concurrent heap too; in services (11 to 14, 38 to 40) they run on its own thread."
            .to_owned(),
        "Verdicts on counts and orders repeat exactly. Verdicts on time compare two figures of one run, with the tolerance that their \
         rule states; a busy machine may change them."
            .to_owned(),
        "CPython's figures were recorded on other hardware: compare verdicts with them, not times.".to_owned(),
    ];
    if size != Size::Standard {
        notes.push(
            "This is the short form: services (11 to 14, 38 to 40) serve 15,000 requests once and not 40,000 three times, batches (16, \
             17) have 100,000 dicts and not a million, forks (35 to 37) 200,000 objects and not a million; a live interpreter is not \
             asked for these. Claims on counts are as in the long form."
                .to_owned(),
        );
    }
    notes
}
