//! Tables into a text that people write: what stands between two markers is replaced, everything else stays as it is.
//!
//! ```text
//! <!-- gclab:web-requests/in-short begin -->
//! <!-- gclab:web-requests/in-short end -->
//! ```
//!
//! A marker names a chapter, for its findings, its first table, the others that are not long, and its notes, or a chapter and one of its tables, or
//! `CHAPTER/findings`. Below stands the command that made it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::histogram::write_whole;
use crate::report::chapter::{Chapter, stem};
use crate::report::grid::Grid;
use crate::report::markdown;

const OPENING: &str = "<!-- gclab:";
const BEGIN: &str = " begin -->";
const END: &str = " end -->";

/// A further table of more rows is long.
const LONG: usize = 30;

/// Whether a chapter's nth table, from 0, is long: then it is folded, and left out where the chapter is named as a whole. The
/// first is what the chapter is about, and never is.
pub fn is_long(nth: usize, grid: &Grid) -> bool {
    nth > 0 && grid.rows.len() > LONG
}

/// A text with its tables, not yet written.
#[derive(Clone, Debug)]
pub struct Spliced {
    path: PathBuf,
    text: String,
}

impl Spliced {
    /// Reads a text and puts tables of chapters into it.
    ///
    /// # Errors
    /// If it cannot be read, has no marker, one without its end, or one that names no table.
    pub fn read(path: &Path, chapters: &[&Chapter]) -> Result<Self> {
        let shown = path.display();
        // The file itself is replaced, not a link to it.
        let path = fs::canonicalize(path).with_context(|| format!("cannot read {shown}; name a text for --splice"))?;
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {shown}; name a text for --splice"))?;
        let text = spliced(&text, chapters).with_context(|| format!("cannot splice into {shown}"))?;
        Ok(Self { path, text })
    }

    /// Writes it: whole, or not at all. Where it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self) -> Result<PathBuf> {
        write_whole(&self.path, self.text.as_bytes())
            .with_context(|| format!("cannot write {}; it is as it was", self.path.display()))?;
        Ok(self.path.clone())
    }
}

fn spliced(text: &str, chapters: &[&Chapter]) -> Result<String> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    let mut any = false;
    while let Some(at) = rest.find(OPENING) {
        let (before, marker) = rest.split_at(at);
        let inner = &marker[OPENING.len()..];
        let name_end = inner.find(" -->").map(|end| end + " -->".len()).unwrap_or(inner.len());
        let Some(name) = inner[..name_end].strip_suffix(BEGIN) else {
            bail!("`{}` is the begin of no table: write `{OPENING}NAME{BEGIN}` before it", first_line(marker));
        };
        let end = format!("{OPENING}{name}{END}");
        let body = &inner[name_end..];
        let Some(stop) = body.find(&end) else {
            bail!("`{OPENING}{name}{BEGIN}` has no end; write `{end}` below the table");
        };
        if body[..stop].contains(OPENING) {
            bail!("`{OPENING}{name}{BEGIN}` has another marker before its end; write `{end}` before that");
        }
        let newline = if body.starts_with("\r\n") { "\r\n" } else { "\n" };
        let table = named(name, chapters)?.trim_end().replace('\n', newline);
        done.push_str(before);
        done.push_str(&format!("{OPENING}{name}{BEGIN}{newline}{table}{newline}{end}"));
        rest = &body[stop + end.len()..];
        any = true;
    }
    if !any {
        bail!("it has no marker; write `{OPENING}NAME{BEGIN}` and `{OPENING}NAME{END}` where a table belongs");
    }
    done.push_str(rest);
    Ok(done)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What a name stands for, as Markdown.
fn named(name: &str, chapters: &[&Chapter]) -> Result<String> {
    let (of, table) = name.split_once('/').map_or((name, None), |(of, table)| (of, Some(table)));
    let found: Vec<&Chapter> = chapters.iter().copied().filter(|chapter| chapter.stem == of).collect();
    let chapter = match found.as_slice() {
        [one] => *one,
        [] => {
            let known = chapters.iter().map(|chapter| chapter.stem.as_str()).collect::<Vec<_>>().join(", ");
            bail!("no chapter is called `{of}`; there are {known}")
        }
        several => bail!("{} chapters are called `{of}`; publish one of their runs", several.len()),
    };
    let mut text = String::new();
    match table {
        None => {
            findings(&mut text, chapter);
            for (_, grid) in chapter.grids.iter().enumerate().filter(|(nth, grid)| !is_long(*nth, grid)) {
                text.push_str(&format!("**{}**\n\n", markdown::escaped(&grid.title)));
                markdown::table(&mut text, grid);
            }
            for note in &chapter.notes {
                text.push_str(&format!("- {}\n", markdown::escaped(note)));
            }
            text.push('\n');
        }
        Some("findings") => findings(&mut text, chapter),
        Some(table) => match chapter.grids.iter().find(|grid| table_name(chapter, grid) == table) {
            Some(grid) => markdown::table(&mut text, grid),
            None => {
                let known = chapter.grids.iter().map(|grid| table_name(chapter, grid)).collect::<Vec<_>>().join(", ");
                bail!("chapter `{of}` has no table `{table}`; it has {known}, findings")
            }
        },
    }
    let fact = |wanted: &str| chapter.facts.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let command = fact("command").unwrap_or("unknown");
    text.push_str(&format!("`{}`", command.replace('`', "'")));
    for (name, word) in [("commit", "commit "), ("rounds", "rounds: "), ("machine", "")] {
        if let Some(value) = fact(name) {
            text.push_str(&format!("; {word}{}", markdown::escaped(value)));
        }
    }
    text.push('\n');
    // A table without notes leaves a line more.
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    Ok(text)
}

fn findings(text: &mut String, chapter: &Chapter) {
    for finding in &chapter.findings {
        text.push_str(&format!("- **{}**: {}\n", markdown::escaped(&finding.about), markdown::escaped(&finding.text)));
    }
    text.push('\n');
}

/// A table's name: its title as a stem, without the chapter's before it.
pub fn table_name(chapter: &Chapter, grid: &Grid) -> String {
    let title = grid.title.strip_prefix(chapter.title.as_str()).and_then(|rest| rest.strip_prefix(": "));
    stem(title.unwrap_or(&grid.title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chapter::Finding;
    use crate::report::grid::Word;

    fn chapter() -> Chapter {
        let grid = |title: &str, rows: usize| Grid {
            title: title.to_owned(),
            corner: "a".to_owned(),
            columns: vec!["b".to_owned()],
            rows: (0..rows).map(|n| (format!("row {n}"), vec![Word::plain("1 ms")])).collect(),
            notes: vec!["A note.".to_owned()],
        };
        Chapter {
            listings: Vec::new(),
            stem: "web".to_owned(),
            title: "web (x)".to_owned(),
            question: String::new(),
            findings: vec![Finding { about: "pauses".to_owned(), text: "are short.".to_owned() }],
            notes: Vec::new(),
            grids: vec![grid("web (x): in short", 1), grid("All of it", LONG + 1)],
            pictures: Vec::new(),
            facts: vec![("command".to_owned(), "gclab compare".to_owned())],
            records: Vec::new(),
        }
    }

    #[test]
    fn what_is_marked_is_replaced_and_all_else_stays_byte_by_byte() {
        let chapter = chapter();
        for newline in ["\n", "\r\n"] {
            let (head, tail) = (format!("# A \u{1F600}{newline}\t"), format!(" x{newline}no newline at the end"));
            let around = |name: &str, inner: &str| {
                format!("{head}<!-- gclab:{name} begin -->{newline}{inner}<!-- gclab:{name} end -->{tail}")
            };
            let done = spliced(&around("web/in-short", "old | table"), &[&chapter]).unwrap();
            let table = format!("| a | b |{newline}|---|---:|{newline}| row 0 | 1 ms |{newline}");
            assert!(done.starts_with(&head) && done.ends_with(&tail), "{done}");
            assert!(done.contains(&table) && done.contains("`gclab compare`") && !done.contains("old"), "{done}");
            assert_eq!(spliced(&done, &[&chapter]).unwrap(), done, "a second time changes nothing");
            let whole = spliced(&around("web", ""), &[&chapter]).unwrap();
            assert!(whole.contains("**pauses**: are short.") && whole.contains("row 0"), "{whole}");
            assert!(!whole.contains("All of it"), "a long table is named by itself: {whole}");
            let first = Chapter { grids: chapter.grids.iter().rev().cloned().collect(), ..chapter.clone() };
            let whole = spliced(&around("web", ""), &[&first]).unwrap();
            assert!(
                whole.contains("All of it") && whole.contains("row 30"),
                "the first is there however long: {whole}"
            );
            let findings = spliced(&around("web/findings", ""), &[&chapter]).unwrap();
            assert!(findings.contains("are short.") && !findings.contains("row 0"), "{findings}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong_with_a_marker() {
        let chapter = chapter();
        let cases = [
            ("nothing", "has no marker"),
            ("<!-- gclab:web begin -->", "has no end"),
            ("<!-- gclab:web end -->", "is the begin of no table"),
            ("<!-- gclab:web begin --><!-- gclab:web/in-short begin --><!-- gclab:web end -->", "another marker"),
            ("<!-- gclab:other begin --><!-- gclab:other end -->", "no chapter is called `other`; there are web"),
            ("<!-- gclab:web/other begin --><!-- gclab:web/other end -->", "it has in-short, all-of-it, findings"),
        ];
        for (text, said) in cases {
            let error = format!("{:#}", spliced(text, &[&chapter]).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
        }
        let error = spliced("<!-- gclab:web begin --><!-- gclab:web end -->", &[&chapter, &chapter]).unwrap_err();
        assert!(format!("{error:#}").contains("2 chapters are called"), "{error:#}");
    }
}
