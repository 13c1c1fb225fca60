//! [`Location`]: the folder of a lake, parsed from a path or a `file://` address that a user typed.
//!
//! Other addresses are refused: only folders of this machine are supported. Files are read through `edge`.

use std::path::{Component, Path, PathBuf};

use headgate_terms::{Error, Result, Say, Shown, say};
use url::Url;

/// A lake's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    folder: PathBuf,
    url: Url,
}

impl Location {
    /// Reads a path or a `file://` address; a relative path is taken from the working folder.
    ///
    /// # Errors
    /// `unsupported_location` for any other kind of address.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |what: Shown| {
            Error::new("unsupported_location", say!("`{}` is {}.", text, what))
                .hint("Name a folder of this machine, as a path or a `file://` address.")
        };
        let folder = match text.split_once("://") {
            Some(("file", _)) => Url::parse(text)
                .ok()
                .and_then(|url| url.to_file_path().ok())
                .ok_or_else(|| refused("not a valid file address".into()))?,
            Some((scheme, _)) => {
                return Err(refused(say!("a `{}` address, and a lake is a folder", scheme)));
            }
            None if text.is_empty() => return Err(refused("empty".into())),
            None => std::path::absolute(text).map_err(|_| refused("not a path".into()))?,
        };
        // Readers of Delta tables take such a path for an escaped one, or not at all.
        let plain = |c: char| c != '%' && c != '\\' && !c.is_control();
        if !folder.to_str().is_some_and(|path| path.chars().all(plain)) {
            return Err(refused("a path with `%`, a backslash, or bytes that are not text".into()));
        }
        // `..` and links are resolved as far as the folder exists, so that one lake has one name.
        let folder = resolve(&folder);
        let url = Url::from_directory_path(&folder).map_err(|()| refused("not a path".into()))?;
        Ok(Self { folder, url })
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address with a slash at its end.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

fn resolve(path: &Path) -> PathBuf {
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            part => real.push(part),
        }
        if let Ok(found) = real.canonicalize() {
            real = found;
        }
    }
    real
}

impl Say for Location {
    fn say(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.folder.say(f)
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.folder.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_folder_are_one_location() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("far/away")).unwrap();
        std::os::unix::fs::symlink("far/away", base.join("link")).unwrap();
        let base = base.to_str().unwrap();
        for (text, folder) in [
            ("lake", "lake"),
            ("lake/", "lake"),
            ("./lake/.", "lake"),
            // Whether or not there is such a folder.
            ("x/../lake", "lake"),
            ("x/y/../../lake", "lake"),
            // A link is left by what it leads to.
            ("link/lake", "far/away/lake"),
            ("link/../lake", "far/lake"),
            ("x/../link", "far/away"),
            ("sch\u{f6}n & co", "sch\u{f6}n & co"),
        ] {
            let location = Location::parse(&format!("{base}/{text}")).unwrap();
            let expected = Path::new(base).join(folder);
            assert_eq!(location.folder(), expected, "{text}");
            let address = Location::parse(location.url().as_str()).unwrap();
            assert_eq!(address, location, "{text}");
        }
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(Location::parse("a/../lake").unwrap().folder(), here.join("lake"));
        assert_eq!(Location::parse("/../lake").unwrap().folder(), Path::new("/lake"));
    }

    #[test]
    fn addresses_other_than_local_folders_are_refused() {
        for text in ["", "s3://b/lake", "file://host/lake", "/a%20b", "/a\\b", "/a\nb", "/a\0b"] {
            assert_eq!(&*Location::parse(text).unwrap_err().code, "unsupported_location", "{text}");
        }
    }
}
