//! Words and comparisons that several rules use.

/// `914/83/5`.
pub(super) fn slashed(figures: &[f64]) -> String {
    figures.iter().map(f64::to_string).collect::<Vec<_>>().join("/")
}

/// `A, B`, or `nothing`.
pub(super) fn listed<W: AsRef<str>>(words: &[W]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// A number with three digits that count.
pub(super) fn short(figure: f64) -> String {
    let decimals = match figure.abs() {
        size if size >= 100.0 || figure.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 || size == 0.0 => 2,
        _ => 4,
    };
    format!("{figure:.decimals$}")
}

/// Parts of a hundred.
pub(super) fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}
