//! One Parquet file of a table: opened, its footer and statistics read, and its rows read as plain Arrow.
//!
//! Text is UTF-8 and time is microseconds, whatever the file's writer used. The caller chooses the rows.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use deltalake::arrow::compute::{CastOptions, cast_with_options};
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{self, GetResultPayload, ObjectStoreExt};
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use deltalake::parquet::basic::Type;
use deltalake::parquet::file::statistics::Statistics;
use headgate_terms::{Error, Result, Shown, say};
use serde_json::Value;

use crate::failure::{damaged, failed};
use crate::lake::Lake;
use crate::swell::{as_views, bytes_of, is_too_far, largest, too_far};
use crate::table::is_same_name;

/// The most rows that are decoded at once.
const STEP: u64 = 8_192;
/// What the rows that are decoded at once may take, in bytes.
const ROOM: u64 = 16 << 20;

/// An open data file, its footer read.
pub(crate) struct DataFile {
    file: File,
    footer: ArrowReaderMetadata,
    at_once: usize,
    has_int96: bool,
}

impl DataFile {
    /// Opens a file of a table.
    ///
    /// # Errors
    /// When it is missing or not Parquet; `file_expands_too_far` for one that would fill the memory.
    pub(crate) async fn open(lake: &Lake, location: &Path, doing: &Shown) -> Result<Self> {
        let found = lake.store.get(location).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => {
                damaged(&say!("Could not {}: `/{}` is missing", doing, location.as_ref()))
            }
            error => failed(doing, &error),
        })?;
        let GetResultPayload::File(file, path) = found.payload else {
            return Err(Error::new(
                "unsupported_location",
                say!(
                    "Could not {}: `{}` is not a file on this computer.",
                    doing,
                    location.as_ref()
                ),
            ));
        };
        let size = file.metadata().map_err(|error| failed(doing, &error))?.len();
        // The Arrow schema that a writer embeds is ignored: it may ask for dictionaries or views.
        let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain =
            ArrowReaderMetadata::load(&file, options()).map_err(|error| failed(doing, &error))?;
        let groups =
            largest(plain.metadata(), &file, size).map_err(|error| failed(doing, &error))?;
        if is_too_far(groups, size) {
            return Err(too_far(doing, &path));
        }
        let columns = plain.parquet_schema().columns().iter();
        let has_int96 = columns.clone().any(|column| column.physical_type() == Type::INT96);
        let mut schema = as_views(plain.schema());
        if has_int96 {
            schema = in_micros(&schema);
        }
        let footer = ArrowReaderMetadata::try_new(
            plain.metadata().clone(),
            options().with_schema(Arc::new(schema)),
        )
        .map_err(|error| failed(doing, &error))?;
        let rows_of = |group: usize| {
            let group = footer.metadata().row_group(group);
            let bytes = u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX).max(1);
            ROOM.saturating_mul(u64::try_from(group.num_rows()).unwrap_or_default()) / bytes
        };
        let at_once = (0..footer.metadata().num_row_groups()).map(rows_of).min().unwrap_or(STEP);
        Ok(Self { file, at_once: at_once.clamp(1, STEP) as usize, has_int96, footer })
    }

    /// Whether it has timestamps in Spark's old form, which no column of a table's may be read from
    /// without loss.
    pub(crate) fn has_int96(&self) -> bool {
        self.has_int96
    }

    /// The numbers of its row groups.
    pub(crate) fn groups(&self) -> Range<usize> {
        0..self.footer.metadata().num_row_groups()
    }

    /// Its columns, by name and as they are read.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// Its columns as plain Arrow.
    pub(crate) fn plain_schema(&self) -> SchemaRef {
        let fields = self.schema().fields().iter().map(|field| {
            Arc::new(Field::clone(field).with_data_type(match field.data_type() {
                DataType::Utf8View => DataType::Utf8,
                DataType::Timestamp(_, _) => micros(),
                other => other.clone(),
            }))
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The least and the greatest text of a column in a row group, both of which may be cut.
    pub(crate) fn texts(&self, group: usize, column: &str) -> Option<(&[u8], &[u8])> {
        let statistics = self.statistics(group, column)?;
        // Old writers took signs for numbers below zero.
        let Statistics::ByteArray(_) = statistics else { return None };
        if statistics.is_min_max_deprecated() {
            return None;
        }
        Some((statistics.min_bytes_opt()?, statistics.max_bytes_opt()?))
    }

    /// The first and the last time of a column in a row group, in microseconds; `None` when a row of it
    /// has no time.
    pub(crate) fn times(&self, group: usize, column: &str) -> Option<(i64, i64)> {
        let statistics = self.statistics(group, column)?;
        let Statistics::Int64(values) = statistics else { return None };
        let place = place(self.schema(), column)?;
        let DataType::Timestamp(unit, _) = self.schema().field(place).data_type() else {
            return None;
        };
        let micros = |value: i64| match unit {
            TimeUnit::Second => value.checked_mul(1_000_000),
            TimeUnit::Millisecond => value.checked_mul(1_000),
            TimeUnit::Microsecond => Some(value),
            TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
        };
        if statistics.null_count_opt() != Some(0) {
            return None;
        }
        Some((micros(*values.min_opt()?)?, micros(*values.max_opt()?)?))
    }

    fn statistics(&self, group: usize, column: &str) -> Option<&Statistics> {
        let root = place(self.schema(), column)?;
        let leaves = self.footer.parquet_schema();
        let leaf =
            (0..leaves.num_columns()).find(|&leaf| leaves.get_column_root_idx(leaf) == root)?;
        self.footer.metadata().row_group(group).column(leaf).statistics()
    }

    /// What reads these columns and no other, those that the file does not have left out.
    pub(crate) fn mask<'n>(&self, columns: impl IntoIterator<Item = &'n str>) -> ProjectionMask {
        let places = columns.into_iter().filter_map(|column| place(self.schema(), column));
        ProjectionMask::roots(self.footer.parquet_schema(), places)
    }

    /// Reads row groups as they come, texts as views.
    pub(crate) fn views(
        &self,
        columns: ProjectionMask,
        groups: Vec<usize>,
        filter: Option<RowFilter>,
        doing: &Shown,
    ) -> Result<ParquetRecordBatchReader> {
        let file = self.file.try_clone().map_err(|error| failed(doing, &error))?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_projection(columns)
            .with_row_groups(groups)
            .with_batch_size(self.at_once);
        let reader = match filter {
            Some(filter) => reader.with_row_filter(filter),
            None => reader,
        };
        reader.build().map_err(|error| failed(doing, &error))
    }

    /// Reads row groups with exactly these columns: others are left out, missing ones are NULL.
    pub(crate) fn rows(
        &self,
        fields: &SchemaRef,
        groups: Vec<usize>,
        filter: Option<RowFilter>,
        doing: &Shown,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<>> {
        let mask = self.mask(fields.fields().iter().map(|field| field.name().as_str()));
        let views = self.views(mask, groups, filter, doing)?;
        let (fields, doing) = (fields.clone(), doing.clone());
        Ok(views.flat_map(move |batch| {
            let plain = match batch {
                Ok(batch) => parts(batch).map(|part| plain(&part, &fields)).collect(),
                Err(error) => vec![Err(error)],
            };
            let doing = doing.clone();
            plain.into_iter().map(move |rows| rows.map_err(|error| failed(&doing, &error)))
        }))
    }
}

/// A batch in parts of which each may be written out in full: a text that many rows share is not
/// long in a view.
fn parts(batch: RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let mut open = vec![batch];
    std::iter::from_fn(move || {
        let mut next = open.pop()?;
        while next.num_rows() > 1 && bytes_of(&next) > 4 * ROOM {
            let half = next.num_rows() / 2;
            open.push(next.slice(half, next.num_rows() - half));
            next = next.slice(0, half);
        }
        Some(next)
    })
}

/// The rows with exactly these columns, in these types.
fn plain(rows: &RecordBatch, fields: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let columns = fields.fields().iter().map(|field| match column(rows, field.name()) {
        Some(column) => cast_with_options(column, field.data_type(), &options),
        None => Ok(new_null_array(field.data_type(), rows.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(fields.clone(), columns, &options)
}

/// The column of that name, regardless of case.
pub(crate) fn column<'b>(rows: &'b RecordBatch, name: &str) -> Option<&'b ArrayRef> {
    place(rows.schema_ref(), name).map(|place| rows.column(place))
}

/// The position of a column of that name: with this spelling, else regardless of case.
fn place(schema: &Schema, name: &str) -> Option<usize> {
    let mut names = schema.fields().iter().map(|field| field.name());
    names
        .clone()
        .position(|field| field == name)
        .or_else(|| names.position(|field| is_same_name(field, name)))
}

/// How a TIMESTAMP is kept.
pub(crate) fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A schema whose nanoseconds, as which INT96 is read, are microseconds: years far from now fit.
fn in_micros(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, None) => {
            Arc::new(Field::clone(field).with_data_type(micros()))
        }
        _ => field.clone(),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// What a log says of the values in a file.
pub(crate) struct LogStatistics(Value);

impl LogStatistics {
    /// Reads an add's statistics; those that cannot be read say nothing.
    pub(crate) fn read(text: Option<&str>) -> Self {
        Self(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// The least and the greatest text of a column, both of which may be cut.
    pub(crate) fn texts(&self, column: &str) -> Option<(&str, &str)> {
        Some((self.0["minValues"][column].as_str()?, self.0["maxValues"][column].as_str()?))
    }

    /// The first and the last time of a column, in microseconds; `None` when a row has no time.
    pub(crate) fn times(&self, column: &str) -> Option<(i64, i64)> {
        /// Writers cut times to milliseconds.
        const CUT: i64 = 1_000;
        let micros =
            |text| string_to_timestamp_nanos(text).ok().map(|nanos| nanos.div_euclid(1_000));
        let (first, last) = self.texts(column)?;
        let all = self.0["nullCount"][column].as_u64() == Some(0);
        all.then_some(())?;
        Some((micros(first)?, micros(last)?.checked_add(CUT)?))
    }
}
