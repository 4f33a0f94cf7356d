//! A device: one `hDevice`, the crypto sessions, authenticated channels and decoders on it, and what its channels have
//! set.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::adapter::Adapter;
use crate::capability::Capability;
use crate::channel::AuthenticatedChannel;
use crate::error::{Error, Result};
use crate::faults::Fault;
use crate::handle::{Handle, Kind};
use crate::session::{CryptoSession, CryptoSessionDesc};

mod bindings;
mod channels;
mod decoders;
mod protection;
mod removal;
mod sessions;
mod shares;

use bindings::Bindings;
pub use channels::Outputs;
use decoders::Decoder;
pub use decoders::{DecoderBuffer, DecoderEncryption};
pub(crate) use protection::Protection;
pub use protection::{Process, ProtectionFlags};
pub(crate) use removal::Removal;
pub use sessions::{HeldSession, SessionGuard, Sessions, SharedSession};
use shares::UnrestrictedShares;

/// What a handle can name. All but a device belong to the device they were created on.
#[derive(Debug)]
pub(crate) enum Object {
    /// A device: who hears of its teardowns.
    Device(Observer),
    /// A crypto session.
    CryptoSession(Box<CryptoSession>),
    /// An authenticated channel.
    AuthenticatedChannel(Box<AuthenticatedChannel>),
    /// A decoder of the host.
    Decoder(Decoder),
}

/// Who hears of the teardowns of a device (D81): the layer that has the host's callbacks.
pub trait TeardownObserver: Send + Sync {
    /// A session of the device, or several, lost their keys, and with `content` the protected content is lost too: the
    /// host must fill its protected resources with zeros (D23). Called with no lock of the engine held.
    fn torn_down(&self, content: bool);
}

/// The observer of a device, once there is one.
pub(crate) type Observer = Arc<OnceLock<Weak<dyn TeardownObserver>>>;

/// One device. Its methods may be called from any thread; its sessions, channels and decoders end with it.
pub struct Device {
    adapter: Arc<Adapter>,
    handle: Handle,
    observer: Observer,
    protection: Arc<Protection>,
    removal: Arc<Removal>,
    shares: UnrestrictedShares,
    /// The device's objects, which end with it. May hold some that have ended.
    own: Mutex<HashSet<Handle>>,
    /// Which session is bound to which decoder.
    bindings: Bindings,
}

impl Device {
    /// A device on `adapter`. Error: [`Error::TooManyObjects`].
    pub fn new(adapter: &Arc<Adapter>) -> Result<Self> {
        let observer = Observer::default();
        let object = Object::Device(Arc::clone(&observer));
        let handle = adapter.objects.insert_with(Kind::Device, None, |_| object)?;
        let always_on = adapter.state.profile.capabilities.contains(Capability::ProtectionAlwaysOn);
        Ok(Self {
            adapter: Arc::clone(adapter),
            handle,
            observer,
            protection: Arc::new(Protection::new(always_on)),
            removal: Arc::default(),
            shares: UnrestrictedShares::default(),
            own: Mutex::default(),
            bindings: Bindings::default(),
        })
    }

    /// The adapter.
    #[must_use]
    pub fn adapter(&self) -> &Arc<Adapter> {
        &self.adapter
    }

    /// The adapter, for a call on this device that the adapter answers: capabilities, certificates, protected memory. A
    /// removed device answers nothing more. Error: [`Error::DeviceRemoved`].
    pub fn live_adapter(&self) -> Result<&Adapter> {
        self.removal.check().map(|()| &*self.adapter)
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

    /// `CreateCryptoSession`. Errors: [`Error::UnsupportedCrypto`], [`Error::TooManyObjects`]; by faults also
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn create_crypto_session(&self, desc: &CryptoSessionDesc) -> Result<Handle> {
        let state = &self.adapter.state;
        self.removal.check_call(&state.faults)?;
        if state.faults.meets(Fault::UnsupportedCrypto) {
            return Err(Error::UnsupportedCrypto);
        }
        state.check_memory()?;
        self.adapter.check_session_desc(desc)?;
        let (protection, removal) = (Arc::clone(&self.protection), Arc::clone(&self.removal));
        let session = CryptoSession::new(Arc::clone(state), protection, removal, *desc);
        let object = Object::CryptoSession(Box::new(session));
        self.insert_with(Kind::CryptoSession, |_| object)
    }

    /// The session that `handle` names, if it was created on this device; otherwise
    /// [`Error::BadHandle`]. On a removed device [`Error::DeviceRemoved`].
    pub fn crypto_session(&self, handle: Handle) -> Result<SharedSession> {
        self.removal.check()?;
        SharedSession::new(&self.adapter.objects, handle, self.handle)
    }

    /// The device's sessions, for calls that have to be fast.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        Sessions::new(Arc::clone(&self.adapter.objects), self.handle, Arc::clone(&self.removal))
    }

    /// Checks that `handle` names a live object of this device and of the kind, without a lock. Errors:
    /// [`Error::BadHandle`]; [`Error::DeviceRemoved`].
    fn check_live(&self, handle: Handle, kind: Kind) -> Result<()> {
        self.removal.check()?;
        if self.is_live(handle, kind) { Ok(()) } else { Err(kind.bad_handle()) }
    }

    /// `DestroyCryptoSession`: the handle names nothing afterwards, and decoders it was bound to have no session. A call
    /// under way on another thread ends first or finishes on its own. Error:
    /// [`Error::BadHandle`].
    pub fn destroy_crypto_session(&self, handle: Handle) -> Result<()> {
        self.destroy(handle, Kind::CryptoSession)?;
        self.bindings.end_session(handle);
        Ok(())
    }

    /// Names who hears of the device's teardowns, once.
    pub fn observe_teardowns(&self, observer: Weak<dyn TeardownObserver>) {
        // A second observer would be a second host; the first one stays.
        let _ = self.observer.set(observer);
    }

    /// The host has lost the device: every call on it and its objects fails with [`Error::DeviceRemoved`] from now on, but
    /// those that destroy. A call that is in flight on another thread may still end as it would have. It cannot be undone,
    /// and a second call changes nothing (D41).
    pub fn mark_removed(&self) {
        self.removal.remove();
    }

    /// Checks that the device is there: for calls that the engine's device has no part in, as those about its adapter.
    /// Error: [`Error::DeviceRemoved`].
    pub fn check_present(&self) -> Result<()> {
        self.removal.check()
    }

    /// Checks that resources can become protected and unprotected (`SetHardwareProtection`). Error:
    /// [`Error::NotOffered`], [`Error::DeviceRemoved`].
    pub fn check_memory_transition(&self) -> Result<()> {
        self.removal.check()?;
        self.adapter.state.require(Capability::HardwareProtectedMemoryTransition)
    }

    /// Whether `handle` names a live object of this device and of the kind.
    fn is_live(&self, handle: Handle, kind: Kind) -> bool {
        self.adapter.objects.is_live(kind, handle, Some(self.handle))
    }

    /// Adds an object of this device.
    fn insert_with(&self, kind: Kind, make: impl FnOnce(Handle) -> Object) -> Result<Handle> {
        let handle = self.adapter.objects.insert_with(kind, Some(self.handle), make)?;
        lock(&self.own).insert(handle);
        Ok(handle)
    }

    /// Takes an object of this device out, if it is of the kind.
    fn destroy(&self, handle: Handle, kind: Kind) -> Result<()> {
        if handle.is_of(kind) && self.adapter.objects.remove(handle, Some(self.handle)) {
            lock(&self.own).remove(&handle);
            Ok(())
        } else {
            Err(kind.bad_handle())
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        for handle in lock(&self.own).drain() {
            self.adapter.objects.remove(handle, Some(self.handle));
        }
        self.adapter.objects.remove(self.handle, None);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics half-way while one of these is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("handle", &self.handle).finish_non_exhaustive()
    }
}
