//! The `moov` box of a file that ends too early: its tables list the samples that are there, and it keeps its size.
//!
//! Nothing may move, since `stco` and `co64` count from the file's first byte. What tables no longer need becomes a `free` box
//! behind them, and boxes that were `free` before give their room to `stsc`, which may need an entry more.

use crate::FourCc;
use crate::error::Result;
use crate::fourcc::{CO64, FREE, MDHD, MDIA, MINF, SAIO, SBGP, STBL, STCO, STSC, STSZ, STZ2, TKHD, TRAK};
use crate::meta::{BoxRef, Meta};
use crate::sample_table::{ChunkCursor, SampleTable};

const CTTS: FourCc = FourCc(*b"ctts");
const EDTS: FourCc = FourCc(*b"edts");
const ELST: FourCc = FourCc(*b"elst");
const MVHD: FourCc = FourCc(*b"mvhd");
const SDTP: FourCc = FourCc(*b"sdtp");
const SKIP: FourCc = FourCc(*b"skip");
const STDP: FourCc = FourCc(*b"stdp");
const STSS: FourCc = FourCc(*b"stss");
const STTS: FourCc = FourCc(*b"stts");

/// What a track has that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Whole {
    samples: u32,
    /// Chunks, and how many samples the last of them has.
    chunks: u32,
    last: u32,
}

/// The `moov` box with the samples that end at `end` or before it; `None` if all do. A track that is still encrypted and has
/// auxiliary information (`saio`) stays as it is: that may lie in its boxes.
pub(crate) fn shorten(moov: &Meta, end: u64) -> Result<Option<Vec<u8>>> {
    let root = moov.root()?;
    let mut bytes = moov.bytes().to_vec();
    let (mut is_shorter, mut longest) = (false, 0);
    let scale = match moov.find(&root, MVHD)? {
        Some(mvhd) => times(moov, &mvhd).map_or(0, |times| times.scale),
        None => 0,
    };
    for trak in moov.children(&root) {
        let trak = trak?;
        if trak.kind != TRAK {
            continue;
        }
        // What is wrong with a track that nobody reads here is left to others.
        let duration = shorten_track(moov, &trak, end, scale, &mut bytes).unwrap_or_default();
        is_shorter |= duration.is_some();
        let duration = duration.or_else(|| track_duration(moov, &moov.find(&trak, TKHD).ok()??));
        longest = longest.max(duration.map_or(0, |duration| duration.value));
    }
    if !is_shorter {
        return Ok(None);
    }
    if let Some(times) = moov.find(&root, MVHD)?.and_then(|mvhd| times(moov, &mvhd)) {
        times.duration.lower(longest, &mut bytes);
    }
    Ok(Some(bytes))
}

/// Shortens one track, and gives its duration then; `None` if it stays as it is.
fn shorten_track(moov: &Meta, trak: &BoxRef, end: u64, scale: u32, bytes: &mut [u8]) -> Result<Option<Duration>> {
    let mdia = moov.require(trak, MDIA)?;
    let stbl = moov.require(&moov.require(&mdia, MINF)?, STBL)?;
    let table = SampleTable::parse(moov, &stbl)?;
    let whole = whole(moov, &table, end)?;
    if whole.samples == table.sample_count || moov.find(&stbl, SAIO)?.is_some() {
        return Ok(None);
    }
    let Some(tables) = shorter_tables(moov, &stbl, whole)? else { return Ok(None) };
    let Some(duration) = set_durations(moov, trak, &mdia, &stbl, whole.samples, scale, bytes)? else { return Ok(None) };
    bytes[stbl.payload..stbl.end].copy_from_slice(&tables);
    Ok(Some(duration))
}

/// The samples in front of the first that is not there.
fn whole(meta: &Meta, table: &SampleTable, end: u64) -> Result<Whole> {
    let mut whole = Whole { samples: 0, chunks: 0, last: 0 };
    let mut cursor = ChunkCursor::default();
    while let Some(chunk) = cursor.next(meta, table)? {
        let mut position = chunk.offset;
        let mut samples = 0;
        while samples < chunk.samples {
            position = position.saturating_add(table.sizes.get(meta, chunk.first_sample + samples)?.into());
            if position > end {
                break;
            }
            samples += 1;
        }
        if samples > 0 || chunk.samples == 0 {
            whole = Whole { samples: whole.samples + samples, chunks: whole.chunks + 1, last: samples };
        }
        if samples < chunk.samples {
            break;
        }
    }
    Ok(whole)
}

/// The payload of `stbl` with its tables shortened, in the same size. `None` if there is no room, which one entry more of
/// `stsc` may need where nothing was encrypted and hardly anything is missing.
fn shorter_tables(meta: &Meta, stbl: &BoxRef, whole: Whole) -> Result<Option<Vec<u8>>> {
    let size = stbl.end - stbl.payload;
    let mut boxes = Vec::with_capacity(size);
    let mut sizes = None;
    for child in meta.children(stbl) {
        let child = child?;
        let payload = meta.payload(&child);
        let entries = || payload.get(..4).zip(payload.get(8..));
        let shorter = match child.kind {
            FREE | SKIP => continue,
            STTS | CTTS => entries().map(|(head, rest)| counted(head, &runs(rest, whole.samples), 8)),
            STSS => entries().map(|(head, rest)| counted(head, &sync_samples(rest, whole.samples), 4)),
            STCO => entries().map(|(head, rest)| counted(head, first(rest, whole.chunks, 4), 4)),
            CO64 => entries().map(|(head, rest)| counted(head, first(rest, whole.chunks, 8), 8)),
            STSC => entries().map(|(head, rest)| counted(head, &chunk_runs(rest, whole), 12)),
            SBGP => groups(payload, whole.samples),
            STSZ | STZ2 => {
                sizes = Some(boxes.len());
                sizes_of(child.kind, payload, whole.samples)
            }
            SDTP => payload.get(..4 + whole.samples as usize).map(<[u8]>::to_vec),
            STDP => payload.get(..4 + 2 * whole.samples as usize).map(<[u8]>::to_vec),
            _ => None,
        };
        match shorter {
            Some(payload) => append(&mut boxes, child.kind, &payload),
            None => boxes.extend_from_slice(&meta.bytes()[child.start..child.end]),
        }
    }
    let Some(left) = size.checked_sub(boxes.len()) else { return Ok(None) };
    match (left, sizes) {
        (0, _) => {}
        (8.., _) => append(&mut boxes, FREE, &vec![0; left - 8]),
        // Too little for a box: zeros behind the sizes.
        (_, Some(at)) => {
            let Some(len) = number(&boxes, at) else { return Ok(None) };
            let end = at + len as usize;
            boxes.splice(end..end, core::iter::repeat_n(0, left));
            boxes[at..at + 4].copy_from_slice(&(len + u32::try_from(left).unwrap_or(0)).to_be_bytes());
        }
        (_, None) => return Ok(None),
    }
    Ok(Some(boxes))
}

fn append(boxes: &mut Vec<u8>, kind: FourCc, payload: &[u8]) {
    // Boxes of a `moov` box that was read are shorter than 4 GiB.
    boxes.extend_from_slice(&u32::try_from(payload.len() + 8).unwrap_or(u32::MAX).to_be_bytes());
    boxes.extend_from_slice(&kind.0);
    boxes.extend_from_slice(payload);
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// A table with its count in front.
fn counted(head: &[u8], entries: &[u8], stride: usize) -> Vec<u8> {
    let count = u32::try_from(entries.len() / stride).unwrap_or(u32::MAX);
    [head, &count.to_be_bytes(), entries].concat()
}

fn first(entries: &[u8], count: u32, stride: usize) -> &[u8] {
    &entries[..(count as usize).saturating_mul(stride).min(entries.len())]
}

/// Entries of eight bytes that begin with a number of samples.
fn runs(entries: &[u8], samples: u32) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut left = samples;
    for entry in entries.chunks_exact(8) {
        let count = number(entry, 0).unwrap_or(0).min(left);
        if left == 0 {
            break;
        }
        let start = kept.len();
        kept.extend_from_slice(entry);
        kept[start..start + 4].copy_from_slice(&count.to_be_bytes());
        left -= count;
    }
    kept
}

fn sync_samples(entries: &[u8], samples: u32) -> Vec<u8> {
    let is_there = |entry: &&[u8]| number(entry, 0).is_some_and(|sample| sample <= samples);
    entries.chunks_exact(4).filter(is_there).collect::<Vec<_>>().concat()
}

/// `sbgp`: its grouping type, perhaps a parameter, and runs.
fn groups(payload: &[u8], samples: u32) -> Option<Vec<u8>> {
    let len = if *payload.first()? == 1 { 12 } else { 8 };
    let count = number(payload, len)? as usize;
    let entries = payload.get(len + 4..)?;
    let entries = &entries[..count.saturating_mul(8).min(entries.len())];
    Some(counted(payload.get(..len)?, &runs(entries, samples), 8))
}

/// First chunk, samples per chunk, description. A last chunk that has fewer samples now gets an entry of its own.
fn chunk_runs(entries: &[u8], whole: Whole) -> Vec<u8> {
    let is_there = |entry: &&[u8]| number(entry, 0).is_some_and(|chunk| chunk <= whole.chunks);
    let mut kept = entries.chunks_exact(12).take_while(is_there).collect::<Vec<_>>().concat();
    let Some(last) = kept.len().checked_sub(12) else { return kept };
    if number(&kept, last + 4) == Some(whole.last) {
        return kept;
    }
    if number(&kept, last) == Some(whole.chunks) {
        kept[last + 4..last + 8].copy_from_slice(&whole.last.to_be_bytes());
    } else {
        let description = [kept[last + 8], kept[last + 9], kept[last + 10], kept[last + 11]];
        kept.extend([whole.chunks.to_be_bytes(), whole.last.to_be_bytes(), description].concat());
    }
    kept
}

/// `stsz` or `stz2`.
fn sizes_of(kind: FourCc, payload: &[u8], samples: u32) -> Option<Vec<u8>> {
    let bits = match (kind, number(payload, 4)?) {
        (STSZ, 0) => 32,
        (STSZ, _) => 0,
        (_, field) => field as usize & 0xff,
    };
    let entries = payload.get(12..)?.get(..(samples as usize * bits).div_ceil(8))?;
    Some([payload.get(..8)?, &samples.to_be_bytes(), entries].concat())
}

/// A duration in a box.
#[derive(Clone, Copy, Debug)]
struct Duration {
    value: u64,
    position: usize,
    is_wide: bool,
}

impl Duration {
    fn read(meta: &Meta, position: usize, is_wide: bool) -> Option<Self> {
        let bytes = meta.bytes();
        let value = if is_wide {
            bytes.get(position..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))?
        } else {
            number(bytes, position)?.into()
        };
        Some(Self { value, position, is_wide })
    }

    /// Makes it this one, unless it is less already.
    fn lower(self, value: u64, bytes: &mut [u8]) -> Self {
        let value = value.min(self.value);
        if self.is_wide {
            bytes[self.position..self.position + 8].copy_from_slice(&value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            bytes[self.position..self.position + 4].copy_from_slice(&value.to_be_bytes());
        }
        Self { value, ..self }
    }
}

/// Time scale and duration of `mvhd` or `mdhd`.
struct Times {
    scale: u32,
    duration: Duration,
}

fn times(meta: &Meta, of: &BoxRef) -> Option<Times> {
    let is_wide = *meta.payload(of).first()? == 1;
    let scale = of.payload + if is_wide { 20 } else { 12 };
    let duration = Duration::read(meta, scale + 4, is_wide)?;
    (scale + 12 <= of.end).then_some(Times { scale: number(meta.bytes(), scale)?, duration })
}

fn track_duration(meta: &Meta, tkhd: &BoxRef) -> Option<Duration> {
    let is_wide = *meta.payload(tkhd).first()? == 1;
    let position = tkhd.payload + if is_wide { 28 } else { 20 };
    (position + 8 <= tkhd.end).then(|| Duration::read(meta, position, is_wide)).flatten()
}

/// Lowers the durations of a track's media, of the last of its edits, and of the track, and gives the last.
fn set_durations(
    meta: &Meta,
    trak: &BoxRef,
    mdia: &BoxRef,
    stbl: &BoxRef,
    samples: u32,
    scale: u32,
    bytes: &mut [u8],
) -> Result<Option<Duration>> {
    let Some(mdhd) = meta.find(mdia, MDHD)?.and_then(|mdhd| times(meta, &mdhd)) else { return Ok(None) };
    let Some(stts) = meta.find(stbl, STTS)? else { return Ok(None) };
    let kept = runs(meta.payload(&stts).get(8..).unwrap_or_default(), samples);
    let of_entry =
        |entry: &[u8]| number(entry, 0).zip(number(entry, 4)).map_or(0, |(n, each)| u64::from(n) * u64::from(each));
    let ticks = kept.chunks_exact(8).map(of_entry).fold(0, u64::saturating_add);
    let ticks = mdhd.duration.lower(ticks, bytes).value;
    let in_movie = |ticks: u64| {
        let scaled = u128::from(ticks) * u128::from(scale) / u128::from(mdhd.scale.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    };
    let Some(tkhd) = meta.find(trak, TKHD)?.and_then(|tkhd| track_duration(meta, &tkhd)) else { return Ok(None) };
    let mut whole = in_movie(ticks);
    if let Some(edts) = meta.find(trak, EDTS)?
        && let Some(elst) = meta.find(&edts, ELST)?
        && let Some((edits, last_start)) = edits(meta, &elst)
        && let Some((last, before)) = edits.split_last()
    {
        let before = before.iter().fold(0, |sum: u64, edit| sum.saturating_add(edit.value));
        let last = last.lower(in_movie(ticks.saturating_sub(last_start)), bytes);
        whole = before.saturating_add(last.value);
    }
    Ok(Some(tkhd.lower(whole, bytes)))
}

/// The durations of the edits of `elst`, and where in the media the last of them begins.
fn edits(meta: &Meta, elst: &BoxRef) -> Option<(Vec<Duration>, u64)> {
    let payload = meta.payload(elst);
    let is_wide = *payload.first()? == 1;
    let (stride, field) = if is_wide { (20, 8) } else { (12, 4) };
    let count = number(payload, 4)? as usize;
    let entries = payload.get(8..)?.chunks_exact(stride).take(count);
    let last = entries.clone().next_back()?;
    let start = if is_wide {
        last.get(8..16)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))?
    } else {
        number(last, field)?.into()
    };
    // An empty edit at the end says nothing about media.
    if start == u64::from(u32::MAX) || start == u64::MAX {
        return None;
    }
    let edits = entries.enumerate().map(|(index, _)| Duration::read(meta, elst.payload + 8 + index * stride, is_wide));
    Some((edits.collect::<Option<Vec<_>>>()?, start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bx;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A movie of one track: six samples of 10 bytes in two chunks of three, at 1000 and 1030; 100 ticks each.
    fn moov(more: &[u8]) -> Meta {
        let tables = [
            bx(b"stts", &[&words(&[0, 2, 4, 100, 2, 100])]),
            bx(b"stss", &[&words(&[0, 2, 1, 5])]),
            bx(b"stsc", &[&words(&[0, 1, 1, 3, 1])]),
            bx(b"stsz", &[&words(&[0, 0, 6, 10, 10, 10, 10, 10, 10])]),
            bx(b"stco", &[&words(&[0, 2, 1000, 1030])]),
            more.to_vec(),
        ];
        let media_header = bx(b"mdhd", &[&words(&[0, 0, 0, 1000, 600, 0])]);
        let media = bx(b"mdia", &[&media_header, &bx(b"minf", &[&bx(b"stbl", &[&tables.concat()])])]);
        let track_header = bx(b"tkhd", &[&words(&[0, 0, 0, 1, 0, 1200, 0, 0])]);
        let edits = bx(b"edts", &[&bx(b"elst", &[&words(&[0, 1, 1200, 0, 0x1_0000])])]);
        let movie_header = bx(b"mvhd", &[&words(&[0, 0, 0, 2000, 1200, 0])]);
        Meta::new(0, bx(b"moov", &[&movie_header, &bx(b"trak", &[&track_header, &edits, &media])]))
    }

    /// Chunks as (offset, samples), and the durations of movie, track, edit and media.
    fn read(bytes: Vec<u8>) -> (Vec<(u64, u32)>, [u64; 4]) {
        let meta = Meta::new(0, bytes);
        let root = meta.root().unwrap();
        let trak = meta.require(&root, TRAK).unwrap();
        let mdia = meta.require(&trak, MDIA).unwrap();
        let stbl = meta.require(&meta.require(&mdia, MINF).unwrap(), STBL).unwrap();
        let table = SampleTable::parse(&meta, &stbl).unwrap();
        let mut cursor = ChunkCursor::default();
        let mut chunks = Vec::new();
        while let Some(chunk) = cursor.next(&meta, &table).unwrap() {
            chunks.push((chunk.offset, chunk.samples));
        }
        let elst = meta.require(&meta.require(&trak, EDTS).unwrap(), ELST).unwrap();
        let durations = [
            times(&meta, &meta.require(&root, MVHD).unwrap()).unwrap().duration.value,
            track_duration(&meta, &meta.require(&trak, TKHD).unwrap()).unwrap().value,
            edits(&meta, &elst).unwrap().0[0].value,
            times(&meta, &meta.require(&mdia, MDHD).unwrap()).unwrap().duration.value,
        ];
        (chunks, durations)
    }

    #[test]
    fn movie_that_is_whole_stays_as_it_is() {
        assert!(shorten(&moov(&[]), 1060).unwrap().is_none());
    }

    #[test]
    fn tables_and_durations_are_of_the_samples_that_are_there() {
        let free = bx(b"free", &[&[0; 20]]);
        for (end, expected, duration) in [
            (1059, &[(1000, 3), (1030, 2)][..], 500),
            (1049, &[(1000, 3), (1030, 1)], 400),
            (1030, &[(1000, 3)], 300),
            (1015, &[(1000, 1)], 100),
            (1000, &[], 0),
        ] {
            let whole = moov(&free);
            let short = shorten(&whole, end).unwrap().unwrap();
            assert_eq!(short.len(), whole.bytes().len(), "{end}");
            let (chunks, durations) = read(short);
            assert_eq!(chunks, expected, "{end}");
            assert_eq!(durations, [2 * duration, 2 * duration, 2 * duration, duration], "{end}");
        }
    }

    #[test]
    fn without_room_for_another_entry_the_tables_stay_as_they_are() {
        assert!(shorten(&moov(&[]), 1059).unwrap().is_none());
    }

    #[test]
    fn track_with_auxiliary_information_is_left_as_it_is() {
        assert!(shorten(&moov(&bx(b"saio", &[&words(&[0, 1, 1000])])), 1030).unwrap().is_none());
    }

    #[test]
    fn tables_that_go_with_samples_end_with_them() {
        assert_eq!(sync_samples(&words(&[1, 5, 9]), 5), words(&[1, 5]));
        assert_eq!(runs(&words(&[4, 7, 4, 8]), 5), words(&[4, 7, 1, 8]));
        let sbgp = [&b"\0\0\0\0roll"[..], &words(&[2, 4, 1, 4, 2])].concat();
        assert_eq!(groups(&sbgp, 3).unwrap(), [&b"\0\0\0\0roll"[..], &words(&[1, 3, 1])].concat());
        let stz2 = [&words(&[0, 4, 5])[..], &[0x12, 0x34, 0x50]].concat();
        assert_eq!(sizes_of(STZ2, &stz2, 3).unwrap(), [&words(&[0, 4, 3])[..], &[0x12, 0x34]].concat());
    }
}
