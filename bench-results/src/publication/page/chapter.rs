//! A run on the page: its first chapter, and the others below it.

use anyhow::Result;
use maud::{Markup, PreEscaped, html};

use super::drawing::drawing;
use super::ids::Ids;
use super::records::{cells, packed};
use super::{Part, count};
use crate::publication::splice::is_long;
use crate::report::chapter::Chapter;
use crate::report::grid::Grid;
use crate::units;

/// So many further chapters are open; more of them are folded.
const OPEN: usize = 3;
/// A table of more rows has a filter.
const FILTERED: usize = 12;

/// Records that take more bytes when compressed stay out of the page, which they would make slow to open.
const MOST_PACKED: usize = 6 << 20;

/// A text of more characters is broken into lines.
const SENTENCE: usize = 40;

/// A run, set.
pub(super) struct Section {
    /// Its entry in the table of contents.
    pub(super) contents: Markup,
    /// All of it.
    pub(super) body: Markup,
}

/// Sets a run.
pub(super) fn part(part: &Part<'_>, ids: &mut Ids) -> Result<Section> {
    let chapters = &part.edition.chapters;
    let Some((first, further)) = chapters.split_first() else {
        return Ok(Section { contents: html! {}, body: html! {} });
    };
    let id = ids.fresh(&first.stem);
    let mut entries: Vec<(String, String)> = Vec::new();
    let own = content(first, 3, ids, &mut entries)?;
    let raw = raw(first, &part.folder, ids)?;
    if !further.is_empty() {
        entries.clear();
    }
    let mut below = Vec::new();
    for (nth, chapter) in further.iter().enumerate() {
        let id = ids.fresh(&chapter.stem);
        entries.push((id.clone(), chapter.title.clone()));
        let content = content(chapter, 4, ids, &mut Vec::new())?;
        let title = format!("{id}-title");
        below.push(html! {
            details.chapter #(id) open[further.len() <= OPEN || nth == 0] {
                summary { h3 #(title) { (chapter.title) } }
                (content)
            }
        });
    }
    let title = format!("{id}-title");
    let body = html! {
        section.run #(id) aria-labelledby=(title) {
            h2 #(title) { (first.title) }
            (own)
            @for chapter in &below { (chapter) }
            (raw)
        }
    };
    let contents = html! {
        li { a href={ "#" (id) } { (first.title) }
            @if !entries.is_empty() { ol { @for (id, title) in &entries { li { a href={ "#" (id) } { (title) } } } } }
        }
    };
    Ok(Section { contents, body })
}

/// What a chapter says, below its heading. `level` is that of headings in it.
fn content(chapter: &Chapter, level: u8, ids: &mut Ids, entries: &mut Vec<(String, String)>) -> Result<Markup> {
    let mut tables = Vec::new();
    for (nth, grid) in chapter.grids.iter().enumerate() {
        let id = ids.fresh(&format!("{} {}", chapter.stem, grid.title));
        let title = short_title(chapter, grid);
        let long = is_long(nth, grid);
        tables.push((long, framed(grid, &title, &id, long)));
        entries.push((id, title));
    }
    let pictures: Vec<Markup> = chapter
        .pictures
        .iter()
        .map(|picture| {
            let id = ids.fresh(&format!("{} {}", chapter.stem, picture.stem));
            let drawing = drawing(picture, &id);
            html! {
                figure #(id) {
                    div.chart { (PreEscaped(drawing.svg)) }
                    @if !drawing.notes.is_empty() {
                        figcaption { @for note in &drawing.notes { p { (words(note)) } } }
                    }
                }
            }
        })
        .collect();
    Ok(html! {
        p.question { (words(&chapter.question)) }
        @if !chapter.findings.is_empty() {
            (heading(level, "Findings"))
            ul.findings {
                @for finding in &chapter.findings { li { strong { (finding.about) } ": " (words(&finding.text)) } }
            }
        }
        @for listing in &chapter.listings {
            (heading(level, &listing.title))
            pre.listing tabindex="0" role="region" aria-label=(listing.title) { code { (listing.lines.join("\n")) } }
        }
        @if !tables.is_empty() { (heading(level, "Tables")) }
        @for (_, table) in tables.iter().filter(|(long, _)| !long) { (table) }
        @for (_, table) in tables.iter().filter(|(long, _)| *long) { (table) }
        @if !pictures.is_empty() {
            (heading(level, "Pictures"))
            div.pictures { @for picture in &pictures { (picture) } }
        }
        @if !chapter.notes.is_empty() {
            (heading(level, "How to read this"))
            ul.notes { @for note in &chapter.notes { li { (words(note)) } } }
        }
        @if !chapter.facts.is_empty() {
            (heading(level, "Where it comes from"))
            dl.facts { @for (name, value) in &chapter.facts { (fact(name, value)) } }
        }
    })
}

/// A table's title, without the chapter's before it.
fn short_title(chapter: &Chapter, grid: &Grid) -> String {
    let rest = grid.title.strip_prefix(chapter.title.as_str()).and_then(|rest| rest.strip_prefix(": "));
    let Some(rest) = rest else { return grid.title.clone() };
    let mut letters = rest.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn heading(level: u8, title: &str) -> Markup {
    html! { @if level == 3 { h3 { (title) } } @else { h4 { (title) } } }
}

fn fact(name: &str, value: &str) -> Markup {
    html! {
        div { dt { (name) }
            dd { @if name == "command" { code.command { (value) } } @else { (words(value)) } }
        }
    }
}

/// A table, which may be folded.
fn framed(grid: &Grid, title: &str, id: &str, folded: bool) -> Markup {
    let classes: Vec<Option<&str>> = (0..grid.columns.len()).map(|column| class(grid, column)).collect();
    let caption = format!("{id}-caption");
    let table = html! {
        div.scroll role="group" tabindex="0" aria-labelledby=(caption) {
            table data-filter[grid.rows.len() > FILTERED] {
                caption #(caption) { (title) }
                thead { tr {
                    th scope="col" { (grid.corner) }
                    @for (column, class) in grid.columns.iter().zip(&classes) { th class=[*class] scope="col" { (column) } }
                } }
                tbody { @for (name, cells) in &grid.rows {
                    tr {
                        th scope="row" { (words(name)) }
                        @for (word, class) in cells.iter().zip(&classes) {
                            td class=[*class] { @if word.bold { strong { (words(&word.text)) } } @else { (words(&word.text)) } }
                        }
                    }
                } }
            }
        }
        @if !grid.notes.is_empty() { ul.notes { @for note in &grid.notes { li { (words(note)) } } } }
    };
    html! {
        @if folded {
            details.table #(id) { summary { (title) " (" (count(grid.rows.len(), "row")) ")" } (table) }
        } @else {
            div.table #(id) { (table) }
        }
    }
}

/// How a column is set: figures to the right, words to the left, sentences in lines.
fn class(grid: &Grid, column: usize) -> Option<&'static str> {
    let mut texts = grid.rows.iter().filter_map(|(_, words)| Some(words.get(column)?.text.as_str()));
    match grid.is_of_words(column) {
        true if texts.any(|text| text.chars().count() > SENTENCE) => Some("text"),
        true => Some("word"),
        false => None,
    }
}

/// The records, to be saved and to be looked at.
fn raw(chapter: &Chapter, folder: &str, ids: &mut Ids) -> Result<Markup> {
    if chapter.records.is_empty() {
        return Ok(html! {});
    }
    let bytes: usize = chapter.records.iter().map(|record| record.len() + 1).sum();
    let file = if folder.is_empty() { "cells.jsonl".to_owned() } else { format!("{folder}/cells.jsonl") };
    let id = ids.fresh(&format!("{} cells", chapter.stem));
    let records = count(chapter.records.len(), "record");
    let grid = cells(&chapter.records, &format!("Cells of {}", chapter.title));
    let packed = Some(packed(&chapter.records)?).filter(|text| text.len() <= MOST_PACKED);
    Ok(html! {
        h3 { "Raw records" }
        @if let Some(packed) = packed {
            p.save { (records) " as lines of JSON, " (units::size(bytes as u64)) "; the same are in " code { (file) }
                " beside this page." }
            script type="application/gzip" data-name={ (chapter.stem) ".jsonl" } { (PreEscaped(packed)) }
        } @else {
            p { (records) " as lines of JSON, " (units::size(bytes as u64)) ", too many for a page, are in " code { (file) }
                " beside it." }
        }
        @if let Some(grid) = &grid { (framed(grid, &grid.title, &id, true)) }
    })
}

/// Text in which what stands between two backticks is code.
fn words(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    // An odd backtick is one.
    if pieces.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (n, piece) in pieces.iter().enumerate() {
            @if n % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::grid::Word;

    fn grid(title: &str, rows: usize) -> Grid {
        Grid {
            title: title.to_owned(),
            corner: "claim".to_owned(),
            columns: vec!["verdict".to_owned()],
            rows: (0..rows).map(|n| (format!("`gc.freeze` {n}"), vec![Word::plain("see `fork`")])).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_first_table_is_first_and_open_and_words_in_cells_are_code() {
        let chapter = Chapter {
            listings: Vec::new(),
            stem: "claims".to_owned(),
            title: "Claims".to_owned(),
            question: String::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            grids: vec![grid("First", 40), grid("Second", 40), grid("Third", 1)],
            pictures: Vec::new(),
            facts: Vec::new(),
            records: Vec::new(),
        };
        let page = content(&chapter, 3, &mut Ids::default(), &mut Vec::new()).unwrap().into_string();
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}: {page}"));
        assert!(at(">First</caption>") < at(">Third</caption>") && at(">Third</caption>") < at(">Second</caption>"));
        assert_eq!(page.matches("<details").count(), 1, "the second is folded, the first is not");
        assert!(at(">First</caption>") < at("<details"));
        assert!(page.contains("<th scope=\"row\"><code>gc.freeze</code> 0</th>"), "{page}");
        assert!(page.contains("see <code>fork</code></td>"), "{page}");
    }
}
