//! Where the visible bytes of a mapped resource lie: the planes of every `DXGI_FORMAT` that can be mapped.
//!
//! `Map` gives one address and one row pitch. The rows of the first plane lie one pitch apart, and those of the next
//! plane follow behind the last of them, at the same pitch, be they as long or shorter. What lies between the end of a
//! row and the next one is padding, which no blit reads or writes (D9).
//!
//! Sources: the pages of `DXGI_FORMAT` and `D3D11_MAPPED_SUBRESOURCE`, and the recommended YUV formats for video.

/// The visible bytes of one plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// Bytes of a row that carry pixels.
    pub row_bytes: usize,
    /// Rows; of block-compressed formats, rows of blocks.
    pub rows: usize,
}

/// The planes of a mapped resource, in memory order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// At least one.
    pub planes: Vec<Plane>,
}

impl Layout {
    /// Subresource 0 of a two-dimensional texture; width and height in pixels. None where [`planes`] has none.
    #[must_use]
    pub fn of_texture(format: u32, width: u32, height: u32) -> Option<Self> {
        Some(Self { planes: planes(format, width, height)? })
    }

    /// A buffer of this many bytes: one row, whatever its pitch.
    #[must_use]
    pub fn of_buffer(bytes: usize) -> Self {
        Self { planes: vec![Plane { row_bytes: bytes, rows: 1 }] }
    }

    /// Rows of all planes before this one: its offset in row pitches. None if there is no such plane.
    #[must_use]
    pub fn first_row(&self, plane: usize) -> Option<usize> {
        self.planes.get(plane)?;
        self.planes[..plane].iter().try_fold(0_usize, |rows, plane| rows.checked_add(plane.rows))
    }

    /// Bytes from the mapped address to a plane, with rows `row_pitch` bytes apart. None if there is no such plane, or
    /// if it would lie outside of what a machine of this width can address.
    #[must_use]
    pub fn offset(&self, plane: usize, row_pitch: usize) -> Option<usize> {
        self.first_row(plane)?.checked_mul(row_pitch)
    }

    /// Bytes from the mapped address to the end of the last visible row, which is all that may be touched: padding behind
    /// the last row need not exist. None if rows are longer than the pitch (unless a plane has but one), or if a
    /// machine of this width cannot address it.
    #[must_use]
    pub fn mapped_size(&self, row_pitch: usize) -> Option<usize> {
        let fits = |plane: &Plane| plane.row_bytes <= row_pitch || self.planes.len() == 1 && plane.rows == 1;
        if !self.planes.iter().all(fits) {
            return None;
        }
        let last = self.planes.len().checked_sub(1)?;
        let Plane { row_bytes, rows } = self.planes[last];
        let before_last_row = self.first_row(last)?.checked_add(rows.checked_sub(1)?)?;
        before_last_row.checked_mul(row_pitch)?.checked_add(row_bytes)
    }

    /// Visible bytes of all planes: as many as are enciphered (D9). None if the number does not fit.
    #[must_use]
    pub fn visible_bytes(&self) -> Option<usize> {
        let bytes = |plane: &Plane| plane.row_bytes.checked_mul(plane.rows);
        self.planes.iter().try_fold(0_usize, |sum, plane| sum.checked_add(bytes(plane)?))
    }
}

/// How the pixels of a format are stored.
#[derive(Debug, Clone, Copy)]
enum Storage {
    /// One plane of units, each of so many bytes for `width` by `height` pixels.
    Units { width: u32, height: u32, bytes: u64 },
    /// A plane of luma with so many bytes for each sample, then planes of chroma.
    Planar { luma: u64, chroma: Chroma },
}

/// The planes behind the luma plane.
#[derive(Debug, Clone, Copy)]
struct Chroma {
    /// How many there are.
    planes: usize,
    /// Bytes of a sample in one of them: of a pair where U and V alternate.
    bytes: u64,
    /// Pixels from one sample to the next, to the right.
    x: u32,
    /// Pixels from one sample to the next, downwards.
    y: u32,
}

const fn pixels(bytes: u64) -> Storage {
    Storage::Units { width: 1, height: 1, bytes }
}

const fn pairs(bytes: u64) -> Storage {
    Storage::Units { width: 2, height: 1, bytes }
}

const fn blocks(bytes: u64) -> Storage {
    Storage::Units { width: 4, height: 4, bytes }
}

const fn planar(luma: u64, planes: usize, bytes: u64, x: u32, y: u32) -> Storage {
    Storage::Planar { luma, chroma: Chroma { planes, bytes, x, y } }
}

/// How a `DXGI_FORMAT` is stored; none for those that cannot be mapped and for numbers that are no format.
const fn storage(format: u32) -> Option<Storage> {
    Some(match format {
        // R32G32B32A32.
        1..=4 => pixels(16),
        // R32G32B32.
        5..=8 => pixels(12),
        // R16G16B16A16, R32G32, R32G8X24 and its views, Y416.
        9..=22 | 102 => pixels(8),
        // R10G10B10A2, R11G11B10, R8G8B8A8, R16G16, R32, R24G8 and its views; R9G9B9E5; B8G8R8A8 and B8G8R8X8, and
        // R10G10B10_XR_BIAS_A2 between them; AYUV, Y410.
        23..=47 | 67 | 87..=93 | 100..=101 => pixels(4),
        // R8G8, R16; B5G6R5, B5G5R5A1; A8P8; B4G4R4A4; A4B4G4R4.
        48..=59 | 85..=86 | 114..=115 | 191 => pixels(2),
        // R8, A8; AI44, IA44, P8.
        60..=65 | 111..=113 => pixels(1),
        // R1: a bit for each pixel.
        66 => Storage::Units { width: 8, height: 1, bytes: 1 },
        // R8G8_B8G8, G8R8_G8B8, YUY2.
        68..=69 | 107 => pairs(4),
        // Y210, Y216.
        108..=109 => pairs(8),
        // BC1, BC4.
        70..=72 | 79..=81 => blocks(8),
        // BC2, BC3, BC5, BC6H, BC7.
        73..=78 | 82..=84 | 94..=99 => blocks(16),
        // NV12.
        103 => planar(1, 1, 2, 2, 2),
        // P010, P016.
        104..=105 => planar(2, 1, 4, 2, 2),
        // NV11: as many rows of chroma as of luma, half as long, at the same pitch.
        110 => planar(1, 1, 2, 4, 1),
        // P208.
        130 => planar(1, 1, 2, 2, 1),
        // V208: U, then V, each of half the rows.
        131 => planar(1, 2, 1, 1, 2),
        // V408: U, then V.
        132 => planar(1, 2, 1, 1, 1),
        // UNKNOWN; 420_OPAQUE (106), SAMPLER_FEEDBACK_MIN_MIP_OPAQUE and _MIP_REGION_USED_OPAQUE (189, 190), whose
        // bytes nobody but the driver knows; numbers that are no format.
        _ => return None,
    })
}

/// The visible bytes of the planes of subresource 0, in memory order, for a texture of `width` by `height` pixels.
///
/// A size that is not a whole number of blocks, pairs or chroma samples is rounded up to one, in every plane, as
/// resources themselves are. None for a `DXGI_FORMAT` that cannot be mapped (`UNKNOWN`, the opaque ones) or is not
/// known here, for a texture without pixels, and for rows that a machine of this width cannot address.
#[must_use]
pub fn planes(format: u32, width: u32, height: u32) -> Option<Vec<Plane>> {
    let storage = storage(format)?;
    if width == 0 || height == 0 {
        return None;
    }
    let plane = |units: u32, bytes: u64, rows: u32| {
        let row_bytes = usize::try_from(u64::from(units) * bytes).ok()?;
        Some(Plane { row_bytes, rows: usize::try_from(rows).ok()? })
    };
    match storage {
        Storage::Units { width: across, height: down, bytes } => {
            Some(vec![plane(width.div_ceil(across), bytes, height.div_ceil(down))?])
        }
        Storage::Planar { luma, chroma } => {
            let (samples, sample_rows) = (width.div_ceil(chroma.x), height.div_ceil(chroma.y));
            // Rounded up, the luma of the largest texture has more rows than 32 bits can say.
            let (width, height) = (samples.checked_mul(chroma.x)?, sample_rows.checked_mul(chroma.y)?);
            let mut planes = vec![plane(width, luma, height)?];
            planes.extend(std::iter::repeat_n(plane(samples, chroma.bytes, sample_rows)?, chroma.planes));
            Some(planes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every format by its name without `DXGI_FORMAT_`.
    #[rustfmt::skip] // as many in a line as it holds
    const NAMES: [(u32, &str); 121] = [
        (1, "R32G32B32A32_TYPELESS"), (2, "R32G32B32A32_FLOAT"), (3, "R32G32B32A32_UINT"), (4, "R32G32B32A32_SINT"),
        (5, "R32G32B32_TYPELESS"), (6, "R32G32B32_FLOAT"), (7, "R32G32B32_UINT"), (8, "R32G32B32_SINT"),
        (9, "R16G16B16A16_TYPELESS"), (10, "R16G16B16A16_FLOAT"), (11, "R16G16B16A16_UNORM"),
        (12, "R16G16B16A16_UINT"), (13, "R16G16B16A16_SNORM"), (14, "R16G16B16A16_SINT"), (15, "R32G32_TYPELESS"),
        (16, "R32G32_FLOAT"), (17, "R32G32_UINT"), (18, "R32G32_SINT"), (19, "R32G8X24_TYPELESS"),
        (20, "D32_FLOAT_S8X24_UINT"), (21, "R32_FLOAT_X8X24_TYPELESS"), (22, "X32_TYPELESS_G8X24_UINT"),
        (23, "R10G10B10A2_TYPELESS"), (24, "R10G10B10A2_UNORM"), (25, "R10G10B10A2_UINT"), (26, "R11G11B10_FLOAT"),
        (27, "R8G8B8A8_TYPELESS"), (28, "R8G8B8A8_UNORM"), (29, "R8G8B8A8_UNORM_SRGB"), (30, "R8G8B8A8_UINT"),
        (31, "R8G8B8A8_SNORM"), (32, "R8G8B8A8_SINT"), (33, "R16G16_TYPELESS"), (34, "R16G16_FLOAT"),
        (35, "R16G16_UNORM"), (36, "R16G16_UINT"), (37, "R16G16_SNORM"), (38, "R16G16_SINT"), (39, "R32_TYPELESS"),
        (40, "D32_FLOAT"), (41, "R32_FLOAT"), (42, "R32_UINT"), (43, "R32_SINT"), (44, "R24G8_TYPELESS"),
        (45, "D24_UNORM_S8_UINT"), (46, "R24_UNORM_X8_TYPELESS"), (47, "X24_TYPELESS_G8_UINT"), (48, "R8G8_TYPELESS"),
        (49, "R8G8_UNORM"), (50, "R8G8_UINT"), (51, "R8G8_SNORM"), (52, "R8G8_SINT"), (53, "R16_TYPELESS"),
        (54, "R16_FLOAT"), (55, "D16_UNORM"), (56, "R16_UNORM"), (57, "R16_UINT"), (58, "R16_SNORM"), (59, "R16_SINT"),
        (60, "R8_TYPELESS"), (61, "R8_UNORM"), (62, "R8_UINT"), (63, "R8_SNORM"), (64, "R8_SINT"), (65, "A8_UNORM"),
        (66, "R1_UNORM"), (67, "R9G9B9E5_SHAREDEXP"), (68, "R8G8_B8G8_UNORM"), (69, "G8R8_G8B8_UNORM"),
        (70, "BC1_TYPELESS"), (71, "BC1_UNORM"), (72, "BC1_UNORM_SRGB"), (73, "BC2_TYPELESS"), (74, "BC2_UNORM"),
        (75, "BC2_UNORM_SRGB"), (76, "BC3_TYPELESS"), (77, "BC3_UNORM"), (78, "BC3_UNORM_SRGB"), (79, "BC4_TYPELESS"),
        (80, "BC4_UNORM"), (81, "BC4_SNORM"), (82, "BC5_TYPELESS"), (83, "BC5_UNORM"), (84, "BC5_SNORM"),
        (85, "B5G6R5_UNORM"), (86, "B5G5R5A1_UNORM"), (87, "B8G8R8A8_UNORM"), (88, "B8G8R8X8_UNORM"),
        (89, "R10G10B10_XR_BIAS_A2_UNORM"), (90, "B8G8R8A8_TYPELESS"), (91, "B8G8R8A8_UNORM_SRGB"),
        (92, "B8G8R8X8_TYPELESS"), (93, "B8G8R8X8_UNORM_SRGB"), (94, "BC6H_TYPELESS"), (95, "BC6H_UF16"),
        (96, "BC6H_SF16"), (97, "BC7_TYPELESS"), (98, "BC7_UNORM"), (99, "BC7_UNORM_SRGB"), (100, "AYUV"),
        (101, "Y410"), (102, "Y416"), (103, "NV12"), (104, "P010"), (105, "P016"), (106, "420_OPAQUE"), (107, "YUY2"),
        (108, "Y210"), (109, "Y216"), (110, "NV11"), (111, "AI44"), (112, "IA44"), (113, "P8"), (114, "A8P8"),
        (115, "B4G4R4A4_UNORM"), (130, "P208"), (131, "V208"), (132, "V408"),
        (189, "SAMPLER_FEEDBACK_MIN_MIP_OPAQUE"), (190, "SAMPLER_FEEDBACK_MIP_REGION_USED_OPAQUE"),
        (191, "A4B4G4R4_UNORM"),
    ];

    fn list(planes: &[(usize, usize)]) -> Vec<Plane> {
        planes.iter().map(|&(row_bytes, rows)| Plane { row_bytes, rows }).collect()
    }

    /// Bits for each pixel, the average over a texture, as the name of a format says: the sum of the numbers in it, since
    /// every number is a channel's; or what a format without channels in its name is known for.
    fn bits(name: &str) -> Option<usize> {
        let known = [
            ("BC1_", 4),
            ("BC2_", 8),
            ("BC3_", 8),
            ("BC4_", 4),
            ("BC5_", 8),
            ("BC6H_", 8),
            ("BC7_", 8),
            ("R8G8_B8G8_", 16),
            ("G8R8_G8B8_", 16),
            ("AYUV", 32),
            ("Y410", 32),
            ("Y416", 64),
            ("NV12", 12),
            ("P010", 24),
            ("P016", 24),
            ("YUY2", 16),
            ("Y210", 32),
            ("Y216", 32),
            ("NV11", 12),
            ("AI44", 8),
            ("IA44", 8),
            ("P208", 16),
            ("V208", 16),
            ("V408", 24),
        ];
        if name.ends_with("OPAQUE") {
            return None;
        }
        if let Some((_, bits)) = known.iter().find(|(start, _)| name.starts_with(start)) {
            return Some(*bits);
        }
        let numbers = name.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        Some(numbers.map(|digits| digits.parse::<usize>().unwrap()).sum())
    }

    #[test]
    fn every_format_has_the_bits_that_its_name_says() {
        let mut known = 0;
        for format in 0..=300 {
            let name = NAMES.iter().find(|(number, _)| *number == format).map(|(_, name)| *name);
            let expected = name.and_then(bits).map(|bits| bits * 64 * 32 / 8);
            let layout = Layout::of_texture(format, 64, 32);
            let found = layout.map(|layout| layout.visible_bytes().unwrap());
            assert_eq!(found, expected, "{format}: {name:?}");
            known += usize::from(found.is_some());
        }
        assert_eq!(known, NAMES.len() - 3, "three are opaque");
        assert_eq!(planes(u32::MAX, 1, 1), None);
    }

    #[test]
    fn planes_of_video_formats() {
        let expected: &[(u32, &[(usize, usize)])] = &[
            (103, &[(16, 6), (16, 3)]),          // NV12
            (104, &[(32, 6), (32, 3)]),          // P010
            (105, &[(32, 6), (32, 3)]),          // P016
            (110, &[(16, 6), (8, 6)]),           // NV11
            (130, &[(16, 6), (16, 6)]),          // P208
            (131, &[(16, 6), (16, 3), (16, 3)]), // V208
            (132, &[(16, 6), (16, 6), (16, 6)]), // V408
            (107, &[(32, 6)]),                   // YUY2
            (108, &[(64, 6)]),                   // Y210
            (100, &[(64, 6)]),                   // AYUV
        ];
        for &(format, expected) in expected {
            assert_eq!(planes(format, 16, 6), Some(list(expected)), "{format}");
        }
    }

    #[test]
    fn sizes_are_rounded_up_to_whole_units() {
        let expected: &[(u32, &[(usize, usize)])] = &[
            (66, &[(1, 7)]),                  // R1
            (68, &[(12, 7)]),                 // R8G8_B8G8
            (107, &[(12, 7)]),                // YUY2
            (109, &[(24, 7)]),                // Y216
            (71, &[(16, 2)]),                 // BC1
            (98, &[(32, 2)]),                 // BC7
            (103, &[(6, 8), (6, 4)]),         // NV12
            (104, &[(12, 8), (12, 4)]),       // P010
            (110, &[(8, 7), (4, 7)]),         // NV11
            (130, &[(6, 7), (6, 7)]),         // P208
            (131, &[(5, 8), (5, 4), (5, 4)]), // V208
            (132, &[(5, 7), (5, 7), (5, 7)]), // V408
            (28, &[(20, 7)]),                 // R8G8B8A8
        ];
        for &(format, expected) in expected {
            assert_eq!(planes(format, 5, 7), Some(list(expected)), "{format}");
        }
        assert_eq!(planes(71, 1, 1), Some(list(&[(8, 1)])), "one pixel is one block");
        assert_eq!(planes(66, 9, 1), Some(list(&[(2, 1)])));
    }

    #[test]
    fn a_plane_begins_behind_the_rows_of_those_before() {
        let nv12 = Layout::of_texture(103, 6, 4).unwrap();
        assert_eq!([0, 1, 2].map(|plane| nv12.offset(plane, 256)), [Some(0), Some(4 * 256), None]);
        assert_eq!((nv12.mapped_size(256), nv12.visible_bytes()), (Some(5 * 256 + 6), Some(36)));
        let v208 = Layout::of_texture(131, 6, 4).unwrap();
        assert_eq!([0, 1, 2].map(|plane| v208.first_row(plane)), [Some(0), Some(4), Some(6)]);
        assert_eq!(v208.mapped_size(8), Some(7 * 8 + 6));
        let nv11 = Layout::of_texture(110, 8, 4).unwrap();
        assert_eq!((nv11.offset(1, 32), nv11.mapped_size(32)), (Some(128), Some(7 * 32 + 4)));
    }

    #[test]
    fn a_pitch_holds_a_row() {
        let texture = Layout::of_texture(28, 6, 4).unwrap();
        assert_eq!((texture.mapped_size(23), texture.mapped_size(24)), (None, Some(96)));
        let two_rows = Layout::of_texture(130, 4, 1).unwrap();
        assert_eq!((two_rows.mapped_size(3), two_rows.mapped_size(4)), (None, Some(8)), "one row in each plane");
        let buffer = Layout::of_buffer(1000);
        assert_eq!([0, 1000, 4096].map(|pitch| buffer.mapped_size(pitch)), [Some(1000); 3], "it has one row");
        assert_eq!((buffer.offset(0, 0), buffer.visible_bytes()), (Some(0), Some(1000)));
    }

    #[test]
    fn nothing_overflows() {
        let most = u32::MAX;
        for (format, _) in NAMES {
            for (width, height) in [(most, most), (most, 1), (1, most), (most - 3, most - 3)] {
                if let Some(layout) = Layout::of_texture(format, width, height) {
                    let _ = (layout.visible_bytes(), layout.mapped_size(usize::MAX), layout.mapped_size(1 << 31));
                    let _ = [0, 1, 2, 3].map(|plane| layout.offset(plane, usize::MAX));
                }
            }
        }
        assert_eq!((planes(103, most, 2), planes(103, 2, most)), (None, None));
        let texture = Layout::of_texture(28, 4, 4).unwrap();
        assert_eq!([usize::MAX, 1 << (usize::BITS - 1)].map(|pitch| texture.mapped_size(pitch)), [None; 2]);
        #[cfg(target_pointer_width = "64")]
        assert_eq!(planes(2, most, most), Some(list(&[(0xF_FFFF_FFF0, 0xFFFF_FFFF)])));
    }

    #[test]
    fn a_texture_has_pixels() {
        assert_eq!((planes(28, 0, 1), planes(28, 1, 0), planes(103, 0, 0)), (None, None, None));
    }
}
