//! How much memory a Parquet file takes when it is decoded: a few hundred bytes can expand to gigabytes.
//!
//! A page is decoded as a whole, so each row group is judged by its footer and its page headers before it is
//! read. One value of a page can be repeated in every row, so the number of rows that are decoded at once
//! depends on the pages too.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use deltalake::DeltaTable;
use deltalake::arrow::datatypes::ArrowNativeType;
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use deltalake::parquet::basic::Type;
use deltalake::parquet::file::metadata::ParquetMetaData;
use headgate_terms::{Error, Result, Shown, TableName, say};

use crate::failure::failed;
use crate::lake::Lake;
use crate::pages::largest_page;

/// What any file may take, in bytes.
const ROOM: u64 = 32 << 20;
/// What a larger file may take, in times its size.
const RATIO: u64 = 50;

/// Whether a file of `size` bytes may not take `bytes` of memory.
pub(crate) fn is_too_far(bytes: u64, size: u64) -> bool {
    bytes > ROOM.max(size.saturating_mul(RATIO))
}

/// The bytes that a row group of a file of `size` bytes takes at most: by its footer, or by its pages
/// where there are many, since few of them are decoded at once.
pub(crate) fn largest(
    footer: &ParquetMetaData,
    mut file: impl Read + Seek,
    size: u64,
) -> io::Result<u64> {
    let mut largest = 0;
    for group in footer.row_groups() {
        let bytes = |column: i64| u64::try_from(column).unwrap_or(u64::MAX);
        let columns = group.columns().iter().map(|column| bytes(column.uncompressed_size()));
        let mut taken = columns.fold(0, u64::saturating_add);
        if is_too_far(taken, size) {
            taken = 0;
            for column in group.columns() {
                let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
                let [start, length] = [start, column.compressed_size()]
                    .map(|at| u64::try_from(at).map_err(|_| ErrorKind::InvalidData));
                let (start, length) = (start?, length?);
                // A dictionary and a page of it.
                let page = largest_page(&mut file, start, length)?;
                taken = page.saturating_mul(2).saturating_add(taken);
            }
        }
        largest = largest.max(taken);
    }
    Ok(largest)
}

/// How many rows of a file of `size` bytes may be decoded at once, if its largest value can come in
/// every one of them; `most` at most.
pub(crate) fn rows_at_once(largest: u64, size: u64, most: usize) -> usize {
    let rows = ROOM.max(size.saturating_mul(RATIO)) / largest.max(1);
    usize::try_from(rows).unwrap_or(most).clamp(1, most)
}

/// Rows of a table that are decoded at once.
const AT_ONCE: usize = 64;

impl Lake {
    /// How many rows of a table may be decoded at once, to read its first `most`.
    ///
    /// # Errors
    /// `file_expands_too_far` when a row group or a row takes far more memory than its file's size.
    pub(crate) fn rows_at_once(
        &self,
        name: &TableName,
        table: &DeltaTable,
        most: usize,
        doing: &Shown,
    ) -> Result<usize> {
        let snapshot = table.snapshot().map_err(|error| failed(doing, &error))?;
        let (url, mut at_once) = (self.url(name)?, AT_ONCE);
        for file in snapshot.log_data().iter() {
            let path = file.path();
            // Rows that are deleted are decoded too.
            let whole = file.deletion_vector_descriptor().is_some();
            let limit = if whole { usize::MAX } else { most };
            // A path is part of an address: the library may end it at a `?` where a file system does not.
            let as_file = Some(self.table_path(name).join(&*path));
            let as_url = url.join(&path).ok().and_then(|url| url.to_file_path().ok());
            for path in as_file.iter().chain(as_url.iter().filter(|_| as_url != as_file)) {
                self.store.check(path).map_err(|outside| outside.failure(doing))?;
                // Without a file there is nothing to decode; reading says that it is missing.
                let Ok(file) = File::open(path) else { continue };
                let rows = rows_of_file(file, limit, path, doing)?;
                at_once = at_once.min(rows);
            }
        }
        Ok(at_once)
    }
}

/// How many of the first `limit` rows of a file may be decoded at once.
fn rows_of_file(file: File, limit: usize, path: &Path, doing: &Shown) -> Result<usize> {
    let size = file.metadata().map_err(|error| failed(doing, &error))?.len();
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata =
        ArrowReaderMetadata::load(&file, options()).map_err(|error| failed(doing, &error))?;
    let footer = metadata.metadata();
    let largest = largest(footer, &file, size).map_err(|error| failed(doing, &error))?;
    if is_too_far(largest, size) {
        return Err(too_far(doing, path));
    }
    let at_once = rows_at_once(largest, size, AT_ONCE);
    // A value of a list can come again in the same row, and the library does not share it there.
    let columns = footer.file_metadata().schema_descr();
    let lists = (0..columns.num_columns()).filter(|&place| {
        let column = columns.column(place);
        column.max_rep_level() > 0 && column.physical_type() == Type::BYTE_ARRAY
    });
    let lists = lists.collect::<Vec<_>>();
    if lists.is_empty() {
        return Ok(at_once);
    }
    let mask = ProjectionMask::leaves(columns, lists);
    let views = options().with_schema(Arc::new(as_views(metadata.schema())));
    let batches = ParquetRecordBatchReaderBuilder::try_new_with_options(file, views)
        .and_then(|rows| {
            let rows = rows.with_projection(mask).with_batch_size(at_once);
            rows.with_limit(limit.saturating_add(at_once)).build()
        })
        .map_err(|error| failed(doing, &error))?;
    let mut row = 0;
    for batch in batches {
        let batch = batch.map_err(|error| failed(doing, &error))?;
        let rows = (0..batch.num_rows()).map(|at| bytes_of(&batch.slice(at, 1)));
        row = rows.fold(row, u64::max);
        if is_too_far(row, size) {
            return Err(too_far(doing, path));
        }
    }
    Ok(at_once.min(rows_at_once(row, size, AT_ONCE)))
}

/// The refusal of a file that [`is_too_far`].
pub(crate) fn too_far(doing: &Shown, file: &Path) -> Error {
    Error::new(
        "file_expands_too_far",
        say!(
            "Could not {}: `{}` expands to more than {} times its size and more than 32 MiB.",
            doing,
            file,
            RATIO
        ),
    )
    .hint("Find out who wrote the file. If it is right, read the table with another program.")
}

/// A schema whose texts and bytes are views: rows with the same value share it in memory.
pub(crate) fn as_views(schema: &Schema) -> Schema {
    Schema::new_with_metadata(fields_as_views(schema.fields()), schema.metadata().clone())
}

fn fields_as_views(fields: &Fields) -> Fields {
    fields.iter().map(field_as_views).collect()
}

fn field_as_views(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(fields) => DataType::Struct(fields_as_views(fields)),
        DataType::List(item) => DataType::List(field_as_views(item)),
        DataType::LargeList(item) => DataType::LargeList(field_as_views(item)),
        DataType::Map(entries, sorted) => DataType::Map(field_as_views(entries), *sorted),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(kind))
}

/// The bytes of all texts in a batch of views, each counted in every row that has it.
pub(crate) fn bytes_of(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|column| bytes_in(column.as_ref())).sum()
}

fn bytes_in(array: &dyn Array) -> u64 {
    // The low half of a view is the length.
    let views = |views: &[u128]| views.iter().map(|view| u64::from(*view as u32)).sum();
    match array.data_type() {
        DataType::Utf8View => views(array.as_string_view().views()),
        DataType::BinaryView => views(array.as_binary_view().views()),
        DataType::Struct(_) => {
            array.as_struct().columns().iter().map(|c| bytes_in(c.as_ref())).sum()
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            within(list.values(), list.offsets())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            within(list.values(), list.offsets())
        }
        DataType::Map(_, _) => within(array.as_map().entries(), array.as_map().offsets()),
        _ => 0,
    }
}

/// The bytes of the values between the first and the last offset.
fn within<O: ArrowNativeType>(values: &dyn Array, offsets: &[O]) -> u64 {
    let place = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
    let (first, last) = (place(offsets.first()), place(offsets.last()));
    bytes_in(values.slice(first, last - first).as_ref())
}
