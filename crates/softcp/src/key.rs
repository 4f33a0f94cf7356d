//! One type per role a key plays. None prints its bytes, all are overwritten when dropped.

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{Error, Result};
use crate::provider::{Mac, Provider};
use crate::scheme::{BufferKey, CipherMode};

/// Bytes of every AES-128 key and of the random number of a session key refresh.
pub const KEY_SIZE: usize = 16;

macro_rules! key_type {
    ($(#[$doc:meta])* $vis:vis $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        $vis struct $name([u8; KEY_SIZE]);

        impl $name {
            /// Takes the 16 key bytes.
            #[must_use]
            $vis fn new(bytes: [u8; KEY_SIZE]) -> Self {
                Self(bytes)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

key_type! {
    /// The key of a crypto session, from the key exchange or a later refresh.
    pub(crate) SessionKey
}
key_type! {
    /// A content key in the clear: what a wrapped content key or a sealed blob opens to.
    pub ContentKey
}
key_type! {
    /// The key under which `EncryptionBlt` encrypts while a separate read-back key is reported.
    pub(crate) ReadBackKey
}
key_type! {
    /// The key of an authenticated channel, from its key exchange.
    pub(crate) ChannelKey
}

macro_rules! enciphers_blits {
    ($($name:ident),*) => {
        $(impl $name {
            /// The expanded key that enciphers blits.
            pub(crate) fn schedule(&self) -> softcp_aes::Key {
                softcp_aes::Key::new(&self.0)
            }
        })*
    };
}

enciphers_blits!(SessionKey, ContentKey, ReadBackKey);

macro_rules! decrypts_buffers {
    ($($name:ident),*) => {
        $(impl $name {
            /// The expanded key that decrypts decoder buffers of AES-CBC.
            pub(crate) fn cbc_schedule(&self) -> softcp_aes::DecryptionKey {
                softcp_aes::DecryptionKey::new(&self.0)
            }
        })*
    };
}

decrypts_buffers!(SessionKey, ContentKey);

impl ChannelKey {
    /// The CMAC under this key that signs a channel's messages.
    pub(crate) fn mac(&self, provider: &Provider) -> Box<dyn Mac> {
        provider.aes.mac(&self.0)
    }
}

impl SessionKey {
    /// Whether both are the same key; takes the same time for every pair.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Becomes `key XOR number`: the session key after a refresh (DDI page `FinishSessionKeyRefresh`).
    pub(crate) fn refresh(&mut self, number: &KeyRefresh) {
        self.0 = (u128::from_ne_bytes(self.0) ^ number.0).to_ne_bytes();
    }
}

impl ContentKey {
    /// The key expanded for a decoder's buffers.
    pub(crate) fn buffer_key(&self, mode: CipherMode) -> BufferKey {
        match mode {
            CipherMode::Ctr => BufferKey::Ctr(self.schedule()),
            CipherMode::Cbc => BufferKey::Cbc(self.cbc_schedule()),
        }
    }

    /// The key, to be sealed.
    pub(crate) fn bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }

    /// Decrypts a wrapped content key with AES-128-ECB under the session key (DDI page `DecryptionBlt`).
    pub(crate) fn unwrap(wrapped: &[u8; KEY_SIZE], session: &SessionKey, provider: &Provider) -> Self {
        let mut key = Self(*wrapped);
        provider.aes.decrypt_block(&session.0, &mut key.0);
        key
    }
}

impl ReadBackKey {
    /// A fresh read-back key from the provider.
    pub(crate) fn generate(provider: &Provider) -> Result<Self> {
        let mut key = Self::new([0; KEY_SIZE]);
        provider.random.fill(&mut key.0).map_err(|_| Error::RandomFailed)?;
        Ok(key)
    }

    /// This key encrypted with AES-128-ECB under the session key (DDI page `GetEncryptionBltKey`).
    pub(crate) fn wrap(&self, session: &SessionKey, provider: &Provider) -> [u8; KEY_SIZE] {
        let mut wrapped = self.0;
        provider.aes.encrypt_block(&session.0, &mut wrapped);
        wrapped
    }
}

/// The random number of a session key refresh between Start and Finish. Its bytes are one number, which is overwritten at
/// once and not byte by byte.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct KeyRefresh(u128);

impl KeyRefresh {
    /// A fresh random number from the provider.
    pub(crate) fn generate(provider: &Provider) -> Result<Self> {
        let mut bytes = [0; KEY_SIZE];
        provider.random.fill(&mut bytes).map_err(|_| Error::RandomFailed)?;
        // The bytes need no overwriting: they go to the application as they are.
        Ok(Self(u128::from_ne_bytes(bytes)))
    }

    /// The same number again, for a fault.
    pub(crate) fn again(&self) -> Self {
        Self(self.0)
    }

    /// The number as the application receives it.
    pub(crate) fn bytes(&self) -> [u8; KEY_SIZE] {
        self.0.to_ne_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshed_key_is_the_xor() {
        let mut key = SessionKey::new([0b1100; 16]);
        key.refresh(&KeyRefresh(u128::from_ne_bytes([0b1010; 16])));
        assert_eq!(key.0, [0b0110; 16]);
    }

    #[test]
    fn debug_shows_no_key_bytes() {
        assert_eq!(format!("{:?}", SessionKey::new([0x42; 16])), "SessionKey(..)");
    }
}
