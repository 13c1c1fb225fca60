//! Finds a table's columns by name without regard to case (E28).
//!
//! The spelling of the table is kept. Snake case and the length of names are in `snake`.

use arrow_schema::Fields;
use hashbrown::HashMap;

/// Columns by their name in lower case.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, usize>);

impl Names {
    pub(crate) fn of(fields: &Fields) -> Self {
        let mut names = Self::default();
        for (at, field) in fields.iter().enumerate() {
            names.insert(field.name(), at);
        }
        names
    }

    /// Adds a column. Of several that differ in case only, the one in lower case has the name, as
    /// Headgate spells it, else the first.
    pub(crate) fn insert(&mut self, name: &str, at: usize) {
        let lower = name.to_lowercase();
        if lower == name || !self.0.contains_key(&lower) {
            self.0.insert(lower, at);
        }
    }

    /// The column of a name that is in lower case.
    pub(crate) fn lower(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }

    /// The column of a name.
    pub(crate) fn any(&self, name: &str) -> Option<usize> {
        self.lower(&name.to_lowercase())
    }

    /// Forgets the columns from a place on.
    pub(crate) fn truncate(&mut self, from: usize) {
        self.0.retain(|_, at| *at < from);
    }
}
