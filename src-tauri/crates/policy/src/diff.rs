//! The difference between two texts, line by line: a unified diff, and the number of lines that differ.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use ts_rs::TS;

/// How many lines differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "ChangedLines")]
pub struct Lines {
    /// Lines that only the new text has.
    pub added: usize,
    /// Lines that only the old text has.
    pub removed: usize,
}

/// A unified diff; empty for texts that are the same.
#[must_use]
pub fn unified(before: &str, after: &str, names: (&str, &str)) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(names.0, names.1)
        .to_string()
}

/// Counts the lines that differ.
#[must_use]
pub fn lines(before: &str, after: &str) -> Lines {
    let difference = TextDiff::from_lines(before, after);
    let count = |tag| difference.iter_all_changes().filter(|change| change.tag() == tag).count();
    Lines { added: count(ChangeTag::Insert), removed: count(ChangeTag::Delete) }
}
