//! The way over the planes of a sample, area by area: memory in the order of its visible bytes, cut where rows end.

use core::iter::Zip;
use core::{array, slice};

use aes::cipher::inout::InOutBuf;

use crate::BLOCK;
use crate::copy::{CopyError, check_shapes};
use crate::region::{Area, Kind, Stripes};
use crate::row_iter::{RowIter, none};
use crate::rows::{Rows, RowsMut};

/// Consecutive memory of source and destination that is treated alike. Never empty.
#[allow(clippy::large_enum_variant, reason = "the large one is rare, and the others are not moved at its size")]
pub(crate) enum Section<'a> {
    /// A region begins whose chain does not go on from the one before.
    Restart,
    /// Copied.
    Clear(InOutBuf<'a, 'a, u8>),
    /// Whole blocks, all encrypted.
    Blocks(InOutBuf<'a, 'a, u8>),
    /// Whole periods of a pattern.
    Stripes(InOutBuf<'a, 'a, u8>, Stripes),
    /// One encrypted block over the ends of rows.
    Split(SplitBlock<'a>),
}

/// A block whose bytes do not lie together.
pub(crate) struct SplitBlock<'a>([InOutBuf<'a, 'a, u8>; BLOCK]);

impl SplitBlock<'_> {
    /// Its bytes in the source.
    pub(crate) fn read(&self) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        let mut at = 0;
        for span in &self.0 {
            bytes[at..at + span.len()].copy_from_slice(span.get_in());
            at += span.len();
        }
        bytes
    }

    /// Writes its bytes to the destination.
    pub(crate) fn write(&mut self, bytes: &[u8; BLOCK]) {
        let mut at = 0;
        for span in &mut self.0 {
            let len = span.len();
            span.get_out().copy_from_slice(&bytes[at..at + len]);
            at += len;
        }
    }
}

/// The visible bytes of planes, of a source and a destination of one shape or of one surface.
pub(crate) struct Planes<'a, 's, 'd> {
    others: Others<'a, 's, 'd>,
    plane: RowIter<'a>,
}

enum Others<'a, 's, 'd> {
    Distinct(Zip<slice::Iter<'a, Rows<'s>>, slice::IterMut<'a, RowsMut<'d>>>),
    InPlace(slice::IterMut<'a, RowsMut<'d>>),
}

impl<'a, 's, 'd> Planes<'a, 's, 'd> {
    /// Over planes that have been checked by [`check`].
    #[inline]
    pub(crate) fn new(src: &'a [Rows<'s>], dst: &'a mut [RowsMut<'d>]) -> Self {
        Self { others: Others::Distinct(src.iter().zip(dst)), plane: RowIter::over(none()) }
    }

    #[inline]
    pub(crate) fn in_place(surface: &'a mut [RowsMut<'d>]) -> Self {
        Self { others: Others::InPlace(surface.iter_mut()), plane: RowIter::over(none()) }
    }

    /// Bytes that lie together next. 0: the last plane has ended.
    #[inline]
    fn ready(&mut self) -> usize {
        loop {
            let ready = self.plane.ready();
            if ready != 0 {
                return ready;
            }
            self.plane = match &mut self.others {
                Others::Distinct(planes) => match planes.next() {
                    Some((src, dst)) => RowIter::new(src, dst),
                    None => return 0,
                },
                Others::InPlace(planes) => match planes.next() {
                    Some(surface) => RowIter::in_place(surface),
                    None => return 0,
                },
            };
        }
    }
}

/// Checks that source and destination have the same planes.
pub(crate) fn check(src: &[Rows<'_>], dst: &[RowsMut<'_>]) -> Result<(), CopyError> {
    if src.len() != dst.len() {
        return Err(CopyError::PlanesMismatch { src_planes: src.len(), dst_planes: dst.len() });
    }
    src.iter().zip(dst).try_for_each(|(src, dst)| check_shapes(src.shape(), dst.shape()))
}

/// The sections of areas that cover planes exactly.
pub(crate) struct Sections<'a, 's, 'd> {
    planes: Planes<'a, 's, 'd>,
    // One type for all callers, so that the kernels are compiled once.
    areas: &'a mut dyn Iterator<Item = Area>,
    /// Whether the chain begins again in each region.
    restarts: bool,
    area: Area,
    /// Bytes of the area before the next section.
    at: usize,
}

impl<'a, 's, 'd> Sections<'a, 's, 'd> {
    #[inline]
    pub(crate) fn new(planes: Planes<'a, 's, 'd>, areas: &'a mut dyn Iterator<Item = Area>, restarts: bool) -> Self {
        Self { planes, areas, restarts, area: Area { len: 0, kind: Kind::Clear, begins_region: false }, at: 0 }
    }

    /// Up to `len` bytes of those that lie together next, `ready` of them.
    #[inline]
    fn take(&mut self, len: usize, ready: usize) -> InOutBuf<'a, 'a, u8> {
        let len = len.min(ready);
        self.at += len;
        self.planes.plane.take(len)
    }

    /// A section of up to `len` bytes of whole encrypted blocks, with `ready` bytes lying together.
    #[inline]
    fn blocks(&mut self, len: usize, ready: usize) -> Section<'a> {
        if ready < BLOCK {
            return self.split();
        }
        Section::Blocks(self.take(len, ready - ready % BLOCK))
    }

    #[cold]
    fn split(&mut self) -> Section<'a> {
        let mut spans = array::from_fn(|_| none());
        let mut left = BLOCK;
        for span in &mut spans {
            if left != 0 {
                let ready = self.planes.ready();
                *span = self.take(left, ready);
                left -= span.len();
            }
        }
        debug_assert_eq!(left, 0, "areas do not go past the last plane");
        Section::Split(SplitBlock(spans))
    }
}

impl<'a> Iterator for Sections<'a, '_, '_> {
    type Item = Section<'a>;

    #[inline]
    fn next(&mut self) -> Option<Section<'a>> {
        if self.at == self.area.len {
            self.area = self.areas.next()?;
            self.at = 0;
            if self.restarts && self.area.begins_region {
                return Some(Section::Restart);
            }
        }
        let ready = self.planes.ready();
        if ready == 0 {
            debug_assert_ne!(ready, 0, "areas do not go past the last plane");
            return None;
        }
        let left = self.area.len - self.at;
        Some(match self.area.kind {
            Kind::Clear => Section::Clear(self.take(left, ready)),
            Kind::Blocks => self.blocks(left, ready),
            Kind::Stripes(stripes) => {
                let Stripes { encrypted, period } = stripes;
                let in_period = self.at % period;
                let together = left.min(ready);
                if in_period == 0 && together >= period {
                    Section::Stripes(self.take(together - together % period, ready), stripes)
                } else if in_period < encrypted {
                    self.blocks(encrypted - in_period, ready)
                } else {
                    Section::Clear(self.take(period - in_period, ready))
                }
            }
        })
    }
}
