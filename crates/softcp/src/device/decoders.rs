//! Decoders of the host: here they are handles to which a channel binds a session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Device, Object};
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};

/// The session that a decoder uses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Binding(Arc<Mutex<Option<Bound>>>);

/// A session, and the channel that bound it.
#[derive(Debug, Clone, Copy)]
struct Bound {
    channel: Handle,
    session: Handle,
}

impl Binding {
    fn lock(&self) -> MutexGuard<'_, Option<Bound>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    /// Registers a decoder that the host has made. The handle is what `VideoDecoderGetHandle` must answer: an
    /// application binds a session to it over an authenticated channel. Error:
    /// [`Error::TooManyObjects`](crate::Error::TooManyObjects).
    pub fn register_decoder(&self) -> Result<Handle> {
        let object = Object::Decoder { device: self.handle, binding: Binding::default() };
        self.adapter.objects.insert_with(Kind::Decoder, |_| object)
    }

    /// The host has destroyed the decoder. Error: [`Error::BadHandle`](crate::Error::BadHandle).
    pub fn unregister_decoder(&self, decoder: Handle) -> Result<()> {
        self.destroy(decoder, Kind::Decoder, |object| matches!(object, Object::Decoder { .. }))
    }

    /// The session that an authenticated channel has bound to the decoder; none before that, and after the session or the
    /// channel is destroyed. Error: [`Error::BadHandle`](crate::Error::BadHandle).
    pub fn decoder_session(&self, decoder: Handle) -> Result<Option<Handle>> {
        let bound = *self.binding(decoder)?.lock();
        Ok(bound.filter(|bound| self.is_live(bound)).map(|bound| bound.session))
    }

    /// `CONFIGURE_CRYPTO_SESSION`: binds a live session to a live decoder, in place of the one before. Errors:
    /// [`Error::BadHandle`]; [`Error::HeldByAnother`] when another channel has bound one.
    pub(super) fn bind_decoder(&self, channel: Handle, decoder: Handle, session: Handle) -> Result<()> {
        let binding = self.binding(decoder)?;
        self.crypto_session(session)?;
        let mut bound = binding.lock();
        if bound.is_some_and(|held| held.channel != channel && self.is_live(&held)) {
            return Err(Error::HeldByAnother("the decoder's session"));
        }
        *bound = Some(Bound { channel, session });
        Ok(())
    }

    fn is_live(&self, bound: &Bound) -> bool {
        self.object(bound.channel).is_some() && self.crypto_session(bound.session).is_ok()
    }

    fn binding(&self, decoder: Handle) -> Result<Binding> {
        match self.object(decoder) {
            Some(Object::Decoder { binding, .. }) => Ok(binding),
            _ => Err(Kind::Decoder.bad_handle()),
        }
    }
}
