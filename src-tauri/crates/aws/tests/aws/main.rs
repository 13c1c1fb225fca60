//! Tests of the crate against moto, and against canned answers in AWS's documented shapes for calls that
//! moto does not implement.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod alone;
mod canned;
mod login;
mod moto;
mod network;
mod questions;
mod refusals;
mod roles;
mod writing;
