//! The content-protection engine of a Direct3D 11.1 user-mode driver.
//!
//! ```text
//!  Config ──┐
//!           ▼
//!  Provider ──▶ Adapter ──▶ Device ──▶ CryptoSession      negotiate · key refresh · read-back key
//!               identity    handle     one state machine  decryption_blt · encryption_blt
//!               caps, budget                 │
//!                                            ▼
//!                      BlitSurfaces ──▶ softcp-aes ──▶ memory
//! ```
//!
//! The engine holds the rules of the protocol and nothing else: no pointers, no FFI, no memory of its own for
//! surfaces. `softcp-ddi` puts the C functions and the DDI entries on top of it. Decisions on questions that the DDI
//! pages leave open are quoted by number (D1 …); `docs/decisions.md` lists them.
//!
//! Input from an application is never trusted: every size, handle and index is checked before anything changes, and a
//! failed call leaves keys, counters, IVs and destination bytes as they were.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod accessibility;
mod adapter;
mod blit;
pub mod capability;
mod certificate;
mod channel;
pub mod config;
mod device;
mod error;
pub mod faults;
mod handle;
pub mod identity;
mod iv;
mod key;
mod memory;
pub mod provider;
mod registry;
mod scheme;
pub mod secure;
mod session;
mod surface;

pub use accessibility::Accessibility;
pub use adapter::Adapter;
pub use blit::{Encrypted, EncryptedBlockInfo, Subsample};
pub use channel::{ChannelType, MAX_COMMAND_SIZE, Reply, asks_for_outputs, command_header_size, query_size};
pub use device::{
    DecoderBuffer, DecoderEncryption, Device, HeldSession, Outputs, Process, ProtectionFlags, SessionGuard, Sessions,
    SharedSession, TeardownObserver,
};
pub use error::{Error, Result};
pub use handle::{Handle, Kind};
pub use iv::{AesCtrIv, IV_SIZE};
pub use key::{ContentKey, KEY_SIZE};
pub use memory::ProtectedMemory;
pub use scheme::{CipherMode, Stripes};
pub use session::{CryptoSession, CryptoSessionDesc, DataKey, SessionStatus};
pub use softcp_abi::GUID;
pub use softcp_aes::{Rows, RowsError, RowsMut};
pub use surface::{BlitSurfaces, MAX_PLANES, Surface, SurfaceFlags, SurfaceMut};
