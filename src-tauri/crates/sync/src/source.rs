//! Which files are data, in which order, and whose source they are (E1 and the contract).

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use headgate_events::schema_name;
use headgate_terms::{Error, Result, say};

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    /// What the store knows it by: its full path as text.
    pub(crate) key: String,
    /// Its path below the root, with slashes.
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) schema: String,
    pub(crate) size: u64,
    /// When it was changed last, in nanoseconds since 1970.
    pub(crate) modified: i64,
}

/// What a source consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// In byte order of their names.
    pub(crate) files: Vec<DataFile>,
    /// Files with names that are not data.
    pub(crate) ignored: u64,
}

/// The folder below which Segment lays a folder for each source.
const SEGMENT_LOGS: &str = "segment-logs";

/// Lists a folder or takes one file. The folders in `apart` are left out when they lie inside.
pub(crate) fn find(from: &Path, apart: &[&Path], source: Option<&str>) -> Result<Found> {
    let metadata = fs::metadata(from).map_err(|error| unreadable(from, &error))?;
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(Error::new(
            "source_unreadable",
            say!("`{}` is neither a file nor a folder.", from),
        )
        .hint("Pipe it in and name `-` as the source.")
        .field("from"));
    }
    let root = from.canonicalize().map_err(|error| unreadable(from, &error))?;
    let mut found = Found::default();
    if metadata.is_dir() {
        let mut names = Vec::new();
        walk(&root, &root, apart, &mut names, &mut found.ignored)?;
        names.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        for (name, path) in names {
            found.files.push(data_file(path, name, source)?);
        }
    } else {
        // A link keeps its own name, wherever it leads (E4).
        let name = text(from.file_name().or_else(|| root.file_name()).unwrap_or_default());
        found.files.push(data_file(root, name, source)?);
    }
    Ok(found)
}

fn walk(
    root: &Path,
    folder: &Path,
    apart: &[&Path],
    names: &mut Vec<(String, PathBuf)>,
    ignored: &mut u64,
) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            if !name.starts_with(['_', '.']) && !apart.contains(&path.as_path()) {
                walk(root, &path, apart, names, ignored)?;
            }
        } else if [".ndjson", ".jsonl", ".json", ".gz"].iter().any(|end| name.ends_with(end))
            // A link to nowhere is a file that cannot be opened; a pipe is no file.
            && fs::metadata(&path).map_or(true, |metadata| metadata.is_file())
        {
            let below = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = below.components().map(|part| text(part.as_os_str())).collect();
            names.push((parts.join("/"), path));
        } else {
            *ignored += 1;
        }
    }
    Ok(())
}

fn data_file(path: PathBuf, name: String, source: Option<&str>) -> Result<DataFile> {
    // A file that cannot be asked cannot be read either; the run says so when it tries.
    let (size, modified) = fs::metadata(&path)
        .map(|m| (m.len(), m.mtime().saturating_mul(1_000_000_000).saturating_add(m.mtime_nsec())))
        .unwrap_or_default();
    let source = match source {
        Some(source) => source.to_owned(),
        None => segment_source(&path).unwrap_or_else(|| "events".to_owned()),
    };
    let schema = schema_of(&source)?;
    let key = text(path.as_os_str());
    Ok(DataFile { path, key, name, source, schema, size, modified })
}

/// A name as text; bytes that are no text are written out, so that names stay apart.
fn text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The schema that a source's tables are in.
pub(crate) fn schema_of(source: &str) -> Result<String> {
    schema_name(source).ok_or_else(|| {
        Error::new(
            "source_unnameable",
            say!("No schema can be named after the source `{}`.", source),
        )
        .hint("Name the source with letters or digits, such as `web_prod`.")
        .field("source")
    })
}

/// The source id in `…/segment-logs/<source-id>/…`.
fn segment_source(path: &Path) -> Option<String> {
    let parts: Vec<Component<'_>> = path.parent()?.components().collect();
    let at = parts.iter().rposition(|part| part.as_os_str() == SEGMENT_LOGS)?;
    parts.get(at + 1).map(|id| text(id.as_os_str()))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::new("source_not_found", say!("There is no `{}`.", path))
            .hint("Check the path of the events.")
            .field("from");
    }
    Error::new("source_unreadable", say!("`{}` cannot be read: {}.", path, error))
        .hint("Give this user the right to read it.")
        .field("from")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_and_come_in_byte_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in [
            "b.json",
            "a/z.ndjson",
            "a.jsonl",
            "notes.txt",
            "_old/x.json",
            ".git/x.json",
            "lake/x.json",
            "segment-logs/web/1432684800000/a.gz",
            "segment-logs/dummy-object.txt",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = find(&root, &[&root.join("lake")], None).unwrap();
        let names: Vec<_> =
            found.files.iter().map(|f| (f.name.as_str(), f.schema.as_str())).collect();
        assert_eq!(
            names,
            [
                ("a.jsonl", "events"),
                ("a/z.ndjson", "events"),
                ("b.json", "events"),
                ("segment-logs/web/1432684800000/a.gz", "web"),
            ]
        );
        assert_eq!(found.ignored, 2);
        let inside = find(&root.join("segment-logs/web"), &[], None).unwrap();
        assert_eq!(inside.files[0].schema, "web");
        let text = find(&root.join("notes.txt"), &[], Some("My App")).unwrap();
        assert_eq!(
            (text.files[0].name.as_str(), text.files[0].schema.as_str()),
            ("notes.txt", "my_app")
        );
        assert_eq!(find(&root, &[], Some("日本")).unwrap_err().code, "source_unnameable");
        assert_eq!(find(&root.join("none"), &[], None).unwrap_err().code, "source_not_found");
    }
}
