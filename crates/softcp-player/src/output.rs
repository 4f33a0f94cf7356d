//! The clear file, written once from front to back on a thread of its own: the file system takes about as long to take a
//! sample as the driver to decrypt the next.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Bytes that are collected before they are written.
const CHUNK: usize = 256 << 10;

/// Chunks that wait to be written. With the one being filled and the one being written they fit a second-level cache.
const WAITING: usize = 1;

/// A file that is being written.
///
/// An error of the file shows at a later write, or in [`finish`](Self::finish).
#[derive(Debug)]
pub(crate) struct Output {
    chunk: Vec<u8>,
    /// What to write; `None` after an error.
    full: Option<SyncSender<Vec<u8>>>,
    /// Chunks that have been written, to be filled again.
    written: Receiver<Vec<u8>>,
    /// `None` after an error.
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Output {
    /// Writes `file` from its present position on.
    pub(crate) fn new(mut file: File) -> io::Result<Self> {
        let (full, to_write) = sync_channel::<Vec<u8>>(WAITING);
        let (give_back, written) = channel();
        let thread = Builder::new().name("softcp-output".to_owned()).spawn(move || {
            for mut chunk in to_write {
                file.write_all(&chunk)?;
                chunk.clear();
                // Nobody wants it back when the output is being dropped.
                let _ = give_back.send(chunk);
            }
            Ok(())
        })?;
        Ok(Self { chunk: Vec::with_capacity(CHUNK), full: Some(full), written, thread: Some(thread) })
    }

    /// Appends `len` bytes of `input`. `Err` is an error of the input, `Ok(Err)` one of the output.
    pub(crate) fn copy_from(&mut self, mut len: u64, input: &mut impl Read) -> io::Result<io::Result<()>> {
        while len != 0 {
            let start = self.chunk.len();
            let room = CHUNK - start;
            let part = usize::try_from(len).map_or(room, |len| len.min(room));
            self.chunk.resize(start + part, 0);
            input.read_exact(&mut self.chunk[start..])?;
            len -= part as u64;
            if let Err(error) = self.send_if_full() {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Writes what is left, and waits until the file has taken everything.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()?;
        self.end()
    }

    fn send_if_full(&mut self) -> io::Result<()> {
        if self.chunk.len() == CHUNK { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> io::Result<()> {
        let empty = self.written.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK));
        let chunk = mem::replace(&mut self.chunk, empty);
        match self.full.as_ref().map(|full| full.send(chunk)) {
            Some(Ok(())) => Ok(()),
            // The thread ends early for an error only.
            _ => self.end().and(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Lets the thread come to its end, and says how it ended.
    fn end(&mut self) -> io::Result<()> {
        self.full = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the thread that writes has panicked")),
            None => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..len]);
        self.send_if_full()?;
        Ok(len)
    }

    /// Does nothing: what has not been written is in [`finish`](Self::finish).
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Output {
    /// Waits for the thread, so that nobody writes the file any more.
    fn drop(&mut self) {
        // An error has been reported, or the caller has one of its own.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use super::*;

    fn numbered(len: usize) -> Vec<u8> {
        (0..len).map(|index| u8::try_from(index % 251).unwrap()).collect()
    }

    fn contents(mut file: File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn writes_and_copies_of_all_sizes_arrive_in_order() {
        let bytes = numbered(3_000_000);
        let file = tempfile::tempfile().unwrap();
        let mut output = Output::new(file.try_clone().unwrap()).unwrap();
        let mut left = bytes.as_slice();
        for len in [1, 20_000, 5, CHUNK, CHUNK - 1, 600_000, 7].into_iter().cycle() {
            let (now, later) = left.split_at(len.min(left.len()));
            output.write_all(now).unwrap();
            let copied = (len / 2).min(later.len());
            output.copy_from(copied as u64, &mut &later[..copied]).unwrap().unwrap();
            left = &later[copied..];
            if left.is_empty() {
                break;
            }
        }
        output.finish().unwrap();
        assert!(contents(file) == bytes);
    }

    #[test]
    fn copy_from_a_short_input_is_unexpected_eof() {
        let mut output = Output::new(tempfile::tempfile().unwrap()).unwrap();
        let error = output.copy_from(11, &mut &[0; 10][..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn error_of_the_file_reaches_a_later_write_and_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read-only");
        std::fs::write(&path, "").unwrap();
        // Open for reading only: every write fails.
        let open = || Output::new(File::open(&path).unwrap()).unwrap();
        let mut output = open();
        let error = (0..100).find_map(|_| output.write_all(&vec![0; CHUNK]).err());
        assert!(error.is_some());
        let mut output = open();
        output.write_all(b"a few bytes").unwrap();
        assert!(output.finish().is_err());
    }
}
