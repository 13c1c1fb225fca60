//! Roles: [`Role`] as `iam:GetRole` returns it, and two calls that create a role ([`NewRole`]) and put an
//! inline policy into it, which only tests use so far.
//!
//! The trust policy of a role that exists is changed in `write`.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::primitives::{DateTime, DateTimeFormat};
use aws_sdk_iam::types::Tag;
use headgate_terms::{Arn, Error, Result, say};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::failure::ApiCall;
use crate::open::Aws;

/// A role, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(rename = "AwsRole")]
pub struct Role {
    /// Its full name.
    pub arn: String,
    /// Its name without its path.
    pub name: String,
    /// Its path, `/` for most.
    pub path: String,
    /// AWS's id of it, such as `AROA…`: another one after it was deleted and made again.
    pub role_id: String,
    /// The policy that says who may assume it, as JSON text.
    pub trust_policy: String,
    /// Its tags by key.
    pub tags: BTreeMap<String, String>,
    /// The longest session, in seconds.
    pub max_session_seconds: Option<u32>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// When it was made, in RFC 3339 and UTC.
    pub created: String,
    /// When it was read, in RFC 3339 and UTC.
    pub read_at: String,
    /// How long the reading took.
    pub ms: u64,
}

impl Role {
    /// Why its trust policy may not be edited; `None` when it may.
    #[must_use]
    pub fn protected(&self) -> Option<&'static str> {
        if self.path.starts_with("/aws-service-role/") {
            Some("an AWS service made this role for itself and alone may change it")
        } else if self.name.starts_with("AWSReservedSSO_") {
            Some("IAM Identity Center made this role and undoes changes to it")
        } else {
            None
        }
    }
}

/// A role to make.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    /// Its name, up to 64 letters, digits and `+=,.@_-`.
    pub name: String,
    /// Its path, such as `/lake/`; `/` when there is none.
    pub path: Option<String>,
    /// Who may assume it, as JSON text.
    pub trust_policy: String,
    /// What it is for.
    pub description: Option<String>,
    /// The longest session, 3600 to 43200 seconds; an hour when it is not said.
    pub max_session_seconds: Option<u32>,
    /// Its tags by key.
    pub tags: BTreeMap<String, String>,
}

impl Aws {
    /// Reads a role by its name or its ARN.
    ///
    /// # Errors
    /// `role_not_found`, also for an ARN of another account or path; else those of every call to AWS.
    pub async fn role(&self, name_or_arn: &str) -> Result<Role> {
        let arn = name_or_arn.parse::<Arn>().ok();
        let name = match &arn {
            Some(arn) => arn.role_name().ok_or_else(|| no_role(name_or_arn))?,
            None => name_or_arn,
        };
        let call = ApiCall::on_role("iam:GetRole", name);
        let begun = Instant::now();
        let answer = self.iam.get_role().role_name(name).send().await;
        let answer = answer.map_err(|error| self.failed(&call, &error))?;
        let role = answer.role().ok_or_else(|| empty(&call))?;
        let role = as_read(role, begun);
        // The call takes a name only, and another account or path may have one alike.
        if arn.is_some() && role.arn != name_or_arn {
            return Err(Error::new(
                "role_not_found",
                say!("There is no role `{}` here; `{}` is `{}`.", name_or_arn, name, role.arn),
            )
            .hint("Use the credentials of the role's own account, or the ARN that AWS names.")
            .field("role"));
        }
        Ok(role)
    }

    /// Makes a role.
    ///
    /// # Errors
    /// `role_exists`, `policy_refused`, `policy_too_large`; else those of every call to AWS.
    pub async fn create_role(&self, new: &NewRole) -> Result<Role> {
        let call = ApiCall::on_role("iam:CreateRole", &new.name);
        let tags = new.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, BuildError>>().map_err(|error| {
            Error::new("aws_failed", say!("A tag of role `{}`: {}.", new.name, error.to_string()))
        })?;
        let begun = Instant::now();
        let answer = self
            .iam
            .create_role()
            .role_name(&new.name)
            .set_path(new.path.clone())
            .assume_role_policy_document(&new.trust_policy)
            .set_description(new.description.clone())
            .set_max_session_duration(new.max_session_seconds.map(|seconds| seconds as i32))
            .set_tags((!tags.is_empty()).then_some(tags))
            .send()
            .await;
        let answer = answer.map_err(|error| self.failed(&call, &error))?;
        let role = answer.role().ok_or_else(|| empty(&call))?;
        Ok(as_read(role, begun))
    }

    /// Gives a role a policy of its own, in place of the one of this name if there is one.
    ///
    /// # Errors
    /// `role_not_found`, `role_protected`, `policy_refused`; else those of every call to AWS.
    pub async fn put_role_policy(&self, role: &str, name: &str, document: &str) -> Result<()> {
        let call = ApiCall::on_role("iam:PutRolePolicy", role);
        let answer = self
            .iam
            .put_role_policy()
            .role_name(role)
            .policy_name(name)
            .policy_document(document)
            .send()
            .await;
        answer.map(|_| ()).map_err(|error| self.failed(&call, &error))
    }
}

fn as_read(role: &aws_sdk_iam::types::Role, begun: Instant) -> Role {
    let tags = role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
    Role {
        arn: role.arn().to_owned(),
        name: role.role_name().to_owned(),
        path: role.path().to_owned(),
        role_id: role.role_id().to_owned(),
        trust_policy: headgate_policy::decoded(
            role.assume_role_policy_document().unwrap_or_default(),
        ),
        tags: tags.collect(),
        max_session_seconds: role.max_session_duration().map(|seconds| seconds as u32),
        description: role.description().map(str::to_owned),
        created: at(role.create_date()),
        read_at: at(&DateTime::from(SystemTime::now())),
        ms: begun.elapsed().as_millis() as u64,
    }
}

/// A time as AWS gives it, in RFC 3339 and UTC.
fn at(time: &DateTime) -> String {
    time.fmt(DateTimeFormat::DateTime).unwrap_or_default()
}

fn empty(call: &ApiCall) -> Error {
    Error::new("aws_failed", say!("`{}`{} answered nothing.", call.name, call.about))
        .hint("Check the endpoint: something else than AWS answered.")
}

fn no_role(text: &str) -> Error {
    Error::new("role_not_found", say!("`{}` does not name a role.", text))
        .hint("Name a role, or its ARN such as `arn:aws:iam::123456789012:role/lake`.")
        .field("role")
}
