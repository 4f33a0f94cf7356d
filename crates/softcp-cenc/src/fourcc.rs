//! Four-character codes and the ones this crate knows.

use core::fmt;

/// A four-character code: the type of a box, a sample entry, a handler or a protection scheme
/// (ISO/IEC 14496-12, 4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourCc(pub [u8; 4]);

/// Printable ASCII as it is, every other byte as `\xNN`.
impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{self}'")
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal),+ $(,)?) => {
        $(pub(crate) const $name: FourCc = FourCc(*$code);)+
    };
}

codes! {
    AVC_C = b"avcC",
    CBC1 = b"cbc1",
    CBCS = b"cbcs",
    CENC = b"cenc",
    CENS = b"cens",
    CO64 = b"co64",
    CSGP = b"csgp",
    DRMI = b"drmi",
    DRMS = b"drms",
    ENCA = b"enca",
    ENCV = b"encv",
    ESDS = b"esds",
    FREE = b"free",
    FRMA = b"frma",
    HDLR = b"hdlr",
    HVC_C = b"hvcC",
    MDAT = b"mdat",
    MDHD = b"mdhd",
    MDIA = b"mdia",
    MINF = b"minf",
    MOOF = b"moof",
    MOOV = b"moov",
    MVEX = b"mvex",
    PIFF = b"piff",
    PSSH = b"pssh",
    SAIO = b"saio",
    SAIZ = b"saiz",
    SBGP = b"sbgp",
    SCHI = b"schi",
    SCHM = b"schm",
    SEIG = b"seig",
    SENC = b"senc",
    SGPD = b"sgpd",
    SINF = b"sinf",
    SOUN = b"soun",
    STBL = b"stbl",
    STCO = b"stco",
    STSC = b"stsc",
    STSD = b"stsd",
    STSZ = b"stsz",
    STZ2 = b"stz2",
    TENC = b"tenc",
    TFHD = b"tfhd",
    TKHD = b"tkhd",
    TRAF = b"traf",
    TRAK = b"trak",
    TREX = b"trex",
    TRUN = b"trun",
    UUID = b"uuid",
    VIDE = b"vide",
}

/// The `uuid` boxes of the Protected Interoperable File Format, which Common Encryption grew out of.
pub(crate) mod piff {
    /// The `senc` of PIFF.
    pub(crate) const SAMPLE_ENCRYPTION: [u8; 16] =
        [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];
    /// The `tenc` of PIFF.
    pub(crate) const TRACK_ENCRYPTION: [u8; 16] =
        [0x89, 0x74, 0xdb, 0xce, 0x7b, 0xe7, 0x4c, 0x51, 0x84, 0xf9, 0x71, 0x48, 0xf9, 0x88, 0x25, 0x54];
    /// The `pssh` of PIFF.
    pub(crate) const SYSTEM_HEADER: [u8; 16] =
        [0xd0, 0x8a, 0x4f, 0x18, 0x10, 0xf3, 0x4a, 0x82, 0xb6, 0xc8, 0x32, 0xd8, 0xab, 0xa1, 0x83, 0xd3];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_printable_code_is_the_code() {
        assert_eq!(FourCc(*b"moov").to_string(), "moov");
    }

    #[test]
    fn display_unprintable_code_is_escaped() {
        assert_eq!(FourCc([0xa9, b'n', 0, b'm']).to_string(), "\\xa9n\\x00m");
    }
}
