//! The one pass over a file, which can stop at a sample and go on there with other paths.

use std::fs::File;
use std::io::{self, BufReader, Write};

use softcp_cenc::{FourCc, KeyId, Piece, Pieces, Sample, Track};
use tempfile::NamedTempFile;

use crate::decrypt::{DecryptOptions, Progress, missing_key, modes};
use crate::error::DecryptError;
use crate::incident::Incidents;
use crate::input::Input;
use crate::keys::KidText;
use crate::output::Output;
use crate::path::{CipherModes, PathError, PathStatistics, ProtectedPath, SampleError, Seal, Sink};
use crate::report::TrackReport;

/// Bytes between two calls of the progress callback.
const PROGRESS_STEP: u64 = 1 << 20;

/// A track that is decrypted, and how far it is.
pub(crate) struct TrackProgress {
    pub(crate) id: u32,
    pub(crate) handler: FourCc,
    pub(crate) modes: CipherModes,
    key_ids: Vec<KeyId>,
    /// Samples that are clear in the file, and their bytes.
    clear_samples: u64,
    clear_bytes: u64,
    /// What its paths have done that are closed.
    done: PathStatistics,
}

impl TrackProgress {
    pub(crate) fn new(track: &Track) -> Self {
        Self {
            id: track.id(),
            handler: track.handler(),
            modes: modes(track),
            key_ids: Vec::new(),
            clear_samples: 0,
            clear_bytes: 0,
            done: PathStatistics::default(),
        }
    }

    /// Adds what a path has done that is about to be closed.
    pub(crate) fn close(&mut self, path: &ProtectedPath<'_>) {
        self.done += path.statistics();
    }

    pub(crate) fn fill(&self, report: &mut TrackReport) {
        let PathStatistics { samples, refreshes, recoveries, blits, bytes, bytes_encrypted } = self.done;
        report.decrypted = true;
        report.key_ids = self.key_ids.iter().map(|kid| KidText(*kid).to_string()).collect();
        report.samples = samples + self.clear_samples;
        report.refreshes = refreshes;
        report.recoveries = recoveries;
        report.blits = blits;
        report.bytes = bytes + self.clear_bytes;
        report.bytes_encrypted = bytes_encrypted;
    }
}

/// The pass over the pieces.
pub(crate) struct Pass<'a> {
    options: &'a DecryptOptions,
    pieces: Pieces<BufReader<File>>,
    input: Input,
    output: Output,
    temporary: NamedTempFile,
    progress: &'a mut dyn FnMut(Progress),
    done: Progress,
    /// Bytes at the last call of the callback.
    shown: u64,
    /// The sample that failed, and how many of its bytes have been written.
    failed: Option<(Sample, u64)>,
}

impl<'a> Pass<'a> {
    /// A pass that reads `input` and writes `temporary`, both from their beginning.
    pub(crate) fn new(
        options: &'a DecryptOptions,
        pieces: Pieces<BufReader<File>>,
        input: File,
        temporary: NamedTempFile,
        total: u64,
        progress: &'a mut dyn FnMut(Progress),
    ) -> io::Result<Self> {
        let output = Output::new(temporary.as_file().try_clone()?)?;
        let done = Progress { bytes: 0, total };
        let input = Input::new(input);
        Ok(Self { options, pieces, input, output, temporary, progress, done, shown: 0, failed: None })
    }

    /// Goes over what is left; `paths` are those of `tracks`, in their order. After an error of a path, it can be called
    /// again with other paths, and goes on with the sample that failed.
    pub(crate) fn run(
        &mut self,
        tracks: &mut [TrackProgress],
        paths: &mut [ProtectedPath<'_>],
        incidents: &mut Incidents,
    ) -> Result<(), DecryptError> {
        if let Some((sample, written)) = self.failed.take() {
            // The place of a sample without bytes means nothing.
            if sample.len != 0 {
                self.input.seek_to(sample.offset).map_err(|error| self.read_error(error))?;
            }
            self.sample(sample, written, tracks, paths, incidents)?;
        }
        while let Some(piece) = self.next_piece()? {
            self.done.bytes += piece.len();
            match piece {
                Piece::Copy { len, .. } => self.copy(len)?,
                Piece::Rewritten { bytes, .. } => {
                    self.input.skip(bytes.len() as u64).map_err(|error| self.read_error(error))?;
                    self.output.write_all(&bytes).map_err(|error| self.write_error(error))?;
                }
                Piece::Sample(sample) => self.sample(sample, 0, tracks, paths, incidents)?,
            }
            if self.done.bytes - self.shown >= PROGRESS_STEP {
                self.show();
            }
        }
        Ok(())
    }

    /// Waits until everything is in the file, and hands it out.
    pub(crate) fn finish(mut self) -> Result<NamedTempFile, DecryptError> {
        self.show();
        let path = &self.options.output;
        self.output.finish().map_err(|source| DecryptError::WriteOutput { path: path.clone(), source })?;
        Ok(self.temporary)
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, DecryptError> {
        let path = &self.options.input;
        self.pieces.next_piece().map_err(|source| DecryptError::Container { path: path.clone(), source })
    }

    /// One sample, of which `written` bytes are in the output already.
    fn sample(
        &mut self,
        sample: Sample,
        written: u64,
        tracks: &mut [TrackProgress],
        paths: &mut [ProtectedPath<'_>],
        incidents: &mut Incidents,
    ) -> Result<(), DecryptError> {
        let found = tracks.iter_mut().zip(paths).find(|(track, _)| track.id == sample.track_id);
        let (track, path) = found.expect("only samples of selected tracks come as pieces, and each has its path");
        let Some(encryption) = &sample.encryption else {
            track.clear_samples += 1;
            track.clear_bytes += u64::from(sample.len);
            return self.copy(sample.len.into());
        };
        if track.key_ids.last() != Some(&encryption.kid) && !track.key_ids.contains(&encryption.kid) {
            track.key_ids.push(encryption.kid);
        }
        let mut output = Rest { output: &mut self.output, before: written, seen: 0 };
        let result = path.decrypt_sample_into(encryption, sample.len, &mut self.input, &mut output);
        let written = output.seen.max(written);
        for (error, remedy) in path.take_incidents() {
            incidents.add(Some(track.id), Some(sample.index), error, remedy);
        }
        let (track_id, handler, index) = (track.id, track.handler, sample.index);
        result.map_err(|error| match error {
            SampleError::Read(source) => self.read_error(source),
            SampleError::Write(source) => self.write_error(source),
            SampleError::Path(PathError::MissingKey { kid }) => missing_key(self.options, track_id, handler, kid),
            SampleError::Path(source) => {
                self.failed = Some((sample, written));
                DecryptError::of_path(track_id, Some(index), source)
            }
        })
    }

    fn copy(&mut self, len: u64) -> Result<(), DecryptError> {
        let copied = self.output.copy_from(len, &mut self.input).map_err(|error| self.read_error(error))?;
        copied.map_err(|error| self.write_error(error))
    }

    fn show(&mut self) {
        self.shown = self.done.bytes;
        (self.progress)(self.done);
    }

    fn read_error(&self, source: io::Error) -> DecryptError {
        DecryptError::ReadInput { path: self.options.input.clone(), source }
    }

    fn write_error(&self, source: io::Error) -> DecryptError {
        DecryptError::WriteOutput { path: self.options.output.clone(), source }
    }
}

/// The output of a sample that is decrypted once more: what has been written `before` comes again, and is dropped.
struct Rest<'a> {
    output: &'a mut Output,
    before: u64,
    /// Bytes of the sample that have come.
    seen: u64,
}

impl Rest<'_> {
    /// How many of the next `len` bytes have been written before.
    fn known(&self, len: usize) -> usize {
        usize::try_from(self.before.saturating_sub(self.seen)).map_or(len, |known| known.min(len))
    }
}

impl Write for Rest<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let known = self.known(bytes.len());
        let taken = if known == 0 { self.output.write(bytes)? } else { known };
        self.seen += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Sink for Rest<'_> {
    fn write_sealed(&mut self, bytes: &mut [u8], seal: Seal) -> io::Result<()> {
        let known = self.known(bytes.len());
        self.seen += known as u64;
        let rest = &mut bytes[known..];
        let len = rest.len();
        self.output.write_sealed(rest, seal.after(known))?;
        self.seen += len as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{sealed, test_seal};

    /// Puts a sample of 30 bytes into the output, of which `before` have been written: ten clear ones, then sealed ones in
    /// two parts.
    fn repeated(before: u64) -> Vec<u8> {
        let clear: Vec<u8> = (0..30).collect();
        let file = NamedTempFile::new().unwrap();
        let mut output = Output::new(file.reopen().unwrap()).unwrap();
        let mut rest = Rest { output: &mut output, before, seen: 0 };
        let mut bytes = sealed(&clear[10..], 1);
        rest.write_all(&clear[..10]).unwrap();
        rest.write_sealed(&mut bytes[..7], test_seal(1)).unwrap();
        rest.write_sealed(&mut bytes[7..], test_seal(1).after(7)).unwrap();
        assert_eq!(rest.seen, 30);
        output.finish().unwrap();
        std::fs::read(file.path()).unwrap()
    }

    #[test]
    fn sample_that_comes_again_is_written_from_where_it_was_left() {
        let clear: Vec<u8> = (0..30).collect();
        for before in 0..=30 {
            assert_eq!(repeated(before), clear[usize::try_from(before).unwrap()..], "{before}");
        }
    }
}
