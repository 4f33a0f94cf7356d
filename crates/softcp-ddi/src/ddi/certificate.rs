//! `GetCertificateSize`, `GetCertificate`.

use softcp_abi::{D3D10DDI_HDEVICE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION, GUID};

use super::attach::{device, reporting};
use crate::hresult::{Failure, Result};
use crate::pointer;

/// `GetCertificateSize`: 0 on failure (D30).
pub(super) unsafe extern "system" fn get_certificate_size(
    h_device: D3D10DDI_HDEVICE,
    info: *const D3D11_1DDI_CERTIFICATE_INFO,
    size: *mut u32,
) {
    reporting("GetCertificateSize", h_device, || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pCertificateSize", size, 0) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let crypto_type = crypto_type(&unsafe { pointer::read("pCertificateInfo", info) }?)?;
        let bytes = device.certificate_size(&crypto_type)?;
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
    reporting("GetCertificate", h_device, || {
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let crypto_type = crypto_type(&unsafe { pointer::read("pCertificateInfo", info) }?)?;
        // SAFETY: the runtime's duty: null or writable for `size` bytes.
        let certificate = unsafe { pointer::bytes_mut("pCertificate", certificate.cast(), size as usize) }?;
        device.certificate(&crypto_type, certificate)
    });
}

/// The crypto type whose certificate is asked for.
fn crypto_type(info: &D3D11_1DDI_CERTIFICATE_INFO) -> Result<GUID> {
    if info.CertificateType != D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION {
        return Err(Failure::Invalid("this driver has certificates for crypto sessions only"));
    }
    // SAFETY: the type says that this member counts, and any 16 bytes are a GUID.
    Ok(unsafe { info.u.CryptoSessionType })
}
