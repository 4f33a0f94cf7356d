//! Common Encryption regions: which bytes of a sample are encrypted (ISO/IEC 23001-7).

use crate::BLOCK;
use crate::copy::CopyError;
use crate::rows::Shape;

/// A protected region of a Common Encryption sample and the clear bytes before it: a subsample (ISO/IEC 23001-7 section
/// 9.5). In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Clear bytes before the region.
    pub clear: usize,
    /// Bytes of the region. What is encrypted of it, a [`Pattern`] says.
    pub encrypted: usize,
}

/// A pattern inside each protected region, in blocks of 16 bytes: `encrypted` blocks, then `clear` blocks, and again to the
/// end of the region. It begins again in each region. Neither is 0.
///
/// Only whole blocks are encrypted: a last block that the end of the region cuts is clear (ISO/IEC 23001-7 section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// `crypt_byte_block`: encrypted blocks of each period.
    pub encrypted: u32,
    /// `skip_byte_block`: clear blocks of each period.
    pub clear: u32,
}

/// Encrypted bytes at the beginning of a sample, then clear and encrypted ones in turn to its end: the pattern of a
/// `DecryptionBlt` (D8), where everything that it encrypts of a sample is whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternation {
    beginning: usize,
    skip: usize,
    /// With `skip`, a period.
    stripes: Stripes,
    /// The bytes of the sample.
    total: usize,
}

/// Periods from which on they are taken together.
const MANY_PERIODS: usize = 16;

impl Alternation {
    /// For a sample of `total` bytes, of which `beginning` are encrypted, and behind them `skip` clear and `encrypt` encrypted
    /// in turn. `None` where runs to the end of the sample are meant (`skip` or `encrypt` is 0), where the beginning, a period, or
    /// the last encrypted run is not whole blocks, and where the periods are few: their runs are taken faster one by one.
    #[must_use]
    pub fn new(beginning: u32, skip: u32, encrypt: u32, total: usize) -> Option<Self> {
        let [beginning, skip, encrypt] = [beginning, skip, encrypt].map(|bytes| usize::try_from(bytes).ok());
        let (beginning, skip, encrypted) = (beginning?.min(total), skip?, encrypt?);
        if encrypted == 0 || skip == 0 {
            return None;
        }
        let stripes = Stripes { encrypted, period: encrypted.checked_add(skip)? };
        let alternation = Self { beginning, skip, stripes, total };
        let is_whole = |area: Area| area.kind == Kind::Clear || area.len.is_multiple_of(BLOCK);
        let are_blocks = encrypted.is_multiple_of(BLOCK) && skip.is_multiple_of(BLOCK);
        let are_many = total / stripes.period >= MANY_PERIODS;
        (are_blocks && are_many && alternation.areas().all(is_whole)).then_some(alternation)
    }

    /// Checks that the planes of `shapes` have as many visible bytes as the sample, and returns them.
    pub(crate) fn check(self, shapes: impl Iterator<Item = Shape>) -> Result<usize, CopyError> {
        let whole = Region { clear: 0, encrypted: self.total };
        check(None, shapes, core::iter::once(whole))
    }

    /// The areas of the sample. None is empty.
    pub(crate) fn areas(self) -> impl Iterator<Item = Area> + Clone {
        let Self { beginning, skip, stripes, total } = self;
        let skip = skip.min(total - beginning);
        let rest = total - beginning - skip;
        let cut = rest % stripes.period;
        let last = stripes.encrypted.min(cut);
        let areas = [
            (beginning, Kind::Blocks),
            (skip, Kind::Clear),
            (rest - cut, Kind::Stripes(stripes)),
            (last, Kind::Blocks),
            (cut - last, Kind::Clear),
        ];
        let areas = areas.into_iter().map(|(len, kind)| Area { len, kind, begins_region: false });
        areas.filter(|area| area.len != 0)
    }
}

/// What the chain of CBC does where a region begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// One chain runs over the encrypted blocks of all regions (`cbc1`).
    Continues,
    /// Each region begins again with the IV (`cbcs`).
    RestartsInRegion,
}

/// Consecutive bytes of a sample that are treated alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) len: usize,
    pub(crate) kind: Kind,
    /// Whether it is the first encrypted area of its region.
    pub(crate) begins_region: bool,
}

/// How the bytes of an area are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Clear,
    /// Whole encrypted blocks.
    Blocks,
    /// Whole periods, from the first encrypted block of one on.
    Stripes(Stripes),
}

/// A pattern in bytes, both multiples of [`BLOCK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stripes {
    /// Encrypted bytes at the beginning of a period.
    pub(crate) encrypted: usize,
    /// Bytes of a period. More than `encrypted`.
    pub(crate) period: usize,
}

impl Area {
    /// Its encrypted bytes.
    #[inline]
    pub(crate) fn encrypted(self) -> usize {
        match self.kind {
            Kind::Clear => 0,
            Kind::Blocks => self.len,
            Kind::Stripes(Stripes { encrypted, period }) => self.len / period * encrypted,
        }
    }
}

/// The areas of regions, in order. None is empty, and no two neighbors are clear.
#[derive(Clone)]
pub(crate) struct Areas<R> {
    regions: R,
    pattern: Option<Pattern>,
    /// Clear bytes that come next.
    clear: usize,
    /// Bytes of the region behind them.
    region: usize,
    /// Encrypted bytes of a period that the end of the region cuts; they come before the clear bytes.
    cut_period: usize,
}

impl<R: Iterator<Item = Region>> Areas<R> {
    #[inline]
    pub(crate) fn new(regions: R, pattern: Option<Pattern>) -> Self {
        Self { regions, pattern, clear: 0, region: 0, cut_period: 0 }
    }

    /// The first encrypted area of a region of `len` bytes, which has at least a block. What is left of the region is clear, or a cut period.
    #[inline]
    fn first_of_region(&mut self, len: usize) -> Area {
        let whole = len - len % BLOCK;
        let Some(Pattern { encrypted, clear }) = self.pattern else {
            self.clear = len - whole;
            return blocks(whole, true);
        };
        // The pattern may be longer than memory.
        let encrypted = u64::from(encrypted) * BLOCK as u64;
        let period = encrypted + u64::from(clear) * BLOCK as u64;
        let (Ok(encrypted), Ok(period)) = (usize::try_from(encrypted), usize::try_from(period)) else {
            let encrypted = usize::try_from(encrypted).map_or(whole, |encrypted| encrypted.min(whole));
            self.clear = len - encrypted;
            return blocks(encrypted, true);
        };
        if period > len {
            let encrypted = encrypted.min(whole);
            self.clear = len - encrypted;
            return blocks(encrypted, true);
        }
        let rest = len % period;
        self.cut_period = encrypted.min(rest - rest % BLOCK);
        self.clear = rest - self.cut_period;
        let kind = Kind::Stripes(Stripes { encrypted, period });
        Area { len: len - rest, kind, begins_region: true }
    }
}

#[inline]
fn blocks(len: usize, begins_region: bool) -> Area {
    Area { len, kind: Kind::Blocks, begins_region }
}

impl<R: Iterator<Item = Region>> Iterator for Areas<R> {
    type Item = Area;

    #[inline]
    fn next(&mut self) -> Option<Area> {
        if self.cut_period != 0 {
            return Some(blocks(core::mem::take(&mut self.cut_period), false));
        }
        let mut regions_end = false;
        while self.region == 0 && !regions_end {
            match self.regions.next() {
                // Shorter than a block, so that nothing of it is encrypted.
                Some(Region { clear, encrypted: encrypted @ ..BLOCK }) => self.clear += clear + encrypted,
                Some(Region { clear, encrypted }) => {
                    self.clear += clear;
                    self.region = encrypted;
                }
                None => regions_end = true,
            }
        }
        if self.clear != 0 {
            let len = core::mem::take(&mut self.clear);
            return Some(Area { len, kind: Kind::Clear, begins_region: false });
        }
        if regions_end {
            return None;
        }
        let len = core::mem::take(&mut self.region);
        Some(self.first_of_region(len))
    }
}

/// Checks a pattern, and that `regions` cover the planes of `shapes` exactly; returns the visible bytes.
pub(crate) fn check(
    pattern: Option<Pattern>,
    shapes: impl Iterator<Item = Shape>,
    regions: impl Iterator<Item = Region>,
) -> Result<usize, CopyError> {
    if let Some(Pattern { encrypted, clear }) = pattern
        && (encrypted == 0 || clear == 0)
    {
        return Err(CopyError::BadPattern { encrypted, clear });
    }
    // Planes do not overlap, so that their bytes together are no more than memory has; what regions say may be anything.
    let visible_bytes = shapes.map(Shape::visible_bytes).sum::<usize>();
    let mut covered = 0_u128;
    for Region { clear, encrypted } in regions {
        covered += clear as u128 + encrypted as u128;
    }
    if covered != visible_bytes as u128 {
        return Err(CopyError::RegionsMismatch { covered, visible_bytes });
    }
    Ok(visible_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Areas as text: the length, then `c` for clear, `b` for blocks, `s` for stripes, in capitals where a region begins.
    fn areas(regions: &[(usize, usize)], pattern: Option<(u32, u32)>) -> Vec<String> {
        let regions = regions.iter().map(|&(clear, encrypted)| Region { clear, encrypted });
        let pattern = pattern.map(|(encrypted, clear)| Pattern { encrypted, clear });
        let text = |Area { len, kind, begins_region }| match (kind, begins_region) {
            (Kind::Clear, _) => format!("{len}c"),
            (Kind::Blocks, false) => format!("{len}b"),
            (Kind::Blocks, true) => format!("{len}B"),
            (Kind::Stripes(Stripes { encrypted, period }), true) => format!("{len}S{encrypted}/{period}"),
            (Kind::Stripes(_), false) => unreachable!("stripes begin a region"),
        };
        Areas::new(regions, pattern).map(text).collect()
    }

    #[test]
    fn whole_blocks_of_regions_are_encrypted_and_the_rest_is_clear() {
        assert_eq!(areas(&[(5, 32)], None), ["5c", "32B"]);
        assert_eq!(areas(&[(0, 40), (3, 16)], None), ["32B", "11c", "16B"]);
        assert_eq!(areas(&[(2, 15), (0, 0), (4, 16), (1, 0)], None), ["21c", "16B", "1c"]);
        assert_eq!(areas(&[(0, 16), (0, 16)], None), ["16B", "16B"]);
        assert!(areas(&[], None).is_empty());
        assert!(areas(&[(0, 0)], None).is_empty());
    }

    #[test]
    fn patterns_begin_again_in_each_region_and_are_cut_at_its_end() {
        let pattern = Some((1, 2));
        assert_eq!(areas(&[(7, 96)], pattern), ["7c", "96S16/48"]);
        assert_eq!(areas(&[(0, 60), (0, 48)], pattern), ["48S16/48", "12c", "48S16/48"]);
        assert_eq!(areas(&[(0, 64), (1, 15)], pattern), ["48S16/48", "16b", "16c"]);
        assert_eq!(areas(&[(0, 90)], pattern), ["48S16/48", "16b", "26c"]);
        assert_eq!(areas(&[(0, 47)], pattern), ["16B", "31c"]);
        assert_eq!(areas(&[(0, 15), (0, 16)], pattern), ["15c", "16B"]);
        assert_eq!(areas(&[(0, 60)], Some((2, 1))), ["48S32/48", "12c"]);
        assert_eq!(areas(&[(0, 47)], Some((2, 1))), ["32B", "15c"]);
        assert_eq!(areas(&[(0, 31)], Some((2, 1))), ["16B", "15c"]);
        assert_eq!(areas(&[(0, 90)], Some((3, 1))), ["64S48/64", "16b", "10c"]);
    }

    #[test]
    fn alternation_is_many_periods_of_whole_blocks_cut_at_the_end() {
        let areas = |beginning, skip, encrypt, total| {
            let areas = Alternation::new(beginning, skip, encrypt, total)?.areas();
            Some(areas.map(|area| (area.len, area.kind)).collect::<Vec<_>>())
        };
        let stripes = |encrypted, period| Kind::Stripes(Stripes { encrypted, period });
        let (blocks, clear) = (Kind::Blocks, Kind::Clear);
        // The end cuts clear bytes anywhere, encrypted ones between blocks alone.
        let whole = 20 * 48;
        let expected = |more: &[_]| Some([&[(16, blocks), (32, clear), (whole, stripes(16, 48))][..], more].concat());
        assert_eq!(areas(16, 32, 16, 48 + whole), expected(&[]));
        assert_eq!(areas(16, 32, 16, 48 + whole + 16), expected(&[(16, blocks)]));
        assert_eq!(areas(16, 32, 16, 48 + whole + 23), expected(&[(16, blocks), (7, clear)]));
        assert_eq!(areas(16, 32, 16, 48 + whole + 9), None);
        assert_eq!(areas(0, 32, 32, 32 + 16 * 64 + 16).unwrap()[1..], [(1024, stripes(32, 64)), (16, blocks)]);
        assert_eq!(areas(5000, 32, 16, 1000), None);
        assert_eq!(areas(5008, 32, 16, 1008), Some(vec![(1008, blocks)]));
        assert_eq!(areas(16, 32, 16, 16 * 48 - 1), None);
        assert_eq!(areas(0, u32::MAX - 15, u32::MAX - 15, 1000), None);
        for (beginning, skip, encrypt) in [(1, 16, 16), (16, 1, 16), (16, 16, 1), (16, 0, 16), (16, 16, 0)] {
            assert_eq!(areas(beginning, skip, encrypt, 1600), None, "{beginning} {skip} {encrypt}");
        }
    }

    #[test]
    fn patterns_longer_than_anything_are_cut() {
        assert_eq!(areas(&[(0, 100)], Some((u32::MAX, u32::MAX))), ["96B", "4c"]);
        assert_eq!(areas(&[(0, 100)], Some((2, u32::MAX))), ["32B", "68c"]);
    }

    #[test]
    fn regions_that_do_not_cover_the_planes_and_one_sided_patterns_are_refused() {
        let check = |pattern: Option<(u32, u32)>, regions: &[(usize, usize)]| {
            let shape = Shape { row_pitch: 10, row_bytes: 7, rows: 3 };
            let regions = regions.iter().map(|&(clear, encrypted)| Region { clear, encrypted });
            let pattern = pattern.map(|(encrypted, clear)| Pattern { encrypted, clear });
            check(pattern, [shape, shape].into_iter(), regions)
        };
        assert_eq!(check(None, &[(1, 20), (21, 0)]), Ok(42));
        assert_eq!(check(Some((1, 9)), &[(42, 0)]), Ok(42));
        let mismatch = |covered| Err(CopyError::RegionsMismatch { covered, visible_bytes: 42 });
        assert_eq!(check(None, &[(1, 20), (20, 0)]), mismatch(41));
        assert_eq!(check(None, &[]), mismatch(0));
        assert_eq!(check(None, &[(usize::MAX, 43), (0, 0)]), mismatch(usize::MAX as u128 + 43));
        for (encrypted, clear) in [(0, 9), (1, 0), (0, 0)] {
            let refused = Err(CopyError::BadPattern { encrypted, clear });
            assert_eq!(check(Some((encrypted, clear)), &[(42, 0)]), refused);
        }
    }
}
