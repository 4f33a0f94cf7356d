//! A file that is much longer than what is in memory of it: read, decrypted and written at the same time.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;

use common::{Manifest, Setup, run};
use softcp_player::{DecryptError, DecryptOptions, Protection, decrypt};
use tempfile::TempDir;

/// How often the fragments of the short file are repeated: some 4 MB, many chunks of output.
const TIMES: usize = 100;

/// A long fragmented file, and the keys to it.
struct Long {
    _folder: TempDir,
    path: PathBuf,
    keys: Vec<String>,
    /// Samples in it.
    samples: u64,
}

impl Long {
    fn new() -> Self {
        let vector = Manifest::read().vector("ff-cenc-frag-video.mp4");
        let bytes = fs::read(vector.path()).unwrap();
        let boxes = top_level(&bytes);
        let is_fragment = |kind: &[u8]| kind == b"moof" || kind == b"mdat";
        let of = |fragments: bool| {
            let chosen = boxes.iter().filter(move |(kind, _)| is_fragment(kind) == fragments && kind != b"mfra");
            chosen.flat_map(|(_, bytes)| *bytes).copied().collect::<Vec<u8>>()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.mp4");
        fs::write(&path, [of(false), of(true).repeat(TIMES)].concat()).unwrap();
        let samples = vector.track[0].samples * TIMES as u64;
        Self { _folder: folder, path, keys: vector.keys(), samples }
    }

    fn options(&self, setup: &Setup) -> DecryptOptions {
        setup.options(&self.path, &self.keys)
    }
}

/// Kind and bytes of each box of a file.
fn top_level(mut bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut boxes = Vec::new();
    while let Some((size, _)) = bytes.split_first_chunk() {
        let (this, rest) = bytes.split_at(u32::from_be_bytes(*size) as usize);
        boxes.push((&this[4..8], this));
        bytes = rest;
    }
    boxes
}

/// The bytes of the clear file, made without protection and without faults: read-backs have no part in it.
fn expected(long: &Long) -> Vec<u8> {
    let setup = Setup::new();
    let options = DecryptOptions { protection: Protection::Without, ..long.options(&setup) };
    run(&setup.driver(""), &options).unwrap();
    fs::read(setup.output()).unwrap()
}

#[test]
fn read_backs_give_the_same_file_as_clear_output() {
    let (long, setup) = (Long::new(), Setup::new());
    let report = run(&setup.driver(""), &long.options(&setup)).unwrap();
    assert_eq!(report.samples, long.samples);
    assert!(report.bytes > 4_000_000);
    assert!(fs::read(setup.output()).unwrap() == expected(&long));
}

#[test]
fn failures_of_the_driver_while_chunks_are_under_way_lose_and_repeat_nothing() {
    let long = Long::new();
    let expected = expected(&long);
    for (faults, restarts) in
        [("device-removed every=1009", 1000), ("key-lost every=301", 0), ("refresh-refused every=7", 0)]
    {
        let setup = Setup::new();
        let driver = setup.driver(&format!("faults.list={faults}"));
        let options = DecryptOptions { restarts, refresh_every: 5, ..long.options(&setup) };
        let report = run(&driver, &options).unwrap();
        let times: u64 = report.incidents.iter().map(|incident| incident.times).sum();
        assert!(times > 5, "{faults}: {times}");
        assert_eq!(report.samples, long.samples, "{faults}");
        assert!(fs::read(setup.output()).unwrap() == expected, "{faults}");
    }
}

#[test]
fn failure_of_the_driver_while_chunks_are_under_way_leaves_nothing() {
    let (long, setup) = (Long::new(), Setup::new());
    fs::write(setup.output(), "as it was").unwrap();
    let error = run(&setup.driver("faults.list=device-removed at=9000"), &long.options(&setup)).unwrap_err();
    let DecryptError::Path { sample: Some(sample), .. } = error else { panic!("{error}") };
    assert!(sample > 2000, "{sample}");
    assert_eq!(setup.files(), ["clear.mp4"]);
    assert_eq!(fs::read(setup.output()).unwrap(), b"as it was");
}

#[test]
fn input_that_is_cut_on_the_way_is_a_read_error_and_leaves_nothing() {
    let (long, setup) = (Long::new(), Setup::new());
    let len = fs::metadata(&long.path).unwrap().len();
    let mut is_cut = false;
    // Inside the last sample, when the first megabyte is done.
    let error = decrypt(&setup.driver(""), &long.options(&setup), &mut |progress| {
        if progress.bytes < len && !is_cut {
            OpenOptions::new().write(true).open(&long.path).unwrap().set_len(len - 3).unwrap();
            is_cut = true;
        }
    });
    let error = error.unwrap_err();
    assert!(is_cut);
    assert!(matches!(error, DecryptError::ReadInput { .. }), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn progress_counts_to_the_end_in_steps() {
    let (long, setup) = (Long::new(), Setup::new());
    let len = File::open(&long.path).unwrap().metadata().unwrap().len();
    let mut seen = Vec::new();
    decrypt(&setup.driver(""), &long.options(&setup), &mut |progress| seen.push(progress.bytes)).unwrap();
    assert!(seen.len() >= 4 && seen.is_sorted() && seen.last() == Some(&len), "{seen:?}");
}
