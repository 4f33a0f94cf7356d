//! Sample auxiliary information: initialization vectors and subsamples, from `senc` or from where `saiz` and `saio`
//! point (ISO/IEC 23001-7, 7; ISO/IEC 14496-12, 8.7.8 and 8.7.9).

use core::ops::Range;

use crate::error::{BoxDefect, Result};
use crate::fourcc::{SAIO, SAIZ, SENC, TRUN, piff};
use crate::meta::{BoxRef, Meta, Table};
use crate::note::{NoteKind, Notes};
use crate::protection::{Algorithm, piff_parameters};
use crate::rewrite::{auxiliary_type, is_protection_type};
use crate::{FourCc, KeyId};

/// Flag of `senc`: every sample has a list of subsamples.
const WITH_SUBSAMPLES: u32 = 2;
/// Flag of the PIFF form: algorithm, size of the vectors and key stand in the box.
const WITH_PARAMETERS: u32 = 1;
/// Flag of `saiz` and `saio`: a type and its parameter stand in the box.
const WITH_TYPE: u32 = 1;
/// Bytes of one subsample: 16 bits clear, 32 bits protected.
pub(crate) const SUBSAMPLE_LEN: usize = 6;

/// Where the auxiliary information of a track's samples is.
#[derive(Clone, Debug)]
pub(crate) enum Auxiliary {
    /// There is none.
    Absent,
    /// In a `senc` box.
    Senc(Senc),
    /// Somewhere in the file.
    Located(Located),
}

/// A `senc` box or its PIFF form.
#[derive(Clone, Debug)]
pub(crate) struct Senc {
    of: BoxRef,
    start: usize,
    count: u32,
    with_subsamples: bool,
    /// Algorithm, size of the vectors and key in place of the sample entry's (PIFF).
    pub(crate) parameters: Option<(Algorithm, u8, KeyId)>,
    /// Clear samples have an entry too.
    every_sample: bool,
}

/// A `saiz` and a `saio` box.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    sizes: InfoSizes,
    count: u32,
    offsets: Table,
    wide_offsets: bool,
    /// What the offsets count from.
    base: u64,
}

#[derive(Clone, Copy, Debug)]
enum InfoSizes {
    Constant(u8),
    Each(Table),
}

/// Where the auxiliary information of one sample lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The sample has none.
    Nowhere,
    /// In the metadata box, at these positions.
    Meta(Range<usize>),
    /// In the file, at an offset, with a length.
    File(u64, u8),
}

impl Auxiliary {
    /// Finds it among the children of `parents`: `stbl` and `trak`, or `traf`. `scheme` is the track's, `base` what `saio`
    /// counts from.
    pub(crate) fn find(
        meta: &Meta,
        parents: &[BoxRef],
        scheme: FourCc,
        base: u64,
        track_id: u32,
        notes: &mut Notes,
    ) -> Result<Self> {
        let (mut senc, mut piff_senc) = (Slot::default(), Slot::default());
        let (mut sizes, mut offsets) = (Slot::default(), Slot::default());
        for parent in parents {
            for child in meta.children(parent) {
                let child = child?;
                let (slot, rank) = match child.kind {
                    SENC => (&mut senc, Rank::Own),
                    SAIZ | SAIO => {
                        let Some(rank) = Rank::of(auxiliary_type(meta, &child), scheme) else { continue };
                        (if child.kind == SAIZ { &mut sizes } else { &mut offsets }, rank)
                    }
                    _ if child.is_uuid(&piff::SAMPLE_ENCRYPTION) => (&mut piff_senc, Rank::Own),
                    _ => continue,
                };
                if slot.put(meta, child, rank)? {
                    notes.add(NoteKind::DuplicateBox, track_id, child.offset);
                }
            }
        }
        // Files for old and new players have both forms, with the same contents.
        if let Some((senc, _)) = senc.0.or(piff_senc.0) {
            let senc = Senc::parse(meta, &senc)?;
            if senc.count > 0 || senc.parameters.is_some_and(|(algorithm, ..)| algorithm == Algorithm::Clear) {
                return Ok(Self::Senc(senc));
            }
        }
        match (sizes.0, offsets.0) {
            (Some((sizes, rank)), Some((offsets, _))) => {
                if rank == Rank::Other {
                    notes.add(NoteKind::AuxiliaryType, track_id, sizes.offset);
                }
                Located::parse(meta, &sizes, &offsets, base)
            }
            _ => Ok(Self::Absent),
        }
    }

    /// Finds a `senc` of samples whose entry says that they are clear, with the size of its vectors: the one with which
    /// its entries fill the box. None if there is no such box, or no entry in it.
    pub(crate) fn find_unsignalled(meta: &Meta, parents: &[BoxRef]) -> Option<(Self, u8)> {
        let mut children = parents.iter().flat_map(|parent| meta.children(parent)).filter_map(Result::ok);
        let senc = children.find(|child| child.kind == SENC || child.is_uuid(&piff::SAMPLE_ENCRYPTION))?;
        let senc = Senc::parse(meta, &senc).ok().filter(|senc| senc.count > 0)?;
        let iv_size = match senc.parameters {
            Some((Algorithm::Clear, ..)) => return None,
            Some((_, iv_size, _)) => iv_size,
            None => {
                let fills =
                    |size: &u8| senc.skip(meta, senc.start, senc.count, *size).is_ok_and(|end| end == senc.of.end);
                [8, 16].into_iter().find(fills)?
            }
        };
        Some((Self::Senc(senc), iv_size))
    }

    /// A `senc` box with the first `samples` entries of that of a `traf`, if they are for samples in front of the fragment.
    /// ffmpeg writes such where it begins a fragmented file with samples in `moov`. Nothing says so; what tells is that the box
    /// has entries for as many samples more than the fragment has, which fill it, and that their vectors of eight bytes
    /// count on, as ffmpeg's do.
    pub(crate) fn entries_of_movie(meta: &Meta, traf: &BoxRef, samples: u32) -> Option<Vec<u8>> {
        const VECTOR: u8 = 8;
        let mut of_fragment = 0u32;
        let mut found = None;
        for child in meta.children(traf) {
            let child = child.ok()?;
            let mut fields = meta.fields(&child);
            match child.kind {
                TRUN => {
                    fields.skip(4).ok()?;
                    of_fragment = of_fragment.checked_add(fields.u32().ok()?)?;
                }
                SENC => found = Some(child),
                _ => {}
            }
        }
        let senc = Senc::parse(meta, &found?).ok()?;
        if samples == 0 || Some(senc.count) != of_fragment.checked_add(samples) {
            return None;
        }
        let (mut position, mut end, mut last) = (senc.start, 0, None);
        for index in 0..senc.count {
            let entry = senc.entry(meta, position, VECTOR).ok()?;
            let vector = u64::from_be_bytes(*meta.bytes().get(entry.clone())?.first_chunk()?);
            if last.is_some_and(|last: u64| last.wrapping_add(1) != vector) {
                return None;
            }
            last = Some(vector);
            position = entry.end;
            if index + 1 == samples {
                end = entry.end;
            }
        }
        let bytes = meta.bytes().get(senc.of.payload..end).filter(|_| position == senc.of.end)?;
        let mut copy = u32::try_from(bytes.len() + 8).ok()?.to_be_bytes().to_vec();
        copy.extend_from_slice(&SENC.0);
        copy.extend_from_slice(bytes);
        copy.get_mut(12..16)?.copy_from_slice(&samples.to_be_bytes());
        Some(copy)
    }

    /// That of a `senc` box behind the end of the metadata box, at this position.
    pub(crate) fn appended(meta: &Meta, position: usize) -> Result<Self> {
        let senc = meta.boxes_between(position, meta.bytes().len()).next().transpose()?;
        senc.map_or(Ok(Self::Absent), |senc| Senc::parse(meta, &senc).map(Self::Senc))
    }

    /// Whether a `traf` has initialization vectors, or says where some are.
    pub(crate) fn has_vectors(meta: &Meta, traf: &BoxRef) -> bool {
        meta.children(traf).filter_map(Result::ok).any(|child| match child.kind {
            SAIZ => auxiliary_type(meta, &child).is_none_or(is_protection_type),
            _ if child.kind == SENC || child.is_uuid(&piff::SAMPLE_ENCRYPTION) => {
                Senc::parse(meta, &child).is_ok_and(|senc| senc.count > 0)
            }
            _ => false,
        })
    }

    /// Tells a `senc` box which samples its entries are for: all of `samples`, or the protected ones among them, which
    /// `protected` counts. In a fragment, the entries of earlier ones may come first: they are skipped where the others,
    /// with vectors of `iv_size` bytes, fill the rest of the box. Says whether there were such.
    pub(crate) fn settle(
        &mut self,
        meta: &Meta,
        samples: u32,
        repeated_iv_size: Option<u8>,
        protected: impl FnOnce() -> Result<u32>,
    ) -> Result<bool> {
        let Self::Senc(senc) = self else { return Ok(false) };
        if senc.parameters.is_some_and(|(algorithm, ..)| algorithm == Algorithm::Clear) {
            senc.every_sample = false;
            return Ok(false);
        }
        senc.every_sample = senc.count == samples;
        if senc.every_sample || senc.count == 0 {
            return Ok(false);
        }
        let protected = protected()?;
        if senc.count == protected {
            return Ok(false);
        }
        if let (Some(repeated), Some(iv_size)) = (senc.count.checked_sub(samples), repeated_iv_size) {
            let start = senc.skip(meta, senc.start, repeated, iv_size)?;
            if senc.skip(meta, start, samples, iv_size)? == senc.of.end {
                (senc.start, senc.count, senc.every_sample) = (start, samples, true);
                return Ok(true);
            }
        }
        Err(senc.of.defect(BoxDefect::CountMismatch { count: senc.count.into(), expected: samples.into() }))
    }
}

/// How well the type of `saiz` and `saio` fits the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Own,
    /// No type is given: it is the scheme's.
    Implied,
    /// Another scheme, or 0.
    Other,
}

impl Rank {
    /// `None` for information about something else.
    fn of(kind: Option<FourCc>, scheme: FourCc) -> Option<Self> {
        match kind {
            None => Some(Self::Implied),
            Some(kind) if kind == scheme => Some(Self::Own),
            Some(kind) => is_protection_type(kind).then_some(Self::Other),
        }
    }
}

/// The best box of a kind so far.
#[derive(Default)]
struct Slot(Option<(BoxRef, Rank)>);

impl Slot {
    /// Takes a box that is better than the one before. Says whether it is the same again.
    fn put(&mut self, meta: &Meta, new: BoxRef, rank: Rank) -> Result<bool> {
        match &self.0 {
            Some((old, old_rank)) if *old_rank == rank => {
                if meta.payload(old) != meta.payload(&new) {
                    return Err(new.defect(BoxDefect::Duplicate));
                }
                Ok(true)
            }
            Some((_, old_rank)) if *old_rank < rank => Ok(false),
            _ => {
                self.0 = Some((new, rank));
                Ok(false)
            }
        }
    }
}

impl Senc {
    fn parse(meta: &Meta, of: &BoxRef) -> Result<Self> {
        let mut fields = meta.fields(of);
        let (version, flags) = fields.version_and_flags()?;
        let is_piff = of.user_type.is_some();
        // The PIFF form has one layout, and makers number it 0 or 1.
        match version {
            _ if is_piff || version == 0 => {}
            1 => return Err(of.defect(BoxDefect::SeveralKeys)),
            version => return Err(of.defect(BoxDefect::UnknownVersion(version))),
        }
        let parameters =
            if is_piff && flags & WITH_PARAMETERS != 0 { Some(piff_parameters(of, &mut fields)?) } else { None };
        let count = fields.u32()?;
        Ok(Self {
            of: *of,
            start: fields.position(),
            count,
            with_subsamples: flags & WITH_SUBSAMPLES != 0,
            parameters,
            every_sample: true,
        })
    }

    /// The position after `count` entries from `position` on.
    fn skip(&self, meta: &Meta, position: usize, count: u32, iv_size: u8) -> Result<usize> {
        (0..count).try_fold(position, |position, _| self.entry(meta, position, iv_size).map(|entry| entry.end))
    }

    /// The entry at `position`: a vector of `iv_size` bytes, and subsamples.
    fn entry(&self, meta: &Meta, position: usize, iv_size: u8) -> Result<Range<usize>> {
        let truncated = || self.of.defect(BoxDefect::Truncated);
        let mut end = position + usize::from(iv_size);
        if self.with_subsamples {
            let count = meta.bytes().get(end..).and_then(|rest| rest.first_chunk::<2>()).ok_or_else(truncated)?;
            end += 2 + usize::from(u16::from_be_bytes(*count)) * SUBSAMPLE_LEN;
        }
        if end > self.of.end { Err(truncated()) } else { Ok(position..end) }
    }
}

impl Located {
    /// Reads a `saiz` box, `sizes`, and a `saio` box, `offsets`.
    fn parse(meta: &Meta, sizes: &BoxRef, offsets: &BoxRef, base: u64) -> Result<Auxiliary> {
        let mut fields = meta.fields(sizes);
        let (_, flags) = fields.version_and_flags()?;
        if flags & WITH_TYPE != 0 {
            fields.skip(8)?;
        }
        let constant = fields.u8()?;
        let count = fields.u32()?;
        let sizes =
            if constant == 0 { InfoSizes::Each(fields.table(count, 1)?) } else { InfoSizes::Constant(constant) };

        let mut fields = meta.fields(offsets);
        let (version, flags) = fields.version_and_flags()?;
        if flags & WITH_TYPE != 0 {
            fields.skip(8)?;
        }
        let wide_offsets = version != 0;
        let offset_count = fields.u32()?;
        let offsets = fields.table(offset_count, if wide_offsets { 8 } else { 4 })?;
        if count == 0 || offset_count == 0 {
            return Ok(Auxiliary::Absent);
        }
        Ok(Auxiliary::Located(Self { sizes, count, offsets, wide_offsets, base }))
    }

    fn offset(&self, meta: &Meta, entry: u32) -> Result<u64> {
        let offset = if self.wide_offsets {
            self.offsets.u64(meta, entry, 0)?
        } else {
            self.offsets.u32(meta, entry, 0)?.into()
        };
        self.base.checked_add(offset).ok_or_else(|| self.offsets.defect(BoxDefect::OffsetRange))
    }

    fn size(&self, meta: &Meta, entry: u32) -> Result<u8> {
        match &self.sizes {
            _ if entry >= self.count => Ok(0),
            InfoSizes::Constant(size) => Ok(*size),
            InfoSizes::Each(table) => table.u8(meta, entry, 0),
        }
    }
}

/// Goes through the auxiliary information in the order of the samples.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AuxiliaryCursor {
    /// Entries passed.
    entry: u32,
    /// Of the next entry: position in the metadata box, or offset in the file.
    next: u64,
}

impl AuxiliaryCursor {
    /// Begins run `number` (a chunk or a `trun`), from 0, of a sequence. `saio` has one offset for all or one for each.
    pub(crate) fn begin_run(&mut self, meta: &Meta, auxiliary: &Auxiliary, number: u32) -> Result<()> {
        match auxiliary {
            Auxiliary::Absent => {}
            Auxiliary::Senc(senc) => {
                if number == 0 {
                    self.next = senc.start as u64;
                }
            }
            Auxiliary::Located(located) => {
                if number == 0 || located.offsets.count() > 1 {
                    self.next = located.offset(meta, number)?;
                }
            }
        }
        Ok(())
    }

    /// Where the information of the next sample is. `iv_size` is that of its own initialization vector, 0 for a clear
    /// sample.
    pub(crate) fn next(
        &mut self,
        meta: &Meta,
        auxiliary: &Auxiliary,
        is_protected: bool,
        iv_size: u8,
    ) -> Result<Place> {
        match auxiliary {
            Auxiliary::Absent => Ok(Place::Nowhere),
            Auxiliary::Senc(senc) => {
                if !senc.every_sample && !is_protected {
                    return Ok(Place::Nowhere);
                }
                // The cursor holds a position in this case, so it fits.
                let position = usize::try_from(self.next).unwrap_or(usize::MAX).min(senc.of.end);
                let entry = senc.entry(meta, position, iv_size)?;
                self.next = entry.end as u64;
                Ok(Place::Meta(entry))
            }
            Auxiliary::Located(located) => {
                let size = located.size(meta, self.entry)?;
                let offset = self.next;
                self.entry = self.entry.saturating_add(1);
                self.next = offset.saturating_add(size.into());
                Ok(if size == 0 { Place::Nowhere } else { Place::File(offset, size) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::fourcc::{CENC, TRAF};
    use crate::testing::{bx, defect};

    fn traf(boxes: &[Vec<u8>]) -> Meta {
        Meta::new(500, bx(b"traf", &[&boxes.concat()]))
    }

    fn find(meta: &Meta) -> Result<Auxiliary> {
        Auxiliary::find(meta, &[meta.root()?], CENC, 500, 1, &mut Notes::default())
    }

    /// The places of samples that come in runs of these lengths.
    fn places(meta: &Meta, runs: &[u32]) -> Result<Vec<Place>> {
        let auxiliary = find(meta)?;
        let mut cursor = AuxiliaryCursor::default();
        let mut places = Vec::new();
        for (number, samples) in (0..).zip(runs) {
            cursor.begin_run(meta, &auxiliary, number)?;
            for _ in 0..*samples {
                places.push(cursor.next(meta, &auxiliary, true, 8)?);
            }
        }
        Ok(places)
    }

    fn senc(flags: u8, count: u8, entries: &[u8]) -> Vec<u8> {
        bx(b"senc", &[&[0, 0, 0, flags, 0, 0, 0, count], entries])
    }

    fn saiz(constant: u8, count: u8, sizes: &[u8]) -> Vec<u8> {
        bx(b"saiz", &[&[0, 0, 0, 0, constant, 0, 0, 0, count], sizes])
    }

    fn saio(offsets: &[u32]) -> Vec<u8> {
        let count = u8::try_from(offsets.len()).unwrap();
        let offsets: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_be_bytes()).collect();
        bx(b"saio", &[&[0, 0, 0, 0, 0, 0, 0, count], &offsets])
    }

    #[test]
    fn senc_without_subsamples_has_vectors_in_a_row() {
        let meta = traf(&[senc(0, 2, &[0; 16])]);
        assert_eq!(places(&meta, &[1, 1]).unwrap(), [Place::Meta(24..32), Place::Meta(32..40)]);
    }

    #[test]
    fn senc_with_subsamples_has_entries_of_their_lengths() {
        let meta = traf(&[senc(2, 2, &[[0; 8].as_slice(), &[0, 1, 0, 5, 0, 0, 0, 6], &[0; 8], &[0, 0]].concat())]);
        assert_eq!(places(&meta, &[2]).unwrap(), [Place::Meta(24..40), Place::Meta(40..50)]);
    }

    #[test]
    fn senc_is_preferred_to_saiz_and_saio() {
        let meta = traf(&[saiz(8, 1, &[]), saio(&[9]), senc(0, 1, &[0; 8])]);
        assert!(matches!(places(&meta, &[1]).unwrap()[..], [Place::Meta(_)]));
    }

    #[test]
    fn senc_without_entries_gives_way_to_saiz_and_saio() {
        let meta = traf(&[saiz(8, 1, &[]), saio(&[9]), senc(0, 0, &[])]);
        assert_eq!(places(&meta, &[1]).unwrap(), [Place::File(509, 8)]);
    }

    #[test]
    fn piff_senc_may_bring_its_own_parameters() {
        let meta = traf(&[bx(
            b"uuid",
            &[&piff::SAMPLE_ENCRYPTION, &[0, 0, 0, 1, 0, 0, 1, 16], b"key identifier 3", &[0, 0, 0, 1], &[0; 16]],
        )]);
        let Auxiliary::Senc(senc) = find(&meta).unwrap() else { panic!("no senc") };
        assert_eq!(senc.parameters, Some((Algorithm::AesCtr, 16, *b"key identifier 3")));
    }

    #[test]
    fn senc_for_protected_samples_only_skips_the_clear_ones() {
        let meta = traf(&[senc(0, 1, &[0; 8])]);
        let mut auxiliary = find(&meta).unwrap();
        assert!(!auxiliary.settle(&meta, 2, None, || Ok(1)).unwrap());
        let mut cursor = AuxiliaryCursor::default();
        cursor.begin_run(&meta, &auxiliary, 0).unwrap();
        assert_eq!(cursor.next(&meta, &auxiliary, false, 8).unwrap(), Place::Nowhere);
        assert_eq!(cursor.next(&meta, &auxiliary, true, 8).unwrap(), Place::Meta(24..32));
    }

    #[test]
    fn senc_for_another_number_of_samples_is_refused() {
        let meta = traf(&[senc(0, 3, &[0; 24])]);
        let defect = defect(find(&meta).unwrap().settle(&meta, 2, None, || Ok(1)));
        assert_eq!(defect, BoxDefect::CountMismatch { count: 3, expected: 2 });
    }

    #[test]
    fn senc_cut_in_a_vector_is_truncated() {
        let meta = traf(&[senc(0, 2, &[0; 15]), bx(b"free", &[&[0; 20]])]);
        assert_eq!(defect(places(&meta, &[2])), BoxDefect::Truncated);
    }

    #[test]
    fn senc_cut_in_its_subsamples_is_truncated() {
        let meta = traf(&[senc(2, 1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0]), bx(b"free", &[&[0; 80]])]);
        assert_eq!(defect(places(&meta, &[1])), BoxDefect::Truncated);
    }

    #[test]
    fn senc_of_version_1_has_several_keys_and_of_version_2_is_unknown() {
        assert_eq!(defect(find(&traf(&[bx(b"senc", &[&[1, 0, 0, 0, 0, 0, 0, 0]])]))), BoxDefect::SeveralKeys);
        assert_eq!(defect(find(&traf(&[bx(b"senc", &[&[2, 0, 0, 0, 0, 0, 0, 0]])]))), BoxDefect::UnknownVersion(2));
    }

    #[test]
    fn second_senc_is_a_duplicate_unless_it_is_the_same() {
        assert_eq!(defect(find(&traf(&[senc(0, 1, &[0; 8]), senc(0, 1, &[1; 8])]))), BoxDefect::Duplicate);
        let meta = traf(&[senc(0, 1, &[0; 8]), senc(0, 1, &[0; 8])]);
        let mut notes = Notes::default();
        Auxiliary::find(&meta, &[meta.root().unwrap()], CENC, 500, 1, &mut notes).unwrap();
        assert_eq!(notes.as_slice()[0].kind, NoteKind::DuplicateBox);
    }

    #[test]
    fn entries_of_earlier_fragments_are_skipped_where_the_rest_fills_the_box() {
        let meta = traf(&[senc(0, 3, &[[1; 8], [2; 8], [3; 8]].concat())]);
        let mut auxiliary = find(&meta).unwrap();
        assert!(auxiliary.settle(&meta, 2, Some(8), || Ok(2)).unwrap());
        let mut cursor = AuxiliaryCursor::default();
        cursor.begin_run(&meta, &auxiliary, 0).unwrap();
        assert_eq!(cursor.next(&meta, &auxiliary, true, 8).unwrap(), Place::Meta(32..40));
        let meta = traf(&[senc(0, 3, &[0; 25])]);
        let refused = find(&meta).unwrap().settle(&meta, 2, Some(8), || Ok(2));
        assert_eq!(defect(refused), BoxDefect::CountMismatch { count: 3, expected: 2 });
    }

    #[test]
    fn vectors_of_an_unsignalled_senc_have_the_size_that_fills_it() {
        for size in [8, 16] {
            let meta = traf(&[senc(0, 2, &vec![0; 2 * usize::from(size)])]);
            let (_, found) = Auxiliary::find_unsignalled(&meta, &[meta.root().unwrap()]).unwrap();
            assert_eq!(found, size);
        }
        let meta = traf(&[senc(0, 2, &[0; 20])]);
        assert!(Auxiliary::find_unsignalled(&meta, &[meta.root().unwrap()]).is_none());
    }

    #[test]
    fn own_type_of_saiz_is_preferred_and_another_one_is_taken_with_a_note() {
        let typed =
            |box_kind: &[u8; 4], kind: &[u8; 4], rest: &[u8]| bx(box_kind, &[&[0, 0, 0, 1], kind, &[0; 4], rest]);
        let sizes = |kind| typed(b"saiz", kind, &[8, 0, 0, 0, 1]);
        let offsets = |kind, at| typed(b"saio", kind, &[0, 0, 0, 1, 0, 0, 0, at]);
        let place = |boxes: &[Vec<u8>]| {
            let meta = traf(boxes);
            let mut notes = Notes::default();
            let auxiliary = Auxiliary::find(&meta, &[meta.root().unwrap()], CENC, 500, 1, &mut notes).unwrap();
            let mut cursor = AuxiliaryCursor::default();
            cursor.begin_run(&meta, &auxiliary, 0).unwrap();
            (cursor.next(&meta, &auxiliary, true, 8).unwrap(), notes.as_slice().len())
        };
        for kind in [b"\0\0\0\0", b"cens", b"cbcs", b"piff"] {
            assert_eq!(place(&[sizes(kind), offsets(kind, 1)]), (Place::File(501, 8), 1));
            let both = [sizes(kind), offsets(kind, 1), sizes(b"cenc"), offsets(b"cenc", 2)];
            assert_eq!(place(&both), (Place::File(502, 8), 0));
        }
        assert_eq!(place(&[sizes(b"mine"), offsets(b"mine", 1)]), (Place::Nowhere, 0));
    }

    #[test]
    fn one_offset_serves_all_runs() {
        let meta = traf(&[saiz(0, 3, &[8, 0, 16]), saio(&[100])]);
        let expected = [Place::File(600, 8), Place::Nowhere, Place::File(608, 16)];
        assert_eq!(places(&meta, &[2, 1]).unwrap(), expected);
    }

    #[test]
    fn offsets_of_their_own_begin_each_run() {
        let meta = traf(&[saiz(8, 3, &[]), saio(&[100, 7])]);
        let expected = [Place::File(600, 8), Place::File(608, 8), Place::File(507, 8)];
        assert_eq!(places(&meta, &[2, 1]).unwrap(), expected);
    }

    #[test]
    fn offsets_fewer_than_runs_are_refused() {
        let meta = traf(&[saiz(8, 3, &[]), saio(&[100, 7])]);
        assert!(matches!(places(&meta, &[1, 1, 1]), Err(Error::Box { kind: SAIO, .. })));
    }

    #[test]
    fn offsets_of_64_bits_are_read() {
        let saio = bx(b"saio", &[&[1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]]);
        let meta = traf(&[saiz(8, 1, &[]), saio]);
        assert_eq!(places(&meta, &[1]).unwrap(), [Place::File((1 << 32) + 500, 8)]);
    }

    #[test]
    fn offset_beyond_64_bits_is_refused() {
        let saio = bx(b"saio", &[&[1, 0, 0, 0, 0, 0, 0, 1], &[0xff; 8]]);
        assert_eq!(defect(places(&traf(&[saiz(8, 1, &[]), saio]), &[1])), BoxDefect::OffsetRange);
    }

    #[test]
    fn saiz_of_another_type_is_left_out() {
        let typed = bx(b"saiz", &[b"\0\0\0\x01othr\0\0\0\0", &[8, 0, 0, 0, 1]]);
        assert!(matches!(find(&traf(&[typed, saio(&[100])])).unwrap(), Auxiliary::Absent));
    }

    #[test]
    fn saiz_of_our_type_is_taken() {
        let typed = bx(b"saiz", &[b"\0\0\0\x01cenc\0\0\0\0", &[8, 0, 0, 0, 1]]);
        assert_eq!(places(&traf(&[typed, saio(&[100])]), &[1]).unwrap(), [Place::File(600, 8)]);
    }

    #[test]
    fn saiz_count_above_its_room_is_refused() {
        let meta = traf(&[saiz(0, 3, &[8, 8]), saio(&[100])]);
        assert_eq!(defect(find(&meta)), BoxDefect::CountTooLarge { count: 3, room: 2 });
    }

    #[test]
    fn saio_count_above_its_room_is_refused() {
        let saio = bx(b"saio", &[&[0, 0, 0, 0, 0xff, 0, 0, 0]]);
        let meta = traf(&[saiz(8, 3, &[]), saio]);
        assert_eq!(defect(find(&meta)), BoxDefect::CountTooLarge { count: 0xff00_0000, room: 0 });
    }

    #[test]
    fn samples_after_the_last_size_have_nothing() {
        let meta = traf(&[saiz(8, 1, &[]), saio(&[100])]);
        assert_eq!(places(&meta, &[2]).unwrap(), [Place::File(600, 8), Place::Nowhere]);
        assert_eq!(meta.root().unwrap().kind, TRAF);
    }
}
