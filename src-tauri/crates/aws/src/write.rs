//! Writing a trust policy so that nobody else's change is lost, and proving that it is there.
//!
//! IAM keeps no versions and has no conditional write: between the last look and the write a few
//! milliseconds remain in which another change would be lost unseen.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::operation::RequestId;
use headgate_terms::{Error, Result};
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
    /// `role_changed`, `role_recreated`, `role_drifted`, or what a call met.
    pub error: Error,
    /// The role as it was read last: what to begin anew from.
    pub now: Option<Role>,
    /// AWS's id of the write, where it took one: it did with `role_drifted`.
    pub request_id: Option<String>,
    /// Whether a write was sent whose answer was lost, so that nobody knows what the role has.
    pub unknown: bool,
}

impl Written {
    /// The role meant it before anything was done.
    fn already(text: String) -> Self {
        Self { request_id: None, reads: 1, waited_ms: 0, before: text.clone(), after: text }
    }
}

impl From<Error> for Box<NotWritten> {
    fn from(error: Error) -> Self {
        Self::new(NotWritten { error, now: None, request_id: None, unknown: false })
    }
}

impl Aws {
    /// Writes a trust policy if the role is still the one that was read and its policy still means
    /// what it meant. `meaning` gives a hash of what a text means, or none for what is no policy.
    /// Writes of one role wait for each other in this process.
    ///
    /// # Errors
    /// [`NotWritten`], which holds the role as it is now where that was read.
    pub async fn write_trust(
        &self,
        write: &WriteTrust,
        meaning: &(dyn Fn(&str) -> Option<String> + Sync),
        progress: &(dyn Fn(WriteStep) + Sync),
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
            progress(WriteStep::Checking);
            let role = self.role(&write.role).await.map_err(|error| {
                let unknown = tried.is_some();
                NotWritten { error, now: None, request_id: None, unknown }
            })?;
            if role.role_id == write.role_id && same(&role.trust_policy, &write.after) {
                match tried {
                    Some(before) => break (before, None),
                    None => return Ok(Written::already(role.trust_policy)),
                }
            }
            if let Some(error) = write.refuses(&role, &same) {
                let unknown = false;
                return Err(Box::new(NotWritten {
                    error,
                    now: Some(role),
                    request_id: None,
                    unknown,
                }));
            }
            progress(WriteStep::Writing);
            match self.put_trust(&role.name, &write.after).await {
                Ok(id) => break (tried.unwrap_or(role.trust_policy), Some(id)),
                Err(error) => {
                    let again = error.retryable || write.new_principal && is_principal(&error);
                    if !(again && waits.wait().await) {
                        // A lost answer says nothing of what the role has now.
                        let unknown = is_lost(&error) || tried.is_some();
                        let now = Some(role).filter(|_| !unknown);
                        return Err(Box::new(NotWritten { error, now, request_id: None, unknown }));
                    }
                    if is_lost(&error) {
                        tried.get_or_insert(role.trust_policy);
                    }
                }
            }
        };
        self.prove(write, before, request_id, &same, progress).await
    }

    /// One try to write; the SDK would repeat it without looking first. Returns AWS's id of it.
    async fn put_trust(&self, name: &str, text: &str) -> Result<String> {
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
        let answer = answer.map_err(|error| self.failed(&call, &error))?;
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
        progress: &(dyn Fn(WriteStep) + Sync),
    ) -> Result<Written, Box<NotWritten>> {
        let begun = Instant::now();
        let mut waits = Waits::new(write.pace);
        let (mut reads, mut equal) = (0, 0);
        let mut now = None;
        loop {
            reads += 1;
            progress(WriteStep::ReadingBack(reads));
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
            if lasting || !waits.wait().await {
                let error = write.drifted(failure, begun.elapsed());
                return Err(Box::new(NotWritten { error, now, request_id, unknown: false }));
            }
        }
    }
}

impl WriteTrust {
    /// Why nothing may be written over what was just read.
    fn refuses(&self, role: &Role, same: &dyn Fn(&str, &str) -> bool) -> Option<Error> {
        let name = &role.name;
        if let Some(why) = role.protected() {
            return Some(
                Error::new("role_protected", format!("Role `{name}` cannot be edited: {why}."))
                    .hint("Choose a role of your own.")
                    .field("role"),
            );
        }
        if role.role_id != self.role_id {
            return Some(
                Error::new(
                    "role_recreated",
                    format!(
                        "Role `{name}` is another one than was read: it was deleted and made again."
                    ),
                )
                .hint("Read the role and plan anew: nothing was written."),
            );
        }
        (!same(&role.trust_policy, &self.before)).then(|| {
            Error::new(
                "role_changed",
                format!("The trust policy of role `{name}` was changed by someone else meanwhile."),
            )
            .hint("Look at the policy as it is now and plan anew: nothing was written.")
        })
    }

    /// That the write was taken and could not be seen.
    fn drifted(&self, failure: Option<Error>, waited: Duration) -> Error {
        let role = &self.role;
        let why = match failure {
            Some(failure) => format!("could not be read back: {}", failure.message),
            None => format!("reads differently after {} s.", waited.as_secs()),
        };
        Error::new(
            "role_drifted",
            format!("The trust policy of role `{role}` was written, but {why}"),
        )
        .hint("Read the role again: AWS may take a minute, or someone else wrote at the same time.")
        .retryable()
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

    /// Waits, or says that the time is up.
    async fn wait(&mut self) -> bool {
        if Instant::now() + self.next > self.end {
            return false;
        }
        sleep(self.next).await;
        self.next = self.most.min(self.next * 2);
        true
    }
}

/// Whether nobody knows if the call arrived: it was answered by nothing that AWS says.
fn is_lost(error: &Error) -> bool {
    error.retryable && error.code != "aws_throttled"
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
