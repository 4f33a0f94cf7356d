//! Believing a driver's certificate: good chains, and each way in which one can be bad.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::{
    Ca, at, ca_params, chain, intermediate, leaf, leaf_key, leaf_params, named, now, root, tlv, trust, vectors,
};
use rcgen::{
    BasicConstraints, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData,
    RsaKeySize, SignatureAlgorithm,
};
use softcp_client::{
    CertificateChain, ChainError, TrustAnchorError, TrustAnchors, UnverifiedCertificate, VerifiedCertificate,
};

/// Verifies a chain of these certificates against `root` at a time when all are valid.
fn verify(certificates: &[&[u8]], root: &Ca) -> Result<VerifiedCertificate, ChainError> {
    chain(certificates).verify(&trust(root), now())
}

fn error(result: Result<VerifiedCertificate, ChainError>) -> ChainError {
    result.expect_err("the chain was accepted")
}

/// The subjects of leaf and intermediate as errors list them.
const NAMES: &str = r#""CN=Driver", "CN=Intermediate""#;

/// A leaf's public key without its private half.
struct BareKey(Vec<u8>);

impl BareKey {
    fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        // An INTEGER whose first bit is set would be negative.
        let sign: &[u8] = if modulus[0] & 0x80 == 0 { &[] } else { &[0] };
        let modulus = [sign, modulus].concat();
        Self(tlv(0x30, &[tlv(0x02, &modulus), tlv(0x02, exponent)].concat()))
    }
}

impl PublicKeyData for BareKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

// Good chains.

#[test]
fn verify_openssl_pkcs7_chain_is_accepted() {
    let roots = TrustAnchors::from_pem(vectors::ROOT_PEM).unwrap();
    let verified = CertificateChain::parse(vectors::CHAIN_P7B).unwrap().verify(&roots, now()).unwrap();
    assert!(verified.is_chain_verified());
    assert_eq!(verified.certificate().subject(), "CN=Driver,O=SoftCP tests");
}

#[test]
fn verify_leaf_signed_by_the_root_is_accepted() {
    let root = root("Root");
    verify(&[leaf(&leaf_params(), &root).der()], &root).unwrap();
}

#[test]
fn verify_issuers_in_any_order_after_the_leaf_is_accepted() {
    let root = root("Root");
    let outer = intermediate(ca_params("Outer"), &root);
    let inner = intermediate(ca_params("Inner"), &outer);
    let leaf = leaf(&leaf_params(), &inner);
    verify(&[leaf.der(), inner.der(), outer.der(), root.der()], &root).unwrap();
    verify(&[leaf.der(), root.der(), outer.der(), inner.der()], &root).unwrap();
}

#[test]
fn verify_with_one_of_several_roots_is_accepted() {
    let (one, two) = (root("One"), root("Two"));
    let mut roots = trust(&one);
    roots.extend(trust(&two));
    for issuer in [&one, &two] {
        chain(&[leaf(&leaf_params(), issuer).der()]).verify(&roots, now()).unwrap();
    }
    let pem = TrustAnchors::from_pem(format!("{}{}", one.pem(), two.pem()).as_bytes()).unwrap();
    for issuer in [&one, &two] {
        chain(&[leaf(&leaf_params(), issuer).der()]).verify(&pem, now()).unwrap();
    }
}

#[test]
fn verify_leaf_without_key_usage_is_accepted() {
    let root = root("Root");
    let mut params = leaf_params();
    params.key_usages.clear();
    verify(&[leaf(&params, &root).der()], &root).unwrap();
}

#[test]
fn verify_leaf_with_any_extended_key_usage_is_accepted() {
    let root = root("Root");
    let mut params = leaf_params();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any];
    verify(&[leaf(&params, &root).der()], &root).unwrap();
}

// Time. 2026-01-01 is 1767225600; 2040-01-01 is 2208988800.

#[test]
fn verify_at_first_and_last_second_of_validity_is_accepted() {
    let root = root("Root");
    let chain = chain(&[leaf(&leaf_params(), &root).der()]);
    for second in [1_767_225_600, 2_208_988_800] {
        chain.verify(&trust(&root), at(second)).unwrap();
    }
}

#[test]
fn verify_after_validity_is_expired() {
    let root = root("Root");
    let chain = chain(&[leaf(&leaf_params(), &root).der()]);
    let refused = error(chain.verify(&trust(&root), at(2_208_988_801)));
    assert_eq!(
        refused.to_string(),
        "the certificate of \"CN=Driver\" expired on 2040-01-01T00:00:00Z; it is now 2040-01-01T00:00:01Z"
    );
    assert!(matches!(refused, ChainError::Expired { .. }));
}

#[test]
fn verify_before_validity_is_not_yet_valid() {
    let root = root("Root");
    let chain = chain(&[leaf(&leaf_params(), &root).der()]);
    let refused = error(chain.verify(&trust(&root), at(1_767_225_599)));
    assert_eq!(
        refused.to_string(),
        "the certificate of \"CN=Driver\" is not valid before 2026-01-01T00:00:00Z; \
         it is now 2025-12-31T23:59:59Z: is the clock right?"
    );
    assert!(matches!(refused, ChainError::NotYetValid { .. }));
}

#[test]
fn verify_expired_intermediate_names_the_intermediate() {
    let root = root("Root");
    let mut params = ca_params("Intermediate");
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    let intermediate = intermediate(params, &root);
    let refused = error(verify(&[leaf(&leaf_params(), &intermediate).der(), intermediate.der()], &root));
    let expected = ChainError::Expired {
        subject: "CN=Intermediate".to_owned(),
        not_after: "2027-01-01T00:00:00Z".to_owned(),
        now: "2027-01-15T08:00:00Z".to_owned(),
    };
    assert_eq!(refused, expected);
}

// Issuers and signatures.

#[test]
fn verify_against_another_root_names_the_missing_root() {
    let (mine, other) = (root("Mine"), root("Other"));
    let intermediate = intermediate(ca_params("Intermediate"), &other);
    let leaf = leaf(&leaf_params(), &intermediate);
    for certificates in [&[&leaf.der()[..], intermediate.der(), other.der()][..], &[leaf.der(), intermediate.der()]] {
        let refused = error(verify(certificates, &mine));
        assert_eq!(refused, ChainError::UnknownIssuer { issuer: "CN=Other".to_owned() });
        assert_eq!(
            refused.to_string(),
            "the chain ends at \"CN=Other\", which is not among the trusted roots: \
             to trust it, add its certificate (PEM or DER) to the roots"
        );
    }
}

#[test]
fn verify_long_chain_to_another_root_names_the_missing_root() {
    let (mine, other) = (root("Mine"), root("Other"));
    let outer = intermediate(ca_params("Outer"), &other);
    let inner = intermediate(ca_params("Inner"), &outer);
    let refused = error(verify(&[leaf(&leaf_params(), &inner).der(), outer.der(), inner.der()], &mine));
    assert_eq!(refused, ChainError::UnknownIssuer { issuer: "CN=Other".to_owned() });
}

#[test]
fn verify_without_intermediate_names_the_intermediate() {
    let root = root("Root");
    let intermediate = intermediate(ca_params("Intermediate"), &root);
    let refused = error(verify(&[leaf(&leaf_params(), &intermediate).der(), root.der()], &root));
    assert_eq!(refused, ChainError::UnknownIssuer { issuer: "CN=Intermediate".to_owned() });
}

#[test]
fn verify_against_no_roots_is_unknown_issuer() {
    let root = root("Root");
    let refused = error(chain(&[leaf(&leaf_params(), &root).der()]).verify(&TrustAnchors::default(), now()));
    assert_eq!(refused, ChainError::UnknownIssuer { issuer: "CN=Root".to_owned() });
}

#[test]
fn verify_issuers_in_a_loop_is_unknown_issuer() {
    let (a, b) = (root("A"), root("B"));
    let (a_by_b, b_by_a) = (intermediate(ca_params("A"), &b), intermediate(ca_params("B"), &a));
    let refused = error(verify(&[leaf(&leaf_params(), &a_by_b).der(), a_by_b.der(), b_by_a.der()], &root("C")));
    assert!(matches!(refused, ChainError::UnknownIssuer { .. }), "{refused:?}");
}

#[test]
fn verify_against_a_namesake_of_the_root_is_bad_signature() {
    let (real, namesake) = (root("Root"), root("Root"));
    let refused = error(verify(&[leaf(&leaf_params(), &real).der()], &namesake));
    assert_eq!(refused, ChainError::BadSignature { chain: "\"CN=Driver\"".to_owned() });
}

#[test]
fn verify_leaf_altered_anywhere_is_refused() {
    let root = root("Root");
    let roots = trust(&root);
    let good = leaf(&leaf_params(), &root).der().to_vec();
    let mut bad_signatures = 0;
    for place in 0..good.len() {
        for bit in [0x01, 0x80] {
            let mut altered = good.clone();
            altered[place] ^= bit;
            let Ok(chain) = CertificateChain::parse(&altered) else { continue };
            let refused = error(chain.verify(&roots, now()));
            bad_signatures += usize::from(matches!(refused, ChainError::BadSignature { .. }));
        }
    }
    // The key alone is 256 bytes that parse however they are altered.
    assert!(bad_signatures > 512, "only {bad_signatures} reached the signature check");
}

#[test]
fn verify_intermediate_without_ca_flag_is_refused() {
    let root = root("Root");
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let mut params = ca_params("Intermediate");
        params.is_ca = is_ca;
        let intermediate = intermediate(params, &root);
        let refused = error(verify(&[leaf(&leaf_params(), &intermediate).der(), intermediate.der()], &root));
        assert_eq!(refused, ChainError::IssuerNotCa { chain: NAMES.to_owned() });
    }
}

#[test]
fn verify_intermediate_without_key_cert_sign_is_refused() {
    let root = root("Root");
    let mut params = ca_params("Intermediate");
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let intermediate = intermediate(params, &root);
    let refused = error(verify(&[leaf(&leaf_params(), &intermediate).der(), intermediate.der()], &root));
    assert_eq!(refused, ChainError::IssuerNotCa { chain: NAMES.to_owned() });
}

#[test]
fn verify_intermediate_without_key_usage_is_accepted() {
    let root = root("Root");
    let mut params = ca_params("Intermediate");
    params.key_usages.clear();
    let intermediate = intermediate(params, &root);
    verify(&[leaf(&leaf_params(), &intermediate).der(), intermediate.der()], &root).unwrap();
}

#[test]
fn verify_path_longer_than_a_ca_allows_is_refused() {
    let root = root("Root");
    let mut params = ca_params("Outer");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let outer = intermediate(params, &root);
    let inner = intermediate(ca_params("Inner"), &outer);
    let refused = error(verify(&[leaf(&leaf_params(), &inner).der(), inner.der(), outer.der()], &root));
    assert_eq!(refused, ChainError::Rejected(webpki::Error::PathLenConstraintViolated));
}

#[test]
fn verify_unknown_signature_algorithm_is_refused() {
    let root = root("Root");
    let mut der = leaf(&leaf_params(), &root).der().to_vec();
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA224 (RFC 5758 §3.2), in both places of the certificate.
    let oid = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
    let places: Vec<_> = (0..der.len()).filter(|&at| der[at..].starts_with(oid)).collect();
    assert_eq!(places.len(), 2);
    for place in places {
        der[place + 7] = 0x01;
    }
    let refused = error(verify(&[&der], &root));
    assert_eq!(refused, ChainError::UnsupportedSignatureAlgorithm { chain: "\"CN=Driver\"".to_owned() });
}

// The leaf.

#[test]
fn verify_leaf_that_comes_last_is_leaf_is_ca() {
    let root = root("Root");
    let intermediate = intermediate(ca_params("Intermediate"), &root);
    let refused = error(verify(&[intermediate.der(), leaf(&leaf_params(), &intermediate).der()], &root));
    assert_eq!(refused, ChainError::LeafIsCa { subject: "CN=Intermediate".to_owned() });
}

#[test]
fn verify_leaf_without_key_encipherment_is_wrong_key_usage() {
    let root = root("Root");
    let mut params = leaf_params();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::DataEncipherment];
    let refused = error(verify(&[leaf(&params, &root).der()], &root));
    assert_eq!(refused, ChainError::WrongKeyUsage { subject: "CN=Driver".to_owned() });
}

#[test]
fn verify_tls_certificate_is_wrong_extended_key_usage() {
    let root = root("Root");
    let mut params = leaf_params();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let refused = error(verify(&[leaf(&params, &root).der()], &root));
    assert_eq!(refused, ChainError::WrongExtendedKeyUsage { chain: "\"CN=Driver\"".to_owned() });
}

#[test]
fn verify_rsa_3072_leaf_is_wrong_key_size() {
    let root = root("Root");
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072).unwrap();
    let refused = error(verify(&[leaf_params().signed_by(&key, &root).unwrap().der()], &root));
    assert_eq!(refused, ChainError::WrongKeySize { subject: "CN=Driver".to_owned(), bits: 3072 });
}

#[test]
fn verify_rsa_leaf_next_to_2048_bits_is_wrong_key_size() {
    let root = root("Root");
    let sizes = [
        (1024, vec![0xff; 128]),
        (2047, [&[0x7f], &[0xff; 255][..]].concat()),
        (2049, [&[1], &[0xff; 256][..]].concat()),
    ];
    for (bits, modulus) in sizes {
        let key = BareKey::rsa(&modulus, &[1, 0, 1]);
        let refused = error(verify(&[leaf_params().signed_by(&key, &root).unwrap().der()], &root));
        assert_eq!(refused, ChainError::WrongKeySize { subject: "CN=Driver".to_owned(), bits });
    }
}

#[test]
fn verify_rsa_leaf_with_exponent_one_is_unusable() {
    let root = root("Root");
    let key = BareKey::rsa(&[0xff; 256], &[1]);
    let refused = error(verify(&[leaf_params().signed_by(&key, &root).unwrap().der()], &root));
    assert_eq!(refused, ChainError::UnusableKey { subject: "CN=Driver".to_owned() });
}

#[test]
fn verify_elliptic_curve_leaf_is_wrong_key_algorithm() {
    let root = root("Root");
    let key = KeyPair::generate().unwrap();
    let refused = error(verify(&[leaf_params().signed_by(&key, &root).unwrap().der()], &root));
    assert_eq!(refused.to_string(), "the key of \"CN=Driver\" is EC P-256; the key exchange needs RSA of 2048 bits");
}

#[test]
fn verify_unknown_critical_extension_is_refused() {
    let root = root("Root");
    let mut params = leaf_params();
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions = vec![extension];
    let refused = error(verify(&[leaf(&params, &root).der()], &root));
    assert_eq!(refused, ChainError::Rejected(webpki::Error::UnsupportedCriticalExtension));
}

// The explicit opt-out.

#[test]
fn dangerous_accept_takes_an_expired_leaf_of_an_unknown_root() {
    let mut params = leaf_params();
    params.distinguished_name.push(DnType::CommonName, "Test driver");
    params.not_after = rcgen::date_time_ymd(2026, 1, 2);
    let chain = chain(&[leaf(&params, &root("Nobody")).der()]);
    let accepted = UnverifiedCertificate::new(&chain).dangerous_accept_without_verification().unwrap();
    assert!(!accepted.is_chain_verified());
    assert_eq!(accepted.certificate().subject(), "CN=Test driver");
}

#[test]
fn dangerous_accept_takes_a_self_signed_leaf() {
    let own = leaf_params().self_signed(&leaf_key()).unwrap();
    UnverifiedCertificate::new(&chain(&[own.der()])).dangerous_accept_without_verification().unwrap();
}

#[test]
fn dangerous_accept_of_a_key_that_cannot_be_used_is_refused() {
    let root = root("Root");
    let ec = leaf_params().signed_by(&KeyPair::generate().unwrap(), &root).unwrap();
    let refused = error(UnverifiedCertificate::new(&chain(&[ec.der()])).dangerous_accept_without_verification());
    assert!(matches!(refused, ChainError::WrongKeyAlgorithm { .. }), "{refused:?}");

    let mut params = leaf_params();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let refused = error(
        UnverifiedCertificate::new(&chain(&[leaf(&params, &root).der()])).dangerous_accept_without_verification(),
    );
    assert!(matches!(refused, ChainError::WrongKeyUsage { .. }), "{refused:?}");
}

// Roots.

#[test]
fn trust_anchors_from_pem_without_certificate_is_an_error() {
    for text in ["", "no PEM here", "-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n"] {
        let refused = TrustAnchors::from_pem(text.as_bytes()).unwrap_err();
        assert!(matches!(refused, TrustAnchorError::NoCertificates), "{refused:?}");
    }
}

#[test]
fn trust_anchors_from_broken_pem_is_an_error() {
    let refused = TrustAnchors::from_pem(&vectors::ROOT_PEM[..200]).unwrap_err();
    assert!(matches!(refused, TrustAnchorError::MalformedPem(_)), "{refused:?}");
}

#[test]
fn trust_anchors_from_pem_of_something_else_is_an_error() {
    let text = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
    let refused = TrustAnchors::from_pem(text.as_bytes()).unwrap_err();
    assert!(matches!(refused, TrustAnchorError::MalformedCertificate(_)), "{refused:?}");
}

#[test]
fn trust_anchors_from_der_with_wrong_bytes_is_an_error() {
    let root = root("Root");
    let good = root.der();
    for der in [&[][..], b"\x30\x00", &good[..good.len() - 1], &[good, &[0][..]].concat(), vectors::ROOT_PEM] {
        let refused = TrustAnchors::from_der(der).unwrap_err();
        assert!(matches!(refused, TrustAnchorError::MalformedCertificate(_)), "{refused:?}");
    }
}

#[test]
fn trust_anchor_that_is_itself_the_leaf_is_accepted() {
    // A self-signed driver certificate, named as the root: the application pins it.
    let own = named("Driver").self_signed(&leaf_key()).unwrap();
    let roots = TrustAnchors::from_der(own.der()).unwrap();
    assert!(chain(&[own.der()]).verify(&roots, now()).unwrap().is_chain_verified());
}
