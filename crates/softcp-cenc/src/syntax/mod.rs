//! Whether the bytes of a sample are what its codec writes, or noise.
//!
//! AES-CTR cannot tell a wrong key, and a file may not say whether a sample is encrypted. The codec can: what it writes
//! has lengths that add up, fixed bits and known endings, and decryption under a wrong key gives noise, which has them by
//! chance only. Each check adds up logarithms of likelihood ratios, in bits: how much likelier the bytes are from the
//! codec than from noise. Only bytes that [`Evidence::of`] is told to judge count, which are those that were encrypted:
//! the clear ones look right under any key.
//!
//! | codec | what is looked at |
//! |---|---|
//! | AVC, HEVC, VVC | lengths and headers of NAL units, what never stands in them; how slices end |
//! | AV1 | headers and lengths of OBUs; how tiles end |
//! | VP9 | frame marker, synchronization code, no superframe marker where none may be |
//! | AAC (LC, HE) | the first element, its section data, the end of the frame |
//! | AC-3, E-AC-3, FLAC, MP3, MPEG-4 video | synchronization words |
//! | Opus | the configuration stays the same mostly |
//! | WebVTT, TTML, 3GPP text | boxes, markup, lengths and UTF-8 |

use core::ops::Range;

use crate::FourCc;
use crate::fourcc::{AVC_C, ESDS, HVC_C};
use crate::meta::{BoxRef, Meta};

mod ends;
mod nal;

use ends::Ends;
use nal::{Emulation, NalCodec};

/// What is known of a codec's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    Nal {
        codec: NalCodec,
        length_size: usize,
    },
    Av1,
    Vp9,
    /// With the channel configuration.
    Aac(u8),
    /// Frames that begin with these bits: value, mask.
    Synchronized(u32, u32),
    Opus,
    WebVtt,
    Markup,
    Text3gpp,
}

/// A codec of which nothing is known.
impl Default for Syntax {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// What the samples of one codec have shown so far.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    syntax: Syntax,
    /// What samples tell one by one; of ends and contents all of them together tell.
    bits: f32,
    ends: Ends,
    emulation: Emulation,
    samples: u32,
    /// The first byte of the last Opus packet.
    opus: Option<u8>,
}

/// A right key, or clear bytes: from this many bits on there is no doubt.
const CERTAIN: f32 = 20.0;

impl Evidence {
    /// None so far.
    #[must_use]
    pub fn new(syntax: Syntax) -> Self {
        let (ends, emulation) = (Ends::default(), Emulation::default());
        Self { syntax, bits: 0.0, ends, emulation, samples: 0, opus: None }
    }

    /// Adds a sample of `len` bytes, of which `bytes` are the first. Only bytes at the positions in `judged`, which are
    /// in order, count.
    pub fn add(&mut self, bytes: &[u8], len: usize, judged: &[Range<usize>]) {
        let sample = View { bytes, len, judged };
        self.samples = self.samples.saturating_add(1);
        self.bits += match self.syntax.0 {
            Kind::Unknown => 0.0,
            Kind::Nal { codec, length_size } => {
                nal::nal_units(&sample, codec, length_size, &mut self.ends, &mut self.emulation)
            }
            Kind::Av1 => av1(&sample, &mut self.ends),
            Kind::Vp9 => vp9(&sample),
            Kind::Aac(channels) => aac(&sample, channels),
            Kind::Synchronized(value, mask) => synchronized(&sample, value, mask),
            Kind::Opus => self.opus(&sample),
            Kind::WebVtt => web_vtt(&sample),
            Kind::Markup => markup(&sample),
            Kind::Text3gpp => text_3gpp(&sample),
        };
    }

    /// How much likelier the bytes are from the codec than noise, in bits: above 0 they are likely right.
    #[must_use]
    pub fn bits(&self) -> f32 {
        let is_avc = matches!(self.syntax.0, Kind::Nal { codec: NalCodec::Avc, .. });
        self.bits + self.ends.bits(is_avc) + self.emulation.bits()
    }

    /// How many samples were added.
    #[must_use]
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// Beyond doubt what the codec writes.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.bits() >= CERTAIN
    }

    /// Beyond doubt noise.
    #[must_use]
    pub fn is_noise(&self) -> bool {
        self.bits() <= -CERTAIN
    }

    /// Opus: most packets of a stream have one configuration, which is the first byte without its two lowest bits.
    fn opus(&mut self, sample: &View<'_>) -> f32 {
        let Some(first) = sample.judged_byte(0) else { return 0.0 };
        let configuration = first & 0xfc;
        match self.opus.replace(configuration) {
            None => 0.0,
            Some(previous) if previous == configuration => 4.0,
            Some(_) => -2.0,
        }
    }
}

impl Syntax {
    /// A codec of which nothing is known.
    pub(crate) const UNKNOWN: Self = Self(Kind::Unknown);

    /// Whether anything is known of the codec.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    /// Bytes of the fields of a sample entry of this codec, in front of its boxes.
    pub(crate) fn fields(self) -> Option<usize> {
        match self.0 {
            Kind::Nal { .. } | Kind::Av1 | Kind::Vp9 => Some(78),
            Kind::Aac(_) | Kind::Opus => Some(28),
            _ => None,
        }
    }

    /// The bytes of a sample, all of which are in `bytes`, that every packager encrypts if it encrypts the sample. The
    /// others, such as the headers of NAL units, may be clear in any case, and say nothing.
    pub(crate) fn encrypted_at_least(self, bytes: &[u8]) -> Vec<Range<usize>> {
        match self.0 {
            Kind::Nal { length_size, .. } => nal::unit_ends(bytes, length_size),
            Kind::Unknown | Kind::Av1 => Vec::new(),
            Kind::Vp9 => bytes.len().checked_sub(1).map(|last| last..bytes.len()).into_iter().collect(),
            _ => core::iter::once(0..bytes.len()).collect(),
        }
    }

    /// The syntax of samples of a codec, from its sample entry.
    pub(crate) fn of_entry(codec: FourCc, meta: &Meta, entry: &BoxRef) -> Self {
        let nal = |codec, kind, at: usize, shift: u32| {
            let record = find_box(meta, entry, &[78], kind)?;
            let byte = meta.bytes().get(record.payload + at).filter(|_| record.payload + at < record.end)?;
            Some(Kind::Nal { codec, length_size: usize::from(byte >> shift & 3) + 1 })
        };
        let kind = match &codec.0 {
            b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => nal(NalCodec::Avc, AVC_C, 4, 0),
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => nal(NalCodec::Hevc, HVC_C, 21, 0),
            b"vvc1" | b"vvi1" => nal(NalCodec::Vvc, FourCc(*b"vvcC"), 4, 1),
            b"av01" | b"dav1" => Some(Kind::Av1),
            b"vp09" => Some(Kind::Vp9),
            b"mp4v" => Some(Kind::Synchronized(0x0000_0100, 0xffff_ff00)),
            b"mp4a" => find_box(meta, entry, &[28, 44, 64], ESDS).and_then(|esds| of_esds(meta, &esds)),
            b"ac-3" | b"ec-3" => Some(Kind::Synchronized(0x0b77_0000, 0xffff_0000)),
            b"fLaC" => Some(Kind::Synchronized(0xfff8_0000, 0xfffc_0000)),
            b".mp3" => Some(Kind::Synchronized(0xffe0_0000, 0xffe0_0000)),
            b"Opus" => Some(Kind::Opus),
            b"wvtt" => Some(Kind::WebVtt),
            b"stpp" => Some(Kind::Markup),
            b"tx3g" | b"text" => Some(Kind::Text3gpp),
            _ => None,
        };
        Self(kind.unwrap_or(Kind::Unknown))
    }
}

/// A box of this type among those that follow the fields of a sample entry, which have one of these lengths.
fn find_box(meta: &Meta, entry: &BoxRef, fields: &[usize], kind: FourCc) -> Option<BoxRef> {
    fields.iter().find_map(|len| {
        let mut boxes = meta.boxes_between(entry.payload.checked_add(*len)?, entry.end);
        boxes.find_map(|child| child.ok().filter(|child| child.kind == kind))
    })
}

/// What an elementary stream descriptor says (ISO/IEC 14496-1, 7.2.6): the codec of `mp4a`.
fn of_esds(meta: &Meta, esds: &BoxRef) -> Option<Kind> {
    let bytes = meta.bytes().get(esds.payload.checked_add(4)?..esds.end)?;
    let stream = descriptor(bytes, 3)?;
    let flags = *stream.get(2)?;
    let skip = 3 + if flags & 0x80 == 0 { 0 } else { 2 } + if flags & 0x20 == 0 { 0 } else { 2 };
    let decoder = descriptor(stream.get(skip..)?, 4)?;
    match *decoder.first()? {
        0x40 | 0x66..=0x68 => {}
        0x69 | 0x6b => return Some(Kind::Synchronized(0xffe0_0000, 0xffe0_0000)),
        0xa5 | 0xa6 => return Some(Kind::Synchronized(0x0b77_0000, 0xffff_0000)),
        _ => return None,
    }
    let mut config = Bits::new(descriptor(decoder.get(13..)?, 5)?);
    // LC, and HE on top of it (ISO/IEC 14496-3, 1.6.2.1).
    if !matches!(config.get(5)?, 2 | 5 | 29) {
        return None;
    }
    if config.get(4)? == 15 {
        config.get(24)?;
    }
    u8::try_from(config.get(4)?).ok().map(Kind::Aac)
}

/// The contents of the descriptor with which `bytes` begin, if it has this tag.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, mut rest) = bytes.split_first()?;
    let mut len = 0;
    for _ in 0..4 {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (*first == tag).then(|| &rest[..len.min(rest.len())]);
        }
    }
    None
}

/// A sample, as far as it is there.
struct View<'a> {
    bytes: &'a [u8],
    len: usize,
    judged: &'a [Range<usize>],
}

impl View<'_> {
    fn is_judged(&self, position: usize) -> bool {
        let after = self.judged.partition_point(|range| range.start <= position);
        after.checked_sub(1).is_some_and(|before| position < self.judged[before].end)
    }

    fn judged_byte(&self, position: usize) -> Option<u8> {
        self.bytes.get(position).copied().filter(|_| self.is_judged(position))
    }

    /// The bytes of a range, if they are there and all count.
    fn judged_bytes(&self, range: Range<usize>) -> Option<&[u8]> {
        let bytes = self.bytes.get(range.clone())?;
        let after = self.judged.partition_point(|judged| judged.start <= range.start);
        after.checked_sub(1).filter(|before| range.end <= self.judged[*before].end)?;
        Some(bytes)
    }
}

fn bits_of(number: usize) -> f32 {
    f32::from(u8::try_from(number).unwrap_or(u8::MAX))
}

/// OBUs, of which all but the last have a size (AV1, 5.3). A frame and a tile group end with a tile, and that with a one
/// and zeros up to the next byte (8.2.4).
fn av1(sample: &View<'_>, ends: &mut Ends) -> f32 {
    let mut bits = 0.0;
    let mut position = 0;
    while position < sample.len {
        let Some(&header) = sample.bytes.get(position) else { return bits };
        let is_judged = sample.is_judged(position);
        let kind = header >> 3 & 0x0f;
        let is_usual = header & 0x81 == 0 && matches!(kind, 1..=8 | 15);
        if is_judged {
            bits += if is_usual { 2.5 } else { -CERTAIN };
        }
        if !is_usual {
            return bits;
        }
        let ends_with_tile = matches!(kind, 4 | 6);
        position += if header & 4 == 0 { 1 } else { 2 };
        if header & 2 == 0 {
            if ends_with_tile {
                ends.add(sample, position..sample.len);
            }
            return bits;
        }
        let mut size = 0usize;
        for index in 0..8 {
            let Some(&byte) = sample.bytes.get(position) else { return bits };
            position += 1;
            size |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let start = position;
        position = position.saturating_add(size);
        if is_judged {
            bits += if position > sample.len { -CERTAIN } else { 6.0 };
        }
        if ends_with_tile {
            ends.add(sample, start..position);
        }
    }
    bits
}

/// A frame's header (VP9, 6.2) and the last byte of one without a superframe index (annex B).
fn vp9(sample: &View<'_>) -> f32 {
    let mut bits = 0.0;
    if let Some(first) = sample.judged_byte(0) {
        // Frame marker; and the key frame's synchronization code, unless profile 3 shifts it.
        bits += if first >> 6 == 2 { 2.0 } else { -8.0 };
        if first & 0x0c == 0 && first >> 4 & 3 != 3 {
            bits += match sample.judged_bytes(1..4) {
                Some([0x49, 0x83, 0x42]) => 24.0,
                Some(_) => -CERTAIN,
                None => 0.0,
            };
        }
    }
    let last = sample.len.checked_sub(1).and_then(|last| sample.judged_byte(last));
    // A frame may not end like an index. Where the last byte is an index's it is clear, or the frame was not taken
    // apart for its map.
    if let Some(last) = last.filter(|_| !sample.is_judged(0)) {
        bits += if last & 0xe0 == 0xc0 { -4.0 } else { 0.2 };
    }
    bits
}

/// A raw data block (ISO/IEC 14496-3, 4.4.2.1).
fn aac(sample: &View<'_>, channels: u8) -> f32 {
    let mut bits = 0.0;
    if let Some(last) = sample.len.checked_sub(2).and_then(|start| sample.judged_bytes(start..sample.len)) {
        // It ends with three ones (ID_END) and zeros up to the next byte.
        let word = u16::from_be_bytes([last[0], last[1]]);
        let zeros = word.trailing_zeros();
        bits += match word.checked_shr(zeros).unwrap_or(0) & 7 {
            _ if last[1] == 0 => 0.0,
            7 => 2.0,
            _ => -6.0,
        };
    }
    let start = sample.judged_bytes(0..sample.len.min(sample.bytes.len()).min(16));
    if let Some(start) = start.filter(|start| start.len() >= 8) {
        bits += match first_element(&mut Bits::new(start), channels) {
            Some(true) => 4.0,
            Some(false) => -6.0,
            None => 0.0,
        };
    }
    bits
}

/// Whether the first element is one that a stream with these channels begins with. `None` if that cannot be seen.
fn first_element(bits: &mut Bits<'_>, channels: u8) -> Option<bool> {
    let element = bits.get(3)?;
    bits.get(4)?;
    match (element, channels) {
        (0, 1 | 3..=7 | 11..) => {
            bits.get(8)?;
            channel_stream(bits, None)
        }
        (1, 2) => {
            if bits.get(1)? == 0 {
                bits.get(8)?;
                return channel_stream(bits, None);
            }
            let Some(info) = ics_info(bits)? else { return Some(false) };
            match bits.get(2)? {
                3 => return Some(false),
                // A mask for each band follows.
                1 => return None,
                _ => {}
            }
            bits.get(8)?;
            channel_stream(bits, Some(info))
        }
        // Data, fill and programme elements may come first, and with a configuration of 0 anything.
        (4..=6, _) | (0..=3, 0) => None,
        _ => Some(false),
    }
}

/// Largest band and bits of a section's length.
type IcsInfo = (u32, u32);

/// The `ics_info` of a channel, unless it has what LC does not allow.
#[expect(clippy::option_option, reason = "the end of the bits, and what is not allowed")]
fn ics_info(bits: &mut Bits<'_>) -> Option<Option<IcsInfo>> {
    let reserved = bits.get(1)?;
    let is_short = bits.get(2)? == 2;
    bits.get(1)?;
    let (largest, limit) = if is_short { (bits.get(4)?, 15) } else { (bits.get(6)?, 51) };
    if is_short {
        bits.get(7)?;
    } else if bits.get(1)? == 1 {
        return Some(None);
    }
    Some((reserved == 0 && largest <= limit).then_some((largest, if is_short { 3 } else { 5 })))
}

/// `ics_info`, unless it came before, and the first section.
fn channel_stream(bits: &mut Bits<'_>, info: Option<IcsInfo>) -> Option<bool> {
    let info = match info {
        Some(info) => Some(info),
        None => ics_info(bits)?,
    };
    let Some((largest, length_bits)) = info else { return Some(false) };
    if largest == 0 {
        return Some(true);
    }
    if bits.get(4)? == 12 {
        return Some(false);
    }
    let escape = (1 << length_bits) - 1;
    let mut len = 0;
    loop {
        let more = bits.get(length_bits)?;
        len += more;
        if more != escape {
            return Some(len > 0 && len <= largest);
        }
    }
}

fn synchronized(sample: &View<'_>, value: u32, mask: u32) -> f32 {
    let Some(first) = sample.judged_bytes(0..4).and_then(|bytes| bytes.first_chunk::<4>()) else { return 0.0 };
    if u32::from_be_bytes(*first) & mask == value { bits_of(mask.count_ones() as usize) } else { -CERTAIN / 2.0 }
}

/// Boxes that fill the sample (ISO/IEC 14496-30, 6.6).
fn web_vtt(sample: &View<'_>) -> f32 {
    let Some(first) = sample.judged_bytes(0..8) else { return 0.0 };
    let size = u32::from_be_bytes([first[0], first[1], first[2], first[3]]) as usize;
    if size <= sample.len && first[4..].starts_with(b"vtt") { 40.0 } else { -CERTAIN / 2.0 }
}

fn markup(sample: &View<'_>) -> f32 {
    let Some(first) = sample.judged_bytes(0..3) else { return 0.0 };
    let is_markup = matches!(first, [b'<', ..] | [0xef, 0xbb, 0xbf] | [0xfe, 0xff, 0] | [0xff, 0xfe, b'<']);
    if is_markup { 8.0 } else { -CERTAIN / 2.0 }
}

/// A length and as much UTF-8, or UTF-16 with a byte order mark (3GPP TS 26.245, 5.17).
fn text_3gpp(sample: &View<'_>) -> f32 {
    let Some(first) = sample.judged_bytes(0..2) else { return 0.0 };
    let len = usize::from(u16::from_be_bytes([first[0], first[1]]));
    let Some(text) = sample.bytes.get(2..2 + len) else {
        return if 2 + len > sample.len { -CERTAIN / 2.0 } else { 0.0 };
    };
    let is_text =
        text.starts_with(&[0xfe, 0xff]) || text.starts_with(&[0xff, 0xfe]) || core::str::from_utf8(text).is_ok();
    if is_text { 8.0 } else { -CERTAIN / 2.0 }
}

/// Bits from the first of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    fn get(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    /// An Exp-Golomb code (`ue(v)`, ISO/IEC 14496-10, 9.1). What has more than 16 leading zeros counts as the largest.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.get(1)? == 0 {
            zeros += 1;
            if zeros > 17 {
                return Some(u32::MAX);
            }
        }
        Some((1 << zeros) - 1 + self.get(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    fn avc() -> Syntax {
        Syntax(Kind::Nal { codec: NalCodec::Avc, length_size: 4 })
    }

    /// NAL units of `len` bytes with their lengths in front, which end with these bytes.
    fn units(len: u32, ends: &[u8], seed: u64) -> Vec<u8> {
        let unit = |(index, end): (u64, &u8)| {
            let mut unit = [&len.to_be_bytes()[..], &[0x41], &noise(len as usize - 1, seed + index)].concat();
            *unit.last_mut().unwrap() = *end;
            unit
        };
        (0..).zip(ends).flat_map(unit).collect()
    }

    fn evidence(syntax: Syntax, samples: &[Vec<u8>], judged: impl Fn(&[u8]) -> Vec<Range<usize>>) -> Evidence {
        let mut evidence = Evidence::new(syntax);
        for sample in samples {
            evidence.add(sample, sample.len(), &judged(sample));
        }
        evidence
    }

    #[expect(clippy::single_range_in_vec_init, reason = "the ranges that are judged, of which there is one")]
    fn all(sample: &[u8]) -> Vec<Range<usize>> {
        vec![0..sample.len()]
    }

    #[test]
    fn lengths_that_add_up_are_right_and_others_are_noise() {
        assert!(evidence(avc(), &[units(100, &[1, 1, 1], 1)], all).is_right());
        assert!(evidence(avc(), &[noise(400, 3)], all).is_noise());
    }

    #[test]
    fn clear_bytes_say_nothing() {
        let nothing = |_: &[u8]| Vec::new();
        for sample in [units(100, &[1, 1], 1), noise(400, 3)] {
            assert!(evidence(avc(), &[sample], nothing).bits().abs() < f32::EPSILON);
        }
    }

    #[test]
    fn slices_end_at_any_bit_and_noise_does_not() {
        let ends = |sample: &[u8]| nal::unit_ends(sample, 4);
        // As x264 has it: each second slice ends with its last bit.
        let bit = |index: u64| if index.is_multiple_of(2) { 0x41 } else { 1u8 << (index / 2 % 8) };
        let slices: Vec<_> = (0..200).map(|index| units(200, &[bit(index)], index)).collect();
        assert!(evidence(avc(), &slices, ends).is_right());
        let random = noise(200, 7);
        let slices: Vec<_> =
            (0..).zip(&random).map(|(index, end)| units(200, &[*end | u8::from(*end == 0)], index)).collect();
        assert!(evidence(avc(), &slices, ends).is_noise());
    }

    #[test]
    fn av1_tiles_end_at_any_bit_and_noise_does_not() {
        // A temporal delimiter and a frame, with a length or up to the end of the sample.
        let frame = |is_sized: bool, end: u8, seed: u64| {
            let header: &[u8] = if is_sized { &[0x12, 0, 0x32, 100] } else { &[0x12, 0, 0x30] };
            let mut frame = [header, &noise(100, seed)].concat();
            *frame.last_mut().unwrap() = end;
            frame
        };
        #[expect(clippy::single_range_in_vec_init, reason = "the ranges that are judged, of which there is one")]
        let tile = |sample: &[u8]| vec![20..sample.len()];
        let random = noise(200, 7);
        for is_sized in [true, false] {
            let right: Vec<_> = (0..100).map(|index| frame(is_sized, 1 << (index % 8), index)).collect();
            assert!(evidence(Syntax(Kind::Av1), &right, tile).is_right());
            let noisy: Vec<_> = (0..).zip(&random).map(|(index, end)| frame(is_sized, *end, index)).collect();
            assert!(evidence(Syntax(Kind::Av1), &noisy, tile).is_noise());
        }
    }

    #[test]
    fn padding_of_slices_and_short_ones_say_nothing() {
        let ends = |sample: &[u8]| nal::unit_ends(sample, 4);
        let mut padded = units(200, &[3], 1);
        let len = padded.len();
        padded[len - 3..].copy_from_slice(&[0, 0, 3]);
        for sample in [padded, units(200, &[0], 1), units(40, &[2], 1)] {
            assert!(evidence(avc(), &vec![sample; 100], ends).bits().abs() < 0.01);
        }
    }

    #[test]
    fn synchronization_words_and_lengths_are_looked_for() {
        let ac3 = Syntax(Kind::Synchronized(0x0b77_0000, 0xffff_0000));
        for (syntax, right) in [
            (ac3, [&[0x0b, 0x77][..], &noise(50, 1)].concat()),
            (Syntax(Kind::Av1), [&[0x12, 0, 0x32, 4][..], &noise(4, 2)].concat()),
            (Syntax(Kind::Vp9), [&[0x82, 0x49, 0x83, 0x42][..], &noise(50, 3)].concat()),
            (Syntax(Kind::WebVtt), b"\0\0\0\x08vtte".to_vec()),
            (Syntax(Kind::Markup), b"<?xml version='1.0'?>".to_vec()),
            (Syntax(Kind::Text3gpp), b"\0\x05hello".to_vec()),
            (Syntax(Kind::Opus), [&[0x78][..], &noise(50, 4)].concat()),
        ] {
            assert!(evidence(syntax, &vec![right; 10], all).is_right(), "{syntax:?}");
            let noisy: Vec<_> = (0..60).map(|seed| noise(52, seed)).collect();
            assert!(evidence(syntax, &noisy, all).is_noise(), "{syntax:?}");
        }
    }

    #[test]
    fn aac_frames_of_noise_are_told() {
        let noisy: Vec<_> = (0..20).map(|seed| noise(200, seed)).collect();
        for channels in [1, 2, 6] {
            assert!(evidence(Syntax(Kind::Aac(channels)), &noisy, all).is_noise());
        }
    }

    #[test]
    fn unknown_codecs_are_passed_over() {
        let evidence = evidence(Syntax::UNKNOWN, &[noise(100, 1)], all);
        assert!(!evidence.is_right() && !evidence.is_noise() && !Syntax::UNKNOWN.is_known());
    }

    #[test]
    fn audio_configuration_is_found_in_its_descriptors() {
        // ES descriptor, decoder configuration of MPEG-4 audio, AAC LC of 48 kHz in stereo.
        let decoder = [&[4, 17, 0x40][..], &[0; 12], &[5, 2, 0x11, 0x90]].concat();
        let descriptors = [&[0; 4][..], &[3, 22, 0, 1, 0], &decoder].concat();
        let esds = crate::testing::bx(b"esds", &[&descriptors]);
        let meta = Meta::new(0, crate::testing::bx(b"mp4a", &[&[0; 28], &esds]));
        let entry = meta.root().unwrap();
        assert_eq!(Syntax::of_entry(FourCc(*b"mp4a"), &meta, &entry), Syntax(Kind::Aac(2)));
        assert_eq!(Syntax::of_entry(FourCc(*b"alac"), &meta, &entry), Syntax::UNKNOWN);
    }
}
