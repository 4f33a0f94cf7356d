//! The protected path of one elementary stream: encrypted samples in, clear samples out, through a driver.

mod keyed_session;
mod pool;
mod sample;

use std::io;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL,
};
use softcp_cenc::{KeyId, SampleEncryption, Scheme};
use softcp_client::{CertificateError, ChainError, KeyExchangeError, SessionError};
use softcp_runtime::{ContentProtectionCaps, Device, DriverError};

use crate::keys::{KeyMap, KidText};
use crate::trust::Trust;
use keyed_session::KeyedSession;
use pool::Pool;
use sample::Scratch;

/// How to open a path.
#[derive(Clone, Debug)]
pub struct PathOptions {
    /// Who must vouch for the driver.
    pub trust: Trust,
    /// Samples between two session key refreshes; 0 for none.
    pub refresh_every: u32,
}

/// What a path has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathStatistics {
    /// Samples given to [`ProtectedPath::decrypt_sample`].
    pub samples: u64,
    /// Session key refreshes finished.
    pub refreshes: u64,
    /// Key exchanges repeated because the driver lost the session key (D23).
    pub recoveries: u64,
    /// Decryption blits.
    pub blits: u64,
    /// Bytes of the samples.
    pub bytes: u64,
    /// How many of them were encrypted.
    pub bytes_encrypted: u64,
}

/// One crypto session with everything a stream needs around it: content keys, buffers, key refresh.
///
/// The session key is refreshed every [`PathOptions::refresh_every`] samples: Start before a sample, which still goes
/// through under the old key, and Finish after it. Content keys are wrapped anew after each change of the session key.
#[derive(Debug)]
pub struct ProtectedPath<'k> {
    keys: &'k KeyMap,
    session: KeyedSession,
    pool: Pool,
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

impl<'k> ProtectedPath<'k> {
    /// Opens a path: checks what the driver can do, checks its certificate, creates a session and negotiates its key.
    ///
    /// # Errors
    ///
    /// [`PathError::NotOffered`] names a capability that the path cannot do without; [`PathError::NoKeyExchange`];
    /// [`PathError::Certificate`] and [`PathError::Untrusted`] for the certificate; [`PathError::Driver`] for a call
    /// that failed.
    pub fn open(device: &Device, keys: &'k KeyMap, options: &PathOptions) -> Result<Self, PathError> {
        let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        let protected = caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON);
        check_caps(&caps, protected)?;
        let types = device.key_exchange_types(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        if !types.contains(&D3D11_KEY_EXCHANGE_RSAES_OAEP) {
            return Err(PathError::NoKeyExchange);
        }
        Ok(Self {
            keys,
            session: KeyedSession::open(device, &options.trust, &caps)?,
            pool: Pool::new(device.clone(), protected),
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
        if !encryption.scheme.is_aes_ctr() {
            return Err(PathError::NotAesCtr { scheme: encryption.scheme }.into());
        }
        let key = self.keys.get(&encryption.kid).ok_or(PathError::MissingKey { kid: encryption.kid })?;
        if self.refresh.is_due() {
            self.session.start_refresh()?;
            self.refresh.passed = 0;
        }
        let done = sample::Blitter {
            session: &mut self.session,
            pool: &mut self.pool,
            layout: self.layout,
            scratch: &mut self.scratch,
            key,
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

    /// Whether refreshes were asked for and the driver offers none (`FRESHEN_SESSION_KEY`).
    #[must_use]
    pub fn lacks_refresh(&self) -> bool {
        self.refresh.every != 0 && !self.refresh.offered
    }

    /// Whether samples are read back encrypted because the driver keeps its output protected (`PROTECTION_ALWAYS_ON`).
    #[must_use]
    pub fn reads_back(&self) -> bool {
        self.pool.is_protected()
    }

    /// Whether the driver's certificate was checked against a root.
    #[must_use]
    pub fn is_certificate_verified(&self) -> bool {
        self.session.is_certificate_verified()
    }
}

impl RefreshSchedule {
    fn is_due(self) -> bool {
        self.offered && self.every != 0 && self.passed >= self.every
    }
}

fn check_caps(caps: &ContentProtectionCaps, protected: bool) -> Result<(), PathError> {
    let needed: [(D3D11_1DDI_CONTENT_PROTECTION_CAPS, bool, &str, &str); 3] = [
        (
            D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
            true,
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
            protected,
            "ENCRYPTED_READ_BACK",
            "it protects its output at all times (PROTECTION_ALWAYS_ON) and lets nothing out",
        ),
    ];
    match needed.into_iter().find(|(bit, needed, ..)| *needed && !caps.contains(*bit)) {
        Some((_, _, capability, why)) => Err(PathError::NotOffered { capability, why }),
        None => Ok(()),
    }
}

/// Why a path cannot be opened, or broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A call to the driver failed.
    #[error(transparent)]
    Driver(#[from] softcp_runtime::Error),
    /// The driver does not report a capability that the path needs.
    #[error("the driver does not report {capability}: {why}")]
    NotOffered {
        /// The capability's name without prefix.
        capability: &'static str,
        /// What that means.
        why: &'static str,
    },
    /// The driver has no RSAES-OAEP key exchange.
    #[error("the driver offers no RSAES-OAEP key exchange for AES-128-CTR")]
    NoKeyExchange,
    /// The driver's certificate cannot be read.
    #[error("the driver's certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The driver's certificate is not believed.
    #[error("the driver's certificate is not trusted: {0}")]
    Untrusted(#[from] ChainError),
    /// No key could be made for the driver.
    #[error("no session key could be made: {0}")]
    KeyExchange(#[from] KeyExchangeError),
    /// There is no key for a sample.
    #[error("no key with KID {} is given", KidText(*kid))]
    MissingKey {
        /// The KID.
        kid: KeyId,
    },
    /// A sample is not under AES-CTR.
    #[error("the sample is protected by '{scheme}', which is not AES-CTR")]
    NotAesCtr {
        /// Its scheme.
        scheme: Scheme,
    },
    /// The driver insists on increasing IVs, and those of the file do not increase.
    #[error(
        "the driver takes only increasing IVs (SEQUENTIAL_CTR_IV), and this sample's IV is not greater than the one \
         before under KID {}: the file is fine, use a driver or capability profile without that rule ({refusal})",
        KidText(*kid)
    )]
    IvNotIncreasing {
        /// The KID.
        kid: KeyId,
        /// What the driver said.
        refusal: DriverError,
    },
    /// A mapping of a resource is smaller than the resource.
    #[error("the driver mapped {mapped} bytes of a buffer of {expected}")]
    ShortMapping {
        /// Bytes mapped.
        mapped: usize,
        /// Bytes that the buffer was created with.
        expected: usize,
    },
    /// The application's mirror of the session disagrees with the driver about a refresh.
    #[error(transparent)]
    Mirror(#[from] SessionError),
}

/// Why a sample was not decrypted.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Its bytes could not be read.
    #[error("cannot read the sample: {0}")]
    Read(#[source] io::Error),
    /// Its clear bytes could not be written.
    #[error("cannot write the sample: {0}")]
    Write(#[source] io::Error),
    /// The path broke.
    #[error(transparent)]
    Path(#[from] PathError),
}
