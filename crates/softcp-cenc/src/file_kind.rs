//! What a file is that is no MP4 file, by its first bytes.

use core::fmt;

/// Bytes of the file that are looked at.
pub(crate) const LOOKED_AT: usize = 1024;

/// The packet of an MPEG transport stream.
const TS_PACKET: usize = 188;
/// The first byte of such a packet.
const TS_SYNC: u8 = 0x47;

/// Kinds of files that are taken for MP4 files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// Matroska, and `WebM` within it.
    Matroska,
    /// An MPEG transport stream.
    TransportStream,
    /// An MPEG program stream.
    ProgramStream,
    /// An HLS playlist.
    HlsPlaylist,
    /// A DASH manifest.
    DashManifest,
    /// A Smooth Streaming manifest.
    SmoothManifest,
    /// A web page, or an error message of a web server.
    Html,
    /// Some other XML document.
    Xml,
    /// A JSON document.
    Json,
    /// Ogg.
    Ogg,
    /// RIFF: AVI or WAV.
    Riff,
    /// Flash video.
    FlashVideo,
    /// ASF: Windows Media.
    Asf,
    /// Bare AAC frames.
    Adts,
    /// MP3, or another bare stream with an ID3 tag.
    Mp3,
    /// Bare FLAC.
    Flac,
    /// A bare H.264 or H.265 stream.
    AnnexB,
    /// AV1 or VP9 in IVF.
    Ivf,
    /// `WebVTT` subtitles.
    WebVtt,
    /// A ZIP archive.
    Zip,
    /// A gzip file.
    Gzip,
    /// A PDF document.
    Pdf,
}

impl FileKind {
    /// What the first bytes of a file tell.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        const MAGIC: [(&[u8], FileKind); 16] = [
            (&[0x1a, 0x45, 0xdf, 0xa3], FileKind::Matroska),
            (&[0, 0, 1, 0xba], FileKind::ProgramStream),
            (b"OggS", FileKind::Ogg),
            (b"RIFF", FileKind::Riff),
            (b"FLV\x01", FileKind::FlashVideo),
            (&[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], FileKind::Asf),
            (b"ID3", FileKind::Mp3),
            (b"fLaC", FileKind::Flac),
            (&[0, 0, 0, 1], FileKind::AnnexB),
            (&[0, 0, 1], FileKind::AnnexB),
            (b"DKIF", FileKind::Ivf),
            (b"PK\x03\x04", FileKind::Zip),
            (&[0x1f, 0x8b], FileKind::Gzip),
            (b"%PDF", FileKind::Pdf),
            (&[0xff, 0xf1], FileKind::Adts),
            (&[0xff, 0xf9], FileKind::Adts),
        ];
        if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Some(*kind);
        }
        let packet = |start: usize| bytes.get(start) == Some(&TS_SYNC);
        // Blu-ray puts four bytes of time in front of each packet.
        if (packet(0) && packet(TS_PACKET)) || (packet(4) && packet(4 + TS_PACKET + 4)) {
            return Some(Self::TransportStream);
        }
        if matches!(bytes, [0xff, second, ..] if second & 0xe6 == 0xe2) {
            return Some(Self::Mp3);
        }
        Self::of_text(bytes)
    }

    fn of_text(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let text = text.trim_start();
        let has = |what: &str| text.to_ascii_lowercase().contains(what);
        match text.as_bytes() {
            _ if text.starts_with("#EXTM3U") => Some(Self::HlsPlaylist),
            _ if text.starts_with("WEBVTT") => Some(Self::WebVtt),
            [b'<', ..] if has("<mpd") => Some(Self::DashManifest),
            [b'<', ..] if has("<smoothstreamingmedia") => Some(Self::SmoothManifest),
            [b'<', ..] if has("<!doctype html") || has("<html") => Some(Self::Html),
            [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some(Self::Xml),
            [b'{', b'"' | b' ' | b'\n' | b'\r' | b'\t', ..] => Some(Self::Json),
            _ => None,
        }
    }
}

/// With its article: "a `WebM` file".
impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matroska => "a WebM or Matroska file",
            Self::TransportStream => "an MPEG transport stream (TS)",
            Self::ProgramStream => "an MPEG program stream",
            Self::HlsPlaylist => "an HLS playlist",
            Self::DashManifest => "a DASH manifest (MPD)",
            Self::SmoothManifest => "a Smooth Streaming manifest",
            Self::Html => "a web page (HTML)",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::Ogg => "an Ogg file",
            Self::Riff => "a RIFF file (AVI or WAV)",
            Self::FlashVideo => "a Flash video (FLV)",
            Self::Asf => "an ASF file (Windows Media)",
            Self::Adts => "a bare AAC stream (ADTS)",
            Self::Mp3 => "an MP3 file",
            Self::Flac => "a FLAC file",
            Self::AnnexB => "a bare H.264 or H.265 stream",
            Self::Ivf => "an IVF file",
            Self::WebVtt => "a WebVTT file",
            Self::Zip => "a ZIP archive",
            Self::Gzip => "a gzip file",
            Self::Pdf => "a PDF document",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let packets: Vec<u8> = [[TS_SYNC; 1].as_slice(), &[0; TS_PACKET - 1]].concat().repeat(3);
        let blu_ray: Vec<u8> = [&[0, 0, 0, 9, TS_SYNC][..], &[0; TS_PACKET - 1]].concat().repeat(3);
        for (bytes, kind) in [
            (&b"\x1a\x45\xdf\xa3\x9fB\x86\x81"[..], FileKind::Matroska),
            (&packets, FileKind::TransportStream),
            (&blu_ray, FileKind::TransportStream),
            (b"#EXTM3U\n#EXT-X-VERSION:7\n", FileKind::HlsPlaylist),
            (b"\xef\xbb\xbf#EXTM3U\r\n", FileKind::HlsPlaylist),
            (b"<?xml version=\"1.0\"?>\n<!-- made by x -->\n<MPD xmlns=\"urn:mpeg:dash\">", FileKind::DashManifest),
            (b"<?xml version=\"1.0\"?><SmoothStreamingMedia MajorVersion=\"2\">", FileKind::SmoothManifest),
            (b"<!DOCTYPE html><html><head>", FileKind::Html),
            (b"\n<HTML><body>403", FileKind::Html),
            (b"<tt xmlns=\"http://www.w3.org/ns/ttml\">", FileKind::Xml),
            (b"{\"error\": \"expired\"}", FileKind::Json),
            (b"\0\0\0\x01\x67\x64\0\x28", FileKind::AnnexB),
        ] {
            assert_eq!(FileKind::of(bytes), Some(kind), "{kind}");
        }
    }

    #[test]
    fn mp4_files_and_noise_are_none_of_them() {
        for bytes in [&b""[..], b"\0\0\0\x1cftypisom", b"\0\0\x02\x1fmoov", b"hello", b"\0\0\0\0\0\0\0\0"] {
            assert_eq!(FileKind::of(bytes), None);
        }
    }
}
