//! Same-size changes to a metadata box that make it describe clear samples.
//!
//! A box that is no longer true becomes a `free` box of the same size, so that nothing in the file moves: chunk
//! offsets, `sidx`, `tfra` and the offsets of auxiliary information that stays keep their values.

use crate::FourCc;
use crate::error::Result;
use crate::fourcc::{CBC1, CBCS, CENC, CENS, CSGP, FREE, PIFF, PSSH, SAIO, SAIZ, SBGP, SEIG, SENC, SGPD, piff};
use crate::meta::{BoxRef, Meta};

/// One change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    /// Another type for a box.
    Box {
        start: usize,
        end: usize,
        kind: FourCc,
        /// Zeros follow the type, from here on.
        zero_from: usize,
    },
    /// Another 32-bit number at a position.
    Number { position: usize, value: u32 },
}

impl Edit {
    /// Makes the box a `free` box of zeros.
    pub(crate) fn free(target: &BoxRef) -> Self {
        // The extended type of a `uuid` box belongs to what goes.
        let extended = if target.user_type.is_some() { 16 } else { 0 };
        Self::Box { start: target.start, end: target.end, kind: FREE, zero_from: target.payload - extended }
    }

    /// Gives the box another type and leaves its payload.
    pub(crate) fn retype(target: &BoxRef, kind: FourCc) -> Self {
        Self::Box { start: target.start, end: target.end, kind, zero_from: target.end }
    }

    /// The bytes of the box after all `edits`.
    pub(crate) fn apply<'a>(meta: &Meta, edits: impl IntoIterator<Item = &'a Edit>) -> Vec<u8> {
        let mut bytes = meta.bytes().to_vec();
        for edit in edits {
            match *edit {
                Self::Box { start, end, kind, zero_from } => {
                    if let Some(place) = bytes.get_mut(start + 4..start + 8) {
                        place.copy_from_slice(&kind.0);
                    }
                    if let Some(payload) = bytes.get_mut(zero_from..end) {
                        payload.fill(0);
                    }
                }
                Self::Number { position, value } => {
                    if let Some(place) = bytes.get_mut(position..position + 4) {
                        place.copy_from_slice(&value.to_be_bytes());
                    }
                }
            }
        }
        bytes
    }
}

/// Whether the box is about key systems: `pssh` or its PIFF form.
pub(crate) fn is_system_header(child: &BoxRef) -> bool {
    child.kind == PSSH || child.is_uuid(&piff::SYSTEM_HEADER)
}

/// The changes that take out what says how samples are encrypted, of the children of `parents`.
pub(crate) fn sample_protection(meta: &Meta, parents: &[BoxRef]) -> Result<Vec<Edit>> {
    let mut edits = Vec::new();
    for child in parents.iter().flat_map(|parent| meta.children(parent)) {
        let child = child?;
        if is_sample_protection(meta, &child) {
            edits.push(Edit::free(&child));
        }
    }
    Ok(edits)
}

/// Whether the box, a child of `stbl`, `trak` or `traf`, says how samples are encrypted and nothing else. `saiz` and
/// `saio` may belong to other auxiliary information, `sgpd` and `sbgp` to other groups.
fn is_sample_protection(meta: &Meta, child: &BoxRef) -> bool {
    match child.kind {
        SENC => true,
        SAIZ | SAIO => auxiliary_type(meta, child).is_none_or(is_protection_type),
        SGPD | SBGP | CSGP => grouping_type(meta, child) == Some(SEIG),
        _ => child.is_uuid(&piff::SAMPLE_ENCRYPTION),
    }
}

/// The type of auxiliary information that a `saiz` or `saio` box names, if it names one.
pub(crate) fn auxiliary_type(meta: &Meta, child: &BoxRef) -> Option<FourCc> {
    let mut fields = meta.fields(child);
    let (_, flags) = fields.version_and_flags().ok()?;
    if flags & 1 == 0 {
        return None;
    }
    fields.four_cc().ok()
}

/// Whether auxiliary information of this type is about encryption: a scheme, or the 0 that some writers put there.
pub(crate) fn is_protection_type(kind: FourCc) -> bool {
    matches!(kind, CENC | CENS | CBC1 | CBCS | PIFF | FourCc([0, 0, 0, 0]))
}

/// The grouping type of an `sgpd`, `sbgp` or `csgp` box.
pub(crate) fn grouping_type(meta: &Meta, child: &BoxRef) -> Option<FourCc> {
    let mut fields = meta.fields(child);
    fields.skip(4).ok()?;
    fields.four_cc().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourcc::UUID;
    use crate::testing::bx;

    fn only_child(bytes: &[u8]) -> (Meta, BoxRef) {
        let meta = Meta::new(0, bx(b"traf", &[bytes]));
        let child = meta.children(&meta.root().unwrap()).next().unwrap().unwrap();
        (meta, child)
    }

    #[test]
    fn free_keeps_the_size_and_zeroes_the_payload() {
        let (meta, child) = only_child(b"\0\0\0\x0csencabcd");
        assert_eq!(Edit::apply(&meta, &[Edit::free(&child)])[8..], *b"\0\0\0\x0cfree\0\0\0\0");
    }

    #[test]
    fn free_keeps_a_64_bit_size() {
        let (meta, child) = only_child(b"\0\0\0\x01senc\0\0\0\0\0\0\0\x12ab");
        assert_eq!(Edit::apply(&meta, &[Edit::free(&child)])[8..], *b"\0\0\0\x01free\0\0\0\0\0\0\0\x12\0\0");
    }

    #[test]
    fn free_uuid_loses_its_extended_type() {
        let (meta, child) = only_child(b"\0\0\0\x1auuid0123456789abcdefxy");
        assert_eq!(child.kind, UUID);
        assert_eq!(Edit::apply(&meta, &[Edit::free(&child)])[16..], [0; 18]);
    }

    #[test]
    fn retype_leaves_the_payload() {
        let (meta, child) = only_child(b"\0\0\0\x0cencvabcd");
        assert_eq!(Edit::apply(&meta, &[Edit::retype(&child, FourCc(*b"avc1"))])[8..], *b"\0\0\0\x0cavc1abcd");
    }

    #[test]
    fn saiz_of_another_type_is_no_sample_protection() {
        let (meta, child) = only_child(b"\0\0\0\x19saiz\0\0\0\x01xyzw\0\0\0\0\0\0\0\0\0");
        assert!(!is_sample_protection(&meta, &child));
    }

    #[test]
    fn saiz_without_a_type_is_sample_protection() {
        let (meta, child) = only_child(b"\0\0\0\x11saiz\0\0\0\0\0\0\0\0\0");
        assert!(is_sample_protection(&meta, &child));
    }

    #[test]
    fn sbgp_of_another_type_is_no_sample_protection() {
        let (meta, child) = only_child(b"\0\0\0\x14sbgp\0\0\0\0roll\0\0\0\0");
        assert!(!is_sample_protection(&meta, &child));
        let (meta, child) = only_child(b"\0\0\0\x14sbgp\0\0\0\0seig\0\0\0\0");
        assert!(is_sample_protection(&meta, &child));
    }
}
