//! What several test programs need: the committed vectors, and chains made on the spot.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use softcp_client::{CertificateChain, TrustAnchors, UnixTime, VerifiedCertificate};

/// The committed vectors; `vectors/README.md` says what each is.
pub(crate) mod vectors {
    pub(crate) const ROOT_PEM: &[u8] = include_bytes!("../vectors/root.pem");
    pub(crate) const CHAIN_P7B: &[u8] = include_bytes!("../vectors/chain.p7b");
    pub(crate) const CHAIN_DER: &[u8] = include_bytes!("../vectors/chain.der");
    pub(crate) const CHAIN_WITH_CRL: &[u8] = include_bytes!("../vectors/chain-with-crl.p7b");
    pub(crate) const CRL_ONLY: &[u8] = include_bytes!("../vectors/crl-only.p7b");
    pub(crate) const SIGNED_MESSAGE: &[u8] = include_bytes!("../vectors/signed-message.p7b");
    pub(crate) const DATA_MESSAGE: &[u8] = include_bytes!("../vectors/data-message.p7b");
    pub(crate) const LEAF_TXT: &str = include_str!("../vectors/leaf.txt");
    pub(crate) const LEAF_KEY: &[u8] = include_bytes!("../vectors/leaf-key.pk8");
    pub(crate) const OAEP_SHA512: &[u8] = include_bytes!("../vectors/oaep-sha512.bin");
    pub(crate) const OAEP_SHA256: &[u8] = include_bytes!("../vectors/oaep-sha256.bin");
}

/// A root or intermediate made on the spot, EC P-256.
pub(crate) type Ca = CertifiedIssuer<'static, KeyPair>;

/// A moment within the validity of the committed vectors and of every certificate made here: 15 January 2027.
pub(crate) fn now() -> UnixTime {
    at(1_800_000_000)
}

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// A certificate for a subject of one common name, without extensions.
pub(crate) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

pub(crate) fn ca_params(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

pub(crate) fn leaf_params() -> CertificateParams {
    let mut params = named("Driver");
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    params
}

pub(crate) fn root(name: &str) -> Ca {
    Ca::self_signed(ca_params(name), KeyPair::generate().unwrap()).unwrap()
}

pub(crate) fn intermediate(params: CertificateParams, issuer: &Ca) -> Ca {
    Ca::signed_by(params, KeyPair::generate().unwrap(), issuer).unwrap()
}

/// A leaf with the committed RSA key.
pub(crate) fn leaf(params: &CertificateParams, issuer: &Ca) -> Certificate {
    params.signed_by(&leaf_key(), issuer).unwrap()
}

pub(crate) fn leaf_key() -> KeyPair {
    KeyPair::try_from(&PrivatePkcs8KeyDer::from(vectors::LEAF_KEY)).unwrap()
}

/// A chain from the certificates as a driver would hand them out.
pub(crate) fn chain(certificates: &[&[u8]]) -> CertificateChain {
    CertificateChain::parse(&certificates.concat()).unwrap()
}

pub(crate) fn trust(root: &Ca) -> TrustAnchors {
    TrustAnchors::from_der(root.der()).unwrap()
}

/// The committed chain, accepted.
pub(crate) fn verified_driver() -> VerifiedCertificate {
    let roots = TrustAnchors::from_pem(vectors::ROOT_PEM).unwrap();
    CertificateChain::parse(vectors::CHAIN_P7B).unwrap().verify(&roots, now()).unwrap()
}

/// One DER element with a definite length.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    if let Ok(len @ 0..0x80) = u8::try_from(content.len()) {
        element.push(len);
    } else {
        let len: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
        element.push(0x80 | u8::try_from(len.len()).unwrap());
        element.extend(len);
    }
    element.extend(content);
    element
}
