//! Real files by other makers, against what is known of them: `tests/vectors/cenc/` of the repository.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, KeyInit, KeyIvInit, StreamCipher};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use softcp_cenc::{Error, KeyId, Sample, SampleEncryption, Scheme, Selection, Track};

use support::{open, take_apart};

mod support;

#[derive(Deserialize)]
struct Manifest {
    file: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "file")]
    name: String,
    outcome: String,
    scheme: String,
    layout: String,
    track: Vec<TrackFacts>,
}

#[derive(Deserialize)]
struct TrackFacts {
    id: u32,
    kind: String,
    /// Where it is not the file's.
    scheme: Option<String>,
    entries: Vec<String>,
    keys: Vec<String>,
    iv_size: Option<u8>,
    pattern: Option<String>,
    samples: usize,
    protected_samples: usize,
    subsamples: usize,
    sha256: String,
    stored_sha256: String,
}

#[derive(Deserialize)]
struct HostileManifest {
    file: Vec<HostileFile>,
}

#[derive(Deserialize)]
struct HostileFile {
    #[serde(rename = "file")]
    name: String,
    expect: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/cenc")
}

fn manifest<M: for<'a> Deserialize<'a>>(name: &str) -> M {
    toml::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

fn bytes_of_hex(hex: &str) -> [u8; 16] {
    u128::from_str_radix(hex, 16).unwrap().to_be_bytes()
}

fn keys(track: &TrackFacts) -> HashMap<KeyId, [u8; 16]> {
    let pairs = track.keys.iter().map(|pair| pair.split_once(':').unwrap());
    pairs.map(|(kid, key)| (bytes_of_hex(kid), bytes_of_hex(key))).collect()
}

/// The samples of a track in decoding order.
fn of_track(samples: &[Sample], track_id: u32) -> Vec<&Sample> {
    let mut samples: Vec<_> = samples.iter().filter(|sample| sample.track_id == track_id).collect();
    samples.sort_by_key(|sample| sample.index);
    assert!(samples.iter().zip(0..).all(|(sample, number)| sample.index == number));
    samples
}

/// SHA-256 of the samples one after another, each changed by `change`.
fn hash(file: &[u8], samples: &[&Sample], change: impl Fn(&Sample, &mut [u8])) -> String {
    let mut hash = Sha256::new();
    for sample in samples {
        let start = usize::try_from(sample.offset).unwrap();
        let mut bytes = file[start..start + sample.len as usize].to_vec();
        change(sample, &mut bytes);
        hash.update(&bytes);
    }
    hash.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Decrypts one sample in place.
fn decrypt(sample: &Sample, keys: &HashMap<KeyId, [u8; 16]>, bytes: &mut [u8]) {
    let Some(encryption) = &sample.encryption else { return };
    let key = keys.get(&encryption.kid).expect("a key for each sample");
    match encryption.scheme {
        Scheme::Cenc | Scheme::Cens => {
            // A counter of 64 bits that wraps without a carry.
            let mut cipher = ctr::Ctr64BE::<Aes128>::new(&(*key).into(), &encryption.iv.into());
            for run in encryption.encrypted_runs(sample.len) {
                cipher.apply_keystream(&mut bytes[run]);
            }
        }
        Scheme::Cbc1 | Scheme::Cbcs => decrypt_cbc(encryption, key, bytes),
        other => panic!("no cipher for {other}"),
    }
}

/// Cipher block chaining: `cbc1` chains over the whole sample, `cbcs` begins anew with each subsample.
fn decrypt_cbc(encryption: &SampleEncryption, key: &[u8; 16], bytes: &mut [u8]) {
    let cipher = Aes128::new(&(*key).into());
    let len = u32::try_from(bytes.len()).unwrap();
    let starts: Vec<_> = encryption.ranges(len).map(|range| range.start).collect();
    let mut previous = encryption.iv;
    for run in encryption.encrypted_runs(len) {
        if encryption.scheme == Scheme::Cbcs && starts.contains(&run.start) {
            previous = encryption.iv;
        }
        assert_eq!(run.len() % 16, 0);
        for block in bytes[run].as_chunks_mut::<16>().0 {
            let stored = *block;
            let mut clear: Array<u8, _> = stored.into();
            cipher.decrypt_block(&mut clear);
            for ((byte, clear), previous) in block.iter_mut().zip(clear).zip(previous) {
                *byte = clear ^ previous;
            }
            previous = stored;
        }
    }
}

fn check_track(file: &File, facts: &TrackFacts, track: &Track, samples: &[&Sample]) {
    let name = format!("{} track {}", file.name, facts.id);
    let handler = if facts.kind == "video" { "vide" } else { "soun" };
    assert_eq!(track.handler().to_string(), handler, "{name}");
    assert_eq!(track.sample_entries().len(), facts.entries.len(), "{name}");
    for (entry, kind) in track.sample_entries().iter().zip(&facts.entries) {
        assert_eq!(entry.protection.is_some(), kind.starts_with("enc"), "{name}");
        assert!(!entry.codec.to_string().starts_with("enc"), "{name}");
    }
    assert_eq!(samples.len(), facts.samples, "{name}");
    assert!(track.sample_count().is_none_or(|count| count == facts.samples as u64), "{name}");
    if file.outcome == "unknown-scheme" {
        return;
    }
    let protected = samples.iter().filter(|sample| sample.encryption.is_some()).count();
    assert_eq!(protected, facts.protected_samples, "{name}");
    let subsamples: usize =
        samples.iter().filter_map(|sample| sample.encryption.as_ref()).map(|it| it.subsamples.len()).sum();
    assert_eq!(subsamples, facts.subsamples, "{name}");
    if let Some(protection) = track.protection() {
        assert_eq!(protection.scheme.to_string(), *facts.scheme.as_ref().unwrap_or(&file.scheme), "{name}");
        let default = protection.protected_by_default;
        let rotates = protection.default_kid == Some(KeyId::default());
        let has_size = facts.iv_size.is_none_or(|size| size == protection.iv_size || protected == 0);
        assert!(!default || rotates || has_size, "{name}");
        let pattern = protection.pattern.map(|pattern| format!("{}:{}", pattern.crypt_blocks, pattern.skip_blocks));
        assert_eq!(pattern, facts.pattern, "{name}");
    } else {
        assert!(facts.keys.is_empty(), "{name}");
    }
}

#[test]
fn real_files_decrypt_to_the_samples_of_their_clear_files() {
    let manifest: Manifest = manifest("manifest.toml");
    assert!(manifest.file.len() > 130);
    for file in &manifest.file {
        let bytes = fs::read(folder().join(&file.name)).unwrap();
        let movie = open(&bytes).unwrap();
        assert_eq!(movie.is_fragmented(), file.layout == "fragmented", "{}", file.name);
        let (samples, output) =
            take_apart(&bytes, &Selection::All).unwrap_or_else(|error| panic!("{}: {error}", file.name));
        let clear = open(&output).unwrap();
        for facts in &file.track {
            let name = format!("{} track {}", file.name, facts.id);
            let track = movie.tracks().iter().find(|track| track.id() == facts.id).unwrap();
            let samples = of_track(&samples, facts.id);
            check_track(file, facts, track, &samples);
            assert_eq!(hash(&bytes, &samples, |_, _| {}), facts.stored_sha256, "{name}");
            if file.outcome == "decrypts" {
                let keys = keys(facts);
                assert_eq!(hash(&bytes, &samples, |sample, it| decrypt(sample, &keys, it)), facts.sha256, "{name}");
            }
            let clear = clear.tracks().iter().find(|track| track.id() == facts.id).unwrap();
            assert!(clear.protection().is_none(), "{name}");
            assert_eq!(clear.codec(), track.codec(), "{name}");
        }
    }
}

#[test]
fn fragments_of_gpac_with_wrong_saio_decrypt_by_their_senc() {
    let manifest: Manifest = manifest("manifest.toml");
    let file = manifest.file.iter().find(|file| file.name == "gpac-cenc-frag-saio-off.mp4").unwrap();
    let bytes = fs::read(folder().join(&file.name)).unwrap();
    let (samples, _) = take_apart(&bytes, &Selection::All).unwrap();
    for facts in &file.track {
        let keys = keys(facts);
        let samples = of_track(&samples, facts.id);
        assert_eq!(hash(&bytes, &samples, |sample, it| decrypt(sample, &keys, it)), facts.sha256);
    }
}

/// What the reader makes of a file: an error, or whether the keys of the good files open it to something.
fn outcome(bytes: &[u8], known: &HashMap<KeyId, [u8; 16]>) -> Result<bool, Error> {
    let (samples, _) = take_apart(bytes, &Selection::All)?;
    Ok(samples.iter().filter_map(|sample| sample.encryption.as_ref()).all(|it| known.contains_key(&it.kid)))
}

#[test]
fn hostile_files_are_refused_or_give_the_clear_samples() {
    let good: Manifest = manifest("manifest.toml");
    let known: HashMap<_, _> = good.file.iter().flat_map(|file| &file.track).flat_map(keys).collect();
    let manifest: HostileManifest = manifest("hostile/manifest.toml");
    assert!(manifest.file.len() > 80);
    let mut messages = Vec::new();
    for file in &manifest.file {
        let bytes = fs::read(folder().join("hostile").join(&file.name)).unwrap();
        let result = outcome(&bytes, &known);
        match (file.expect.as_str(), &result) {
            // An unknown key, `Ok(false)`, is no fault of the file: to refuse it is up to whoever has the keys.
            ("error", Ok(true)) => panic!("{} is read", file.name),
            ("altered", Err(error)) => panic!("{}: {error}", file.name),
            _ => {}
        }
        if let Err(error) = result {
            messages.push(format!("{}: {error}", file.name));
        }
    }
    // Every message says which box or sample, or which file.
    for message in messages {
        assert!(
            ["box at offset", "bytes at offset", "track ", "no moov", "not an MP4", "the file is empty"]
                .iter()
                .any(|place| message.contains(place)),
            "{message}"
        );
    }
}
