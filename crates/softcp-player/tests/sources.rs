//! Where the encrypted bytes come from and the clear ones go: streams, media segments, writers, files with holes.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use common::{Manifest, Setup, Vector, clear_samples, run};
use softcp_cenc::Movie;
use softcp_player::{DecryptError, DecryptOptions, InitSegment, Sink, Source, check_output, decrypt_from_to};
use softcp_runtime::Driver;

/// Gives a few bytes at a time, as a pipe does.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = to.len().min(self.1);
        self.0.read(&mut to[..len])
    }
}

/// A writer that others can look into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decrypts a stream to a writer.
fn stream(driver: &Driver, options: &DecryptOptions, bytes: Vec<u8>, step: usize) -> Result<Vec<u8>, DecryptError> {
    let output = Shared::default();
    let source = Source::stream(Trickle(Cursor::new(bytes), step));
    decrypt_from_to(driver, options, source, Sink::Writer(Box::new(output.clone())), &mut |_| {})?;
    let bytes = output.0.lock().unwrap().clone();
    Ok(bytes)
}

/// The vectors that are decrypted.
fn good() -> Vec<Vector> {
    Manifest::read().with_outcome("decrypts")
}

#[test]
fn stream_gives_the_bytes_of_the_file_or_says_why_not() {
    let setup = Setup::new();
    let driver = setup.driver("");
    let (mut streamed, mut refused) = (0, Vec::new());
    for vector in good() {
        let options = setup.options(&vector.path(), &vector.keys());
        run(&driver, &options).unwrap();
        let encrypted = fs::read(vector.path()).unwrap();
        match stream(&driver, &options, encrypted, 1000) {
            Ok(clear) => {
                assert!(clear == fs::read(setup.output()).unwrap(), "{}", vector.file);
                streamed += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("cannot be read as a stream"), "{}: {error}", vector.file);
                refused.push(vector.file);
            }
        }
    }
    assert!(streamed > 30, "{streamed}");
    assert!(refused.len() < 8, "{refused:?}");
    // Of a small file the media data may come first, and of others not.
    let vector = Manifest::read().vector("ff-cenc-moov-last.mp4");
    let options = setup.options(&vector.path(), &vector.keys());
    let large = [&(2_u32 << 20).to_be_bytes()[..], b"mdat", &vec![0; (2 << 20) - 8]].concat();
    let error = stream(&driver, &options, large, 1000).unwrap_err().to_string();
    assert!(error.contains("moov box lies behind the media data"), "{error}");
}

#[test]
fn stream_survives_a_new_device_in_the_middle_of_a_sample() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-frag-video.mp4");
    let options = DecryptOptions { restarts: 1000, ..setup.options(&vector.path(), &vector.keys()) };
    run(&setup.driver(""), &options).unwrap();
    let expected = fs::read(setup.output()).unwrap();
    let driver = setup.driver("faults.list=device-removed every=9");
    let clear = stream(&driver, &options, fs::read(vector.path()).unwrap(), 700).unwrap();
    assert!(clear == expected);
}

#[test]
fn stream_that_ends_early_is_an_error_at_every_length() {
    let setup = Setup::new();
    let driver = setup.driver("");
    let vector = Manifest::read().vector("ff-cenc-frag-video.mp4");
    let options = setup.options(&vector.path(), &vector.keys());
    let bytes = fs::read(vector.path()).unwrap();
    for len in [0, 5, 100, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        assert!(stream(&driver, &options, bytes[..len].to_vec(), 4096).is_err(), "{len}");
    }
}

#[test]
fn media_segments_come_out_as_they_are_behind_their_initialization_segment() {
    let setup = Setup::new();
    let driver = setup.driver("");
    for name in ["ff-cenc-frag-video.mp4", "gpac-cenc-key-roll-frag.mp4", "gpac-cenc-two-keys-frag.mp4"] {
        let vector = Manifest::read().vector(name);
        let bytes = fs::read(vector.path()).unwrap();
        let options = setup.options(&vector.path(), &vector.keys());
        run(&driver, &options).unwrap();
        let whole = fs::read(setup.output()).unwrap();
        let cut = usize::try_from(Movie::open(Cursor::new(&bytes)).unwrap().moov_end()).unwrap();
        let (init, segment) = (setup.folder.path().join("init.mp4"), setup.folder.path().join("1.m4s"));
        fs::write(&init, &bytes[..cut]).unwrap();
        fs::write(&segment, &bytes[cut..]).unwrap();
        // The file itself is as good: of it everything up to the end of moov is taken.
        for init in [&init, &vector.path()] {
            let output = setup.folder.path().join("1.mp4");
            let options = DecryptOptions {
                input: segment.clone(),
                output: output.clone(),
                ..setup.options(&vector.path(), &vector.keys())
            };
            let source = || Source::open(&segment).unwrap().after(InitSegment::read(init).unwrap());
            let sink = Sink::Destination(check_output(&options).unwrap());
            let report = decrypt_from_to(&driver, &options, source(), sink, &mut |_| {}).unwrap();
            assert_eq!(report.bytes, (bytes.len() - cut) as u64);
            assert!(fs::read(&output).unwrap() == whole[cut..], "{name}");
            // And as a stream.
            let streamed = Shared::default();
            let source = Source::stream(Trickle(Cursor::new(bytes[cut..].to_vec()), 333))
                .after(InitSegment::read(init).unwrap());
            decrypt_from_to(&driver, &options, source, Sink::Writer(Box::new(streamed.clone())), &mut |_| {}).unwrap();
            assert!(*streamed.0.lock().unwrap() == whole[cut..], "{name}");
        }
    }
}

#[test]
fn damage_of_a_media_segment_is_told_by_its_own_name_and_offset() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-frag-video.mp4");
    let bytes = fs::read(vector.path()).unwrap();
    let cut = usize::try_from(Movie::open(Cursor::new(&bytes)).unwrap().moov_end()).unwrap();
    let segment = setup.folder.path().join("1.m4s");
    let mut damaged = bytes[cut..].to_vec();
    damaged[..4].copy_from_slice(&3_u32.to_be_bytes());
    fs::write(&segment, damaged).unwrap();
    let options = DecryptOptions { input: segment.clone(), ..setup.options(&vector.path(), &vector.keys()) };
    let source = Source::open(&segment).unwrap().after(InitSegment::read(&vector.path()).unwrap());
    let sink = Sink::Destination(check_output(&options).unwrap());
    let error = decrypt_from_to(&setup.driver(""), &options, source, sink, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("1.m4s") && error.contains("offset 0:"), "{error}");
}

#[test]
fn what_is_no_initialization_segment_is_refused() {
    let setup = Setup::new();
    let path = setup.folder.path().join("init.mp4");
    fs::write(&path, b"").unwrap();
    assert!(matches!(InitSegment::read(&path), Err(DecryptError::EmptyInput { .. })));
    fs::write(&path, b"\0\0\0\x10ftypisom\0\0\0\0").unwrap();
    assert!(matches!(InitSegment::read(&path), Err(DecryptError::Container { .. })));
    assert!(matches!(InitSegment::read(setup.folder.path()), Err(DecryptError::Input(_))));
    assert!(matches!(InitSegment::read(Path::new("none")), Err(DecryptError::OpenInput { .. })));
}

#[cfg(target_os = "linux")]
#[test]
fn sparse_file_stays_sparse_and_its_samples_are_right() {
    use std::os::unix::fs::MetadataExt as _;
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let path = setup.folder.path().join("sparse.mp4");
    fs::copy(vector.path(), &path).unwrap();
    let hole = 64 << 20;
    let mut file = File::options().append(true).open(&path).unwrap();
    let len = file.metadata().unwrap().len();
    file.write_all(&u32::try_from(hole).unwrap().to_be_bytes()).unwrap();
    file.write_all(b"free").unwrap();
    file.set_len(len + hole).unwrap();
    let mut seen = 0;
    let options = setup.options(&path, &vector.keys());
    softcp_player::decrypt(&setup.driver(""), &options, &mut |_| seen += 1).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
    let clear = fs::metadata(setup.output()).unwrap();
    assert_eq!(clear.len(), len + hole);
    assert!(clear.blocks() * 512 < 1 << 20, "{}", clear.blocks());
}

#[test]
fn copied_bytes_are_progress() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let path = setup.folder.path().join("long.mp4");
    let mut bytes = fs::read(vector.path()).unwrap();
    let free = 10 << 20;
    bytes.extend(u32::try_from(free).unwrap().to_be_bytes());
    bytes.extend(b"free");
    bytes.resize(bytes.len() + free - 8, 7);
    fs::write(&path, &bytes).unwrap();
    let mut seen = Vec::new();
    let options = setup.options(&path, &vector.keys());
    softcp_player::decrypt(&setup.driver(""), &options, &mut |progress| seen.push(progress.bytes)).unwrap();
    assert!(seen.len() > 9 && seen.is_sorted(), "{seen:?}");
    assert_eq!(fs::metadata(setup.output()).unwrap().len(), bytes.len() as u64);
}

#[test]
fn key_of_a_track_and_key_for_everything_decrypt_as_that_of_the_kid() {
    let setup = Setup::new();
    let driver = setup.driver("");
    let vector = Manifest::read().vector("gpac-cenc-two-keys.mp4");
    let key = |track: usize| vector.track[track].keys[0].split_once(':').unwrap().1.to_owned();
    let by_track = vec![format!("1:{}", key(0)), format!("2:{}", key(1))];
    let with_rest = vec![format!("1:{}", key(0)), key(1)];
    for keys in [by_track, with_rest] {
        run(&driver, &setup.options(&vector.path(), &keys)).unwrap();
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{keys:?}");
    }
    let error = run(&driver, &setup.options(&vector.path(), &[format!("1:{}", key(0))])).unwrap_err();
    let DecryptError::MissingKey { keys } = &error else { panic!("{error}") };
    let missing: Vec<_> = keys.iter().filter(|key| key.is_missing).map(|key| key.track_id).collect();
    assert_eq!(missing, [2]);
}

#[test]
fn kid_in_the_byte_order_of_a_guid_decrypts_and_is_told() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-audio.mp4");
    let (kid, key) = vector.track[0].keys[0].split_once(':').unwrap();
    let swapped: String =
        [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].iter().map(|at| &kid[2 * at..2 * at + 2]).collect();
    let report = run(&setup.driver(""), &setup.options(&vector.path(), &[format!("{swapped}:{key}")])).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
    let told = report.notes.iter().any(|note| note.contains(kid) && note.contains(&swapped) && note.contains("GUID"));
    assert!(told, "{:?}", report.notes);
}
