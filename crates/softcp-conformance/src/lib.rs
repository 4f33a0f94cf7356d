//! A conformance kit for the content-protection DDI of Direct3D 11.1.
//!
//! The kit plays runtime and application and drives any driver through its function table only. Each [`Case`] checks one
//! rule and names it: what it says, where it comes from, and how much it binds.
//!
//! ```text
//!  cases ──▶ Selection ──▶ runner: one child process for each group ──▶ Report ──▶ terminal, JSON, JUnit, TAP, HTML
//!    │                       │  in the child: Context per case             ▲
//!    │                       ▼                                             │
//!    └── rig, oracle ──▶ softcp-runtime ──▶ the driver's table      Expectations: deviations that are known
//! ```
//!
//! What a driver must answer is computed here, by the simplest means ([`oracle`]), and never with the code that is tested.
//!
//! A driver that crashes or hangs takes one case with it, not the report: see [`runner`].

#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod case;
pub mod cases;
mod context;
pub mod demands;
mod diagnosis;
mod dialogue;
pub mod expect;
mod message;
pub mod oracle;
mod probe;
pub mod report;
mod rig;
pub mod rules;
pub mod runner;
mod selection;
pub mod trial;
pub mod variation;

pub use case::{Case, CaseResult, Group, Requirement, Stop};
pub use context::{Context, DriverSource};
pub use demands::Demands;
pub use expect::Expectations;
pub use report::Report;
pub use rules::RuleSet;
pub use selection::{Selection, SelectionError};
pub use variation::Variation;
