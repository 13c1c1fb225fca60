//! Profiles, and the settings of a profile.
//!
//! Errors: `profile_not_found`, `profile_exists`, `profile_in_use` for one that cannot be removed; for settings
//! `profile_invalid`, `wrong_use` and `endpoint_refused`, which name the field as a path such as `aws.region`;
//! `not_confirmed` when the user does not agree to an endpoint, or to allowing changes.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a user decides of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ProfileSettings {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: ProfileKind,
    /// The colour that marks it.
    pub colour: Colour,
    /// Whether nothing outside this machine may be changed in it.
    pub read_only: bool,
    /// How it reaches AWS.
    pub aws: AwsSource,
    /// The role that writers assume.
    pub role_arn: Option<String>,
    /// The bucket of its lakes.
    pub bucket: Option<String>,
    /// Where in the bucket they begin.
    pub prefix: Option<String>,
    /// Who writes.
    pub writers: Vec<ProfileWriter>,
    /// The external ids of those who write.
    pub external_ids: ExternalIds,
}

/// What a profile is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKind {
    /// An account of AWS.
    #[default]
    Real,
    /// A stand-in for AWS on this machine.
    Sandbox,
}

/// The colour that marks a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Grey.
    #[default]
    Grey,
    /// Copper.
    Copper,
    /// Violet.
    Violet,
    /// Plum.
    Plum,
    /// Olive.
    Olive,
}

/// How a profile reaches AWS; what is not named is as AWS's own tools find it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct AwsSource {
    /// A profile of AWS's configuration.
    pub profile: Option<String>,
    /// A region.
    pub region: Option<String>,
    /// An endpoint in place of AWS's own, for all services: scheme, host and port.
    pub endpoint_url: Option<String>,
    /// The account, twelve digits.
    pub account_id: Option<String>,
}

/// Who writes to the lakes of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProfileWriter {
    /// Headgate.
    Headgate,
    /// Segment's hosted writer.
    Segment,
}

/// The external ids by which writers are known to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ExternalIds {
    /// Headgate's; made when there is none.
    pub headgate: Option<String>,
    /// Segment's: the id of its workspace.
    pub segment: Option<String>,
}

/// A profile.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Profile {
    /// Its id, which never changes.
    pub id: String,
    /// Whether it is the one in use.
    pub in_use: bool,
    /// What a user decided of it.
    #[serde(flatten)]
    pub settings: ProfileSettings,
    /// What is known of Databricks.
    #[serde(flatten)]
    pub databricks: DatabricksSource,
    /// Where its credentials are kept.
    pub credentials: Credentials,
}

/// What a profile knows of Databricks: nothing as long as Headgate does not reach it.
#[derive(Debug, Clone, Default, Serialize, TS)]
#[allow(missing_docs, reason = "each is named as Databricks names it")]
pub struct DatabricksSource {
    pub workspace_url: Option<String>,
    pub workspace_id: Option<String>,
    pub account_url: Option<String>,
    pub account_id: Option<String>,
    pub auth: Option<String>,
    pub application_id: Option<String>,
    pub storage_credential: Option<String>,
    pub external_location: Option<String>,
    pub catalog: Option<String>,
    pub warehouse_id: Option<String>,
}

/// Where the credentials of a profile are kept: `none` where there are none.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Credentials {
    /// The administrator's.
    pub admin: &'static str,
    /// The service principal's.
    pub principal: &'static str,
}

/// All profiles.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Profiles {
    /// 1.
    pub v: u8,
    /// In the order of their names.
    pub profiles: Vec<Profile>,
}

/// One profile.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ProfileReport {
    /// 1.
    pub v: u8,
    /// The profile.
    pub profile: Profile,
}

/// A profile that was removed.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ProfileRemoved {
    /// 1.
    pub v: u8,
    /// Its name.
    pub removed: String,
}

/// A profile by its name, in upper or lower case.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ProfileName {
    /// The name.
    pub name: String,
}

/// A profile to look at.
#[derive(Debug, Clone, Default, Deserialize, TS)]
pub struct ProfileShow {
    /// Its name; the one in use without.
    pub name: Option<String>,
}

/// What a profile is to be from now on.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct ProfileChange {
    /// The name that it has.
    pub name: String,
    /// All that a user decides of it.
    pub settings: ProfileSettings,
}

impl Default for ProfileSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: ProfileKind::default(),
            colour: Colour::default(),
            read_only: false,
            aws: AwsSource::default(),
            role_arn: None,
            bucket: None,
            prefix: None,
            writers: vec![ProfileWriter::Headgate],
            external_ids: ExternalIds::default(),
        }
    }
}
