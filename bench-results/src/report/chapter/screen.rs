//! A chapter on a screen: its question, its tables as far as they have room, its findings.

use std::fmt::Write as _;

use comfy_table::CellAlignment;

use super::super::grid::Grid;
use super::Chapter;
use crate::table::{narrow, plain};

/// Characters of a line.
const WIDTH: usize = 132;

/// Characters of a row's name, which is folded if it is longer.
const NAME: usize = 44;

/// Rows of all tables that are shown together, if more than one is.
const ROWS: usize = 90;

/// The text.
pub fn render(chapter: &Chapter) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("{}\n{}\n\n", chapter.title, chapter.question);
    // The first table, and of the others those that have room: nobody reads a screen that has gone by.
    let mut rows = 0;
    let (shown, left): (Vec<&Grid>, Vec<&Grid>) = chapter.grids.iter().partition(|grid| {
        let is_first = rows == 0;
        rows += grid.rows.len();
        is_first || rows <= ROWS
    });
    for grid in shown {
        let _ = writeln!(text, "{}", table(grid));
    }
    if !left.is_empty() {
        let titles: Vec<&str> = left.iter().map(|grid| grid.title.as_str()).collect();
        let _ = writeln!(text, "In the files: {}.\n", titles.join("; "));
    }
    for finding in &chapter.findings {
        let _ = writeln!(text, "{}: {}\n", finding.about, finding.text);
    }
    text
}

/// A table, without the columns that have no room.
fn table(grid: &Grid) -> String {
    let headers: Vec<String> =
        grid.columns.iter().map(|column| narrow(&column.replace(' ', "-")).replace('-', " ")).collect();
    let widest = |lines: &str| lines.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let names: Vec<String> = grid.rows.iter().map(|(name, _)| folded(name)).collect();
    let mut room = WIDTH.saturating_sub(names.iter().map(|name| widest(name)).max().unwrap_or(0));
    let mut shown = 0;
    for (at, header) in headers.iter().enumerate() {
        let words = grid.rows.iter().filter_map(|(_, words)| words.get(at)).map(|word| widest(&word.text));
        let width = words.max().unwrap_or(0).max(widest(header)) + 3;
        if width > room {
            break;
        }
        room -= width;
        shown = at + 1;
    }
    let mut table = plain(std::iter::once(grid.corner.clone()).chain(headers.into_iter().take(shown)));
    for (name, (_, words)) in names.into_iter().zip(&grid.rows) {
        table.add_row(std::iter::once(name).chain(words.iter().take(shown).map(|word| word.text.clone())));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{}\n{table}\n", grid.title);
    let left_out = grid.columns.len() - shown;
    if left_out > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "({left_out} more columns are in the files)");
    }
    text
}

/// A name in lines, broken between words.
fn folded(name: &str) -> String {
    let mut folded = String::new();
    let mut on_line = 0;
    for word in name.split(' ') {
        let length = word.chars().count();
        if on_line > 0 {
            let fits = on_line + 1 + length <= NAME;
            folded.push(if fits { ' ' } else { '\n' });
            on_line = if fits { on_line + 1 } else { 0 };
        }
        folded.push_str(word);
        on_line += length;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::super::super::grid::Word;
    use super::*;

    #[test]
    fn a_table_has_the_columns_that_have_room() {
        let columns: Vec<String> = (0..20).map(|n| format!("column {n}")).collect();
        let rows = vec![("row".to_owned(), vec![Word::plain("123.4 ms"); 20])];
        let grid = Grid { title: "Wide".to_owned(), corner: "shape".to_owned(), columns, rows, notes: Vec::new() };
        let text = table(&grid);
        assert!(text.contains("column 9") && text.contains("more columns are in the files"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let narrow = Grid { columns: vec!["one".to_owned()], rows: Vec::new(), ..grid };
        assert!(!table(&narrow).contains("more columns"));
    }

    #[test]
    fn a_long_name_is_folded_between_words() {
        let text = folded("Objects on a cycle survive `del`, and `gc.collect()` frees them");
        assert_eq!(text, "Objects on a cycle survive `del`, and\n`gc.collect()` frees them");
        assert_eq!(folded("one  two"), "one  two");
    }

    #[test]
    fn tables_without_room_are_named() {
        let grid = |title: &str, rows: usize| {
            let row = |n: usize| (format!("row {n}"), vec![Word::plain("1")]);
            let (title, columns) = (title.to_owned(), vec!["one".to_owned()]);
            Grid { title, corner: String::new(), columns, rows: (0..rows).map(row).collect(), notes: Vec::new() }
        };
        let chapter = Chapter {
            listings: Vec::new(),
            stem: "x".to_owned(),
            title: "X".to_owned(),
            question: "Why?".to_owned(),
            findings: Vec::new(),
            notes: Vec::new(),
            grids: vec![grid("Long", 200), grid("Second", 3)],
            pictures: Vec::new(),
            facts: Vec::new(),
            records: Vec::new(),
        };
        let text = render(&chapter);
        assert!(text.contains("row 199") && text.contains("In the files: Second."), "{text}");
        assert!(
            !render(&Chapter { grids: vec![grid("Short", 3), grid("Second", 3)], ..chapter }).contains("In the files")
        );
    }
}
