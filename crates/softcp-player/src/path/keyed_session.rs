//! A session on its way through a file: wrapped content keys, read-backs, refreshes, and lost keys.

use std::collections::HashMap;

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV;
use softcp_cenc::KeyId;
use softcp_client::{AesCtrIv, ContentKey, DataCipher, WrappedContentKey};
use softcp_runtime::{ContentProtectionCaps, EncryptedBlockInfo, Error, SessionStatus};

use super::PathError;
use super::pool::{Buffers, Clear};
use crate::session::OpenSession;

/// A session, and what is remembered for its next blits.
#[derive(Debug)]
pub(super) struct KeyedSession<'p> {
    open: OpenSession<'p>,
    /// The content key wrapped last, with the session key's generation it was wrapped under.
    wrapped: Option<(KeyId, u64, WrappedContentKey)>,
    /// What opens read-backs; made when first needed.
    read_back: Option<DataCipher>,
    /// The last IV under each key, where the driver wants them to increase (D10): to explain a refusal.
    last_ivs: Option<HashMap<KeyId, AesCtrIv>>,
    refreshes: u64,
    recoveries: u64,
}

/// The key of a blit.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlitKey<'a> {
    pub(super) kid: KeyId,
    pub(super) key: &'a ContentKey,
}

impl<'p> KeyedSession<'p> {
    pub(super) fn new(open: OpenSession<'p>, caps: &ContentProtectionCaps) -> Self {
        let must_increase = caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV);
        let last_ivs = must_increase.then(HashMap::new);
        Self { open, wrapped: None, read_back: None, last_ivs, refreshes: 0, recoveries: 0 }
    }

    /// Decrypts the staging buffer, and hands out the clear bytes, of which the first `len` count.
    ///
    /// A driver that has lost the session key gets a new one, and the blit is repeated (D23).
    pub(super) fn blit<'b>(
        &mut self,
        buffers: &'b mut Buffers,
        key: BlitKey<'_>,
        info: Option<EncryptedBlockInfo>,
        iv: AesCtrIv,
        len: usize,
    ) -> Result<Clear<'b>, PathError> {
        let read_back_iv = match self.try_blit(buffers, key, info, iv) {
            Err(error) => {
                self.recover_from(error)?;
                self.try_blit(buffers, key, info, iv)?
            }
            Ok(read_back_iv) => read_back_iv,
        };
        let size = buffers.size();
        match (&mut buffers.read_back, read_back_iv, &self.read_back) {
            (Some(read_back), Some(iv), Some(cipher)) => {
                let mapping = read_back.map_read_write()?;
                Clear::read_back(mapping, size, |bytes| cipher.stream(iv).apply(&mut bytes[..len]))
            }
            _ => Clear::destination(buffers.destination.map_read()?, size),
        }
    }

    /// `StartSessionKeyRefresh` on both sides. The old key stays in force until [`finish_refresh`](Self::finish_refresh).
    pub(super) fn start_refresh(&mut self) -> Result<(), PathError> {
        // A new key needs no refresh.
        self.open.start_refresh().or_else(|error| self.recover_from(error))
    }

    /// `FinishSessionKeyRefresh` on both sides.
    pub(super) fn finish_refresh(&mut self) -> Result<(), PathError> {
        if let Err(error) = self.open.finish_refresh() {
            return self.recover_from(error);
        }
        self.refreshes += 1;
        if !self.open.has_read_back_key() {
            self.read_back = None;
        }
        Ok(())
    }

    /// Whether a refresh has been started and not finished.
    pub(super) fn is_refresh_pending(&self) -> bool {
        self.open.client().is_refresh_pending()
    }

    /// Refreshes finished.
    pub(super) fn refreshes(&self) -> u64 {
        self.refreshes
    }

    /// Key exchanges repeated.
    pub(super) fn recoveries(&self) -> u64 {
        self.recoveries
    }

    /// Whether the certificate was checked against a root.
    pub(super) fn is_certificate_verified(&self) -> bool {
        self.open.is_certificate_verified()
    }

    /// One decryption blit, and for a protected destination the read-back, whose IV is returned.
    fn try_blit(
        &mut self,
        buffers: &Buffers,
        key: BlitKey<'_>,
        info: Option<EncryptedBlockInfo>,
        iv: AesCtrIv,
    ) -> Result<Option<AesCtrIv>, PathError> {
        let wrapped = self.wrap(key);
        let bytes = iv.to_bytes();
        let content_key = Some(wrapped.as_bytes().as_slice());
        self.open
            .session()
            .decryption_blt(&buffers.staging, &buffers.destination, info, content_key, &bytes)
            .map_err(|error| self.explain(error, key.kid, iv))?;
        if let Some(last_ivs) = &mut self.last_ivs {
            last_ivs.insert(key.kid, iv);
        }
        let Some(read_back) = &buffers.read_back else { return Ok(None) };
        if self.read_back.is_none() {
            self.read_back = Some(self.open.read_back_cipher()?);
        }
        let iv = self.open.session().encryption_blt(&buffers.destination, read_back)?;
        Ok(Some(AesCtrIv::from_bytes(iv)))
    }

    /// The content key under the session key in force.
    fn wrap(&mut self, BlitKey { kid, key }: BlitKey<'_>) -> WrappedContentKey {
        let generation = self.open.client().generation();
        match self.wrapped {
            Some((of, under, wrapped)) if of == kid && under == generation => wrapped,
            _ => {
                let wrapped = self.open.client().wrap_content_key(key);
                self.wrapped = Some((kid, generation, wrapped));
                wrapped
            }
        }
    }

    /// Negotiates a new key if the session lost its own; else `error` stands.
    fn recover_from(&mut self, error: PathError) -> Result<(), PathError> {
        // A driver whose table is older than WDDM 2.0 cannot say that it lost a key.
        let status = self.open.session().status();
        if !matches!(status, Ok(SessionStatus::KeyLost | SessionStatus::KeyAndContentLost)) {
            return Err(error);
        }
        self.open.renegotiate()?;
        self.read_back = None;
        self.recoveries += 1;
        Ok(())
    }

    /// Says why a blit was refused where the reason is an IV that does not increase.
    fn explain(&self, error: Error, kid: KeyId, iv: AesCtrIv) -> PathError {
        let last = self.last_ivs.as_ref().and_then(|last_ivs| last_ivs.get(&kid));
        match error {
            Error::Driver(refusal) if last.is_some_and(|last| (iv.iv, iv.count) <= (last.iv, last.count)) => {
                PathError::IvNotIncreasing { kid, refusal }
            }
            error => error.into(),
        }
    }
}
