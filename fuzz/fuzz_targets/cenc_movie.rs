//! Takes any bytes to pieces as an MP4 file: no panic, the pieces cover the file, and what comes out is a clear file with
//! the same samples in the same places.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use softcp_cenc::{Error, Movie, Piece, Sample, Selection};

/// The samples, and the file as rewritten.
fn take_apart(file: &[u8], selection: &Selection) -> Result<(Vec<Sample>, Vec<u8>), Error> {
    let mut samples = Vec::new();
    let mut output = Vec::new();
    for piece in Movie::open(Cursor::new(file))?.into_pieces(selection)? {
        let piece = piece?;
        assert!(piece.is_empty() || piece.offset() == output.len() as u64, "{piece:?} at {}", output.len());
        let end = output.len() + usize::try_from(piece.len()).expect("a piece is part of the file");
        assert!(end <= file.len(), "{piece:?} in {} bytes", file.len());
        match piece {
            Piece::Rewritten { bytes, .. } => output.extend(bytes),
            Piece::Copy { .. } => output.extend(&file[output.len()..end]),
            Piece::Sample(sample) => {
                output.extend(&file[output.len()..end]);
                check_ranges(&sample);
                samples.push(sample);
            }
        }
    }
    assert_eq!(output.len(), file.len());
    assert!(samples.len() <= file.len());
    Ok((samples, output))
}

/// Encrypted runs are in order, within the protected ranges, and those within the sample.
fn check_ranges(sample: &Sample) {
    let Some(encryption) = &sample.encryption else { return };
    let mut end = 0;
    for range in encryption.ranges(sample.len) {
        assert!(range.start >= end && range.end > range.start && range.end <= sample.len as usize);
        end = range.end;
    }
    let mut ranges = encryption.ranges(sample.len);
    let mut range = 0..0;
    for run in encryption.encrypted_runs(sample.len) {
        while run.start >= range.end {
            range = ranges.next().expect("a run lies in a range");
        }
        assert!(run.start >= range.start && run.end > run.start && run.end <= range.end);
    }
}

fn places(samples: &[Sample]) -> impl Iterator<Item = (u32, u64, u64, u32)> {
    samples.iter().map(|sample| (sample.track_id, sample.index, sample.offset, sample.len))
}

fuzz_target!(|file: &[u8]| {
    // One track by itself goes other ways than all of them.
    let first = Movie::open(Cursor::new(file)).ok().map(|movie| Selection::Tracks(vec![movie.tracks()[0].id()]));
    for selection in [Some(Selection::All), first].into_iter().flatten() {
        let Ok((samples, output)) = take_apart(file, &selection) else { continue };
        let (again, same) = take_apart(&output, &selection).expect("a rewritten file is a good file");
        assert!(places(&samples).eq(places(&again)));
        assert!(again.iter().all(|sample| sample.encryption.is_none()));
        assert_eq!(output, same);
    }
});
