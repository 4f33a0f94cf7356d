//! NAL units with their lengths in front (ISO/IEC 14496-15).

use core::ops::Range;

use super::ends::Ends;
use super::{Bits, CERTAIN, View};

/// The codecs that write NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NalCodec {
    Avc,
    Hevc,
    Vvc,
}

/// Whether bytes follow each other that never do inside a NAL unit.
///
/// Three bytes 00 00 00, 00 00 01 or 00 00 02 are kept from occurring by a byte 03, behind which the value is at most 03
/// (`emulation_prevention_three_byte`, ISO/IEC 14496-10, 7.4.1). Noise has such bytes once in some megabytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Emulation {
    /// Bytes that were looked at.
    judged: u64,
    /// Samples that had such bytes.
    found: u16,
}

impl Emulation {
    /// How much likelier one sample with such bytes is noise, in bits: writers that forget to prevent them are rare.
    const FOUND: f32 = 10.0;
    /// How much likelier each byte without them is right, in bits: three of 2^24 triples are looked for.
    const NOT_FOUND: f32 = 2.5e-7;

    pub(super) fn bits(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a rough measure")]
        let judged = self.judged as f32;
        judged * Self::NOT_FOUND - f32::from(self.found) * Self::FOUND
    }

    /// Looks at the bytes of a unit that count; whether there is what may not be.
    fn add(&mut self, sample: &View<'_>, unit: &Range<usize>) -> bool {
        let first = sample.judged.partition_point(|range| range.end <= unit.start);
        let of_unit = sample.judged[first..].iter().take_while(|range| range.start < unit.end);
        let mut is_found = false;
        for run in of_unit {
            let run = run.start.max(unit.start)..run.end.min(unit.end).min(sample.bytes.len());
            self.judged += run.len() as u64;
            // With the clear bytes around it that a forbidden value may begin or end with.
            let around =
                run.start.saturating_sub(3).max(unit.start)..(run.end + 3).min(unit.end).min(sample.bytes.len());
            is_found = is_found
                || has_forbidden(sample.bytes.get(around.clone()).unwrap_or_default(), || {
                    run.start - around.start..run.end - around.start
                });
        }
        is_found
    }
}

/// Whether there is a value that must not be, part of which counts. Start codes are passed over: writers that leave them in a
/// NAL unit are known. So are runs of zeros, which are padding.
fn has_forbidden(bytes: &[u8], judged: impl Fn() -> Range<usize>) -> bool {
    let mut index = 0;
    while let Some(pair) = bytes.get(index..index + 2) {
        if pair[1] != 0 {
            index += 2;
            continue;
        }
        if pair[0] == 0 {
            let is_run = index > 0 && bytes[index - 1] == 0;
            let len = match bytes.get(index + 2..) {
                Some([2, ..]) => 3,
                Some([3, 4..=255, ..]) => 4,
                Some([0, 2..=255, ..]) if !is_run => 4,
                _ => 0,
            };
            let judged = judged();
            if len > 0 && index < judged.end && index + len > judged.start {
                return true;
            }
        }
        index += 1;
    }
    false
}

/// What the NAL units of a sample tell by themselves. Their ends and what they contain are added to `ends` and `emulation`.
pub(super) fn nal_units(
    sample: &View<'_>,
    codec: NalCodec,
    length_size: usize,
    ends: &mut Ends,
    emulation: &mut Emulation,
) -> f32 {
    let mut bits = 0.0;
    let mut position = 0;
    let mut is_forbidden = false;
    while position < sample.len {
        let Some(field) = sample.bytes.get(position..position + length_size) else {
            // A length that is cut off by the end of the sample, not by the end of what was read.
            let is_cut = position + length_size > sample.len;
            bits -= if is_cut && sample.is_judged(position) { CERTAIN } else { 0.0 };
            break;
        };
        let len = field.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        let is_judged = (position..position + length_size).any(|position| sample.is_judged(position));
        position += length_size;
        let end = position + len;
        if end > sample.len || len == 0 {
            // A zero is tolerated where it is clear; noise hardly has one.
            bits -= if is_judged && end > sample.len { CERTAIN } else { 0.0 };
            break;
        }
        if is_judged {
            #[expect(clippy::cast_precision_loss, reason = "a rough measure")]
            let chance = sample.len as f32 / 256f32.powi(i32::try_from(length_size).unwrap_or(4));
            bits += (1.0 / chance).log2().clamp(0.0, 16.0);
        }
        let unit = position..end;
        bits += header(sample, codec, unit.clone());
        ends.add(sample, unit.clone());
        is_forbidden |= emulation.add(sample, &unit);
        position = end;
    }
    emulation.found = emulation.found.saturating_add(is_forbidden.into());
    bits
}

/// The last bytes of the NAL units of a sample.
pub(super) fn unit_ends(bytes: &[u8], length_size: usize) -> Vec<Range<usize>> {
    let mut ends = Vec::new();
    let mut position = 0;
    while let Some(field) = bytes.get(position..position + length_size) {
        let len = field.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        position += length_size + len;
        if position > bytes.len() || len < 3 {
            break;
        }
        ends.push(position - 3..position);
    }
    ends
}

/// The header of a NAL unit, and the beginning of a slice header.
fn header(sample: &View<'_>, codec: NalCodec, unit: Range<usize>) -> f32 {
    let Some(&first) = sample.bytes.get(unit.start) else { return 0.0 };
    if sample.is_judged(unit.start) {
        let kind = match codec {
            NalCodec::Avc => first & 0x1f,
            NalCodec::Hevc => first >> 1 & 0x3f,
            NalCodec::Vvc => sample.bytes.get(unit.start + 1).map_or(0, |second| second >> 3),
        };
        let is_usual = match codec {
            NalCodec::Avc => matches!(kind, 1..=21),
            NalCodec::Hevc => matches!(kind, 0..=9 | 16..=21 | 32..=40 | 62 | 63),
            NalCodec::Vvc => matches!(kind, 0..=25),
        };
        return if first & 0x80 == 0 && is_usual { 1.0 } else { -6.0 };
    }
    match codec {
        NalCodec::Avc => sample.judged_bytes(unit.start + 1..unit.end.min(unit.start + 17)).map_or(0.0, |start| {
            match avc_slice(first & 0x1f, &mut Bits::new(start)) {
                Some(true) if first & 0x1f == 5 => 2.3,
                Some(true) | None => 0.0,
                Some(false) => -8.0,
            }
        }),
        // ffmpeg leaves one byte of the two of the header clear. Layer, and temporal identifier plus one.
        NalCodec::Hevc => match sample.judged_byte(unit.start + 1).filter(|_| unit.len() > 1) {
            None => 0.0,
            Some(second) if second.trailing_zeros() >= 3 => -10.0,
            Some(second) if second >> 3 < 4 => 3.0,
            Some(_) => -6.0,
        },
        NalCodec::Vvc => 0.0,
    }
}

/// Whether a slice of AVC begins as it may: address, type and parameter set (ISO/IEC 14496-10, 7.3.3). `None` for other units.
fn avc_slice(kind: u8, bits: &mut Bits<'_>) -> Option<bool> {
    let is_idr = kind == 5;
    if !is_idr && !matches!(kind, 1 | 2) {
        return None;
    }
    // 139,264 macroblocks are the most that a level allows.
    let address = bits.exp_golomb()?;
    let slice_type = bits.exp_golomb()?;
    let parameter_set = bits.exp_golomb()?;
    let is_type = if is_idr { matches!(slice_type, 2 | 4 | 7 | 9) } else { slice_type <= 9 };
    Some(address < 139_264 && is_type && parameter_set <= 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8], judged: Range<usize>) -> bool {
        has_forbidden(bytes, || judged.clone())
    }

    #[test]
    fn forbidden_values_are_found_where_they_count() {
        for bytes in [&[1, 0, 0, 2][..], &[0, 0, 2, 9], &[1, 1, 0, 0, 3, 4], &[7, 0, 0, 0, 5], &[1, 0, 0, 2, 0, 0]] {
            assert!(found(bytes, 0..bytes.len()), "{bytes:x?}");
        }
        assert!(found(&[1, 0, 0, 2], 3..4));
        assert!(!found(&[1, 0, 0, 2, 7, 8], 4..6));
    }

    #[test]
    fn prevention_start_codes_and_padding_are_allowed() {
        for bytes in [
            &[1, 0, 0, 3, 0][..],
            &[1, 0, 0, 3, 3],
            &[1, 0, 0, 3],
            &[1, 0, 0, 1, 9],
            &[1, 0, 0, 0, 1, 9],
            &[1, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 9],
            &[1, 0, 2, 0, 3, 0],
        ] {
            assert!(!found(bytes, 0..bytes.len()), "{bytes:x?}");
        }
    }

    #[test]
    fn slice_headers_are_told_from_noise() {
        // Address 0, type 7 (I), parameter set 0.
        assert_eq!(avc_slice(5, &mut Bits::new(&[0b1000_1000, 0x80, 0])), Some(true));
        // Type 5 (P) in an IDR picture, and type 10.
        assert_eq!(avc_slice(5, &mut Bits::new(&[0b1001_1010, 0])), Some(false));
        assert_eq!(avc_slice(1, &mut Bits::new(&[0b1000_1011, 0x80])), Some(false));
        assert_eq!(avc_slice(6, &mut Bits::new(&[0xff])), None);
    }
}
