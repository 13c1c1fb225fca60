//! The stream of events to each host: data that changed, jobs, and what happens at the desktop. It replaces
//! polling.
//!
//! `Bus` sends, [`Listener`] receives. Events that wait for a slow listener are merged: changes are united,
//! and of a job only the latest state is kept. A listener that is still too slow gets `missed`, and reads
//! everything again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use headgate_terms::Result;

use crate::App;
use crate::api::{CoreEvent, Empty, HostEvent, Job, Tag};
use crate::cx::Cx;

/// How many events wait for a listener before it has missed some.
const MOST: usize = 200;
/// How long a listener lets events gather before it takes them: a page draws no faster.
const GATHER: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<CoreEvent>>,
    woken: Condvar,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<CoreEvent>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, or updates one that waits.
    fn push(&self, event: CoreEvent) {
        let mut waiting = self.waiting();
        match &event {
            CoreEvent::Changed { tags, profile, revision } => {
                let same = waiting.iter_mut().find_map(|other| match other {
                    CoreEvent::Changed { tags, profile: of, revision } if of == profile => {
                        Some((tags, revision))
                    }
                    _ => None,
                });
                if let Some((known, last)) = same {
                    known.extend(tags);
                    *last = *revision;
                    return;
                }
            }
            CoreEvent::Job { job } => {
                let same = waiting.iter_mut().find_map(|other| match other {
                    CoreEvent::Job { job: known } if known.id == job.id => Some(known),
                    _ => None,
                });
                if let Some(known) = same {
                    known.clone_from(job);
                    return;
                }
            }
            CoreEvent::Host { .. } | CoreEvent::Missed => {}
        }
        if waiting.len() >= MOST {
            // What was missed can be asked for again; what came from outside the page cannot.
            waiting.retain(|event| matches!(event, CoreEvent::Host { .. }));
            if waiting.len() >= MOST {
                waiting.clear();
            }
            waiting.push_back(CoreEvent::Missed);
        }
        waiting.push_back(event);
        drop(waiting);
        self.woken.notify_all();
    }
}

/// A listener; dropping it ends the listening.
pub struct Listener(Arc<Queue>);

impl Listener {
    /// The events that wait; the first is waited for until there is one or `ended` says so. [`Bus::wake`] has
    /// that asked.
    fn next(&self, ended: impl Fn() -> bool) -> Option<VecDeque<CoreEvent>> {
        let mut waiting = self.0.waiting();
        loop {
            if ended() {
                return None;
            }
            if !waiting.is_empty() {
                return Some(std::mem::take(&mut *waiting));
            }
            waiting = self.0.woken.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next event within a time.
    #[must_use]
    pub fn within(&self, most: Duration) -> Option<CoreEvent> {
        let waiting = self.0.waiting();
        let (mut waiting, _) = self
            .0
            .woken
            .wait_timeout_while(waiting, most, |waiting| waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    }
}

/// Brings what happens to all who listen.
#[derive(Default)]
pub(crate) struct Bus {
    listeners: Mutex<Vec<Weak<Queue>>>,
    revision: AtomicU64,
    /// What came from outside last before anybody listened.
    early: Mutex<Option<HostEvent>>,
}

impl Bus {
    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<Queue>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, event: &CoreEvent) {
        Self::send_to(&mut self.listeners(), event);
    }

    /// Sends to those who listen, and says whether there were any.
    fn send_to(listeners: &mut Vec<Weak<Queue>>, event: &CoreEvent) -> bool {
        listeners.retain(|listener| match listener.upgrade() {
            Some(queue) => {
                queue.push(event.clone());
                true
            }
            None => false,
        });
        !listeners.is_empty()
    }

    /// Says that data of a profile changed.
    pub(crate) fn changed(&self, profile: &str, tags: &[Tag]) {
        if tags.is_empty() {
            return;
        }
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let tags = tags.iter().copied().collect();
        self.send(&CoreEvent::Changed { tags, profile: profile.to_owned(), revision });
    }

    /// Sends the state of a job.
    pub(crate) fn job(&self, job: &Job) {
        self.send(&CoreEvent::Job { job: Box::new(job.clone()) });
    }

    /// Says what came from outside; what comes before anybody listens is kept for the first who does.
    pub(crate) fn host(&self, event: &HostEvent) {
        let mut listeners = self.listeners();
        if !Self::send_to(&mut listeners, &CoreEvent::Host { event: event.clone() }) {
            *self.early.lock().unwrap_or_else(PoisonError::into_inner) = Some(event.clone());
        }
    }

    /// Has every listener look whether it is to end.
    pub(crate) fn wake(&self) {
        for queue in self.listeners().iter().filter_map(Weak::upgrade) {
            // Whoever is between its look and its wait holds this.
            drop(queue.waiting());
            queue.woken.notify_all();
        }
    }

    pub(crate) fn listen(&self) -> Listener {
        let queue = Arc::new(Queue::default());
        let mut listeners = self.listeners();
        listeners.push(Arc::downgrade(&queue));
        if let Some(event) = self.early.lock().unwrap_or_else(PoisonError::into_inner).take() {
            queue.push(CoreEvent::Host { event });
        }
        Listener(queue)
    }
}

impl App {
    /// Listens to all that happens from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        self.bus.listen()
    }

    /// Reports all that happens until the call is to stop or nobody listens any more.
    #[allow(clippy::unnecessary_wraps, reason = "every command is alike")]
    pub(crate) fn events_follow(&self, cx: &Cx, _: &Empty) -> Result<Empty> {
        let listener = self.bus.listen();
        while let Some(events) = listener.next(|| cx.call.stopped()) {
            if !events.iter().all(|event| cx.call.report(event)) {
                break;
            }
            std::thread::sleep(GATHER);
        }
        Ok(Empty {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(listener: &Listener) -> Vec<CoreEvent> {
        std::iter::from_fn(|| listener.within(Duration::ZERO)).collect()
    }

    #[test]
    fn pending_changes_of_a_profile_are_merged() {
        let bus = Bus::default();
        let listener = bus.listen();
        for _ in 0..10_000 {
            bus.changed("a", &[Tag::Runs]);
            bus.changed("a", &[Tag::Tables]);
            bus.changed("b", &[Tag::Runs]);
        }
        bus.changed("a", &[]);
        let found = all(&listener);
        let [
            CoreEvent::Changed { tags: first, profile: a, .. },
            CoreEvent::Changed { profile: b, revision, .. },
        ] = found.as_slice()
        else {
            panic!("{found:?}")
        };
        assert_eq!((a.as_str(), b.as_str(), *revision), ("a", "b", 30_000));
        assert!(first.contains(&Tag::Runs) && first.contains(&Tag::Tables));
    }

    #[test]
    fn a_slow_listener_gets_missed() {
        let bus = Bus::default();
        let listener = bus.listen();
        for _ in 0..=MOST {
            bus.host(&HostEvent::Over);
        }
        let found = all(&listener);
        assert_eq!(found.len(), 2);
        assert!(matches!(found[0], CoreEvent::Missed));
    }

    #[test]
    fn the_first_listener_gets_earlier_host_events_and_a_dropped_listener_is_removed() {
        let bus = Bus::default();
        drop(bus.listen());
        bus.host(&HostEvent::Open { address: "/syncs".to_owned() });
        assert!(bus.listeners.lock().unwrap().is_empty());
        assert_eq!((all(&bus.listen()).len(), all(&bus.listen()).len()), (1, 0));
    }

    #[test]
    fn a_woken_listener_checks_whether_to_end() {
        let bus = Bus::default();
        let listener = bus.listen();
        let ended = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| listener.next(|| ended.load(Ordering::SeqCst)).is_none());
            ended.store(true, Ordering::SeqCst);
            bus.wake();
            assert!(waits.join().unwrap());
        });
    }

    /// What a page hears, and when, of something that is told a thousand times in a second.
    fn told_in_a_second(tell: impl Fn(&Bus, u64)) -> Vec<(Duration, serde_json::Value)> {
        let folder = tempfile::tempdir().unwrap();
        let app = App::with_data(folder.path().join("data")).unwrap();
        let (send, heard) = std::sync::mpsc::channel();
        let begun = std::time::Instant::now();
        let sink = move |text: &str| send.send((begun.elapsed(), text.to_owned())).is_ok();
        let cx = app.cx(crate::Actor::Window, crate::Call::new("page", Box::new(sink)));
        std::thread::scope(|scope| {
            let follows = scope.spawn(|| app.events_follow(&cx, &Empty {}));
            while app.bus.listeners().is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
            for at in 0..1_000 {
                tell(&app.bus, at);
                std::thread::sleep(Duration::from_millis(1));
            }
            // What was told last arrives soon, however much was told.
            std::thread::sleep(10 * GATHER);
            cx.call.stop();
            app.wake();
            follows.join().unwrap().unwrap();
        });
        drop(cx);
        let told = heard.into_iter();
        told.map(|(at, text)| (at, serde_json::from_str(&text).unwrap())).collect()
    }

    fn job(id: &str, at: u64) -> Job {
        Job {
            id: id.to_owned(),
            kind: crate::JobKind::Sync,
            profile: "default".to_owned(),
            actor: crate::Actor::Window,
            state: crate::JobState::Running,
            about: None,
            waits_for: None,
            run: Some(at.to_string()),
            progress: None,
            queued: String::new(),
            started: None,
            ended: None,
            error: None,
        }
    }

    #[test]
    fn a_thousand_changes_a_second_are_batched() {
        let told = told_in_a_second(|bus, at| {
            bus.changed("default", &[Tag::Runs]);
            bus.job(&job("a", at));
        });
        let (last, _) = told.last().unwrap();
        let most = 2 * (last.as_millis() / GATHER.as_millis() + 2);
        assert!(told.len() as u128 <= most, "{} of at most {most}", told.len());
        let of = |kind: &str| {
            let found = told.iter().filter(|(_, event)| event["kind"] == kind);
            found.map(|(_, event)| event).collect::<Vec<_>>()
        };
        assert_eq!(of("changed").last().unwrap()["revision"], 1_000);
        assert_eq!(of("job").last().unwrap()["job"]["run"], "999");
        assert_eq!(of("changed").len() + of("job").len(), told.len(), "nothing is missed");
    }

    #[test]
    fn a_thousand_jobs_a_second_arrive_in_order_or_are_missed() {
        let told = told_in_a_second(|bus, at| bus.job(&job(&at.to_string(), at)));
        let mut next = Some(0);
        for (_, event) in &told {
            // Whoever was too slow is told so, and may go on anywhere.
            let id = event["job"]["id"].as_str().and_then(|id| id.parse::<u64>().ok());
            assert!(id.is_none() || next.is_none() || id == next, "{id:?} instead of {next:?}");
            assert!(id.is_some() || event["kind"] == "missed", "{event}");
            next = id.map(|id| id + 1);
        }
        assert_eq!(next, Some(1_000));
    }
}
