//! Chains that an application refuses, and the right one when it asks again.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};

use softcp::config::{CertificateEncoding, Config};
use softcp::faults::{FaultError, files};
use softcp::identity::{IdentityFiles, IdentityOptions};
use softcp::provider::Provider;
use softcp::provider::fixed::FixedClock;
use softcp::{Adapter, Device, Error};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, E_NOTIMPL};
use softcp_client::{CertificateChain, ChainError, RevocationList, TrustAnchors, UnverifiedCertificate};
use tempfile::TempDir;

use crate::common::{IDENTITY, Rig, checked_certificate, config, desc, key_exchange, now};
use crate::{inject, rig};

/// An identity directory with a revocation list, valid `now()`.
static REVOCABLE: LazyLock<TempDir> = LazyLock::new(|| {
    let options = IdentityOptions {
        common_name: "Driver".to_owned(),
        not_before: UNIX_EPOCH + Duration::from_secs(1_790_000_000),
        days: 365,
    };
    let directory = tempfile::tempdir().unwrap();
    IdentityFiles::generate(&Provider::aws_lc(), &options).unwrap().write(directory.path()).unwrap();
    directory
});

/// A configuration with an identity that has a revocation list.
fn revocable(options: &str) -> Config {
    let mut config = Config::default().with_options(options).unwrap();
    config.identity.directory = Some(REVOCABLE.path().to_owned());
    config
}

/// What an application sees of the chain that is shown now.
fn check(chain: &[u8]) -> Result<(), ChainError> {
    check_against(Path::new(IDENTITY), chain)
}

fn check_against(identity: &Path, chain: &[u8]) -> Result<(), ChainError> {
    let roots = std::fs::read(identity.join("root.pem")).unwrap();
    let chain = CertificateChain::parse(chain).unwrap();
    chain.verify(&TrustAnchors::from_pem(&roots).unwrap(), now()).map(|_| ())
}

fn shown(adapter: &Adapter) -> Vec<u8> {
    adapter.session_certificate(&D3D11_CRYPTO_TYPE_AES128_CTR).unwrap()
}

#[test]
fn faulty_chains_are_refused_each_for_its_reason() {
    type Check = fn(&ChainError) -> bool;
    let is_reason: [(&str, Check); 3] = [
        ("certificate-expired", |error| matches!(error, ChainError::Expired { .. })),
        ("certificate-wrong-root", |error| matches!(error, ChainError::UnknownIssuer { .. })),
        ("certificate-wrong-key", |error| matches!(error, ChainError::BadSignature { .. })),
    ];
    for encoding in [CertificateEncoding::Pkcs7, CertificateEncoding::Der] {
        for (fault, is_reason) in is_reason {
            let mut config = config(&format!("faults.list={fault} at=2"));
            config.identity.encoding = encoding;
            let adapter = Adapter::new(&config, Provider::aws_lc()).unwrap();
            check(&shown(&adapter)).unwrap();
            let error = check(&adapter.channel_certificate(2).unwrap()).unwrap_err();
            assert!(is_reason(&error), "{fault}: {error:?}");
            check(&shown(&adapter)).unwrap();
        }
    }
}

#[test]
fn who_does_not_check_the_chain_fails_only_at_a_wrong_key() {
    for (fault, is_driver_key) in
        [("certificate-expired", true), ("certificate-wrong-root", true), ("certificate-wrong-key", false)]
    {
        let (rig, _) = rig("");
        inject(&rig, fault);
        let chain = CertificateChain::parse(&shown(rig.device.adapter())).unwrap();
        let careless = UnverifiedCertificate::new(&chain).dangerous_accept_without_verification().unwrap();
        let exchange = key_exchange(&careless, [9; 16]);
        let result = rig.call(|session| session.negotiate(exchange.message().as_bytes()));
        match result {
            Ok(()) => assert!(is_driver_key, "{fault}"),
            Err(error) => assert!(!is_driver_key && matches!(error, Error::KeyExchangeFailed), "{fault}: {error}"),
        }
    }
}

#[test]
fn an_identity_made_in_memory_has_faulty_chains_too() {
    let config = Config::default();
    let adapter = Adapter::new(&config.with_options("faults.opt_in=true").unwrap(), Provider::aws_lc()).unwrap();
    let genuine = shown(&adapter);
    for fault in ["certificate-expired", "certificate-wrong-root", "certificate-wrong-key", "certificate-revoked"] {
        adapter.faults().inject(fault.parse().unwrap()).unwrap();
        assert_ne!(shown(&adapter), genuine, "{fault}");
        assert_eq!(shown(&adapter), genuine, "{fault}");
    }
}

#[test]
fn an_application_that_asks_again_goes_on() {
    let (rig, _) = rig("");
    inject(&rig, "certificate-expired times=2");
    let adapter = rig.device.adapter();
    let tries = (1..=5).find(|_| check(&shown(adapter)).is_ok());
    assert_eq!(tries, Some(3));
    let rig = Rig {
        certificate: checked_certificate(adapter),
        session: rig.device.create_crypto_session(&desc()).unwrap(),
        device: rig.device,
    };
    rig.negotiate([9; 16]);
}

#[test]
fn revoked_chain_is_the_drivers_own_with_a_list_and_is_refused_for_it() {
    let adapter = Adapter::new(&revocable("faults.list=certificate-revoked at=2"), Provider::aws_lc()).unwrap();
    let genuine = shown(&adapter);
    check_against(REVOCABLE.path(), &genuine).unwrap();
    let revoked = adapter.channel_certificate(2).unwrap();
    let refused = check_against(REVOCABLE.path(), &revoked).unwrap_err();
    let expected =
        ChainError::Revoked { subject: "O=SoftCP,CN=Driver".to_owned(), issuer: "O=SoftCP,CN=Driver root".to_owned() };
    assert_eq!(refused, expected);
    let certificates = |chain: &[u8]| -> Vec<Vec<u8>> {
        CertificateChain::parse(chain).unwrap().certificates().iter().map(|each| each.der().to_vec()).collect()
    };
    assert_eq!(certificates(&revoked), certificates(&genuine));
    assert_eq!(shown(&adapter), genuine);
}

#[test]
fn who_does_not_look_at_lists_gets_through_the_key_exchange_of_a_revoked_driver() {
    let adapter = Adapter::new(&revocable("faults.list=certificate-revoked"), Provider::aws_lc()).unwrap();
    let chain = CertificateChain::parse(&shown(&adapter)).unwrap();
    let careless = UnverifiedCertificate::new(&chain).dangerous_accept_without_verification().unwrap();
    let device = Device::new(&adapter).unwrap();
    let session = device.create_crypto_session(&desc()).unwrap();
    let exchange = key_exchange(&careless, [9; 16]);
    device.crypto_session(session).unwrap().lock().negotiate(exchange.message().as_bytes()).unwrap();
}

#[test]
fn list_of_the_identity_serves_an_applications_own_check() {
    let adapter = Adapter::new(&revocable(""), Provider::aws_lc()).unwrap();
    let read = |name| std::fs::read(REVOCABLE.path().join(name)).unwrap();
    let mut roots = TrustAnchors::from_pem(&read("root.pem")).unwrap();
    roots.add_revocation_lists(RevocationList::from_pem(&read("crl.pem")).unwrap());
    let refused = CertificateChain::parse(&shown(&adapter)).unwrap().verify(&roots, now()).unwrap_err();
    assert!(matches!(refused, ChainError::Revoked { .. }), "{refused:?}");
}

#[test]
fn of_several_faulty_chains_the_revoked_one_comes_last() {
    let list = "faults.list=certificate-revoked, certificate-wrong-key, certificate-wrong-root, certificate-expired";
    let adapter = Adapter::new(&revocable(list), Provider::aws_lc()).unwrap();
    let refused = check_against(REVOCABLE.path(), &shown(&adapter)).unwrap_err();
    assert!(matches!(refused, ChainError::Revoked { .. }), "{refused:?}");
}

/// Configurations by which no list can be shown, and what is said of them.
fn unable() -> Vec<(Config, FaultError)> {
    let der = |mut config: Config| {
        config.identity.encoding = CertificateEncoding::Der;
        config
    };
    vec![
        (config("faults.opt_in=true"), FaultError::NoRevocationList),
        (der(config("faults.opt_in=true")), FaultError::NoPlaceForRevocationList),
        (der(revocable("faults.opt_in=true")), FaultError::NoPlaceForRevocationList),
        (der(Config::default().with_options("faults.opt_in=true").unwrap()), FaultError::NoPlaceForRevocationList),
    ]
}

#[test]
fn revocation_that_cannot_be_shown_cannot_be_set() {
    for (config, expected) in unable() {
        let adapter = Adapter::new(&config, Provider::aws_lc()).unwrap();
        let error = adapter.faults().inject("certificate-revoked".parse().unwrap()).unwrap_err();
        assert_eq!((&error, error.hresult()), (&expected, E_NOTIMPL));
        assert_eq!(adapter.faults().list(), []);
        adapter.faults().inject("certificate-expired".parse().unwrap()).unwrap();

        let mut config = config;
        config.faults.list = vec!["key-lost".parse().unwrap(), "certificate-revoked at=100".parse().unwrap()];
        match Adapter::new(&config, Provider::aws_lc()) {
            Err(Error::Fault(error)) => assert_eq!(error, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn request_for_a_revocation_that_cannot_be_shown_is_refused_whole_and_says_why() {
    let (mut config, expected) = unable().swap_remove(0);
    let directory = tempfile::tempdir().unwrap();
    config.faults.control = Some(directory.path().to_owned());
    config.faults.list = vec!["key-lost".parse().unwrap()];
    let clock = Arc::new(FixedClock::default());
    let adapter = Adapter::new(&config, Provider::aws_lc().with_clock(Arc::clone(&clock) as _)).unwrap();
    let list = vec!["wrong-mac".to_owned(), "certificate-revoked".to_owned()];
    files::Request { serial: 1, process: None, add: false, list }.write(directory.path()).unwrap();
    clock.advance(Duration::from_secs(1));
    shown(&adapter);
    let set: Vec<_> = adapter.faults().list().iter().map(|state| state.schedule.to_string()).collect();
    assert_eq!(set, ["key-lost at=1"]);
    let states = files::State::read_all(directory.path()).unwrap();
    assert_eq!(states[0].as_ref().unwrap().error.as_deref(), Some(expected.to_string().as_str()));
}

/// `openssl` with these arguments; none where it cannot be run.
#[expect(clippy::print_stderr, reason = "says why a test did nothing")]
fn openssl(args: &[&str]) -> Option<Output> {
    Command::new("openssl")
        .args(args)
        .output()
        .map_err(|error| eprintln!("skipped: openssl cannot be run ({error})"))
        .ok()
}

#[test]
fn openssl_finds_the_list_in_the_chain_and_the_leaf_on_it() {
    let adapter = Adapter::new(&revocable("faults.list=certificate-revoked"), Provider::aws_lc()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("chain.p7b"), shown(&adapter)).unwrap();
    let args = ["pkcs7", "-inform", "DER", "-print_certs", "-in", &path("chain.p7b"), "-out", &path("all.pem")];
    let Some(output) = openssl(&args) else { return };
    assert!(output.status.success(), "{output:?}");

    // The leaf comes first in what OpenSSL wrote, the list last.
    let root = REVOCABLE.path().join("root.pem").to_str().unwrap().to_owned();
    let verify = |more: &[&str]| {
        let all = path("all.pem");
        let args = ["verify", "-attime", "1800000000", "-CAfile", &root];
        openssl(&[&args[..], more, &[&all]].concat()).unwrap()
    };
    assert!(verify(&[]).status.success());
    let output = verify(&["-crl_check", "-CRLfile", &path("all.pem")]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("certificate revoked"), "{text}");
}
