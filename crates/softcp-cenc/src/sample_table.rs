//! Samples of a movie without fragments: sizes, chunks and their places (ISO/IEC 14496-12, 8.7).

use crate::error::{BoxDefect, Error, Result};
use crate::fourcc::{CO64, STCO, STSC};
use crate::meta::{BoxRef, Meta, Table};
use crate::rewrite::Edit;
use crate::sample_size::SampleSizes;

/// The tables of one `stbl`, left where they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SampleTable {
    pub(crate) sizes: SampleSizes,
    pub(crate) sample_count: u32,
    /// First chunk, samples per chunk, description.
    chunk_runs: Table,
    chunk_offsets: Table,
    wide_offsets: bool,
}

impl SampleTable {
    /// Reads the boxes of `stbl`.
    pub(crate) fn parse(meta: &Meta, stbl: &BoxRef) -> Result<Self> {
        let (sizes, sample_count) = SampleSizes::of_track(meta, stbl)?;
        let chunk_runs = table(meta, &meta.require(stbl, STSC)?, 12)?;
        let (chunk_offsets, wide_offsets) = match meta.find(stbl, CO64)? {
            Some(co64) => (table(meta, &co64, 8)?, true),
            None => (table(meta, &meta.require(stbl, STCO)?, 4)?, false),
        };
        Ok(Self { sizes, sample_count, chunk_runs, chunk_offsets, wide_offsets })
    }

    /// The changes that make the samples of the second sample entry those of the first.
    pub(crate) fn merge_descriptions(&self, meta: &Meta) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        for run in 0..self.chunk_runs.count() {
            if self.chunk_runs.u32(meta, run, 8)? == 2 {
                edits.push(Edit::Number { position: self.chunk_runs.position(run, 8), value: 1 });
            }
        }
        Ok(edits)
    }

    /// The table of `stco` or `co64`.
    pub(crate) fn chunk_offsets(&self) -> &Table {
        &self.chunk_offsets
    }

    /// Number of chunks.
    pub(crate) fn chunk_count(&self) -> u32 {
        self.chunk_offsets.count()
    }

    /// Whether the chunks lie in the file in the order of their numbers.
    pub(crate) fn is_in_file_order(&self, meta: &Meta) -> Result<bool> {
        let mut previous = 0;
        for chunk in 0..self.chunk_count() {
            let offset = self.chunk_offset(meta, chunk)?;
            if offset < previous {
                return Ok(false);
            }
            previous = offset;
        }
        Ok(true)
    }

    fn chunk_offset(&self, meta: &Meta, chunk: u32) -> Result<u64> {
        if self.wide_offsets {
            self.chunk_offsets.u64(meta, chunk, 0)
        } else {
            self.chunk_offsets.u32(meta, chunk, 0).map(u64::from)
        }
    }
}

/// Samples that lie one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Number of the chunk, from 0.
    pub(crate) number: u32,
    pub(crate) offset: u64,
    pub(crate) first_sample: u32,
    pub(crate) samples: u32,
    /// Number of their sample entry, from 1.
    pub(crate) description: u32,
}

/// Goes through the chunks in the order of their numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChunkCursor {
    chunk: u32,
    /// Number of `stsc` entries begun.
    runs: u32,
    /// The chunk, from 0, that the next `stsc` entry begins with.
    run_end: u32,
    samples_per_chunk: u32,
    description: u32,
    sample: u32,
}

impl ChunkCursor {
    /// The next chunk. After the last, every sample must have been in one.
    pub(crate) fn next(&mut self, meta: &Meta, table: &SampleTable) -> Result<Option<Chunk>> {
        if self.chunk == table.chunk_count() {
            if self.sample != table.sample_count {
                return Err(Self::mismatch(table, self.sample.into()));
            }
            return Ok(None);
        }
        if self.chunk == self.run_end {
            self.begin_run(meta, table)?;
        }
        let end = self.sample.checked_add(self.samples_per_chunk).filter(|end| *end <= table.sample_count);
        let Some(end) = end else {
            return Err(Self::mismatch(table, u64::from(self.sample) + u64::from(self.samples_per_chunk)));
        };
        let chunk = Chunk {
            number: self.chunk,
            offset: table.chunk_offset(meta, self.chunk)?,
            first_sample: self.sample,
            samples: self.samples_per_chunk,
            description: self.description,
        };
        self.chunk += 1;
        self.sample = end;
        Ok(Some(chunk))
    }

    fn begin_run(&mut self, meta: &Meta, table: &SampleTable) -> Result<()> {
        let runs = &table.chunk_runs;
        let out_of_order = |entry| runs.defect(BoxDefect::ChunkOrder { entry });
        let entry = self.runs;
        if entry == runs.count() || (entry == 0 && runs.u32(meta, 0, 0)? != 1) {
            return Err(out_of_order(entry));
        }
        self.samples_per_chunk = runs.u32(meta, entry, 4)?;
        self.description = runs.u32(meta, entry, 8)?;
        self.runs = entry + 1;
        self.run_end = if self.runs == runs.count() {
            table.chunk_count()
        } else {
            let next = runs.u32(meta, self.runs, 0)?.saturating_sub(1);
            if next <= self.chunk {
                return Err(out_of_order(self.runs));
            }
            next
        };
        Ok(())
    }

    fn mismatch(table: &SampleTable, count: u64) -> Error {
        table.chunk_runs.defect(BoxDefect::CountMismatch { count, expected: table.sample_count.into() })
    }
}

/// A full box that is a count and a table.
fn table(meta: &Meta, of: &BoxRef, stride: u32) -> Result<Table> {
    let mut fields = meta.fields(of);
    fields.version_and_flags()?;
    let count = fields.u32()?;
    fields.table(count, stride)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FourCc;
    use crate::testing::{box_defect, bx};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "a byte string is a reference")]
    fn list(kind: &[u8; 4], entries: u32, words: &[u32]) -> Vec<u8> {
        let words = [&[0, entries], words].concat();
        bx(kind, &[&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>()])
    }

    /// `stbl` with `samples` samples of one byte, these `stsc` entries and chunk offsets.
    fn stbl(samples: u32, runs: &[[u32; 3]], offsets: &[u32]) -> Meta {
        let sizes = bx(b"stsz", &[&[0; 4], &1u32.to_be_bytes(), &samples.to_be_bytes()]);
        let runs = list(b"stsc", u32::try_from(runs.len()).unwrap(), &runs.concat());
        let offsets = list(b"stco", u32::try_from(offsets.len()).unwrap(), offsets);
        Meta::new(0, bx(b"stbl", &[&sizes, &runs, &offsets]))
    }

    fn chunks(meta: &Meta) -> Result<Vec<(u64, u32, u32, u32)>> {
        let table = SampleTable::parse(meta, &meta.root()?)?;
        let mut cursor = ChunkCursor::default();
        let mut chunks = Vec::new();
        while let Some(chunk) = cursor.next(meta, &table)? {
            chunks.push((chunk.offset, chunk.first_sample, chunk.samples, chunk.description));
        }
        Ok(chunks)
    }

    fn defect(meta: &Meta) -> (FourCc, BoxDefect) {
        box_defect(chunks(meta))
    }

    #[test]
    fn chunks_take_the_run_that_holds_them() {
        let meta = stbl(8, &[[1, 2, 1], [3, 3, 2], [4, 1, 1]], &[10, 20, 30, 40]);
        assert_eq!(chunks(&meta).unwrap(), [(10, 0, 2, 1), (20, 2, 2, 1), (30, 4, 3, 2), (40, 7, 1, 1)]);
    }

    #[test]
    fn chunks_of_an_empty_track_are_none() {
        assert_eq!(chunks(&stbl(0, &[], &[])).unwrap(), []);
    }

    #[test]
    fn co64_offsets_are_64_bits() {
        let sizes = bx(b"stsz", &[&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]]);
        let runs = list(b"stsc", 1, &[1, 1, 1]);
        let meta = Meta::new(0, bx(b"stbl", &[&sizes, &runs, &list(b"co64", 1, &[1, 2])]));
        assert_eq!(chunks(&meta).unwrap(), [((1 << 32) + 2, 0, 1, 1)]);
    }

    #[test]
    fn chunks_out_of_file_order_are_noticed() {
        let meta = stbl(2, &[[1, 1, 1]], &[20, 10]);
        let table = SampleTable::parse(&meta, &meta.root().unwrap()).unwrap();
        assert!(!table.is_in_file_order(&meta).unwrap());
    }

    #[test]
    fn stsc_without_entries_for_a_chunk_is_refused() {
        let meta = stbl(1, &[], &[10]);
        assert_eq!(defect(&meta), (STSC, BoxDefect::ChunkOrder { entry: 0 }));
    }

    #[test]
    fn stsc_that_begins_at_chunk_2_is_refused() {
        assert_eq!(defect(&stbl(1, &[[2, 1, 1]], &[10])).1, BoxDefect::ChunkOrder { entry: 0 });
    }

    #[test]
    fn stsc_with_descending_chunks_is_refused() {
        let meta = stbl(3, &[[1, 1, 1], [3, 1, 1], [2, 1, 1]], &[10, 20, 30]);
        assert_eq!(defect(&meta).1, BoxDefect::ChunkOrder { entry: 2 });
    }

    #[test]
    fn stsc_with_more_samples_than_stsz_is_refused() {
        let meta = stbl(3, &[[1, 2, 1]], &[10, 20]);
        assert_eq!(defect(&meta).1, BoxDefect::CountMismatch { count: 4, expected: 3 });
    }

    #[test]
    fn stsc_with_samples_beyond_32_bits_is_refused() {
        let meta = stbl(u32::MAX, &[[1, u32::MAX, 1]], &[10, 20]);
        let count = 2 * u64::from(u32::MAX);
        assert_eq!(defect(&meta).1, BoxDefect::CountMismatch { count, expected: u32::MAX.into() });
    }

    #[test]
    fn stsz_with_samples_in_no_chunk_is_refused() {
        let meta = stbl(3, &[[1, 1, 1]], &[10, 20]);
        assert_eq!(defect(&meta).1, BoxDefect::CountMismatch { count: 2, expected: 3 });
    }

    #[test]
    fn stco_count_above_its_room_is_refused() {
        let sizes = bx(b"stsz", &[&[0; 12]]);
        let meta = Meta::new(0, bx(b"stbl", &[&sizes, &list(b"stsc", 0, &[]), &list(b"stco", 9, &[1])]));
        assert_eq!(defect(&meta), (STCO, BoxDefect::CountTooLarge { count: 9, room: 1 }));
    }

    #[test]
    fn stbl_without_chunk_offsets_is_missing_stco() {
        let meta = Meta::new(0, bx(b"stbl", &[&bx(b"stsz", &[&[0; 12]]), &list(b"stsc", 0, &[])]));
        assert_eq!(defect(&meta), (FourCc(*b"stbl"), BoxDefect::Missing(STCO)));
    }
}
