//! A chapter on a screen: its question, its tables as far as they have room, its findings.

use std::fmt::Write as _;

use comfy_table::CellAlignment;

use super::super::grid::Grid;
use super::Chapter;
use crate::table::{narrow, plain};

/// Characters of a line.
const WIDTH: usize = 110;

/// The text.
pub fn render(chapter: &Chapter) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("{}\n{}\n\n", chapter.title, chapter.question);
    for grid in &chapter.grids {
        let _ = writeln!(text, "{}", table(grid));
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
    let mut room = WIDTH.saturating_sub(grid.rows.iter().map(|(name, _)| widest(name)).max().unwrap_or(0));
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
    for (name, words) in &grid.rows {
        table.add_row(std::iter::once(name.clone()).chain(words.iter().take(shown).map(|word| word.text.clone())));
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
        assert!(text.contains("column 8") && text.contains("more columns are in the files"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let narrow = Grid { columns: vec!["one".to_owned()], rows: Vec::new(), ..grid };
        assert!(!table(&narrow).contains("more columns"));
    }
}
