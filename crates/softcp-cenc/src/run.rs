//! Runs of samples that lie one after another: a chunk of a movie, or a `trun` of a fragment.

use std::io::{Read, Seek};
use std::sync::Arc;

use crate::auxiliary::{Auxiliary, AuxiliaryCursor, Place, SUBSAMPLE_LEN};
use crate::error::{Error, Result, SampleDefect};
use crate::meta::Meta;
use crate::note::{NoteKind, Notes};
use crate::protection::{Algorithm, Pattern, initialization_vector};
use crate::sample_entry::SampleEntry;
use crate::sample_group::{GroupCursor, SampleGroups};
use crate::sample_size::SampleSizes;
use crate::source::Source;
use crate::syntax::Evidence;
use crate::{KeyId, Sample, SampleEncryption, Scheme, Subsample};

/// Samples looked at to see whether they are clear.
const LOOKED_AT: u32 = 64;
/// Bytes looked at of all of them.
const LOOKED_AT_BYTES: u64 = 4 << 20;
/// How much likelier samples are clear, in bits, if other samples of their track have initialization vectors: a writer
/// that knows how to write them leaves them out for clear samples only.
const OTHERS_HAVE_VECTORS: f32 = 8.0;
/// From here on samples are clearly noise, and so encrypted.
const NOISE: f32 = -8.0;
/// From here on they are clearly clear, where no others have vectors.
const CLEAR: f32 = 8.0;

/// What the samples of one track in one metadata box (`moov` or a `traf` of `moof`) have in common.
#[derive(Debug)]
pub(crate) struct SampleSet {
    pub(crate) meta: Arc<Meta>,
    pub(crate) track_id: u32,
    /// Number within the track of the set's first sample.
    pub(crate) first_index: u64,
    pub(crate) entries: Arc<[SampleEntry]>,
    pub(crate) groups: SampleGroups,
    pub(crate) auxiliary: Auxiliary,
    /// Samples under clear entries are encrypted: with this key, and vectors of this size.
    pub(crate) unsignalled: Option<(KeyId, u8)>,
    /// Whether other samples of the track have initialization vectors.
    pub(crate) others_have_vectors: bool,
    /// Whether the last partial block of whole `cens` samples is encrypted; `None` if only the file tells.
    pub(crate) encrypted_tail: Option<bool>,
}

/// What holds for a sample that is encrypted.
#[derive(Clone, Copy, Debug)]
struct Parameters {
    scheme: Scheme,
    kid: KeyId,
    iv_size: u8,
    constant_iv: Option<[u8; 16]>,
    pattern: Option<Pattern>,
}

/// Goes through the samples of a set in order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SampleCursor {
    sample: u64,
    auxiliary: AuxiliaryCursor,
    group: GroupCursor,
}

impl SampleSet {
    /// Begins run `number`, from 0.
    pub(crate) fn begin_run(&self, cursor: &mut SampleCursor, number: u32) -> Result<()> {
        cursor.auxiliary.begin_run(&self.meta, &self.auxiliary, number)
    }

    /// Passes `count` samples with the sample entry `description`.
    pub(crate) fn skip(&self, cursor: &mut SampleCursor, description: u32, count: u32) -> Result<()> {
        // Without any of these a sample leaves no trace but its number.
        if matches!(self.auxiliary, Auxiliary::Absent) && self.groups.is_empty() {
            cursor.sample += u64::from(count);
            return Ok(());
        }
        (0..count).try_for_each(|_| self.next(cursor, description).map(drop))
    }

    /// How many of `count` samples from number `first` on are protected.
    pub(crate) fn count_protected(
        &self,
        group: &mut GroupCursor,
        description: u32,
        first: u32,
        count: u32,
    ) -> Result<u32> {
        let mut protected = 0;
        for sample in 0..count {
            let group = group.next(&self.meta, &self.groups)?;
            let parameters = self.parameters(description, group).map_err(|defect| Error::Sample {
                track_id: self.track_id,
                index: self.first_index + u64::from(first) + u64::from(sample),
                defect,
            })?;
            protected += u32::from(parameters.is_some());
        }
        Ok(protected)
    }

    /// The parameters of the next sample, if it is protected, and where its auxiliary information is.
    fn next(&self, cursor: &mut SampleCursor, description: u32) -> Result<(Option<Parameters>, Place)> {
        let group = cursor.group.next(&self.meta, &self.groups)?;
        let parameters = self.parameters(description, group).map_err(|defect| self.defect(cursor, defect))?;
        let iv_size = parameters.map_or(0, |parameters| parameters.iv_size);
        let place = cursor.auxiliary.next(&self.meta, &self.auxiliary, parameters.is_some(), iv_size)?;
        cursor.sample += 1;
        Ok((parameters, place))
    }

    /// Bytes of the vectors of samples with the entry `description`; `None` if those are clear.
    pub(crate) fn iv_size(&self, description: u32) -> Option<u8> {
        self.parameters(description, 0).ok().flatten().map(|parameters| parameters.iv_size)
    }

    /// What holds for a sample, if it is protected: the parameters that its fragment brings (PIFF), its group's, else its
    /// sample entry's.
    fn parameters(&self, description: u32, group: u32) -> Result<Option<Parameters>, SampleDefect> {
        let entry = description.checked_sub(1).and_then(|index| self.entries.get(index as usize));
        let entry = entry.ok_or(SampleDefect::NoDescription { index: description })?;
        let own = self.own_parameters();
        let (Some(protection), Some(default)) = (&entry.protection, &entry.parameters) else {
            return Ok(self.unsignalled.filter(|_| entry.protection.is_none()).map(|(kid, iv_size)| {
                let own = own.filter(|(_, _, kid)| *kid != KeyId::default());
                let (scheme, kid) = own.map_or((None, kid), |(algorithm, _, kid)| (algorithm.scheme(), kid));
                let scheme = scheme.unwrap_or(Scheme::Cenc);
                Parameters { scheme, kid, iv_size, constant_iv: None, pattern: None }
            }));
        };
        let parameters = match group {
            0 => default,
            _ => self.groups.get(group).ok_or(SampleDefect::NoKeyGroup { index: group })?,
        };
        if let Some((algorithm, iv_size, kid)) = own {
            let scheme = if protection.scheme == Scheme::Piff {
                algorithm.scheme()
            } else {
                algorithm.scheme().map(|_| protection.scheme)
            };
            let (constant_iv, pattern) = (parameters.constant_iv, parameters.pattern);
            return Ok(scheme.map(|scheme| Parameters { scheme, kid, iv_size, constant_iv, pattern }));
        }
        Ok(parameters.protected.then(|| Parameters {
            scheme: parameters.scheme.unwrap_or(protection.sample_scheme()),
            kid: parameters.kid,
            iv_size: parameters.iv_size,
            constant_iv: parameters.constant_iv,
            pattern: parameters.pattern,
        }))
    }

    /// What the PIFF form of `senc` puts in place of the sample entry's parameters.
    fn own_parameters(&self) -> Option<(Algorithm, u8, KeyId)> {
        match &self.auxiliary {
            Auxiliary::Senc(senc) => senc.parameters,
            _ => None,
        }
    }

    /// How a sample of `len` bytes is encrypted, from its auxiliary information at `place`. `cursor` is at the sample.
    fn encryption<R: Read + Seek>(
        &self,
        cursor: &SampleCursor,
        parameters: Parameters,
        place: &Place,
        len: u32,
        source: &mut Source<R>,
    ) -> Result<SampleEncryption> {
        let bytes = match place {
            Place::Nowhere => &[],
            Place::Meta(range) => self.meta.bytes().get(range.clone()).unwrap_or_default(),
            Place::File(offset, info_len) => {
                let bytes = source.peek(*offset, (*info_len).into())?;
                if bytes.len() < usize::from(*info_len) {
                    let outside = SampleDefect::AuxiliaryOutside { offset: *offset, len: (*info_len).into() };
                    return Err(self.defect(cursor, outside));
                }
                bytes
            }
        };
        let Parameters { scheme, kid, iv_size, constant_iv, pattern } = parameters;
        let (iv, subsamples) =
            read_auxiliary(bytes, iv_size, constant_iv, len).map_err(|defect| self.defect(cursor, defect))?;
        let encrypted_tail = scheme == Scheme::Cens && subsamples.is_empty() && {
            // GPAC writes a pattern of 1:0 for samples that it encrypts to their last byte; the standard's samples
            // without a pattern have 0:0.
            let is_gpac = pattern == Some(Pattern { crypt_blocks: 1, skip_blocks: 0 });
            self.encrypted_tail.unwrap_or(is_gpac)
        };
        let pattern = pattern.filter(|_| scheme.has_pattern());
        Ok(SampleEncryption { scheme, kid, iv, pattern, subsamples, encrypted_tail })
    }

    fn defect(&self, cursor: &SampleCursor, defect: SampleDefect) -> Error {
        Error::Sample { track_id: self.track_id, index: self.first_index + cursor.sample, defect }
    }
}

/// Samples that lie one after another and have one sample entry.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) set: Arc<SampleSet>,
    /// Place of the next sample.
    pub(crate) offset: u64,
    /// Samples left.
    pub(crate) left: u32,
    /// Number of the sample entry, from 1.
    pub(crate) description: u32,
    pub(crate) sizes: SampleSizes,
    /// The next sample's place in `sizes`.
    pub(crate) size_index: u32,
    pub(crate) cursor: SampleCursor,
    /// Whether samples without initialization vectors are clear, once that has been looked at.
    pub(crate) is_clear: Option<bool>,
}

impl Run {
    /// The size of the next sample, which there must be.
    #[inline]
    pub(crate) fn next_len(&self) -> Result<u32> {
        self.sizes.get(&self.set.meta, self.size_index)
    }

    /// The next sample, which there must be.
    pub(crate) fn next<R: Read + Seek>(&mut self, source: &mut Source<R>, notes: &mut Notes) -> Result<Sample> {
        let set = Arc::clone(&self.set);
        let len = self.next_len()?;
        let before = self.cursor;
        let (parameters, place) = set.next(&mut self.cursor, self.description)?;
        let mut encryption = None;
        if let Some(parameters) = parameters {
            if place == Place::Nowhere && parameters.iv_size > 0 {
                if !self.looks_clear(len, source).map_err(|defect| set.at(&before, defect))? {
                    return Err(set.defect(&before, SampleDefect::NoInitializationVector));
                }
                notes.add(NoteKind::UnsignalledClear, set.track_id, self.offset);
            } else {
                let found = set.encryption(&before, parameters, &place, len, source)?;
                if found.encrypted_tail {
                    notes.add(NoteKind::EncryptedTail, set.track_id, self.offset);
                }
                if !found.subsamples.is_empty() && covered(&found.subsamples) < u64::from(len) {
                    notes.add(NoteKind::ShortMap, set.track_id, self.offset);
                }
                encryption = Some(found);
            }
        }
        let sample = Sample {
            track_id: set.track_id,
            index: set.first_index + before.sample,
            offset: self.offset,
            len,
            encryption,
        };
        let defect = || Error::Sample {
            track_id: sample.track_id,
            index: sample.index,
            defect: SampleDefect::OutsideMediaData { offset: sample.offset, len },
        };
        self.offset = self.offset.checked_add(len.into()).ok_or_else(defect)?;
        self.size_index = self.size_index.saturating_add(1);
        self.left = self.left.saturating_sub(1);
        Ok(sample)
    }

    /// Passes over all samples that are left: gives where the cursor is behind them.
    pub(crate) fn skip_rest(&self) -> Result<SampleCursor> {
        let mut cursor = self.cursor;
        self.set.skip(&mut cursor, self.description, self.left)?;
        Ok(cursor)
    }

    /// Whether the next sample, of `len` bytes, is clear, although its entry says otherwise: nothing gives a vector for
    /// it, as in a clear lead that is not signalled. Its own bytes tell, and those of the samples after it that have no
    /// vectors either.
    fn looks_clear<R: Read + Seek>(&mut self, len: u32, source: &mut Source<R>) -> Result<bool, Looked> {
        if let Some(is_clear) = self.is_clear {
            return Ok(is_clear);
        }
        let entry = self.description.checked_sub(1).and_then(|index| self.set.entries.get(index as usize));
        let syntax = entry.ok_or(SampleDefect::PerhapsClear)?.syntax;
        let mut evidence = Evidence::new(syntax);
        let none_has_vectors = matches!(self.set.auxiliary, Auxiliary::Absent);
        let count = if none_has_vectors { self.left.min(LOOKED_AT) } else { 1 };
        let (mut offset, mut len, mut left) = (self.offset, len, LOOKED_AT_BYTES);
        let mut is_empty = true;
        for index in 0..count {
            if index > 0 {
                len = self.sizes.get(&self.set.meta, self.size_index.saturating_add(index))?;
            }
            // A sample that is not there is found out about when it comes.
            let end = offset.saturating_add(len.into());
            if u64::from(len) > left || end > source.len() || evidence.is_right() || evidence.is_noise() {
                break;
            }
            let bytes = source.read(offset, len as usize)?;
            evidence.add(&bytes, bytes.len(), &syntax.encrypted_at_least(&bytes));
            left -= u64::from(len);
            is_empty &= len == 0;
            offset = end;
        }
        let likely = if self.set.others_have_vectors { OTHERS_HAVE_VECTORS } else { -CLEAR };
        let is_clear = is_empty && len == 0 || evidence.bits() + likely >= 0.0 && evidence.bits() > NOISE;
        if !is_clear && evidence.bits() > NOISE {
            return Err(SampleDefect::PerhapsClear.into());
        }
        self.is_clear = none_has_vectors.then_some(is_clear);
        Ok(is_clear)
    }

    /// An error about the next sample.
    pub(crate) fn defect(&self, defect: SampleDefect) -> Error {
        self.set.defect(&self.cursor, defect)
    }
}

/// Why it cannot be told whether a sample is clear.
enum Looked {
    Failed(Error),
    Unclear(SampleDefect),
}

impl From<Error> for Looked {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<SampleDefect> for Looked {
    fn from(defect: SampleDefect) -> Self {
        Self::Unclear(defect)
    }
}

impl SampleSet {
    fn at(&self, cursor: &SampleCursor, looked: Looked) -> Error {
        match looked {
            Looked::Failed(error) => error,
            Looked::Unclear(defect) => self.defect(cursor, defect),
        }
    }
}

/// Bytes that subsamples cover.
fn covered(subsamples: &[Subsample]) -> u64 {
    subsamples.iter().map(|part| u64::from(part.clear) + u64::from(part.protected)).sum()
}

/// Initialization vector and subsamples of a sample of `len` bytes, from its auxiliary information.
fn read_auxiliary(
    bytes: &[u8],
    iv_size: u8,
    constant_iv: Option<[u8; 16]>,
    len: u32,
) -> Result<([u8; 16], Vec<Subsample>), SampleDefect> {
    let wrong_length = || SampleDefect::AuxiliaryLength { len: u32::try_from(bytes.len()).unwrap_or(u32::MAX) };
    if bytes.is_empty() && iv_size > 0 {
        return Err(SampleDefect::NoInitializationVector);
    }
    let (iv, rest) = bytes.split_at_checked(iv_size.into()).ok_or_else(wrong_length)?;
    let iv = match constant_iv {
        Some(constant) if iv_size == 0 => constant,
        _ if iv_size == 0 => return Err(SampleDefect::NoInitializationVector),
        _ => initialization_vector(iv),
    };
    let Some((count, rest)) = rest.split_first_chunk::<2>() else {
        return if rest.is_empty() { Ok((iv, Vec::new())) } else { Err(wrong_length()) };
    };
    if rest.len() != usize::from(u16::from_be_bytes(*count)) * SUBSAMPLE_LEN {
        return Err(wrong_length());
    }
    let (entries, _) = rest.as_chunks::<SUBSAMPLE_LEN>();
    let subsamples: Vec<_> = entries
        .iter()
        .map(|&[c0, c1, p0, p1, p2, p3]| Subsample {
            clear: u16::from_be_bytes([c0, c1]),
            protected: u32::from_be_bytes([p0, p1, p2, p3]),
        })
        .collect();
    let covered = covered(&subsamples);
    if covered > u64::from(len) {
        return Err(SampleDefect::SubsampleLength { covered, len });
    }
    Ok((iv, subsamples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], iv_size: u8, len: u32) -> Result<([u8; 16], Vec<Subsample>), SampleDefect> {
        read_auxiliary(bytes, iv_size, None, len)
    }

    #[test]
    fn auxiliary_vector_of_8_bytes_has_a_zero_counter() {
        assert_eq!(read(b"ABCDEFGH", 8, 9).unwrap(), (*b"ABCDEFGH\0\0\0\0\0\0\0\0", vec![]));
    }

    #[test]
    fn auxiliary_vector_of_16_bytes_is_whole() {
        assert_eq!(read(b"ABCDEFGHIJKLMNOP", 16, 9).unwrap().0, *b"ABCDEFGHIJKLMNOP");
    }

    #[test]
    fn auxiliary_subsamples_are_read() {
        let bytes = [b"ABCDEFGH".as_slice(), &[0, 2, 0, 1, 0, 0, 0, 2, 1, 0, 0, 1, 0, 0]].concat();
        let expected = [Subsample { clear: 1, protected: 2 }, Subsample { clear: 256, protected: 65536 }];
        assert_eq!(read(&bytes, 8, 65795).unwrap().1, expected);
    }

    #[test]
    fn subsamples_that_cover_more_than_the_sample_are_refused() {
        let bytes = [b"ABCDEFGH".as_slice(), &[0, 1, 0, 1, 0, 0, 0, 2]].concat();
        assert!(read(&bytes, 8, 3).is_ok());
        assert!(read(&bytes, 8, 4).is_ok());
        assert_eq!(read(&bytes, 8, 2), Err(SampleDefect::SubsampleLength { covered: 3, len: 2 }));
    }

    #[test]
    fn empty_list_of_subsamples_protects_the_whole_sample() {
        assert_eq!(read(b"ABCDEFGH\0\0", 8, 5).unwrap().1, []);
    }

    #[test]
    fn subsamples_of_four_gigabytes_twice_do_not_wrap() {
        let bytes = [[0, 2].as_slice(), &[0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat();
        let result = read_auxiliary(&bytes, 0, Some([0; 16]), 100);
        assert_eq!(result, Err(SampleDefect::SubsampleLength { covered: 1 << 32, len: 100 }));
    }

    #[test]
    fn constant_vector_stands_in_for_samples_without_their_own() {
        let result = read_auxiliary(&[], 0, Some([7; 16]), 5).unwrap();
        assert_eq!(result, ([7; 16], vec![]));
    }

    #[test]
    fn absent_vector_is_refused() {
        assert_eq!(read(&[], 8, 5), Err(SampleDefect::NoInitializationVector));
        assert_eq!(read(&[], 0, 5), Err(SampleDefect::NoInitializationVector));
    }

    #[test]
    fn vector_cut_short_is_refused() {
        assert_eq!(read(b"ABCDEFG", 8, 5), Err(SampleDefect::AuxiliaryLength { len: 7 }));
    }

    #[test]
    fn subsample_count_that_does_not_fill_the_rest_is_refused() {
        let bytes = [b"ABCDEFGH".as_slice(), &[0, 2, 0, 1, 0, 0, 0, 2]].concat();
        assert_eq!(read(&bytes, 8, 99), Err(SampleDefect::AuxiliaryLength { len: 16 }));
        assert_eq!(read(b"ABCDEFGHx", 8, 99), Err(SampleDefect::AuxiliaryLength { len: 9 }));
    }
}
