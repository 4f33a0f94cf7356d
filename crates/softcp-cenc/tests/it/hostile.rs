//! Files with one defect each, and the error each gives.

use std::slice;

use softcp_cenc::{BoxDefect, Error, ErrorClass, FileKind, FourCc, Limits, Movie, SampleDefect, Selection};

use crate::support::*;

/// The box type and defect of the error that the file gives.
fn box_defect(file: &[u8]) -> (String, BoxDefect) {
    match samples(file) {
        Err(Error::Box { kind, defect, offset }) => {
            assert!(offset <= file.len() as u64);
            (kind.to_string(), defect)
        }
        other => panic!("no box defect: {other:?}"),
    }
}

fn sample_defect(file: &[u8]) -> (u64, SampleDefect) {
    match samples(file) {
        Err(Error::Sample { track_id: 1, index, defect }) => (index, defect),
        other => panic!("no defect of a sample of track 1: {other:?}"),
    }
}

/// Track 1 with `senc` and one chunk of samples of these sizes.
fn track(sizes: &[u32]) -> Trak {
    Trak::new(1, cenc_entry(), sizes, DATA).with_stbl(&[senc(u8::try_from(sizes.len()).unwrap())])
}

/// Overwrites the 32-bit number at `field` bytes into the payload of the only box of type `kind`.
fn patch(file: &mut [u8], kind: &[u8; 4], field: usize, value: u32) {
    let found: Vec<_> = file.windows(4).enumerate().filter(|(_, window)| window == kind).collect();
    let [(at, _)] = found[..] else { panic!("one {} box", kind.escape_ascii()) };
    file[at + 4 + field..at + 8 + field].copy_from_slice(&value.to_be_bytes());
}

/// Makes the first box of this type another one.
fn drop_box(file: &mut [u8], kind: &[u8; 4]) {
    let at = file.windows(4).position(|window| window == kind).unwrap();
    file[at..at + 4].copy_from_slice(b"free");
}

#[test]
fn empty_file_has_no_movie() {
    assert!(matches!(open(&[]), Err(Error::Empty)));
}

#[test]
fn file_without_moov_has_no_movie() {
    assert!(matches!(open(&ftyp()), Err(Error::NoMovie { fragments: false })));
}

#[test]
fn movie_without_tracks_is_refused() {
    let file = [ftyp(), moov(&[], &[])].concat();
    assert_eq!(box_defect(&file), ("moov".into(), BoxDefect::Missing(FourCc(*b"trak"))));
}

#[test]
fn media_segment_alone_has_no_movie() {
    let segment = fragment(2, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2])]]);
    assert!(matches!(open(&segment), Err(Error::NoMovie { fragments: true })));
}

#[test]
fn text_file_is_refused() {
    let error = open(b"<!DOCTYPE html><html></html>").unwrap_err();
    assert!(matches!(error, Error::NotMp4 { kind: Some(FileKind::Html), first: FourCc(kind) } if &kind == b"CTYP"));
    assert!(error.to_string().contains("web page"), "{error}");
    assert!(matches!(open(b"hello, this is text"), Err(Error::NotMp4 { kind: None, .. })));
}

#[test]
fn moov_past_the_end_is_cut_short() {
    let file = progressive(2, &[track(&[2])], &[]);
    let moov = (file.len() - moov(&[track(&[2])], &[]).len()) as u64;
    let error = open(&file[..file.len() - 1]).unwrap_err();
    assert!(matches!(error, Error::CutOff { kind, offset, missing: 1 } if &kind.0 == b"moov" && offset == moov));
    assert_eq!(error.class(), ErrorClass::CutOff);
    // Inside the media data in front of it, nothing says where the samples are.
    let error = open(&file[..25]).unwrap_err();
    assert!(matches!(error, Error::MovieCutOff { kind, offset: 16, missing: 1 } if &kind.0 == b"mdat"), "{error}");
}

#[test]
fn mdat_past_the_end_is_cut_short() {
    let init = initialization();
    let fragment = fragment(20, |moof| vec![vec![tfhd(1), trun(moof + 8, &[20]), senc(1)]]);
    let file = [init, fragment].concat();
    let error = samples(&file[..file.len() - 5]).unwrap_err();
    assert!(matches!(error, Error::CutOff { kind, missing: 5, .. } if &kind.0 == b"mdat"), "{error}");
}

#[test]
fn moov_over_the_limit_is_refused() {
    let file = progressive(2, &[track(&[2])], &[]);
    let limits = Limits { metadata_box: 100 };
    let error = Movie::open_with_limits(std::io::Cursor::new(&file), limits).unwrap_err();
    assert!(matches!(error, Error::Box { defect: BoxDefect::TooLarge { limit: 100, .. }, .. }));
}

#[test]
fn moof_over_the_limit_is_refused() {
    let init = initialization();
    let limits = Limits { metadata_box: init.len() as u64 };
    let moof = bx(b"moof", &[&vec![0; init.len()]]);
    let file = [init, moof].concat();
    let movie = Movie::open_with_limits(std::io::Cursor::new(&file), limits).unwrap();
    let error = movie.into_pieces(&Selection::All).unwrap().find_map(Result::err).unwrap();
    assert!(matches!(error, Error::Box { defect: BoxDefect::TooLarge { .. }, .. }));
}

#[test]
fn tracks_with_the_same_number_are_refused() {
    let file = progressive(4, &[track(&[2]), track(&[2])], &[]);
    assert_eq!(box_defect(&file), ("trak".into(), BoxDefect::TrackId { track_id: 1, taken: true }));
}

#[test]
fn track_without_its_boxes_is_refused() {
    for (kind, parent) in [
        (b"tkhd", "trak"),
        (b"mdia", "trak"),
        (b"mdhd", "mdia"),
        (b"hdlr", "mdia"),
        (b"minf", "mdia"),
        (b"stbl", "minf"),
        (b"stsd", "stbl"),
        (b"stsz", "stbl"),
        (b"stsc", "stbl"),
        (b"stco", "stbl"),
    ] {
        let mut file = progressive(2, &[track(&[2])], &[]);
        drop_box(&mut file, kind);
        assert_eq!(box_defect(&file), (parent.into(), BoxDefect::Missing(FourCc(*kind))));
    }
}

#[test]
fn track_headers_of_version_2_are_unknown() {
    for kind in [b"tkhd", b"mdhd"] {
        let mut file = progressive(2, &[track(&[2])], &[]);
        patch(&mut file, kind, 0, 0x0200_0000);
        assert_eq!(box_defect(&file), (kind.escape_ascii().to_string(), BoxDefect::UnknownVersion(2)));
    }
}

#[test]
fn stsd_with_another_count_is_refused() {
    let mut file = progressive(2, &[track(&[2])], &[]);
    patch(&mut file, b"stsd", 4, 2);
    assert_eq!(box_defect(&file), ("stsd".into(), BoxDefect::CountMismatch { count: 2, expected: 1 }));
}

#[test]
fn stsz_with_more_samples_than_bytes_is_refused() {
    let mut file = progressive(2, &[track(&[2])], &[]);
    patch(&mut file, b"stsz", 4, 1);
    patch(&mut file, b"stsz", 8, u32::MAX);
    drop_box(&mut file, b"senc");
    let limit = file.len() as u64;
    assert_eq!(box_defect(&file), ("trak".into(), BoxDefect::TooManySamples { count: u32::MAX.into(), limit }));
}

#[test]
fn sample_past_the_end_of_its_box_is_refused() {
    let file = progressive(4, &[track(&[2, 3])], &[]);
    assert_eq!(sample_defect(&file), (1, SampleDefect::OutsideMediaData { offset: 26, len: 3 }));
}

#[test]
fn sample_past_the_end_of_the_file_is_refused() {
    let mut sample = track(&[2]);
    sample.chunks = vec![u32::MAX];
    let expected = SampleDefect::CutOff { offset: u32::MAX.into(), len: 2 };
    assert_eq!(sample_defect(&progressive(4, &[sample], &[])), (0, expected));
}

#[test]
fn sample_on_a_box_header_is_refused() {
    let mut sample = track(&[2]);
    sample.chunks = vec![DATA - 1];
    let expected = SampleDefect::OutsideMediaData { offset: 23, len: 2 };
    assert_eq!(sample_defect(&progressive(4, &[sample], &[])), (0, expected));
}

#[test]
fn sample_inside_moov_is_refused() {
    let mut sample = track(&[2]);
    sample.chunks = vec![DATA + 2 + 30];
    let expected = SampleDefect::OutsideMediaData { offset: 56, len: 2 };
    assert_eq!(sample_defect(&progressive(2, &[sample], &[])), (0, expected));
}

#[test]
fn sample_that_begins_inside_another_is_refused() {
    let mut sample = track(&[2, 2]);
    sample.stsc = vec![[1, 1, 1]];
    sample.chunks = vec![DATA, DATA + 1];
    assert_eq!(sample_defect(&progressive(4, &[sample], &[])), (1, SampleDefect::Overlap { offset: 25, end: 26 }));
}

#[test]
fn sample_listed_twice_is_refused() {
    let mut sample = track(&[2, 2]);
    sample.stsc = vec![[1, 1, 1]];
    sample.chunks = vec![DATA, DATA];
    assert_eq!(sample_defect(&progressive(4, &[sample], &[])), (1, SampleDefect::Overlap { offset: 24, end: 26 }));
}

#[test]
fn tracks_that_share_a_sample_with_another_vector_are_refused() {
    let other = Trak { id: 2, stbl_boxes: vec![full(b"senc", 0, 0, &[&words(&[1]), &[7; 8]])], ..track(&[2]) };
    let file = progressive(4, &[other, track(&[2])], &[]);
    assert_eq!(sample_defect(&file), (0, SampleDefect::Overlap { offset: 24, end: 26 }));
    let error = samples(&file).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unsupported);
    // The same sample in the same encryption is one.
    let other = Trak { id: 2, ..track(&[2]) };
    assert_eq!(samples(&progressive(4, &[other, track(&[2])], &[])).unwrap().len(), 1);
}

#[test]
fn more_chunks_out_of_order_than_can_be_sorted_are_refused() {
    let limit = 1 << 20;
    let mut empty = Trak::new(1, cenc_entry(), &[], 0);
    empty.stsc = vec![[1, 0, 1]];
    empty.chunks = vec![0; limit as usize];
    empty.chunks[0] = 1;
    assert!(samples(&progressive(1, &[empty.clone()], &[])).unwrap().is_empty());
    empty.chunks.push(0);
    let defect = BoxDefect::TooManyUnorderedChunks { count: limit + 1, limit };
    assert_eq!(box_defect(&progressive(1, &[empty], &[])), ("stco".into(), defect));
}

#[test]
fn description_that_is_not_there_is_refused() {
    for description in [0, 2, u32::MAX] {
        let mut sample = track(&[2]);
        sample.stsc = vec![[1, 1, description]];
        let expected = SampleDefect::NoDescription { index: description };
        assert_eq!(sample_defect(&progressive(4, &[sample], &[])), (0, expected));
    }
}

#[test]
fn key_group_that_is_not_there_is_refused() {
    for number in [1, 0x1_0001] {
        let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[1, 1, number])]);
        let file = progressive(4, &[track(&[2]).with_stbl(&[sbgp])], &[]);
        assert_eq!(sample_defect(&file), (0, SampleDefect::NoKeyGroup { index: number }));
    }
}

#[test]
fn protected_sample_without_a_vector_is_refused() {
    let file = progressive(4, &[Trak::new(1, cenc_entry(), &[2], DATA)], &[]);
    assert_eq!(sample_defect(&file), (0, SampleDefect::PerhapsClear));
}

#[test]
fn saiz_without_saio_is_no_vector() {
    let saiz = full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 1]]);
    let file = progressive(4, &[Trak::new(1, cenc_entry(), &[2], DATA).with_stbl(&[saiz])], &[]);
    assert_eq!(sample_defect(&file), (0, SampleDefect::PerhapsClear));
}

fn located(size: u8, offset: u32) -> Vec<u8> {
    let saiz = full(b"saiz", 0, 0, &[&[size, 0, 0, 0, 1]]);
    let saio = list(b"saio", 1, &[offset]);
    progressive(4, &[Trak::new(1, cenc_entry(), &[2], DATA).with_stbl(&[saiz, saio])], &[])
}

#[test]
fn saio_past_the_end_of_the_file_is_refused() {
    let offset = u32::try_from(located(8, 0).len()).unwrap() - 7;
    let expected = SampleDefect::AuxiliaryOutside { offset: offset.into(), len: 8 };
    assert_eq!(sample_defect(&located(8, offset)), (0, expected));
    assert!(matches!(sample_defect(&located(8, u32::MAX)), (0, SampleDefect::AuxiliaryOutside { .. })));
}

#[test]
fn saiz_below_the_vector_is_refused() {
    assert_eq!(sample_defect(&located(7, DATA)), (0, SampleDefect::AuxiliaryLength { len: 7 }));
}

#[test]
fn senc_with_fewer_entries_than_samples_is_refused() {
    let file = progressive(4, &[Trak::new(1, cenc_entry(), &[1, 1, 1], DATA).with_stbl(&[senc(2)])], &[]);
    assert_eq!(box_defect(&file), ("senc".into(), BoxDefect::CountMismatch { count: 2, expected: 3 }));
}

#[test]
fn senc_count_beyond_its_size_is_refused() {
    let mut file = progressive(4, &[track(&[2])], &[]);
    patch(&mut file, b"senc", 4, u32::MAX);
    let expected = BoxDefect::CountMismatch { count: u32::MAX.into(), expected: 1 };
    assert_eq!(box_defect(&file), ("senc".into(), expected));
}

#[test]
fn subsamples_that_cover_more_than_the_sample_are_refused() {
    let senc = full(b"senc", 0, 2, &[&words(&[1]), &[9; 8], &[0, 1, 0, 1, 0, 0, 0, 2]]);
    let file = |len| progressive(4, &[Trak::new(1, cenc_entry(), &[len], DATA).with_stbl(slice::from_ref(&senc))], &[]);
    assert_eq!(sample_defect(&file(2)), (0, SampleDefect::SubsampleLength { covered: 3, len: 2 }));
    // Of a sample that is longer the rest is clear.
    let samples = samples(&file(4)).unwrap();
    let encryption = samples[0].encryption.as_ref().unwrap();
    assert!(encryption.encrypted_runs(4).eq(std::iter::once(1..3)));
}

#[test]
fn selection_of_an_absent_track_is_refused() {
    let file = progressive(2, &[track(&[2])], &[]);
    let error = take_apart(&file, &Selection::Tracks(vec![1, 5])).unwrap_err();
    assert!(matches!(error, Error::NoSuchTrack { track_id: 5 }));
}

#[test]
fn selection_of_an_unknown_scheme_is_refused() {
    let entry = protected_entry(b"encv", b"adkm", &[]);
    let file = progressive(2, &[Trak::new(1, entry, &[2], DATA)], &[]);
    let error = take_apart(&file, &Selection::All).unwrap_err();
    assert!(matches!(error, Error::UnknownScheme { track_id: 1, scheme: FourCc(scheme) } if &scheme == b"adkm"));
    assert_eq!(take_apart(&file, &Selection::Tracks(vec![])).unwrap().1, file);
}

/// The movie with one fragment of 4 bytes of data, with these boxes after `tfhd`.
fn fragmented(boxes: impl Fn(i32) -> Vec<Vec<u8>>) -> Vec<u8> {
    let traf = |moof| [vec![tfhd(1)], boxes(moof)].concat();
    [initialization(), fragment(4, |moof| vec![traf(moof)])].concat()
}

#[test]
fn traf_without_tfhd_is_refused() {
    let file = [initialization(), fragment(4, |_| vec![vec![]])].concat();
    assert_eq!(box_defect(&file), ("traf".into(), BoxDefect::Missing(FourCc(*b"tfhd"))));
}

#[test]
fn traf_of_no_track_is_refused() {
    let file = [initialization(), fragment(4, |_| vec![vec![tfhd(9)]])].concat();
    let error = samples(&file).unwrap_err();
    let is_expected = |tracks: &[u32]| tracks == [1];
    assert!(
        matches!(&error, Error::WrongInitialization { fragment_track: 9, movie_tracks } if is_expected(movie_tracks)),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::WrongPartner);
}

#[test]
fn trun_count_above_its_room_is_refused() {
    let file = fragmented(|moof| {
        let offset = moof.cast_unsigned() + 8;
        vec![full(b"trun", 0, 0x201, &[&words(&[u32::MAX, offset, 2])]), senc(1)]
    });
    assert_eq!(box_defect(&file), ("trun".into(), BoxDefect::CountTooLarge { count: u32::MAX.into(), room: 1 }));
}

#[test]
fn trun_with_more_samples_than_bytes_is_refused() {
    let tfhd = full(b"tfhd", 0, 0x02_0010, &[&words(&[1, 0])]);
    let file =
        [initialization(), fragment(4, |_| vec![vec![tfhd.clone(), full(b"trun", 0, 0, &[&words(&[u32::MAX])])]])]
            .concat();
    let limit = file.len() as u64;
    assert_eq!(box_defect(&file), ("traf".into(), BoxDefect::TooManySamples { count: u32::MAX.into(), limit }));
}

#[test]
fn truns_with_more_samples_than_32_bits_are_refused() {
    let tfhd = full(b"tfhd", 0, 0x02_0010, &[&words(&[1, 0])]);
    let trun = full(b"trun", 0, 0, &[&words(&[u32::MAX])]);
    let file = [initialization(), fragment(4, |_| vec![vec![tfhd.clone(), trun.clone(), trun.clone()]])].concat();
    let (kind, defect) = box_defect(&file);
    assert_eq!(kind, "trun");
    assert!(matches!(defect, BoxDefect::TooManySamples { .. }));
}

#[test]
fn trun_without_any_size_is_refused() {
    let init = [ftyp(), moov(&[Trak::without_samples(1, cenc_entry())], &[bx(b"mvex", &[])])].concat();
    let trun = full(b"trun", 0, 0, &[&words(&[1])]);
    let file = [init, fragment(4, |_| vec![vec![tfhd(1), trun.clone()]])].concat();
    assert_eq!(box_defect(&file), ("trun".into(), BoxDefect::NoSampleSize));
}

#[test]
fn trun_before_its_fragment_is_refused() {
    let file = fragmented(|_| vec![trun(-10, &[2]), senc(1)]);
    let data = initialization().len() as u64 - 10;
    assert_eq!(box_defect(&file), ("traf".into(), BoxDefect::DataBeforeFragment { data }));
}

#[test]
fn trun_before_the_file_is_refused() {
    let file = fragmented(|_| vec![trun(i32::MIN, &[2]), senc(1)]);
    assert_eq!(box_defect(&file), ("trun".into(), BoxDefect::OffsetRange));
}

#[test]
fn trun_beyond_64_bits_is_refused() {
    let tfhd = full(b"tfhd", 0, 1, &[&words(&[1, u32::MAX, u32::MAX])]);
    for offset in [0, 1] {
        let file = [initialization(), fragment(4, |_| vec![vec![tfhd.clone(), trun(offset, &[2]), senc(1)]])].concat();
        assert_eq!(box_defect(&file), ("trun".into(), BoxDefect::OffsetRange));
    }
}

#[test]
fn trun_inside_its_fragment_is_refused() {
    let file = fragmented(|_| vec![trun(12, &[2]), senc(1)]);
    assert!(matches!(sample_defect(&file), (0, SampleDefect::OutsideMediaData { len: 2, .. })));
}

#[test]
fn trun_past_the_end_of_the_file_is_refused() {
    let file = fragmented(|moof| vec![trun(moof + 8 + 4, &[2]), senc(1)]);
    let offset = file.len() as u64;
    assert_eq!(sample_defect(&file), (0, SampleDefect::CutOff { offset, len: 2 }));
}

#[test]
fn truns_that_overlap_are_refused() {
    let file = fragmented(|moof| vec![trun(moof + 8, &[2]), trun(moof + 9, &[2]), senc(2)]);
    assert!(matches!(sample_defect(&file), (1, SampleDefect::Overlap { .. })));
}

#[test]
fn tfhd_cut_short_is_truncated() {
    let file = [initialization(), fragment(4, |_| vec![vec![full(b"tfhd", 0, 1, &[&words(&[1, 0])])]])].concat();
    assert_eq!(box_defect(&file), ("tfhd".into(), BoxDefect::Truncated));
}

#[test]
fn tfhd_description_that_is_not_there_is_refused() {
    let tfhd = full(b"tfhd", 0, 0x02_0002, &[&words(&[1, 3])]);
    let file = [initialization(), fragment(4, |moof| vec![vec![tfhd.clone(), trun(moof + 8, &[2])]])].concat();
    assert_eq!(sample_defect(&file), (0, SampleDefect::NoDescription { index: 3 }));
}

#[test]
fn senc_of_a_fragment_with_too_few_entries_is_refused() {
    let file = fragmented(|moof| vec![trun(moof + 8, &[2, 2]), senc(1)]);
    assert_eq!(box_defect(&file), ("senc".into(), BoxDefect::CountMismatch { count: 1, expected: 2 }));
}

#[test]
fn nothing_comes_after_an_error() {
    let file = progressive(4, &[track(&[2, 3])], &[]);
    let mut pieces = open(&file).unwrap().into_pieces(&Selection::All).unwrap();
    assert!(pieces.by_ref().any(|piece| piece.is_err()));
    assert!(matches!(pieces.next_piece(), Ok(None)));
}

#[test]
fn messages_say_what_where_and_what_to_do() {
    let file = fragmented(|_| vec![trun(-10, &[2]), senc(1)]);
    let message = samples(&file).unwrap_err().to_string();
    assert!(message.starts_with("traf box at offset "), "{message}");
    assert!(message.ends_with("in front of data that comes before it: this order is not supported"), "{message}");

    let file = progressive(4, &[track(&[2, 3])], &[]);
    let expected = "track 1, sample 1: its 3 bytes at offset 26 are not within one media data box";
    assert_eq!(samples(&file).unwrap_err().to_string(), expected);

    let file = progressive(4, &[track(&[2]), track(&[2])], &[]);
    let message = samples(&file).unwrap_err().to_string();
    assert!(message.ends_with("its track number 1 belongs to another track"), "{message}");
}
