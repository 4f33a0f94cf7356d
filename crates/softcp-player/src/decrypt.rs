//! An encrypted file to a clear one, in one forward pass.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use softcp_cenc::{FourCc, KeyId, Movie, Protection as EntryProtection, Scheme, Selection, Track};
use softcp_client::ChannelType;
use softcp_client::clear_key::Licence;
use softcp_runtime::{Device, Driver};
use tempfile::NamedTempFile;

use crate::error::DecryptError;
use crate::incident::{Incidents, Remedy};
use crate::keys::{ContentKeys, KeyMap};
use crate::licence::LicensedKeys;
use crate::pass::{Pass, TrackProgress};
use crate::path::{CipherModes, PathOptions, ProtectedPath};
use crate::protected::{ProtectedDevice, Protection};
use crate::report::{ChannelReport, DecryptReport, LicenceReport, TrackReport};
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
            tracks: None,
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that are done.
    pub bytes: u64,
    /// Bytes of the file.
    pub total: u64,
}

/// Decrypts a file through the protected path of `driver`, as a protected player does: it opens an authenticated channel
/// and switches protection on, then has one crypto session for each decrypted track, bound to a decoder of its own.
/// Samples are decrypted into protected resources and read back encrypted. At the end, and also when it fails half-way,
/// protection is switched off again. [`Protection::Without`] leaves out the channel and what comes with it.
///
/// The clear file has the input's length, and each sample keeps its place in it. It is written beside the output under
/// a temporary name and renamed when it is complete: a run that fails leaves no trace, and an existing output as it was.
/// `progress` is called about once per MiB and at the end.
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
/// A key that is wrong is not noticed: neither AES-CTR nor AES-CBC has a way to tell.
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
    let started = Instant::now();
    let file = open(&options.input)?;
    check_output(options)?;
    let container = |source| DecryptError::Container { path: options.input.clone(), source };
    // A handle of its own for the metadata: the other one is read from front to back.
    let movie = Movie::open(BufReader::new(open(&options.input)?)).map_err(container)?;
    let selected = select_tracks(options, movie.tracks())?;
    check_keys(options, movie.tracks(), &selected)?;
    let is_selected = |track: &&Track| selected.contains(&track.id());
    let mut tracks: Vec<_> = movie.tracks().iter().filter(is_selected).map(TrackProgress::new).collect();
    let mut reports: Vec<_> = movie.tracks().iter().map(track_report).collect();
    let total = movie.file_len();
    let pieces = movie.into_pieces(&Selection::Tracks(selected)).map_err(container)?;
    let output_error = |source| DecryptError::WriteOutput { path: options.output.clone(), source };
    let temporary = temporary_beside(&options.output).map_err(output_error)?;
    let mut pass = Pass::new(options, pieces, file, temporary, total, progress).map_err(output_error)?;
    let mut incidents = Incidents::default();
    let mut restarts = 0;
    let stage = loop {
        match play(driver, options, &mut tracks, &mut pass, &mut incidents) {
            Ok(stage) => break stage,
            Err(error) if restarts < options.restarts && error.may_pass() => {
                let (track_id, sample, error) = error.placed();
                incidents.add(track_id, sample, error, Remedy::StartOver);
                restarts += 1;
            }
            Err(error) => return Err(error),
        }
    };
    let temporary = pass.finish()?;

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
        bytes: total,
        seconds: 0.0,
        megabytes_per_second: 0.0,
        incidents: incidents.into_vec(),
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
    report.notes = notes(&stage, &reports, options.protection);
    report.tracks = reports;
    (report.channel, report.licence) = (stage.channel, stage.licence);
    put_in_place(temporary, options)?;
    report.seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let bytes = total as f64;
    report.megabytes_per_second = bytes / 1e6 / report.seconds.max(f64::EPSILON);
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
    let keys = licensed.as_ref().map_or(ContentKeys::Given(&options.keys), ContentKeys::Licensed);
    let mut paths = open_paths(&device, protected.as_ref(), keys, options, tracks)?;
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
    keys: ContentKeys<'a>,
    options: &DecryptOptions,
    tracks: &[TrackProgress],
) -> Result<Vec<ProtectedPath<'a>>, DecryptError> {
    let open = |track: &TrackProgress| {
        let (trust, refresh_every, modes) = (options.trust.clone(), options.refresh_every, track.modes);
        let path_options = PathOptions { trust, refresh_every, modes };
        let path = match protected {
            Some(protected) => ProtectedPath::open(protected, keys, &path_options),
            None => ProtectedPath::without_channel(device, keys, &path_options),
        };
        path.map_err(|source| DecryptError::of_path(track.id, None, source))
    };
    tracks.iter().map(open).collect()
}

fn open(path: &Path) -> Result<File, DecryptError> {
    File::open(path).map_err(|source| DecryptError::OpenInput { path: path.to_owned(), source })
}

/// Refuses an output that would replace something it must not.
fn check_output(options: &DecryptOptions) -> Result<(), DecryptError> {
    let path = || options.output.clone();
    let metadata = match fs::metadata(&options.output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(DecryptError::WriteOutput { path: path(), source }),
        Ok(metadata) => metadata,
    };
    if !metadata.is_file() {
        return Err(DecryptError::OutputNotAFile { path: path() });
    }
    let real = |path: &Path| fs::canonicalize(path).ok();
    if real(&options.output).is_some_and(|output| real(&options.input) == Some(output)) {
        return Err(DecryptError::OutputIsInput { path: path() });
    }
    if options.overwrite { Ok(()) } else { Err(DecryptError::OutputExists { path: path() }) }
}

/// The schemes of a track's sample entries.
fn schemes(track: &Track) -> impl Iterator<Item = Scheme> {
    track.sample_entries().iter().filter_map(|entry| Some(entry.protection.as_ref()?.scheme))
}

/// The modes of AES that a track's samples are encrypted in.
pub(crate) fn modes(track: &Track) -> CipherModes {
    let protections = track.sample_entries().iter().filter_map(|entry| entry.protection.as_ref());
    CipherModes::of(protections.map(EntryProtection::sample_scheme))
}

/// The numbers of the tracks to decrypt, all of which are under one of the four schemes.
fn select_tracks(options: &DecryptOptions, tracks: &[Track]) -> Result<Vec<u32>, DecryptError> {
    let selected: Vec<&Track> = match &options.tracks {
        None => tracks.iter().filter(|track| track.protection().is_some()).collect(),
        Some(track_ids) => {
            track_ids.iter().try_for_each(|id| check_selectable(tracks, *id))?;
            tracks.iter().filter(|track| track_ids.contains(&track.id())).collect()
        }
    };
    if selected.is_empty() {
        return Err(DecryptError::NotEncrypted { path: options.input.clone(), tracks: tracks.len() });
    }
    for track in &selected {
        if let Some(scheme) = schemes(track).find(|scheme| !scheme.is_aes_ctr() && !scheme.is_aes_cbc()) {
            return Err(DecryptError::UnsupportedScheme { track_id: track.id(), handler: track.handler(), scheme });
        }
    }
    Ok(selected.iter().map(|track| track.id()).collect())
}

fn check_selectable(tracks: &[Track], track_id: u32) -> Result<(), DecryptError> {
    let Some(track) = tracks.iter().find(|track| track.id() == track_id) else {
        let available = tracks.iter().map(Track::id).collect();
        return Err(DecryptError::NoSuchTrack { track_id, available });
    };
    if track.protection().is_none() {
        return Err(DecryptError::ClearTrack { track_id });
    }
    Ok(())
}

/// Looks for the keys that the tracks name as their defaults. A default of zeros belongs to a file that rotates keys:
/// its samples name theirs, as they come.
fn check_keys(options: &DecryptOptions, tracks: &[Track], selected: &[u32]) -> Result<(), DecryptError> {
    for track in tracks.iter().filter(|track| selected.contains(&track.id())) {
        let protections = track.sample_entries().iter().filter_map(|entry| entry.protection.as_ref());
        let defaults = protections.filter(|protection| protection.protected_by_default);
        let mut kids = defaults.filter_map(|protection| protection.default_kid).filter(|kid| *kid != KeyId::default());
        let has = |kid: &KeyId| match &options.licence {
            Some(licence) => licence.kids().contains(kid),
            None => options.keys.get(kid).is_some(),
        };
        if let Some(kid) = kids.find(|kid| !has(kid)) {
            return Err(missing_key(options, track.id(), track.handler(), kid));
        }
    }
    Ok(())
}

pub(crate) fn missing_key(options: &DecryptOptions, track_id: u32, handler: FourCc, kid: KeyId) -> DecryptError {
    match options.licence {
        Some(_) => DecryptError::NotInLicence { track_id, handler, kid },
        None => DecryptError::MissingKey { track_id, handler, kid },
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

fn notes(stage: &Stage, reports: &[TrackReport], protection: Protection) -> Vec<String> {
    let mut notes = Vec::new();
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

/// A new file in the output's directory, so that it can be renamed; with the permissions of an ordinary new file.
fn temporary_beside(output: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".softcp-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    match output.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        Some(directory) => builder.tempfile_in(directory),
        None => builder.tempfile_in("."),
    }
}

fn put_in_place(temporary: NamedTempFile, options: &DecryptOptions) -> Result<(), DecryptError> {
    let path = options.output.clone();
    let persisted = if options.overwrite { temporary.persist(&path) } else { temporary.persist_noclobber(&path) };
    match persisted {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(DecryptError::OutputExists { path }),
        Err(error) => Err(DecryptError::WriteOutput { path, source: error.error }),
    }
}
