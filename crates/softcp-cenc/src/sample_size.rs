//! Sizes of samples: `stsz`, `stz2` and what `trun` and its defaults give (ISO/IEC 14496-12, 8.7.3 and 8.8.8).

use crate::error::{BoxDefect, Result};
use crate::fourcc::{STSZ, STZ2};
use crate::meta::{BoxRef, Meta, Table};

/// The sizes of a sequence of samples, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SampleSizes {
    /// All the same.
    Constant(u32),
    /// Two to a byte, the first in the upper half.
    Nibbles(Table),
    /// One byte each.
    Bytes(Table),
    /// Two bytes each.
    Words(Table),
    /// Four bytes, at a place within each entry.
    Longs { table: Table, field: u8 },
}

impl SampleSizes {
    /// Sizes and number of the samples in a `stbl`, from its `stsz` or `stz2` box.
    pub(crate) fn of_track(meta: &Meta, stbl: &BoxRef) -> Result<(Self, u32)> {
        for child in meta.children(stbl) {
            let child = child?;
            match child.kind {
                STSZ => return stsz(meta, &child),
                STZ2 => return stz2(meta, &child),
                _ => {}
            }
        }
        Err(stbl.defect(BoxDefect::Missing(STSZ)))
    }

    /// The size of sample `index`.
    #[inline]
    pub(crate) fn get(&self, meta: &Meta, index: u32) -> Result<u32> {
        match self {
            Self::Constant(size) => Ok(*size),
            Self::Nibbles(table) => {
                let pair = table.u8(meta, index / 2, 0)?;
                Ok(u32::from(if index.is_multiple_of(2) { pair >> 4 } else { pair & 0x0f }))
            }
            Self::Bytes(table) => table.u8(meta, index, 0).map(u32::from),
            Self::Words(table) => table.u16(meta, index, 0).map(u32::from),
            Self::Longs { table, field } => table.u32(meta, index, usize::from(*field)),
        }
    }

    /// The size of the first `count` samples together.
    pub(crate) fn sum(&self, meta: &Meta, count: u32) -> Result<u64> {
        if let Self::Constant(size) = self {
            return Ok(u64::from(*size) * u64::from(count));
        }
        (0..count).try_fold(0, |sum, index| Ok(sum + u64::from(self.get(meta, index)?)))
    }
}

fn stsz(meta: &Meta, stsz: &BoxRef) -> Result<(SampleSizes, u32)> {
    let mut fields = meta.fields(stsz);
    fields.version_and_flags()?;
    let size = fields.u32()?;
    let count = fields.u32()?;
    if size != 0 {
        return Ok((SampleSizes::Constant(size), count));
    }
    Ok((SampleSizes::Longs { table: fields.table(count, 4)?, field: 0 }, count))
}

fn stz2(meta: &Meta, stz2: &BoxRef) -> Result<(SampleSizes, u32)> {
    let mut fields = meta.fields(stz2);
    fields.version_and_flags()?;
    fields.skip(3)?;
    let bits = fields.u8()?;
    let count = fields.u32()?;
    let sizes = match bits {
        4 => SampleSizes::Nibbles(fields.table(count.div_ceil(2), 1)?),
        8 => SampleSizes::Bytes(fields.table(count, 1)?),
        16 => SampleSizes::Words(fields.table(count, 2)?),
        _ => return Err(stz2.defect(BoxDefect::Reserved { field: "field_size", value: bits.into() })),
    };
    Ok((sizes, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bx, defect};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "a byte string is a reference")]
    fn sizes(kind: &[u8; 4], payload: &[u8]) -> Result<Vec<u32>> {
        let meta = Meta::new(0, bx(b"stbl", &[&bx(kind, &[payload])]));
        let (sizes, count) = SampleSizes::of_track(&meta, &meta.root()?)?;
        let list = (0..count).map(|index| sizes.get(&meta, index)).collect::<Result<Vec<_>>>()?;
        assert_eq!(sizes.sum(&meta, count)?, list.iter().map(|size| u64::from(*size)).sum::<u64>());
        Ok(list)
    }

    #[test]
    fn stsz_constant_size_is_the_same_for_all() {
        assert_eq!(sizes(b"stsz", &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3]).unwrap(), [9, 9, 9]);
    }

    #[test]
    fn stsz_table_is_read() {
        let payload = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 7];
        assert_eq!(sizes(b"stsz", &payload).unwrap(), [256, 7]);
    }

    #[test]
    fn stz2_of_4_bits_is_read_upper_half_first() {
        assert_eq!(sizes(b"stz2", &[0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0x12, 0x30]).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn stz2_of_8_and_16_bits_is_read() {
        assert_eq!(sizes(b"stz2", &[0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 2, 5, 6]).unwrap(), [5, 6]);
        assert_eq!(sizes(b"stz2", &[0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 1, 1, 0]).unwrap(), [256]);
    }

    #[test]
    fn stsz_count_above_its_room_is_refused() {
        let payload = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1];
        let expected = BoxDefect::CountTooLarge { count: u64::from(u32::MAX), room: 1 };
        assert_eq!(defect(sizes(b"stsz", &payload)), expected);
    }

    #[test]
    fn stz2_of_4_bits_odd_count_above_its_room_is_refused() {
        let payload = [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0x12];
        assert_eq!(defect(sizes(b"stz2", &payload)), BoxDefect::CountTooLarge { count: 2, room: 1 });
    }

    #[test]
    fn stz2_of_12_bits_is_reserved() {
        let expected = BoxDefect::Reserved { field: "field_size", value: 12 };
        assert_eq!(defect(sizes(b"stz2", &[0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0])), expected);
    }

    #[test]
    fn stsz_cut_in_its_count_is_truncated() {
        assert_eq!(defect(sizes(b"stsz", &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0])), BoxDefect::Truncated);
    }

    #[test]
    fn stbl_without_sizes_is_missing_stsz() {
        assert_eq!(defect(sizes(b"free", &[])), BoxDefect::Missing(STSZ));
    }
}
