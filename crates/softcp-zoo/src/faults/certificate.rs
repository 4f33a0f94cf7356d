//! Certificates.

use std::time::{Duration, SystemTime};

use softcp::identity::IdentityOptions;
use softcp_abi::{
    D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_INFO_U, D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL,
    D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION, D3D11_CRYPTO_TYPE_AES128_CTR, E_FAIL, HRESULT, S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{GetCertificate, GetCertificateSize, Hooks};
use crate::memory::Buffer;
use crate::report::quietly;

/// A self-signed certificate of an RSA key of 1024 bits, made with `openssl req -x509 -newkey rsa:1024`. Nobody has the key.
const WEAK: &[u8] = include_bytes!("../../certificates/rsa-1024.der");

pub(super) const DRIVERS: &[FaultyDriver] = &[
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
        "certificate-root-unreadable",
        "certificates/readable",
        "What is in the root is no certificate.",
        certificate(|call| {
            changed(call, |bytes, chain| {
                // The tag of what is signed.
                if let Some(at) = chain.last().and_then(|root| place(bytes, root)) {
                    bytes[at + 4] ^= 1;
                }
            })
        }),
    ),
    fault(
        "certificate-expired",
        "certificates/valid-now",
        "The certificates have expired.",
        Hooks { identity: Some(expired), ..Hooks::NONE },
    ),
    fault(
        "certificate-at-the-end",
        "certificates/larger-buffer",
        "In a buffer that is larger than the certificate, the certificate is at the end.",
        certificate(at_the_end),
    ),
    fault(
        "certificate-failure-reported-twice",
        "certificates/one-report",
        "A GetCertificate that fails reports its error twice.",
        certificate(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
        }),
    ),
    fault(
        "certificate-of-the-size-asked-last",
        "certificates/size-not-asked",
        "GetCertificate works for the device and type alone whose size was asked for last.",
        Hooks { get_certificate_size: Some(asked), get_certificate: Some(as_asked), ..Hooks::NONE },
    ),
    fault(
        "certificate-without-a-buffer",
        "certificates/null-arguments",
        "GetCertificate without a buffer succeeds.",
        certificate(|call| if call.certificate().data.is_null() { S_OK } else { call.pass_on() }),
    ),
];

const fn certificate(hook: fn(&GetCertificate<'_>) -> HRESULT) -> Hooks {
    Hooks { get_certificate: Some(hook), ..Hooks::NONE }
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

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn expired() -> IdentityOptions {
    IdentityOptions { not_before: SystemTime::now() - 30 * DAY, days: 10, ..IdentityOptions::default() }
}

fn at_the_end(call: &GetCertificate<'_>) -> HRESULT {
    let size = quietly(|| call.real_size());
    if size == 0 || call.certificate().size <= size || call.certificate().data.is_null() {
        return call.pass_on();
    }
    let mut whole = vec![0; size as usize];
    let hresult = call.with_certificate(Buffer::of(&mut whole)).pass_on();
    if hresult == S_OK {
        let front = vec![0; (call.certificate().size - size) as usize];
        call.certificate().set(&[front, whole].concat());
    }
    hresult
}

fn asked(call: &GetCertificateSize<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(info), Some(device)) = (hresult, call.info(), call.device()) {
        device.driver.notes().insert(call.device_number(), info.CertificateType.into());
    }
    hresult
}

fn as_asked(call: &GetCertificate<'_>) -> HRESULT {
    let last = call.device().and_then(|device| device.driver.notes().get(&call.device_number()).copied());
    if last != call.info().map(|info| info.CertificateType.into()) {
        return call.report(E_FAIL, "the size of another certificate was asked for");
    }
    call.pass_on()
}
