//! The DDI adapter: the content-protection entries of a Direct3D 11.1 video function table, over the same device
//! functions as the core functions (`softcp_ddi.h`).
//!
//! The host attaches a SoftCP device to its `hDevice` and fills its table. A resource's cookie is the `pDrvPrivate` of
//! its `HRESOURCE`. The private memory of a session or channel holds its id and nothing else; it is looked up and checked on each
//! use. An entry that returns nothing makes one report to the host when it fails (D20, D42).

pub mod attach;
pub mod caps;
pub mod certificate;
pub mod channel;
pub mod hardware;
pub mod session;
pub mod table;
pub(crate) mod void_entry;
