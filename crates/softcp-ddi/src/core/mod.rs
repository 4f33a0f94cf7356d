//! The core functions: `softcp_*`, C calling convention, no type of the WDK in any signature (`softcp.h`).
//!
//! Each returns an HRESULT, void operations of the DDI included. Outputs of a failed call: handles, pointers, counts,
//! sizes and status values are zero; data buffers keep their bytes (D30). Capability and creation functions may be
//! called from any thread; calls on one session are serialised by it, different sessions run in parallel.

pub mod adapter;
pub mod caps;
pub mod channel;
pub mod decoder;
pub mod device;
pub mod faults;
pub mod hardware;
pub mod last_error;
pub mod protection;
pub mod session;
pub mod types;
pub mod version;
