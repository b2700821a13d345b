//! How those who are asked look on a picture: a heap as on every other, its settings each in a way of their own, and
//! interpreters like no heap.

use super::cell::Subject;
use crate::report::svg::palette::Look;

/// A look each, in this order.
pub fn looks(subjects: &[&Subject]) -> Vec<Look> {
    let mut looks = Vec::new();
    for (nth, subject) in subjects.iter().enumerate() {
        let before = &subjects[..nth];
        looks.push(match subject {
            Subject::Heap { heap, settings } => {
                let has_settings =
                    |other: &Subject| matches!(other, Subject::Heap { settings, .. } if !settings.is_empty());
                let earlier = before
                    .iter()
                    .filter(|other| other.heap_name() == Some(heap.as_str()) && has_settings(other))
                    .count();
                Look::of_setting(heap, nth, if settings.is_empty() { 0 } else { earlier + 1 })
            }
            Subject::Interpreter { .. } => {
                Look::of_interpreter(before.iter().filter(|other| other.heap_name().is_none()).count())
            }
        });
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_series_of_a_picture_look_alike() {
        let python = |version: &str| Subject::Interpreter { version: version.to_owned() };
        let mut subjects: Vec<Subject> = crate::roster::entries()
            .iter()
            .flat_map(|entry| {
                [None, Some(("place", "side")), Some(("certify", "stopped")), Some(("threshold", "2000"))]
                    .map(|setting| Subject::heap(entry.name, setting))
            })
            .collect();
        subjects.extend(["CPython 3.8.18", "CPython 3.12.1", "CPython 3.13.0", "CPython 3.14.4t"].map(python));
        let mut looks = looks(&subjects.iter().collect::<Vec<_>>());
        looks.push(Look::of_recorded(0));
        for (n, look) in looks.iter().enumerate() {
            let seen = |look: &Look| (look.line(), look.fill(), look.dashes(), look.shape((0.0, 0.0)));
            assert!(looks[..n].iter().all(|other| seen(other) != seen(look)), "{look:?}");
        }
    }
}
