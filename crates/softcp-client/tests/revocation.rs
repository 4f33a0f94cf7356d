//! Revocation lists, with the chain and the application's own: who can revoke what, and which lists make a chain refused.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::{Ca, ca_params, intermediate, leaf, leaf_params, now, tlv, vectors};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use softcp_client::{
    CertificateChain, CertificateError, ChainError, RevocationList, RevocationListError, TrustAnchors,
    VerifiedCertificate,
};

const SERIAL: u64 = 4711;

/// A certs-only message with lists, in the order of RFC 5652 §5.1.
fn message(certificates: &[&[u8]], lists: &[&[u8]]) -> Vec<u8> {
    let data = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    let signed_data = [
        b"\x02\x01\x01\x31\x00",
        &tlv(0x30, data)[..],
        &tlv(0xa0, &certificates.concat()),
        &tlv(0xa1, &lists.concat()),
        b"\x31\x00",
    ];
    let signed_data = tlv(0x30, &signed_data.concat());
    tlv(0x30, &[&b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"[..], &tlv(0xa0, &signed_data)].concat())
}

/// A root that may sign lists too.
fn root(name: &str) -> Ca {
    Ca::self_signed(list_signer(name), KeyPair::generate().unwrap()).unwrap()
}

fn list_signer(name: &str) -> CertificateParams {
    let mut params = ca_params(name);
    params.key_usages.push(KeyUsagePurpose::CrlSign);
    params
}

/// A leaf's DER with the serial number of all lists below.
fn revocable(issuer: &Ca) -> Vec<u8> {
    let mut params = leaf_params();
    params.serial_number = Some(SerialNumber::from(SERIAL));
    leaf(&params, issuer).der().to_vec()
}

/// A list of these serial numbers, current in the year of `now()`.
fn revoking(serials: &[u64]) -> CertificateRevocationListParams {
    let revoked = |&serial| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2026, 6, 1),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 7, 1),
        next_update: date_time_ymd(2028, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn list(serials: &[u64], issuer: &Ca) -> Vec<u8> {
    revoking(serials).signed_by(issuer).unwrap().der().to_vec()
}

fn verify(chain: &[u8], roots: &TrustAnchors) -> Result<VerifiedCertificate, ChainError> {
    CertificateChain::parse(chain).unwrap().verify(roots, now())
}

fn trust(root: &Ca) -> TrustAnchors {
    TrustAnchors::from_der(root.der()).unwrap()
}

fn refused(chain: &[u8], roots: &TrustAnchors) -> ChainError {
    verify(chain, roots).expect_err("the chain was accepted")
}

fn is_revoked_driver(error: &ChainError) -> bool {
    *error == ChainError::Revoked { subject: "CN=Driver".to_owned(), issuer: "CN=Root".to_owned() }
}

// Lists that count.

#[test]
fn leaf_on_its_issuers_list_is_revoked() {
    let root = root("Root");
    let leaf = revocable(&root);
    let error = refused(&message(&[&leaf], &[&list(&[1, SERIAL, 9], &root)]), &trust(&root));
    assert!(is_revoked_driver(&error), "{error:?}");
    assert_eq!(error.to_string(), r#"the certificate of "CN=Driver" has been revoked by its issuer, "CN=Root""#);
}

#[test]
fn list_that_does_not_name_the_leaf_changes_nothing() {
    let root = root("Root");
    let leaf = revocable(&root);
    for serials in [&[][..], &[SERIAL + 1], &[1, 2, 3]] {
        verify(&message(&[&leaf], &[&list(serials, &root)]), &trust(&root)).unwrap();
    }
}

#[test]
fn each_of_several_lists_counts() {
    let root = root("Root");
    let leaf = revocable(&root);
    let (names, does_not) = (list(&[SERIAL], &root), list(&[1], &root));
    for lists in [[&names[..], &does_not], [&does_not, &names]] {
        assert!(is_revoked_driver(&refused(&message(&[&leaf], &lists), &trust(&root))));
    }
}

#[test]
fn intermediate_on_the_roots_list_is_revoked_and_named() {
    let root = root("Root");
    let mut params = ca_params("Intermediate");
    params.serial_number = Some(SerialNumber::from(77));
    let intermediate = intermediate(params, &root);
    let chain = [&revocable(&intermediate)[..], intermediate.der()];
    let error = refused(&message(&chain, &[&list(&[77], &root)]), &trust(&root));
    let expected = ChainError::Revoked { subject: "CN=Intermediate".to_owned(), issuer: "CN=Root".to_owned() };
    assert_eq!(error, expected);
    // The leaf's number on the list of another issuer than the leaf's is another certificate.
    verify(&message(&chain, &[&list(&[SERIAL], &root)]), &trust(&root)).unwrap();
}

#[test]
fn list_that_is_out_of_date_still_revokes() {
    let root = root("Root");
    let old = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2026, 2, 1),
        ..revoking(&[SERIAL])
    };
    let old = old.signed_by(&root).unwrap();
    assert!(is_revoked_driver(&refused(&message(&[&revocable(&root)], &[old.der()]), &trust(&root))));
}

#[test]
fn serial_number_with_the_first_bit_set_is_found() {
    let root = root("Root");
    let serial = SerialNumber::from_slice(&[0x80, 0x01]);
    let mut params = leaf_params();
    params.serial_number = Some(serial.clone());
    let mut list = revoking(&[1]);
    list.revoked_certs[0].serial_number = serial;
    let (leaf, list) = (leaf(&params, &root), list.signed_by(&root).unwrap());
    assert!(is_revoked_driver(&refused(&message(&[leaf.der()], &[list.der()]), &trust(&root))));
}

// The application's own lists.

#[test]
fn list_of_the_application_revokes_a_chain_that_brings_none() {
    let root = root("Root");
    let leaf = revocable(&root);
    let pem = revoking(&[SERIAL]).signed_by(&root).unwrap().pem().unwrap();
    let other = revoking(&[1]).signed_by(&root).unwrap().pem().unwrap();
    let mut roots = trust(&root);
    verify(&leaf, &roots).unwrap();
    roots.add_revocation_lists(RevocationList::from_pem(other.as_bytes()).unwrap());
    verify(&leaf, &roots).unwrap();
    let mut known = trust(&root);
    known.add_revocation_lists(RevocationList::from_pem((other + &pem).as_bytes()).unwrap());
    assert!(is_revoked_driver(&refused(&leaf, &known)));
    // Trust that is extended takes over what is known to be revoked.
    roots.extend(known);
    assert!(is_revoked_driver(&refused(&leaf, &roots)));
}

#[test]
fn list_in_der_is_read_whole_and_nothing_else() {
    let root = root("Root");
    let list = list(&[SERIAL], &root);
    let mut roots = trust(&root);
    roots.add_revocation_lists([RevocationList::from_der(&list).unwrap()]);
    assert!(is_revoked_driver(&refused(&revocable(&root), &roots)));
    for bad in [&[][..], &list[..list.len() - 1], &[&list[..], &[0]].concat(), root.der()] {
        let error = RevocationList::from_der(bad).unwrap_err();
        assert!(matches!(error, RevocationListError::Unusable(_)), "{error:?}");
    }
}

#[test]
fn pem_without_a_list_or_with_a_broken_one_is_an_error() {
    let root = root("Root");
    let pem = revoking(&[1]).signed_by(&root).unwrap().pem().unwrap();
    let parse = |text: &str| RevocationList::from_pem(text.as_bytes()).map(|_| ()).unwrap_err();
    assert!(matches!(parse(""), RevocationListError::NoLists));
    assert!(matches!(parse(&root.pem()), RevocationListError::NoLists));
    assert!(matches!(parse(&pem[..pem.len() / 2]), RevocationListError::MalformedPem(_)));
    let empty = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    assert!(matches!(parse(&(pem + empty)), RevocationListError::Unusable(_)));
}

// Lists that do not count, and those for which a chain is refused.

#[test]
fn list_of_somebody_else_changes_nothing() {
    let (root, other) = (root("Root"), root("Other"));
    let list = list(&[SERIAL], &other);
    verify(&message(&[&revocable(&root)], &[&list]), &trust(&root)).unwrap();
    // Not even if that somebody is trusted too.
    let mut roots = trust(&root);
    roots.extend(trust(&other));
    roots.add_revocation_lists([RevocationList::from_der(&list).unwrap()]);
    verify(&message(&[&revocable(&root)], &[&list]), &roots).unwrap();
}

#[test]
fn list_in_the_issuers_name_by_somebody_else_is_forged() {
    let (root, namesake) = (root("Root"), root("Root"));
    for serials in [&[SERIAL][..], &[]] {
        let error = refused(&message(&[&revocable(&root)], &[&list(serials, &namesake)]), &trust(&root));
        assert_eq!(error, ChainError::ForgedRevocationList { issuer: "CN=Root".to_owned() });
    }
}

#[test]
fn list_altered_anywhere_never_makes_a_chain_accepted_that_it_revokes() {
    let root = root("Root");
    let (leaf, good) = (revocable(&root), list(&[SERIAL], &root));
    let (mut forged, mut elsewhere) = (0, 0);
    for place in 0..good.len() {
        let mut altered = good.clone();
        altered[place] ^= 1;
        let Ok(chain) = CertificateChain::parse(&message(&[&leaf], &[&altered])) else { continue };
        match chain.verify(&trust(&root), now()) {
            Err(ChainError::ForgedRevocationList { .. }) => forged += 1,
            Err(ChainError::UnusableRevocationList(_)) => {}
            // In the name of its issuer: then it is about others.
            Ok(_) => elsewhere += 1,
            Err(other) => panic!("byte {place}: {other:?}"),
        }
    }
    assert!(forged > 100, "{forged}");
    assert!(elsewhere <= "CN=Root".len() + 10, "{elsewhere}");
}

#[test]
fn list_of_an_issuer_that_may_not_sign_lists_is_refused() {
    let root = root("Root");
    // It signs the list as one that may, and shows a certificate by which it may not.
    let key = KeyPair::generate().unwrap();
    let shown = Ca::signed_by(ca_params("Intermediate"), key, &root).unwrap();
    let allowed = list_signer("Intermediate");
    let list = revoking(&[SERIAL]).signed_by(&Issuer::from_params(&allowed, shown.key())).unwrap();
    let error = refused(&message(&[&revocable(&shown), shown.der()], &[list.der()]), &trust(&root));
    assert_eq!(error, ChainError::RevocationListNotAllowed { issuer: "CN=Intermediate".to_owned() });
}

#[test]
fn list_that_cannot_be_read_is_unusable() {
    let root = root("Root");
    for bad in [&b"\x30\x00"[..], b"\x30\x03\x02\x01\x00", root.der()] {
        let error = refused(&message(&[&revocable(&root)], &[bad]), &trust(&root));
        assert!(matches!(error, ChainError::UnusableRevocationList(_)), "{error:?}");
    }
}

#[test]
fn list_of_version_1_made_by_openssl_is_unusable() {
    let roots = TrustAnchors::from_pem(vectors::ROOT_PEM).unwrap();
    let error = refused(vectors::CHAIN_WITH_CRL, &roots);
    assert!(matches!(error, ChainError::UnusableRevocationList(_)), "{error:?}");
}

#[test]
fn list_for_other_kinds_of_certificates_changes_nothing() {
    let root = root("Root");
    let scoped = |scope| CertificateRevocationListParams {
        issuing_distribution_point: Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec!["http://example.org/crl".to_owned()] },
            scope: Some(scope),
        }),
        ..revoking(&[SERIAL])
    };
    let of = |scope| scoped(scope).signed_by(&root).unwrap().der().to_vec();
    let leaf = revocable(&root);
    verify(&message(&[&leaf], &[&of(CrlScope::CaCertsOnly)]), &trust(&root)).unwrap();
    assert!(is_revoked_driver(&refused(&message(&[&leaf], &[&of(CrlScope::UserCertsOnly)]), &trust(&root))));
}

#[test]
fn chain_to_an_unknown_root_is_told_before_its_revocation() {
    let (mine, other) = (root("Mine"), root("Other"));
    let error = refused(&message(&[&revocable(&other)], &[&list(&[SERIAL], &other)]), &trust(&mine));
    assert_eq!(error, ChainError::UnknownIssuer { issuer: "CN=Other".to_owned() });
}

// The container.

#[test]
fn parse_more_than_sixteen_lists_is_refused() {
    let root = root("Root");
    let (leaf, list) = (revocable(&root), list(&[1], &root));
    verify(&message(&[&leaf], &[&list[..]; 16]), &trust(&root)).unwrap();
    let error = CertificateChain::parse(&message(&[&leaf], &[&list[..]; 17])).unwrap_err();
    assert!(matches!(error, CertificateError::TooManyRevocationLists), "{error:?}");
}

#[test]
fn parse_something_else_among_the_lists_is_refused() {
    let root = root("Root");
    let list = list(&[1], &root);
    let error = CertificateChain::parse(&message(&[&revocable(&root)], &[&list, &tlv(0xa1, b"\x05\x00")])).unwrap_err();
    assert!(matches!(error, CertificateError::UnsupportedRevocationChoice { index: 1 }), "{error:?}");
}

#[test]
fn who_accepts_any_chain_accepts_a_revoked_one() {
    let root = root("Root");
    let chain = CertificateChain::parse(&message(&[&revocable(&root)], &[&list(&[SERIAL], &root)])).unwrap();
    softcp_client::UnverifiedCertificate::new(&chain).dangerous_accept_without_verification().unwrap();
}
