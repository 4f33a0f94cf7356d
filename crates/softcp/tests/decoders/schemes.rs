//! Buffers in the four schemes of Common Encryption, against a reference of this file's own.
//!
//! The reference gathers the encrypted bytes of each region as ISO/IEC 23001-7 (sections 10.1 to 10.4) says, and
//! enciphers them with the `ctr` crate, or block by block with the `aes` crate.

use proptest::prelude::*;
use softcp::{
    BlitSurfaces, CipherMode, ContentKey, DataKey, DecoderBuffer, DecoderEncryption, Encrypted, EncryptedBlockInfo,
    Error, Stripes, Subsample, Surface, SurfaceFlags, SurfaceMut,
};
use softcp_aes::{Rows, RowsMut};
use softcp_client::{AesCtrIv, Scheme};

use crate::common::{Block, Rig, ctr, wrap, xor};
use crate::{BITSTREAM, CONTENT_KEY, Decoding, SESSION_KEY, SLICE_CONTROL, data};

const IV: Block = [9; 16];

/// Mode and stripes: a scheme.
type Kind = (DecoderEncryption, Option<(u32, u32)>);

const CENC: Kind = (DecoderEncryption::Ctr, None);
const CENS: Kind = (DecoderEncryption::Ctr, Some((1, 9)));
const CBC1: Kind = (DecoderEncryption::Cbc, None);
const CBCS: Kind = (DecoderEncryption::Cbc, Some((1, 9)));
const ALL: [Kind; 4] = [CENC, CENS, CBC1, CBCS];

fn stripes(kind: Kind) -> Option<Stripes> {
    kind.1.and_then(|(encrypted, clear)| Stripes::new(encrypted, clear).unwrap())
}

fn parts<const N: usize>(sizes: [(u32, u32); N]) -> [Subsample; N] {
    sizes.map(|(clear, encrypted)| Subsample { clear, encrypted })
}

/// AES-128-CBC of whole blocks (NIST SP 800-38A section 6.2).
fn cbc(key: Block, iv: Block, data: &[u8]) -> Vec<u8> {
    let (blocks, []) = data.as_chunks::<16>() else { panic!("whole blocks") };
    let mut last = iv;
    blocks
        .iter()
        .flat_map(|block| {
            last = wrap(key, xor(last, *block));
            last
        })
        .collect()
}

/// `clear` encrypted in a scheme; no subsamples: one region.
fn encrypt(kind: Kind, key: Block, iv: Block, map: Option<&[Subsample]>, clear: &[u8]) -> Vec<u8> {
    let mut regions = Vec::new();
    let mut at = 0;
    let whole = [Subsample { clear: 0, encrypted: u32::try_from(clear.len()).unwrap() }];
    for part in map.unwrap_or(&whole) {
        at += part.clear as usize;
        let places = at..at + part.encrypted as usize;
        at = places.end;
        let whole_blocks = places.start..places.start + places.len() / 16 * 16;
        regions.push(match kind {
            (DecoderEncryption::Ctr, None) => places.collect::<Vec<_>>(),
            (_, None) => whole_blocks.collect(),
            (_, Some((encrypted, skipped))) => whole_blocks
                .clone()
                .filter(|at| {
                    let block = (at - whole_blocks.start) as u64 / 16;
                    block % (u64::from(encrypted) + u64::from(skipped)) < u64::from(encrypted)
                })
                .collect(),
        });
    }
    let is_cbc = kind.0 == DecoderEncryption::Cbc;
    let streams = if is_cbc && kind.1.is_some() { regions } else { vec![regions.concat()] };
    let mut out = clear.to_vec();
    for places in streams {
        let bytes: Vec<u8> = places.iter().map(|&at| clear[at]).collect();
        let encrypted = if is_cbc { cbc(key, iv, &bytes) } else { ctr(key, iv, &bytes) };
        places.into_iter().zip(encrypted).for_each(|(at, byte)| out[at] = byte);
    }
    out
}

/// Decrypts a buffer and compares it.
fn check(decoding: &Decoding, kind: Kind, key: Block, iv: Block, map: Option<&[Subsample]>, bytes: usize) {
    let clear = data(bytes);
    let sent = encrypt(kind, key, iv, map, &clear);
    let encrypted = map.map_or(Encrypted::All, Encrypted::Subsamples);
    let opened = decoding.decrypt_striped(&sent, &iv, encrypted, stripes(kind)).unwrap();
    assert_eq!(opened, clear, "{kind:?} {map:?}");
}

/// NIST SP 800-38A, F.2.2: CBC-AES128, decrypt.
#[test]
fn cbc1_of_a_published_vector_is_the_published_plain_text() {
    let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
    let iv = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
    let cipher: [u128; 2] = [0x7649_abac_8119_b246_cee9_8e9b_12e9_197d, 0x5086_cb9b_5072_19ee_95db_113a_9176_78b2];
    let plain: [u128; 2] = [0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a, 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51];
    let decoding = Decoding::of(DecoderEncryption::Cbc, "");
    decoding.begin(&DataKey::Unwrapped(ContentKey::new(key))).unwrap();
    let sent = [&cipher.map(u128::to_be_bytes).concat()[..], b"the rest"].concat();
    let opened = decoding.decrypt_striped(&sent, &iv, Encrypted::All, None).unwrap();
    assert_eq!(opened, [&plain.map(u128::to_be_bytes).concat()[..], b"the rest"].concat());
}

#[test]
fn chain_and_stripes_restart_in_each_region_of_cbcs_and_goes_on_in_the_others() {
    let map = parts([(3, 160), (0, 33), (17, 0), (0, 15), (5, 352), (1, 0)]);
    let bytes = map.iter().map(|part| (part.clear + part.encrypted) as usize).sum();
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "");
        decoding.begin(&DataKey::Session).unwrap();
        check(&decoding, kind, SESSION_KEY, IV, Some(&map), bytes);
        // Each buffer begins anew with its own IV, also with the same one.
        check(&decoding, kind, SESSION_KEY, IV, Some(&map), bytes);
        check(&decoding, kind, SESSION_KEY, [1; 16], None, bytes);
    }
}

#[test]
fn stripes_of_every_kind_are_cut_at_the_end_of_their_region() {
    let map = parts([(0, 100), (7, 77), (0, 16 * 11)]);
    for (encrypted, clear) in [(1, 1), (1, 9), (5, 5), (9, 1), (2, 3), (10, 1), (1, u32::MAX), (u32::MAX, u32::MAX)] {
        for mode in [DecoderEncryption::Ctr, DecoderEncryption::Cbc] {
            let (decoding, kind) = (Decoding::of(mode, ""), (mode, Some((encrypted, clear))));
            decoding.begin(&DataKey::Session).unwrap();
            check(&decoding, kind, SESSION_KEY, IV, Some(&map), 360);
            for bytes in [0, 1, 15, 16, 17, 80, 81, 160, 161, 400] {
                check(&decoding, kind, SESSION_KEY, IV, None, bytes);
            }
        }
    }
}

// Keys.

#[test]
fn every_scheme_has_session_content_and_sealed_keys() {
    let wrapped = wrap(SESSION_KEY, CONTENT_KEY);
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "");
        for (data_key, key) in [
            (DataKey::Session, SESSION_KEY),
            (DataKey::Wrapped(&wrapped), CONTENT_KEY),
            (DataKey::Unwrapped(ContentKey::new(CONTENT_KEY)), CONTENT_KEY),
        ] {
            decoding.begin(&data_key).unwrap();
            check(&decoding, kind, key, IV, None, 100);
            decoding.end();
        }
        let device = &decoding.rig.device;
        let sealed = DataKey::Unwrapped(ContentKey::new(CONTENT_KEY));
        device.begin_frame(decoding.decoder, Some(decoding.rig.session), &sealed).unwrap();
        check(&decoding, kind, CONTENT_KEY, IV, None, 100);
    }
    let sealed = Decoding::of(DecoderEncryption::Sealed, "");
    let key = DataKey::Unwrapped(ContentKey::new(CONTENT_KEY));
    sealed.rig.device.begin_frame(sealed.decoder, Some(sealed.rig.session), &key).unwrap();
    check(&sealed, CENC, CONTENT_KEY, IV, None, 100);
    check(&sealed, CENS, CONTENT_KEY, IV, None, 200);
}

#[test]
fn buffers_follow_a_refresh_and_content_keys_do_not() {
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "");
        let mut key = SESSION_KEY;
        let refresh = |key: &mut Block| {
            let mut number = [0; 16];
            decoding.rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
            check(&decoding, kind, *key, IV, None, 200);
            decoding.rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
            *key = xor(*key, number);
        };
        decoding.begin(&DataKey::Session).unwrap();
        for _ in 0..3 {
            refresh(&mut key);
            check(&decoding, kind, key, IV, None, 200);
        }
        decoding.end();
        let old = wrap(key, CONTENT_KEY);
        decoding.begin(&DataKey::Wrapped(&old)).unwrap();
        let mut number = [0; 16];
        decoding.rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
        decoding.rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
        check(&decoding, kind, CONTENT_KEY, IV, None, 200);
        decoding.end();
        // The same wrap means another key now, whatever was kept.
        decoding.begin(&DataKey::Wrapped(&old)).unwrap();
        let now = crate::common::unwrap(xor(key, number), old);
        check(&decoding, kind, now, IV, None, 200);
    }
}

#[test]
fn keys_are_lost_in_the_middle_of_a_frame() {
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "");
        for key in [DataKey::Session, DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))] {
            decoding.begin(&key).unwrap();
            decoding.rig.call(|session| session.invalidate(false));
            let lost = decoding.decrypt_striped(&[7; 64], &IV, Encrypted::All, stripes(kind));
            assert!(matches!(lost, Err(Error::KeyLost)));
            decoding.end();
            assert!(matches!(decoding.begin(&key), Err(Error::KeyLost)));
            decoding.rig.negotiate(SESSION_KEY);
        }
        decoding.begin(&DataKey::Session).unwrap();
        check(&decoding, kind, SESSION_KEY, IV, None, 200);
    }
}

/// D63: which mode a key is used in is the decoder's, and nothing that a buffer says changes it.
#[test]
fn mode_is_the_decoders_for_each_buffer_of_a_frame() {
    assert_eq!(DecoderEncryption::Sealed.mode(), Some(CipherMode::Ctr));
    assert_eq!(DecoderEncryption::None.mode(), None);
    for (decoder, other) in
        [(DecoderEncryption::Ctr, DecoderEncryption::Cbc), (DecoderEncryption::Cbc, DecoderEncryption::Ctr)]
    {
        let decoding = Decoding::of(decoder, "");
        decoding.begin(&DataKey::Session).unwrap();
        for pattern in [None, Some((1, 9))] {
            let sent = encrypt((other, pattern), SESSION_KEY, IV, None, &data(320));
            let opened = decoding.decrypt_striped(&sent, &IV, Encrypted::All, stripes((other, pattern))).unwrap();
            assert_ne!(opened, data(320));
            check(&decoding, (decoder, pattern), SESSION_KEY, IV, None, 320);
        }
        // Two decoders may use one key in both modes at a time: nothing in the interface tells.
        let device = &decoding.rig.device;
        let second = device.register_decoder(other).unwrap();
        device.begin_frame(second, Some(decoding.rig.session), &DataKey::Session).unwrap();
        let mut out = vec![0; 320];
        let sent = encrypt((other, None), SESSION_KEY, IV, None, &data(320));
        let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: Some(&IV), encrypted: Encrypted::All, stripes: None };
        device.decrypt_buffer(second, crate::common::buffers(&sent, &mut out), &buffer).unwrap();
        assert_eq!(out, data(320));
    }
}

// Refusals.

#[test]
fn one_sided_stripes_are_refused() {
    for (encrypted, clear) in [(0, 1), (1, 0), (0, u32::MAX), (u32::MAX, 0)] {
        let error = Stripes::new(encrypted, clear).unwrap_err();
        assert!(matches!(error, Error::OneSidedStripes { encrypted: e, clear: c } if (e, c) == (encrypted, clear)));
        assert_eq!(error.hresult(), softcp_abi::E_INVALIDARG);
    }
    assert_eq!(Stripes::new(0, 0).unwrap(), None);
}

#[test]
fn refused_buffers_write_nothing_and_leave_the_frame() {
    let invalid = |error: &Error| error.hresult() == softcp_abi::E_INVALIDARG;
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "");
        decoding.begin(&DataKey::Session).unwrap();
        for size in [0, 8, 15, 17] {
            let result = decoding.decrypt_striped(&[7; 64], &vec![1; size], Encrypted::All, stripes(kind));
            assert!(matches!(result, Err(Error::WrongSize { what: "the IV", expected: 16, given }) if given == size));
        }
        for map in [&parts([(0, 63)])[..], &parts([(0, 65)]), &parts([(u32::MAX, u32::MAX), (66, 0)]), &[]] {
            let result = decoding.decrypt_striped(&[7; 64], &IV, Encrypted::Subsamples(map), stripes(kind));
            assert!(matches!(&result, Err(error @ Error::SubsamplesMismatch { bytes: 64, .. }) if invalid(error)));
        }
        let pattern = Encrypted::Pattern(EncryptedBlockInfo { at_beginning: 64, skip: 0, encrypt: 0 });
        let result = decoding.decrypt_striped(&[7; 64], &IV, pattern, stripes(kind));
        if kind == CENC {
            result.unwrap();
        } else {
            assert!(matches!(&result, Err(error @ Error::PatternOutsideCenc) if invalid(error)));
        }
        check(&decoding, kind, SESSION_KEY, IV, None, 100);
    }
}

#[test]
fn stripes_and_maps_need_partial_decryption_and_whole_buffers_do_not() {
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "capabilities.flags.partial_decryption=false");
        decoding.begin(&DataKey::Session).unwrap();
        let map = parts([(0, 64)]);
        let result = decoding.decrypt_striped(&[7; 64], &IV, Encrypted::Subsamples(&map), stripes(kind));
        assert!(matches!(result, Err(Error::NotOffered(_))));
        if kind.1.is_some() {
            let result = decoding.decrypt_striped(&[7; 64], &IV, Encrypted::All, stripes(kind));
            assert!(matches!(result, Err(Error::NotOffered(_))));
        } else {
            check(&decoding, kind, SESSION_KEY, IV, None, 100);
        }
    }
}

/// D66: as for AES-CTR.
#[test]
fn only_slice_data_is_encrypted_where_the_profile_says_so() {
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "capabilities.flags.encrypt_slicedata_only=true");
        decoding.begin(&DataKey::Session).unwrap();
        let buffer =
            |iv| DecoderBuffer { buffer_type: SLICE_CONTROL, iv, encrypted: Encrypted::All, stripes: stripes(kind) };
        let refused = decoding.decrypt_buffer(&[7; 64], &buffer(Some(&IV)));
        assert!(matches!(refused, Err(Error::BufferNotEncryptable { buffer_type: SLICE_CONTROL })));
        assert_eq!(decoding.decrypt_buffer(&[7; 64], &buffer(None)).unwrap(), [7; 64]);
        check(&decoding, kind, SESSION_KEY, IV, None, 100);
    }
}

/// D69: D10 is about the counters of AES-CTR; `cbcs` has constant IVs.
#[test]
fn ivs_have_an_order_in_ctr_only() {
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "capabilities.flags.sequential_ctr_iv=true");
        decoding.begin(&DataKey::Session).unwrap();
        check(&decoding, kind, SESSION_KEY, [5; 16], None, 100);
        for iv in [[5; 16], [4; 16]] {
            let again = decoding.decrypt_striped(&[7; 64], &iv, Encrypted::All, stripes(kind));
            if kind.0 == DecoderEncryption::Ctr {
                assert!(matches!(again, Err(Error::IvNotIncreasing)));
            } else {
                again.unwrap();
            }
        }
        check(&decoding, kind, SESSION_KEY, [6; 16], None, 100);
    }
}

/// IVs of AES-CBC do not stand in the way of those of AES-CTR under the same key.
#[test]
fn ivs_of_cbc_are_not_remembered() {
    let decoding = Decoding::of(DecoderEncryption::Cbc, "capabilities.flags.sequential_ctr_iv=true");
    decoding.begin(&DataKey::Session).unwrap();
    check(&decoding, CBCS, SESSION_KEY, [0xFF; 16], None, 100);
    decoding.end();
    let second = decoding.rig.device.register_decoder(DecoderEncryption::Ctr).unwrap();
    let decoding = Decoding { decoder: second, ..decoding };
    decoding.rig.device.begin_frame(second, Some(decoding.rig.session), &DataKey::Session).unwrap();
    check(&decoding, CENC, SESSION_KEY, [1; 16], None, 100);
}

/// D7 is about patterns: regions have any size, as they have in files.
#[test]
fn block_alignment_does_not_bind_regions() {
    for kind in ALL {
        let decoding = Decoding::of(kind.0, "capabilities.block_alignment=16");
        decoding.begin(&DataKey::Session).unwrap();
        check(&decoding, kind, SESSION_KEY, IV, Some(&parts([(3, 41), (1, 55)])), 100);
    }
}

#[test]
fn every_profile_offers_every_scheme() {
    for profile in ["software", "hardware-like", "permissive"] {
        for kind in ALL {
            let decoding = Decoding::of(kind.0, &format!("capabilities.profile={profile}"));
            decoding.begin(&DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))).unwrap();
            check(&decoding, kind, CONTENT_KEY, IV, Some(&parts([(5, 195)])), 200);
        }
    }
}

/// The client's sample cipher is a second implementation that shares no code with the engine.
#[test]
fn samples_of_the_client_are_opened() {
    let some = softcp_client::Stripes { encrypted: 2, clear: 3 };
    for (scheme, kind) in [
        (Scheme::Cenc, CENC),
        (Scheme::Cens(some), (DecoderEncryption::Ctr, Some((2, 3)))),
        (Scheme::Cbc1, CBC1),
        (Scheme::Cbcs(some), (DecoderEncryption::Cbc, Some((2, 3)))),
    ] {
        assert_eq!(DecoderEncryption::from_guid(&scheme.bitstream_encryption()).unwrap(), kind.0);
        let decoding = Decoding::of(kind.0, "");
        decoding.begin(&DataKey::Unwrapped(ContentKey::new(CONTENT_KEY))).unwrap();
        let map = [(9, 90), (0, 200), (1, 16)];
        let client_map = map.map(|(clear, encrypted)| softcp_client::Subsample { clear, encrypted });
        let iv = AesCtrIv { iv: 3, count: u64::MAX }.to_bytes();
        let mut sample = data(316);
        softcp_client::ContentKey::from(CONTENT_KEY)
            .sample_cipher(scheme)
            .encrypt(&iv, &client_map, &mut sample)
            .unwrap();
        let opened = decoding.decrypt_striped(&sample, &iv, Encrypted::Subsamples(&parts(map)), stripes(kind)).unwrap();
        assert_eq!(opened, data(316), "{scheme:?}");
    }
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let mode = prop_oneof![Just(DecoderEncryption::Ctr), Just(DecoderEncryption::Cbc)];
    (mode, proptest::option::of((1..6_u32, 1..12_u32)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn buffers_equal_the_reference_on_any_surface(
        kind in any_kind(),
        sizes in proptest::collection::vec((0..40_u32, prop_oneof![0..40_u32, 100..600_u32]), 0..8),
        whole in 0..700_usize,
        iv: Block,
        in_place: bool,
        row_bytes in 1..80_usize,
        padding in 0..20_usize,
    ) {
        let map: Vec<_> = sizes.iter().map(|&(clear, encrypted)| Subsample { clear, encrypted }).collect();
        let bytes = if map.is_empty() { whole } else { sizes.iter().map(|(a, b)| (a + b) as usize).sum() };
        let map = (!map.is_empty()).then_some(&map[..]);
        let (clear, decoding) = (data(bytes), Decoding::of(kind.0, ""));
        decoding.begin(&DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))).unwrap();
        let mut sent = encrypt(kind, CONTENT_KEY, iv, map, &clear);
        let encrypted = map.map_or(Encrypted::All, Encrypted::Subsamples);
        let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: Some(&iv), encrypted, stripes: stripes(kind) };
        let device = &decoding.rig.device;
        if in_place {
            let surface = BlitSurfaces::Same(SurfaceMut::buffer(&mut sent));
            device.decrypt_buffer(decoding.decoder, surface, &buffer).unwrap();
            prop_assert_eq!(sent, clear);
        } else if bytes % row_bytes == 0 && bytes != 0 {
            // Rows with a pitch: blocks go over their ends (D9).
            let (rows, pitch) = (bytes / row_bytes, row_bytes + padding);
            let mut out = vec![0xEE; pitch * rows];
            let source = Surface::of_plane(Rows::new(&sent, row_bytes, row_bytes, rows).unwrap(), 0, SurfaceFlags::default());
            let to = RowsMut::new(&mut out, pitch, row_bytes, rows).unwrap();
            let destination = SurfaceMut::of_plane(to, 0, SurfaceFlags::default());
            device.decrypt_buffer(decoding.decoder, BlitSurfaces::Distinct { source, destination }, &buffer).unwrap();
            for (row, expected) in out.chunks(pitch).zip(clear.chunks(row_bytes)) {
                prop_assert_eq!(&row[..row_bytes], expected);
                prop_assert!(row[row_bytes..].iter().all(|&byte| byte == 0xEE), "padding was written");
            }
        } else {
            prop_assert_eq!(decoding.decrypt_striped(&sent, &iv, encrypted, stripes(kind)).unwrap(), clear);
        }
    }
}

/// A device whose sessions carry sealed keys, to see which of them opens nothing.
#[test]
fn a_sealed_key_in_an_environment_that_is_not_provisioned_is_refused_as_without_one() {
    for profile in ["software", "hardware-like"] {
        let rig = Rig::new(&format!("capabilities.profile={profile}"));
        let error = rig.device.adapter().open_sealed_key(&[1; 64], None).unwrap_err();
        assert_eq!(error.hresult(), softcp_abi::E_INVALIDARG, "{profile}: {error}");
    }
}
