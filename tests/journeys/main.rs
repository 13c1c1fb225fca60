//! The terminal command over real folders: what a person and a script go through.
//!
//! Every journey has a lake, a data folder and files of its own, and reads only what the command
//! prints and leaves. What other programs read in the lake is checked in `tests/conformance`.

// A test may be plain where the product may not.
#![allow(clippy::format_collect, clippy::naive_bytecount, clippy::needless_pass_by_value)]

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
