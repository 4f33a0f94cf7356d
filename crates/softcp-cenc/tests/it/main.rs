//! Whole files: synthetic ones box by box, and damaged ones.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![allow(clippy::similar_names, reason = "boxes are called what they are called")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "a byte string is a reference")]

mod fragmented;
mod hostile;
mod mutation;
mod odd;
mod progressive;
mod rewriting;
#[path = "../support/mod.rs"]
mod support;
