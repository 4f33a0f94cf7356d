//! One pass over a surface: which bytes are enciphered, which are copied, and the keystream that runs over the former.

use std::ops::Range;

use softcp_aes::{Alternation, Key, Keystream, Run, Workers};

use crate::error::{Error, Result};
use crate::iv::AesCtrIv;
use crate::surface::BlitSurfaces;

/// `D3D11_1DDI_ENCRYPTED_BLOCK_INFO`: which bytes of a partly encrypted surface are encrypted. All fields in bytes.
///
/// First `at_beginning` encrypted bytes, then to the end of the surface: `skip` clear, `encrypt` encrypted, and again.
/// `encrypt` 0: all after the beginning is clear. `skip` 0 with `encrypt` not 0: all after the beginning is encrypted
/// (D8). Clear bytes consume no keystream (D6); runs past the end of the surface are cut there (D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncryptedBlockInfo {
    /// `NumEncryptedBytesAtBeginning`.
    pub at_beginning: u32,
    /// `NumBytesInSkipPattern`.
    pub skip: u32,
    /// `NumBytesInEncryptPattern`.
    pub encrypt: u32,
}

impl EncryptedBlockInfo {
    /// Whether it leaves every byte clear (D8).
    pub(crate) fn is_clear(&self) -> bool {
        self.at_beginning == 0 && self.encrypt == 0
    }

    /// Checks every run against the block alignment in bytes (D7). A run cut by the end of the surface of
    /// `visible_bytes` may have any length.
    pub(crate) fn check(&self, alignment: u32, visible_bytes: usize) -> Result<()> {
        let check = |field, bytes: u32, start: u64| {
            let cut = start + u64::from(bytes) >= visible_bytes as u64;
            if bytes.is_multiple_of(alignment) || cut {
                Ok(())
            } else {
                Err(Error::UnalignedPattern { field, bytes, alignment })
            }
        };
        check("NumEncryptedBytesAtBeginning", self.at_beginning, 0)?;
        if self.encrypt != 0 {
            let (begin, skip) = (u64::from(self.at_beginning), u64::from(self.skip));
            check("NumBytesInSkipPattern", self.skip, begin)?;
            check("NumBytesInEncryptPattern", self.encrypt, begin + skip)?;
        }
        Ok(())
    }
}

/// One subsample of a Common Encryption sample: clear bytes, then encrypted ones (ISO/IEC 23001-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subsample {
    /// `ClearSize` in bytes.
    pub clear: u32,
    /// `EncryptedSize` in bytes.
    pub encrypted: u32,
}

/// Which bytes of a surface are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encrypted<'a> {
    /// All.
    All,
    /// Those of a pattern.
    Pattern(EncryptedBlockInfo),
    /// Those of subsamples, which cover the surface exactly. Clear bytes consume no keystream (D6).
    Subsamples(&'a [Subsample]),
}

impl Encrypted<'_> {
    /// Checks a pattern's runs (D7), or that subsamples cover `surfaces` exactly.
    pub(crate) fn check(&self, alignment: u32, surfaces: &BlitSurfaces<'_>) -> Result<()> {
        match self {
            Self::All => Ok(()),
            _ => self.check_bytes(alignment, surfaces.visible_bytes()),
        }
    }

    /// As [`Self::check`], for so many bytes.
    fn check_bytes(&self, alignment: u32, visible_bytes: usize) -> Result<()> {
        match self {
            Self::All => Ok(()),
            Self::Pattern(info) => info.check(alignment, visible_bytes),
            Self::Subsamples(subsamples) => {
                // Two 32-bit numbers for each of at most 2^32 subsamples: no sum leaves 128 bits.
                let covered = subsamples.iter().map(|s| u128::from(s.clear) + u128::from(s.encrypted)).sum::<u128>();
                if covered == visible_bytes as u128 {
                    Ok(())
                } else {
                    Err(Error::SubsamplesMismatch { covered, bytes: visible_bytes })
                }
            }
        }
    }
}

/// Enciphers and copies the visible bytes of `surfaces` from source to destination. The caller has checked that both
/// sides agree and that what is encrypted fits them. Large surfaces that are wholly encrypted have the help of `workers`.
pub(crate) fn run(
    surfaces: &mut BlitSurfaces<'_>,
    encrypted: Encrypted<'_>,
    key: &Key,
    iv: AesCtrIv,
    workers: &Workers,
) {
    match encrypted {
        Encrypted::All => run_over_all(surfaces, key, iv, workers),
        Encrypted::Pattern(info) => {
            let bytes = surfaces.visible_bytes();
            match Alternation::new(info.at_beginning, info.skip, info.encrypt, bytes) {
                Some(alternation) => run_over_blocks(surfaces, alternation, key, iv),
                None => run_over(surfaces, &Runs::new(info, bytes), key, iv),
            }
        }
        Encrypted::Subsamples(subsamples) => run_over(surfaces, &subsample_runs(subsamples), key, iv),
    }
}

/// As [`run_over`], where there are no runs to look for.
fn run_over_all(surfaces: &mut BlitSurfaces<'_>, key: &Key, iv: AesCtrIv, workers: &Workers) {
    let mut keystream =
        Keystream::new(key, iv.to_bytes()).with_total_len(surfaces.visible_bytes()).with_workers(workers);
    match surfaces {
        BlitSurfaces::Distinct { source, destination } => {
            for (from, to) in source.planes().iter().zip(destination.planes_mut()) {
                keystream.copy(from, to, 0..from.visible_bytes()).expect("source and destination agree");
            }
        }
        BlitSurfaces::Same(surface) => {
            for plane in surface.planes_mut() {
                let all = 0..plane.visible_bytes();
                keystream.in_place(plane, all).expect("all of a plane lies inside");
            }
        }
    }
}

/// As [`run_over`], where all runs are whole blocks.
fn run_over_blocks(surfaces: &mut BlitSurfaces<'_>, alternation: Alternation, key: &Key, iv: AesCtrIv) {
    let mut keystream = Keystream::new(key, iv.to_bytes());
    match surfaces {
        BlitSurfaces::Distinct { source, destination } => {
            keystream.copy_alternation(source.planes(), destination.planes_mut(), alternation)
        }
        BlitSurfaces::Same(surface) => keystream.in_place_alternation(surface.planes_mut(), alternation),
    }
    .expect("source and destination agree, and the pattern is for their bytes");
}

fn run_over(surfaces: &mut BlitSurfaces<'_>, runs: &(impl Iterator<Item = Run> + Clone), key: &Key, iv: AesCtrIv) {
    let mut keystream = Keystream::new(key, iv.to_bytes()).with_total_len(surfaces.visible_bytes());
    let mut start = 0;
    match surfaces {
        BlitSurfaces::Distinct { source, destination } => {
            for (from, to) in source.planes().iter().zip(destination.planes_mut()) {
                let plane = start..start + from.visible_bytes();
                start = plane.end;
                let inside = "source and destination agree and the runs lie inside";
                keystream.copy_runs(from, to, within(runs, &plane)).expect(inside);
            }
        }
        BlitSurfaces::Same(surface) => {
            for to in surface.planes_mut() {
                let plane = start..start + to.visible_bytes();
                start = plane.end;
                keystream.in_place_runs(to, within(runs, &plane)).expect("the runs lie inside");
            }
        }
    }
}

/// The runs of a surface in order, none empty, none past its end: an encrypted beginning, then clear and encrypted in
/// turn.
#[derive(Clone)]
struct Runs {
    beginning: usize,
    skip: usize,
    encrypt: usize,
    next: Next,
    at: usize,
    total: usize,
}

#[derive(Clone, Copy)]
enum Next {
    Beginning,
    Skip,
    Encrypt,
}

impl Runs {
    /// Brings the special cases of D8 into the form of the general one: a clear rest is one long skip, an encrypted
    /// rest one long beginning.
    fn new(info: EncryptedBlockInfo, total: usize) -> Self {
        let (beginning, skip, encrypt) = match info {
            EncryptedBlockInfo { skip: 0, encrypt: 1.., .. } => (total, total, total),
            EncryptedBlockInfo { at_beginning, encrypt: 0, .. } => (at_beginning as usize, total, total),
            info => (info.at_beginning as usize, info.skip as usize, info.encrypt as usize),
        };
        Self { beginning, skip, encrypt, next: Next::Beginning, at: 0, total }
    }
}

/// The runs of the plane that holds the surface's bytes `plane`, counted from its beginning.
fn within<R: Iterator<Item = Run> + Clone>(
    runs: &R,
    plane: &Range<usize>,
) -> impl Iterator<Item = Run> + Clone + use<R> {
    let plane = plane.clone();
    let local = move |at: usize| at.clamp(plane.start, plane.end) - plane.start;
    runs.clone().map(move |Run { range, encrypted }| Run { range: local(range.start)..local(range.end), encrypted })
}

/// The runs of subsamples that have been checked to cover a surface.
fn subsample_runs(subsamples: &[Subsample]) -> impl Iterator<Item = Run> + Clone {
    // By number: handing on arrays of two costs more than enciphering a block.
    let lengths = (0..2 * subsamples.len()).map(|i| match (subsamples[i / 2], i % 2) {
        (subsample, 0) => (subsample.clear as usize, false),
        (subsample, _) => (subsample.encrypted as usize, true),
    });
    lengths.scan(0, |at, (length, encrypted)| {
        let range = *at..*at + length;
        *at = range.end;
        Some(Run { range, encrypted })
    })
}

impl Iterator for Runs {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        while self.at < self.total {
            let (length, encrypted, next) = match self.next {
                Next::Beginning => (self.beginning, true, Next::Skip),
                Next::Skip => (self.skip, false, Next::Encrypt),
                Next::Encrypt => (self.encrypt, true, Next::Skip),
            };
            self.next = next;
            if length != 0 {
                let range = self.at..self.at + length.min(self.total - self.at);
                self.at = range.end;
                return Some(Run { range, encrypted });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(at_beginning: u32, skip: u32, encrypt: u32, total: usize) -> Vec<(Range<usize>, bool)> {
        let info = EncryptedBlockInfo { at_beginning, skip, encrypt };
        Runs::new(info, total).map(|run| (run.range, run.encrypted)).collect()
    }

    #[test]
    fn subsamples_are_clear_and_encrypted_in_turn() {
        let subsamples = [Subsample { clear: 3, encrypted: 5 }, Subsample { clear: 0, encrypted: 2 }];
        let runs: Vec<_> = subsample_runs(&subsamples).map(|run| (run.range, run.encrypted)).collect();
        assert_eq!(runs, [(0..3, false), (3..8, true), (8..8, false), (8..10, true)]);
    }

    #[test]
    fn subsamples_must_cover_the_surface_exactly() {
        let huge = Subsample { clear: u32::MAX, encrypted: u32::MAX };
        let small = Subsample { clear: 3, encrypted: 5 };
        assert!(Encrypted::Subsamples(&[small, small]).check_bytes(16, 16).is_ok());
        assert!(Encrypted::Subsamples(&[]).check_bytes(16, 0).is_ok());
        for (subsamples, bytes) in [(&[small][..], 9), (&[small], 7), (&[], 1), (&[huge, huge], 16)] {
            let error = Encrypted::Subsamples(subsamples).check_bytes(1, bytes).unwrap_err();
            assert!(matches!(error, Error::SubsamplesMismatch { bytes: given, .. } if given == bytes));
        }
    }

    #[test]
    fn pattern_repeats_to_the_end_and_is_cut_there() {
        assert_eq!(
            runs(3, 2, 4, 17),
            [(0..3, true), (3..5, false), (5..9, true), (9..11, false), (11..15, true), (15..17, false)]
        );
    }

    #[test]
    fn pattern_without_beginning_starts_clear() {
        assert_eq!(runs(0, 2, 4, 7), [(0..2, false), (2..6, true), (6..7, false)]);
    }

    #[test]
    fn both_pattern_fields_zero_leave_the_rest_clear() {
        assert_eq!(runs(5, 0, 0, 9), [(0..5, true), (5..9, false)]);
        assert_eq!(runs(0, 0, 0, 9), [(0..9, false)]);
    }

    #[test]
    fn skip_without_encrypt_leaves_the_rest_clear() {
        assert_eq!(runs(4, 2, 0, 9), [(0..4, true), (4..9, false)]);
    }

    #[test]
    fn encrypt_without_skip_encrypts_everything() {
        assert_eq!(runs(4, 0, 2, 9), [(0..9, true)]);
        assert_eq!(runs(0, 0, 2, 9), [(0..9, true)]);
    }

    #[test]
    fn beginning_past_the_end_is_cut() {
        assert_eq!(runs(100, 1, 1, 9), [(0..9, true)]);
    }

    #[test]
    fn empty_surface_has_no_runs() {
        assert_eq!(runs(1, 1, 1, 0), []);
    }

    #[test]
    fn unaligned_run_is_refused_unless_cut_by_the_end() {
        let check =
            |at_beginning, skip, encrypt, bytes| EncryptedBlockInfo { at_beginning, skip, encrypt }.check(16, bytes);
        assert!(check(32, 16, 16, 1000).is_ok());
        assert!(check(1000, 0, 0, 1000).is_ok());
        assert!(check(16, 7, 0, 1000).is_ok(), "skip is not used when encrypt is 0 (D8)");
        assert!(matches!(check(20, 0, 0, 1000), Err(Error::UnalignedPattern { bytes: 20, alignment: 16, .. })));
        assert!(matches!(check(16, 8, 16, 1000), Err(Error::UnalignedPattern { bytes: 8, .. })));
        assert!(matches!(check(16, 16, 8, 1000), Err(Error::UnalignedPattern { bytes: 8, .. })));
        assert!(check(16, 16, 8, 40).is_ok());
    }
}
