//! A sample as decryption blits: AES-CTR. What AES-CBC takes is in the module `frame`.
//!
//! A blit takes a whole buffer, one IV and one block of information about what is encrypted in it. A sample is brought
//! into that form in one of two ways:
//!
//! ```text
//! pattern       one protected range with a pattern ('cens'): the range as it is, the pattern as block information
//!
//!   sample      clear │ crypt  skip  crypt  skip  crypt │ clear
//!   staging             crypt  skip  crypt  skip  crypt  ....     {beginning: crypt, skip, encrypt: crypt}
//!
//! gathered      everything else: the encrypted runs one behind the other
//!
//!   sample      clear │ run 1 │ clear │ run 2 │ clear
//!   staging             run 1   run 2   ....                      {beginning: run 1 + run 2, skip: the rest}
//! ```
//!
//! Gathering is right because the keystream of AES-CTR goes on from run to run over encrypted bytes alone (D6). Clear
//! bytes pass the driver by. A sample that does not fit a buffer is several blits: each continues the counter where the
//! one before ended, and where that is inside a block, its staging buffer begins with the bytes of that block which are
//! done with.

use std::io::{self, Read};
use std::ops::Range;

use softcp_cenc::{Pattern, SampleEncryption};
use softcp_client::AesCtrIv;
use softcp_runtime::{EncryptedBlockInfo, SubSample};

use super::keyed_session::{KeyedSession, Work};
use super::pool::{Blitted, MAX_BUFFER, Pool};
use super::seal::Sink;
use super::{BlitLayout, SampleError};

/// The block of AES.
const BLOCK: usize = 16;

/// Clear bytes copied at a time, and held back at most while the encrypted bytes in front of them are collected.
pub(super) const CLEAR_LIMIT: usize = 256 << 10;

/// Encrypted runs of a sample that are shorter than this on average are opened together, before they are handed on.
const MIN_SEALED: usize = 1 << 10;

/// Memory used again for each sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Clear bytes.
    pub(super) clear: Vec<u8>,
    /// What to write after a blit.
    pub(super) segments: Vec<Segment>,
    /// The subsamples of a frame's buffer.
    pub(super) map: Vec<SubSample>,
}

/// Part of the output: clear bytes of the file, then decrypted ones, in front of which some are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) clear: usize,
    pub(super) dropped: usize,
    pub(super) decrypted: usize,
}

/// What was done for a sample.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) blits: u64,
    pub(super) bytes_encrypted: u64,
}

/// One sample on its way.
pub(super) struct Blitter<'a, 'p> {
    pub(super) session: &'a mut KeyedSession<'p>,
    pub(super) pool: &'a mut Pool,
    pub(super) layout: BlitLayout,
    pub(super) scratch: &'a mut Scratch,
    pub(super) encryption: &'a SampleEncryption,
    pub(super) len: u32,
}

impl Blitter<'_, '_> {
    /// Reads the sample, decrypts it, and writes it.
    pub(super) fn run(mut self, input: &mut impl Read, output: &mut impl Sink) -> Result<Done, SampleError> {
        if self.encryption.scheme.is_aes_cbc() {
            return if self.layout.partial {
                self.run_frames(input, output)
            } else {
                self.run_gathered_frames(input, output)
            };
        }
        match self.fitting_pattern() {
            Some((range, pattern)) => self.run_pattern(range, pattern, input, output),
            None => self.run_gathered(input, output),
        }
    }

    /// The sample's one range and its pattern, if the driver can be given both.
    fn fitting_pattern(&self) -> Option<(Range<usize>, EncryptedBlockInfo)> {
        let Pattern { crypt_blocks, skip_blocks } = self.encryption.pattern?;
        let mut ranges = self.encryption.ranges(self.len);
        let (Some(range), None) = (ranges.next(), ranges.next()) else { return None };
        let bytes = |blocks: u8| u32::from(blocks) * 16;
        let (crypt, skip) = (bytes(crypt_blocks), bytes(skip_blocks));
        let aligned = crypt.is_multiple_of(self.layout.alignment) && skip.is_multiple_of(self.layout.alignment);
        let info = EncryptedBlockInfo { at_beginning: crypt, skip, encrypt: crypt };
        (self.layout.partial && aligned && crypt != 0 && skip != 0).then_some((range, info))
    }

    fn run_pattern(
        &mut self,
        range: Range<usize>,
        info: EncryptedBlockInfo,
        input: &mut impl Read,
        output: &mut impl Sink,
    ) -> Result<Done, SampleError> {
        let (crypt, period) = (info.at_beginning as usize, (info.at_beginning + info.skip) as usize);
        let mut done = Done::default();
        self.copy(range.start, input, output)?;
        let mut left = range.len();
        while left != 0 {
            // Whole periods, so that the pattern begins anew with the next buffer.
            let len = left.min(MAX_BUFFER / period * period);
            let buffers = self.pool.get(len)?;
            let mut staging = buffers.fill()?;
            input.read_exact(&mut staging.bytes()[..len]).map_err(SampleError::Read)?;
            drop(staging);
            let iv = iv_after(self.encryption, done.bytes_encrypted);
            let mut blitted =
                self.session.decrypt(buffers, self.encryption.kid, Work::Blit { info: Some(info), iv })?;
            blitted.write(0..len, output).map_err(SampleError::Write)?;
            done.blits += 1;
            done.bytes_encrypted += (len / period * crypt + (len % period).min(crypt)) as u64;
            left -= len;
        }
        self.copy(self.len as usize - range.end, input, output)?;
        Ok(done)
    }

    fn run_gathered(&mut self, input: &mut impl Read, output: &mut impl Sink) -> Result<Done, SampleError> {
        let encryption = self.encryption;
        let mut runs = encryption.encrypted_runs(self.len);
        let mut total: usize = runs.clone().map(|run| run.len()).sum();
        let mut run = 0..0;
        let mut position = 0;
        let mut done = Done::default();
        while total != 0 {
            // Bytes of the first block that the blit before has decrypted.
            let phase = usize::try_from(done.bytes_encrypted % BLOCK as u64).expect("less than a block");
            let room = MAX_BUFFER.min(phase + total);
            let buffers = self.pool.get(room)?;
            let mut staging = buffers.fill()?;
            let mut filled = phase;
            self.scratch.clear.clear();
            self.scratch.segments.clear();
            while filled < room {
                if run.is_empty() {
                    run = runs.next().expect("the lengths of the runs add up to the total");
                }
                let clear = run.start - position;
                if filled == phase {
                    copy(&mut self.scratch.clear, clear, input, output)?;
                } else if self.scratch.clear.len() + clear > CLEAR_LIMIT {
                    break;
                } else {
                    append(&mut self.scratch.clear, clear, input)?;
                }
                let len = run.len().min(room - filled);
                let into = &mut staging.bytes()[filled..filled + len];
                input.read_exact(into).map_err(SampleError::Read)?;
                let held = if filled == phase { 0 } else { clear };
                self.scratch.segments.push(Segment { clear: held, dropped: 0, decrypted: len });
                run.start += len;
                position = run.start;
                filled += len;
            }
            drop(staging);
            let info = self.layout.beginning(filled, buffers.size());
            let iv = iv_after(encryption, done.bytes_encrypted - phase as u64);
            let mut blitted = self.session.decrypt(buffers, encryption.kid, Work::Blit { info, iv })?;
            let Scratch { clear, segments, map: _ } = &*self.scratch;
            write_segments(segments, clear, &mut blitted, phase..filled, output).map_err(SampleError::Write)?;
            done.blits += 1;
            done.bytes_encrypted += (filled - phase) as u64;
            total -= filled - phase;
        }
        self.copy(self.len as usize - position, input, output)?;
        Ok(done)
    }

    /// Passes clear bytes through.
    pub(super) fn copy(
        &mut self,
        len: usize,
        input: &mut impl Read,
        output: &mut impl Sink,
    ) -> Result<(), SampleError> {
        copy(&mut self.scratch.clear, len, input, output)
    }
}

impl BlitLayout {
    /// Says that the first `len` of `size` bytes are encrypted, as real callers do: the beginning rounded up to the
    /// alignment, the rest skipped. `None`, everything is encrypted, where the driver knows no block information: what
    /// lies behind `len` does not matter.
    fn beginning(self, len: usize, size: usize) -> Option<EncryptedBlockInfo> {
        let bytes = |bytes: usize| u32::try_from(bytes).expect("buffers are far smaller than 4 GiB");
        // Whatever a driver says about alignment: a run that ends with the buffer is always allowed (D7).
        let at_beginning = bytes(len).checked_next_multiple_of(self.alignment).unwrap_or(u32::MAX).min(bytes(size));
        self.partial.then(|| EncryptedBlockInfo { at_beginning, skip: bytes(size) - at_beginning, encrypt: 0 })
    }
}

/// The IV of a blit that begins after `bytes` encrypted bytes of the sample, a multiple of the block.
fn iv_after(encryption: &SampleEncryption, bytes: u64) -> AesCtrIv {
    AesCtrIv::from_bytes(encryption.iv).advance(bytes).expect("blits begin at a block")
}

/// Passes `len` bytes from `input` to `output`. The contents of `through` are lost.
pub(super) fn copy(
    through: &mut Vec<u8>,
    mut len: usize,
    input: &mut impl Read,
    output: &mut impl Sink,
) -> Result<(), SampleError> {
    while len != 0 {
        through.clear();
        let part = len.min(CLEAR_LIMIT);
        append(through, part, input)?;
        output.write_all(through).map_err(SampleError::Write)?;
        len -= part;
    }
    through.clear();
    Ok(())
}

/// Reads `len` bytes to the end of `to`.
pub(super) fn append(to: &mut Vec<u8>, len: usize, input: &mut impl Read) -> Result<(), SampleError> {
    let start = to.len();
    to.resize(start + len, 0);
    input.read_exact(&mut to[start..]).map_err(SampleError::Read)
}

/// Puts a sample together again: the `clear` bytes, and those of `range` that the driver decrypted.
pub(super) fn write_segments(
    segments: &[Segment],
    mut clear: &[u8],
    blitted: &mut Blitted<'_>,
    range: Range<usize>,
    output: &mut impl Sink,
) -> io::Result<()> {
    if range.len() < segments.len() * MIN_SEALED && segments.len() > 1 {
        blitted.open(range.end);
    }
    let mut position = range.start;
    for segment in segments {
        let (now, later) = clear.split_at(segment.clear);
        output.write_all(now)?;
        clear = later;
        position += segment.dropped;
        let decrypted = position..position + segment.decrypted;
        position = decrypted.end;
        blitted.write(decrypted, output)?;
    }
    Ok(())
}
