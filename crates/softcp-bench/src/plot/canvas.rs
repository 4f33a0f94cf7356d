//! Pixels that plotters draws on, with the letters of a bitmap font: no font of the system is needed.

use std::convert::Infallible;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use spleen_font::FONT_8X16;

use crate::error::PlotError;

/// Bytes of the header of the font's file, a PC Screen Font of version 1.
const HEADER: usize = 4;
/// Pixels of a letter.
const LETTER: (u16, u16) = (8, 16);

/// A picture in memory, white at first.
#[derive(Debug)]
pub(super) struct Canvas {
    width: u32,
    height: u32,
    /// Red, green and blue, row after row.
    pixels: Vec<u8>,
}

impl Canvas {
    pub(super) fn new((width, height): (u32, u32)) -> Self {
        Self { width, height, pixels: vec![0xff; width as usize * height as usize * 3] }
    }

    /// The bytes of a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>, PlotError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.pixels)?;
            writer.finish()
        });
        written.map_err(|error| PlotError::Draw(error.to_string()))?;
        Ok(file)
    }

    /// Mixes a colour into a pixel; one outside of the picture is left out.
    fn mix(&mut self, (x, y): BackendCoord, colour: BackendColor) {
        let inside = |at: i32, end: u32| u32::try_from(at).ok().filter(|&at| at < end);
        let (Some(x), Some(y)) = (inside(x, self.width), inside(y, self.height)) else { return };
        let at = (y as usize * self.width as usize + x as usize) * 3;
        let BackendColor { alpha, rgb: (red, green, blue) } = colour;
        for (pixel, part) in self.pixels[at..at + 3].iter_mut().zip([red, green, blue]) {
            let mixed = f64::from(part) * alpha + f64::from(*pixel) * (1.0 - alpha);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
            let mixed = mixed.round() as u8;
            *pixel = mixed;
        }
    }
}

/// The rows of a letter, the leftmost pixel in the highest bit.
fn bitmap(letter: char) -> &'static [u8] {
    let known = u8::try_from(letter).ok().filter(|byte| (b' '..=b'~').contains(byte)).unwrap_or(b'?');
    let start = HEADER + usize::from(known) * usize::from(LETTER.1);
    FONT_8X16.get(start..start + usize::from(LETTER.1)).unwrap_or_default()
}

/// Pixels of a line of text.
fn measure(text: &str) -> (u32, u32) {
    let letters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    (letters.saturating_mul(LETTER.0.into()), LETTER.1.into())
}

impl DrawingBackend for &mut Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Result<(), DrawingErrorKind<Infallible>> {
        self.mix(point, colour);
        Ok(())
    }

    fn draw_text<TStyle: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &TStyle,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (width, height) = measure(text);
        let (width, height) = (width.cast_signed(), height.cast_signed());
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        for (letter, start) in text.chars().zip((left..).step_by(LETTER.0.into())) {
            for (row, down) in bitmap(letter).iter().zip(top..) {
                for (bit, across) in (0..LETTER.0).zip(start..) {
                    if row & 0x80 >> bit != 0 {
                        let (dx, dy) = style.transform().transform(across, down);
                        self.mix((x + dx, y + dy), style.color());
                    }
                }
            }
        }
        Ok(())
    }

    fn estimate_text_size<TStyle: BackendTextStyle>(
        &self,
        text: &str,
        _: &TStyle,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(measure(text))
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::text_anchor::Pos;
    use plotters::style::{BLACK, IntoFont as _, TextStyle};

    use super::*;

    fn dark(canvas: &Canvas) -> Vec<(u32, u32)> {
        let all = (0..canvas.height).flat_map(|y| (0..canvas.width).map(move |x| (x, y)));
        all.zip(canvas.pixels.chunks(3)).filter(|(_, pixel)| pixel[0] < 0x80).map(|(at, _)| at).collect()
    }

    fn written(text: &str, pos: Pos, at: BackendCoord) -> Vec<(u32, u32)> {
        let mut canvas = Canvas::new((100, 40));
        let style = TextStyle::from(("sans-serif", 14).into_font()).color(&BLACK).pos(pos);
        (&mut &mut canvas).draw_text(text, &style, at).unwrap();
        dark(&canvas)
    }

    #[test]
    fn text_has_the_shape_of_its_letters_and_lies_at_its_anchor() {
        // A capital L: a column down, and a row at its foot.
        let left = written("L", Pos::new(HPos::Left, VPos::Top), (10, 10));
        assert!(left.iter().all(|&(x, y)| (10..18).contains(&x) && (10..26).contains(&y)), "{left:?}");
        let rows = |y| left.iter().filter(|&&(_, row)| row == y).count();
        let (top, bottom) = (left[0].1, left[left.len() - 1].1);
        assert!(rows(top) < rows(bottom), "{left:?}");
        let right = written("L", Pos::new(HPos::Right, VPos::Bottom), (18, 26));
        assert_eq!(left, right);
    }

    #[test]
    fn letters_that_the_font_lacks_are_question_marks() {
        let pos = || Pos::new(HPos::Left, VPos::Top);
        assert_eq!(written("é", pos(), (0, 0)), written("?", pos(), (0, 0)));
        assert!(!written("~", pos(), (0, 0)).is_empty());
    }

    #[test]
    fn drawing_outside_is_left_out_and_alpha_mixes() {
        let mut canvas = Canvas::new((2, 1));
        for point in [(-1, 0), (2, 0), (0, 1), (0, -1)] {
            canvas.mix(point, BackendColor { alpha: 1.0, rgb: (0, 0, 0) });
        }
        assert_eq!(canvas.pixels, [0xff; 6]);
        canvas.mix((1, 0), BackendColor { alpha: 0.5, rgb: (0, 0xff, 1) });
        assert_eq!(canvas.pixels, [0xff, 0xff, 0xff, 0x80, 0xff, 0x80]);
    }
}
