//! Capabilities, and the key exchange types that go with them.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE as HARDWARE, D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE as SOFTWARE,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps, D3D11_CRYPTO_TYPE_AES128_CTR as AES_CTR,
    D3D11_KEY_EXCHANGE_HW_PROTECTION as HW_PROTECTION, D3D11_KEY_EXCHANGE_RSAES_OAEP as OAEP, D3DERR_UNSUPPORTEDCRYPTO,
    DECODER_PROFILES, E_INVALIDARG, GUID, GUID_NULL,
};
use softcp_runtime::{Device, HResult, Reply};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_equal, check_hresult};
use crate::context::Context;
use crate::probe::{check_fails, failed, key_exchange_types};
use crate::variation::Mix;

/// More key exchange types than any driver has.
const MANY: u32 = 64;

pub(super) const GROUP: Group = Group {
    name: "caps",
    title: "Capabilities",
    mix: Mix::All,
    cases: &[
        Case {
            name: "caps/answers-s-ok",
            rule: "GetContentProtectionCaps returns S_OK, or D3DERR_UNSUPPORTEDCRYPTO, and no other code.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Reference,
            run: answers_s_ok,
        },
        Case {
            name: "caps/every-member-is-written",
            rule: "GetContentProtectionCaps writes every member, whatever was there.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Reference,
            run: every_member_is_written,
        },
        Case {
            name: "caps/repeatable",
            rule: "The same question has the same answer, on every device.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Quality,
            run: repeatable,
        },
        Case {
            name: "caps/unsupported-pair-refused",
            rule: "An unknown crypto type or decode profile is D3DERR_UNSUPPORTEDCRYPTO.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Reference,
            run: unsupported_pair_refused,
        },
        Case {
            name: "caps/all-profiles-answer",
            rule: "Every decode profile of the public headers has an answer.",
            source: "D27",
            requirement: Requirement::Decision,
            run: all_profiles_answer,
        },
        Case {
            name: "caps/null-crypto-type",
            rule: "The null crypto type has an answer, with and without a decode profile.",
            source: "D27",
            requirement: Requirement::Decision,
            run: null_crypto_type,
        },
        Case {
            name: "caps/count-is-that-of-the-enumeration",
            rule: "GetCryptoKeyExchangeType gives as many types, all different, as KeyExchangeTypeCount says.",
            source: "GetCryptoKeyExchangeType",
            requirement: Requirement::Reference,
            run: count_is_that_of_the_enumeration,
        },
        Case {
            name: "caps/index-past-count",
            rule: "An index that is not below KeyExchangeTypeCount is E_INVALIDARG.",
            source: "D27",
            requirement: Requirement::Decision,
            run: index_past_count,
        },
        Case {
            name: "caps/enumeration-refuses-unsupported-pair",
            rule: "A pair without capabilities has no key exchange types either.",
            source: "D27",
            requirement: Requirement::Decision,
            run: enumeration_refuses_unsupported_pair,
        },
        Case {
            name: "caps/protected-memory-is-not-zero",
            rule: "ProtectedMemorySize is never zero.",
            source: "D24",
            requirement: Requirement::Decision,
            run: protected_memory_is_not_zero,
        },
        Case {
            name: "caps/alignment-is-not-zero",
            rule: "BlockAlignmentSize is never zero.",
            source: "D7",
            requirement: Requirement::Decision,
            run: alignment_is_not_zero,
        },
        Case {
            name: "caps/rsaes-oaep-is-listed",
            rule: "RSAES-OAEP is among the key exchange types of AES-128-CTR, unless keys go to a secure environment alone.",
            source: "GetCryptoKeyExchangeType",
            requirement: Requirement::Reference,
            run: rsaes_oaep_is_listed,
        },
        Case {
            name: "caps/outputs-zero-on-failure",
            rule: "A failed call writes the capabilities and the key exchange type as zero.",
            source: "D30",
            requirement: Requirement::Decision,
            run: outputs_zero_on_failure,
        },
        Case {
            name: "caps/null-arguments",
            rule: "A null pointer for the answer is refused, and one for a GUID does no harm.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Quality,
            run: null_arguments,
        },
        Case {
            name: "caps/no-unknown-bits",
            rule: "Only bits that the DDI defines are set.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Reference,
            run: no_unknown_bits,
        },
        Case {
            name: "caps/software-or-hardware",
            rule: "The driver says whether it protects in software or in hardware.",
            source: "GetContentProtectionCaps",
            requirement: Requirement::Quality,
            run: software_or_hardware,
        },
    ],
};

/// An answer with every byte of its members filled.
fn filled(byte: u8) -> Caps {
    let number = u32::from_ne_bytes([byte; 4]);
    Caps {
        Caps: number,
        KeyExchangeTypeCount: number,
        BlockAlignmentSize: number,
        ProtectedMemorySize: u64::from_ne_bytes([byte; 8]),
    }
}

fn ask(device: &Device, crypto_type: &GUID, profile: &GUID, caps: &mut Caps) -> CaseResult<Reply> {
    Ok(device.calls().get_content_protection_caps(Some(crypto_type), Some(profile), Some(caps))?)
}

fn ask_type(device: &Device, pair: (&GUID, &GUID), index: u32, to: &mut GUID) -> CaseResult<Reply> {
    Ok(device.calls().get_crypto_key_exchange_type(Some(pair.0), Some(pair.1), index, Some(to))?)
}

/// A GUID that nobody has defined.
fn unknown(ctx: &Context<'_>) -> GUID {
    GUID::from_u128(u128::from_be_bytes(ctx.random()) | 1)
}

/// Pairs that no driver knows.
fn unknown_pairs(ctx: &Context<'_>) -> [(&'static str, GUID, GUID); 3] {
    [
        ("an unknown crypto type", unknown(ctx), GUID_NULL),
        ("an unknown decode profile", AES_CTR, unknown(ctx)),
        ("a key exchange type as crypto type", OAEP, GUID_NULL),
    ]
}

fn answers_s_ok(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let profiles = DECODER_PROFILES.iter().map(|(_, profile)| profile);
    for crypto_type in [&AES_CTR, &GUID_NULL] {
        for profile in profiles.clone().chain([&GUID_NULL]) {
            let seen = ask(&device, crypto_type, profile, &mut Caps::default())?.hresult();
            let is_known = seen.is_ok() || seen.0 == D3DERR_UNSUPPORTEDCRYPTO;
            check(is_known, format!("S_OK or D3DERR_UNSUPPORTEDCRYPTO for {crypto_type}, {profile}"), || {
                seen.to_string()
            })?;
        }
    }
    Ok(())
}

fn every_member_is_written(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let (mut first, mut second) = (filled(0x5a), filled(0xa5));
    for caps in [&mut first, &mut second] {
        ask(&device, &AES_CTR, &GUID_NULL, caps)?.into_result()?;
    }
    check_equal("the answer into a structure that held something else", &first, &second)
}

fn repeatable(ctx: &Context<'_>) -> CaseResult {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let first = ctx.caps(&device)?;
    for device in [&device, &other, &device] {
        check_equal("the capabilities once more", &first, &ctx.caps(device)?)?;
    }
    let (types, again) = (key_exchange_types(&device)?, key_exchange_types(&other)?);
    check_equal("the key exchange types on another device", &types, &again)
}

fn unsupported_pair_refused(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for (what, crypto_type, profile) in unknown_pairs(ctx) {
        let reply = ask(&device, &crypto_type, &profile, &mut Caps::default())?;
        let call = format!("GetContentProtectionCaps of {what}, {crypto_type}, {profile}");
        check_hresult(&call, HResult(D3DERR_UNSUPPORTEDCRYPTO), reply.hresult())?;
    }
    Ok(())
}

fn all_profiles_answer(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let mut refused = Vec::new();
    for (name, profile) in DECODER_PROFILES {
        let reply = ask(&device, &AES_CTR, profile, &mut Caps::default())?;
        if failed(&reply) {
            refused.push(format!("{name} ({})", reply.hresult()));
        }
    }
    check(refused.is_empty(), "an answer for each decode profile", || format!("none for {}", refused.join(", ")))
}

fn null_crypto_type(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (name, profile) = DECODER_PROFILES[0];
    for (what, profile) in [("no profile", GUID_NULL), (name, profile)] {
        let reply = ask(&device, &GUID_NULL, &profile, &mut Caps::default())?;
        let call = format!("GetContentProtectionCaps of the null crypto type and {what}");
        check(!failed(&reply), format!("{call} has an answer"), || reply.hresult().to_string())?;
    }
    Ok(())
}

/// The key exchange types by their index.
fn types(device: &Device, count: u32) -> CaseResult<Vec<GUID>> {
    let mut types = Vec::new();
    check(count <= MANY, format!("at most {MANY} key exchange types"), || format!("{count}"))?;
    for index in 0..count {
        let mut guid = GUID_NULL;
        let reply = ask_type(device, (&AES_CTR, &GUID_NULL), index, &mut guid)?;
        let call = format!("GetCryptoKeyExchangeType with index {index} of {count}");
        check_hresult(&call, HResult::OK, reply.hresult())?;
        types.push(guid);
    }
    Ok(types)
}

fn count_is_that_of_the_enumeration(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let count = ctx.caps(&device)?.key_exchange_type_count;
    let types = types(&device, count)?;
    let is_new = |(at, guid): (usize, &GUID)| *guid != GUID_NULL && !types[..at].contains(guid);
    check(types.iter().enumerate().all(is_new), "key exchange types that all differ and are not null", || {
        format!("{types:?}")
    })?;
    let reply = ask_type(&device, (&AES_CTR, &GUID_NULL), count, &mut GUID::default())?;
    check(failed(&reply), format!("no type behind the {count} counted ones"), || format!("{}", reply.hresult()))
}

fn index_past_count(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let count = ctx.caps(&device)?.key_exchange_type_count;
    for index in [count, count.saturating_add(1), 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let reply = ask_type(&device, (&AES_CTR, &GUID_NULL), index, &mut GUID::default())?;
        let call = format!("GetCryptoKeyExchangeType with index {index} of {count}");
        check_hresult(&call, HResult(E_INVALIDARG), reply.hresult())?;
    }
    Ok(())
}

fn enumeration_refuses_unsupported_pair(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for (what, crypto_type, profile) in unknown_pairs(ctx) {
        let reply = ask_type(&device, (&crypto_type, &profile), 0, &mut GUID::default())?;
        check_fails(&format!("GetCryptoKeyExchangeType of {what}"), &reply)?;
    }
    Ok(())
}

fn protected_memory_is_not_zero(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let size = ctx.caps(&device)?.protected_memory_size;
    ctx.note(format!("ProtectedMemorySize is {size}"));
    check(size != 0, "a ProtectedMemorySize that is not zero", || "0".to_owned())
}

fn alignment_is_not_zero(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let alignment = ctx.caps(&device)?.block_alignment_size;
    check(alignment != 0, "a BlockAlignmentSize that is not zero", || "0".to_owned())
}

fn rsaes_oaep_is_listed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let types = key_exchange_types(&device)?;
    if types == [HW_PROTECTION] {
        return Err(Stop::skipped("the driver's only key exchange is that of a secure environment"));
    }
    check(types.contains(&OAEP), format!("{OAEP} (RSAES-OAEP) among the key exchange types"), || format!("{types:?}"))
}

fn outputs_zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let ones = GUID::from_u128(u128::MAX);
    for (what, crypto_type, profile) in unknown_pairs(ctx) {
        let mut caps = filled(0xff);
        if failed(&ask(&device, &crypto_type, &profile, &mut caps)?) {
            check_equal(&format!("the capabilities of {what}"), &Caps::default(), &caps)?;
        }
        let mut guid = ones;
        if failed(&ask_type(&device, (&crypto_type, &profile), 0, &mut guid)?) {
            check_equal(&format!("the key exchange type of {what}"), &GUID_NULL, &guid)?;
        }
    }
    let mut guid = ones;
    if failed(&ask_type(&device, (&AES_CTR, &GUID_NULL), u32::MAX, &mut guid)?) {
        check_equal("the key exchange type of an index past the count", &GUID_NULL, &guid)?;
    }
    Ok(())
}

fn null_arguments(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let calls = device.calls();
    let reply = calls.get_content_protection_caps(Some(&AES_CTR), Some(&GUID_NULL), None)?;
    check_fails("GetContentProtectionCaps without a place for the answer", &reply)?;
    let reply = calls.get_crypto_key_exchange_type(Some(&AES_CTR), Some(&GUID_NULL), 0, None)?;
    check_fails("GetCryptoKeyExchangeType without a place for the answer", &reply)?;
    // Whatever the answer is, the driver is there afterwards.
    for (crypto_type, profile) in [(None, Some(&GUID_NULL)), (Some(&AES_CTR), None), (None, None)] {
        calls.get_content_protection_caps(crypto_type, profile, Some(&mut Caps::default()))?;
        calls.get_crypto_key_exchange_type(crypto_type, profile, 0, Some(&mut GUID::default()))?;
    }
    ctx.caps(&device).map(drop)
}

fn no_unknown_bits(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let bits = ctx.caps(&device)?.bits;
    check(bits >> 16 == 0, "capability bits up to 0x8000", || format!("{bits:#x}"))
}

fn software_or_hardware(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let caps = ctx.caps(&device)?;
    ctx.note(format!("reported: {}", caps.names().collect::<Vec<_>>().join(", ")));
    let none = || Stop::failed("SOFTWARE or HARDWARE among the capabilities", format!("{:#x}", caps.bits));
    if caps.contains(SOFTWARE) || caps.contains(HARDWARE) { Ok(()) } else { Err(none()) }
}
