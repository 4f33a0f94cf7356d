//! Samples through a protected path, against the application's own cipher.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::sync::LazyLock;

use common::Setup;
use proptest::prelude::*;
use softcp_cenc::{Pattern, SampleEncryption, Scheme, Subsample};
use softcp_client::{AesCtrIv, ChannelType, ContentKey, SampleCipher};
use softcp_player::{
    CipherModes, KeyMap, PathError, PathOptions, PathStatistics, ProtectedDevice, ProtectedPath, SampleError,
};
use softcp_runtime::Device;

const KID: [u8; 16] = *b"the kid of tests";
const OTHER_KID: [u8; 16] = *b"the kid of other";
const KEY: [u8; 16] = *b"a content key of";
const IV: [u8; 16] = *b"\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\0";

/// More than one buffer holds.
const LONG: u32 = 5 << 19;

const CTR: CipherModes = CipherModes { ctr: true, cbc: false };
const BOTH: CipherModes = CipherModes { ctr: true, cbc: true };

fn options(setup: &Setup, refresh_every: u32, modes: CipherModes) -> PathOptions {
    PathOptions { trust: setup.trust(), refresh_every, modes }
}

fn keys() -> KeyMap {
    let mut keys = KeyMap::new();
    keys.insert(KID, ContentKey::from(KEY)).unwrap();
    keys.insert(OTHER_KID, ContentKey::from([7; 16])).unwrap();
    keys
}

fn open<'k>(setup: &Setup, device: &Device, keys: &'k KeyMap, refresh_every: u32) -> ProtectedPath<'k> {
    ProtectedPath::without_channel(device, keys, &options(setup, refresh_every, CTR)).unwrap()
}

/// Opens a path without a channel, then one under protection, and has `test` use each.
fn on_each(
    setup: &Setup,
    driver_options: &str,
    keys: &KeyMap,
    refresh_every: u32,
    test: impl Fn(&mut ProtectedPath<'_>),
) {
    let device = setup.driver(driver_options).create_device().unwrap();
    let mut path = open(setup, &device, keys, refresh_every);
    assert_eq!(path.reads_back(), driver_options.contains("protection_always_on"));
    test(&mut path);
    let protected = ProtectedDevice::open(&device, &setup.trust(), ChannelType::DriverSoftware).unwrap();
    let mut path = ProtectedPath::open(&protected, keys, &options(setup, refresh_every, CTR)).unwrap();
    assert!(path.reads_back());
    test(&mut path);
}

fn encryption(scheme: Scheme, pattern: Option<(u8, u8)>, subsamples: &[(u16, u32)]) -> SampleEncryption {
    SampleEncryption {
        scheme,
        kid: KID,
        iv: IV,
        pattern: pattern.map(|(crypt_blocks, skip_blocks)| Pattern { crypt_blocks, skip_blocks }),
        subsamples: subsamples.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect(),
        encrypted_tail: false,
    }
}

fn clear_bytes(len: u32) -> Vec<u8> {
    (0..len).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// What a packager would make of `clear`.
fn encrypted(encryption: &SampleEncryption, key: [u8; 16], clear: &[u8]) -> Vec<u8> {
    if encryption.scheme.is_aes_cbc() {
        return chained(encryption, key, clear);
    }
    let cipher = ContentKey::from(key).data_cipher();
    let mut stream = cipher.stream(AesCtrIv::from_bytes(encryption.iv));
    let mut bytes = clear.to_vec();
    for run in encryption.encrypted_runs(u32::try_from(clear.len()).unwrap()) {
        stream.apply(&mut bytes[run]);
    }
    bytes
}

/// The same in AES-CBC.
fn chained(encryption: &SampleEncryption, key: [u8; 16], clear: &[u8]) -> Vec<u8> {
    let stripes = match encryption.pattern {
        Some(Pattern { crypt_blocks: 0, .. }) => return clear.to_vec(),
        Some(Pattern { crypt_blocks, skip_blocks }) if skip_blocks != 0 => {
            softcp_client::Stripes { encrypted: crypt_blocks.into(), clear: skip_blocks.into() }
        }
        // Every whole block of a region.
        _ => softcp_client::Stripes { encrypted: u32::MAX, clear: 1 },
    };
    let scheme = match encryption.scheme {
        Scheme::Cbcs => softcp_client::Scheme::Cbcs(stripes),
        _ => softcp_client::Scheme::Cbc1,
    };
    let cipher: SampleCipher = ContentKey::from(key).sample_cipher(scheme);
    let region =
        |&Subsample { clear, protected }| softcp_client::Subsample { clear: clear.into(), encrypted: protected };
    let mut map: Vec<_> = encryption.subsamples.iter().map(region).collect();
    let covered: u32 = map.iter().map(|region| region.clear + region.encrypted).sum();
    if !map.is_empty() {
        map.push(softcp_client::Subsample { clear: u32::try_from(clear.len()).unwrap() - covered, encrypted: 0 });
    }
    let mut bytes = clear.to_vec();
    cipher.encrypt(&encryption.iv, &map, &mut bytes).unwrap();
    bytes
}

/// Opens a path for both modes under protection, and has `test` use it.
fn with_frames(setup: &Setup, driver_options: &str, refresh_every: u32, test: impl FnOnce(&mut ProtectedPath<'_>)) {
    let (device, keys) = (setup.driver(driver_options).create_device().unwrap(), keys());
    let protected = ProtectedDevice::open(&device, &setup.trust(), ChannelType::DriverSoftware).unwrap();
    test(&mut ProtectedPath::open(&protected, &keys, &options(setup, refresh_every, BOTH)).unwrap());
}

/// Sends one sample through the path; what came out, and whether all was read and no more.
fn through(path: &mut ProtectedPath<'_>, encryption: &SampleEncryption, sample: &[u8]) -> Result<Vec<u8>, SampleError> {
    let behind = b"the next sample";
    let mut input = [sample, behind].concat();
    let mut rest = input.as_mut_slice() as &[u8];
    let mut output = Vec::new();
    path.decrypt_sample(encryption, u32::try_from(sample.len()).unwrap(), &mut rest, &mut output)?;
    assert_eq!(rest, behind);
    Ok(output)
}

fn check(path: &mut ProtectedPath<'_>, encryption: &SampleEncryption, len: u32) {
    let clear = clear_bytes(len);
    let sample = encrypted(encryption, KEY, &clear);
    let output = through(path, encryption, &sample).unwrap();
    assert!(output == clear, "{encryption:?} of {len} bytes");
}

#[test]
fn sample_longer_than_a_buffer_goes_through_in_chunks() {
    let (setup, keys) = (Setup::new(), keys());
    for options in ["", "capabilities.profile=hardware-like", "capabilities.flags.protection_always_on=true"] {
        on_each(&setup, options, &keys, 0, |path| {
            check(path, &encryption(Scheme::Cenc, None, &[]), LONG + 5);
            assert_eq!(path.statistics().blits, 3, "{options}");
            assert_eq!(path.statistics().bytes_encrypted, u64::from(LONG) + 5);
        });
    }
}

#[test]
fn pattern_longer_than_a_buffer_begins_anew_in_each() {
    let (setup, keys) = (Setup::new(), keys());
    let encryption = encryption(Scheme::Cens, Some((3, 4)), &[(7, LONG)]);
    let encrypted: usize = encryption.encrypted_runs(LONG + 100).map(|run| run.len()).sum();
    on_each(&setup, "", &keys, 0, |path| {
        check(path, &encryption, LONG + 100);
        assert_eq!((path.statistics().blits, path.statistics().bytes_encrypted), (3, encrypted as u64));
    });
}

#[test]
fn many_subsamples_are_one_blit() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 0);
    let subsamples: Vec<_> = (1..60).map(|index| (index, u32::from(index) * 7 + 3)).collect();
    let len = subsamples.iter().map(|(clear, protected)| u32::from(*clear) + protected).sum();
    check(&mut path, &encryption(Scheme::Cenc, None, &subsamples), len);
    assert_eq!(path.statistics().blits, 1);
}

#[test]
fn much_clear_data_between_encrypted_runs_splits_inside_a_block() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("capabilities.flags.protection_always_on=true").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 0);
    let mut subsamples = vec![(3, 21)];
    // Clear ranges of more than 65535 bytes are several subsamples.
    subsamples.extend([(u16::MAX, 0); 9]);
    subsamples.extend([(5, 100), (9, 17), (u16::MAX, 1), (u16::MAX, 40)]);
    let len = subsamples.iter().map(|(clear, protected)| u32::from(*clear) + protected).sum::<u32>() + 1_000;
    check(&mut path, &encryption(Scheme::Cenc, None, &subsamples), len);
    assert_eq!(path.statistics().blits, 2);
}

#[test]
fn counter_that_wraps_within_a_sample_leaves_the_iv_alone() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 0);
    let mut encryption = encryption(Scheme::Cenc, None, &[]);
    // The wrap lies in the first chunk, and at the border of the first and the second.
    for count in [u64::MAX - 2, u64::MAX - (1 << 16) + 1] {
        encryption.iv[8..].copy_from_slice(&count.to_be_bytes());
        check(&mut path, &encryption, LONG);
    }
}

#[test]
fn sample_without_encrypted_bytes_needs_no_blit() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 1);
    check(&mut path, &encryption(Scheme::Cenc, None, &[(100, 0)]), 100);
    check(&mut path, &encryption(Scheme::Cens, Some((1, 9)), &[]), 15);
    check(&mut path, &encryption(Scheme::Cenc, None, &[]), 0);
    let statistics = path.statistics();
    assert_eq!((statistics.samples, statistics.blits, statistics.bytes_encrypted), (3, 0, 0));
}

#[test]
fn statistics_count_what_was_done() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 2);
    for _ in 0..5 {
        check(&mut path, &encryption(Scheme::Cenc, None, &[(10, 90)]), 120);
    }
    let expected =
        PathStatistics { samples: 5, refreshes: 2, recoveries: 0, blits: 5, bytes: 600, bytes_encrypted: 450 };
    assert_eq!(path.statistics(), expected);
}

#[test]
fn two_keys_by_turns_each_open_their_samples() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 3);
    let clear = clear_bytes(200);
    for round in 0..10 {
        let (kid, key) = if round % 2 == 0 { (KID, KEY) } else { (OTHER_KID, [7; 16]) };
        let encryption = SampleEncryption { kid, ..encryption(Scheme::Cenc, None, &[]) };
        let sample = encrypted(&encryption, key, &clear);
        assert_eq!(through(&mut path, &encryption, &sample).unwrap(), clear, "{round}");
    }
}

#[test]
fn repeated_iv_where_ivs_must_increase_names_the_rule() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("capabilities.profile=hardware-like").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 0);
    let encryption = encryption(Scheme::Cenc, None, &[]);
    check(&mut path, &encryption, 100);
    let error = through(&mut path, &encryption, &[0; 100]).unwrap_err();
    let SampleError::Path(PathError::IvNotIncreasing { kid: KID, .. }) = &error else { panic!("{error}") };
    let text = error.to_string();
    assert!(text.contains("SEQUENTIAL_CTR_IV") && text.contains("E_INVALIDARG"), "{text}");
    // The path goes on with the next IV.
    let next = SampleEncryption { iv: (u128::from_be_bytes(IV) + (1 << 64)).to_be_bytes(), ..encryption };
    check(&mut path, &next, 100);
}

#[test]
fn sample_under_an_unknown_kid_is_refused() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 0);
    let encryption = SampleEncryption { kid: [9; 16], ..encryption(Scheme::Cenc, None, &[]) };
    let error = through(&mut path, &encryption, &[0; 100]).unwrap_err();
    assert!(matches!(error, SampleError::Path(PathError::MissingKey { kid }) if kid == [9; 16]), "{error}");
}

#[test]
fn sample_in_a_mode_that_the_path_was_not_opened_for_is_refused() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 0);
    let error = through(&mut path, &encryption(Scheme::Cbcs, None, &[]), &[0; 100]).unwrap_err();
    assert!(matches!(error, SampleError::Path(PathError::NotOpenedFor { scheme: Scheme::Cbcs })), "{error}");
    let error = through(&mut path, &encryption(Scheme::Piff, None, &[]), &[0; 100]).unwrap_err();
    assert!(matches!(error, SampleError::Path(PathError::UnsupportedScheme { scheme: Scheme::Piff })), "{error}");
}

#[test]
fn path_without_a_channel_has_no_decoder_for_given_keys() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let error = ProtectedPath::without_channel(&device, &keys, &options(&setup, 0, BOTH)).unwrap_err();
    assert!(matches!(error, PathError::CbcNeedsChannel), "{error}");
}

#[test]
fn samples_of_both_modes_by_turns_come_out_clear() {
    with_frames(&Setup::new(), "capabilities.profile=hardware-like", 3, |path| {
        for round in 0_u8..12 {
            let scheme = [Scheme::Cenc, Scheme::Cbcs, Scheme::Cens, Scheme::Cbc1][usize::from(round % 4)];
            let pattern = scheme.has_pattern().then_some((1, 9));
            // The IVs of AES-CTR increase, as this driver wants it. Those of AES-CBC are always the same (D69).
            let iv = if scheme.is_aes_ctr() { [round + 1; 16] } else { IV };
            check(path, &SampleEncryption { iv, ..encryption(scheme, pattern, &[(7, 3_000), (30, 500)]) }, 3_600);
        }
        assert_eq!((path.statistics().blits, path.statistics().refreshes), (12, 3));
    });
}

#[test]
fn chained_sample_longer_than_a_buffer_goes_through_in_frames() {
    let setup = Setup::new();
    for driver_options in ["", "capabilities.flags.partial_decryption=false"] {
        with_frames(&setup, driver_options, 1, |path| {
            let regions = [(10, LONG / 2), (20, 40_000), (5, LONG), (u16::MAX, 100), (7, 15)];
            let len = regions.iter().map(|(clear, protected)| u32::from(*clear) + protected).sum::<u32>() + 5;
            for (scheme, pattern) in
                [(Scheme::Cbc1, None), (Scheme::Cbcs, None), (Scheme::Cbcs, Some((1, 9))), (Scheme::Cbcs, Some((7, 4)))]
            {
                check(path, &encryption(scheme, pattern, &[]), LONG + 5);
                check(path, &encryption(scheme, pattern, &regions), len);
            }
        });
    }
}

#[test]
fn chained_sample_without_a_whole_block_needs_no_frame() {
    with_frames(&Setup::new(), "", 1, |path| {
        check(path, &encryption(Scheme::Cbcs, Some((1, 9)), &[]), 15);
        check(path, &encryption(Scheme::Cbc1, None, &[(100, 12)]), 112);
        check(path, &encryption(Scheme::Cbcs, Some((0, 9)), &[]), 1_000);
        check(path, &encryption(Scheme::Cbc1, None, &[]), 0);
        let statistics = path.statistics();
        assert_eq!((statistics.samples, statistics.blits, statistics.bytes_encrypted), (4, 0, 0));
    });
}

#[test]
fn input_that_ends_early_leaves_the_path_usable_and_its_refresh_pending() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 1);
    let encryption = encryption(Scheme::Cenc, None, &[(10, 90)]);
    check(&mut path, &encryption, 120);
    for len in [5, 50, 110] {
        let error = path.decrypt_sample(&encryption, 120, &mut &vec![0; len][..], &mut Vec::new()).unwrap_err();
        assert!(matches!(error, SampleError::Read(_)), "{error}");
        assert_eq!(path.statistics().refreshes, 0);
    }
    check(&mut path, &encryption, 120);
    assert_eq!(path.statistics().refreshes, 1);
    check(&mut path, &encryption, 120);
}

#[test]
fn output_that_takes_nothing_is_a_write_error() {
    let (setup, keys) = (Setup::new(), keys());
    let device = setup.driver("").create_device().unwrap();
    let mut path = open(&setup, &device, &keys, 1);
    for subsamples in [&[(10, 90)][..], &[]] {
        let encryption = encryption(Scheme::Cenc, None, subsamples);
        let error = path.decrypt_sample(&encryption, 120, &mut &[0; 120][..], &mut &mut [0; 5][..]).unwrap_err();
        assert!(matches!(error, SampleError::Write(_)), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any subsamples and pattern, on drivers that differ in what they allow, give what the client's cipher gives.
    #[test]
    fn any_sample_comes_out_clear(
        samples in prop::collection::vec(
            (
                prop::option::of((0_u8..16, 0_u8..16)).prop_filter("0:0 is none", |pattern| *pattern != Some((0, 0))),
                prop::collection::vec((0_u16..200, 0_u32..3_000), 0..12),
                0_u32..3_000,
                any::<u128>(),
            ),
            1..12,
        ),
        options in prop::sample::select(vec![
            "",
            "capabilities.block_alignment=16",
            "capabilities.block_alignment=32",
            "capabilities.flags.partial_decryption=false",
            "capabilities.flags.protection_always_on=true",
        ]),
        refresh_every in 0_u32..4,
    ) {
        static SETUP: LazyLock<Setup> = LazyLock::new(Setup::new);
        let keys = keys();
        on_each(&SETUP, options, &keys, refresh_every, |path| for (pattern, subsamples, behind, iv) in &samples {
            let scheme = if pattern.is_some() { Scheme::Cens } else { Scheme::Cenc };
            let len = subsamples.iter().map(|(clear, protected)| u32::from(*clear) + protected).sum::<u32>() + behind;
            let encryption = SampleEncryption { iv: iv.to_be_bytes(), ..encryption(scheme, *pattern, subsamples) };
            check(path, &encryption, len);
        });
    }

    /// The same in AES-CBC, where the chain restarts in each region or goes on.
    #[test]
    fn any_chained_sample_comes_out_clear(
        samples in prop::collection::vec(
            (
                any::<bool>(),
                prop::option::of((0_u8..16, 0_u8..16)).prop_filter("0:0 is none", |pattern| *pattern != Some((0, 0))),
                prop::collection::vec((0_u16..200, 0_u32..3_000), 0..12),
                0_u32..3_000,
                any::<u128>(),
            ),
            1..12,
        ),
        options in prop::sample::select(vec![
            "",
            "capabilities.profile=hardware-like",
            "capabilities.flags.partial_decryption=false",
        ]),
        refresh_every in 0_u32..4,
    ) {
        static SETUP: LazyLock<Setup> = LazyLock::new(Setup::new);
        with_frames(&SETUP, options, refresh_every, |path| for (goes_on, pattern, subsamples, behind, iv) in &samples {
            let (scheme, pattern) = if *goes_on { (Scheme::Cbc1, None) } else { (Scheme::Cbcs, *pattern) };
            let len = subsamples.iter().map(|(clear, protected)| u32::from(*clear) + protected).sum::<u32>() + behind;
            let encryption = SampleEncryption { iv: iv.to_be_bytes(), ..encryption(scheme, pattern, subsamples) };
            check(path, &encryption, len);
        });
    }
}
