//! An encrypted stream: read once from front to back by two readers, of which the one for metadata is a little ahead.
//!
//! ```text
//!  bytes passed        data                    metadata
//!  ──────────────────────▼────────── buffer ──────▼──────────── not read yet ──▶
//! ```

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// How far the metadata may be ahead of the data: the largest `moov` box, and something in front of it.
const MAX_AHEAD: u64 = 288 << 20;

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// Passed bytes that the buffer may hold before they are moved out of it.
const PASSED: usize = 1 << 20;

/// What both readers have in common.
struct Shared {
    reader: Box<dyn Read>,
    /// Bytes of the stream from `start` on.
    buffer: Vec<u8>,
    start: u64,
    /// Where the data are to be read next; not before `start`.
    data: u64,
    /// Bytes from here on are kept when they have been read as data.
    keep: Option<u64>,
    ended: bool,
}

/// The reader of metadata. Its seeks go a little forward only, and never count from the end.
#[derive(Clone)]
pub(crate) struct StreamMetadata {
    shared: Rc<RefCell<Shared>>,
    position: u64,
}

/// The reader of data.
pub(crate) struct StreamData {
    shared: Rc<RefCell<Shared>>,
}

/// Both readers of a stream that begins with `head`.
pub(crate) fn readers(head: Vec<u8>, reader: Box<dyn Read>) -> (StreamMetadata, StreamData) {
    let shared = Shared { reader, buffer: head, start: 0, data: 0, keep: None, ended: false };
    let shared = Rc::new(RefCell::new(shared));
    (StreamMetadata { shared: Rc::clone(&shared), position: 0 }, StreamData { shared })
}

impl Shared {
    /// End of what has been read.
    fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// Reads until the buffer reaches to `end` or the stream has ended.
    fn fill(&mut self, end: u64) -> io::Result<()> {
        while !self.ended && self.end() < end {
            let len = self.buffer.len();
            self.buffer.resize(len + CHUNK, 0);
            let read = self.reader.read(&mut self.buffer[len..]);
            let read = read
                .or_else(|error| if error.kind() == io::ErrorKind::Interrupted { Ok(usize::MAX) } else { Err(error) });
            self.buffer.truncate(len + read.as_ref().map_or(0, |read| if *read == usize::MAX { 0 } else { *read }));
            self.ended = read? == 0;
        }
        Ok(())
    }

    /// The buffered bytes from `offset` on.
    fn from(&self, offset: u64) -> &[u8] {
        let at = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.buffer.get(at..)).unwrap_or_default()
    }

    /// Forgets what nobody reads again.
    fn forget(&mut self) {
        let needed = self.keep.map_or(self.data, |keep| keep.min(self.data));
        let passed = usize::try_from(needed.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.buffer.len());
        if passed == self.buffer.len() || passed >= PASSED {
            self.buffer.drain(..passed);
            self.start += passed as u64;
        }
    }

    fn read_data(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.forget();
        if self.from(self.data).is_empty() && self.keep.is_none() && !self.ended {
            // Everything has been passed: straight to its place.
            let read = self.reader.read(to)?;
            self.ended = read == 0 && !to.is_empty();
            self.data += read as u64;
            (self.start, self.buffer) = (self.data, Vec::new());
            return Ok(read);
        }
        self.fill(self.data + 1)?;
        let from = self.from(self.data);
        let len = from.len().min(to.len());
        to[..len].copy_from_slice(&from[..len]);
        self.data += len as u64;
        Ok(len)
    }
}

impl StreamData {
    /// Goes on at `offset`: further ahead, or not before what is kept.
    pub(crate) fn seek_to(&mut self, offset: u64) -> io::Result<()> {
        let mut shared = self.shared.borrow_mut();
        if offset < shared.start {
            return Err(io::Error::new(io::ErrorKind::NotSeekable, "a stream cannot be read a second time"));
        }
        if offset < shared.data {
            shared.data = offset;
            return Ok(());
        }
        let mut scratch = vec![0; CHUNK];
        while shared.data < offset {
            let left = usize::try_from(offset - shared.data).map_or(CHUNK, |left| left.min(CHUNK));
            if shared.read_data(&mut scratch[..left])? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Passes over `len` bytes.
    pub(crate) fn skip(&mut self, len: u64) -> io::Result<()> {
        let offset = self.shared.borrow().data + len;
        self.seek_to(offset)
    }

    /// Keeps what is read from here on, so that [`seek_to`](Self::seek_to) can come back to it; or no longer.
    pub(crate) fn keep(&mut self, keep: bool) {
        let mut shared = self.shared.borrow_mut();
        shared.keep = keep.then_some(shared.data);
    }
}

impl Read for StreamData {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.shared.borrow_mut().read_data(to)
    }
}

impl Read for StreamMetadata {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut shared = self.shared.borrow_mut();
        if self.position < shared.start {
            return Err(io::Error::new(
                io::ErrorKind::NotSeekable,
                "the file describes its samples behind them: it cannot be read as a stream",
            ));
        }
        let end = self.position.saturating_add(to.len() as u64);
        if end - shared.data.min(end) > MAX_AHEAD {
            return Err(io::Error::new(
                io::ErrorKind::NotSeekable,
                "the file describes its samples too far from them: it cannot be read as a stream",
            ));
        }
        shared.fill(end)?;
        let from = shared.from(self.position);
        let len = from.len().min(to.len());
        to[..len].copy_from_slice(&from[..len]);
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for StreamMetadata {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::NotSeekable))?;
        Ok(self.position)
    }
}

impl fmt::Debug for StreamMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamMetadata").field("position", &self.position).finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamData").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes at a time.
    struct Slow {
        bytes: Vec<u8>,
        at: usize,
        step: usize,
    }

    impl Read for Slow {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let len = to.len().min(self.step).min(self.bytes.len() - self.at);
            to[..len].copy_from_slice(&self.bytes[self.at..self.at + len]);
            self.at += len;
            Ok(len)
        }
    }

    fn numbered(len: usize) -> Vec<u8> {
        (0..len).map(|index| u8::try_from(index % 251).unwrap()).collect()
    }

    fn stream(len: usize, step: usize) -> (StreamMetadata, StreamData) {
        let bytes = numbered(len);
        readers(bytes[..100].to_vec(), Box::new(Slow { bytes: bytes[100..].to_vec(), at: 0, step }))
    }

    fn read(reader: &mut impl Read, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn both_readers_see_the_same_bytes() {
        let expected = numbered(3_000_000);
        for step in [7, 4096, 1 << 20] {
            let (mut metadata, mut data) = stream(expected.len(), step);
            let mut at = 0;
            for (ahead, len) in [(0, 10), (50, 300), (90_000, 100_000), (0, 2_000_000), (1000, 10)] {
                metadata.seek(SeekFrom::Start((at + ahead) as u64)).unwrap();
                assert!(read(&mut metadata, 40) == expected[at + ahead..at + ahead + 40]);
                assert!(read(&mut data, len) == expected[at..at + len]);
                data.skip(5).unwrap();
                at += len + 5;
            }
            assert!(data.shared.borrow().buffer.len() < 2 * PASSED);
            let mut rest = Vec::new();
            data.read_to_end(&mut rest).unwrap();
            assert!(rest == expected[at..]);
            metadata.seek(SeekFrom::Start(expected.len() as u64)).unwrap();
            assert_eq!(metadata.read(&mut [0]).unwrap(), 0);
        }
    }

    #[test]
    fn kept_bytes_are_read_again_and_passed_ones_are_not() {
        let expected = numbered(300_000);
        let (mut metadata, mut data) = stream(expected.len(), 1000);
        read(&mut data, 1000);
        data.keep(true);
        read(&mut data, 200_000);
        data.seek_to(1000).unwrap();
        assert!(read(&mut data, 250_000) == expected[1000..251_000]);
        data.keep(false);
        read(&mut data, 10);
        read(&mut data, 10);
        let error = data.seek_to(1000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotSeekable);
        metadata.seek(SeekFrom::Start(0)).unwrap();
        assert!(metadata.read(&mut [0]).unwrap_err().to_string().contains("cannot be read as a stream"));
    }

    #[test]
    fn end_of_the_stream_is_told() {
        let (_, mut data) = stream(200, 7);
        assert_eq!(data.skip(201).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
