//! Tests of the terminal command on real folders, as a user and a script run it.
//!
//! Every test has its own lake, data folder and files, and reads only what the command prints and leaves. Other
//! programs read the lakes in `tests/conformance`.

#![allow(
    clippy::format_collect,
    clippy::naive_bytecount,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may be simpler than the product, and its helpers fail as it does"
)]

mod bad_input;
mod crashes;
mod defects;
mod desk;
mod hostile;
mod hostile_text;
mod inspect;
mod limits;
mod links;
mod policy;
mod profiles;
mod rejected;
mod settings;
mod sizes;
mod syncs;
