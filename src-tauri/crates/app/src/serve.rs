//! The dispatch made from the command table: a name and JSON in, JSON out. Also the rules that apply to every
//! command, such as read-only profiles, closing, and what a command made stale.
//!
//! A line of the table without a method of its name does not compile.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use headgate_terms::{Error, Result, Shown, say};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::App;
#[allow(clippy::wildcard_imports, reason = "the table names all of it")]
use crate::api::*;
use crate::cx::{Actor, Cx};
use crate::door::Door;
use crate::grants::PageRequest;
use crate::host::Confirm;
use crate::neighbour;
use crate::world::World;

/// What a command may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Read,
    /// The data folder, a lake folder or the clipboard.
    Local,
    /// Something outside this machine.
    World,
}

/// A line of the command table.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What it may change.
    pub kind: Kind,
    /// Whether its request may hold a secret: then it is never kept, logged or listed.
    pub secret: bool,
    /// Whether it reports progress: then it can be stopped, and a closing application waits for it.
    pub progress: bool,
    /// Whether the page waits for it without a limit: it reports progress, or asks the user.
    pub patient: bool,
    /// The data that its answer shows.
    pub reads: &'static [Tag],
    /// The data that it changes.
    pub stales: &'static [Tag],
}

macro_rules! dispatch {
    ($($(#[doc = $doc:literal])+ [$kind:ident $($secret:ident)?] $name:ident($request:ty) -> $response:ty
        $(, progress $progress:ty)? $(, reads [$($reads:ident)+])? $(, stales [$($stales:ident)+])?;)+) => {
        /// The lines of the table.
        #[allow(non_upper_case_globals, reason = "each is named as its command")]
        pub(crate) mod line {
            use super::*;
            $(pub(crate) const $name: Command = Command {
                name: stringify!($name),
                kind: dispatch!(@kind $kind),
                secret: dispatch!(@is $($secret)?),
                progress: dispatch!(@is $($progress)?),
                patient: dispatch!(@is $($progress)?) || <$request as PageRequest>::WAITS,
                reads: &[$($(Tag::$reads),+)?],
                stales: &[$($(Tag::$stales),+)?],
            };)+
        }

        /// All commands.
        pub const COMMANDS: &[Command] = &[$(line::$name),+];

        impl App {
            /// Carries out a command. It blocks, so a host calls it on a thread of its own.
            ///
            /// # Errors
            /// What the command says, `unknown_command`, and `wrong_request` for a request of
            /// another shape.
            pub fn call(&self, name: &str, request: &RawValue, cx: &Cx) -> Result<Box<RawValue>> {
                let answer = catch_unwind(AssertUnwindSafe(|| match name {
                    $(stringify!($name) => {
                        let request: $request = read(name, request, line::$name.secret)?;
                        let answer: Result<$response> = self.carry_out(&line::$name, cx, |world| {
                            self.permit(cx, &request.places())?;
                            $(
                                let _reports = PhantomData::<$progress>;
                                let kind = line::$name.kind;
                                let _guard = self.calls.begin(stringify!($name), kind, &cx.call)?;
                                // One of the same name was asked to stop.
                                self.wake();
                            )?
                            dispatch!(@body $kind self.$name(cx, &request), world)
                        });
                        write(&answer?)
                    })+
                    _ => Err(Error::new("unknown_command", say!("There is no command `{}`.", name))
                        .hint("Reload the page; it may be of another version.")),
                }));
                // A defect in one command must not leave its caller waiting for ever.
                answer.unwrap_or_else(|_| Err(broken(name))).map_err(|mut error| {
                    let trace = error.trace.get_or_insert_with(|| Shown::clean(cx.call.id()));
                    let (code, why) = (&error.code, &error.message);
                    tracing::error!(command = name, trace = %trace, %code, %why, "command failed");
                    error
                })
            }
        }

        impl Door<'_> {
            $(
                $(#[doc = $doc])+
                ///
                /// # Errors
                /// What the command says.
                pub fn $name(&self, request: &$request) -> Result<$response> {
                    let Self { app, cx } = self;
                    app.carry_out(&line::$name, cx, |world| {
                        dispatch!(@body $kind app.$name(cx, request), world)
                    })
                }
            )+
        }
    };
    // What a world command needs to change anything, no other gets.
    (@body world $app:ident.$name:ident($cx:expr, $request:expr), $world:ident) => {
        $app.$name($cx, $request, $world)
    };
    (@body $kind:ident $app:ident.$name:ident($cx:expr, $request:expr), $world:ident) => {{
        let _: &World<'_> = $world;
        $app.$name($cx, $request)
    }};
    (@kind read) => { Kind::Read };
    (@kind local) => { Kind::Local };
    (@kind world) => { Kind::World };
    (@is) => { false };
    (@is secret) => { true };
    (@is $progress:ty) => { true };
}

commands!(dispatch);

fn read<T: DeserializeOwned>(name: &str, request: &RawValue, secret: bool) -> Result<T> {
    serde_json::from_str(request.get()).map_err(|error| {
        // The words of the parser repeat what it read.
        let message = if secret {
            say!("The request for `{}` is not valid, at column {}.", name, error.column())
        } else {
            say!("The request for `{}` is not valid: {}.", name, error)
        };
        Error::new("wrong_request", message).hint("Reload the page; it may be of another version.")
    })
}

fn broken(name: &str) -> Error {
    Error::new("internal", say!("`{}` stopped because of a defect.", name))
        .hint("This is a defect in Headgate; what was recorded is finished by the next run.")
}

fn write(answer: &impl Serialize) -> Result<Box<RawValue>> {
    to_raw_value(answer).map_err(|error| {
        Error::new("internal", say!("The answer could not be written: {}.", error))
            .hint("This is a defect in Headgate.")
    })
}

/// How often an application that ends looks whether what it waits for has ended.
const LOOK: Duration = Duration::from_millis(20);

#[allow(clippy::unnecessary_wraps, reason = "every command answers alike")]
impl App {
    fn calls_cancel(&self, _: &Cx, request: &CallRef) -> Result<Empty> {
        self.calls.cancel(&request.call);
        self.wake();
        Ok(Empty {})
    }

    /// Reports to the page what happened outside it. What was dropped on the window is granted.
    pub fn announce(&self, event: &HostEvent) {
        if let HostEvent::Dropped { paths } = event {
            for path in paths {
                self.grants.read(path.as_ref());
            }
        }
        self.bus.host(event);
    }

    /// Carries out a command under the rules that its line of the table names, whoever asks.
    ///
    /// # Errors
    /// `closing`, `profile_changed`, `read_only`, and what the work says.
    pub(crate) fn carry_out<T>(
        &self,
        command: &Command,
        cx: &Cx,
        work: impl FnOnce(&World<'_>) -> Result<T>,
    ) -> Result<T> {
        self.refuse_when_closing(command.kind)?;
        if command.kind != Kind::Read {
            self.refuse_other_profile(cx)?;
        }
        if command.kind == Kind::World {
            self.refuse_read_only(cx)?;
        }
        let answer = work(&World { app: self, cx, command });
        // Also of a command that failed: it may have done a part.
        self.changed(cx, command.stales);
        answer
    }

    /// Refuses to change anything for a page that shows another profile than the one in use, and tells the page.
    fn refuse_other_profile(&self, cx: &Cx) -> Result<()> {
        if cx.shown.as_ref().is_none_or(|shown| *shown == cx.profile) {
            return Ok(());
        }
        self.bus.changed(&cx.profile, line::profiles_use.stales);
        Err(Error::new("profile_changed", "Another profile is in use now.")
            .hint("Nothing was changed. Look at the profile that the window shows now, then try again.")
            .retryable())
    }

    /// Says that data changed: to all who listen here, and to the window of this data folder when this
    /// is another process.
    pub(crate) fn changed(&self, cx: &Cx, tags: &[Tag]) {
        if tags.contains(&Tag::Profiles) {
            self.forget_profile_in_use();
        }
        self.bus.changed(&cx.profile, tags);
        if cx.actor != Actor::Window && !tags.is_empty() {
            neighbour::tell(self.data(), &cx.profile, tags);
        }
    }

    /// Has all that waits look whether it is to end.
    pub(crate) fn wake(&self) {
        self.bus.wake();
        self.jobs.wake();
    }

    /// Whether something was sent outside this machine whose end is not known yet.
    #[must_use]
    pub fn changes_world(&self) -> bool {
        !self.calls.world().is_empty()
    }

    /// A closing application begins nothing more.
    fn refuse_when_closing(&self, kind: Kind) -> Result<()> {
        if kind != Kind::Read && self.closing.load(Ordering::SeqCst) {
            return Err(Error::new("closing", "Headgate is closing.").hint("Open it again."));
        }
        Ok(())
    }

    /// Asks the user through the desktop, one question at a time.
    pub(crate) fn ask(&self, confirm: &Confirm) -> Result<bool> {
        self.questions.ask(&*self.host, confirm)
    }

    /// Has a page keep what was typed last, before its window closes: it stops listening once it has. Waits for
    /// that at most so long.
    pub fn let_page_finish(&self, most: Duration) {
        if !self.calls.is_followed() {
            return;
        }
        self.announce(&HostEvent::Leaving);
        let begun = std::time::Instant::now();
        while self.calls.is_followed() && begun.elapsed() < most {
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until nothing is under way outside this machine, however long that takes, then asks
    /// everything else to stop and waits for it at most so long.
    pub fn stop_calls(&self, most: Duration) {
        self.closing.store(true, Ordering::SeqCst);
        // What was not sent yet is stopped; what was is seen to its end.
        self.calls.cancel_unsent();
        self.wake();
        let world = self.calls.world();
        if !world.is_empty() {
            self.announce(&HostEvent::Closing { commands: world });
        }
        while self.changes_world() {
            std::thread::sleep(LOOK);
        }
        self.calls.cancel_local();
        self.wake();
        let begun = std::time::Instant::now();
        while (self.has_jobs() || !self.calls.is_quiet()) && begun.elapsed() < most {
            std::thread::sleep(LOOK);
        }
        self.record_last_ends();
    }
}
