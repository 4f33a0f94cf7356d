//! `EncryptionBlt` and `GetEncryptionBltKey`.

mod blits;
mod failures;
mod ivs;
mod keys;

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK;
use softcp_runtime::{ContentProtectionCaps, Device};

use crate::case::{Case, CaseResult, Group, Requirement, check_bytes};
use crate::context::Context;
use crate::oracle::{Block, ctr};
use crate::rig::KeyedSession;
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "read-back",
    title: "EncryptionBlt and GetEncryptionBltKey",
    mix: Mix::All,
    cases: &[
        Case {
            name: "read-back/deciphers",
            rule: "What EncryptionBlt writes deciphers to the source with the IV that it returns.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: blits::deciphers,
        },
        Case {
            name: "read-back/any-length",
            rule: "Buffers of any length are enciphered, one of more than 65,536 blocks too.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: blits::any_length,
        },
        Case {
            name: "read-back/key-is-wrapped",
            rule: "GetEncryptionBltKey returns the read-back key encrypted with AES-128-ECB under the session key.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: keys::key_is_wrapped,
        },
        Case {
            name: "read-back/new-key-each-time",
            rule: "Each GetEncryptionBltKey makes another key.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: keys::new_key_each_time,
        },
        Case {
            name: "read-back/key-in-force",
            rule: "A new read-back key takes the place of the one before.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: keys::key_in_force,
        },
        Case {
            name: "read-back/session-key-without-read-back-keys",
            rule: "Without ENCRYPTED_READ_BACK_KEY the data is under the session key.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: keys::session_key,
        },
        Case {
            name: "read-back/sessions-have-own-keys",
            rule: "Each session has a read-back key of its own.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: keys::sessions_have_own_keys,
        },
        Case {
            name: "read-back/iv-goes-up",
            rule: "Each IV is the one before plus one.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: ivs::goes_up,
        },
        Case {
            name: "read-back/iv-per-key",
            rule: "The IVs of one key go up by one whatever other sessions read back.",
            source: "D11",
            requirement: Requirement::Decision,
            run: ivs::per_key,
        },
        Case {
            name: "read-back/new-key-new-first-iv",
            rule: "A new read-back key begins with another random IV.",
            source: "D11",
            requirement: Requirement::Decision,
            run: ivs::new_first,
        },
        Case {
            name: "read-back/ivs-of-a-key-that-comes-back",
            rule: "Without ENCRYPTED_READ_BACK_KEY, no IV is used again with a session key that comes back.",
            source: "D33",
            requirement: Requirement::Decision,
            run: ivs::of_a_key_that_comes_back,
        },
        Case {
            name: "read-back/count-is-zero",
            rule: "EncryptionBlt writes a Count of 0.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: ivs::count_is_zero,
        },
        Case {
            name: "read-back/first-iv-is-not-too-big",
            rule: "The first IV of a key is a number of 32 bits.",
            source: "D11",
            requirement: Requirement::Decision,
            run: ivs::first_is_not_too_big,
        },
        Case {
            name: "read-back/failure-uses-no-iv",
            rule: "A call that fails does not make an IV be used twice.",
            source: "D11",
            requirement: Requirement::Decision,
            run: ivs::failure,
        },
        Case {
            name: "read-back/without-key",
            rule: "With ENCRYPTED_READ_BACK_KEY, EncryptionBlt before GetEncryptionBltKey is D3DERR_INVALIDCALL.",
            source: "D12",
            requirement: Requirement::Decision,
            run: failures::without_key,
        },
        Case {
            name: "read-back/key-wrong-size",
            rule: "GetEncryptionBltKey with a buffer of another size than the key's is E_INVALIDARG, and the buffer keeps its bytes.",
            source: "D1",
            requirement: Requirement::Decision,
            run: failures::key_wrong_size,
        },
        Case {
            name: "read-back/key-null-buffer",
            rule: "GetEncryptionBltKey with a null buffer fails.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Quality,
            run: failures::key_null_buffer,
        },
        Case {
            name: "read-back/failed-key-keeps-key",
            rule: "A GetEncryptionBltKey that fails leaves the read-back key that was there.",
            source: "D1",
            requirement: Requirement::Decision,
            run: failures::failed_key_keeps_key,
        },
        Case {
            name: "read-back/key-before-exchange",
            rule: "GetEncryptionBltKey before a key exchange is D3DERR_INVALIDCALL, and the buffer keeps its bytes.",
            source: "D3",
            requirement: Requirement::Decision,
            run: failures::key_before_exchange,
        },
        Case {
            name: "read-back/before-key-exchange",
            rule: "EncryptionBlt before a key exchange is D3DERR_INVALIDCALL.",
            source: "D3",
            requirement: Requirement::Decision,
            run: failures::before_key_exchange,
        },
        Case {
            name: "read-back/iv-wrong-size",
            rule: "EncryptionBlt with an IV buffer of another size than 16 bytes is refused.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: failures::iv_wrong_size,
        },
        Case {
            name: "read-back/iv-null",
            rule: "EncryptionBlt with a null IV buffer is refused.",
            source: "EncryptionBlt",
            requirement: Requirement::Quality,
            run: failures::iv_null,
        },
        Case {
            name: "read-back/iv-kept-on-failure",
            rule: "A call that fails leaves the IV buffer as it was.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::iv_kept,
        },
        Case {
            name: "read-back/destination-kept-on-failure",
            rule: "A call that fails leaves the destination as it was.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::destination_kept,
        },
        Case {
            name: "read-back/one-report",
            rule: "A call that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::one_report,
        },
        Case {
            name: "read-back/key-one-report",
            rule: "A GetEncryptionBltKey that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::key_one_report,
        },
        Case {
            name: "read-back/failed-exchange-keeps-key",
            rule: "A key exchange that fails leaves the read-back key, and its IVs go on.",
            source: "D22",
            requirement: Requirement::Quality,
            run: failures::failed_exchange_keeps_key,
        },
        Case {
            name: "read-back/source-untouched",
            rule: "The source keeps its bytes.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: blits::source_untouched,
        },
        Case {
            name: "read-back/protected-source",
            rule: "A protected source is read back encrypted.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: blits::protected_source,
        },
        Case {
            name: "read-back/refresh-keeps-key",
            rule: "After a session key refresh the read-back key stays valid.",
            source: "D12",
            requirement: Requirement::Decision,
            run: keys::refresh_keeps_key,
        },
        Case {
            name: "read-back/refresh-keeps-ivs",
            rule: "After a session key refresh the IVs of the read-back key go on, and none is used again.",
            source: "D11",
            requirement: Requirement::Decision,
            run: ivs::refresh_keeps,
        },
        Case {
            name: "read-back/decryption-keeps-ivs",
            rule: "DecryptionBlt under the same session does not move the IVs of the read-back key.",
            source: "D11",
            requirement: Requirement::Decision,
            run: ivs::decryption_keeps,
        },
        Case {
            name: "read-back/sizes-differ",
            rule: "A source and a destination that differ in size are refused.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: failures::sizes_differ,
        },
        Case {
            name: "read-back/multisampled-source",
            rule: "A multisampled source is refused.",
            source: "EncryptionBlt",
            requirement: Requirement::Reference,
            run: failures::multisampled_source,
        },
    ],
};

/// A session with a key, and all that goes with it.
struct Rig {
    device: Device,
    caps: ContentProtectionCaps,
    session: KeyedSession,
}

impl Rig {
    fn new(ctx: &Context<'_>, bits: u32) -> CaseResult<Self> {
        let device = ctx.device()?;
        let caps = ctx.require_clear(&device, READ_BACK | bits)?;
        let session = ctx.keyed_session(&device)?;
        Ok(Self { device, caps, session })
    }

    /// A new read-back key where the driver has such keys, else the session key.
    fn new_key(&mut self) -> CaseResult<Block> {
        self.session.new_read_back_key(&self.caps)
    }

    /// The IV of a read-back of a few bytes, as a number. What is read back is not looked at.
    fn next_iv(&self, ctx: &Context<'_>) -> CaseResult<u64> {
        iv_of(ctx, &self.session)
    }
}

/// As [`Rig::next_iv`], of any session.
fn iv_of(ctx: &Context<'_>, session: &KeyedSession) -> CaseResult<u64> {
    let (iv, _) = session.encrypt(ctx, &[0; 16])?;
    Ok(u64::from_be_bytes(std::array::from_fn(|i| iv[i])))
}

/// Fails unless a read-back deciphers with `key`.
fn check_read_back(ctx: &Context<'_>, what: &str, session: &KeyedSession, key: &Block, len: usize) -> CaseResult {
    let data = ctx.random_bytes(len);
    let (iv, bytes) = session.encrypt(ctx, &data)?;
    check_bytes(what, &data, &ctr::apply(key, &iv, None, &bytes))
}
