//! An uncompressed picture: NV12, as decoders write it and protected surfaces hold it.

/// A picture in NV12: a plane of luma, then one of Cb and Cr by turns at half the width and height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nv12 {
    width: usize,
    height: usize,
    /// Visible bytes, row after row: `height` rows of luma, then `height / 2` of chroma, each of `width` bytes.
    bytes: Vec<u8>,
}

impl Nv12 {
    /// A picture of these bytes, of which there must be one and a half for each pixel; width and height are even.
    pub(crate) fn new(width: usize, height: usize, bytes: Vec<u8>) -> Option<Self> {
        let fits = width.is_multiple_of(2) && height.is_multiple_of(2) && bytes.len() == width * height / 2 * 3;
        (fits && !bytes.is_empty()).then_some(Self { width, height, bytes })
    }

    /// A picture of three planes, chroma at half the width and height.
    pub(crate) fn from_planes(width: usize, height: usize, luma: &[u8], cb: &[u8], cr: &[u8]) -> Option<Self> {
        let chroma = cb.iter().zip(cr).flat_map(|(&cb, &cr)| [cb, cr]);
        Self::new(width, height, luma.iter().copied().chain(chroma).collect())
    }

    /// Pixels in a row, and bytes.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Rows of pixels.
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// All visible bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same as planes of luma, Cb and Cr, one behind the other.
    pub(crate) fn planar(&self) -> impl Iterator<Item = u8> {
        let (luma, chroma) = self.bytes.split_at(self.width * self.height);
        let every_other = |first| chroma.iter().skip(first).step_by(2);
        luma.iter().chain(every_other(0)).chain(every_other(1)).copied()
    }

    /// The rows of both planes.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.width)
    }

    /// The colour of a pixel: BT.601, limited range, as for video of standard definition.
    pub(crate) fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        let chroma = self.width * self.height + y / 2 * self.width + x / 2 * 2;
        let [luma, cb, cr] = [y * self.width + x, chroma, chroma + 1].map(|at| i32::from(self.bytes[at]));
        let (luma, cb, cr) = (298 * (luma - 16), cb - 128, cr - 128);
        let channel = |sum: i32| u8::try_from(((sum + 128) >> 8).clamp(0, 255)).expect("clamped to a byte");
        [channel(luma + 409 * cr), channel(luma - 100 * cb - 208 * cr), channel(luma + 516 * cb)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(luma: u8, cb: u8, cr: u8) -> Nv12 {
        Nv12::from_planes(2, 2, &[luma; 4], &[cb], &[cr]).unwrap()
    }

    #[test]
    fn planes_are_interleaved() {
        let frame = Nv12::from_planes(4, 2, &[1, 2, 3, 4, 5, 6, 7, 8], &[10, 11], &[20, 21]).unwrap();
        let rows: Vec<_> = frame.rows().collect();
        assert_eq!(rows, [[1, 2, 3, 4], [5, 6, 7, 8], [10, 20, 11, 21]]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert_eq!(Nv12::new(2, 2, vec![0; 5]), None);
        assert_eq!(Nv12::new(3, 2, vec![0; 9]), None);
        assert_eq!(Nv12::new(0, 0, Vec::new()), None);
    }

    /// Values of ITU-R BT.601 bars at full amplitude, rounded to the nearest of limited range.
    #[test]
    fn colours_of_known_values() {
        assert_eq!(uniform(16, 128, 128).rgb(1, 1), [0, 0, 0]);
        assert_eq!(uniform(235, 128, 128).rgb(0, 0), [255, 255, 255]);
        assert_eq!(uniform(81, 90, 240).rgb(0, 1), [255, 0, 0]);
        assert_eq!(uniform(145, 54, 34).rgb(1, 0), [0, 255, 1]);
        assert_eq!(uniform(41, 240, 110).rgb(0, 0), [0, 0, 255]);
    }
}
