//! Surfaces in memory: their measures, what they hold, and enough of them that each comes from memory.

use std::ops::Range;

use crate::implementations::SLACK;
use crate::timing::SplitMix;

/// The measures of a surface: bytes, and a number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) row_pitch: usize,
    pub(crate) row_bytes: usize,
    pub(crate) rows: usize,
}

impl Shape {
    /// A buffer: one row.
    pub(crate) const fn flat(bytes: usize) -> Self {
        Self { row_pitch: bytes, row_bytes: bytes, rows: 1 }
    }

    /// Rows without padding between them.
    pub(crate) const fn packed(row_bytes: usize, rows: usize) -> Self {
        Self { row_pitch: row_bytes, row_bytes, rows }
    }

    /// Bytes that are not padding.
    pub(crate) const fn visible(self) -> usize {
        self.row_bytes * self.rows
    }

    /// Bytes from the first to behind the last row's padding.
    pub(crate) const fn len(self) -> usize {
        self.row_pitch * self.rows
    }

    /// Whether the visible bytes lie one behind the other.
    pub(crate) const fn is_contiguous(self) -> bool {
        self.row_pitch == self.row_bytes
    }

    /// Where each row lies.
    pub(crate) fn rows(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.rows).map(move |row| row * self.row_pitch..row * self.row_pitch + self.row_bytes)
    }

    /// The visible bytes of a surface.
    pub(crate) fn gather(self, surface: &[u8]) -> Vec<u8> {
        self.rows().flat_map(|row| &surface[row]).copied().collect()
    }
}

/// Bytes that no compression or shortcut could help with, the same in each run.
pub(crate) fn content(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    SplitMix::new(bytes as u64).fill(&mut content);
    content
}

/// What destinations hold before anything is done to them.
pub(crate) const UNTOUCHED: u8 = 0xa5;

/// Memory that begins where a cache line does, as a driver's does.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buffer {
    const ALIGNMENT: usize = 64;

    fn new(len: usize) -> Self {
        let bytes = vec![0; len + Self::ALIGNMENT + SLACK];
        let start = bytes.as_ptr().align_offset(Self::ALIGNMENT);
        Self { bytes, start, len }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    /// The bytes, and [`SLACK`] more behind them.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len + SLACK]
    }
}

/// Pairs of source and destination, used one after the other.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    pairs: Vec<(T, T)>,
    next: usize,
}

impl<T> Ring<T> {
    pub(crate) fn new(pairs: Vec<(T, T)>) -> Self {
        Self { pairs, next: 0 }
    }

    /// The next pair.
    pub(crate) fn advance(&mut self) -> &mut (T, T) {
        // Without a division, which would be as long as a small copy.
        self.next += 1;
        if self.next == self.pairs.len() {
            self.next = 0;
        }
        &mut self.pairs[self.next]
    }
}

impl Ring<Buffer> {
    /// `pairs` of buffers of a shape, whose sources hold `content`. Destinations are written too: the first write to a fresh
    /// page costs more than any cipher.
    pub(crate) fn of_buffers(pairs: usize, shape: Shape, content: &[u8]) -> Self {
        let pair = || {
            let mut source = Buffer::new(shape.len());
            for (row, content) in shape.rows().zip(content.chunks(shape.row_bytes)) {
                source.bytes_mut()[row].copy_from_slice(content);
            }
            let mut destination = Buffer::new(shape.len());
            destination.bytes_mut().fill(UNTOUCHED);
            (source, destination)
        };
        Self::new((0..pairs).map(|_| pair()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gather_leaves_padding_out() {
        let shape = Shape { row_pitch: 4, row_bytes: 3, rows: 2 };
        assert_eq!(shape.gather(b"abc.def."), b"abcdef");
        assert_eq!((shape.visible(), shape.len(), shape.is_contiguous()), (6, 8, false));
        assert!(Shape::flat(5).is_contiguous() && Shape::packed(5, 2).is_contiguous());
    }

    #[test]
    fn ring_gives_each_pair_in_turn() {
        let mut ring = Ring::new(vec![(0, 0), (1, 1), (2, 2)]);
        let order: Vec<_> = (0..6).map(|_| ring.advance().0).collect();
        assert_eq!(order, [1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn buffers_are_aligned_and_hold_the_content() {
        let shape = Shape { row_pitch: 70, row_bytes: 33, rows: 3 };
        let content = content(shape.visible());
        let mut ring = Ring::of_buffers(2, shape, &content);
        for _ in 0..2 {
            let (source, destination) = ring.advance();
            assert_eq!(shape.gather(source.bytes()), content);
            assert!(destination.bytes().iter().all(|&byte| byte == UNTOUCHED));
            for buffer in [&*source, &*destination] {
                assert_eq!((buffer.bytes().as_ptr().addr() % 64, buffer.bytes().len()), (0, 210));
            }
            assert_eq!(destination.bytes_mut().len(), 210 + SLACK);
        }
    }
}
