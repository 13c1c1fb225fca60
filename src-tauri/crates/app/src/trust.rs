//! A role's trust policy as a kind of plan: `plan` makes plans and reads them from files, `write` applies them.

mod plan;
mod write;

pub use plan::HandedPlan;

/// What the store calls this kind.
const KIND: &str = "trust_policy";
