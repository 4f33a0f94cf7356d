//! Sample entries of `stsd`, and the protection that `encv`, `enca` and their kin carry
//! (ISO/IEC 14496-12, 8.5.2 and 8.12; ISO/IEC 23001-7, 4.1 and 8.2).

use crate::error::{BoxDefect, Error, Result};
use crate::fourcc::{DRMI, DRMS, ENCA, ENCV, FRMA, SCHI, SCHM, SINF, SOUN, TENC, VIDE, piff};
use crate::meta::{BoxRef, Meta};
use crate::protection::{Algorithm, KeyParameters, Pattern};
use crate::rewrite::Edit;
use crate::syntax::Syntax;
use crate::{FourCc, KeyId, Scheme};

/// One description of samples: every sample of a track refers to one.
#[derive(Clone, Debug)]
pub struct SampleEntry {
    /// The codec: for a protected entry the original one, for a clear entry its type.
    pub codec: FourCc,
    /// The type of the entry: `encv` and others for a protected one, except where a writer left the codec's.
    pub kind: FourCc,
    /// How samples of this entry are protected; `None` for a clear entry.
    pub protection: Option<Protection>,
    /// The defaults of the entry's samples. Only a scheme other than Common Encryption goes without.
    pub(crate) parameters: Option<KeyParameters>,
    /// What the samples look like when they are clear.
    pub syntax: Syntax,
}

/// The protection of a sample entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protection {
    /// The scheme.
    pub scheme: Scheme,
    /// How PIFF says that samples are encrypted; `None` for other schemes.
    pub algorithm: Option<Algorithm>,
    /// The key of samples that no sample group gives another: from `tenc`. `None` only where the scheme is
    /// [`Scheme::Other`]. All zeros in files that rotate keys: there each sample's key comes from a group.
    pub default_kid: Option<KeyId>,
    /// The pattern of `cens` and `cbcs`, unless it is 0:0.
    pub pattern: Option<Pattern>,
    /// Bytes of each sample's own initialization vector: 8 or 16, or 0 where all samples share one.
    pub iv_size: u8,
    /// Whether samples are encrypted unless a sample group says otherwise (`default_isProtected`).
    pub protected_by_default: bool,
}

impl Protection {
    /// The scheme by which samples are encrypted: the entry's, or that of Common Encryption which is PIFF's.
    #[must_use]
    pub fn sample_scheme(&self) -> Scheme {
        match self.scheme {
            Scheme::Piff => self.algorithm.and_then(Algorithm::scheme).unwrap_or(Scheme::Cenc),
            scheme => scheme,
        }
    }
}

impl SampleEntry {
    /// Reads one child of `stsd` in a track of the kind `handler`, and appends to `edits` what makes it a clear one.
    pub(crate) fn parse(meta: &Meta, entry: &BoxRef, handler: FourCc, edits: &mut Vec<Edit>) -> Result<Self> {
        let kind = entry.kind;
        let sinfs = if is_protected_type(kind) { find_sinfs(meta, entry)? } else { stray_sinfs(meta, entry, handler) };
        if sinfs.is_empty() {
            let protection = is_protected_type(kind).then_some(Protection {
                scheme: Scheme::Other(kind),
                algorithm: None,
                default_kid: None,
                pattern: None,
                iv_size: 0,
                protected_by_default: true,
            });
            let syntax = Syntax::of_entry(kind, meta, entry);
            return Ok(Self { codec: kind, kind, protection, parameters: None, syntax });
        }
        let mut chosen = None;
        for sinf in &sinfs {
            let info = SchemeInfo::parse(meta, sinf)?;
            let known = info.parameters.is_some();
            // Several protections of one entry are alternatives (ISO/IEC 14496-12, 8.12.1): take the first that is
            // known.
            if chosen.is_none() || known {
                chosen = Some(info);
            }
            if known {
                break;
            }
        }
        let info = chosen.ok_or_else(|| entry.defect(BoxDefect::Missing(SINF)))?;
        edits.extend(sinfs.iter().map(Edit::free));
        edits.push(Edit::retype(entry, info.format));
        let syntax = Syntax::of_entry(info.format, meta, entry);
        let (codec, protection) = (info.format, Some(info.protection()));
        Ok(Self { codec, kind, protection, parameters: info.parameters, syntax })
    }

    /// Whether the entry is protected and has the type of a clear one.
    pub(crate) fn is_type_unchanged(&self) -> bool {
        self.protection.is_some() && !is_protected_type(self.kind)
    }
}

/// Whether two entries are the same when they are clear: the codec, the fields, and all boxes but `sinf` and unused
/// space.
pub(crate) fn are_equal_when_clear(meta: &Meta, one: (&BoxRef, &SampleEntry), other: (&BoxRef, &SampleEntry)) -> bool {
    fn contents<'m>(meta: &'m Meta, entry: &BoxRef, fields: usize) -> Option<Vec<&'m [u8]>> {
        let boxes = entry.payload.checked_add(fields).filter(|start| *start <= entry.end)?;
        let mut parts = vec![meta.bytes().get(entry.payload..boxes)?];
        for child in meta.boxes_between(boxes, entry.end) {
            let child = child.ok()?;
            if !matches!(&child.kind.0, b"sinf" | b"free" | b"skip") {
                parts.push(meta.bytes().get(child.start..child.end)?);
            }
        }
        Some(parts)
    }
    let fields = match one.1.syntax.fields() {
        Some(fields) if one.1.codec == other.1.codec => fields,
        _ => return false,
    };
    let one = contents(meta, one.0, fields);
    one.is_some() && one == contents(meta, other.0, fields)
}

/// What a `sinf` box says.
struct SchemeInfo {
    format: FourCc,
    scheme: Scheme,
    parameters: Option<KeyParameters>,
}

impl SchemeInfo {
    fn parse(meta: &Meta, sinf: &BoxRef) -> Result<Self> {
        let frma = meta.require(sinf, FRMA)?;
        let format = meta.fields(&frma).four_cc()?;
        if is_protected_type(format) {
            let value = u32::from_be_bytes(format.0).into();
            return Err(frma.defect(BoxDefect::Reserved { field: "data_format", value }));
        }
        let schm = meta.require(sinf, SCHM)?;
        let mut fields = meta.fields(&schm);
        fields.version_and_flags()?;
        let scheme = Scheme::from_code(fields.four_cc()?);
        let parameters = match scheme {
            Scheme::Other(_) => None,
            _ => Some(key_parameters(meta, &meta.require(sinf, SCHI)?, scheme)?),
        };
        Ok(Self { format, scheme, parameters })
    }

    fn protection(&self) -> Protection {
        let parameters = self.parameters.as_ref();
        Protection {
            scheme: self.scheme,
            algorithm: parameters.filter(|_| self.scheme == Scheme::Piff).map(|parameters| match parameters.scheme {
                None => Algorithm::Clear,
                Some(Scheme::Cbc1) => Algorithm::AesCbc,
                Some(_) => Algorithm::AesCtr,
            }),
            default_kid: parameters.map(|parameters| parameters.kid),
            pattern: parameters.and_then(|parameters| parameters.pattern).filter(|_| self.scheme.has_pattern()),
            iv_size: parameters.map_or(0, |parameters| parameters.iv_size),
            protected_by_default: parameters.is_none_or(|parameters| parameters.protected),
        }
    }
}

/// `tenc`, or its PIFF form.
fn key_parameters(meta: &Meta, schi: &BoxRef, scheme: Scheme) -> Result<KeyParameters> {
    for child in meta.children(schi) {
        let child = child?;
        if child.kind == TENC && scheme == Scheme::Piff {
            return KeyParameters::from_piff(&child, &mut meta.fields(&child));
        }
        if child.kind == TENC {
            return KeyParameters::from_tenc(&child, &mut meta.fields(&child));
        }
        if child.is_uuid(&piff::TRACK_ENCRYPTION) {
            return KeyParameters::from_piff(&child, &mut meta.fields(&child));
        }
    }
    Err(schi.defect(BoxDefect::Missing(TENC)))
}

/// `encv`, `enca`, `enct`, `encs`, `encm` and what comes after them; `drms` and `drmi` of iTunes.
fn is_protected_type(kind: FourCc) -> bool {
    kind.0.starts_with(b"enc") || matches!(kind, DRMS | DRMI)
}

/// The `sinf` boxes of an entry that has the type of a clear one.
fn stray_sinfs(meta: &Meta, entry: &BoxRef, handler: FourCc) -> Vec<BoxRef> {
    let known: &[usize] = match handler {
        VIDE => &[78],
        SOUN => &[28, 44, 64],
        _ => &[],
    };
    let mut starts = known.iter().filter_map(|skip| entry.payload.checked_add(*skip));
    starts.find_map(|start| sinfs_between(meta, start, entry.end)).unwrap_or_default()
}

/// All `sinf` boxes of a sample entry.
///
/// Where the boxes of an entry begin depends on the kind of media: after 78 bytes for video, after 28 for audio (44 or
/// 64 in versions 1 and 2 of `QuickTime`), elsewhere after fields of the codec. The place is the one from which the
/// rest of the entry is a sequence of boxes with a `sinf` among them.
fn find_sinfs(meta: &Meta, entry: &BoxRef) -> Result<Vec<BoxRef>> {
    let known: &[usize] = match entry.kind {
        ENCV | DRMI => &[78],
        ENCA | DRMS => &[28, 44, 64],
        _ => &[8],
    };
    let known = known.iter().filter_map(|skip| entry.payload.checked_add(*skip));
    for start in known.chain(sinf_positions(meta, entry)) {
        if let Some(sinfs) = sinfs_between(meta, start, entry.end) {
            return Ok(sinfs);
        }
    }
    if matches!(entry.kind, DRMS | DRMI) { Ok(Vec::new()) } else { Err(entry.defect(BoxDefect::Missing(SINF))) }
}

/// The `sinf` boxes of a sequence of boxes that fills the space, if it is one and has any.
fn sinfs_between(meta: &Meta, start: usize, end: usize) -> Option<Vec<BoxRef>> {
    if start >= end {
        return None;
    }
    let mut sinfs = Vec::new();
    for child in meta.boxes_between(start, end) {
        match child {
            Ok(child) if child.kind == SINF => sinfs.push(child),
            Ok(_) => {}
            // QuickTime ends a list of boxes with four zeros.
            Err(Error::StrayBytes { .. }) => break,
            Err(_) => return None,
        }
    }
    (!sinfs.is_empty()).then_some(sinfs)
}

/// Where the letters `sinf` stand in the entry like a box type. The number of tries is limited: a real entry has one.
fn sinf_positions(meta: &Meta, entry: &BoxRef) -> impl Iterator<Item = usize> {
    const TRIES: usize = 16;
    let payload = meta.bytes().get(entry.payload..entry.end).unwrap_or_default();
    let starts = payload.windows(8).enumerate().filter(|(_, window)| window[4..] == SINF.0);
    starts.map(|(position, _)| entry.payload + position).take(TRIES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{box_defect, bx};

    fn tenc() -> Vec<u8> {
        bx(b"tenc", &[&[0, 0, 0, 0, 0, 0, 1, 8], b"key identifier 1"])
    }

    fn sinf(scheme: &[u8], schi: &[u8]) -> Vec<u8> {
        let scheme_type = bx(b"schm", &[&[0; 4], scheme, &[0, 1, 0, 0]]);
        bx(b"sinf", &[&bx(b"frma", &[b"avc1"]), &scheme_type, schi])
    }

    fn cenc() -> Vec<u8> {
        sinf(b"cenc", &bx(b"schi", &[&tenc()]))
    }

    /// Parses one entry; also returns it as rewritten.
    fn parse(entry: &[u8]) -> Result<(SampleEntry, Vec<u8>)> {
        let meta = Meta::new(0, entry.to_vec());
        let mut edits = Vec::new();
        let entry = SampleEntry::parse(&meta, &meta.root()?, VIDE, &mut edits)?;
        Ok((entry, Edit::apply(&meta, &edits)))
    }

    fn defect(entry: &[u8]) -> (FourCc, BoxDefect) {
        box_defect(parse(entry))
    }

    #[test]
    fn encv_entry_has_its_codec_and_key() {
        let (entry, _) = parse(&bx(b"encv", &[&[0; 78], &bx(b"avcC", &[b"x"]), &cenc()])).unwrap();
        let protection = entry.protection.unwrap();
        assert_eq!(entry.codec, FourCc(*b"avc1"));
        assert_eq!((protection.scheme, protection.default_kid), (Scheme::Cenc, Some(*b"key identifier 1")));
        assert_eq!((protection.iv_size, protection.protected_by_default), (8, true));
    }

    #[test]
    fn encv_entry_rewritten_is_avc1_with_a_free_box() {
        let before = bx(b"encv", &[&[7; 78], &bx(b"avcC", &[b"x"]), &cenc()]);
        let (_, after) = parse(&before).unwrap();
        let free = bx(b"free", &[&vec![0; cenc().len() - 8]]);
        assert_eq!(after, bx(b"avc1", &[&[7; 78], &bx(b"avcC", &[b"x"]), &free]));
    }

    #[test]
    fn enca_entry_of_quicktime_version_1_is_found() {
        let entry = bx(b"enca", &[&[0; 44], &bx(b"esds", &[b"x"]), &cenc()]);
        assert!(parse(&entry).unwrap().0.protection.is_some());
    }

    #[test]
    fn enca_entry_with_a_zero_terminator_is_found() {
        let entry = bx(b"enca", &[&[0; 28], &cenc(), &[0; 4]]);
        assert!(parse(&entry).unwrap().0.protection.is_some());
    }

    #[test]
    fn enct_entry_with_strings_before_its_boxes_is_found() {
        let entry = bx(b"enct", &[&[0; 8], b"application/ttml+xml\0sinf\0", &cenc()]);
        assert!(parse(&entry).unwrap().0.protection.is_some());
    }

    #[test]
    fn clear_entry_is_left_alone() {
        let before = bx(b"avc1", &[&[0; 78]]);
        let (entry, after) = parse(&before).unwrap();
        assert!(entry.protection.is_none());
        assert_eq!(after, before);
    }

    #[test]
    fn piff_entry_has_its_key() {
        let uuid = bx(b"uuid", &[&piff::TRACK_ENCRYPTION, &[0, 0, 0, 0, 0, 0, 1, 8], b"key identifier 2"]);
        let entry = bx(b"encv", &[&[0; 78], &sinf(b"piff", &bx(b"schi", &[&uuid]))]);
        let protection = parse(&entry).unwrap().0.protection.unwrap();
        assert_eq!((protection.scheme, protection.default_kid), (Scheme::Piff, Some(*b"key identifier 2")));
    }

    #[test]
    fn unknown_scheme_opens_without_a_key() {
        let entry = bx(b"encv", &[&[0; 78], &sinf(b"adkm", &bx(b"schi", &[]))]);
        let protection = parse(&entry).unwrap().0.protection.unwrap();
        assert_eq!((protection.scheme, protection.default_kid), (Scheme::Other(FourCc(*b"adkm")), None));
    }

    #[test]
    fn second_sinf_is_taken_when_the_first_is_unknown() {
        let other = sinf(b"adkm", &bx(b"schi", &[]));
        let before = bx(b"encv", &[&[0; 78], &other, &cenc()]);
        let (entry, after) = parse(&before).unwrap();
        assert_eq!(entry.protection.unwrap().scheme, Scheme::Cenc);
        assert!(!after.windows(4).any(|window| window == b"sinf"));
    }

    #[test]
    fn encv_without_sinf_is_missing_it() {
        assert_eq!(defect(&bx(b"encv", &[&[0; 78]])), (ENCV, BoxDefect::Missing(SINF)));
    }

    #[test]
    fn encv_cut_in_its_fields_is_missing_sinf() {
        assert_eq!(defect(&bx(b"encv", &[&[0; 20]])), (ENCV, BoxDefect::Missing(SINF)));
    }

    #[test]
    fn cenc_without_tenc_is_missing_it() {
        let entry = bx(b"encv", &[&[0; 78], &sinf(b"cenc", &bx(b"schi", &[]))]);
        assert_eq!(defect(&entry), (SCHI, BoxDefect::Missing(TENC)));
    }

    #[test]
    fn cenc_without_schi_is_missing_it() {
        assert_eq!(defect(&bx(b"encv", &[&[0; 78], &sinf(b"cenc", &[])])), (SINF, BoxDefect::Missing(SCHI)));
    }

    #[test]
    fn sinf_without_frma_is_missing_it() {
        assert_eq!(defect(&bx(b"encv", &[&[0; 78], &bx(b"sinf", &[])])), (SINF, BoxDefect::Missing(FRMA)));
    }

    #[test]
    fn sinf_without_schm_is_missing_it() {
        let sinf = bx(b"sinf", &[&bx(b"frma", &[b"avc1"])]);
        assert_eq!(defect(&bx(b"encv", &[&[0; 78], &sinf])), (SINF, BoxDefect::Missing(SCHM)));
    }

    #[test]
    fn frma_of_a_protected_type_is_reserved() {
        let sinf = bx(b"sinf", &[&bx(b"frma", &[b"encv"])]);
        let expected = BoxDefect::Reserved { field: "data_format", value: 0x656e_6376 };
        assert_eq!(defect(&bx(b"encv", &[&[0; 78], &sinf])), (FRMA, expected));
    }

    #[test]
    fn frma_cut_short_is_truncated() {
        let sinf = bx(b"sinf", &[&bx(b"frma", &[b"av"])]);
        assert_eq!(defect(&bx(b"encv", &[&[0; 78], &sinf])), (FRMA, BoxDefect::Truncated));
    }
}
