//! `Guard`, the object store through which the library reads one table: every file of the log is checked
//! before the library gets it.
//!
//! A file is checked once for each state of it. Of a checkpoint only the columns that an append needs are
//! read, unless the table's files are to be read. `Logs` keeps what the files say of transactions and
//! operations, which the library does not return; [`crate::log`] uses it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use deltalake::ObjectStore;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result,
};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use headgate_terms::{Error as Failure, TableName};
use serde::{Deserialize, Serialize};

use crate::edge::Fence;
use crate::log::{
    LogFileFacts, is_checkpoint, look_through_checkpoint, look_through_commit, version_of,
};

/// The files of logs that were looked through, by the log's folder and the file's name.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    seen: Mutex<HashMap<Path, Seen>>,
    /// Checkpoints that an earlier run looked through, and not this one.
    earlier: Mutex<Checkpoints>,
}

/// What was read of the newest checkpoint of each table, as JSON of this crate, by the folder of its log. A
/// checkpoint is as large as its table has files: whoever keeps this reads each only once.
pub type Checkpoints = BTreeMap<String, String>;

/// Raised with everything more that a checkpoint is looked through for.
const LOOKED_FOR: u32 = 1;

#[derive(Serialize, Deserialize)]
struct CheckpointFacts {
    v: u32,
    file: String,
    mark: Mark,
    said: LogFileFacts,
}

/// Files of one log by name, each with its state and what it says.
pub(crate) type Seen = BTreeMap<String, (Mark, Arc<LogFileFacts>)>;

/// What distinguishes one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    size: u64,
    modified: i64,
    tag: Option<String>,
}

impl Mark {
    pub(crate) fn of(file: &ObjectMeta) -> Self {
        let modified = file.last_modified.timestamp_micros();
        Self { size: file.size, modified, tag: file.e_tag.clone() }
    }
}

impl Logs {
    fn open(&self) -> MutexGuard<'_, HashMap<Path, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of a log that were looked through, by name.
    pub(crate) fn of(&self, log: &Path) -> Seen {
        self.open().get(log).cloned().unwrap_or_default()
    }

    /// A file of a log that was looked through.
    pub(crate) fn seen(&self, log: &Path, file: &str) -> Option<(Mark, Arc<LogFileFacts>)> {
        if let Some(seen) = self.open().get(log).and_then(|files| files.get(file)) {
            return Some(seen.clone());
        }
        let earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: CheckpointFacts = serde_json::from_str(earlier.get(log.as_ref())?).ok()?;
        (kept.v == LOOKED_FOR && kept.file == file).then(|| (kept.mark, Arc::new(kept.said)))
    }

    fn note(&self, log: &Path, file: &str, mark: Mark, said: Arc<LogFileFacts>) {
        self.open().entry(log.clone()).or_default().insert(file.to_owned(), (mark, said));
    }

    /// Takes in what an earlier run kept. What is not understood is looked through again.
    pub(crate) fn recall(&self, checkpoints: Checkpoints) {
        *self.earlier.lock().unwrap_or_else(PoisonError::into_inner) = checkpoints;
    }

    /// Of every log the newest checkpoint, unless what was recalled says the same.
    pub(crate) fn new_checkpoints(&self) -> Checkpoints {
        let earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = |files: &Seen| {
            let (file, (mark, said)) = files.iter().rev().find(|(file, _)| is_checkpoint(file))?;
            let (file, mark, said) = (file.clone(), mark.clone(), (**said).clone());
            let kept = CheckpointFacts { v: LOOKED_FOR, file, mark, said };
            serde_json::to_string(&kept).ok()
        };
        let of_log = |(log, files)| Some((Path::to_string(log), newest(files)?));
        let found = self.open().iter().filter_map(of_log).collect::<Checkpoints>();
        found.into_iter().filter(|(log, kept)| earlier.get(log) != Some(kept)).collect()
    }
}

/// The store as the library gets it for one table.
#[derive(Debug)]
pub(crate) struct Guard {
    name: TableName,
    log: Path,
    files: Arc<Fence>,
    logs: Arc<Logs>,
    refused: Mutex<Option<Failure>>,
    written: Mutex<Vec<Path>>,
    /// Files of the log that the library was given on this way.
    admitted: Mutex<HashSet<Path>>,
    /// Files of the log that the library found on this way.
    listed: Arc<Mutex<BTreeSet<String>>>,
    /// Whether the library is to read the table's files.
    is_whole: AtomicBool,
}

/// A file of a log that the library does not get to see.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Failure);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Refused {}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", self.name)
    }
}

impl Guard {
    pub(crate) fn new(name: TableName, log: Path, files: Arc<Fence>, logs: Arc<Logs>) -> Self {
        Self {
            name,
            log,
            files,
            logs,
            refused: Mutex::default(),
            written: Mutex::default(),
            admitted: Mutex::default(),
            listed: Arc::default(),
            is_whole: AtomicBool::default(),
        }
    }

    /// From here on the library reads the table's files.
    pub(crate) fn read_whole(&self) {
        if !self.is_whole.swap(true, Ordering::Relaxed) {
            self.given().clear();
        }
    }

    /// Looks a file of the log through as it is now; `None` when it is not there.
    pub(crate) async fn look_at(&self, file: &str) -> Result<Option<(Mark, Arc<LogFileFacts>)>> {
        let location = self.log.clone().join(file);
        let Some(part) = self.part(&location) else { return Ok(None) };
        self.given().remove(&location);
        match self.admit(&part, &location).await {
            Ok(()) => Ok(self.logs.seen(&part.log, part.file)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks everything through that makes up a version of the table, also what the library had no need to read.
    pub(crate) async fn look_at_all(&self, version: u64) -> Result<()> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut files: Vec<_> =
            listed.iter().filter_map(|file| Some((version_of(file)?, file))).collect();
        files.sort_by(|one, other| other.cmp(one));
        let mut checkpoint = 0;
        for (at, file) in files.into_iter().filter(|(at, _)| *at <= version) {
            if at < checkpoint {
                break;
            }
            let location = self.log.clone().join(file.as_str());
            if let Some(part) = self.part(&location) {
                self.admit(&part, &location).await?;
            }
            // One that is whole by its name: of others some part may be missing.
            if *file == format!("{at:020}.checkpoint.parquet") {
                checkpoint = at;
            }
        }
        Ok(())
    }

    /// Whether a file of the log is as it was.
    pub(crate) async fn is_same(&self, file: &str, mark: &Mark) -> Result<bool> {
        match self.files.head(&self.log.clone().join(file)).await {
            Ok(found) => Ok(Mark::of(&found) == *mark),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Why a file of the log was kept from the library, if one was: the library wraps the reason
    /// until it cannot be told.
    pub(crate) fn refusal(&self) -> Option<Failure> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The files that were begun on this way, and are forgotten by it now.
    pub(crate) fn written(&self) -> Vec<Path> {
        std::mem::take(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn given(&self) -> MutexGuard<'_, HashSet<Path>> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of the log that the library was given on this way.
    pub(crate) fn seen(&self) -> Seen {
        let given = self.given();
        let mut files = self.logs.of(&self.log);
        files.retain(|file, _| given.contains(&self.log.clone().join(file.as_str())));
        files
    }

    fn begun(&self, location: &Path) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(location.clone());
    }

    fn refuse(&self, failure: Failure) -> Error {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
        Error::Generic { store: "lake", source: Box::new(Refused(failure)) }
    }

    /// Reads a file of a log whole and looks it through.
    async fn look_through(&self, part: &Part<'_>, found: GetResult) -> Result<GetResult> {
        let (meta, range, attributes) =
            (found.meta.clone(), found.range.clone(), found.attributes.clone());
        let bytes = found.bytes().await?;
        let said = if part.is_checkpoint {
            let is_whole = self.is_whole.load(Ordering::Relaxed);
            look_through_checkpoint(&self.name, &meta.location, bytes.clone(), is_whole)
        } else {
            look_through_commit(&self.name, &meta.location, &bytes)
        };
        let said = said.map_err(|failure| self.refuse(failure))?;
        self.logs.note(&part.log, part.file, Mark::of(&meta), Arc::new(said));
        self.given().insert(meta.location.clone());
        let payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
        Ok(GetResult { payload, meta, range, attributes })
    }

    /// Looks a file through, unless this state of it was, before a part of it is handed on.
    async fn admit(&self, part: &Part<'_>, location: &Path) -> Result<()> {
        if self.given().contains(location) {
            return Ok(());
        }
        let is_whole = self.is_whole.load(Ordering::Relaxed);
        match self.logs.seen(&part.log, part.file) {
            Some((mark, said))
                if (said.is_whole || !is_whole)
                    && Mark::of(&self.files.head(location).await?) == mark =>
            {
                self.logs.note(&part.log, part.file, mark, said);
            }
            _ => drop(self.look_through(part, self.files.get(location).await?).await?),
        }
        self.given().insert(location.clone());
        Ok(())
    }
}

/// A file of a log that names other files.
pub(crate) struct Part<'p> {
    log: Path,
    file: &'p str,
    is_checkpoint: bool,
}

impl Guard {
    /// A file as a part of the table's log; `None` for any other.
    fn part<'p>(&self, location: &'p Path) -> Option<Part<'p>> {
        let _ = location.prefix_match(&self.log)?;
        let is_checkpoint = match location.extension()? {
            "json" => false,
            "parquet" => true,
            _ => return None,
        };
        Some(Part { log: location.parent()?, file: location.filename()?, is_checkpoint })
    }
}

#[async_trait]
impl ObjectStore for Guard {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.begun(location);
        self.files.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.begun(location);
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(part) = self.part(location).filter(|_| !options.head) else {
            return self.files.get_opts(location, options).await;
        };
        if part.is_checkpoint || options.range.is_some() {
            self.admit(&part, location).await?;
            return self.files.get_opts(location, options).await;
        }
        // A commit is handed on as it was when it was looked through.
        let found = self.files.get_opts(location, options).await?;
        let seen = self.logs.seen(&part.log, part.file);
        if seen.is_some_and(|(mark, _)| mark == Mark::of(&found.meta)) {
            self.given().insert(location.clone());
            return Ok(found);
        }
        self.look_through(&part, found).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (log, listed) = (self.log.clone(), self.listed.clone());
        let note = move |file: &ObjectMeta| {
            if file.location.parent().as_ref() == Some(&log) {
                let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
                listed.extend(file.location.filename().map(str::to_owned));
            }
        };
        self.files.list_with_offset(prefix, offset).inspect_ok(note).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await
    }
}
