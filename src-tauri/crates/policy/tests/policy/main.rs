//! Tests of the crate through its public functions: the fixtures in `tests/fixtures/policy`, and properties
//! of random policies.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod fixtures;
mod hostile;
mod lints;
mod matrix;
mod meaning;
mod properties;
mod use_cases;
