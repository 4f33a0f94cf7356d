//! A file's metadata from front to back, without its samples: what its fragments say, and not only its `moov` box.
//!
//! One pass over the file is enough for most. This one is made before it where the `moov` box leaves open what is needed
//! then, and after an error, to say more about it.

use std::collections::BTreeMap;

use softcp_cenc::{Error, FourCc, KeyId, Movie, Note, NoteKind, Options, Piece, Sample, Selection, Track};

use crate::report::{FileNote, FileNoteKind};
use crate::source::Metadata;

/// More keys of a track than these are not told apart: such a file is hostile.
const MOST_KEYS: usize = 1 << 10;

/// What the metadata of a file say.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The tracks that are protected in any of the file's movies.
    pub(crate) tracks: BTreeMap<u32, ScannedTrack>,
    /// Tracks whose entries are clear, and which have initialization vectors all the same.
    pub(crate) unsignalled: Vec<u32>,
    /// Whether the file ends too early.
    pub(crate) cut_off: Option<CutOff>,
    /// What ended the scan before the file did.
    pub(crate) error: Option<Error>,
}

/// How a file ends too early.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CutOff {
    /// How many samples it lacks, as far as its metadata tell.
    left_out: u64,
    /// Whether boxes that stay describe more than there is.
    describes_more: bool,
}

impl CutOff {
    /// A stream that ended inside a box that was copied.
    pub(crate) const IN_BOX: Self = Self { left_out: 0, describes_more: true };

    /// From what was left out; `None` if nothing was.
    pub(crate) fn of(notes: &[Note]) -> Option<Self> {
        let mut cut = None;
        for note in notes {
            match note.kind {
                NoteKind::SampleLeftOut | NoteKind::FragmentLeftOut => {
                    let cut = cut.get_or_insert(Self::default());
                    cut.left_out += note.times;
                    cut.describes_more |= note.kind == NoteKind::SampleLeftOut;
                }
                NoteKind::BoxLeftOut | NoteKind::MediaDataCutOff => {
                    cut.get_or_insert(Self::default());
                }
                _ => {}
            }
        }
        cut
    }

    /// The note about it, with the whole samples of each track.
    pub(crate) fn note(self, tracks: &[(u32, u64)], is_stream: bool) -> FileNote {
        let tracks: Vec<_> = tracks.iter().map(|(id, samples)| format!("{samples} of track {id}")).collect();
        let mut text = format!(
            "The file ends too early: its whole samples were written, {}, and {} were left out as far as is known.",
            tracks.join(", "),
            self.left_out
        );
        if is_stream && self.describes_more {
            text += " Boxes in front of them, written before that was known, describe the whole file.";
        }
        FileNote::new(FileNoteKind::Partial, None, text)
    }
}

/// A protected track.
#[derive(Debug)]
pub(crate) struct ScannedTrack {
    pub(crate) handler: FourCc,
    /// Whole samples.
    pub(crate) samples: u64,
    /// The keys in the order of their first use.
    pub(crate) keys: Vec<ScannedKey>,
}

/// A key of a track.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScannedKey {
    pub(crate) kid: KeyId,
    /// The first sample that needs it: its number within the track, from 0, and its place.
    pub(crate) sample: u64,
    pub(crate) offset: u64,
}

impl Scan {
    /// Scans a movie as far as it goes: a file that ends too early is no error.
    pub(crate) fn of(movie: Movie<Metadata>) -> Self {
        let mut scan = Self { unsignalled: movie.unsignalled_tracks().to_vec(), ..Self::default() };
        let mut options = Options::new(Selection::Protected);
        options.partial = true;
        match movie.into_pieces_with(options) {
            Err(error) => scan.error = Some(error),
            Ok(mut pieces) => loop {
                match pieces.next_piece() {
                    Ok(Some(Piece::Sample(sample))) => scan.add(&sample, pieces.tracks()),
                    Ok(Some(_)) => {}
                    ended => {
                        scan.error = ended.err();
                        scan.cut_off = CutOff::of(pieces.notes());
                        let is_unsignalled = |note: &&Note| note.kind == NoteKind::UnsignalledEncryption;
                        let unsignalled = pieces.notes().iter().filter(is_unsignalled);
                        scan.unsignalled.extend(unsignalled.filter_map(|note| note.track_id));
                        break;
                    }
                }
            },
        }
        scan.unsignalled.sort_unstable();
        scan.unsignalled.dedup();
        scan
    }

    fn add(&mut self, sample: &Sample, tracks: &[Track]) {
        let track = self.tracks.entry(sample.track_id).or_insert_with(|| {
            let track = tracks.iter().find(|track| track.id() == sample.track_id);
            let handler = track.map_or(FourCc(*b"    "), Track::handler);
            ScannedTrack { handler, samples: 0, keys: Vec::new() }
        });
        track.samples += 1;
        let Some(encryption) = &sample.encryption else { return };
        let kid = encryption.kid;
        let is_known =
            track.keys.last().is_some_and(|key| key.kid == kid) || track.keys.iter().any(|key| key.kid == kid);
        if !is_known && track.keys.len() < MOST_KEYS {
            track.keys.push(ScannedKey { kid, sample: sample.index, offset: sample.offset });
        }
    }

    /// Whether any sample is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tracks.values().any(|track| !track.keys.is_empty())
    }

    /// Whole samples of each protected track.
    pub(crate) fn whole_samples(&self) -> Vec<(u32, u64)> {
        self.tracks.iter().map(|(id, track)| (*id, track.samples)).collect()
    }
}
