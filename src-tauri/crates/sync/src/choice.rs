//! [`ColumnChoice`]s: types chosen for columns before a table has them (E29). They are parsed here, checked
//! against the lake, and passed to batches.
//!
//! A choice belongs to one installation and one lake. The store keeps it until the column exists; afterwards
//! the lake's records name the type, for rows that are made again. `events` applies a type to values.

use std::collections::BTreeMap;

use headgate_events::{Table, is_fixed, twin};
use headgate_lake::LakeTable;
use headgate_store::{Ledger, Store};
use headgate_terms::{Column, ColumnType, Error, Result, Shown, TableName, say};
use serde::{Deserialize, Serialize};

use crate::run::ActiveRun;
use crate::source::SourceFiles;
use crate::summary::Summary;
use crate::tables::{State, Tables};

/// A type for a column that no table has yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChoice {
    /// The table that is to have it.
    pub table: TableName,
    /// Its name, in lower case, and the type.
    pub column: Column,
}

impl ColumnChoice {
    /// Reads `SCHEMA.TABLE.COLUMN=TYPE`; names and type may be in any case.
    ///
    /// # Errors
    /// `wrong_use` when it is something else, and `column_fixed` when the column's type cannot be chosen.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, kind) = text.split_once('=').ok_or_else(|| malformed(text))?;
        let parts: Vec<String> = name.trim().split('.').map(str::to_lowercase).collect();
        let [schema, table, column] = parts.as_slice() else { return Err(malformed(text)) };
        if parts.iter().any(|part| part.is_empty() || part.contains(['/', '\\'])) {
            return Err(malformed(text));
        }
        let Some(kind) = ColumnType::named(kind.trim()) else {
            return Err(Error::new(
                "wrong_use",
                say!("`{}` is not a type of column.", kind.trim()),
            )
            .hint(say!("Choose {}.", types()))
            .field("column"));
        };
        let table = TableName { schema: schema.clone(), table: table.clone() };
        if is_fixed(&table.table, column) {
            return Err(Error::new(
                "column_fixed",
                say!("The type of `{}.{}` cannot be chosen: the table has this column from its creation, or reserves its name.", table, column),
            )
            .hint("Leave this column out. Its type is the same in every lake.")
            .field("column"));
        }
        Ok(Self { table, column: Column { name: column.clone(), kind } })
    }

    /// Reads several, of which none may contradict another.
    ///
    /// # Errors
    /// As [`Self::parse`], and `wrong_use` when two types are chosen for one column. `identifies` and `users`
    /// share their columns.
    pub fn parse_all(texts: &[impl AsRef<str>]) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for text in texts {
            let choice = Self::parse(text.as_ref())?;
            let same = |known: &&Self| {
                known.table.schema == choice.table.schema
                    && known.column.name == choice.column.name
                    && (known.table.table == choice.table.table
                        || twin(&known.table.table) == Some(choice.table.table.as_str()))
            };
            match all.iter().find(same) {
                Some(known) if known.column.kind != choice.column.kind => {
                    return Err(Error::new(
                        "wrong_use",
                        say!(
                            "Two types are chosen for `{}`: {} and {}.",
                            choice.name(),
                            known.column.kind,
                            choice.column.kind
                        ),
                    )
                    .hint("Choose one. A type of a column in `identifies` is that of the column in `users` too.")
                    .field("column"));
                }
                _ => all.push(choice),
            }
        }
        Ok(all)
    }

    /// `schema.table.column`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.table, self.column.name)
    }

    /// Itself, and the same for the table that shares its columns.
    fn with_twin(&self) -> impl Iterator<Item = Self> {
        let other = twin(&self.table.table).map(|table| {
            let table = TableName { schema: self.table.schema.clone(), table: table.to_owned() };
            Self { table, column: self.column.clone() }
        });
        std::iter::once(self.clone()).chain(other)
    }
}

fn malformed(text: &str) -> Error {
    Error::new("wrong_use", say!("`{}` is not a column with a type.", text))
        .hint("Write it as `SCHEMA.TABLE.COLUMN=TYPE`, such as `web.order_completed.quantity=BIGINT`.")
        .field("column")
}

fn types() -> Shown {
    let all: Vec<Shown> = ColumnType::ALL.iter().map(|kind| say!("{}", kind)).collect();
    let (last, others) = (&all[all.len() - 1], &all[..all.len() - 1]);
    say!("{} or {}", Shown::join(others, ", "), last)
}

/// Refuses choices for schemas that a run does not fill: a misspelled one would let the column become what it was
/// not to be.
pub(crate) fn refuse_other_schemas(
    choices: &[ColumnChoice],
    found: &SourceFiles,
    stdin: Option<&str>,
) -> Result<()> {
    let mut schemas: Vec<&str> = found.files.iter().map(|file| file.schema.as_str()).collect();
    schemas.extend(stdin);
    schemas.dedup();
    let Some(first) = schemas.first() else { return Ok(()) };
    let Some(other) =
        choices.iter().find(|choice| !schemas.contains(&choice.table.schema.as_str()))
    else {
        return Ok(());
    };
    Err(Error::new(
        "wrong_use",
        say!("These events fill schema `{}`, and `{}` is not in it.", first, other.name()),
    )
    .hint("Check the schema and the name of the source, or leave the choice out.")
    .field("column"))
}

/// Refuses a choice for a column that its table has with another type. Returns those that are open: of columns
/// that do not exist, each with the same for the table that shares its columns.
pub(crate) fn open(
    choices: &[ColumnChoice],
    tables: Option<&mut Tables>,
) -> Result<Vec<ColumnChoice>> {
    let mut open: Vec<_> = choices.iter().flat_map(ColumnChoice::with_twin).collect();
    let Some(tables) = tables else { return Ok(open) };
    for choice in &open {
        let has = has(choice, tables).filter(|has| has.kind != choice.column.kind);
        if let Some(has) = has {
            return Err(Error::new(
                "column_exists",
                say!("`{}` exists already, and is a {}.", choice.name(), has.kind),
            )
            .hint("Leave the choice out: values that do not fit the column are set aside. Another type requires that the table is rewritten.")
            .field("column"));
        }
    }
    open.retain(|choice| has(choice, tables).is_none());
    Ok(open)
}

/// The column as its table has it; `None` when there is no such column, or the table cannot be looked at.
fn has(choice: &ColumnChoice, tables: &mut Tables) -> Option<Column> {
    let State::Table(columns) = tables.state(&choice.table) else { return None };
    find(&columns, &choice.column.name).cloned()
}

/// Types for columns of one schema that its tables do not have yet, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Chosen(BTreeMap<String, Vec<Column>>);

impl Chosen {
    /// What counts for a schema: what its columns were made with by the lake's records, for rows that are made
    /// again, and before that what is chosen here.
    pub(crate) fn of(
        summary: &Summary,
        store: Option<&Store>,
        lake: &str,
        schema: &str,
    ) -> Result<Self> {
        let mut chosen = Self::default();
        for (table, expected) in &summary.tables {
            for column in &expected.chosen {
                chosen.choose(table, column);
            }
        }
        let kept = store.map(|store| store.chosen_columns(lake)).transpose()?;
        for (table, column) in
            kept.into_iter().flatten().filter(|(table, _)| table.schema == schema)
        {
            chosen.choose(&table.table, &column);
        }
        Ok(chosen)
    }

    /// Puts a choice in the place of an earlier one.
    pub(crate) fn choose(&mut self, table: &str, column: &Column) {
        choose(self.0.entry(table.to_owned()).or_default(), column);
    }

    pub(crate) fn of_table(&self, table: &str) -> Vec<Column> {
        self.0.get(table).cloned().unwrap_or_default()
    }

    /// Adds choices for one schema, which go before those that are there.
    pub(crate) fn with(mut self, choices: &[ColumnChoice], schema: &str) -> Self {
        for choice in choices.iter().filter(|choice| choice.table.schema == schema) {
            self.choose(&choice.table.table, &choice.column);
        }
        self
    }

    /// Those that a batch was planned with: of its tables, for columns that were not there before it.
    pub(crate) fn planned(mut self, tables: &[Table]) -> Self {
        self.0.retain(|name, chosen| {
            let Some(table) = tables.iter().find(|table| table.name == *name) else { return false };
            chosen.retain(|chosen| {
                let mut existing = table.columns.iter().filter(|column| column.existing);
                !existing.any(|has| has.column.name.to_lowercase() == chosen.name)
            });
            !chosen.is_empty()
        });
        self
    }
}

/// Puts a column's type in the place of the one that it had.
pub(crate) fn choose(columns: &mut Vec<Column>, column: &Column) {
    match columns.iter_mut().find(|known| known.name == column.name) {
        Some(known) => known.kind = column.kind,
        None => columns.push(column.clone()),
    }
}

impl ActiveRun<'_> {
    /// The types that count for columns which the tables of a schema do not have yet.
    pub(crate) fn chosen(&self, ledger: &Ledger, schema: &str) -> Result<Chosen> {
        let summary = Summary::read(&ledger.summary);
        Chosen::of(&summary, Some(&self.store), &self.lake_id, schema)
    }

    /// Forgets choices for columns that are made by now. Says so where another type has won.
    pub(crate) fn settle_choices(&mut self) -> Result<()> {
        for (table, column) in self.store.chosen_columns(&self.lake_id)? {
            let columns = self.tables.known(&table).map(LakeTable::columns).unwrap_or_default();
            let Some(has) = find(columns, &column.name).map(|has| has.kind) else { continue };
            self.store.forget_chosen_column(&self.lake_id, &table, &column.name)?;
            if has != column.kind {
                // The table that shares its columns would lose what only one of them takes.
                if let Some(other) = twin(&table.table) {
                    let other = TableName { schema: table.schema.clone(), table: other.to_owned() };
                    self.store.forget_chosen_column(&self.lake_id, &other, &column.name)?;
                }
                self.tally.choice_lost(&ColumnChoice { table, column }, has);
            }
        }
        Ok(())
    }

    /// Says which of the columns that this run was given a type for are not made yet.
    pub(crate) fn note_open_choices(&mut self) -> Result<()> {
        let kept = self.store.chosen_columns(&self.lake_id)?;
        for choice in &self.request.columns {
            if kept.contains(&(choice.table.clone(), choice.column.clone())) {
                self.tally.choice_open(choice);
            }
        }
        Ok(())
    }
}

/// A column by its name in lower case.
fn find<'c>(columns: &'c [Column], name: &str) -> Option<&'c Column> {
    columns.iter().find(|column| column.name.to_lowercase() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::DataFile;

    fn parsed(texts: &[&str]) -> Result<Vec<String>, String> {
        let shown = |choice: &ColumnChoice| format!("{}={}", choice.name(), choice.column.kind);
        ColumnChoice::parse_all(texts)
            .map(|all| all.iter().map(shown).collect())
            .map_err(|error| format!("{}: {}", error.code, error.message.as_str()))
    }

    #[test]
    fn a_choice_is_read_in_any_case() {
        let found = parsed(&["web.bought.quantity=BIGINT", " Web.Bought.Paid_At = timestamp "]);
        assert_eq!(found.unwrap(), ["web.bought.quantity=BIGINT", "web.bought.paid_at=TIMESTAMP"]);
        for kind in ColumnType::ALL {
            let found = parsed(&[&format!("a.b.c={}", kind.to_string().to_lowercase())]).unwrap();
            assert_eq!(found, [format!("a.b.c={kind}")]);
        }
    }

    #[test]
    fn what_is_no_choice_says_why() {
        let malformed = |text: &str| format!("wrong_use: `{text}` is not a column with a type.");
        for text in [
            "",
            "web.bought.quantity",
            "bought.quantity=BIGINT",
            "a.b.c.d=BIGINT",
            "a..c=BIGINT",
            "a.b/x.c=STRING",
            "=STRING",
        ] {
            assert_eq!(parsed(&[text]).unwrap_err(), malformed(text));
        }
        for (text, expected) in [
            ("a.b.c=INT", "wrong_use: `INT` is not a type of column."),
            ("a.b.c=", "wrong_use: `` is not a type of column."),
            (
                "web.tracks.Event=BIGINT",
                "column_fixed: The type of `web.tracks.event` cannot be chosen: the table has this column from its creation, or reserves its name.",
            ),
            (
                "web.users.anonymous_id=STRING",
                "column_fixed: The type of `web.users.anonymous_id` cannot be chosen: the table has this column from its creation, or reserves its name.",
            ),
        ] {
            let error = ColumnChoice::parse(text).unwrap_err();
            assert_eq!(format!("{}: {}", error.code, error.message.as_str()), expected);
            assert!(error.hint.is_some() && error.field.is_some(), "{text}");
        }
        let hint = ColumnChoice::parse("a.b.c=INT").unwrap_err().hint.unwrap();
        assert_eq!(hint.as_str(), "Choose BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or STRING.");
    }

    #[test]
    fn two_types_for_one_column_are_refused_also_in_tables_that_share_it() {
        for other in ["web.identifies.seats=DOUBLE", "web.users.seats=DOUBLE"] {
            let error = parsed(&["web.identifies.seats=BIGINT", other]).unwrap_err();
            assert!(error.starts_with("wrong_use: Two types are chosen for"), "{error}");
        }
        for other in [
            "web.users.seats=BIGINT",
            "app.users.seats=DOUBLE",
            "web.users.plan=DOUBLE",
            "web.groups.seats=DOUBLE",
        ] {
            assert_eq!(parsed(&["web.identifies.seats=BIGINT", other]).unwrap().len(), 2);
        }
    }

    #[test]
    fn a_choice_for_identifies_is_one_for_users() {
        let choices = ColumnChoice::parse_all(&["a.users.seats=BIGINT", "a.bought.n=DOUBLE"]);
        let open = open(&choices.unwrap(), None).unwrap();
        let names: Vec<_> = open.iter().map(ColumnChoice::name).collect();
        assert_eq!(names, ["a.users.seats", "a.identifies.seats", "a.bought.n"]);
        let chosen = Chosen::default().with(&open, "a");
        assert_eq!(chosen.of_table("identifies"), chosen.of_table("users"));
        assert_eq!(chosen.of_table("bought").len(), 1);
        assert_eq!(Chosen::default().with(&open, "b"), Chosen::default());
    }

    #[test]
    fn a_choice_for_a_schema_that_no_event_goes_to_is_refused() {
        let file = |schema: &str| DataFile {
            path: "/in/a".into(),
            key: "/in/a".to_owned(),
            name: "a".to_owned(),
            source: schema.to_owned(),
            schema: schema.to_owned(),
            size: 0,
            modified: 0,
            content: None,
        };
        let choices = ColumnChoice::parse_all(&["web.bought.n=DOUBLE"]).unwrap();
        for (schemas, stdin, is_refused) in [
            (&["web"][..], None, false),
            (&["app", "web"], None, false),
            (&["app"], None, true),
            (&[], None, false),
            (&[], Some("web"), false),
            (&[], Some("events"), true),
        ] {
            let files = schemas.iter().map(|schema| file(schema)).collect();
            let found = SourceFiles { files, ..SourceFiles::default() };
            let refused = refuse_other_schemas(&choices, &found, stdin);
            assert_eq!(refused.is_err(), is_refused, "{schemas:?} {stdin:?}");
        }
    }
}
