//! H.264 samples as MP4 holds them (ISO/IEC 14496-15), turned into the byte stream that a decoder takes
//! (ISO/IEC 14496-10, annex B).

use crate::error::DemoError;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Bytes of a visual sample entry before its boxes (ISO/IEC 14496-12, 12.1.3).
const VISUAL_SAMPLE_ENTRY: usize = 78;

/// Bytes of an `stsd` box before its entries.
const SAMPLE_DESCRIPTION: usize = 8;

/// What a decoder needs before the first sample: `avcC` (ISO/IEC 14496-15, 5.3.3.1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AvcConfiguration {
    /// Bytes of the length in front of each unit: 1, 2 or 4.
    length_size: usize,
    /// Sequence and picture parameter sets, as a byte stream.
    parameter_sets: Vec<u8>,
}

impl AvcConfiguration {
    /// Finds the configuration of the first `avc1` sample entry of a clear MP4 file.
    pub(crate) fn find(file: &[u8]) -> Result<Self, DemoError> {
        let moov = find_box(file, *b"moov").ok_or(DemoError::NotAvc("it has no moov box"))?;
        let tracks = boxes(moov).filter(|(kind, _)| kind == b"trak");
        let configuration = tracks.filter_map(|(_, trak)| {
            let stbl = [*b"mdia", *b"minf", *b"stbl"].into_iter().try_fold(trak, find_box)?;
            let entries = find_box(stbl, *b"stsd")?.get(SAMPLE_DESCRIPTION..)?;
            let entry = find_box(entries, *b"avc1")?.get(VISUAL_SAMPLE_ENTRY..)?;
            find_box(entry, *b"avcC")
        });
        let configuration = configuration.map(Self::parse).next();
        configuration
            .ok_or(DemoError::NotAvc("it has no avc1 track"))?
            .ok_or(DemoError::NotAvc("its avcC box is damaged"))
    }

    /// Appends a sample to `stream` as an access unit with its parameter sets in front.
    pub(crate) fn access_unit(&self, sample: &[u8], stream: &mut Vec<u8>) -> Result<(), DemoError> {
        stream.extend_from_slice(&self.parameter_sets);
        let mut rest = sample;
        while !rest.is_empty() {
            let unit = self.take_unit(&mut rest).ok_or(DemoError::NotAvc("a unit is longer than its sample"))?;
            stream.extend_from_slice(&START_CODE);
            stream.extend_from_slice(unit);
        }
        Ok(())
    }

    fn parse(avcc: &[u8]) -> Option<Self> {
        let length_size = usize::from(avcc.get(4)? & 3) + 1;
        let mut parameter_sets = Vec::new();
        let mut rest = avcc.get(5..)?;
        // First the number of sequence parameter sets in five bits, then that of picture parameter sets in eight.
        for mask in [0x1f, 0xff] {
            let (count, sets) = rest.split_first()?;
            rest = sets;
            for _ in 0..count & mask {
                let set = take(&mut rest, 2)?;
                parameter_sets.extend_from_slice(&START_CODE);
                parameter_sets.extend_from_slice(set);
            }
        }
        Some(Self { length_size, parameter_sets })
    }

    fn take_unit<'a>(&self, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        take(rest, self.length_size)
    }
}

/// Cuts off bytes behind their big-endian length.
fn take<'a>(rest: &mut &'a [u8], length_size: usize) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_at_checked(length_size)?;
    let length = length.iter().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
    let (bytes, tail) = tail.split_at_checked(length)?;
    *rest = tail;
    Some(bytes)
}

/// The payload of the first box of a kind.
fn find_box(data: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    boxes(data).find(|(kind, _)| *kind == wanted).map(|(_, payload)| payload)
}

/// Boxes with 32-bit sizes, one after the other, up to the first that does not fit.
fn boxes(mut data: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (header, _) = data.split_first_chunk::<8>()?;
        let [s0, s1, s2, s3, kind @ ..] = *header;
        let size = usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).ok()?;
        let (whole, rest) = data.split_at_checked(size)?;
        data = rest;
        Some((kind, whole.get(8..)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// avcC of one sequence parameter set [0x67, 1], one picture parameter set [0x68], lengths of 4 bytes.
    const AVCC: [u8; 14] = [1, 66, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 1, 0x68];

    fn boxed(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(8 + payload.len()).unwrap();
        [&size.to_be_bytes(), &kind[..], payload].concat()
    }

    fn file(entry_kind: [u8; 4], avcc: &[u8]) -> Vec<u8> {
        let entry = boxed(entry_kind, &[&[0; VISUAL_SAMPLE_ENTRY][..], &boxed(*b"avcC", avcc)].concat());
        let stsd = boxed(*b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
        let wrapped = [*b"stbl", *b"minf", *b"mdia", *b"trak", *b"moov"]
            .into_iter()
            .fold(stsd, |inner, kind| boxed(kind, &inner));
        [boxed(*b"ftyp", b"isom"), wrapped].concat()
    }

    #[test]
    fn access_unit_has_parameter_sets_and_start_codes() {
        let configuration = AvcConfiguration::find(&file(*b"avc1", &AVCC)).unwrap();
        let mut stream = Vec::new();
        configuration.access_unit(&[0, 0, 0, 2, 0x65, 7, 0, 0, 0, 1, 0x41], &mut stream).unwrap();
        let expected: [&[u8]; 4] = [&[0x67, 1], &[0x68], &[0x65, 7], &[0x41]];
        assert_eq!(stream, expected.map(|unit| [&START_CODE, unit].concat()).concat());
    }

    #[test]
    fn unit_longer_than_its_sample_is_refused() {
        let configuration = AvcConfiguration::find(&file(*b"avc1", &AVCC)).unwrap();
        for sample in [&[0, 0, 0, 3, 1, 2][..], &[0, 0, 1]] {
            assert!(matches!(configuration.access_unit(sample, &mut Vec::new()), Err(DemoError::NotAvc(_))));
        }
    }

    #[test]
    fn file_without_avc_is_refused() {
        assert!(matches!(AvcConfiguration::find(&file(*b"hvc1", &AVCC)), Err(DemoError::NotAvc(_))));
        assert!(matches!(AvcConfiguration::find(b"no movie"), Err(DemoError::NotAvc(_))));
    }

    #[test]
    fn configuration_cut_short_is_refused() {
        for len in 0..AVCC.len() {
            let found = AvcConfiguration::find(&file(*b"avc1", &AVCC[..len]));
            assert!(matches!(found, Err(DemoError::NotAvc("its avcC box is damaged"))), "{len}");
        }
    }
}
