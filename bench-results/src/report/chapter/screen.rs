//! A chapter on a screen: its question, its tables as far as they have room, its findings.
//!
//! A table has the room of the terminal. Columns of words are folded to it; where not all columns fit, those of the baseline, of
//! the concurrent heap and of interpreters are first, and those that are left out are named below.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terminal_size::{Width, terminal_size_of};

use super::super::grid::Grid;
use super::Chapter;
use crate::comparison::BASELINE;
use crate::roster;
use crate::table::{narrow, plain};

/// Characters of a line where the output is no terminal.
const WIDTH: usize = 132;

/// Of a terminal's line no fewer and no more are used: a sentence of a line longer than that is hard to read.
const LEAST_AND_MOST: (usize, usize) = (80, 180);

/// Characters of a row's name, which is folded if it is longer.
const NAME: usize = 44;

/// The same beside sentences.
const NAME_BESIDE_SENTENCES: usize = 30;

/// Characters of a line of a header.
const HEADER: usize = 12;

/// A cell with more characters is a sentence.
const SENTENCE: usize = 40;

/// Characters that a column of sentences has at least, and one of single words.
const SENTENCE_LEAST: usize = 18;
const WORDS_LEAST: usize = 12;

/// Blanks around a cell.
const BLANKS: usize = 3;

/// Rows of all tables that are shown together, if more than one is.
const ROWS: usize = 90;

/// The text, as wide as the terminal is.
pub fn render(chapter: &Chapter) -> String {
    let (least, most) = LEAST_AND_MOST;
    let terminal = terminal_size_of(std::io::stdout()).map(|(Width(columns), _)| usize::from(columns));
    in_width(chapter, terminal.map_or(WIDTH, |columns| columns.clamp(least, most)))
}

/// The text with lines of so many characters.
fn in_width(chapter: &Chapter, width: usize) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("{}\n{}\n\n", chapter.title, folded(&chapter.question, width));
    // The first table, and of the others those that have room: nobody reads a screen that has gone by.
    let mut rows = 0;
    let (shown, left): (Vec<&Grid>, Vec<&Grid>) = chapter.grids.iter().partition(|grid| {
        let is_first = rows == 0;
        let fits = rows + grid.rows.len() <= ROWS;
        if is_first || fits {
            rows += grid.rows.len();
        }
        is_first || fits
    });
    let mut told: Vec<&String> = Vec::new();
    for grid in shown {
        let _ = write!(text, "{}", table(grid, width));
        for note in &grid.notes {
            if !told.contains(&note) {
                let _ = writeln!(text, "{}", folded(note, width));
                told.push(note);
            }
        }
        text.push('\n');
    }
    if !left.is_empty() {
        let titles: Vec<&str> = left.iter().map(|grid| grid.title.as_str()).collect();
        let _ = writeln!(text, "{}\n", folded(&format!("In the files: {}.", titles.join("; ")), width));
    }
    for finding in &chapter.findings {
        let _ = writeln!(text, "{}\n", folded(&format!("{}: {}", finding.about, finding.text), width));
    }
    text
}

/// A column of a table, and the room it takes.
struct Column {
    header: String,
    /// Its cells are folded to fit and begin at the left; figures are neither.
    is_of_words: bool,
    /// Characters of a line: at least, and of the longest cell.
    least: usize,
    longest: usize,
    /// Who has to have room first; columns that nobody's name stands over are before all others.
    rank: usize,
}

impl Column {
    fn new(grid: &Grid, at: usize) -> Self {
        let name = &grid.columns[at];
        let header: Vec<String> = folded(name, HEADER).lines().map(narrow).collect();
        let header = header.join("\n");
        let texts = || grid.rows.iter().filter_map(|(_, words)| Some(words.get(at)?.text.as_str()));
        let widest_header = widest(&header);
        let longest = texts().map(widest).max().unwrap_or(0).max(widest_header);
        let is_of_words = longest > SENTENCE || grid.is_of_words(at);
        let word = texts().flat_map(|text| text.split([' ', '\n'])).map(|word| word.chars().count()).max().unwrap_or(0);
        let few = if longest > SENTENCE { SENTENCE_LEAST } else { WORDS_LEAST };
        let least = if is_of_words { few.max(word).max(widest_header).min(longest) } else { longest };
        Self { header, is_of_words, least, longest, rank: rank(name) }
    }
}

/// Of the columns that stand for somebody: the baseline, the concurrent heap, interpreters, other heaps.
fn rank(column: &str) -> usize {
    match column.split([' ', ',']).next().unwrap_or_default() {
        BASELINE => 1,
        "concurrent" => 2,
        "CPython" => 3,
        heap if roster::entry(heap).is_ok() => 4,
        _ => 0,
    }
}

/// A table, without the columns that have no room.
fn table(grid: &Grid, width: usize) -> String {
    let columns: Vec<Column> = (0..grid.columns.len()).map(|at| Column::new(grid, at)).collect();
    let has_sentences = columns.iter().any(|column| column.longest > SENTENCE);
    let name = if has_sentences { NAME_BESIDE_SENTENCES } else { NAME };
    let names: Vec<String> = grid.rows.iter().map(|(row, _)| folded(row, name)).collect();
    let name = names.iter().map(|name| widest(name)).max().unwrap_or(0).max(widest(&grid.corner));
    let (shown, room) = shown(&columns, width.saturating_sub(name + BLANKS));
    let mut table = plain(std::iter::once(&grid.corner).chain(shown.iter().map(|&at| &columns[at].header)).cloned());
    for (name, (_, words)) in names.into_iter().zip(&grid.rows) {
        let cell = |(&at, &room): (&usize, &usize)| match words.get(at) {
            Some(word) if columns[at].is_of_words => folded(&word.text, room),
            Some(word) => word.text.clone(),
            None => String::new(),
        };
        let cells: Vec<String> = std::iter::once(name).chain(shown.iter().zip(&room).map(cell)).collect();
        let is_tall = has_sentences && cells.iter().any(|cell| cell.contains('\n'));
        table.add_row(cells);
        if is_tall {
            // One row from the next.
            table.add_row([" "]);
        }
    }
    for (column, &at) in table.column_iter_mut().skip(1).zip(&shown) {
        let alignment = if columns[at].is_of_words { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(alignment);
    }
    let lines: Vec<String> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    let mut text = format!("{}\n{}\n", grid.title, lines.join("\n").trim_end());
    let left: Vec<&str> =
        (0..columns.len()).filter(|at| !shown.contains(at)).map(|at| grid.columns[at].as_str()).collect();
    if !left.is_empty() {
        let columns = if left.len() == 1 { "column is" } else { "columns are" };
        let note = format!("({} more {columns} in the files: {})", left.len(), left.join("; "));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", folded(&note, width));
    }
    text
}

/// Which columns have room, in their order, and how much each has: at least what it must have, and of what is left as much as it can use.
fn shown(columns: &[Column], width: usize) -> (Vec<usize>, Vec<usize>) {
    let mut by_rank: Vec<usize> = (0..columns.len()).collect();
    by_rank.sort_by_key(|&at| columns[at].rank);
    let mut spare = width;
    let mut shown: Vec<usize> = by_rank
        .into_iter()
        .map_while(|at| {
            spare = spare.checked_sub(columns[at].least + BLANKS)?;
            Some(at)
        })
        .collect();
    shown.sort_unstable();
    let mut room: Vec<usize> = shown.iter().map(|&at| columns[at].least).collect();
    // A character each in turn: what one cannot use the others have.
    let most: Vec<usize> = shown.iter().map(|&at| columns[at].longest).collect();
    while spare > 0 && room != most {
        for (room, most) in room.iter_mut().zip(&most) {
            if *room < *most && spare > 0 {
                *room += 1;
                spare -= 1;
            }
        }
    }
    (shown, room)
}

/// Characters of the longest line.
fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// A text in lines of so many characters, broken between words.
fn folded(text: &str, room: usize) -> String {
    let mut folded = String::new();
    let mut on_line = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if on_line > 0 {
            let fits = on_line + 1 + length <= room;
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
        let text = table(&grid, WIDTH);
        assert!(text.contains("column 9") && text.contains("more columns are in the files"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let narrow = Grid { columns: vec!["one".to_owned()], rows: Vec::new(), ..grid };
        assert!(!table(&narrow, WIDTH).contains("more columns"));
    }

    #[test]
    fn a_long_name_is_folded_between_words() {
        let text = folded("Objects on a cycle survive `del`, and `gc.collect()` frees them", NAME);
        assert_eq!(text, "Objects on a cycle survive `del`, and\n`gc.collect()` frees them");
        assert_eq!(folded("one  two", NAME), "one  two");
    }

    fn of_words(columns: &[&str], cells: &[&str]) -> Grid {
        let row = ("A claim in a few words".to_owned(), cells.iter().map(|cell| Word::plain(*cell)).collect());
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Grid {
            title: "T".to_owned(),
            corner: "claim".to_owned(),
            columns,
            rows: vec![row.clone(), row],
            notes: Vec::new(),
        }
    }

    #[test]
    fn sentences_are_folded_and_none_is_left_out() {
        let sentence =
            "Finalizers run in the order in which the collector lists objects, which is that of their creation.";
        let grid =
            of_words(&["letter", "one says", "another says", "what is so"], &["N", sentence, sentence, sentence]);
        for width in [100, WIDTH, 180] {
            let text = table(&grid, width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
            assert!(!text.contains("more column"), "{width}: {text}");
            for word in sentence.split(' ') {
                assert!(text.matches(word).count() >= 6, "{width}, `{word}`: {text}");
            }
        }
        let widest = |width| widest(&table(&grid, width));
        assert!(widest(100) > 90 && widest(WIDTH) > 122, "the room is used: {} and {}", widest(100), widest(WIDTH));
    }

    #[test]
    fn the_baseline_the_concurrent_heap_and_interpreters_have_room_first() {
        let columns = [
            "articles",
            "refcount",
            "generational",
            "generational-streaming",
            "stop-the-world",
            "concurrent",
            "CPython 3.12.1",
            "CPython 3.13.0",
        ];
        let grid = of_words(&columns, &["reproduced"; 8]);
        let text = table(&grid, 100);
        let header: Vec<&str> = text.lines().skip(1).take_while(|line| !line.contains('─')).collect();
        for name in ["articles", "generational", "concurrent", "3.12.1", "3.13.0"] {
            assert!(header.iter().any(|line| line.contains(name)), "{name}: {text}");
        }
        assert!(
            text.contains("(3 more columns are in the files: refcount; generational-streaming; stop-the-world)"),
            "{text}"
        );
        assert!(table(&grid, 180).contains("stop-the-"), "a name keeps its hyphens");
        let undecided = of_words(&["generational", "concurrent"], &["not decided, -9 to +4 %", "reproduced"]);
        let folded = table(&undecided, 56);
        assert!(folded.contains("not decided,") && folded.contains("concurrent"), "{folded}");
    }

    #[test]
    fn tables_without_room_are_named() {
        let grid = |title: &str, rows: usize| {
            let row = |n: usize| (format!("row {n}"), vec![Word::plain("1")]);
            let (title, columns) = (title.to_owned(), vec!["one".to_owned()]);
            let notes = if rows == 3 { vec!["To know.".to_owned()] } else { Vec::new() };
            Grid { title, corner: String::new(), columns, rows: (0..rows).map(row).collect(), notes }
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
        assert!(!text.contains("To know"), "a note of a table that is not shown");
        let both = render(&Chapter { grids: vec![grid("Short", 3), grid("Second", 3)], ..chapter });
        assert!(!both.contains("In the files"));
        assert_eq!(both.matches("To know.").count(), 1, "once for both tables: {both}");
    }
}
