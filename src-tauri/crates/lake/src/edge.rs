//! `Fence`, the object store of one lake: nothing outside the lake's folder is read or written, whatever a log
//! or a link names.
//!
//! Other programs write a table's log and create links in its folders. Paths in a log are checked before the
//! table is used ([`leaves`]), and the library reaches files only through [`Fence`]. A file that is put is
//! flushed to disk, with its name, before the call returns: after a power cut the store must not refer to
//! files that are gone.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deltalake::ObjectStore;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::path::Path;
use deltalake::logstore::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use futures::stream::{self, BoxStream, StreamExt};
use headgate_terms::{Error as Failure, Shown, say};
use percent_encoding::percent_decode_str;

/// The file system of this machine, limited to one folder.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    folder: PathBuf,
    files: Arc<dyn ObjectStore>,
    /// Folders whose own names are on disk.
    named: Arc<Mutex<HashSet<PathBuf>>>,
}

/// Something outside that a path or a link inside leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    path: PathBuf,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Path,
    Link,
    Special,
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.why {
            Why::Path => "lies outside the lake",
            Why::Link => "is a link that leads out of the lake",
            Why::Special => "is neither a file nor a folder",
        };
        write!(f, "`{}` {what}", self.path.display())
    }
}

impl StdError for Outside {}

impl From<Outside> for Error {
    fn from(outside: Outside) -> Self {
        Self::Generic { store: "lake", source: Box::new(outside) }
    }
}

impl Outside {
    /// It as a failure while `doing` something.
    pub(crate) fn failure(&self, doing: &Shown) -> Failure {
        let path = &self.path;
        match self.why {
            Why::Path => foreign_files(say!("Could not {}: `{}` lies outside the lake.", doing, path)),
            Why::Link => Failure::new(
                "foreign_link",
                say!("Could not {}: `{}` is a link that leads out of the lake.", doing, path),
            )
            .hint("Replace the link with the folder or file itself; everything of a lake lies inside it."),
            Why::Special => foreign_files(say!(
                "Could not {}: `{}` is neither a file nor a folder.",
                doing,
                path
            )),
        }
    }
}

/// A table whose log names files that are not its own.
pub(crate) fn foreign_files(message: Shown) -> Failure {
    Failure::new("foreign_files", message).hint(
        "Find out who wrote this table's log; restore the table, or move it away and fill it again with `--again --refill`.",
    )
}

impl Fence {
    /// `folder` has no links in its path, but need not exist.
    pub(crate) fn around(folder: PathBuf) -> Self {
        Self::over(folder, Arc::new(LocalFileSystem::new()))
    }

    /// As [`Self::around`], the files reached through `files`.
    pub(crate) fn over(folder: PathBuf, files: Arc<dyn ObjectStore>) -> Self {
        Self { folder, files, named: Arc::default() }
    }

    /// Refuses a path that is not below the folder, or gets out of it through a link.
    pub(crate) fn check(&self, path: &FilePath) -> Result<(), Outside> {
        let outside = |path: &FilePath, why| Err(Outside { path: path.to_owned(), why });
        if !path.starts_with(&self.folder) || path.components().any(|part| part.as_os_str() == "..")
        {
            return outside(path, Why::Path);
        }
        // The deepest part that exists decides; what is made below it stays below it.
        for part in path.ancestors().take_while(|part| part.starts_with(&self.folder)) {
            match part.canonicalize() {
                Ok(real) if !real.starts_with(&self.folder) => return outside(part, Why::Link),
                Ok(real) => {
                    let kind = real.symlink_metadata().map(|metadata| metadata.file_type());
                    let plain = kind.is_ok_and(|kind| kind.is_file() || kind.is_dir());
                    return if plain { Ok(()) } else { outside(part, Why::Special) };
                }
                // A link to nowhere may lead anywhere tomorrow.
                Err(_) if part.symlink_metadata().is_ok_and(|kind| kind.is_symlink()) => {
                    return outside(part, Why::Link);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                // The operation itself says what is wrong.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// As [`Self::check`], and for every link below the path: listing follows them.
    pub(crate) fn check_below(&self, path: &FilePath) -> Result<(), Outside> {
        self.check(path)?;
        let (mut folders, mut seen) = (vec![path.to_owned()], HashSet::new());
        while let Some(folder) = folders.pop() {
            // A folder that cannot be read is the listing's to tell of.
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_symlink() {
                    self.check(&entry.path())?;
                    let real = entry.path().canonicalize().unwrap_or_default();
                    if real.is_dir() && seen.insert(real.clone()) {
                        folders.push(real);
                    }
                } else if kind.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        Ok(())
    }

    fn file(location: &Path) -> Result<PathBuf> {
        if location.as_ref().is_empty() {
            return Ok(PathBuf::from("/"));
        }
        LocalFileSystem::new().path_to_filesystem(location)
    }

    /// Waits until a file and the names on the way to it are on disk.
    async fn settle(&self, location: &Path) -> Result<()> {
        let (fence, file) = (self.clone(), Self::file(location)?);
        let settled = tokio::task::spawn_blocking(move || fence.bring_to_disk(&file)).await;
        let failed = |source| Error::Generic { store: "lake", source };
        settled.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
    }

    fn bring_to_disk(&self, file: &FilePath) -> io::Result<()> {
        File::open(file)?.sync_all()?;
        let mut last = None;
        for folder in file.ancestors().skip(1).take_while(|part| part.starts_with(&self.folder)) {
            File::open(folder)?.sync_all()?;
            let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            named.extend(last);
            if named.contains(folder) {
                break;
            }
            last = Some(folder.to_owned());
        }
        Ok(())
    }

    /// The files of a folder that come after a name in it; `None` when there is more in it than files with plain
    /// names. A log has thousands of files, and the last few are asked for: nothing is made of the others.
    fn plain_after(&self, folder: &Path, after: &Path) -> Option<Vec<ObjectMeta>> {
        let after = after.filename().filter(|_| after.parent().as_ref() == Some(folder))?;
        let on_disk = Self::file(folder).ok()?;
        self.check(&on_disk).ok()?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(on_disk).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            if is_half_written(&name) {
                continue;
            }
            if !is_plain(&name) || !entry.file_type().ok()?.is_file() {
                return None;
            }
            if *name > *after {
                let file = entry.metadata().ok()?;
                files.push(ObjectMeta {
                    location: folder.clone().join(name),
                    last_modified: file.modified().ok()?.into(),
                    size: file.len(),
                    e_tag: None,
                    version: None,
                });
            }
        }
        Some(files)
    }

    fn admit(&self, location: &Path) -> Result<()> {
        self.check(&Self::file(location)?).map_err(Error::from)
    }

    fn admit_below(&self, prefix: Option<&Path>) -> Result<()> {
        let path = Self::file(prefix.unwrap_or(&Path::default()))?;
        self.check_below(&path).map_err(Error::from)
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fence({})", self.folder.display())
    }
}

#[async_trait]
impl ObjectStore for Fence {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.admit(location)?;
        let put = self.files.put_opts(location, payload, options).await?;
        self.settle(location).await?;
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.admit(location)?;
        let upload = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(Settling { upload, fence: self.clone(), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.admit(location)?;
        self.files.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let fence = self.clone();
        let admitted = locations.map(move |location| {
            location.and_then(|location| fence.admit(&location).map(|()| location))
        });
        self.files.delete_stream(admitted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.admit_below(prefix) {
            Ok(()) => self.files.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        if let Some(files) = prefix.and_then(|folder| self.plain_after(folder, offset)) {
            return stream::iter(files).map(Ok).boxed();
        }
        match self.admit_below(prefix) {
            Ok(()) => self.files.list_with_offset(prefix, offset),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.admit(prefix.unwrap_or(&Path::default()))?;
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.admit(from)?;
        self.admit(to)?;
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.admit(from)?;
        self.admit(to)?;
        self.files.rename_opts(from, to, options).await
    }
}

/// An upload that has ended when its file is on disk.
#[derive(Debug)]
struct Settling {
    upload: Box<dyn MultipartUpload>,
    fence: Fence,
    location: Path,
}

#[async_trait]
impl MultipartUpload for Settling {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let put = self.upload.complete().await?;
        self.fence.settle(&self.location).await?;
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

/// Whether a path in a log can mean a file outside the table: it is absolute, has a scheme, is longer
/// than any path, or goes up, however often it is percent-encoded and whichever way its slashes lean.
pub(crate) fn leaves(path: &str) -> bool {
    /// No writer encodes a path more often than this.
    const ROUNDS: usize = 8;
    /// No file has a path this long, in bytes, even with every sign of it encoded.
    const LONGEST: usize = 16 << 10;
    if path.len() > LONGEST {
        return true;
    }
    if is_plain(path) {
        return path == "..";
    }
    let mut path = path.to_owned();
    for _ in 0..ROUNDS {
        let up = path.split(['/', '\\']).any(|part| part == "..");
        if up || path.starts_with(['/', '\\']) || has_scheme(&path) {
            return true;
        }
        let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        if decoded == path {
            return false;
        }
        path = decoded;
    }
    true
}

/// Whether a name is of letters and signs that mean nothing anywhere.
/// Whether a file is one that its writer died before naming, as the storage's library names those.
fn is_half_written(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|number| number.bytes().all(|sign| sign.is_ascii_digit()))
}

fn is_plain(name: &str) -> bool {
    // Without branches: digits and letters of an id come in no order that a processor can foresee.
    let is_plain = |sign: u8| sign.is_ascii_alphanumeric() | matches!(sign, b'-' | b'_' | b'.');
    name.bytes().fold(true, |so_far, sign| so_far & is_plain(sign))
}

/// As [`leaves`], for the place of a deletion vector: `kind` is Delta's letter for the form of `path`.
pub(crate) fn vector_leaves(kind: &str, path: &str) -> bool {
    /// The length of an id at the end of a relative path, whose signs may be any.
    const ID: usize = 20;
    match kind {
        "i" => false,
        "u" => path.len().checked_sub(ID).and_then(|id| path.get(..id)).is_some_and(leaves),
        _ => true,
    }
}

/// `file:`, `s3:`, `c:`: letters, digits and a few signs up to a colon, in front of any slash.
fn has_scheme(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_inside_the_table_are_accepted() {
        for stays in [
            "part-00000-a-c000.zstd.parquet",
            "day=2026-11-27/part-1.parquet",
            "a%20b/c%2520d.parquet",
            "..a/b..parquet",
            "at=10%3A30/x.parquet",
            "日本.parquet",
            "",
        ] {
            assert!(!leaves(stays), "{stays}");
        }
        for out in [
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "s3://bucket/x.parquet",
            "C:\\x.parquet",
            "/etc/passwd",
            "//host/share",
            "\\\\host\\share",
            "..",
            "../x.parquet",
            "a/../../x.parquet",
            "a\\..\\..\\x.parquet",
            "%2e%2e/x.parquet",
            "%2E./x.parquet",
            "..%2fx.parquet",
            "..%5Cx.parquet",
            "%252e%252e%252fx.parquet",
            "%2Fetc/passwd",
            "file%3A%2F%2F/etc/passwd",
        ] {
            assert!(leaves(out), "{out}");
        }
        assert!(!vector_leaves("u", "ab/../:^-aqEH.-t@S}K{vb"), "an id has signs of its own");
        assert!(!vector_leaves("u", "ab^-aqEH.-t@S}K{vb[*k^"));
        assert!(vector_leaves("u", "../../x^-aqEH.-t@S}K{vb[*k^"));
        assert!(vector_leaves("p", "file:///x.bin") && !vector_leaves("i", "../x"));
    }
}
