//! `softcp info`: what is in a file.

use std::io::{self, Write};

use comfy_table::CellAlignment;
use serde::Serialize;
use softcp_files::path_text;
use softcp_player::{FileInfo, InitSegment, TrackDecryption, TrackInfo, info};

use super::decrypt::{Input, counted};
use crate::args::InfoArgs;
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{protected, table};

/// `softcp info FILE`.
pub(crate) fn run(args: &InfoArgs, json: bool) -> Result<Exit, Failure> {
    let input = Input::new(&args.file);
    input.check()?;
    let init =
        args.init.as_deref().map(InitSegment::read).transpose().map_err(|error| protected::file_failed(&error))?;
    let source = input.open().map_err(|error| protected::file_failed(&error))?;
    let source = match init {
        Some(init) => source.after(init),
        None => source,
    };
    let info = info(source, &input.name()).map_err(|error| protected::file_failed(&error))?;
    output::print(&Shown(info), json)?;
    Ok(Exit::Ok)
}

/// What `softcp info` reports.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(FileInfo);

impl Report for Shown {
    const NAME: &'static str = "info";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let FileInfo { file, bytes, fragmented, tracks, key_systems, file_notes, .. } = &self.0;
        let kind = if *fragmented { "fragmented MP4" } else { "MP4" };
        writeln!(out, "{}: {kind}, {bytes} bytes\n", path_text(file))?;
        let mut table = table::with_header([
            "Track",
            "Kind",
            "Codec",
            "Scheme",
            "IV",
            "Pattern",
            "Samples",
            "Encrypted",
            "Bytes",
            "Encrypted",
            "KID",
        ]);
        for track in tracks {
            table.add_row(row(track));
        }
        for column in 6..10 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(out, "{}\n", table::text(&table))?;
        for system in key_systems {
            let name = system.name.as_deref().unwrap_or("unknown");
            let keys = counted(system.key_ids.len() as u64, "KID");
            writeln!(out, "key system {} ({name}): {keys}, {} bytes of data", system.system_id, system.data_bytes)?;
        }
        file_notes.iter().try_for_each(|note| writeln!(out, "note: {}", printable(&note.to_string())))?;
        if !key_systems.is_empty() || !file_notes.is_empty() {
            writeln!(out)?;
        }
        self.write_outlook(out)
    }
}

impl Shown {
    /// What `softcp decrypt` would do.
    fn write_outlook(&self, out: &mut dyn Write) -> io::Result<()> {
        let FileInfo { tracks, key_ids, problem, .. } = &self.0;
        if let Some(problem) = problem {
            return writeln!(out, "softcp decrypt would refuse it: {}", printable(problem));
        }
        let of = |decryption| {
            let chosen = tracks.iter().filter(|track| track.decryption == decryption);
            chosen.map(|track| track.id.to_string()).collect::<Vec<_>>()
        };
        let (decrypted, copied) = (of(TrackDecryption::Decrypts), of(TrackDecryption::Copies));
        write!(out, "softcp decrypt would decrypt track {}", decrypted.join(", "))?;
        if !copied.is_empty() {
            write!(out, " and copy track {}", copied.join(", "))?;
        }
        writeln!(out, ", given {}:", counted(key_ids.len() as u64, "key"))?;
        write!(out, "  softcp decrypt {}", path_text(&self.0.file))?;
        key_ids.iter().try_for_each(|kid| write!(out, " --key {kid}:KEY"))?;
        writeln!(out, " -o OUT.mp4")
    }
}

fn row(track: &TrackInfo) -> [String; 11] {
    let dash = || "-".to_owned();
    let iv = match track.iv_size {
        None => dash(),
        Some(0) => "constant".to_owned(),
        Some(bytes) => format!("{bytes} bytes"),
    };
    [
        track.id.to_string(),
        printable(&track.handler),
        printable(&track.codec),
        track.scheme.clone().unwrap_or_else(|| "clear".to_owned()),
        iv,
        track.pattern.clone().unwrap_or_else(dash),
        track.samples.to_string(),
        track.samples_encrypted.to_string(),
        track.bytes.to_string(),
        track.bytes_encrypted.to_string(),
        if track.key_ids.is_empty() { dash() } else { track.key_ids.join("\n") },
    ]
}
