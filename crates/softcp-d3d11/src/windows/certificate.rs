//! The certificates of sessions and channels.

use std::sync::atomic::{AtomicU32, Ordering};

use softcp_abi::D3D11_1DDI_CERTIFICATE_INFO;
use softcp_runtime::{CertificateOf, Output};
use windows::Win32::Foundation::E_FAIL;
use windows::core::HRESULT;

use super::call::Call;
use super::com;
use crate::message::MessageId;

/// The certificate of a session or channel, as the driver hands it out.
pub(super) struct Certificate {
    info: D3D11_1DDI_CERTIFICATE_INFO,
    /// The size that a program was told and has not used yet; 0 for none. A driver may decide which certificate it hands
    /// out when it is asked for the size, so it is asked once for each.
    told: AtomicU32,
}

impl Certificate {
    pub(super) fn of(of: CertificateOf) -> Self {
        Self { info: of.info(), told: AtomicU32::new(0) }
    }

    /// `GetCertificateSize`; `size` is not null.
    ///
    /// # Safety
    ///
    /// `size` is writable.
    pub(super) unsafe fn get_size(&self, call: Call<'_>, size: *mut u32) -> Result<(), HRESULT> {
        // SAFETY: the caller's duty.
        unsafe { com::write(size, 0) };
        let answer = self.ask(call)?;
        self.told.store(answer, Ordering::Relaxed);
        // SAFETY: the caller's duty.
        unsafe { com::write(size, answer) };
        Ok(())
    }

    /// `GetCertificate`; `certificate` is not null.
    ///
    /// # Safety
    ///
    /// `certificate` is writable for `size` bytes.
    pub(super) unsafe fn get(
        &self,
        call: Call<'_>,
        size: u32,
        certificate: *mut u8,
        wrong_size: MessageId,
    ) -> Result<(), HRESULT> {
        let needed = match self.told.swap(0, Ordering::Relaxed) {
            0 => self.ask(call)?,
            told => told,
        };
        if size != needed {
            self.told.store(needed, Ordering::Relaxed);
            let text = format!("CertificateSize is {size}, and the certificate has {needed} bytes");
            return Err(call.refuse(wrong_size, &text));
        }
        // SAFETY: the caller's duty.
        let room = unsafe { com::bytes_mut(certificate.cast(), size) }.unwrap_or_default();
        let driver = call.state.driver().ok_or(E_FAIL)?;
        let reply = driver.calls().get_certificate(Some(&self.info), Output::Bytes(room));
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))
    }

    /// The size, as the driver says it now.
    fn ask(&self, call: Call<'_>) -> Result<u32, HRESULT> {
        let driver = call.state.driver().ok_or(E_FAIL)?;
        let mut size = 0;
        let reply = driver.calls().get_certificate_size(Some(&self.info), Some(&mut size));
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))?;
        Ok(size)
    }
}
