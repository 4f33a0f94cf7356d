//! One device of a host: the engine's device and the host's callbacks. What the C functions and the DDI entries share.

use std::any::Any;
use std::ffi::c_void;
use std::sync::Arc;

use softcp::{
    Adapter, BlitSurfaces, CryptoSessionDesc, DataKey, Device, EncryptedBlockInfo, Error, GUID, Handle, Kind,
    SessionStatus, SharedSession,
};

use crate::host::{Host, softcp_host};
use crate::hresult::{Failure, Result};
use crate::mapping;

/// A device. Opaque; made by `softcp_device_create`.
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_device {
    engine: Device,
    host: Host,
    /// Keeps the memory behind the host's context alive, where the host is part of this library.
    _context: Option<Arc<dyn Any + Send + Sync>>,
}

impl softcp_device {
    /// A device on `adapter` over `host`.
    ///
    /// # Safety
    /// The host's callbacks may be called with its context from any thread until the device is dropped, and what its
    /// `map` describes is memory that is, until `unmap`, valid for the access asked for and touched by nobody else.
    pub(crate) unsafe fn new(
        adapter: &Arc<Adapter>,
        host: softcp_host,
        context: Option<Arc<dyn Any + Send + Sync>>,
    ) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { engine: Device::new(adapter)?, host: Host::new(host)?, _context: context }))
    }

    pub(crate) fn engine(&self) -> &Device {
        &self.engine
    }

    pub(crate) fn adapter(&self) -> &Adapter {
        self.engine.adapter()
    }

    /// One report to the host for the failure of a function that returns nothing (D20).
    pub(crate) fn report(&self, function: &str, failure: &Failure) {
        self.host.report_error(function, failure);
    }

    /// Creates a session and returns its id.
    pub(crate) fn create_session(&self, desc: &CryptoSessionDesc) -> Result<usize> {
        Ok(self.engine.create_crypto_session(desc)?.get())
    }

    /// Destroys a session. The zero id, which a failed create leaves, is harmless.
    pub(crate) fn destroy_session(&self, id: usize) -> Result<()> {
        Handle::from_raw(id).map_or(Ok(()), |handle| Ok(self.engine.destroy_crypto_session(handle)?))
    }

    /// The live session of this device that `id` names.
    pub(crate) fn session(&self, id: usize) -> Result<SharedSession> {
        let handle = Handle::from_raw(id).ok_or_else(|| Kind::CryptoSession.bad_handle())?;
        Ok(self.engine.crypto_session(handle)?)
    }

    /// The session's handle for the application, which is its id.
    pub(crate) fn session_handle(&self, id: usize) -> Result<usize> {
        self.session(id).map(|_| id)
    }

    pub(crate) fn decryption_blt(
        &self,
        session: usize,
        source: *mut c_void,
        destination: *mut c_void,
        info: Option<EncryptedBlockInfo>,
        content_key: Option<&[u8]>,
        iv: &[u8],
    ) -> Result<()> {
        let session = self.session(session)?;
        check_resources(source, destination)?;
        let key = match content_key {
            None => DataKey::Session,
            Some(key) => match key.try_into() {
                Ok(wrapped) => DataKey::Wrapped(wrapped),
                Err(_) => DataKey::Unwrapped(self.host.unwrap_key(key)?),
            },
        };
        // The session is locked after the host has mapped and unlocked before it unmaps: no lock during a callback.
        let blit = |surfaces: BlitSurfaces<'_>| Ok(session.lock().decryption_blt(surfaces, info, &key, iv)?);
        // SAFETY: `new` took the host's word for what it maps.
        unsafe { mapping::with_surfaces(&self.host, source, destination, blit) }
    }

    pub(crate) fn encryption_blt(
        &self,
        session: usize,
        source: *mut c_void,
        destination: *mut c_void,
        iv: &mut [u8],
    ) -> Result<()> {
        let session = self.session(session)?;
        check_resources(source, destination)?;
        let blit = |surfaces: BlitSurfaces<'_>| Ok(session.lock().encryption_blt(surfaces, iv)?);
        // SAFETY: `new` took the host's word for what it maps.
        unsafe { mapping::with_surfaces(&self.host, source, destination, blit) }
    }

    /// Writes the certificate chain to `certificate`, which must have exactly its size.
    pub(crate) fn certificate(&self, crypto_type: &GUID, certificate: &mut [u8]) -> Result<()> {
        let chain = self.adapter().session_certificate(crypto_type)?;
        if certificate.len() != chain.len() {
            let (expected, given) = (chain.len(), certificate.len());
            return Err(Error::WrongSize { what: "the certificate buffer", expected, given }.into());
        }
        certificate.copy_from_slice(&chain);
        Ok(())
    }

    /// The size of the certificate chain in bytes.
    pub(crate) fn certificate_size(&self, crypto_type: &GUID) -> Result<u32> {
        let size = self.adapter().session_certificate(crypto_type)?.len();
        u32::try_from(size).map_err(|_| Failure::Invalid("the certificate chain is larger than 4 GiB"))
    }
}

impl std::fmt::Debug for softcp_device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("softcp_device").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// A host never gets a null cookie to map.
fn check_resources(source: *mut c_void, destination: *mut c_void) -> Result<()> {
    let check = |name, resource: *mut c_void| if resource.is_null() { Err(Failure::Null(name)) } else { Ok(()) };
    check("the source", source).and_then(|()| check("the destination", destination))
}

/// The number by which C and the DDI know a status.
pub(crate) fn status_number(status: SessionStatus) -> u32 {
    match status {
        SessionStatus::Ok => softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK,
        SessionStatus::KeyLost => softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST,
        SessionStatus::KeyAndContentLost => softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST,
    }
}
