//! Crypto sessions: one protected stream, its keys and its blits.
//!
//! The states and the transitions between them are drawn in `state.rs`. Every method here says which states accept it;
//! "keyed" means `Keyed` or `RefreshPending`.
//!
//! Faults on purpose (`faults/`) come before a call has any effect. Where they are set, key exchanges can also be
//! [`Error::OutOfMemory`] and [`Error::DeviceRemoved`], and every other call that needs a key [`Error::TornDown`] and
//! [`Error::DeviceRemoved`].

use std::sync::Arc;

use softcp_abi::{D3D11_KEY_EXCHANGE_HW_PROTECTION, GUID};

use crate::adapter::AdapterState;
use crate::blit::{self, Encrypted, EncryptedBlockInfo};
use crate::capability::Capability;
use crate::device::{Protection, Removal};
use crate::error::{Error, Result};
use crate::faults::Fault;
use crate::iv::{AesCtrIv, iv_bytes};
use crate::key::{ContentKey, KEY_SIZE, KeyRefresh, ReadBackKey, SessionKey};
use crate::scheme::{BufferKey, BufferKeyRef, CipherMode, Layout};
use crate::surface::{BlitSurfaces, SurfaceFlags};

mod content_keys;
mod iv_history;
mod state;

#[cfg(test)]
mod tests;

use iv_history::{ApplicationIvs, ReadBackIvs};
use state::State;

/// `D3D11_1DDIARG_CREATECRYPTOSESSION`: what a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoSessionDesc {
    /// `D3D11_CRYPTO_TYPE_AES128_CTR`.
    pub crypto_type: GUID,
    /// The decode profile, or all zero when nothing is decoded.
    pub decode_profile: GUID,
    /// `D3D11_KEY_EXCHANGE_RSAES_OAEP`; or, where the profile reports `HARDWARE_DRM_COMMUNICATION`,
    /// `D3D11_KEY_EXCHANGE_HW_PROTECTION` for a session that carries commands; or, where the profile allows it (D29), the
    /// crypto type.
    pub key_exchange_type: GUID,
}

impl CryptoSessionDesc {
    /// Whether the session only carries commands to the secure environment.
    #[must_use]
    pub fn carries_commands(&self) -> bool {
        self.key_exchange_type == D3D11_KEY_EXCHANGE_HW_PROTECTION
    }
}

/// `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStatus {
    /// Nothing was lost.
    Ok,
    /// The key was lost; a new key exchange restores `Ok` (D23).
    KeyLost,
    /// The key and the protected content were lost.
    KeyAndContentLost,
}

/// Which key a `DecryptionBlt` decrypts with.
#[derive(Debug)]
pub enum DataKey<'a> {
    /// The session key itself: `pContentKey` was null.
    Session,
    /// A content key, encrypted with AES-128-ECB under the session key.
    Wrapped(&'a [u8; KEY_SIZE]),
    /// A content key that the host opened from a sealed blob (D28).
    Unwrapped(ContentKey),
}

/// The key of a decoder's frame.
pub(crate) struct FrameKey {
    /// The mode of the decoder, which every buffer of the frame has (D63).
    mode: CipherMode,
    /// A content key, or none for the session key in force.
    content_key: Option<Box<BufferKey>>,
    /// Teardowns that the session had met when the frame began: one more has taken the content key.
    losses: u64,
}

/// One crypto session. Calls on it need `&mut`: whoever shares a session serialises the calls.
pub struct CryptoSession {
    adapter: Arc<AdapterState>,
    protection: Arc<Protection>,
    desc: CryptoSessionDesc,
    state: State,
    /// The IVs of `DecryptionBlt` and of decoders' buffers. Empty unless IVs must increase (D10).
    application_ivs: ApplicationIvs,
    /// The IVs of `EncryptionBlt` under session keys that have ended.
    read_back_ivs: ReadBackIvs,
    /// Teardowns that the session has met.
    losses: u64,
    /// The number of the last refresh, kept only while it may be wanted again by a fault.
    last_number: Option<KeyRefresh>,
    removal: Arc<Removal>,
}

impl CryptoSession {
    pub(crate) fn new(
        adapter: Arc<AdapterState>,
        protection: Arc<Protection>,
        removal: Arc<Removal>,
        desc: CryptoSessionDesc,
    ) -> Self {
        let state =
            if adapter.has_hardware_keys(&desc) { State::hardware(desc.carries_commands()) } else { State::Created };
        Self {
            adapter,
            protection,
            desc,
            state,
            application_ivs: ApplicationIvs::default(),
            read_back_ivs: ReadBackIvs::default(),
            losses: 0,
            last_number: None,
            removal,
        }
    }

    /// What the session was created for. Any state.
    #[must_use]
    pub fn desc(&self) -> &CryptoSessionDesc {
        &self.desc
    }

    /// Checks that no teardown has taken the session's keys: what comes before a sealed key is opened, which a torn-down
    /// environment no longer does. Error: [`Error::KeyLost`] (D23).
    pub fn check_not_lost(&self) -> Result<()> {
        if self.status() == SessionStatus::Ok { Ok(()) } else { Err(Error::KeyLost) }
    }

    /// Whether key or content were lost. Any state; a session without a key is `Ok`, unless its keys come from the
    /// secure environment and that was torn down.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        match &self.state {
            State::Created | State::Hardware(_) | State::Keyed(_) | State::RefreshPending(_) => SessionStatus::Ok,
            State::Lost(lost) if lost.content => SessionStatus::KeyAndContentLost,
            State::Lost(_) => SessionStatus::KeyLost,
        }
    }

    /// How many keys the session has had: 0 before the first key exchange, one more after every exchange and refresh.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.state.generation()
    }

    /// `NegotiateCryptoSessionKeyExchange`: `message` is the session key, encrypted by the application with
    /// RSAES-OAEP (SHA-512, MGF1-SHA-512, empty label) to the certificate's key; exactly 256 bytes.
    ///
    /// Any state; the session is `Keyed` afterwards. Errors: [`Error::CommandSession`]; [`Error::WrongSize`];
    /// [`Error::KeyExchangeFailed`] for everything else that is wrong with the message, without saying what (D22); then
    /// the state is unchanged.
    pub fn negotiate(&mut self, message: &[u8]) -> Result<()> {
        if self.desc.carries_commands() {
            return Err(Error::CommandSession);
        }
        self.removal.check_call(&self.adapter.faults)?;
        let key = SessionKey::new(*self.adapter.exchanged_key(message)?);
        let keyed = self.state.negotiated(key, &mut self.read_back_ivs);
        if self.adapter.profile.has(Capability::SequentialCtrIv) {
            self.application_ivs.exchanged(&keyed.schedule);
        }
        Ok(())
    }

    /// `StartSessionKeyRefresh`: makes a random number, remembers it and writes it to `number`, 16 bytes. The old key
    /// stays in force until [`Self::finish_key_refresh`]; a second Start replaces the number (D2).
    ///
    /// Keyed; `RefreshPending` afterwards. Errors: [`Error::NotOffered`], [`Error::WrongSize`] (D1),
    /// [`Error::NoSessionKey`] (D3), [`Error::KeyLost`] (D23), [`Error::RandomFailed`], by a fault
    /// [`Error::RefreshRefused`]; then `number` keeps its bytes.
    pub fn start_key_refresh(&mut self, number: &mut [u8]) -> Result<()> {
        self.require(Capability::FreshenSessionKey)?;
        self.meet_loss()?;
        let out = key_sized("the random number", number)?;
        self.state.keyed()?;
        let refresh = self.refresh_number()?;
        let bytes = refresh.bytes();
        self.state.start_refresh(refresh)?;
        *out = bytes;
        Ok(())
    }

    /// `FinishSessionKeyRefresh`: the session key becomes the old one XOR the number; everything after this call is
    /// under the new key.
    ///
    /// `RefreshPending`; `Keyed` afterwards. Errors: [`Error::NotOffered`], [`Error::NoRefreshPending`] and
    /// [`Error::NoSessionKey`] (D3, D4), [`Error::KeyLost`] (D23); then the key is unchanged.
    pub fn finish_key_refresh(&mut self) -> Result<()> {
        self.require(Capability::FreshenSessionKey)?;
        self.meet_loss()?;
        let keyed = self.state.finish_refresh(&mut self.read_back_ivs)?;
        if self.adapter.profile.has(Capability::SequentialCtrIv) {
            self.application_ivs.refreshed(&keyed.schedule);
        }
        Ok(())
    }

    /// `DecryptionBlt`: reads ciphertext from the source and writes clear bytes to the destination.
    ///
    /// Keyed; with an opened sealed key also `Hardware`, in a media session. `iv` is the 16 bytes that `pIV` points to; it may
    /// be empty where `info` leaves every byte clear (D38). `info` none means that everything is encrypted. Errors, none of which writes a byte: [`Error::NotOffered`] (also
    /// for a content key or block information that the profile does not report), [`Error::WrongSize`] of the IV,
    /// [`Error::NoSessionKey`] (D3), [`Error::KeyLost`] (D23), [`Error::SizeMismatch`], [`Error::FormatMismatch`],
    /// [`Error::Multisampled`] destination, [`Error::NotProtected`] destination (D19), [`Error::UnalignedPattern`]
    /// (D7), [`Error::IvNotIncreasing`] (D10), [`Error::IvOfForgottenKey`] (D31).
    pub fn decryption_blt(
        &mut self,
        mut surfaces: BlitSurfaces<'_>,
        info: Option<EncryptedBlockInfo>,
        data_key: &DataKey<'_>,
        iv: &[u8],
    ) -> Result<()> {
        self.require(Capability::DecryptionBlt)?;
        if info.is_some() {
            self.require(Capability::PartialDecryption)?;
        }
        if !matches!(data_key, DataKey::Session) {
            self.require(Capability::ContentKey)?;
        }
        self.meet_loss()?;
        // Without a byte to decrypt there is nothing that needs an IV.
        let iv =
            if iv.is_empty() && info.is_some_and(|info| info.is_clear()) { None } else { Some(AesCtrIv::parse(iv)?) };
        self.state.allows(data_key)?;
        surfaces.check_agreement()?;
        self.check_protected_side(surfaces.destination_flags(), "destination")?;
        let encrypted = info.map_or(Encrypted::All, Encrypted::Pattern);
        encrypted.check(self.adapter.profile.block_alignment, &surfaces)?;
        let unwrapped;
        let schedule = match data_key {
            DataKey::Session => &self.state.keyed()?.schedule,
            DataKey::Wrapped(wrapped) => self.state.keyed_mut()?.content_key(wrapped, &self.adapter.provider),
            DataKey::Unwrapped(key) => {
                unwrapped = key.schedule();
                &unwrapped
            }
        };
        if let Some(iv) = iv
            && self.adapter.profile.has(Capability::SequentialCtrIv)
        {
            self.application_ivs.use_iv(schedule, iv)?;
        }
        blit::run(&mut surfaces, encrypted, schedule, iv.unwrap_or_default(), &self.adapter.workers);
        Ok(())
    }

    /// The key of a decoder's frame, for buffers of `mode`. A content key is opened now, under the session key in force; the
    /// session key itself is the one in force at each buffer. Keyed. Errors: [`Error::NotOffered`], [`Error::NoSessionKey`],
    /// [`Error::KeyLost`].
    pub(crate) fn frame_key(&mut self, data_key: &DataKey<'_>, mode: CipherMode) -> Result<FrameKey> {
        self.meet_loss()?;
        self.state.allows(data_key)?;
        let content_key = match data_key {
            DataKey::Session => return Ok(FrameKey { mode, content_key: None, losses: self.losses }),
            DataKey::Wrapped(wrapped) => self.state.keyed_mut()?.frame_key(wrapped, mode, &self.adapter.provider),
            DataKey::Unwrapped(key) => key.buffer_key(mode),
        };
        self.require(Capability::ContentKey)?;
        Ok(FrameKey { mode, content_key: Some(Box::new(content_key)), losses: self.losses })
    }

    /// Decrypts one buffer of a decoder's frame. Keyed. Errors, none of which writes a byte: those of
    /// [`Self::decryption_blt`] about IV, sizes, pattern and key, [`Error::SubsamplesMismatch`] and
    /// [`Error::PatternOutsideCenc`]. IVs of AES-CBC have no order (D69).
    pub(crate) fn decrypt_buffer(
        &mut self,
        mut surfaces: BlitSurfaces<'_>,
        layout: &Layout<'_>,
        key: &FrameKey,
        iv: &[u8],
    ) -> Result<()> {
        if layout.is_partial() {
            self.require(Capability::PartialDecryption)?;
        }
        self.meet_loss()?;
        let iv = iv_bytes(iv)?;
        let buffer_key = match key.content_key.as_deref() {
            Some(_) if key.losses != self.losses => return Err(Error::KeyLost),
            Some(content_key) => self.state.allows_unwrapped().map(|()| content_key.borrowed())?,
            None => self.state.keyed_mut()?.buffer_key(key.mode),
        };
        surfaces.check_agreement()?;
        layout.check(key.mode, self.adapter.profile.block_alignment, &surfaces)?;
        if let BufferKeyRef::Ctr(schedule) = buffer_key
            && self.adapter.profile.has(Capability::SequentialCtrIv)
        {
            self.application_ivs.use_iv(schedule, AesCtrIv::from_bytes(&iv))?;
        }
        layout.decrypt(&mut surfaces, buffer_key, iv, &self.adapter.workers);
        Ok(())
    }

    /// `EncryptionBlt`: reads clear bytes from a protected surface and writes them encrypted, under the read-back key
    /// where one is reported, else under the session key. The 16 bytes of `iv` receive the IV that the driver chose
    /// (D11, D26), or hold the caller's where that quirk is configured.
    ///
    /// Keyed. Errors, none of which writes a byte: [`Error::NotOffered`], [`Error::WrongSize`] of the IV,
    /// [`Error::NoSessionKey`] (D3), [`Error::KeyLost`] (D23), [`Error::NoReadBackKey`] (D12),
    /// [`Error::SizeMismatch`], [`Error::FormatMismatch`], [`Error::Multisampled`] source, [`Error::NotProtected`]
    /// source (D19), [`Error::IvExhausted`] (D11), [`Error::IvNotIncreasing`] (D26), [`Error::RandomFailed`].
    pub fn encryption_blt(&mut self, mut surfaces: BlitSurfaces<'_>, iv: &mut [u8]) -> Result<()> {
        self.require(Capability::EncryptedReadBack)?;
        self.meet_loss()?;
        let caller_iv = AesCtrIv::parse(iv)?;
        self.state.keyed()?;
        surfaces.check_agreement()?;
        self.check_protected_side(surfaces.source_flags(), "source")?;
        let keyed = self.state.keyed_mut()?;
        let (schedule, ivs) = if self.adapter.profile.capabilities.contains(Capability::EncryptedReadBackKey) {
            let read_back = keyed.read_back.as_mut().ok_or(Error::NoReadBackKey)?;
            (&read_back.schedule, &mut read_back.ivs)
        } else {
            (&keyed.schedule, &mut keyed.ivs)
        };
        let used = if self.adapter.caller_iv {
            ivs.check(caller_iv)?;
            caller_iv
        } else {
            ivs.next(&self.adapter.provider, self.adapter.first_read_back_iv)?
        };
        ivs.commit(used);
        blit::run(&mut surfaces, Encrypted::All, schedule, used, &self.adapter.workers);
        iv.copy_from_slice(&used.to_bytes());
        Ok(())
    }

    /// `GetEncryptionBltKey`: makes a new read-back key and writes it to `key`, 16 bytes, encrypted with AES-128-ECB
    /// under the session key.
    ///
    /// Keyed. Errors: [`Error::NotOffered`], [`Error::WrongSize`] (D1), [`Error::NoSessionKey`] (D3),
    /// [`Error::KeyLost`] (D23), [`Error::RandomFailed`]; then `key` keeps its bytes and the old read-back key stays.
    pub fn encryption_blt_key(&mut self, key: &mut [u8]) -> Result<()> {
        self.require(Capability::EncryptedReadBackKey)?;
        self.meet_loss()?;
        let out = key_sized("the read-back key", key)?;
        let keyed = self.state.keyed_mut()?;
        let read_back = ReadBackKey::generate(&self.adapter.provider)?;
        *out = keyed.set_read_back(&read_back, &self.adapter.provider);
        Ok(())
    }

    /// A teardown took the key, and with `content` the protected content too (D23). Any state; a keyed session, and one
    /// whose keys come from the secure environment, is `Lost` afterwards, one without a key has nothing to lose.
    ///
    /// Says whether anything was lost: then, with `content`, the host fills its protected resources with zeros.
    pub fn invalidate(&mut self, content: bool) -> bool {
        self.losses += 1;
        self.state.lose(content, &mut self.read_back_ivs)
    }

    /// How many teardowns a command session has met. Error: [`Error::NoCommandSession`].
    pub(crate) fn losses_of_command_session(&self) -> Result<u64> {
        if self.desc.carries_commands() { Ok(self.losses) } else { Err(Error::NoCommandSession) }
    }

    /// How many teardowns a session has met whose keys come from the secure environment. Error:
    /// [`Error::NoHardwareKey`].
    pub(crate) fn losses_of_hardware_session(&self) -> Result<u64> {
        if self.adapter.has_hardware_keys(&self.desc) { Ok(self.losses) } else { Err(Error::NoHardwareKey) }
    }

    /// The secure environment has set the session up, in a call that began after `losses` teardowns: a lost session is
    /// not lost any more, unless another teardown has come since.
    pub(crate) fn hardware_key_made(&mut self, losses: u64) {
        if self.losses == losses {
            self.state.restore_hardware(self.desc.carries_commands());
        }
    }

    fn require(&self, capability: Capability) -> Result<()> {
        self.adapter.require(capability)
    }

    /// The faults that take key, content or device from a session with a key, before the call does anything. A device that
    /// is gone already has no session that answers (D36).
    fn meet_loss(&mut self) -> Result<()> {
        self.removal.check()?;
        let faults = &self.adapter.faults;
        if faults.is_empty() || !self.state.has_key() {
            return Ok(());
        }
        self.removal.check_call(faults)?;
        // Both count the call, whichever is met.
        let (content, key) = (faults.meets(Fault::KeyAndContentLost), faults.meets(Fault::KeyLost));
        if !content && !key {
            return Ok(());
        }
        self.invalidate(content);
        Err(Error::TornDown { content })
    }

    /// The random number of a refresh, of a session with a key.
    fn refresh_number(&mut self) -> Result<KeyRefresh> {
        let faults = &self.adapter.faults;
        if faults.meets(Fault::RefreshRefused) {
            return Err(Error::RefreshRefused);
        }
        let number = match &self.last_number {
            Some(last) if faults.meets(Fault::RepeatedRandomNumber) => last.again(),
            _ => KeyRefresh::generate(&self.adapter.provider)?,
        };
        self.last_number = faults.is_pending(Fault::RepeatedRandomNumber).then(|| number.again());
        Ok(number)
    }

    /// The side of a blit that holds clear content: not multisampled, and protected while protection is enforced.
    fn check_protected_side(&self, flags: SurfaceFlags, side: &'static str) -> Result<()> {
        if flags.multisampled {
            return Err(Error::Multisampled);
        }
        if self.protection.enforced() && !flags.protected {
            return Err(Error::NotProtected(side));
        }
        Ok(())
    }
}

impl std::fmt::Debug for CryptoSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CryptoSession")
            .field("desc", &self.desc)
            .field("state", &self.state.name())
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

fn key_sized<'a>(what: &'static str, buffer: &'a mut [u8]) -> Result<&'a mut [u8; KEY_SIZE]> {
    let given = buffer.len();
    buffer.try_into().map_err(|_| Error::WrongSize { what, expected: KEY_SIZE, given })
}
