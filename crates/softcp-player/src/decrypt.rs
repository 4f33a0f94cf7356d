//! An encrypted file to a clear one, in one forward pass.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use softcp_cenc::{KeyId, Protection as EntryProtection, Selection, Track};
use softcp_client::ChannelType;
use softcp_client::clear_key::Licence;
use softcp_files::{Destination, OutputError, OutputFile};
use softcp_runtime::{Device, Driver};

use crate::error::{DecryptError, WantedKey};
use crate::incident::{Incidents, Remedy};
use crate::key_text::KidText;
use crate::keys::{ContentKeys, KeyMap};
use crate::licence::LicensedKeys;
use crate::output::{Output, Stream};
use crate::pass::{Pass, TrackProgress};
use crate::path::{CipherModes, PathOptions, ProtectedPath};
use crate::plan::{CensTail, Plan, Planner};
use crate::protected::{ProtectedDevice, Protection};
use crate::report::{ChannelReport, DecryptReport, LicenceReport, TrackReport};
use crate::source::{OpenMovie, Source};
use crate::trust::Trust;

/// Samples between two session key refreshes unless the user says otherwise: about a second of video.
const DEFAULT_REFRESH_EVERY: u32 = 30;

/// What answers on the driver's side of the channel. Every driver that has channels has software.
const CHANNEL_TYPE: ChannelType = ChannelType::DriverSoftware;

/// From here on opening the path is worth a word: it takes a few milliseconds.
const SLOW: Duration = Duration::from_millis(500);

/// What to decrypt and how.
#[derive(Debug)]
pub struct DecryptOptions {
    /// The encrypted file.
    pub input: PathBuf,
    /// The clear file. It appears when it is complete, and not before.
    pub output: PathBuf,
    /// Whether an existing output may be replaced. `false` in a new value.
    pub overwrite: bool,
    /// The content keys, if there is no licence.
    pub keys: KeyMap,
    /// A licence, whose keys are used in place of `keys`: by the driver's secure environment. None in a new value.
    pub licence: Option<Licence>,
    /// Who must vouch for the driver.
    pub trust: Trust,
    /// Samples of a track between two refreshes of its session key; 0 for none. 30 in a new value.
    pub refresh_every: u32,
    /// Whether decryption is protected. [`Protection::Required`] in a new value.
    pub protection: Protection,
    /// How often to start over when the driver fails in a way that a new key does not mend, or is not believed: with a new
    /// device, channel and sessions, at the sample that failed. 0 in a new value: such a failure ends the run.
    pub restarts: u32,
    /// Whether a file that ends too early is decrypted as far as it goes: to its last whole fragment, or in a file without
    /// fragments to its last whole sample, and not further than the keys reach. `false` in a new value: such a file is an
    /// error that says how many samples are whole.
    pub partial: bool,
    /// How `cens` samples without subsamples end. [`CensTail::Auto`] in a new value.
    pub cens_tail: CensTail,
    /// The tracks to decrypt, by number; `None`, all that are protected. The others are copied as they are.
    pub tracks: Option<Vec<u32>>,
}

impl DecryptOptions {
    /// All protected tracks of `input`, without any keys yet.
    pub fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>, trust: Trust) -> Self {
        Self {
            input: input.into(),
            output: output.into(),
            overwrite: false,
            keys: KeyMap::new(),
            licence: None,
            trust,
            refresh_every: DEFAULT_REFRESH_EVERY,
            protection: Protection::default(),
            restarts: 0,
            partial: false,
            cens_tail: CensTail::Auto,
            tracks: None,
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that are done.
    pub bytes: u64,
    /// Bytes of the file; `None` of a stream before its end.
    pub total: Option<u64>,
}

/// Where the clear bytes go.
pub enum Sink {
    /// A file, which appears when it is complete, or standard output, a pipe or the null device.
    Destination(Destination),
    /// Something else, which gets them as they come, from another thread.
    Writer(Box<dyn Write + Send>),
}

impl Sink {
    /// Begins the output, and gives what it is put in its place with.
    fn create(self) -> Result<(Output, Option<OutputFile>), OutputError> {
        let io = |path: &Path, source| OutputError::Io { path: path.to_owned(), source };
        match self {
            Self::Writer(writer) => {
                let output = Output::new(Stream(writer)).map_err(|error| io(Path::new("the output"), error))?;
                Ok((output, None))
            }
            Self::Destination(destination) => {
                let file = destination.create()?;
                let handle = file.file().try_clone();
                let output =
                    handle.and_then(
                        |handle| {
                            if file.is_stream() { Output::new(Stream(handle)) } else { Output::new(handle) }
                        },
                    );
                Ok((output.map_err(|error| io(destination.path(), error))?, Some(file)))
            }
        }
    }
}

/// Decrypts a file through the protected path of `driver`, as a protected player does: it opens an authenticated channel
/// and switches protection on, then has one crypto session for each decrypted track, bound to a decoder of its own.
/// Samples are decrypted into protected resources and read back encrypted. At the end, and also when it fails half-way,
/// protection is switched off again. [`Protection::Without`] leaves out the channel and what comes with it.
///
/// The clear file has the input's length, and each sample keeps its place in it; holes of a sparse input are holes again. It
/// is put in its place when it is complete: a run that fails leaves no trace, and an existing output as it was
/// ([`Destination`]). `progress` is called about once per MiB and at the end.
///
/// The driver is called from this thread alone. Another one, which has ended when this returns, opens read-backs and
/// writes. A few buffers go round between them: memory does not grow with the file.
///
/// With a licence, a command session stands beside the crypto sessions: the driver's secure environment is provisioned and
/// given the licence, and makes the sealed keys that the blits are done with. What a teardown takes on the way is set up anew,
/// and the blit that it hit is repeated.
///
/// What went wrong on the way and was mended is in [`DecryptReport::incidents`]; what is not mended by new keys, as a
/// device that is removed, needs [`DecryptOptions::restarts`].
///
/// Tracks of `cenc` and `cens` are decrypted by blits, those of `cbcs` and `cbc1` by frames of a decoder: the blit knows
/// AES-CTR alone. A driver that has no decoder for them is an error before anything is written.
///
/// A key that is wrong does not fail: neither AES-CTR nor AES-CBC has a way to tell. [`DecryptReport::wrong_keys`] names the keys under which
/// samples came out as noise.
///
/// # Errors
///
/// [`DecryptError`]. Everything that can be seen without reading samples is found before anything is written: what is
/// protected and how, the keys that the tracks name, and the driver's channel, certificates and capabilities. What the
/// driver does with protection is believed only under its signature; the file is put in its place after protection is
/// known to be off again.
pub fn decrypt(
    driver: &Driver,
    options: &DecryptOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<DecryptReport, DecryptError> {
    let source = Source::open(&options.input)?;
    let destination = check_output(options)?;
    decrypt_from_to(driver, options, source, Sink::Destination(destination), progress)
}

/// Finds out where the output of `options` goes. Nothing is opened or made.
///
/// # Errors
///
/// [`DecryptError::OutputIsInput`], [`DecryptError::Output`], [`DecryptError::WriteOutput`].
pub fn check_output(options: &DecryptOptions) -> Result<Destination, DecryptError> {
    // This says more about the output than that it exists.
    let real = fs::canonicalize(&options.output).ok();
    if real.is_some() && fs::canonicalize(&options.input).ok() == real {
        return Err(DecryptError::OutputIsInput { path: options.output.clone() });
    }
    Ok(Destination::check(&options.output, options.overwrite)?)
}

/// The same from and to anything: a stream, a media segment behind its initialization segment, a writer. The paths of
/// `options` are what input and output are called in report and errors; nothing is opened there.
///
/// Of a media segment, the segment alone is written, clear, at its length. A stream gives bytes out as they come, before it
/// is known whether all will be well.
///
/// # Errors
///
/// As [`decrypt`].
pub fn decrypt_from_to(
    driver: &Driver,
    options: &DecryptOptions,
    source: Source,
    sink: Sink,
    progress: &mut dyn FnMut(Progress),
) -> Result<DecryptReport, DecryptError> {
    let started = Instant::now();
    let OpenMovie { movie, input, names, reopen } = source.into_movie(&options.input)?;
    let own_names = names.clone();
    let planner = Planner { driver, options, names: &own_names, reopen: reopen.as_ref() };
    let Plan { pieces: how, notes: found_before } = planner.plan(&movie)?;
    let is_selected = |track: &&Track| match &how.selection {
        Selection::Tracks(track_ids) => track_ids.contains(&track.id()),
        _ => track.protection().is_some() || how.unsignalled.iter().any(|(id, _)| *id == track.id()),
    };
    let mut tracks: Vec<_> = movie.tracks().iter().filter(is_selected).map(TrackProgress::new).collect();
    let mut reports: Vec<_> = movie.tracks().iter().map(track_report).collect();
    let pieces = movie.into_pieces_with(how.clone()).map_err(|error| names.container(error))?;
    let (output, file) = sink.create()?;
    let mut pass = Pass::new(options, pieces, input, names, output, progress);
    let mut incidents = Incidents::default();
    let mut restarts = 0;
    let stage = loop {
        match play(driver, options, &mut tracks, &mut pass, &mut incidents) {
            // A later movie has another track: it needs a path too.
            Ok(_) if pass.new_track().is_some() => {
                if let Some(track) = pass.new_track() {
                    tracks.push(TrackProgress::new(track));
                    let report = track_report(track);
                    match reports.iter_mut().find(|known| known.id == report.id) {
                        Some(known) => *known = report,
                        None => reports.push(report),
                    }
                }
            }
            Ok(stage) => break stage,
            Err(error) if restarts < options.restarts && error.may_pass() => {
                let (track_id, sample, error) = error.placed();
                incidents.add(track_id, sample, error, Remedy::StartOver);
                restarts += 1;
            }
            Err(error) => return Err(planner.explain(error, &how)),
        }
    };
    let cut = pass.stream_cut();
    let whole: Vec<_> = tracks.iter().map(|track| (track.id, track.samples())).collect();
    if cut.is_some() && whole.iter().all(|(_, samples)| *samples == 0) {
        return Err(DecryptError::NothingWhole { path: options.input.clone() });
    }
    let cut = cut.map(|cut| cut.note(&whole, true));
    let file_notes = found_before.into_iter().chain(cut).chain(pass.file_notes()).collect();
    let wrong_keys = pass.wrong_keys();
    let bytes = pass.finish()?;

    let mut report = DecryptReport {
        input: options.input.clone(),
        output: options.output.clone(),
        driver: format!("{} {}", driver.name(), driver.version()),
        certificate_verified: stage.certificate_verified,
        channel: None,
        licence: None,
        tracks: Vec::new(),
        sessions: tracks.len() as u64,
        samples: 0,
        refreshes: 0,
        blits: 0,
        bytes_encrypted: 0,
        bytes,
        seconds: 0.0,
        megabytes_per_second: 0.0,
        incidents: incidents.into_vec(),
        file_notes,
        wrong_keys,
        notes: Vec::new(),
    };
    for track in &mut reports {
        if let Some(progress) = tracks.iter().find(|progress| progress.id == track.id) {
            progress.fill(track);
        }
        report.samples += track.samples;
        report.refreshes += track.refreshes;
        report.blits += track.blits;
        report.bytes_encrypted += track.bytes_encrypted;
    }
    report.notes = notes(&stage, &reports, options);
    report.tracks = reports;
    (report.channel, report.licence) = (stage.channel, stage.licence);
    if let Some(file) = file {
        file.commit()?;
    }
    report.seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = bytes as f64;
    report.megabytes_per_second = rate / 1e6 / report.seconds.max(f64::EPSILON);
    Ok(report)
}

/// What a device, its channel and its paths leave behind that the report tells of.
struct Stage {
    certificate_verified: bool,
    lacks_refresh: bool,
    reads_back: bool,
    channel: Option<ChannelReport>,
    licence: Option<LicenceReport>,
}

/// Opens a device with all that belongs to it, goes over what is left of the file, and closes everything again. After an
/// error that may pass it can be called again.
fn play(
    driver: &Driver,
    options: &DecryptOptions,
    tracks: &mut [TrackProgress],
    pass: &mut Pass<'_>,
    incidents: &mut Incidents,
) -> Result<Stage, DecryptError> {
    let opening = Instant::now();
    let first = tracks.first().map(|track| track.id).unwrap_or_default();
    let device = driver.create_device().map_err(|source| DecryptError::of_path(first, None, source.into()))?;
    let protected = match options.protection {
        Protection::Required => Some(ProtectedDevice::open(&device, &options.trust, CHANNEL_TYPE)?),
        Protection::Without => None,
    };
    let licensed = options.licence.clone().map(|licence| LicensedKeys::open(&device, licence)).transpose()?;
    let given: Vec<_> = tracks.iter().map(|track| options.keys.for_track(track.id)).collect();
    let keys = |index: usize| licensed.as_ref().map_or(ContentKeys::Given(&given[index]), ContentKeys::Licensed);
    let mut paths = open_paths(&device, protected.as_ref(), &keys, options, tracks)?;
    let took = opening.elapsed();
    if took >= SLOW {
        let error = format!("the key exchanges and what belongs to them took {:.1} s", took.as_secs_f64());
        incidents.add(None, None, error, Remedy::Wait);
    }

    let result = pass.run(tracks, &mut paths, incidents);
    for (track, path) in tracks.iter_mut().zip(&paths) {
        track.close(path);
    }
    result?;

    let mut stage = Stage {
        certificate_verified: paths.iter().all(ProtectedPath::is_certificate_verified),
        lacks_refresh: paths.iter().any(ProtectedPath::lacks_refresh),
        reads_back: paths.iter().any(ProtectedPath::reads_back),
        channel: None,
        licence: None,
    };
    // Sessions and their decoders end before protection does.
    drop(paths);
    stage.licence = licensed.map(|licensed| licensed.report());
    if let Some(protected) = protected {
        let channel = protected.close()?;
        stage.certificate_verified &= channel.certificate_verified;
        stage.channel = Some(channel);
    }
    Ok(stage)
}

/// A path for each track.
fn open_paths<'a>(
    device: &Device,
    protected: Option<&'a ProtectedDevice>,
    keys: &dyn Fn(usize) -> ContentKeys<'a>,
    options: &DecryptOptions,
    tracks: &[TrackProgress],
) -> Result<Vec<ProtectedPath<'a>>, DecryptError> {
    let open = |(index, track): (usize, &TrackProgress)| {
        let (trust, refresh_every, modes) = (options.trust.clone(), options.refresh_every, track.modes);
        let path_options = PathOptions { trust, refresh_every, modes };
        let path = match protected {
            Some(protected) => ProtectedPath::open(protected, keys(index), &path_options),
            None => ProtectedPath::without_channel(device, keys(index), &path_options),
        };
        path.map_err(|source| DecryptError::of_path(track.id, None, source))
    };
    tracks.iter().enumerate().map(open).collect()
}

/// The modes of AES that a track's samples are encrypted in. Samples under clear entries are in AES-CTR: nothing says
/// otherwise.
pub(crate) fn modes(track: &Track) -> CipherModes {
    let protections = track.sample_entries().iter().filter_map(|entry| entry.protection.as_ref());
    let modes = CipherModes::of(protections.map(EntryProtection::sample_scheme));
    CipherModes { ctr: modes.ctr || !modes.cbc, ..modes }
}

/// The error of a sample without a key.
pub(crate) fn missing_key(options: &DecryptOptions, key: WantedKey) -> DecryptError {
    match options.licence {
        Some(_) => DecryptError::NotInLicence { keys: vec![key] },
        None => DecryptError::MissingKey { keys: vec![key] },
    }
}

fn track_report(track: &Track) -> TrackReport {
    TrackReport {
        id: track.id(),
        handler: track.handler().to_string(),
        codec: track.codec().to_string(),
        scheme: track.protection().map(|protection| protection.scheme.to_string()),
        decrypted: false,
        key_ids: Vec::new(),
        samples: 0,
        refreshes: 0,
        recoveries: 0,
        blits: 0,
        bytes: 0,
        bytes_encrypted: 0,
    }
}

fn notes(stage: &Stage, reports: &[TrackReport], options: &DecryptOptions) -> Vec<String> {
    let protection = options.protection;
    let mut notes = options.keys.notes().to_vec();
    let mut told = Vec::new();
    for kid in reports.iter().flat_map(|report| &report.key_ids) {
        let given = parse_kid(kid).and_then(|kid| options.keys.given_in_guid_order(&kid));
        if let Some(given) = given.filter(|_| !told.contains(&kid)) {
            told.push(kid);
            let given = KidText(given);
            notes.push(format!(
                "The key of KID {kid} was given for {given}, which is the same in the byte order of a GUID."
            ));
        }
    }
    if stage.lacks_refresh {
        notes.push("The driver cannot refresh session keys (FRESHEN_SESSION_KEY); none was refreshed.".to_owned());
    }
    if protection == Protection::Without {
        notes.push("No authenticated channel was opened, and protection was not switched on.".to_owned());
    }
    if protection == Protection::Without && stage.reads_back {
        notes.push(
            "The driver protects its output at all times (PROTECTION_ALWAYS_ON); samples were read back encrypted."
                .to_owned(),
        );
    }
    if !stage.certificate_verified {
        notes.push("The driver's certificate was not checked against a root.".to_owned());
    }
    for report in reports.iter().filter(|report| report.scheme.is_some() && !report.decrypted) {
        notes.push(format!("Track {} ({}) was not selected and stays encrypted.", report.id, report.handler));
    }
    notes
}

/// The KID that a report shows.
fn parse_kid(text: &str) -> Option<KeyId> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
