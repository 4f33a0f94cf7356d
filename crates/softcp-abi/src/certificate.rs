//! Which certificate GetCertificateSize and GetCertificate return.

use core::fmt;

use crate::{
    authenticated_channel::D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE,
    guid::{GUID, GUID_NULL},
};

/// Whose certificate is asked for.
pub type D3D11_1DDI_CERTIFICATE_TYPE = u32;

/// The certificate of an authenticated channel.
pub const D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL: D3D11_1DDI_CERTIFICATE_TYPE = 1;
/// The certificate of a crypto session.
pub const D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION: D3D11_1DDI_CERTIFICATE_TYPE = 2;

/// The certificate that is asked for.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_1DDI_CERTIFICATE_INFO {
    /// `D3D11_1DDI_CERTIFICATE_TYPE_*`: says which member of `u` counts.
    pub CertificateType: D3D11_1DDI_CERTIFICATE_TYPE,
    /// Channel type or crypto type. The union has no name in `d3d10umddi.h`.
    pub u: D3D11_1DDI_CERTIFICATE_INFO_U,
}

/// Second half of `D3D11_1DDI_CERTIFICATE_INFO`, 16 bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D11_1DDI_CERTIFICATE_INFO_U {
    /// With `D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL`: the type of the channel.
    pub ChannelType: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE,
    /// With `D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION`: the crypto type of the session.
    pub CryptoSessionType: GUID,
}

impl Default for D3D11_1DDI_CERTIFICATE_INFO_U {
    /// All bytes zero.
    fn default() -> Self {
        Self { CryptoSessionType: GUID_NULL }
    }
}

impl fmt::Debug for D3D11_1DDI_CERTIFICATE_INFO_U {
    /// The type's name only: which member is valid is known to its neighbour alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("D3D11_1DDI_CERTIFICATE_INFO_U").finish_non_exhaustive()
    }
}
