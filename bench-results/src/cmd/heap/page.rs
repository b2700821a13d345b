//! The text of the tools: titled sections of aligned lines, titles bold where the output is a terminal that may be styled.

use std::env;
use std::io::{self, IsTerminal};

/// Text that is put together section by section.
pub(super) struct Page {
    text: String,
    bold: bool,
}

impl Page {
    /// A page to print. Plain if the output is no terminal or `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn for_stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { text: String::new(), bold: io::stdout().is_terminal() && !refused }
    }

    /// Begins a section.
    pub(super) fn title(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        if self.bold {
            self.text.push_str(&format!("\x1b[1m{title}\x1b[0m\n"));
        } else {
            self.text.push_str(&format!("{title}\n"));
        }
    }

    /// A line of the section.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str("  ");
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}
