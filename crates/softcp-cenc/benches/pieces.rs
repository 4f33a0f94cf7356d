//! Time per sample of taking a file to pieces: `cargo bench -p softcp-cenc`. Medians of rounds; the samples' bytes are not
//! read, so the figures are what this crate adds to each sample.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is run by hand and says what it finds")]

use std::io::Cursor;
use std::time::Instant;

use softcp_cenc::{Movie, Piece, Selection};

use support::{DATA, Trak, bx, cenc_entry, fragment, ftyp, full, initialization, moov, tfhd, trun, words};

#[path = "../tests/support/mod.rs"]
mod support;

const SAMPLES: u32 = 36_000;
const ROUNDS: usize = 15;
/// Bytes of a sample: a little more than its auxiliary information, so that most of the file is media data.
const LEN: u32 = 64;

/// `senc` with eight-byte vectors and two subsamples for each sample.
fn senc_with_subsamples(count: u32) -> Vec<u8> {
    let entry = [[7; 8].as_slice(), &[0, 2, 0, 16, 0, 0, 0, 16, 0, 16, 0, 0, 0, 16]].concat();
    full(b"senc", 0, 2, &[&words(&[count]), &entry.repeat(count as usize)])
}

/// One track, thirty samples to a chunk.
fn plain() -> Vec<u8> {
    let sizes = vec![LEN; SAMPLES as usize];
    let mut track = Trak::new(1, cenc_entry(), &sizes, 0).with_stbl(&[senc_with_subsamples(SAMPLES)]);
    track.stsc = vec![[1, 30, 1]];
    track.chunks = (0..SAMPLES / 30).map(|chunk| DATA + chunk * 30 * LEN).collect();
    let data = vec![0; (SAMPLES * LEN) as usize];
    [ftyp(), bx(b"mdat", &[&data]), moov(&[track], &[])].concat()
}

/// One track, thirty samples to a fragment.
fn fragmented() -> Vec<u8> {
    let one =
        fragment(30 * LEN as usize, |moof| vec![vec![tfhd(1), trun(moof + 8, &[LEN; 30]), senc_with_subsamples(30)]]);
    [initialization(), one.repeat(SAMPLES as usize / 30)].concat()
}

fn main() {
    for (name, file) in [("plain", plain()), ("fragmented", fragmented())] {
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let pieces = Movie::open(Cursor::new(&file)).unwrap().into_pieces(&Selection::All).unwrap();
                let samples = pieces.filter(|piece| matches!(piece, Ok(Piece::Sample(_)))).count();
                assert_eq!(samples, SAMPLES as usize);
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{name:>10}: {:4} ns per sample", times[ROUNDS / 2].as_nanos() / u128::from(SAMPLES));
    }
}
