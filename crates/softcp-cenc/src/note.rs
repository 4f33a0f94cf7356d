//! What is odd about a file that is read all the same.

use core::fmt;
use std::collections::HashMap;

/// At most this many different notes are kept: a file with more is hostile.
const MOST: usize = 256;

/// Something odd about the file that did not keep its samples from being found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is odd.
    pub kind: NoteKind,
    /// The track that it concerns, if it concerns one.
    pub track_id: Option<u32>,
    /// Where in the file it was seen first: a box or a sample.
    pub offset: u64,
    /// How often it was seen.
    pub times: u64,
}

/// What is odd about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoteKind {
    /// Bytes behind the last box, which are no box.
    TrailingBytes,
    /// Bytes behind the last sample entry of `stsd`.
    SampleEntryPadding,
    /// A protected sample entry that keeps the type of a clear one and has a `sinf` box.
    EntryTypeUnchanged,
    /// A box that may occur once occurs again, with the same contents.
    DuplicateBox,
    /// `saiz` and `saio` of another type than the scheme's.
    AuxiliaryType,
    /// `senc` repeats the entries of earlier fragments in front of this one's.
    RepeatedEntries,
    /// The vectors of samples in `moov` stand in the `senc` of the first fragment, in front of its own.
    VectorsBehind,
    /// The subsamples of a sample cover less than all of it. The bytes left over are clear.
    ShortMap,
    /// Samples whose entry says that they are encrypted come without initialization vectors and are clear.
    UnsignalledClear,
    /// Samples are encrypted (`senc`) under a sample entry that says that they are clear.
    UnsignalledEncryption,
    /// A fragment is of a track that the movie does not have. It is copied as it is.
    UnknownTrack,
    /// The `moov` box again, with the same contents.
    MovieRepeated,
    /// Another `moov` box: the fragments behind it are read by it.
    MovieReplaced,
    /// Samples of a fragment lie in front of its `moof` box.
    DataBeforeFragment,
    /// Samples of `cens` without subsamples whose last partial block is encrypted, which the standard leaves clear.
    EncryptedTail,
    /// Two samples of the same bytes, which are given out once.
    SharedSample,
    /// The last fragment is not whole, and is left out.
    FragmentLeftOut,
    /// The last box is not whole, and is left out.
    BoxLeftOut,
    /// A media data box that ends behind the file, and says now where it ends.
    MediaDataCutOff,
    /// A sample that ends behind the file's last byte, and is left out.
    SampleLeftOut,
    /// The tables of the `moov` box listed samples that are not there, and list the others now.
    TablesShortened,
    /// Two sample entries became equal, and are one now.
    EntriesMerged,
}

impl NoteKind {
    /// A name for programs, in lower case with dashes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TrailingBytes => "trailing-bytes",
            Self::SampleEntryPadding => "sample-entry-padding",
            Self::EntryTypeUnchanged => "entry-type-unchanged",
            Self::DuplicateBox => "duplicate-box",
            Self::AuxiliaryType => "auxiliary-type",
            Self::RepeatedEntries => "repeated-entries",
            Self::VectorsBehind => "vectors-behind",
            Self::ShortMap => "short-map",
            Self::UnsignalledClear => "unsignalled-clear",
            Self::UnsignalledEncryption => "unsignalled-encryption",
            Self::UnknownTrack => "unknown-track",
            Self::MovieRepeated => "movie-repeated",
            Self::MovieReplaced => "movie-replaced",
            Self::DataBeforeFragment => "data-before-fragment",
            Self::EncryptedTail => "encrypted-tail",
            Self::SharedSample => "shared-sample",
            Self::FragmentLeftOut => "fragment-left-out",
            Self::BoxLeftOut => "box-left-out",
            Self::MediaDataCutOff => "media-data-cut-off",
            Self::SampleLeftOut => "sample-left-out",
            Self::TablesShortened => "tables-shortened",
            Self::EntriesMerged => "entries-merged",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TrailingBytes => "bytes behind the last box are no box, and were copied as they are",
            Self::SampleEntryPadding => "bytes behind the last sample entry of stsd were passed over",
            Self::EntryTypeUnchanged => {
                "the sample entry has the type of a clear one and a sinf box: its samples were taken as encrypted"
            }
            Self::DuplicateBox => "a box is there twice with the same contents, and was read once",
            Self::AuxiliaryType => "saiz and saio name another type than the scheme's, and were taken for its own",
            Self::RepeatedEntries => {
                "senc repeats the entries of earlier fragments, a defect of ffmpeg: the last ones were taken"
            }
            Self::VectorsBehind => {
                "the initialization vectors of samples in moov stand in the first fragment, a defect of ffmpeg, and were \
                 taken from there"
            }
            Self::ShortMap => "the subsamples cover less than the sample: the bytes left over stay as they are",
            Self::UnsignalledClear => {
                "samples come without initialization vectors under an entry that says they are encrypted, and are clear"
            }
            Self::UnsignalledEncryption => "samples are encrypted under a sample entry that says they are clear",
            Self::UnknownTrack => "fragments of a track that the moov box does not have were copied as they are",
            Self::MovieRepeated => "the moov box comes again with the same contents",
            Self::MovieReplaced => "another moov box comes: the fragments behind it were read by it",
            Self::DataBeforeFragment => "samples lie in front of the moof box that describes them",
            Self::EncryptedTail => {
                "the last partial block of a sample is encrypted, as GPAC and Bento4 do and the standard does not"
            }
            Self::SharedSample => "two samples are of the same bytes",
            Self::FragmentLeftOut => "the last fragment is not whole, and was left out",
            Self::BoxLeftOut => "the last box is not whole, and was left out",
            Self::MediaDataCutOff => "the media data end early: the mdat box was given the size that is there",
            Self::SampleLeftOut => "a sample is not whole, and was left out",
            Self::TablesShortened => "the moov box was made to list the samples that are there",
            Self::EntriesMerged => "a clear and a protected sample entry became equal, and were made one",
        }
    }
}

/// Where, what, and how often.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(track_id) = self.track_id {
            write!(f, "track {track_id}: ")?;
        }
        write!(f, "{} (", self.kind.text())?;
        if self.times > 1 {
            write!(f, "{} times, first ", self.times)?;
        }
        write!(f, "at offset {})", self.offset)
    }
}

/// The notes about a file, in the order in which each kind came first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    list: Vec<Note>,
    places: HashMap<(NoteKind, Option<u32>), usize>,
}

impl Notes {
    /// Adds one.
    pub(crate) fn add(&mut self, kind: NoteKind, track_id: impl Into<Option<u32>>, offset: u64) {
        self.add_times(kind, track_id, offset, 1);
    }

    /// Adds one that was seen several times.
    pub(crate) fn add_times(&mut self, kind: NoteKind, track_id: impl Into<Option<u32>>, offset: u64, times: u64) {
        let track_id = track_id.into();
        if let Some(note) = self.places.get(&(kind, track_id)).and_then(|place| self.list.get_mut(*place)) {
            note.times += times;
        } else if self.list.len() < MOST {
            self.places.insert((kind, track_id), self.list.len());
            self.list.push(Note { kind, track_id, offset, times });
        }
    }

    /// All of them.
    pub(crate) fn as_slice(&self) -> &[Note] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_a_kind_are_counted_by_track() {
        let mut notes = Notes::default();
        notes.add(NoteKind::ShortMap, 1, 100);
        notes.add(NoteKind::ShortMap, 2, 150);
        notes.add(NoteKind::ShortMap, 1, 200);
        let list: Vec<_> = notes.as_slice().iter().map(|note| (note.track_id, note.offset, note.times)).collect();
        assert_eq!(list, [(Some(1), 100, 2), (Some(2), 150, 1)]);
        let text = notes.as_slice()[0].to_string();
        assert!(text.starts_with("track 1: ") && text.ends_with("(2 times, first at offset 100)"), "{text}");
    }

    #[test]
    fn notes_are_limited_in_number() {
        let mut notes = Notes::default();
        (0..10_000).for_each(|track| notes.add(NoteKind::UnknownTrack, track, 0));
        assert_eq!(notes.as_slice().len(), MOST);
    }
}
