//! Which folders and files the page may name.
//!
//! A page cannot be trusted with every path of this computer: what a dialog gave, what was dropped on
//! the window, known lakes and the sources of recorded runs are granted, with all that is below them.
//! Any other path is one that was typed, and the desktop asks the user about it once.
//!
//! Callers in this process (the terminal, tests) name paths by themselves and do not come through here.

use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use headgate_terms::{Error, Result, say};

use crate::App;
use crate::callers::TemplatesFor;
use crate::calls::{CallAbout, CallName, Nothing};
use crate::changes::{ChangeName, HistoryOf, PlanName};
use crate::drafts::DraftAnswer;
use crate::host::{Choose, Confirm, Copy};
use crate::plans::ChangeRequest;
use crate::policies::{PolicyEdit, PolicyExport, PolicyLook, PolicyPlan, PolicyTry};
use crate::roles::RoleName;
use crate::runs::{RunDiscards, RunLetters, RunName};
use crate::settings::SettingsChange;
use crate::start::PageFailed;
use crate::syncs::{SchemaPreview, SyncStart};
use crate::tables::{LakeName, TableName};

/// A path in a request.
pub struct Place<'r> {
    /// The request's field.
    pub field: &'static str,
    /// What it holds: a path, or an address that begins with `file://`.
    pub path: &'r str,
    /// Whether the command may write there.
    pub written: bool,
}

/// What the page may ask: a request says which paths it names, so that a command cannot forget it.
pub trait Request {
    /// Whether an answer may wait for the user.
    const WAITS: bool = false;

    /// The paths it names; empty texts are left to the command.
    fn places(&self) -> Vec<Place<'_>>;

    /// What it works on, for the list of calls.
    fn about(&self) -> Option<CallAbout> {
        None
    }
}

macro_rules! pathless {
    ($($request:ty),+ $(,)?) => {$(
        impl Request for $request {
            fn places(&self) -> Vec<Place<'_>> {
                Vec::new()
            }
        }
    )+};
}

// What these name is an id, a text or a setting.
pathless!(
    Nothing,
    PageFailed,
    RunName,
    RunLetters,
    RunDiscards,
    PolicyLook,
    PolicyEdit,
    PolicyPlan,
    PolicyTry,
    PolicyExport,
    TemplatesFor,
    DraftAnswer,
    RoleName,
    ChangeRequest,
    PlanName,
    HistoryOf,
    ChangeName,
    SettingsChange,
    CallName,
    Copy,
);

impl Request for Choose {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        Vec::new()
    }
}

impl Request for SchemaPreview {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        let lake = self.lake.as_deref().unwrap_or_default();
        vec![read("from", &self.from), read("lake", lake)]
    }

    fn about(&self) -> Option<CallAbout> {
        let source = self.source.clone();
        Some(CallAbout { from: self.from.clone(), to: self.lake.clone(), source })
    }
}

impl Request for SyncStart {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        vec![read("from", &self.from), Place { field: "to", path: &self.to, written: true }]
    }

    fn about(&self) -> Option<CallAbout> {
        let source = self.source.clone();
        Some(CallAbout { from: self.from.clone(), to: Some(self.to.clone()), source })
    }
}

impl Request for LakeName {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        vec![read("lake", &self.lake)]
    }
}

impl Request for TableName {
    const WAITS: bool = true;

    fn places(&self) -> Vec<Place<'_>> {
        vec![read("lake", &self.lake)]
    }
}

fn read<'r>(field: &'static str, path: &'r str) -> Place<'r> {
    Place { field, path, written: false }
}

/// The paths that were granted since the application started.
#[derive(Default)]
pub(crate) struct Grants(Mutex<Vec<PathBuf>>);

impl Grants {
    /// Grants a path and all that is below it.
    pub(crate) fn grant(&self, path: &Path) {
        let path = resolved(path);
        let mut granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !granted.contains(&path) {
            granted.push(path);
        }
    }

    fn has(&self, path: &Path) -> bool {
        let granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        granted.iter().any(|granted| path.starts_with(granted))
    }
}

impl App {
    /// Lets a request pass whose paths are granted, and asks about those that are not.
    ///
    /// # Errors
    /// `path_not_allowed` when the user does not allow one.
    pub(crate) fn permit(&self, places: &[Place<'_>]) -> Result<()> {
        for place in places {
            let text = place.path.trim();
            // What is not a whole path is refused by the command, in its own words.
            let Some(path) = local(text) else { continue };
            let path = resolved(&path);
            if self.grants.has(&path) || self.is_known(&path)? {
                continue;
            }
            let asked = Confirm {
                title: "Allow this path?".into(),
                text: if place.written {
                    say!(
                        "Headgate would write tables to `{}`. Allow this only if you entered the path yourself.",
                        path
                    )
                } else {
                    say!(
                        "Headgate would read `{}`. Allow this only if you entered the path yourself.",
                        path
                    )
                },
                yes: "Allow".into(),
            };
            if !self.host.confirm(&asked)? {
                return Err(Error::new("path_not_allowed", say!("`{}` was not allowed.", path))
                    .hint("Choose the folder with the dialog, or enter it again and allow it.")
                    .field(place.field));
            }
            self.grants.grant(&path);
        }
        Ok(())
    }

    /// Whether it belongs to a known lake, to the source of a recorded run, or to the sample.
    fn is_known(&self, path: &Path) -> Result<bool> {
        let below =
            |text: &str| local(text).is_some_and(|known| path.starts_with(resolved(&known)));
        if path.starts_with(resolved(&self.data().path().join("sample"))) {
            return Ok(true);
        }
        let lakes = self.lakes_list(&Nothing {})?.lakes;
        if lakes.iter().any(|lake| below(lake)) {
            return Ok(true);
        }
        Ok(self.runs()?.iter().filter_map(|run| run.from.as_deref()).any(below))
    }
}

/// The path of a text that names one from the root.
fn local(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
    path.is_absolute().then_some(path)
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
        grants.grant(&inside);
        let has = |path: PathBuf| grants.has(&resolved(&path));
        assert!(
            has(inside.clone()) && has(inside.join("a/b.ndjson")) && has(inside.join("a/../b"))
        );
        assert!(!has(beside) && !has(inside.join("../x")) && !has(inside.join("link/passwd")));
        assert!(!has(inside.join("link/../shadow")) && !has(PathBuf::from("/")));
    }
}
