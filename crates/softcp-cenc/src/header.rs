//! The header every box begins with (ISO/IEC 14496-12, 4.2).

use crate::FourCc;
use crate::error::{BoxDefect, Error, Result};
use crate::fourcc::UUID;

/// The longest header: size, type, 64-bit size, extended type.
pub(crate) const MAX_HEADER: usize = 32;

/// A box header whose size is at least the header's and at most the container's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: FourCc,
    /// The extended type of a `uuid` box.
    pub(crate) user_type: Option<[u8; 16]>,
    /// Bytes from the start of the box to its payload.
    pub(crate) len: usize,
    /// Bytes of the whole box.
    pub(crate) size: u64,
}

impl Header {
    /// Reads the header at the start of `bytes`, which lies at `offset` in the file and is followed by at most
    /// `available` bytes, header included, before its container ends. A size of 0 means "all of `available`" and is
    /// taken only where `open_ended` allows it.
    pub(crate) fn parse(bytes: &[u8], offset: u64, available: u64, open_ended: bool) -> Result<Self> {
        let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(Error::StrayBytes { offset, len: available });
        };
        let Some((kind, mut rest)) = rest.split_first_chunk::<4>() else {
            return Err(Error::StrayBytes { offset, len: available });
        };
        let kind = FourCc(*kind);
        let defect = |defect| Error::Box { kind, offset, defect };
        let mut len = 8;
        let size = match u32::from_be_bytes(*size) {
            0 if open_ended => available,
            0 => return Err(defect(BoxDefect::SizeTooSmall { size: 0 })),
            1 => {
                let (size, tail) = rest.split_first_chunk::<8>().ok_or_else(|| defect(BoxDefect::Truncated))?;
                rest = tail;
                len += 8;
                u64::from_be_bytes(*size)
            }
            size => u64::from(size),
        };
        let user_type = if kind == UUID {
            let (user_type, _) = rest.split_first_chunk::<16>().ok_or_else(|| defect(BoxDefect::Truncated))?;
            len += 16;
            Some(*user_type)
        } else {
            None
        };
        if size < len as u64 {
            return Err(defect(BoxDefect::SizeTooSmall { size }));
        }
        if size > available {
            return Err(defect(BoxDefect::PastEnd { size, available }));
        }
        Ok(Self { kind, user_type, len, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect_of(result: Result<Header>) -> BoxDefect {
        match result {
            Err(Error::Box { defect, offset: 100, .. }) => defect,
            other => panic!("no box defect at offset 100: {other:?}"),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Header> {
        Header::parse(bytes, 100, bytes.len() as u64, false)
    }

    #[test]
    fn parse_32_bit_size_gives_type_and_size() {
        let header = Header::parse(b"\0\0\0\x0cfreeabcd", 0, 12, false).unwrap();
        assert_eq!(header, Header { kind: FourCc(*b"free"), user_type: None, len: 8, size: 12 });
    }

    #[test]
    fn parse_64_bit_size_has_a_header_of_16_bytes() {
        let header = Header::parse(b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0", 0, 1 << 40, false).unwrap();
        assert_eq!((header.len, header.size), (16, 1 << 32));
    }

    #[test]
    fn parse_uuid_box_has_its_extended_type() {
        let header = parse(b"\0\0\0\x18uuid0123456789abcdef").unwrap();
        assert_eq!((header.user_type, header.len), (Some(*b"0123456789abcdef"), 24));
    }

    #[test]
    fn parse_size_0_reaches_to_the_end_of_the_file() {
        assert_eq!(Header::parse(b"\0\0\0\0mdat", 0, 5000, true).unwrap().size, 5000);
    }

    #[test]
    fn parse_size_0_inside_a_container_is_refused() {
        assert_eq!(defect_of(parse(b"\0\0\0\0trak")), BoxDefect::SizeTooSmall { size: 0 });
    }

    #[test]
    fn parse_size_7_is_refused() {
        assert_eq!(defect_of(parse(b"\0\0\0\x07trak")), BoxDefect::SizeTooSmall { size: 7 });
    }

    #[test]
    fn parse_64_bit_size_below_its_header_is_refused() {
        let bytes = b"\0\0\0\x01trak\0\0\0\0\0\0\0\x0f";
        assert_eq!(defect_of(parse(bytes)), BoxDefect::SizeTooSmall { size: 15 });
    }

    #[test]
    fn parse_64_bit_size_cut_short_is_refused() {
        assert_eq!(defect_of(parse(b"\0\0\0\x01trak\0\0\0")), BoxDefect::Truncated);
    }

    #[test]
    fn parse_uuid_cut_short_is_refused() {
        assert_eq!(defect_of(parse(b"\0\0\0\x18uuid0123")), BoxDefect::Truncated);
    }

    #[test]
    fn parse_size_past_the_container_is_refused() {
        assert_eq!(defect_of(parse(b"\0\0\0\x0dtrakabcd")), BoxDefect::PastEnd { size: 13, available: 12 });
    }

    #[test]
    fn parse_seven_bytes_are_stray() {
        assert!(matches!(parse(b"\0\0\0\x08tra"), Err(Error::StrayBytes { offset: 100, len: 7 })));
    }
}
