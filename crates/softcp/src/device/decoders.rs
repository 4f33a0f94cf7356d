//! Decoders of the host: their encrypted buffers. Decoding is the host's.
//!
//! ```text
//!              begin_frame                     the key: the session's, a content key, or one opened from a sealed blob
//!   Idle ───────────────────▶ InFrame ─┐
//!    ▲                         │  ▲    │ decrypt_buffer: each with an IV of its own
//!    └─────────────────────────┘  └────┘
//!              end_frame
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS,
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC, D3D11_DECODER_ENCRYPTION_HW_CENC, GUID, GUID_NULL,
};

use super::{Device, Object};
use crate::blit::Encrypted;
use crate::capability::Capability;
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};
use crate::scheme::{CipherMode, Layout, Stripes};
use crate::session::{DataKey, FrameKey};
use crate::surface::BlitSurfaces;

/// `DXVA_NoEncrypt` of `dxva.h`.
const DXVA_NO_ENCRYPT: GUID = GUID::from_u128(0x1b81_bed0_a0c7_11d3_b984_00c0_4f2e_73c5);

/// `D3D11_VIDEO_DECODER_BUFFER_BITSTREAM`: the buffers that hold slice data.
const BUFFER_BITSTREAM: u32 = 6;

/// `D3D11_VIDEO_DECODER_BUFFER_FILM_GRAIN`: the last type of buffer there is.
const BUFFER_FILM_GRAIN: u32 = 8;

/// `guidConfigBitstreamEncryption`: what encrypts a decoder's buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecoderEncryption {
    /// Nothing (`DXVA_NoEncrypt`).
    None,
    /// AES-CTR under the session that a channel has bound, or content keys of it (`GUID_NULL`, AES-128-CTR, CENC): the
    /// schemes `cenc` and `cens` (D60).
    #[default]
    Ctr,
    /// AES-CBC under the same keys (CBCS, D62): the schemes `cbcs` and `cbc1` (D61). Every capability profile has it (D65).
    Cbc,
    /// AES-CTR under sealed key blobs, each frame naming its session (`D3D11_DECODER_ENCRYPTION_HW_CENC`, D67): `cenc` and
    /// `cens`.
    Sealed,
}

impl DecoderEncryption {
    /// The encryption of a GUID; [`Error::UnsupportedCrypto`] for any other.
    pub fn from_guid(guid: &GUID) -> Result<Self> {
        match *guid {
            DXVA_NO_ENCRYPT => Ok(Self::None),
            GUID_NULL | D3D11_CRYPTO_TYPE_AES128_CTR | D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC => Ok(Self::Ctr),
            D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS => Ok(Self::Cbc),
            D3D11_DECODER_ENCRYPTION_HW_CENC => Ok(Self::Sealed),
            _ => Err(Error::UnsupportedCrypto),
        }
    }

    /// The mode of AES that buffers are encrypted in; none for a decoder without encryption.
    #[must_use]
    pub fn mode(self) -> Option<CipherMode> {
        match self {
            Self::None => None,
            Self::Ctr | Self::Sealed => Some(CipherMode::Ctr),
            Self::Cbc => Some(CipherMode::Cbc),
        }
    }
}

/// A decoder of the host, as the engine knows it.
#[derive(Clone)]
pub(crate) struct Decoder {
    encryption: DecoderEncryption,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    frame: Option<Frame>,
}

/// A frame that has begun: clear, or encrypted under a key of a session.
#[derive(Clone)]
enum Frame {
    Clear,
    /// The session is looked up for each buffer, since no frame outlives its session.
    Encrypted {
        session: Handle,
        key: Arc<FrameKey>,
    },
}

/// One compressed buffer of a frame.
#[derive(Debug, Clone, Copy)]
pub struct DecoderBuffer<'a> {
    /// `D3D11_VIDEO_DECODER_BUFFER_TYPE`.
    pub buffer_type: u32,
    /// The 16 bytes that `pIV` points to; none for a clear buffer.
    pub iv: Option<&'a [u8]>,
    /// Which bytes of an encrypted buffer are encrypted. All, and subsamples, have stripes inside them where there are some.
    pub encrypted: Encrypted<'a>,
    /// The stripes in each encrypted region: the scheme is `cens` or `cbcs`; none: `cenc` or `cbc1`.
    pub stripes: Option<Stripes>,
}

impl Decoder {
    fn new(encryption: DecoderEncryption) -> Self {
        Self { encryption, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside a call leaves the decoder in one of its states, so it can still be used.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("encryption", &self.encryption).finish_non_exhaustive()
    }
}

impl Device {
    /// Registers a decoder that the host has made. The handle is what `VideoDecoderGetHandle` must answer: an
    /// application binds a session to it over an authenticated channel. Error: [`Error::TooManyObjects`].
    pub fn register_decoder(&self, encryption: DecoderEncryption) -> Result<Handle> {
        self.removal.check()?;
        let object = Object::Decoder(Decoder::new(encryption));
        self.insert_with(Kind::Decoder, |_| object)
    }

    /// The host has destroyed the decoder. Error: [`Error::BadHandle`].
    pub fn unregister_decoder(&self, decoder: Handle) -> Result<()> {
        self.destroy(decoder, Kind::Decoder)?;
        self.bindings.end_decoder(decoder);
        Ok(())
    }

    /// What encrypts the decoder's buffers: without encryption there is no key to open. Error: [`Error::BadHandle`].
    pub fn decoder_encryption(&self, decoder: Handle) -> Result<DecoderEncryption> {
        Ok(self.decoder(decoder)?.encryption)
    }

    /// `VideoDecoderBeginFrame`: takes the frame's key. A content key is opened under the session key in force now; with
    /// [`DataKey::Session`] each buffer is under the session key in force then, so that a refresh may lie in between (D70).
    ///
    /// `session` names the session of a frame with a sealed key; every other frame has the one bound to the decoder. A
    /// decoder created without encryption takes no key. The key is the same 16 bytes for AES-CTR and AES-CBC (D62); which of
    /// them it is used in is the decoder's, for every buffer of the frame (D63).
    ///
    /// Idle; `InFrame` afterwards. Errors: [`Error::BadHandle`], [`Error::FrameInProgress`],
    /// [`Error::NoDecoderSession`], [`Error::NoSessionKey`] (D3), [`Error::KeyLost`] (D23), [`Error::NotOffered`].
    pub fn begin_frame(&self, decoder: Handle, session: Option<Handle>, key: &DataKey<'_>) -> Result<()> {
        let object = self.decoder(decoder)?;
        let bound = match (object.encryption, session) {
            (DecoderEncryption::Ctr | DecoderEncryption::Cbc, None) => self.decoder_session(decoder)?,
            (_, named) => named,
        };
        let frame = match object.encryption.mode() {
            None => Frame::Clear,
            Some(mode) => self.encrypted_frame(bound.ok_or(Error::NoDecoderSession)?, key, mode)?,
        };
        let mut state = object.lock();
        if state.frame.is_some() {
            return Err(Error::FrameInProgress);
        }
        state.frame = Some(frame);
        Ok(())
    }

    /// `VideoDecoderSubmitBuffers`, for one buffer: the clear bytes of the source in the destination, which may be the
    /// same memory. A buffer without IV is copied.
    ///
    /// `InFrame`. Errors, none of which writes a byte: [`Error::BadHandle`], also of a session that has been destroyed
    /// since the frame began; [`Error::NoFrame`], [`Error::UnknownBufferType`],
    /// [`Error::BufferNotEncryptable`]; [`Error::WrongSize`] of the IV, which has 16 bytes in every scheme (D64),
    /// [`Error::NoSessionKey`] (D3), [`Error::KeyLost`] (D23), [`Error::SizeMismatch`], [`Error::UnalignedPattern`] (D7),
    /// [`Error::PatternOutsideCenc`] (D68), [`Error::SubsamplesMismatch`] (D64), [`Error::IvNotIncreasing`] (D10, of AES-CTR
    /// only: D69), [`Error::IvOfForgottenKey`] (D31), [`Error::NotOffered`] for a pattern, subsamples or stripes where the profile does not report
    /// `PARTIAL_DECRYPTION` (D71).
    pub fn decrypt_buffer(
        &self,
        decoder: Handle,
        surfaces: BlitSurfaces<'_>,
        buffer: &DecoderBuffer<'_>,
    ) -> Result<()> {
        // The decoder is not locked any more when the session is: no call locks one object under another.
        let frame = self.decoder(decoder)?.lock().frame.clone().ok_or(Error::NoFrame)?;
        if buffer.buffer_type > BUFFER_FILM_GRAIN {
            return Err(Error::UnknownBufferType { buffer_type: buffer.buffer_type });
        }
        let Some(iv) = buffer.iv else { return surfaces.copy() };
        let slice_data_only = self.adapter.state.profile.capabilities.contains(Capability::EncryptSlicedataOnly);
        match frame {
            Frame::Encrypted { session, key } if !slice_data_only || buffer.buffer_type == BUFFER_BITSTREAM => {
                let layout = Layout { encrypted: buffer.encrypted, stripes: buffer.stripes };
                self.crypto_session(session)?.lock_alone().decrypt_buffer(surfaces, &layout, &key, iv)
            }
            _ => Err(Error::BufferNotEncryptable { buffer_type: buffer.buffer_type }),
        }
    }

    /// `VideoDecoderEndFrame`: forgets the frame's key. `InFrame`; `Idle` afterwards. Errors: [`Error::BadHandle`],
    /// [`Error::NoFrame`].
    pub fn end_frame(&self, decoder: Handle) -> Result<()> {
        self.decoder(decoder)?.lock().frame.take().map(|_| ()).ok_or(Error::NoFrame)
    }

    fn encrypted_frame(&self, session: Handle, key: &DataKey<'_>, mode: CipherMode) -> Result<Frame> {
        let key = self.crypto_session(session)?.lock_alone().frame_key(key, mode)?;
        Ok(Frame::Encrypted { session, key: Arc::new(key) })
    }

    /// A live decoder of this device. Errors: [`Error::BadHandle`]; [`Error::DeviceRemoved`].
    fn decoder(&self, handle: Handle) -> Result<Decoder> {
        self.removal.check()?;
        let found = self.adapter.objects.with(Kind::Decoder, handle, Some(self.handle), |object| match object {
            Object::Decoder(decoder) => Some(decoder.clone()),
            _ => None,
        });
        found.flatten().ok_or_else(|| Kind::Decoder.bad_handle())
    }
}
