//! What each side sees of protected video, in one picture.
//!
//! ```text
//!  clip (Common Encryption) ──▶ softcp-player: certificate, key exchange, wrapped content keys,
//!                               decryption blits, session key refreshes ──▶ clear H.264 samples
//!                                                                                │ decoder
//!   1 the clear frame  ◀──────────────────────────────────────────────────────────┘
//!        │ authenticated channel: protection on, session bound
//!        │ encrypted under the session key
//!   2 on the bus ──▶ DecryptionBlt ──▶ protected NV12 surface ──▶ EncryptionBlt ──▶ 3 the read-back
//!                                                                 GetEncryptionBltKey │
//!   4 the read-back opened with the key  ◀────────────────────────────────────────────┘
//!        │ attempts past the read-back: refused; protection off; attempts again: allowed
//! ```
//!
//! [`run`] takes a driver and a small encrypted H.264 clip. The first half plays the clip through the driver as a
//! player would. The second half does what a player's decoder does with a finished picture: it puts one frame, which
//! is uncompressed NV12, into a protected surface of the driver, and then reads it back. Both do it as a protected player
//! does, under protection that an authenticated channel switches on and off again. In between, the second half tries to
//! map the protected surface and to decrypt into an unprotected one, on and off. The [`DemoReport`] says whether the clip was
//! decrypted picture for picture, whether the frame came back byte for byte, whether the bytes outside were noise, and what
//! protection forbade. With [`DemoOptions::restarts`] both halves survive a driver that fails on the way, and the report says
//! what happened.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod avc;
mod clip;
mod error;
mod frame;
mod noise;
mod picture;
mod report;
mod run;
mod surface;

pub use error::DemoError;
pub use picture::Area;
pub use report::{
    Attempt, CertificateSummary, ClipSummary, DemoReport, Enforcement, FrameSummary, Noise, ProtectionSummary,
    SurfaceSummary,
};
pub use run::{DemoClip, DemoOptions, run};
