//! Small MP4 files put together box by box, and taking files to pieces.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "a byte string is a reference")]

use std::io::Cursor;

use softcp_cenc::{Error, Movie, Piece, Sample, Selection};

/// The key identifier of `tenc` in these files.
pub const KID: [u8; 16] = *b"default key id..";
/// Where media data begin in a file that begins with [`ftyp`] and `mdat`.
pub const DATA: u32 = 24;

/// A box.
pub fn bx(kind: &[u8; 4], payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let size = u32::try_from(payload.len() + 8).unwrap().to_be_bytes();
    [&size[..], kind, &payload].concat()
}

/// A box with version and flags.
pub fn full(kind: &[u8; 4], version: u8, flags: u32, payload: &[&[u8]]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    bx(kind, &[&head, &payload.concat()])
}

/// 32-bit numbers.
pub fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A full box that is a count and a table of 32-bit numbers.
pub fn list(kind: &[u8; 4], count: usize, numbers: &[u32]) -> Vec<u8> {
    full(kind, 0, 0, &[&words(&[u32::try_from(count).unwrap()]), &words(numbers)])
}

pub fn ftyp() -> Vec<u8> {
    bx(b"ftyp", &[b"isom\0\0\0\0"])
}

/// `tenc`: pattern byte, size of the vectors, constant vector.
pub fn tenc(version: u8, pattern: u8, iv_size: u8, constant_iv: &[u8]) -> Vec<u8> {
    full(b"tenc", version, 0, &[&[0, pattern, 1, iv_size], &KID, constant_iv])
}

/// A sample entry; the type of a video one is padded as for `avc1`, everything else as for `mp4a`.
pub fn clear_entry(kind: &[u8; 4], boxes: &[&[u8]]) -> Vec<u8> {
    let fields = if matches!(kind, b"avc1" | b"encv") { 78 } else { 28 };
    bx(kind, &[&[0, 0, 0, 0, 0, 0, 0, 1], &vec![0; fields - 8], &boxes.concat()])
}

/// A protected sample entry.
pub fn protected_entry(kind: &[u8; 4], scheme: &[u8; 4], tenc: &[u8]) -> Vec<u8> {
    let original: &[u8] = if kind == b"encv" { b"avc1" } else { b"mp4a" };
    let schm = full(b"schm", 0, 0, &[scheme, &[0, 1, 0, 0]]);
    let sinf = bx(b"sinf", &[&bx(b"frma", &[original]), &schm, &bx(b"schi", &[tenc])]);
    clear_entry(kind, &[&bx(b"btrt", &[&[0; 12]]), &sinf])
}

/// The usual video entry: `cenc`, eight-byte vectors.
pub fn cenc_entry() -> Vec<u8> {
    protected_entry(b"encv", b"cenc", &tenc(0, 0, 8, &[]))
}

/// A `trak` to be.
#[derive(Clone)]
pub struct Trak {
    pub id: u32,
    pub handler: [u8; 4],
    pub entries: Vec<Vec<u8>>,
    pub sizes: Vec<u32>,
    /// First chunk, samples per chunk, description.
    pub stsc: Vec<[u32; 3]>,
    pub chunks: Vec<u32>,
    /// More boxes in `stbl`, and in `trak`.
    pub stbl_boxes: Vec<Vec<u8>>,
    pub more_boxes: Vec<Vec<u8>>,
}

impl Trak {
    /// A track whose samples have these sizes, all in one chunk.
    pub fn new(id: u32, entry: Vec<u8>, sizes: &[u32], chunk: u32) -> Self {
        Self {
            id,
            handler: *b"vide",
            entries: vec![entry],
            sizes: sizes.to_vec(),
            stsc: vec![[1, u32::try_from(sizes.len()).unwrap(), 1]],
            chunks: vec![chunk],
            stbl_boxes: vec![],
            more_boxes: vec![],
        }
    }

    /// The track of a movie with fragments.
    pub fn without_samples(id: u32, entry: Vec<u8>) -> Self {
        Self { stsc: vec![], chunks: vec![], ..Self::new(id, entry, &[], 0) }
    }

    pub fn with_stbl(mut self, boxes: &[Vec<u8>]) -> Self {
        self.stbl_boxes.extend_from_slice(boxes);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let tkhd = full(b"tkhd", 0, 7, &[&words(&[0, 0, self.id, 0, 0]), &[0; 60]]);
        let mdhd = full(b"mdhd", 0, 0, &[&words(&[0, 0, 90_000, 180_000]), &[0; 4]]);
        let hdlr = full(b"hdlr", 0, 0, &[&[0; 4], &self.handler, &[0; 13]]);
        let entry_count = u32::try_from(self.entries.len()).unwrap();
        let stsd = full(b"stsd", 0, 0, &[&words(&[entry_count]), &self.entries.concat()]);
        let count = u32::try_from(self.sizes.len()).unwrap();
        let sizes = full(b"stsz", 0, 0, &[&words(&[0, count]), &words(&self.sizes)]);
        let runs = list(b"stsc", self.stsc.len(), &self.stsc.concat());
        let offsets = list(b"stco", self.chunks.len(), &self.chunks);
        let stbl = bx(b"stbl", &[&stsd, &sizes, &runs, &offsets, &self.stbl_boxes.concat()]);
        let mdia = bx(b"mdia", &[&mdhd, &hdlr, &bx(b"minf", &[&stbl])]);
        bx(b"trak", &[&tkhd, &mdia, &self.more_boxes.concat()])
    }
}

pub fn moov(tracks: &[Trak], more: &[Vec<u8>]) -> Vec<u8> {
    let tracks: Vec<u8> = tracks.iter().flat_map(Trak::bytes).collect();
    bx(b"moov", &[&full(b"mvhd", 0, 0, &[&[0; 96]]), &tracks, &more.concat()])
}

/// `mvex` with a `trex` of description 1 and no default size for each track.
pub fn mvex(tracks: &[u32]) -> Vec<u8> {
    let trex: Vec<u8> = tracks.iter().flat_map(|id| full(b"trex", 0, 0, &[&words(&[*id, 1, 0, 0, 0])])).collect();
    bx(b"mvex", &[&trex])
}

/// `ftyp`, `mdat` with `len` bytes from [`DATA`] on, `moov`.
pub fn progressive(len: u8, tracks: &[Trak], more: &[Vec<u8>]) -> Vec<u8> {
    let data: Vec<u8> = (1..=len).collect();
    [ftyp(), bx(b"mdat", &[&data]), moov(tracks, more)].concat()
}

/// `senc` with vectors of eight bytes: all of the sample's number from 1, without subsamples.
pub fn senc(count: u8) -> Vec<u8> {
    let vectors: Vec<u8> = (1..=count).flat_map(|number| [number; 8]).collect();
    full(b"senc", 0, 0, &[&words(&[count.into()]), &vectors])
}

/// The initialization vector that [`senc`] gives sample `number`, from 1.
pub fn iv(number: u8) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..8].fill(number);
    iv
}

pub fn tfhd(track: u32) -> Vec<u8> {
    full(b"tfhd", 0, 0x02_0000, &[&words(&[track])])
}

/// `trun` with an offset and sizes.
pub fn trun(offset: i32, sizes: &[u32]) -> Vec<u8> {
    let count = u32::try_from(sizes.len()).unwrap();
    full(b"trun", 0, 0x201, &[&words(&[count, offset.cast_unsigned()]), &words(sizes)])
}

/// `moof` with these `traf`s, which may depend on its length, and `mdat` with `len` bytes after it. The first byte of
/// data is at `moof` + length + 8.
pub fn fragment(len: usize, trafs: impl Fn(i32) -> Vec<Vec<Vec<u8>>>) -> Vec<u8> {
    let moof = |moof_len: i32| {
        let trafs: Vec<u8> = trafs(moof_len).iter().flat_map(|boxes| bx(b"traf", &[&boxes.concat()])).collect();
        bx(b"moof", &[&full(b"mfhd", 0, 0, &[&[0; 4]]), &trafs])
    };
    let moof_len = i32::try_from(moof(0).len()).unwrap();
    [moof(moof_len), bx(b"mdat", &[&vec![0xaa; len]])].concat()
}

/// `ftyp` and a `moov` with one `cenc` track of number 1 and no samples.
pub fn initialization() -> Vec<u8> {
    [ftyp(), moov(&[Trak::without_samples(1, cenc_entry())], &[mvex(&[1])])].concat()
}

pub fn open(file: &[u8]) -> Result<Movie<Cursor<&[u8]>>, Error> {
    Movie::open(Cursor::new(file))
}

/// Takes a file to pieces, checks that they cover it, and gives the samples and the new file, in which samples are as
/// they were.
pub fn take_apart(file: &[u8], selection: &Selection) -> Result<(Vec<Sample>, Vec<u8>), Error> {
    let mut samples = Vec::new();
    let mut output = Vec::new();
    for piece in open(file)?.into_pieces(selection)? {
        let piece = piece?;
        if !piece.is_empty() {
            assert_eq!(piece.offset(), output.len() as u64, "a gap or an overlap before {piece:?}");
        }
        let end = output.len() + usize::try_from(piece.len()).unwrap();
        assert!(end <= file.len(), "past the end: {piece:?}");
        match piece {
            Piece::Rewritten { bytes, .. } => output.extend(bytes),
            Piece::Copy { .. } => output.extend(&file[output.len()..end]),
            Piece::Sample(sample) => {
                output.extend(&file[output.len()..end]);
                samples.push(sample);
            }
        }
    }
    assert_eq!(output.len(), file.len());
    Ok((samples, output))
}

/// The samples of all tracks.
pub fn samples(file: &[u8]) -> Result<Vec<Sample>, Error> {
    take_apart(file, &Selection::All).map(|(samples, _)| samples)
}

/// Track, number, offset and length of samples.
pub fn places(samples: &[Sample]) -> Vec<(u32, u64, u64, u32)> {
    samples.iter().map(|sample| (sample.track_id, sample.index, sample.offset, sample.len)).collect()
}

/// The initialization vectors; zeros for clear samples.
pub fn ivs(samples: &[Sample]) -> Vec<[u8; 16]> {
    samples.iter().map(|sample| sample.encryption.as_ref().map_or([0; 16], |encryption| encryption.iv)).collect()
}
