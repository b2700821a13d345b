//! Tables as Markdown (GitHub's dialect).

use std::fmt::Write as _;

use super::grid::{Grid, Word};
use super::origin::Origin;
use super::table::{Report, Table};

/// The report; `plots` are pictures to show below the table whose place in the list they have: (place, title, file).
pub fn render(report: &Report, plots: &[(usize, String, String)]) -> String {
    // Writing to a String cannot fail.
    let mut text = String::new();
    let _ = writeln!(text, "# {}\n", escaped(&report.name));
    for (place, table) in report.tables.iter().enumerate() {
        one(&mut text, table);
        for (_, title, file) in plots.iter().filter(|(at, ..)| *at == place) {
            let _ = writeln!(text, "![{}]({})\n", escaped(title), file.replace(' ', "%20"));
        }
    }
    for all in &report.all_points {
        grid(&mut text, 2, &all.grid());
    }
    if !report.settings.is_empty() {
        let _ = writeln!(text, "## What a setting does\n");
    }
    for settings in &report.settings {
        match &settings.ratios {
            Ok(ratios) => grid(&mut text, 3, &ratios.grid(settings.title.clone())),
            Err(cause) => {
                let _ = writeln!(text, "### {}\n\nNo ratios: {}.\n", escaped(&settings.title), escaped(cause));
            }
        }
        for note in &settings.notes {
            let _ = writeln!(text, "- {}\n", escaped(note));
        }
    }
    let sweeps: Vec<_> = plots.iter().filter(|(at, ..)| *at >= report.tables.len()).collect();
    if !sweeps.is_empty() {
        let _ = writeln!(text, "## Across points\n");
    }
    for (_, title, file) in sweeps {
        let _ = writeln!(text, "![{}]({})\n", escaped(title), file.replace(' ', "%20"));
    }
    let _ = writeln!(text, "## How to read this, and where it comes from\n");
    for note in &report.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    let _ = writeln!(text);
    facts(&mut text, &report.origin);
    text
}

/// Where a run comes from, as a table.
pub(crate) fn facts(text: &mut String, origin: &Origin) {
    let _ = writeln!(text, "| | |\n|---|---|");
    for (name, value) in origin.facts() {
        let value = if name == "command" { format!("`{}`", value.replace('|', "\\|")) } else { escaped(value) };
        let _ = writeln!(text, "| {name} | {value} |");
    }
    let _ = writeln!(text, "| seed | {} |", origin.seed);
}

fn one(text: &mut String, table: &Table) {
    let _ = writeln!(text, "## {}\n", escaped(&table.title));
    let _ = write!(text, "| |");
    for column in &table.columns {
        let _ = write!(text, " {} |", escaped(&column.title()));
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(table.columns.len()));
    for row in table.rows.iter().filter(|row| row.figures.iter().any(Option::is_some)) {
        let figures: Vec<String> = row.shown().iter().map(|figure| escaped(figure)).collect();
        let _ = writeln!(text, "| {} | {} |", row.quantity.name, figures.join(" | "));
    }
    let _ = writeln!(text);
    if !table.failures.is_empty() {
        let _ = writeln!(text, "| cell that is not ok | round | ended | cause |\n|---|---:|---|---|");
        for failure in &table.failures {
            let (heap, cause) = (escaped(&failure.column.title()), escaped(&failure.cause));
            let _ = writeln!(text, "| {heap} | {} | {} | {cause} |", failure.round, failure.status.name());
        }
        let _ = writeln!(text);
    }
    for note in &table.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    let _ = writeln!(text);
    match &table.judged {
        Ok((ratios, verdict)) => {
            grid(text, 3, &ratios.grid(format!("Ratios over {}", ratios.reference)));
            let _ = writeln!(text, "**Verdict** on heaps that collect cycles:\n");
            for line in verdict {
                let _ = writeln!(text, "- {}", escaped(line));
            }
            let _ = writeln!(text);
        }
        Err(cause) => {
            let _ = writeln!(text, "No verdict: {}.\n", escaped(cause));
        }
    }
}

/// A table of words under a heading of this level.
pub(crate) fn grid(text: &mut String, level: usize, grid: &Grid) {
    let _ = writeln!(text, "{} {}\n", "#".repeat(level), escaped(&grid.title));
    table(text, grid);
}

/// A table of words without a heading, its notes below it.
pub(crate) fn table(text: &mut String, grid: &Grid) {
    let columns: Vec<String> = grid.columns.iter().map(|column| escaped(column)).collect();
    let _ = writeln!(text, "| {} | {} |", escaped(&grid.corner), columns.join(" | "));
    let sides: String = (0..grid.columns.len()).map(|at| if grid.is_of_words(at) { "---|" } else { "---:|" }).collect();
    let _ = writeln!(text, "|---|{sides}");
    for (name, words) in &grid.rows {
        let words: Vec<String> = words.iter().map(word).collect();
        let _ = writeln!(text, "| {} | {} |", escaped(name), words.join(" | "));
    }
    let _ = writeln!(text);
    for note in &grid.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    let _ = writeln!(text);
}

fn word(word: &Word) -> String {
    let text = escaped(&word.text);
    if word.bold { format!("**{text}**") } else { text }
}

/// Text without a meaning in Markdown, but for code between backticks, in which nothing has one; only that a bar would still end
/// the cell of a table.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut left = text.matches('`').count();
    let mut is_code = false;
    for c in text.chars() {
        if c == '`' {
            left -= 1;
            // The last one alone opens nothing.
            is_code = !is_code && left > 0;
        }
        match c {
            c if is_code && !"|\n\r".contains(c) => escaped.push(c),
            '|' | '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#' | '~' => escaped.extend(['\\', c]),
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_a_table() {
        assert_eq!(escaped("a|b\n<script>_*"), "a\\|b \\<script\\>\\_\\*");
        assert_eq!(escaped("`a_b|c` _d_ ` e_"), "`a_b\\|c` \\_d\\_ ` e\\_");
    }
}
