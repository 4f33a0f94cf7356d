//! The clear file, written once from front to back on a thread of its own: the file system takes about as long to take a
//! sample as the driver to decrypt the next.
//!
//! ```text
//!  calls the driver                                             writes
//!    bytes, sealed bytes ──▶ chunk ──▶ one waits ──────────────▶ opened ──▶ file
//!                              ▲         opened here if the        │
//!                              │         writer is behind          │
//!                              └────────────── empty ◀─────────────┘
//! ```
//!
//! Read-backs are the application's to open, and whichever thread has time does it: they go into the chunk sealed, to be
//! opened before they are written, or open where the writer is behind. The chunks are few and go round, so memory stays
//! the same whatever the file's size.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::path::{Seal, Sink};

/// Bytes that are collected before they are written.
const CHUNK: usize = 256 << 10;

/// Chunks that wait to be written, at most. A writer that finds none sleeps, and to wake it costs more than what the caches
/// lose to a second one.
const WAITING: usize = 2;

/// A file that is being written.
///
/// An error of the file shows at a later write, or in [`finish`](Self::finish).
#[derive(Debug)]
pub(crate) struct Output {
    chunk: Chunk,
    /// What to write; `None` after an error.
    full: Option<SyncSender<Chunk>>,
    /// Chunks that have been written, to be filled again.
    written: Receiver<Chunk>,
    /// Those that are here.
    empty: Vec<Chunk>,
    /// How many are waiting or being written.
    under_way: usize,
    /// `None` after an error.
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// What an output is written to.
pub(crate) trait Target: Write {
    /// Passes over `len` bytes, which are to read as zeros.
    fn skip(&mut self, len: u64) -> io::Result<()> {
        io::copy(&mut io::repeat(0).take(len), self).map(|_| ())
    }
}

/// A file, in which what is passed over becomes a hole.
impl Target for File {
    fn skip(&mut self, len: u64) -> io::Result<()> {
        let by = i64::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let end = self.seek(SeekFrom::Current(by))?;
        // A hole at the end counts too.
        self.set_len(end)
    }
}

/// A writer that takes bytes only.
pub(crate) struct Stream<W: Write>(pub(crate) W);

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Target for Stream<W> {}

/// Part of the file on its way.
#[derive(Debug)]
struct Chunk {
    /// [`CHUNK`] bytes, of which the first `len` count.
    bytes: Box<[u8]>,
    len: usize,
    /// Which of them are sealed, in order, and by what.
    sealed: Vec<(Range<usize>, Seal)>,
    /// How many zeros come after them.
    zeros: u64,
}

impl Chunk {
    fn new() -> Self {
        Self { bytes: vec![0; CHUNK].into_boxed_slice(), len: 0, sealed: Vec::new(), zeros: 0 }
    }

    fn is_full(&self) -> bool {
        self.len == CHUNK
    }

    /// Appends up to `len` bytes, for the caller to fill.
    fn append(&mut self, len: u64) -> &mut [u8] {
        let start = self.len;
        self.len += usize::try_from(len).map_or(CHUNK - start, |len| len.min(CHUNK - start));
        &mut self.bytes[start..self.len]
    }

    /// Makes all bytes clear.
    fn open(&mut self) {
        for (range, seal) in self.sealed.drain(..) {
            seal.open(&mut self.bytes[range]);
        }
    }

    /// Makes all bytes clear, and writes them.
    fn write_to(&mut self, file: &mut impl Target) -> io::Result<()> {
        self.open();
        file.write_all(&self.bytes[..self.len])?;
        self.len = 0;
        if self.zeros != 0 {
            file.skip(mem::take(&mut self.zeros))?;
        }
        Ok(())
    }
}

impl Output {
    /// Writes `file` from its present position on.
    pub(crate) fn new(mut file: impl Target + Send + 'static) -> io::Result<Self> {
        let (full, to_write) = sync_channel::<Chunk>(WAITING);
        let (give_back, written) = channel();
        let thread = Builder::new().name("softcp-output".to_owned()).spawn(move || {
            for mut chunk in to_write {
                chunk.write_to(&mut file)?;
                // Nobody wants it back when the output is being dropped.
                let _ = give_back.send(chunk);
            }
            file.flush()
        })?;
        let (chunk, empty) = (Chunk::new(), Vec::new());
        Ok(Self { chunk, full: Some(full), written, empty, under_way: 0, thread: Some(thread) })
    }

    /// Appends `len` bytes of `input`. `Err` is an error of the input, `Ok(Err)` one of the output.
    pub(crate) fn copy_from(&mut self, mut len: u64, input: &mut impl Read) -> io::Result<io::Result<()>> {
        while len != 0 {
            let part = self.chunk.append(len);
            input.read_exact(part)?;
            len -= part.len() as u64;
            if let Err(error) = self.send_if_full() {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Appends `most` bytes of the input, or those up to its end, and says how many.
    pub(crate) fn copy_up_to(&mut self, most: u64, input: &mut impl Read) -> io::Result<io::Result<u64>> {
        let mut copied = 0;
        loop {
            if copied == most {
                return Ok(Ok(copied));
            }
            let start = self.chunk.len;
            let read = match input.read(self.chunk.append((most - copied).min(CHUNK as u64))) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.chunk.len = start;
                    continue;
                }
                read => read?,
            };
            self.chunk.len = start + read;
            copied += read as u64;
            if read == 0 {
                return Ok(Ok(copied));
            }
            if let Err(error) = self.send_if_full() {
                return Ok(Err(error));
            }
        }
    }

    /// Appends `len` zeros, which take no space where the file system has holes.
    pub(crate) fn append_zeros(&mut self, len: u64) -> io::Result<()> {
        self.chunk.zeros = len;
        self.send()
    }

    /// Writes what is left, and waits until the file has taken everything.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()?;
        self.end()
    }

    fn send_if_full(&mut self) -> io::Result<()> {
        if self.chunk.is_full() { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> io::Result<()> {
        self.take_back();
        let empty = self.empty.pop().unwrap_or_else(Chunk::new);
        let chunk = mem::replace(&mut self.chunk, empty);
        let sent = self.full.as_ref().is_some_and(|full| match full.try_send(chunk) {
            Ok(()) => true,
            // Better to do some of the writer's work than to wait for it.
            Err(TrySendError::Full(mut chunk)) => {
                chunk.open();
                full.send(chunk).is_ok()
            }
            Err(TrySendError::Disconnected(_)) => false,
        });
        self.under_way += 1;
        // The thread ends early for an error only.
        if sent { Ok(()) } else { self.end().and(Err(io::ErrorKind::BrokenPipe.into())) }
    }

    /// Whether a chunk waits behind the one being written, so that what comes now will.
    fn is_writer_behind(&mut self) -> bool {
        self.take_back();
        self.under_way > 1
    }

    fn take_back(&mut self) {
        while let Ok(chunk) = self.written.try_recv() {
            self.empty.push(chunk);
            self.under_way -= 1;
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
        let part = self.chunk.append(bytes.len() as u64);
        let len = part.len();
        part.copy_from_slice(&bytes[..len]);
        self.send_if_full()?;
        Ok(len)
    }

    /// Does nothing: what has not been written is in [`finish`](Self::finish).
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Output {
    fn write_sealed(&mut self, bytes: &mut [u8], seal: Seal) -> io::Result<()> {
        let mut passed = 0;
        while passed < bytes.len() {
            let is_behind = self.is_writer_behind();
            let seal = seal.after(passed);
            let start = self.chunk.len;
            let part = self.chunk.append((bytes.len() - passed) as u64);
            let from = &bytes[passed..passed + part.len()];
            passed += part.len();
            if is_behind {
                seal.open_to(from, part);
            } else {
                part.copy_from_slice(from);
                self.chunk.sealed.push((start..self.chunk.len, seal));
            }
            self.send_if_full()?;
        }
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
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::path::{sealed, test_seal};

    fn numbered(len: usize) -> Vec<u8> {
        (0..len).map(|index| u8::try_from(index % 251).unwrap()).collect()
    }

    fn contents(mut file: File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// A file in memory that takes bytes only while its gate is open, and no more than it has room for.
    #[derive(Clone)]
    struct Gated {
        is_open: Arc<AtomicBool>,
        bytes: Arc<Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Gated {
        fn new(is_open: bool, room: usize) -> Self {
            Self { is_open: Arc::new(AtomicBool::new(is_open)), bytes: Arc::default(), room }
        }

        fn open(&self) {
            self.is_open.store(true, Ordering::Relaxed);
        }
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Not for ever: a test that has failed waits for its thread.
            let start = Instant::now();
            while !self.is_open.load(Ordering::Relaxed) && start.elapsed() < Duration::from_secs(5) {
                thread::sleep(Duration::from_micros(100));
            }
            let mut taken = self.bytes.lock().unwrap();
            if taken.len() == self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let len = bytes.len().min(self.room - taken.len());
            taken.extend(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Target for Gated {}

    #[test]
    fn zeros_are_holes_in_a_file_and_bytes_elsewhere() {
        let zeros = 8 << 20;
        let write = |mut output: Output| {
            output.write_all(b"before").unwrap();
            output.append_zeros(zeros).unwrap();
            output.write_all(b"after").unwrap();
            output.append_zeros(zeros).unwrap();
            output.finish().unwrap();
        };
        let (file, stream) = (tempfile::tempfile().unwrap(), Gated::new(true, usize::MAX));
        write(Output::new(file.try_clone().unwrap()).unwrap());
        write(Output::new(stream.clone()).unwrap());
        #[cfg(target_os = "linux")]
        assert!(std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap()) < 1000);
        let bytes = contents(file);
        assert_eq!(bytes.len() as u64, 2 * zeros + 11);
        assert!(bytes == *stream.bytes.lock().unwrap());
        assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 11);
    }

    #[test]
    fn writes_copies_and_sealed_bytes_of_all_sizes_arrive_in_order() {
        let bytes = numbered(3_000_000);
        let file = tempfile::tempfile().unwrap();
        let mut output = Output::new(file.try_clone().unwrap()).unwrap();
        let mut left = bytes.as_slice();
        for (round, len) in [1, 20_000, 5, CHUNK, CHUNK - 1, 600_000, 7].into_iter().cycle().enumerate() {
            let (now, later) = left.split_at(len.min(left.len()));
            output.write_all(now).unwrap();
            let (now, later) = later.split_at((len / 2).min(later.len()));
            output.copy_from(now.len() as u64, &mut &*now).unwrap().unwrap();
            let (now, later) = later.split_at((len + 9).min(later.len()));
            let key = u8::try_from(round).unwrap();
            output.write_sealed(&mut sealed(now, key), test_seal(key)).unwrap();
            left = later;
            if left.is_empty() {
                break;
            }
        }
        output.finish().unwrap();
        assert!(contents(file) == bytes);
    }

    #[test]
    fn sealed_bytes_are_opened_at_once_only_where_the_writer_is_behind() {
        let file = Gated::new(false, usize::MAX);
        let mut output = Output::new(file.clone()).unwrap();
        let bytes = numbered(1000);
        output.write_sealed(&mut sealed(&bytes, 1), test_seal(1)).unwrap();
        assert_eq!(output.chunk.sealed.len(), 1);
        assert!(output.chunk.bytes[..1000] != bytes);
        // One chunk that the writer is held up with, and one that waits.
        output.write_all(&vec![0; 2 * CHUNK - 1000]).unwrap();
        assert!(output.is_writer_behind());
        output.write_sealed(&mut sealed(&bytes, 2), test_seal(2)).unwrap();
        assert_eq!(output.chunk.sealed.len(), 0);
        assert!(output.chunk.bytes[..1000] == bytes);
        file.open();
        output.finish().unwrap();
        let written = file.bytes.lock().unwrap();
        assert!(written[..1000] == bytes && written[2 * CHUNK..] == bytes);
    }

    #[test]
    fn chunks_are_few_however_much_is_written_and_however_slowly() {
        let file = Gated::new(false, usize::MAX);
        let mut output = Output::new(file.clone()).unwrap();
        let gate = file.clone();
        let opener = thread::spawn(move || {
            for _ in 0..20 {
                gate.is_open.store(false, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
                gate.open();
                thread::sleep(Duration::from_micros(200));
            }
        });
        for _ in 0..200 {
            output.write_sealed(&mut vec![7; CHUNK], test_seal(1)).unwrap();
            let chunks = 1 + output.empty.len() + output.under_way;
            assert!(chunks <= WAITING + 3, "{chunks}");
        }
        opener.join().unwrap();
        output.finish().unwrap();
        assert_eq!(file.bytes.lock().unwrap().len(), 200 * CHUNK);
    }

    #[test]
    fn copy_from_a_short_input_is_unexpected_eof() {
        let mut output = Output::new(tempfile::tempfile().unwrap()).unwrap();
        let error = output.copy_from(11, &mut &[0; 10][..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn full_storage_ends_a_later_write_or_the_end_and_is_written_to_no_more() {
        for room in [0, 1, CHUNK, 3 * CHUNK + 5] {
            let file = Gated::new(true, room);
            let mut output = Output::new(file.clone()).unwrap();
            let mut write = || output.write_sealed(&mut vec![0; CHUNK], test_seal(1));
            let error = (0..1000).find_map(|_| write().err()).unwrap();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}");
            // The error is told once; afterwards nothing is taken.
            assert_eq!(write().unwrap_err().kind(), io::ErrorKind::BrokenPipe, "{room}");
            assert_eq!(file.bytes.lock().unwrap().len(), room);
            // The thread has ended: nobody else has the file.
            assert!(output.thread.is_none());
            assert_eq!(Arc::strong_count(&file.bytes), 1, "{room}");
        }
        let mut output = Output::new(Gated::new(true, 3)).unwrap();
        output.write_all(b"a few bytes").unwrap();
        assert_eq!(output.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn dropped_output_waits_for_its_thread() {
        let file = Gated::new(true, usize::MAX);
        let mut output = Output::new(file.clone()).unwrap();
        output.write_all(&vec![0; 2 * CHUNK]).unwrap();
        drop(output);
        assert_eq!(Arc::strong_count(&file.bytes), 1);
    }

    #[test]
    fn panic_of_the_file_is_an_error() {
        struct Panics;
        impl Write for Panics {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                panic!("on purpose")
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl Target for Panics {}
        let mut output = Output::new(Panics).unwrap();
        output.write_all(b"a few bytes").unwrap();
        assert!(output.finish().unwrap_err().to_string().contains("panicked"));
    }
}
