//! The certificate chain: what its bytes are, and how they are handed out.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_1DDI_CERTIFICATE_INFO, D3D11_CRYPTO_TYPE_AES128_CTR, GUID,
};
use softcp_client::CertificateChain;
use softcp_runtime::{CertificateOf, Device, Error, Output};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes};
use crate::context::Context;
use crate::probe::{check_fails, failed};
use crate::rig::FILL;
use crate::variation::Mix;

/// Of sessions.
const SESSIONS: CertificateOf = CertificateOf::CryptoSession(D3D11_CRYPTO_TYPE_AES128_CTR);

pub(super) const GROUP: Group = Group {
    name: "certificates",
    title: "Certificates",
    mix: Mix::All,
    cases: &[
        Case {
            name: "certificates/size-agrees",
            rule: "GetCertificate writes as many bytes as GetCertificateSize says, and none behind them.",
            source: "GetCertificateSize, GetCertificate",
            requirement: Requirement::Reference,
            run: size_agrees,
        },
        Case {
            name: "certificates/readable",
            rule: "The certificate is one PKCS #7 / CMS SignedData with certificates alone, or certificates in DER one after the other.",
            source: "D13",
            requirement: Requirement::Decision,
            run: readable,
        },
        Case {
            name: "certificates/leaf-first",
            rule: "The chain begins with the leaf, and each certificate behind it has issued the one before.",
            source: "GetCertificate",
            requirement: Requirement::Reference,
            run: leaf_first,
        },
        Case {
            name: "certificates/rsa-2048",
            rule: "The leaf holds an RSA key of 2048 bits.",
            source: "GetCertificate",
            requirement: Requirement::Reference,
            run: rsa_2048,
        },
        Case {
            name: "certificates/chain-verifies",
            rule: "Each certificate is signed with the key of the next one.",
            source: "RFC 5280 section 6.1.3",
            requirement: Requirement::Reference,
            run: chain_verifies,
        },
        Case {
            name: "certificates/valid-now",
            rule: "No certificate of the chain has expired or is not yet valid.",
            source: "RFC 5280 section 6.1.3",
            requirement: Requirement::Quality,
            run: valid_now,
        },
        Case {
            name: "certificates/same-each-time",
            rule: "A device hands out the same bytes each time.",
            source: "GetCertificate",
            requirement: Requirement::Quality,
            run: same_each_time,
        },
        Case {
            name: "certificates/wrong-size-untouched",
            rule: "A buffer smaller than the certificate is refused by a report, and keeps its bytes.",
            source: "D20, D30",
            requirement: Requirement::Decision,
            run: wrong_size_untouched,
        },
        Case {
            name: "certificates/larger-buffer",
            rule: "A buffer larger than the certificate is refused and keeps its bytes, or begins with the whole certificate.",
            source: "D30",
            requirement: Requirement::Decision,
            run: larger_buffer,
        },
        Case {
            name: "certificates/unknown-type",
            rule: "There is no certificate of an unknown type, channel type or crypto type: a report, and a size of zero.",
            source: "D20, D30",
            requirement: Requirement::Decision,
            run: unknown_type,
        },
        Case {
            name: "certificates/channel-certificate",
            rule: "A channel type that the driver makes has a certificate with an RSA key of 2048 bits.",
            source: "GetCertificate",
            requirement: Requirement::Reference,
            run: channel_certificate,
        },
        Case {
            name: "certificates/one-report",
            rule: "A GetCertificateSize or a GetCertificate that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: one_report,
        },
        Case {
            name: "certificates/size-not-asked",
            rule: "GetCertificate with the right size works on a device that was not asked for it, or was asked for another one.",
            source: "GetCertificate",
            requirement: Requirement::Quality,
            run: size_not_asked,
        },
        Case {
            name: "certificates/null-arguments",
            rule: "Null pointers are refused by a report.",
            source: "D20",
            requirement: Requirement::Quality,
            run: null_arguments,
        },
    ],
};

/// The certificates in the bytes, in their order.
fn chain(ctx: &Context<'_>, device: &Device) -> CaseResult<Vec<Certificate>> {
    ctx.caps(device)?;
    let malformed = |error: String| Stop::failed("a certificate chain", error);
    let chain =
        CertificateChain::parse(&device.certificate(SESSIONS)?).map_err(|error| malformed(error.to_string()))?;
    let read = |der: &[u8]| Certificate::from_der(der).map_err(|error| malformed(error.to_string()));
    chain.certificates().iter().map(|certificate| read(certificate.der())).collect()
}

fn subject(certificate: &Certificate) -> String {
    certificate.tbs_certificate().subject().to_string()
}

fn issuer(certificate: &Certificate) -> String {
    certificate.tbs_certificate().issuer().to_string()
}

/// The size that the driver says, of a certificate that can be believed.
fn size(device: &Device, info: &D3D11_1DDI_CERTIFICATE_INFO) -> CaseResult<usize> {
    let mut size = 0;
    device.calls().get_certificate_size(Some(info), Some(&mut size))?.into_result()?;
    check((1..=1 << 20).contains(&size), "a size of 1 byte to 1 MiB", || format!("{size} bytes"))?;
    Ok(size as usize)
}

fn size_agrees(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let info = SESSIONS.info();
    let size = size(&device, &info)?;
    let with = |fill: u8| -> CaseResult<Vec<u8>> {
        let mut buffer = vec![fill; size + 64];
        device.calls().get_certificate(Some(&info), Output::Bytes(&mut buffer[..size]))?.into_result()?;
        check_bytes("bytes behind the buffer", &[fill; 64], &buffer[size..])?;
        buffer.truncate(size);
        Ok(buffer)
    };
    let (first, second) = (with(FILL)?, with(!FILL)?);
    let unwritten = first.iter().zip(&second).filter(|&(&a, &b)| a == FILL && b == !FILL).count();
    check(unwritten == 0, format!("a certificate of {size} bytes"), || format!("{unwritten} bytes are not written"))
}

fn readable(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let chain = chain(ctx, &device)?;
    ctx.note(format!("{} certificates: {}", chain.len(), chain.iter().map(subject).collect::<Vec<_>>().join(" / ")));
    Ok(())
}

fn leaf_first(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for pair in chain(ctx, &device)?.windows(2) {
        let (issued, by) = (&pair[0].tbs_certificate(), &pair[1].tbs_certificate());
        let expected = format!("the issuer of \"{}\" behind it: \"{}\"", subject(&pair[0]), issuer(&pair[0]));
        check(issued.issuer() == by.subject(), expected, || format!("\"{}\"", subject(&pair[1])))?;
    }
    Ok(())
}

fn rsa_2048(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    ctx.public_key(&device, SESSIONS).map(drop)
}

/// What checks a signature algorithm, if the kit can.
fn verification(oid: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match oid {
        "1.2.840.113549.1.1.11" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "1.2.840.113549.1.1.12" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "1.2.840.113549.1.1.13" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "1.2.840.10045.4.3.2" => &ECDSA_P256_SHA256_ASN1,
        "1.2.840.10045.4.3.3" => &ECDSA_P384_SHA384_ASN1,
        "1.3.101.112" => &ED25519,
        _ => return None,
    })
}

/// Fails unless a certificate is signed with the key of another one.
fn check_signature(certificate: &Certificate, by: &Certificate) -> CaseResult {
    let oid = certificate.signature_algorithm().oid.to_string();
    let algorithm = verification(&oid)
        .ok_or_else(|| Stop::skipped(format!("the kit cannot check signatures of the algorithm {oid}")))?;
    let signed = certificate.tbs_certificate().to_der();
    let signed = signed.map_err(|error| Stop::failed("a certificate chain", error.to_string()))?;
    let key = by.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let result = UnparsedPublicKey::new(algorithm, key).verify(&signed, certificate.signature().raw_bytes());
    check(result.is_ok(), format!("\"{}\" signed with the key of \"{}\"", subject(certificate), subject(by)), || {
        "a signature that is wrong".to_owned()
    })
}

fn chain_verifies(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let chain = chain(ctx, &device)?;
    for pair in chain.windows(2) {
        check_signature(&pair[0], &pair[1])?;
    }
    let Some(last) = chain.last() else { return Ok(()) };
    if last.tbs_certificate().issuer() == last.tbs_certificate().subject() {
        return check_signature(last, last);
    }
    if chain.len() == 1 {
        return Err(Stop::skipped("the chain is the leaf alone, and somebody else has issued it"));
    }
    Ok(())
}

fn valid_now(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for certificate in chain(ctx, &device)? {
        let validity = certificate.tbs_certificate().validity();
        let (from, to) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        check((from..=to).contains(&now), format!("\"{}\" valid now", subject(&certificate)), || {
            format!("valid from {} to {}", validity.not_before, validity.not_after)
        })?;
    }
    Ok(())
}

fn same_each_time(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let first = device.certificate(SESSIONS)?;
    for _ in 0..3 {
        check_bytes("the certificate once more", &first, &device.certificate(SESSIONS)?)?;
    }
    Ok(())
}

fn wrong_size_untouched(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let info = SESSIONS.info();
    let size = size(&device, &info)?;
    for given in [0, 1, size / 2, size - 1] {
        let mut buffer = vec![FILL; size + 64];
        let reply = device.calls().get_certificate(Some(&info), Output::Bytes(&mut buffer[..given]))?;
        check_fails(&format!("GetCertificate with {given} of {size} bytes"), &reply)?;
        check_bytes("a buffer that keeps its bytes", &vec![FILL; size + 64], &buffer)?;
    }
    Ok(())
}

fn one_report(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let unknown = D3D11_1DDI_CERTIFICATE_INFO { CertificateType: 7, ..SESSIONS.info() };
    let (mut size, mut buffer) = (0, [FILL; 64]);
    for (what, reply) in [
        (
            "GetCertificateSize of an unknown type",
            device.calls().get_certificate_size(Some(&unknown), Some(&mut size))?,
        ),
        (
            "GetCertificate of an unknown type",
            device.calls().get_certificate(Some(&unknown), Output::Bytes(&mut buffer))?,
        ),
        (
            "GetCertificate with a buffer of 1 byte",
            device.calls().get_certificate(Some(&SESSIONS.info()), Output::Bytes(&mut buffer[..1]))?,
        ),
    ] {
        let reports = reply.reports.len();
        check(reports <= 1, format!("{what}: one call of the error callback"), || reports.to_string())?;
    }
    Ok(())
}

fn size_not_asked(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let (info, len) = (SESSIONS.info(), device.certificate(SESSIONS)?.len());
    let (other, mut replies) = (ctx.device()?, Vec::new());
    for what in ["before any size was asked", "behind the size of a channel's"] {
        let mut buffer = vec![FILL; len];
        let reply = other.calls().get_certificate(Some(&info), Output::Bytes(&mut buffer))?;
        replies.push((what, reply, buffer));
        let (mut size, channels) = (0, CertificateOf::AuthenticatedChannel(2).info());
        // Whether there is one is the matter of another case.
        other.calls().get_certificate_size(Some(&channels), Some(&mut size))?;
    }
    let certificate = other.certificate(SESSIONS)?;
    if certificate.len() != len {
        return Err(Stop::skipped("two devices have certificates of different sizes"));
    }
    for (what, reply, buffer) in replies {
        reply.into_result()?;
        check_bytes(&format!("the certificate {what}"), &certificate, &buffer)?;
    }
    Ok(())
}

fn larger_buffer(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let (info, certificate) = (SESSIONS.info(), device.certificate(SESSIONS)?);
    for more in [1, 16, 4096] {
        let mut buffer = vec![FILL; certificate.len() + more];
        let reply = device.calls().get_certificate(Some(&info), Output::Bytes(&mut buffer))?;
        if failed(&reply) {
            check_bytes("a buffer that keeps its bytes", &vec![FILL; certificate.len() + more], &buffer)?;
        } else {
            check_bytes("the certificate", &certificate, &buffer[..certificate.len()])?;
        }
    }
    Ok(())
}

fn unknown_type(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let unknown = GUID::from_u128(u128::from_be_bytes(ctx.random()) | 1);
    let mut infos = vec![
        ("an unknown crypto type", CertificateOf::CryptoSession(unknown).info()),
        ("an unknown channel type", CertificateOf::AuthenticatedChannel(7).info()),
        ("channel type 0", CertificateOf::AuthenticatedChannel(0).info()),
    ];
    for number in [0, 3, u32::MAX] {
        infos.push(("an unknown type", D3D11_1DDI_CERTIFICATE_INFO { CertificateType: number, ..SESSIONS.info() }));
    }
    for (what, info) in infos {
        let what = format!("{what} ({})", info.CertificateType);
        let mut size = u32::MAX;
        let reply = device.calls().get_certificate_size(Some(&info), Some(&mut size))?;
        check_fails(&format!("GetCertificateSize of {what}"), &reply)?;
        check(size == 0, format!("a size of zero for {what}"), || format!("{size}"))?;
        let mut buffer = [FILL; 64];
        let reply = device.calls().get_certificate(Some(&info), Output::Bytes(&mut buffer))?;
        check_fails(&format!("GetCertificate of {what}"), &reply)?;
        check_bytes("a buffer that keeps its bytes", &[FILL; 64], &buffer)?;
    }
    Ok(())
}

fn channel_certificate(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut found = false;
    for channel_type in
        [D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE]
    {
        match device.create_channel(channel_type) {
            Ok(_) => found = true,
            Err(error @ Error::MissingEntry { .. }) => return Err(error.into()),
            Err(_) => continue,
        }
        ctx.public_key(&device, CertificateOf::AuthenticatedChannel(channel_type))?;
    }
    if found { Ok(()) } else { Err(Stop::skipped("the driver makes no channels")) }
}

fn null_arguments(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let info = SESSIONS.info();
    let size = device.certificate(SESSIONS)?.len();
    let claimed = u32::try_from(size).unwrap_or(u32::MAX);
    let (calls, mut to) = (device.calls(), u32::MAX);
    check_fails("GetCertificateSize without a type", &calls.get_certificate_size(None, Some(&mut to))?)?;
    check_fails("GetCertificateSize without a place for the size", &calls.get_certificate_size(Some(&info), None)?)?;
    let reply = calls.get_certificate(None, Output::Bytes(&mut vec![FILL; size]))?;
    check_fails("GetCertificate without a type", &reply)?;
    let reply = calls.get_certificate(Some(&info), Output::Null { size: claimed })?;
    check_fails("GetCertificate without a buffer", &reply)
}
