//! `DecryptionBlt`: keys, counter, parameters.

mod counter;
mod failures;
mod keys;
mod resources;

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION;
use softcp_runtime::{ContentProtectionCaps, Device};

use crate::case::{Case, CaseResult, Group, Requirement, check_bytes};
use crate::context::Context;
use crate::oracle::{Block, ctr};
use crate::rig::{Blit, KeyedSession};
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "decryption",
    title: "DecryptionBlt: keys, counter, parameters",
    mix: Mix::All,
    cases: &[
        Case {
            name: "decryption/session-key",
            rule: "Without a content key the data is deciphered with the session key.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: keys::session_key,
        },
        Case {
            name: "decryption/content-key",
            rule: "A content key is deciphered with AES-128-ECB under the session key, and the data with it.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: keys::content_key,
        },
        Case {
            name: "decryption/content-key-does-not-stay",
            rule: "A content key is for its own call; one without is under the session key again.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: keys::content_key_does_not_stay,
        },
        Case {
            name: "decryption/content-keys-in-turn",
            rule: "Each call is under its own content key, in whatever order many come.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: keys::content_keys_in_turn,
        },
        Case {
            name: "decryption/new-session-key",
            rule: "Content keys are deciphered with the session key that is in force, also one that was used before.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: keys::new_session_key,
        },
        Case {
            name: "decryption/content-key-size",
            rule: "A content key of another size than 16 bytes is refused where no sealed keys exist.",
            source: "D28",
            requirement: Requirement::Decision,
            run: keys::content_key_size,
        },
        Case {
            name: "decryption/count-starts-where-told",
            rule: "Count is a 64-bit big-endian number that goes up by one for each 16 bytes, from where the caller says.",
            source: "D5",
            requirement: Requirement::Decision,
            run: counter::count_starts_where_told,
        },
        Case {
            name: "decryption/count-carry",
            rule: "Count wraps at 64 bits without a carry into the IV.",
            source: "D5",
            requirement: Requirement::Decision,
            run: counter::count_carry,
        },
        Case {
            name: "decryption/iv-is-used",
            rule: "The counter block begins with the 8 bytes of the IV as they lie in memory.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: counter::iv_is_used,
        },
        Case {
            name: "decryption/any-length",
            rule: "Buffers of any length are deciphered, a last block that is not full too.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: counter::any_length,
        },
        Case {
            name: "decryption/large",
            rule: "A buffer of more than 65,536 blocks is deciphered to its end.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: counter::large,
        },
        Case {
            name: "decryption/same-iv-again",
            rule: "An IV that was used with the key before deciphers again or is refused, and never gives other bytes.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: counter::same_iv_again,
        },
        Case {
            name: "decryption/iv-order-is-free",
            rule: "Without SEQUENTIAL_CTR_IV, IVs that are new may come in any order.",
            source: "D10",
            requirement: Requirement::Decision,
            run: counter::iv_order_is_free,
        },
        Case {
            name: "decryption/sequential-iv",
            rule: "With SEQUENTIAL_CTR_IV, an IV that is not greater than the last one under the key is E_INVALIDARG.",
            source: "D10",
            requirement: Requirement::Decision,
            run: counter::sequential_iv,
        },
        Case {
            name: "decryption/sequential-iv-per-key",
            rule: "With SEQUENTIAL_CTR_IV, each key has its own order of IVs.",
            source: "D10",
            requirement: Requirement::Decision,
            run: counter::sequential_iv_per_key,
        },
        Case {
            name: "decryption/sequential-iv-of-a-key-that-comes-back",
            rule: "With SEQUENTIAL_CTR_IV, an IV that was used with a session key is refused when the key comes back.",
            source: "D31",
            requirement: Requirement::Decision,
            run: counter::sequential_iv_of_a_key_that_comes_back,
        },
        Case {
            name: "decryption/sequential-iv-per-session",
            rule: "With SEQUENTIAL_CTR_IV, two sessions with the same key have an order of IVs each.",
            source: "D32",
            requirement: Requirement::Decision,
            run: counter::sequential_iv_per_session,
        },
        Case {
            name: "decryption/before-key-exchange",
            rule: "Before a key exchange the call fails with D3DERR_INVALIDCALL.",
            source: "D3",
            requirement: Requirement::Decision,
            run: failures::before_key_exchange,
        },
        Case {
            name: "decryption/destination-kept-on-failure",
            rule: "A call that fails leaves the destination as it was.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::destination_kept,
        },
        Case {
            name: "decryption/one-report",
            rule: "A call that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::one_report,
        },
        Case {
            name: "decryption/usable-after-failure",
            rule: "A session that has refused calls deciphers the next right one.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failures::usable_after_failure,
        },
        Case {
            name: "decryption/sizes-differ",
            rule: "A source and a destination that differ in size are refused.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: failures::sizes_differ,
        },
        Case {
            name: "decryption/formats-differ",
            rule: "A source and a destination that differ in format are refused.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: failures::formats_differ,
        },
        Case {
            name: "decryption/wrong-iv-size",
            rule: "An IV of another size than 16 bytes is refused.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: failures::wrong_iv_size,
        },
        Case {
            name: "decryption/null-iv",
            rule: "A null IV is refused.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: failures::null_iv,
        },
        Case {
            name: "decryption/clear-bytes-need-no-iv",
            rule: "Where the block information leaves every byte clear, the IV may be null, and the bytes are copied.",
            source: "D38",
            requirement: Requirement::Decision,
            run: failures::clear_bytes_need_no_iv,
        },
        Case {
            name: "decryption/null-resources",
            rule: "A null source and a null destination are refused.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: failures::null_resources,
        },
        Case {
            name: "decryption/multisampled-destination",
            rule: "A multisampled destination is refused.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: failures::multisampled_destination,
        },
        Case {
            name: "decryption/in-place",
            rule: "A resource that is source and destination is deciphered where it lies, or the call is refused and it keeps its bytes.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: resources::in_place,
        },
        Case {
            name: "decryption/source-untouched",
            rule: "The source keeps its bytes.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: resources::source_untouched,
        },
        Case {
            name: "decryption/iv-untouched",
            rule: "The IV keeps its bytes.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: resources::iv_untouched,
        },
        Case {
            name: "decryption/content-key-untouched",
            rule: "The content key keeps its bytes.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: resources::content_key_untouched,
        },
        Case {
            name: "decryption/protected-destination",
            rule: "A protected destination is accepted.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: resources::protected_destination,
        },
        Case {
            name: "decryption/stale-resource",
            rule: "A blit uses the resources as they are now, also those that took the place of destroyed ones.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: resources::stale_resource,
        },
        Case {
            name: "decryption/sessions-share-resources",
            rule: "Two sessions that use the same source and destination decipher with their own keys.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: resources::sessions_share_resources,
        },
    ],
};

/// A device, a session with a key, and the capabilities, of which `bits` must be there.
fn keyed(ctx: &Context<'_>, bits: u32) -> CaseResult<(Device, KeyedSession, ContentProtectionCaps)> {
    let device = ctx.device()?;
    let caps = ctx.require_clear(&device, DECRYPTION | bits)?;
    let session = ctx.keyed_session(&device)?;
    Ok((device, session, caps))
}

/// Fails unless a blit without a pattern deciphers `len` bytes with `key`.
fn check_blit(
    ctx: &Context<'_>,
    what: &str,
    session: &KeyedSession,
    key: &Block,
    blit: &Blit<'_>,
    len: usize,
) -> CaseResult {
    let data = ctx.random_bytes(len);
    check_bytes(what, &ctr::apply(key, &blit.iv, None, &data), &session.decrypt(ctx, blit, &data)?)
}
