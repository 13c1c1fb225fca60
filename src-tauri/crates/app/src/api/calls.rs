//! Cancelling a call by its name, and the empty request and response.
//!
//! Cancelling a call that has ended, or that never existed, is not an error.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A question without content, and an answer without one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct Empty {}

/// A call by the caller's name for it.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct CallRef {
    /// The name.
    pub call: String,
}

/// What a sync or a preview works on, or what is given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CallAbout {
    /// Where the events come from; of what is given up, the run that left it.
    pub from: String,
    /// The lake; of what is given up, the table as `schema.table`.
    pub to: Option<String>,
    /// The source's name, where it was given.
    pub source: Option<String>,
}
