//! The built-in secure environment: clear keys, from licences in the open, handed out as sealed blobs.
//!
//! It stands in for the firmware behind a hardware DRM system, so that an application can run its hardware path on any
//! machine: commands over a `HW_PROTECTION` session, a licence in, sealed key blobs out, revocation, teardown. It
//! protects nothing from the process it runs in, and its licences hold keys in the clear, as the W3C's clear key system
//! has them.
//!
//! `docs/clear-key.md` is the page for applications: the same messages byte by byte, and an example.
//!
//! # Commands
//!
//! Numbers are little-endian, and nothing is padded. A KID is the 16 bytes that an MP4 file has. A command whose input is
//! not exactly as long as written here is [`status::BAD_INPUT`]; of a licence, [`status::BAD_LICENCE`]. A command that
//! fails answers with its status alone and changes nothing; in particular, room for the answer is looked at before
//! anything changes ([`status::NO_ROOM`]). All but VERSION, PROVISION and TEARDOWN are [`status::NOT_PROVISIONED`] before
//! the first PROVISION and after a teardown.
//!
//! | function | input | answer | other statuses |
//! |---|---|---|---|
//! | 1 VERSION | none | 16 bytes, see below | |
//! | 2 PROVISION | none | number of the provisioning `u64` | `RANDOM_FAILED` |
//! | 3 `LOAD_LICENCE` | licence | type `u32`, count `u32`, KIDs | `BAD_LICENCE`, REVOKED, `TOO_MANY_KEYS` |
//! | 4 `MAKE_KEY_BLOB` | KID | sealed blob, 64 bytes | `UNKNOWN_KID`, REVOKED |
//! | 5 REVOKE | KID, or none for all | keys newly revoked `u32` | `UNKNOWN_KID` |
//! | 6 TEARDOWN | none | none | |
//! | any other | any | | `UNKNOWN_FUNCTION` |
//!
//! - VERSION answers four `u32`: the version, 1; the most keys, 1024; the most bytes of a licence, 65,536; the bytes of a
//!   sealed blob, 64.
//! - PROVISION makes the secret under which blobs are sealed, and answers how many there have been, 1 for the first. When
//!   there is one already it stays, with all keys, and the number is the same: each session can send it. The session that
//!   sent it is `Ok` afterwards.
//! - `LOAD_LICENCE` takes all keys of a licence or none, and answers the type (0 temporary, 1 persistent) and the KIDs in
//!   the licence's order. A KID that is loaded again has the newer key from then on. Types are only answered: a persistent
//!   licence lasts no longer than any other.
//! - A KID once revoked stays revoked until a teardown: its blobs do not open, it makes no new ones, a licence that holds
//!   it is refused, and it counts among the 1024 keys.
//! - TEARDOWN forgets secret, keys and revocations, as after a power event; every session of the adapter loses its key.
//!
//! # Licences
//!
//! A JSON Web Key set as in "Encrypted Media Extensions", section 9.1.4 (License Format):
//!
//! ```json
//! {"keys": [{"kty": "oct", "kid": "LwVHf8JLtPrv2GUXFW2v_A", "k": "FmY0xnWCPCNaSpRG-tUuTQ"}], "type": "temporary"}
//! ```
//!
//! `kid` and `k` are 16 bytes each, in base64url without padding and without JSON escapes. `type` is `temporary`, which
//! is also meant by its absence, or `persistent-license`; `persistent` is taken for it. Other members are ignored. A
//! licence without keys, with a KID twice or with a member of these twice is `BAD_LICENCE`.
//!
//! # Sealed blobs
//!
//! ```text
//!  0      4            20        32          48       64
//!  "SCK1" KID          nonce     key, sealed tag
//! ```
//!
//! AES-256-GCM under the secret of the provisioning; magic and KID are the associated data. The nonce is the number of the
//! blob under this secret, 12 bytes big-endian, so none is used twice. A blob opens as long as its secret exists and its
//! KID is not revoked, to the key that the KID had when it was made. A blob of another environment or an earlier
//! provisioning, one that is cut, extended or changed, and one for another KID than expected are all
//! [`EnvironmentError::BadBlob`].
//!
//! `GetDataForNewHardwareKey` takes no private input, or a sealed blob that must open, and answers with the number of the
//! provisioning.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use softcp_abi::{GUID, HRESULT};
use zeroize::Zeroizing;

use super::{EnvironmentError, SecureAnswer, SecureCommand, SecureEffect, SecureEnvironment};
use crate::handle::Handle;
use crate::key::ContentKey;
use crate::provider::Provider;

mod blob;
mod keys;
mod licence;
#[cfg(test)]
mod tests;

use blob::Secret;
use keys::{Keys, Kid};
use licence::Licence;

/// The version that VERSION answers.
pub const VERSION: u32 = 1;
/// Bytes of a sealed blob.
pub const BLOB_SIZE: usize = blob::SIZE;
/// Keys at most, revoked ones counted.
pub const MAX_KEYS: usize = 1024;
/// Bytes of a licence at most.
pub const MAX_LICENCE_SIZE: usize = 65_536;

/// Function numbers.
pub mod function {
    /// Version and limits.
    pub const VERSION: u32 = 1;
    /// Makes the secret under which blobs are sealed.
    pub const PROVISION: u32 = 2;
    /// Takes the keys of a licence.
    pub const LOAD_LICENCE: u32 = 3;
    /// Seals the key of a KID.
    pub const MAKE_KEY_BLOB: u32 = 4;
    /// Makes one key or all keys useless.
    pub const REVOKE: u32 = 5;
    /// Forgets everything.
    pub const TEARDOWN: u32 = 6;
}

/// Statuses of failed commands, HRESULTs of this environment's own (customer bit set). Success is `S_OK`.
pub mod status {
    use softcp_abi::HRESULT;

    /// The function number is none of those documented.
    pub const UNKNOWN_FUNCTION: HRESULT = own(1);
    /// The input is not as long as the command's.
    pub const BAD_INPUT: HRESULT = own(2);
    /// The answer does not fit the output. [`super::function`]s document its size.
    pub const NO_ROOM: HRESULT = own(3);
    /// There has been no PROVISION, or none since a teardown.
    pub const NOT_PROVISIONED: HRESULT = own(4);
    /// The licence is too large, no licence, or holds no keys or a KID twice.
    pub const BAD_LICENCE: HRESULT = own(5);
    /// No licence has brought this KID.
    pub const UNKNOWN_KID: HRESULT = own(6);
    /// The KID has been revoked.
    pub const REVOKED: HRESULT = own(7);
    /// The licence's keys are more than can be kept.
    pub const TOO_MANY_KEYS: HRESULT = own(8);
    /// The random number generator failed.
    pub const RANDOM_FAILED: HRESULT = own(9);

    /// Severity error, customer bit, facility ITF, this code.
    const fn own(code: u32) -> HRESULT {
        (0xA004_0000 | code).cast_signed()
    }
}

/// The built-in secure environment. Its state is its own: another one's blobs mean nothing to it.
pub struct ClearKeyEnvironment {
    provider: Provider,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    provisionings: u64,
    provisioned: Option<Provisioned>,
}

/// What a teardown takes.
struct Provisioned {
    secret: Secret,
    keys: Keys,
}

impl ClearKeyEnvironment {
    /// An environment that is not provisioned.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self { provider, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each command changes the state in one step at its end, so a panic leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, command: &SecureCommand<'_>) -> Result<SecureAnswer, HRESULT> {
        let SecureCommand { input, room, .. } = *command;
        match command.function {
            function::VERSION => version(input, room),
            function::PROVISION => self.provision(input, room),
            function::LOAD_LICENCE => self.load_licence(input, room),
            function::MAKE_KEY_BLOB => self.make_key_blob(input, room),
            function::REVOKE => self.revoke(input, room),
            function::TEARDOWN => self.torn_down(input),
            _ => Err(status::UNKNOWN_FUNCTION),
        }
    }

    fn provision(&self, input: &[u8], room: usize) -> Result<SecureAnswer, HRESULT> {
        check_empty(input)?;
        check_room(8, room)?;
        // Random numbers are the provider's, which is called without the lock.
        let mut seed = Zeroizing::new([0; blob::SECRET_SIZE]);
        self.provider.random.fill(seed.as_mut_slice()).map_err(|_| status::RANDOM_FAILED)?;
        let mut state = self.state();
        if state.provisioned.is_none() {
            let secret = Secret::new(self.provider.aead.key(&seed));
            state.provisioned = Some(Provisioned { secret, keys: Keys::default() });
            state.provisionings += 1;
        }
        let number = state.provisionings.to_le_bytes();
        Ok(SecureAnswer { effect: SecureEffect::Provisioned, ..SecureAnswer::ok(number) })
    }

    fn load_licence(&self, input: &[u8], room: usize) -> Result<SecureAnswer, HRESULT> {
        let mut state = self.state();
        let provisioned = state.provisioned()?;
        let licence = Licence::parse(input)?;
        let mut answer = Vec::with_capacity(8 + 16 * licence.keys.len());
        answer.extend(licence.kind.number().to_le_bytes());
        answer.extend(count(licence.keys.len()).to_le_bytes());
        answer.extend(licence.keys.iter().flat_map(|(kid, _)| kid.0));
        check_room(answer.len(), room)?;
        provisioned.keys.load(licence.keys)?;
        Ok(SecureAnswer::ok(answer))
    }

    fn make_key_blob(&self, input: &[u8], room: usize) -> Result<SecureAnswer, HRESULT> {
        let kid = Kid::parse(input)?;
        let mut state = self.state();
        let provisioned = state.provisioned()?;
        let key = provisioned.keys.get(kid)?;
        check_room(BLOB_SIZE, room)?;
        Ok(SecureAnswer::ok(provisioned.secret.seal(kid, key)))
    }

    fn revoke(&self, input: &[u8], room: usize) -> Result<SecureAnswer, HRESULT> {
        let kid = if input.is_empty() { None } else { Some(Kid::parse(input)?) };
        let mut state = self.state();
        let provisioned = state.provisioned()?;
        check_room(4, room)?;
        let revoked = match kid {
            Some(kid) => provisioned.keys.revoke(kid)?,
            None => provisioned.keys.revoke_all(),
        };
        Ok(SecureAnswer::ok(count(revoked).to_le_bytes()))
    }

    fn torn_down(&self, input: &[u8]) -> Result<SecureAnswer, HRESULT> {
        check_empty(input)?;
        self.teardown();
        Ok(SecureAnswer { effect: SecureEffect::TornDown, ..SecureAnswer::default() })
    }
}

impl SecureEnvironment for ClearKeyEnvironment {
    fn execute(&self, command: SecureCommand<'_>) -> SecureAnswer {
        let start = Instant::now();
        let answer = self.run(&command).unwrap_or_else(SecureAnswer::failed);
        let execution_time = u64::try_from(start.elapsed().as_nanos() / 100).unwrap_or(u64::MAX);
        SecureAnswer { execution_time, ..answer }
    }

    fn open_key(&self, blob: &[u8], key_id: Option<&GUID>) -> Result<ContentKey, EnvironmentError> {
        let state = self.state();
        let provisioned = state.provisioned.as_ref().ok_or(EnvironmentError::NotProvisioned)?;
        let (kid, key) = provisioned.secret.open(blob).ok_or(EnvironmentError::BadBlob)?;
        if key_id.is_some_and(|expected| kid.guid() != *expected) {
            return Err(EnvironmentError::BadBlob);
        }
        // Keys leave only with everything else, so an authentic blob's KID is known, or revoked.
        provisioned.keys.get(kid).map_err(|_| EnvironmentError::Revoked)?;
        Ok(key)
    }

    fn new_hardware_key(&self, _session: Handle, private_input: &[u8]) -> Result<u64, EnvironmentError> {
        if !private_input.is_empty() {
            self.open_key(private_input, None)?;
        }
        let state = self.state();
        state.provisioned.as_ref().map(|_| state.provisionings).ok_or(EnvironmentError::NotProvisioned)
    }

    fn teardown(&self) {
        self.state().provisioned = None;
    }
}

impl std::fmt::Debug for ClearKeyEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClearKeyEnvironment").finish_non_exhaustive()
    }
}

impl State {
    fn provisioned(&mut self) -> Result<&mut Provisioned, HRESULT> {
        self.provisioned.as_mut().ok_or(status::NOT_PROVISIONED)
    }
}

fn version(input: &[u8], room: usize) -> Result<SecureAnswer, HRESULT> {
    check_empty(input)?;
    let answer = [VERSION, count(MAX_KEYS), count(MAX_LICENCE_SIZE), count(BLOB_SIZE)].map(u32::to_le_bytes).concat();
    check_room(answer.len(), room)?;
    Ok(SecureAnswer::ok(answer))
}

fn check_empty(input: &[u8]) -> Result<(), HRESULT> {
    if input.is_empty() { Ok(()) } else { Err(status::BAD_INPUT) }
}

fn check_room(needed: usize, room: usize) -> Result<(), HRESULT> {
    if needed <= room { Ok(()) } else { Err(status::NO_ROOM) }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("every count has a small limit")
}
