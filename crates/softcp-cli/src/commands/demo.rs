//! `softcp demo`: what each side sees of protected video.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use softcp_demo::{DemoClip, DemoError, DemoOptions, DemoReport, Noise};

use super::decrypt::counted;
use crate::args::DemoArgs;
use crate::driver::{self, Trust};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::{protected, table};

/// The clip that the command carries; `assets/demo-cenc.toml` says where it is from.
const CLIP: DemoClip<'_> = DemoClip {
    file: include_bytes!("../../assets/demo-cenc.mp4"),
    key: "5eed0000000000000000000000000001:00112233445566778899aabbccddeeff",
};

const PICTURE: &str = "softcp-demo.png";

/// `softcp demo`.
pub(crate) fn run(args: &DemoArgs, json: bool) -> Result<Exit, Failure> {
    let trusted = driver::open_trusted(&args.driver, &args.trust)?;
    let options = DemoOptions {
        picture: args.output.clone().unwrap_or_else(|| PathBuf::from(PICTURE)),
        replace_picture: args.force || args.output.is_none(),
        clear_clip: args.clip.clone(),
        replace_clear_clip: args.force,
        trust: trusted.trust.for_player(),
    };
    let demo = softcp_demo::run(&trusted.opened.driver, CLIP, &options)
        .map_err(|error| demo_failed(&error, &trusted.trust))?;
    let is_as_expected = demo.is_as_expected();
    output::print(&Shown { demo, root: trusted.trust.origin.to_string() }, json)?;
    Ok(if is_as_expected { Exit::Ok } else { Exit::CheckFailed })
}

fn demo_failed(error: &DemoError, trust: &Trust) -> Failure {
    match error {
        DemoError::Decrypt(error) => protected::decrypt_failed(error, trust),
        DemoError::Driver(error) => driver::call_failed(error),
        DemoError::Untrusted(chain) => Failure::check(error.to_string(), trust.help(chain)),
        DemoError::NotOffered { .. } => Failure::check(
            error.to_string(),
            "`softcp caps` shows what the driver offers; use another driver or profile",
        ),
        DemoError::Temporary(_) => Failure::environment(error.to_string(), "set TMPDIR to a directory with space"),
        DemoError::WritePicture { path, source } => Failure::output(path, source),
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
            .add_row(["Frame", &format!("picture {} of {}, {size}", frame.number, frame.of)])
            .add_row(["  session keys", &key_text(surface.key_generations, surface.key_generations - 1)])
            .add_row(["  on the bus", &noise_text(&surface.bus)])
            .add_row(["  read back", &format!("under {key}, IV {}", surface.read_back_iv)])
            .add_row(["  without the key", &noise_text(&surface.read_back)])
            .add_row(["  read-back identical", identical]);
        writeln!(out, "{}\n", table.trim_fmt())?;
        for note in &clip.notes {
            writeln!(out, "note: {}", printable(note))?;
        }
        if let Some(path) = &clip.clear_clip {
            writeln!(out, "Clear clip: {}", path.display())?;
        }
        writeln!(out, "Picture: {}", self.demo.picture.display())
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
    fn things_are_counted_in_words() {
        let counts = [counted(1, "refresh"), counted(2, "refresh"), counted(0, "blit")];
        assert_eq!(counts, ["1 refresh", "2 refreshes", "0 blits"]);
    }
}
