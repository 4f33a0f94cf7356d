//! Movies with fragments.

use softcp_cenc::{Scheme, Selection};

use crate::support::*;

/// Offsets within a fragment that begins at the end of `before`.
fn at(before: &[u8], offset: i32) -> u64 {
    before.len() as u64 + u64::try_from(offset).unwrap()
}

#[test]
fn samples_of_a_fragment_have_place_key_and_vector() {
    let init = initialization();
    let fragment = fragment(5, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2, 3]), senc(2)]]);
    let data = (init.len() + fragment.len() - 5) as u64;
    let samples = samples(&[init, fragment].concat()).unwrap();
    assert_eq!(places(&samples), [(1, 0, data, 2), (1, 1, data + 2, 3)]);
    assert_eq!(ivs(&samples), [iv(1), iv(2)]);
    let encryption = samples[0].encryption.as_ref().unwrap();
    assert_eq!((encryption.scheme, encryption.kid), (Scheme::Cenc, KID));
}

#[test]
fn movie_with_mvex_is_fragmented_and_knows_no_sample_count() {
    let init = initialization();
    let movie = open(&init).unwrap();
    assert!(movie.is_fragmented());
    assert_eq!(movie.tracks()[0].sample_count(), None);
}

#[test]
fn sample_numbers_go_on_from_fragment_to_fragment() {
    let one = fragment(5, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2, 3]), senc(2)]]);
    let between = [bx(b"styp", &[b"msdh"]), bx(b"sidx", &[&[0; 20]]), bx(b"emsg", &[&[0; 20]])].concat();
    let file = [initialization(), one.clone(), between, one, bx(b"mfra", &[&[0; 4]])].concat();
    let indices: Vec<_> = samples(&file).unwrap().iter().map(|sample| sample.index).collect();
    assert_eq!(indices, [0, 1, 2, 3]);
}

#[test]
fn several_runs_of_a_fragment_go_on_where_the_last_ended() {
    let init = initialization();
    let next = full(b"trun", 0, 0x200, &[&words(&[2, 1, 1])]);
    let fragment = fragment(6, |moof| vec![vec![tfhd(1), trun(moof + 9, &[2, 1]), next.clone(), senc(4)]]);
    let data = (init.len() + fragment.len() - 6) as u64;
    let samples = samples(&[init, fragment].concat()).unwrap();
    let expected = [(1, 0, data + 1, 2), (1, 1, data + 3, 1), (1, 2, data + 4, 1), (1, 3, data + 5, 1)];
    assert_eq!(places(&samples), expected);
    assert_eq!(ivs(&samples), [iv(1), iv(2), iv(3), iv(4)]);
}

#[test]
fn runs_out_of_order_keep_their_numbers_and_vectors() {
    let fragment = fragment(4, |moof| vec![vec![tfhd(1), trun(moof + 10, &[2]), trun(moof + 8, &[2]), senc(2)]]);
    let samples = samples(&[initialization(), fragment].concat()).unwrap();
    assert_eq!(samples.iter().map(|sample| sample.index).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(ivs(&samples), [iv(2), iv(1)]);
}

/// A movie with tracks 1 and 2.
fn two_tracks() -> Vec<u8> {
    let tracks = [Trak::without_samples(1, cenc_entry()), Trak::without_samples(2, cenc_entry())];
    [ftyp(), moov(&tracks, &[mvex(&[1, 2])])].concat()
}

#[test]
fn fragments_of_two_tracks_are_interleaved() {
    let init = two_tracks();
    let fragment = fragment(8, |moof| {
        vec![
            vec![tfhd(1), trun(moof + 8, &[2]), trun(moof + 12, &[2]), senc(2)],
            vec![tfhd(2), trun(moof + 10, &[2]), trun(moof + 14, &[2]), senc(2)],
        ]
    });
    let samples = samples(&[init, fragment].concat()).unwrap();
    let order: Vec<_> = samples.iter().map(|sample| (sample.track_id, sample.index)).collect();
    assert_eq!(order, [(1, 0), (2, 0), (1, 1), (2, 1)]);
}

#[test]
fn second_traf_without_a_base_counts_from_the_end_of_the_first() {
    let init = two_tracks();
    let plain = |track| full(b"tfhd", 0, 0, &[&words(&[track])]);
    let bare = full(b"trun", 0, 0x200, &[&words(&[1, 3])]);
    let fragment = fragment(7, |moof| {
        vec![vec![plain(1), trun(moof + 8, &[2]), senc(1)], vec![plain(2), trun(1, &[1]), bare.clone(), senc(2)]]
    });
    let data = (init.len() + fragment.len() - 7) as u64;
    let file = [init, fragment].concat();
    let expected = [(1, 0, data, 2), (2, 0, data + 3, 1), (2, 1, data + 4, 3)];
    assert_eq!(places(&samples(&file).unwrap()), expected);
    // The first is passed over, and still the second counts from it.
    let (samples, _) = take_apart(&file, &Selection::Tracks(vec![2])).unwrap();
    assert_eq!(places(&samples), expected[1..]);
}

#[test]
fn given_base_offset_is_counted_from() {
    let init = initialization();
    let start = u32::try_from(init.len()).unwrap();
    let fragment = fragment(4, |moof| {
        let base = start + u32::try_from(moof).unwrap() + 8;
        let tfhd = full(b"tfhd", 0, 1, &[&words(&[1, 0, base])]);
        vec![vec![tfhd, trun(1, &[3]), senc(1)]]
    });
    let data = (init.len() + fragment.len() - 4) as u64;
    assert_eq!(places(&samples(&[init, fragment].concat()).unwrap()), [(1, 0, data + 1, 3)]);
}

#[test]
fn default_sizes_come_from_tfhd_before_trex() {
    let init = [
        ftyp(),
        moov(
            &[Trak::without_samples(1, cenc_entry())],
            &[bx(b"mvex", &[&full(b"trex", 0, 0, &[&words(&[1, 1, 0, 2, 0])])])],
        ),
    ]
    .concat();
    let bare = |moof| full(b"trun", 0, 1, &[&words(&[2]), &words(&[u32::try_from(moof + 8).unwrap()])]);
    let from_trex = fragment(4, |moof| vec![vec![tfhd(1), bare(moof), senc(2)]]);
    let tfhd = full(b"tfhd", 0, 0x02_0010, &[&words(&[1, 3])]);
    let from_tfhd = fragment(6, |moof| vec![vec![tfhd.clone(), bare(moof), senc(2)]]);
    let samples = samples(&[init, from_trex, from_tfhd].concat()).unwrap();
    assert_eq!(samples.iter().map(|sample| sample.len).collect::<Vec<_>>(), [2, 2, 3, 3]);
}

#[test]
fn trun_with_all_fields_has_its_sizes() {
    let init = initialization();
    let fragment = fragment(9, |moof| {
        let offset = u32::try_from(moof + 8).unwrap();
        let trun = full(b"trun", 1, 0xf05, &[&words(&[2, offset, 0]), &words(&[7, 4, 0, 0, 7, 5, 0, 0])]);
        vec![vec![full(b"tfhd", 0, 0x02_003a, &[&words(&[1, 1, 7, 99, 0])]), trun, senc(2)]]
    });
    let samples = samples(&[init, fragment].concat()).unwrap();
    assert_eq!(samples.iter().map(|sample| sample.len).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn fragments_may_have_clear_and_protected_entries() {
    let mut track = Trak::without_samples(1, cenc_entry());
    track.entries.push(clear_entry(b"avc1", &[]));
    let init = [ftyp(), moov(&[track], &[mvex(&[1])])].concat();
    let clear_header = full(b"tfhd", 0, 0x02_0002, &[&words(&[1, 2])]);
    let clear = fragment(2, |moof| vec![vec![clear_header.clone(), trun(moof + 8, &[2])]]);
    let protected = fragment(2, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2]), senc(1)]]);
    let samples = samples(&[init, clear, protected].concat()).unwrap();
    assert_eq!(ivs(&samples), [[0; 16], iv(1)]);
}

#[test]
fn saio_counts_from_the_fragment() {
    let saiz = full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 2]]);
    let init = initialization();
    let fragment = fragment(20, |moof| {
        let offset = u32::try_from(moof + 8 + 4).unwrap();
        vec![vec![tfhd(1), trun(moof + 8, &[2, 2]), saiz.clone(), list(b"saio", 1, &[offset])]]
    });
    let mut file = [init, fragment].concat();
    let len = file.len();
    file[len - 16..].copy_from_slice(b"\x01\x01\x01\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02\x02\x02\x02");
    assert_eq!(ivs(&samples(&file).unwrap()), [iv(1), iv(2)]);
}

#[test]
fn saio_counts_from_a_given_base_offset() {
    let saiz = full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 1]]);
    let init = initialization();
    let start = u32::try_from(init.len()).unwrap();
    let fragment = fragment(10, |moof| {
        let base = start + u32::try_from(moof).unwrap() + 8;
        let tfhd = full(b"tfhd", 0, 1, &[&words(&[1, 0, base])]);
        vec![vec![tfhd, trun(0, &[2]), saiz.clone(), list(b"saio", 1, &[2])]]
    });
    let mut file = [init, fragment].concat();
    let len = file.len();
    file[len - 8..].fill(1);
    assert_eq!(ivs(&samples(&file).unwrap()), [iv(1)]);
}

#[test]
fn saio_with_one_offset_for_each_run_is_read() {
    let saiz = full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 2]]);
    let fragment = fragment(20, |moof| {
        let data = u32::try_from(moof + 8).unwrap();
        let saio = list(b"saio", 2, &[data + 12, data + 4]);
        vec![vec![tfhd(1), trun(moof + 8, &[2]), trun(moof + 10, &[2]), saiz.clone(), saio]]
    });
    let mut file = [initialization(), fragment].concat();
    let len = file.len();
    file[len - 16..].copy_from_slice(b"\x01\x01\x01\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02\x02\x02\x02");
    assert_eq!(ivs(&samples(&file).unwrap()), [iv(2), iv(1)]);
}

#[test]
fn key_groups_of_the_fragment_and_of_the_movie_are_found() {
    let group = |key: u8| full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 1]), &[0, 0, 1, 8], &[key; 16]]);
    let track = Trak::without_samples(1, cenc_entry()).with_stbl(&[group(1)]);
    let init = [ftyp(), moov(&[track], &[mvex(&[1])])].concat();
    assert_eq!(open(&init).unwrap().tracks()[0].key_ids(), [[1; 16], KID]);
    let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[3, 1, 0x1_0001, 1, 1, 1, 0])]);
    let fragment = fragment(3, |moof| vec![vec![tfhd(1), trun(moof + 8, &[1; 3]), group(2), sbgp.clone(), senc(3)]]);
    let samples = samples(&[init, fragment].concat()).unwrap();
    let keys: Vec<_> = samples.iter().map(|sample| sample.encryption.as_ref().unwrap().kid).collect();
    assert_eq!(keys, [[2; 16], [1; 16], KID]);
}

#[test]
fn key_group_may_have_a_constant_vector_and_a_pattern() {
    let entry = protected_entry(b"encv", b"cbcs", &tenc(1, 0, 8, &[]));
    let init = [ftyp(), moov(&[Trak::without_samples(1, entry)], &[mvex(&[1])])].concat();
    let group = [&[0, 0x19, 1, 0][..], &[2; 16], &[16], &[3; 16]].concat();
    let length = u32::try_from(group.len()).unwrap();
    let sgpd = full(b"sgpd", 1, 0, &[b"seig", &words(&[length, 1]), &group]);
    let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[1, 1, 0x1_0001])]);
    let fragment = fragment(1, |moof| vec![vec![tfhd(1), trun(moof + 8, &[1]), sgpd.clone(), sbgp.clone()]]);
    let samples = samples(&[init, fragment].concat()).unwrap();
    let encryption = samples[0].encryption.as_ref().unwrap();
    assert_eq!((encryption.iv, encryption.kid), ([3; 16], [2; 16]));
    assert_eq!(encryption.pattern.unwrap().skip_blocks, 9);
}

#[test]
fn piff_box_with_its_own_parameters_is_read() {
    let uuid = [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];
    let piff = bx(b"uuid", &[&uuid, &[0, 0, 0, 1, 0, 0, 1, 16], &[6; 16], &words(&[1]), &[4; 16]]);
    let fragment = fragment(1, |moof| vec![vec![tfhd(1), trun(moof + 8, &[1]), piff.clone()]]);
    let samples = samples(&[initialization(), fragment].concat()).unwrap();
    let encryption = samples[0].encryption.as_ref().unwrap();
    assert_eq!((encryption.iv, encryption.kid), ([4; 16], [6; 16]));
}

#[test]
fn data_after_the_next_fragment_is_reached() {
    let init = initialization();
    // Two fragments in a row, their data behind both.
    let moof = |offset: i32| bx(b"moof", &[&bx(b"traf", &[&tfhd(1), &trun(offset, &[2]), &senc(1)])]);
    let len = i32::try_from(moof(0).len()).unwrap();
    let file = [init.clone(), moof(2 * len + 8), moof(len + 10), bx(b"mdat", &[&[0; 4]])].concat();
    let data = at(&init, 2 * len + 8);
    assert_eq!(places(&samples(&file).unwrap()), [(1, 0, data, 2), (1, 1, data + 2, 2)]);
}

#[test]
fn defaults_of_an_absent_track_are_left_out() {
    let init = [ftyp(), moov(&[Trak::without_samples(1, cenc_entry())], &[mvex(&[9, 1])])].concat();
    let fragment = fragment(2, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2]), senc(1)]]);
    assert_eq!(samples(&[init, fragment].concat()).unwrap().len(), 1);
}
