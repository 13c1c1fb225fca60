//! Logins to AWS, kept for each profile and access with their MFA session, so that one code serves all reads,
//! plans and changes.
//!
//! Codes are passed to AWS once and not kept; credentials are in the memory of this process only. A login is
//! forgotten when AWS refuses it, when its session ends, and when its configuration or profile changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use headgate_aws::Aws;
use headgate_terms::Result;
use tokio::sync::Mutex as AsyncMutex;

use crate::App;
use crate::api::AwsAccess;
use crate::cx::Cx;

/// Whose login it is, and the way that it goes; the code is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    profile: String,
    aws_profile: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
}

/// A login, with the fingerprint of the configuration that it came from.
struct Login {
    aws: Aws,
    configuration: u64,
}

/// One caller logs in at a time; the others then find its login.
type Slot = Arc<AsyncMutex<Option<Login>>>;

/// The logins of this process.
#[derive(Default)]
pub(crate) struct Sessions {
    slots: Mutex<HashMap<Key, Slot>>,
}

impl Sessions {
    /// The place of a login. Others that are of no more use are forgotten on the way.
    fn slot(&self, key: Key, configuration: u64) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|one, slot| {
            let Ok(login) = slot.try_lock() else { return true };
            *one == key || login.as_ref().is_some_and(|login| login.holds(configuration))
        });
        Arc::clone(slots.entry(key).or_default())
    }

    /// Forgets the logins of a profile. Calls that use one continue to their end.
    pub(crate) fn forget(&self, profile: &str) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|one, _| one.profile != profile);
    }
}

impl Login {
    fn holds(&self, configuration: u64) -> bool {
        self.configuration == configuration && !self.aws.is_over()
    }
}

impl App {
    /// The way to AWS for a profile and an access: the one that is logged in, else a new one.
    ///
    /// # Errors
    /// As [`Aws::open`] and [`Self::access`]; `aws_login_expired` where a login is over and a code has to renew it.
    pub(crate) async fn aws(&self, cx: &Cx, access: &AwsAccess) -> Result<Aws> {
        let access = self.access(cx, access)?;
        let key = Key {
            profile: cx.profile.clone(),
            aws_profile: access.profile.clone(),
            region: access.region.clone(),
            endpoint: access.endpoint.clone(),
        };
        let configuration = headgate_aws::configuration_stamp();
        let slot = self.sessions.slot(key, configuration);
        let mut login = slot.lock().await;
        if let Some(login) = login.as_ref().filter(|login| login.holds(configuration)) {
            return Ok(login.aws.clone());
        }
        let aws = Aws::open(&access).await.map_err(|error| match login.as_ref() {
            Some(login) if login.aws.is_over() && error.code == "mfa_needed" => login.aws.expired(),
            _ => error,
        })?;
        *login = Some(Login { aws: aws.clone(), configuration });
        Ok(aws)
    }
}

#[cfg(test)]
pub(crate) mod tests;
