//! Finds the files of a source: which names count as data, in which order they are read, and which source each
//! belongs to (E1, `contract.md`).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use headgate_events::schema_name;
use headgate_terms::{Error, Result, say};
use sha2::{Digest, Sha256};

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    /// Where it is, links followed.
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
    /// What it holds, as far as its size and its two ends show (E1); `None` until it is asked for.
    pub(crate) content: Option<String>,
}

/// How many bytes of each end identify a file's content.
const END: u64 = 64 << 10;

impl DataFile {
    /// The file with what it holds, unless it is empty or cannot be read.
    pub(crate) fn with_content(&self) -> Self {
        Self { content: content_of(&self.path), ..self.clone() }
    }
}

/// What a file holds, as far as its size and its two ends show (E1); `None` when it is empty or cannot be read.
pub(crate) fn content_of(path: &Path) -> Option<String> {
    let content = || -> io::Result<Option<String>> {
        let mut file = crate::lines::open_file(path)?;
        let size = file.metadata()?.len();
        if size == 0 {
            return Ok(None);
        }
        let mut hash = Sha256::new();
        let mut ends = Vec::new();
        (&mut file).take(END).read_to_end(&mut ends)?;
        hash.update(&ends);
        if size > END {
            file.seek(SeekFrom::Start(size.saturating_sub(END).max(END)))?;
            ends.clear();
            file.take(END).read_to_end(&mut ends)?;
            hash.update(&ends);
        }
        let mut text = format!("{size}:");
        for byte in hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Some(text))
    };
    content().ok().flatten()
}

/// A file's size, and when it was changed last in nanoseconds since 1970.
pub(crate) fn stat(path: &Path) -> Option<(u64, i64)> {
    let file = fs::metadata(path).ok()?;
    let seconds = file.mtime().saturating_mul(1_000_000_000);
    Some((file.len(), seconds.saturating_add(file.mtime_nsec())))
}

/// What a source consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceFiles {
    /// In byte order of their names.
    pub(crate) files: Vec<DataFile>,
    /// Files with names that are not data, entries that are not files, and links that were not followed.
    pub(crate) ignored: u64,
    /// The first of them, by the byte order of their paths below the root.
    pub(crate) ignored_names: BTreeSet<String>,
    /// Links that lead out of the folder.
    pub(crate) links: u64,
}

/// How many of the files that are ignored are named.
const NAMED: usize = 20;

impl SourceFiles {
    fn ignore(&mut self, name: String) {
        self.ignored += 1;
        self.ignored_names.insert(name);
        if self.ignored_names.len() > NAMED {
            self.ignored_names.pop_last();
        }
    }
}

/// The folder in which Segment has a folder for each source.
const SEGMENT_LOGS: &str = "segment-logs";

/// Lists a folder or takes one file. The folders in `apart` are left out when they are inside. Who may
/// put a link into the folder must not read by it what only this user can: one that leads out of it is
/// followed only when `follow` says so.
pub(crate) fn find(
    from: &Path,
    apart: &[&Path],
    source: Option<&str>,
    follow: bool,
) -> Result<SourceFiles> {
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
    let mut found = SourceFiles::default();
    if metadata.is_dir() {
        let mut names = Vec::new();
        let walk = Walk { root: &root, apart, follow };
        walk.folder(&root, &mut names, &mut found)?;
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

struct Walk<'w> {
    root: &'w Path,
    apart: &'w [&'w Path],
    follow: bool,
}

impl Walk<'_> {
    fn folder(
        &self,
        folder: &Path,
        names: &mut Vec<(String, PathBuf)>,
        found: &mut SourceFiles,
    ) -> Result<()> {
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(folder, &error))?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            if kind.is_dir() {
                if !name.starts_with(['_', '.']) && !self.apart.contains(&path.as_path()) {
                    self.folder(&path, names, found)?;
                }
                continue;
            }
            let lower = name.to_lowercase();
            // What other systems put beside a file begins with a dot.
            let is_data = !name.starts_with('.')
                && [".ndjson", ".jsonl", ".json", ".gz"].iter().any(|end| lower.ends_with(end));
            let below = path.strip_prefix(self.root).unwrap_or(&path);
            let parts: Vec<_> = below.components().map(|part| text(part.as_os_str())).collect();
            let name = parts.join("/");
            if kind.is_symlink() && !self.follow && self.leads_out(&path) {
                found.ignore(name);
                found.links += 1;
            } else if !is_data || !is_file(&path, kind) {
                found.ignore(name);
            } else {
                names.push((name, path));
            }
        }
        Ok(())
    }

    /// Whether a link leads out of the folder, or into what is left out of it.
    fn leads_out(&self, link: &Path) -> bool {
        let real = link.canonicalize().or_else(|_| {
            // It leads nowhere yet: its folder says where that would be.
            let target = link.parent().unwrap_or(link).join(fs::read_link(link)?);
            let name = target.file_name().ok_or(io::ErrorKind::NotFound)?;
            Ok::<_, io::Error>(target.parent().unwrap_or(&target).canonicalize()?.join(name))
        });
        real.map_or(true, |real| {
            let apart = self.apart.iter().any(|apart| real.starts_with(apart));
            apart || !real.starts_with(self.root)
        })
    }
}

/// Whether there is a file to open: a pipe, a socket or a device is none, and would answer an
/// opening with something else than lines. A link to nowhere is a file that cannot be opened.
fn is_file(path: &Path, kind: fs::FileType) -> bool {
    kind.is_file()
        || kind.is_symlink() && fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

fn data_file(path: PathBuf, name: String, source: Option<&str>) -> Result<DataFile> {
    // A file that cannot be asked cannot be read either; the run says so when it tries.
    let (size, modified) = stat(&path).unwrap_or_default();
    let source = match source {
        Some(source) => source.to_owned(),
        None => segment_source(&path).unwrap_or_else(|| "events".to_owned()),
    };
    let schema = schema_of(&source)?;
    let key = text(path.as_os_str());
    let path = path.canonicalize().unwrap_or(path);
    Ok(DataFile { path, key, name, source, schema, size, modified, content: None })
}

/// A name as text; bytes that are not text are written out, so that names stay apart.
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
    fn data_files_are_chosen_by_name_and_sorted_by_bytes() {
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
        let found = find(&root, &[&root.join("lake")], None, false).unwrap();
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
        let ignored: Vec<_> = found.ignored_names.iter().map(String::as_str).collect();
        assert_eq!(ignored, ["notes.txt", "segment-logs/dummy-object.txt"]);
        let inside = find(&root.join("segment-logs/web"), &[], None, false).unwrap();
        assert_eq!(inside.files[0].schema, "web");
        let text = find(&root.join("notes.txt"), &[], Some("My App"), false).unwrap();
        assert_eq!(
            (text.files[0].name.as_str(), text.files[0].schema.as_str()),
            ("notes.txt", "my_app")
        );
        assert_eq!(find(&root, &[], Some("日本"), false).unwrap_err().code, "source_unnameable");
        assert_eq!(
            find(&root.join("none"), &[], None, false).unwrap_err().code,
            "source_not_found"
        );
    }

    #[test]
    fn links_out_of_the_folder_and_special_files_are_skipped() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, outside) = (base.join("in"), base.join("secret"));
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir_all(root.join("lake")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("x.json"), "").unwrap();
        fs::write(root.join("lake/x.json"), "").unwrap();
        fs::write(root.join("sub/a.json"), "").unwrap();
        for (link, target) in [
            ("absolute.json", outside.join("x.json")),
            ("up.json", "../secret/x.json".into()),
            ("chain.json", "absolute.json".into()),
            ("nowhere_outside.json", outside.join("none.json")),
            ("folder", outside.clone()),
            ("loop.json", "loop.json".into()),
            ("lake.json", "lake/x.json".into()),
            ("zero.json", "/dev/zero".into()),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        symlink("sub/a.json", root.join("inside.json")).unwrap();
        symlink("sub/none.json", root.join("nowhere_inside.json")).unwrap();
        symlink("sub/../../in/sub/a.json", root.join("out_and_in.json")).unwrap();
        let _socket = UnixListener::bind(root.join("socket.json")).unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(root.join("fifo.json")).status();
        assert!(fifo.unwrap().success());
        let names = |found: &SourceFiles| -> Vec<String> {
            found.files.iter().map(|file| file.name.clone()).collect()
        };
        let apart = [&*root.join("lake")];
        let found = find(&root, &apart, None, false).unwrap();
        // One that leads to itself is inside, and says that it cannot be opened.
        let inside =
            ["inside.json", "loop.json", "nowhere_inside.json", "out_and_in.json", "sub/a.json"];
        assert_eq!(names(&found), inside);
        assert_eq!((found.links, found.ignored), (7, 9));
        let followed = find(&root, &apart, None, true).unwrap();
        assert_eq!(followed.links, 0);
        for name in ["absolute.json", "up.json", "chain.json"] {
            assert!(names(&followed).iter().any(|found| found == name), "{name}");
        }
        assert!(!names(&followed).iter().any(|name| name.starts_with("zero")));
        // What is named is meant, link or not.
        symlink(&root, base.join("drop")).unwrap();
        assert_eq!(names(&find(&base.join("drop"), &apart, None, false).unwrap()), inside);
        assert_eq!(names(&find(&root.join("up.json"), &[], None, false).unwrap()), ["up.json"]);
    }

    #[test]
    fn the_content_of_a_file_is_identified_by_its_size_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let content = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            find(&path, &[], None, false).unwrap().files[0].with_content().content
        };
        let end = END as usize;
        let ends = |between: &[u8]| [&vec![b'a'; end][..], between, &vec![b'z'; end]].concat();
        let known = content("a.json", &ends(b"between"));
        assert!(known.as_ref().unwrap().starts_with(&format!("{}:", 2 * END + 7)));
        for (what, name, bytes, is_same) in [
            ("moved", "b.json", ends(b"between"), true),
            ("as long, other between its ends", "b.json", ends(b"BETWEEN"), true),
            ("equal at both ends, longer", "b.json", ends(b"between us"), false),
            ("another beginning", "b.json", [b"b", &ends(b"between")[1..]].concat(), false),
            ("another end", "b.json", [&ends(b"between")[1..], b"a"].concat(), false),
        ] {
            assert_eq!(content(name, &bytes) == known, is_same, "{what}");
        }
        // Ends that overlap: every byte counts.
        let short = |at: usize| {
            let mut bytes = vec![b'a'; end + 10];
            bytes[at] = b'b';
            content("c.json", &bytes)
        };
        let all: std::collections::BTreeSet<_> =
            [0, 9, 10, end - 1, end, end + 9].map(short).into();
        assert_eq!(all.len(), 6);
        assert_eq!(content("c.json", b""), None);
        let file = find(&folder.path().join("a.json"), &[], None, false).unwrap().files.remove(0);
        fs::remove_file(&file.path).unwrap();
        assert_eq!(file.with_content().content, None);
    }
}
