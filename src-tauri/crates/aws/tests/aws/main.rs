//! The door to AWS against moto, and against answers in AWS's documented shapes for what moto
//! does not do.

mod alone;
mod canned;
mod login;
mod moto;
mod network;
mod questions;
mod refusals;
mod roles;
mod writing;
