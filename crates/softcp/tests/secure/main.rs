//! `HW_PROTECTION` sessions and the secure environment behind them: messages, licences, sealed blobs, teardown, hosts'
//! environments, and a model of the built-in one.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

#[path = "../common/mod.rs"]
mod common;

mod blobs;
mod browser;
mod corpus;
mod environments;
mod licences;
mod messages;
mod model;
mod page;
mod rig;
mod script;
mod sessions;
mod threads;
