//! Which session authenticated channels have bound to which decoder (`CONFIGURE_CRYPTO_SESSION`).
//!
//! Bindings lie beside the objects that they name, under a lock of their own, so that a call on a channel locks neither
//! decoder nor session. Whether those are live is read from the registry, which takes no lock. Nothing is locked while this
//! lock is held.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Device;
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};

/// The bindings of a device's decoders, by decoder. May hold some of objects that have ended, which count no more.
#[derive(Debug, Default)]
pub(super) struct Bindings(Mutex<HashMap<Handle, Bound>>);

/// A session, and the channel that bound it.
#[derive(Debug, Clone, Copy)]
struct Bound {
    channel: Handle,
    session: Handle,
}

impl Bindings {
    /// A decoder has ended.
    pub(super) fn end_decoder(&self, decoder: Handle) {
        self.lock().remove(&decoder);
    }

    /// A session has ended: a later one may get the same handle.
    pub(super) fn end_session(&self, session: Handle) {
        self.lock().retain(|_, bound| bound.session != session);
    }

    /// A channel has ended, and with it what it has bound.
    pub(super) fn end_channel(&self, channel: Handle) {
        self.lock().retain(|_, bound| bound.channel != channel);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Handle, Bound>> {
        // Nothing panics half-way while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    /// The session that an authenticated channel has bound to the decoder; none before that, and after the session or the
    /// channel is destroyed. Errors: [`Error::BadHandle`]; [`Error::DeviceRemoved`].
    pub fn decoder_session(&self, decoder: Handle) -> Result<Option<Handle>> {
        self.check_live(decoder, Kind::Decoder)?;
        let bound = self.bindings.lock().get(&decoder).copied();
        Ok(bound.filter(|bound| self.is_in_force(bound)).map(|bound| bound.session))
    }

    /// `CONFIGURE_CRYPTO_SESSION`: binds a live session to a live decoder, in place of the one before, from the next frame
    /// on. Errors: [`Error::BadHandle`]; [`Error::HeldByAnother`] when another channel has bound one.
    pub(super) fn bind_decoder(&self, channel: Handle, decoder: Handle, session: Handle) -> Result<()> {
        let mut bindings = self.bindings.lock();
        // Looked at under the lock: what ends now ends its bindings afterwards.
        self.check_live(decoder, Kind::Decoder)?;
        self.check_live(session, Kind::CryptoSession)?;
        if bindings.get(&decoder).is_some_and(|held| held.channel != channel && self.is_in_force(held)) {
            return Err(Error::HeldByAnother("the decoder's session"));
        }
        bindings.insert(decoder, Bound { channel, session });
        Ok(())
    }

    fn is_in_force(&self, bound: &Bound) -> bool {
        self.is_live(bound.channel, Kind::AuthenticatedChannel) && self.is_live(bound.session, Kind::CryptoSession)
    }
}
