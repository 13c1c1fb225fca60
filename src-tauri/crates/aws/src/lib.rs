//! IAM, STS and Access Analyzer: who am I, a role and its trust policy, and writing it safely.
//!
//! The one door to `aws-sdk-*`. What a policy means is not known here: whoever writes one brings
//! the judgement along.

mod access;
mod analyzer;
mod caller;
mod chain;
mod endpoint;
mod failure;
mod open;
mod reach;
mod role;
mod write;

pub use access::Access;
pub use analyzer::AnalyzerFinding;
pub use caller::Caller;
pub use endpoint::{Endpoint, is_region};
pub use open::{Aws, configured_endpoints, profile_names};
pub use role::{NewRole, Role};
pub use write::{NotWritten, Pace, WriteStep, WriteTrust, WriteWatch, Written};
