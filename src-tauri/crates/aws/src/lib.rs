//! Calls to AWS: IAM, STS and IAM Access Analyzer. It finds credentials as AWS's own tools do, reads a role
//! with its trust policy, and writes a trust policy with one call.
//!
//! [`Aws`] is a login with its three clients; everything else is a method of it. This is the only crate that
//! uses `aws-sdk-*`. It does not know what a policy means: whoever changes one decides what to write, and
//! reads the role before and after.
//!
//! Endpoints other than AWS's own are accepted over HTTPS, or on this machine. Plain HTTP to another machine
//! is refused, because requests carry tokens:
//!
//! ```
//! use headgate_aws::Endpoint;
//!
//! let local = Endpoint::of("IAM", "http://127.0.0.1:4566").expect("an address on this machine");
//! assert!(local.is_loopback());
//!
//! let refused = Endpoint::of("IAM", "http://iam.example.com").expect_err("plain HTTP");
//! assert_eq!(refused.code, "endpoint_refused");
//! ```

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
