//! Files that users meet, against their right values: `tests/vectors/cases/` of the repository.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use common::{Setup, hex, run};
use md5::{Digest, Md5};
use serde::Deserialize;
use softcp_cenc::{ErrorClass, Movie, Options, Piece, Selection};
use softcp_player::{CensTail, DecryptError, DecryptReport};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    keys: Vec<String>,
    #[serde(default)]
    tracks: Vec<CaseTrack>,
}

#[derive(Deserialize)]
struct CaseTrack {
    track: u32,
    samples: u64,
    md5: String,
}

impl Case {
    fn path(&self) -> PathBuf {
        folder().join(&self.file)
    }

    /// The right values: number and MD5 of the clear samples of each track.
    fn right(&self) -> BTreeMap<u32, (u64, String)> {
        self.tracks.iter().map(|track| (track.track, (track.samples, track.md5.clone()))).collect()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/cases")
}

fn cases() -> Vec<Case> {
    let cases: Cases = toml::from_str(&fs::read_to_string(folder().join("manifest.toml")).unwrap()).unwrap();
    assert!(cases.case.len() >= 26);
    cases.case
}

fn case(file: &str) -> Case {
    cases().into_iter().find(|case| case.file == file).unwrap()
}

/// Number and MD5 of the samples of each track of a file, none of which may be encrypted.
fn samples(path: &Path) -> BTreeMap<u32, (u64, String)> {
    let bytes = fs::read(path).unwrap();
    let mut options = Options::new(Selection::All);
    options.partial = true;
    let mut places = BTreeMap::new();
    let mut pieces = Movie::open(Cursor::new(&bytes)).unwrap().into_pieces_with(options).unwrap();
    while let Some(piece) = pieces.next_piece().unwrap() {
        if let Piece::Sample(sample) = piece {
            assert_eq!(sample.encryption, None, "{}", path.display());
            let start = usize::try_from(sample.offset).unwrap();
            places.insert((sample.track_id, sample.index), start..start + sample.len as usize);
        }
    }
    let mut tracks: BTreeMap<u32, (u64, Md5)> = BTreeMap::new();
    for ((track_id, _), place) in places {
        let (count, hash) = tracks.entry(track_id).or_insert_with(|| (0, Md5::new()));
        *count += 1;
        hash.update(&bytes[place]);
    }
    tracks.into_iter().map(|(id, (count, hash))| (id, (count, hex(&hash.finalize())))).collect()
}

/// Decrypts a case that is right without more ado.
fn decrypt(file: &str) -> DecryptReport {
    let case = case(file);
    let setup = Setup::new();
    let report = run(&setup.driver(""), &setup.options(&case.path(), &case.keys));
    let report = report.unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(samples(&setup.output()), case.right(), "{file}");
    assert_eq!(report.wrong_keys, [], "{file}");
    report
}

/// The kinds of the notes about a file.
fn kinds(report: &DecryptReport) -> Vec<&'static str> {
    report.file_notes.iter().map(|note| note.kind).collect()
}

#[test]
fn files_that_others_read_decrypt_with_a_note_of_what_is_odd() {
    for (file, notes) in [
        ("piff-frag.mp4", &[][..]),
        ("piff-prog.mp4", &[]),
        ("ismv-tfxd-tfrf.mp4", &[]),
        ("moov-twice-same.mp4", &["movie-repeated"]),
        ("moov-clear-then-encrypted.mp4", &["movie-replaced"]),
        ("unused-kid-no-key.mp4", &["unused-key", "entries-merged"]),
        ("trailing-4-bytes.mp4", &["trailing-bytes"]),
        ("trailing-text.mp4", &["trailing-bytes"]),
        ("stsd-trailing-4.mp4", &["sample-entry-padding"]),
        ("mp4encrypt-short-map.mp4", &["short-map"]),
        ("unsignalled-clear-fragment.mp4", &["unsignalled-clear"]),
        ("mdat-before-moof.mp4", &["data-before-fragment"]),
        ("csgp-keys.mp4", &[]),
        ("two-senc.mp4", &["duplicate-box"]),
        ("avc1-with-sinf.mp4", &["entry-type-unchanged"]),
        ("saiz-type-zero.mp4", &["auxiliary-type"]),
        ("saiz-type-cenc-in-cens.mp4", &["auxiliary-type"]),
        ("ism-download-no-encv.mp4", &["unsignalled-encryption"]),
        ("ff-frag-audio-senc-grows.mp4", &["repeated-entries"]),
        ("ff-frag-samples-in-moov.mp4", &["vectors-behind", "vectors-behind", "repeated-entries", "repeated-entries"]),
        ("b4-cens-audio.mp4", &["encrypted-tail"]),
    ] {
        assert_eq!(kinds(&decrypt(file)), notes, "{file}");
    }
}

#[test]
fn tail_of_cens_audio_is_left_clear_by_option() {
    let case = case("b4-cens-audio.mp4");
    let setup = Setup::new();
    let mut options = setup.options(&case.path(), &case.keys);
    options.cens_tail = CensTail::Clear;
    let report = run(&setup.driver(""), &options).unwrap();
    assert_eq!(samples(&setup.output())[&1], (58, "29732515acdf86a2fac851c0506fcc60".to_owned()));
    assert_eq!(kinds(&report), [""; 0]);
    options.cens_tail = CensTail::Encrypted;
    let report = run(&setup.driver(""), &options).unwrap();
    assert_eq!(samples(&setup.output()), case.right());
    assert_eq!(kinds(&report), ["encrypted-tail"]);
}

#[test]
fn file_that_ends_too_early_says_what_is_whole_and_partial_writes_it() {
    for (file, notes) in [
        ("truncated-mdat.mp4", ["partial", "fragment-left-out"].as_slice()),
        ("truncated-progressive.mp4", &["partial", "tables-shortened", "media-data-cut-off", "sample-left-out"]),
    ] {
        let case = case(file);
        let setup = Setup::new();
        let mut options = setup.options(&case.path(), &case.keys);
        let error = run(&setup.driver(""), &options).unwrap_err();
        let whole = case.tracks[0].samples;
        assert!(
            matches!(&error, DecryptError::CutOff { whole: found, .. } if *found == [(1, whole)]),
            "{file}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains(&format!("{whole} of track 1")), "{text}");
        assert!(error.advice().unwrap().contains("--partial"));
        assert_eq!(setup.files(), [""; 0], "{file}");
        options.partial = true;
        let report = run(&setup.driver(""), &options).unwrap();
        assert_eq!(samples(&setup.output()), case.right(), "{file}");
        assert_eq!(kinds(&report), notes, "{file}");
        assert!(report.file_notes[0].text.contains(&format!("{whole} of track 1")), "{:?}", report.file_notes);
        // What was written is a whole file: its boxes describe what is there, and nothing else.
        let movie = Movie::open(fs::File::open(setup.output()).unwrap()).unwrap();
        let pieces = movie.into_pieces(&Selection::All).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let count = pieces.iter().filter(|piece| matches!(piece, Piece::Sample(_))).count();
        assert_eq!(count as u64, whole, "{file}");
    }
}

#[test]
fn missing_key_names_kid_and_first_sample_and_partial_writes_what_comes_before() {
    let case = case("last-key-missing.mp4");
    let setup = Setup::new();
    let mut options = setup.options(&case.path(), &case.keys);
    let error = run(&setup.driver(""), &options).unwrap_err();
    assert!(matches!(error, DecryptError::MissingKey { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("202122232425262728292a2b2c2d2e2f, from sample 20 on"), "{text}");
    // The others that the file wants are named too, and all ways to give them.
    assert!(text.contains("101112131415161718191a1b1c1d1e1f"), "{text}");
    for way in ["--key ", "--key-file", "--licence"] {
        assert!(error.advice().unwrap().contains(way), "{way}");
    }
    assert_eq!(setup.files(), [""; 0]);
    options.partial = true;
    let report = run(&setup.driver(""), &options).unwrap();
    assert_eq!(samples(&setup.output()), case.right());
    assert!(kinds(&report).contains(&"ends-at-missing-key"), "{:?}", report.file_notes);
}

/// The error of a case that is refused. Nothing is written.
fn refused(file: &str) -> DecryptError {
    let case = case(file);
    let setup = Setup::new();
    let error = run(&setup.driver(""), &setup.options(&case.path(), &case.keys)).unwrap_err();
    assert_eq!(setup.files(), [""; 0], "{file}");
    assert!(!error.to_string().contains("damaged"), "{file}: {error}");
    error
}

#[test]
fn sample_that_is_there_twice_is_decrypted_once() {
    let case = case("shared-samples.mp4");
    let setup = Setup::new();
    let report = run(&setup.driver(""), &setup.options(&case.path(), &case.keys)).unwrap();
    assert_eq!(kinds(&report), ["shared-sample"]);
    // Both are of these bytes, which the reader gives once.
    let bytes = fs::read(setup.output()).unwrap();
    let mut chunks = Vec::new();
    let clear = Movie::open(Cursor::new(&bytes)).unwrap();
    for piece in clear.into_pieces(&Selection::All).unwrap() {
        if let Piece::Sample(sample) = piece.unwrap() {
            chunks.push((sample.index, usize::try_from(sample.offset).unwrap(), sample.len as usize));
        }
    }
    let twice = report.file_notes[0].offset.unwrap();
    let shared = *chunks.iter().find(|(_, offset, _)| *offset as u64 == twice).unwrap();
    let missing = (0..10).find(|index| chunks.iter().all(|chunk| chunk.0 != *index)).unwrap();
    chunks.push((missing, shared.1, shared.2));
    chunks.sort_unstable();
    let mut hash = Md5::new();
    for (_, offset, len) in &chunks {
        hash.update(&bytes[*offset..offset + len]);
    }
    assert_eq!((chunks.len() as u64, hex(&hash.finalize())), case.right()[&1]);
}

#[test]
fn initialization_segment_of_another_stream_is_named_with_both_tracks() {
    let error = refused("track-id-mismatch.mp4");
    assert!(
        matches!(&error, DecryptError::Container { source, .. } if source.class() == ErrorClass::WrongPartner),
        "{error}"
    );
    let text = error.to_string();
    assert!(text.contains("of track 4") && text.contains("track 1 only") && text.contains("another stream"), "{text}");
}

#[test]
fn protection_of_itunes_is_named() {
    let error = refused("drms-itunes-like.mp4");
    assert!(matches!(error, DecryptError::NotCommonEncryption { track_id: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("drms") && text.contains("not Common Encryption"), "{text}");
}
