//! The one pass over a file, which can stop at a sample and go on there with other paths.

use std::io::{self, Write};

use softcp_cenc::{FourCc, KeyId, Piece, Pieces, Sample, Track};
use softcp_files::Extent;

use crate::decrypt::{DecryptOptions, Progress, missing_key, modes};
use crate::error::{DecryptError, WantedKey};
use crate::incident::Incidents;
use crate::input::Input;
use crate::key_text::KidText;
use crate::key_watch::KeyWatch;
use crate::output::Output;
use crate::path::{CipherModes, PathError, PathStatistics, ProtectedPath, SampleError, Seal, Sink};
use crate::report::{FileNote, TrackReport, WrongKey};
use crate::scan::CutOff;
use crate::source::{Metadata, Names};

/// Bytes between two calls of the progress callback.
const PROGRESS_STEP: u64 = 1 << 20;

/// Where a part of a stream ends that goes on to its end, wherever that is.
const STREAM_END: u64 = i64::MAX.cast_unsigned();

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

    /// Samples that were written.
    pub(crate) fn samples(&self) -> u64 {
        self.done.samples + self.clear_samples
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
    pieces: Pieces<Metadata>,
    input: Input,
    names: Names,
    output: Output,
    progress: &'a mut dyn FnMut(Progress),
    done: Progress,
    /// Bytes at the last call of the callback.
    shown: u64,
    /// The sample that failed, and how many of its bytes have been written.
    failed: Option<(Sample, u64)>,
    /// Whether that sample is of a track without a path.
    needs_path: bool,
    /// A stream has ended inside a part that is copied.
    ends_early: bool,
    watch: KeyWatch,
    /// A sample that is watched.
    watched: Vec<u8>,
}

/// From here on, counted from the beginning, a copied part is looked at for holes: less would not be worth the calls.
const HOLE: u64 = 64 << 10;

impl<'a> Pass<'a> {
    /// A pass over the movie's `pieces` that reads `input` and writes `output`, both from the end of the initialization
    /// segment on.
    pub(crate) fn new(
        options: &'a DecryptOptions,
        pieces: Pieces<Metadata>,
        input: Input,
        names: Names,
        output: Output,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        // Of a stream the length is not known yet.
        let total = (!input.is_stream()).then(|| pieces.file_len() - names.start);
        let done = Progress { bytes: 0, total };
        Self {
            options,
            pieces,
            input,
            names,
            output,
            progress,
            done,
            shown: 0,
            failed: None,
            needs_path: false,
            ends_early: false,
            watch: KeyWatch::default(),
            watched: Vec::new(),
        }
    }

    /// The track of the sample that ended the last run, if it was one without a path. The run can be taken up again when it
    /// has one.
    pub(crate) fn new_track(&self) -> Option<&Track> {
        let (sample, _) = self.failed.as_ref().filter(|_| self.needs_path)?;
        self.pieces.tracks().iter().find(|track| track.id() == sample.track_id)
    }

    /// What is odd about the file, as far as it has been passed.
    pub(crate) fn file_notes(&self) -> Vec<FileNote> {
        self.pieces.notes().iter().map(FileNote::from).collect()
    }

    /// How a stream that is read as far as it goes ended too early, if it did.
    pub(crate) fn stream_cut(&self) -> Option<CutOff> {
        if !self.input.is_stream() || !self.options.partial {
            return None;
        }
        let cut = CutOff::of(self.pieces.notes());
        cut.or(self.ends_early.then_some(CutOff::IN_BOX))
    }

    /// The keys under which samples came out as noise.
    pub(crate) fn wrong_keys(&self) -> Vec<WrongKey> {
        let wrong = self.watch.wrong();
        wrong.map(|(track_id, kid, samples)| WrongKey { track_id, kid: KidText(kid).to_string(), samples }).collect()
    }

    /// Goes over what is left; `paths` are those of `tracks`, in their order. After an error of a path, it can be called
    /// again with other paths, and goes on with the sample that failed.
    pub(crate) fn run(
        &mut self,
        tracks: &mut [TrackProgress],
        paths: &mut [ProtectedPath<'_>],
        incidents: &mut Incidents,
    ) -> Result<(), DecryptError> {
        self.needs_path = false;
        if let Some((sample, written)) = self.failed.take() {
            // The place of a sample without bytes means nothing.
            if sample.len != 0 {
                self.input.seek_to(sample.offset).map_err(|error| self.read_error(error))?;
            }
            let len = sample.len.into();
            self.sample(sample, written, tracks, paths, incidents)?;
            if self.needs_path {
                return Ok(());
            }
            self.input.keep(false);
            self.advance(len);
        }
        while let Some(piece) = self.next_piece()? {
            match piece {
                Piece::Copy { offset, len } => {
                    self.copy_part(offset, len)?;
                    if self.ends_early {
                        return Ok(());
                    }
                }
                Piece::Rewritten { bytes, .. } => {
                    self.input.skip(bytes.len() as u64).map_err(|error| self.read_error(error))?;
                    self.output.write_all(&bytes).map_err(|error| self.write_error(error))?;
                    self.advance(bytes.len() as u64);
                }
                Piece::Sample(sample) => {
                    self.input.keep(self.options.restarts != 0);
                    let len = sample.len.into();
                    self.sample(sample, 0, tracks, paths, incidents)?;
                    if self.needs_path {
                        return Ok(());
                    }
                    self.input.keep(false);
                    self.advance(len);
                }
            }
        }
        Ok(())
    }

    /// Waits until everything is in the file, and says how many bytes that is.
    pub(crate) fn finish(mut self) -> Result<u64, DecryptError> {
        self.done.total = Some(self.done.bytes);
        self.show();
        let path = &self.options.output;
        self.output.finish().map_err(|source| DecryptError::WriteOutput { path: path.clone(), source })?;
        Ok(self.done.bytes)
    }

    /// The next piece as far as it lies behind the initialization segment.
    fn next_piece(&mut self) -> Result<Option<Piece>, DecryptError> {
        let start = self.names.start;
        loop {
            let piece = self.pieces.next_piece().map_err(|error| self.names.container(error))?;
            match piece {
                Some(Piece::Copy { offset, len }) if offset < start && offset + len > start => {
                    return Ok(Some(Piece::Copy { offset: start, len: offset + len - start }));
                }
                // A sample there, or without a place, is as good as any.
                Some(Piece::Copy { offset, .. } | Piece::Rewritten { offset, .. }) if offset < start => {}
                piece => return Ok(piece),
            }
        }
    }

    /// A part that stays as it is, holes included.
    fn copy_part(&mut self, offset: u64, len: u64) -> Result<(), DecryptError> {
        if self.input.is_stream() && offset + len >= STREAM_END {
            let copied = self.copy_up_to(u64::MAX)?;
            self.advance(copied);
            return Ok(());
        }
        if self.input.is_stream() && self.options.partial {
            // Of what is only copied nobody has looked whether it is there.
            let copied = self.copy_up_to(len)?;
            self.advance(copied);
            self.ends_early = copied < len;
            return Ok(());
        }
        let (mut position, end) = (offset, offset + len);
        while position < end {
            let left = end - position;
            let extent = if left < HOLE { Ok(Extent::Data(left)) } else { self.input.extent(position, left) };
            match extent.map_err(|error| self.read_error(error))? {
                Extent::Hole(len) if len >= HOLE => {
                    self.input.skip(len).map_err(|error| self.read_error(error))?;
                    self.output.append_zeros(len).map_err(|error| self.write_error(error))?;
                    self.advance(len);
                    position += len;
                }
                Extent::Hole(len) | Extent::Data(len) => {
                    let data_end = position + len;
                    while position < data_end {
                        let len = PROGRESS_STEP.min(data_end - position);
                        self.copy(len)?;
                        self.advance(len);
                        position += len;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes note of bytes that are done, and tells of them from time to time.
    fn advance(&mut self, len: u64) {
        self.done.bytes += len;
        if self.done.bytes - self.shown >= PROGRESS_STEP {
            self.show();
        }
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
        let Some((track, path)) = found else {
            // Of a movie that came later.
            self.failed = Some((sample, written));
            self.needs_path = true;
            return Ok(());
        };
        let Some(encryption) = &sample.encryption else {
            track.clear_samples += 1;
            track.clear_bytes += u64::from(sample.len);
            return self.copy(sample.len.into());
        };
        if track.key_ids.last() != Some(&encryption.kid) && !track.key_ids.contains(&encryption.kid) {
            track.key_ids.push(encryption.kid);
        }
        let is_watched = written == 0 && self.watch.wants(&sample, self.pieces.tracks());
        let (result, written) = if is_watched {
            self.watched.clear();
            let result = path.decrypt_sample(encryption, sample.len, &mut self.input, &mut self.watched);
            let result = result.and_then(|()| {
                self.watch.look_at(&sample, &self.watched);
                self.output.write_all(&self.watched).map_err(SampleError::Write)
            });
            (result, 0)
        } else {
            let mut output = Rest { output: &mut self.output, before: written, seen: 0 };
            let result = path.decrypt_sample_into(encryption, sample.len, &mut self.input, &mut output);
            (result, output.seen.max(written))
        };
        for (error, remedy) in path.take_incidents() {
            incidents.add(Some(track.id), Some(sample.index), error, remedy);
        }
        let (track_id, handler, index) = (track.id, track.handler, sample.index);
        result.map_err(|error| match error {
            SampleError::Read(source) => self.read_error(source),
            SampleError::Write(source) => self.write_error(source),
            SampleError::Path(PathError::MissingKey { kid }) => {
                let key = WantedKey { kid, track_id, handler, sample: Some(index), is_missing: true };
                missing_key(self.options, key)
            }
            SampleError::Path(source) => {
                self.failed = Some((sample, written));
                DecryptError::of_path(track_id, Some(index), source)
            }
        })
    }

    fn copy_up_to(&mut self, most: u64) -> Result<u64, DecryptError> {
        let copied = self.output.copy_up_to(most, &mut self.input).map_err(|error| self.read_error(error))?;
        copied.map_err(|error| self.write_error(error))
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
        let file = tempfile::NamedTempFile::new().unwrap();
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
