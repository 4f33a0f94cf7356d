//! A drop-in `d3d11.dll`: the Direct3D runtime's side of content protection, over any Direct3D 11 implementation.
//!
//! ```text
//! program ── D3D11CreateDevice ──▶ exports ──▶ the real d3d11.dll (Wine, DXVK, WARP)
//!    │                                              │ the real device and context, handed out
//!    └─ QueryInterface, creation flags, Map, copies ┴▶ this layer: checks, messages, objects
//!                                                         │ DDI table
//!                                                         ▼
//!                                                   softcp-ddi, or another driver
//! ```
//!
//! What does not need Windows is plain Rust and tested everywhere; everything that touches COM is under `windows/`.

#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

pub mod capability;
pub mod format;
pub mod message;
pub mod protection;
pub mod runtime_channel;
pub mod structures;

#[cfg(windows)]
mod windows;
