//! A minimal Direct3D runtime: loads a driver and calls its content-protection DDI table.
//!
//! ```text
//!  Driver::load / from_entry      softcp_open_driver: options in, error callback in, entries out
//!    └─ create_device ─▶ Device   RetrieveSubObject: the newest video function table that the driver has
//!         ├─ caps, key_exchange_types, certificate
//!         ├─ create_resource ─▶ Resource ─▶ map_read, map_write
//!         ├─ wrap_resource   ─▶ WrappedResource: memory that the caller has
//!         ├─ create_session  ─▶ Session     negotiate, blits, key refresh; its private memory is the runtime's
//!         │                                 execute: commands of HW_PROTECTION sessions, laid out from bytes
//!         ├─ create_channel  ─▶ Channel     negotiate, query, configure: messages are bytes here
//!         ├─ create_decoder  ─▶ Decoder     its handle, to bind a session to it over a channel; begin_frame ─▶ Frame
//!         └─ calls           ─▶ Calls       the same entries one by one, with any size, null and foreign handles
//! ```
//!
//! The crate knows how the DDI is called and nothing about what is right to call: it keeps no protocol rules, so a
//! test can break each of them. [`Session`] and its siblings make the calls that a correct program makes; [`Calls`] is
//! the layer under them.
//!
//! # Errors
//!
//! Entries that return nothing report through an error callback (D20). The runtime takes each report that arrives on
//! the calling thread while a call runs, and turns it into that call's [`DriverError`]. Numbers as D20 name entries of
//! the project's list of decisions on questions that the reference leaves open.
//!
//! # Safety
//!
//! The interface of this crate is safe to use with a driver that keeps the contract of
//! [`softcp_open_driver_fn`](softcp_abi::softcp_open_driver_fn) and of the DDI. As with every plug-in, the driver is
//! trusted: one that writes through wild pointers breaks the process, whoever calls it. Pointers that this crate hands
//! to a driver are always valid for the size that goes with them, or null.
//!
//! # Life time
//!
//! A session keeps its device alive, as channels, decoders and resources do, a device its driver, and a driver its
//! library. All of them may be dropped in any order and on any thread.

#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]

mod call_site;
mod calls;
mod caps;
mod channel;
mod command;
mod decoder;
mod device;
mod driver;
mod error;
mod frame;
mod hresult;
mod memory;
mod report;
mod resource;
mod session;
mod table;

pub use call_site::{CallBuffers, CallSite, CallThread};
pub use calls::{
    Calls, ChannelHandle, DecoderHandle, Input, Output, OutputViewHandle, Reply, ResourceHandle, SessionHandle,
};
pub use caps::ContentProtectionCaps;
pub use channel::{CONFIGURE_OUTPUT_SIZE, Channel, ConfigureOutput};
pub use command::{CommandMessage, PrivateDataSizes, SecureAnswer, SecureCommand};
pub use decoder::{DXVA_NO_ENCRYPT, Decoder, DecoderDesc};
pub use device::{CertificateOf, CryptoSessionDesc, Device, SUB_DEVICES};
pub use driver::Driver;
pub use error::{DriverError, Error, Result};
pub use frame::{CompressedBuffer, EncryptedBytes, Frame, FrameDecoder, FrameKey, OutputView, Stripes, SubSample};
pub use hresult::HResult;
pub use memory::PrivateMemory;
pub use resource::{Mapping, MappingMut, PlaneDesc, Resource, ResourceDesc, WrappedResource};
pub use session::{AesCtrIv, EncryptedBlockInfo, Session, SessionStatus};
pub use softcp_abi::GUID;
pub use table::FunctionTable;
