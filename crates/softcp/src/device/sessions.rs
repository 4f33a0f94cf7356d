//! The crypto sessions of a device, as callers reach them.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Object, Removal};
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};
use crate::registry::{Held, Locked, Registry, Shared};
use crate::session::CryptoSession;

/// The crypto sessions of one device, for calls that have to be fast: finding a session takes no lock and writes nothing
/// that another session's calls look at.
///
/// To keep this keeps no session, no key and no device. When the device has ended, no session is found any more.
#[derive(Debug, Clone)]
pub struct Sessions {
    objects: Arc<Registry<Object>>,
    device: Handle,
    removal: Arc<Removal>,
}

impl Sessions {
    pub(super) fn new(objects: Arc<Registry<Object>>, device: Handle, removal: Arc<Removal>) -> Self {
        Self { objects, device, removal }
    }

    /// Calls `call` with the session that `handle` names, locked: for calls that take no time, since a session that is
    /// destroyed meanwhile waits for them. Errors as for [`Device::crypto_session`](crate::Device::crypto_session).
    pub fn with<R>(&self, handle: Handle, call: impl FnOnce(&mut CryptoSession) -> R) -> Result<R> {
        self.removal.check()?;
        let found = self.objects.with(Kind::CryptoSession, handle, Some(self.device), |object| match object {
            Object::CryptoSession(session) => Some(call(session)),
            _ => None,
        });
        found.flatten().ok_or_else(bad_handle)
    }

    /// The session that `handle` names, held for a call: destroyed meanwhile, it lives until the call ends. Errors as for
    /// [`Device::crypto_session`](crate::Device::crypto_session).
    pub fn hold(&self, handle: Handle) -> Result<HeldSession<'_>> {
        self.removal.check()?;
        let held = self.objects.hold(Kind::CryptoSession, handle, Some(self.device));
        held.map(HeldSession).ok_or_else(bad_handle)
    }
}

/// A crypto session that is held for a call.
#[derive(Debug)]
pub struct HeldSession<'s>(Held<'s, Object>);

impl HeldSession<'_> {
    /// The session, for as long as the guard lives.
    #[must_use]
    pub fn lock(&self) -> SessionGuard<'_> {
        SessionGuard(self.0.lock())
    }
}

/// A crypto session that several threads can hold; calls on it are serialised, other sessions are not held up. Destroyed
/// meanwhile, it lives until nobody holds it.
#[derive(Debug, Clone)]
pub struct SharedSession(Shared<Object>);

impl SharedSession {
    pub(super) fn new(objects: &Arc<Registry<Object>>, handle: Handle, device: Handle) -> Result<Self> {
        objects.share(Kind::CryptoSession, handle, Some(device)).map(Self).ok_or_else(bad_handle)
    }

    /// The session, for as long as the guard lives. Calls of a device or an adapter may need the session too, so they are not
    /// made with one locked.
    #[must_use]
    pub fn lock(&self) -> SessionGuard<'_> {
        SessionGuard(self.0.lock_for_user())
    }

    /// As [`Self::lock`], for a call of the engine, which locks nothing else meanwhile.
    pub(crate) fn lock_alone(&self) -> SessionGuard<'_> {
        SessionGuard(self.0.lock())
    }
}

/// A crypto session, locked.
#[derive(Debug)]
pub struct SessionGuard<'s>(Locked<'s, Object>);

/// Why there is a session behind a guard.
const IS_SESSION: &str = "the handle was a session's, and what is held stays";

impl Deref for SessionGuard<'_> {
    type Target = CryptoSession;

    fn deref(&self) -> &CryptoSession {
        match &*self.0 {
            Some(Object::CryptoSession(session)) => Some(session),
            _ => None,
        }
        .expect(IS_SESSION)
    }
}

impl DerefMut for SessionGuard<'_> {
    fn deref_mut(&mut self) -> &mut CryptoSession {
        match &mut *self.0 {
            Some(Object::CryptoSession(session)) => Some(session),
            _ => None,
        }
        .expect(IS_SESSION)
    }
}

fn bad_handle() -> Error {
    Kind::CryptoSession.bad_handle()
}
