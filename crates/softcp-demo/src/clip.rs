//! The pictures of a clear clip.

use std::fmt::Write as _;
use std::io::Cursor;

use aws_lc_rs::digest::{Context, SHA256};
use rusty_h264_decoder::{DecodeError, Decoder};
use softcp_cenc::{FourCc, Movie, Piece, Selection};

use crate::avc::AvcConfiguration;
use crate::error::DemoError;
use crate::frame::Nv12;

/// Decodes all pictures of the first H.264 track of a clear MP4 file. The clip must be without B-pictures, so that
/// decoding order is display order.
pub(crate) fn pictures(file: &[u8]) -> Result<Vec<Nv12>, DemoError> {
    let configuration = AvcConfiguration::find(file)?;
    let movie = Movie::open(Cursor::new(file))?;
    let track = movie.tracks().iter().find(|track| track.codec() == FourCc(*b"avc1"));
    let track_id = track.ok_or(DemoError::NotAvc("it has no avc1 track"))?.id();
    let mut decoder = Decoder::new();
    let mut pictures = Vec::new();
    let mut stream = Vec::new();
    for piece in movie.into_pieces(&Selection::Tracks(vec![track_id]))? {
        let Piece::Sample(sample) = piece? else { continue };
        let bytes = usize::try_from(sample.offset).ok().and_then(|start| file.get(start..)?.get(..sample.len as usize));
        stream.clear();
        configuration.access_unit(bytes.ok_or(DemoError::NotAvc("a sample lies outside of it"))?, &mut stream)?;
        let number = pictures.len();
        let nothing = || DemoError::Decode { sample: number, reason: "it holds no picture".to_owned() };
        let picture = decoder.decode(&stream).map_err(|error| decode_error(number, &error))?.ok_or_else(nothing)?;
        let frame = Nv12::from_planes(picture.width, picture.height, &picture.y, &picture.u, &picture.v);
        pictures.push(frame.ok_or(DemoError::NotAvc("its width or height is odd"))?);
    }
    Ok(pictures)
}

/// SHA-256 over the pictures as planar YCbCr 4:2:0, as 64 hexadecimal digits.
pub(crate) fn sha256(pictures: &[Nv12]) -> String {
    let mut context = Context::new(&SHA256);
    for picture in pictures {
        context.update(&picture.planar().collect::<Vec<u8>>());
    }
    let mut digits = String::new();
    for byte in context.finish().as_ref() {
        write!(digits, "{byte:02x}").expect("a string takes everything");
    }
    digits
}

fn decode_error(sample: usize, error: &DecodeError) -> DemoError {
    let reason = match error {
        DecodeError::Truncated => "it ends early".to_owned(),
        DecodeError::MissingParameterSet => "a parameter set is missing".to_owned(),
        DecodeError::Unsupported(tool) => format!("it uses {tool}, which the decoder does not know"),
    };
    DemoError::Decode { sample, reason }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use softcp_player::{DecryptOptions, Trust, decrypt};
    use softcp_runtime::Driver;

    use super::*;

    const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../softcp-cli/assets");

    /// A value of the clip's description.
    fn described(name: &str) -> String {
        let text = fs::read_to_string(format!("{ASSETS}/demo-cenc.toml")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
        line.trim_matches('"').to_owned()
    }

    /// The clip of the command, decrypted through the reference driver.
    fn clear_clip() -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let clear = directory.path().join("clear.mp4");
        let driver = Driver::from_entry(softcp_ddi::softcp_open_reference_driver, "").unwrap();
        let mut options = DecryptOptions::new(format!("{ASSETS}/demo-cenc.mp4"), &clear, Trust::Anyone);
        options.keys.insert_text(&described("key")).unwrap();
        decrypt(&driver, &options, &mut |_| {}).unwrap();
        fs::read(clear).unwrap()
    }

    #[test]
    fn pictures_of_the_clip_are_those_of_another_decoder() {
        let pictures = pictures(&clear_clip()).unwrap();
        assert_eq!(pictures.len().to_string(), described("samples"));
        assert_eq!(sha256(&pictures), described("pictures_sha256"));
    }

    #[test]
    fn damaged_sample_is_an_error_and_no_panic() {
        let clear = clear_clip();
        let slice = clear.windows(4).position(|kind| kind == b"mdat").unwrap() + 40;
        let mut damaged = clear.clone();
        damaged[slice..slice + 600].fill(0xff);
        assert!(matches!(pictures(&damaged), Err(DemoError::Decode { .. } | DemoError::NotAvc(_))));
        assert!(pictures(&clear[..slice]).is_err());
    }

    #[test]
    fn encrypted_clip_is_refused() {
        let encrypted = fs::read(format!("{ASSETS}/demo-cenc.mp4")).unwrap();
        assert!(matches!(pictures(&encrypted), Err(DemoError::NotAvc(_))));
    }
}
