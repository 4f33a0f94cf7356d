//! How the driver's certificate is checked.

use std::path::{Path, PathBuf};

use softcp_client::{
    CertificateChain, ChainError, TrustAnchorError, TrustAnchors, UnixTime, UnverifiedCertificate, VerifiedCertificate,
};

/// Whom the application believes when a driver shows its certificate.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The chain must lead to one of these roots.
    Roots(TrustAnchors),
    /// Any certificate with a fitting key will do, whoever made it: for test drivers whose root is not at hand.
    ///
    /// Someone between application and driver could put a key of their own there and read everything.
    Anyone,
}

impl Trust {
    /// Trusts the roots of a PEM file, or the one of a DER file.
    ///
    /// # Errors
    ///
    /// [`TrustError`] when the file cannot be read or holds no certificate.
    pub fn root_file(path: impl AsRef<Path>) -> Result<Self, TrustError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| TrustError::Unreadable { path: path.to_owned(), source })?;
        Self::root(&bytes).map_err(|source| TrustError::NoRoot { path: path.to_owned(), source })
    }

    /// Trusts the roots of PEM text, or one root in DER.
    ///
    /// # Errors
    ///
    /// [`TrustAnchorError`] when there is no certificate in it.
    pub fn root(bytes: &[u8]) -> Result<Self, TrustAnchorError> {
        // DER of a certificate begins with the tag of a SEQUENCE, which is no character that begins PEM text.
        let is_der = bytes.first() == Some(&0x30);
        let roots = if is_der { TrustAnchors::from_der(bytes) } else { TrustAnchors::from_pem(bytes) }?;
        Ok(Self::Roots(roots))
    }

    /// Checks a driver's certificate chain, at the time that it is now.
    ///
    /// # Errors
    ///
    /// [`ChainError`] when it does not lead to a root, has expired or is no certificate of a driver.
    pub fn check(&self, chain: &CertificateChain) -> Result<VerifiedCertificate, ChainError> {
        match self {
            Self::Roots(roots) => chain.verify(roots, UnixTime::now()),
            Self::Anyone => UnverifiedCertificate::new(chain).dangerous_accept_without_verification(),
        }
    }
}

/// Why a root file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("cannot read the trusted root {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no root.
    #[error("{} is no trusted root: {source}", path.display())]
    NoRoot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TrustAnchorError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_file_missing_names_the_file() {
        let error = Trust::root_file("no/such/root.pem").unwrap_err();
        assert!(error.to_string().contains("no/such/root.pem"), "{error}");
    }

    #[test]
    fn root_of_other_text_is_refused() {
        assert!(matches!(Trust::root(b"hello"), Err(TrustAnchorError::NoCertificates)));
        assert!(matches!(Trust::root(&[0x30, 0x00]), Err(TrustAnchorError::MalformedCertificate(_))));
    }
}
