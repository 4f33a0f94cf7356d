//! What is in a file, without any key: tracks, how they are encrypted, key systems, and what decryption would do.

mod key_system;

use std::path::{Path, PathBuf};

use serde::Serialize;
use softcp_cenc::{KeyId, Piece, Scheme, Selection, SystemHeader, Track};

use crate::error::DecryptError;
use crate::key_text::KidText;
use crate::plan;
use crate::report::{FileNote, FileNoteKind};
use crate::source::{OpenMovie, Source};

/// What is in a file. Serialized, it is the report that `softcp info --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileInfo {
    /// The file.
    #[serde(serialize_with = "softcp_files::serialize_path")]
    pub file: PathBuf,
    /// Its length in bytes, without an initialization segment of its own.
    pub bytes: u64,
    /// Whether it may have movie fragments.
    pub fragmented: bool,
    /// The tracks, in the order of the file.
    pub tracks: Vec<TrackInfo>,
    /// What it has for key systems, equal entries once.
    pub key_systems: Vec<KeySystemInfo>,
    /// The KIDs of all tracks, each once: decryption needs their keys. Those that no sample uses are not among them.
    pub key_ids: Vec<String>,
    /// What is odd about the file and does not keep it from being decrypted: what decryption would note.
    pub file_notes: Vec<FileNote>,
    /// Why decryption would refuse the file; none: it would not, given the keys.
    pub problem: Option<String>,
}

/// One track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrackInfo {
    /// The track's number.
    pub id: u32,
    /// `vide`, `soun` and others.
    pub handler: String,
    /// The codec, such as `avc1`.
    pub codec: String,
    /// The protection scheme, such as `cenc`; none for a clear track.
    pub scheme: Option<String>,
    /// The KIDs, in the order in which they are met: of the sample entries, then of samples.
    pub key_ids: Vec<String>,
    /// Bytes of each sample's own initialization vector; 0: all samples share one; none for a clear track.
    pub iv_size: Option<u8>,
    /// Encrypted and clear blocks by turns, such as `1:9`; none: everything that is protected is encrypted.
    pub pattern: Option<String>,
    /// Samples that were found, and how many of them are encrypted.
    pub samples: u64,
    /// Samples that are encrypted.
    pub samples_encrypted: u64,
    /// Bytes of the samples.
    pub bytes: u64,
    /// How many of them are encrypted.
    pub bytes_encrypted: u64,
    /// What decryption does with the track.
    pub decryption: TrackDecryption,
}

/// What decryption does with a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackDecryption {
    /// It decrypts it.
    Decrypts,
    /// It copies it: it is clear.
    Copies,
    /// It refuses it, unless other tracks are selected; then it copies it.
    Refuses,
}

/// What a file has for a key system: a `pssh` box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeySystemInfo {
    /// The system's UUID.
    pub system_id: String,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The KIDs that it names.
    pub key_ids: Vec<String>,
    /// Bytes of data for the system.
    pub data_bytes: u32,
}

/// Looks at all of a file's metadata. Of a stream everything is read.
///
/// # Errors
///
/// [`DecryptError`] if the file cannot be opened or is no MP4 file. What is wrong behind the `moov` box is in
/// [`FileInfo::problem`], and counts are as far as it could be read.
pub fn info(source: Source, path: &Path) -> Result<FileInfo, DecryptError> {
    let OpenMovie { movie, mut input, names, .. } = source.into_movie(path)?;
    let mut problem = plan::refusal(path, &movie).map(|error| error.to_string());
    let mut tracks: Vec<_> = movie.tracks().iter().map(TrackInfo::new).collect();
    let mut used = UsedKeys::default();
    let mut key_systems = Vec::new();
    add_systems(&mut key_systems, movie.key_systems());
    let fragmented = movie.is_fragmented();
    let known = movie.tracks().iter().filter(|track| !is_unknown(track)).map(Track::id).collect();
    let mut pieces = movie.into_pieces(&Selection::Tracks(known)).map_err(|error| names.container(error))?;
    loop {
        let piece = match pieces.next_piece() {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => {
                problem.get_or_insert_with(|| names.container(error).to_string());
                break;
            }
        };
        add_systems(&mut key_systems, pieces.take_key_systems());
        if let Piece::Sample(sample) = &piece
            && let Some(track) = tracks.iter_mut().find(|track| track.id == sample.track_id)
        {
            track.add(sample, &mut used);
        }
        if input.is_stream()
            && piece.offset() + piece.len() > names.start
            && input.seek_to((piece.offset() + piece.len()).min(pieces.file_len())).is_err()
        {
            problem.get_or_insert_with(|| "the stream ends in the middle of a box".to_owned());
            break;
        }
    }
    let mut file_notes: Vec<_> = pieces.notes().iter().map(FileNote::from).collect();
    let mut key_ids = Vec::new();
    for track in &tracks {
        for kid in &track.key_ids {
            if problem.is_none() && track.samples > 0 && !used.contains(track.id, kid) {
                let text = format!("no sample uses KID {kid}, for which a sample entry stands");
                file_notes.push(FileNote::new(FileNoteKind::UnusedKey, Some(track.id), text));
            } else if !key_ids.contains(kid) {
                key_ids.push(kid.clone());
            }
        }
    }
    let bytes = pieces.file_len().saturating_sub(names.start);
    Ok(FileInfo { file: path.to_owned(), bytes, fragmented, tracks, key_systems, key_ids, file_notes, problem })
}

/// Whether the track is protected by something other than Common Encryption.
fn is_unknown(track: &Track) -> bool {
    let mut entries = track.sample_entries().iter().filter_map(|entry| entry.protection.as_ref());
    entries.any(|protection| matches!(protection.scheme, Scheme::Other(_)))
}

impl TrackInfo {
    fn new(track: &Track) -> Self {
        let protection = track.protection();
        let decryption = match protection {
            None => TrackDecryption::Copies,
            Some(protection) if !matches!(protection.sample_scheme(), Scheme::Other(_)) => TrackDecryption::Decrypts,
            Some(_) => TrackDecryption::Refuses,
        };
        let mut info = Self {
            id: track.id(),
            handler: track.handler().to_string(),
            codec: track.codec().to_string(),
            scheme: protection.map(|protection| protection.scheme.to_string()),
            key_ids: Vec::new(),
            iv_size: protection.map(|protection| protection.iv_size),
            pattern: protection
                .and_then(|protection| protection.pattern)
                .map(|pattern| format!("{}:{}", pattern.crypt_blocks, pattern.skip_blocks)),
            samples: 0,
            samples_encrypted: 0,
            bytes: 0,
            bytes_encrypted: 0,
            decryption,
        };
        // A default of zeros belongs to a file whose samples name their keys.
        track.key_ids().iter().filter(|kid| **kid != KeyId::default()).for_each(|kid| info.add_key(*kid));
        info
    }

    fn add_key(&mut self, kid: KeyId) {
        let kid = KidText(kid).to_string();
        if !self.key_ids.contains(&kid) {
            self.key_ids.push(kid);
        }
    }

    fn add(&mut self, sample: &softcp_cenc::Sample, used: &mut UsedKeys) {
        self.samples += 1;
        self.bytes += u64::from(sample.len);
        if let Some(encryption) = &sample.encryption {
            self.samples_encrypted += 1;
            self.bytes_encrypted += encryption.encrypted_runs(sample.len).map(|run| run.len() as u64).sum::<u64>();
            if used.add(self.id, encryption.kid) {
                self.add_key(encryption.kid);
            }
        }
    }
}

/// The keys that samples use, by track.
#[derive(Debug, Default)]
struct UsedKeys(Vec<(u32, KeyId)>);

impl UsedKeys {
    /// Whether it is new.
    fn add(&mut self, track_id: u32, kid: KeyId) -> bool {
        let key = (track_id, kid);
        let is_new = self.0.last() != Some(&key) && !self.0.contains(&key);
        if is_new {
            self.0.push(key);
        }
        is_new
    }

    fn contains(&self, track_id: u32, kid: &str) -> bool {
        self.0.iter().any(|(id, used)| *id == track_id && KidText(*used).to_string() == kid)
    }
}

/// Adds what is not there yet.
fn add_systems(all: &mut Vec<KeySystemInfo>, headers: Vec<SystemHeader>) {
    for header in headers {
        let system = KeySystemInfo {
            system_id: key_system::uuid(header.system_id),
            name: key_system::name(header.system_id).map(str::to_owned),
            key_ids: header.key_ids.iter().map(|kid| KidText(*kid).to_string()).collect(),
            data_bytes: header.data_len,
        };
        if !all.contains(&system) {
            all.push(system);
        }
    }
}
