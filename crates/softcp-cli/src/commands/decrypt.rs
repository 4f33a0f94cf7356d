//! `softcp decrypt`: an encrypted file to a clear one.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use softcp::capability::Capability;
use softcp_files::{Destination, path_text};
use softcp_player::{
    ChannelReport, DecryptError, DecryptOptions, DecryptReport, Incident, InitSegment, LicenceReport, Progress, Sink,
    Source, TrackReport, decrypt_from_to,
};

use crate::args::DecryptArgs;
use crate::driver::{self, TrustedDriver};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{keys, progress, protected, table};

/// What a stream is called.
const STDIN: &str = "standard input";

/// `softcp decrypt IN.mp4 --key KID:KEY -o OUT.mp4`, or with `--licence FILE.json`.
pub(crate) fn run(args: &DecryptArgs, json: bool) -> Result<Exit, Failure> {
    let jobs = jobs(args)?;
    let keys = keys::read(&args.keys, args.key_file.as_deref())?;
    let licence = args.licence.as_deref().map(keys::licence).transpose()?;
    let init =
        args.init.as_deref().map(InitSegment::read).transpose().map_err(|error| protected::file_failed(&error))?;
    let directory = args.output_dir.as_deref().map(MadeDirectory::new).transpose()?;
    // Everything that can be known before is known before the first file is touched.
    let jobs = jobs.into_iter().map(|job| job.check(args)).collect::<Result<Vec<_>, _>>()?;
    let trusted = match licence {
        Some(_) => driver::open_trusted_having(&args.driver, &args.trust, Capability::HardwareDrmCommunication)?,
        None => driver::open_trusted(&args.driver, &args.trust)?,
    };
    let is_alone = jobs.len() == 1;
    let mut exit = Exit::Ok;
    for CheckedJob { input, name, destination } in jobs {
        let options = DecryptOptions {
            overwrite: args.force,
            keys: keys.clone(),
            licence: licence.clone(),
            refresh_every: args.refresh_every,
            protection: args.protection.into(),
            restarts: args.restarts,
            partial: args.partial,
            cens_tail: args.cens_tail.into(),
            tracks: (!args.tracks.is_empty()).then(|| args.tracks.clone()),
            ..DecryptOptions::new(name, destination.path(), trusted.trust.for_player())
        };
        let is_aside = destination.is_stdout();
        let result = decrypt(&trusted, &options, &input, init.clone(), destination);
        match result {
            Ok(report) if is_aside => output::print_aside(&Decrypted { report, is_aside }, json)?,
            Ok(report) => output::print(&Decrypted { report, is_aside }, json)?,
            Err(failure) if is_alone => return Err(failure),
            // The others may be good.
            Err(failure) => {
                failure.print(json);
                exit = if exit == Exit::Ok { failure.exit } else { exit };
            }
        }
    }
    if let Some(directory) = directory {
        directory.keep();
    }
    Ok(exit)
}

/// One file.
fn decrypt(
    trusted: &TrustedDriver,
    options: &DecryptOptions,
    input: &Input,
    init: Option<InitSegment>,
    destination: Destination,
) -> Result<DecryptReport, Failure> {
    let failed = |error| protected::decrypt_failed(&error, &trusted.trust);
    let source = input.open().map_err(failed)?;
    let source = match init {
        Some(init) => source.after(init),
        None => source,
    };
    let total = std::fs::metadata(&options.input).map(|metadata| metadata.len()).ok();
    let bar = progress::bar(total);
    let mut follow = |progress: Progress| {
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.bytes);
    };
    let result = decrypt_from_to(&trusted.opened.driver, options, source, Sink::Destination(destination), &mut follow);
    bar.finish_and_clear();
    result.map_err(failed)
}

/// An input as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    pub(super) fn new(path: &Path) -> Self {
        let is_stdin = path == Path::new("-")
            || cfg!(unix) && ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name));
        if is_stdin { Self::Stdin } else { Self::File(path.to_owned()) }
    }

    /// What it is called in reports.
    pub(super) fn name(&self) -> PathBuf {
        match self {
            Self::Stdin => PathBuf::from(STDIN),
            Self::File(path) => path.clone(),
        }
    }

    pub(super) fn open(&self) -> Result<Source, DecryptError> {
        match self {
            Self::Stdin => {
                Source::stdin().map_err(|source| DecryptError::OpenInput { path: PathBuf::from(STDIN), source })
            }
            Self::File(path) => Source::open(path),
        }
    }

    /// Refuses a terminal: nobody types a film.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Stdin if io::stdin().is_terminal() => Err(Failure::usage(
                "standard input is a terminal",
                "pipe a file into this command, or name one in place of -",
            )),
            _ => Ok(()),
        }
    }
}

/// What to decrypt to where.
struct Job {
    input: Input,
    output: PathBuf,
}

/// The same after a look at both.
struct CheckedJob {
    input: Input,
    name: PathBuf,
    destination: Destination,
}

impl Job {
    /// Finds out what can be said before any file is decrypted.
    fn check(self, args: &DecryptArgs) -> Result<CheckedJob, Failure> {
        let Self { input, output } = self;
        input.check()?;
        // Opened once more when its turn comes; what is missing is said now.
        if let Input::File(path) = &input {
            Source::open(path).map_err(|error| protected::file_failed(&error))?;
        }
        let name = input.name();
        if output == Path::new("-") {
            if io::stdout().is_terminal() {
                return Err(Failure::usage(
                    "standard output is a terminal",
                    "redirect it or pipe it to a program, or name a file with -o",
                ));
            }
            return Ok(CheckedJob { input, name, destination: Destination::stdout() });
        }
        // A file that is read for this one is not replaced by it.
        let inputs = [Some(&name), args.init.as_ref(), args.key_file.as_ref(), args.licence.as_ref()];
        let real = std::fs::canonicalize(&output).ok();
        let is_read = |path: &PathBuf| real.is_some() && std::fs::canonicalize(path).ok() == real;
        if inputs.into_iter().flatten().chain(&args.inputs).any(is_read) {
            return Err(protected::file_failed(&DecryptError::OutputIsInput { path: output }));
        }
        let option = if args.output.is_some() { "-o" } else { "--output-dir" };
        let destination = Destination::check(&output, args.force).map_err(|error| Failure::output(&error, option))?;
        Ok(CheckedJob { input, name, destination })
    }
}

/// The inputs and their outputs.
fn jobs(args: &DecryptArgs) -> Result<Vec<Job>, Failure> {
    let inputs: Vec<_> = args.inputs.iter().map(|path| Input::new(path)).collect();
    if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(Failure::usage("standard input is named twice", "name it once"));
    }
    let Some(directory) = &args.output_dir else {
        let output = args.output.clone().unwrap_or_default();
        let [input] = <[Input; 1]>::try_from(inputs).map_err(|inputs| {
            Failure::usage(
                format!("{} inputs have one output", inputs.len()),
                "name a directory for the outputs with --output-dir in place of -o",
            )
        })?;
        return Ok(vec![Job { input, output }]);
    };
    let mut jobs = Vec::<Job>::new();
    for input in inputs {
        let name = match &input {
            Input::File(path) => path.file_name().map(ToOwned::to_owned),
            Input::Stdin => {
                return Err(Failure::usage(
                    "standard input has no name for a file in --output-dir",
                    "name its output with -o",
                ));
            }
        };
        let name = name
            .ok_or_else(|| Failure::usage(format!("{} has no file name", path_text(&input.name())), "name a file"))?;
        let output = directory.join(name);
        if let Some(other) = jobs.iter().find(|job| job.output == output) {
            return Err(Failure::usage(
                format!(
                    "{} and {} would have the same output {}",
                    path_text(&other.input.name()),
                    path_text(&input.name()),
                    path_text(&output)
                ),
                "decrypt them into different directories",
            ));
        }
        jobs.push(Job { input, output });
    }
    Ok(jobs)
}

/// A directory that may have been made, and goes again if nothing comes of it.
struct MadeDirectory {
    path: PathBuf,
    is_new: bool,
}

impl MadeDirectory {
    fn new(path: &Path) -> Result<Self, Failure> {
        let is_new = !path.exists();
        std::fs::create_dir_all(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::environment(
                format!("{} is not a directory", path_text(path)),
                "name a directory with --output-dir, or a file with -o",
            ),
            _ => Failure::io("make", path, &error),
        })?;
        Ok(Self { path: path.to_owned(), is_new })
    }

    fn keep(mut self) {
        self.is_new = false;
    }
}

impl Drop for MadeDirectory {
    fn drop(&mut self) {
        if self.is_new {
            // One that holds something stays.
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

/// What `softcp decrypt` reports.
#[derive(Serialize)]
struct Decrypted {
    #[serde(flatten)]
    report: DecryptReport,
    /// Whether it is printed to standard error, since standard output has the content.
    #[serde(skip)]
    is_aside: bool,
}

impl Report for Decrypted {
    const NAME: &'static str = "decrypt";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let report = &self.report;
        let certificate = if report.certificate_verified { "certificate trusted" } else { "certificate not checked" };
        writeln!(out, "{}, {certificate}\n", printable(&report.driver))?;
        let mut table = table::with_header([
            "Track",
            "Kind",
            "Codec",
            "Scheme",
            "Samples",
            "Refreshes",
            "Blits",
            "Bytes",
            "Encrypted",
            "KID",
        ]);
        for track in &report.tracks {
            let counts = [track.samples, track.refreshes, track.blits, track.bytes, track.bytes_encrypted];
            let counts = counts.map(|count| if track.decrypted { count.to_string() } else { "-".to_owned() });
            let key_ids = if track.decrypted { track.key_ids.join("\n") } else { "copied as it is".to_owned() };
            let scheme = track.scheme.clone().unwrap_or_else(|| "clear".to_owned());
            let words = [track.id.to_string(), printable(&track.handler), printable(&track.codec), scheme];
            table.add_row(words.into_iter().chain(counts).chain([key_ids]));
        }
        for column in 4..9 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(comfy_table::CellAlignment::Right);
            }
        }
        let fitted = if self.is_aside { table::text_aside(&table) } else { table::text(&table) };
        writeln!(out, "{fitted}\n")?;
        writeln!(
            out,
            "{}: {} bytes in {:.2} s, {:.0} MB/s",
            path_text(&report.output),
            report.bytes,
            report.seconds,
            report.megabytes_per_second
        )?;
        writeln!(
            out,
            "{}, {}, {}",
            counted(report.sessions, "crypto session"),
            counted(report.refreshes, "session key refresh"),
            counted(report.blits, decryption(report))
        )?;
        if let Some(channel) = &report.channel {
            let (protection, messages) = (protection_text(channel), messages_text(channel));
            writeln!(out, "authenticated channel ({}): protection {protection}, {messages}", channel.channel_type)?;
        }
        if let Some(licence) = &report.licence {
            writeln!(out, "{}", licence_text(licence))?;
        }
        report.incidents.iter().try_for_each(|incident| {
            writeln!(out, "{}: {}", incident_place(incident), printable(&incident.error))?;
            writeln!(out, "  {}", incident_remedy(incident))
        })?;
        report.wrong_keys.iter().try_for_each(|key| writeln!(out, "warning: {}", printable(&key.to_string())))?;
        report.file_notes.iter().try_for_each(|note| writeln!(out, "note: {}", printable(&note.to_string())))?;
        report.notes.iter().try_for_each(|note| writeln!(out, "note: {}", printable(note)))
    }
}

/// What decrypts: blits, and frames where a track is in AES-CBC.
fn decryption(report: &DecryptReport) -> &'static str {
    let is_cbc = |track: &TrackReport| track.scheme.as_deref().is_some_and(|scheme| scheme.starts_with("cbc"));
    let decrypted = || report.tracks.iter().filter(|track| track.decrypted);
    match (decrypted().any(is_cbc), decrypted().all(is_cbc)) {
        (true, true) => "decoder frame",
        (true, false) => "decryption blit and decoder frame",
        (false, _) => "decryption blit",
    }
}

/// Where something went wrong first.
pub(super) fn incident_place(incident: &Incident) -> String {
    let track = incident.track_id.map(|id| format!("track {id}, ")).unwrap_or_default();
    match incident.sample {
        Some(sample) => format!("{track}sample {sample}"),
        None => format!("{track}opening or closing"),
    }
}

/// What was done about it, and how often.
pub(super) fn incident_remedy(incident: &Incident) -> String {
    match incident.times {
        1 => incident.remedy.to_string(),
        times => format!("{}: {}", incident.remedy, counted(times, "time")),
    }
}

/// What became of a licence.
fn licence_text(licence: &LicenceReport) -> String {
    let LicenceReport { kind, keys, times_loaded, sealed_keys, .. } = licence;
    let (keys, sealed) = (counted(*keys, "key"), counted(*sealed_keys, "sealed key"));
    format!("{kind} licence of {keys}: loaded {}, {sealed} made", counted(*times_loaded, "time"))
}

/// What became of protection over a channel.
pub(super) fn protection_text(channel: &ChannelReport) -> &'static str {
    match (channel.protection_on, channel.protection_off_again) {
        (true, true) => "on, and off again at the end",
        (true, false) => "stays on, as it was before",
        (false, _) => "OFF",
    }
}

/// What was exchanged over a channel.
pub(super) fn messages_text(channel: &ChannelReport) -> String {
    let bound = counted(channel.sessions_bound, "session");
    let answers = counted(channel.commands + channel.queries, "answer");
    format!("{bound} bound, {} of {answers} signed", channel.answers_verified)
}

/// A number of things, as "1 session" and "2 sessions".
pub(super) fn counted(count: u64, thing: &str) -> String {
    let ending = match count {
        1 => "",
        _ if thing.ends_with('h') => "es",
        _ => "s",
    };
    format!("{count} {thing}{ending}")
}
