//! The credential chain of a profile: where credentials come from, and the roles to assume with them.
//!
//! `Chain` reads the hops from the AWS configuration, and `open` assumes the roles. Ours, because the SDK, which
//! follows such chains too, cannot ask for MFA codes, ignores an endpoint that is given for all services, and does
//! not tell which login the user has to renew.

use aws_config::profile::{Profile, ProfileSet};
use aws_credential_types::Credentials;
use headgate_terms::{Error, Result, Shown, say};

/// Credentials to begin with, and the roles to assume with them, in that order.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) base: Base,
    pub(crate) hops: Vec<Hop>,
    pub(crate) login: Login,
}

/// Where a chain begins.
#[derive(Debug)]
pub(crate) enum Base {
    /// All that the SDK finds without a profile being named.
    Ordinary,
    /// What a profile names.
    Profile(String),
    /// Keys in a profile.
    Keys(Credentials),
    /// Keys in a profile that require an MFA code.
    MfaKeys { keys: Credentials, profile: String, serial: String, seconds: Option<i32> },
    /// `Environment`, `Ec2InstanceMetadata` or `EcsContainer`.
    Source(String),
}

/// A role to assume.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) profile: String,
    pub(crate) role: String,
    pub(crate) serial: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) seconds: Option<i32>,
}

/// How the user renews such credentials.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    /// The profile in effect; `None` when there is none, or keys in the environment come first.
    pub(crate) profile: Option<String>,
    pub(crate) by: LoginBy,
}

/// The beginning of the chain.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum LoginBy {
    #[default]
    Other,
    /// Keys in environment variables.
    Environment,
    /// `aws sso login` with this profile.
    Sso(String),
    /// `aws login` with this profile.
    Console(String),
    /// A program.
    Process,
    /// A code of an MFA device.
    Mfa,
}

impl Chain {
    /// What the SDK finds by itself.
    pub(crate) fn ordinary(by: LoginBy) -> Self {
        Self { base: Base::Ordinary, hops: Vec::new(), login: Login { profile: None, by } }
    }

    /// The chain of a profile.
    ///
    /// # Errors
    /// `aws_profile_unknown` for it or one that it builds on.
    pub(crate) fn of(profiles: &ProfileSet, name: &str) -> Result<Self> {
        let mut hops = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let mut at = name;
        let (base, by) = loop {
            let profile = profiles.get_profile(at).ok_or_else(|| unknown(profiles, at, name))?;
            // A ring, and whatever else the SDK does not take either, it says best itself.
            if seen.contains(&at) {
                hops.clear();
                break (Base::Profile(name.to_owned()), LoginBy::Other);
            }
            seen.push(at);
            let keys = keys(profile);
            if let Some(keys) = keys.clone().filter(|_| !hops.is_empty()) {
                break (Base::Keys(keys), LoginBy::Other);
            }
            let role = profile
                .get("role_arn")
                .filter(|_| profile.get("web_identity_token_file").is_none());
            let Some(role) = role else { break base(profile, keys) };
            hops.push(Hop {
                profile: at.to_owned(),
                role: role.to_owned(),
                serial: text(profile, "mfa_serial"),
                external_id: text(profile, "external_id"),
                session: text(profile, "role_session_name"),
                seconds: seconds(profile),
            });
            match (profile.get("source_profile"), profile.get("credential_source"), keys) {
                (Some(source), None, _) if source != at => at = source,
                (Some(_), None, Some(keys)) => break (Base::Keys(keys), LoginBy::Other),
                (None, Some(source), _) => {
                    break (Base::Source(source.to_owned()), LoginBy::Other);
                }
                _ => {
                    hops.clear();
                    break (Base::Profile(name.to_owned()), LoginBy::Other);
                }
            }
        };
        hops.reverse();
        let by = if hops.iter().any(|hop| hop.serial.is_some()) { LoginBy::Mfa } else { by };
        Ok(Self { base, hops, login: Login { profile: Some(name.to_owned()), by } })
    }
}

/// What a profile without a role begins with.
fn base(profile: &Profile, keys: Option<Credentials>) -> (Base, LoginBy) {
    let name = || profile.name().to_owned();
    let has = |key| profile.get(key).is_some();
    let by = if has("web_identity_token_file") || has("credential_source") {
        LoginBy::Other
    } else if has("sso_session") || has("sso_start_url") {
        LoginBy::Sso(name())
    } else if has("login_session") {
        LoginBy::Console(name())
    } else if has("credential_process") {
        LoginBy::Process
    } else if let (Some(keys), Some(serial)) = (keys, text(profile, "mfa_serial"))
        // Temporary keys were proved when they were made.
        && keys.session_token().is_none()
    {
        let seconds = seconds(profile);
        return (Base::MfaKeys { keys, profile: name(), serial, seconds }, LoginBy::Mfa);
    } else {
        LoginBy::Other
    };
    (Base::Profile(name()), by)
}

fn keys(profile: &Profile) -> Option<Credentials> {
    Some(Credentials::new(
        profile.get("aws_access_key_id")?,
        profile.get("aws_secret_access_key")?,
        text(profile, "aws_session_token"),
        None,
        "profile",
    ))
}

fn text(profile: &Profile, key: &str) -> Option<String> {
    profile.get(key).map(str::to_owned)
}

fn seconds(profile: &Profile) -> Option<i32> {
    profile.get("duration_seconds")?.parse().ok()
}

fn unknown(profiles: &ProfileSet, name: &str, from: &str) -> Error {
    let message = if name == from {
        say!("There is no profile `{}` in the configuration of AWS.", name)
    } else {
        say!("Profile `{}` builds on profile `{}`, which does not exist.", from, name)
    };
    let mut names: Vec<_> = profiles.profiles().map(|name| say!("`{}`", name)).collect();
    names.sort_unstable();
    let names = Shown::join(&names, ", ");
    let hint = if names.is_empty() {
        "Make a profile with `aws configure`, or name another file with `AWS_CONFIG_FILE`.".into()
    } else {
        say!("Name one of {}.", names)
    };
    Error::new("aws_profile_unknown", message).hint(hint).field("profile")
}
