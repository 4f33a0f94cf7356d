//! The clear-key environment's messages: what an application sends over a command session, and what comes back.
//!
//! A driver with `HARDWARE_DRM_COMMUNICATION` carries commands to a secure environment, each a function number and bytes,
//! by `NegotiateCryptoSessionKeyExchange` on a session whose key exchange type is `D3D11_KEY_EXCHANGE_HW_PROTECTION`. The
//! commands here are those of the environment that `SoftCP` has built in; its documentation defines them. One type per
//! command: its fields are the input, [`ClearKeyCommand::open`] reads its answer.
//!
//! ```text
//!  Version       ─▶ limits
//!  Provision     ─▶ the number of the provisioning; the session is OK
//!  LoadLicence   ─▶ the KIDs that it has brought
//!  MakeKeyBlob   ─▶ a sealed key: the content key of DecryptionBlt
//!  Revoke        ─▶ how many keys were made useless
//!  TearDown      ─▶ nothing is left; all sessions have lost their keys
//! ```
//!
//! Numbers are little-endian, nothing is padded, a KID is the 16 bytes that an MP4 file has.
//!
//! # Example
//!
//! ```
//! use softcp_client::clear_key::{ClearKeyCommand, ClearKeyError, MakeKeyBlob, Status};
//!
//! let command = MakeKeyBlob { kid: [7; 16] };
//! // The function number, the input and the room for the answer go to the driver ...
//! assert_eq!((command.function(), command.input(), command.room()), (4, &[7; 16][..], 4096));
//! // ... and this is what it says of a KID that no licence has brought.
//! let refused = command.open(Status::UnknownKid.hresult(), &[]);
//! assert_eq!(refused, Err(ClearKeyError::Refused(Status::UnknownKid)));
//! ```

use std::fmt;

use softcp_abi::HRESULT;

mod licence;
mod status;

pub use licence::{Licence, LicenceError, LicenceKind};
pub use status::Status;

use crate::keys::KEY_SIZE;

/// Room for a sealed key whose size VERSION has not told, in bytes.
const BLOB_ROOM: usize = 4096;

/// A command to the clear-key environment.
pub trait ClearKeyCommand {
    /// What a successful command answers.
    type Answer;

    /// `HWProtectionFunctionID`.
    fn function(&self) -> u32;

    /// The command's bytes, private bytes not counted; may be none.
    fn input(&self) -> &[u8];

    /// Room that the answer needs at most, in bytes, private bytes not counted.
    fn room(&self) -> usize;

    /// Reads the bytes of a successful answer; `None` for bytes that are no answer to this command.
    fn parse(&self, answer: &[u8]) -> Option<Self::Answer>;

    /// Reads an answer: `status` as the driver wrote it to the message, `answer` the bytes that it says it has written.
    ///
    /// # Errors
    ///
    /// [`ClearKeyError::Refused`] for any other status than `S_OK`; [`ClearKeyError::BadAnswer`].
    fn open(&self, status: HRESULT, answer: &[u8]) -> Result<Self::Answer, ClearKeyError> {
        if let Some(refusal) = Status::of(status) {
            return Err(ClearKeyError::Refused(refusal));
        }
        self.parse(answer).ok_or(ClearKeyError::BadAnswer { function: self.function(), bytes: answer.len() })
    }
}

/// Why a command brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClearKeyError {
    /// The environment refuses it. Nothing has changed.
    #[error("the secure environment refuses: {0}")]
    Refused(Status),
    /// The answer is not of the form that is documented for the command.
    #[error("the secure environment's answer to function {function}, of {bytes} bytes, is none to that function")]
    BadAnswer {
        /// The function number.
        function: u32,
        /// Bytes of the answer.
        bytes: usize,
    },
}

/// Function 1: version and limits. Needs no provisioning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version;

/// What [`Version`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The version of the messages. Those here are version 1.
    pub version: u32,
    /// Keys at most, revoked ones counted.
    pub keys: u32,
    /// Bytes of a licence at most.
    pub licence_size: u32,
    /// Bytes of a sealed key.
    pub blob_size: u32,
}

/// Function 2: makes the secret under which keys are sealed, or keeps the one that is there. Makes the session OK.
///
/// The answer is the number of the provisioning, 1 for the first: a number that is greater than the last one tells that the
/// environment has forgotten everything in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provision;

/// Function 3: brings the keys of a licence, all or none of them. A KID that is loaded again has the newer key.
#[derive(Clone, Copy, Debug)]
pub struct LoadLicence<'a> {
    /// The licence.
    pub licence: &'a Licence,
}

/// What [`LoadLicence`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedLicence {
    /// How long it is meant to last.
    pub kind: LicenceKind,
    /// Its KIDs, in its order.
    pub kids: Vec<[u8; KEY_SIZE]>,
}

/// Function 4: seals the key of a KID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MakeKeyBlob {
    /// The KID.
    pub kid: [u8; KEY_SIZE],
}

/// A sealed key: what the driver takes as content key of `DecryptionBlt`. It shows nothing of the key, and is worthless
/// after a teardown.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey(Vec<u8>);

/// Function 5: makes keys useless until a teardown. The answer is how many were not so before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// The KID; none for all.
    pub kid: Option<[u8; KEY_SIZE]>,
}

/// Function 6: forgets everything, as after a power event. Every session of the adapter loses its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TearDown;

impl SealedKey {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedKey({} bytes)", self.0.len())
    }
}

impl ClearKeyCommand for Version {
    type Answer = Limits;

    fn function(&self) -> u32 {
        1
    }

    fn input(&self) -> &[u8] {
        &[]
    }

    fn room(&self) -> usize {
        16
    }

    fn parse(&self, answer: &[u8]) -> Option<Limits> {
        let (numbers, []) = answer.as_chunks() else { return None };
        let &[version, keys, licence_size, blob_size] = numbers else { return None };
        let [version, keys, licence_size, blob_size] = [version, keys, licence_size, blob_size].map(u32::from_le_bytes);
        Some(Limits { version, keys, licence_size, blob_size })
    }
}

impl ClearKeyCommand for Provision {
    type Answer = u64;

    fn function(&self) -> u32 {
        2
    }

    fn input(&self) -> &[u8] {
        &[]
    }

    fn room(&self) -> usize {
        8
    }

    fn parse(&self, answer: &[u8]) -> Option<u64> {
        answer.try_into().ok().map(u64::from_le_bytes)
    }
}

impl ClearKeyCommand for LoadLicence<'_> {
    type Answer = LoadedLicence;

    fn function(&self) -> u32 {
        3
    }

    fn input(&self) -> &[u8] {
        self.licence.json()
    }

    fn room(&self) -> usize {
        8 + KEY_SIZE * self.licence.kids().len()
    }

    /// An answer with other KIDs than the licence's, or in another order, is none.
    fn parse(&self, answer: &[u8]) -> Option<LoadedLicence> {
        let (kind, rest) = answer.split_first_chunk()?;
        let (count, kids) = rest.split_first_chunk()?;
        let (kids, []) = kids.as_chunks() else { return None };
        let kind = LicenceKind::from_number(u32::from_le_bytes(*kind))?;
        let is_right = kids == self.licence.kids() && usize::try_from(u32::from_le_bytes(*count)) == Ok(kids.len());
        is_right.then(|| LoadedLicence { kind, kids: kids.to_vec() })
    }
}

impl ClearKeyCommand for MakeKeyBlob {
    type Answer = SealedKey;

    fn function(&self) -> u32 {
        4
    }

    fn input(&self) -> &[u8] {
        &self.kid
    }

    fn room(&self) -> usize {
        BLOB_ROOM
    }

    /// Any bytes, since only the environment knows what is in them, but none at all, which `DecryptionBlt` would take for
    /// no content key, and 16, which it would take for a wrapped key (D28).
    fn parse(&self, answer: &[u8]) -> Option<SealedKey> {
        (!answer.is_empty() && answer.len() != KEY_SIZE).then(|| SealedKey(answer.to_vec()))
    }
}

impl ClearKeyCommand for Revoke {
    type Answer = u32;

    fn function(&self) -> u32 {
        5
    }

    fn input(&self) -> &[u8] {
        self.kid.as_ref().map_or(&[], <[u8; KEY_SIZE]>::as_slice)
    }

    fn room(&self) -> usize {
        4
    }

    fn parse(&self, answer: &[u8]) -> Option<u32> {
        answer.try_into().ok().map(u32::from_le_bytes)
    }
}

impl ClearKeyCommand for TearDown {
    type Answer = ();

    fn function(&self) -> u32 {
        6
    }

    fn input(&self) -> &[u8] {
        &[]
    }

    fn room(&self) -> usize {
        0
    }

    fn parse(&self, answer: &[u8]) -> Option<()> {
        answer.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LICENCE: &[u8] = br#"{"keys": [
        {"kty": "oct", "kid": "LwVHf8JLtPrv2GUXFW2v_A", "k": "FmY0xnWCPCNaSpRG-tUuTQ"},
        {"kty": "oct", "kid": "AAAAAAAAAAAAAAAAAAAAAA", "k": "FmY0xnWCPCNaSpRG-tUuTQ"}], "type": "temporary"}"#;

    fn bad<T>(function: u32, bytes: usize) -> Result<T, ClearKeyError> {
        Err(ClearKeyError::BadAnswer { function, bytes })
    }

    #[test]
    fn version_answer_is_four_numbers() {
        let answer = [1_u32, 1024, 65_536, 64].map(u32::to_le_bytes).concat();
        let limits = Limits { version: 1, keys: 1024, licence_size: 65_536, blob_size: 64 };
        assert_eq!(Version.open(0, &answer), Ok(limits));
        assert_eq!(Version.open(0, &answer[..15]), bad(1, 15));
        assert_eq!(Version.open(0, &[answer, vec![0]].concat()), bad(1, 17));
    }

    #[test]
    fn provision_answer_is_a_number() {
        assert_eq!(Provision.open(0, &[2, 1, 0, 0, 0, 0, 0, 0]), Ok(0x102));
        assert_eq!(Provision.open(0, &[2, 1, 0, 0]), bad(2, 4));
    }

    #[test]
    fn loaded_licence_must_have_the_kids_that_were_sent() {
        let licence = Licence::parse(LICENCE).unwrap();
        let load = LoadLicence { licence: &licence };
        assert_eq!((load.function(), load.input(), load.room()), (3, LICENCE, 40));
        let answer = |kind: u32, count: u32, kids: &[[u8; 16]]| {
            [&kind.to_le_bytes()[..], &count.to_le_bytes(), kids.as_flattened()].concat()
        };
        let kids = licence.kids();
        let loaded = LoadedLicence { kind: LicenceKind::Persistent, kids: kids.to_vec() };
        assert_eq!(load.open(0, &answer(1, 2, kids)), Ok(loaded));
        let swapped = [kids[1], kids[0]];
        for wrong in [answer(2, 2, kids), answer(0, 1, kids), answer(0, 2, &swapped), answer(0, 1, &kids[..1])] {
            assert_eq!(load.open(0, &wrong), bad(3, wrong.len()));
        }
    }

    #[test]
    fn sealed_key_is_any_bytes_but_none_and_those_of_a_wrapped_key() {
        let command = MakeKeyBlob { kid: [1; 16] };
        assert_eq!(command.open(0, &[5; 64]).unwrap().as_bytes(), [5; 64]);
        for len in [0, 16] {
            assert_eq!(command.open(0, &vec![5; len]), bad(4, len));
        }
        assert!(!format!("{:?}", command.open(0, &[5; 64]).unwrap()).contains(", 5"));
    }

    #[test]
    fn revoke_and_tear_down_have_the_documented_sizes() {
        assert_eq!(Revoke { kid: Some([9; 16]) }.input(), [9; 16]);
        assert_eq!(Revoke { kid: None }.input(), [0; 0]);
        assert_eq!(Revoke { kid: None }.open(0, &[3, 0, 0, 0]), Ok(3));
        assert_eq!(Revoke { kid: None }.open(0, &[]), bad(5, 0));
        assert_eq!(TearDown.open(0, &[]), Ok(()));
        assert_eq!(TearDown.open(0, &[0]), bad(6, 1));
    }

    #[test]
    fn status_of_failure_wins_over_the_bytes() {
        let refused = Err(ClearKeyError::Refused(Status::NotProvisioned));
        assert_eq!(Provision.open(Status::NotProvisioned.hresult(), &[0; 8]), refused);
        assert_eq!(TearDown.open(1, &[]), Err(ClearKeyError::Refused(Status::Other(1))));
    }
}
