//! Capabilities and key exchange types.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY as SLICEDATA_ONLY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE as HARDWARE, D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE as SOFTWARE,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps, D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP,
    D3DERR_UNSUPPORTEDCRYPTO, GUID, GUID_NULL, HRESULT, S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{GetContentProtectionCaps, GetCryptoKeyExchangeType, Hooks};

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "caps-s-false",
        "caps/answers-s-ok",
        "GetContentProtectionCaps answers and returns S_FALSE.",
        caps(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK { 1 } else { hresult }
        }),
    ),
    fault(
        "caps-change",
        "caps/repeatable",
        "GetContentProtectionCaps reports ENCRYPT_SLICEDATA_ONLY every second time.",
        caps(|call| {
            let count = call.device().map_or(0, |device| device.driver.counted());
            answer(call, |caps| caps.Caps |= if count % 2 == 1 { SLICEDATA_ONLY } else { 0 })
        }),
    ),
    fault(
        "caps-unsupported-type-answered",
        "caps/unsupported-pair-refused",
        "GetContentProtectionCaps answers for every crypto type as for AES-128-CTR.",
        caps(|call| {
            let hresult = call.pass_on();
            if hresult == D3DERR_UNSUPPORTEDCRYPTO {
                return call.for_type(&D3D11_CRYPTO_TYPE_AES128_CTR).pass_on();
            }
            hresult
        }),
    ),
    fault(
        "caps-of-null-profile-only",
        "caps/all-profiles-answer",
        "GetContentProtectionCaps refuses every decode profile.",
        caps(|call| {
            if call.profile().is_some_and(|profile| profile != GUID_NULL) {
                call.set_caps(Caps::default());
                return D3DERR_UNSUPPORTEDCRYPTO;
            }
            call.pass_on()
        }),
    ),
    fault(
        "caps-count-one-more",
        "caps/count-is-that-of-the-enumeration",
        "KeyExchangeTypeCount is 1 higher than the number of types that can be asked for.",
        caps(|call| answer(call, |caps| caps.KeyExchangeTypeCount += 1)),
    ),
    fault(
        "caps-count-one-less",
        "caps/index-past-count",
        "The key exchange type of an index past the count is the last one.",
        Hooks { get_crypto_key_exchange_type: Some(last_type), ..Hooks::NONE },
    ),
    fault(
        "caps-protected-memory-zero",
        "caps/protected-memory-is-not-zero",
        "ProtectedMemorySize is 0.",
        caps(|call| answer(call, |caps| caps.ProtectedMemorySize = 0)),
    ),
    fault(
        "caps-alignment-zero",
        "caps/alignment-is-not-zero",
        "BlockAlignmentSize is 0.",
        caps(|call| answer(call, |caps| caps.BlockAlignmentSize = 0)),
    ),
    fault(
        "caps-unknown-bit",
        "caps/no-unknown-bits",
        "A capability bit is set that there is not.",
        caps(|call| answer(call, |caps| caps.Caps |= 1 << 31)),
    ),
    fault(
        "caps-of-the-api",
        "caps/no-unknown-bits",
        "The application's bit for multi-threaded communication, and one that there is not, are set.",
        caps(|call| answer(call, |caps| caps.Caps |= 0x18000)),
    ),
    fault(
        "caps-without-oaep",
        "caps/rsaes-oaep-is-listed",
        "RSAES-OAEP is listed under another GUID.",
        Hooks { get_crypto_key_exchange_type: Some(other_type), ..Hooks::NONE },
    ),
    fault(
        "caps-left-on-failure",
        "caps/outputs-zero-on-failure",
        "A GetContentProtectionCaps that fails leaves something in the caller's structure.",
        caps(|call| {
            let hresult = call.pass_on();
            if hresult != S_OK && !call.is_null() {
                call.set_caps(Caps { Caps: 1, ..Caps::default() });
            }
            hresult
        }),
    ),
    fault(
        "caps-null-output-accepted",
        "caps/null-arguments",
        "GetContentProtectionCaps without a structure succeeds.",
        caps(|call| if call.is_null() { S_OK } else { call.pass_on() }),
    ),
    fault(
        "caps-added-to-what-was-there",
        "caps/every-member-is-written",
        "The capability bits are added to those that the caller's structure held.",
        caps(|call| {
            let before = call.caps().map_or(0, |caps| caps.Caps);
            answer(call, |caps| caps.Caps |= before)
        }),
    ),
    fault(
        "caps-null-crypto-type-refused",
        "caps/null-crypto-type",
        "GetContentProtectionCaps refuses the null crypto type.",
        caps(|call| {
            if call.crypto_type() == Some(GUID_NULL) {
                call.set_caps(Caps::default());
                return D3DERR_UNSUPPORTEDCRYPTO;
            }
            call.pass_on()
        }),
    ),
    fault(
        "key-exchange-types-of-every-pair",
        "caps/enumeration-refuses-unsupported-pair",
        "GetCryptoKeyExchangeType answers for every pair as for AES-128-CTR without a decode profile.",
        Hooks {
            get_crypto_key_exchange_type: Some(|call| call.for_type(&D3D11_CRYPTO_TYPE_AES128_CTR).pass_on()),
            ..Hooks::NONE
        },
    ),
    fault(
        "caps-neither-software-nor-hardware",
        "caps/software-or-hardware",
        "Neither SOFTWARE nor HARDWARE is reported.",
        caps(|call| answer(call, |caps| caps.Caps &= !(SOFTWARE | HARDWARE))),
    ),
];

const fn caps(hook: fn(&GetContentProtectionCaps<'_>) -> HRESULT) -> Hooks {
    Hooks { get_content_protection_caps: Some(hook), ..Hooks::NONE }
}

/// A good answer, changed.
fn answer(call: &GetContentProtectionCaps<'_>, change: impl FnOnce(&mut Caps)) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(mut caps)) = (hresult, call.caps()) {
        change(&mut caps);
        call.set_caps(caps);
    }
    hresult
}

fn last_type(call: &GetCryptoKeyExchangeType<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK || call.index() == 0 {
        return hresult;
    }
    // The reference driver has three at most.
    let last = (0..call.index().min(4)).rev().map(|index| call.with_index(index));
    let mut found = last.map(|call| call.pass_on()).skip_while(|hresult| *hresult != S_OK);
    found.next().unwrap_or(hresult)
}

fn other_type(call: &GetCryptoKeyExchangeType<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK && call.exchange() == Some(D3D11_KEY_EXCHANGE_RSAES_OAEP) {
        call.set_exchange(GUID { Data1: !D3D11_KEY_EXCHANGE_RSAES_OAEP.Data1, ..D3D11_KEY_EXCHANGE_RSAES_OAEP });
    }
    hresult
}
