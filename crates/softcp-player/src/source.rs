//! Where the encrypted bytes come from: a file, a stream, and an initialization segment in front of either.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use softcp_cenc::Movie;
use softcp_files::open_input;

use crate::error::DecryptError;
use crate::input::Input;
use crate::stream::{self, StreamMetadata};

/// Where the encrypted bytes come from.
#[derive(Debug)]
pub struct Source {
    bytes: Bytes,
    init: Option<InitSegment>,
}

enum Bytes {
    /// A regular file: the handle for the data, and one for the metadata with a position of its own.
    File { data: File, metadata: Positioned },
    /// Read once from front to back.
    Stream(Box<dyn Read>),
}

impl Source {
    /// A regular file, links followed. Everything else is refused: it may never end, or never begin.
    ///
    /// # Errors
    ///
    /// [`DecryptError::OpenInput`], [`DecryptError::Input`], [`DecryptError::EmptyInput`].
    pub fn open(path: &Path) -> Result<Self, DecryptError> {
        let data = open_input(path)?;
        let failed = |source| DecryptError::OpenInput { path: path.to_owned(), source };
        if data.metadata().map_err(failed)?.len() == 0 {
            return Err(DecryptError::EmptyInput { path: path.to_owned() });
        }
        let metadata = Positioned::beside(&data, path).map_err(failed)?;
        Ok(Self { bytes: Bytes::File { data, metadata }, init: None })
    }

    /// Standard input: a file, where a file stands at its beginning, else a stream.
    ///
    /// # Errors
    ///
    /// Those of looking at it.
    #[cfg(unix)]
    pub fn stdin() -> io::Result<Self> {
        use std::os::fd::AsFd as _;
        let mut data = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        // Something that has no position is a stream.
        if !data.metadata()?.is_file() || data.stream_position().unwrap_or(1) != 0 {
            return Ok(Self::stream(data));
        }
        let metadata = Positioned { file: data.try_clone()?, position: 0 };
        Ok(Self { bytes: Bytes::File { data, metadata }, init: None })
    }

    /// Standard input, as a stream.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub fn stdin() -> io::Result<Self> {
        Ok(Self::stream(io::stdin()))
    }

    /// A stream. The file in it must have its `moov` box in front of the media data, and what describes a sample in front
    /// of the sample.
    pub fn stream(reader: impl Read + 'static) -> Self {
        Self { bytes: Bytes::Stream(Box::new(reader)), init: None }
    }

    /// The same, being a media segment of this initialization segment.
    #[must_use]
    pub fn after(self, init: InitSegment) -> Self {
        Self { init: Some(init), ..self }
    }

    /// Opens the movie, and the input of its data, which stands at the first byte after the initialization segment.
    pub(crate) fn into_movie(self, path: &Path) -> Result<OpenMovie, DecryptError> {
        let (init, init_path) = match self.init {
            Some(InitSegment { path, bytes }) => (bytes, Some(path)),
            None => (Arc::default(), None),
        };
        let start = init.len() as u64;
        let names = Names { path: path.to_owned(), init: init_path, start };
        let container = |error| names.container(error);
        let read = |source| DecryptError::ReadInput { path: path.to_owned(), source };
        let (movie, input, reopen) = match self.bytes {
            Bytes::File { data, metadata } => {
                let file = Positioned::beside(&data, path).map_err(read)?;
                let reopen = Reopen { init: Arc::clone(&init), file, path: path.to_owned() };
                let metadata = Metadata::File(Chained { init, rest: BufReader::new(metadata), position: 0 });
                (Movie::open(metadata).map_err(container)?, Input::file(data, start).map_err(read)?, Some(reopen))
            }
            Bytes::Stream(reader) => {
                let (metadata, data) = stream::readers(init.to_vec(), reader);
                let movie = Movie::open_stream(Metadata::Stream(metadata));
                let mut input = Input::stream(data);
                input.seek_to(start).map_err(read)?;
                (movie.map_err(container)?, input, None)
            }
        };
        Ok(OpenMovie { movie, input, names, reopen })
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { data, .. } => f.debug_tuple("File").field(data).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// An initialization segment: what stands in front of media segments that are files of their own.
#[derive(Clone, Debug)]
pub struct InitSegment {
    path: PathBuf,
    /// Up to the end of its `moov` box.
    bytes: Arc<[u8]>,
}

impl InitSegment {
    /// Reads the initialization segment of a file: everything up to the end of its `moov` box.
    ///
    /// # Errors
    ///
    /// As [`Source::open`]; [`DecryptError::Container`] if there is no such box.
    pub fn read(path: &Path) -> Result<Self, DecryptError> {
        let Source { bytes: Bytes::File { data, metadata }, .. } = Source::open(path)? else {
            return Err(DecryptError::EmptyInput { path: path.to_owned() });
        };
        let movie = Movie::open(BufReader::new(metadata))
            .map_err(|source| DecryptError::Container { path: path.to_owned(), source })?;
        let mut bytes = Vec::new();
        let read = data.take(movie.moov_end()).read_to_end(&mut bytes);
        read.map_err(|source| DecryptError::ReadInput { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), bytes: bytes.into() })
    }
}

/// How to read a file again: its metadata, or some of its samples, without a pass over it.
#[derive(Debug)]
pub(crate) struct Reopen {
    init: Arc<[u8]>,
    file: Positioned,
    #[cfg_attr(unix, expect(dead_code, reason = "handles of a file share nothing but the file there"))]
    path: PathBuf,
}

impl Reopen {
    /// The file from its beginning, with a position of its own.
    pub(crate) fn data(&self) -> io::Result<Chained> {
        #[cfg(unix)]
        let file = Positioned { file: self.file.file.try_clone()?, position: 0 };
        #[cfg(not(unix))]
        let file = Positioned { file: File::open(&self.path)? };
        Ok(Chained { init: Arc::clone(&self.init), rest: BufReader::new(file), position: 0 })
    }

    /// The movie, opened once more.
    pub(crate) fn movie(&self) -> Result<Movie<Metadata>, softcp_cenc::Error> {
        let data = self.data().map_err(|source| softcp_cenc::Error::Read { offset: 0, len: 0, source })?;
        Movie::open(Metadata::File(data))
    }
}

/// An open movie and its data.
pub(crate) struct OpenMovie {
    pub(crate) movie: Movie<Metadata>,
    pub(crate) input: Input,
    pub(crate) names: Names,
    /// None of a stream.
    pub(crate) reopen: Option<Reopen>,
}

/// What the parts of the input are called in errors, and where the second begins.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    path: PathBuf,
    init: Option<PathBuf>,
    /// Bytes of the initialization segment.
    pub(crate) start: u64,
}

impl Names {
    /// An error of the container, with the offset counted from the beginning of the file that it is about.
    pub(crate) fn container(&self, mut source: softcp_cenc::Error) -> DecryptError {
        use softcp_cenc::Error;
        let Some(init) = &self.init else { return DecryptError::Container { path: self.path.clone(), source } };
        let path = match &mut source {
            Error::Read { offset, .. }
            | Error::StrayBytes { offset, .. }
            | Error::Box { offset, .. }
            | Error::CutOff { offset, .. }
            | Error::MovieCutOff { offset, .. } => match offset.checked_sub(self.start) {
                Some(inside) => {
                    *offset = inside;
                    &self.path
                }
                None => init,
            },
            _ => &self.path,
        };
        DecryptError::Container { path: path.clone(), source }
    }
}

/// The reader of metadata.
#[derive(Debug)]
pub(crate) enum Metadata {
    File(Chained),
    Stream(StreamMetadata),
}

impl Read for Metadata {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(to),
            Self::Stream(stream) => stream.read(to),
        }
    }
}

impl Seek for Metadata {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Stream(stream) => stream.seek(to),
        }
    }
}

/// A file with an initialization segment, which may be empty, in front of it.
#[derive(Debug)]
pub(crate) struct Chained {
    init: Arc<[u8]>,
    rest: BufReader<Positioned>,
    /// Within the segment; behind it, the position is that of the file.
    position: usize,
}

impl Read for Chained {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let init = &self.init[self.position..];
        if init.is_empty() {
            return self.rest.read(to);
        }
        let len = init.len().min(to.len());
        to[..len].copy_from_slice(&init[..len]);
        self.position += len;
        if self.position == self.init.len() {
            self.rest.seek(SeekFrom::Start(0))?;
        }
        Ok(len)
    }
}

impl Seek for Chained {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let start = self.init.len() as u64;
        match to {
            SeekFrom::Start(offset) => match usize::try_from(offset) {
                Ok(inside) if offset < start => {
                    self.position = inside;
                    return Ok(offset);
                }
                _ => self.rest.seek(SeekFrom::Start(offset - start))?,
            },
            SeekFrom::End(by) => self.rest.seek(SeekFrom::End(by))?,
            // Nobody does.
            SeekFrom::Current(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.position = self.init.len();
        Ok(start + self.rest.stream_position()?)
    }
}

/// A file that is read at a position of its own, whatever its other handles do.
#[derive(Debug)]
pub(crate) struct Positioned {
    file: File,
    #[cfg(unix)]
    position: u64,
}

#[cfg(unix)]
impl Positioned {
    fn beside(data: &File, _: &Path) -> io::Result<Self> {
        Ok(Self { file: data.try_clone()?, position: 0 })
    }
}

#[cfg(not(unix))]
impl Positioned {
    fn beside(_: &File, path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)? })
    }
}

#[cfg(unix)]
impl Read for Positioned {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = std::os::unix::fs::FileExt::read_at(&self.file, to, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(not(unix))]
impl Read for Positioned {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.file.read(to)
    }
}

#[cfg(not(unix))]
impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
