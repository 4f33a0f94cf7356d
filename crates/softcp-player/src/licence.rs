//! Content keys from a licence: a command session to the driver's secure environment, and the sealed keys it makes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION, GUID_NULL,
};
use softcp_cenc::KeyId;
use softcp_client::clear_key::{
    ClearKeyCommand, ClearKeyError, Licence, LicenceKind, LoadLicence, MakeKeyBlob, Provision, SealedKey, Status,
    Version,
};
use softcp_runtime::{CryptoSessionDesc, Device, Error, PrivateDataSizes, SecureCommand, Session};

use crate::report::LicenceReport;

/// The version of the environment's messages that this player speaks.
const VERSION: u32 = 1;

/// How often a start or a recovery is tried while teardowns come in between.
pub(crate) const MAX_ATTEMPTS: u32 = 16;

/// Why the keys of a licence cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LicenceFailure {
    /// The driver has no secure environment behind it.
    #[error(
        "the driver does not report HARDWARE_DRM_COMMUNICATION: it has no secure environment that would take a licence"
    )]
    NotOffered,
    /// A call to the driver failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The environment refuses a command, or answers nonsense.
    #[error("{command}: {source}")]
    Command {
        /// The command, as `LOAD_LICENCE`.
        command: &'static str,
        /// What is wrong.
        source: ClearKeyError,
    },
    /// The environment speaks another version of its messages.
    #[error("the secure environment speaks version {version} of the clear key messages, and not version {VERSION}")]
    WrongVersion {
        /// Its version.
        version: u32,
    },
    /// The licence is longer than the environment takes.
    #[error("the licence has {bytes} bytes, and the secure environment takes at most {limit}")]
    TooLong {
        /// Bytes of the licence.
        bytes: usize,
        /// Bytes at most.
        limit: u32,
    },
}

impl LicenceFailure {
    /// Whether the environment has forgotten what it had been told: a teardown came in between.
    pub(crate) fn is_loss(&self) -> bool {
        let Self::Command { source: ClearKeyError::Refused(status), .. } = self else { return false };
        matches!(status, Status::NotProvisioned | Status::UnknownKid)
    }

    /// Whether a new device may fare better: a call failed, or everything was forgotten again and again.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Call(Error::Driver(_))) || self.is_loss()
    }
}

/// A licence whose keys the secure environment of a device has, and the sealed keys made of them.
///
/// The application never has the keys: it passes on the licence, and gives the driver a sealed key with each blit. Several
/// paths may share a value.
pub struct LicensedKeys {
    licence: Licence,
    state: Mutex<State>,
}

struct State {
    session: Session,
    sizes: PrivateDataSizes,
    /// The provisioning under which the licence was loaded; none: it has not been loaded yet.
    loaded: Option<u64>,
    /// The sealed keys made since.
    blobs: HashMap<KeyId, Arc<SealedKey>>,
    report: LicenceReport,
}

/// A sealed key, and the number of the provisioning that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) key: Arc<SealedKey>,
    pub(crate) provisioning: u64,
}

impl LicensedKeys {
    /// Opens a command session, provisions the secure environment, and loads the licence.
    ///
    /// # Errors
    ///
    /// [`LicenceFailure`]: [`NotOffered`](LicenceFailure::NotOffered) from a driver without `HARDWARE_DRM_COMMUNICATION`.
    pub fn open(device: &Device, licence: Licence) -> Result<Self, LicenceFailure> {
        let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        if !caps.contains(D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION) {
            return Err(LicenceFailure::NotOffered);
        }
        let desc = CryptoSessionDesc {
            crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
            decode_profile: GUID_NULL,
            key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION,
        };
        let sizes = device.private_data_sizes(&desc)?;
        let report = LicenceReport::new(&licence);
        let session = device.create_session(&desc)?;
        let mut state = State { session, sizes, loaded: None, blobs: HashMap::new(), report };
        let limits = state.run("VERSION", &Version)?;
        if limits.version != VERSION {
            return Err(LicenceFailure::WrongVersion { version: limits.version });
        }
        let bytes = licence.json().len();
        if u32::try_from(bytes).map_or(true, |bytes| bytes > limits.licence_size) {
            return Err(LicenceFailure::TooLong { bytes, limit: limits.licence_size });
        }
        let mut attempts = 1;
        while let Err(failure) = state.restore(&licence) {
            if !failure.is_loss() || attempts == MAX_ATTEMPTS {
                return Err(failure);
            }
            attempts += 1;
        }
        Ok(Self { licence, state: Mutex::new(state) })
    }

    /// Whether the licence has a key with this KID.
    #[must_use]
    pub fn contains(&self, kid: &KeyId) -> bool {
        self.licence.kids().contains(kid)
    }

    /// What has been done so far.
    #[must_use]
    pub fn report(&self) -> LicenceReport {
        self.state().report.clone()
    }

    /// The sealed key of a KID of the licence; made when it is first needed.
    pub(crate) fn sealed_key(&self, kid: KeyId) -> Result<Sealed, LicenceFailure> {
        let mut state = self.state();
        let state = &mut *state;
        let Some(provisioning) = state.loaded else {
            let refused = ClearKeyError::Refused(Status::NotProvisioned);
            return Err(LicenceFailure::Command { command: "MAKE_KEY_BLOB", source: refused });
        };
        if let Some(key) = state.blobs.get(&kid) {
            return Ok(Sealed { key: Arc::clone(key), provisioning });
        }
        let key = Arc::new(state.run("MAKE_KEY_BLOB", &MakeKeyBlob { kid })?);
        state.report.sealed_keys += 1;
        state.blobs.insert(kid, Arc::clone(&key));
        Ok(Sealed { key, provisioning })
    }

    /// Provisions again, and if the environment has forgotten everything in between, loads the licence again: sealed keys
    /// are made anew then. The number of the provisioning in force.
    pub(crate) fn restore(&self) -> Result<u64, LicenceFailure> {
        self.state().restore(&self.licence)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic could leave behind is mended by the next `restore`.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LicensedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicensedKeys").field("licence", &self.licence).finish_non_exhaustive()
    }
}

impl State {
    fn restore(&mut self, licence: &Licence) -> Result<u64, LicenceFailure> {
        let provisioning = self.run("PROVISION", &Provision)?;
        if self.loaded != Some(provisioning) {
            // Before anything can fail: these belong to a secret that is no more.
            self.blobs.clear();
            self.loaded = None;
            self.run("LOAD_LICENCE", &LoadLicence { licence })?;
            self.loaded = Some(provisioning);
            self.report.times_loaded += 1;
        }
        Ok(provisioning)
    }

    /// One command. The clear-key environment knows no private bytes; one behind another driver gets zeros.
    fn run<C: ClearKeyCommand>(&mut self, name: &'static str, command: &C) -> Result<C::Answer, LicenceFailure> {
        let private_input = vec![0; self.sizes.input as usize];
        let room = u32::try_from(command.room()).expect("a licence has far fewer keys than this");
        let answer = self.session.execute(&SecureCommand {
            function: command.function(),
            private_input: &private_input,
            input: command.input(),
            private_room: self.sizes.output,
            room,
        })?;
        self.report.commands += 1;
        let opened = command.open(answer.status.0, &answer.output);
        opened.map_err(|source| LicenceFailure::Command { command: name, source })
    }
}

impl LicenceReport {
    fn new(licence: &Licence) -> Self {
        let kind = match licence.kind() {
            LicenceKind::Temporary => "temporary",
            LicenceKind::Persistent => "persistent-license",
        };
        let keys = licence.kids().len() as u64;
        Self { kind: kind.to_owned(), keys, times_loaded: 0, sealed_keys: 0, commands: 0 }
    }
}
