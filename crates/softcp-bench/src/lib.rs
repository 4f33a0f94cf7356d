//! Measures SoftCP beside the plain copy and other implementations of AES-128-CTR.
//!
//! ```text
//!  groups: what is measured ──▶ Case: a reference and its implementations, each with key and context ready
//!                                 │ every output is checked first: a wrong one is an error
//!                                 ▼
//!                               rounds: each implementation has one turn, in an order drawn anew
//!                                 │ disturbed rounds are dropped
//!                                 ▼
//!                               medians, spread, ratios within a round ──▶ BenchReport ──▶ plot
//! ```
//!
//! Implementations are the C library's `memcpy`, `softcp-aes` alone, a driver through its function table, OpenSSL if the system
//! has it, AWS-LC and `RustCrypto`. All of them are in one process and take turns, because the speed of a machine changes
//! from minute to minute: ratios of one round can be compared, figures of different runs hardly.
//!
//! [`run`] measures, [`plot()`] draws. What the figures mean, and what bounds them, is in `docs/performance.md`.

#![deny(missing_docs)]
#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod bench;
mod case;
mod driver;
mod error;
mod groups;
mod implementations;
mod machine;
mod plot;
mod report;
mod surface;
mod timing;

pub use bench::{BenchOptions, OpenAgain, Opened, Progress, run};
pub use error::{BenchError, PlotError};
pub use groups::{Group, UnknownGroup};
pub use machine::Machine;
pub use plot::{PlotFormat, can_plot, plot};
pub use report::{BenchReport, CaseReport, GroupReport, PeerReport, ResultReport, Skipped, Unit};
