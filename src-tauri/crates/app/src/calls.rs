//! Running calls: [`Call`] is one, with its listener and its request to stop, and `CallRegistry` has all of
//! them, so that they can be cancelled by name and awaited when the application ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headgate_sync::{Observer, Progress};
use headgate_terms::{Error, Result, say};
use serde::Serialize;

use crate::serve::Kind;

/// Takes what a call reports, as JSON; false once nobody listens.
pub type Sink = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// One call: its name, who listens, and whether it is to stop.
#[derive(Clone)]
pub struct Call {
    id: String,
    sink: Arc<Sink>,
    stop: Arc<AtomicBool>,
    /// Whether something was sent outside this machine.
    sent: Arc<AtomicBool>,
}

impl Call {
    /// A call named by its caller.
    #[must_use]
    pub fn new(id: impl Into<String>, sink: Sink) -> Self {
        Self { id: id.into(), sink: Arc::new(sink), stop: Arc::default(), sent: Arc::default() }
    }

    /// The caller's name for it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A call of this process's own, to which nobody listens.
    #[must_use]
    pub fn unheard() -> Self {
        Self::new(String::new(), Box::new(|_| false))
    }

    /// Reports, and says whether somebody listens; a call without a listener continues.
    pub(crate) fn report(&self, progress: &impl Serialize) -> bool {
        serde_json::to_string(progress).is_ok_and(|text| (self.sink)(&text))
    }

    /// Notes that something may be sent outside this machine from now on.
    pub(crate) fn sends(&self) {
        self.sent.store(true, Ordering::SeqCst);
    }

    /// Asks it to stop. What waits for this has to be woken.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Observer for Call {
    fn progress(&self, progress: &Progress) {
        self.report(progress);
    }

    fn cancelled(&self) -> bool {
        self.stopped()
    }
}

/// Notes a call's end, however it comes.
pub(crate) struct CallGuard<'d> {
    registry: &'d CallRegistry,
    call: Call,
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        self.registry.end(&self.call);
    }
}

/// The running calls, by name.
#[derive(Default)]
pub(crate) struct CallRegistry {
    open: Mutex<BTreeMap<String, OpenCall>>,
}

struct OpenCall {
    command: &'static str,
    kind: Kind,
    call: Call,
}

impl CallRegistry {
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, OpenCall>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call; one of the same name is asked to stop, for its caller is gone.
    ///
    /// # Errors
    /// `call_in_use` when the name is that of a call that changes something outside this machine: it
    /// must stay in sight until it ends.
    pub(crate) fn begin(
        &self,
        command: &'static str,
        kind: Kind,
        call: &Call,
    ) -> Result<CallGuard<'_>> {
        let mut open = self.open();
        if open.get(&call.id).is_some_and(|open| open.kind == Kind::World) {
            return Err(Error::new(
                "call_in_use",
                say!("The call `{}` still changes something.", call.id),
            )
            .hint("Wait for its end, or use another name."));
        }
        let before = open.insert(call.id.clone(), OpenCall { command, kind, call: call.clone() });
        if let Some(before) = before {
            before.call.stop();
        }
        Ok(CallGuard { registry: self, call: call.clone() })
    }

    fn end(&self, call: &Call) {
        let mut open = self.open();
        // Its name may be another call's by now.
        if open.get(&call.id).is_some_and(|known| Arc::ptr_eq(&known.call.stop, &call.stop)) {
            open.remove(&call.id);
        }
    }

    pub(crate) fn cancel(&self, id: &str) {
        if let Some(open) = self.open().get(id) {
            open.call.stop();
        }
    }

    /// Whether no call is running.
    pub(crate) fn is_quiet(&self) -> bool {
        // Whoever listens ends with the window.
        self.open().values().all(|open| open.command == "events_follow")
    }

    /// Whether a page listens to what happens.
    pub(crate) fn is_followed(&self) -> bool {
        self.open().values().any(|open| open.command == "events_follow")
    }

    /// Asks every call to stop but those that change something outside this machine: what was sent
    /// cannot be taken back, and its end is to be seen.
    pub(crate) fn cancel_local(&self) {
        for open in self.open().values().filter(|open| open.kind != Kind::World) {
            open.call.stop();
        }
    }

    /// Asks every call to stop that changes nothing: only its caller waits for it.
    pub(crate) fn cancel_reads(&self) {
        for open in self.open().values().filter(|open| open.kind == Kind::Read) {
            open.call.stop();
        }
    }

    /// Asks every call to stop that changes something outside this machine and has not sent it yet.
    pub(crate) fn cancel_unsent(&self) {
        let open = self.open();
        let world = open.values().filter(|open| open.kind == Kind::World);
        for open in world.filter(|open| !open.call.sent.load(Ordering::SeqCst)) {
            open.call.stop();
        }
    }

    /// The commands that sent something outside this machine and have not ended.
    pub(crate) fn world(&self) -> Vec<String> {
        let open = self.open();
        let world = open.values().filter(|open| open.call.sent.load(Ordering::SeqCst));
        world.map(|open| open.command.to_owned()).collect()
    }
}
