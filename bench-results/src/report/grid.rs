//! A table of words, some of them bold, as every writer can set it.

/// A cell of a [`Grid`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// It stands out: the interval separates what it says.
    pub bold: bool,
}

impl Word {
    /// One that does not stand out.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), bold: false }
    }
}

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grid {
    /// What is above it.
    pub title: String,
    /// What stands over the names of rows.
    pub corner: String,
    /// The names of columns.
    pub columns: Vec<String>,
    /// Name and cells of each row, a cell a column.
    pub rows: Vec<(String, Vec<Word>)>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Grid {
    /// Whether most of what a column says is words and no figures.
    pub fn is_of_words(&self, column: usize) -> bool {
        let texts = self.rows.iter().filter_map(|(_, words)| Some(words.get(column)?.text.as_str()));
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty() && *text != "n/a").collect();
        let is_word = |text: &&&str| !text.starts_with(|c: char| c.is_ascii_digit() || "+-−~?×".contains(c));
        texts.iter().filter(is_word).count() * 2 > texts.len()
    }
}
