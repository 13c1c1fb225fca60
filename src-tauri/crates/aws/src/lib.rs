//! IAM, STS and Access Analyzer: who am I, a role and its trust policy, and writing it once.
//!
//! The one door to `aws-sdk-*`. What a policy means is not known here: whoever writes one brings
//! the judgement along.

mod access;
mod analyzer;
mod caller;
mod chain;
mod endpoint;
mod failure;
mod http;
mod open;
mod role;
mod write;

pub use access::Access;
pub use analyzer::AnalyzerFinding;
pub use caller::Identity;
pub use endpoint::{Endpoint, is_region};
pub use open::{Aws, configuration_stamp, configured_endpoints, profile_names};
pub use role::{NewRole, Role};
pub use write::PutFailed;
