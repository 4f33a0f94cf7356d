//! Blobs, keys and licences from the inside; `tests/secure/` sees them through sessions.

use super::licence::Kind;
use super::*;

const KEY: [u8; 16] = [0x5A; 16];
const KID: Kid = Kid([0x11; 16]);

fn secret(byte: u8) -> Secret {
    Secret::new(Provider::aws_lc().aead.key(&[byte; 32]))
}

fn same(key: &ContentKey, bytes: [u8; 16]) -> bool {
    *key.bytes() == bytes
}

fn some_keys(kids: std::ops::Range<usize>) -> Vec<(Kid, Box<ContentKey>)> {
    kids.map(|number| (Kid((number as u128).to_be_bytes()), Box::new(ContentKey::new(KEY)))).collect()
}

fn parse(json: &str) -> Result<Licence, HRESULT> {
    Licence::parse(json.as_bytes())
}

/// Magic, KID, nonce 0 and what AES-256-GCM by another implementation (OpenSSL) makes of it.
#[test]
fn blob_is_laid_out_as_documented() {
    let blob = secret(7).seal(KID, &ContentKey::new(KEY));
    let sealed: [u128; 2] = [0x3b82_fee8_a1c8_51b2_bb5d_d53e_9e21_11f4, 0x0347_d257_6b53_36f3_6419_7a2c_82e6_1663];
    assert_eq!((&blob[..4], &blob[4..20], &blob[20..32]), (&b"SCK1"[..], &[0x11; 16][..], &[0; 12][..]));
    assert_eq!(blob[32..], sealed.map(u128::to_be_bytes).concat());
}

#[test]
fn blob_opens_to_its_key_under_its_secret_only() {
    let mut one = secret(1);
    let blob = one.seal(KID, &ContentKey::new(KEY));
    let (kid, key) = one.open(&blob).unwrap();
    assert!(kid == KID && same(&key, KEY));
    assert!(secret(2).open(&blob).is_none());
    assert!(!blob.windows(4).any(|window| window == &KEY[..4]), "the key shows");
}

#[test]
fn blobs_of_one_key_have_nonces_of_their_own() {
    let mut secret = secret(1);
    let blobs: std::collections::HashSet<_> =
        (0..100).map(|_| secret.seal(KID, &ContentKey::new(KEY))[20..32].to_vec()).collect();
    assert_eq!(blobs.len(), 100);
}

#[test]
fn blob_with_any_bit_flipped_or_any_other_length_is_refused() {
    let mut secret = secret(1);
    let blob = secret.seal(KID, &ContentKey::new(KEY));
    for bit in 0..BLOB_SIZE * 8 {
        let mut changed = blob;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(secret.open(&changed).is_none(), "bit {bit}");
    }
    let long = [&blob[..], &[0; 64]].concat();
    for length in (0..BLOB_SIZE).chain(BLOB_SIZE + 1..long.len()) {
        assert!(secret.open(&long[..length]).is_none(), "{length} bytes");
    }
    assert!(secret.open(&blob).is_some());
}

#[test]
fn keys_are_kept_up_to_the_limit_and_a_load_past_it_takes_none() {
    let mut keys = Keys::default();
    keys.load(some_keys(0..MAX_KEYS - 1)).unwrap();
    assert_eq!(keys.load(some_keys(MAX_KEYS - 1..MAX_KEYS + 1)), Err(status::TOO_MANY_KEYS));
    let last = Kid((MAX_KEYS as u128 - 1).to_be_bytes());
    assert_eq!(keys.get(last).err(), Some(status::UNKNOWN_KID));
    keys.load(some_keys(MAX_KEYS - 1..MAX_KEYS)).unwrap();
    // Loading what is there again takes no more room; revoked keys keep theirs.
    keys.load(some_keys(0..MAX_KEYS)).unwrap();
    assert_eq!(keys.revoke_all(), MAX_KEYS);
    assert_eq!(keys.load(some_keys(MAX_KEYS..MAX_KEYS + 1)), Err(status::TOO_MANY_KEYS));
}

#[test]
fn licence_with_a_revoked_key_is_refused_whole() {
    let mut keys = Keys::default();
    keys.load(some_keys(0..2)).unwrap();
    let kid = |number: u128| Kid(number.to_be_bytes());
    assert_eq!(
        (keys.revoke(kid(1)), keys.revoke(kid(1)), keys.revoke(kid(9))),
        (Ok(1), Ok(0), Err(status::UNKNOWN_KID))
    );
    assert_eq!(keys.load(some_keys(1..3)), Err(status::REVOKED));
    assert_eq!(keys.get(kid(1)).err(), Some(status::REVOKED));
    assert_eq!(keys.get(kid(2)).err(), Some(status::UNKNOWN_KID));
    assert!(keys.get(kid(0)).is_ok());
}

/// The example of "Encrypted Media Extensions", section 9.1.4.1.
#[test]
fn licence_of_the_w3c_example_is_read() {
    let licence = parse(
        r#"{"keys": [{"kty": "oct", "k": "tQ0bJVWb6b0KPL6KtZIy_A", "kid": "LwVHf8JLtPrv2GUXFW2v_A"}], "type": "temporary"}"#,
    )
    .unwrap();
    assert_eq!((licence.kind, licence.keys.len()), (Kind::Temporary, 1));
    let (kid, key) = &licence.keys[0];
    assert_eq!(u128::from_be_bytes(kid.0), 0x2f05_477f_c24b_b4fa_efd8_6517_156d_affc);
    assert!(same(key, 0xb50d_1b25_559b_e9bd_0a3c_be8a_b592_32fc_u128.to_be_bytes()));
}
