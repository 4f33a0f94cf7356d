//! The layer under the comfortable one: each DDI entry as it is, for callers that break rules on purpose.
//!
//! A call here can have any size, null pointers, and handles of other devices or of destroyed sessions. What keeps it
//! safe is that pointers are valid for the size that goes with them, or null, and that handles point to live memory.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ptr;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    D3D11_1DDIARG_CREATECRYPTOSESSION, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS, GUID, HANDLE,
};

use crate::device::OpenDevice;
use crate::error::{DriverError, Error, Result};
use crate::hresult::HResult;
use crate::memory::PrivateMemory;
use crate::report::Reports;
use crate::table::FunctionTable;

/// A `const` buffer and the size that is passed with it.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// These bytes, with their length as the size.
    Bytes(&'a [u8]),
    /// The null pointer, with any size.
    Null {
        /// The size in bytes that the call claims.
        size: u32,
    },
}

/// A buffer that the driver writes, and the size that is passed with it.
#[derive(Debug)]
pub enum Output<'a> {
    /// These bytes, with their length as the size.
    Bytes(&'a mut [u8]),
    /// The null pointer, with any size.
    Null {
        /// The size in bytes that the call claims.
        size: u32,
    },
}

impl Input<'_> {
    fn parts(self, function: &'static str) -> Result<(u32, *const c_void)> {
        match self {
            Self::Bytes(bytes) => Ok((size(function, bytes.len())?, bytes.as_ptr().cast())),
            Self::Null { size } => Ok((size, ptr::null())),
        }
    }
}

impl Output<'_> {
    fn parts(self, function: &'static str) -> Result<(u32, *mut c_void)> {
        match self {
            Self::Bytes(bytes) => Ok((size(function, bytes.len())?, bytes.as_mut_ptr().cast())),
            Self::Null { size } => Ok((size, ptr::null_mut())),
        }
    }
}

fn size(function: &'static str, bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Error::TooLong { function, bytes })
}

/// The handle of a session, living or destroyed: it points to private memory that exists.
#[derive(Clone, Copy, Debug)]
pub struct SessionHandle<'a> {
    raw: D3D11_1DDI_HCRYPTOSESSION,
    memory: PhantomData<&'a PrivateMemory>,
}

impl<'a> SessionHandle<'a> {
    /// The handle that is zero.
    pub const NULL: Self = Self::from_raw(D3D11_1DDI_HCRYPTOSESSION { pDrvPrivate: ptr::null_mut() });

    /// The handle of the session that lives, lived or will live in `memory`.
    #[must_use]
    pub fn of(memory: &'a PrivateMemory) -> Self {
        Self::from_raw(D3D11_1DDI_HCRYPTOSESSION { pDrvPrivate: memory.as_ptr() })
    }

    const fn from_raw(raw: D3D11_1DDI_HCRYPTOSESSION) -> Self {
        Self { raw, memory: PhantomData }
    }
}

/// The handle of a resource that exists, on whatever device.
#[derive(Clone, Copy, Debug)]
pub struct ResourceHandle<'a> {
    pub(crate) raw: D3D10DDI_HRESOURCE,
    pub(crate) resource: PhantomData<&'a ()>,
}

impl ResourceHandle<'_> {
    /// The handle that is zero.
    pub const NULL: Self = Self { raw: D3D10DDI_HRESOURCE { pDrvPrivate: ptr::null_mut() }, resource: PhantomData };
}

/// What came back from one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The entry that was called.
    pub function: &'static str,
    /// What it returned; `None` for an entry that returns nothing.
    pub returned: Option<HResult>,
    /// What it reported through the error callback meanwhile, in order.
    pub reports: Vec<DriverError>,
}

impl Reply {
    /// Whether the call succeeded: by its return value if it has one, else by the absence of reports.
    ///
    /// # Errors
    ///
    /// The returned HRESULT with the text of the last report, or the first report of an entry that returns nothing.
    pub fn into_result(mut self) -> Result<(), DriverError> {
        match self.returned {
            Some(hresult) if hresult.is_ok() => Ok(()),
            Some(hresult) => {
                let text = self.reports.pop().map(|report| report.text).unwrap_or_default();
                Err(DriverError { function: self.function, hresult, text })
            }
            None if self.reports.is_empty() => Ok(()),
            None => Err(self.reports.swap_remove(0)),
        }
    }

    /// Runs `call`, which calls `function`, and collects what is reported meanwhile.
    pub(crate) fn collect(function: &'static str, reports: &Reports, call: impl FnOnce() -> Option<HResult>) -> Self {
        // What came in between calls belongs to none.
        drop(reports.take());
        let returned = call();
        let reports = reports.take();
        let reports = reports.into_iter().map(|report| {
            let foreign = !report.function.is_empty() && report.function != function;
            let text = if foreign { format!("{}: {}", report.function, report.text) } else { report.text };
            DriverError { function, hresult: report.hresult, text }
        });
        Self { function, returned, reports: reports.collect() }
    }
}

/// The content-protection entries of a device, one method each. Every parameter is passed on as it is.
///
/// Each method fails with [`Error::MissingEntry`] when the table lacks the entry, and [`Error::TooLong`] when a buffer
/// is longer than a 32-bit size. Everything else is in the [`Reply`].
pub struct Calls<'d> {
    device: &'d OpenDevice,
}

/// One method: look the entry up, call it, collect the reply. The first form is for entries that return an HRESULT.
macro_rules! call {
    ($self:ident, $field:ident, $function:literal, HRESULT, $arguments:tt) => {{
        let entry = $self.device.table.$field.ok_or(Error::MissingEntry { function: $function })?;
        // SAFETY: `Calls` exists while the device does, so the entry is valid; each pointer is valid for its size, or
        // null, and each handle is null or names memory that exists.
        Ok($self.reply($function, || Some(HResult(unsafe { call!(@ entry, $self, $arguments) }))))
    }};
    ($self:ident, $field:ident, $function:literal, void, $arguments:tt) => {{
        let entry = $self.device.table.$field.ok_or(Error::MissingEntry { function: $function })?;
        Ok($self.reply($function, || {
            // SAFETY: as above.
            unsafe { call!(@ entry, $self, $arguments) };
            None
        }))
    }};
    (@ $entry:ident, $self:ident, ($($argument:expr),*)) => { $entry($self.device.handle, $($argument),*) };
}

impl<'d> Calls<'d> {
    pub(crate) fn new(device: &'d OpenDevice) -> Self {
        Self { device }
    }

    /// The table that the calls go through.
    #[must_use]
    pub fn table(&self) -> &'d FunctionTable {
        &self.device.table
    }

    /// The device's handle.
    #[must_use]
    pub fn device_handle(&self) -> D3D10DDI_HDEVICE {
        self.device.handle
    }

    /// `GetContentProtectionCaps`.
    pub fn get_content_protection_caps(
        &self,
        crypto_type: Option<&GUID>,
        decode_profile: Option<&GUID>,
        caps: Option<&mut D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS>,
    ) -> Result<Reply> {
        let (crypto_type, decode_profile, caps) = (const_ptr(crypto_type), const_ptr(decode_profile), mut_ptr(caps));
        call!(
            self,
            get_content_protection_caps,
            "GetContentProtectionCaps",
            HRESULT,
            (crypto_type, decode_profile, caps)
        )
    }

    /// `GetCryptoKeyExchangeType`.
    pub fn get_crypto_key_exchange_type(
        &self,
        crypto_type: Option<&GUID>,
        decode_profile: Option<&GUID>,
        index: u32,
        key_exchange_type: Option<&mut GUID>,
    ) -> Result<Reply> {
        let (crypto_type, decode_profile) = (const_ptr(crypto_type), const_ptr(decode_profile));
        let key_exchange_type = mut_ptr(key_exchange_type);
        call!(
            self,
            get_crypto_key_exchange_type,
            "GetCryptoKeyExchangeType",
            HRESULT,
            (crypto_type, decode_profile, index, key_exchange_type)
        )
    }

    /// `CalcPrivateCryptoSessionSize`: bytes of private memory.
    pub fn calc_private_crypto_session_size(&self, desc: Option<&D3D11_1DDIARG_CREATECRYPTOSESSION>) -> Result<usize> {
        let function = "CalcPrivateCryptoSessionSize";
        let entry = self.device.table.calc_private_crypto_session_size.ok_or(Error::MissingEntry { function })?;
        // SAFETY: the device lives, and the description is valid or null.
        Ok(unsafe { entry(self.device.handle, const_ptr(desc)) })
    }

    /// `CreateCryptoSession`.
    ///
    /// # Safety
    ///
    /// The memory of `session` is at least as large as `CalcPrivateCryptoSessionSize` said, holds no live session, and
    /// stays until `DestroyCryptoSession` was called on it or the device is destroyed.
    pub unsafe fn create_crypto_session(
        &self,
        desc: Option<&D3D11_1DDIARG_CREATECRYPTOSESSION>,
        session: SessionHandle<'_>,
    ) -> Result<Reply> {
        let desc = const_ptr(desc);
        // The runtime has no callbacks that take its own handle; the driver's serves as one that differs per session.
        let runtime_handle = D3D11_1DDI_HRTCRYPTOSESSION { handle: session.raw.pDrvPrivate };
        call!(self, create_crypto_session, "CreateCryptoSession", HRESULT, (desc, session.raw, runtime_handle))
    }

    /// `DestroyCryptoSession`.
    pub fn destroy_crypto_session(&self, session: SessionHandle<'_>) -> Result<Reply> {
        call!(self, destroy_crypto_session, "DestroyCryptoSession", void, (session.raw))
    }

    /// `GetCertificateSize`.
    pub fn get_certificate_size(
        &self,
        info: Option<&D3D11_1DDI_CERTIFICATE_INFO>,
        size: Option<&mut u32>,
    ) -> Result<Reply> {
        let (info, size) = (const_ptr(info), mut_ptr(size));
        call!(self, get_certificate_size, "GetCertificateSize", void, (info, size))
    }

    /// `GetCertificate`.
    pub fn get_certificate(
        &self,
        info: Option<&D3D11_1DDI_CERTIFICATE_INFO>,
        certificate: Output<'_>,
    ) -> Result<Reply> {
        let info = const_ptr(info);
        let (size, certificate) = certificate.parts("GetCertificate")?;
        call!(self, get_certificate, "GetCertificate", void, (info, size, certificate.cast()))
    }

    /// `NegotiateCryptoSessionKeyExchange`. The driver may write to `data`.
    pub fn negotiate_crypto_session_key_exchange(&self, session: SessionHandle<'_>, data: Output<'_>) -> Result<Reply> {
        let function = "NegotiateCryptoSessionKeyExchange";
        let (size, data) = data.parts(function)?;
        call!(
            self,
            negotiate_crypto_session_key_exchange,
            "NegotiateCryptoSessionKeyExchange",
            HRESULT,
            (session.raw, size, data)
        )
    }

    /// `EncryptionBlt`.
    pub fn encryption_blt(
        &self,
        session: SessionHandle<'_>,
        source: ResourceHandle<'_>,
        destination: ResourceHandle<'_>,
        iv: Output<'_>,
    ) -> Result<Reply> {
        let (size, iv) = iv.parts("EncryptionBlt")?;
        call!(self, encryption_blt, "EncryptionBlt", void, (session.raw, source.raw, destination.raw, size, iv))
    }

    /// `DecryptionBlt`. `info` is mutable because drivers exist that write a status there (D21).
    pub fn decryption_blt(
        &self,
        session: SessionHandle<'_>,
        source: ResourceHandle<'_>,
        destination: ResourceHandle<'_>,
        info: Option<&mut D3D11_1DDI_ENCRYPTED_BLOCK_INFO>,
        content_key: Input<'_>,
        iv: Input<'_>,
    ) -> Result<Reply> {
        let info = mut_ptr(info).cast_const();
        let (content_key_size, content_key) = content_key.parts("DecryptionBlt")?;
        let (iv_size, iv) = iv.parts("DecryptionBlt")?;
        call!(
            self,
            decryption_blt,
            "DecryptionBlt",
            void,
            (session.raw, source.raw, destination.raw, info, content_key_size, content_key, iv_size, iv)
        )
    }

    /// `StartSessionKeyRefresh`.
    pub fn start_session_key_refresh(&self, session: SessionHandle<'_>, number: Output<'_>) -> Result<Reply> {
        let (size, number) = number.parts("StartSessionKeyRefresh")?;
        call!(self, start_session_key_refresh, "StartSessionKeyRefresh", void, (session.raw, size, number))
    }

    /// `FinishSessionKeyRefresh`.
    pub fn finish_session_key_refresh(&self, session: SessionHandle<'_>) -> Result<Reply> {
        call!(self, finish_session_key_refresh, "FinishSessionKeyRefresh", void, (session.raw))
    }

    /// `GetEncryptionBltKey`.
    pub fn get_encryption_blt_key(&self, session: SessionHandle<'_>, key: Output<'_>) -> Result<Reply> {
        let (size, key) = key.parts("GetEncryptionBltKey")?;
        call!(self, get_encryption_blt_key, "GetEncryptionBltKey", void, (session.raw, size, key))
    }

    /// `CryptoSessionGetHandle`.
    pub fn crypto_session_get_handle(&self, session: SessionHandle<'_>, handle: Option<&mut HANDLE>) -> Result<Reply> {
        let handle = mut_ptr(handle);
        call!(self, crypto_session_get_handle, "CryptoSessionGetHandle", HRESULT, (session.raw, handle))
    }

    /// `CheckCryptoSessionStatus`, in tables from WDDM 2.0 on.
    pub fn check_crypto_session_status(
        &self,
        session: SessionHandle<'_>,
        status: Option<&mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS>,
    ) -> Result<Reply> {
        let status = mut_ptr(status);
        call!(self, check_crypto_session_status, "CheckCryptoSessionStatus", void, (session.raw, status))
    }

    fn reply(&self, function: &'static str, call: impl FnOnce() -> Option<HResult>) -> Reply {
        Reply::collect(function, &self.device.driver.reports, call)
    }
}

impl fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("sub_device_id", &self.device.table.sub_device_id).finish_non_exhaustive()
    }
}

fn const_ptr<T>(value: Option<&T>) -> *const T {
    value.map_or(ptr::null(), ptr::from_ref)
}

fn mut_ptr<T>(value: Option<&mut T>) -> *mut T {
    value.map_or(ptr::null_mut(), ptr::from_mut)
}
