//! A `moov` or `moof` box in memory, and reading in it: boxes, fields and tables.
//!
//! Positions (`usize`) count from the first byte of the box in memory, offsets (`u64`) from the start of the file.

use crate::FourCc;
use crate::error::{BoxDefect, Error, Result};
use crate::header::{Header, MAX_HEADER};

/// The bytes of one top-level box, header included.
#[derive(Debug)]
pub(crate) struct Meta {
    offset: u64,
    bytes: Vec<u8>,
}

impl Meta {
    /// The box that lies at `offset` in the file.
    pub(crate) fn new(offset: u64, bytes: Vec<u8>) -> Self {
        Self { offset, bytes }
    }

    /// Where in the file the box begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// All bytes of the box.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The box itself.
    pub(crate) fn root(&self) -> Result<BoxRef> {
        self.box_at(0, self.bytes.len(), true)
    }

    /// The boxes inside `parent`, from its payload's first byte on.
    pub(crate) fn children(&self, parent: &BoxRef) -> Children<'_> {
        self.boxes_between(parent.payload, parent.end)
    }

    /// The boxes between two positions of this box.
    pub(crate) fn boxes_between(&self, start: usize, end: usize) -> Children<'_> {
        Children { meta: self, position: start, end: end.min(self.bytes.len()) }
    }

    /// The first box of type `kind` inside `parent`.
    pub(crate) fn find(&self, parent: &BoxRef, kind: FourCc) -> Result<Option<BoxRef>> {
        self.children(parent).find(|child| !matches!(child, Ok(child) if child.kind != kind)).transpose()
    }

    /// The first box of type `kind` inside `parent`, which must have one.
    pub(crate) fn require(&self, parent: &BoxRef, kind: FourCc) -> Result<BoxRef> {
        self.find(parent, kind)?.ok_or_else(|| parent.defect(BoxDefect::Missing(kind)))
    }

    /// The fields of a box, from its payload's first byte on.
    pub(crate) fn fields(&self, of: &BoxRef) -> Fields<'_> {
        Fields { bytes: &self.bytes, position: of.payload, end: of.end, of: *of }
    }

    /// The bytes of a box after its header.
    pub(crate) fn payload(&self, of: &BoxRef) -> &[u8] {
        self.bytes.get(of.payload..of.end).unwrap_or_default()
    }

    fn box_at(&self, position: usize, end: usize, open_ended: bool) -> Result<BoxRef> {
        let offset = self.offset + position as u64;
        let rest = self.bytes.get(position..end).unwrap_or_default();
        let header = Header::parse(&rest[..rest.len().min(MAX_HEADER)], offset, rest.len() as u64, open_ended)?;
        let size = usize::try_from(header.size).map_err(|_| Error::Box {
            kind: header.kind,
            offset,
            defect: BoxDefect::PastEnd { size: header.size, available: rest.len() as u64 },
        })?;
        Ok(BoxRef {
            kind: header.kind,
            user_type: header.user_type,
            offset,
            start: position,
            payload: position + header.len,
            end: position + size,
        })
    }
}

/// Where a box lies in a [`Meta`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxRef {
    pub(crate) kind: FourCc,
    /// The extended type of a `uuid` box.
    pub(crate) user_type: Option<[u8; 16]>,
    /// File offset of the box.
    pub(crate) offset: u64,
    /// Position of the box.
    pub(crate) start: usize,
    /// Position of its payload.
    pub(crate) payload: usize,
    /// Position after its last byte.
    pub(crate) end: usize,
}

impl BoxRef {
    /// An error about this box.
    pub(crate) fn defect(&self, defect: BoxDefect) -> Error {
        Error::Box { kind: self.kind, offset: self.offset, defect }
    }

    /// Whether this is the `uuid` box of extended type `user_type`.
    pub(crate) fn is_uuid(&self, user_type: &[u8; 16]) -> bool {
        self.user_type.as_ref() == Some(user_type)
    }
}

/// Boxes one after another; ends after the first error.
#[derive(Clone, Debug)]
pub(crate) struct Children<'a> {
    meta: &'a Meta,
    position: usize,
    end: usize,
}

impl Children<'_> {
    /// Whether only zeros are left: `QuickTime` ends a list of boxes with four of them, and some writers pad with more.
    fn is_terminated(&self) -> bool {
        let rest = self.meta.bytes.get(self.position..self.end).unwrap_or_default();
        rest.iter().take(8).all(|byte| *byte == 0) && rest.iter().all(|byte| *byte == 0)
    }
}

impl Iterator for Children<'_> {
    type Item = Result<BoxRef>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.end || self.is_terminated() {
            return None;
        }
        let child = self.meta.box_at(self.position, self.end, false);
        self.position = child.as_ref().map_or(self.end, |child| child.end);
        Some(child)
    }
}

/// Reads the fields of one box in order. A read past its end is [`BoxDefect::Truncated`].
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    position: usize,
    end: usize,
    of: BoxRef,
}

impl Fields<'_> {
    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let chunk = self.bytes.get(self.position..self.end).and_then(|rest| rest.first_chunk::<N>());
        let chunk = *chunk.ok_or_else(|| self.of.defect(BoxDefect::Truncated))?;
        self.position += N;
        Ok(chunk)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn four_cc(&mut self) -> Result<FourCc> {
        self.array().map(FourCc)
    }

    /// Leaves out `len` bytes.
    pub(crate) fn skip(&mut self, len: usize) -> Result<()> {
        if len > self.remaining() {
            return Err(self.of.defect(BoxDefect::Truncated));
        }
        self.position += len;
        Ok(())
    }

    /// Version and flags of a full box (ISO/IEC 14496-12, 4.2).
    pub(crate) fn version_and_flags(&mut self) -> Result<(u8, u32)> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// A table of `count` entries of `stride` bytes, which begins here. The fields after it are not reached.
    pub(crate) fn table(&self, count: u32, stride: u32) -> Result<Table> {
        let room = self.remaining() / (stride as usize).max(1);
        if count as usize > room {
            return Err(self.of.defect(BoxDefect::CountTooLarge { count: u64::from(count), room: room as u64 }));
        }
        Ok(Table { offset: self.of.offset, start: self.position, kind: self.of.kind, count, stride })
    }

    /// Bytes left in the box.
    pub(crate) fn remaining(&self) -> usize {
        self.end.saturating_sub(self.position)
    }

    /// Position of the next field.
    pub(crate) fn position(&self) -> usize {
        self.position
    }
}

/// A table of entries of one size, left where it lies. Small, because every run of samples carries one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// File offset of the box it is in.
    offset: u64,
    start: usize,
    kind: FourCc,
    count: u32,
    stride: u32,
}

impl Table {
    /// Number of entries.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Where the bytes `field` bytes into entry `index` lie.
    pub(crate) fn position(&self, index: u32, field: usize) -> usize {
        self.start + index as usize * self.stride as usize + field
    }

    /// An error about the box that the table is in.
    pub(crate) fn defect(&self, defect: BoxDefect) -> Error {
        Error::Box { kind: self.kind, offset: self.offset, defect }
    }

    /// The byte `field` bytes into entry `index`.
    pub(crate) fn u8(&self, meta: &Meta, index: u32, field: usize) -> Result<u8> {
        Ok(self.field::<1>(meta, index, field)?[0])
    }

    /// The 16-bit number `field` bytes into entry `index`.
    pub(crate) fn u16(&self, meta: &Meta, index: u32, field: usize) -> Result<u16> {
        self.field(meta, index, field).map(u16::from_be_bytes)
    }

    /// The 32-bit number `field` bytes into entry `index`.
    pub(crate) fn u32(&self, meta: &Meta, index: u32, field: usize) -> Result<u32> {
        self.field(meta, index, field).map(u32::from_be_bytes)
    }

    /// The 64-bit number `field` bytes into entry `index`.
    pub(crate) fn u64(&self, meta: &Meta, index: u32, field: usize) -> Result<u64> {
        self.field(meta, index, field).map(u64::from_be_bytes)
    }

    #[inline]
    fn field<const N: usize>(&self, meta: &Meta, index: u32, field: usize) -> Result<[u8; N]> {
        let position = (index < self.count).then(|| self.start + index as usize * self.stride as usize + field);
        let bytes = position.and_then(|position| meta.bytes.get(position..)).and_then(|rest| rest.first_chunk::<N>());
        bytes.copied().ok_or_else(|| self.defect(BoxDefect::Truncated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourcc::{FREE, MOOV, STSZ, TRAK};

    /// `moov` at offset 1000 with a `free` box of two bytes and an empty `trak`.
    fn moov() -> Meta {
        Meta::new(1000, b"\0\0\0\x1amoov\0\0\0\x0afreeab\0\0\0\x08trak".to_vec())
    }

    #[test]
    fn children_are_listed_with_their_file_offsets() {
        let meta = moov();
        let children: Vec<_> = meta.children(&meta.root().unwrap()).map(Result::unwrap).collect();
        let seen: Vec<_> = children.iter().map(|child| (child.kind, child.offset)).collect();
        assert_eq!(seen, [(FREE, 1008), (TRAK, 1018)]);
    }

    #[test]
    fn require_absent_child_is_missing() {
        let meta = moov();
        let error = meta.require(&meta.root().unwrap(), STSZ).unwrap_err();
        assert!(matches!(error, Error::Box { kind: MOOV, offset: 1000, defect: BoxDefect::Missing(STSZ) }));
    }

    #[test]
    fn children_end_after_an_error() {
        let meta = Meta::new(0, b"\0\0\0\x12moov\0\0\0\x0bfreeab".to_vec());
        let mut children = meta.children(&meta.root().unwrap());
        assert!(matches!(children.next(), Some(Err(Error::Box { kind: FREE, .. }))));
        assert!(children.next().is_none());
    }

    #[test]
    fn fields_do_not_reach_into_the_next_box() {
        let meta = moov();
        let free = meta.find(&meta.root().unwrap(), FREE).unwrap().unwrap();
        let mut fields = meta.fields(&free);
        assert_eq!(fields.array().unwrap(), *b"ab");
        assert!(matches!(fields.u8(), Err(Error::Box { kind: FREE, defect: BoxDefect::Truncated, .. })));
    }

    #[test]
    fn table_count_above_the_room_is_refused() {
        let meta = moov();
        let fields = meta.fields(&meta.root().unwrap());
        assert_eq!(fields.table(4, 4).unwrap().count(), 4);
        let error = fields.table(u32::MAX, 4).unwrap_err();
        let room = BoxDefect::CountTooLarge { count: u64::from(u32::MAX), room: 4 };
        assert!(matches!(error, Error::Box { defect, .. } if defect == room));
    }

    #[test]
    fn table_entry_past_the_count_is_refused() {
        let meta = moov();
        let table = meta.fields(&meta.root().unwrap()).table(2, 4).unwrap();
        assert_eq!(table.u32(&meta, 1, 0).unwrap(), u32::from_be_bytes(*b"free"));
        assert!(table.u32(&meta, 2, 0).is_err());
    }
}
