//! Test doubles: a desktop with a user who answers as the test says, and an application on it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use headgate_terms::{Error, Result};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::{Actor, App, Call, Choose, Confirm, Host, Notice, SaveAs};

/// A user who answers as a test says. Questions and notifications are recorded; a clone is the same user.
#[derive(Clone, Default)]
pub(crate) struct User {
    /// What every question is answered with.
    pub(crate) agrees: bool,
    /// What every dialog gives.
    pub(crate) chooses: Option<PathBuf>,
    asked: Arc<Mutex<Vec<String>>>,
    told: Arc<Mutex<Vec<String>>>,
}

impl User {
    pub(crate) fn new(agrees: bool) -> Self {
        Self { agrees, ..Self::default() }
    }

    /// The questions so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The notifications since the last call.
    pub(crate) fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

impl Host for User {
    fn choose(&self, _: &Choose) -> Result<Option<PathBuf>> {
        Ok(self.chooses.clone())
    }

    fn save_as(&self, _: &SaveAs) -> Result<Option<PathBuf>> {
        Ok(self.chooses.clone())
    }

    fn copy(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn confirm(&self, confirm: &Confirm) -> Result<bool> {
        self.asked.lock().unwrap().push(confirm.text.to_string());
        Ok(self.agrees)
    }

    fn notify(&self, notice: &Notice) {
        self.told.lock().unwrap().push(format!("{}. {}", notice.title, notice.text));
    }
}

/// An application with a data folder and a user of its own.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) user: User,
    pub(crate) folder: tempfile::TempDir,
}

impl TestApp {
    pub(crate) fn new(agrees: bool) -> Self {
        Self::with(User::new(agrees))
    }

    pub(crate) fn with(user: User) -> Self {
        Self::of(tempfile::tempdir().unwrap(), user)
    }

    /// On a folder that is there already, as after a restart.
    pub(crate) fn of(folder: tempfile::TempDir, user: User) -> Self {
        let app = App::with_data(folder.path().join("data")).unwrap().on(Box::new(user.clone()));
        Self { app, user, folder }
    }

    /// A path below the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// What the page gets for a command.
    pub(crate) fn answer(&self, name: &str, request: &Value) -> Result<Value> {
        let call = Call::new("c1", Box::new(|_| true));
        let cx = self.app.cx(Actor::Window, call);
        let answer = self.app.call(name, &to_raw_value(request).unwrap(), &cx)?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    /// The answer to a command, or the code of the failure.
    pub(crate) fn call(&self, name: &str, request: &Value) -> Result<Value, String> {
        self.answer(name, request).map_err(|error: Error| error.code.to_string())
    }

    /// A folder with one event in it.
    pub(crate) fn events(&self, name: &str) -> String {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let event = json!({"type": "track", "event": "Seen", "messageId": name, "userId": "u",
            "timestamp": "2026-11-20T10:00:00Z", "receivedAt": "2026-11-20T10:00:01Z"});
        std::fs::write(folder.join("a.ndjson"), format!("{event}\n")).unwrap();
        folder.display().to_string()
    }

    /// Brings events into a lake.
    pub(crate) fn sync(&self, from: &str, to: &str) -> Result<Value, String> {
        self.call("sync_start", &json!({"from": from, "to": to, "source": null, "again": false}))
    }
}
