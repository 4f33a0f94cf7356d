//! The SoftCP driver: C functions and DDI entries over the engine, and the reference driver.
//!
//! ```text
//!                    softcp.h                        softcp_ddi.h
//!  host in C ──▶ core::*  softcp_session_… ─┐    ┌─ ddi::*  table entries ◀── Direct3D runtime
//!                                           ▼    ▼
//!                                       softcp_device ──▶ softcp (engine)
//!                                           │
//!                            mapping ◀── host callbacks ──▶ host's resources
//! ```
//!
//! This crate checks pointers, sizes and handles, and holds no rule of the protocol. All pointer work of the project
//! but the copy kernels is here: `pointer.rs` for arguments, `mapping.rs` for surfaces, `host.rs` and `environment.rs` for callbacks. No
//! panic leaves an entry point, no lock is held during a callback, and errors become HRESULTs in `hresult.rs` alone.

#![deny(missing_docs)]
#![allow(
    clippy::doc_markdown,
    reason = "these comments become the C headers', where constants stand without backticks"
)]

mod call_log;
mod calls;
pub mod core;
pub mod ddi;
mod device;
mod environment;
mod fork;
mod guard;
mod host;
mod hresult;
mod log;
mod mapping;
mod message;
mod pin;
mod pointer;
mod random;
pub mod reference;

pub use environment::{
    SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_TORN_DOWN,
    softcp_secure_environment,
};
pub use host::{SOFTCP_REPORT_FORWARD, softcp_error_report, softcp_host};
pub use log::init_logging;
pub use reference::softcp_open_reference_driver;
