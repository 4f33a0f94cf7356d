//! Damaged files of every kind: no panic, no endless work, and whatever comes out covers the file.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use softcp_cenc::{Error, Options, Piece, Selection};

use crate::support::*;

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds);

/// Files that between them have every box that is read.
fn seeds() -> Vec<Vec<u8>> {
    let located = [full(b"saiz", 0, 0, &[&[8, 0, 0, 0, 2]]), list(b"saio", 1, &[DATA + 8])];
    let group = full(b"sgpd", 1, 0, &[b"seig", &words(&[20, 1]), &[0, 0, 1, 8], &[7; 16]]);
    let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[1, 1, 1])]);
    let audio = protected_entry(b"enca", b"cens", &tenc(1, 0x19, 16, &[]));
    let constant = protected_entry(b"encv", b"cbcs", &tenc(1, 0x19, 0, &[&[16][..], &[5; 16]].concat()));
    let parts = full(b"senc", 0, 2, &[&words(&[1]), &[9; 16], &[0, 1, 0, 1, 0, 0, 0, 3]]);
    let track = |id, entry, at| {
        let mut track = Trak::new(id, entry, &[4, 4], 0);
        track.stsc = vec![[1, 1, 1]];
        track.chunks = vec![at, at + 8];
        track
    };
    let local = full(b"sbgp", 0, 0, &[b"seig", &words(&[1, 1, 0x1_0001])]);
    vec![
        progressive(
            16,
            &[track(1, cenc_entry(), DATA).with_stbl(&[senc(2), group.clone(), sbgp]), track(2, constant, DATA + 4)],
            &[full(b"pssh", 0, 0, &[&[1; 20]])],
        ),
        progressive(
            40,
            &[
                track(1, cenc_entry(), DATA).with_stbl(&located),
                Trak::new(2, audio, &[4], DATA + 24).with_stbl(&[parts]),
                Trak::new(3, clear_entry(b"mp4a", &[]), &[2, 2], DATA + 32),
            ],
            &[],
        ),
        [
            initialization(),
            fragment(12, |moof| {
                vec![
                    vec![tfhd(1), trun(moof + 8, &[2, 2]), trun(moof + 12, &[2]), senc(3)],
                    vec![
                        full(b"tfhd", 0, 0, &[&words(&[1])]),
                        full(b"trun", 0, 0x200, &[&words(&[1, 2])]),
                        senc(1),
                        group.clone(),
                        local.clone(),
                    ],
                ]
            }),
            fragment(4, |moof| vec![vec![tfhd(1), trun(moof + 8, &[4]), senc(1)]]),
        ]
        .concat(),
    ]
}

/// What happens to a file: a byte changed, a 32-bit number replaced, a part cut out or doubled, the end cut off.
#[derive(Clone, Debug)]
enum Damage {
    Byte(usize, u8),
    Number(usize, u32),
    Cut(usize, usize),
    Double(usize, usize),
    End(usize),
}

impl Damage {
    fn apply(&self, file: &mut Vec<u8>) {
        let len = file.len().max(1);
        match *self {
            Self::Byte(at, value) => {
                if let Some(byte) = file.get_mut(at % len) {
                    *byte = value;
                }
            }
            Self::Number(at, value) => {
                if let Some(number) = file.get_mut(at % len..at % len + 4) {
                    number.copy_from_slice(&value.to_be_bytes());
                }
            }
            Self::Cut(at, count) => {
                let start = (at % len).min(file.len());
                file.drain(start..(start + count).min(file.len()));
            }
            Self::Double(at, count) => {
                let start = (at % len).min(file.len());
                let part = file[start..(start + count).min(file.len())].to_vec();
                file.splice(start..start, part);
            }
            Self::End(at) => file.truncate(at % len),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let number = prop_oneof![0..40u32, Just(u32::MAX), Just(1 << 31), Just(0x7fff_ffff), any::<u32>()];
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Damage::Byte(at, value)),
        4 => (any::<usize>(), number).prop_map(|(at, value)| Damage::Number(at, value)),
        1 => (any::<usize>(), 1..64usize).prop_map(|(at, count)| Damage::Cut(at, count)),
        1 => (any::<usize>(), 1..64usize).prop_map(|(at, count)| Damage::Double(at, count)),
        1 => any::<usize>().prop_map(Damage::End),
    ]
}

/// Reads a file as far as it goes: what comes out is no longer than the file, and has the same samples.
fn check_partial(file: &[u8]) {
    let options = || Options { partial: true, ..Options::new(Selection::Protected) };
    let read = |file: &[u8], options| -> Result<_, Error> {
        let mut pieces = open(file)?.into_pieces_with(options)?;
        let (mut samples, mut output) = (Vec::new(), Vec::new());
        while let Some(piece) = pieces.next_piece()? {
            let end = output.len() + usize::try_from(piece.len()).unwrap();
            match piece {
                Piece::Rewritten { bytes, .. } => output.extend(bytes),
                piece => {
                    output.extend(&file[output.len()..end]);
                    if let Piece::Sample(sample) = piece {
                        samples.push(sample);
                    }
                }
            }
        }
        Ok((samples, output))
    };
    let Ok((samples, output)) = read(file, options()) else { return };
    assert!(output.len() <= file.len());
    assert!(
        samples.iter().all(|sample| sample.len == 0 || sample.offset + u64::from(sample.len) <= output.len() as u64)
    );
}

/// Takes a file to pieces, if it is one. That the pieces cover the file, as far as they go, is checked on the way.
fn check(file: &[u8], selection: &Selection) {
    check_partial(file);
    let Ok((samples, output)) = take_apart(file, selection) else { return };
    assert!(samples.len() <= file.len());
    for sample in &samples {
        let Some(encryption) = &sample.encryption else { continue };
        let mut end = 0;
        for run in encryption.encrypted_runs(sample.len) {
            assert!(run.start >= end && run.end <= sample.len as usize && !run.is_empty());
            end = run.end;
        }
    }
    // A clear file has the same samples in the same places.
    let (again, same) = take_apart(&output, selection).expect("a rewritten file is a good file");
    assert_eq!(places(&again), places(&samples));
    assert!(again.iter().all(|sample| sample.encryption.is_none()));
    assert_eq!(same, output);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_file_is_read_or_refused(
        seed in 0..3usize,
        damage in prop::collection::vec(damage(), 1..6),
        selection in prop_oneof![Just(Selection::All), Just(Selection::Tracks(vec![1]))],
    ) {
        let mut file = SEEDS[seed].clone();
        for damage in &damage {
            damage.apply(&mut file);
        }
        check(&file, &selection);
    }
}

#[test]
fn files_of_the_fuzzer_are_read_or_refused() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/cenc_movie");
    let mut count = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let file = fs::read(entry.unwrap().path()).unwrap();
        check(&file, &Selection::All);
        check(&file, &Selection::Tracks(vec![1]));
        count += 1;
    }
    assert!(count > 100);
}

#[test]
fn every_prefix_of_a_file_is_refused() {
    for file in &*SEEDS {
        for len in 0..file.len() {
            let cut = &file[..len];
            match samples(cut) {
                Err(_) => {}
                // A file with fragments is whole at the end of each of its boxes, as long as no sample is missing.
                Ok(samples) => {
                    assert!(samples.iter().all(|sample| sample.offset + u64::from(sample.len) <= len as u64));
                }
            }
        }
    }
}

#[test]
fn seeds_are_good_files() {
    for file in &*SEEDS {
        assert!(samples(file).unwrap().len() >= 4);
    }
}
