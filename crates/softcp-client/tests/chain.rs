//! Reading certificate chains: both encodings of D13, and everything that is neither.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::fmt::Write;

use common::{chain, leaf, leaf_params, root, tlv, vectors};
use proptest::prelude::*;
use softcp_client::{Certificate, CertificateChain, CertificateError};

/// `id-signedData` and `id-data` as DER elements.
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";

fn subjects(chain: &CertificateChain) -> Vec<String> {
    chain.certificates().iter().map(Certificate::subject).collect()
}

/// A certs-only message around the given certificate set.
fn certs_only(certificates: &[u8]) -> Vec<u8> {
    let signed_data = [b"\x02\x01\x01\x31\x00", &tlv(0x30, DATA)[..], &tlv(0xa0, certificates), b"\x31\x00"].concat();
    tlv(0x30, &[SIGNED_DATA, &tlv(0xa0, &tlv(0x30, &signed_data))].concat())
}

fn vector_certificates() -> Vec<Vec<u8>> {
    let chain = CertificateChain::parse(vectors::CHAIN_DER).unwrap();
    chain.certificates().iter().map(|certificate| certificate.der().to_vec()).collect()
}

#[test]
fn parse_openssl_pkcs7_keeps_the_order_of_the_file() {
    let chain = CertificateChain::parse(vectors::CHAIN_P7B).unwrap();
    let expected = ["CN=Driver,O=SoftCP tests", "CN=Intermediate,O=SoftCP tests", "CN=Root,O=SoftCP tests"];
    assert_eq!(subjects(&chain), expected);
    assert_eq!(chain.leaf().subject(), expected[0]);
    assert_eq!(chain.leaf().issuer(), expected[1]);
}

#[test]
fn parse_concatenated_der_gives_the_same_certificates_as_pkcs7() {
    let in_pkcs7 = CertificateChain::parse(vectors::CHAIN_P7B).unwrap();
    let bytes: Vec<_> = in_pkcs7.certificates().iter().map(|certificate| certificate.der().to_vec()).collect();
    assert_eq!(bytes, vector_certificates());
    assert_eq!(bytes.concat(), vectors::CHAIN_DER);
}

#[test]
fn parse_set_in_any_order_keeps_it() {
    let [leaf, intermediate, root] = vector_certificates().try_into().unwrap();
    for order in [[&leaf, &intermediate, &root], [&root, &leaf, &intermediate], [&intermediate, &root, &leaf]] {
        let set: Vec<u8> = order.into_iter().flatten().copied().collect();
        let chain = CertificateChain::parse(&certs_only(&set)).unwrap();
        let parsed: Vec<_> = chain.certificates().iter().map(Certificate::der).collect();
        assert_eq!(parsed, order);
    }
}

#[test]
fn parse_pkcs7_with_revocation_list_gives_the_same_certificates() {
    let chain = CertificateChain::parse(vectors::CHAIN_WITH_CRL).unwrap();
    assert_eq!(subjects(&chain), subjects(&CertificateChain::parse(vectors::CHAIN_P7B).unwrap()));
}

#[test]
fn describe_leaf_says_what_openssl_says() {
    let leaf = CertificateChain::parse(vectors::CHAIN_P7B).unwrap().leaf().describe();
    let openssl_time = |time: &str| time.replace('T', " ");
    let mut text = String::new();
    writeln!(text, "subject={}", leaf.subject).unwrap();
    writeln!(text, "issuer={}", leaf.issuer).unwrap();
    writeln!(text, "serial={}", leaf.serial.replace(':', "")).unwrap();
    writeln!(text, "notBefore={}", openssl_time(&leaf.not_before)).unwrap();
    writeln!(text, "notAfter={}", openssl_time(&leaf.not_after)).unwrap();
    writeln!(text, "sha256 Fingerprint={}", leaf.sha256_fingerprint).unwrap();
    assert_eq!(text, vectors::LEAF_TXT);
}

#[test]
fn describe_tells_keys_and_usages_of_leaf_and_ca() {
    let chain = CertificateChain::parse(vectors::CHAIN_P7B).unwrap();
    let [leaf, ca, _] = chain.certificates() else { panic!("three certificates") };
    let (leaf, ca) = (leaf.describe(), ca.describe());
    assert_eq!((leaf.key_algorithm.as_str(), leaf.key_bits, leaf.is_ca), ("RSA", Some(2048), false));
    assert_eq!(leaf.key_usages, Some(vec!["keyEncipherment"]));
    assert_eq!((ca.key_algorithm.as_str(), ca.key_bits, ca.is_ca), ("EC P-256", None, true));
    assert_eq!(ca.key_usages, Some(vec!["keyCertSign", "cRLSign"]));
}

#[test]
fn describe_certificate_without_key_usage_says_none() {
    let root = root("Root");
    let mut params = leaf_params();
    params.key_usages.clear();
    assert_eq!(chain(&[leaf(&params, &root).der()]).leaf().describe().key_usages, None);
}

#[test]
fn describe_serial_with_the_first_bit_set_shows_no_sign_byte() {
    let root = root("Root");
    let mut params = leaf_params();
    params.serial_number = Some(vec![0x80, 0x01].into());
    assert_eq!(chain(&[leaf(&params, &root).der()]).leaf().describe().serial, "80:01");
}

#[test]
fn subject_with_terminal_controls_is_escaped() {
    let root = root("Root");
    let mut params = leaf_params();
    params.distinguished_name.push(rcgen::DnType::CommonName, "a\u{1b}[2Jb\u{9b}c\u{202e}d");
    let subject = chain(&[leaf(&params, &root).der()]).leaf().subject();
    assert_eq!(subject, r"CN=a\1b[2Jb\u{9b}c\u{202e}d");
}

#[test]
fn from_pem_reads_every_certificate_section() {
    let root = root("Root");
    let leaf = leaf(&leaf_params(), &root);
    let text = format!("the driver\n{}and its root\n{}", leaf.pem(), root.pem());
    let chain = CertificateChain::from_pem(text.as_bytes()).unwrap();
    assert_eq!(subjects(&chain), ["CN=Driver", "CN=Root"]);
}

#[test]
fn from_pem_without_certificate_is_an_error() {
    let refused = CertificateChain::from_pem(b"-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n").unwrap_err();
    assert!(matches!(refused, CertificateError::NoCertificates), "{refused:?}");
}

#[test]
fn from_pem_cut_short_is_an_error() {
    let refused = CertificateChain::from_pem(&vectors::ROOT_PEM[..300]).unwrap_err();
    assert!(matches!(refused, CertificateError::MalformedPem(_)), "{refused:?}");
}

#[test]
fn parse_no_bytes_is_no_certificates() {
    let refused = CertificateChain::parse(&[]).unwrap_err();
    assert!(matches!(refused, CertificateError::NoCertificates), "{refused:?}");
}

#[test]
fn parse_pkcs7_without_certificates_is_no_certificates() {
    for blob in [vectors::CRL_ONLY, &certs_only(&[])] {
        let refused = CertificateChain::parse(blob).unwrap_err();
        assert!(matches!(refused, CertificateError::NoCertificates), "{refused:?}");
    }
}

#[test]
fn parse_signed_message_is_not_certificates_only() {
    let refused = CertificateChain::parse(vectors::SIGNED_MESSAGE).unwrap_err();
    assert!(matches!(refused, CertificateError::NotCertificatesOnly), "{refused:?}");
}

#[test]
fn parse_cms_data_message_names_its_type() {
    let refused = CertificateChain::parse(vectors::DATA_MESSAGE).unwrap_err();
    assert_eq!(refused.to_string(), "the PKCS #7 / CMS message is of type 1.2.840.113549.1.7.1, not SignedData");
}

#[test]
fn parse_attribute_certificate_in_the_set_is_unsupported() {
    let set = [&vector_certificates()[0][..], &tlv(0xa1, b"\x05\x00")].concat();
    let refused = CertificateChain::parse(&certs_only(&set)).unwrap_err();
    assert!(matches!(refused, CertificateError::UnsupportedCertificateChoice { index: 1 }), "{refused:?}");
}

#[test]
fn parse_sequence_in_place_of_a_set_is_malformed() {
    let leaf = tlv(0xa0, &vector_certificates()[0]);
    let message = |digests: &[u8], signers: &[u8]| {
        let signed_data = [b"\x02\x01\x01", digests, &tlv(0x30, DATA), &leaf, signers].concat();
        tlv(0x30, &[SIGNED_DATA, &tlv(0xa0, &tlv(0x30, &signed_data))].concat())
    };
    let (set, sequence) = (b"\x31\x00", b"\x30\x00");
    CertificateChain::parse(&message(set, set)).unwrap();
    for (digests, signers) in [(sequence, set), (set, sequence)] {
        let refused = CertificateChain::parse(&message(digests, signers)).unwrap_err();
        assert!(matches!(refused, CertificateError::MalformedSignedData(_)), "{refused:?}");
    }
}

#[test]
fn parse_malformed_certificate_names_its_place() {
    let mut certificates = vector_certificates();
    certificates[1] = tlv(0x30, b"\x02\x01\x00");
    for blob in [certificates.concat(), certs_only(&certificates.concat())] {
        let refused = CertificateChain::parse(&blob).unwrap_err();
        assert!(matches!(refused, CertificateError::MalformedCertificate { index: 1, .. }), "{refused:?}");
        assert_eq!(refused.to_string(), "certificate 2 of the chain is malformed");
    }
}

#[test]
fn parse_more_than_sixteen_certificates_is_refused() {
    let leaf = &vector_certificates()[0];
    for count in [16, 17, 1000] {
        let many = leaf.repeat(count);
        for blob in [&many, &certs_only(&many)] {
            match CertificateChain::parse(blob) {
                Ok(chain) => assert_eq!((chain.certificates().len(), count), (16, 16)),
                Err(refused) => {
                    assert!(matches!(refused, CertificateError::TooManyCertificates), "{refused:?}");
                    assert!(count > 16);
                }
            }
        }
    }
}

#[test]
fn parse_more_than_a_mebibyte_is_refused() {
    let refused = CertificateChain::parse(&vec![0x30; CertificateChain::MAX_BYTES + 1]).unwrap_err();
    assert!(matches!(refused, CertificateError::TooLarge { len: 1_048_577 }), "{refused:?}");
    let refused = CertificateChain::parse(&vec![0x30; CertificateChain::MAX_BYTES]).unwrap_err();
    assert!(!matches!(refused, CertificateError::TooLarge { .. }), "{refused:?}");
}

#[test]
fn parse_pkcs7_cut_anywhere_is_an_error() {
    for len in 1..vectors::CHAIN_P7B.len() {
        assert!(CertificateChain::parse(&vectors::CHAIN_P7B[..len]).is_err(), "accepted {len} bytes");
    }
}

#[test]
fn parse_concatenated_cut_within_a_certificate_is_an_error() {
    let certificates = vector_certificates();
    let whole = [certificates[0].len(), certificates[0].len() + certificates[1].len()];
    for len in 1..vectors::CHAIN_DER.len() {
        let parsed = CertificateChain::parse(&vectors::CHAIN_DER[..len]);
        assert_eq!(parsed.is_ok(), whole.contains(&len), "at {len} bytes");
    }
}

#[test]
fn parse_bytes_after_the_end_is_an_error() {
    for blob in [vectors::CHAIN_P7B, vectors::CHAIN_DER] {
        for garbage in [&[0][..], &[0x30], &[0x30, 0x00], b"garbage"] {
            assert!(CertificateChain::parse(&[blob, garbage].concat()).is_err(), "accepted {garbage:02x?}");
        }
    }
}

#[test]
fn parse_hostile_lengths_is_an_error() {
    let hostile: &[&[u8]] = &[
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x84\x7f\xff\xff\xff\x30\x03\x02\x01\x00",
        b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x30\xff",
        b"\x30\x81\x03\x02\x01\x00",
        b"\x30\x82\x00\x05\x30\x03\x02\x01\x00",
        // A ContentInfo whose content claims more than there is, and one that has none.
        b"\x30\x14\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x84\xff\xff\xff\xff\x00\x00",
        b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
        b"\x30\x02\x06\x00",
        b"\x30\x03\x06\x01\x80",
    ];
    for blob in hostile {
        assert!(CertificateChain::parse(blob).is_err(), "accepted {blob:02x?}");
    }
}

#[test]
fn parse_indefinite_length_is_an_error() {
    let inner = &vectors::CHAIN_P7B[4..];
    let blob = [b"\x30\x80", inner, b"\x00\x00"].concat();
    assert!(CertificateChain::parse(&blob).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn parse_altered_bytes_never_invents_a_certificate(
        is_pkcs7: bool,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut blob = if is_pkcs7 { vectors::CHAIN_P7B } else { vectors::CHAIN_DER }.to_vec();
        for (place, byte) in places {
            let place = place.index(blob.len());
            blob[place] = byte;
        }
        blob.truncate(blob.len() - cut.index(blob.len()) % 8);
        if let Ok(chain) = CertificateChain::parse(&blob) {
            prop_assert!(!chain.certificates().is_empty());
            for certificate in chain.certificates() {
                prop_assert!(blob.windows(certificate.der().len()).any(|part| part == certificate.der()));
            }
        }
    }

    #[test]
    fn parse_random_bytes_is_an_error(blob in prop::collection::vec(any::<u8>(), 1..200)) {
        prop_assert!(CertificateChain::parse(&blob).is_err());
    }
}
