//! The application's side of a crypto session.
//!
//! ```text
//!                 driver accepted the key exchange
//!                               |
//!                               v
//!       .--------------->  Keyed{key, generation}  <--------------.
//!       |                       |                                 |
//!       |                       | start_refresh(number)           | renegotiate(new key):
//!       |                       v                                 | generation + 1,
//!       '------- RefreshPending{key, generation, number} ---------' number forgotten (D4)
//!         finish_refresh:       |     ^
//!         key XOR number,       '-----'
//!         generation + 1        start_refresh(number): the newer one counts (D2)
//! ```
//!
//! While a refresh is pending, `key` is the old key and stays in force.

use thiserror::Error;

use crate::cipher::DataCipher;
use crate::key_exchange::{KeyExchange, KeyExchangeError, KeyExchangeMessage};
use crate::keys::{ContentKey, KEY_SIZE, ReadBackKey, RefreshNumber, SessionKey, WrappedContentKey};
use crate::random::Random;
use crate::sample::{SampleCipher, Scheme};
use crate::trust::VerifiedCertificate;

/// A session whose key the driver has: the mirror of the driver's state.
///
/// Call each method next to the driver call of the same name, so that both sides change keys between the same two
/// buffers. Every method works in both states; only [`finish_refresh`](Self::finish_refresh) needs a pending refresh.
#[derive(Debug)]
pub struct ClientSession {
    state: State,
}

#[derive(Debug)]
enum State {
    Keyed(Keyed),
    RefreshPending(Keyed, RefreshNumber),
}

/// The session key in force.
#[derive(Debug)]
struct Keyed {
    key: SessionKey,
    generation: u64,
}

impl ClientSession {
    /// The session after the driver accepted `exchange`.
    #[must_use]
    pub fn new(exchange: KeyExchange) -> Self {
        Self { state: State::Keyed(Keyed { key: exchange.into_key(), generation: 0 }) }
    }

    /// Makes the key exchange for a new session in one step. Drop the session if the driver refuses the message.
    ///
    /// # Errors
    ///
    /// [`KeyExchangeError`] when there are no random bytes, or the encryption fails.
    pub fn negotiate(
        certificate: &VerifiedCertificate,
        random: &dyn Random,
    ) -> Result<(Self, KeyExchangeMessage), KeyExchangeError> {
        let exchange = KeyExchange::new(certificate, random)?;
        let message = exchange.message().clone();
        Ok((Self::new(exchange), message))
    }

    /// Takes the key of another `exchange` after the driver accepted it, also when the driver had lost its key.
    ///
    /// A pending refresh is forgotten: its number belonged to the old key (D4).
    pub fn renegotiate(&mut self, exchange: KeyExchange) {
        self.state = State::Keyed(Keyed { key: exchange.into_key(), generation: self.generation() + 1 });
    }

    /// Enciphers a content key under the session key in force: the `pContentKey` of `DecryptionBlt`.
    ///
    /// It has to be done again after each [`finish_refresh`](Self::finish_refresh) and
    /// [`renegotiate`](Self::renegotiate).
    #[must_use]
    pub fn wrap_content_key(&self, key: &ContentKey) -> WrappedContentKey {
        self.keyed().key.wrap(key)
    }

    /// Opens the key that `GetEncryptionBltKey` returned, which the driver wrapped under the session key in force.
    #[must_use]
    pub fn read_back_key(&self, wrapped: &[u8; KEY_SIZE]) -> ReadBackKey {
        self.keyed().key.unwrap(wrapped)
    }

    /// The cipher for buffers enciphered under the session key itself: `DecryptionBlt` without a content key, and
    /// `EncryptionBlt` of a driver without read-back keys.
    ///
    /// It stays with the key in force now: take another after each [`finish_refresh`](Self::finish_refresh) and
    /// [`renegotiate`](Self::renegotiate), and with it another [`IvSequence`](crate::IvSequence).
    #[must_use]
    pub fn data_cipher(&self) -> DataCipher {
        self.keyed().key.data_cipher()
    }

    /// The cipher for samples of a decoder's frames under the session key itself. It stays with the key in force now, as
    /// [`data_cipher`](Self::data_cipher) does.
    #[must_use]
    pub fn sample_cipher(&self, scheme: Scheme) -> SampleCipher {
        self.keyed().key.sample_cipher(scheme)
    }

    /// Remembers the random number that `StartSessionKeyRefresh` returned. The key in force does not change yet.
    ///
    /// While a refresh is pending, the newer number replaces the older (D2).
    pub fn start_refresh(&mut self, number: [u8; KEY_SIZE]) {
        let Keyed { key, generation } = self.keyed();
        let keyed = Keyed { key: key.clone(), generation: *generation };
        self.state = State::RefreshPending(keyed, number.into());
    }

    /// Changes to the new session key, the old one XOR the number. Call it when every buffer under the old key has
    /// been submitted, together with `FinishSessionKeyRefresh`; everything after that call is under the new key.
    ///
    /// # Errors
    ///
    /// [`SessionError::NoRefreshPending`] without a [`start_refresh`](Self::start_refresh) since the last change of
    /// keys (D3); nothing changes.
    pub fn finish_refresh(&mut self) -> Result<(), SessionError> {
        let State::RefreshPending(Keyed { key, generation }, number) = &self.state else {
            return Err(SessionError::NoRefreshPending);
        };
        self.state = State::Keyed(Keyed { key: key.refreshed_by(number), generation: generation + 1 });
        Ok(())
    }

    /// Which key is in force: 0 for the first, one more after each change. Two equal numbers mean the same key, so
    /// what was wrapped under it is still good.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.keyed().generation
    }

    /// Whether a refresh has been started and not finished.
    #[must_use]
    pub fn is_refresh_pending(&self) -> bool {
        matches!(self.state, State::RefreshPending(..))
    }

    fn keyed(&self) -> &Keyed {
        match &self.state {
            State::Keyed(keyed) | State::RefreshPending(keyed, _) => keyed,
        }
    }
}

/// Why a session call is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SessionError {
    /// There is no refresh to finish. A driver reports `D3DERR_INVALIDCALL` (0x8876086C) for it (D3).
    #[error("no session key refresh is pending: start one before finishing it")]
    NoRefreshPending,
}
