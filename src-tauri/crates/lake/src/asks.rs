//! Table features: what a table's protocol, properties and columns require of a writer, compared with what
//! Headgate's writer does (E28). A table that requires more is refused.
//!
//! The library accepts many features because its own write operations honour them. Headgate writes files and
//! metadata itself, so the library's check is not enough.

use delta_kernel::table_features::TableFeature;
use deltalake::kernel::transaction::PROTOCOL;
use deltalake::kernel::{Protocol, Snapshot, StructField};
use headgate_terms::{Error, Result, Shown, TableName, say};
use serde_json::Value;

use crate::table::column_type;

/// Refuses a table that requires more than Headgate's writer does when it appends.
pub(crate) fn refuse(name: &TableName, table: &Snapshot) -> Result<()> {
    refuse_features(name, table.protocol())?;
    let metadata = table.metadata();
    for (key, value) in metadata.configuration() {
        if let Some(constraint) = key.strip_prefix("delta.constraints.") {
            return Err(unsupported(
                &say!("`{}` has the constraint `{}`", name, constraint),
                say!(
                    "Drop it with `ALTER TABLE {} DROP CONSTRAINT {}`, then run the sync again.",
                    name,
                    constraint
                ),
            ));
        }
        if key == "delta.columnMapping.mode" && value != "none" {
            return Err(unsupported(
                &say!("`{}` has column mapping by {}", name, value.as_str()),
                say!(
                    "Set `delta.columnMapping.mode` back to `none`, then run the sync again; or move the table away and fill it again with `--again --refill`."
                ),
            ));
        }
    }
    if !metadata.partition_columns().is_empty() {
        return Err(unsupported(
            &say!("`{}` is partitioned", name),
            say!(
                "Rewrite the table without partitions, or move it away and fill it again with `--again --refill`."
            ),
        ));
    }
    table.schema().fields().try_for_each(|field| refuse_field(name, field))?;
    // Version 6 numbers the rows of any table, and from 7 on the features say what is asked for.
    let (reader, writer) =
        (table.protocol().min_reader_version(), table.protocol().min_writer_version());
    let is_read = PROTOCOL.can_read_from_protocol(table.protocol()).is_ok();
    if !is_read || !(writer <= 5 || writer == 7) {
        return Err(unsupported_protocol(name, reader, writer));
    }
    Ok(())
}

/// Refuses a table whose rows Headgate may not replace, or not so that every reader sees it.
pub(crate) fn refuse_rewriting(
    name: &TableName,
    table: &Snapshot,
    has_vectors: bool,
) -> Result<()> {
    let is_on = |key: &str| {
        let value = table.metadata().configuration().get(key);
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let unset = |key: &str| {
        say!(
            "Turn it off with `ALTER TABLE {} UNSET TBLPROPERTIES ('{}')`, then run the sync again.",
            name,
            key
        )
    };
    if is_on("delta.appendOnly") {
        return Err(unsupported(
            &say!("`{}` is append-only, and Headgate updates rows there", name),
            unset("delta.appendOnly"),
        ));
    }
    if is_on("delta.enableChangeDataFeed") {
        return Err(unsupported(
            &say!("`{}` has its change data feed enabled", name),
            unset("delta.enableChangeDataFeed"),
        ));
    }
    if has_vectors || is_on("delta.enableDeletionVectors") {
        return Err(unsupported(
            &say!("`{}` has deletion vectors", name),
            say!(
                "Drop them with `ALTER TABLE {} DROP FEATURE deletionVectors`, then run the sync again.",
                name
            ),
        ));
    }
    Ok(())
}

fn refuse_features(name: &TableName, protocol: &Protocol) -> Result<()> {
    let features = [protocol.reader_features(), protocol.writer_features()];
    let mut features = features.into_iter().flatten().flatten();
    match features.find(|feature| !is_done(feature)) {
        Some(TableFeature::Unknown(feature)) => Err(unsupported_feature(name, feature)),
        Some(feature) => Err(unsupported_feature(name, feature.as_ref())),
        None => Ok(()),
    }
}

/// A table with a feature that Headgate's writer, or the library, does not know how to keep.
pub(crate) fn unsupported_feature(name: &TableName, feature: &str) -> Error {
    unsupported(
        &say!("`{}` has the table feature `{}`", name, feature),
        say!(
            "Drop it with `ALTER TABLE {} DROP FEATURE {}`, or move the table away and fill it again with `--again --refill`.",
            name,
            feature
        ),
    )
}

/// A table whose protocol is newer than the library.
pub(crate) fn unsupported_protocol(name: &TableName, reader: i32, writer: i32) -> Error {
    unsupported(
        &say!("`{}` has protocol ({}, {})", name, reader, writer),
        say!(
            "Drop the table features that need it with `ALTER TABLE {} DROP FEATURE …`, or move the table away and fill it again with `--again --refill`.",
            name
        ),
    )
}

/// Whether Headgate's writer does what a feature requires when it is listed. What some require only
/// when a table uses them is looked for where it is set.
fn is_done(feature: &TableFeature) -> bool {
    match feature {
        // Appends only add rows: a change data feed needs no files of its own for them.
        TableFeature::AppendOnly
        | TableFeature::ChangeDataFeed
        | TableFeature::DeletionVectors
        // Looked for in the metadata.
        | TableFeature::Invariants
        | TableFeature::CheckConstraints
        | TableFeature::GeneratedColumns
        | TableFeature::ColumnMapping
        // Columns of these types are refused.
        | TableFeature::TimestampWithoutTimezone
        | TableFeature::VariantType
        | TableFeature::VariantTypePreview
        // The library writes such checkpoints.
        | TableFeature::V2Checkpoint => true,
        TableFeature::IdentityColumns
        | TableFeature::InCommitTimestamp
        | TableFeature::RowTracking
        | TableFeature::DomainMetadata
        | TableFeature::IcebergCompatV1
        | TableFeature::IcebergCompatV2
        | TableFeature::IcebergCompatV3
        | TableFeature::ClusteredTable
        | TableFeature::MaterializePartitionColumns
        | TableFeature::AllowColumnDefaults
        | TableFeature::CatalogManaged
        | TableFeature::CatalogOwnedPreview
        | TableFeature::TypeWidening
        | TableFeature::TypeWideningPreview
        | TableFeature::VacuumProtocolCheck
        | TableFeature::VariantShredding
        | TableFeature::VariantShreddingPreview
        | TableFeature::AdaptiveMetadataPreview
        | TableFeature::GeospatialType
        | TableFeature::Unknown(_) => false,
    }
}

/// Why the library does not read a table with this protocol, if the protocol is the reason.
pub(crate) fn unreadable(name: &TableName, protocol: &Value) -> Option<Error> {
    let version = |key: &str| protocol[key].as_i64().and_then(|it| i32::try_from(it).ok());
    let (reader, writer) = (version("minReaderVersion")?, version("minWriterVersion")?);
    let features = protocol["readerFeatures"].as_array().into_iter().flatten();
    let is_new = |feature: &&str| !feature.parse().is_ok_and(|known| is_done(&known));
    match features.filter_map(Value::as_str).find(is_new) {
        Some(feature) => Some(unsupported_feature(name, feature)),
        None => (reader > 1).then(|| unsupported_protocol(name, reader, writer)),
    }
}

fn refuse_field(name: &TableName, field: &StructField) -> Result<()> {
    let column = field.name().as_str();
    if column_type(field.data_type()).is_none() {
        return Err(unsupported(
            &say!(
                "Column `{}` of `{}` is a {}, a type that Headgate never makes",
                column,
                name,
                field.data_type().to_string()
            ),
            say!("Drop the column or rewrite it as BIGINT, DOUBLE, BOOLEAN, STRING or TIMESTAMP."),
        ));
    }
    if !field.is_nullable() {
        return Err(unsupported(
            &say!("Column `{}` of `{}` is NOT NULL", column, name),
            say!(
                "Allow it to be empty with `ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL`, then run the sync again.",
                name,
                column
            ),
        ));
    }
    match field.metadata().keys().find_map(|key| asks_for(key)) {
        Some(what) => Err(unsupported(
            &say!("Column `{}` of `{}` {}", column, name, what),
            say!(
                "Drop that from the column or rewrite the table without it, then run the sync again."
            ),
        )),
        None => Ok(()),
    }
}

/// What a column's metadata requires of writers, if anything.
fn asks_for(key: &str) -> Option<&'static str> {
    match key {
        "delta.invariants" => Some("has an invariant"),
        "delta.generationExpression" => Some("is generated from others"),
        "CURRENT_DEFAULT" => Some("has a default"),
        // A length that Spark keeps beside the type `string`.
        "__CHAR_VARCHAR_TYPE_STRING" => Some("has a length, as CHAR or VARCHAR"),
        _ if key.starts_with("delta.identity.") => Some("has an identity column"),
        _ => None,
    }
}

fn unsupported(what: &Shown, hint: Shown) -> Error {
    let message =
        say!("{}, which Headgate's writer does not support, so the table was not written.", what);
    Error::new("unsupported_table", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use delta_kernel::table_features::TableFeature;
    use strum::IntoEnumIterator;

    #[test]
    fn the_table_features_that_the_writer_supports() {
        let kept = TableFeature::iter().filter(super::is_done).map(|feature| feature.to_string());
        let expected = "appendOnly changeDataFeed checkConstraints columnMapping deletionVectors generatedColumns \
                        invariants timestampNtz v2Checkpoint variantType variantType-preview";
        let mut kept: Vec<_> = kept.collect();
        kept.sort_unstable();
        assert_eq!(kept.join(" "), expected);
    }
}
