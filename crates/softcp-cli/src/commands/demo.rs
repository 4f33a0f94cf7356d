//! `softcp demo`: what each side sees of protected video.

mod sample;

use std::io::{self, Write};
use std::path::Path;

use comfy_table::Table;
use serde::Serialize;
use softcp_demo::{Attempt, DemoClip, DemoError, DemoOptions, DemoReport, Enforcement, Noise};
use softcp_files::{Destination, path_text};

use super::decrypt::{counted, incident_place, incident_remedy, messages_text, protection_text};
use crate::args::DemoArgs;
use crate::driver::{self, Trust};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{protected, table};

/// The clip that the command carries; `assets/demo-cenc.toml` says where it is from.
const CLIP: DemoClip<'_> = DemoClip {
    file: include_bytes!("../../assets/demo-cenc.mp4"),
    key: "5eed0000000000000000000000000001:00112233445566778899aabbccddeeff",
    pictures_sha256: "017ae1f32ce8b583007f6afbc336d19578628d4ec8215756e4e85f5c92663ae8",
};

/// How often clip and frame may each start over when a fault is asked for.
const RESTARTS: u32 = 3;

const PICTURE: &str = "softcp-demo.png";

/// `softcp demo`.
pub(crate) fn run(args: &DemoArgs, json: bool) -> Result<Exit, Failure> {
    if let Some(directory) = &args.write_sample {
        return sample::write(directory, args.force, json);
    }
    let picture = picture(args)?;
    let clear_clip = args.clip.as_deref().map(|path| destination(path, args.force, "--clip")).transpose()?;
    if clear_clip.as_ref().and_then(Destination::real_path).is_some_and(|clip| picture.real_path() == Some(clip)) {
        return Err(Failure::usage("picture and clip have the same name", "choose another one with --clip"));
    }
    let fault = args.fault.as_ref().map(|fault| format!("faults.list={fault}"));
    let trusted = driver::open_trusted_with(&args.driver, &args.trust, |_| fault)?;
    let options = DemoOptions {
        picture,
        clear_clip,
        trust: trusted.trust.for_player(),
        protection: args.protection.into(),
        restarts: if args.fault.is_some() { RESTARTS } else { 0 },
    };
    let demo = softcp_demo::run(&trusted.opened.driver, CLIP, &options)
        .map_err(|error| demo_failed(&error, &trusted.trust))?;
    let shown =
        Shown { demo, root: trusted.trust.origin.to_string(), fault: args.fault.as_ref().map(ToString::to_string) };
    let is_as_expected = shown.is_as_expected();
    output::print(&shown, json)?;
    Ok(if is_as_expected { Exit::Ok } else { Exit::CheckFailed })
}

/// Where the picture goes. The one that nobody has named replaces an ordinary file of its name, and nothing that somebody may
/// have linked there.
fn picture(args: &DemoArgs) -> Result<Destination, Failure> {
    let Some(path) = &args.output else {
        let path = Path::new(PICTURE);
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if is_link && !args.force {
            return Err(Failure::environment(
                format!("{PICTURE} is a link"),
                "name the picture with -o, or replace what the link leads to with --force",
            ));
        }
        return destination(path, true, "-o");
    };
    destination(path, args.force, "-o")
}

fn destination(path: &Path, replace: bool, option: &str) -> Result<Destination, Failure> {
    Destination::check(path, replace).map_err(|error| Failure::output(&error, option))
}

fn demo_failed(error: &DemoError, trust: &Trust) -> Failure {
    match error {
        DemoError::Decrypt(error) => protected::decrypt_failed(error, trust),
        DemoError::Driver(error) => driver::call_failed(error),
        DemoError::Session(error) => protected::path_failed("the frame", error, trust),
        DemoError::Channel(failure) => protected::channel_failed(failure, trust),
        DemoError::NotOffered { .. } => Failure::check(
            error.to_string(),
            "`softcp caps` shows what the driver offers; use another driver or profile",
        ),
        DemoError::Output(error) => Failure::output(error, "-o"),
        DemoError::NotAvc(_) | DemoError::Decode { .. } | DemoError::Container(_) => Failure::check(
            format!("the driver did not give the clip back as it was: {error}"),
            "this is a defect of the driver: report it to the driver's maker",
        ),
        _ => Failure::check(
            printable(&error.to_string()),
            "run again with -v, or with SOFTCP_LOG=debug, to see what the driver did",
        ),
    }
}

/// What `softcp demo` reports.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    demo: DemoReport,
    /// Whom the certificate was checked against.
    root: String,
    /// The fault that was asked for.
    fault: Option<String>,
}

impl Report for Shown {
    const NAME: &'static str = "demo";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let DemoReport { certificate, clip, frame, surface, .. } = &self.demo;
        let root = if certificate.is_verified {
            format!("ok, leads to {}", self.root)
        } else {
            "not checked: any root was accepted".to_owned()
        };
        let identical = if surface.read_back_identical { "yes" } else { "NO" };
        let key = if surface.read_back_has_own_key { "a key of its own" } else { "the session key" };
        let size = format!("{} x {}, NV12, {} bytes", frame.width, frame.height, frame.bytes);
        let mut table = table::plain();
        table
            .add_row(["Driver", &printable(&self.demo.driver)])
            .add_row(["Certificate", &certificate.subject])
            .add_row(["  root", &root])
            .add_row(["Clip", &format!("{} ({}), {}", clip.codec, clip.scheme, counted(clip.samples, "sample"))])
            .add_row(["  session keys", &key_text(clip.key_generations, clip.refreshes)])
            .add_row(["  through the driver", &counted(clip.blits, "decryption blit")])
            .add_row(["  bytes", &format!("{}, of which {} encrypted", clip.bytes, clip.bytes_encrypted)])
            .add_row(["  pictures identical", if clip.is_identical { "yes" } else { "NO" }])
            .add_row(["Frame", &format!("picture {} of {}, {size}", frame.number, frame.of)])
            .add_row(["  session keys", &key_text(surface.key_generations, surface.key_generations - 1)])
            .add_row(["  on the bus", &noise_text(&surface.bus)])
            .add_row(["  read back", &format!("under {key}, IV {}", surface.read_back_iv)])
            .add_row(["  without the key", &noise_text(&surface.read_back)])
            .add_row(["  read-back identical", identical]);
        self.add_channel(&mut table);
        self.add_fault(&mut table);
        writeln!(out, "{}\n", table::text(&table))?;
        for note in &clip.notes {
            writeln!(out, "note: {}", printable(note))?;
        }
        if let Some(path) = &clip.clear_clip {
            writeln!(out, "Clear clip: {}", path_text(path))?;
        }
        writeln!(out, "Picture: {}", path_text(&self.demo.picture))
    }
}

impl Shown {
    /// Whether all went well, and a fault that was asked for occurred and was mended.
    fn is_as_expected(&self) -> bool {
        self.demo.is_as_expected() && (self.fault.is_none() || !self.demo.incidents.is_empty())
    }

    /// The fault asked for, and what went wrong and was done about it.
    fn add_fault(&self, table: &mut Table) {
        match &self.fault {
            Some(fault) => table.add_row(["Fault", fault]),
            None if self.demo.incidents.is_empty() => return,
            None => table.add_row(["Incidents"]),
        };
        if self.demo.incidents.is_empty() {
            table.add_row(["  seen", "NOTHING: it did not occur"]);
        }
        for incident in &self.demo.incidents {
            table
                .add_row(["  where", &incident_place(incident)])
                .add_row(["  seen", &printable(&incident.error)])
                .add_row(["  done", &incident_remedy(incident)]);
        }
    }

    /// The channel, and what protection forbade.
    fn add_channel(&self, table: &mut Table) {
        let Some(channel) = &self.demo.channel else {
            table.add_row(["Channel", "none: protection was not switched on"]);
            return;
        };
        table
            .add_row(["Channel", &channel.channel_type])
            .add_row(["  protection", protection_text(channel)])
            .add_row(["  messages", &messages_text(channel)]);
        let Some(protection) = &self.demo.protection else { return };
        let states =
            [("while on", &protection.while_on, true), ("after off", &protection.after_off, protection.always_on)];
        for (state, Enforcement { map, blit }, is_on) in states {
            table
                .add_row([&format!("  mapping {state}"), &attempt_text(map, is_on)])
                .add_row([&format!("  clear blit {state}"), &attempt_text(blit, is_on)]);
        }
    }
}

/// What came of an attempt to see the frame, and in capitals where it is not as it should be.
fn attempt_text(attempt: &Attempt, is_on: bool) -> String {
    let refused_with = attempt.refused_with.as_deref().unwrap_or("no reason");
    match (is_on, attempt.allowed) {
        (true, false) => format!("refused: {refused_with}"),
        (true, true) => "NOT refused".to_owned(),
        (false, true) if attempt.shows_frame => "allowed, shows the frame".to_owned(),
        (false, true) => "allowed, does NOT show the frame".to_owned(),
        (false, false) => format!("REFUSED: {refused_with}"),
    }
}

fn key_text(generations: u64, refreshes: u64) -> String {
    format!("{generations}, with {}", counted(refreshes, "refresh"))
}

fn noise_text(noise: &Noise) -> String {
    let verdict = if noise.is_noise { "noise" } else { "NOT noise" };
    format!("{verdict}: {:.3} bits of entropy per byte", noise.entropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_that_of_the_clip() {
        let described = include_str!("../../assets/demo-cenc.toml");
        assert!(described.contains(&format!("key = \"{}\"", CLIP.key)));
    }

    #[test]
    fn attempt_that_is_not_as_it_should_be_is_in_capitals() {
        let has_capitals = |text: &str| text.split([' ', ':']).any(|word| ["NOT", "REFUSED"].contains(&word));
        for (is_on, allowed, shows_frame, is_right) in [
            (true, false, false, true),
            (true, true, true, false),
            (true, true, false, false),
            (false, true, true, true),
            (false, true, false, false),
            (false, false, false, false),
        ] {
            let attempt = Attempt { allowed, refused_with: None, shows_frame };
            let text = attempt_text(&attempt, is_on);
            assert_eq!(has_capitals(&text), !is_right, "{is_on} {attempt:?}: {text}");
        }
    }

    #[test]
    fn things_are_counted_in_words() {
        let counts = [counted(1, "refresh"), counted(2, "refresh"), counted(0, "blit")];
        assert_eq!(counts, ["1 refresh", "2 refreshes", "0 blits"]);
    }
}
