//! How samples are protected: scheme, pattern and key parameters (ISO/IEC 23001-7, 8.2, 10 and 6).

use core::fmt;

use crate::FourCc;
use crate::error::{BoxDefect, Error, Result};
use crate::fourcc::{CBC1, CBCS, CENC, CENS, PIFF};
use crate::meta::{BoxRef, Fields};

/// A key identifier, in the byte order of the file.
pub type KeyId = [u8; 16];

/// A protection scheme, as the `schm` box names it (ISO/IEC 23001-7, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `cenc`: AES-CTR over whole samples or subsamples (10.1).
    Cenc,
    /// `cbc1`: AES-CBC over whole samples or subsamples (10.2).
    Cbc1,
    /// `cens`: AES-CTR over a pattern of blocks (10.3).
    Cens,
    /// `cbcs`: AES-CBC over a pattern of blocks (10.4).
    Cbcs,
    /// `piff`: the Protected Interoperable File Format. Its samples are encrypted as `cenc` (`AlgorithmID` 1) or as
    /// `cbc1` (2), and have that scheme: see [`Algorithm`].
    Piff,
    /// Something other than Common Encryption.
    Other(FourCc),
}

impl Scheme {
    /// The scheme of this four-character code.
    #[must_use]
    pub fn from_code(code: FourCc) -> Self {
        match code {
            CENC => Self::Cenc,
            CBC1 => Self::Cbc1,
            CENS => Self::Cens,
            CBCS => Self::Cbcs,
            PIFF => Self::Piff,
            other => Self::Other(other),
        }
    }

    /// The four-character code of the scheme.
    #[must_use]
    pub fn code(self) -> FourCc {
        match self {
            Self::Cenc => CENC,
            Self::Cbc1 => CBC1,
            Self::Cens => CENS,
            Self::Cbcs => CBCS,
            Self::Piff => PIFF,
            Self::Other(code) => code,
        }
    }

    /// Whether the scheme is known to use AES-CTR: `cenc` and `cens`.
    #[must_use]
    pub fn is_aes_ctr(self) -> bool {
        matches!(self, Self::Cenc | Self::Cens)
    }

    /// Whether the scheme is known to use AES-CBC: `cbc1` and `cbcs`.
    #[must_use]
    pub fn is_aes_cbc(self) -> bool {
        matches!(self, Self::Cbc1 | Self::Cbcs)
    }

    /// Whether patterns apply: `cens` and `cbcs`. The other schemes ignore one.
    #[must_use]
    pub fn has_pattern(self) -> bool {
        matches!(self, Self::Cens | Self::Cbcs)
    }

    /// Whether only whole 16-byte blocks are encrypted, the bytes after the last one staying clear: all but `cenc`
    /// (ISO/IEC 23001-7, 9.5 to 9.7).
    #[must_use]
    pub fn is_whole_block(self) -> bool {
        matches!(self, Self::Cbc1 | Self::Cens | Self::Cbcs)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code().fmt(f)
    }
}

/// How PIFF says that samples are encrypted (`AlgorithmID`; PIFF 1.1, 5.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// 0: not at all.
    Clear,
    /// 1: AES-CTR, as `cenc`.
    AesCtr,
    /// 2: AES-CBC, as `cbc1`.
    AesCbc,
}

impl Algorithm {
    /// From its number in `of`.
    pub(crate) fn from_id(of: &BoxRef, id: u8) -> Result<Self> {
        match id {
            0 => Ok(Self::Clear),
            1 => Ok(Self::AesCtr),
            2 => Ok(Self::AesCbc),
            value => Err(reserved(of, "AlgorithmID", value)),
        }
    }

    /// The scheme of Common Encryption that encrypts samples in the same way; none for clear samples.
    #[must_use]
    pub fn scheme(self) -> Option<Scheme> {
        match self {
            Self::Clear => None,
            Self::AesCtr => Some(Scheme::Cenc),
            Self::AesCbc => Some(Scheme::Cbc1),
        }
    }
}

/// A repeating pattern of 16-byte blocks (ISO/IEC 23001-7, 9.6). A pattern of 0:0 is no pattern and never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Encrypted blocks, 0 to 15.
    pub crypt_blocks: u8,
    /// Clear blocks after them, 0 to 15.
    pub skip_blocks: u8,
}

impl Pattern {
    /// From the byte that holds both numbers; 0:0 is none.
    fn from_byte(byte: u8) -> Option<Self> {
        (byte != 0).then_some(Self { crypt_blocks: byte >> 4, skip_blocks: byte & 0x0f })
    }
}

/// Initialization vectors of eight bytes are the upper half, with a block counter that begins at 0 in the lower.
pub(crate) fn initialization_vector(bytes: &[u8]) -> [u8; 16] {
    let mut vector = [0; 16];
    for (to, from) in vector.iter_mut().zip(bytes) {
        *to = *from;
    }
    vector
}

/// What `tenc` says for a track, or a `seig` entry for a group of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyParameters {
    pub(crate) protected: bool,
    /// The scheme of the samples in place of the sample entry's: PIFF names the cipher beside the key.
    pub(crate) scheme: Option<Scheme>,
    /// Bytes of each sample's own initialization vector: 0, 8 or 16.
    pub(crate) iv_size: u8,
    pub(crate) kid: KeyId,
    /// The vector of all samples, when they have none of their own.
    pub(crate) constant_iv: Option<[u8; 16]>,
    pub(crate) pattern: Option<Pattern>,
}

impl KeyParameters {
    /// Reads a `tenc` box, version 0 or 1 (ISO/IEC 23001-7, 8.2).
    pub(crate) fn from_tenc(tenc: &BoxRef, fields: &mut Fields<'_>) -> Result<Self> {
        let (version, _) = fields.version_and_flags()?;
        if version > 1 {
            return Err(tenc.defect(BoxDefect::UnknownVersion(version)));
        }
        Self::from_fields(tenc, fields, version >= 1)
    }

    /// Reads a group description of type `seig` (ISO/IEC 23001-7, 6).
    pub(crate) fn from_seig(sgpd: &BoxRef, fields: &mut Fields<'_>) -> Result<Self> {
        Self::from_fields(sgpd, fields, true)
    }

    /// Reads the form of PIFF, in a `uuid` box or, from PIFF 1.3 on, in `tenc`: algorithm, size of the vectors, key
    /// identifier.
    pub(crate) fn from_piff(of: &BoxRef, fields: &mut Fields<'_>) -> Result<Self> {
        fields.version_and_flags()?;
        let (algorithm, iv_size, kid) = piff_parameters(of, fields)?;
        let scheme = algorithm.scheme();
        if scheme.is_some() && iv_size == 0 {
            return Err(reserved(of, "IV_size", 0));
        }
        Ok(Self { protected: scheme.is_some(), scheme, iv_size, kid, constant_iv: None, pattern: None })
    }

    fn from_fields(of: &BoxRef, fields: &mut Fields<'_>, patterned: bool) -> Result<Self> {
        // The highest bit announces a list of keys (ISO/IEC 23001-7:2023, 6).
        if fields.u8()? & 0x80 != 0 {
            return Err(of.defect(BoxDefect::SeveralKeys));
        }
        let pattern = fields.u8()?;
        let pattern = if patterned { Pattern::from_byte(pattern) } else { None };
        let protected = match fields.u8()? {
            0 => false,
            1 => true,
            value => return Err(reserved(of, "isProtected", value)),
        };
        let iv_size = iv_size(of, fields.u8()?)?;
        let kid = fields.array()?;
        let constant_iv = if protected && iv_size == 0 {
            Some(match fields.u8()? {
                8 => initialization_vector(&fields.array::<8>()?),
                16 => fields.array()?,
                value => return Err(reserved(of, "constant_IV_size", value)),
            })
        } else {
            None
        };
        Ok(Self { protected, scheme: None, iv_size, kid, constant_iv, pattern })
    }
}

/// Algorithm, size of the vectors and key identifier of PIFF: in its `tenc`, and in a `senc` with its own parameters.
pub(crate) fn piff_parameters(of: &BoxRef, fields: &mut Fields<'_>) -> Result<(Algorithm, u8, KeyId)> {
    fields.skip(2)?;
    let algorithm = Algorithm::from_id(of, fields.u8()?)?;
    Ok((algorithm, iv_size(of, fields.u8()?)?, fields.array()?))
}

/// Checks the size of a per-sample initialization vector.
pub(crate) fn iv_size(of: &BoxRef, size: u8) -> Result<u8> {
    if matches!(size, 0 | 8 | 16) { Ok(size) } else { Err(reserved(of, "Per_Sample_IV_Size", size)) }
}

fn reserved(of: &BoxRef, field: &'static str, value: u8) -> Error {
    of.defect(BoxDefect::Reserved { field, value: value.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::Meta;
    use crate::testing::{bx, defect};

    const KID: &[u8; 16] = b"key identifier 1";

    /// Reads a `tenc` box with these bytes after its header.
    fn tenc(payload: &[&[u8]]) -> Result<KeyParameters> {
        let meta = Meta::new(0, bx(b"tenc", payload));
        let root = meta.root()?;
        KeyParameters::from_tenc(&root, &mut meta.fields(&root))
    }

    #[test]
    fn tenc_version_0_has_no_pattern() {
        let parameters = tenc(&[b"\0\0\0\0", &[0, 0x19, 1, 8], KID]).unwrap();
        let expected =
            KeyParameters { protected: true, scheme: None, iv_size: 8, kid: *KID, constant_iv: None, pattern: None };
        assert_eq!(parameters, expected);
    }

    #[test]
    fn tenc_version_1_has_its_pattern() {
        let parameters = tenc(&[b"\x01\0\0\0", &[0, 0x19, 1, 16], KID]).unwrap();
        assert_eq!(parameters.pattern, Some(Pattern { crypt_blocks: 1, skip_blocks: 9 }));
    }

    #[test]
    fn tenc_version_1_pattern_0_0_is_none() {
        assert_eq!(tenc(&[b"\x01\0\0\0", &[0, 0, 1, 16], KID]).unwrap().pattern, None);
    }

    #[test]
    fn tenc_constant_iv_of_8_bytes_is_the_upper_half() {
        let parameters = tenc(&[b"\x01\0\0\0", &[0, 0, 1, 0], KID, &[8], b"ABCDEFGH"]).unwrap();
        assert_eq!(parameters.constant_iv, Some(*b"ABCDEFGH\0\0\0\0\0\0\0\0"));
    }

    #[test]
    fn tenc_unprotected_needs_no_iv() {
        let parameters = tenc(&[b"\0\0\0\0", &[0, 0, 0, 0], KID]).unwrap();
        assert!(!parameters.protected && parameters.constant_iv.is_none());
    }

    #[test]
    fn tenc_version_2_is_unknown() {
        assert_eq!(defect(tenc(&[b"\x02\0\0\0", &[0, 0, 1, 8], KID])), BoxDefect::UnknownVersion(2));
    }

    #[test]
    fn tenc_cut_in_the_key_identifier_is_truncated() {
        assert_eq!(defect(tenc(&[b"\0\0\0\0", &[0, 0, 1, 8], &KID[..15]])), BoxDefect::Truncated);
    }

    #[test]
    fn tenc_without_any_iv_is_truncated() {
        assert_eq!(defect(tenc(&[b"\0\0\0\0", &[0, 0, 1, 0], KID])), BoxDefect::Truncated);
    }

    #[test]
    fn tenc_iv_size_7_is_reserved() {
        let expected = BoxDefect::Reserved { field: "Per_Sample_IV_Size", value: 7 };
        assert_eq!(defect(tenc(&[b"\0\0\0\0", &[0, 0, 1, 7], KID])), expected);
    }

    #[test]
    fn tenc_constant_iv_size_4_is_reserved() {
        let expected = BoxDefect::Reserved { field: "constant_IV_size", value: 4 };
        assert_eq!(defect(tenc(&[b"\0\0\0\0", &[0, 0, 1, 0], KID, b"\x04abcd"])), expected);
    }

    #[test]
    fn tenc_is_protected_2_is_reserved() {
        let expected = BoxDefect::Reserved { field: "isProtected", value: 2 };
        assert_eq!(defect(tenc(&[b"\0\0\0\0", &[0, 0, 2, 8], KID])), expected);
    }

    #[test]
    fn scheme_code_and_back_is_the_same() {
        for code in [CENC, CBC1, CENS, CBCS, PIFF, FourCc(*b"adkm")] {
            assert_eq!(Scheme::from_code(code).code(), code);
        }
        assert!(Scheme::Cens.is_aes_ctr() && !Scheme::Cbcs.is_aes_ctr() && !Scheme::Piff.is_aes_ctr());
        assert!(Scheme::Cbc1.is_aes_cbc() && !Scheme::Cenc.is_aes_cbc() && !Scheme::Piff.is_aes_cbc());
    }
}
