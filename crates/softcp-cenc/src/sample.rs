//! One sample: where it lies, how it is encrypted, and which of its bytes are.

use core::ops::Range;
use core::slice;

use crate::{KeyId, Pattern, Scheme};

/// The block of AES, the unit of patterns.
const BLOCK: usize = 16;

/// A sample: the unit that is decrypted and decoded (a frame of video, a packet of audio).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The track it belongs to.
    pub track_id: u32,
    /// Its number within the track, from 0, in decoding order.
    pub index: u64,
    /// Where in the file its first byte lies.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u32,
    /// How it is encrypted; `None` if it is clear.
    pub encryption: Option<SampleEncryption>,
}

/// How one sample is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleEncryption {
    /// The scheme.
    pub scheme: Scheme,
    /// The key: the track's default, or that of the sample's group.
    pub kid: KeyId,
    /// The initialization vector. One of eight bytes is the upper half, and the lower half is zero: with AES-CTR the
    /// vector is the first counter block as it lies in memory (ISO/IEC 23001-7, 9.3).
    pub iv: [u8; 16],
    /// The pattern within each protected range; `None` if all of it is encrypted, and in schemes without patterns.
    pub pattern: Option<Pattern>,
    /// Clear and protected bytes by turns, together the whole sample; empty if all of it is protected. Where they cover
    /// less than the sample, the rest is clear.
    pub subsamples: Vec<Subsample>,
    /// Whether a sample of `cens` without subsamples is encrypted to its last byte. The standard leaves the last partial
    /// block clear; GPAC and Bento4 encrypt it.
    pub encrypted_tail: bool,
}

/// A part of a sample: first clear bytes, then protected ones (ISO/IEC 23001-7, 9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subsample {
    /// Clear bytes.
    pub clear: u16,
    /// Protected bytes after them.
    pub protected: u32,
}

impl SampleEncryption {
    /// The protected ranges of a sample of `len` bytes, in order and not empty: the whole sample, or what the
    /// subsamples protect. The pattern, if there is one, begins anew in each and applies to all of it.
    ///
    /// In every scheme but `cenc` a range ends at its last whole block: the up to 15 bytes after that are clear
    /// (ISO/IEC 23001-7, 9.6 and 9.7; so does Shaka Packager, in patterns and in the whole samples of `cens` audio).
    /// With that cut, taking crypt and skip runs by turns until the range ends gives exactly the encrypted bytes,
    /// even where the last crypt run is incomplete.
    ///
    /// The keystream of AES-CTR goes on from range to range, byte by byte in `cenc`, over the encrypted bytes only.
    #[must_use]
    pub fn ranges(&self, len: u32) -> Ranges<'_> {
        Ranges {
            whole: self.subsamples.is_empty(),
            subsamples: self.subsamples.iter(),
            position: 0,
            len: len as usize,
            whole_block: self.scheme.is_whole_block() && !self.encrypted_tail,
        }
    }

    /// The encrypted bytes of a sample of `len` bytes: the [`ranges`](Self::ranges) with the pattern applied.
    #[must_use]
    pub fn encrypted_runs(&self, len: u32) -> EncryptedRuns<'_> {
        let blocks = |blocks: u8| usize::from(blocks) * BLOCK;
        EncryptedRuns {
            ranges: self.ranges(len),
            current: 0..0,
            pattern: self.pattern.map(|pattern| (blocks(pattern.crypt_blocks), blocks(pattern.skip_blocks))),
        }
    }
}

/// Iterator of [`SampleEncryption::ranges`]: positions within the sample.
#[derive(Clone, Debug)]
pub struct Ranges<'a> {
    /// The sample has no subsamples, and its only range is still to come.
    whole: bool,
    subsamples: slice::Iter<'a, Subsample>,
    position: usize,
    len: usize,
    whole_block: bool,
}

impl Ranges<'_> {
    /// The next `len` bytes as far as they are there and encrypted.
    fn take(&mut self, len: usize) -> Range<usize> {
        let start = self.position;
        self.position = start.saturating_add(len).min(self.len);
        let len = self.position - start;
        start..start + if self.whole_block { len - len % BLOCK } else { len }
    }
}

impl Iterator for Ranges<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.whole {
            self.whole = false;
            return Some(self.take(self.len)).filter(|range| !range.is_empty());
        }
        while let Some(subsample) = self.subsamples.next() {
            self.position = self.position.saturating_add(subsample.clear.into()).min(self.len);
            let range = self.take(subsample.protected as usize);
            if !range.is_empty() {
                return Some(range);
            }
        }
        None
    }
}

/// Iterator of [`SampleEncryption::encrypted_runs`]: positions within the sample.
#[derive(Clone, Debug)]
pub struct EncryptedRuns<'a> {
    ranges: Ranges<'a>,
    /// What is left of the range that is being divided.
    current: Range<usize>,
    /// Bytes to encrypt and to skip.
    pattern: Option<(usize, usize)>,
}

impl Iterator for EncryptedRuns<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let (crypt, skip) = match self.pattern {
            None | Some((_, 0)) => return self.ranges.next(),
            Some((0, _)) => return None,
            Some(pattern) => pattern,
        };
        if self.current.is_empty() {
            self.current = self.ranges.next()?;
        }
        let run = self.current.start..self.current.start.saturating_add(crypt).min(self.current.end);
        self.current.start = run.end.saturating_add(skip).min(self.current.end);
        Some(run)
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one range is what is expected")]
mod tests {
    use super::*;

    fn encryption(scheme: Scheme, pattern: Option<(u8, u8)>, subsamples: &[(u16, u32)]) -> SampleEncryption {
        SampleEncryption {
            scheme,
            kid: [0; 16],
            iv: [0; 16],
            pattern: pattern.map(|(crypt_blocks, skip_blocks)| Pattern { crypt_blocks, skip_blocks }),
            subsamples: subsamples.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect(),
            encrypted_tail: false,
        }
    }

    fn ranges(scheme: Scheme, subsamples: &[(u16, u32)], len: u32) -> Vec<Range<usize>> {
        encryption(scheme, None, subsamples).ranges(len).collect()
    }

    fn runs(pattern: (u8, u8), subsamples: &[(u16, u32)], len: u32) -> Vec<Range<usize>> {
        encryption(Scheme::Cens, Some(pattern), subsamples).encrypted_runs(len).collect()
    }

    #[test]
    fn cenc_whole_sample_is_one_range_with_its_partial_block() {
        assert_eq!(ranges(Scheme::Cenc, &[], 37), [0..37]);
    }

    #[test]
    fn cens_whole_sample_leaves_the_partial_block_clear() {
        assert_eq!(ranges(Scheme::Cens, &[], 37), [0..32]);
        assert_eq!(ranges(Scheme::Cens, &[], 15), []);
    }

    #[test]
    fn cenc_subsamples_keep_their_lengths() {
        assert_eq!(ranges(Scheme::Cenc, &[(5, 10), (0, 3), (7, 0), (1, 20)], 50), [5..15, 15..18, 26..46]);
    }

    #[test]
    fn cens_subsamples_are_cut_to_whole_blocks() {
        assert_eq!(ranges(Scheme::Cens, &[(5, 17), (2, 15), (1, 32)], 72), [5..21, 40..72]);
    }

    #[test]
    fn ranges_past_the_sample_are_cut() {
        assert_eq!(ranges(Scheme::Cenc, &[(5, 10), (9, 10)], 12), [5..12]);
    }

    #[test]
    fn pattern_1_9_encrypts_every_tenth_block() {
        assert_eq!(runs((1, 9), &[], 336), [0..16, 160..176, 320..336]);
    }

    #[test]
    fn pattern_last_run_incomplete_encrypts_its_whole_blocks() {
        assert_eq!(runs((5, 5), &[], 160 + 40), [0..80, 160..192]);
    }

    #[test]
    fn pattern_begins_anew_in_each_subsample() {
        assert_eq!(runs((1, 1), &[(4, 40), (4, 33)], 81), [4..20, 48..64]);
    }

    #[test]
    fn pattern_without_skip_is_the_range() {
        assert_eq!(runs((10, 0), &[(3, 200)], 203), [3..195]);
    }

    #[test]
    fn pattern_without_crypt_encrypts_nothing() {
        assert_eq!(runs((0, 5), &[], 500), []);
    }

    #[test]
    fn pattern_without_crypt_and_skip_is_no_pattern() {
        assert_eq!(encryption(Scheme::Cens, None, &[]).encrypted_runs(48).collect::<Vec<_>>(), [0..48]);
    }
}
