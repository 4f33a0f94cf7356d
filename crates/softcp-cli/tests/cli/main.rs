//! The command as its user meets it: every output and every error, compared with golden files in `tests/golden`.
//!
//! `SNAPSHOTS=overwrite cargo test -p softcp-cli` writes the golden files anew; then `git diff` shows what changed.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod bench;
mod caps;
mod cert;
mod channel;
mod conform;
mod decrypt;
mod demo;
mod doctor;
mod faults;
#[cfg(unix)]
mod faults_page;
#[cfg(unix)]
mod files;
mod identity_cache;
mod info;
mod schema;
mod support;
mod usage;
#[cfg(unix)]
mod wrong;
mod zoo;
