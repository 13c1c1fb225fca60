//! One table as the lake has it: whether Headgate may write it, and its columns.

use deltalake::kernel::transaction::PROTOCOL;
use deltalake::kernel::{DataType, PrimitiveType};
use deltalake::{DeltaTable, ObjectStore};
use futures::TryStreamExt;
use headgate_terms::{Column, ColumnType, Error, Result, Shown, TableName, say};
use serde_json::Value;

use crate::edge::{foreign_files, leaves, vector_leaves};
use crate::failure::failed;
use crate::lake::Lake;
use crate::rows::cut;

/// A table that Headgate may write.
#[derive(Debug, Clone)]
pub struct LakeTable {
    pub(crate) delta: DeltaTable,
    columns: Vec<Column>,
}

impl LakeTable {
    /// Its columns in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The version that was read.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.delta.version().unwrap_or_default()
    }
}

impl Lake {
    /// Opens a table to write; none when there is none.
    ///
    /// # Errors
    /// `foreign_table` (E25), `unsupported_protocol`, `unsupported_column_type`,
    /// `unsupported_partitioning`.
    pub async fn table(&self, name: &TableName) -> Result<Option<LakeTable>> {
        let Some(delta) = self.load(name).await? else {
            self.refuse_strangers(name).await?;
            return Ok(None);
        };
        let ours = |app: &str| app.starts_with("headgate/");
        if !self.transactions(name, ours).await?.keys().any(|app| ours(app)) {
            return Err(foreign(name, "was not made by Headgate"));
        }
        let snapshot = delta.snapshot().map_err(|error| failed(&open(name), &error))?;
        if PROTOCOL.can_write_to(snapshot.snapshot()).is_err() {
            return Err(self.unsupported(name).await);
        }
        if !snapshot.metadata().partition_columns().is_empty() {
            return Err(Error::new(
                "unsupported_partitioning",
                say!("`{}` is partitioned, and Headgate writes tables that are not.", name),
            )
            .hint("Rewrite the table without partitions, or move it away and sync again."));
        }
        let columns = snapshot
            .schema()
            .fields()
            .map(|field| match column_type(field.data_type()) {
                Some(kind) => Ok(Column { name: field.name().clone(), kind }),
                None => Err(Error::new(
                    "unsupported_column_type",
                    say!("Column `{}` of `{}` is a {}, a type that Headgate never makes.", field.name(), name, field.data_type().to_string()),
                )
                .hint("Drop the column or rewrite it as BIGINT, DOUBLE, BOOLEAN, STRING or TIMESTAMP.")),
            })
            .collect::<Result<_>>()?;
        self.refuse_unwritable(name)?;
        Ok(Some(LakeTable { delta, columns }))
    }

    /// Refuses a table whose folder this user may not write, before rows are made for it.
    fn refuse_unwritable(&self, name: &TableName) -> Result<()> {
        // A file without a name: nothing is left behind, whatever happens.
        tempfile::tempfile_in(self.table_path(name))
            .map(|_| ())
            .map_err(|error| failed(&say!("write to `{}`", name), &error))
    }

    /// Loads a table's state; none when it has no log.
    pub(crate) async fn load(&self, name: &TableName) -> Result<Option<DeltaTable>> {
        self.store
            .check_below(&self.table_path(name))
            .map_err(|outside| outside.failure(&open(name)))?;
        if self.is_empty(&self.path(name).join("_delta_log")).await? {
            return Ok(None);
        }
        self.refuse_foreign_files(name).await?;
        match self.builder(name)?.load().await {
            Ok(table) => {
                refuse_foreign_adds(name, &table)?;
                Ok(Some(table))
            }
            Err(error) => {
                // The library does not say which protocol it would not read.
                let reader = match self.protocol(name).await? {
                    Some(protocol) => protocol["minReaderVersion"].as_u64().unwrap_or(0),
                    None => 0,
                };
                if reader > 1 {
                    return Err(self.unsupported(name).await);
                }
                Err(failed(&open(name), &error))
            }
        }
    }

    async fn unsupported(&self, name: &TableName) -> Error {
        let protocol = self.protocol(name).await.ok().flatten().unwrap_or_default();
        let mut features: Vec<&str> = ["readerFeatures", "writerFeatures"]
            .iter()
            .filter_map(|key| protocol[key].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        features.sort_unstable();
        features.dedup();
        let named = if features.is_empty() {
            String::new()
        } else {
            format!(" with {}", features.join(", "))
        };
        Error::new(
            "unsupported_protocol",
            say!(
                "`{}` has protocol ({}, {}){}, which Headgate cannot write.",
                name,
                protocol["minReaderVersion"].to_string(),
                protocol["minWriterVersion"].to_string(),
                named
            ),
        )
        .hint("Drop the table features with `ALTER TABLE … DROP FEATURE`, or move the table away.")
    }

    /// Refuses a place where something lies that is neither a table nor left over from a write.
    async fn refuse_strangers(&self, name: &TableName) -> Result<()> {
        if self.table_path(name).is_file() {
            return Err(foreign(name, "is a file"));
        }
        let mut objects = self.store.list(Some(&self.path(name)));
        while let Some(object) =
            objects.try_next().await.map_err(|error| failed(&open(name), &error))?
        {
            let file = object.location.filename().unwrap_or_default();
            if !(file.starts_with("part-") && file.ends_with("-c000.zstd.parquet")) {
                return Err(foreign(name, "holds files that are no Delta table"));
            }
        }
        Ok(())
    }
}

/// Refuses a table with files that are not its own, as the library sees them. What it read from
/// checkpoints and their parts is here too.
fn refuse_foreign_adds(name: &TableName, table: &DeltaTable) -> Result<()> {
    let snapshot = table.snapshot().map_err(|error| failed(&open(name), &error))?;
    for file in snapshot.log_data().iter() {
        let path = file.path();
        if leaves(&path) {
            return Err(foreign_path(name, &path));
        }
        if let Some(vector) = file.deletion_vector_descriptor()
            && vector_leaves(vector.storage_type.as_ref(), &vector.path_or_inline_dv)
        {
            return Err(foreign_path(name, &vector.path_or_inline_dv));
        }
    }
    Ok(())
}

/// A path in a table's log that leads out of the table.
pub(crate) fn foreign_path(name: &TableName, path: &str) -> Error {
    let mut path = path.to_owned();
    cut(&mut path);
    foreign_files(say!(
        "The log of `{}` names `{}`, which is not a file of that table.",
        name,
        path
    ))
}

fn open(name: &TableName) -> Shown {
    say!("open `{}`", name)
}

fn foreign(name: &TableName, why: &str) -> Error {
    Error::new("foreign_table", say!("`{}` {}, so Headgate does not write there.", name, why))
        .hint("Move it away, or sync under another source name.")
}

pub(crate) fn column_type(kind: &DataType) -> Option<ColumnType> {
    match kind {
        DataType::Primitive(PrimitiveType::Long) => Some(ColumnType::BigInt),
        DataType::Primitive(PrimitiveType::Double) => Some(ColumnType::Double),
        DataType::Primitive(PrimitiveType::Boolean) => Some(ColumnType::Boolean),
        DataType::Primitive(PrimitiveType::String) => Some(ColumnType::String),
        DataType::Primitive(PrimitiveType::Timestamp) => Some(ColumnType::Timestamp),
        _ => None,
    }
}

pub(crate) fn delta_type(kind: ColumnType) -> DataType {
    DataType::Primitive(match kind {
        ColumnType::BigInt => PrimitiveType::Long,
        ColumnType::Double => PrimitiveType::Double,
        ColumnType::Boolean => PrimitiveType::Boolean,
        ColumnType::String => PrimitiveType::String,
        ColumnType::Timestamp => PrimitiveType::Timestamp,
    })
}

/// The columns of a `metaData` action, those of other types left out.
pub(crate) fn columns_of(metadata: &Value) -> Vec<Column> {
    let schema = metadata["schemaString"].as_str().unwrap_or_default();
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let fields = schema["fields"].as_array().cloned().unwrap_or_default();
    fields
        .iter()
        .filter_map(|field| {
            let kind = match field["type"].as_str()? {
                "long" => ColumnType::BigInt,
                "double" => ColumnType::Double,
                "boolean" => ColumnType::Boolean,
                "string" => ColumnType::String,
                "timestamp" => ColumnType::Timestamp,
                _ => return None,
            };
            Some(Column { name: field["name"].as_str()?.to_owned(), kind })
        })
        .collect()
}
