//! Capabilities, certificates and the status of a session.

use softcp_abi::{
    D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_INFO_U, D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL,
    D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY as SLICEDATA_ONLY,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps, D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP,
    D3DERR_UNSUPPORTEDCRYPTO, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST as CONTENT_LOST,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST as KEY_LOST, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK as OK, E_FAIL,
    GUID, GUID_NULL, HRESULT, S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{
    CheckCryptoSessionStatus, DecryptionBlt, GetCertificate, GetCertificateSize, GetContentProtectionCaps,
    GetCryptoKeyExchangeType, Hooks,
};
use crate::memory::Buffer;
use crate::report::quietly;

/// A self-signed certificate of an RSA key of 1024 bits, made with `openssl req -x509 -newkey rsa:1024`. Nobody has the key.
const WEAK: &[u8] = include_bytes!("../../certificates/rsa-1024.der");

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
        "certificate-size-one-more",
        "certificates/size-agrees",
        "GetCertificateSize says one byte more than GetCertificate takes.",
        Hooks { get_certificate_size: Some(one_more), ..Hooks::NONE },
    ),
    fault(
        "certificate-root-first",
        "certificates/leaf-first",
        "The root comes first in the certificate chain.",
        certificate(root_first),
    ),
    fault(
        "certificate-of-1024-bits",
        "certificates/rsa-2048",
        "The certificate holds an RSA key of 1024 bits.",
        Hooks { get_certificate_size: Some(weak_size), get_certificate: Some(weak), ..Hooks::NONE },
    ),
    fault(
        "certificate-signature-wrong",
        "certificates/chain-verifies",
        "The signature of the leaf is wrong.",
        certificate(wrong_signature),
    ),
    fault(
        "certificate-changes",
        "certificates/same-each-time",
        "Every second time the last byte of the root differs, which is one of its own signature.",
        certificate(changing),
    ),
    fault(
        "certificate-cut",
        "certificates/wrong-size-untouched",
        "GetCertificate with too small a buffer reports E_INVALIDARG and fills it all the same.",
        certificate(cut),
    ),
    fault(
        "certificate-of-unknown-type",
        "certificates/unknown-type",
        "For a certificate type that there is not, the certificate of crypto sessions is returned.",
        Hooks { get_certificate_size: Some(any_size), get_certificate: Some(any), ..Hooks::NONE },
    ),
    fault(
        "certificate-not-of-channels",
        "certificates/channel-certificate",
        "There is no certificate for channels.",
        Hooks { get_certificate_size: Some(no_channel_size), ..Hooks::NONE },
    ),
    fault(
        "status-key-lost-unseen",
        "status/key-lost",
        "CheckCryptoSessionStatus says OK even if the key is lost.",
        status(|call| says(call, |status| if status == KEY_LOST { OK } else { status })),
    ),
    fault(
        "status-content-always-lost",
        "status/key-lost",
        "CheckCryptoSessionStatus says that the content is lost too if only the key is.",
        status(|call| says(call, |status| if status == KEY_LOST { CONTENT_LOST } else { status })),
    ),
    fault(
        "status-lost-of-a-good-session",
        "status/ok",
        "CheckCryptoSessionStatus of a session with a key says KEY_LOST.",
        status(|call| {
            let has_key = call.keys().is_some();
            says(call, |status| if has_key && status == OK { KEY_LOST } else { status })
        }),
    ),
    fault(
        "status-lost-before-exchange",
        "status/before-key-exchange",
        "CheckCryptoSessionStatus before any key exchange says KEY_LOST.",
        status(|call| {
            let has_key = call.keys().is_some();
            says(call, |status| if has_key { status } else { KEY_LOST })
        }),
    ),
    fault(
        "status-stays-lost",
        "status/exchange-restores",
        "After a key has been lost, CheckCryptoSessionStatus says so for ever.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(|call| {
                let is_lost = call.state() != OK;
                let hresult = call.pass_on();
                call.known(|session| session.count = session.count.max(is_lost.into()));
                hresult
            }),
            check_crypto_session_status: Some(|call| {
                let was_lost = call.known(|session| session.count) == Some(1);
                says(call, |status| if was_lost { KEY_LOST } else { status })
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "status-left-on-failure",
        "status/zero-on-failure",
        "A CheckCryptoSessionStatus that fails leaves something in the caller's status.",
        status(|call| {
            let hresult = call.pass_on();
            if hresult != S_OK {
                call.set_status(CONTENT_LOST);
            }
            hresult
        }),
    ),
    fault(
        "blit-without-key-unreported",
        "status/key-lost-refuses",
        "Of several DecryptionBlt that fail in a row, as after the loss of a key, the first reports it alone.",
        Hooks { decryption_blt: Some(silent_when_lost), ..Hooks::NONE },
    ),
];

const fn caps(hook: fn(&GetContentProtectionCaps<'_>) -> HRESULT) -> Hooks {
    Hooks { get_content_protection_caps: Some(hook), ..Hooks::NONE }
}

const fn certificate(hook: fn(&GetCertificate<'_>) -> HRESULT) -> Hooks {
    Hooks { get_certificate: Some(hook), ..Hooks::NONE }
}

const fn status(hook: fn(&CheckCryptoSessionStatus<'_>) -> HRESULT) -> Hooks {
    Hooks { check_crypto_session_status: Some(hook), ..Hooks::NONE }
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

fn one_more(call: &GetCertificateSize<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(size) = call.size().filter(|size| hresult == S_OK && *size > 0) {
        call.set_size(size + 1);
    }
    hresult
}

/// Another certificate of the same size. `change` gets it, and the chain's certificates.
fn changed(call: &GetCertificate<'_>, change: impl FnOnce(&mut [u8], &[Vec<u8>])) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(mut bytes), Some(device)) = (hresult, call.certificate().get(), call.device()) {
        change(&mut bytes, &device.driver.chain);
        call.certificate().set(&bytes);
    }
    hresult
}

/// Where one certificate lies in the bytes of the chain.
fn place(bytes: &[u8], certificate: &[u8]) -> Option<usize> {
    bytes.windows(certificate.len().max(1)).position(|window| window == certificate)
}

fn root_first(call: &GetCertificate<'_>) -> HRESULT {
    changed(call, |bytes, chain| {
        let whole = chain.concat();
        if let Some(at) = place(bytes, &whole) {
            let reversed: Vec<u8> = chain.iter().rev().flatten().copied().collect();
            bytes[at..at + whole.len()].copy_from_slice(&reversed);
        }
    })
}

fn wrong_signature(call: &GetCertificate<'_>) -> HRESULT {
    changed(call, |bytes, chain| {
        if let Some((at, leaf)) = chain.first().and_then(|leaf| Some((place(bytes, leaf)?, leaf))) {
            bytes[at + leaf.len() - 1] ^= 1;
        }
    })
}

fn changing(call: &GetCertificate<'_>) -> HRESULT {
    let is_second = call.device().is_some_and(|device| device.driver.counted() % 2 == 1);
    changed(call, |bytes, chain| {
        let root = chain.last().filter(|_| is_second);
        if let Some((at, root)) = root.and_then(|root| Some((place(bytes, root)?, root))) {
            bytes[at + root.len() - 1] ^= 1;
        }
    })
}

fn cut(call: &GetCertificate<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let size = call.real_size();
    if hresult != S_OK && call.certificate().size < size {
        let mut whole = vec![0; size as usize];
        quietly(|| call.with_certificate(Buffer::of(&mut whole)).pass_on());
        call.certificate().set(&whole);
    }
    hresult
}

fn weak_size(call: &GetCertificateSize<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.set_size(u32::try_from(WEAK.len()).expect("a small certificate"));
    }
    hresult
}

fn weak(call: &GetCertificate<'_>) -> HRESULT {
    if call.certificate().size as usize != WEAK.len() || call.real_size() == 0 {
        return call.pass_on();
    }
    call.certificate().set(WEAK);
    S_OK
}

/// The certificate of crypto sessions in place of one of a type that there is not.
fn known(info: Option<D3D11_1DDI_CERTIFICATE_INFO>) -> Option<D3D11_1DDI_CERTIFICATE_INFO> {
    let is_known = |kind| {
        [D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL, D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION].contains(&kind)
    };
    info.filter(|info| !is_known(info.CertificateType)).map(|_| D3D11_1DDI_CERTIFICATE_INFO {
        CertificateType: D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
        u: D3D11_1DDI_CERTIFICATE_INFO_U { CryptoSessionType: D3D11_CRYPTO_TYPE_AES128_CTR },
    })
}

fn any_size(call: &GetCertificateSize<'_>) -> HRESULT {
    known(call.info()).map_or_else(|| call.pass_on(), |info| call.with_info(&info).pass_on())
}

fn any(call: &GetCertificate<'_>) -> HRESULT {
    known(call.info()).map_or_else(|| call.pass_on(), |info| call.with_info(&info).pass_on())
}

fn no_channel_size(call: &GetCertificateSize<'_>) -> HRESULT {
    if call.info().is_some_and(|info| info.CertificateType == D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL) {
        call.set_size(0);
        return call.report(E_FAIL, "channels have no certificate");
    }
    call.pass_on()
}

/// Another status in a good answer.
fn says(call: &CheckCryptoSessionStatus<'_>, other: impl FnOnce(u32) -> u32) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(status) = call.status().filter(|_| hresult == S_OK) {
        call.set_status(other(status));
    }
    hresult
}

fn silent_when_lost(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult =
        if call.known(|session| session.count) == Some(1) { quietly(|| call.pass_on()) } else { call.pass_on() };
    call.known(|session| session.count = u64::from(hresult != S_OK));
    hresult
}
