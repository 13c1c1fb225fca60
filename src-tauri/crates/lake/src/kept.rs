//! Rows and lines that wait for a table that refuses them, as files below `_headgate/kept-files/`.
//!
//! A file is flushed to disk before its name is returned. Which batch refers to a file is known in `sync`;
//! [`Lake::sweep_kept`] removes files that no batch refers to.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, SystemTime};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_select::concat::concat_batches;
use deltalake::logstore::object_store::buffered::BufWriter;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{self, GetResult, ObjectStoreExt};
use deltalake::parquet::arrow::AsyncArrowWriter;
use deltalake::parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use headgate_terms::{Error, Result, Shown, say};
use tokio::io::AsyncWriteExt;

use crate::failure::failed;
use crate::lake::Lake;
use crate::parquet::properties;

/// What is copied at once, in bytes.
const PIECE: usize = 1 << 20;

impl Lake {
    /// Keeps rows, at least one batch of them and all with the same columns, and says under which
    /// name. They are on disk then.
    ///
    /// # Errors
    /// As the rows, `disk_full` and other failures of the storage.
    pub async fn keep(
        &self,
        rows: impl IntoIterator<Item = Result<RecordBatch>>,
    ) -> Result<String> {
        let doing = say!("keep rows for later");
        let file = format!("{}.parquet", uuid::Uuid::new_v4());
        let mut rows = rows.into_iter();
        let Some(first) = rows.next().transpose()? else {
            return Err(Error::new("internal", "There are no rows to keep.")
                .hint("This is a defect in Headgate; report it."));
        };
        let sink = BufWriter::new(self.store.clone(), self.kept(&file));
        let properties = properties(&first, &[]);
        let mut writer = AsyncArrowWriter::try_new(sink, first.schema(), Some(properties))
            .map_err(|error| failed(&doing, &error))?;
        // What a write that fails leaves behind goes when the writer is dropped.
        for rows in std::iter::once(Ok(first)).chain(rows) {
            writer.write(&rows?).await.map_err(|error| failed(&doing, &error))?;
        }
        writer.close().await.map_err(|error| failed(&doing, &error))?;
        Ok(file)
    }

    /// Keeps a copy of a file of lines of this machine, and says under which name. It is on disk then.
    ///
    /// # Errors
    /// When the file cannot be read; `disk_full` and other failures of the storage.
    pub async fn keep_lines(&self, path: &FilePath) -> Result<String> {
        let doing = say!("keep the lines of `{}`", path);
        let file = format!("{}.ndjson", uuid::Uuid::new_v4());
        let mut lines = File::open(path).map_err(|error| failed(&doing, &error))?;
        let mut sink = BufWriter::new(self.store.clone(), self.kept(&file));
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = lines.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            if read.map_err(|error| failed(&doing, &error))? == 0 {
                break;
            }
            sink.put(piece.into()).await.map_err(|error| failed(&doing, &error))?;
        }
        sink.shutdown().await.map_err(|error| failed(&doing, &error))?;
        Ok(file)
    }

    /// Reads rows that were kept.
    ///
    /// # Errors
    /// `kept_file_missing`, also for what is no Parquet file any more, or when they cannot be read.
    pub async fn kept_rows(&self, file: &str) -> Result<RecordBatch> {
        let doing = say!("read kept rows");
        let found = self.find_kept(file, &doing).await?;
        let bytes = found.bytes().await.map_err(|error| failed(&doing, &error))?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(|error| missing(file, &say!("is damaged ({})", error.to_string())))?;
        let schema = reader.schema();
        reader
            .collect::<Result<Vec<_>, _>>()
            .and_then(|rows| concat_batches(&schema, &rows))
            .map_err(|error| missing(file, &say!("is damaged ({})", error.to_string())))
    }

    /// Reads lines that were kept.
    ///
    /// # Errors
    /// `kept_file_missing`, or when they cannot be read.
    pub async fn kept_lines(&self, file: &str) -> Result<Vec<u8>> {
        let doing = say!("read kept lines");
        let found = self.find_kept(file, &doing).await?;
        Ok(found.bytes().await.map_err(|error| failed(&doing, &error))?.into())
    }

    async fn find_kept(&self, file: &str, doing: &Shown) -> Result<GetResult> {
        match self.store.get(&self.kept(file)).await {
            Ok(found) => Ok(found),
            Err(object_store::Error::NotFound { .. }) => Err(missing(file, &"is gone".into())),
            Err(error) => Err(failed(doing, &error)),
        }
    }

    /// Gives up what was kept; nothing happens when it is gone already.
    pub async fn forget(&self, file: &str) {
        if let Err(error) = self.store.delete(&self.kept(file)).await {
            tracing::debug!(file, %error, "what was kept was gone already");
        }
    }

    /// Removes what was kept longer ago than `older_than` and is not among the names that somebody
    /// still waits for. A file that is just being written is younger.
    ///
    /// # Errors
    /// When the folder cannot be listed, or a file not removed.
    pub fn sweep_kept(&self, named: &HashSet<String>, older_than: Duration) -> Result<()> {
        let doing = say!("sweep `{}`", self.kept_folder());
        self.store.check_below(&self.kept_folder()).map_err(|outside| outside.failure(&doing))?;
        // The library does not list what a write left behind that did not end.
        let entries = match std::fs::read_dir(self.kept_folder()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&doing, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed(&doing, &error))?;
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            let is_named = entry.file_name().to_str().is_some_and(|name| named.contains(name));
            if is_named || age.map_err(|error| failed(&doing, &error))? < older_than {
                continue;
            }
            match std::fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(failed(&doing, &error));
                }
                _ => tracing::info!(file = ?entry.file_name(), "swept what nobody waits for"),
            }
        }
        Ok(())
    }

    fn kept(&self, file: &str) -> Path {
        self.own("kept-files").join(file)
    }

    fn kept_folder(&self) -> PathBuf {
        self.location().folder().join("_headgate").join("kept-files")
    }
}

/// A file that a batch counts on and cannot have.
fn missing(file: &str, how: &Shown) -> Error {
    Error::new(
        "kept_file_missing",
        say!("`_headgate/kept-files/{}`, which a batch that has begun names, {}.", file, how),
    )
    .hint("Put it back from a backup, or give the batch's table up with `runs release`.")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int64Array;
    use tempfile::TempDir;

    use super::*;
    use crate::location::Location;

    async fn lake(folder: &TempDir) -> Lake {
        let location = Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap();
        Lake::open_or_create(location).await.unwrap()
    }

    fn numbers(from: i64, to: i64) -> RecordBatch {
        let numbers = Arc::new(Int64Array::from_iter_values(from..to));
        RecordBatch::try_from_iter_with_nullable([("n", numbers as _, true)]).unwrap()
    }

    #[tokio::test]
    async fn rows_and_lines_are_kept_until_they_are_forgotten() {
        let folder = TempDir::new().unwrap();
        let lake = lake(&folder).await;
        let kept = lake.keep([Ok(numbers(0, 3)), Ok(numbers(3, 5))]).await.unwrap();
        assert_eq!(lake.kept_rows(&kept).await.unwrap(), numbers(0, 5));
        let text: Vec<u8> = (0..3 * PIECE / 2).map(|at| b"ab\n"[at % 3]).collect();
        let source = folder.path().join("lines");
        std::fs::write(&source, &text).unwrap();
        let lines = lake.keep_lines(&source).await.unwrap();
        assert!(lake.kept_lines(&lines).await.unwrap() == text);
        for file in [&kept, &lines] {
            lake.forget(file).await;
            lake.forget(file).await;
            assert_eq!(lake.kept_lines(file).await.unwrap_err().code, "kept_file_missing");
        }
    }

    #[tokio::test]
    async fn rows_that_fail_leave_nothing_behind() {
        let folder = TempDir::new().unwrap();
        let lake = lake(&folder).await;
        let rows = [Ok(numbers(0, 3)), Err(Error::new("broken", "No."))];
        assert_eq!(lake.keep(rows).await.unwrap_err().code, "broken");
        let left = std::fs::read_dir(lake.kept_folder()).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn only_old_unreferenced_kept_files_are_removed() {
        let folder = TempDir::new().unwrap();
        let lake = lake(&folder).await;
        lake.sweep_kept(&HashSet::new(), Duration::ZERO).unwrap();
        let [named, other] =
            [lake.keep([Ok(numbers(0, 1))]).await, lake.keep([Ok(numbers(0, 1))]).await];
        let waiting = HashSet::from([named.unwrap()]);
        lake.sweep_kept(&waiting, Duration::from_hours(1)).unwrap();
        assert!(lake.kept_rows(other.as_ref().unwrap()).await.is_ok());
        // What a write that was broken off left behind goes as well.
        std::fs::write(lake.kept_folder().join("half.parquet#1"), "PAR1").unwrap();
        lake.sweep_kept(&waiting, Duration::ZERO).unwrap();
        let left = std::fs::read_dir(lake.kept_folder()).unwrap();
        let left: HashSet<_> =
            left.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(left, waiting);
    }
}
