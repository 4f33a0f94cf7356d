//! The key exchange: the key of a session or channel, enciphered to the driver's certificate.

use std::fmt;

use aws_lc_rs::rsa::OAEP_SHA512_MGF1SHA512;
use thiserror::Error;

use crate::keys::{ChannelKey, KEY_SIZE, SessionKey};
use crate::random::{Random, RandomError};
use crate::trust::VerifiedCertificate;

/// The data of `NegotiateCryptoSessionKeyExchange` and `NegotiateAuthenticatedChannelKeyExchange`: a 16-byte key under RSAES-OAEP with SHA-512, MGF1 with SHA-512 and
/// an empty label (RFC 8017 §7.1), for an RSA key of 2048 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyExchangeMessage([u8; Self::SIZE]);

impl KeyExchangeMessage {
    /// Bytes in a message.
    pub const SIZE: usize = 256;

    /// The bytes to pass on.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

impl AsRef<[u8]> for KeyExchangeMessage {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyExchangeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyExchangeMessage").finish_non_exhaustive()
    }
}

/// A new key on its way, for a crypto session or an authenticated channel: made here, not yet accepted by the driver.
///
/// Pass [`message`](Self::message) to `NegotiateCryptoSessionKeyExchange` or `NegotiateAuthenticatedChannelKeyExchange`.
/// If that succeeds, the key is in force: [`ClientSession::new`](crate::ClientSession::new),
/// [`ClientChannel::new`](crate::ClientChannel::new) or the `renegotiate` of the one that exists takes it. If it fails,
/// drop this value; a session or channel that existed goes on with the key it had.
#[derive(Debug)]
pub struct KeyExchange {
    key: SessionKey,
    message: KeyExchangeMessage,
}

impl KeyExchange {
    /// Draws a key and enciphers it to the driver. The certificate is the session's or the channel's: the driver has
    /// one for each crypto type and each type of channel.
    ///
    /// # Errors
    ///
    /// [`KeyExchangeError`] when there are no random bytes, or the encryption fails.
    pub fn new(certificate: &VerifiedCertificate, random: &dyn Random) -> Result<Self, KeyExchangeError> {
        let key = SessionKey::generate(random)?;
        let message = encipher(certificate, key.as_bytes())?;
        Ok(Self { key, message })
    }

    /// What to send to the driver.
    #[must_use]
    pub fn message(&self) -> &KeyExchangeMessage {
        &self.message
    }

    pub(crate) fn into_key(self) -> SessionKey {
        self.key
    }

    pub(crate) fn into_channel_key(self) -> ChannelKey {
        self.key.into_channel_key()
    }
}

/// Why no key could be sent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyExchangeError {
    /// There are no random bytes for the key.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// RSAES-OAEP failed; with a verified 2048-bit key, for want of memory or random bytes.
    #[error("RSAES-OAEP encryption failed")]
    Encryption,
}

fn encipher(certificate: &VerifiedCertificate, key: &[u8; KEY_SIZE]) -> Result<KeyExchangeMessage, KeyExchangeError> {
    let mut message = [0; KeyExchangeMessage::SIZE];
    let written = certificate
        .key()
        .encrypt(&OAEP_SHA512_MGF1SHA512, key, &mut message, None)
        .map_err(|_| KeyExchangeError::Encryption)?
        .len();
    if written == KeyExchangeMessage::SIZE {
        Ok(KeyExchangeMessage(message))
    } else {
        Err(KeyExchangeError::Encryption)
    }
}
