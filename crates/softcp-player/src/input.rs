//! The encrypted file, read once from front to back, with few system calls and few copies.

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Seek, SeekFrom};

use softcp_files::{Extent, extent_at, is_sparse};

use crate::stream::StreamData;

/// Bytes read ahead.
const BUFFER: usize = 64 << 10;

/// From this size on bytes are read straight to their place, past the buffer: copying would cost more than a call.
const DIRECT: usize = 16 << 10;

/// Bytes read ahead by the way when others go straight to their place: the small parts in front of the next large one.
const AHEAD: usize = 2 << 10;

/// What data are read from.
#[derive(Debug)]
pub(crate) enum Input {
    File(FileInput),
    Stream(StreamData),
}

impl Input {
    /// A file that stands at its beginning, where the position is `start`: that many bytes are thought in front of it.
    pub(crate) fn file(file: File, start: u64) -> io::Result<Self> {
        FileInput::new(file, start).map(Self::File)
    }

    /// A stream.
    pub(crate) fn stream(data: StreamData) -> Self {
        Self::Stream(data)
    }

    /// Whether it is a stream, whose end shows when it is there.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Goes on reading at a position. Of a stream, at one further ahead, or one that is [kept](Self::keep).
    pub(crate) fn seek_to(&mut self, position: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.seek_to(position),
            Self::Stream(stream) => stream.seek_to(position),
        }
    }

    /// Passes over `len` bytes.
    pub(crate) fn skip(&mut self, len: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.skip(len),
            Self::Stream(stream) => stream.skip(len),
        }
    }

    /// Keeps what is read from here on, so that it can be read again; or no longer. Files keep everything.
    pub(crate) fn keep(&mut self, keep: bool) {
        if let Self::Stream(stream) = self {
            stream.keep(keep);
        }
    }

    /// How many of the `len` bytes at `position`, where the input stands, lie in a hole of a sparse file or in front of one.
    pub(crate) fn extent(&mut self, position: u64, len: u64) -> io::Result<Extent> {
        match self {
            Self::File(file) => file.extent(position, len),
            Self::Stream(_) => Ok(Extent::Data(len)),
        }
    }
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(to),
            Self::Stream(stream) => stream.read(to),
        }
    }
}

/// A file and what has been read ahead of it.
///
/// Unlike [`io::BufReader`], it hands a large read what is buffered and reads the rest straight to its place, and a
/// little ahead with the same call.
#[derive(Debug)]
pub(crate) struct FileInput {
    file: File,
    /// The position of the file's first byte.
    base: u64,
    is_sparse: bool,
    buffer: Vec<u8>,
    /// The buffered bytes that have not been handed out.
    start: usize,
    end: usize,
}

impl FileInput {
    fn new(file: File, base: u64) -> io::Result<Self> {
        let is_sparse = is_sparse(&file.metadata()?);
        Ok(Self { file, base, is_sparse, buffer: vec![0; BUFFER], start: 0, end: 0 })
    }

    fn seek_to(&mut self, position: u64) -> io::Result<()> {
        (self.start, self.end) = (0, 0);
        let offset = position.checked_sub(self.base).ok_or(io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Start(offset)).map(|_| ())
    }

    fn extent(&mut self, position: u64, len: u64) -> io::Result<Extent> {
        if !self.is_sparse || position < self.base {
            return Ok(Extent::Data(len));
        }
        let extent = extent_at(&self.file, position - self.base, len)?;
        self.seek_to(position)?;
        Ok(extent)
    }

    fn skip(&mut self, len: u64) -> io::Result<()> {
        let buffered = self.end - self.start;
        let buffered = usize::try_from(len).map_or(buffered, |len| len.min(buffered));
        self.start += buffered;
        let left = len - buffered as u64;
        if left != 0 {
            let left = i64::try_from(left).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            self.file.seek(SeekFrom::Current(left))?;
        }
        Ok(())
    }
}

impl Read for FileInput {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if to.len() >= DIRECT {
                let ahead = &mut self.buffer[..AHEAD];
                let read = self.file.read_vectored(&mut [IoSliceMut::new(to), IoSliceMut::new(ahead)])?;
                self.end = read.saturating_sub(to.len());
                return Ok(read.min(to.len()));
            }
            self.end = self.file.read(&mut self.buffer)?;
        }
        let len = to.len().min(self.end - self.start);
        to[..len].copy_from_slice(&self.buffer[self.start..self.start + len]);
        self.start += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn numbered(len: usize) -> Vec<u8> {
        (0..len).map(|index| u8::try_from(index % 251).unwrap()).collect()
    }

    #[test]
    fn reads_of_all_sizes_give_the_file_in_order() {
        let bytes = numbered(500_000);
        let mut input = FileInput::new(file_of(&bytes), 0).unwrap();
        let mut read = Vec::new();
        for len in [1, 5, 70_000, 3, DIRECT, DIRECT - 1, AHEAD, 200_000, 17].into_iter().cycle() {
            let mut part = vec![0; len.min(bytes.len() - read.len())];
            if part.is_empty() {
                break;
            }
            input.read_exact(&mut part).unwrap();
            read.extend(part);
        }
        assert!(read == bytes);
        assert_eq!(input.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn skip_within_and_past_the_buffer_keeps_the_place() {
        let bytes = numbered(2_000_000);
        let mut input = FileInput::new(file_of(&bytes), 0).unwrap();
        let mut at = 0;
        for len in [0, 10, 1_000, 70_000, 500_000] {
            let mut part = vec![0; len + 20];
            input.read_exact(&mut part).unwrap();
            assert!(part == bytes[at..at + len + 20]);
            input.skip(len as u64).unwrap();
            at += 2 * len + 20;
        }
    }

    #[test]
    fn seek_to_an_earlier_place_reads_the_same_again() {
        let bytes = numbered(300_000);
        let mut input = FileInput::new(file_of(&bytes), 0).unwrap();
        let mut part = vec![0; 100_000];
        input.read_exact(&mut part).unwrap();
        for offset in [0, 5, 99_999, 200_000] {
            input.seek_to(offset as u64).unwrap();
            input.read_exact(&mut part).unwrap();
            assert!(part == bytes[offset..offset + 100_000], "{offset}");
        }
    }

    #[test]
    fn read_past_the_end_is_unexpected_eof() {
        for len in [11, DIRECT + 1] {
            let mut input = FileInput::new(file_of(&numbered(10)), 0).unwrap();
            let error = input.read_exact(&mut vec![0; len]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{len}");
        }
    }
}
