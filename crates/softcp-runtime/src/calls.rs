//! The layer under the comfortable one: each DDI entry as it is, for callers that break rules on purpose.
//!
//! A call here can have any size, null pointers, and handles of other devices or of destroyed objects. What keeps it
//! safe is that pointers are valid for the size that goes with them, or null, and that handles point to live memory.

mod channel;
mod decoder;
mod handle;
mod hardware;
mod session;

use std::{fmt, ptr};

use softcp_abi::{D3D10DDI_HDEVICE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, GUID};

use crate::call_site::{Argument, Lent};
use crate::device::OpenDevice;
use crate::error::{DriverError, Error, Result};
use crate::hresult::HResult;
use crate::report::Reports;
use crate::table::FunctionTable;

pub use handle::{ChannelHandle, DecoderHandle, OutputViewHandle, ResourceHandle, SessionHandle};

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

pub(crate) fn size(function: &'static str, bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Error::TooLong { function, bytes })
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
    /// What the call came to: what it returned, else the code of its first report, else `S_OK`.
    #[must_use]
    pub fn hresult(&self) -> HResult {
        let reported = || self.reports.first().map_or(HResult::OK, |report| report.hresult);
        self.returned.unwrap_or_else(reported)
    }

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

/// The content-protection entries of a device and those of decoders and their frames, one method each. Every parameter is passed on as it is.
///
/// Each method fails with [`Error::MissingEntry`] when the table lacks the entry, and [`Error::TooLong`] when a buffer
/// is longer than a 32-bit size. Everything else is in the [`Reply`].
pub struct Calls<'d> {
    device: &'d OpenDevice,
}

/// One method: look the entry up, call it, collect the reply. The first form is for entries that return an HRESULT.
macro_rules! call {
    ($self:ident, $field:ident, $function:literal, HRESULT, $arguments:tt) => {{
        let entry = $self.device.table.$field.ok_or($crate::Error::MissingEntry { function: $function })?;
        // SAFETY: `Calls` exists while the device does, so the entry is valid; each pointer is valid for its size, or
        // null, and each handle is null or names memory that exists.
        Ok::<_, $crate::Error>($self.reply($function, || Some($crate::HResult(unsafe { call!(@ entry, $self, $arguments) }))))
    }};
    ($self:ident, $field:ident, $function:literal, void, $arguments:tt) => {{
        let entry = $self.device.table.$field.ok_or($crate::Error::MissingEntry { function: $function })?;
        Ok::<_, $crate::Error>($self.reply($function, || {
            // SAFETY: as above.
            unsafe { call!(@ entry, $self, $arguments) };
            None
        }))
    }};
    (@ $entry:ident, $self:ident, ($($argument:expr),*)) => { $entry($self.device.handle, $($argument),*) };
}
// By path, for the modules of this one.
use call;

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
        let certificate = self.output("GetCertificate", "the certificate", certificate)?;
        let reply =
            call!(self, get_certificate, "GetCertificate", void, (info, certificate.size, certificate.data.cast()))?;
        certificate.end()?;
        Ok(reply)
    }

    fn reply(&self, function: &'static str, call: impl FnOnce() -> Option<HResult>) -> Reply {
        let collect = || Reply::collect(function, &self.device.driver.reports, call);
        match &self.device.site {
            Some(site) => site.run(collect),
            None => collect(),
        }
    }

    /// Bytes that the driver reads: `name` says which, as "the IV".
    fn input<'a>(&self, function: &'static str, name: &'static str, bytes: Input<'a>) -> Result<Lent<'a>>
    where
        'd: 'a,
    {
        Lent::input(self.device.site.as_deref(), Argument { function, name, is_message: false }, bytes)
    }

    /// Bytes that the driver writes.
    fn output<'a>(&self, function: &'static str, name: &'static str, bytes: Output<'a>) -> Result<Lent<'a>>
    where
        'd: 'a,
    {
        Lent::output(self.device.site.as_deref(), Argument { function, name, is_message: false }, bytes)
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
