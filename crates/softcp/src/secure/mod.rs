//! The secure environment behind `HW_PROTECTION` sessions: what it promises the engine, and the built-in one.
//!
//! ```text
//!  HW_PROTECTION session ── execute_secure_command ──▶ SecureEnvironment::execute       provisioning, licences, blobs
//!  media session ────────── new_hardware_key ────────▶ SecureEnvironment::new_hardware_key
//!  sealed blob ──────────── open_sealed_key ─────────▶ SecureEnvironment::open_key ──▶ ContentKey ──▶ DataKey::Unwrapped
//!  power event ──────────── Adapter::teardown ───────▶ SecureEnvironment::teardown, then every session loses its key
//! ```
//!
//! An environment is given to [`Adapter::with_environment`](crate::Adapter::with_environment); an adapter made without
//! one has a [`ClearKeyEnvironment`] of its own. It is used where the capability profile reports
//! `HARDWARE_DRM_COMMUNICATION`, and nowhere else. No lock of the engine is held while it runs, so it may call back into
//! adapter, devices and sessions.
//!
//! # Status of sessions
//!
//! A session whose keys come from the environment is `Ok` from its creation until a teardown; then `KeyLost`, or
//! `KeyAndContentLost`. There are two kinds:
//!
//! - A **command session** (`D3D11_KEY_EXCHANGE_HW_PROTECTION`) carries commands. It carries them while lost too, and a
//!   command that provisions ([`SecureEffect::Provisioned`]) makes this session, and no other, `Ok` again.
//! - A **media session** (the crypto type's GUID as key exchange type, D29) takes opened sealed keys without any key
//!   exchange. `GetDataForNewHardwareKey` makes it `Ok` again; so does an RSA key exchange.
//!
//! What a teardown overtakes does not count: provisioning that began before a teardown leaves the session lost.

use softcp_abi::{D3DERR_INVALIDCALL, E_FAIL, E_INVALIDARG, GUID, HRESULT};

use crate::handle::Handle;
use crate::key::ContentKey;

pub mod clear_key;
mod dispatch;

pub use clear_key::ClearKeyEnvironment;
pub use dispatch::{CommandBuffers, CommandReport, CommandSizes, check_sealed_key_size};

/// Most bytes of a command to a secure environment, and of the room for its answer, private bytes not counted (D34).
pub const MAX_SECURE_COMMAND_SIZE: usize = 1 << 20;
/// Most bytes of a sealed key (D34).
pub const MAX_SEALED_KEY_SIZE: usize = 1 << 16;

/// What stands behind the `HW_PROTECTION` sessions of an adapter. Called from any thread, from several at once, with no
/// lock of the engine held.
pub trait SecureEnvironment: Send + Sync {
    /// `GetCryptoSessionPrivateDataSize`: how many private bytes each command and each answer begins with. Must always
    /// answer the same. None by default.
    fn private_sizes(&self) -> PrivateSizes {
        PrivateSizes::default()
    }

    /// Runs one command. An environment reports the failure of a command in the answer's status.
    fn execute(&self, command: SecureCommand<'_>) -> SecureAnswer;

    /// Opens a sealed key blob. `key_id` is the key that the caller expects in it, if it says so.
    fn open_key(&self, blob: &[u8], key_id: Option<&GUID>) -> Result<ContentKey, EnvironmentError>;

    /// `GetDataForNewHardwareKey`: sets the session's hardware key up. The answer means what environment and application
    /// have agreed on.
    fn new_hardware_key(&self, session: Handle, private_input: &[u8]) -> Result<u64, EnvironmentError>;

    /// Forgets everything: keys, blobs, provisioning. The engine marks its sessions afterwards.
    fn teardown(&self);
}

/// Sizes of private data in bytes. Both may be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PrivateSizes {
    /// Bytes before those of a command.
    pub input: u32,
    /// Bytes before those of an answer.
    pub output: u32,
}

/// One command to a secure environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecureCommand<'a> {
    /// The session that carries it.
    pub session: Handle,
    /// `HWProtectionFunctionID`.
    pub function: u32,
    /// The private bytes, [`PrivateSizes::input`] of them.
    pub private_input: &'a [u8],
    /// The command's bytes; may be none (D29).
    pub input: &'a [u8],
    /// Room for the answer in bytes, private bytes not counted.
    pub room: usize,
}

/// The answer to a [`SecureCommand`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecureAnswer {
    /// How the command ended.
    pub status: HRESULT,
    /// The answer's bytes, no more than there was room for.
    pub output: Vec<u8>,
    /// Private bytes, no more than [`PrivateSizes::output`]. Zeros are put behind fewer.
    pub private_output: Vec<u8>,
    /// Time on the way to the environment and back, in units of 100 ns.
    pub transport_time: u64,
    /// Time in the environment, in units of 100 ns.
    pub execution_time: u64,
    /// What the command did to keys.
    pub effect: SecureEffect,
}

impl SecureAnswer {
    /// A failed command: its status and nothing else.
    #[must_use]
    pub fn failed(status: HRESULT) -> Self {
        Self { status, ..Self::default() }
    }

    /// A command that succeeded with these bytes.
    #[must_use]
    pub fn ok(output: impl Into<Vec<u8>>) -> Self {
        Self { output: output.into(), ..Self::default() }
    }
}

/// What a command did to the keys of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecureEffect {
    /// Nothing that their status tells.
    #[default]
    None,
    /// The environment has what the session needs: its status is `Ok`.
    Provisioned,
    /// The environment has forgotten everything: every session of the adapter loses its key.
    TornDown,
}

/// Why a secure environment refuses a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// It has not been provisioned, or not since a teardown. `D3DERR_INVALIDCALL`.
    #[error("the secure environment is not provisioned")]
    NotProvisioned,
    /// The blob is none of this environment's, or has been changed, or holds another key than expected. Says no more, by
    /// intention. `E_INVALIDARG`.
    #[error("the sealed key is not acceptable")]
    BadBlob,
    /// The key has been revoked. `E_INVALIDARG`.
    #[error("the key has been revoked")]
    Revoked,
    /// The private input is not what the environment expects. `E_INVALIDARG`.
    #[error("the private input is not acceptable")]
    BadInput,
    /// It failed for a reason of its own, which this HRESULT tells.
    #[error("the secure environment failed with {0:#010x}")]
    Failed(HRESULT),
}

impl EnvironmentError {
    /// The HRESULT. A reason that is no failure code is `E_FAIL`.
    #[must_use]
    pub fn hresult(self) -> HRESULT {
        match self {
            Self::NotProvisioned => D3DERR_INVALIDCALL,
            Self::BadBlob | Self::Revoked | Self::BadInput => E_INVALIDARG,
            Self::Failed(hresult) if hresult < 0 => hresult,
            Self::Failed(_) => E_FAIL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_that_is_no_failure_code_is_e_fail() {
        for (hresult, expected) in
            [(0, E_FAIL), (1, E_FAIL), (i32::MAX, E_FAIL), (-1, -1), (E_INVALIDARG, E_INVALIDARG)]
        {
            assert_eq!(EnvironmentError::Failed(hresult).hresult(), expected);
        }
        assert_eq!(EnvironmentError::NotProvisioned.hresult(), D3DERR_INVALIDCALL);
        assert_eq!(EnvironmentError::BadBlob.hresult(), E_INVALIDARG);
    }
}
