//! The keystream of one counter-mode run.

use core::fmt;
use core::iter;
use core::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::BLOCK;
use crate::copy::{CopyError, check};
use crate::counter::Counter;
use crate::kernel::{self, Access, Job, Plan, Span, StreamPosition};
use crate::key::Key;
use crate::parts::{PART_BYTES, Part, Parts};
use crate::region::{self, Alternation, Area, Areas, Pattern, Region};
use crate::row_iter::{RowIter, Run, pair};
use crate::rows::{Rows, RowsMut, Shape};
use crate::section::{self, Planes, Sections};
use crate::workers::Workers;

/// The AES-128-CTR keystream of one key and one first counter block (NIST SP 800-38A section 6.5, with the counter of D5).
///
/// Each call takes as many bytes of keystream as it encrypts bytes, beginning where the call before it ended, also inside a
/// block (D6). A call that fails takes none.
pub struct Keystream<'k> {
    key: &'k Key,
    place: StreamPosition,
    total_len: Option<usize>,
    workers: Option<&'k Workers>,
}

/// From this many bytes on it pays to wake other threads.
const SHARED_FROM: usize = 1 << 20;

impl<'k> Keystream<'k> {
    /// The keystream that begins with `counter_block`: 8 bytes of IV, then 8 bytes of Count, as they lie in memory (D5).
    #[must_use]
    pub fn new(key: &'k Key, counter_block: [u8; BLOCK]) -> Self {
        Self { key, place: StreamPosition::beginning(Counter::new(counter_block)), total_len: None, workers: None }
    }

    /// Says that the calls that follow belong together and read `bytes` in all, as the planes of a surface do. Large blits
    /// are written past the caches; without this each call is judged by itself. The result is the same.
    #[must_use]
    pub fn with_total_len(mut self, bytes: usize) -> Self {
        self.total_len = Some(bytes);
        self
    }

    /// Has `workers` help with whole surfaces of 1 MiB and more. The result is the same.
    #[must_use]
    pub fn with_workers(mut self, workers: &'k Workers) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Encrypts or decrypts the visible bytes of `range` from `src` to `dst`.
    ///
    /// Padding is neither read nor written, nor are visible bytes outside `range`.
    ///
    /// # Errors
    ///
    /// Nothing is written, and no keystream taken, when it fails:
    ///
    /// - [`CopyError::ShapeMismatch`]: `src` and `dst` differ in rows, or in bytes per row.
    /// - [`CopyError::RangeOutside`]: `range` does not lie within the surface.
    pub fn copy(&mut self, src: &Rows<'_>, dst: &mut RowsMut<'_>, range: Range<usize>) -> Result<(), CopyError> {
        if let Some(workers) = self.shared(dst.shape(), &range) {
            check(src.shape(), dst.shape(), &range)?;
            self.in_parts(workers, range.len(), Parts::new(Some(src), dst));
            return Ok(());
        }
        if src.shape().is_contiguous() && dst.shape().is_contiguous() {
            // One span: what most calls are, and what short ones must not go a long way for.
            let (job, len) =
                self.job(src.shape(), dst, false, iter::once(Run { range: range.clone(), encrypted: true }))?;
            if len != 0 {
                let data = pair(&src.data()[range.clone()], &mut dst.data_mut()[range]);
                kernel::run(self.key, self.place, len, Plan::of(job), iter::once(Span { data, encrypted: true }));
            }
            self.place.bytes += len as u64;
            return Ok(());
        }
        self.copy_runs(src, dst, iter::once(Run { range, encrypted: true }))
    }

    /// Encrypts or decrypts the visible bytes of `range` where they are.
    ///
    /// # Errors
    ///
    /// [`CopyError::RangeOutside`] when `range` does not lie within the surface. Nothing is written then, and no keystream
    /// taken.
    pub fn in_place(&mut self, surface: &mut RowsMut<'_>, range: Range<usize>) -> Result<(), CopyError> {
        if let Some(workers) = self.shared(surface.shape(), &range) {
            self.in_parts(workers, range.len(), Parts::new(None, surface));
            return Ok(());
        }
        self.in_place_runs(surface, iter::once(Run { range, encrypted: true }))
    }

    /// Takes `runs` in turn: encrypts or decrypts those that are encrypted and copies the others, from `src` to `dst`.
    ///
    /// Padding is neither read nor written, nor are visible bytes between the runs.
    ///
    /// # Errors
    ///
    /// As for [`Keystream::copy`], and [`CopyError::RangeOutside`] when a run begins before the one before it ends.
    pub fn copy_runs(
        &mut self,
        src: &Rows<'_>,
        dst: &mut RowsMut<'_>,
        runs: impl Iterator<Item = Run> + Clone,
    ) -> Result<(), CopyError> {
        let (job, len) = self.job(src.shape(), dst, false, runs.clone())?;
        let spans = RowIter::new(src, dst).spans(runs);
        kernel::run(self.key, self.place, len, Plan::of(job), spans);
        self.place.bytes += len as u64;
        Ok(())
    }

    /// As [`Keystream::copy_runs`], where the bytes are: runs that are clear stay as they are.
    ///
    /// # Errors
    ///
    /// As for [`Keystream::in_place`], and [`CopyError::RangeOutside`] when a run begins before the one before it ends.
    pub fn in_place_runs(
        &mut self,
        surface: &mut RowsMut<'_>,
        runs: impl Iterator<Item = Run> + Clone,
    ) -> Result<(), CopyError> {
        let (job, len) = self.job(surface.shape(), surface, true, runs.clone())?;
        let spans = RowIter::in_place(surface).spans(runs.filter(|run| run.encrypted));
        kernel::run(self.key, self.place, len, Plan::of(job), spans);
        self.place.bytes += len as u64;
        Ok(())
    }

    /// Encrypts or decrypts the regions of a Common Encryption sample from `src` to `dst`: the scheme `cens` of ISO/IEC
    /// 23001-7. `regions` cover the visible bytes of the planes exactly, row after row and plane after plane (D9).
    ///
    /// `pattern` begins again in each region. The whole blocks that it names take keystream, which goes on from region to
    /// region; all other bytes are copied, a last block that the end of its region cuts, too.
    ///
    /// # Errors
    ///
    /// Nothing is written, and no keystream taken, when it fails:
    ///
    /// - [`CopyError::PlanesMismatch`]: `src` and `dst` differ in the number of planes.
    /// - [`CopyError::ShapeMismatch`]: two planes differ in rows, or in bytes per row.
    /// - [`CopyError::RegionsMismatch`]: `regions` have more or fewer bytes than the planes.
    /// - [`CopyError::BadPattern`]: one side of the pattern is 0.
    pub fn copy_regions(
        &mut self,
        src: &[Rows<'_>],
        dst: &mut [RowsMut<'_>],
        pattern: Pattern,
        regions: impl Iterator<Item = Region> + Clone,
    ) -> Result<(), CopyError> {
        section::check(src, dst)?;
        let bytes = region::check(Some(pattern), src.iter().map(Rows::shape), regions.clone())?;
        self.over(Access::of(bytes, false), Planes::new(src, dst), Areas::new(regions, Some(pattern)));
        Ok(())
    }

    /// As [`Keystream::copy_regions`], where the bytes are.
    ///
    /// # Errors
    ///
    /// [`CopyError::RegionsMismatch`] and [`CopyError::BadPattern`], as there.
    pub fn in_place_regions(
        &mut self,
        surface: &mut [RowsMut<'_>],
        pattern: Pattern,
        regions: impl Iterator<Item = Region> + Clone,
    ) -> Result<(), CopyError> {
        let bytes = region::check(Some(pattern), surface.iter().map(RowsMut::shape), regions.clone())?;
        self.over(Access::of(bytes, true), Planes::in_place(surface), Areas::new(regions, Some(pattern)));
        Ok(())
    }

    /// Encrypts or decrypts what `alternation` says of the visible bytes of the planes, row after row and plane after plane (D9),
    /// and copies the rest, from `src` to `dst`. The same as [`Keystream::copy_runs`] of its runs, and many times as fast.
    ///
    /// # Errors
    ///
    /// Nothing is written, and no keystream taken, when it fails:
    ///
    /// - [`CopyError::PlanesMismatch`]: `src` and `dst` differ in the number of planes.
    /// - [`CopyError::ShapeMismatch`]: two planes differ in rows, or in bytes per row.
    /// - [`CopyError::RegionsMismatch`]: `alternation` is for more or fewer bytes than the planes have.
    pub fn copy_alternation(
        &mut self,
        src: &[Rows<'_>],
        dst: &mut [RowsMut<'_>],
        alternation: Alternation,
    ) -> Result<(), CopyError> {
        section::check(src, dst)?;
        let bytes = alternation.check(src.iter().map(Rows::shape))?;
        self.over(Access::of(bytes, false), Planes::new(src, dst), alternation.areas());
        Ok(())
    }

    /// As [`Keystream::copy_alternation`], where the bytes are.
    ///
    /// # Errors
    ///
    /// [`CopyError::RegionsMismatch`], as there.
    pub fn in_place_alternation(
        &mut self,
        surface: &mut [RowsMut<'_>],
        alternation: Alternation,
    ) -> Result<(), CopyError> {
        let bytes = alternation.check(surface.iter().map(RowsMut::shape))?;
        self.over(Access::of(bytes, true), Planes::in_place(surface), alternation.areas());
        Ok(())
    }

    /// Encrypts the blocks of `areas`, which cover the planes, and copies the rest.
    fn over(&mut self, access: Access, planes: Planes<'_, '_, '_>, mut areas: impl Iterator<Item = Area> + Clone) {
        let mut len = 0;
        for area in areas.clone() {
            len += area.encrypted();
        }
        kernel::run_sections(self.key, self.place, len, access, Sections::new(planes, &mut areas, false));
        self.place.bytes += len as u64;
    }

    /// Encrypts or decrypts a flat buffer from `src` to `dst`.
    ///
    /// # Errors
    ///
    /// [`CopyError::ShapeMismatch`] when they differ in length. Nothing is written then, and no keystream taken.
    pub fn apply(&mut self, src: &[u8], dst: &mut [u8]) -> Result<(), CopyError> {
        self.copy(&src.into(), &mut dst.into(), 0..src.len())
    }

    /// Encrypts or decrypts a flat buffer where it is.
    pub fn apply_in_place(&mut self, data: &mut [u8]) {
        let whole = 0..data.len();
        self.in_place(&mut data.into(), whole).expect("a buffer holds its own bytes");
    }

    /// Bytes of keystream taken since [`Keystream::new`].
    #[must_use]
    pub fn position(&self) -> u64 {
        self.place.bytes
    }

    /// The workers, if they are to help with `range` of a surface.
    fn shared(&self, shape: Shape, range: &Range<usize>) -> Option<&'k Workers> {
        let is_shared = *range == (0..shape.visible_bytes()) && range.len() >= SHARED_FROM;
        self.workers.filter(|workers| is_shared && workers.limit() != 0)
    }

    /// Encrypts `parts`, which are `len` bytes, on as many threads as have something to do.
    fn in_parts(&mut self, workers: &Workers, len: usize, parts: Parts<'_>) {
        let beginning = Keystream {
            key: self.key,
            place: self.place,
            total_len: Some(self.total_len.unwrap_or(len)),
            workers: None,
        };
        let parts = Mutex::new(parts);
        let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
        workers.run(len / PART_BYTES - 1, &|| {
            while let Some(Part { source, mut destination, at }) = next() {
                let mut keystream = Keystream { ..beginning };
                keystream.place.bytes += at as u64;
                let whole = 0..destination.visible_bytes();
                let done = match source {
                    Some(source) => keystream.copy(&source, &mut destination, whole),
                    None => keystream.in_place(&mut destination, whole),
                };
                done.expect("both sides of a part have one shape");
            }
        });
        self.place.bytes += len as u64;
    }

    /// Checks that `runs` ascend without overlap and lie within surfaces of one shape; returns what a plan goes by, and the
    /// bytes that are encrypted.
    fn job(
        &self,
        src: Shape,
        dst: &mut RowsMut<'_>,
        in_place: bool,
        runs: impl Iterator<Item = Run>,
    ) -> Result<(Job, usize), CopyError> {
        let shape = dst.shape();
        let memory = dst.data_mut().as_ptr().addr();
        let (mut end, mut spans, mut bytes, mut len) = (0, 0, 0, 0);
        // In which byte of a block each span begins, in memory and in the keystream: the lowest bits of the difference.
        let mut differences = if shape.is_contiguous() { 0 } else { shape.row_pitch | shape.row_bytes };
        for Run { range: run, encrypted } in runs {
            check(src, shape, &run)?;
            if run.start < end {
                let visible_bytes = shape.visible_bytes();
                return Err(CopyError::RangeOutside { start: run.start, end: run.end, visible_bytes });
            }
            if encrypted && !run.is_empty() {
                let in_keystream = self.place.in_block().wrapping_add(len);
                differences |= memory.wrapping_add(run.start).wrapping_sub(in_keystream);
                spans += 1;
                len += run.len();
            }
            end = run.end;
            bytes += run.len();
        }
        if !shape.is_contiguous() {
            spans += len / shape.row_bytes;
        }
        let aligned = differences.is_multiple_of(BLOCK);
        let total_len = self.total_len.unwrap_or(bytes);
        Ok((Job { total_len, spans, bytes: len, in_place, aligned }, len))
    }
}

impl fmt::Debug for Keystream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystream").field("position", &self.position()).finish_non_exhaustive()
    }
}

#[cfg(test)]
// A setup that fails is a failed test.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const COUNTER: [u8; BLOCK] = *b"IV 8 by.\0\0\0\0\0\0\0\0";

    fn key() -> Key {
        Key::new(b"sixteen byte key")
    }

    /// The first `N` bytes of keystream, taken at once.
    fn first<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        Keystream::new(&key(), COUNTER).apply_in_place(&mut bytes);
        bytes
    }

    #[test]
    fn calls_of_each_kind_share_one_keystream() {
        let key = key();
        let mut keystream = Keystream::new(&key, COUNTER);
        let mut taken = [0; 50];
        let zeros = [0; 14];
        keystream.apply_in_place(&mut taken[..3]);
        keystream.apply(&zeros, &mut taken[3..17]).unwrap();
        keystream.copy(&zeros[..].into(), &mut (&mut taken[17..31]).into(), 0..14).unwrap();
        keystream.in_place(&mut (&mut taken[31..]).into(), 0..19).unwrap();
        assert_eq!(taken, first());
        assert_eq!(keystream.position(), 50);
    }

    #[test]
    fn bytes_left_out_take_no_keystream() {
        let key = key();
        let mut keystream = Keystream::new(&key, COUNTER);
        let mut surface = [0; 10];
        keystream.in_place(&mut (&mut surface[..]).into(), 1..3).unwrap();
        keystream.in_place(&mut (&mut surface[..]).into(), 7..10).unwrap();
        let k: [u8; 5] = first();
        assert_eq!(surface, [0, k[0], k[1], 0, 0, 0, 0, k[2], k[3], k[4]]);
    }

    #[test]
    fn runs_together_are_the_runs_one_by_one() {
        let key = key();
        let src: [u8; 200] = core::array::from_fn(|i| u8::try_from(i).unwrap());
        for (pitch, row_bytes, rows) in [(200, 200, 1), (20, 20, 10), (20, 17, 10)] {
            let visible = row_bytes * rows;
            let ranges = || (0..visible).step_by(23).map(|start| start..(start + 7).min(visible));
            let runs = || ranges().map(|range| Run { range, encrypted: true });
            let (mut together, mut one_by_one) = ([9; 200], [9; 200]);
            let from = Rows::new(&src, pitch, row_bytes, rows).unwrap();
            let mut to = RowsMut::new(&mut together, pitch, row_bytes, rows).unwrap();
            Keystream::new(&key, COUNTER).copy_runs(&from, &mut to, runs()).unwrap();
            let mut keystream = Keystream::new(&key, COUNTER);
            let mut to = RowsMut::new(&mut one_by_one, pitch, row_bytes, rows).unwrap();
            ranges().for_each(|run| keystream.copy(&from, &mut to, run).unwrap());
            assert_eq!(together, one_by_one);

            let (mut together, mut one_by_one) = (src, src);
            let mut surface = RowsMut::new(&mut together, pitch, row_bytes, rows).unwrap();
            let mut keystream = Keystream::new(&key, COUNTER);
            keystream.in_place_runs(&mut surface, runs()).unwrap();
            assert_eq!(keystream.position(), ranges().map(|run| run.len() as u64).sum::<u64>());
            let mut keystream = Keystream::new(&key, COUNTER);
            let mut surface = RowsMut::new(&mut one_by_one, pitch, row_bytes, rows).unwrap();
            ranges().for_each(|run| keystream.in_place(&mut surface, run).unwrap());
            assert_eq!(together, one_by_one);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "helps with large surfaces only, which take Miri hours")]
    fn workers_give_the_same_bytes() {
        let (key, workers) = (key(), Workers::new(3));
        let src: Vec<u8> = (0..=250).cycle().take(1100 * 2000).collect();
        for (src_pitch, pitch, row_bytes, rows) in
            [(1100, 1100, 1100, 2000), (1100, 1050, 1003, 2000), (1, 1, 2_200_000, 1)]
        {
            let from = Rows::new(&src, src_pitch, row_bytes, rows).unwrap();
            let (mut alone, mut helped) = (vec![9; src.len()], vec![9; src.len()]);
            for (memory, workers) in [(&mut alone, None), (&mut helped, Some(&workers))] {
                let mut to = RowsMut::new(memory, pitch, row_bytes, rows).unwrap();
                let whole = 0..row_bytes * rows;
                let mut keystream = Keystream { workers, ..Keystream::new(&key, COUNTER) };
                keystream.apply_in_place(&mut [0; 5]);
                keystream.copy(&from, &mut to, whole.clone()).unwrap();
                keystream.apply_in_place(&mut [0; 7]);
                keystream.in_place(&mut to, whole).unwrap();
                assert_eq!(keystream.position(), 12 + 2 * (row_bytes * rows) as u64);
            }
            assert!(alone == helped, "{pitch} {row_bytes}");
            assert!(alone != src);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "as above")]
    fn workers_refuse_another_shape() {
        let (key, workers) = (key(), Workers::new(1));
        let (src, mut dst) = (vec![1; 1 << 20], vec![2; 1 << 20]);
        let src = Rows::new(&src, 1 << 10, 1 << 10, 1 << 10).unwrap();
        let mut keystream = Keystream::new(&key, COUNTER).with_workers(&workers);
        let refused = keystream.copy(&src, &mut (&mut dst[..]).into(), 0..1 << 20);
        assert!(matches!(refused, Err(CopyError::ShapeMismatch { .. })));
        assert!(keystream.position() == 0 && dst.iter().all(|byte| *byte == 2));
    }

    #[test]
    fn runs_that_overlap_or_leave_the_surface_are_refused_and_take_no_keystream() {
        let key = key();
        let mut keystream = Keystream::new(&key, COUNTER);
        for runs in [[0..5, 4..8], [0..5, 6..11], [4..8, 0..2]] {
            let mut dst = [0; 10];
            let runs = runs.map(|range| Run { range, encrypted: true }).into_iter();
            let error = keystream.copy_runs(&[1; 10][..].into(), &mut (&mut dst[..]).into(), runs.clone());
            assert!(matches!(error, Err(CopyError::RangeOutside { .. })));
            assert!(keystream.in_place_runs(&mut (&mut dst[..]).into(), runs).is_err());
            assert_eq!((keystream.position(), dst), (0, [0; 10]));
        }
    }

    #[test]
    fn rows_share_one_keystream_and_padding_takes_none() {
        let mut surface = [0; 8];
        Keystream::new(&key(), COUNTER).in_place(&mut RowsMut::new(&mut surface, 3, 2, 3).unwrap(), 0..6).unwrap();
        let k: [u8; 6] = first();
        assert_eq!(surface, [k[0], k[1], 0, k[2], k[3], 0, k[4], k[5]]);
    }

    #[test]
    fn empty_calls_take_no_keystream() {
        let key = key();
        let mut keystream = Keystream::new(&key, COUNTER);
        keystream.apply_in_place(&mut []);
        keystream.apply(&[], &mut []).unwrap();
        let mut surface = [0; 6];
        keystream.in_place(&mut RowsMut::new(&mut surface, 4, 2, 2).unwrap(), 3..3).unwrap();
        keystream.in_place(&mut RowsMut::new(&mut [], 0, 2, 0).unwrap(), 0..0).unwrap();
        assert_eq!((keystream.position(), surface), (0, [0; 6]));
        let mut next = [0; 20];
        keystream.apply_in_place(&mut next);
        assert_eq!(next, first());
    }

    #[test]
    fn empty_calls_inside_a_block_take_no_keystream() {
        let key = key();
        for before in 0..BLOCK {
            let mut keystream = Keystream::new(&key, COUNTER);
            let mut taken = [0; 40];
            keystream.apply_in_place(&mut taken[..before]);
            keystream.apply(&[], &mut []).unwrap();
            keystream.copy(&[1; 9][..].into(), &mut (&mut [1; 9][..]).into(), 4..4).unwrap();
            keystream.apply_in_place(&mut []);
            keystream.apply_in_place(&mut taken[before..]);
            assert_eq!(taken, first());
        }
    }

    #[test]
    fn pitch_of_a_single_row_is_ignored() {
        let key = key();
        for pitch in [0, 1, usize::MAX] {
            let (mut copied, mut in_place) = ([0; 5], [0; 5]);
            let src = Rows::new(&[0; 5], pitch, 5, 1).unwrap();
            Keystream::new(&key, COUNTER).copy(&src, &mut (&mut copied[..]).into(), 0..5).unwrap();
            let mut surface = RowsMut::new(&mut in_place, pitch, 5, 1).unwrap();
            Keystream::new(&key, COUNTER).in_place(&mut surface, 0..5).unwrap();
            assert_eq!([copied, in_place], [first(); 2]);
        }
    }

    #[test]
    fn apply_to_another_length_is_refused_and_takes_no_keystream() {
        let key = key();
        let mut keystream = Keystream::new(&key, COUNTER);
        let mut dst = [0; 4];
        let error = CopyError::ShapeMismatch { src_row_bytes: 3, src_rows: 1, dst_row_bytes: 4, dst_rows: 1 };
        assert_eq!(keystream.apply(&[1; 3], &mut dst), Err(error));
        assert_eq!((keystream.position(), dst), (0, [0; 4]));
    }

    #[test]
    fn debug_shows_the_position_alone() {
        let key = key();
        let mut keystream = Keystream::new(&key, COUNTER);
        keystream.apply_in_place(&mut [0; 5]);
        assert_eq!(format!("{keystream:?}"), "Keystream { position: 5, .. }");
    }
}
