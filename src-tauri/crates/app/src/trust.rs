//! A role's trust policy as a kind of plan: what only this kind knows.

mod plan;
mod write;

pub use plan::HandedPlan;

/// What the store calls this kind.
const KIND: &str = "trust_policy";
