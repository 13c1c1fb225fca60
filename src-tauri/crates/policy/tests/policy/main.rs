//! The policy crate as its users see it: the corpora under `tests/fixtures/policy`, and properties.

mod fixtures;
mod hostile;
mod lints;
mod matrix;
mod meaning;
mod properties;
mod use_cases;
