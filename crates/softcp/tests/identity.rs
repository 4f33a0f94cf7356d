//! Identities: what the certificates say, how they are handed out (D13), and what is wrong with directories that
//! cannot be used.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{IDENTITY, desc};
use der::oid::AssociatedOid as _;
use der::{Decode as _, Encode as _};
use softcp::config::{CertificateEncoding, Config};
use softcp::identity::{Identity, IdentityFiles, IdentityOptions};
use softcp::provider::Provider;
use softcp::{Adapter, Error};
use softcp_client::{CertificateChain, ChainError, TrustAnchors, UnixTime};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};

/// 1 March 2026, 12:34:56.
const NOT_BEFORE: u64 = 1_772_368_496;
const DAY: u64 = 24 * 60 * 60;

/// An identity made by the engine, with every option chosen.
static MADE: LazyLock<IdentityFiles> = LazyLock::new(|| {
    let options = IdentityOptions {
        common_name: "Living room".to_owned(),
        not_before: UNIX_EPOCH + Duration::from_secs(NOT_BEFORE),
        days: 30,
    };
    IdentityFiles::generate(&Provider::aws_lc(), &options).unwrap()
});

fn made_chain() -> Vec<Vec<u8>> {
    MADE.open(&Provider::aws_lc()).unwrap().chain().to_vec()
}

fn parse(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

fn committed() -> Identity {
    Identity::load(Path::new(IDENTITY), &Provider::aws_lc()).unwrap()
}

/// The certificate blob of an adapter with the committed identity.
fn blob(encoding: &str) -> Vec<u8> {
    let adapter = common::adapter(&format!("identity.encoding={encoding}"));
    adapter.session_certificate(&desc().crypto_type).unwrap()
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

// What the certificates say.

#[test]
fn made_leaf_may_encipher_keys_and_nothing_else() {
    let leaf = parse(&made_chain()[0]);
    let tbs = leaf.tbs_certificate();
    let (is_critical, usage) = tbs.get_extension::<KeyUsage>().unwrap().unwrap();
    assert!(is_critical && usage == KeyUsage(KeyUsages::KeyEncipherment.into()), "{usage:?}");
    let constraints = tbs.get_extension::<BasicConstraints>().unwrap().map(|(_, constraints)| constraints);
    assert!(constraints.is_none_or(|constraints| !constraints.ca), "a driver's certificate is no CA's");
    assert_eq!(tbs.subject().to_string(), "O=SoftCP,CN=Living room");
}

#[test]
fn made_leaf_holds_a_2048_bit_rsa_key_with_the_usual_exponent() {
    let leaf = parse(&made_chain()[0]);
    let info = leaf.tbs_certificate().subject_public_key_info();
    assert_eq!(info.algorithm.oid.to_string(), "1.2.840.113549.1.1.1", "rsaEncryption");
    // RSAPublicKey of RFC 8017, appendix A.1.1, for 256 bytes of modulus and the exponent 65537.
    let key = info.subject_public_key.raw_bytes();
    assert_eq!(key[..9], [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00]);
    assert!(key[9] & 0x80 != 0, "the modulus has less than 2048 bits");
    assert_eq!(key[265..], [0x02, 0x03, 0x01, 0x00, 0x01]);
}

#[test]
fn made_root_is_a_ca_of_leaves_that_signs_certificates() {
    let root = parse(&made_chain()[1]);
    let tbs = root.tbs_certificate();
    let (is_critical, constraints) = tbs.get_extension::<BasicConstraints>().unwrap().unwrap();
    assert!(is_critical && constraints.ca);
    assert_eq!(constraints.path_len_constraint, Some(0));
    let (_, usage) = tbs.get_extension::<KeyUsage>().unwrap().unwrap();
    assert!(usage.key_cert_sign() && !usage.key_encipherment(), "{usage:?}");
    assert_eq!(tbs.subject(), tbs.issuer());
}

#[test]
fn made_chain_links_by_name_and_key_identifier() {
    let [leaf, root] = made_chain().iter().map(|der| parse(der)).collect::<Vec<_>>().try_into().unwrap();
    let (leaf, root) = (leaf.tbs_certificate(), root.tbs_certificate());
    assert_eq!(leaf.issuer(), root.subject());
    assert_ne!(leaf.subject(), root.subject());
    let (_, authority) = leaf.get_extension::<AuthorityKeyIdentifier>().unwrap().unwrap();
    let (_, subject) = root.get_extension::<SubjectKeyIdentifier>().unwrap().unwrap();
    assert_eq!(authority.key_identifier, Some(subject.0));
}

/// The root's key is gone, so this is the last list: it names the leaf and has no end.
#[test]
fn made_list_is_the_roots_and_names_the_leaf() {
    let identity = MADE.open(&Provider::aws_lc()).unwrap();
    let [leaf, root] = made_chain().iter().map(|der| parse(der)).collect::<Vec<_>>().try_into().unwrap();
    let (leaf, root) = (leaf.tbs_certificate(), root.tbs_certificate());
    let list = CertificateList::from_der(identity.revocation_list().unwrap()).unwrap().tbs_cert_list;
    assert_eq!((list.version, &list.issuer), (x509_cert::Version::V2, root.subject()));
    assert_eq!(list.this_update.to_unix_duration().as_secs(), NOT_BEFORE);
    assert_eq!(list.next_update.unwrap().to_string(), "9999-12-31T23:59:59Z");
    let revoked = list.revoked_certificates.unwrap();
    assert_eq!(revoked.iter().map(|entry| &entry.serial_number).collect::<Vec<_>>(), [leaf.serial_number()]);
    let extensions = list.crl_extensions.unwrap();
    let authority = extensions.iter().find(|extension| extension.extn_id == AuthorityKeyIdentifier::OID).unwrap();
    let authority = AuthorityKeyIdentifier::from_der(authority.extn_value.as_bytes()).unwrap();
    let (_, subject) = root.get_extension::<SubjectKeyIdentifier>().unwrap().unwrap();
    assert_eq!(authority.key_identifier, Some(subject.0));
}

#[test]
fn made_list_is_verified_by_openssl() {
    let directory = tempfile::tempdir().unwrap();
    MADE.write(directory.path()).unwrap();
    let openssl = Command::new("openssl")
        .args(["crl", "-noout", "-verify", "-in"])
        .arg(directory.path().join("crl.pem"))
        .arg("-CAfile")
        .arg(directory.path().join("root.pem"))
        .output();
    let output = match openssl {
        Ok(output) => output,
        Err(error) => return skip(&format!("openssl cannot be run ({error})")),
    };
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.contains("verify OK"), "{text}");
}

#[test]
fn made_certificates_are_valid_for_the_days_asked_for() {
    for der in made_chain() {
        let certificate = parse(&der);
        let validity = certificate.tbs_certificate().validity();
        assert_eq!(validity.not_before.to_unix_duration().as_secs(), NOT_BEFORE);
        assert_eq!(validity.not_after.to_unix_duration().as_secs(), NOT_BEFORE + 30 * DAY);
    }
}

#[test]
fn made_chain_is_accepted_within_its_days_and_refused_outside_of_them() {
    let roots = TrustAnchors::from_pem(MADE.root().as_bytes()).unwrap();
    let chain = CertificateChain::parse(&made_chain().concat()).unwrap();
    let verify = |now| chain.verify(&roots, at(now));
    assert!(verify(NOT_BEFORE).is_ok() && verify(NOT_BEFORE + 30 * DAY).is_ok());
    assert!(matches!(verify(NOT_BEFORE - 1), Err(ChainError::NotYetValid { .. })));
    assert!(matches!(verify(NOT_BEFORE + 30 * DAY + 1), Err(ChainError::Expired { .. })));
}

/// Late ends panicked, and an early begin was 1970 without a word.
#[test]
fn validity_that_a_certificate_cannot_name_is_refused() {
    let generate = |not_before, days| {
        let options = IdentityOptions { not_before, days, ..IdentityOptions::default() };
        IdentityFiles::generate(&Provider::aws_lc(), &options)
    };
    let late = UNIX_EPOCH + Duration::from_secs(253_402_300_799 - DAY);
    for (not_before, days) in [
        (SystemTime::now(), 3_000_000),
        (SystemTime::now(), u32::MAX),
        (late, 2),
        (UNIX_EPOCH + Duration::from_secs(1 << 45), 1),
        (UNIX_EPOCH - Duration::from_secs(1), 1),
    ] {
        match generate(not_before, days) {
            Err(Error::Identity { reason, .. }) => assert!(reason.contains("validity"), "{reason}"),
            other => panic!("{days} days from {not_before:?} give {other:?}"),
        }
    }
    // The very last second that there is.
    let chain = generate(late, 1).unwrap().open(&Provider::aws_lc()).unwrap().chain().to_vec();
    let validity = *parse(&chain[0]).tbs_certificate().validity();
    assert_eq!(validity.not_after.to_string(), "9999-12-31T23:59:59Z");
}

#[test]
fn serial_numbers_are_positive_long_and_never_the_same() {
    let other = IdentityFiles::generate(&Provider::aws_lc(), &IdentityOptions::default()).unwrap();
    let other = other.open(&Provider::aws_lc()).unwrap();
    let serials: Vec<Vec<u8>> = made_chain()
        .iter()
        .chain(other.chain())
        .map(|der| parse(der).tbs_certificate().serial_number().as_bytes().to_vec())
        .collect();
    for serial in &serials {
        // RFC 5280, section 4.1.2.2: positive, at most 20 octets.
        assert!(serial.len() == 16 && serial[0] & 0x80 == 0 && serial[0] != 0, "{serial:02X?}");
        assert_eq!(serials.iter().filter(|other| *other == serial).count(), 1);
    }
}

#[test]
fn default_identity_is_valid_yesterday_and_in_nine_years() {
    let chain = Identity::generate(&Provider::aws_lc()).unwrap().chain().concat();
    let chain = CertificateChain::parse(&chain).unwrap();
    let roots = TrustAnchors::from_der(chain.certificates()[1].der()).unwrap();
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    for moment in [now - DAY / 2, now, now + 9 * 365 * DAY] {
        chain.verify(&roots, at(moment)).unwrap();
    }
}

// How they are handed out.

#[test]
fn pkcs7_is_read_by_openssl_leaf_first() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), blob("pkcs7")).unwrap();
    let openssl = Command::new("openssl")
        .args(["pkcs7", "-inform", "DER", "-print_certs", "-noout", "-in"])
        .arg(file.path())
        .output();
    let output = match openssl {
        Ok(output) => output,
        Err(error) => return skip(&format!("openssl cannot be run ({error})")),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("subject"))
        .map(|line| line.rsplit_once("CN").unwrap().1.trim_start_matches([' ', '=']))
        .collect();
    assert_eq!(names, ["Driver", "Intermediate", "Root"], "{text}");
}

/// The leaf's encoding is the longest, so a writer that sorts the SET OF certificates would put it last.
#[test]
fn both_encodings_hold_the_same_certificates_leaf_first() {
    let identity = committed();
    let subjects: Vec<_> =
        identity.chain().iter().map(|der| parse(der).tbs_certificate().subject().to_string()).collect();
    assert_eq!(subjects, ["Driver", "Intermediate", "Root"].map(|name| format!("CN={name},O=SoftCP engine tests")));
    for (name, encoding) in [("pkcs7", CertificateEncoding::Pkcs7), ("der", CertificateEncoding::Der)] {
        let blob = blob(name);
        assert_eq!(identity.certificate(encoding), blob);
        let chain = CertificateChain::parse(&blob).unwrap();
        let certificates: Vec<_> = chain.certificates().iter().map(|certificate| certificate.der().to_vec()).collect();
        assert_eq!(certificates, identity.chain(), "{name}");
    }
    assert_eq!(blob("der"), identity.chain().concat());
}

/// `SignedData` without signers (RFC 5652, section 5.1): an independent reader checks every field.
#[test]
fn pkcs7_is_a_certs_only_message_and_one_der_value() {
    let blob = blob("pkcs7");
    let content_info = der::AnyRef::from_der(&blob).unwrap();
    assert_eq!(content_info.to_der().unwrap(), blob);
    let expected = [
        &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02][..], // id-signedData
        &[0xa0, 0x82],
    ];
    assert!(content_info.value().starts_with(&expected.concat()));
    let signed_data = &content_info.value()[11 + 4..];
    assert_eq!(signed_data[..2], [0x30, 0x82]);
    let start = [
        &[0x02, 0x01, 0x01][..],                                                         // version 1
        &[0x31, 0x00],                                                                   // no digest algorithms
        &[0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01], // id-data, detached
        &[0xa0, 0x82],                                                                   // certificates
    ];
    assert!(signed_data[4..].starts_with(&start.concat()));
    assert_eq!(signed_data[signed_data.len() - 2..], [0x31, 0x00], "no signers");
}

#[test]
fn certificate_is_the_same_at_every_call() {
    // GetCertificateSize and GetCertificate are two calls: their answers must belong together.
    let adapter = Adapter::new(&Config::default(), Provider::aws_lc()).unwrap();
    let certificate = || adapter.session_certificate(&desc().crypto_type).unwrap();
    assert_eq!(certificate(), certificate());
}

#[test]
fn adapters_of_one_directory_have_one_identity_and_those_in_memory_their_own() {
    assert_eq!(blob("der"), blob("der"));
    let in_memory = || Adapter::new(&Config::default(), Provider::aws_lc()).unwrap();
    let certificate = |adapter: &Adapter| adapter.session_certificate(&desc().crypto_type).unwrap();
    assert_ne!(certificate(&in_memory()), certificate(&in_memory()));
}

// Directories.

#[test]
fn written_identity_opens_with_the_same_chain() {
    let directory = tempfile::tempdir().unwrap();
    MADE.write(&directory.path().join("new")).unwrap();
    let loaded = Identity::load(&directory.path().join("new"), &Provider::aws_lc()).unwrap();
    assert_eq!(loaded.chain(), made_chain());
    let made = MADE.open(&Provider::aws_lc()).unwrap();
    assert!(made.revocation_list().is_some());
    assert_eq!(loaded.revocation_list(), made.revocation_list());
}

/// As one made before there were lists, or by another tool.
#[test]
fn identity_without_a_list_opens_and_is_written_without_one() {
    assert_eq!(committed().revocation_list(), None);
    let directory = tempfile::tempdir().unwrap();
    IdentityFiles::read(Path::new(IDENTITY)).unwrap().write(directory.path()).unwrap();
    assert!(!directory.path().join("crl.pem").exists());
    assert_eq!(Identity::load(directory.path(), &Provider::aws_lc()).unwrap().chain(), committed().chain());
}

#[test]
fn list_that_is_there_already_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("crl.pem"), "mine").unwrap();
    let error = MADE.write(directory.path()).unwrap_err();
    assert!(error.to_string().contains("crl.pem"), "{error}");
    assert!(!directory.path().join("root.pem").exists());
}

#[test]
fn list_that_would_revoke_nothing_is_named() {
    let made = |serial: &[u8], name: &str| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "SoftCP engine tests");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(2036, 1, 1),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![rcgen::RevokedCertParams {
                serial_number: rcgen::SerialNumber::from_slice(serial),
                revocation_time: rcgen::date_time_ymd(2026, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let issuer = rcgen::Issuer::new(params, rcgen::KeyPair::generate().unwrap());
        list.signed_by(&issuer).unwrap().pem().unwrap()
    };
    let leaf = parse(&committed().chain()[0]);
    let serial = leaf.tbs_certificate().serial_number().as_bytes();
    let empty = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    for (list, expected) in [
        (made(serial, "Root").as_str(), "is not of the issuer"),
        (&made(&[1], "Intermediate"), "does not name"),
        (&committed_file("root.pem"), ""),
        (empty, ""),
        ("", ""),
    ] {
        let (named, reason) = Spoilt::new("crl.pem", Some(list)).error();
        assert!(named == "crl.pem" && reason.contains(expected), "{named}: {reason}");
    }
    let directory = Spoilt::new("crl.pem", Some(&made(serial, "Intermediate")));
    assert!(Identity::load(directory.0.path(), &Provider::aws_lc()).unwrap().revocation_list().is_some());
}

/// A copy of the committed identity directory with one file changed.
struct Spoilt(tempfile::TempDir);

impl Spoilt {
    fn new(file: &str, text: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["root.pem", "chain.pem", "key.pem"] {
            std::fs::copy(Path::new(IDENTITY).join(name), directory.path().join(name)).unwrap();
        }
        let path = directory.path().join(file);
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
        Self(directory)
    }

    /// The file that the error of opening names, and the reason.
    fn error(&self) -> (String, String) {
        let mut config = Config::default();
        config.identity.directory = Some(self.0.path().to_owned());
        match Adapter::new(&config, Provider::aws_lc()) {
            Err(Error::Identity { path, reason }) => {
                assert_eq!(path.parent(), Some(self.0.path()));
                (path.file_name().unwrap().to_str().unwrap().to_owned(), reason)
            }
            other => panic!("a spoilt identity gives {other:?}"),
        }
    }
}

fn committed_file(name: &str) -> String {
    std::fs::read_to_string(Path::new(IDENTITY).join(name)).unwrap()
}

#[test]
fn missing_file_is_named() {
    for file in ["root.pem", "chain.pem", "key.pem"] {
        let (named, reason) = Spoilt::new(file, None).error();
        assert_eq!(named, file);
        assert!(reason.contains("softcp cert new"), "{reason}");
    }
}

#[test]
fn missing_directory_is_an_error_before_the_first_session() {
    let mut config = Config::default();
    config.identity.directory = Some("no/such/directory".into());
    let error = Adapter::new(&config, Provider::aws_lc()).unwrap_err();
    assert!(matches!(&error, Error::Identity { path, .. } if path.starts_with("no/such/directory")), "{error}");
}

#[test]
fn chain_without_a_certificate_in_it_is_named() {
    let not_base64 = "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n";
    let unfinished = "-----BEGIN CERTIFICATE-----\nMAAA\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let key = committed_file("key.pem");
    for text in ["", "not PEM", not_base64, unfinished, no_certificate, &key] {
        let (named, reason) = Spoilt::new("chain.pem", Some(text)).error();
        assert_eq!(named, "chain.pem", "{text:?}: {reason}");
    }
}

/// The adapter took such a chain, and then handing out its certificate panicked.
#[test]
fn chain_whose_second_certificate_is_none_is_named() {
    let leaf = committed_file("chain.pem");
    let leaf = leaf.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
    // Three zero bytes; an empty SEQUENCE, which is DER but no certificate.
    for base64 in ["AAAA", "MAA="] {
        let chain = format!("{leaf}-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        let (named, reason) = Spoilt::new("chain.pem", Some(&chain)).error();
        assert_eq!(named, "chain.pem", "{reason}");
    }
}

#[test]
fn key_that_is_none_of_ours_is_named() {
    let garbage = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let ec = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let chain = committed_file("chain.pem");
    for text in ["", "not PEM", garbage, &ec, &chain] {
        let (named, reason) = Spoilt::new("key.pem", Some(text)).error();
        assert_eq!(named, "key.pem", "{text:?}: {reason}");
    }
}

#[test]
fn key_of_another_leaf_is_named() {
    let other = tempfile::tempdir().unwrap();
    MADE.write(other.path()).unwrap();
    let other = std::fs::read_to_string(other.path().join("key.pem")).unwrap();
    let (named, reason) = Spoilt::new("key.pem", Some(&other)).error();
    assert_eq!(named, "key.pem");
    assert!(reason.contains("not the key"), "{reason}");
}

#[test]
fn chain_that_begins_with_the_root_is_refused() {
    // The leaf has to come first: a chain the wrong way round holds the root's key, which is not the driver's.
    let chain = committed_file("chain.pem");
    let mut sections: Vec<_> = chain.split_inclusive("-----END CERTIFICATE-----\n").collect();
    assert_eq!(sections.len(), 3);
    sections.reverse();
    let (named, reason) = Spoilt::new("chain.pem", Some(&sections.concat())).error();
    assert!(named == "key.pem" && reason.contains("not the key"), "{named}: {reason}");
}

#[test]
fn text_around_the_pem_sections_is_ignored() {
    let chain = format!("subject=Driver\n{}\ntrailing words\n", committed_file("chain.pem"));
    let directory = Spoilt::new("chain.pem", Some(&chain));
    let identity = Identity::load(directory.0.path(), &Provider::aws_lc()).unwrap();
    assert_eq!(identity.chain(), committed().chain());
}

#[test]
fn debug_of_identities_shows_no_key() {
    let text = format!("{:?} {:?}", *MADE, committed());
    assert!(!text.contains("PRIVATE") && text.len() < 200, "{text}");
}

#[expect(clippy::print_stderr, reason = "says why a test did nothing")]
fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}
