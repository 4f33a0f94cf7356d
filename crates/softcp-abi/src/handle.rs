//! Handles of the DDI: structures of one pointer, passed by value.

use core::ffi::c_void;

/// A display device (graphics context) of the driver.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D10DDI_HDEVICE {
    /// The driver's private data, in memory that the runtime owns.
    pub pDrvPrivate: *mut c_void,
}

/// A resource: texture or buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D10DDI_HRESOURCE {
    /// The driver's private data, in memory that the runtime owns.
    pub pDrvPrivate: *mut c_void,
}

/// A crypto session.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HCRYPTOSESSION {
    /// The driver's private data: as many bytes as CalcPrivateCryptoSessionSize said, owned by the runtime.
    pub pDrvPrivate: *mut c_void,
}

/// An authenticated channel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HAUTHCHANNEL {
    /// The driver's private data: as many bytes as CalcPrivateAuthenticatedChannelSize said, owned by the runtime.
    pub pDrvPrivate: *mut c_void,
}

/// A video decoder.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HDECODE {
    /// The driver's private data: as many bytes as CalcPrivateVideoDecoderSize said, owned by the runtime.
    pub pDrvPrivate: *mut c_void,
}

/// A view of a resource that a decoder decodes to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW {
    /// The driver's private data: as many bytes as CalcPrivateVideoDecoderOutputViewSize said, owned by the runtime.
    pub pDrvPrivate: *mut c_void,
}

/// The runtime's own handle of a crypto session.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HRTCRYPTOSESSION {
    /// Opaque to the driver; handed back in callbacks.
    pub handle: *mut c_void,
}

/// The runtime's own handle of an authenticated channel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HRTAUTHCHANNEL {
    /// Opaque to the driver; handed back in callbacks.
    pub handle: *mut c_void,
}

/// The runtime's own handle of a video decoder.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HRTDECODE {
    /// Opaque to the driver; handed back in callbacks.
    pub handle: *mut c_void,
}

/// The runtime's core layer, the first argument of its callbacks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D10DDI_HRTCORELAYER {
    /// Opaque to the driver; handed back in callbacks.
    pub handle: *mut c_void,
}

/// The runtime's own handle of a decoder's output view.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW {
    /// Opaque to the driver; handed back in callbacks.
    pub handle: *mut c_void,
}
