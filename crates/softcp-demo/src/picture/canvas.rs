//! A picture in memory: pixels, rectangles, text, and the PNG file.

use std::io;

use spleen_font::{FONT_8X16, FONT_12X24, FONT_16X32};

use super::Area;

/// Red, green, blue.
pub(crate) type Rgb = [u8; 3];

/// The sizes of letters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Font {
    /// 8 by 16 pixels.
    Small,
    /// 12 by 24 pixels.
    Medium,
    /// 16 by 32 pixels.
    Large,
}

impl Font {
    /// Pixels from one letter to the next.
    pub(crate) fn advance(self) -> usize {
        match self {
            Self::Small => 8,
            Self::Medium => 12,
            Self::Large => 16,
        }
    }

    /// Pixels from the top of a letter to its bottom.
    fn height(self) -> usize {
        2 * self.advance()
    }

    /// The bitmap of a printable ASCII letter: rows of whole bytes, the leftmost pixel in the highest bit.
    ///
    /// The files are PC Screen Fonts, whose first 128 glyphs are ASCII: the small one of version 1, with a header of 4
    /// bytes, the others of version 2, with 32 bytes.
    fn bitmap(self, letter: char) -> Option<&'static [u8]> {
        let (file, header) = match self {
            Self::Small => (FONT_8X16, 4),
            Self::Medium => (FONT_12X24, 32),
            Self::Large => (FONT_16X32, 32),
        };
        let index = u8::try_from(letter).ok().filter(|byte| (b' '..=b'~').contains(byte))?;
        let len = self.row_bytes() * self.height();
        file.get(header + usize::from(index) * len..)?.get(..len)
    }

    fn row_bytes(self) -> usize {
        self.advance().div_ceil(8)
    }
}

/// Pixels, row after row. What is drawn outside is cut off.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// A canvas of one colour.
    pub(crate) fn new(width: usize, height: usize, colour: Rgb) -> Self {
        Self { width, height, pixels: colour.repeat(width * height) }
    }

    pub(crate) fn set(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            let at = (y * self.width + x) * 3;
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// Fills an area.
    pub(crate) fn fill(&mut self, area: Area, colour: Rgb) {
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                self.set(x, y, colour);
            }
        }
    }

    /// Fills an area with rounded corners.
    pub(crate) fn fill_rounded(&mut self, area: Area, radius: usize, colour: Rgb) {
        for y in 0..area.height {
            // How far the row is into a corner, measured from the corner's centre; pixels count by their middles.
            let depth = radius.saturating_sub(y.min(area.height - 1 - y));
            let indent = (0..radius).find(|&x| {
                let across = 2 * (radius - x) - 1;
                let down = (2 * depth).saturating_sub(1);
                across * across + down * down <= 4 * radius * radius
            });
            let indent = if depth == 0 { 0 } else { indent.unwrap_or(radius) };
            let row = Area { x: area.x + indent, y: area.y + y, width: area.width - 2 * indent, height: 1 };
            self.fill(row, colour);
        }
    }

    /// Draws a line of ASCII text from its upper left corner, and returns where the next letter would begin.
    pub(crate) fn text(&mut self, (x, y): (usize, usize), text: &str, font: Font, colour: Rgb) -> usize {
        let mut left = x;
        for letter in text.chars() {
            let rows = font.bitmap(letter).unwrap_or_default().chunks(font.row_bytes());
            for (down, row) in rows.enumerate() {
                for across in (0..font.advance()).filter(|across| row[across / 8] & 0x80 >> (across % 8) != 0) {
                    self.set(left + across, y + down, colour);
                }
            }
            left += font.advance();
        }
        left
    }

    /// The same with thicker strokes.
    pub(crate) fn bold_text(&mut self, (x, y): (usize, usize), text: &str, font: Font, colour: Rgb) {
        self.text((x, y), text, font, colour);
        self.text((x + 1, y), text, font, colour);
    }

    /// Draws text that ends at `right`.
    pub(crate) fn text_right(&mut self, (right, y): (usize, usize), text: &str, font: Font, colour: Rgb) {
        let width = text.chars().count() * font.advance();
        self.text((right.saturating_sub(width), y), text, font, colour);
    }

    /// The bytes of a PNG file.
    pub(crate) fn to_png(&self) -> io::Result<Vec<u8>> {
        let too_large = |_| io::Error::new(io::ErrorKind::InvalidInput, "the picture is too large");
        let [width, height] = [self.width, self.height].map(|size| u32::try_from(size).map_err(too_large));
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, width?, height?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Half of the demonstration's time otherwise; the picture is a few tens of KB larger.
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(png)
    }

    #[cfg(test)]
    pub(crate) fn get(&self, x: usize, y: usize) -> Rgb {
        let at = (y * self.width + x) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Rgb = [0; 3];
    const WHITE: Rgb = [255; 3];

    fn drawn(canvas: &Canvas) -> usize {
        canvas.pixels.chunks(3).filter(|pixel| **pixel == WHITE).count()
    }

    #[test]
    fn letters_are_drawn_where_they_belong() {
        let mut canvas = Canvas::new(40, 20, BLACK);
        assert_eq!(canvas.text((4, 2), "|-", Font::Small, WHITE), 20);
        // A bar is a column of pixels, a dash a row of them.
        let column = (0..20).filter(|&y| (4..12).any(|x| canvas.get(x, y) == WHITE)).count();
        let row = (12..20).filter(|&x| (0..20).any(|y| canvas.get(x, y) == WHITE)).count();
        assert!(column > 10 && row > 4, "{column} {row}");
        assert_eq!(
            drawn(&canvas),
            drawn(&{
                let mut right = Canvas::new(40, 20, BLACK);
                right.text_right((40, 0), "|-", Font::Small, WHITE);
                right
            })
        );
    }

    #[test]
    fn every_printable_letter_has_a_bitmap_of_its_own() {
        for font in [Font::Small, Font::Medium, Font::Large] {
            let bitmaps: std::collections::HashSet<_> =
                (' '..='~').map(|letter| font.bitmap(letter).unwrap()).collect();
            assert_eq!(bitmaps.len(), 95, "{font:?}");
        }
    }

    #[test]
    fn letters_have_the_shape_of_their_fonts() {
        for font in [Font::Small, Font::Medium, Font::Large] {
            // A capital H: full height on both sides, and one bar across.
            let mut canvas = Canvas::new(16, 32, BLACK);
            canvas.text((0, 0), "H", font, WHITE);
            let rows = (0..32).map(|y| (0..16).filter(|&x| canvas.get(x, y) == WHITE).count());
            let rows: Vec<_> = rows.filter(|&pixels| pixels > 0).collect();
            let widest = *rows.iter().max().unwrap();
            assert!(rows.len() * 2 > font.height(), "{font:?}: {rows:?}");
            assert!(rows[0] < widest && rows[0] == rows[rows.len() - 1], "{font:?}: {rows:?}");
        }
    }

    #[test]
    fn rounded_corners_leave_the_corner_and_keep_the_edges() {
        let mut canvas = Canvas::new(20, 20, BLACK);
        canvas.fill_rounded(Area { x: 0, y: 0, width: 20, height: 20 }, 6, WHITE);
        for (x, y) in [(0, 0), (19, 0), (0, 19), (19, 19)] {
            assert_eq!(canvas.get(x, y), BLACK);
        }
        for (x, y) in [(10, 0), (0, 10), (19, 10), (10, 19), (3, 3)] {
            assert_eq!(canvas.get(x, y), WHITE);
        }
    }

    #[test]
    fn drawing_outside_is_cut_off() {
        let mut canvas = Canvas::new(4, 4, BLACK);
        canvas.text((3, 3), "W", Font::Large, WHITE);
        canvas.fill(Area { x: 3, y: 3, width: 9, height: 9 }, WHITE);
        assert_eq!(drawn(&canvas), 1);
    }
}
