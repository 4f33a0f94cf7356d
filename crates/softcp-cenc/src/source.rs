//! Reading the file at offsets, few and large reads.

use std::io::{self, Read, Seek, SeekFrom};

use crate::error::{Error, Result};

/// Bytes read at once where a box header or a little auxiliary information is wanted. Enough for most movie fragments,
/// little enough not to matter beside the media data.
const WINDOW: usize = 8 * 1024;

/// How long a stream is taken to be until its end has been seen.
pub(crate) const STREAM_LEN: u64 = i64::MAX.cast_unsigned();

/// A reader with a known length, or a stream, and a small window of what was read last.
#[derive(Debug)]
pub(crate) struct Source<R> {
    reader: R,
    /// Of a stream [`STREAM_LEN`], until its end has been seen.
    len: u64,
    is_stream: bool,
    window: Vec<u8>,
    window_offset: u64,
}

impl<R: Read + Seek> Source<R> {
    /// Finds out the length of the file.
    pub(crate) fn new(mut reader: R) -> Result<Self> {
        let len = reader.seek(SeekFrom::End(0)).map_err(|source| Error::Read { offset: 0, len: 0, source })?;
        Ok(Self { reader, len, is_stream: false, window: Vec::new(), window_offset: 0 })
    }

    /// A stream, whose length shows at its end. No more of it is read than is needed.
    pub(crate) fn stream(reader: R) -> Self {
        Self { reader, len: STREAM_LEN, is_stream: true, window: Vec::new(), window_offset: 0 }
    }

    /// Bytes of the whole file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is a stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Whether the file ends at `offset`, which of a stream may need a look.
    pub(crate) fn is_end(&mut self, offset: u64) -> Result<bool> {
        if self.len == STREAM_LEN && offset < STREAM_LEN {
            self.peek(offset, 1)?;
        }
        Ok(offset >= self.len)
    }

    /// Up to `len` bytes from `offset` on: fewer only at the end of the file. `len` is at most the window's.
    pub(crate) fn peek(&mut self, offset: u64, len: usize) -> Result<&[u8]> {
        let len = len.min(WINDOW);
        let left = self.len.saturating_sub(offset);
        let len = usize::try_from(left).map_or(len, |left| left.min(len));
        if self.in_window(offset, len).is_none() {
            self.window.clear();
            self.window_offset = offset;
            if self.is_stream {
                return self.peek_stream(offset, len);
            }
            let fill = usize::try_from(left).map_or(WINDOW, |left| left.min(WINDOW));
            self.window.resize(fill, 0);
            if let Err(error) = read_at(&mut self.reader, offset, &mut self.window) {
                self.window.clear();
                return Err(error);
            }
        }
        Ok(self.in_window(offset, len).unwrap_or_default())
    }

    /// The `len` bytes from `offset` on, which the caller has found to lie in the file.
    pub(crate) fn read(&mut self, offset: u64, len: usize) -> Result<Vec<u8>> {
        if len <= WINDOW {
            let bytes = self.peek(offset, len)?;
            if bytes.len() == len {
                return Ok(bytes.to_vec());
            }
        }
        if self.is_stream {
            return self.read_stream(offset, len);
        }
        let mut bytes = vec![0; len];
        read_at(&mut self.reader, offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills the window with exactly `len` bytes of a stream, or with what is left of it.
    fn peek_stream(&mut self, offset: u64, len: usize) -> Result<&[u8]> {
        self.window = take_at(&mut self.reader, offset, len)?;
        if self.window.len() < len {
            self.len = offset + self.window.len() as u64;
        }
        Ok(&self.window)
    }

    /// The same for as many bytes as a box says it has: memory is taken as they come.
    fn read_stream(&mut self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let bytes = take_at(&mut self.reader, offset, len)?;
        if bytes.len() == len {
            return Ok(bytes);
        }
        self.len = offset + bytes.len() as u64;
        let source = io::Error::new(io::ErrorKind::UnexpectedEof, format!("the stream ends after {} bytes", self.len));
        Err(Error::Read { offset, len: len as u64, source })
    }

    /// The reader itself. Its position is anywhere.
    pub(crate) fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    fn in_window(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.window_offset)?).ok()?;
        self.window.get(start..start.checked_add(len)?)
    }
}

impl<R> Source<R> {
    /// The reader itself. Its position is anywhere.
    pub(crate) fn into_inner(self) -> R {
        self.reader
    }
}

fn read_at(reader: &mut (impl Read + Seek), offset: u64, bytes: &mut [u8]) -> Result<()> {
    let len = bytes.len() as u64;
    let read = reader.seek(SeekFrom::Start(offset)).and_then(|_| reader.read_exact(bytes));
    read.map_err(|source| Error::Read { offset, len, source })
}

/// The `len` bytes at `offset`, fewer only at the end.
fn take_at(reader: &mut (impl Read + Seek), offset: u64, len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.seek(SeekFrom::Start(offset));
    let read = read.and_then(|_| reader.by_ref().take(len as u64).read_to_end(&mut bytes));
    read.map_err(|source| Error::Read { offset, len: len as u64, source })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn source() -> Source<Cursor<Vec<u8>>> {
        let bytes: Vec<u8> = (0..30_000u32).map(|number| (number % 251) as u8).collect();
        Source::new(Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn peek_at_the_end_gives_what_is_there() {
        let mut source = source();
        assert_eq!(source.peek(29_998, 32).unwrap(), [129, 130]);
        assert_eq!(source.peek(30_000, 32).unwrap(), []);
        assert_eq!(source.peek(u64::MAX, 32).unwrap(), []);
    }

    #[test]
    fn peek_in_and_out_of_the_window_gives_the_same_bytes() {
        let mut source = source();
        for offset in [0, 8_180, 8_190, 3, 20_000, 28_191] {
            let expected: Vec<u8> = (offset..offset + 4).map(|number| (number % 251) as u8).collect();
            assert_eq!(source.peek(offset, 4).unwrap(), expected);
        }
    }

    #[test]
    fn read_more_than_the_window_is_whole() {
        let bytes = source().read(100, 25_000).unwrap();
        assert!(bytes.iter().zip(100u32..).all(|(byte, number)| u32::from(*byte) == number % 251));
        assert_eq!(bytes.len(), 25_000);
    }

    #[test]
    fn read_past_the_end_is_an_error_with_its_place() {
        let error = source().read(29_999, 10).unwrap_err();
        assert!(matches!(error, Error::Read { offset: 29_999, len: 10, .. }));
    }
}
