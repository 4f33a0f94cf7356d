//! `GetCertificateSize`, `GetCertificate`.

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL,
    D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
};

use super::attach::{device, reporting};
use super::void_entry;
use crate::device::CertificateOf;
use crate::hresult::{Failure, Result};
use crate::pointer;

/// `GetCertificateSize`: 0 on failure (D30).
pub(super) unsafe extern "system" fn get_certificate_size(
    h_device: D3D10DDI_HDEVICE,
    info: *const D3D11_1DDI_CERTIFICATE_INFO,
    size: *mut u32,
) {
    reporting(&void_entry::GET_CERTIFICATE_SIZE, h_device, || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pCertificateSize", size, 0) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let of = certificate_of(&unsafe { pointer::read("pCertificateInfo", info) }?)?;
        let bytes = device.certificate_size(of)?;
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pCertificateSize", size, bytes) }
    });
}

/// `GetCertificate`: the size must be exactly the certificate's, or the buffer stays as it is.
pub(super) unsafe extern "system" fn get_certificate(
    h_device: D3D10DDI_HDEVICE,
    info: *const D3D11_1DDI_CERTIFICATE_INFO,
    size: u32,
    certificate: *mut u8,
) {
    reporting(&void_entry::GET_CERTIFICATE, h_device, || {
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let of = certificate_of(&unsafe { pointer::read("pCertificateInfo", info) }?)?;
        // SAFETY: the runtime's duty: null or writable for `size` bytes.
        let certificate = unsafe { pointer::bytes_mut("pCertificate", certificate.cast(), size as usize) }?;
        device.certificate(of, certificate)
    });
}

/// Whose certificate is asked for.
fn certificate_of(info: &D3D11_1DDI_CERTIFICATE_INFO) -> Result<CertificateOf> {
    match info.CertificateType {
        D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL => {
            // SAFETY: the type says that this member counts, and any 4 bytes are a number.
            Ok(CertificateOf::AuthenticatedChannel(unsafe { info.u.ChannelType }))
        }
        D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION => {
            // SAFETY: the type says that this member counts, and any 16 bytes are a GUID.
            Ok(CertificateOf::CryptoSession(unsafe { info.u.CryptoSessionType }))
        }
        _ => Err(Failure::Invalid("the certificate type is neither a channel's nor a crypto session's")),
    }
}
