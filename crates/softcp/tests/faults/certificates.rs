//! Chains that an application refuses, and the right one when it asks again.

use softcp::config::CertificateEncoding;
use softcp::provider::Provider;
use softcp::{Adapter, Error};
use softcp_abi::D3D11_CRYPTO_TYPE_AES128_CTR;
use softcp_client::{CertificateChain, ChainError, TrustAnchors, UnverifiedCertificate};

use crate::common::{IDENTITY, Rig, checked_certificate, config, desc, key_exchange, now};
use crate::{inject, rig};

/// What an application sees of the chain that is shown now.
fn check(chain: &[u8]) -> Result<(), ChainError> {
    let roots = std::fs::read(format!("{IDENTITY}/root.pem")).unwrap();
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
    let config = softcp::config::Config::default();
    let adapter = Adapter::new(&config.with_options("faults.opt_in=true").unwrap(), Provider::aws_lc()).unwrap();
    let genuine = shown(&adapter);
    for fault in ["certificate-expired", "certificate-wrong-root", "certificate-wrong-key"] {
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
