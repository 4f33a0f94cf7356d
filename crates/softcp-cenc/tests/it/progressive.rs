//! Movies without fragments.

use softcp_cenc::{FourCc, Movie, Pattern, Scheme, Selection, Subsample};

use crate::support::*;

#[test]
fn samples_of_a_cenc_track_have_place_key_and_vector() {
    let file = progressive(9, &[Trak::new(1, cenc_entry(), &[2, 3, 4], DATA).with_stbl(&[senc(3)])], &[]);
    let samples = samples(&file).unwrap();
    assert_eq!(places(&samples), [(1, 0, 24, 2), (1, 1, 26, 3), (1, 2, 29, 4)]);
    assert_eq!(ivs(&samples), [iv(1), iv(2), iv(3)]);
    let encryption = samples[0].encryption.as_ref().unwrap();
    assert_eq!((encryption.scheme, encryption.kid, encryption.pattern), (Scheme::Cenc, KID, None));
}

#[test]
fn tracks_say_what_they_are() {
    let audio = protected_entry(b"enca", b"cens", &tenc(1, 0x19, 16, &[]));
    let file = progressive(
        9,
        &[Trak::new(7, audio, &[4], DATA), Trak::new(8, clear_entry(b"avc1", &[]), &[2, 2], DATA + 4)],
        &[],
    );
    let movie = open(&file).unwrap();
    assert!(!movie.is_fragmented());
    let [audio, video] = movie.tracks() else { panic!("two tracks") };
    assert_eq!((audio.id(), audio.handler(), audio.codec()), (7, FourCc(*b"vide"), FourCc(*b"mp4a")));
    assert_eq!((audio.timescale(), audio.duration(), audio.sample_count()), (90_000, Some(180_000), Some(1)));
    assert_eq!(audio.key_ids(), [KID]);
    let protection = audio.protection().unwrap();
    assert_eq!((protection.scheme, protection.default_kid, protection.iv_size), (Scheme::Cens, Some(KID), 16));
    assert_eq!(protection.pattern, Some(Pattern { crypt_blocks: 1, skip_blocks: 9 }));
    assert_eq!((video.codec(), video.protection(), video.sample_count()), (FourCc(*b"avc1"), None, Some(2)));
    assert!(video.key_ids().is_empty());
}

#[test]
fn moov_before_the_media_data_gives_the_same_samples() {
    let build = |chunk| {
        let track = Trak::new(1, cenc_entry(), &[2, 3], chunk).with_stbl(&[senc(2)]);
        [ftyp(), moov(&[track], &[]), bx(b"mdat", &[&[0; 5]])].concat()
    };
    let data = u32::try_from(build(0).len() - 5).unwrap();
    let samples = samples(&build(data)).unwrap();
    assert_eq!(places(&samples), [(1, 0, data.into(), 2), (1, 1, u64::from(data) + 2, 3)]);
}

#[test]
fn interleaved_tracks_come_in_file_order() {
    let track = |id, chunks: &[u32]| {
        let mut track = Trak::new(id, cenc_entry(), &[1; 4], 0).with_stbl(&[senc(4)]);
        track.stsc = vec![[1, 2, 1]];
        track.chunks = chunks.to_vec();
        track
    };
    let file = progressive(8, &[track(1, &[DATA, DATA + 4]), track(2, &[DATA + 2, DATA + 6])], &[]);
    let samples = samples(&file).unwrap();
    let order: Vec<_> = samples.iter().map(|sample| (sample.track_id, sample.index)).collect();
    assert_eq!(order, [(1, 0), (1, 1), (2, 0), (2, 1), (1, 2), (1, 3), (2, 2), (2, 3)]);
    assert_eq!(ivs(&samples), [iv(1), iv(2), iv(1), iv(2), iv(3), iv(4), iv(3), iv(4)]);
}

#[test]
fn chunks_out_of_order_keep_their_vectors() {
    let mut track = Trak::new(1, cenc_entry(), &[1, 1, 2, 3], 0).with_stbl(&[senc(4)]);
    track.stsc = vec![[1, 2, 1], [2, 1, 1]];
    track.chunks = vec![DATA + 3, DATA + 5, DATA];
    let samples = samples(&progressive(7, &[track], &[])).unwrap();
    assert_eq!(places(&samples), [(1, 3, 24, 3), (1, 0, 27, 1), (1, 1, 28, 1), (1, 2, 29, 2)]);
    assert_eq!(ivs(&samples), [iv(4), iv(1), iv(2), iv(3)]);
}

#[test]
fn co64_and_stz2_are_read() {
    let mut track = Trak::new(1, cenc_entry(), &[], 0).with_stbl(&[
        list(b"co64", 1, &[0, DATA]),
        full(b"stz2", 0, 0, &[&[0, 0, 0, 4, 0, 0, 0, 2, 0x35]]),
        senc(2),
    ]);
    track.stsc = vec![[1, 2, 1]];
    let mut file = progressive(8, &[track], &[]);
    // The builder's own tables go.
    for kind in [b"stsz", b"stco"] {
        let at = file.windows(4).position(|window| window == kind).unwrap();
        file[at..at + 4].copy_from_slice(b"free");
    }
    assert_eq!(places(&samples(&file).unwrap()), [(1, 0, 24, 3), (1, 1, 27, 5)]);
}

#[test]
fn mdat_with_64_bit_size_is_passed() {
    let mdat = [&[0, 0, 0, 1][..], b"mdat", &20u64.to_be_bytes(), &[0; 4]].concat();
    let track = Trak::new(1, cenc_entry(), &[4], DATA + 8).with_stbl(&[senc(1)]);
    let file = [ftyp(), mdat, moov(&[track], &[])].concat();
    assert_eq!(places(&samples(&file).unwrap()), [(1, 0, 32, 4)]);
}

#[test]
fn mdat_of_size_0_reaches_to_the_end_of_the_file() {
    let build = |chunk| {
        let track = Trak::new(1, cenc_entry(), &[4], chunk).with_stbl(&[senc(1)]);
        [ftyp(), moov(&[track], &[]), b"\0\0\0\0mdatabcd".to_vec()].concat()
    };
    let data = u32::try_from(build(0).len() - 4).unwrap();
    assert_eq!(places(&samples(&build(data)).unwrap()), [(1, 0, data.into(), 4)]);
}

#[test]
fn several_mdat_boxes_are_passed() {
    let mut track = Trak::new(1, cenc_entry(), &[4, 4], 0).with_stbl(&[senc(2)]);
    track.stsc = vec![[1, 1, 1]];
    track.chunks = vec![DATA, DATA + 12];
    let file = [ftyp(), bx(b"mdat", &[&[0; 4]]), bx(b"mdat", &[&[0; 4]]), moov(&[track], &[])].concat();
    assert_eq!(places(&samples(&file).unwrap()), [(1, 0, 24, 4), (1, 1, 36, 4)]);
}

#[test]
fn subsamples_are_given() {
    let senc = full(b"senc", 0, 2, &[&words(&[1]), &[9; 8], &[0, 2, 0, 1, 0, 0, 0, 2, 0, 3, 0, 0, 0, 6]]);
    let file = progressive(12, &[Trak::new(1, cenc_entry(), &[12], DATA).with_stbl(&[senc])], &[]);
    let samples = samples(&file).unwrap();
    let encryption = samples[0].encryption.as_ref().unwrap();
    assert_eq!(encryption.subsamples, [Subsample { clear: 1, protected: 2 }, Subsample { clear: 3, protected: 6 }]);
    assert_eq!(encryption.ranges(12).collect::<Vec<_>>(), [1..3, 6..12]);
}

#[test]
fn senc_more_boxes_is_found() {
    let mut track = Trak::new(1, cenc_entry(), &[2], DATA);
    track.more_boxes = vec![senc(1)];
    assert_eq!(ivs(&samples(&progressive(2, &[track], &[])).unwrap()), [iv(1)]);
}

#[test]
fn constant_vector_needs_no_auxiliary_information() {
    let entry = protected_entry(b"encv", b"cbcs", &tenc(1, 0x19, 0, &[&[16][..], &[5; 16]].concat()));
    let samples = samples(&progressive(4, &[Trak::new(1, entry, &[2, 2], DATA)], &[])).unwrap();
    let encryption = samples[1].encryption.as_ref().unwrap();
    assert_eq!((encryption.scheme, encryption.iv), (Scheme::Cbcs, [5; 16]));
    assert_eq!(encryption.pattern, Some(Pattern { crypt_blocks: 1, skip_blocks: 9 }));
}

#[test]
fn cenc_ignores_a_pattern() {
    let entry = protected_entry(b"encv", b"cenc", &tenc(1, 0x19, 8, &[]));
    let file = progressive(4, &[Trak::new(1, entry, &[4], DATA).with_stbl(&[senc(1)])], &[]);
    assert_eq!(open(&file).unwrap().tracks()[0].protection().unwrap().pattern, None);
    assert_eq!(samples(&file).unwrap()[0].encryption.as_ref().unwrap().pattern, None);
}

/// A track with two samples whose vectors lie in the media data after them.
fn located(saiz: Vec<u8>, saio: Vec<u8>) -> Vec<u8> {
    progressive(40, &[Trak::new(1, cenc_entry(), &[4, 4], DATA).with_stbl(&[saiz, saio])], &[])
}

#[test]
fn saiz_and_saio_stand_in_for_senc() {
    let file = located(full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 2]]), list(b"saio", 1, &[DATA + 8]));
    let expected =
        [*b"\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\0\0\0\0\0\0\0\0", *b"\x11\x12\x13\x14\x15\x16\x17\x18\0\0\0\0\0\0\0\0"];
    assert_eq!(ivs(&samples(&file).unwrap()), expected);
}

#[test]
fn saio_of_64_bits_with_a_type_is_read() {
    let file = located(
        full(b"saiz", 0, 1, &[b"cenc\0\0\0\0", &[0, 0, 0, 0, 2, 8, 8]]),
        full(b"saio", 1, 1, &[b"cenc\0\0\0\0", &words(&[1, 0, DATA + 9])]),
    );
    assert_eq!(ivs(&samples(&file).unwrap())[0][..8], [10, 11, 12, 13, 14, 15, 16, 17]);
}

#[test]
fn saio_with_one_offset_for_each_chunk_is_read() {
    let mut track = Trak::new(1, cenc_entry(), &[4, 4], 0)
        .with_stbl(&[full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 2]]), list(b"saio", 2, &[DATA + 20, DATA + 8])]);
    track.stsc = vec![[1, 1, 1]];
    track.chunks = vec![DATA, DATA + 4];
    let ivs = ivs(&samples(&progressive(40, &[track], &[])).unwrap());
    assert_eq!((ivs[0][0], ivs[1][0]), (21, 9));
}

#[test]
fn chunks_may_have_clear_and_protected_entries() {
    let mut track = Trak::new(1, cenc_entry(), &[1; 3], 0).with_stbl(&[senc(1)]);
    track.entries.push(clear_entry(b"avc1", &[]));
    track.stsc = vec![[1, 1, 2], [2, 1, 1], [3, 1, 2]];
    track.chunks = vec![DATA, DATA + 1, DATA + 2];
    let file = progressive(3, &[track.clone()], &[]);
    assert_eq!(ivs(&samples(&file).unwrap()), [[0; 16], iv(1), [0; 16]]);
    // The same with an entry in senc for every sample.
    track.stbl_boxes = vec![full(b"senc", 0, 2, &[&words(&[3]), &[0, 0], &[1; 8], &[0, 0], &[0, 0]])];
    let file = progressive(3, &[track], &[]);
    assert_eq!(ivs(&samples(&file).unwrap()), [[0; 16], iv(1), [0; 16]]);
}

/// `sgpd` with a protected group (key of sevens, 16-byte vectors) and a clear one.
fn key_groups() -> Vec<u8> {
    let protected = [&[0, 0, 1, 16][..], &[7; 16]].concat();
    full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 2]), &protected, &[0; 20]])
}

#[test]
fn key_groups_change_key_vector_size_and_protection() {
    let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[2, 1, 1, 1, 2])]);
    let senc = full(b"senc", 0, 0, &[&words(&[3]), &[1; 16], &[3; 8]]);
    let track = Trak::new(1, cenc_entry(), &[1; 3], DATA).with_stbl(&[key_groups(), sbgp, senc]);
    let file = progressive(3, &[track], &[]);
    let samples = samples(&file).unwrap();
    let keys: Vec<_> =
        samples.iter().map(|sample| sample.encryption.as_ref().map(|encryption| encryption.kid)).collect();
    assert_eq!(keys, [Some([7; 16]), None, Some(KID)]);
    assert_eq!(ivs(&samples), [[1; 16], [0; 16], iv(3)]);
    assert_eq!(open(&file).unwrap().tracks()[0].key_ids(), [[7; 16], KID]);
}

#[test]
fn track_clear_by_default_is_protected_where_a_group_says_so() {
    let tenc = full(b"tenc", 0, 0, &[&[0, 0, 0, 0], &[0; 16]]);
    let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[2, 1, 0, 1, 1])]);
    let senc = full(b"senc", 0, 0, &[&words(&[1]), &[1; 16]]);
    let track = Trak::new(1, protected_entry(b"encv", b"cenc", &tenc), &[1; 2], DATA);
    let file = progressive(2, &[track.with_stbl(&[key_groups(), sbgp, senc])], &[]);
    let movie = open(&file).unwrap();
    assert!(!movie.tracks()[0].protection().unwrap().protected_by_default);
    assert_eq!(movie.tracks()[0].key_ids(), [[7; 16]]);
    assert_eq!(ivs(&samples(&file).unwrap()), [[0; 16], [1; 16]]);
}

#[test]
fn samples_without_bytes_are_given_anywhere() {
    let mut track = Trak::new(1, cenc_entry(), &[0, 2, 0], 0).with_stbl(&[senc(3)]);
    track.stsc = vec![[1, 1, 1]];
    track.chunks = vec![0, DATA, u32::MAX];
    let samples = samples(&progressive(2, &[track], &[])).unwrap();
    assert_eq!(places(&samples), [(1, 0, 0, 0), (1, 1, 24, 2), (1, 2, u64::from(u32::MAX), 0)]);
    assert_eq!(ivs(&samples), [iv(1), iv(2), iv(3)]);
}

#[test]
fn tracks_left_out_are_copied() {
    let tracks = [
        Trak::new(1, cenc_entry(), &[2], DATA).with_stbl(&[senc(1)]),
        Trak::new(2, cenc_entry(), &[2], DATA + 2).with_stbl(&[senc(1)]),
    ];
    let file = progressive(4, &tracks, &[]);
    let (samples, _) = take_apart(&file, &Selection::Tracks(vec![2])).unwrap();
    assert_eq!(places(&samples), [(2, 0, 26, 2)]);
    let (samples, output) = take_apart(&file, &Selection::Tracks(vec![])).unwrap();
    assert!(samples.is_empty());
    assert_eq!(output, file);
}

#[test]
fn movie_with_samples_and_fragments_gives_both() {
    let build = |chunk| {
        let track = Trak::new(1, cenc_entry(), &[2], chunk).with_stbl(&[senc(1)]);
        let head = [ftyp(), moov(&[track], &[mvex(&[1])]), bx(b"mdat", &[&[0; 2]])].concat();
        let data = u32::try_from(head.len() - 2).unwrap();
        (data, [head, fragment(3, |moof| vec![vec![tfhd(1), trun(moof + 8, &[3]), senc(1)]])].concat())
    };
    let (data, _) = build(0);
    let samples = samples(&build(data).1).unwrap();
    assert_eq!(samples.iter().map(|sample| (sample.index, sample.len)).collect::<Vec<_>>(), [(0, 2), (1, 3)]);
}

#[test]
fn reader_comes_back() {
    let file = progressive(0, &[Trak::new(1, cenc_entry(), &[], DATA)], &[]);
    let mut movie = open(&file).unwrap();
    movie.reader_mut().set_position(5);
    assert_eq!((movie.file_len(), movie.reader_mut().position()), (file.len() as u64, 5));
    let mut pieces = movie.into_pieces(&Selection::All).unwrap();
    pieces.next_piece().unwrap();
    assert_eq!(pieces.into_reader().into_inner(), file);
    assert!(Movie::open(std::io::Cursor::new(b"")).is_err());
}
