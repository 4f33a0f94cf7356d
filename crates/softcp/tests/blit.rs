//! Blits against a second implementation that decides and enciphers one byte at a time.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::cell::Cell;
use std::iter;

use common::{Block, Rig, unwrap, wrap};
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use proptest::prelude::*;
use softcp::{
    AesCtrIv, BlitSurfaces, ContentKey, DataKey, EncryptedBlockInfo, Error, Rows, RowsMut, Surface, SurfaceFlags,
    SurfaceMut,
};

// The second implementation.

/// One plane: its visible bytes, and what lies between its rows and after them in source and destination.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plane {
    row_bytes: usize,
    rows: usize,
    source_padding: usize,
    destination_padding: usize,
    slack: usize,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Source,
    Destination,
}

impl Plane {
    fn pitch(&self, side: Side) -> usize {
        self.row_bytes
            + match side {
                Side::Source => self.source_padding,
                Side::Destination => self.destination_padding,
            }
    }

    fn visible_bytes(&self) -> usize {
        self.row_bytes * self.rows
    }
}

fn visible_bytes(planes: &[Plane]) -> usize {
    planes.iter().map(Plane::visible_bytes).sum()
}

/// Memory of one side, one buffer for each plane, full of bytes that follow from `seed`. The padding is no less random
/// than the rest, so a blit that touches it shows.
fn memory(planes: &[Plane], side: Side, seed: u64) -> Vec<Vec<u8>> {
    let mut state = seed | 1;
    let mut byte = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let extent = |plane: &Plane| plane.pitch(side) * plane.rows + plane.slack;
    planes.iter().map(|plane| iter::repeat_with(&mut byte).take(extent(plane)).collect()).collect()
}

/// Where the visible bytes are: plane and place within it, in the order of D9.
fn places(planes: &[Plane], side: Side) -> impl Iterator<Item = (usize, usize)> {
    planes.iter().enumerate().flat_map(move |(index, plane)| {
        (0..plane.rows)
            .flat_map(move |row| (0..plane.row_bytes).map(move |column| (index, row * plane.pitch(side) + column)))
    })
}

/// Whether the visible byte number `at` is encrypted (D7, D8).
fn is_encrypted(info: Option<EncryptedBlockInfo>, at: usize) -> bool {
    let Some(EncryptedBlockInfo { at_beginning, skip, encrypt }) = info else { return true };
    let (at, skip, encrypt) = (at as u64, u64::from(skip), u64::from(encrypt));
    match at.checked_sub(at_beginning.into()) {
        None => true,
        Some(_) if encrypt == 0 => false,
        Some(after_beginning) => after_beginning % (skip + encrypt) >= skip,
    }
}

/// What `destination` holds after a blit: the keystream runs over the encrypted visible bytes alone (D5, D6, D9).
fn blitted(
    planes: &[Plane],
    (source, source_side): (&[Vec<u8>], Side),
    destination: &[Vec<u8>],
    info: Option<EncryptedBlockInfo>,
    key: Block,
    iv: Block,
) -> Vec<Vec<u8>> {
    let mut keystream = ctr::Ctr64BE::<aes::Aes128>::new(&key.into(), &iv.into());
    let mut result = destination.to_vec();
    let moves = places(planes, source_side).zip(places(planes, Side::Destination));
    for (at, ((from_plane, from), (to_plane, to))) in moves.enumerate() {
        let mut byte = [source[from_plane][from]];
        if is_encrypted(info, at) {
            keystream.apply_keystream(&mut byte);
        }
        result[to_plane][to] = byte[0];
    }
    result
}

/// D7, taken literally: each run that does not reach the end of the surface is a multiple of `alignment`. A clear rest
/// (D8) is one run that does.
fn is_aligned(info: EncryptedBlockInfo, alignment: u32, visible_bytes: usize) -> bool {
    let tail = iter::repeat([(info.skip, "skip"), (info.encrypt, "encrypt")]).flatten();
    let tail = tail.take(if info.encrypt == 0 { 0 } else { usize::MAX });
    let mut at = 0;
    for (run, _) in iter::once((info.at_beginning, "beginning")).chain(tail) {
        let end = at + u64::from(run);
        if end >= visible_bytes as u64 {
            return true;
        }
        if run % alignment != 0 {
            return false;
        }
        at = end;
    }
    true
}

// The engine's side.

fn flags() -> SurfaceFlags {
    SurfaceFlags::default()
}

fn readable<'a>(planes: &[Plane], memory: &'a [Vec<u8>]) -> Surface<'a> {
    let rows = planes
        .iter()
        .zip(memory)
        .map(|(plane, data)| Rows::new(data, plane.pitch(Side::Source), plane.row_bytes, plane.rows).unwrap());
    Surface::new(rows, 0, flags()).unwrap()
}

fn writable<'a>(planes: &[Plane], memory: &'a mut [Vec<u8>]) -> SurfaceMut<'a> {
    let rows = planes
        .iter()
        .zip(memory)
        .map(|(plane, data)| RowsMut::new(data, plane.pitch(Side::Destination), plane.row_bytes, plane.rows).unwrap());
    SurfaceMut::new(rows, 0, flags()).unwrap()
}

/// A blit's memory before it.
#[derive(Debug, Clone)]
struct Scene {
    planes: Vec<Plane>,
    in_place: bool,
    source: Vec<Vec<u8>>,
    destination: Vec<Vec<u8>>,
}

impl Scene {
    fn new(planes: Vec<Plane>, in_place: bool, seed: u64) -> Self {
        let source = memory(&planes, Side::Source, seed);
        let destination = memory(&planes, Side::Destination, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        Self { planes, in_place, source, destination }
    }

    fn surfaces<'a>(&'a self, destination: &'a mut [Vec<u8>]) -> BlitSurfaces<'a> {
        let destination = writable(&self.planes, destination);
        if self.in_place {
            BlitSurfaces::Same(destination)
        } else {
            BlitSurfaces::Distinct { source: readable(&self.planes, &self.source), destination }
        }
    }

    /// Every byte of the destination's memory after the blit, by the second implementation.
    fn expected(&self, info: Option<EncryptedBlockInfo>, key: Block, iv: Block) -> Vec<Vec<u8>> {
        let source =
            if self.in_place { (&*self.destination, Side::Destination) } else { (&*self.source, Side::Source) };
        blitted(&self.planes, source, &self.destination, info, key, iv)
    }
}

/// How the data key reaches a `DecryptionBlt`.
#[derive(Debug, Clone, Copy)]
enum KeyPath {
    Session,
    Wrapped,
    Unwrapped,
}

/// A `DecryptionBlt` with the data key `key`; every byte of the destination's memory after it.
fn decrypt(
    rig: &Rig,
    scene: &Scene,
    info: Option<EncryptedBlockInfo>,
    (path, key): (KeyPath, Block),
    iv: Block,
) -> (softcp::Result<()>, Vec<Vec<u8>>) {
    const SESSION_KEY: Block = [0x5A; 16];
    let wrapped = wrap(SESSION_KEY, key);
    let data_key = match path {
        KeyPath::Session => DataKey::Session,
        KeyPath::Wrapped => DataKey::Wrapped(&wrapped),
        KeyPath::Unwrapped => DataKey::Unwrapped(ContentKey::new(key)),
    };
    rig.negotiate(if matches!(path, KeyPath::Session) { key } else { SESSION_KEY });
    let mut destination = scene.destination.clone();
    let surfaces = scene.surfaces(&mut destination);
    let result = rig.call(|session| session.decryption_blt(surfaces, info, &data_key, &iv));
    (result, destination)
}

// What blits are tried on.

/// Row lengths around the AES block, zero and lengths of several blocks among them.
fn any_plane() -> impl Strategy<Value = Plane> {
    let row_bytes = prop_oneof![1 => Just(0), 6 => 1..70_usize, 2 => Just(16), 2 => Just(64), 1 => 70..400_usize];
    let padding = || prop_oneof![Just(0), 1..20_usize, Just(16)];
    (row_bytes, 0..7_usize, padding(), padding(), 0..20_usize).prop_map(
        |(row_bytes, rows, source_padding, destination_padding, slack)| Plane {
            row_bytes,
            rows,
            source_padding,
            destination_padding,
            slack,
        },
    )
}

fn any_scene() -> impl Strategy<Value = Scene> {
    (prop::collection::vec(any_plane(), 1..=3), any::<bool>(), any::<u64>())
        .prop_map(|(planes, in_place, seed)| Scene::new(planes, in_place, seed))
}

/// Runs of no, few and many bytes, whole blocks, and such that pass the end of every surface or of 32 bits.
fn any_run() -> impl Strategy<Value = u32> {
    prop_oneof![
        3 => Just(0),
        4 => 1..6_u32,
        4 => 1..40_u32,
        4 => (1..8_u32).prop_map(|blocks| blocks * 16),
        2 => 40..2000_u32,
        1 => (0..20_u32).prop_map(|distance| u32::MAX - distance),
    ]
}

prop_compose! {
    fn any_info()(at_beginning in any_run(), skip in any_run(), encrypt in any_run()) -> EncryptedBlockInfo {
        EncryptedBlockInfo { at_beginning, skip, encrypt }
    }
}

/// Counters that wrap within a small surface, and any others.
fn any_iv() -> impl Strategy<Value = AesCtrIv> {
    let near_wrap = || prop_oneof![any::<u64>(), (0..8_u64).prop_map(|distance| u64::MAX - distance)];
    (near_wrap(), near_wrap()).prop_map(|(iv, count)| AesCtrIv { iv, count })
}

fn any_key_path() -> impl Strategy<Value = KeyPath> {
    prop_oneof![Just(KeyPath::Session), Just(KeyPath::Wrapped), Just(KeyPath::Unwrapped)]
}

#[test]
fn decryption_blt_equals_byte_by_byte() {
    let rig = Rig::new("");
    let info = prop::option::weighted(0.8, any_info());
    proptest!(ProptestConfig::with_cases(512), |(
        scene in any_scene(), info in info, path in any_key_path(), key: Block, iv in any_iv(),
    )| {
        let (result, destination) = decrypt(&rig, &scene, info, (path, key), iv.to_bytes());
        prop_assert!(result.is_ok(), "{result:?}");
        prop_assert_eq!(destination, scene.expected(info, key, iv.to_bytes()));
    });
}

#[test]
fn pattern_is_refused_iff_a_run_before_the_end_is_no_multiple_of_the_alignment() {
    let rigs = [1, 2, 4, 16, 64, 4096]
        .map(|alignment| (alignment, Rig::new(&format!("capabilities.block_alignment={alignment}"))));
    // The session key is new in every case, so IVs that must increase are in nobody's way.
    let hardware_like = [(16, Rig::new("capabilities.profile=hardware-like"))];
    let rigs: Vec<_> = rigs.into_iter().chain(hardware_like).collect();
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    proptest!(ProptestConfig::with_cases(512), |(
        scene in any_scene(), info in any_info(), rig in 0..rigs.len(), key: Block, iv in any_iv(),
    )| {
        let (alignment, rig) = &rigs[rig];
        let (result, destination) = decrypt(rig, &scene, Some(info), (KeyPath::Session, key), iv.to_bytes());
        if is_aligned(info, *alignment, visible_bytes(&scene.planes)) {
            prop_assert!(result.is_ok(), "{result:?}");
            prop_assert_eq!(destination, scene.expected(Some(info), key, iv.to_bytes()));
            accepted.set(accepted.get() + 1);
        } else {
            let is_refused = matches!(&result, Err(Error::UnalignedPattern { alignment: of, bytes, .. })
                if of == alignment && bytes % alignment != 0);
            prop_assert!(is_refused, "{result:?}");
            prop_assert_eq!(destination, scene.destination);
            refused.set(refused.get() + 1);
        }
    });
    let (accepted, refused) = (accepted.get(), refused.get());
    assert!(accepted > 50 && refused > 50, "{accepted} accepted, {refused} refused: the cases are too one-sided");
}

#[test]
fn encryption_blt_equals_byte_by_byte() {
    let read_back_key = Rig::new("");
    let session_key = Rig::new("capabilities.flags.encrypted_read_back_key=false");
    proptest!(ProptestConfig::with_cases(256), |(scene in any_scene(), key: Block, is_separate: bool)| {
        let rig = if is_separate { &read_back_key } else { &session_key };
        rig.negotiate(key);
        let data_key = if is_separate {
            let mut wrapped = [0; 16];
            rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
            unwrap(key, wrapped)
        } else {
            key
        };
        let (mut destination, mut iv) = (scene.destination.clone(), [0xEE; 16]);
        let surfaces = scene.surfaces(&mut destination);
        rig.call(|session| session.encryption_blt(surfaces, &mut iv)).unwrap();
        let AesCtrIv { iv: number, count } = AesCtrIv::from_bytes(&iv);
        prop_assert!(number <= u32::MAX.into() && count == 0, "the first IV is {number:#x}, {count:#x} (D11)");
        prop_assert_eq!(destination, scene.expected(None, data_key, iv));
    });
}

#[test]
fn encryption_blt_with_the_callers_iv_equals_byte_by_byte() {
    let rig = Rig::new("quirks.caller_iv=true;capabilities.flags.encrypted_read_back_key=false");
    proptest!(|(scene in any_scene(), key: Block, iv in any_iv())| {
        rig.negotiate(key);
        let (mut destination, mut bytes) = (scene.destination.clone(), iv.to_bytes());
        let surfaces = scene.surfaces(&mut destination);
        rig.call(|session| session.encryption_blt(surfaces, &mut bytes)).unwrap();
        prop_assert_eq!(bytes, iv.to_bytes());
        prop_assert_eq!(destination, scene.expected(None, key, iv.to_bytes()));
    });
}

#[test]
fn surfaces_that_differ_in_shape_are_refused_and_nothing_is_written() {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    let mut wrapped = [0; 16];
    rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
    let planes = || prop::collection::vec(any_plane(), 1..=3);
    let shape = |planes: &[Plane]| planes.iter().map(|plane| (plane.row_bytes, plane.rows)).collect::<Vec<_>>();
    proptest!(|(from in planes(), to in planes(), seed: u64)| {
        prop_assume!(shape(&from) != shape(&to));
        let source = memory(&from, Side::Source, seed);
        let untouched = memory(&to, Side::Destination, !seed);
        let mut destination = untouched.clone();
        let source = || readable(&from, &source);
        let surfaces = BlitSurfaces::Distinct { source: source(), destination: writable(&to, &mut destination) };
        let result = rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &[0; 16]));
        prop_assert!(matches!(result, Err(Error::SizeMismatch)), "{result:?}");
        let surfaces = BlitSurfaces::Distinct { source: source(), destination: writable(&to, &mut destination) };
        let mut iv = [0xEE; 16];
        let result = rig.call(|session| session.encryption_blt(surfaces, &mut iv));
        prop_assert!(matches!(result, Err(Error::SizeMismatch)), "{result:?}");
        prop_assert_eq!((destination, iv), (untouched, [0xEE; 16]));
    });
}

/// A session remembers the IVs of 4096 chosen keys; under others only IVs above all forgotten ones are taken, until the
/// session key changes (D31).
#[test]
fn sequential_profile_remembers_so_many_keys_and_never_comes_to_an_end() {
    let rig = Rig::new("capabilities.profile=hardware-like");
    rig.negotiate([1; 16]);
    let decrypt = |key: u128, iv| {
        let iv = AesCtrIv { iv, count: 0 }.to_bytes();
        let (mut out, key) = ([0xEE; 4], DataKey::Unwrapped(ContentKey::new(key.to_be_bytes())));
        let result = rig.call(|session| session.decryption_blt(common::buffers(&[0; 4], &mut out), None, &key, &iv));
        assert_eq!(result.is_err(), out == [0xEE; 4]);
        result
    };
    for key in 0..4096 {
        decrypt(key, 5).unwrap();
    }
    for key in [0, 4095] {
        assert!(matches!(decrypt(key, 5), Err(Error::IvNotIncreasing)));
        decrypt(key, 6).unwrap();
    }
    for key in 4096..70_000 {
        decrypt(key, u64::try_from(key).unwrap()).unwrap();
    }
    assert!(matches!(decrypt(70_000, 5), Err(Error::IvOfForgottenKey)));
    assert!(matches!(decrypt(69_999, 69_999), Err(Error::IvNotIncreasing)), "the last ones are remembered");
    rig.call(|session| session.start_key_refresh(&mut [0; 16])).unwrap();
    rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
    decrypt(70_000, 5).unwrap();
    assert!(matches!(decrypt(69_999, 69_999), Err(Error::IvNotIncreasing)), "and stay so");
}

#[test]
fn result_does_not_depend_on_the_pitches() {
    let rig = Rig::new("");
    let info = Some(EncryptedBlockInfo { at_beginning: 5, skip: 7, encrypt: 20 });
    let plane = |source_padding, destination_padding| Plane {
        row_bytes: 37,
        rows: 9,
        source_padding,
        destination_padding,
        slack: 0,
    };
    let visible: Vec<u8> = memory(&[plane(0, 0)], Side::Source, 3).concat();
    let mut results = [(0, 0), (27, 0), (0, 1), (27, 91)].map(|(source_padding, destination_padding)| {
        let planes = vec![plane(source_padding, destination_padding)];
        let mut scene = Scene::new(planes.clone(), false, 9);
        places(&planes, Side::Source).zip(&visible).for_each(|((_, place), byte)| scene.source[0][place] = *byte);
        let (result, destination) = decrypt(&rig, &scene, info, (KeyPath::Wrapped, [2; 16]), [9; 16]);
        result.unwrap();
        places(&planes, Side::Destination).map(|(_, place)| destination[0][place]).collect::<Vec<_>>()
    });
    assert_ne!(results[0], visible);
    results.sort_unstable();
    assert_eq!(results[0], results[3], "the same visible bytes gave different ones");
}

/// The 24 bytes of a surface after a blit with this pattern, as text: `E` enciphered, `.` clear. A byte that is
/// enciphered by another byte of the keystream than its turn is `?`.
fn drawn(rig: &Rig, at_beginning: u32, skip: u32, encrypt: u32) -> String {
    let mut out = [0xEE; 24];
    let surfaces = common::buffers(&[0; 24], &mut out);
    let info = EncryptedBlockInfo { at_beginning, skip, encrypt };
    rig.call(|session| session.decryption_blt(surfaces, Some(info), &DataKey::Session, &[3; 16])).unwrap();
    let keystream = common::ctr([1; 16], [3; 16], &[0; 24]);
    assert!(!keystream.contains(&0), "a keystream byte of 0 would look clear");
    let mut keystream = keystream.into_iter();
    out.iter()
        .map(|&byte| {
            if byte == 0 {
                '.'
            } else if Some(byte) == keystream.next() {
                'E'
            } else {
                '?'
            }
        })
        .collect()
}

#[test]
fn special_patterns_are_as_decided() {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    for (pattern, expected) in [
        // D8: both pattern fields zero.
        ((0, 0, 0), "........................"),
        ((5, 0, 0), "EEEEE..................."),
        // D8: a skip alone.
        ((0, 3, 0), "........................"),
        ((5, 3, 0), "EEEEE..................."),
        // D8: an encrypted run alone.
        ((0, 0, 3), "EEEEEEEEEEEEEEEEEEEEEEEE"),
        ((5, 0, 3), "EEEEEEEEEEEEEEEEEEEEEEEE"),
        // Beginnings at and past the end (D7).
        ((24, 1, 1), "EEEEEEEEEEEEEEEEEEEEEEEE"),
        ((25, 0, 0), "EEEEEEEEEEEEEEEEEEEEEEEE"),
        ((u32::MAX, u32::MAX, u32::MAX), "EEEEEEEEEEEEEEEEEEEEEEEE"),
        // Runs that pass the end (D7).
        ((2, u32::MAX, u32::MAX), "EE......................"),
        ((2, 3, u32::MAX), "EE...EEEEEEEEEEEEEEEEEEE"),
        // Tiny runs, also across a block boundary.
        ((0, 1, 1), ".E.E.E.E.E.E.E.E.E.E.E.E"),
        ((1, 1, 1), "E.E.E.E.E.E.E.E.E.E.E.E."),
        ((14, 1, 3), "EEEEEEEEEEEEEE.EEE.EEE.E"),
        ((0, 2, 5), "..EEEEE..EEEEE..EEEEE..E"),
    ] {
        let (at_beginning, skip, encrypt) = pattern;
        assert_eq!(drawn(&rig, at_beginning, skip, encrypt), expected, "{pattern:?}");
    }
}

#[test]
fn planar_picture_with_the_usual_pattern_equals_byte_by_byte() {
    // 4:2:0 in three planes at the pitches of a texture, encrypted 1 block in 10 as `cens` files are.
    let plane =
        |row_bytes, rows| Plane { row_bytes, rows, source_padding: 0, destination_padding: 512 - row_bytes, slack: 0 };
    let planes = vec![plane(320, 180), plane(160, 90), plane(160, 90)];
    let info = Some(EncryptedBlockInfo { at_beginning: 0, skip: 144, encrypt: 16 });
    let rig = Rig::new("");
    let (key, iv) = ([0x77; 16], AesCtrIv { iv: 12, count: u64::MAX - 100 }.to_bytes());
    for in_place in [false, true] {
        let scene = Scene::new(planes.clone(), in_place, 5);
        let (result, destination) = decrypt(&rig, &scene, info, (KeyPath::Wrapped, key), iv);
        result.unwrap();
        assert!(destination == scene.expected(info, key, iv), "in place: {in_place}");
    }
}
