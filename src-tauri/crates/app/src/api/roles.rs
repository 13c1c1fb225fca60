//! Roles read from AWS, the caller's identity, and how AWS is reached.
//!
//! Errors: `wrong_use` without a role; `role_not_found`; `mfa_needed`, `mfa_refused` and `aws_login_expired`, whose
//! field is `mfa_code`; `aws_profile_unknown`, `aws_no_credentials`, `aws_access_denied`, `aws_throttled`,
//! `aws_unreachable`, `aws_failed`; `wrong_account` for credentials of another account than the profile's;
//! `endpoint_refused`. Of the console: `no_console` and `too_soon`.

use std::collections::BTreeMap;

use headgate_aws::{Endpoint, Identity, Role};
use headgate_terms::Evidence;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How AWS is reached; what is not named is as the profile in use says.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct AwsAccess {
    /// A profile of AWS's configuration.
    pub profile: Option<String>,
    /// A region.
    pub region: Option<String>,
    /// An endpoint to use in place of AWS's own for all services. Only the terminal names one; to a
    /// page this field does not exist.
    #[serde(skip)]
    #[ts(skip)]
    pub endpoint: Option<String>,
    /// The code of an MFA device; used once, kept nowhere.
    #[serde(skip_serializing)]
    pub mfa_code: Option<String>,
}

/// The profiles that AWS's configuration names.
#[derive(Debug, Clone, Serialize, TS)]
pub struct AwsProfiles {
    /// In the order of their names.
    pub profiles: Vec<String>,
    /// The endpoints that are not AWS's own, before a profile is chosen.
    pub endpoints: Vec<Endpoint>,
}

/// A role to read.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RoleRef {
    /// Its name or ARN.
    pub role: String,
    /// How AWS is reached.
    pub access: AwsAccess,
}

/// A role with all that could be read of it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RoleRead {
    /// The role; its trust policy is decoded.
    pub role: Role,
    /// Who called.
    pub caller: Identity,
    /// The endpoints that are not AWS's own.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// The most characters that its trust policy may have; null where the permission to read it is missing.
    pub quota: Option<u32>,
    /// Whether its own policies let it assume itself; null where the permission to read it is missing.
    pub self_assume_allowed: Option<bool>,
    /// Which principals of this account exist.
    pub existing: BTreeMap<String, bool>,
    /// Why the role may not be edited.
    pub protected: Option<String>,
    /// The call that it is based on.
    pub evidence: Evidence,
}

/// A role.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct RoleArn {
    /// Its ARN.
    pub role: String,
}
