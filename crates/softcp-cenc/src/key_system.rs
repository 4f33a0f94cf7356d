//! `pssh` boxes: for which key systems a file has something (ISO/IEC 23001-7, 8.1).

use crate::KeyId;
use crate::error::Result;
use crate::meta::{BoxRef, Meta};
use crate::rewrite::is_system_header;

/// A `pssh` box, or its PIFF form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemHeader {
    /// The key system, in the order of the digits of its UUID.
    pub system_id: [u8; 16],
    /// The keys that it names; version 0 of the box names none.
    pub key_ids: Vec<KeyId>,
    /// Bytes of data for the system.
    pub data_len: u32,
}

impl SystemHeader {
    /// The key system headers among the children of a `moov` or `moof` box. One that is damaged is left out: nothing
    /// depends on it.
    pub(crate) fn all_of(meta: &Meta) -> Result<Vec<Self>> {
        let root = meta.root()?;
        let children = meta.children(&root).filter_map(Result::ok);
        Ok(children.filter(is_system_header).filter_map(|child| Self::parse(meta, &child).ok()).collect())
    }

    fn parse(meta: &Meta, of: &BoxRef) -> Result<Self> {
        let mut fields = meta.fields(of);
        let (version, _) = fields.version_and_flags()?;
        let system_id = fields.array()?;
        let mut key_ids = Vec::new();
        if version > 0 && of.user_type.is_none() {
            let count = fields.u32()?;
            let count = fields.table(count, 16)?.count();
            for _ in 0..count {
                key_ids.push(fields.array()?);
            }
        }
        Ok(Self { system_id, key_ids, data_len: fields.u32()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bx;

    #[test]
    fn both_versions_are_read_and_a_damaged_box_is_left_out() {
        let one = [&[1, 0, 0, 0][..], &[7; 16], &2_u32.to_be_bytes(), &[1; 16], &[2; 16], &3_u32.to_be_bytes(), b"abc"]
            .concat();
        let zero = [&[0; 4][..], &[8; 16], &0_u32.to_be_bytes()].concat();
        let many = [&[1, 0, 0, 0][..], &[7; 16], &u32::MAX.to_be_bytes()].concat();
        let boxes = [bx(b"pssh", &[&one]), bx(b"free", &[b"x"]), bx(b"pssh", &[&many]), bx(b"pssh", &[&zero])];
        let meta = Meta::new(0, bx(b"moov", &boxes.each_ref().map(Vec::as_slice)));
        assert_eq!(
            SystemHeader::all_of(&meta).unwrap(),
            [
                SystemHeader { system_id: [7; 16], key_ids: vec![[1; 16], [2; 16]], data_len: 3 },
                SystemHeader { system_id: [8; 16], key_ids: Vec::new(), data_len: 0 },
            ]
        );
    }
}
