//! Files that are odd and read all the same, each with a note, and files that end too early.

use softcp_cenc::{Algorithm, Error, ErrorClass, KeyId, NoteKind, Options, Piece, Sample, Scheme, Selection};

use crate::support::*;

/// The `uuid` of PIFF's `senc` and `tenc`.
const PIFF_SENC: [u8; 16] =
    [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];
const PIFF_TENC: [u8; 16] =
    [0x89, 0x74, 0xdb, 0xce, 0x7b, 0xe7, 0x4c, 0x51, 0x84, 0xf9, 0x71, 0x48, 0xf9, 0x88, 0x25, 0x54];

/// Samples, kinds of notes, and the bytes that come out, of a file read as `options` say.
type Read = (Vec<Sample>, Vec<NoteKind>, Vec<u8>);

fn read_with(file: &[u8], options: Options) -> Result<Read, Error> {
    let mut pieces = open(file)?.into_pieces_with(options)?;
    let (mut samples, mut output) = (Vec::new(), Vec::new());
    while let Some(piece) = pieces.next_piece()? {
        assert!(piece.is_empty() || piece.offset() == output.len() as u64, "a gap or an overlap before {piece:?}");
        let end = output.len() + usize::try_from(piece.len()).unwrap();
        match piece {
            Piece::Rewritten { bytes, .. } => output.extend(bytes),
            Piece::Copy { .. } => output.extend(&file[output.len()..end]),
            Piece::Sample(sample) => {
                output.extend(&file[output.len()..end]);
                samples.push(sample);
            }
        }
    }
    Ok((samples, pieces.notes().iter().map(|note| note.kind).collect(), output))
}

fn read(file: &[u8]) -> Read {
    read_with(file, Options::new(Selection::Protected)).unwrap()
}

fn partial() -> Options {
    Options { partial: true, ..Options::new(Selection::Protected) }
}

/// Scheme, key and vector of each sample; `None` for clear ones.
fn encryption(samples: &[Sample]) -> Vec<Option<(Scheme, KeyId, u8)>> {
    let of = |sample: &Sample| sample.encryption.as_ref().map(|it| (it.scheme, it.kid, it.iv[0]));
    samples.iter().map(of).collect()
}

/// A fragment of one sample of each of these tracks, two bytes long.
fn one_each(tracks: &[u32]) -> Vec<u8> {
    let traf = |(index, track): (i32, &u32), moof: i32| vec![tfhd(*track), trun(moof + 8 + 2 * index, &[2]), senc(1)];
    fragment(2 * tracks.len(), |moof| (0..).zip(tracks).map(|it| traf(it, moof)).collect())
}

fn init_of(tracks: &[u32]) -> Vec<u8> {
    let traks: Vec<_> = tracks.iter().map(|id| Trak::without_samples(*id, cenc_entry())).collect();
    [ftyp(), moov(&traks, &[mvex(tracks)])].concat()
}

fn clear_init(track: u32) -> Vec<u8> {
    [ftyp(), moov(&[Trak::without_samples(track, clear_entry(b"avc1", &[]))], &[mvex(&[track])])].concat()
}

/// A PIFF sample entry.
fn piff_entry(algorithm: u8, iv_size: u8) -> Vec<u8> {
    protected_entry(b"encv", b"piff", &bx(b"uuid", &[&PIFF_TENC, &[0, 0, 0, 0, 0, 0, algorithm, iv_size], &KID]))
}

/// PIFF's `senc`, with parameters of its own or without.
fn piff_senc(own: Option<(u8, u8, &KeyId)>, vectors: &[u8], count: u8) -> Vec<u8> {
    let parameters =
        own.map_or(Vec::new(), |(algorithm, iv_size, kid)| [&[0, 0, algorithm, iv_size][..], kid].concat());
    bx(b"uuid", &[&PIFF_SENC, &[0, 0, 0, u8::from(own.is_some())], &parameters, &[0, 0, 0, count], vectors])
}

#[test]
fn piff_fragments_may_bring_algorithm_vector_size_and_key() {
    let other = *b"another key id..";
    let part = |senc: Vec<u8>| fragment(2, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2]), senc.clone()]]);
    let init = [ftyp(), moov(&[Trak::without_samples(1, piff_entry(1, 8))], &[mvex(&[1])])].concat();
    let file = [
        init,
        part(piff_senc(None, &[1; 8], 1)),
        part(piff_senc(Some((1, 16, &other)), &[2; 16], 1)),
        part(piff_senc(Some((2, 16, &other)), &[3; 16], 1)),
        part(piff_senc(Some((0, 0, &[0; 16])), &[], 0)),
        part(piff_senc(None, &[4; 8], 1)),
    ]
    .concat();
    let (samples, notes, output) = read(&file);
    let expected = [
        Some((Scheme::Cenc, KID, 1)),
        Some((Scheme::Cenc, other, 2)),
        Some((Scheme::Cbc1, other, 3)),
        None,
        Some((Scheme::Cenc, KID, 4)),
    ];
    assert_eq!(encryption(&samples), expected);
    assert_eq!(notes, []);
    assert!(!output.windows(16).any(|window| window == PIFF_SENC || window == PIFF_TENC));
}

#[test]
fn piff_entries_say_their_algorithm() {
    for (id, algorithm, scheme) in [(1, Algorithm::AesCtr, Scheme::Cenc), (2, Algorithm::AesCbc, Scheme::Cbc1)] {
        let track = Trak::new(1, piff_entry(id, 8), &[2], DATA).with_stbl(&[piff_senc(None, &[1; 8], 1)]);
        let file = progressive(2, &[track], &[]);
        let movie = open(&file).unwrap();
        let protection = movie.tracks()[0].protection().unwrap();
        assert_eq!((protection.algorithm, protection.sample_scheme()), (Some(algorithm), scheme));
        assert_eq!(encryption(&read(&file).0), [Some((scheme, KID, 1))]);
    }
    // From PIFF 1.3 on the boxes are those of Common Encryption.
    let tenc = full(b"tenc", 0, 0, &[&[0, 0, 2, 16], &KID]);
    let track = Trak::new(1, protected_entry(b"encv", b"piff", &tenc), &[2], DATA).with_stbl(&[full(
        b"senc",
        0,
        0,
        &[&words(&[1]), &[9; 16]],
    )]);
    assert_eq!(encryption(&read(&progressive(2, &[track], &[])).0), [Some((Scheme::Cbc1, KID, 9))]);
}

#[test]
fn moov_that_is_repeated_is_rewritten_each_time() {
    let init = init_of(&[1]);
    let file = [&init[..], &one_each(&[1]), &init, &one_each(&[1]), &init].concat();
    let (samples, notes, output) = read(&file);
    assert_eq!(samples.iter().map(|sample| sample.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(notes, [NoteKind::MovieRepeated]);
    assert!(!output.windows(4).any(|window| window == b"encv" || window == b"sinf"));
}

#[test]
fn fragments_are_read_by_the_movie_in_front_of_them() {
    // Other numbers, one track more, a clear part in front and in the middle.
    let clear = |track| fragment(2, move |moof| vec![vec![tfhd(track), trun(moof + 8, &[2])]]);
    let file = [
        clear_init(1),
        clear(1),
        init_of(&[1]),
        one_each(&[1]),
        init_of(&[7, 3]),
        one_each(&[3, 7]),
        clear_init(7),
        clear(7),
        init_of(&[1]),
        one_each(&[1]),
    ]
    .concat();
    let (samples, notes, _) = read(&file);
    let numbers: Vec<_> = samples.iter().map(|sample| (sample.track_id, sample.index)).collect();
    assert_eq!(numbers, [(1, 0), (3, 0), (7, 0), (1, 1)]);
    assert_eq!(notes, [NoteKind::MovieReplaced]);
}

#[test]
fn second_movie_with_samples_in_front_of_it_is_not_supported() {
    let one = |id| Trak::new(id, cenc_entry(), &[2], DATA).with_stbl(&[senc(1)]);
    let file = [progressive(2, &[one(1)], &[]), progressive(2, &[one(2)], &[])].concat();
    let error = samples(&file).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unsupported);
}

#[test]
fn samples_in_front_of_their_fragments_come_in_the_order_of_the_file() {
    // Each mdat in front of its moof; two of them in front of two; one for all.
    let init = initialization();
    let mdat = |len: usize| bx(b"mdat", &[&vec![0xaa; len]]);
    let moof = |back: i32, sizes: &[u32]| {
        let count = u8::try_from(sizes.len()).unwrap();
        bx(b"moof", &[&bx(b"traf", &[&tfhd(1), &trun(-back, sizes), &senc(count)])])
    };
    let moof_len = i32::try_from(moof(0, &[2]).len()).unwrap();
    for parts in [
        vec![mdat(2), moof(2, &[2]), mdat(2), moof(2, &[2])],
        vec![mdat(2), mdat(2), moof(12, &[2]), moof(2 + moof_len, &[2])],
        vec![mdat(4), moof(4, &[2]), moof(2 + moof_len, &[2])],
        vec![mdat(2), bx(b"free", &[&[0; 3]]), moof(13, &[2]), bx(b"styp", &[b"msdh"]), mdat(2), moof(2, &[2])],
    ] {
        let file = [init.clone(), parts.concat()].concat();
        let (samples, notes, output) = read(&file);
        assert_eq!(samples.iter().map(|sample| sample.index).collect::<Vec<_>>(), [0, 1]);
        assert!(samples.iter().all(|sample| file[usize::try_from(sample.offset).unwrap()] == 0xaa));
        assert_eq!(notes, [NoteKind::DataBeforeFragment]);
        assert!(!output.windows(4).any(|window| window == b"senc"));
    }
}

#[test]
fn fragments_of_unknown_tracks_are_copied_beside_known_ones() {
    let file = [init_of(&[2]), one_each(&[1]), one_each(&[2]), one_each(&[1, 2])].concat();
    let (samples, notes, output) = read(&file);
    assert_eq!(samples.iter().map(|sample| (sample.track_id, sample.index)).collect::<Vec<_>>(), [(2, 0), (2, 1)]);
    assert_eq!(notes, [NoteKind::UnknownTrack]);
    // What is not decrypted keeps what is needed for it.
    assert_eq!(output.windows(4).filter(|window| *window == b"senc").count(), 2);
}

#[test]
fn initialization_segments_of_other_streams_are_told_by_their_tracks() {
    let error = samples(&[init_of(&[1, 2]), one_each(&[4]), one_each(&[5])].concat()).unwrap_err();
    let is_expected = |tracks: &[u32]| tracks == [1, 2];
    assert!(
        matches!(&error, Error::WrongInitialization { fragment_track: 4, movie_tracks } if is_expected(movie_tracks)),
        "{error}"
    );
}

#[test]
fn bytes_behind_the_last_box_are_copied() {
    let whole = [initialization(), one_each(&[1])].concat();
    for tail in [&b"x"[..], &[0; 7], &[0; 100], b"</body></html>", b"\0\0\0\x09abc", b"12345678"] {
        let file = [&whole[..], tail].concat();
        let (samples, notes, output) = read(&file);
        assert_eq!((samples.len(), notes), (1, vec![NoteKind::TrailingBytes]), "{tail:?}");
        assert!(output.ends_with(tail) && output.len() == file.len());
        // Cut off, they are of no use.
        let (samples, _, output) = read_with(&file, partial()).unwrap();
        assert_eq!((samples.len(), output.len()), (1, whole.len()), "{tail:?}");
    }
}

#[test]
fn zeros_behind_sample_entries_are_passed_over() {
    for zeros in [1, 4, 8, 20] {
        let mut track = Trak::new(1, cenc_entry(), &[2], DATA).with_stbl(&[senc(1)]);
        track.entries[0].extend(vec![0; zeros]);
        let (samples, notes, _) = read(&progressive(2, &[track], &[]));
        assert_eq!((samples.len(), notes), (1, vec![NoteKind::SampleEntryPadding]));
    }
}

#[test]
fn entry_of_a_clear_type_with_a_sinf_is_protected() {
    let entry = |kind: &[u8; 4], handler, from: &[u8; 4]| {
        let mut entry = protected_entry(from, b"cenc", &tenc(0, 0, 8, &[]));
        entry[4..8].copy_from_slice(kind);
        let mut track = Trak::new(1, entry, &[2], DATA).with_stbl(&[senc(1)]);
        track.handler = handler;
        progressive(2, &[track], &[])
    };
    for file in [entry(b"avc1", *b"vide", b"encv"), entry(b"mp4a", *b"soun", b"enca")] {
        let (samples, notes, output) = read(&file);
        assert_eq!(encryption(&samples), [Some((Scheme::Cenc, KID, 1))]);
        assert_eq!(notes, [NoteKind::EntryTypeUnchanged]);
        assert!(!output.windows(4).any(|window| window == b"sinf"));
    }
}

#[test]
fn entry_of_itunes_is_protected_by_something_else() {
    let schm = full(b"schm", 0, 0, &[b"itun", &[0; 4]]);
    let sinf = bx(b"sinf", &[&bx(b"frma", &[b"mp4a"]), &schm, &bx(b"schi", &[])]);
    for entry in [clear_entry(b"drms", &[&sinf]), clear_entry(b"drms", &[])] {
        let mut track = Trak::new(1, entry, &[2], DATA);
        track.handler = *b"soun";
        let file = progressive(2, &[track], &[]);
        let movie = open(&file).unwrap();
        assert!(matches!(movie.tracks()[0].protection().unwrap().scheme, Scheme::Other(_)));
        assert!(matches!(movie.into_pieces(&Selection::All), Err(Error::UnknownScheme { track_id: 1, .. })));
    }
}

#[test]
fn vectors_under_a_clear_entry_are_told_and_used_when_a_key_is_named() {
    let fragmented = [clear_init(1), one_each(&[1]), one_each(&[1])].concat();
    let track = Trak::new(1, clear_entry(b"tx3g", &[]), &[2, 2], DATA).with_stbl(&[senc(2)]);
    let progressive = progressive(4, &[track], &[]);
    for file in [&fragmented, &progressive] {
        assert_eq!(open(file).unwrap().unsignalled_tracks(), [1]);
        let (samples, _, output) = read(file);
        assert!(samples.is_empty() && &output == file);
        let key = Options { unsignalled: vec![(1, [7; 16])], ..Options::new(Selection::Protected) };
        let (samples, _, output) = read_with(file, key).unwrap();
        assert_eq!(encryption(&samples).into_iter().flatten().count(), 2);
        assert!(samples.iter().all(|sample| sample.encryption.as_ref().unwrap().kid == [7; 16]));
        assert!(!output.windows(4).any(|window| window == b"senc"));
    }
    // A key in the fragment itself comes before the one named.
    let own = piff_senc(Some((1, 8, &[9; 16])), &[1; 8], 1);
    let part = fragment(2, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2]), own.clone()]]);
    let key = Options { unsignalled: vec![(1, [7; 16])], ..Options::new(Selection::Protected) };
    let (samples, notes, _) = read_with(&[clear_init(1), part].concat(), key).unwrap();
    assert_eq!(encryption(&samples), [Some((Scheme::Cenc, [9; 16], 1))]);
    assert_eq!(notes, [NoteKind::UnsignalledEncryption]);
}

/// Whole samples of `cens` without subsamples, with this pattern.
fn cens_audio(pattern: u8, options: Options) -> (Vec<std::ops::Range<usize>>, Vec<NoteKind>) {
    let entry = protected_entry(b"enca", b"cens", &tenc(1, pattern, 8, &[]));
    let file = progressive(20, &[Trak::new(1, entry, &[20], DATA).with_stbl(&[senc(1)])], &[]);
    let (samples, notes, _) = read_with(&file, options).unwrap();
    (samples[0].encryption.as_ref().unwrap().encrypted_runs(20).collect(), notes)
}

#[test]
fn last_partial_block_of_cens_audio_is_as_pattern_or_caller_say() {
    let told =
        |is_encrypted| Options { encrypted_tails: vec![(1, is_encrypted)], ..Options::new(Selection::Protected) };
    let plain = || Options::new(Selection::Protected);
    let runs = |end| std::iter::once(0..end).collect::<Vec<_>>();
    assert_eq!(cens_audio(0, plain()), (runs(16), vec![]));
    assert_eq!(cens_audio(0x10, plain()), (runs(20), vec![NoteKind::EncryptedTail]));
    assert_eq!(cens_audio(0, told(true)), (runs(20), vec![NoteKind::EncryptedTail]));
    assert_eq!(cens_audio(0x10, told(false)), (runs(16), vec![]));
}

#[test]
fn compact_groups_of_fragments_give_keys() {
    let kids = [[5; 16], [6; 16]];
    let seig = |kid: &KeyId| [&[0, 0, 1, 8][..], kid].concat();
    let sgpd = full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 2]), &seig(&kids[0]), &seig(&kids[1])]);
    // Two numbers of four bits with their highest bit set, repeated for five samples.
    let csgp = full(b"csgp", 0, 0x80, &[b"seig", &words(&[1]), &[0x25, 0x9a]]);
    let part = fragment(10, |moof| vec![vec![tfhd(1), trun(moof + 8, &[2; 5]), senc(5), sgpd.clone(), csgp.clone()]]);
    let (samples, notes, output) = read(&[initialization(), part].concat());
    let found: Vec<_> = encryption(&samples).into_iter().map(|it| it.unwrap().1).collect();
    assert_eq!(found, [kids[0], kids[1], kids[0], kids[1], kids[0]]);
    assert_eq!(notes, []);
    assert!(!output.windows(4).any(|window| window == b"csgp" || window == b"sgpd"));
}

/// An `avcC` with lengths of four bytes.
fn avcc() -> Vec<u8> {
    bx(b"avcC", &[&[1, 100, 0, 11, 0xff, 0xe0, 0]])
}

/// A video entry with these boxes, and the same protected.
fn two_entries() -> [Vec<u8>; 2] {
    let schm = full(b"schm", 0, 0, &[b"cenc", &[0, 1, 0, 0]]);
    let sinf = bx(b"sinf", &[&bx(b"frma", &[b"avc1"]), &schm, &bx(b"schi", &[&tenc(0, 0, 8, &[])])]);
    [clear_entry(b"avc1", &[&avcc()]), clear_entry(b"encv", &[&avcc(), &sinf])]
}

#[test]
fn clear_and_protected_entry_that_become_equal_are_one() {
    let [clear, protected] = two_entries();
    let described = |track: u32, description: u32| full(b"tfhd", 0, 0x02_0002, &[&words(&[track, description])]);
    for (entries, encrypted) in [([clear.clone(), protected.clone()], 2), ([protected, clear], 1)] {
        let mut fragments = Trak::without_samples(1, vec![]);
        fragments.entries = entries.to_vec();
        let part = |description| {
            let senc: &[Vec<u8>] = &[senc(1)];
            let vectors = if description == encrypted { senc } else { &[] };
            fragment(2, |moof| vec![[&[described(1, description), trun(moof + 8, &[2])], vectors].concat()])
        };
        let fragmented = [ftyp(), moov(&[fragments], &[mvex(&[1])]), part(1), part(2), part(1)].concat();
        let mut track = Trak::new(1, vec![], &[2, 2], DATA).with_stbl(&[senc(1)]);
        track.entries = entries.to_vec();
        track.stsc = vec![[1, 1, 1], [2, 1, 2]];
        track.chunks = vec![DATA, DATA + 2];
        for file in [fragmented, progressive(4, &[track], &[])] {
            let (samples, notes, output) = read(&file);
            assert_eq!(
                samples.iter().filter(|it| it.encryption.is_some()).count() % 2,
                usize::from(encrypted == 2 || samples.len() == 2)
            );
            assert_eq!(notes, [NoteKind::EntriesMerged]);
            let clear = open(&output).unwrap();
            assert_eq!(clear.tracks()[0].sample_entries().len(), 1);
            let (again, same) = take_apart(&output, &Selection::All).unwrap();
            assert_eq!(places(&again), places(&samples));
            assert!(again.iter().all(|sample| sample.encryption.is_none()));
            assert_eq!(same, output);
        }
    }
}

#[test]
fn entries_that_differ_stay_two() {
    let [clear, protected] = two_entries();
    let other = clear_entry(b"avc1", &[&bx(b"avcC", &[&[1, 100, 0, 12, 0xff, 0xe0, 0]])]);
    for entries in [[other, protected], [clear.clone(), clear]] {
        let mut track = Trak::new(1, vec![], &[2], DATA);
        track.entries = entries.to_vec();
        let (_, notes, output) = read(&progressive(2, &[track], &[]));
        assert_eq!(notes, []);
        assert_eq!(open(&output).unwrap().tracks()[0].sample_entries().len(), 2);
    }
}

/// Files to cut off, with the number of their samples.
fn whole_files() -> Vec<(Vec<u8>, usize)> {
    let mut tracks = [
        Trak::new(1, cenc_entry(), &[3, 5, 4], 0).with_stbl(&[senc(3)]),
        Trak::new(2, cenc_entry(), &[2, 2, 2], 0).with_stbl(&[senc(3)]),
    ];
    let build = |tracks: &[Trak]| moov(tracks, &[]);
    let start = u32::try_from(ftyp().len() + build(&tracks).len()).unwrap() + 8;
    for (track, chunks) in tracks.iter_mut().zip([[0, 5, 12], [3, 10, 16]]) {
        track.stsc = vec![[1, 1, 1]];
        track.chunks = chunks.iter().map(|at| start + at).collect();
    }
    // The tables have grown.
    let grown = u32::try_from(ftyp().len() + build(&tracks).len()).unwrap() + 8 - start;
    tracks.iter_mut().flat_map(|track| &mut track.chunks).for_each(|at| *at += grown);
    let progressive = [ftyp(), build(&tracks), bx(b"mdat", &[&[0xaa; 18]])].concat();
    let fragmented = [
        init_of(&[1, 2]),
        one_each(&[1, 2]),
        bx(b"styp", &[b"msdh"]),
        one_each(&[2]),
        one_each(&[1, 2]),
        bx(b"mfra", &[&[0; 8]]),
    ]
    .concat();
    vec![(progressive, 6), (fragmented, 5)]
}

#[test]
fn file_cut_off_anywhere_gives_its_whole_samples_and_no_others() {
    for (file, count) in whole_files() {
        let (all, notes, _) = read(&file);
        assert_eq!((all.len(), notes.len()), (count, 0));
        let mut before = 0;
        for len in 0..file.len() {
            let cut = &file[..len];
            let Ok((samples, _, output)) = read_with(cut, partial()) else {
                // Without its moov box nothing can be read.
                assert_eq!(before, 0, "{len}");
                continue;
            };
            assert!(output.len() <= len);
            // The first ones, in the order of the file, and each whole.
            assert_eq!(samples, all[..samples.len()], "{len}");
            let whole = |sample: &&Sample| sample.offset + u64::from(sample.len) <= len as u64;
            let there = all.iter().filter(whole).count();
            assert!(samples.len() <= there && samples.len() >= before, "{len}");
            before = samples.len();
            // What comes out is a file of its own, with the same samples, whose boxes are all whole.
            let (again, notes, same) =
                read_with(&output, Options { partial: true, ..Options::new(Selection::All) }).unwrap();
            assert_eq!(places(&again), places(&samples), "{len}");
            assert_eq!(same, output);
            assert!(!notes.contains(&NoteKind::MediaDataCutOff) && !notes.contains(&NoteKind::BoxLeftOut), "{len}");
        }
        assert!(before >= count - 1);
    }
}

#[test]
fn progressive_file_cut_off_has_every_sample_that_is_there() {
    let (file, _) = whole_files().remove(0);
    let (all, ..) = read(&file);
    let start = file.len() - 18;
    for len in start..file.len() {
        let (samples, ..) = read_with(&file[..len], partial()).unwrap();
        let there = all.iter().filter(|sample| sample.offset + u64::from(sample.len) <= len as u64).count();
        assert_eq!(samples.len(), there, "{len}");
    }
}

#[test]
fn file_that_is_to_end_earlier_ends_in_front_of_the_fragment_there() {
    let (file, _) = whole_files().remove(1);
    let (all, ..) = read(&file);
    let end = Some(all[2].offset);
    let (samples, notes, output) = read_with(&file, Options { end, ..partial() }).unwrap();
    assert_eq!(samples, all[..2]);
    assert_eq!(notes, [NoteKind::FragmentLeftOut]);
    assert!((output.len() as u64) < all[2].offset && output.ends_with(b"msdh"));
}
