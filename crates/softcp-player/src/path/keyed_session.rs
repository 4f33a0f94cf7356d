//! A session on its way through a file: content keys, wrapped or sealed, read-backs, refreshes, and lost keys.

use std::collections::HashMap;
use std::sync::Arc;

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV;
use softcp_cenc::KeyId;
use softcp_client::clear_key::SealedKey;
use softcp_client::{AesCtrIv, ContentKey, DataCipher, WrappedContentKey};
use softcp_runtime::{
    CompressedBuffer, ContentProtectionCaps, EncryptedBlockInfo, EncryptedBytes, Error, SessionStatus,
};

use super::PathError;
use super::pool::{Blitted, Buffers};
use super::seal::Seal;
use crate::incident::Remedy;
use crate::keys::ContentKeys;
use crate::licence::MAX_ATTEMPTS;
use crate::session::{OpenSession, SampleKey};

/// Refreshes that may be refused one after the other: content must not stay under one key for ever.
const MAX_REFUSED: u32 = 16;

/// A session, and what is remembered for its next blits.
#[derive(Debug)]
pub(super) struct KeyedSession<'p> {
    open: OpenSession<'p>,
    keys: ContentKeys<'p>,
    /// The content key wrapped last, with the session key's generation it was wrapped under.
    wrapped: Option<(KeyId, u64, WrappedContentKey)>,
    /// The provisioning that the sealed key of the last blit belonged to.
    provisioning: Option<u64>,
    /// What opens read-backs; made when first needed.
    read_back: Option<Arc<DataCipher>>,
    /// The last IV under each key, where the driver wants them to increase (D10): to explain a refusal.
    last_ivs: Option<HashMap<KeyId, AesCtrIv>>,
    refreshes: u64,
    recoveries: u64,
    /// Refreshes refused since the last one that was not.
    refused: u32,
    /// What went wrong and was mended since somebody asked.
    incidents: Vec<(String, Remedy)>,
}

/// `D3D11_VIDEO_DECODER_BUFFER_BITSTREAM`.
const BITSTREAM: u32 = 6;

/// What the driver is to do with the staging buffer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work<'a> {
    /// `DecryptionBlt`: AES-CTR.
    Blit {
        /// Which bytes are encrypted.
        info: Option<EncryptedBlockInfo>,
        /// The first counter block.
        iv: AesCtrIv,
    },
    /// A frame of the decoder: AES-CBC.
    Frame {
        /// Bytes of the buffer that count.
        size: u32,
        /// Which of them are encrypted.
        encrypted: EncryptedBytes<'a>,
        /// The initialization vector.
        iv: [u8; 16],
    },
}

/// A content key as the driver takes it.
enum BlitKey {
    Wrapped(WrappedContentKey),
    Sealed(Arc<SealedKey>),
}

impl BlitKey {
    fn borrowed(&self) -> SampleKey<'_> {
        match self {
            Self::Wrapped(key) => SampleKey::Wrapped(key.as_bytes()),
            Self::Sealed(key) => SampleKey::Sealed(key.as_bytes()),
        }
    }
}

impl<'p> KeyedSession<'p> {
    pub(super) fn new(open: OpenSession<'p>, keys: ContentKeys<'p>, caps: &ContentProtectionCaps) -> Self {
        let must_increase = caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV);
        let last_ivs = must_increase.then(HashMap::new);
        Self {
            open,
            keys,
            wrapped: None,
            provisioning: None,
            read_back: None,
            last_ivs,
            refreshes: 0,
            recoveries: 0,
            refused: 0,
            incidents: Vec::new(),
        }
    }

    /// Decrypts the staging buffer, and hands out what came of it.
    ///
    /// Keys that the driver has lost are set up anew, and the blit is repeated (D23): the staging buffer is as it was. A
    /// driver that keeps losing them is given up.
    pub(super) fn decrypt<'b>(
        &mut self,
        buffers: &'b mut Buffers,
        kid: KeyId,
        work: Work<'_>,
    ) -> Result<Blitted<'b>, PathError> {
        let mut attempts = 1;
        let read_back_iv = loop {
            match self.try_decrypt(buffers, kid, work) {
                Ok(read_back_iv) => break read_back_iv,
                Err(error) if attempts == MAX_ATTEMPTS => return Err(error),
                Err(error) => self.recover_from(error)?,
            }
            attempts += 1;
        };
        let size = buffers.size();
        match (&mut buffers.read_back, read_back_iv, &self.read_back) {
            (Some(read_back), Some(iv), Some(cipher)) => {
                Blitted::read_back(read_back.map_read_write()?, size, Seal::new(Arc::clone(cipher), iv))
            }
            _ => Blitted::clear(buffers.destination.resource_mut().map_read()?, size),
        }
    }

    /// `StartSessionKeyRefresh` on both sides. The old key stays in force until [`finish_refresh`](Self::finish_refresh).
    /// `false` if the driver refuses, and has not done so too often: then the old key stays in force.
    pub(super) fn start_refresh(&mut self) -> Result<bool, PathError> {
        let mut attempts = 1;
        loop {
            match self.open.start_refresh() {
                Ok(()) => break,
                Err(error @ PathError::RepeatedRandomNumber) if attempts < MAX_ATTEMPTS => {
                    self.incidents.push((error.to_string(), Remedy::RefreshAgain));
                }
                Err(error) if self.is_refusal(&error) => {
                    self.refused += 1;
                    self.incidents.push((error.to_string(), Remedy::RefreshLater));
                    return Ok(false);
                }
                Err(error) => {
                    // A new key needs no refresh.
                    self.recover_from(error)?;
                    break;
                }
            }
            attempts += 1;
        }
        self.refused = 0;
        Ok(true)
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

    /// How often keys were set up anew.
    pub(super) fn recoveries(&self) -> u64 {
        self.recoveries
    }

    /// What went wrong and was mended since the last time.
    pub(super) fn take_incidents(&mut self) -> Vec<(String, Remedy)> {
        std::mem::take(&mut self.incidents)
    }

    /// Whether the certificate was checked against a root.
    pub(super) fn is_certificate_verified(&self) -> bool {
        self.open.is_certificate_verified()
    }

    /// One decryption, and for a protected destination the read-back, whose IV is returned.
    fn try_decrypt(&mut self, buffers: &Buffers, kid: KeyId, work: Work<'_>) -> Result<Option<AesCtrIv>, PathError> {
        let key = self.content_key(kid)?;
        let (staging, destination) = (&buffers.staging, buffers.destination.resource());
        match work {
            Work::Blit { info, iv } => {
                let (SampleKey::Wrapped(key) | SampleKey::Sealed(key)) = key.borrowed();
                self.open
                    .session()
                    .decryption_blt(staging, destination, info, Some(key), &iv.to_bytes())
                    .map_err(|error| self.explain(error, kid, iv))?;
                if let Some(last_ivs) = &mut self.last_ivs {
                    last_ivs.insert(kid, iv);
                }
            }
            Work::Frame { size, encrypted, iv } => {
                let buffer =
                    CompressedBuffer { resource: staging, buffer_type: BITSTREAM, size, iv: Some(iv), encrypted };
                self.open.decode(buffers.destination.view(), key.borrowed(), &buffer)?;
            }
        }
        let Some(read_back) = &buffers.read_back else { return Ok(None) };
        if self.read_back.is_none() {
            self.read_back = Some(Arc::new(self.open.read_back_cipher()?));
        }
        let iv = self.open.session().encryption_blt(destination, read_back)?;
        Ok(Some(AesCtrIv::from_bytes(iv)))
    }

    /// The content key: under the session key in force, or sealed.
    fn content_key(&mut self, kid: KeyId) -> Result<BlitKey, PathError> {
        match self.keys {
            ContentKeys::Given(keys) => {
                let key = keys.get(&kid).ok_or(PathError::MissingKey { kid })?;
                Ok(BlitKey::Wrapped(self.wrap(kid, key)))
            }
            ContentKeys::Licensed(keys) => {
                let sealed = keys.sealed_key(kid)?;
                self.provisioning = Some(sealed.provisioning);
                Ok(BlitKey::Sealed(sealed.key))
            }
        }
    }

    fn wrap(&mut self, kid: KeyId, key: &ContentKey) -> WrappedContentKey {
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

    /// Whether the driver said no to a refresh, for now, and the key in force is as it was.
    fn is_refusal(&mut self, error: &PathError) -> bool {
        matches!(error, PathError::Driver(Error::Driver(_)))
            && self.refused < MAX_REFUSED
            && matches!(self.open.session().status(), Ok(SessionStatus::Ok))
    }

    /// Sets up anew what the driver has lost; `error` stands if that is nothing. Keys may be lost again meanwhile.
    fn recover_from(&mut self, mut error: PathError) -> Result<(), PathError> {
        for _ in 0..MAX_ATTEMPTS {
            match self.restore(&error) {
                Ok(false) => return Err(error),
                Ok(true) => {
                    self.recoveries += 1;
                    self.incidents.push((error.to_string(), Remedy::NewKeys));
                    return Ok(());
                }
                Err(again) => error = again,
            }
        }
        Err(error)
    }

    /// Whether anything was lost, and is there again. The licence comes first: the session key is of no use without it.
    fn restore(&mut self, error: &PathError) -> Result<bool, PathError> {
        let mut is_lost = match self.keys {
            ContentKeys::Given(_) => false,
            // Not only the status tells: another path may have restored the environment, which this one's sealed key
            // does not belong to any more.
            ContentKeys::Licensed(keys) => {
                let forgotten = matches!(error, PathError::Licence(failure) if failure.is_loss());
                let restored = keys.restore()?;
                self.provisioning.is_some_and(|used| used != restored) || forgotten
            }
        };
        // A driver whose table is older than WDDM 2.0 cannot say that it lost a key.
        let status = self.open.session().status();
        if matches!(status, Ok(SessionStatus::KeyLost | SessionStatus::KeyAndContentLost)) {
            is_lost = true;
            self.read_back = None;
            match &mut self.last_ivs {
                None => self.open.renegotiate()?,
                // The sample's IV may have been used, and the session would remember it (D10).
                Some(last_ivs) => {
                    self.open.recreate()?;
                    last_ivs.clear();
                }
            }
        }
        Ok(is_lost)
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
