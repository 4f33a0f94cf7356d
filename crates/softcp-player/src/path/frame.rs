//! A sample as frames of a decoder: AES-CBC.
//!
//! A decryption blit knows AES-CTR alone. A decoder takes the sample as it lies in the file, clear bytes and all, with the map
//! of its subsamples and the stripes inside them:
//!
//! ```text
//!   sample    clear │ region         │ clear │ region      │      map      {clear, region}, {clear, region}
//!                     crypt skip crypt         crypt skip         stripes {crypt, skip}
//!
//!   scheme                               across regions          stripes
//!   `cbc1`                               one chain               none (D61)
//!   `cbcs` with a pattern                restarts with the IV    those of the pattern
//!   `cbcs`, every whole block (0:0, 1:0) restarts with the IV    {the blocks of the longest region, 1}
//! ```
//!
//! The last line is how the interface says it: without stripes the chain would go on, and none of the two numbers may be
//! zero (D64). A driver whose decoders take neither subsamples nor stripes (no `PARTIAL_DECRYPTION`) gets the encrypted blocks
//! alone, one behind the other, as one chain. Where that is to restart, the IV stands between them as a block of its own: what
//! comes out in its place is dropped.
//!
//! ```text
//!   sample    clear │ run 1 │ clear │ run 2 │ clear │ run 3 of another region │ clear
//!   staging           run 1   run 2   IV   run 3
//! ```
//!
//! A sample that does not fit a buffer is several frames. Each continues the chain with the last encrypted block
//! of the one before as its IV; where the chain is to restart, the region that is continued has its frame for itself.

use std::io::Read;

use softcp_cenc::{Pattern, SampleEncryption, Scheme};
use softcp_runtime::{EncryptedBytes, Stripes, SubSample};

use super::SampleError;
use super::keyed_session::Work;
use super::pool::MAX_BUFFER;
use super::sample::{Blitter, CLEAR_LIMIT, Done, Scratch, Segment, append, copy, write_segments};
use super::seal::Sink;

/// The block of AES.
const BLOCK: usize = 16;

impl Blitter<'_, '_> {
    /// Reads the sample, has the decoder decrypt it, and writes it.
    pub(super) fn run_frames(&mut self, input: &mut impl Read, output: &mut impl Sink) -> Result<Done, SampleError> {
        let mut parts = Parts::new(self.encryption, self.len);
        let mut done = Done::default();
        while let Some(part) = parts.next(MAX_BUFFER, &mut self.scratch.map) {
            if part.encrypted == 0 {
                self.copy(part.len, input, output)?;
                continue;
            }
            let buffers = self.pool.get(part.len)?;
            let mut staging = buffers.fill()?;
            let bytes = &mut staging.bytes()[..part.len];
            input.read_exact(bytes).map_err(SampleError::Read)?;
            parts.chain_from(&part, bytes);
            drop(staging);
            let size = u32::try_from(part.len).expect("buffers are far smaller than 4 GiB");
            let encrypted = part.encrypted_bytes(&self.scratch.map);
            let work = Work::Frame { size, encrypted, iv: part.iv };
            let mut decrypted = self.session.decrypt(buffers, self.encryption.kid, work)?;
            decrypted.write(0..part.len, output).map_err(SampleError::Write)?;
            done.blits += 1;
            done.bytes_encrypted += part.encrypted as u64;
        }
        Ok(done)
    }
}

impl Blitter<'_, '_> {
    /// The same for a decoder that takes whole buffers alone.
    pub(super) fn run_gathered_frames(
        &mut self,
        input: &mut impl Read,
        output: &mut impl Sink,
    ) -> Result<Done, SampleError> {
        let encryption = self.encryption;
        let restarts = encryption.scheme == Scheme::Cbcs;
        let mut regions = encryption.ranges(self.len).map(|region| region.start).filter(|_| restarts).peekable();
        let mut runs = encryption.encrypted_runs(self.len);
        let mut total: usize = runs.clone().map(|run| run.len()).sum();
        let (mut run, mut position, mut iv) = (0..0, 0, encryption.iv);
        let mut done = Done::default();
        while total != 0 {
            // An IV in front of each run is the most that there may be.
            let room = MAX_BUFFER.min(total.saturating_mul(2));
            let buffers = self.pool.get(room)?;
            let mut staging = buffers.fill()?;
            let (mut filled, mut encrypted, mut first_iv) = (0, 0, iv);
            self.scratch.clear.clear();
            self.scratch.segments.clear();
            while encrypted < total && room - filled > BLOCK {
                if run.is_empty() {
                    run = runs.next().expect("the lengths of the runs add up to the total");
                }
                let clear = run.start - position;
                let mut held = clear;
                if filled == 0 {
                    copy(&mut self.scratch.clear, clear, input, output)?;
                    held = 0;
                } else if self.scratch.clear.len() + clear > CLEAR_LIMIT {
                    break;
                } else {
                    append(&mut self.scratch.clear, clear, input)?;
                }
                let mut dropped = 0;
                if regions.next_if_eq(&run.start).is_some() {
                    if filled == 0 {
                        first_iv = encryption.iv;
                    } else {
                        staging.bytes()[filled..filled + BLOCK].copy_from_slice(&encryption.iv);
                        dropped = BLOCK;
                    }
                }
                filled += dropped;
                let len = run.len().min((room - filled) / BLOCK * BLOCK);
                let into = &mut staging.bytes()[filled..filled + len];
                input.read_exact(into).map_err(SampleError::Read)?;
                iv = *into.last_chunk().expect("runs are whole blocks");
                self.scratch.segments.push(Segment { clear: held, dropped, decrypted: len });
                run.start += len;
                position = run.start;
                filled += len;
                encrypted += len;
            }
            drop(staging);
            let size = u32::try_from(filled).expect("buffers are far smaller than 4 GiB");
            let work = Work::Frame { size, encrypted: EncryptedBytes::All, iv: first_iv };
            let mut decrypted = self.session.decrypt(buffers, encryption.kid, work)?;
            let Scratch { clear, segments, map: _ } = &*self.scratch;
            write_segments(segments, clear, &mut decrypted, 0..filled, output).map_err(SampleError::Write)?;
            done.blits += 1;
            done.bytes_encrypted += encrypted as u64;
            total -= encrypted;
        }
        self.copy(self.len as usize - position, input, output)?;
        Ok(done)
    }
}

/// The parts of a sample, each of which fits a buffer.
struct Parts<'a> {
    regions: Regions<'a>,
    /// The region that is next, or what is left of it.
    region: Option<Region>,
    /// Whether the region has begun in the part before.
    is_continued: bool,
    iv: [u8; BLOCK],
    sample_iv: [u8; BLOCK],
    cipher: Cipher,
}

/// What a part of a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    len: usize,
    /// How many of its bytes are encrypted.
    encrypted: usize,
    iv: [u8; BLOCK],
    /// Where its last encrypted block is, if the chain goes on behind it.
    last_block: Option<usize>,
    stripes: Option<Stripes>,
}

/// Clear bytes and protected ones behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    clear: usize,
    protected: usize,
}

/// Which blocks of a region are encrypted, and how they are chained.
#[derive(Clone, Copy, Debug)]
struct Cipher {
    restarts: bool,
    /// Blocks encrypted and skipped by turns; none: all are encrypted.
    pattern: Option<(usize, usize)>,
}

impl Cipher {
    fn of(encryption: &SampleEncryption) -> Self {
        let restarts = encryption.scheme == Scheme::Cbcs;
        let pattern = encryption.pattern.filter(|pattern| restarts && pattern.skip_blocks != 0);
        let blocks = |Pattern { crypt_blocks, skip_blocks }| (usize::from(crypt_blocks), usize::from(skip_blocks));
        Self { restarts, pattern: pattern.map(blocks) }
    }

    /// After so many bytes the pattern of a region begins again.
    fn period(self) -> usize {
        self.pattern.map_or(BLOCK, |(crypt, skip)| (crypt + skip) * BLOCK)
    }

    /// Encrypted blocks among the whole ones of a region's `len` first bytes.
    fn encrypted_blocks(self, len: usize) -> usize {
        let blocks = len / BLOCK;
        match self.pattern {
            None => blocks,
            Some((crypt, skip)) => blocks / (crypt + skip) * crypt + (blocks % (crypt + skip)).min(crypt),
        }
    }

    /// Where in a region the last encrypted block of its `len` first bytes is.
    fn last_block(self, len: usize) -> Option<usize> {
        let last = self.encrypted_blocks(len).checked_sub(1)?;
        let number = self.pattern.map_or(last, |(crypt, skip)| last / crypt * (crypt + skip) + last % crypt);
        Some(number * BLOCK)
    }

    /// The stripes of a buffer whose longest region has `longest` bytes.
    fn stripes(self, longest: usize) -> Option<Stripes> {
        let blocks = |blocks| u32::try_from(blocks).expect("a buffer is far smaller than 4 GiB");
        match self.pattern {
            Some((crypt, skip)) => Some(Stripes { encrypted: blocks(crypt), clear: blocks(skip) }),
            None if self.restarts => Some(Stripes { encrypted: blocks((longest / BLOCK).max(1)), clear: 1 }),
            None => None,
        }
    }
}

impl<'a> Parts<'a> {
    fn new(encryption: &'a SampleEncryption, len: u32) -> Self {
        let mut regions = Regions::new(encryption, len);
        Self {
            region: regions.next(),
            regions,
            is_continued: false,
            iv: encryption.iv,
            sample_iv: encryption.iv,
            cipher: Cipher::of(encryption),
        }
    }

    /// The next part, of at most `limit` bytes, and its map.
    fn next(&mut self, limit: usize, map: &mut Vec<SubSample>) -> Option<Part> {
        map.clear();
        let mut part = Part { len: 0, encrypted: 0, iv: self.iv, last_block: None, stripes: None };
        let (was_continued, mut longest) = (self.is_continued, 0);
        while let Some(region) = self.region {
            let taken = self.fitting(region, limit - part.len, map.is_empty());
            let Some(taken) = taken else { break };
            let start = part.len + taken.clear;
            if let Some(last) = self.cipher.last_block(taken.protected) {
                part.last_block = Some(start + last);
            }
            part.encrypted += self.cipher.encrypted_blocks(taken.protected) * BLOCK;
            part.len = start + taken.protected;
            longest = longest.max(taken.protected);
            map.push(taken.into());
            if taken != region {
                self.is_continued = taken.protected != 0;
                let (clear, protected) = (region.clear - taken.clear, region.protected - taken.protected);
                self.region = Some(Region { clear, protected });
                break;
            }
            self.is_continued = false;
            self.region = self.regions.next();
            if was_continued && self.cipher.restarts {
                break;
            }
        }
        if self.cipher.restarts && !self.is_continued {
            part.last_block = None;
            self.iv = self.sample_iv;
        }
        part.stripes = self.cipher.stripes(longest);
        (part.len != 0).then_some(part)
    }

    /// What there is room for of a region: all of it, its beginning if it is longer than a whole buffer, or nothing.
    fn fitting(&self, region: Region, room: usize, is_first: bool) -> Option<Region> {
        let Region { clear, protected } = region;
        if clear.checked_add(protected).is_some_and(|len| len <= room) {
            return Some(region);
        }
        let period = self.cipher.period();
        match room.checked_sub(clear) {
            _ if !is_first => None,
            Some(room) if room >= period => Some(Region { clear, protected: room / period * period }),
            _ => Some(Region { clear: clear.min(room), protected: 0 }),
        }
    }

    /// Looks in the bytes of a part for the IV of the next one.
    fn chain_from(&mut self, part: &Part, bytes: &[u8]) {
        if let Some(block) = part.last_block.and_then(|at| bytes[at..].first_chunk()) {
            self.iv = *block;
        }
    }
}

impl Part {
    /// The part's bytes as the driver is told of them; `map` is the part's.
    fn encrypted_bytes<'m>(&self, map: &'m [SubSample]) -> EncryptedBytes<'m> {
        match self.stripes {
            Some(stripes) => EncryptedBytes::Striped { subsamples: map, stripes },
            None => EncryptedBytes::Subsamples(map),
        }
    }
}

impl From<Region> for SubSample {
    fn from(region: Region) -> Self {
        let bytes = |bytes| u32::try_from(bytes).expect("a buffer is far smaller than 4 GiB");
        Self { ClearSize: bytes(region.clear), EncryptedSize: bytes(region.protected) }
    }
}

/// The regions of a sample: together all of its bytes.
struct Regions<'a> {
    subsamples: std::slice::Iter<'a, softcp_cenc::Subsample>,
    /// Without subsamples, the whole sample is protected.
    is_whole: bool,
    left: usize,
}

impl<'a> Regions<'a> {
    fn new(encryption: &'a SampleEncryption, len: u32) -> Self {
        Self {
            subsamples: encryption.subsamples.iter(),
            is_whole: encryption.subsamples.is_empty(),
            left: len as usize,
        }
    }
}

impl Iterator for Regions<'_> {
    type Item = Region;

    fn next(&mut self) -> Option<Region> {
        let region = match self.subsamples.next() {
            Some(subsample) => {
                let clear = self.left.min(subsample.clear.into());
                Region { clear, protected: (self.left - clear).min(subsample.protected as usize) }
            }
            None if self.left == 0 => return None,
            None if self.is_whole => Region { clear: 0, protected: self.left },
            // What no subsample has is clear.
            None => Region { clear: self.left, protected: 0 },
        };
        self.left -= region.clear + region.protected;
        Some(region)
    }
}

#[cfg(test)]
mod tests {
    use softcp_cenc::Subsample;

    use super::*;

    const IV: [u8; BLOCK] = [9; BLOCK];

    fn encryption(scheme: Scheme, pattern: Option<(u8, u8)>, subsamples: &[(u16, u32)]) -> SampleEncryption {
        SampleEncryption {
            scheme,
            kid: [0; 16],
            iv: IV,
            pattern: pattern.map(|(crypt_blocks, skip_blocks)| Pattern { crypt_blocks, skip_blocks }),
            subsamples: subsamples.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect(),
            encrypted_tail: false,
        }
    }

    #[allow(clippy::type_complexity, reason = "compared with literals, as it stands")]
    /// The parts of a sample whose bytes are their own numbers, by blocks: IV, map, stripes and encrypted bytes.
    fn parts(encryption: &SampleEncryption, len: u32, limit: usize) -> Vec<(u8, Vec<(u32, u32)>, Option<(u32, u32)>)> {
        let sample: Vec<u8> = (0..len).map(|at| u8::try_from(at / 16).unwrap()).collect();
        let (mut parts, mut map, mut position) = (Parts::new(encryption, len), Vec::new(), 0);
        let (mut found, mut encrypted) = (Vec::new(), 0);
        while let Some(part) = parts.next(limit, &mut map) {
            parts.chain_from(&part, &sample[position..position + part.len]);
            position += part.len;
            encrypted += part.encrypted;
            let map = map.iter().map(|region| (region.ClearSize, region.EncryptedSize)).collect();
            found.push((part.iv[0], map, part.stripes.map(|stripes| (stripes.encrypted, stripes.clear))));
        }
        assert_eq!(position, sample.len());
        assert_eq!(encrypted, encryption.encrypted_runs(len).map(|run| run.len()).sum::<usize>());
        found
    }

    #[test]
    fn sample_that_fits_is_one_part_with_its_map() {
        let map = [(5, 35), (0, 0), (9, 100)];
        let expected = vec![(5, 35), (0, 0), (9, 100)];
        let one = |scheme, pattern| parts(&encryption(scheme, pattern, &map), 149, 1000);
        assert_eq!(one(Scheme::Cbc1, None), [(9, expected.clone(), None)]);
        assert_eq!(one(Scheme::Cbcs, Some((1, 9))), [(9, expected.clone(), Some((1, 9)))]);
        // Every whole block, of which the longest region has six.
        assert_eq!(one(Scheme::Cbcs, Some((1, 0))), [(9, expected.clone(), Some((6, 1)))]);
        assert_eq!(one(Scheme::Cbcs, None), [(9, expected, Some((6, 1)))]);
    }

    #[test]
    fn sample_without_subsamples_is_one_region() {
        assert_eq!(parts(&encryption(Scheme::Cbc1, None, &[]), 40, 1000), [(9, vec![(0, 40)], None)]);
        assert_eq!(parts(&encryption(Scheme::Cbcs, None, &[]), 40, 1000), [(9, vec![(0, 40)], Some((2, 1)))]);
        assert_eq!(parts(&encryption(Scheme::Cbcs, None, &[]), 15, 1000), [(9, vec![(0, 15)], Some((1, 1)))]);
        assert_eq!(parts(&encryption(Scheme::Cbcs, None, &[]), 0, 1000), []);
    }

    #[test]
    fn bytes_behind_the_subsamples_are_clear() {
        let expected = vec![(1, 16), (83, 0)];
        assert_eq!(parts(&encryption(Scheme::Cbc1, None, &[(1, 16)]), 100, 1000), [(9, expected, None)]);
    }

    #[test]
    fn chain_of_cbc1_goes_on_from_part_to_part() {
        let long = encryption(Scheme::Cbc1, None, &[(16, 100), (12, 300), (4, 15), (1, 40)]);
        let expected = [
            (9, vec![(16, 100)], None),
            // The last whole block of the region is the sixth, of the sample the seventh.
            (6, vec![(12, 112)], None),
            // Blocks 8 to 14 begin at byte 128.
            (14, vec![(0, 128)], None),
            (22, vec![(0, 60), (4, 15), (1, 40)], None),
        ];
        assert_eq!(parts(&long, 488, 130), expected);
    }

    #[test]
    fn region_of_cbcs_that_goes_on_has_its_part_for_itself_and_then_the_iv_is_the_samples() {
        let long = encryption(Scheme::Cbcs, Some((1, 1)), &[(0, 200), (0, 40), (8, 24)]);
        let expected = [
            // Three periods of 32 bytes; the last encrypted block is the fifth.
            (9, vec![(0, 96)], Some((1, 1))),
            (4, vec![(0, 96)], Some((1, 1))),
            (10, vec![(0, 8)], Some((1, 1))),
            (9, vec![(0, 40), (8, 24)], Some((1, 1))),
        ];
        assert_eq!(parts(&long, 272, 100), expected);
    }

    #[test]
    fn clear_bytes_longer_than_a_buffer_are_parts_without_encrypted_bytes() {
        let long = encryption(Scheme::Cbcs, None, &[(250, 32)]);
        let expected =
            [(9, vec![(100, 0)], Some((1, 1))), (9, vec![(100, 0)], Some((1, 1))), (9, vec![(50, 32)], Some((2, 1)))];
        assert_eq!(parts(&long, 282, 100), expected);
    }

    #[test]
    fn pattern_without_encrypted_blocks_encrypts_nothing() {
        let clear = encryption(Scheme::Cbcs, Some((0, 9)), &[]);
        assert_eq!(parts(&clear, 100, 1000), [(9, vec![(0, 100)], Some((0, 9)))]);
    }
}
