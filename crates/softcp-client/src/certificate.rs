//! One X.509 certificate: reading it, and telling people what it says.

use std::fmt::{self, Write};

use aws_lc_rs::digest;
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode, Encode, Sequence};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::name::Name;
use x509_cert::time::Time;

/// One X.509 certificate (RFC 5280): well-formed, but not verified.
#[derive(Clone)]
pub struct Certificate {
    der: CertificateDer<'static>,
    parsed: x509_cert::Certificate,
    key: PublicKeyKind,
    key_usage: Option<KeyUsage>,
    is_ca: bool,
}

impl Certificate {
    /// Reads the DER bytes of exactly one certificate, and the extensions this crate looks at.
    pub(crate) fn from_der(der: &[u8]) -> der::Result<Self> {
        let parsed = x509_cert::Certificate::from_der(der)?;
        let tbs = parsed.tbs_certificate();
        let key = PublicKeyKind::of(tbs.subject_public_key_info())?;
        let key_usage = tbs.get_extension::<KeyUsage>()?.map(|(_, usage)| usage);
        let is_ca = tbs.get_extension::<BasicConstraints>()?.is_some_and(|(_, constraints)| constraints.ca);
        Ok(Self { der: CertificateDer::from(der.to_vec()), parsed, key, key_usage, is_ca })
    }

    /// The certificate's own bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whom the certificate is about, as in RFC 4514. Characters that could disturb a terminal are escaped.
    #[must_use]
    pub fn subject(&self) -> String {
        display_name(self.subject_name())
    }

    /// Who signed the certificate, in the form of [`subject`](Self::subject).
    #[must_use]
    pub fn issuer(&self) -> String {
        display_name(self.issuer_name())
    }

    /// SHA-256 over the DER bytes.
    #[must_use]
    pub fn sha256_fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &self.der).as_ref());
        fingerprint
    }

    /// What the certificate says, for people to read.
    #[must_use]
    pub fn describe(&self) -> CertificateDescription {
        let tbs = self.parsed.tbs_certificate();
        CertificateDescription {
            subject: self.subject(),
            issuer: self.issuer(),
            serial: hex_with_colons(without_sign_byte(tbs.serial_number().as_bytes())),
            not_before: tbs.validity().not_before.to_string(),
            not_after: tbs.validity().not_after.to_string(),
            key_algorithm: self.key.to_string(),
            key_bits: self.key.bits(),
            key_usages: self.key_usage.map(|usage| usage.0.into_iter().map(usage_name).collect()),
            is_ca: self.is_ca,
            sha256_fingerprint: hex_with_colons(&self.sha256_fingerprint()),
        }
    }

    pub(crate) fn as_der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(crate) fn subject_name(&self) -> &Name {
        self.parsed.tbs_certificate().subject()
    }

    pub(crate) fn issuer_name(&self) -> &Name {
        self.parsed.tbs_certificate().issuer()
    }

    /// The DER of the issuer's name.
    pub(crate) fn issuer_der(&self) -> der::Result<Vec<u8>> {
        self.issuer_name().to_der()
    }

    /// The bytes of the serial number as in DER, a sign byte included.
    pub(crate) fn serial_bytes(&self) -> &[u8] {
        self.parsed.tbs_certificate().serial_number().as_bytes()
    }

    pub(crate) fn not_before(&self) -> UnixTime {
        unix_time(self.parsed.tbs_certificate().validity().not_before)
    }

    pub(crate) fn not_after(&self) -> UnixTime {
        unix_time(self.parsed.tbs_certificate().validity().not_after)
    }

    pub(crate) fn key(&self) -> &PublicKeyKind {
        &self.key
    }

    /// The DER `SubjectPublicKeyInfo`.
    pub(crate) fn public_key_info(&self) -> der::Result<Vec<u8>> {
        self.parsed.tbs_certificate().subject_public_key_info().to_der()
    }

    /// The key usage extension; without one, RFC 5280 §4.2.1.3 lets the key be used for anything.
    pub(crate) fn key_usage(&self) -> Option<KeyUsage> {
        self.key_usage
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

/// What a certificate says, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateDescription {
    /// Whom the certificate is about (RFC 4514).
    pub subject: String,
    /// Who signed it (RFC 4514).
    pub issuer: String,
    /// The serial number, bytes in hexadecimal, separated by colons.
    pub serial: String,
    /// Start of the validity (RFC 3339, UTC).
    pub not_before: String,
    /// End of the validity, included (RFC 3339, UTC).
    pub not_after: String,
    /// `RSA`, a curve's name, or the algorithm's object identifier.
    pub key_algorithm: String,
    /// The size of an RSA key's modulus; `None` for other keys.
    pub key_bits: Option<usize>,
    /// What the key may be used for, in the words of RFC 5280 §4.2.1.3; `None` means anything.
    pub key_usages: Option<Vec<&'static str>>,
    /// Whether the certificate may vouch for others.
    pub is_ca: bool,
    /// SHA-256 over the DER bytes, in hexadecimal, separated by colons.
    pub sha256_fingerprint: String,
}

/// The kind of a certificate's public key, as far as this crate has to tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKeyKind {
    Rsa { bits: usize },
    Other { algorithm: ObjectIdentifier, curve: Option<ObjectIdentifier> },
}

impl PublicKeyKind {
    fn of(info: &x509_cert::SubjectPublicKeyInfo) -> der::Result<Self> {
        let algorithm = info.algorithm.oid;
        if algorithm != RSA_ENCRYPTION {
            let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.decode_as().ok());
            return Ok(Self::Other { algorithm, curve });
        }
        let key = RsaPublicKey::from_der(info.subject_public_key.raw_bytes())?;
        let modulus = key.modulus.as_bytes();
        let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = modulus.len() * 8 - usize::try_from(unused).expect("a byte has at most 8 leading zeros");
        Ok(Self::Rsa { bits })
    }

    fn bits(self) -> Option<usize> {
        match self {
            Self::Rsa { bits } => Some(bits),
            Self::Other { .. } => None,
        }
    }
}

impl fmt::Display for PublicKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match self {
            Self::Rsa { .. } => return f.write_str("RSA"),
            Self::Other { algorithm, curve } => curve.unwrap_or(*algorithm),
        };
        match KEY_ALGORITHM_NAMES.iter().find(|(oid, _)| *oid == algorithm) {
            Some((_, name)) => f.write_str(name),
            None => algorithm.fmt(f),
        }
    }
}

/// `rsaEncryption`, RFC 8017 appendix A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Keys a driver cannot have here, named so that an error can say what it has instead (RFC 5480, RFC 8410, RFC 4055).
const KEY_ALGORITHM_NAMES: [(ObjectIdentifier, &str); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), "EC P-256"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "EC P-384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "EC P-521"),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), "Ed25519"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7"), "RSAES-OAEP"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), "RSASSA-PSS"),
];

/// RFC 8017 appendix A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

/// A moment in RFC 3339, or in seconds when it lies beyond the year 9999.
pub(crate) fn display_time(time: UnixTime) -> String {
    let since_epoch = std::time::Duration::from_secs(time.as_secs());
    der::DateTime::from_unix_duration(since_epoch)
        .map_or_else(|_| format!("{} seconds after 1970", time.as_secs()), |date| date.to_string())
}

/// A name in RFC 4514 form. Its text comes from a certificate nobody has checked and goes to a terminal, so control
/// characters and those that reorder text are escaped.
pub(crate) fn display_name(name: &Name) -> String {
    let mut text = String::new();
    if write!(text, "{name}").is_err() {
        return "(a name that cannot be shown)".to_owned();
    }
    let is_harmless = |c: char| {
        !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::new(), |mut shown, c| {
        if is_harmless(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
        shown
    })
}

fn unix_time(time: Time) -> UnixTime {
    UnixTime::since_unix_epoch(time.to_unix_duration())
}

fn usage_name(usage: KeyUsages) -> &'static str {
    match usage {
        KeyUsages::DigitalSignature => "digitalSignature",
        KeyUsages::NonRepudiation => "nonRepudiation",
        KeyUsages::KeyEncipherment => "keyEncipherment",
        KeyUsages::DataEncipherment => "dataEncipherment",
        KeyUsages::KeyAgreement => "keyAgreement",
        KeyUsages::KeyCertSign => "keyCertSign",
        KeyUsages::CRLSign => "cRLSign",
        KeyUsages::EncipherOnly => "encipherOnly",
        KeyUsages::DecipherOnly => "decipherOnly",
    }
}

/// A DER INTEGER's bytes without the zero that keeps a number with its first bit set from being negative.
fn without_sign_byte(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    }
}

fn hex_with_colons(bytes: &[u8]) -> String {
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}
