//! What an adapter says it can do (D24, D27).

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::sync::Arc;

use common::{adapter, desc};
use softcp::capability::{Capabilities, Capability};
use softcp::{Adapter, CryptoSessionDesc, Device, Error, GUID};
use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION, D3D11_KEY_EXCHANGE_RSAES_OAEP, DECODER_PROFILES,
    GUID_NULL,
};

const UNKNOWN: GUID = GUID::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

/// The null profile and every decode profile.
fn profiles() -> impl Iterator<Item = GUID> {
    std::iter::once(GUID_NULL).chain(DECODER_PROFILES.iter().map(|(_, guid)| *guid))
}

fn adapters() -> [Arc<Adapter>; 3] {
    ["software", "hardware-like", "permissive"].map(|profile| adapter(&format!("capabilities.profile={profile}")))
}

#[test]
fn every_known_pair_has_caps_and_enumerates_exactly_its_key_exchange_types() {
    assert!(DECODER_PROFILES.len() > 50, "the list of profiles is cut short");
    let all = [D3D11_KEY_EXCHANGE_RSAES_OAEP, D3D11_KEY_EXCHANGE_HW_PROTECTION];
    // Software, hardware-like and permissive: only the second talks to a secure environment.
    for (adapter, types) in adapters().iter().zip([&all[..1], &all[..], &all[..1]]) {
        for (crypto_type, types) in [(GUID_NULL, &[][..]), (D3D11_CRYPTO_TYPE_AES128_CTR, types)] {
            for profile in profiles() {
                let caps = adapter.content_protection_caps(&crypto_type, &profile).unwrap();
                let count = caps.key_exchange_type_count;
                let listed: Vec<_> =
                    (0..count).map(|index| adapter.key_exchange_type(&crypto_type, &profile, index).unwrap()).collect();
                assert_eq!(listed, types, "{crypto_type} {profile}");
                for index in [count, count + 1, u32::MAX] {
                    let error = adapter.key_exchange_type(&crypto_type, &profile, index).unwrap_err();
                    let is_right =
                        matches!(error, Error::BadIndex { index: i, count: c, .. } if (i, c) == (index, count));
                    assert!(is_right, "{crypto_type} {profile} {index}: {error}");
                }
            }
        }
    }
}

#[test]
fn unknown_crypto_type_or_profile_is_unsupported_everywhere() {
    for adapter in adapters() {
        let pairs = [
            (UNKNOWN, GUID_NULL),
            (UNKNOWN, DECODER_PROFILES[0].1),
            (GUID_NULL, UNKNOWN),
            (D3D11_CRYPTO_TYPE_AES128_CTR, UNKNOWN),
            (UNKNOWN, UNKNOWN),
            // A key exchange type, a crypto type and a decode profile where another kind of GUID belongs.
            (D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL),
            (D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_CRYPTO_TYPE_AES128_CTR),
            (DECODER_PROFILES[0].1, GUID_NULL),
        ];
        let device = Device::new(&adapter).unwrap();
        for (crypto_type, decode_profile) in pairs {
            let caps = adapter.content_protection_caps(&crypto_type, &decode_profile);
            assert!(matches!(caps, Err(Error::UnsupportedCrypto)), "{crypto_type} {decode_profile}: {caps:?}");
            let listed = adapter.key_exchange_type(&crypto_type, &decode_profile, 0);
            assert!(matches!(listed, Err(Error::UnsupportedCrypto)), "{crypto_type} {decode_profile}: {listed:?}");
            let session = device.create_crypto_session(&CryptoSessionDesc { crypto_type, decode_profile, ..desc() });
            assert!(matches!(session, Err(Error::UnsupportedCrypto)), "{crypto_type} {decode_profile}: {session:?}");
        }
    }
}

#[test]
fn hardware_protection_sessions_need_the_capability_and_nothing_else() {
    let create = |options: &str| {
        let desc = CryptoSessionDesc { key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION, ..desc() };
        Device::new(&adapter(options)).unwrap().create_crypto_session(&desc)
    };
    create("capabilities.profile=hardware-like").unwrap();
    create("capabilities.flags.hardware_drm_communication=true").unwrap();
    for options in [
        "",
        "capabilities.profile=permissive",
        "quirks.key_exchange_alias=true",
        "capabilities.profile=hardware-like;capabilities.flags.hardware_drm_communication=false",
    ] {
        assert!(matches!(create(options), Err(Error::UnsupportedCrypto)), "{options}");
    }
}

#[test]
fn session_can_be_created_for_exactly_the_enumerated_key_exchange_types() {
    let device = Device::new(&adapter("")).unwrap();
    for decode_profile in profiles() {
        let create = |crypto_type, key_exchange_type| {
            device.create_crypto_session(&CryptoSessionDesc { crypto_type, decode_profile, key_exchange_type })
        };
        create(D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP).unwrap();
        for (crypto_type, key_exchange_type) in [
            (D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION),
            (D3D11_CRYPTO_TYPE_AES128_CTR, GUID_NULL),
            (D3D11_CRYPTO_TYPE_AES128_CTR, UNKNOWN),
            (D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_CRYPTO_TYPE_AES128_CTR),
            (GUID_NULL, D3D11_KEY_EXCHANGE_RSAES_OAEP),
            (GUID_NULL, GUID_NULL),
        ] {
            let session = create(crypto_type, key_exchange_type);
            assert!(matches!(session, Err(Error::UnsupportedCrypto)), "{crypto_type} {key_exchange_type}: {session:?}");
        }
    }
}

#[test]
fn crypto_type_as_key_exchange_type_needs_permission() {
    for (options, is_allowed) in [
        ("", false),
        ("capabilities.profile=hardware-like", false),
        ("capabilities.profile=permissive", true),
        ("quirks.key_exchange_alias=true", true),
    ] {
        let device = Device::new(&adapter(options)).unwrap();
        let alias = CryptoSessionDesc { key_exchange_type: D3D11_CRYPTO_TYPE_AES128_CTR, ..desc() };
        assert_eq!(device.create_crypto_session(&alias).is_ok(), is_allowed, "{options}");
        // Permission for the alias is none for a session without a crypto type.
        let null = CryptoSessionDesc { crypto_type: GUID_NULL, key_exchange_type: GUID_NULL, ..desc() };
        assert!(device.create_crypto_session(&null).is_err(), "{options}");
    }
}

#[test]
fn named_profiles_report_the_bits_and_alignment_that_belong_to_them() {
    use Capability as C;
    let common = [
        C::PartialDecryption,
        C::ContentKey,
        C::FreshenSessionKey,
        C::EncryptedReadBack,
        C::EncryptedReadBackKey,
        C::DecryptionBlt,
    ];
    let hardware_bits: u32 = Capability::ALL
        .iter()
        .filter(|capability| capability.name().starts_with("HARDWARE"))
        .map(|capability| capability.bit())
        .sum();
    for (adapter, (is_software, alignment)) in adapters().iter().zip([(true, 1), (false, 16), (true, 1)]) {
        let caps = adapter.content_protection_caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL).unwrap();
        let has = |capability| caps.capabilities.contains(capability);
        assert!(common.into_iter().all(has), "{adapter:?}");
        assert_eq!(has(C::Software), is_software, "{adapter:?}");
        assert_eq!(caps.capabilities.bits() & hardware_bits == 0, is_software, "{adapter:?}");
        assert_eq!(has(C::SequentialCtrIv), !is_software, "{adapter:?} (D10)");
        assert_eq!(has(C::HardwareTeardown), !is_software, "{adapter:?}");
        assert_eq!(has(C::HardwareDrmCommunication), !is_software, "{adapter:?}");
        assert_eq!(caps.block_alignment, alignment, "{adapter:?} (D7)");
    }
}

#[test]
fn capability_flags_are_reported_as_configured() {
    for &capability in Capability::ALL {
        // Reporting a separate read-back key without read-back would be a contradiction.
        let also = match capability {
            Capability::EncryptedReadBack => ";capabilities.flags.encrypted_read_back_key=false",
            _ => "",
        };
        for on in [true, false] {
            let flag = capability.name().to_lowercase();
            let adapter = adapter(&format!("capabilities.flags.{flag}={on}{also}"));
            let caps = adapter.content_protection_caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL).unwrap();
            assert_eq!(caps.capabilities.contains(capability), on, "{capability}");
        }
    }
}

#[test]
fn capability_bits_are_those_of_the_ddi() {
    use softcp_abi as abi;
    let ddi = [
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY,
        abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
        abi::D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED,
        abi::D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE,
        abi::D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION,
        abi::D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN,
        abi::D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
    ];
    assert_eq!(Capability::ALL.iter().map(|capability| capability.bit()).collect::<Vec<_>>(), ddi);
    assert_eq!(Capabilities::of(&[Capability::Software, Capability::DecryptionBlt]).bits(), 0x401);
}

#[test]
fn protected_memory_is_the_budget_or_the_largest_number_and_never_zero() {
    for (budget, reported) in [(0, u64::MAX), (1, 1), (268_435_456, 268_435_456)] {
        let adapter = adapter(&format!("memory.protected={budget}"));
        for (crypto_type, profile) in [(D3D11_CRYPTO_TYPE_AES128_CTR, DECODER_PROFILES[0].1), (GUID_NULL, GUID_NULL)] {
            let caps = adapter.content_protection_caps(&crypto_type, &profile).unwrap();
            assert_eq!(caps.protected_memory_size, reported);
        }
        assert_eq!(adapter.protected_memory().size(), reported);
    }
}

#[test]
fn protected_memory_past_the_budget_is_refused_and_costs_nothing() {
    let adapter = adapter("memory.protected=1000");
    let memory = adapter.protected_memory();
    memory.reserve(900).unwrap();
    for requested in [101, 1001, u64::MAX] {
        let error = memory.reserve(requested).unwrap_err();
        let is_right =
            matches!(error, Error::ProtectedMemoryExhausted { requested: r, available: 100 } if r == requested);
        assert!(is_right, "{error:?}");
    }
    memory.reserve(100).unwrap();
    memory.reserve(0).unwrap();
    memory.release(1000);
    memory.reserve(1000).unwrap();
    let caps = adapter.content_protection_caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL).unwrap();
    assert_eq!(caps.protected_memory_size, 1000, "the size is the budget, not what is left of it");
}

#[test]
fn protected_memory_reserved_by_many_threads_never_passes_the_budget() {
    let adapter = adapter("memory.protected=1000");
    let granted: usize = std::thread::scope(|scope| {
        let reserve = || (0..1000).filter(|_| adapter.protected_memory().reserve(1).is_ok()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(reserve)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(granted, 1000);
}

#[test]
fn certificate_exists_for_crypto_types_with_a_key_exchange_only() {
    let adapter = adapter("");
    adapter.session_certificate(&D3D11_CRYPTO_TYPE_AES128_CTR).unwrap();
    for crypto_type in [GUID_NULL, UNKNOWN, D3D11_KEY_EXCHANGE_RSAES_OAEP] {
        let certificate = adapter.session_certificate(&crypto_type);
        assert!(matches!(certificate, Err(Error::UnsupportedCrypto)), "{crypto_type}: {certificate:?}");
    }
}

#[test]
fn asking_for_caps_makes_no_identity() {
    // An identity made in memory takes half a second: a tool that lists capabilities must not pay for it. With random
    // numbers that end after the adapter's own, making one would fail.
    let random = common::SwitchedRandom::new();
    let config = softcp::config::Config::default();
    let adapter = Adapter::new(&config, random.provider()).unwrap();
    random.while_off(|| {
        assert!(adapter.content_protection_caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL).is_ok());
        let certificate = adapter.session_certificate(&D3D11_CRYPTO_TYPE_AES128_CTR);
        assert!(matches!(certificate, Err(Error::RandomFailed)), "{certificate:?}");
    });
    // The failure was not kept.
    assert!(adapter.session_certificate(&D3D11_CRYPTO_TYPE_AES128_CTR).is_ok());
}
