//! The command table made into a dispatch: a name and JSON in, JSON out.
//!
//! A command without a method of its name does not compile, and a host that calls through here
//! cannot forget one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use headgate_lake::{TableDetail, TableRows};
use headgate_policy::Plan as PatchPlan;
use headgate_sync::{Letters, Preview, RunReport};
use headgate_terms::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::App;
use crate::callers::{Templates, TemplatesFor};
use crate::calls::{Call, CallName, Calls, Nothing};
use crate::changes::{
    Applied, ChangeAsked, ChangeHistory, ChangeName, HistoryOf, PlanName, WritePlan,
};
use crate::demo::Sample;
use crate::drafts::DraftAnswer;
use crate::host::{Choose, Chosen, Copy, HostEvent};
use crate::lakes::Lakes;
use crate::overview::Overview;
use crate::policies::{
    PolicyEdit, PolicyExport, PolicyLook, PolicyPlan, PolicyText, PolicyTried, PolicyTry,
    PolicyView,
};
use crate::roles::{AwsProfiles, RoleName, RoleRead};
use crate::runs::{Discards, RunDiscards, RunLetters, RunList, RunName};
use crate::settings::{SettingsChange, SettingsReport};
use crate::start::{PageFailed, Start};
use crate::syncs::{SchemaPreview, SyncStart};
use crate::tables::{FilesReport, HistoryReport, LakeName, TableName, TablesReport};

macro_rules! dispatch {
    ($($(#[doc = $doc:literal])+ $name:ident($request:ty) -> $response:ty $(, progress $progress:ty)?;)+) => {
        /// The names of all commands.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),+];

        impl App {
            /// Carries out a command. It blocks, so a host calls it on a thread of its own.
            ///
            /// # Errors
            /// What the command says, `unknown_command`, and `wrong_request` for a request of
            /// another shape.
            pub fn call(&self, name: &str, request: &RawValue, call: &Call) -> Result<Box<RawValue>> {
                let answer = catch_unwind(AssertUnwindSafe(|| match name {
                    $(stringify!($name) => {
                        let asked: $request = read(name, request)?;
                        let answer: $response = dispatch!(@call self, $name, asked, request, call $(, $progress)?)?;
                        write(&answer)
                    })+
                    _ => Err(Error::new("unknown_command", format!("There is no command `{name}`."))
                        .hint("Reload the page; it may be of another version.")),
                }));
                // A defect in one command must not leave its caller waiting for ever.
                answer.unwrap_or_else(|_| Err(broken(name))).map_err(|mut error| {
                    let trace = error.trace.get_or_insert_with(|| call.id().into());
                    let (code, message) = (&error.code, &error.message);
                    tracing::error!(command = name, trace = %trace, %code, message, "refused");
                    error
                })
            }
        }
    };
    (@call $app:ident, $name:ident, $asked:ident, $request:ident, $call:ident) => {
        $app.$name(&$asked)
    };
    (@call $app:ident, $name:ident, $asked:ident, $request:ident, $call:ident, $progress:ty) => {{
        let _open = $app.desk.open(stringify!($name), $request, $call);
        $app.$name(&$asked, $call)
    }};
}

commands!(dispatch);

fn read<T: DeserializeOwned>(name: &str, request: &RawValue) -> Result<T> {
    serde_json::from_str(request.get()).map_err(|error| {
        Error::new("wrong_request", format!("`{name}` was asked wrongly: {error}."))
            .hint("Reload the page; it may be of another version.")
    })
}

fn broken(name: &str) -> Error {
    Error::new("internal", format!("`{name}` broke off in the middle."))
        .hint("This is a defect in Headgate; what was recorded is finished by the next run.")
}

fn write(answer: &impl Serialize) -> Result<Box<RawValue>> {
    to_raw_value(answer).map_err(|error| {
        Error::new("internal", format!("The answer could not be written: {error}."))
            .hint("This is a defect in Headgate.")
    })
}

#[allow(clippy::unnecessary_wraps, reason = "every command answers alike")]
impl App {
    fn calls_list(&self, _: &Nothing) -> Result<Calls> {
        let mut calls = self.desk.list();
        calls.calls.retain(|call| call.command != "host_events");
        Ok(calls)
    }

    fn calls_cancel(&self, asked: &CallName) -> Result<Nothing> {
        self.desk.cancel(&asked.call);
        Ok(Nothing {})
    }

    fn host_choose(&self, asked: &Choose) -> Result<Chosen> {
        let path = self.host.choose(asked)?;
        Ok(Chosen { path: path.map(|path| path.display().to_string()) })
    }

    fn host_copy(&self, asked: &Copy) -> Result<Nothing> {
        self.host.copy(&asked.text)?;
        Ok(Nothing {})
    }

    fn host_events(&self, _: &Nothing, call: &Call) -> Result<Nothing> {
        let events = self.desk.listen();
        while !call.stopped() {
            match events.recv_timeout(Duration::from_millis(200)) {
                Ok(event) => {
                    if !call.report(&event) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(Nothing {})
    }

    /// Tells the page what happened outside it.
    pub fn announce(&self, event: &HostEvent) {
        self.desk.announce(event);
    }

    /// Asks everything that goes on to stop, and waits for it at most so long.
    pub fn stop_calls(&self, most: Duration) {
        self.desk.cancel_all();
        let begun = std::time::Instant::now();
        while !self.desk.is_quiet() && begun.elapsed() < most {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
