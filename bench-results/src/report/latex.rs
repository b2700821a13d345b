//! Tables as a LaTeX document (booktabs, longtable) that any of the usual engines sets; each table can be lifted out of it.
//!
//! A table goes on over as many pages as it needs. One that is too wide for a page is several, each with some of the columns and
//! the names of all rows: nothing is set smaller to make it fit.

mod letters;

use std::fmt::Write as _;

use self::letters::{code, escaped};
use super::chapter::Chapter;
use super::grid::{Grid, Word};
use super::table::{Heading, Report, Table};

const PREAMBLE: &str = r"\documentclass[a4paper,9pt]{extarticle}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{array}
\usepackage{longtable}
\usepackage[landscape,margin=1.5cm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\LTleft}{0pt}
\setlength{\LTright}{\fill}
\setlength{\emergencystretch}{10em}
\raggedright
\begin{document}
";

/// The report.
pub fn render(report: &Report) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("% Written by gclab publish. {}\n", comment(&report.origin.caption(None)));
    text.push_str(PREAMBLE);
    let _ = writeln!(text, "\\section*{{{}}}", escaped(&report.name));
    paragraphs(&mut text, &report.notes);
    let seed = report.origin.seed.to_string();
    facts(&mut text, report.origin.facts().into_iter().chain([("seed", seed.as_str())]));
    for table in &report.tables {
        one(&mut text, table);
        match &table.judged {
            Ok((ratios, verdict)) => {
                grid(&mut text, &ratios.grid(format!("{}: ratios over {}", table.title, ratios.reference)));
                let _ = writeln!(text, "\\medskip\nVerdict on heaps that collect cycles:\\par");
                paragraphs(&mut text, verdict);
            }
            Err(cause) => paragraphs(&mut text, &[format!("No verdict: {cause}.")]),
        }
    }
    for all in &report.all_points {
        text.push_str("\n\\clearpage");
        grid(&mut text, &all.grid());
    }
    for settings in &report.settings {
        text.push_str("\n\\clearpage");
        match &settings.ratios {
            Ok(ratios) => grid(&mut text, &ratios.grid(settings.title.clone())),
            Err(cause) => paragraphs(&mut text, &[format!("{}: no ratios: {cause}.", settings.title)]),
        }
        paragraphs(&mut text, &settings.notes);
    }
    text.push_str("\\end{document}\n");
    text
}

/// A chapter: question, findings, tables, notes and where it comes from. Pictures are files of their own.
pub(crate) fn chapter(chapter: &Chapter) -> String {
    let mut text = format!("% Written by gclab reproduce {}.\n", comment(&chapter.stem));
    text.push_str(PREAMBLE);
    let _ = writeln!(text, "\\section*{{{}}}\n{}\\par\\medskip", escaped(&chapter.title), escaped(&chapter.question));
    for finding in &chapter.findings {
        let _ = writeln!(text, "\\textbf{{{}}}: {}\\par", escaped(&finding.about), escaped(&finding.text));
    }
    for listing in &chapter.listings {
        let _ = writeln!(
            text,
            "\\medskip {}:\n\\begin{{verbatim}}\n{}\n\\end{{verbatim}}",
            escaped(&listing.title),
            listing.lines.join("\n")
        );
    }
    for each in &chapter.grids {
        grid(&mut text, each);
    }
    text.push_str("\\bigskip\n");
    paragraphs(&mut text, &chapter.notes);
    facts(&mut text, chapter.facts.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    text.push_str("\\end{document}\n");
    text
}

/// Where a run comes from; a command as it can be copied.
fn facts<'f>(text: &mut String, facts: impl Iterator<Item = (&'f str, &'f str)>) {
    let _ = writeln!(
        text,
        "\n\\begin{{longtable}}[l]{{@{{}}l>{{\\raggedright\\arraybackslash}}p{{550pt}}@{{}}}}\n\\toprule"
    );
    for (name, value) in facts {
        let value = if name == "command" { code(value) } else { breakable(&escaped(value)) };
        let _ = writeln!(text, "{} & {value} \\\\", escaped(name));
    }
    text.push_str("\\bottomrule\n\\end{longtable}\n");
}

fn one(text: &mut String, table: &Table) {
    text.push_str("\n\\clearpage");
    let rows = table.rows.iter().filter(|row| row.figures.iter().any(Option::is_some));
    let row = |row: &super::table::Row| {
        (row.quantity.name.to_owned(), row.shown().iter().map(|figure| Word::plain(figure.as_str())).collect())
    };
    grid(
        text,
        &Grid {
            title: table.title.clone(),
            corner: String::new(),
            columns: table.columns.iter().map(Heading::title).collect(),
            rows: rows.map(row).collect(),
            notes: table.notes.clone(),
        },
    );
    if table.failures.is_empty() {
        return;
    }
    let failed = |failure: &super::table::Failure| {
        let words = [failure.round.to_string(), failure.status.name().to_owned(), failure.cause.clone()];
        (failure.column.title(), words.map(Word::plain).to_vec())
    };
    grid(
        text,
        &Grid {
            title: format!("{}: cells that are not ok", table.title),
            corner: "cell".to_owned(),
            columns: ["round", "ended", "cause"].map(str::to_owned).to_vec(),
            rows: table.failures.iter().map(failed).collect(),
            notes: Vec::new(),
        },
    );
}

/// A column of a table, as it is set.
struct Measure {
    /// Its place in the grid; `None`: the names of rows.
    place: Option<usize>,
    /// How `longtable` is told.
    kind: String,
    width_pt: f64,
}

/// What fits between the margins.
const PAGE_PT: f64 = 755.0;

/// A letter and the blanks between two columns, at the most, at the size of the document.
const LETTER_PT: f64 = 4.9;
const BETWEEN_PT: f64 = 12.0;

/// Columns with more letters are set as paragraphs of so many.
const LINE: usize = 44;

impl Measure {
    fn of(grid: &Grid, place: Option<usize>) -> Self {
        let head = place.map_or(Some(&grid.corner), |place| grid.columns.get(place));
        let texts = grid.rows.iter().filter_map(|(name, words)| match place {
            None => Some(name.as_str()),
            Some(place) => Some(words.get(place)?.text.as_str()),
        });
        let letters = texts.chain(head.map(String::as_str)).map(|text| text.chars().count()).max().unwrap_or(0);
        let width_pt = letters.min(LINE) as f64 * LETTER_PT;
        let is_left = place.is_none_or(|place| grid.is_of_words(place));
        let kind = match (letters > LINE, is_left) {
            (true, _) => format!(">{{\\raggedright\\arraybackslash}}p{{{width_pt:.0}pt}}"),
            (false, true) => "l".to_owned(),
            (false, false) => "r".to_owned(),
        };
        Self { place, kind, width_pt: width_pt + BETWEEN_PT }
    }
}

/// The columns of each of the tables that a grid is on paper.
fn parts(grid: &Grid) -> Vec<Vec<Measure>> {
    let names_pt = Measure::of(grid, None).width_pt;
    let mut parts: Vec<Vec<Measure>> = vec![Vec::new()];
    let mut taken_pt = names_pt;
    for place in 0..grid.columns.len() {
        let column = Measure::of(grid, Some(place));
        if taken_pt + column.width_pt > PAGE_PT && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(Vec::new());
            taken_pt = names_pt;
        }
        taken_pt += column.width_pt;
        parts.last_mut().expect("there is one").push(column);
    }
    parts
}

fn grid(text: &mut String, grid: &Grid) {
    let parts = parts(grid);
    for (nth, columns) in parts.iter().enumerate() {
        let title = match parts.len() {
            1 => grid.title.clone(),
            several => format!("{} (columns, part {} of {several})", grid.title, nth + 1),
        };
        part(text, grid, &title, columns);
    }
    paragraphs(text, &grid.notes);
}

fn part(text: &mut String, grid: &Grid, title: &str, columns: &[Measure]) {
    let kinds: String = columns.iter().map(|column| column.kind.as_str()).collect();
    let _ = writeln!(text, "\\bigskip\n\n% Table: {}", comment(title));
    let _ = writeln!(text, "\\textbf{{{}}}\\par\\nopagebreak", escaped(title));
    let _ = writeln!(text, "\\begin{{longtable}}[l]{{@{{}}{}{kinds}@{{}}}}\n\\toprule", Measure::of(grid, None).kind);
    let head = columns.iter().filter_map(|column| grid.columns.get(column.place?)).map(|head| escaped(head));
    let head: Vec<String> = std::iter::once(escaped(&grid.corner)).chain(head).collect();
    let head = head.join(" & ");
    let _ = writeln!(text, "{head} \\\\\n\\midrule\n\\endfirsthead\n\\toprule\n{head} \\\\\n\\midrule\n\\endhead");
    let _ = writeln!(text, "\\bottomrule\n\\endfoot");
    for (name, words) in &grid.rows {
        let words =
            columns.iter().map(|column| column.place.and_then(|place| words.get(place)).map_or_else(String::new, word));
        let words: Vec<String> = std::iter::once(escaped(name)).chain(words).collect();
        // A bracket behind the end of a line would be taken for how far the next one is.
        let line = words.join(" & ");
        let _ = writeln!(text, "{}{line} \\\\", if line.starts_with(['[', '*']) { "{}" } else { "" });
    }
    text.push_str("\\end{longtable}\n");
}

fn word(word: &Word) -> String {
    let text = escaped(&word.text);
    if word.bold { format!("\\textbf{{{text}}}") } else { text }
}

fn paragraphs(text: &mut String, all: &[String]) {
    for one in all {
        let _ = writeln!(text, "{}\\par", escaped(one));
    }
}

/// Text in a comment: one line.
fn comment(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Lets long words, such as hashes, break into lines.
fn breakable(text: &str) -> String {
    let long = |word: &str| word.len() > 40 && word.chars().all(|c| c.is_ascii_alphanumeric());
    let parted = |word: &str| {
        let parts: Vec<String> =
            word.as_bytes().chunks(16).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        parts.join("\\allowbreak ")
    };
    text.split(' ').map(|word| if long(word) { parted(word) } else { word.to_owned() }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(columns: usize, rows: usize, letters: usize) -> Grid {
        let row = |row: usize| (format!("row {row}"), vec![Word::plain("9".repeat(letters)); columns]);
        Grid {
            title: "wide".to_owned(),
            corner: "row".to_owned(),
            columns: (0..columns).map(|column| format!("column {column}")).collect(),
            rows: (0..rows).map(row).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_wide_table_is_several_with_the_names_of_all_rows_and_none_is_scaled() {
        let mut text = String::new();
        grid(&mut text, &wide(30, 100, 12));
        assert!(!text.contains("resizebox"), "{text}");
        let parts = text.matches("\\begin{longtable}").count();
        assert!(parts > 1 && text.contains(&format!("part {parts} of {parts}")), "{text}");
        assert_eq!(text.matches("row 99 & ").count(), parts);
        for column in 0..30 {
            // The head of the first page, and of all others.
            let found = text.matches(&format!("& column {column} ")).count();
            assert_eq!(found, 2, "column {column}");
        }
        assert!(text.contains("\\endhead"), "the head is on every page");
    }

    #[test]
    fn long_words_are_paragraphs_and_every_table_fits_the_page() {
        let grid = wide(5, 1, 400);
        for part in parts(&grid) {
            let width_pt: f64 =
                part.iter().map(|column| column.width_pt).sum::<f64>() + Measure::of(&grid, None).width_pt;
            assert!(width_pt <= PAGE_PT, "{width_pt}");
            assert!(part.iter().all(|column| column.kind.contains("p{")));
        }
    }

    #[test]
    fn a_command_can_be_copied() {
        let mut text = String::new();
        facts(&mut text, [("command", "gclab run --set a_b=1"), ("rounds", "1 – 2")].into_iter());
        assert!(text.contains("command & \\texttt{gclab run -{}-set a\\_b=1} \\\\"), "{text}");
        assert!(text.contains("rounds & 1 \\textendash{} 2 \\\\"), "{text}");
    }
}
