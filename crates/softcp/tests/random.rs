//! Random numbers: refresh numbers, read-back keys and first IVs are new each time, not grossly biased, and come from
//! the provider that was passed in. When it fails, nothing changes.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use common::{Block, Rig, SwitchedRandom, buffers, ctr, unwrap, xor};
use softcp::provider::Provider;
use softcp::provider::fixed::FixedRandom;
use softcp::{Adapter, Error};

const DRAWS: usize = 10_000;

/// Refresh numbers of one session, in order.
fn refresh_numbers(count: usize) -> Vec<Block> {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    let mut number = [0; 16];
    let mut draw = || {
        rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
        number
    };
    (0..count).map(|_| draw()).collect()
}

#[test]
fn refresh_numbers_never_repeat() {
    // 10,000 numbers of 128 bits meet by chance with probability 2^-102.
    assert_eq!(refresh_numbers(DRAWS).into_iter().collect::<HashSet<_>>().len(), DRAWS);
}

/// Pearson's chi-squared over the 256 byte values. With 255 degrees of freedom the statistic of a fair source passes
/// 450 with probability below 1e-12, and the same source passes below 120 as rarely.
#[test]
fn refresh_numbers_have_every_byte_value_about_as_often() {
    let numbers = refresh_numbers(DRAWS);
    let mut counts = [0_u32; 256];
    numbers.iter().flatten().for_each(|&byte| counts[usize::from(byte)] += 1);
    let expected = f64::from(u32::try_from(DRAWS * 16).unwrap()) / 256.0;
    let statistic: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!((120.0..450.0).contains(&statistic), "chi-squared is {statistic}");
}

/// Of 10,000 draws a fair bit is set 5,000 times with a standard deviation of 50; one of 128 bits or of the 128 between
/// neighbours is out by 8 deviations with probability below 1e-12.
#[test]
fn refresh_numbers_have_no_bit_that_stands_or_follows_its_predecessor() {
    let numbers = refresh_numbers(DRAWS + 1);
    let changes: Vec<_> = numbers.windows(2).map(|pair| xor(pair[0], pair[1])).collect();
    for (what, blocks) in [("set", &numbers[1..]), ("changed", &changes)] {
        for bit in 0..128 {
            let count = blocks.iter().filter(|block| block[bit / 8] & 1 << (bit % 8) != 0).count();
            assert!((4600..=5400).contains(&count), "bit {bit} is {what} {count} times of {DRAWS}");
        }
    }
}

/// Each of the 16 bytes has each value 39 times on average: that one of the 4096 is missing has a probability below
/// 1e-13.
#[test]
fn refresh_numbers_have_every_byte_value_in_every_place() {
    let numbers = refresh_numbers(DRAWS);
    let seen: HashSet<_> = numbers.iter().flat_map(|number| number.iter().enumerate()).collect();
    assert_eq!(seen.len(), 16 * 256);
}

/// Two bytes of a fair number are equal 39 times with a standard deviation of 6: 120 times for one of the 120 pairs has a
/// probability below 1e-20.
#[test]
fn refresh_numbers_have_no_two_bytes_that_go_together() {
    let numbers = refresh_numbers(DRAWS);
    for (one, other) in (0..16).flat_map(|other| (0..other).map(move |one| (one, other))) {
        let count = numbers.iter().filter(|number| number[one] == number[other]).count();
        assert!(count < 120, "bytes {one} and {other} are equal {count} times of {DRAWS}");
    }
}

#[test]
fn read_back_keys_never_repeat_and_are_no_refresh_numbers() {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    let mut seen = HashSet::new();
    for _ in 0..2000 {
        let (mut wrapped, mut number) = ([0; 16], [0; 16]);
        rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
        rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
        assert!(seen.insert(unwrap([1; 16], wrapped)) && seen.insert(number));
    }
}

#[test]
fn sessions_draw_numbers_of_their_own() {
    let (one, two) = (refresh_numbers(100), refresh_numbers(100));
    assert!(one.iter().all(|number| !two.contains(number)));
}

#[test]
fn numbers_are_the_providers_in_the_order_of_the_calls() {
    // 8 bytes go to the adapter's handles; then the calls below take theirs.
    let numbers: Vec<u8> = (0..200).collect();
    let rig = Rig::with_provider("", Provider::aws_lc().with_random(Arc::new(FixedRandom::new(numbers))));
    rig.negotiate([1; 16]);
    let mut number = [0; 16];
    rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
    let start = usize::from(number[0]);
    let next = |from: usize, len: usize| (from..from + len).map(|at| u8::try_from(at).unwrap()).collect::<Vec<_>>();
    assert_eq!(number.to_vec(), next(start, 16));
    let mut wrapped = [0; 16];
    rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
    assert_eq!(unwrap([1; 16], wrapped).to_vec(), next(start + 16, 16));
    let mut iv = [0; 16];
    rig.call(|session| session.encryption_blt(buffers(&[0; 4], &mut [0; 4]), &mut iv)).unwrap();
    assert_eq!(iv[..], [&[0; 4], &next(start + 32, 4)[..], &[0; 8]].concat(), "32 random bits, big-endian (D11)");
}

#[test]
fn adapter_without_random_numbers_is_not_made() {
    let provider = Provider::aws_lc().with_random(Arc::new(FixedRandom::new([])));
    assert!(matches!(Adapter::new(&common::config(""), provider), Err(Error::RandomFailed)));
}

#[test]
fn start_without_random_numbers_leaves_buffer_key_and_pending_number() {
    let random = SwitchedRandom::new();
    let rig = Rig::with_provider("", random.provider());
    rig.negotiate([2; 16]);
    let (mut number, mut spoilt) = ([0; 16], [0xEE; 16]);
    rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
    let result = random.while_off(|| rig.call(|session| session.start_key_refresh(&mut spoilt)));
    assert!(matches!(result, Err(Error::RandomFailed)), "{result:?}");
    assert_eq!(spoilt, [0xEE; 16]);
    assert_eq!(rig.decrypt(&[0; 16], [3; 16]), ctr([2; 16], [3; 16], &[0; 16]), "the old key is in force");
    rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
    assert_eq!(rig.decrypt(&[0; 16], [3; 16]), ctr(xor([2; 16], number), [3; 16], &[0; 16]), "the number stayed");
}

#[test]
fn start_without_random_numbers_begins_no_refresh() {
    let random = SwitchedRandom::new();
    let rig = Rig::with_provider("", random.provider());
    rig.negotiate([2; 16]);
    let result = random.while_off(|| rig.call(|session| session.start_key_refresh(&mut [0; 16])));
    assert!(matches!(result, Err(Error::RandomFailed)), "{result:?}");
    let result = rig.call(softcp::CryptoSession::finish_key_refresh);
    assert!(matches!(result, Err(Error::NoRefreshPending)), "{result:?}");
}

#[test]
fn read_back_without_random_numbers_leaves_key_buffer_and_ivs() {
    let random = SwitchedRandom::new();
    let rig = Rig::with_provider("", random.provider());
    rig.negotiate([2; 16]);
    let mut wrapped = [0; 16];
    rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
    let key = unwrap([2; 16], wrapped);
    let read_back = || {
        let (mut out, mut iv) = ([0xEE; 20], [0xEE; 16]);
        let result = rig.call(|session| session.encryption_blt(buffers(&[0; 20], &mut out), &mut iv));
        (result, out, iv)
    };
    // The first IV of a key is drawn: without random numbers there is none.
    let (result, out, iv) = random.while_off(read_back);
    assert!(matches!(result, Err(Error::RandomFailed)), "{result:?}");
    assert_eq!((out, iv), ([0xEE; 20], [0xEE; 16]));
    let (result, out, first) = read_back();
    result.unwrap();
    assert_eq!(out[..], ctr(key, first, &[0; 20]));
    // A new key cannot be drawn either: the old one stays, and its IVs go on.
    let mut untouched = [0xEE; 16];
    let result = random.while_off(|| rig.call(|session| session.encryption_blt_key(&mut untouched)));
    assert!(matches!(result, Err(Error::RandomFailed)), "{result:?}");
    assert_eq!(untouched, [0xEE; 16]);
    let (result, out, second) = random.while_off(read_back);
    result.unwrap();
    assert_eq!(out[..], ctr(key, second, &[0; 20]));
    assert_eq!(
        u128::from_be_bytes(second),
        u128::from_be_bytes(first) + (1 << 64),
        "the next IV needs no random number"
    );
}
