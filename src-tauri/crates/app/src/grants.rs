//! Which folders and files the page may name in a request.
//!
//! The page cannot be trusted with every path of this computer. A path that a dialog returned is granted for
//! reading and writing, one that was dropped on the window for reading, and the lakes and sources of recorded
//! runs for what the run did with them. The desktop asks the user about any other path. A grant covers
//! everything below it.
//!
//! Paths are parsed here by the parser that the command uses, so that both mean the same place. The terminal
//! and tests name paths without this check.

use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use headgate_lake::Location;
use headgate_terms::{Error, Result, Shown, say};

use crate::App;
use crate::api::{
    AttentionMute, CallRef, ChangeRef, ChangeRequest, Choose, Copy, DraftOf, DraftRef, DraftToKeep,
    Empty, HistoryOf, JobId, JobsPage, LakeRef, PageError, PlanRef, PolicyAnalyze, PolicyEdit,
    PolicyExport, PolicyFile, PolicyPlan, PolicyTry, ProfileChange, ProfileName, ProfileSettings,
    ProfileShow, RoleArn, RoleRef, RunDiscards, RunRef, RunRejectedLines, RunRejectedSave,
    RunRelease, RunsPage, SchemaPreview, SettingsChange, SyncStart, TableRef, TemplatesFor,
};
use crate::cx::Cx;
use crate::host::Confirm;

/// A path in a request.
pub(crate) struct Place<'r> {
    /// The request's field.
    pub(crate) field: &'static str,
    /// What it holds, as the command reads it.
    pub(crate) text: &'r str,
    /// What the command does with it.
    pub(crate) used: Used,
}

/// What a command does with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Used {
    /// Reads events from it.
    Events,
    /// Reads the lake there.
    LakeRead,
    /// Writes the lake there.
    LakeWritten,
}

/// A request of the page: it lists the paths that it names, so that a command cannot forget it.
pub(crate) trait PageRequest {
    /// Whether an answer may wait for the user.
    const WAITS: bool = false;

    /// The paths it names; empty texts are left to the command.
    fn places(&self) -> Vec<Place<'_>>;
}

macro_rules! pathless {
    ($($request:ty),+ $(,)?) => {$(
        impl PageRequest for $request {
            fn places(&self) -> Vec<Place<'_>> {
                Vec::new()
            }
        }
    )+};
}

// What these name is an id, a text or a setting.
pathless!(
    Empty,
    PageError,
    AttentionMute,
    RunRef,
    RunRejectedLines,
    RunDiscards,
    PolicyAnalyze,
    PolicyEdit,
    PolicyPlan,
    PolicyTry,
    PolicyExport,
    TemplatesFor,
    DraftOf,
    DraftRef,
    DraftToKeep,
    RoleArn,
    RoleRef,
    ChangeRequest,
    PlanRef,
    HistoryOf,
    ChangeRef,
    SettingsChange,
    CallRef,
    Copy,
    RunsPage,
    JobsPage,
    JobId,
    ProfileShow,
    ProfileName,
);

impl PageRequest for Choose {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        Vec::new()
    }
}

impl PageRequest for RunRejectedSave {
    // The user names the file in a dialog.
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        Vec::new()
    }
}

impl PageRequest for ProfileSettings {
    // The desktop asks about an endpoint.
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        Vec::new()
    }
}

impl PageRequest for ProfileChange {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        Vec::new()
    }
}

impl PageRequest for RunRelease {
    // Lines are read again, and there may be many.
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        Vec::new()
    }
}

impl PageRequest for SchemaPreview {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        let lake = self.lake.as_deref().unwrap_or_default().trim();
        vec![events(&self.from), lake_read(lake)]
    }
}

impl PageRequest for SyncStart {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        let to = Place { field: "to", text: self.to.trim(), used: Used::LakeWritten };
        vec![events(&self.from), to]
    }
}

impl PageRequest for PolicyFile {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        vec![Place { field: "path", ..events(&self.path) }]
    }
}

impl PageRequest for LakeRef {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        vec![lake_read(&self.lake)]
    }
}

impl PageRequest for TableRef {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        vec![lake_read(&self.lake)]
    }
}

fn events(text: &str) -> Place<'_> {
    Place { field: "from", text: text.trim(), used: Used::Events }
}

fn lake_read(text: &str) -> Place<'_> {
    Place { field: "lake", text, used: Used::LakeRead }
}

/// What was granted since the application started.
#[derive(Default)]
pub(crate) struct Grants {
    read: Mutex<Vec<PathBuf>>,
    written: Mutex<Vec<PathBuf>>,
}

impl Grants {
    /// Grants a path and all that is below it for reading.
    pub(crate) fn read(&self, path: &Path) {
        add(&self.read, path);
    }

    /// Grants a path and all that is below it for reading and writing.
    pub(crate) fn written(&self, path: &Path) {
        add(&self.read, path);
        add(&self.written, path);
    }

    fn has(&self, path: &Path, used: Used) -> bool {
        let set = if used == Used::LakeWritten { &self.written } else { &self.read };
        let granted = set.lock().unwrap_or_else(PoisonError::into_inner);
        granted.iter().any(|granted| path.starts_with(granted))
    }
}

fn add(set: &Mutex<Vec<PathBuf>>, path: &Path) {
    let path = resolved(path);
    let mut granted = set.lock().unwrap_or_else(PoisonError::into_inner);
    if !granted.contains(&path) {
        granted.push(path);
    }
}

impl App {
    /// Allows a request whose paths are granted, and asks the user about those that are not.
    ///
    /// # Errors
    /// `path_not_allowed` when the user does not allow one, what the command's own parser says of a
    /// text that is not a path, and `wrong_use` for one that does not begin at the root.
    pub(crate) fn permit(&self, cx: &Cx, places: &[Place<'_>]) -> Result<()> {
        // The command says in its own words that nothing was named.
        for place in places.iter().filter(|place| !place.text.is_empty()) {
            let path = named(place)?;
            if self.grants.has(&path, place.used) || self.is_known(cx, &path, place.used)? {
                continue;
            }
            let shown = shortened(&path);
            let asked = Confirm {
                title: "Allow this path?".into(),
                text: if place.used == Used::LakeWritten {
                    say!(
                        "Headgate would write tables to `{}`. Allow this only if you entered the path yourself.",
                        shown
                    )
                } else {
                    say!(
                        "Headgate would read `{}`. Allow this only if you entered the path yourself.",
                        shown
                    )
                },
                yes: "Allow".into(),
            };
            if !self.ask(&asked)? {
                return Err(Error::new("path_not_allowed", say!("`{}` was not allowed.", shown))
                    .hint("Choose it with the dialog; after several refusals nothing is asked for a minute.")
                    .field(place.field));
            }
            if place.used == Used::LakeWritten {
                self.grants.written(&path);
            } else {
                self.grants.read(&path);
            }
        }
        Ok(())
    }

    /// Whether a recorded run used the path so, or it is the sample's, or a lake that was opened.
    fn is_known(&self, cx: &Cx, path: &Path, used: Used) -> Result<bool> {
        let below = |known: &str| {
            Location::parse(known).is_ok_and(|known| path.starts_with(known.folder()))
        };
        if path.starts_with(resolved(&self.sample())) {
            return Ok(true);
        }
        // What the page lists of rejected lines can be synced again from the file that keeps them.
        if used == Used::Events && path.starts_with(resolved(&self.data().dead_letters())) {
            return Ok(true);
        }
        if headgate_sync::lakes(self.data())?.iter().any(|lake| below(lake)) {
            return Ok(true);
        }
        if used == Used::LakeWritten {
            return Ok(false);
        }
        Ok(self.lakes_of(&cx.profile)?.iter().any(|lake| below(lake))
            || self.runs(cx)?.iter().filter_map(|run| run.from.as_deref()).any(below))
    }
}

/// The place that a command would use for a text.
fn named(place: &Place<'_>) -> Result<PathBuf> {
    if place.used == Used::Events {
        return crate::syncs::place(place.field, place.text).map(|path| resolved(&path));
    }
    let relative = !place.text.starts_with('/') && !place.text.contains("://");
    if relative {
        return Err(Error::new("wrong_use", say!("`{}` is not an absolute path.", place.text))
            .hint("Enter the path from the root, beginning with `/`.")
            .field(place.field));
    }
    let location = Location::parse(place.text).map_err(|error| error.field(place.field))?;
    Ok(resolved(location.folder()))
}

/// A path for a question, cut in the middle when it would fill the dialog.
fn shortened(path: &Path) -> Shown {
    const MOST: usize = 300;
    let text = path.display().to_string();
    let count = text.chars().count();
    if count <= MOST {
        return Shown::clean(&text);
    }
    let begin: String = text.chars().take(MOST / 2).collect();
    let end: String = text.chars().skip(count - MOST / 2).collect();
    say!("{}…{}", begin, end)
}

/// The path with its links followed as far as it exists, and without `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain = plain.canonicalize().unwrap_or(plain);
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    let mut rest = Vec::new();
    let mut at = plain.as_path();
    loop {
        if let Ok(real) = at.canonicalize() {
            return rest.iter().rev().fold(real, |path, part| path.join(part));
        }
        let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else { return plain };
        rest.push(name.to_owned());
        at = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_what_is_below_it_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, beside) = (folder.path().join("in"), folder.path().join("inside"));
        std::fs::create_dir_all(&inside).unwrap();
        std::os::unix::fs::symlink("/etc", inside.join("link")).unwrap();
        let grants = Grants::default();
        grants.read(&inside);
        let has = |path: PathBuf| grants.has(&resolved(&path), Used::Events);
        assert!(
            has(inside.clone()) && has(inside.join("a/b.ndjson")) && has(inside.join("a/../b"))
        );
        assert!(!has(beside) && !has(inside.join("../x")) && !has(inside.join("link/passwd")));
        assert!(!has(inside.join("link/../shadow")) && !has(PathBuf::from("/")));
        assert!(!grants.has(&resolved(&inside), Used::LakeWritten), "to read is not to write");
    }
}
