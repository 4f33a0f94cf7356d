//! A driver's identity: a certificate chain and the RSA key of its leaf, from files or made in memory.
//!
//! An identity directory holds `root.pem` (what an application trusts), `chain.pem` (leaf first, then the root) and
//! `key.pem` (the leaf's private key, PKCS #8), and, for the fault `certificate-revoked` only, `crl.pem` (a revocation list
//! of the leaf's issuer that names the leaf, RFC 5280, section 5; it may be left out). The root's private key is thrown away
//! when the identity is made.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::{Decode as _, Encode as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivatePkcs8KeyDer};
use x509_cert::crl::CertificateList;
use zeroize::Zeroizing;

use crate::certificate;
use crate::config::CertificateEncoding;
use crate::error::{Error, Result};
use crate::provider::{OaepPrivateKey, Provider};

/// The file that holds the certificate an application trusts.
pub const ROOT_FILE: &str = "root.pem";
/// The file that holds the chain, leaf first.
pub const CHAIN_FILE: &str = "chain.pem";
/// The file that holds the leaf's private key.
pub const KEY_FILE: &str = "key.pem";
/// The file that holds the revocation list that the fault `certificate-revoked` shows.
pub const CRL_FILE: &str = "crl.pem";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The last second that a certificate can name, from 1970 on: the end of the year 9999 (RFC 5280, section 4.1.2.5).
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// A certificate chain and the private key of its leaf, ready to use.
pub struct Identity {
    chain: Vec<Vec<u8>>,
    revocation_list: Option<Vec<u8>>,
    key: Box<dyn OaepPrivateKey>,
}

impl Identity {
    /// Makes a new identity. Takes up to half a second, for the RSA key.
    pub fn generate(provider: &Provider) -> Result<Self> {
        IdentityFiles::generate(provider, &IdentityOptions::default())?.open(provider)
    }

    /// Reads an identity directory. [`Error::Identity`] names the file that cannot be used.
    pub fn load(directory: &Path, provider: &Provider) -> Result<Self> {
        IdentityFiles::read(directory)?.open(provider)
    }

    /// The DER certificates, leaf first.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The chain as `GetCertificate` hands it out (D13).
    #[must_use]
    pub fn certificate(&self, encoding: CertificateEncoding) -> Vec<u8> {
        encoded(&self.chain, None, encoding)
    }

    /// The list of the leaf's issuer by which the leaf is revoked, in DER; none if the identity has none. Only the fault
    /// `certificate-revoked` shows it.
    #[must_use]
    pub fn revocation_list(&self) -> Option<&[u8]> {
        self.revocation_list.as_deref()
    }

    /// The leaf's private key.
    pub(crate) fn key(&self) -> &dyn OaepPrivateKey {
        &*self.key
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

/// What a new identity's certificates say.
#[derive(Debug, Clone)]
pub struct IdentityOptions {
    /// Common name of the leaf; the root's is the same with " root".
    pub common_name: String,
    /// Begin of validity, not before 1970.
    pub not_before: SystemTime,
    /// Days of validity, which must end before the year 10000.
    pub days: u32,
}

impl Default for IdentityOptions {
    /// "SoftCP driver", valid from yesterday (clocks differ) for ten years.
    fn default() -> Self {
        Self { common_name: "SoftCP driver".to_owned(), not_before: SystemTime::now() - DAY, days: 3653 }
    }
}

/// The files of an identity directory.
pub struct IdentityFiles {
    origin: PathBuf,
    root: String,
    chain: String,
    key: Zeroizing<String>,
    revocation_list: Option<String>,
}

impl IdentityFiles {
    /// Makes a new root, a leaf under it with a new RSA-2048 key, and the root's revocation list that names the leaf.
    /// Errors: [`Error::Identity`] when a key, a certificate or the list cannot be made as asked for,
    /// [`Error::RandomFailed`].
    pub fn generate(provider: &Provider, options: &IdentityOptions) -> Result<Self> {
        let failed = |reason: &str| Error::Identity { path: PathBuf::new(), reason: reason.to_owned() };
        let rcgen = |error: rcgen::Error| failed(&error.to_string());
        let pkcs8 = provider.rsa.generate().map_err(|_| failed("an RSA key could not be made"))?;
        let leaf_key = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(&**pkcs8), &PKCS_RSA_SHA256)
            .map_err(rcgen)?;
        // The root signs twice and is thrown away, so its random numbers need not be the provider's.
        let root_key = KeyPair::generate().map_err(rcgen)?;

        let mut root = params(provider, options, &format!("{} root", options.common_name))?;
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let mut leaf = params(provider, options, &options.common_name)?;
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        leaf.use_authority_key_identifier_extension = true;

        let root_certificate = root.self_signed(&root_key).map_err(rcgen)?;
        let issuer = Issuer::from_params(&root, &root_key);
        let leaf_certificate = leaf.signed_by(&leaf_key, &issuer).map_err(rcgen)?;
        let revocation_list = revoking(&leaf, &root)?.signed_by(&issuer).and_then(|list| list.pem()).map_err(rcgen)?;
        Ok(Self {
            origin: PathBuf::new(),
            root: root_certificate.pem(),
            chain: leaf_certificate.pem() + &root_certificate.pem(),
            key: Zeroizing::new(leaf_key.serialize_pem()),
            revocation_list: Some(revocation_list),
        })
    }

    /// Reads an identity directory. The revocation list may be missing, the other files may not.
    pub fn read(directory: &Path) -> Result<Self> {
        let failed =
            |path, error| Error::Identity { reason: format!("{error}; make an identity with `softcp cert new`"), path };
        let read = |name| {
            let path = directory.join(name);
            std::fs::read_to_string(&path).map_err(|error| failed(path, error))
        };
        let list = directory.join(CRL_FILE);
        let revocation_list = match std::fs::read_to_string(&list) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(list, error)),
        };
        Ok(Self {
            origin: directory.to_owned(),
            root: read(ROOT_FILE)?,
            chain: read(CHAIN_FILE)?,
            key: Zeroizing::new(read(KEY_FILE)?),
            revocation_list,
        })
    }

    /// Writes the files into `directory`, which is made if needed. Existing files are an error, never replaced; the key is
    /// readable by its owner only.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        for name in [ROOT_FILE, CHAIN_FILE, KEY_FILE, CRL_FILE] {
            let path = directory.join(name);
            if path.exists() {
                let message = format!("{} exists already", path.display());
                return Err(std::io::Error::new(ErrorKind::AlreadyExists, message));
            }
        }
        create(&directory.join(KEY_FILE), &self.key, 0o600)?;
        create(&directory.join(CHAIN_FILE), &self.chain, 0o644)?;
        if let Some(list) = &self.revocation_list {
            create(&directory.join(CRL_FILE), list, 0o644)?;
        }
        create(&directory.join(ROOT_FILE), &self.root, 0o644)
    }

    /// The PEM certificate that an application trusts.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The PEM revocation list that names the leaf, if there is one.
    #[must_use]
    pub fn revocation_list(&self) -> Option<&str> {
        self.revocation_list.as_deref()
    }

    /// Parses the files and checks that the key is the leaf's, and that the revocation list is its issuer's and names it.
    /// The signatures are not checked.
    pub fn open(&self, provider: &Provider) -> Result<Identity> {
        let failed = |name: &str, reason: &str| Error::Identity {
            path: self.origin.join(name),
            reason: format!("{reason}; make an identity with `softcp cert new`"),
        };
        let chain = CertificateDer::pem_slice_iter(self.chain.as_bytes())
            .map(|certificate| certificate.map(|der| der.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(CHAIN_FILE, &error.to_string()))?;
        let certificates = chain
            .iter()
            .map(|der| x509_cert::Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(CHAIN_FILE, &error.to_string()))?;
        let leaf = certificates.first().ok_or_else(|| failed(CHAIN_FILE, "holds no certificate"))?;
        let leaf_public_key = leaf
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|error| failed(CHAIN_FILE, &error.to_string()))?;
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| failed(KEY_FILE, &error.to_string()))?;
        let key = provider
            .rsa
            .load(pkcs8.secret_pkcs8_der())
            .map_err(|_| failed(KEY_FILE, "is not an RSA-2048 private key"))?;
        if key.public_key_der() != leaf_public_key {
            return Err(failed(KEY_FILE, "is not the key of the chain's first certificate"));
        }
        let revocation_list = match &self.revocation_list {
            Some(text) => Some(revocation_list(text, leaf).map_err(|reason| failed(CRL_FILE, &reason))?),
            None => None,
        };
        Ok(Identity { chain, revocation_list, key })
    }
}

impl std::fmt::Debug for IdentityFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityFiles").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A chain of DER certificates, leaf first, as `GetCertificate` hands it out (D13), with a revocation list where the encoding
/// has a place for it.
pub(crate) fn encoded(chain: &[Vec<u8>], revocation_list: Option<&[u8]>, encoding: CertificateEncoding) -> Vec<u8> {
    match encoding {
        CertificateEncoding::Pkcs7 => certificate::certs_only(chain, revocation_list),
        CertificateEncoding::Der => chain.concat(),
    }
}

/// The DER of the one PEM list in `text`, which has to be about `leaf`; or what is wrong with it.
fn revocation_list(text: &str, leaf: &x509_cert::Certificate) -> Result<Vec<u8>, String> {
    let der = CertificateRevocationListDer::from_pem_slice(text.as_bytes()).map_err(|error| error.to_string())?;
    let list = CertificateList::from_der(&der).map_err(|error| error.to_string())?.tbs_cert_list;
    let leaf = leaf.tbs_certificate();
    if list.issuer != *leaf.issuer() {
        return Err("is not of the issuer of the chain's first certificate".to_owned());
    }
    let mut revoked = list.revoked_certificates.iter().flatten();
    if !revoked.any(|entry| entry.serial_number == *leaf.serial_number()) {
        return Err("does not name the chain's first certificate".to_owned());
    }
    Ok(der.to_vec())
}

/// The list of `root` that revokes `leaf`, not yet signed. No list will follow it, since the root's key is thrown away: it
/// has no end (RFC 5280, section 4.1.2.5).
fn revoking(leaf: &CertificateParams, root: &CertificateParams) -> Result<CertificateRevocationListParams> {
    let serial_number = leaf.serial_number.clone().ok_or_else(|| Error::Identity {
        path: PathBuf::new(),
        reason: "the certificate has no serial number".to_owned(),
    })?;
    Ok(CertificateRevocationListParams {
        this_update: leaf.not_before,
        next_update: rcgen::date_time_ymd(1970, 1, 1) + LAST_SECOND,
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number,
            revocation_time: leaf.not_before,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        }],
        key_identifier_method: root.key_identifier_method.clone(),
    })
}

/// Writes a file that must not exist yet; `mode` is its permissions where the system has them.
fn create(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(text.as_bytes())
}

pub(crate) fn params(provider: &Provider, options: &IdentityOptions, common_name: &str) -> Result<CertificateParams> {
    let mut serial = [0; 16];
    provider.random.fill(&mut serial).map_err(|_| Error::RandomFailed)?;
    serial[0] = serial[0] & 0x7F | 0x40; // positive and of full length, whatever the random bytes
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name.push(DnType::OrganizationName, "SoftCP");
    let (not_before, not_after) = validity(options)?;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = name;
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + not_before;
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + not_after;
    Ok(params)
}

/// Begin and end of validity, both from 1970 on.
fn validity(options: &IdentityOptions) -> Result<(Duration, Duration)> {
    let begin = options.not_before.duration_since(UNIX_EPOCH).ok();
    let end = begin.and_then(|begin| begin.checked_add(DAY * options.days)).filter(|end| *end <= LAST_SECOND);
    begin.zip(end).ok_or_else(|| Error::Identity {
        path: PathBuf::new(),
        reason: "the validity must lie between the years 1970 and 9999".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> IdentityFiles {
        IdentityFiles::generate(&Provider::aws_lc(), &IdentityOptions::default()).unwrap()
    }

    #[test]
    fn written_identity_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity");
        let files = files();
        files.write(&path).unwrap();
        let identity = Identity::load(&path, &Provider::aws_lc()).unwrap();
        assert_eq!(identity.chain().len(), 2);
        assert_eq!(IdentityFiles::read(&path).unwrap().root(), files.root());
    }

    #[test]
    fn write_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(ROOT_FILE), "mine").unwrap();
        let error = files().write(directory.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(!directory.path().join(KEY_FILE).exists());
    }

    #[cfg(unix)]
    #[test]
    fn key_file_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        files().write(directory.path()).unwrap();
        let mode = std::fs::metadata(directory.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn key_of_another_leaf_is_refused() {
        let mixed = IdentityFiles { key: files().key, ..files() };
        let error = mixed.open(&Provider::aws_lc()).unwrap_err().to_string();
        assert!(error.contains(KEY_FILE) && error.contains("not the key"), "{error}");
    }

    #[test]
    fn missing_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = Identity::load(directory.path(), &Provider::aws_lc()).unwrap_err().to_string();
        assert!(error.contains(ROOT_FILE) && error.contains("softcp cert new"), "{error}");
    }

    #[test]
    fn chain_without_certificate_is_refused() {
        let empty = IdentityFiles { chain: String::new(), ..files() };
        assert!(matches!(empty.open(&Provider::aws_lc()), Err(Error::Identity { .. })));
    }
}
