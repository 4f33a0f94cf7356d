//! The calls on sessions that come at every buffer: what they need of a device, without the device.

use std::any::Any;
use std::ffi::c_void;
use std::sync::{Arc, Weak};

use softcp::secure::check_sealed_key_size;
use softcp::{
    BlitSurfaces, ContentKey, CryptoSession, DataKey, EncryptedBlockInfo, Error, GUID, Handle, Kind, Sessions,
};

use crate::call_log;
use crate::device::softcp_device;
use crate::host::Host;
use crate::hresult::{Failure, Result};
use crate::mapping;

/// What blits and refreshes need of a device. A thread may remember it for longer than the device lives (`ddi/attach.rs`):
/// that keeps no session and no key, and when the device has ended, no session is found here any more.
pub(crate) struct SessionCalls {
    sessions: Sessions,
    host: Host,
    /// The whole device, for what comes seldom.
    device: Weak<softcp_device>,
    /// Keeps the memory behind the host's context alive, where the host is part of this library.
    context: Option<Arc<dyn Any + Send + Sync>>,
}

impl SessionCalls {
    /// # Safety
    /// As for `softcp_device::new`.
    pub(crate) unsafe fn new(
        sessions: Sessions,
        host: Host,
        device: Weak<softcp_device>,
        context: Option<Arc<dyn Any + Send + Sync>>,
    ) -> Self {
        Self { sessions, host, device, context }
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// What is behind the host's context, where the host is part of this library.
    pub(crate) fn context(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.context.as_deref()
    }

    /// The device, unless it has ended.
    pub(crate) fn device(&self) -> Option<Arc<softcp_device>> {
        self.device.upgrade()
    }

    /// Calls the live session of the device that `id` names, for a call that takes no time.
    pub(crate) fn with_session<T>(
        &self,
        id: usize,
        call: impl FnOnce(&mut CryptoSession) -> softcp::Result<T>,
    ) -> Result<T> {
        let result = self.sessions.with(session_handle(id)?, call)?;
        self.settled(result.map_err(Failure::from))
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
        let session = self.sessions.hold(session_handle(session)?)?;
        check_resources(source, destination)?;
        let key = match content_key {
            None => DataKey::Session,
            Some(key) => {
                if let Ok(wrapped) = key.try_into() {
                    DataKey::Wrapped(wrapped)
                } else {
                    session.lock().check_not_lost()?;
                    DataKey::Unwrapped(self.open_key(key, None)?)
                }
            }
        };
        // The session is locked after the host has mapped and unlocked before it unmaps: no lock during a callback.
        let blit = |surfaces: BlitSurfaces<'_>| Ok(session.lock().decryption_blt(surfaces, info, &key, iv)?);
        // SAFETY: `new` took the host's word for what it maps.
        self.settled(unsafe { mapping::with_surfaces(&self.host, source, destination, blit) })
    }

    pub(crate) fn encryption_blt(
        &self,
        session: usize,
        source: *mut c_void,
        destination: *mut c_void,
        iv: &mut [u8],
    ) -> Result<()> {
        let session = self.sessions.hold(session_handle(session)?)?;
        check_resources(source, destination)?;
        let blit = |surfaces: BlitSurfaces<'_>| Ok(session.lock().encryption_blt(surfaces, iv)?);
        // SAFETY: `new` took the host's word for what it maps.
        self.settled(unsafe { mapping::with_surfaces(&self.host, source, destination, blit) })
    }

    /// Opens a content key that is no wrap (D28): by the host, if it has a function for that, else by the secure
    /// environment.
    pub(crate) fn open_key(&self, blob: &[u8], key_id: Option<&GUID>) -> Result<ContentKey> {
        check_sealed_key_size(blob.len())?;
        if let Some(opened) = self.host.unwrap_key(blob) {
            return opened;
        }
        let device = self.device().ok_or_else(|| Kind::Device.bad_handle())?;
        Ok(device.adapter().open_sealed_key(blob, key_id)?)
    }

    /// What a teardown that came with a call on a session leaves to do when nothing is locked or mapped any more: it takes
    /// everything else too, and the host hears of it.
    pub(crate) fn settled<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(Failure::Engine(Error::TornDown { content })) = result
            && let Some(device) = self.device()
        {
            device.engine().torn_down(content);
        }
        result
    }
}

/// The handle of a session's id; zero is none.
fn session_handle(id: usize) -> Result<Handle> {
    call_log::note_handle(id);
    Handle::from_raw(id).ok_or_else(|| Kind::CryptoSession.bad_handle().into())
}

/// A host never gets a null cookie to map.
fn check_resources(source: *mut c_void, destination: *mut c_void) -> Result<()> {
    let check = |name, resource: *mut c_void| if resource.is_null() { Err(Failure::Null(name)) } else { Ok(()) };
    check("the source", source).and_then(|()| check("the destination", destination))
}
