//! Structures that every part of the authenticated-channel protocol uses.

use crate::types::{BYTE, HANDLE, UINT};

/// What kind of authenticated channel to create.
///
/// The driver writes `hChannel`; it is an output although the structure is an argument (D25).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL {
    /// `D3D11_1DDI_AUTHENTICATED_CHANNEL_*`.
    pub ChannelType: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE,
    /// Written by the driver: the handle that messages carry; zero when the call fails (D30).
    pub hChannel: HANDLE,
}

/// Type of an authenticated channel.
pub type D3D11_AUTHENTICATED_CHANNEL_TYPE = u32;

/// The runtime itself, without authentication; never reaches a driver.
pub const D3D11_AUTHENTICATED_CHANNEL_D3D11: D3D11_AUTHENTICATED_CHANNEL_TYPE = 1;
/// The driver's software.
pub const D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE: D3D11_AUTHENTICATED_CHANNEL_TYPE = 2;
/// The driver's hardware.
pub const D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE: D3D11_AUTHENTICATED_CHANNEL_TYPE = 3;

/// `D3D11_AUTHENTICATED_CHANNEL_TYPE` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE = D3D11_AUTHENTICATED_CHANNEL_TYPE;

/// DDI name of `D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE`.
pub const D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE = 2;
/// DDI name of `D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE`.
pub const D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE = 3;

/// Message authentication code: AES-128 OMAC1, the CMAC of NIST SP 800-38B.
// Neither this nor a message that holds it can be compared with `==`: a MAC is compared in constant time.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_OMAC {
    /// The 16 bytes of the code.
    pub Omac: [BYTE; 16],
}

/// `D3D11_OMAC` by its DDI name.
pub type D3D11_1DDI_OMAC = D3D11_OMAC;

/// Which protection is asked for or in force.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_AUTHENTICATED_PROTECTION_FLAGS {
    /// `D3D11_AUTHENTICATED_PROTECTION_FLAG_*`; other bits are zero.
    ///
    /// The public header overlays this member with bit fields of the same names.
    pub Value: UINT,
}

/// `D3D11_AUTHENTICATED_PROTECTION_FLAGS` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_PROTECTION_FLAGS = D3D11_AUTHENTICATED_PROTECTION_FLAGS;

/// Bit field `ProtectionEnabled`: protection is enforced (D19).
pub const D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED: UINT = 0x1;
/// Bit field `OverlayOrFullscreenRequired`: content is shown in an overlay or full screen only.
pub const D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED: UINT = 0x2;

/// How a process is identified.
pub type D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = u32;

/// Unknown process.
pub const D3D11_PROCESSIDTYPE_UNKNOWN: D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = 0;
/// The desktop window manager.
pub const D3D11_PROCESSIDTYPE_DWM: D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = 1;
/// The process of a handle.
pub const D3D11_PROCESSIDTYPE_HANDLE: D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = 2;

/// `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE;

/// DDI name of `D3D11_PROCESSIDTYPE_UNKNOWN`.
pub const D3D11_1DDI_PROCESSIDTYPE_UNKNOWN: D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = 0;
/// DDI name of `D3D11_PROCESSIDTYPE_DWM`.
pub const D3D11_1DDI_PROCESSIDTYPE_DWM: D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = 1;
/// DDI name of `D3D11_PROCESSIDTYPE_HANDLE`.
pub const D3D11_1DDI_PROCESSIDTYPE_HANDLE: D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE = 2;
