//! Reads a role from AWS with what belongs to it: caller, quota, endpoints, and which principals exist.
//!
//! Trust policies are written in `trust`.

use std::collections::{BTreeMap, BTreeSet};

use headgate_aws::{Access, Role};
use headgate_policy::{Facts, Who};
use headgate_terms::{Arn, Error, Evidence, Result};
use jiff::Timestamp;

use crate::App;
use crate::api::{AwsAccess, AwsProfiles, Empty, RoleRead, RoleRef};
use crate::cx::Cx;

impl From<&AwsAccess> for Access {
    fn from(access: &AwsAccess) -> Self {
        let given = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            profile: given(&access.profile),
            region: given(&access.region),
            endpoint: given(&access.endpoint),
            mfa_code: given(&access.mfa_code),
        }
    }
}

/// The facts for lints that follow from a role.
#[must_use]
pub fn facts_of(read: &RoleRead) -> Facts {
    Facts {
        role: read.role.arn.parse().ok(),
        quota: read.quota.map(|quota| quota as usize),
        tags: Some(read.role.tags.clone()),
        max_session_seconds: read.role.max_session_seconds,
        self_assume_allowed: read.self_assume_allowed,
        existing: read.existing.clone(),
        ..Facts::default()
    }
}

/// The time as lints take it.
#[must_use]
pub fn now() -> String {
    Timestamp::now().to_string()
}

impl App {
    /// Reads a role, and what may be read around it.
    ///
    /// # Errors
    /// What AWS says.
    pub(crate) fn role_read(&self, cx: &Cx, request: &RoleRef) -> Result<RoleRead> {
        let name = request.role.trim();
        if name.is_empty() {
            return Err(Error::new("wrong_use", "No role is named.")
                .hint("Write its name or its ARN.")
                .field("role"));
        }
        let read = self.runtime().block_on(async {
            let aws = self.aws(cx, &request.access).await?;
            let caller = aws.who().await?;
            self.refuse_other_account(cx, &caller)?;
            let role = aws.role(name).await?;
            let id = self_id(&role);
            let mut principals = own_principals(&role.trust_policy, &caller.account);
            principals.remove(&role.arn);
            let (quota, self_assume) =
                tokio::join!(aws.quota(), aws.self_assume_allowed(&role.arn, id.as_deref()));
            let mut existing = BTreeMap::new();
            for arn in principals {
                if let Ok(Some(exists)) = aws.principal_exists(&arn).await {
                    existing.insert(arn, exists);
                }
            }
            // What cannot be asked is left out; the role itself was read.
            let told = |failed: &Error| tracing::warn!(error = %failed, "not asked");
            Ok::<RoleRead, Error>(RoleRead {
                evidence: Evidence {
                    call: "iam:GetRole".to_owned(),
                    at: role.read_at.clone(),
                    ms: role.ms,
                },
                protected: role.protected().map(str::to_owned),
                endpoints: aws.endpoints().to_vec(),
                quota: quota.inspect_err(told).unwrap_or_default(),
                self_assume_allowed: self_assume.inspect_err(told).unwrap_or_default(),
                existing,
                caller,
                role,
            })
        })?;
        // Only a user's or a role's ARN stays the same from session to session.
        let arn: Option<Arn> = read.caller.arn.parse().ok();
        let principal = match (&read.caller.role, arn) {
            (None, Some(arn)) if arn.service == "iam" && !arn.is_root() => Some(arn.to_string()),
            (Some(role), Some(arn)) => Some(
                Arn { resource: format!("role/{role}"), ..Arn::root(&arn.partition, &arn.account) }
                    .to_string(),
            ),
            _ => None,
        };
        if let Some(principal) = principal {
            self.know_writer(&cx.profile, principal)?;
        }
        Ok(read)
    }

    pub(crate) fn aws_profiles(&self, cx: &Cx, _: &Empty) -> Result<AwsProfiles> {
        let own = self.access(cx, &AwsAccess::default())?.endpoint;
        self.runtime().block_on(async {
            let profiles = headgate_aws::profile_names().await?;
            let endpoints = headgate_aws::configured_endpoints(own.as_deref()).await?;
            Ok(AwsProfiles { profiles, endpoints })
        })
    }
}

/// The id that the policy requires of the role itself or of its account, to check whether it may assume itself
/// with it.
fn self_id(role: &Role) -> Option<String> {
    let arn: Arn = role.arn.parse().ok()?;
    let caller = headgate_policy::Caller::Aws(arn.clone());
    let policy = headgate_policy::read(&role.trust_policy).policy?;
    let naming =
        policy.statements.iter().filter(|one| headgate_policy::names(one, &caller, Some(&arn)));
    let tests = naming.flat_map(|one| one.tests(headgate_policy::EXTERNAL_ID));
    tests.flat_map(|test| &test.values).map(|value| value.value.clone()).next()
}

/// The roles and users of an account that a policy names.
pub(crate) fn own_principals(text: &str, account: &str) -> BTreeSet<String> {
    let Some(policy) = headgate_policy::read(text).policy else { return BTreeSet::new() };
    let principals = policy.statements.iter().flat_map(|statement| &statement.principals);
    principals
        .filter(|principal| match &principal.who {
            Who::Role(arn) | Who::User(arn) => arn.account == account,
            _ => false,
        })
        .map(|principal| principal.text.value.clone())
        .collect()
}
