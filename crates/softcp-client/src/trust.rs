//! Whether to believe a driver's certificate.
//!
//! The driver's public key can be reached only through a [`VerifiedCertificate`], and only this module makes one: an
//! application that forgets the check does not compile.

use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath};

use crate::certificate::{Certificate, PublicKeyKind, display_time};
use crate::chain::CertificateChain;
use crate::revocation::RevocationList;

/// Bits of the RSA key a driver has: its key exchange takes 256 bytes (`NegotiateCryptoSessionKeyExchange`).
const RSA_KEY_BITS: usize = 2048;

/// `anyExtendedKeyUsage`, 2.5.29.37.0: the value bytes of its DER encoding.
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The roots an application trusts, and the revocation lists that it knows.
///
/// Naming a certificate here is the decision to trust it: its own validity and CA flag are not looked at (RFC 5280
/// §6.1.1 d takes name and key from an anchor).
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    anchors: Vec<TrustAnchor<'static>>,
    revocation_lists: Vec<RevocationList>,
}

impl TrustAnchors {
    /// Reads a PEM file: every `CERTIFICATE` section in it is a root.
    ///
    /// # Errors
    ///
    /// [`TrustAnchorError`] when a section is malformed or there is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, TrustAnchorError> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            anchors.push(anchor(&certificate.map_err(TrustAnchorError::MalformedPem)?)?);
        }
        if anchors.is_empty() {
            return Err(TrustAnchorError::NoCertificates);
        }
        Ok(Self { anchors, revocation_lists: Vec::new() })
    }

    /// Reads one root in DER.
    ///
    /// # Errors
    ///
    /// [`TrustAnchorError::MalformedCertificate`] when it is none.
    pub fn from_der(certificate: &[u8]) -> Result<Self, TrustAnchorError> {
        Ok(Self { anchors: vec![anchor(&CertificateDer::from(certificate))?], revocation_lists: Vec::new() })
    }

    /// Trusts the roots of `other` too, and takes its revocation lists.
    pub fn extend(&mut self, other: Self) {
        self.anchors.extend(other.anchors);
        self.revocation_lists.extend(other.revocation_lists);
    }

    /// Takes revocation lists of the application's own, which count as those that come with a chain do.
    pub fn add_revocation_lists(&mut self, lists: impl IntoIterator<Item = RevocationList>) {
        self.revocation_lists.extend(lists);
    }
}

impl CertificateChain {
    /// Checks the chain at the time `now` and hands out the leaf, whose key may be used from then on.
    ///
    /// Checked are: a path of signatures from the leaf to one of `anchors` through the other certificates, in any
    /// order; the validity of each certificate on it but the root's; that each issuer is a CA, may sign certificates
    /// if it has a key usage at all, and keeps its path length and name constraints; that the leaf is no CA, has an RSA
    /// key of 2048 bits, and may encipher keys (`keyEncipherment`) if it has a key usage at all (RFC 5280 §4.2.1.3: a
    /// certificate without the extension does not restrict its key).
    ///
    /// There is no extended key usage for content protection. A certificate on the path that has the extension must
    /// contain `anyExtendedKeyUsage` (RFC 5280 §4.2.1.12), so certificates issued for TLS are refused.
    ///
    /// # Revocation
    ///
    /// Then every revocation list is looked at, those that came with the chain and those of `anchors`, by itself: the path
    /// must also be one on which no certificate but the root's is named by it. Lists only ever take trust away:
    ///
    /// - A list of the issuer that names a certificate revokes it, however old the list is.
    /// - A list of the issuer that does not name it changes nothing, and no list has to be there at all: whoever can change
    ///   what the driver shows can leave one out, so an application that depends on revocation brings its own.
    /// - A list that names an issuer which no certificate of the chain has is about others and changes nothing.
    /// - A list in that issuer's name with a wrong signature, or from one that may not sign lists (RFC 5280 §4.2.1.3), and a
    ///   list with the chain that cannot be read, say nothing about revocation: the chain is refused.
    ///
    /// # Errors
    ///
    /// [`ChainError`]; each check has its own variant.
    pub fn verify(&self, anchors: &TrustAnchors, now: UnixTime) -> Result<VerifiedCertificate, ChainError> {
        self.find_path(anchors, now, None).map_err(|error| self.explain(error))?;
        for list in self.revocation_lists() {
            let list = RevocationList::read(list).map_err(ChainError::UnusableRevocationList)?;
            self.check_revocation(anchors, now, &list)?;
        }
        for list in &anchors.revocation_lists {
            self.check_revocation(anchors, now, list)?;
        }
        VerifiedCertificate::new(self.leaf(), true)
    }

    fn find_path(
        &self,
        anchors: &TrustAnchors,
        now: UnixTime,
        revocation: Option<RevocationOptions<'_>>,
    ) -> Result<(), webpki::Error> {
        let leaf = EndEntityCert::try_from(self.leaf().as_der())?;
        let issuers: Vec<_> = self.certificates()[1..].iter().map(|issuer| issuer.as_der().clone()).collect();
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors.anchors,
            &issuers,
            now,
            KeyUsage::required_if_present(ANY_EXTENDED_KEY_USAGE),
            revocation,
            Some(&|path| self.check_issuer_key_usages(path)),
        )?;
        Ok(())
    }

    /// Looks for a path once more, with one list: given several of one issuer, `webpki` takes the first alone.
    fn check_revocation(&self, anchors: &TrustAnchors, now: UnixTime, list: &RevocationList) -> Result<(), ChainError> {
        let Some(concerned) = self.certificates().iter().find(|certificate| list.is_about(certificate)) else {
            return Ok(());
        };
        let lists = [list.as_webpki()];
        let options = RevocationOptionsBuilder::new(&lists).expect("there is a list");
        let options = options.with_status_policy(UnknownStatusPolicy::Allow).build();
        self.find_path(anchors, now, Some(options)).map_err(|error| match error {
            webpki::Error::CertRevoked => {
                let revoked = self.certificates().iter().find(|certificate| list.names(certificate));
                let revoked = revoked.unwrap_or(concerned);
                ChainError::Revoked { subject: revoked.subject(), issuer: revoked.issuer() }
            }
            webpki::Error::InvalidCrlSignatureForPublicKey
            | webpki::Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
                ChainError::ForgedRevocationList { issuer: concerned.issuer() }
            }
            webpki::Error::IssuerNotCrlSigner => ChainError::RevocationListNotAllowed { issuer: concerned.issuer() },
            error @ webpki::Error::UnsupportedCrlSignatureAlgorithmContext(_) => {
                ChainError::UnusableRevocationList(error)
            }
            other => self.explain(other),
        })
    }

    /// RFC 5280 §6.1.4 n: a CA with a key usage needs `keyCertSign`. `webpki` looks at the CA flag alone.
    fn check_issuer_key_usages(&self, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        let may_not_sign =
            |certificate: &Certificate| certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign());
        for on_path in path.intermediate_certificates().map(webpki::Cert::der) {
            if self
                .certificates()
                .iter()
                .any(|certificate| *certificate.as_der() == on_path && may_not_sign(certificate))
            {
                return Err(webpki::Error::EndEntityUsedAsCa);
            }
        }
        Ok(())
    }

    /// Puts names and dates to an error of path building.
    fn explain(&self, error: webpki::Error) -> ChainError {
        let subject_of = |is_meant: &dyn Fn(&Certificate) -> bool| {
            self.certificates().iter().find(|certificate| is_meant(certificate)).unwrap_or(self.leaf()).subject()
        };
        match error {
            webpki::Error::CertExpired { time, not_after } => ChainError::Expired {
                subject: subject_of(&|certificate| certificate.not_after() == not_after),
                not_after: display_time(not_after),
                now: display_time(time),
            },
            webpki::Error::CertNotValidYet { time, not_before } => ChainError::NotYetValid {
                subject: subject_of(&|certificate| certificate.not_before() == not_before),
                not_before: display_time(not_before),
                now: display_time(time),
            },
            webpki::Error::UnknownIssuer => ChainError::UnknownIssuer { issuer: self.last_issuer() },
            webpki::Error::InvalidSignatureForPublicKey
            | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
                ChainError::BadSignature { chain: self.subjects() }
            }
            webpki::Error::CaUsedAsEndEntity => ChainError::LeafIsCa { subject: self.leaf().subject() },
            webpki::Error::EndEntityUsedAsCa => ChainError::IssuerNotCa { chain: self.subjects() },
            webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EmptyEkuExtension => {
                ChainError::WrongExtendedKeyUsage { chain: self.subjects() }
            }
            webpki::Error::UnsupportedSignatureAlgorithmContext(_) => {
                ChainError::UnsupportedSignatureAlgorithm { chain: self.subjects() }
            }
            other => ChainError::Rejected(other),
        }
    }

    /// The subjects of all certificates, leaf first, for errors that may concern any of them.
    fn subjects(&self) -> String {
        self.certificates()
            .iter()
            .map(|certificate| format!("\"{}\"", certificate.subject()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Follows the issuers from the leaf as far as the chain's certificates go: the name of the root it needs.
    fn last_issuer(&self) -> String {
        let mut remaining: Vec<_> = self.certificates()[1..].iter().collect();
        let mut last = self.leaf();
        while let Some(next) = remaining.iter().position(|candidate| candidate.subject_name() == last.issuer_name()) {
            last = remaining.swap_remove(next);
        }
        last.issuer()
    }
}

/// A driver's certificate whose key may be used.
///
/// [`CertificateChain::verify`] makes it, or, without looking at who vouches for it,
/// [`UnverifiedCertificate::dangerous_accept_without_verification`].
#[derive(Debug)]
pub struct VerifiedCertificate {
    certificate: Certificate,
    key: OaepPublicEncryptingKey,
    is_chain_verified: bool,
}

impl VerifiedCertificate {
    /// The certificate itself.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Whether a chain to a trusted root was checked; `false` after the explicit opt-out.
    #[must_use]
    pub fn is_chain_verified(&self) -> bool {
        self.is_chain_verified
    }

    /// The key that key exchange messages are enciphered to.
    pub(crate) fn key(&self) -> &OaepPublicEncryptingKey {
        &self.key
    }

    /// Checks that the key fits RSAES-OAEP key exchange, whoever vouches for it.
    fn new(leaf: &Certificate, is_chain_verified: bool) -> Result<Self, ChainError> {
        let subject = || leaf.subject();
        match *leaf.key() {
            PublicKeyKind::Rsa { bits: RSA_KEY_BITS } => {}
            PublicKeyKind::Rsa { bits } => return Err(ChainError::WrongKeySize { subject: subject(), bits }),
            other @ PublicKeyKind::Other { .. } => {
                return Err(ChainError::WrongKeyAlgorithm { subject: subject(), algorithm: other.to_string() });
            }
        }
        if leaf.key_usage().is_some_and(|usage| !usage.key_encipherment()) {
            return Err(ChainError::WrongKeyUsage { subject: subject() });
        }
        let unusable = || ChainError::UnusableKey { subject: subject() };
        let info = leaf.public_key_info().map_err(|_| unusable())?;
        let key = PublicEncryptingKey::from_der(&info).map_err(|_| unusable())?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| unusable())?;
        Ok(Self { certificate: leaf.clone(), key, is_chain_verified })
    }
}

/// The leaf of a chain that nobody has checked, for test drivers whose root is not at hand.
///
/// Whoever stands between the application and the driver can put a key of their own into such a certificate and then
/// read everything the session protects.
#[derive(Debug)]
pub struct UnverifiedCertificate<'a> {
    leaf: &'a Certificate,
}

impl<'a> UnverifiedCertificate<'a> {
    /// Takes the leaf of `chain`.
    #[must_use]
    pub fn new(chain: &'a CertificateChain) -> Self {
        Self { leaf: chain.leaf() }
    }

    /// Uses the leaf's key although no signature, date or root has been checked.
    ///
    /// # Errors
    ///
    /// [`ChainError`] when the key does not fit the key exchange: wrong kind, size or usage.
    pub fn dangerous_accept_without_verification(self) -> Result<VerifiedCertificate, ChainError> {
        VerifiedCertificate::new(self.leaf, false)
    }
}

/// Why a root cannot be read.
#[derive(Debug, Error)]
pub enum TrustAnchorError {
    /// The PEM file has no `CERTIFICATE` section.
    #[error("no certificate found: a root is given as a PEM file with a CERTIFICATE section, or as DER")]
    NoCertificates,
    /// A section of the PEM file cannot be read.
    #[error("the PEM file is malformed")]
    MalformedPem(#[source] pem::Error),
    /// The DER bytes are no certificate.
    #[error("the root certificate is malformed")]
    MalformedCertificate(#[source] webpki::Error),
}

/// Why a driver's certificate is not believed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChainError {
    /// A certificate of the chain is past its validity.
    #[error("the certificate of \"{subject}\" expired on {not_after}; it is now {now}")]
    Expired {
        /// Whose certificate.
        subject: String,
        /// Its last moment (RFC 3339).
        not_after: String,
        /// The time given to the check (RFC 3339).
        now: String,
    },
    /// A certificate of the chain is not yet valid.
    #[error("the certificate of \"{subject}\" is not valid before {not_before}; it is now {now}: is the clock right?")]
    NotYetValid {
        /// Whose certificate.
        subject: String,
        /// Its first moment (RFC 3339).
        not_before: String,
        /// The time given to the check (RFC 3339).
        now: String,
    },
    /// The chain leads to no trusted root.
    #[error(
        "the chain ends at \"{issuer}\", which is not among the trusted roots: \
         to trust it, add its certificate (PEM or DER) to the roots"
    )]
    UnknownIssuer {
        /// The name of the root it needs.
        issuer: String,
    },
    /// A certificate was not signed by the issuer that it names: it was altered, or the issuer's name is in use twice.
    #[error("a signature is wrong: a certificate was altered or not made by the issuer it names (chain: {chain})")]
    BadSignature {
        /// The subjects of the chain, leaf first.
        chain: String,
    },
    /// A certificate is signed with an algorithm that is outdated (MD5, SHA-1) or unknown.
    #[error("a certificate is signed with an outdated or unknown algorithm (chain: {chain})")]
    UnsupportedSignatureAlgorithm {
        /// The subjects of the chain, leaf first.
        chain: String,
    },
    /// The first certificate is a CA's.
    #[error("the first certificate, \"{subject}\", is a CA's: a chain begins with the driver's own certificate")]
    LeafIsCa {
        /// Whose certificate.
        subject: String,
    },
    /// A certificate vouches for another and is not allowed to.
    #[error("a certificate signs another without being a CA's (chain: {chain})")]
    IssuerNotCa {
        /// The subjects of the chain, leaf first.
        chain: String,
    },
    /// A certificate was issued for something else, such as TLS.
    #[error("a certificate's extended key usage excludes content protection (chain: {chain})")]
    WrongExtendedKeyUsage {
        /// The subjects of the chain, leaf first.
        chain: String,
    },
    /// The leaf's key may not be used to encipher keys.
    #[error("the key usage of \"{subject}\" lacks keyEncipherment")]
    WrongKeyUsage {
        /// Whose certificate.
        subject: String,
    },
    /// The leaf's key is no RSA key.
    #[error("the key of \"{subject}\" is {algorithm}; the key exchange needs RSA of {RSA_KEY_BITS} bits")]
    WrongKeyAlgorithm {
        /// Whose certificate.
        subject: String,
        /// What its key is.
        algorithm: String,
    },
    /// The leaf's RSA key has another size.
    #[error("the RSA key of \"{subject}\" has {bits} bits; the key exchange needs {RSA_KEY_BITS}")]
    WrongKeySize {
        /// Whose certificate.
        subject: String,
        /// Its size.
        bits: usize,
    },
    /// The leaf's RSA key is not one that can be enciphered to, for example because of its exponent.
    #[error("the RSA key of \"{subject}\" is unusable")]
    UnusableKey {
        /// Whose certificate.
        subject: String,
    },
    /// A certificate of the chain has been taken back by its issuer, as a revocation list says.
    #[error("the certificate of \"{subject}\" has been revoked by its issuer, \"{issuer}\"")]
    Revoked {
        /// Whose certificate.
        subject: String,
        /// Who has signed certificate and list.
        issuer: String,
    },
    /// A revocation list is not signed by the issuer that it names: it was altered, or made by somebody else.
    #[error("a revocation list in the name of \"{issuer}\" has a wrong signature: it was altered or made by another")]
    ForgedRevocationList {
        /// Whom the list names as its issuer.
        issuer: String,
    },
    /// A revocation list is signed by an issuer whose key usage lacks `cRLSign`.
    #[error("\"{issuer}\" has signed a revocation list without being allowed to: its key usage lacks cRLSign")]
    RevocationListNotAllowed {
        /// Who has signed the list.
        issuer: String,
    },
    /// A revocation list that came with the chain is malformed or of a kind that is not supported, so that what it revokes
    /// is not known.
    #[error("a revocation list with the chain is malformed or of a kind that is not supported")]
    UnusableRevocationList(#[source] webpki::Error),
    /// Another rule of RFC 5280 is broken.
    #[error("the certificate chain is not acceptable")]
    Rejected(#[source] webpki::Error),
}

fn anchor(certificate: &CertificateDer<'_>) -> Result<TrustAnchor<'static>, TrustAnchorError> {
    let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(TrustAnchorError::MalformedCertificate)?;
    Ok(anchor.to_owned())
}
