//! Files read and written once, from front to back, with few system calls and few copies.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes that are read ahead, and collected before they are written.
const BUFFER: usize = 64 << 10;

/// From this size on a call goes to the file itself, past the buffer: copying would cost more than the call.
const DIRECT: usize = 16 << 10;

/// From this size on bytes that stay as they are go from file to file, without this process seeing them.
const BULK: u64 = 1 << 20;

/// The input.
///
/// Unlike [`io::BufReader`], it hands a large read what is buffered and reads the rest straight to its place.
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

    /// Passes over `len` bytes.
    pub(crate) fn skip(&mut self, len: u64) -> io::Result<()> {
        let buffered = self.buffered(len);
        self.start += buffered;
        let left = len - buffered as u64;
        if left != 0 {
            let left = i64::try_from(left).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
            self.file.seek(SeekFrom::Current(left))?;
        }
        Ok(())
    }

    /// Passes `len` bytes to `output` as they are. `Ok(Err(_))` is an error of the output.
    pub(crate) fn copy_to(&mut self, mut len: u64, output: &mut Output<'_>) -> io::Result<io::Result<()>> {
        if len >= BULK {
            // What is buffered first, then from file to file.
            let buffered = self.buffered(len);
            if let Err(error) = output.write_all(&self.buffer[self.start..self.start + buffered]) {
                return Ok(Err(error));
            }
            self.start += buffered;
            if let Err(error) = output.flush() {
                return Ok(Err(error));
            }
            let left = len - buffered as u64;
            // The two sides cannot be told apart in the error; a full disk is the likely one.
            return match io::copy(&mut (&self.file).take(left), &mut *output.file) {
                Ok(copied) if copied == left => Ok(Ok(())),
                Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Ok(Err(error)),
            };
        }
        while len != 0 {
            if self.start == self.end {
                self.refill()?;
            }
            let part = self.buffered(len);
            if let Err(error) = output.write_all(&self.buffer[self.start..self.start + part]) {
                return Ok(Err(error));
            }
            self.start += part;
            len -= part as u64;
        }
        Ok(Ok(()))
    }

    /// How many bytes are buffered, at most `len`.
    fn buffered(&self, len: u64) -> usize {
        usize::try_from(len).map_or(self.end - self.start, |len| len.min(self.end - self.start))
    }

    /// Reads ahead into the empty buffer: at least one byte.
    fn refill(&mut self) -> io::Result<()> {
        (self.start, self.end) = (0, 0);
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => {
                    self.end = len;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            if to.len() >= DIRECT {
                return self.file.read(to);
            }
            if let Err(error) = self.refill() {
                return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(0) } else { Err(error) };
            }
        }
        let len = to.len().min(self.end - self.start);
        to[..len].copy_from_slice(&self.buffer[self.start..self.start + len]);
        self.start += len;
        Ok(len)
    }
}

/// The output.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    file: &'a mut File,
    buffer: Vec<u8>,
}

impl<'a> Output<'a> {
    /// Writes `file` from its present position on. [`flush`](Write::flush) it at the end.
    pub(crate) fn new(file: &'a mut File) -> Self {
        Self { file, buffer: Vec::with_capacity(BUFFER) }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= DIRECT {
            self.flush()?;
            return self.file.write(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
        for len in [1, 5, 70_000, 3, DIRECT, DIRECT - 1, 200_000, 17].into_iter().cycle() {
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
    fn skip_and_copy_keep_their_places() {
        let bytes = numbered(5_000_000);
        let mut input = Input::new(file_of(&bytes));
        let mut file = file_of(&[]);
        let mut output = Output::new(&mut file);
        let mut expected = Vec::new();
        let mut at = 0;
        for len in [10, 100_000, 7, 2_000_000, 3, 1_500_000, 40_000] {
            input.copy_to(len as u64, &mut output).unwrap().unwrap();
            expected.extend_from_slice(&bytes[at..at + len]);
            input.skip(len as u64 / 3).unwrap();
            at += len + len / 3;
        }
        output.flush().unwrap();
        file.rewind().unwrap();
        let mut written = Vec::new();
        file.read_to_end(&mut written).unwrap();
        assert!(written == expected);
    }

    #[test]
    fn copy_past_the_end_is_unexpected_eof() {
        for len in [11, BULK + 11] {
            let mut input = Input::new(file_of(&numbered(10)));
            let mut file = file_of(&[]);
            let error = input.copy_to(len, &mut Output::new(&mut file)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{len}");
        }
    }

    #[test]
    fn writes_of_all_sizes_arrive_in_order() {
        let bytes = numbered(400_000);
        let mut file = file_of(&[]);
        let mut output = Output::new(&mut file);
        let mut left = bytes.as_slice();
        for len in [1, 20_000, 5, 16_383, 16_384, 60_000, 7].into_iter().cycle() {
            let (now, later) = left.split_at(len.min(left.len()));
            output.write_all(now).unwrap();
            left = later;
            if left.is_empty() {
                break;
            }
        }
        output.flush().unwrap();
        file.rewind().unwrap();
        let mut written = Vec::new();
        file.read_to_end(&mut written).unwrap();
        assert!(written == bytes);
    }
}
