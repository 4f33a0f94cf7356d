//! Authenticated channels of a device: every command and query, good and bad; attackers; a model of what valid messages
//! alone would have led to.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

#[path = "../common/mod.rs"]
mod common;

mod attacks;
mod commands;
mod corpus;
mod handles;
mod interleaving;
mod queries;
mod rig;
