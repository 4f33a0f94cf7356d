//! Sealed blobs as content keys, and what is done to them on the way.

use softcp::secure::EnvironmentError;
use softcp::secure::clear_key::function;
use softcp::{ContentKey, DataKey, Error, GUID, Handle, Result};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3DERR_INVALIDCALL, E_INVALIDARG, GUID_NULL};

use crate::common::{adapter, buffers, checked_certificate, ctr, desc, key_exchange};
use crate::rig::{KEY, KID, OTHER_KID, Rig, guid};

/// `data` as a new media session decrypts it with what the blob opens to; the IV is 7s.
pub(crate) fn decrypt(rig: &Rig, blob: &[u8], data: &[u8]) -> Vec<u8> {
    let key = rig.adapter.open_sealed_key(blob, None).unwrap();
    decrypt_with(rig, rig.media_session(), key, data).unwrap()
}

/// `data` as a session decrypts it with an opened key; the destination must not change when it fails.
pub(crate) fn decrypt_with(rig: &Rig, session: Handle, key: ContentKey, data: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![0xEE; data.len()];
    let session = rig.device.crypto_session(session).unwrap();
    let result = session.lock().decryption_blt(buffers(data, &mut out), None, &DataKey::Unwrapped(key), &[7; 16]);
    if result.is_err() {
        assert!(out.iter().all(|&byte| byte == 0xEE), "a failed blit wrote to the destination");
    }
    result.map(|()| out)
}

fn error(rig: &Rig, blob: &[u8], key_id: Option<&GUID>) -> EnvironmentError {
    match rig.adapter.open_sealed_key(blob, key_id) {
        Err(Error::SealedKey(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sealed_blob_decrypts_on_an_ordinary_session() {
    let rig = Rig::with_key();
    let session = rig.device.create_crypto_session(&desc()).unwrap();
    let exchange = key_exchange(&checked_certificate(&rig.adapter), [1; 16]);
    rig.device.crypto_session(session).unwrap().lock().negotiate(exchange.message().as_bytes()).unwrap();
    let key = rig.adapter.open_sealed_key(&rig.blob(KID), Some(&guid(KID))).unwrap();
    assert_eq!(decrypt_with(&rig, session, key, b"some data").unwrap(), ctr(KEY, [7; 16], b"some data"));
}

#[test]
fn sealed_blob_on_an_ordinary_session_without_key_exchange_is_invalid_call() {
    let rig = Rig::with_key();
    let session = rig.device.create_crypto_session(&desc()).unwrap();
    let key = rig.adapter.open_sealed_key(&rig.blob(KID), None).unwrap();
    assert!(matches!(decrypt_with(&rig, session, key, b"data"), Err(Error::NoSessionKey)));
}

#[test]
fn sealed_blob_decrypts_on_a_media_session_without_key_exchange() {
    let rig = Rig::with_key();
    assert_eq!(decrypt(&rig, &rig.blob(KID), b"some data"), ctr(KEY, [7; 16], b"some data"));
}

#[test]
fn key_id_is_the_kid_or_says_nothing() {
    let rig = Rig::with_key();
    let blob = rig.blob(KID);
    // A public browser passes the crypto type where the key's GUID belongs.
    for key_id in [None, Some(guid(KID)), Some(GUID_NULL), Some(D3D11_CRYPTO_TYPE_AES128_CTR)] {
        assert!(rig.adapter.open_sealed_key(&blob, key_id.as_ref()).is_ok(), "{key_id:?}");
    }
    // The KID's bytes as they would lie in a GUID's memory are another GUID.
    let mut swapped = KID;
    swapped[..4].reverse();
    swapped[4..6].reverse();
    swapped[6..8].reverse();
    for key_id in [guid(OTHER_KID), guid(swapped)] {
        assert_eq!(error(&rig, &blob, Some(&key_id)), EnvironmentError::BadBlob, "{key_id}");
    }
}

#[test]
fn blob_changed_in_any_bit_is_refused() {
    let rig = Rig::with_key();
    let blob = rig.blob(KID);
    for bit in 0..blob.len() * 8 {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(error(&rig, &changed, None), EnvironmentError::BadBlob, "bit {bit}");
    }
    rig.adapter.open_sealed_key(&blob, None).unwrap();
}

#[test]
fn blob_cut_or_extended_is_refused() {
    let rig = Rig::with_key();
    let blob = rig.blob(KID);
    let twice = [&blob[..], &blob[..]].concat();
    for length in (0..blob.len()).chain(blob.len() + 1..=twice.len()) {
        assert_eq!(error(&rig, &twice[..length], None), EnvironmentError::BadBlob, "{length} bytes");
    }
    assert_eq!(error(&rig, &blob[1..], None), EnvironmentError::BadBlob);
    assert_eq!(error(&rig, &vec![0; 1 << 16], None), EnvironmentError::BadBlob);
    let larger = rig.adapter.open_sealed_key(&vec![0; (1 << 16) + 1], None);
    assert!(matches!(larger, Err(Error::TooLarge { limit: 65_536, given: 65_537, .. })), "{larger:?} (D34)");
}

#[test]
fn blob_relabelled_for_another_kid_is_refused() {
    let rig = Rig::with_key();
    rig.load(&[(OTHER_KID, [0x33; 16])]);
    let (mut one, other) = (rig.blob(KID), rig.blob(OTHER_KID));
    one[4..20].copy_from_slice(&OTHER_KID);
    assert_eq!(error(&rig, &one, Some(&guid(OTHER_KID))), EnvironmentError::BadBlob);
    let spliced = [&one[..32], &other[32..]].concat();
    assert_eq!(error(&rig, &spliced, None), EnvironmentError::BadBlob);
}

#[test]
fn blob_of_another_environment_is_refused() {
    let (one, two) = (Rig::with_key(), Rig::with_key());
    let blob = one.blob(KID);
    assert_eq!(error(&two, &blob, Some(&guid(KID))), EnvironmentError::BadBlob);
    one.adapter.open_sealed_key(&blob, None).unwrap();
}

#[test]
fn blob_of_an_earlier_provisioning_is_refused() {
    let rig = Rig::with_key();
    let blob = rig.blob(KID);
    rig.ok(function::TEARDOWN, &[]);
    assert_eq!(error(&rig, &blob, None), EnvironmentError::NotProvisioned);
    rig.ok(function::PROVISION, &[]);
    assert_eq!(error(&rig, &blob, None), EnvironmentError::BadBlob);
    rig.load(&[(KID, KEY)]);
    assert_eq!(error(&rig, &blob, None), EnvironmentError::BadBlob);
    assert_eq!(decrypt(&rig, &rig.blob(KID), b"x"), ctr(KEY, [7; 16], b"x"));
}

#[test]
fn blob_of_a_revoked_kid_is_refused_and_others_open() {
    let rig = Rig::with_key();
    rig.load(&[(OTHER_KID, KEY)]);
    let (revoked, other) = (rig.blob(KID), rig.blob(OTHER_KID));
    rig.ok(function::REVOKE, &KID);
    assert_eq!(error(&rig, &revoked, None), EnvironmentError::Revoked);
    rig.adapter.open_sealed_key(&other, None).unwrap();
    rig.ok(function::REVOKE, &[]);
    assert_eq!(error(&rig, &other, None), EnvironmentError::Revoked);
}

#[test]
fn refusals_have_their_hresults() {
    for (refusal, hresult) in [
        (EnvironmentError::NotProvisioned, D3DERR_INVALIDCALL),
        (EnvironmentError::BadBlob, E_INVALIDARG),
        (EnvironmentError::Revoked, E_INVALIDARG),
        (EnvironmentError::BadInput, E_INVALIDARG),
    ] {
        assert_eq!(Error::from(refusal).hresult(), hresult, "{refusal}");
        // A sealed key that nobody here opens, for whatever reason, is D28's.
        assert_eq!(Error::SealedKey(refusal).hresult(), E_INVALIDARG, "{refusal}");
    }
    let own = EnvironmentError::Failed(D3DERR_INVALIDCALL);
    assert_eq!(Error::SealedKey(own).hresult(), D3DERR_INVALIDCALL);
}

#[test]
fn blob_without_drm_communication_is_an_unsupported_content_key() {
    let blob = Rig::with_key().blob(KID);
    let error = adapter("").open_sealed_key(&blob, None).unwrap_err();
    assert!(matches!(error, Error::UnsupportedContentKey(64)), "{error:?}");
    assert_eq!(error.hresult(), E_INVALIDARG);
}
