//! The demonstration from front to back.

use std::io::{self, Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use softcp_files::Destination;
use softcp_player::{
    DecryptOptions, DecryptReport, Incident, Protection, Remedy, Sink, Source, Trust, decrypt_from_to,
};
use softcp_runtime::Driver;

use crate::clip;
use crate::error::DemoError;
use crate::frame::Nv12;
use crate::noise;
use crate::picture;
use crate::report::{ClipSummary, DemoReport, FrameSummary, SurfaceSummary};
use crate::surface::{self, RoundTrip};

/// Samples between two session key refreshes: a clip of three seconds shows two of them.
const REFRESH_EVERY: u32 = 30;

/// An encrypted clip: MP4 with one H.264 track without B-pictures, under Common Encryption with AES-CTR.
#[derive(Clone, Copy, Debug)]
pub struct DemoClip<'a> {
    /// The file.
    pub file: &'a [u8],
    /// Its key, as `KID:KEY` in hexadecimal digits.
    pub key: &'a str,
    /// SHA-256 over all its decoded pictures as planar YCbCr 4:2:0, as 64 hexadecimal digits.
    pub pictures_sha256: &'a str,
}

/// What to write and whom to trust.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where the picture goes, a PNG file.
    pub picture: Destination,
    /// Where the clear clip goes, if anywhere.
    pub clear_clip: Option<Destination>,
    /// Who must vouch for the driver.
    pub trust: Trust,
    /// Whether clip and frame are protected by an authenticated channel.
    pub protection: Protection,
    /// How often clip and frame may each start over when the driver fails or is not believed: for drivers with faults.
    pub restarts: u32,
}

/// Plays `clip` through `driver`, sends one frame through a protected surface, and writes the picture.
///
/// The picture is written also when the frame did not come back: see
/// [`DemoReport::is_as_expected`](crate::DemoReport::is_as_expected).
///
/// # Errors
///
/// [`DemoError`]; neither picture nor clip has been written then, but the clip if only the picture fails.
pub fn run(driver: &Driver, clip: DemoClip<'_>, options: &DemoOptions) -> Result<DemoReport, DemoError> {
    let started = Instant::now();
    // Whether they can be written shows before the work.
    let picture_file = options.picture.create()?;
    let clip_file = options.clear_clip.as_ref().map(Destination::create).transpose()?;
    let (played, clear) = play(driver, clip, options)?;
    let pictures = clip::pictures(&clear)?;
    let index = pictures.len() / 2;
    let frame = pictures.get(index).ok_or(DemoError::NotAvc("it has no pictures"))?;
    let mut incidents = played.incidents.clone();
    let trip = send(driver, frame, options, &mut incidents)?;

    let (channel, protection) = trip.protected.clone().unzip();
    let mut report = DemoReport {
        driver: format!("{} {}", driver.name(), driver.version()),
        certificate: trip.certificate.clone(),
        clip: clip_summary(
            &played,
            clip::sha256(&pictures) == clip.pictures_sha256,
            options.clear_clip.as_ref().map(Destination::path),
        ),
        frame: FrameSummary {
            number: index + 1,
            of: pictures.len(),
            width: frame.width(),
            height: frame.height(),
            bytes: frame.bytes().len(),
        },
        surface: surface_summary(&trip, frame),
        channel,
        protection,
        incidents,
        picture: options.picture.path().to_owned(),
        panels: picture::panels(frame.width(), frame.height()),
        seconds: 0.0,
    };
    let canvas = picture::draw([frame, &trip.on_bus, &trip.read_back, &trip.opened], &report);
    let png = canvas.to_png().map_err(DemoError::Picture)?;
    if let Some(file) = clip_file {
        file.write_and_commit(&clear)?;
    }
    picture_file.write_and_commit(&png)?;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Decrypts the clip through the driver, from memory to memory.
fn play(driver: &Driver, clip: DemoClip<'_>, options: &DemoOptions) -> Result<(DecryptReport, Vec<u8>), DemoError> {
    let mut decrypt_options = DecryptOptions::new("the encrypted clip", "the clear clip", options.trust.clone());
    decrypt_options.keys.insert_text(clip.key)?;
    decrypt_options.refresh_every = REFRESH_EVERY;
    decrypt_options.protection = options.protection;
    decrypt_options.restarts = options.restarts;
    let clear = Memory::default();
    let source = Source::stream(Cursor::new(clip.file.to_vec()));
    let sink = Sink::Writer(Box::new(clear.clone()));
    let report = decrypt_from_to(driver, &decrypt_options, source, sink, &mut |_| {})?;
    Ok((report, clear.take()))
}

/// A writer into memory, whose bytes can be taken when it is written.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends the frame through a protected surface, with a new device each time that the driver fails.
fn send(
    driver: &Driver,
    frame: &Nv12,
    options: &DemoOptions,
    incidents: &mut Vec<Incident>,
) -> Result<RoundTrip, DemoError> {
    let mut restarts = 0;
    loop {
        let device = driver.create_device().map_err(DemoError::from);
        match device.and_then(|device| surface::round_trip(&device, &options.trust, frame, options.protection)) {
            Err(error) if restarts < options.restarts && error.may_pass() => {
                let (error, remedy) = (error.to_string(), Remedy::StartOver);
                incidents.push(Incident { track_id: None, sample: None, error, remedy, times: 1 });
                restarts += 1;
            }
            outcome => return outcome,
        }
    }
}

fn clip_summary(played: &DecryptReport, is_identical: bool, clear_clip: Option<&Path>) -> ClipSummary {
    let video = played.tracks.iter().find(|track| track.decrypted);
    ClipSummary {
        codec: video.map(|track| track.codec.clone()).unwrap_or_default(),
        scheme: video.and_then(|track| track.scheme.clone()).unwrap_or_default(),
        samples: played.samples,
        key_generations: played.sessions + played.refreshes,
        refreshes: played.refreshes,
        blits: played.blits,
        bytes: played.tracks.iter().map(|track| track.bytes).sum(),
        bytes_encrypted: played.bytes_encrypted,
        is_identical,
        clear_clip: clear_clip.map(Path::to_owned),
        notes: played.notes.clone(),
    }
}

fn surface_summary(trip: &RoundTrip, frame: &Nv12) -> SurfaceSummary {
    let hex = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    SurfaceSummary {
        key_generations: trip.key_generations,
        upload_iv: hex(trip.upload_iv.to_bytes()),
        bus: noise::measure(trip.on_bus.bytes()),
        read_back_iv: hex(trip.read_back_iv.to_bytes()),
        read_back_has_own_key: trip.own_key,
        read_back: noise::measure(trip.read_back.bytes()),
        read_back_identical: trip.opened == *frame,
    }
}
