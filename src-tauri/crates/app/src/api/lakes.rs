//! The lakes of the profile in use.
//!
//! Errors: `path_not_allowed` when the user does not allow the lake to be read; `wrong_use` and
//! `unsupported_location` for text that is not the address of a lake.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A lake by its address.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct LakeRef {
    /// The address or the path.
    pub lake: String,
}

/// The lakes that are known.
#[derive(Debug, Clone, Serialize, TS)]
pub struct KnownLakes {
    /// Their addresses, the latest first.
    pub lakes: Vec<String>,
    /// Those of them whose folder is not there.
    pub gone: Vec<String>,
}
