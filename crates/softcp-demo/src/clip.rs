//! The pictures of a clear clip.

use std::io::Cursor;

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
        let decoded = decoder.decode(&stream).map_err(|error| decode_error(number, &error))?;
        let nothing = || DemoError::Decode { sample: number, reason: "it holds no picture".to_owned() };
        let picture = decoded.ok_or_else(nothing)?;
        let frame = Nv12::from_planes(picture.width, picture.height, &picture.y, &picture.u, &picture.v);
        pictures.push(frame.ok_or(DemoError::NotAvc("its width or height is odd"))?);
    }
    Ok(pictures)
}

fn decode_error(sample: usize, error: &DecodeError) -> DemoError {
    let reason = match error {
        DecodeError::Truncated => "it ends early".to_owned(),
        DecodeError::MissingParameterSet => "a parameter set is missing".to_owned(),
        DecodeError::Unsupported(tool) => format!("it uses {tool}, which the decoder does not know"),
    };
    DemoError::Decode { sample, reason }
}
