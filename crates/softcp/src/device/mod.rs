//! A device: one `hDevice`, the crypto sessions, authenticated channels and decoders on it, and what its channels have
//! set.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::adapter::Adapter;
use crate::capability::Capability;
use crate::channel::AuthenticatedChannel;
use crate::error::Result;
use crate::handle::{Handle, Kind};
use crate::session::{CryptoSession, CryptoSessionDesc};

mod channels;
mod decoders;
mod protection;
mod shares;

use decoders::Decoder;
pub use decoders::{DecoderBuffer, DecoderEncryption};
pub(crate) use protection::Protection;
pub use protection::{Process, ProtectionFlags};
use shares::UnrestrictedShares;

/// What a handle can name. All but a device belong to the device they were created on.
#[derive(Clone)]
pub(crate) enum Object {
    /// A device: its handle, and who hears of its teardowns.
    Device { observer: Observer },
    /// A crypto session.
    CryptoSession { device: Handle, session: SharedSession },
    /// An authenticated channel.
    AuthenticatedChannel { device: Handle, channel: Arc<Mutex<AuthenticatedChannel>> },
    /// A decoder of the host.
    Decoder { device: Handle, decoder: Decoder },
}

impl Object {
    /// The device that the object was created on.
    fn owner(&self) -> Option<Handle> {
        match self {
            Self::Device { .. } => None,
            Self::CryptoSession { device, .. }
            | Self::AuthenticatedChannel { device, .. }
            | Self::Decoder { device, .. } => Some(*device),
        }
    }
}

/// Who hears of the teardowns of a device: the layer that has the host's callbacks.
pub trait TeardownObserver: Send + Sync {
    /// A session of the device, or several, lost their keys, and with `content` the protected content is lost too: the
    /// host must fill its protected resources with zeros (D23). Called with no lock of the engine held.
    fn torn_down(&self, content: bool);
}

/// The observer of a device, once there is one.
pub(crate) type Observer = Arc<OnceLock<Weak<dyn TeardownObserver>>>;

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

/// One device. Its methods may be called from any thread; its sessions, channels and decoders end with it.
pub struct Device {
    adapter: Arc<Adapter>,
    handle: Handle,
    observer: Observer,
    protection: Arc<Protection>,
    shares: UnrestrictedShares,
}

impl Device {
    /// A device on `adapter`. Error: [`Error::TooManyObjects`](crate::Error::TooManyObjects).
    pub fn new(adapter: &Arc<Adapter>) -> Result<Self> {
        let observer = Observer::default();
        let object = Object::Device { observer: Arc::clone(&observer) };
        let handle = adapter.objects.insert_with(Kind::Device, |_| object)?;
        let always_on = adapter.state.profile.capabilities.contains(Capability::ProtectionAlwaysOn);
        Ok(Self {
            adapter: Arc::clone(adapter),
            handle,
            observer,
            protection: Arc::new(Protection::new(always_on)),
            shares: UnrestrictedShares::default(),
        })
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
        self.protection.enforced()
    }

    /// The protection in force on the device: that of all its channels together, and `PROTECTION_ALWAYS_ON`.
    #[must_use]
    pub fn protection(&self) -> ProtectionFlags {
        self.protection.flags()
    }

    /// `CreateCryptoSession`. Errors: [`Error::UnsupportedCrypto`](crate::Error::UnsupportedCrypto),
    /// [`Error::TooManyObjects`](crate::Error::TooManyObjects).
    pub fn create_crypto_session(&self, desc: &CryptoSessionDesc) -> Result<Handle> {
        self.adapter.check_session_desc(desc)?;
        let session = CryptoSession::new(Arc::clone(&self.adapter.state), Arc::clone(&self.protection), *desc);
        let session = SharedSession(Arc::new(Mutex::new(session)));
        let object = Object::CryptoSession { device: self.handle, session };
        self.adapter.objects.insert_with(Kind::CryptoSession, |_| object)
    }

    /// The session that `handle` names, if it was created on this device; otherwise
    /// [`Error::BadHandle`](crate::Error::BadHandle).
    pub fn crypto_session(&self, handle: Handle) -> Result<SharedSession> {
        match self.object(handle) {
            Some(Object::CryptoSession { session, .. }) => Ok(session),
            _ => Err(Kind::CryptoSession.bad_handle()),
        }
    }

    /// `DestroyCryptoSession`: the handle names nothing afterwards, and decoders it was bound to have no session. A call
    /// under way on another thread ends first or finishes on its own. Error:
    /// [`Error::BadHandle`](crate::Error::BadHandle).
    pub fn destroy_crypto_session(&self, handle: Handle) -> Result<()> {
        self.destroy(handle, Kind::CryptoSession, |object| matches!(object, Object::CryptoSession { .. }))?;
        self.unbind(|bound| bound.session == handle);
        Ok(())
    }

    /// Names who hears of the device's teardowns, once.
    pub fn observe_teardowns(&self, observer: Weak<dyn TeardownObserver>) {
        // A second observer would be a second host; the first one stays.
        let _ = self.observer.set(observer);
    }

    /// Checks that resources can become protected and unprotected (`SetHardwareProtection`). Error:
    /// [`Error::NotOffered`](crate::Error::NotOffered).
    pub fn check_memory_transition(&self) -> Result<()> {
        self.adapter.state.require(Capability::HardwareProtectedMemoryTransition)
    }

    /// The live object of this device that `handle` names.
    fn object(&self, handle: Handle) -> Option<Object> {
        self.adapter.objects.get(handle).filter(|object| object.owner() == Some(self.handle))
    }

    /// Takes an object of this device out, if it is of the kind.
    fn destroy(&self, handle: Handle, kind: Kind, is_kind: impl Fn(&Object) -> bool) -> Result<()> {
        let mine = |object: &Object| object.owner() == Some(self.handle) && is_kind(object);
        self.adapter.objects.remove_if(handle, mine).map(|_| ()).ok_or_else(|| kind.bad_handle())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.adapter.objects.remove_all(|object| object.owner() == Some(self.handle));
        self.adapter.objects.remove_if(self.handle, |_| true);
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("handle", &self.handle).finish_non_exhaustive()
    }
}
