//! A device: one `hDevice`, and the crypto sessions created on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::adapter::Adapter;
use crate::error::Result;
use crate::handle::{Handle, Kind};
use crate::session::{CryptoSession, CryptoSessionDesc};

/// What a handle can name.
#[derive(Clone)]
pub(crate) enum Object {
    /// A device; only its handle is needed.
    Device,
    /// A crypto session and the device it was created on.
    CryptoSession { device: Handle, session: SharedSession },
}

/// A crypto session that several threads can hold; calls on it are serialised, other sessions are not held up.
#[derive(Debug, Clone)]
pub struct SharedSession(Arc<Mutex<CryptoSession>>);

impl SharedSession {
    /// The session, for as long as the guard lives.
    pub fn lock(&self) -> MutexGuard<'_, CryptoSession> {
        // A panic inside a call leaves the session in one of its states, so it can still be used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One device. Its methods may be called from any thread; its sessions end with it.
pub struct Device {
    adapter: Arc<Adapter>,
    handle: Handle,
}

impl Device {
    /// A device on `adapter`. Error: [`Error::TooManyObjects`](crate::Error::TooManyObjects).
    pub fn new(adapter: &Arc<Adapter>) -> Result<Self> {
        let handle = adapter.objects.insert_with(Kind::Device, |_| Object::Device)?;
        Ok(Self { adapter: Arc::clone(adapter), handle })
    }

    /// The adapter.
    #[must_use]
    pub fn adapter(&self) -> &Arc<Adapter> {
        &self.adapter
    }

    /// The device's handle.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// Whether clear content must stay in protected resources (D19): then protected resources cannot be mapped or
    /// copied to unprotected ones.
    #[must_use]
    pub fn protection_enforced(&self) -> bool {
        self.adapter.state.protection_enforced()
    }

    /// `CreateCryptoSession`. Errors: [`Error::UnsupportedCrypto`](crate::Error::UnsupportedCrypto),
    /// [`Error::TooManyObjects`](crate::Error::TooManyObjects).
    pub fn create_crypto_session(&self, desc: &CryptoSessionDesc) -> Result<Handle> {
        self.adapter.check_session_desc(desc)?;
        let session = CryptoSession::new(Arc::clone(&self.adapter.state), *desc);
        let session = SharedSession(Arc::new(Mutex::new(session)));
        let object = Object::CryptoSession { device: self.handle, session };
        self.adapter.objects.insert_with(Kind::CryptoSession, |_| object)
    }

    /// The session that `handle` names, if it was created on this device; otherwise
    /// [`Error::BadHandle`](crate::Error::BadHandle).
    pub fn crypto_session(&self, handle: Handle) -> Result<SharedSession> {
        match self.adapter.objects.get(handle) {
            Some(Object::CryptoSession { device, session }) if device == self.handle => Ok(session),
            _ => Err(Kind::CryptoSession.bad_handle()),
        }
    }

    /// `DestroyCryptoSession`: the handle names nothing afterwards. A call under way on another thread ends first or
    /// finishes on its own. Error: [`Error::BadHandle`](crate::Error::BadHandle).
    pub fn destroy_crypto_session(&self, handle: Handle) -> Result<()> {
        let mine = |object: &Object| matches!(object, Object::CryptoSession { device, .. } if *device == self.handle);
        self.adapter.objects.remove_if(handle, mine).map(|_| ()).ok_or_else(|| Kind::CryptoSession.bad_handle())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let mine = |object: &Object| matches!(object, Object::CryptoSession { device, .. } if *device == self.handle);
        self.adapter.objects.remove_all(mine);
        self.adapter.objects.remove_if(self.handle, |_| true);
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("handle", &self.handle).finish_non_exhaustive()
    }
}
