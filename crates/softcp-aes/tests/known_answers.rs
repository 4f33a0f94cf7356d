//! Answers that others worked out: NIST's examples and OpenSSL's output.

// A setup that fails is a failed test.
#![allow(clippy::unwrap_used)]

mod common;

use common::Vector;
use softcp_aes::{BLOCK, CbcDecryption, Chain, DecryptionKey, Kernel, Key, Keystream, Region, Rows, RowsMut};

/// Runs the keystream of `vector` over `input` in spans of `span` bytes.
fn apply(vector: &Vector, input: &[u8], span: usize) -> Vec<u8> {
    let key = Key::new(&vector.block("key"));
    let mut keystream = Keystream::new(&key, vector.block("counter"));
    let mut output = input.to_vec();
    for span in output.chunks_mut(span) {
        keystream.apply_in_place(span);
    }
    output
}

/// Encrypts the plaintext of a vector file and decrypts its ciphertext: at once, by block, and in spans that end inside
/// blocks.
fn check_both_ways(file: &'static str) {
    let vector = Vector::read(file);
    let (plaintext, ciphertext) = (vector.bytes("plaintext"), vector.bytes("ciphertext"));
    for span in [plaintext.len(), BLOCK, 15, 1] {
        assert_eq!(apply(&vector, &plaintext, span), ciphertext, "{file} in spans of {span} bytes");
        assert_eq!(apply(&vector, &ciphertext, span), plaintext, "{file} in spans of {span} bytes");
    }
}

#[test]
fn fips_197_block_is_encrypted_and_decrypted() {
    let vector = Vector::read("fips197-aes128.txt");
    let key = Key::new(&vector.block("key"));
    let mut block = vector.block("plaintext");
    key.encrypt_block(&mut block);
    assert_eq!(block, vector.block("ciphertext"));
    key.decrypt_block(&mut block);
    assert_eq!(block, vector.block("plaintext"));
}

#[test]
fn sp_800_38a_counter_mode_both_ways() {
    check_both_ways("sp800-38a-f5-ctr-aes128.txt");
}

#[test]
fn sp_800_38a_cipher_block_chaining_is_decrypted_by_every_kernel() {
    let vector = Vector::read("sp800-38a-f2-cbc-aes128.txt");
    let (plaintext, ciphertext) = (vector.bytes("plaintext"), vector.bytes("ciphertext"));
    let whole = || std::iter::once(Region { clear: 0, encrypted: ciphertext.len() });
    for kernel in Kernel::available() {
        let key = DecryptionKey::with_kernel(&vector.block("key"), kernel).expect("it is available");
        let decryption = || CbcDecryption::new(&key, vector.block("iv"), Chain::Continues, None);
        let mut copy = vec![0; ciphertext.len()];
        decryption().copy(&[Rows::from(&ciphertext[..])], &mut [RowsMut::from(&mut copy[..])], whole()).unwrap();
        assert_eq!(copy, plaintext, "{kernel}");
        let mut data = ciphertext.clone();
        decryption().in_place(&mut [RowsMut::from(&mut data[..])], whole()).unwrap();
        assert_eq!(data, plaintext, "{kernel} in place");
    }
}

#[test]
fn openssl_run_ending_inside_a_block_both_ways() {
    check_both_ways("openssl-part-of-a-block.txt");
}

#[test]
fn openssl_run_with_count_past_32_bits_both_ways() {
    check_both_ways("openssl-count-past-32-bits.txt");
}

#[test]
fn openssl_runs_around_the_wrap_both_ways() {
    check_both_ways("openssl-count-wraps.txt");
}

#[test]
fn openssl_run_with_a_carry_into_the_iv_differs_after_the_wrap() {
    let vector = Vector::read("openssl-carry-into-iv.txt");
    let (plaintext, carried) = (vector.bytes("plaintext"), vector.bytes("ciphertext"));
    let ours = apply(&vector, &plaintext, plaintext.len());
    assert_eq!(ours[..2 * BLOCK], carried[..2 * BLOCK]);
    assert_ne!(ours[2 * BLOCK..3 * BLOCK], carried[2 * BLOCK..3 * BLOCK]);
}

/// The keystream of blocks encrypted one by one, without any counter.
fn blocks_by_hand(key: &Key, counters: &[[u8; BLOCK]]) -> Vec<u8> {
    let mut blocks = counters.to_vec();
    for block in &mut blocks {
        key.encrypt_block(block);
    }
    blocks.concat()
}

#[test]
fn count_at_its_end_wraps_to_zero_under_the_same_iv() {
    let key = Key::new(b"a key of 16 byte");
    let mut keystream = [0; 4 * BLOCK];
    Keystream::new(&key, *b"\x11\x22\x33\x44\x55\x66\x77\xff\xff\xff\xff\xff\xff\xff\xff\xfe")
        .apply_in_place(&mut keystream);
    assert_eq!(
        keystream[..],
        blocks_by_hand(
            &key,
            &[
                *b"\x11\x22\x33\x44\x55\x66\x77\xff\xff\xff\xff\xff\xff\xff\xff\xfe",
                *b"\x11\x22\x33\x44\x55\x66\x77\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                *b"\x11\x22\x33\x44\x55\x66\x77\xff\x00\x00\x00\x00\x00\x00\x00\x00",
                *b"\x11\x22\x33\x44\x55\x66\x77\xff\x00\x00\x00\x00\x00\x00\x00\x01",
            ]
        )
    );
    let carried = blocks_by_hand(&key, &[*b"\x11\x22\x33\x44\x55\x66\x78\x00\x00\x00\x00\x00\x00\x00\x00\x00"]);
    assert_ne!(keystream[2 * BLOCK..3 * BLOCK], carried[..]);
}

#[test]
fn count_that_wraps_inside_a_long_run_wraps_once() {
    const BLOCKS: u64 = 300;
    let key = Key::new(b"a key of 16 byte");
    // The wrap falls into each place of a batch of blocks in turn.
    for before in 1..130 {
        let first = u64::MAX - before;
        let counters: Vec<[u8; BLOCK]> = (0..BLOCKS)
            .map(|i| {
                let mut block = *b"\xff\xff\xff\xff\xff\xff\xff\xff........";
                block[8..].copy_from_slice(&first.wrapping_add(i).to_be_bytes());
                block
            })
            .collect();
        let mut keystream = vec![0; counters.len() * BLOCK];
        Keystream::new(&key, counters[0]).apply_in_place(&mut keystream);
        assert_eq!(keystream, blocks_by_hand(&key, &counters), "{before} blocks before the wrap");
    }
}
