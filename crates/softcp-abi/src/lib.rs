//! Binary contract of the content-protection half of the Direct3D 11.1 user-mode driver interface.
//!
//! Types, GUIDs, HRESULTs and function-table layouts by their public C names, and nothing else: no code of the protocol
//! lives here. The names are flat, as in a C header, and the C header of the library is generated from this crate, so
//! each item is plain source and its comment is the header's comment.
//!
//! - An all-zero value is valid for each structure, and is its `Default`.
//! - Layout is natural alignment without packing. Every size and offset is asserted while compiling, against the
//!   tables in `spec/`, on 64-bit targets and on 32-bit Windows.
//! - API and DDI agree on most structures; then the DDI name is a type alias. Two differ and exist twice:
//!   [`D3D11_VIDEO_DECODER_BUFFER_DESC`] and [`D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION`].
//!
//! Sources: the public reference pages of `d3d10umddi.h`, `d3d11.h`, `d3d11_1.h` and `d3d11sdklayers.h`. A decision
//! number, as D5, names an entry in the project's list of decisions where those pages are silent or disagree.

#![no_std]
#![forbid(unsafe_code)]
// The names are those of the C headers, so that one search finds the page, the header and this crate.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
// Comments are C comments too; a name in backticks stays for code and structures that a reader will look up.
#![allow(clippy::doc_markdown)]

mod authenticated_channel;
mod bus;
mod caps;
mod certificate;
mod configure;
mod crypto_session;
mod decoder;
mod driver;
mod functions;
mod guid;
mod handle;
mod hardware_protection;
mod hresult;
#[cfg(any(target_pointer_width = "64", all(windows, target_pointer_width = "32")))]
mod layout;
mod messages;
mod profile;
mod query;
mod tables;
mod types;

pub use authenticated_channel::*;
pub use bus::*;
pub use caps::*;
pub use certificate::*;
pub use configure::*;
pub use crypto_session::*;
pub use decoder::*;
pub use driver::*;
pub use functions::*;
pub use guid::*;
pub use handle::*;
pub use hardware_protection::*;
pub use hresult::*;
pub use messages::*;
pub use profile::*;
pub use query::*;
pub use tables::*;
pub use types::*;
