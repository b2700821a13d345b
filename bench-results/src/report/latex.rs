//! Tables as a LaTeX document (booktabs) that any of the usual engines sets; each table can be lifted out of it.

use std::fmt::Write as _;

use super::chapter::Chapter;
use super::grid::{Grid, Word};
use super::table::{Heading, Report, Table};

const PREAMBLE: &str = r"\documentclass[a4paper,9pt]{extarticle}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage[landscape,margin=1.5cm]{geometry}
\setlength{\parindent}{0pt}
\begin{document}
";

/// The report.
pub fn render(report: &Report) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("% Written by gclab publish. {}\n", comment(&report.origin.caption(None)));
    text.push_str(PREAMBLE);
    let _ = writeln!(text, "\\section*{{{}}}", escaped(&report.name));
    paragraphs(&mut text, &report.notes);
    let _ = writeln!(text, "\\medskip\n\\begin{{tabular}}{{@{{}}lp{{0.75\\linewidth}}@{{}}}}\n\\toprule");
    for (name, value) in report.origin.facts() {
        let _ = writeln!(text, "{} & \\raggedright {}\\tabularnewline", escaped(name), breakable(&escaped(value)));
    }
    let _ = writeln!(text, "seed & {}\\tabularnewline\n\\bottomrule\n\\end{{tabular}}", report.origin.seed);
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
    let _ = writeln!(text, "\\medskip\n\\begin{{tabular}}{{@{{}}lp{{0.75\\linewidth}}@{{}}}}\n\\toprule");
    for (name, value) in &chapter.facts {
        let _ = writeln!(text, "{} & \\raggedright {}\\tabularnewline", escaped(name), breakable(&escaped(value)));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n\\end{document}\n");
    text
}

fn one(text: &mut String, table: &Table) {
    text.push_str("\n\\clearpage");
    let columns: Vec<String> = table.columns.iter().map(Heading::title).collect();
    head(text, &table.title, "", &columns);
    for row in table.rows.iter().filter(|row| row.figures.iter().any(Option::is_some)) {
        let figures: Vec<String> = row.shown().iter().map(|figure| escaped(figure)).collect();
        let _ = writeln!(text, "{} & {} \\\\", escaped(row.quantity.name), figures.join(" & "));
    }
    let _ = writeln!(text, "\\bottomrule\n\\end{{tabular}}}}\\par\\medskip");
    paragraphs(text, &table.notes);
    if table.failures.is_empty() {
        return;
    }
    let _ = writeln!(text, "\\medskip\n\\begin{{tabular}}{{@{{}}lrlp{{0.55\\linewidth}}@{{}}}}\n\\toprule");
    let _ = writeln!(text, "cell that is not ok & round & ended & cause \\\\\n\\midrule");
    for failure in &table.failures {
        let (heap, cause) = (escaped(&failure.column.title()), escaped(&failure.cause));
        let status = failure.status.name();
        let _ = writeln!(text, "{heap} & {} & {status} & \\raggedright {cause}\\tabularnewline", failure.round);
    }
    let _ = writeln!(text, "\\bottomrule\n\\end{{tabular}}\\par");
}

/// Begins a table that is never wider than the page.
fn head(text: &mut String, title: &str, corner: &str, columns: &[String]) {
    let _ = writeln!(text, "\n% Table: {}", comment(title));
    let _ = writeln!(text, "\\textbf{{{}}}\\par\\medskip", escaped(title));
    let _ = writeln!(text, "\\resizebox{{\\ifdim\\width>\\linewidth \\linewidth\\else\\width\\fi}}{{!}}{{%");
    let _ = writeln!(text, "\\begin{{tabular}}{{@{{}}l{}@{{}}}}\n\\toprule", "r".repeat(columns.len()));
    text.push_str(&escaped(corner));
    for column in columns {
        let _ = write!(text, " & {}", escaped(column));
    }
    let _ = writeln!(text, " \\\\\n\\midrule");
}

fn grid(text: &mut String, grid: &Grid) {
    text.push_str("\\bigskip");
    head(text, &grid.title, &grid.corner, &grid.columns);
    for (name, words) in &grid.rows {
        let words: Vec<String> = words.iter().map(word).collect();
        let _ = writeln!(text, "{} & {} \\\\", escaped(name), words.join(" & "));
    }
    let _ = writeln!(text, "\\bottomrule\n\\end{{tabular}}}}\\par\\medskip");
    paragraphs(text, &grid.notes);
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

/// Text without a meaning in LaTeX. What a usual font may not have becomes `?`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '{' | '}' | '_' | '%' | '&' | '#' | '$' => escaped.extend(['\\', c]),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '"' => escaped.push_str("\\textquotedbl{}"),
            '`' => escaped.push_str("\\textasciigrave{}"),
            'µ' | 'μ' => escaped.push_str("\\textmu{}"),
            '–' => escaped.push_str("--"),
            '−' => escaped.push_str("\\textminus{}"),
            '×' => escaped.push_str("\\texttimes{}"),
            '…' => escaped.push_str("\\dots{}"),
            '’' => escaped.push('\''),
            '≥' => escaped.push_str("$\\geq$"),
            '≤' => escaped.push_str("$\\leq$"),
            '→' => escaped.push_str("$\\rightarrow$"),
            c if c.is_ascii_control() => escaped.push(' '),
            c if c.is_ascii() => escaped.push(c),
            _ => escaped.push('?'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_lose_their_meaning() {
        assert_eq!(
            escaped("50 % of a_b & {c} #1 $x \\y ^ ~"),
            "50 \\% of a\\_b \\& \\{c\\} \\#1 \\$x \\textbackslash{}y \\textasciicircum{} \\textasciitilde{}"
        );
        assert_eq!(escaped("12 µs – λ\n"), "12 \\textmu{}s -- ? ");
    }
}
