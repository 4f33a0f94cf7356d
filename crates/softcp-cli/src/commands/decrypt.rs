//! `softcp decrypt`: an encrypted file to a clear one.

use std::io::{self, Write};

use serde::Serialize;
use softcp::capability::Capability;
use softcp_player::{ChannelReport, DecryptOptions, DecryptReport, Incident, LicenceReport, decrypt};

use crate::args::DecryptArgs;
use crate::driver;
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{keys, progress, protected, table};

/// `softcp decrypt IN.mp4 --key KID:KEY -o OUT.mp4`, or with `--licence FILE.json`.
pub(crate) fn run(args: &DecryptArgs, json: bool) -> Result<Exit, Failure> {
    let keys = keys::read(&args.keys, args.key_file.as_deref())?;
    let licence = args.licence.as_deref().map(keys::licence).transpose()?;
    let trusted = match licence {
        Some(_) => driver::open_trusted_having(&args.driver, &args.trust, Capability::HardwareDrmCommunication)?,
        None => driver::open_trusted(&args.driver, &args.trust)?,
    };
    let options = DecryptOptions {
        overwrite: args.force,
        keys,
        licence,
        refresh_every: args.refresh_every,
        protection: args.protection.into(),
        restarts: args.restarts,
        partial: args.partial,
        cens_tail: args.cens_tail.into(),
        tracks: (!args.tracks.is_empty()).then(|| args.tracks.clone()),
        ..DecryptOptions::new(&args.input, &args.output, trusted.trust.for_player())
    };
    let total = std::fs::metadata(&args.input).map_or(0, |metadata| metadata.len());
    let bar = progress::bar(total);
    let result = decrypt(&trusted.opened.driver, &options, &mut |progress| bar.set_position(progress.bytes));
    bar.finish_and_clear();
    let report = result.map_err(|error| protected::decrypt_failed(&error, &trusted.trust))?;
    output::print(&Decrypted(report), json)?;
    Ok(Exit::Ok)
}

/// What `softcp decrypt` reports.
#[derive(Serialize)]
#[serde(transparent)]
struct Decrypted(DecryptReport);

impl Report for Decrypted {
    const NAME: &'static str = "decrypt";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let report = &self.0;
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
        writeln!(out, "{}\n", table.trim_fmt())?;
        writeln!(
            out,
            "{}: {} bytes in {:.2} s, {:.0} MB/s",
            report.output.display(),
            report.bytes,
            report.seconds,
            report.megabytes_per_second
        )?;
        writeln!(
            out,
            "{}, {}, {}",
            counted(report.sessions, "crypto session"),
            counted(report.refreshes, "session key refresh"),
            counted(report.blits, "decryption blit")
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
