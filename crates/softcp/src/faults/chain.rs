//! Certificate chains that an application must refuse, made from the driver's own.

use der::{Decode as _, Encode as _};
use rcgen::{
    BasicConstraints, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm,
};
use x509_cert::Certificate;

use super::{Fault, FaultError, Faults};
use crate::config::CertificateEncoding;
use crate::error::{Error, Result};
use crate::identity::{self, Identity, IdentityOptions};
use crate::provider::Provider;

/// The years of an expired leaf, both leap years, so that every day of a year is one of theirs too.
const EXPIRED_YEARS: [&[u8; 4]; 2] = [b"2000", b"2004"];

/// The chain that the driver shows now, as bytes: its own, unless a fault is met. Each question counts for every fault of
/// chains; of several that are met the last in the list of faults is taken.
pub(crate) fn shown(
    faults: &Faults,
    identity: &Identity,
    encoding: CertificateEncoding,
    provider: &Provider,
) -> Result<Vec<u8>> {
    if faults.is_empty() {
        return Ok(identity.certificate(encoding));
    }
    let mut chain = identity.chain().to_vec();
    let mut revocation_list = None;
    if faults.meets(Fault::CertificateExpired) {
        chain = with_leaf(identity, expired)?;
    }
    if faults.meets(Fault::CertificateWrongRoot) {
        chain = under_another_root(identity, provider)?;
    }
    if faults.meets(Fault::CertificateWrongKey) {
        chain = with_leaf(identity, with_another_key)?;
    }
    if faults.meets(Fault::CertificateRevoked) {
        chain = identity.chain().to_vec();
        revocation_list = identity.revocation_list();
    }
    Ok(identity::encoded(&chain, revocation_list, encoding))
}

/// Why an adapter cannot show a revocation list; none if it can. An identity that is yet to be made will have one.
pub(crate) fn unable_to_revoke(encoding: CertificateEncoding, identity: Option<&Identity>) -> Option<FaultError> {
    match encoding {
        CertificateEncoding::Der => Some(FaultError::NoPlaceForRevocationList),
        CertificateEncoding::Pkcs7 if identity.is_some_and(|identity| identity.revocation_list().is_none()) => {
            Some(FaultError::NoRevocationList)
        }
        CertificateEncoding::Pkcs7 => None,
    }
}

fn with_leaf(identity: &Identity, change: impl FnOnce(&mut [u8], &Certificate) -> Option<()>) -> Result<Vec<Vec<u8>>> {
    let mut chain = identity.chain().to_vec();
    let certificate = leaf(identity)?;
    let first = chain.first_mut().ok_or_else(|| failed("it holds no certificate"))?;
    change(first, &certificate).ok_or_else(|| failed("its leaf is not as expected"))?;
    Ok(chain)
}

/// Moves the validity to years that are past. The signature is left as it is.
fn expired(leaf: &mut [u8], certificate: &Certificate) -> Option<()> {
    let validity = certificate.tbs_certificate().validity();
    let times = [validity.not_before.to_der().ok()?, validity.not_after.to_der().ok()?];
    let mut rest = position(leaf, &validity.to_der().ok()?)?;
    for (time, year) in times.iter().zip(EXPIRED_YEARS) {
        // UTCTime has two digits of the year, GeneralizedTime four (RFC 5280, section 4.1.2.5), behind tag and length.
        let digits = if time.len() == 15 { &year[2..] } else { &year[..] };
        let at = rest + position(leaf.get(rest..)?, time)?;
        leaf.get_mut(at + 2..)?.get_mut(..digits.len())?.copy_from_slice(digits);
        rest = at + time.len();
    }
    Some(())
}

/// Changes a byte in the middle of the RSA modulus: another odd number of the same size, whose factors nobody knows. The
/// signature is left as it is.
fn with_another_key(leaf: &mut [u8], certificate: &Certificate) -> Option<()> {
    let key = certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
    let middle = position(leaf, &key)? + key.len() / 2;
    leaf.get_mut(middle).map(|byte| *byte = !*byte)
}

/// An RSA public key, as the `RSAPublicKey` of RFC 8017.
struct RsaKey<'a>(&'a [u8]);

impl PublicKeyData for RsaKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// The driver's own key under a leaf that a new root has signed.
fn under_another_root(identity: &Identity, provider: &Provider) -> Result<Vec<Vec<u8>>> {
    let rcgen = |error: rcgen::Error| failed(&error.to_string());
    let options = IdentityOptions::default();
    let certificate = leaf(identity)?;
    let key = RsaKey(certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes());
    let root_key = KeyPair::generate().map_err(rcgen)?;
    let mut root = identity::params(provider, &options, "SoftCP root of a fault")?;
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let mut params = identity::params(provider, &options, &options.common_name)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    params.use_authority_key_identifier_extension = true;
    let signed = params.signed_by(&key, &Issuer::from_params(&root, &root_key)).map_err(rcgen)?;
    let root = root.self_signed(&root_key).map_err(rcgen)?;
    Ok(vec![signed.der().to_vec(), root.der().to_vec()])
}

fn leaf(identity: &Identity) -> Result<Certificate> {
    let der = identity.chain().first().ok_or_else(|| failed("it holds no certificate"))?;
    Certificate::from_der(der).map_err(|error| failed(&error.to_string()))
}

fn failed(reason: &str) -> Error {
    Error::Identity { path: std::path::PathBuf::new(), reason: format!("no faulty chain can be made of it: {reason}") }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
