//! Ids of a page: each is given once.

use std::collections::BTreeSet;

use crate::report::chapter::stem;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Ids {
    given: BTreeSet<String>,
}

impl Ids {
    /// One that reads like this name.
    pub(super) fn fresh(&mut self, name: &str) -> String {
        // A letter first, so that it is one in every language that asks.
        let stem = stem(name);
        let stem = if stem.starts_with(|c: char| c.is_ascii_alphabetic()) { stem } else { format!("n-{stem}") };
        let numbered = (2..).map(|n| format!("{stem}-{n}"));
        let mut free = std::iter::once(stem.clone()).chain(numbered);
        free.find(|id| self.given.insert(id.clone())).unwrap_or(stem)
    }
}
