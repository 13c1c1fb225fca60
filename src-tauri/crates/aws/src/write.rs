//! Writing a trust policy so that nobody else's change is lost, and proving that it is there.
//!
//! IAM keeps no versions and has no conditional write: between the last look and the write a few
//! milliseconds remain in which another change would be lost unseen.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::RequestId;
use headgate_terms::{Error, Result, say};
use tokio::time::sleep;

use crate::failure::Call;
use crate::open::Aws;
use crate::role::Role;

/// A trust policy to write.
#[derive(Debug, Clone)]
pub struct WriteTrust {
    /// The role's name or ARN.
    pub role: String,
    /// Its id when it was read.
    pub role_id: String,
    /// Its trust policy when it was read.
    pub before: String,
    /// The one to write.
    pub after: String,
    /// Whether the new text names a principal that was just made: AWS takes seconds to know it.
    pub new_principal: bool,
    /// How patiently.
    pub pace: Pace,
}

/// How long to wait between tries, and in all.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The first wait; each is twice the one before.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
    /// When to give up, once for the write and once for the proof.
    pub cap: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            most: Duration::from_secs(5),
            cap: Duration::from_mins(1),
        }
    }
}

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteStep {
    /// Looks whether the role is still as it was.
    Checking,
    /// Writes.
    Writing,
    /// Reads back, for the how many-th time.
    ReadingBack(u32),
}

/// A trust policy that is in effect, read back twice.
#[derive(Debug, Clone)]
pub struct Written {
    /// AWS's id of the write, for its support; none when the role meant this already, or the
    /// answer to the write was lost.
    pub request_id: Option<String>,
    /// How often it was read back.
    pub reads: u32,
    /// How long the proof took.
    pub waited_ms: u64,
    /// The text just before the write.
    pub before: String,
    /// The text as read back.
    pub after: String,
}

/// A trust policy that is not in effect, or not proved to be.
#[derive(Debug, Clone)]
pub struct NotWritten {
    /// `role_changed`, `role_recreated`, `cancelled` or what a call met when nothing was written;
    /// `outcome_unknown` or `role_drifted` when AWS may have taken the text.
    pub error: Error,
    /// The role as it was last read.
    pub now: Option<Role>,
    /// AWS's id of the write, where AWS accepted one.
    pub request_id: Option<String>,
    /// Whether AWS may have taken the text: a write was sent, and what the role has is not proved.
    pub unknown: bool,
}

/// How a write goes on and when it is to stop.
pub trait WriteWatch: Sync {
    /// A step begins.
    fn step(&self, step: WriteStep);
    /// Whether to stop before the next call is sent. What was sent cannot be taken back.
    fn stopped(&self) -> bool;
}

/// A write that is never stopped.
impl<F: Fn(WriteStep) + Sync> WriteWatch for F {
    fn step(&self, step: WriteStep) {
        self(step);
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// A write that did not go through, and whether AWS may have taken it all the same.
struct PutFailed {
    error: Error,
    lost: bool,
}

impl Written {
    /// The role meant it before anything was done.
    fn already(text: String) -> Self {
        Self { request_id: None, reads: 1, waited_ms: 0, before: text.clone(), after: text }
    }
}

impl Aws {
    /// Writes a trust policy if the role is still the one that was read and its policy still means
    /// what it meant. `meaning` gives a hash of what a text means, or none for what is no policy.
    /// Writes of one role wait for each other in this process. Each of the two waits, for the write
    /// and for the proof, gives up after [`Pace::cap`] and the call that is then under way.
    ///
    /// # Errors
    /// [`NotWritten`], which holds the role as it is now where that was read.
    pub async fn write_trust(
        &self,
        write: &WriteTrust,
        meaning: &(dyn Fn(&str) -> Option<String> + Sync),
        watch: &dyn WriteWatch,
    ) -> Result<Written, Box<NotWritten>> {
        let turn = turn(&write.role_id);
        let _turn = turn.lock().await;
        let same = |a: &str, b: &str| match (meaning(a), meaning(b)) {
            (Some(a), Some(b)) => a == b,
            // What is no policy means nothing but itself.
            (None, None) => a == b,
            _ => false,
        };
        let mut waits = Waits::new(write.pace);
        // The text before the first try: a try whose answer was lost may have gone through.
        let mut tried = None;
        let (before, request_id) = loop {
            if watch.stopped() {
                return Err(write.failed(cancelled(&write.role), None, tried.is_some()));
            }
            watch.step(WriteStep::Checking);
            let role = self
                .role(&write.role)
                .await
                .map_err(|error| write.failed(error, None, tried.is_some()))?;
            if role.role_id == write.role_id && same(&role.trust_policy, &write.after) {
                match tried {
                    Some(before) => break (before, None),
                    None => return Ok(Written::already(role.trust_policy)),
                }
            }
            if let Some(error) = write.refuses(&role, &same) {
                return Err(write.failed(error, Some(role), tried.is_some()));
            }
            if watch.stopped() {
                return Err(write.failed(cancelled(&write.role), Some(role), tried.is_some()));
            }
            watch.step(WriteStep::Writing);
            match self.put_trust(&role.name, &write.after).await {
                Ok(id) => break (tried.unwrap_or(role.trust_policy), Some(id)),
                Err(PutFailed { error, lost }) => {
                    let again =
                        lost || error.retryable || write.new_principal && is_principal(&error);
                    if !(again && waits.wait(watch).await) {
                        // A lost answer says nothing of what the role has now.
                        let unknown = lost || tried.is_some();
                        return Err(write.failed(error, Some(role).filter(|_| !unknown), unknown));
                    }
                    if lost {
                        tried.get_or_insert(role.trust_policy);
                    }
                }
            }
        };
        self.prove(write, before, request_id, &same, watch).await
    }

    /// One try to write; the SDK would repeat it without looking first. Returns AWS's id of it.
    async fn put_trust(&self, name: &str, text: &str) -> Result<String, PutFailed> {
        let call = Call::on_role("iam:UpdateAssumeRolePolicy", name);
        let once = aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
        let answer = self
            .iam
            .update_assume_role_policy()
            .role_name(name)
            .policy_document(text)
            .customize()
            .config_override(once)
            .send()
            .await;
        let answer = answer.map_err(|error| PutFailed {
            lost: is_lost(&error),
            error: self.failed(&call, &error),
        })?;
        let id = answer.request_id().unwrap_or_default().to_owned();
        tracing::info!(role = name, request_id = %id, "trust policy written");
        Ok(id)
    }

    /// Reads until two answers in a row mean what was written.
    async fn prove(
        &self,
        write: &WriteTrust,
        before: String,
        request_id: Option<String>,
        same: &(dyn Fn(&str, &str) -> bool + Sync),
        watch: &dyn WriteWatch,
    ) -> Result<Written, Box<NotWritten>> {
        let begun = Instant::now();
        let mut waits = Waits::new(write.pace);
        let (mut reads, mut equal) = (0, 0);
        let mut now = None;
        loop {
            reads += 1;
            watch.step(WriteStep::ReadingBack(reads));
            let failure = match self.role(&write.role).await {
                Ok(role)
                    if role.role_id == write.role_id && same(&role.trust_policy, &write.after) =>
                {
                    equal += 1;
                    if equal == 2 {
                        return Ok(Written {
                            request_id,
                            reads,
                            waited_ms: begun.elapsed().as_millis() as u64,
                            before,
                            after: role.trust_policy,
                        });
                    }
                    now = Some(role);
                    None
                }
                Ok(role) => {
                    equal = 0;
                    now = Some(role);
                    None
                }
                Err(error) => {
                    equal = 0;
                    Some(error)
                }
            };
            let lasting = failure.as_ref().is_some_and(|error| !error.retryable);
            if lasting || !waits.wait(watch).await {
                let error = write.drifted(failure, begun.elapsed(), watch.stopped());
                return Err(Box::new(NotWritten { error, now, request_id, unknown: true }));
            }
        }
    }
}

impl WriteTrust {
    /// That the text was not written, or that this is not known because an earlier try may have
    /// gone through.
    fn failed(&self, error: Error, now: Option<Role>, unknown: bool) -> Box<NotWritten> {
        let error = if unknown {
            Error::new(
                "outcome_unknown",
                say!(
                    "It is not known whether AWS took the new trust policy of role `{}`: {}",
                    self.role,
                    error.message
                ),
            )
            .hint("AWS may have taken it. Read the role again to see which policy it has.")
        } else {
            error
        };
        Box::new(NotWritten { error, now, request_id: None, unknown })
    }

    /// Why nothing may be written over what was just read.
    fn refuses(&self, role: &Role, same: &dyn Fn(&str, &str) -> bool) -> Option<Error> {
        let name = &role.name;
        if let Some(why) = role.protected() {
            return Some(
                Error::new("role_protected", say!("Role `{}` cannot be edited: {}.", name, why))
                    .hint("Choose a role of your own.")
                    .field("role"),
            );
        }
        if role.role_id != self.role_id {
            return Some(
                Error::new(
                    "role_recreated",
                    say!(
                        "Role `{}` is another one than was read: it was deleted and made again.",
                        name
                    ),
                )
                .hint("Read the role and plan anew: nothing was written."),
            );
        }
        (!same(&role.trust_policy, &self.before)).then(|| {
            Error::new(
                "role_changed",
                say!("The trust policy of role `{}` was changed by someone else meanwhile.", name),
            )
            .hint("Look at the policy as it is now and plan anew: nothing was written.")
        })
    }

    /// That the write was taken and could not be seen.
    fn drifted(&self, failure: Option<Error>, waited: Duration, stopped: bool) -> Error {
        let why = match failure {
            Some(failure) => say!("it could not be read back: {}", failure.message),
            None if stopped => "reading it back was stopped.".into(),
            None => say!("the role still has another one after {} s.", waited.as_secs()),
        };
        Error::new(
            "role_drifted",
            say!("AWS accepted the new trust policy of role `{}`, but {}", self.role, why),
        )
        .hint("Read the role again: AWS may need a minute, or someone else wrote at the same time.")
    }
}

/// Waits that grow until the time is up.
struct Waits {
    next: Duration,
    most: Duration,
    end: Instant,
}

impl Waits {
    fn new(pace: Pace) -> Self {
        Self { next: pace.first, most: pace.most, end: Instant::now() + pace.cap }
    }

    /// Waits; false when the time is up or the write is to stop.
    async fn wait(&mut self, watch: &dyn WriteWatch) -> bool {
        if Instant::now() + self.next > self.end {
            return false;
        }
        let end = Instant::now() + self.next;
        while !watch.stopped() && Instant::now() < end {
            sleep((end - Instant::now()).min(Duration::from_millis(100))).await;
        }
        self.next = self.most.min(self.next * 2);
        !watch.stopped()
    }
}

/// Whether AWS may have done what was asked: only a refusal of its own says that it did not.
fn is_lost<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(context) => {
            let refused = (400..500).contains(&context.raw().status().as_u16());
            let throttled = error.code().is_some_and(|code| code.contains("Throttl"));
            !refused && !throttled
        }
        _ => true,
    }
}

fn cancelled(role: &str) -> Error {
    Error::new("cancelled", say!("Writing the trust policy of role `{}` was stopped.", role))
        .hint("Apply the plan again when you want to write it.")
}

/// Whether AWS does not know a principal.
fn is_principal(error: &Error) -> bool {
    error.code == "policy_refused" && error.message.to_lowercase().contains("invalid principal")
}

/// The turn of a role, by its id.
fn turn(role_id: &str) -> Arc<tokio::sync::Mutex<()>> {
    static TURNS: LazyLock<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>> =
        LazyLock::new(Mutex::default);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(turns.entry(role_id.to_owned()).or_default())
}
