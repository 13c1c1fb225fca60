//! Types that users chose for columns of a lake before the columns exist. `sync` applies a choice, and removes
//! it once the column exists.

use headgate_terms::{Column, ColumnType, Result, TableName};
use rusqlite::params;

use crate::{Store, failed, or_nothing};

impl Store {
    /// The types that were chosen for columns of a lake, by its id, in the order of their names. A type that
    /// this version does not know is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn chosen_columns(&self, lake: &str) -> Result<Vec<(TableName, Column)>> {
        let sql = "SELECT schema, table_name, name, type FROM chosen_columns WHERE lake = ?1
                   ORDER BY schema, table_name, name";
        let found = self.connection.prepare(sql).and_then(|mut query| {
            let rows = query.query_map([lake], |row| {
                let table = TableName { schema: row.get(0)?, table: row.get(1)? };
                let (name, kind): (String, String) = (row.get(2)?, row.get(3)?);
                Ok(ColumnType::named(&kind).map(|kind| (table, Column { name, kind })))
            })?;
            rows.filter_map(Result::transpose).collect()
        });
        or_nothing(found, "read the types that were chosen for columns")
    }

    /// Keeps the type that was chosen for a column, in the place of an earlier one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn choose_column(&self, lake: &str, table: &TableName, column: &Column) -> Result<()> {
        let TableName { schema, table } = table;
        self.connection
            .execute(
                "INSERT INTO chosen_columns (lake, schema, table_name, name, type)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (lake, schema, table_name, name) DO UPDATE SET type = excluded.type",
                params![lake, schema, table, column.name, column.kind.to_string()],
            )
            .map(|_| ())
            .map_err(|error| failed("keep the type that was chosen for a column", &error))
    }

    /// Forgets the type that was chosen for a column.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_chosen_column(&self, lake: &str, table: &TableName, name: &str) -> Result<()> {
        let TableName { schema, table } = table;
        let sql = "DELETE FROM chosen_columns
                   WHERE lake = ?1 AND schema = ?2 AND table_name = ?3 AND name = ?4";
        self.connection
            .execute(sql, [lake, schema, table, name])
            .map(|_| ())
            .map_err(|error| failed("forget the type that was chosen for a column", &error))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::schema;

    fn choice(table: &str, name: &str, kind: ColumnType) -> (TableName, Column) {
        let table = TableName { schema: "web".to_owned(), table: table.to_owned() };
        (table, Column { name: name.to_owned(), kind })
    }

    fn choose(store: &Store, lake: &str, (table, column): &(TableName, Column)) {
        store.choose_column(lake, table, column).unwrap();
    }

    #[test]
    fn a_choice_is_of_one_lake_and_the_last_one_counts() {
        let store = Store::of(schema::in_memory());
        let quantity = choice("bought", "quantity", ColumnType::BigInt);
        for (lake, kind) in [
            ("one", ColumnType::String),
            ("one", ColumnType::BigInt),
            ("other", ColumnType::Double),
        ] {
            choose(&store, lake, &choice("bought", "quantity", kind));
        }
        let at = choice("bought", "at", ColumnType::Timestamp);
        choose(&store, "one", &at);
        assert_eq!(store.chosen_columns("one").unwrap(), [at.clone(), quantity.clone()]);
        store.forget_chosen_column("one", &at.0, "at").unwrap();
        store.forget_chosen_column("one", &at.0, "at").unwrap();
        assert_eq!(store.chosen_columns("one").unwrap(), [quantity]);
        assert_eq!(store.chosen_columns("other").unwrap().len(), 1);
        assert_eq!(store.chosen_columns("none").unwrap(), []);
    }

    #[test]
    fn a_type_of_a_later_version_is_left_out() {
        let store = Store::of(schema::in_memory());
        let known = choice("bought", "quantity", ColumnType::BigInt);
        choose(&store, "one", &known);
        let later = "INSERT INTO chosen_columns VALUES ('one', 'web', 'bought', 'a', 'VARIANT')";
        store.connection.execute(later, []).unwrap();
        assert_eq!(store.chosen_columns("one").unwrap(), [known]);
    }

    /// A data folder of version 6 with a run on record.
    fn folder_of_version_6() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join(crate::FILE)).unwrap();
        schema::steps().to_version(&mut connection, 6).unwrap();
        let run = "INSERT INTO runs (id, running, document) VALUES ('1-abcdef', 0, '{}')";
        connection.execute(run, []).unwrap();
        folder
    }

    #[test]
    fn a_database_of_the_version_before_takes_choices() {
        let folder = folder_of_version_6();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.is_current() && store.run("1-abcdef").unwrap().is_some());
        assert_eq!(store.chosen_columns("one").unwrap(), []);
        let quantity = choice("bought", "quantity", ColumnType::BigInt);
        choose(&store, "one", &quantity);
        drop(store);
        let store = Store::open_if_any(folder.path()).unwrap().unwrap();
        assert_eq!(store.chosen_columns("one").unwrap(), [quantity]);
    }

    #[test]
    fn a_database_of_the_version_before_that_is_only_read_has_no_choices() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::steps().to_version(&mut connection, 6).unwrap();
        assert_eq!(Store::of(connection).chosen_columns("one").unwrap(), []);
    }
}
