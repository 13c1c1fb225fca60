//! Calls while they go on: who looks on, what was last reported, and how they are stopped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use headgate_sync::{Progress, Watch};
use headgate_terms::{Error, Result, say};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use crate::HostEvent;
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
    latest: Arc<Mutex<Option<Box<RawValue>>>>,
}

/// A call that goes on. Its request is not kept: it may hold a secret.
#[derive(Debug, Clone, Serialize, TS)]
pub struct OpenCall {
    /// The caller's name for it.
    pub id: String,
    /// The command.
    pub command: String,
    /// What it works on, where the command says so.
    pub about: Option<CallAbout>,
    /// What it reported last.
    #[ts(type = "Progress | null")]
    pub progress: Option<Box<RawValue>>,
}

/// What a sync or a preview works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CallAbout {
    /// Where the events come from.
    pub from: String,
    /// The lake.
    pub to: Option<String>,
    /// The source's name, where it was given.
    pub source: Option<String>,
}

/// The calls that go on.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Calls {
    /// In order of their names.
    pub calls: Vec<OpenCall>,
}

/// A call by the caller's name for it.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct CallName {
    /// The name.
    pub call: String,
}

/// A question without content, and an answer without one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct Nothing {}

impl Call {
    /// A call named by its caller.
    #[must_use]
    pub fn new(id: impl Into<String>, sink: Sink) -> Self {
        Self {
            id: id.into(),
            sink: Arc::new(sink),
            stop: Arc::default(),
            sent: Arc::default(),
            latest: Arc::default(),
        }
    }

    /// The caller's name for it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Reports; a call that nobody listens to any more goes on, for it may be looked up.
    pub(crate) fn report(&self, progress: &impl Serialize) -> bool {
        let Ok(text) = serde_json::value::to_raw_value(progress) else { return true };
        let heard = (self.sink)(text.get());
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        heard
    }

    /// Notes that something may be sent outside this machine from now on.
    pub(crate) fn sends(&self) {
        self.sent.store(true, Ordering::SeqCst);
    }

    /// Whether it is to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Watch for Call {
    fn progress(&self, progress: &Progress) {
        self.report(progress);
    }

    fn cancelled(&self) -> bool {
        self.stopped()
    }
}

/// Notes a call's end, however it comes.
pub(crate) struct Open<'d> {
    desk: &'d Desk,
    call: Call,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.desk.close(&self.call);
    }
}

/// The calls that go on, by name.
#[derive(Default)]
pub(crate) struct Desk {
    open: Mutex<BTreeMap<String, (OpenCall, Call, Kind)>>,
    listeners: Mutex<Listeners>,
}

#[derive(Default)]
struct Listeners {
    senders: Vec<Sender<HostEvent>>,
    /// What happened last before anybody listened.
    early: Option<HostEvent>,
}

impl Desk {
    /// Notes a call; one of the same name is asked to stop, for its caller is gone.
    ///
    /// # Errors
    /// `call_in_use` when the name is that of a call that changes something outside this machine: it
    /// must stay in sight until it ends.
    pub(crate) fn open(
        &self,
        command: &str,
        kind: Kind,
        about: Option<CallAbout>,
        call: &Call,
    ) -> Result<Open<'_>> {
        let shown =
            OpenCall { id: call.id.clone(), command: command.to_owned(), about, progress: None };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&call.id).is_some_and(|(_, _, kind)| *kind == Kind::World) {
            return Err(Error::new(
                "call_in_use",
                say!("The call `{}` still changes something.", call.id),
            )
            .hint("Wait for its end, or use another name."));
        }
        let before = open.insert(call.id.clone(), (shown, call.clone(), kind));
        if let Some((_, before, _)) = before {
            before.stop.store(true, Ordering::Relaxed);
        }
        Ok(Open { desk: self, call: call.clone() })
    }

    fn close(&self, call: &Call) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Its name may be another call's by now.
        if open.get(&call.id).is_some_and(|(_, known, _)| Arc::ptr_eq(&known.stop, &call.stop)) {
            open.remove(&call.id);
        }
    }

    pub(crate) fn cancel(&self, id: &str) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, call, _)) = open.get(id) {
            call.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Whether nothing goes on.
    pub(crate) fn is_quiet(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Asks every call to stop but those that change something outside this machine: what was sent
    /// cannot be taken back, and its end is to be seen.
    pub(crate) fn cancel_local(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, call, _) in open.values().filter(|(_, _, kind)| *kind != Kind::World) {
            call.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Asks every call to stop that changes something outside this machine and has not sent it yet.
    pub(crate) fn cancel_unsent(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let world = open.values().filter(|(_, _, kind)| *kind == Kind::World);
        for (_, call, _) in world.filter(|(_, call, _)| !call.sent.load(Ordering::SeqCst)) {
            call.stop.store(true, Ordering::Relaxed);
        }
    }

    /// The commands that sent something outside this machine and have not ended.
    pub(crate) fn world(&self) -> Vec<String> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let world = open.values().filter(|(_, call, _)| call.sent.load(Ordering::SeqCst));
        world.map(|(shown, _, _)| shown.command.clone()).collect()
    }

    /// The calls that go on, with what they reported last.
    pub(crate) fn list(&self) -> Calls {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = open.values().map(|(shown, call, _)| OpenCall {
            progress: call.latest.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            ..shown.clone()
        });
        Calls { calls: calls.collect() }
    }

    /// Tells every listener.
    pub(crate) fn announce(&self, event: &HostEvent) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.senders.retain(|listener| listener.send(event.clone()).is_ok());
        if listeners.senders.is_empty() {
            listeners.early = Some(event.clone());
        }
    }

    pub(crate) fn listen(&self) -> Receiver<HostEvent> {
        let (send, receive) = channel();
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = listeners.early.take() {
            let _ = send.send(event);
        }
        listeners.senders.push(send);
        receive
    }
}
