//! A device: what sessions, channels, decoders and resources are created on.

use std::fmt;
use std::sync::Arc;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE, D3D11_1DDI_CERTIFICATE_INFO,
    D3D11_1DDI_CERTIFICATE_INFO_U, D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL,
    D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, D3D11_1DDI_VIDEO_FUNCTIONS,
    D3D11_1DDIARG_CREATECRYPTOSESSION, D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0, GUID, softcp_mapping,
};

use crate::call_site::CallSite;
use crate::calls::{Calls, Output, Reply};
use crate::caps::ContentProtectionCaps;
use crate::channel::Channel;
use crate::command::PrivateDataSizes;
use crate::decoder::{Decoder, DecoderDesc};
use crate::driver::{Driver, OpenDriver};
use crate::error::{Error, Result};
use crate::frame::OutputView;
use crate::hresult::HResult;
use crate::resource::{Resource, ResourceDesc, WrappedResource};
use crate::session::Session;
use crate::table::FunctionTable;

/// The sub-devices that have a video function table, newest driver model first.
pub const SUB_DEVICES: [u32; 5] = [
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0,
    D3DWDDM2_1DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_0DDI_VIDEO_FUNCTIONS,
    D3D11_1DDI_VIDEO_FUNCTIONS,
];

/// More entries than any video function table has.
const LONGEST_TABLE: usize = 256;

/// Certificates longer than this many bytes are not believed.
const MAX_CERTIFICATE: u32 = 1 << 20;

/// More key exchange types than this are not believed.
const MAX_KEY_EXCHANGE_TYPES: u32 = 1 << 10;

/// A device of a driver. Clones share it. It may be used from any thread, as the entries of the driver may.
#[derive(Clone)]
pub struct Device {
    pub(crate) open: Arc<OpenDevice>,
}

/// What kind of session to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoSessionDesc {
    /// As [`D3D11_CRYPTO_TYPE_AES128_CTR`](softcp_abi::D3D11_CRYPTO_TYPE_AES128_CTR).
    pub crypto_type: GUID,
    /// The decode profile; [`GUID_NULL`](softcp_abi::GUID_NULL) when nothing is decoded.
    pub decode_profile: GUID,
    /// As [`D3D11_KEY_EXCHANGE_RSAES_OAEP`](softcp_abi::D3D11_KEY_EXCHANGE_RSAES_OAEP), or
    /// [`D3D11_KEY_EXCHANGE_HW_PROTECTION`](softcp_abi::D3D11_KEY_EXCHANGE_HW_PROTECTION) for a session that carries
    /// commands to a secure environment.
    pub key_exchange_type: GUID,
}

/// Whose certificate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateOf {
    /// Sessions of this crypto type.
    CryptoSession(GUID),
    /// Authenticated channels of this type.
    AuthenticatedChannel(D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE),
}

impl Device {
    /// Creates a device and fills the first of the tables that the driver has.
    pub(crate) fn create(driver: &Driver, sub_devices: &[u32]) -> Result<Self> {
        let (driver, site) = (Arc::clone(&driver.open), driver.site.clone());
        let create = driver.raw.create_device.ok_or(Error::MissingEntry { function: "create_device" })?;
        let retrieve = driver.raw.retrieve_sub_object.ok_or(Error::MissingEntry { function: "retrieve_sub_object" })?;
        let mut handle = D3D10DDI_HDEVICE::default();
        let reply = Reply::collect("create_device", &driver.reports, || {
            // SAFETY: the driver is open and the handle's place is valid.
            Some(HResult(unsafe { create(driver.context(), &raw mut handle) }))
        });
        reply.into_result()?;
        // From here on the device is destroyed on every way out.
        let mut open = OpenDevice { handle, table: FunctionTable::default(), driver, site };
        let mut last = HResult::OK;
        for &sub_device_id in sub_devices {
            let table = FunctionTable::retrieve(sub_device_id, |size, table| {
                // SAFETY: the device lives, and `table` is a table of `size` bytes of this sub-device.
                HResult(unsafe { retrieve(open.driver.context(), handle, sub_device_id, size, table) })
            });
            match table {
                Ok(table) => {
                    open.table = table;
                    return Ok(Self { open: Arc::new(open) });
                }
                Err(hresult) => last = hresult,
            }
        }
        Err(Error::NoVideoTable { tried: sub_devices.to_vec(), last })
    }

    /// The sub-device whose table the device uses: 6, 7, 5, 3 or 2.
    #[must_use]
    pub fn sub_device_id(&self) -> u32 {
        self.open.table.sub_device_id
    }

    /// `retrieve_sub_object` with any number and any size, and what is then in a table that is long enough for every
    /// size: as many entries as the size claims and some more, [`usize::MAX`] where the driver wrote nothing.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`].
    pub fn retrieve_sub_object(&self, sub_device_id: u32, table_size: usize) -> Result<(Reply, Vec<usize>)> {
        let function = "retrieve_sub_object";
        let driver = &self.open.driver;
        let retrieve = driver.raw.retrieve_sub_object.ok_or(Error::MissingEntry { function })?;
        let mut table = vec![usize::MAX; (table_size / size_of::<usize>()).max(LONGEST_TABLE) + LONGEST_TABLE];
        let reply = Reply::collect(function, &driver.reports, || {
            let (device, to) = (self.open.handle, table.as_mut_ptr().cast());
            // SAFETY: the device lives, and the table is longer than any that the DDI has and than the size claims.
            Some(HResult(unsafe { retrieve(driver.context(), device, sub_device_id, table_size, to) }))
        });
        Ok((reply, table))
    }

    /// The table's entries one by one, without any rule.
    #[must_use]
    pub fn calls(&self) -> Calls<'_> {
        Calls::new(&self.open)
    }

    /// `GetContentProtectionCaps`.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with `D3DERR_UNSUPPORTEDCRYPTO` for a pair that the driver does not know.
    pub fn caps(&self, crypto_type: &GUID, decode_profile: &GUID) -> Result<ContentProtectionCaps> {
        let mut caps = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS::default();
        let reply =
            self.calls().get_content_protection_caps(Some(crypto_type), Some(decode_profile), Some(&mut caps))?;
        reply.into_result()?;
        Ok(caps.into())
    }

    /// The key exchange types for a crypto type and decode profile, in the driver's order.
    ///
    /// # Errors
    ///
    /// Those of [`caps`](Self::caps); [`Error::BadAnswer`] when the count of the capabilities and the enumeration by
    /// index disagree (D27).
    pub fn key_exchange_types(&self, crypto_type: &GUID, decode_profile: &GUID) -> Result<Vec<GUID>> {
        let function = "GetCryptoKeyExchangeType";
        let count = self.caps(crypto_type, decode_profile)?.key_exchange_type_count;
        if count > MAX_KEY_EXCHANGE_TYPES {
            return Err(Error::BadAnswer { function, defect: format!("it says there are {count} types") });
        }
        let calls = self.calls();
        let type_at = |index| {
            let mut guid = GUID::default();
            let reply =
                calls.get_crypto_key_exchange_type(Some(crypto_type), Some(decode_profile), index, Some(&mut guid))?;
            Ok::<_, Error>(reply.into_result().map(|()| guid))
        };
        let mut types = Vec::new();
        for index in 0..count {
            types.push(type_at(index)?.map_err(|error| Error::BadAnswer {
                function,
                defect: format!("of {count} types it does not give number {index} ({})", error.hresult),
            })?);
        }
        match type_at(count)? {
            Err(_) => Ok(types),
            Ok(guid) => {
                let defect = format!("it says there are {count} types and gives one more, {guid}");
                Err(Error::BadAnswer { function, defect })
            }
        }
    }

    /// `GetCertificateSize`, then `GetCertificate`: the certificate chain as the driver encodes it (D13).
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with what the driver reports; [`Error::BadAnswer`] for a size of 0 or over 1 MiB.
    pub fn certificate(&self, of: CertificateOf) -> Result<Vec<u8>> {
        let info = of.info();
        let mut size = 0;
        self.calls().get_certificate_size(Some(&info), Some(&mut size))?.into_result()?;
        if size == 0 || size > MAX_CERTIFICATE {
            let defect = format!("a certificate of {size} bytes");
            return Err(Error::BadAnswer { function: "GetCertificateSize", defect });
        }
        let mut certificate = vec![0; size as usize];
        self.calls().get_certificate(Some(&info), Output::Bytes(&mut certificate))?.into_result()?;
        Ok(certificate)
    }

    /// `GetCryptoSessionPrivateDataSize`: the private bytes of commands on sessions of this kind.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`] when the table is older than WDDM 2.0; [`Error::Driver`] with what the driver reports.
    pub fn private_data_sizes(&self, desc: &CryptoSessionDesc) -> Result<PrivateDataSizes> {
        let mut sizes = PrivateDataSizes::default();
        let reply = self.calls().get_crypto_session_private_data_size(
            Some(&desc.crypto_type),
            Some(&desc.decode_profile),
            Some(&desc.key_exchange_type),
            Some(&mut sizes.input),
            Some(&mut sizes.output),
        )?;
        reply.into_result()?;
        Ok(sizes)
    }

    /// `CalcPrivateCryptoSessionSize`, then `CreateCryptoSession`.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with `D3DDDIERR_UNSUPPORTEDCRYPTO`, `D3DDDIERR_DEVICEREMOVED` or `E_OUTOFMEMORY`.
    pub fn create_session(&self, desc: &CryptoSessionDesc) -> Result<Session> {
        Session::create(self, &(*desc).into())
    }

    /// `CalcPrivateAuthenticatedChannelSize`, then `CreateAuthenticatedChannel`.
    ///
    /// `channel_type` is as
    /// [`D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE`](softcp_abi::D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE).
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with `D3DDDIERR_DEVICEREMOVED` or `E_OUTOFMEMORY`, or what else the driver returns for a type
    /// that it has not.
    pub fn create_channel(&self, channel_type: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE) -> Result<Channel> {
        Channel::create(self, channel_type)
    }

    /// `CalcPrivateVideoDecoderSize`, then `CreateVideoDecoder`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`] from a driver whose decoders are made elsewhere; [`Error::Driver`] with
    /// `D3DDDIERR_DEVICEREMOVED` or `E_OUTOFMEMORY`.
    pub fn create_decoder(&self, desc: &DecoderDesc) -> Result<Decoder> {
        Decoder::create(self, &(*desc).into())
    }

    /// `CalcPrivateVideoDecoderOutputViewSize`, then `CreateVideoDecoderOutputView`: a view of `resource`, of this
    /// device, for decoders of `profile`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`] from a driver that has none; [`Error::Driver`] with what the driver returns.
    pub fn create_output_view(&self, resource: Resource, profile: GUID) -> Result<OutputView> {
        OutputView::create(self, resource, profile)
    }

    /// As [`create_output_view`](Self::create_output_view), of memory that is there already: what frames come to is
    /// written there.
    ///
    /// # Errors
    ///
    /// Those of [`wrap_resource`](Self::wrap_resource) and of [`create_output_view`](Self::create_output_view).
    ///
    /// # Safety
    ///
    /// As for [`wrap_resource`](Self::wrap_resource), until the view is gone.
    pub unsafe fn wrap_output_view(&self, memory: &softcp_mapping, profile: GUID) -> Result<OutputView> {
        // SAFETY: the caller's duty is the same.
        unsafe { OutputView::wrap(self, memory, profile) }
    }

    /// Creates a resource, filled with zeros.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with `E_INVALIDARG` or `E_OUTOFMEMORY`.
    pub fn create_resource(&self, desc: &ResourceDesc) -> Result<Resource> {
        Resource::create(self, desc)
    }

    /// Whether the driver can work in memory of the caller's: [`wrap_resource`](Self::wrap_resource).
    #[must_use]
    pub fn wraps_resources(&self) -> bool {
        self.open.driver.raw.wrap_resource.is_some()
    }

    /// Makes a resource of memory that is there already, as that of a mapped texture. A driver need not offer this;
    /// with one that does not, copy through [`create_resource`](Self::create_resource) and a mapping.
    ///
    /// `memory` describes it as a driver describes a mapping; every pitch is at least a row. Its
    /// [flag](softcp_abi::SOFTCP_MAPPING_PROTECTED) makes the resource a protected one. What content loss does to
    /// protected resources (D23) is the caller's to do here.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`] from a driver that has no such entry; [`Error::Driver`] with `E_INVALIDARG` for a
    /// description that makes no sense, or `E_OUTOFMEMORY`.
    ///
    /// # Safety
    ///
    /// During `'m`, what `memory` describes, from the first visible byte of each plane to its last one, is valid on any
    /// thread: for reads, and for writes where the resource is written to. While a call uses the resource, and while it
    /// is mapped, nobody else writes there, and where the resource is written to, nobody else reads there.
    pub unsafe fn wrap_resource<'m>(&self, memory: &softcp_mapping) -> Result<WrappedResource<'m>> {
        // SAFETY: the caller's duty is the same.
        unsafe { WrappedResource::new(self, memory) }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("sub_device_id", &self.sub_device_id()).finish_non_exhaustive()
    }
}

impl CertificateOf {
    /// As the DDI writes it.
    #[must_use]
    pub fn info(self) -> D3D11_1DDI_CERTIFICATE_INFO {
        match self {
            Self::CryptoSession(crypto_type) => D3D11_1DDI_CERTIFICATE_INFO {
                CertificateType: D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
                u: D3D11_1DDI_CERTIFICATE_INFO_U { CryptoSessionType: crypto_type },
            },
            Self::AuthenticatedChannel(channel_type) => {
                // All bytes of the union are set before the smaller member, for a driver that copies the whole.
                let mut u = D3D11_1DDI_CERTIFICATE_INFO_U::default();
                u.ChannelType = channel_type;
                D3D11_1DDI_CERTIFICATE_INFO { CertificateType: D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL, u }
            }
        }
    }
}

impl From<CryptoSessionDesc> for D3D11_1DDIARG_CREATECRYPTOSESSION {
    fn from(desc: CryptoSessionDesc) -> Self {
        Self {
            CryptoType: desc.crypto_type,
            DecodeProfile: desc.decode_profile,
            KeyExchangeType: desc.key_exchange_type,
        }
    }
}

/// What keeps a device alive.
pub(crate) struct OpenDevice {
    pub(crate) handle: D3D10DDI_HDEVICE,
    pub(crate) table: FunctionTable,
    pub(crate) driver: Arc<OpenDriver>,
    /// Where calls are made; none: on the caller's thread, with its buffers.
    pub(crate) site: Option<Arc<CallSite>>,
}

// SAFETY: the handle is the driver's own pointer, which is not followed here, and the entries may be called from any
// thread.
unsafe impl Send for OpenDevice {}
// SAFETY: as above.
unsafe impl Sync for OpenDevice {}

impl Drop for OpenDevice {
    fn drop(&mut self) {
        self.driver.destroy_device(self.handle);
    }
}
