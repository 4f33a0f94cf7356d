//! Revocation lists: what issuers say of certificates that they have taken back (RFC 5280, section 5).

use std::sync::Arc;

use der::{Decode, Header, Reader, SliceReader};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::{self, PemObject};
use thiserror::Error;
use webpki::{CertRevocationList, OwnedCertRevocationList};

use crate::certificate::Certificate;

/// A revocation list (CRL), whose signature has not been checked: that needs its issuer's certificate, and is part of
/// [`CertificateChain::verify`](crate::CertificateChain::verify).
#[derive(Clone, Debug)]
pub struct RevocationList {
    list: Arc<CertRevocationList<'static>>,
}

impl RevocationList {
    /// Reads one list in DER.
    ///
    /// It must be of version 2, say when the next one comes, and hold all that its issuer has revoked: not only what has
    /// changed, not only certain reasons, and nothing of other issuers.
    ///
    /// # Errors
    ///
    /// [`RevocationListError::Unusable`] when it is no list, or another kind of list.
    pub fn from_der(list: &[u8]) -> Result<Self, RevocationListError> {
        Self::read(list).map_err(RevocationListError::Unusable)
    }

    pub(crate) fn read(list: &[u8]) -> Result<Self, webpki::Error> {
        Ok(Self { list: Arc::new(OwnedCertRevocationList::from_der(list)?.into()) })
    }

    /// Reads a PEM file: every `X509 CRL` section in it is a list.
    ///
    /// # Errors
    ///
    /// [`RevocationListError`] when a section is malformed or no list of the kind that [`from_der`](Self::from_der)
    /// reads, or there is none.
    pub fn from_pem(text: &[u8]) -> Result<Vec<Self>, RevocationListError> {
        let mut lists = Vec::new();
        for list in CertificateRevocationListDer::pem_slice_iter(text) {
            lists.push(Self::from_der(&list.map_err(RevocationListError::MalformedPem)?)?);
        }
        if lists.is_empty() { Err(RevocationListError::NoLists) } else { Ok(lists) }
    }

    pub(crate) fn as_webpki(&self) -> &CertRevocationList<'static> {
        &self.list
    }

    /// Whether the list is by the issuer of `certificate`, going by the name.
    pub(crate) fn is_about(&self, certificate: &Certificate) -> bool {
        certificate.issuer_der().is_ok_and(|name| content(&name) == Some(self.list.issuer()))
    }

    /// Whether the list names `certificate`.
    pub(crate) fn names(&self, certificate: &Certificate) -> bool {
        self.is_about(certificate) && matches!(self.list.find_serial(certificate.serial_bytes()), Ok(Some(_)))
    }
}

/// Why bytes are no revocation list that can be used.
#[derive(Debug, Error)]
pub enum RevocationListError {
    /// The PEM file has no `X509 CRL` section.
    #[error("no revocation list found: it is given as a PEM file with an X509 CRL section, or as DER")]
    NoLists,
    /// A section of the PEM file cannot be read.
    #[error("the PEM file is malformed")]
    MalformedPem(#[source] pem::Error),
    /// The DER bytes are malformed, or a list of a kind that is not supported.
    #[error("the revocation list is malformed or of a kind that is not supported")]
    Unusable(#[source] webpki::Error),
}

/// What a DER element holds.
fn content(element: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(element).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    reader.read_slice(header.length()).ok()
}
