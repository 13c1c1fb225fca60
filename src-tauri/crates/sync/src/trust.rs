//! Whether a folder belongs to this user alone, so that no other user can change it or put another folder in
//! its place.
//!
//! Everything in the data folder is used without further checks: open batches, waiting lines, the journal. So
//! a folder that others can write to is refused.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use headgate_terms::{Error, Result, Shown, say};

/// Who this process acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Me {
    user: u32,
    group: u32,
}

const GROUP_WRITE: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

impl Me {
    /// Finds out by what the system gives to a file of this process.
    pub(crate) fn find() -> io::Result<Self> {
        let mine = fs::metadata("/proc/self").or_else(|_| tempfile::tempfile()?.metadata())?;
        Ok(Self { user: mine.uid(), group: mine.gid() })
    }

    /// Refuses a data folder that others own or can write to, or can put another in the place of.
    /// It exists.
    pub(crate) fn refuse_shared(self, folder: &Path) -> Result<()> {
        let real = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
        let its = look(&real)?;
        if its.uid() != self.user {
            return Err(shared(say!("The data folder `{}` belongs to another user.", folder)));
        }
        if self.others_write(&its) {
            return Err(shared(say!("Others can write to the data folder `{}`.", folder)));
        }
        for path in [folder, &real] {
            for (child, parent) in path.ancestors().zip(path.ancestors().skip(1)) {
                self.refuse_swappable(folder, child, parent)?;
            }
        }
        Ok(())
    }

    /// As [`Self::refuse_shared`], for a folder that does not exist below one that does.
    pub(crate) fn refuse_swappable_below(self, folder: &Path, there: &Path) -> Result<()> {
        let real = there.canonicalize().map_err(|error| unreadable(there, &error))?;
        for path in [folder, &*real.join("new")] {
            for (child, parent) in path.ancestors().zip(path.ancestors().skip(1)) {
                if parent.exists() {
                    self.refuse_swappable(folder, child, parent)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses a folder above in which others can rename what leads to the data folder.
    fn refuse_swappable(self, folder: &Path, child: &Path, parent: &Path) -> Result<()> {
        let its = fs::metadata(parent).map_err(|error| unreadable(parent, &error))?;
        let swap = || {
            shared(say!(
                "Others can put another folder in the place of the data folder `{}`: they can write to `{}`.",
                folder,
                parent
            ))
        };
        if !self.trusts(its.uid()) {
            return Err(swap());
        }
        if !self.others_write(&its) {
            return Ok(());
        }
        // In a folder such as /tmp, each entry is its owner's.
        let sticky = its.mode() & STICKY != 0;
        // What does not exist yet is going to be this user's.
        let ours = fs::symlink_metadata(child).map_or(true, |child| self.trusts(child.uid()));
        if sticky && ours { Ok(()) } else { Err(swap()) }
    }

    /// Oneself, the administrator, and whoever owns the root of all files: nothing is safe from them.
    fn trusts(self, user: u32) -> bool {
        user == self.user || user == 0 || fs::metadata("/").is_ok_and(|root| root.uid() == user)
    }

    /// Whether anybody else can write; one's own group is, by custom, oneself.
    fn others_write(self, its: &Metadata) -> bool {
        let write = if its.gid() == self.group { OTHERS_WRITE } else { GROUP_WRITE | OTHERS_WRITE };
        its.mode() & write != 0
    }

    /// Makes what is directly in the data folder this user's alone: its mode is tightened, and what
    /// is another's, or a link to elsewhere, is refused.
    pub(crate) fn tighten(self, folder: &Path) -> Result<()> {
        tighten(folder, 0o700)?;
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(folder, &error))?.path();
            let its = match fs::symlink_metadata(&path) {
                Ok(its) => its,
                // What another run was done with meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            if its.is_symlink() {
                return Err(shared(say!("`{}`, a part of the data folder, is a link.", &path)));
            }
            if its.uid() != self.user {
                return Err(shared(say!(
                    "`{}`, a part of the data folder, belongs to another user.",
                    &path
                )));
            }
            tighten(&path, if its.is_dir() { 0o700 } else { 0o600 })?;
        }
        Ok(())
    }
}

/// Takes every right away that is not in `most`.
fn tighten(path: &Path, most: u32) -> Result<()> {
    let mode = look(path)?.mode() & 0o7777;
    if mode & !most == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & most))
        .map_err(|error| unreadable(path, &error))
}

fn look(path: &Path) -> Result<Metadata> {
    fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))
}

fn shared(message: Shown) -> Error {
    Error::new("data_folder_shared", message).hint(
        "Name a folder of your own with `HEADGATE_DATA`, or take the others' rights away with `chmod` and `chown`.",
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new("data_folder_unusable", say!("`{}` cannot be used: {}.", path, error))
        .hint("Give this user the right to write it, or name another with `HEADGATE_DATA`.")
}

/// The folder's deepest part that exists.
pub(crate) fn deepest(folder: &Path) -> PathBuf {
    let exists = |path: &&Path| path.symlink_metadata().is_ok();
    folder.ancestors().find(exists).unwrap_or(folder).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use crate::folder::DataFolder;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refused(data: &DataFolder, word: &str) {
        for error in [data.make().unwrap_err(), data.hold().unwrap_err()] {
            assert_eq!(error.code, "data_folder_shared", "{error}");
            assert!(error.message.contains(word), "{error}");
        }
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let data = DataFolder::new(base.path().join("data"));
        data.make().unwrap();
        assert_eq!(mode(data.path()), 0o700);
        set(data.path(), 0o777);
        refused(&data, "Others can write to the data folder");
        set(data.path(), 0o1777);
        refused(&data, "Others can write to the data folder");
        // What others can only read is closed to them.
        set(data.path(), 0o755);
        data.make().unwrap();
        assert_eq!(mode(data.path()), 0o700);

        // Above it too, unless each entry there is its owner's.
        set(base.path(), 0o777);
        refused(&data, "in the place of");
        set(base.path(), 0o1777);
        data.make().unwrap();
        let deeper = DataFolder::new(base.path().join("more/data"));
        fs::create_dir(base.path().join("more")).unwrap();
        set(&base.path().join("more"), 0o777);
        refused(&deeper, "in the place of");
        assert!(!deeper.path().exists(), "nothing is made where others could swap it");
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        // Only root can give files away; whoever else runs this is a stranger to root's folders.
        let base = tempfile::tempdir().unwrap();
        let data = DataFolder::new(base.path().join("data"));
        data.make().unwrap();
        if Me::find().unwrap().user != 0 {
            return refused(&DataFolder::new("/usr".into()), "belongs to another user");
        }
        chown(data.path(), Some(12_345), None).unwrap();
        refused(&data, "belongs to another user");
        chown(data.path(), Some(0), None).unwrap();
        chown(data.dead_letters(), Some(12_345), None).unwrap();
        refused(&data, "a part of the data folder, belongs to another user");
        chown(data.dead_letters(), Some(0), None).unwrap();
        data.make().unwrap();
        chown(base.path(), Some(12_345), None).unwrap();
        refused(&data, "in the place of");
    }

    #[test]
    fn parts_are_closed_to_others_and_links_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let data = DataFolder::new(base.path().join("data"));
        data.make().unwrap();
        let log = data.path().join("log");
        fs::create_dir(&log).unwrap();
        for name in ["headgate.db", "window.lock", "lock"] {
            fs::write(data.path().join(name), "").unwrap();
            set(&data.path().join(name), 0o666);
        }
        for folder in [&data.dead_letters(), &data.spool(), &log] {
            set(folder, 0o777);
        }
        data.make().unwrap();
        for name in ["headgate.db", "window.lock", "lock"] {
            assert_eq!(mode(&data.path().join(name)), 0o600, "{name}");
        }
        for folder in [&data.dead_letters(), &data.spool(), &log] {
            assert_eq!(mode(folder), 0o700);
        }
        for part in ["dead_letters", "spool", "log", "headgate.db", "window.lock", "lock"] {
            let base = tempfile::tempdir().unwrap();
            let data = DataFolder::new(base.path().join("data"));
            fs::create_dir(data.path()).unwrap();
            let elsewhere = base.path().join("elsewhere");
            fs::create_dir(&elsewhere).unwrap();
            set(&elsewhere, 0o755);
            symlink(&elsewhere, data.path().join(part)).unwrap();
            refused(&data, "is a link");
            assert_eq!(mode(&elsewhere), 0o755, "{part}");
            assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        }
        // The data folder itself may be a link to a folder of one's own.
        let there = base.path().join("there");
        symlink(data.path(), &there).unwrap();
        DataFolder::new(there).make().unwrap();
    }
}
