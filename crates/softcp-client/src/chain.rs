//! The driver's certificate chain. Whether to trust it is decided in [`CertificateChain::verify`].

use der::{Reader, SliceReader};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};
use thiserror::Error;

use crate::certificate::Certificate;
use crate::signed_data;

/// The certificates a driver hands out: the leaf that holds its key, then those that vouch for it.
///
/// Nothing but their form has been checked. The leaf's key cannot be used before [`verify`](Self::verify) has accepted
/// the chain.
#[derive(Clone, Debug)]
pub struct CertificateChain {
    /// Never empty.
    certificates: Vec<Certificate>,
    /// What came along as revocation lists, in DER. Nothing but its tag has been looked at.
    revocation_lists: Vec<Vec<u8>>,
}

impl CertificateChain {
    /// The most certificates a chain may have.
    ///
    /// More than a path can use; it keeps a hostile blob from costing much time.
    pub const MAX_CERTIFICATES: usize = 16;

    /// The most revocation lists that may come with a chain: one for each certificate.
    pub const MAX_REVOCATION_LISTS: usize = Self::MAX_CERTIFICATES;

    /// The most bytes a chain may have: room for [`MAX_CERTIFICATES`](Self::MAX_CERTIFICATES) of the largest size that
    /// can be verified, 64 KiB.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads the bytes that `GetCertificate` wrote (D13): one DER PKCS #7 / CMS certs-only `SignedData`, or certificates
    /// in DER one after the other. In both the leaf comes first, and the order is kept.
    ///
    /// Revocation lists in a `SignedData` are kept for [`verify`](Self::verify), which reads them.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when the bytes are anything else, end early, go on after the end, hold no certificate or
    /// more than [`MAX_CERTIFICATES`](Self::MAX_CERTIFICATES), more lists than
    /// [`MAX_REVOCATION_LISTS`](Self::MAX_REVOCATION_LISTS) or something else in their place, or are more than
    /// [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(CertificateError::TooLarge { len: bytes.len() });
        }
        if signed_data::is_content_info(bytes) {
            let signed_data = signed_data::read(bytes)?;
            let chain = Self::from_certificates(&signed_data.certificates)?;
            if signed_data.revocation_lists.len() > Self::MAX_REVOCATION_LISTS {
                return Err(CertificateError::TooManyRevocationLists);
            }
            Ok(Self { revocation_lists: signed_data.revocation_lists, ..chain })
        } else {
            Self::from_certificates(&split_concatenated(bytes)?)
        }
    }

    /// Reads a PEM file: its `CERTIFICATE` sections, leaf first. Sections of other kinds and text outside of sections
    /// are ignored.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when a section is malformed, or there is none or more than
    /// [`MAX_CERTIFICATES`](Self::MAX_CERTIFICATES).
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let sections = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
        Self::from_certificates(&sections.map_err(CertificateError::MalformedPem)?)
    }

    /// The DER of each revocation list that came along.
    pub(crate) fn revocation_lists(&self) -> &[Vec<u8>] {
        &self.revocation_lists
    }

    /// The first certificate: the one with the driver's key.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.certificates[0]
    }

    /// All certificates in the order given, the leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    fn from_certificates(certificates: &[impl AsRef<[u8]>]) -> Result<Self, CertificateError> {
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificates);
        }
        if certificates.len() > Self::MAX_CERTIFICATES {
            return Err(CertificateError::TooManyCertificates);
        }
        let parse = |(index, der): (_, &_)| {
            Certificate::from_der(AsRef::as_ref(der))
                .map_err(|source| CertificateError::MalformedCertificate { index, source })
        };
        let certificates = certificates.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { certificates, revocation_lists: Vec::new() })
    }
}

/// Why bytes are no certificate chain.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// There is no certificate in the bytes.
    #[error("no certificate found")]
    NoCertificates,
    /// There are more certificates than a chain can have.
    #[error("more than {} certificates", CertificateChain::MAX_CERTIFICATES)]
    TooManyCertificates,
    /// There are more bytes than a chain can have.
    #[error("{len} bytes are more than a certificate chain can have ({})", CertificateChain::MAX_BYTES)]
    TooLarge {
        /// Bytes given.
        len: usize,
    },
    /// A certificate cannot be read. Bytes after a chain's end are reported so too.
    #[error("certificate {} of the chain is malformed", .index + 1)]
    MalformedCertificate {
        /// Its place in the chain; 0 is the leaf.
        index: usize,
        /// What is wrong with it.
        source: der::Error,
    },
    /// The bytes begin like a CMS message and go on differently.
    #[error("the PKCS #7 / CMS message is malformed")]
    MalformedSignedData(#[source] der::Error),
    /// The CMS message is of another kind.
    #[error("the PKCS #7 / CMS message is of type {content_type}, not SignedData")]
    NotSignedData {
        /// Object identifier of its kind.
        content_type: String,
    },
    /// The CMS message has signers, so it is no bare set of certificates.
    #[error("the PKCS #7 / CMS message carries signatures, not only certificates")]
    NotCertificatesOnly,
    /// An element of the CMS message's certificate set is no X.509 certificate.
    #[error("certificate {} of the PKCS #7 / CMS message is of a kind other than X.509", .index + 1)]
    UnsupportedCertificateChoice {
        /// Its place in the set; 0 is the leaf.
        index: usize,
    },
    /// There are more revocation lists than can come with a chain.
    #[error("more than {} revocation lists", CertificateChain::MAX_REVOCATION_LISTS)]
    TooManyRevocationLists,
    /// An element of the CMS message's set of revocation lists is something else, as an OCSP response.
    #[error("revocation list {} of the PKCS #7 / CMS message is of a kind other than an X.509 CRL", .index + 1)]
    UnsupportedRevocationChoice {
        /// Its place in the set.
        index: usize,
    },
    /// A section of the PEM file cannot be read.
    #[error("the PEM file is malformed")]
    MalformedPem(#[source] pem::Error),
}

/// Cuts certificates that lie one after the other.
fn split_concatenated(bytes: &[u8]) -> Result<Vec<&[u8]>, CertificateError> {
    let mut certificates = Vec::new();
    let malformed = |index, source| CertificateError::MalformedCertificate { index, source };
    let mut reader = SliceReader::new(bytes).map_err(|source| malformed(0, source))?;
    while !reader.is_finished() {
        let certificate = reader.tlv_bytes().map_err(|source| malformed(certificates.len(), source))?;
        certificates.push(certificate);
    }
    Ok(certificates)
}
