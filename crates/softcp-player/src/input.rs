//! The encrypted file, read once from front to back, with few system calls and few copies.

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Seek, SeekFrom};

/// Bytes read ahead.
const BUFFER: usize = 64 << 10;

/// From this size on bytes are read straight to their place, past the buffer: copying would cost more than a call.
const DIRECT: usize = 16 << 10;

/// Bytes read ahead by the way when others go straight to their place: the small parts in front of the next large one.
const AHEAD: usize = 2 << 10;

/// A file and what has been read ahead of it.
///
/// Unlike [`io::BufReader`], it hands a large read what is buffered and reads the rest straight to its place, and a
/// little ahead with the same call.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    buffer: Vec<u8>,
    /// The buffered bytes that have not been handed out.
    start: usize,
    end: usize,
}

impl Input {
    /// Reads `file` from its present position on.
    pub(crate) fn new(file: File) -> Self {
        Self { file, buffer: vec![0; BUFFER], start: 0, end: 0 }
    }

    /// Goes on reading at `offset` of the file.
    pub(crate) fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        (self.start, self.end) = (0, 0);
        self.file.seek(SeekFrom::Start(offset)).map(|_| ())
    }

    /// Passes over `len` bytes.
    pub(crate) fn skip(&mut self, len: u64) -> io::Result<()> {
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

impl Read for Input {
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
        let mut input = Input::new(file_of(&bytes));
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
        let mut input = Input::new(file_of(&bytes));
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
        let mut input = Input::new(file_of(&bytes));
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
            let mut input = Input::new(file_of(&numbered(10)));
            let error = input.read_exact(&mut vec![0; len]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{len}");
        }
    }
}
