//! What the end-to-end tests share: the reference driver, the encrypted files with their oracles, and a reader of
//! clear samples.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Deserialize;
use softcp::identity::{IdentityFiles, IdentityOptions, ROOT_FILE};
use softcp::provider::Provider;
use softcp_cenc::{Movie, Piece, Selection};
use softcp_player::{DecryptError, DecryptOptions, DecryptReport, Trust, decrypt};
use softcp_runtime::Driver;
use tempfile::TempDir;

pub(crate) mod wrapped;

/// The reference driver with an identity of its own, and a folder for output.
pub(crate) struct Setup {
    pub(crate) folder: TempDir,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = IdentityFiles::generate(&Provider::aws_lc(), &IdentityOptions::default()).unwrap();
        identity.write(&folder.path().join("identity")).unwrap();
        Self { folder }
    }

    /// The options of a driver with this identity, followed by `more`.
    pub(crate) fn driver_options(&self, more: &str) -> String {
        format!("identity.directory={};{more}", self.folder.path().join("identity").display())
    }

    /// Opens the reference driver.
    pub(crate) fn driver(&self, more: &str) -> Driver {
        Driver::from_entry(softcp_ddi::softcp_open_reference_driver, &self.driver_options(more)).unwrap()
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::root_file(self.folder.path().join("identity").join(ROOT_FILE)).unwrap()
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("clear.mp4")
    }

    /// Decrypts to [`output`](Self::output), which may exist, with these keys.
    pub(crate) fn options(&self, input: &Path, keys: &[String]) -> DecryptOptions {
        let mut options = DecryptOptions::new(input, self.output(), self.trust());
        options.overwrite = true;
        for key in keys {
            options.keys.insert_text(key).unwrap();
        }
        options
    }

    /// What is in the folder beside the identity.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "identity").collect()
    }
}

/// `tests/vectors/cenc` of the repository.
pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/cenc")
}

#[derive(Deserialize)]
pub(crate) struct Manifest {
    pub(crate) file: Vec<Vector>,
}

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) file: String,
    pub(crate) scheme: String,
    pub(crate) outcome: String,
    pub(crate) track: Vec<VectorTrack>,
}

#[derive(Deserialize)]
pub(crate) struct VectorTrack {
    pub(crate) id: u32,
    /// Where it is not the file's.
    pub(crate) scheme: Option<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) samples: u64,
    #[serde(default)]
    pub(crate) protected_samples: u64,
    pub(crate) sha256: Option<String>,
}

impl Manifest {
    pub(crate) fn read() -> Self {
        toml::from_str(&fs::read_to_string(vectors().join("manifest.toml")).unwrap()).unwrap()
    }

    /// The files with this outcome: never none.
    pub(crate) fn with_outcome(self, outcome: &str) -> Vec<Vector> {
        let files: Vec<_> = self.file.into_iter().filter(|file| file.outcome == outcome).collect();
        assert!(!files.is_empty());
        files
    }

    pub(crate) fn vector(self, file: &str) -> Vector {
        self.file.into_iter().find(|vector| vector.file == file).unwrap()
    }
}

impl Vector {
    pub(crate) fn path(&self) -> PathBuf {
        vectors().join(&self.file)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.track.iter().flat_map(|track| track.keys.clone()).collect()
    }

    /// Whether some track that is decrypted is in AES-CBC.
    pub(crate) fn has_cbc(&self) -> bool {
        let scheme = |track: &VectorTrack| track.scheme.as_ref().unwrap_or(&self.scheme).starts_with("cbc");
        self.track.iter().any(|track| !track.keys.is_empty() && scheme(track))
    }

    /// Number and hash of the clear samples of each track.
    pub(crate) fn oracle(&self) -> Samples {
        let oracle = |track: &VectorTrack| (track.id, (track.samples, track.sha256.clone().unwrap()));
        self.track.iter().map(oracle).collect()
    }
}

/// Number of samples and SHA-256 over all of them, by track.
pub(crate) type Samples = BTreeMap<u32, (u64, String)>;

/// Finds the samples of a file by its own metadata, all of which must be clear.
pub(crate) fn clear_samples(path: &Path) -> Samples {
    let mut file = File::open(path).unwrap();
    let movie = Movie::open(BufReader::new(File::open(path).unwrap())).unwrap();
    let empty = || (0, Context::new(&SHA256));
    let mut tracks: BTreeMap<u32, _> = movie.tracks().iter().map(|track| (track.id(), empty())).collect();
    let mut in_order = BTreeMap::new();
    for piece in movie.into_pieces(&Selection::All).unwrap() {
        if let Piece::Sample(sample) = piece.unwrap() {
            assert_eq!(sample.encryption, None, "track {} sample {}", sample.track_id, sample.index);
            in_order.insert((sample.track_id, sample.index), (sample.offset, sample.len));
        }
    }
    for ((track_id, _), (offset, len)) in in_order {
        let mut bytes = vec![0; len as usize];
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.read_exact(&mut bytes).unwrap();
        let (count, hash) = tracks.get_mut(&track_id).unwrap();
        *count += 1;
        hash.update(&bytes);
    }
    tracks.into_iter().map(|(id, (count, hash))| (id, (count, hex(hash.finish().as_ref())))).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Decrypts without a look at the progress.
pub(crate) fn run(driver: &Driver, options: &DecryptOptions) -> Result<DecryptReport, DecryptError> {
    decrypt(driver, options, &mut |_| {})
}
