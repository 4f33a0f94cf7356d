//! The protected path of one elementary stream: encrypted samples in, clear samples out, through a driver.

mod error;
mod frame;
mod keyed_session;
mod pool;
mod sample;
mod seal;

use std::io;
use std::ops::AddAssign;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL,
};
use softcp_cenc::{SampleEncryption, Scheme};
use softcp_runtime::{ContentProtectionCaps, Device};

use crate::incident::Remedy;
use crate::keys::ContentKeys;
use crate::protected::ProtectedDevice;
use crate::session::OpenSession;
use crate::trust::Trust;
pub use error::{PathError, SampleError};
use keyed_session::KeyedSession;
use pool::Pool;
use sample::Scratch;
use seal::Opener;
#[cfg(test)]
pub(crate) use seal::tests::{sealed, test_seal};
pub(crate) use seal::{Seal, Sink};

/// How to open a path.
#[derive(Clone, Debug)]
pub struct PathOptions {
    /// Who must vouch for the driver.
    pub trust: Trust,
    /// Samples between two session key refreshes; 0 for none.
    pub refresh_every: u32,
    /// The modes that samples come in.
    pub modes: CipherModes,
}

/// The modes of AES-128 that the samples of a stream are encrypted in. Each needs something else of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherModes {
    /// `cenc` and `cens`: AES-CTR, by decryption blits.
    pub ctr: bool,
    /// `cbc1` and `cbcs`: AES-CBC, by frames of a decoder.
    pub cbc: bool,
}

impl CipherModes {
    /// Those of some schemes, as the sample entries of a track have them.
    pub fn of(schemes: impl IntoIterator<Item = Scheme>) -> Self {
        schemes.into_iter().fold(Self { ctr: false, cbc: false }, |modes, scheme| Self {
            ctr: modes.ctr || scheme.is_aes_ctr(),
            cbc: modes.cbc || scheme.is_aes_cbc(),
        })
    }
}

/// What a path has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathStatistics {
    /// Samples given to [`ProtectedPath::decrypt_sample`].
    pub samples: u64,
    /// Session key refreshes finished.
    pub refreshes: u64,
    /// How often keys were set up anew because the driver, or the secure environment behind it, had lost them (D23).
    pub recoveries: u64,
    /// Decryption blits, and frames of a decoder.
    pub blits: u64,
    /// Bytes of the samples.
    pub bytes: u64,
    /// How many of them were encrypted.
    pub bytes_encrypted: u64,
}

/// One crypto session with everything a stream needs around it: content keys, buffers, key refresh.
///
/// The session key is refreshed every [`PathOptions::refresh_every`] samples: Start before a sample, which still goes
/// through under the old key, and Finish after it. Content keys are wrapped anew after each change of the session key;
/// sealed ones, from a licence, stay as they are.
///
/// Samples of AES-CTR go through decryption blits, those of AES-CBC through frames of the decoder that the session is bound to,
/// with the map of their subsamples and the stripes in it where the driver takes them (`PARTIAL_DECRYPTION`). Both are read
/// back in the same way.
///
/// Where the driver loses keys (D23), they are set up anew and the blit is repeated: the session key by a key exchange, the
/// licence by provisioning and loading it again. A driver that refuses a refresh is asked again before the next sample, and
/// given up when it refuses too often; one that repeats the random number of the refresh before is asked for another.
#[derive(Debug)]
pub struct ProtectedPath<'a> {
    keys: ContentKeys<'a>,
    session: KeyedSession<'a>,
    pool: Pool,
    modes: CipherModes,
    layout: BlitLayout,
    refresh: RefreshSchedule,
    scratch: Scratch,
    statistics: PathStatistics,
}

/// What the driver allows a decryption blit to look like.
#[derive(Clone, Copy, Debug)]
struct BlitLayout {
    /// Whether encrypted block information is understood.
    partial: bool,
    /// Bytes that runs must be multiples of, at least 1 (D7).
    alignment: u32,
}

/// When the session key is refreshed.
#[derive(Clone, Copy, Debug)]
struct RefreshSchedule {
    every: u32,
    /// Samples since the last refresh.
    passed: u32,
    offered: bool,
}

impl<'a> ProtectedPath<'a> {
    /// Opens a path under protection: checks what the driver can do, checks its certificate, creates a session, negotiates
    /// its key, and binds it to a decoder. Samples are decrypted into protected resources and read back encrypted.
    ///
    /// # Errors
    ///
    /// [`PathError::NotOffered`] names a capability that the path cannot do without; [`PathError::NoKeyExchange`];
    /// [`PathError::Certificate`] and [`PathError::Untrusted`] for the certificate; [`PathError::Channel`] for the
    /// binding; [`PathError::Driver`] for a call that failed. For AES-CBC also [`PathError::NoStripes`] and
    /// [`PathError::NoCbcDecoder`].
    pub fn open(
        protected: &'a ProtectedDevice,
        keys: impl Into<ContentKeys<'a>>,
        options: &PathOptions,
    ) -> Result<Self, PathError> {
        Self::open_on(protected.device(), Some(protected), keys.into(), options)
    }

    /// Opens a path on a device without a channel: samples are decrypted into resources that can be read, or, where the
    /// driver protects its output at all times (`PROTECTION_ALWAYS_ON`), read back as under protection.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`PathError::CbcNeedsChannel`] for AES-CBC under keys that are not a licence's.
    pub fn without_channel(
        device: &Device,
        keys: impl Into<ContentKeys<'a>>,
        options: &PathOptions,
    ) -> Result<Self, PathError> {
        Self::open_on(device, None, keys.into(), options)
    }

    /// Decrypts a sample of `len` bytes: reads exactly as many from `input` and writes exactly as many to `output`.
    ///
    /// Encrypted bytes go from `input` straight into the driver's staging memory, and clear ones straight from its
    /// memory to `output`; bytes that are clear in the file do not go through the driver. The better `input` and
    /// `output` do with few large and many small calls, the faster this is: see [`std::io::BufReader`].
    ///
    /// # Errors
    ///
    /// [`SampleError`]; part of the sample may have been read and written. The path stays usable, and a session key
    /// refresh that was under way is finished by the next sample.
    pub fn decrypt_sample(
        &mut self,
        encryption: &SampleEncryption,
        len: u32,
        input: &mut impl io::Read,
        output: &mut impl io::Write,
    ) -> Result<(), SampleError> {
        self.decrypt_sample_into(encryption, len, input, &mut Opener(output))
    }

    /// The same for a sink that may open read-backs itself, later: they are the application's to open, and the driver has
    /// done its part of the sample when this returns.
    pub(crate) fn decrypt_sample_into(
        &mut self,
        encryption: &SampleEncryption,
        len: u32,
        input: &mut impl io::Read,
        output: &mut impl Sink,
    ) -> Result<(), SampleError> {
        self.check_scheme(encryption.scheme)?;
        if !self.keys.contains(&encryption.kid) {
            return Err(PathError::MissingKey { kid: encryption.kid }.into());
        }
        if self.refresh.is_due() && self.session.start_refresh()? {
            self.refresh.passed = 0;
        }
        let done = sample::Blitter {
            session: &mut self.session,
            pool: &mut self.pool,
            layout: self.layout,
            scratch: &mut self.scratch,
            encryption,
            len,
        }
        .run(input, output)?;
        if self.session.is_refresh_pending() {
            self.session.finish_refresh()?;
        }
        self.refresh.passed = self.refresh.passed.saturating_add(1);
        self.statistics.samples += 1;
        self.statistics.blits += done.blits;
        self.statistics.bytes += u64::from(len);
        self.statistics.bytes_encrypted += done.bytes_encrypted;
        Ok(())
    }

    /// What the path has done so far.
    #[must_use]
    pub fn statistics(&self) -> PathStatistics {
        PathStatistics { refreshes: self.session.refreshes(), recoveries: self.session.recoveries(), ..self.statistics }
    }

    /// What went wrong and was mended since the last time: what was seen, and what was done.
    pub fn take_incidents(&mut self) -> Vec<(String, Remedy)> {
        self.session.take_incidents()
    }

    /// Whether refreshes were asked for and the driver offers none (`FRESHEN_SESSION_KEY`).
    #[must_use]
    pub fn lacks_refresh(&self) -> bool {
        self.refresh.every != 0 && !self.refresh.offered
    }

    /// Whether samples are read back encrypted because protection is in force: switched on, or by `PROTECTION_ALWAYS_ON`.
    #[must_use]
    pub fn reads_back(&self) -> bool {
        self.pool.is_protected()
    }

    /// Whether the driver's certificate was checked against a root.
    #[must_use]
    pub fn is_certificate_verified(&self) -> bool {
        self.session.is_certificate_verified()
    }

    fn check_scheme(&self, scheme: Scheme) -> Result<(), PathError> {
        match CipherModes::of([scheme]) {
            CipherModes { ctr: false, cbc: false } => Err(PathError::UnsupportedScheme { scheme }),
            of if of.ctr && !self.modes.ctr || of.cbc && !self.modes.cbc => Err(PathError::NotOpenedFor { scheme }),
            _ => Ok(()),
        }
    }

    fn open_on(
        device: &Device,
        protected: Option<&'a ProtectedDevice>,
        keys: ContentKeys<'a>,
        options: &PathOptions,
    ) -> Result<Self, PathError> {
        let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        let always_on = caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON);
        check_caps(&caps, options.modes, always_on, protected.is_some())?;
        if options.modes.cbc {
            check_cbc(device, protected, keys)?;
        }
        let types = device.key_exchange_types(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        if !types.contains(&D3D11_KEY_EXCHANGE_RSAES_OAEP) {
            return Err(PathError::NoKeyExchange);
        }
        let open = match protected {
            _ if options.modes.cbc => OpenSession::open_for_cbc(device, protected, &options.trust, &caps)?,
            Some(protected) => OpenSession::open(protected, &options.trust, &caps)?,
            None => OpenSession::without_channel(device, &options.trust, &caps)?,
        };
        let mut pool = Pool::new(device.clone(), always_on || protected.is_some(), options.modes.cbc);
        if options.modes.cbc {
            // A driver whose decoders have no output is known before the first sample.
            pool.get(0)?;
        }
        Ok(Self {
            keys,
            session: KeyedSession::new(open, keys, &caps),
            pool,
            modes: options.modes,
            layout: BlitLayout {
                partial: caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION),
                alignment: caps.block_alignment_size.max(1),
            },
            refresh: RefreshSchedule {
                every: options.refresh_every,
                passed: 0,
                offered: caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY),
            },
            scratch: Scratch::default(),
            statistics: PathStatistics::default(),
        })
    }
}

impl AddAssign for PathStatistics {
    fn add_assign(&mut self, more: Self) {
        let Self { samples, refreshes, recoveries, blits, bytes, bytes_encrypted } = more;
        self.samples += samples;
        self.refreshes += refreshes;
        self.recoveries += recoveries;
        self.blits += blits;
        self.bytes += bytes;
        self.bytes_encrypted += bytes_encrypted;
    }
}

impl RefreshSchedule {
    fn is_due(self) -> bool {
        self.offered && self.every != 0 && self.passed >= self.every
    }
}

/// Says what a driver lacks that decrypts samples of AES-CBC. Whether it makes decoders for them shows when it is to make one.
fn check_cbc(device: &Device, protected: Option<&ProtectedDevice>, keys: ContentKeys<'_>) -> Result<(), PathError> {
    let table = device.calls().table();
    let has_begin = table.video_decoder_begin_frame_2_4.is_some() || table.video_decoder_begin_frame_rs4.is_some();
    let entries = [
        ("VideoDecoderSubmitBuffers2", table.video_decoder_submit_buffers_2.is_some()),
        ("VideoDecoderBeginFrame", has_begin),
        ("VideoDecoderEndFrame", table.video_decoder_end_frame.is_some()),
    ];
    if let Some((entry, _)) = entries.into_iter().find(|(_, is_there)| !is_there) {
        return Err(PathError::NoStripes { entry, sub_device_id: device.sub_device_id() });
    }
    match (protected, keys) {
        (None, ContentKeys::Given(_)) => Err(PathError::CbcNeedsChannel),
        _ => Ok(()),
    }
}

/// Names the first capability that is missing. `always_on`: `PROTECTION_ALWAYS_ON` is reported; `switched_on`: a channel
/// has switched protection on.
fn check_caps(
    caps: &ContentProtectionCaps,
    modes: CipherModes,
    always_on: bool,
    switched_on: bool,
) -> Result<(), PathError> {
    let no_read_back = if always_on {
        "it protects its output at all times (PROTECTION_ALWAYS_ON) and lets nothing out"
    } else {
        "under protection nothing that it decrypts comes out; decrypt without protection by --without-channel"
    };
    let needed: [(D3D11_1DDI_CONTENT_PROTECTION_CAPS, bool, &str, &str); 3] = [
        (
            D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
            modes.ctr,
            "DECRYPTION_BLT",
            "it decrypts only inside its video decoder",
        ),
        (
            D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
            true,
            "CONTENT_KEY",
            "it cannot decrypt under the keys of a file, only under its session key",
        ),
        (
            D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
            always_on || switched_on,
            "ENCRYPTED_READ_BACK",
            no_read_back,
        ),
    ];
    match needed.into_iter().find(|(bit, needed, ..)| *needed && !caps.contains(*bit)) {
        Some((_, _, capability, why)) => Err(PathError::NotOffered { capability, why }),
        None => Ok(()),
    }
}
