//! A program or library of Windows: its word size, and whose `d3d11.dll` it is.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use object::Object as _;
use object::read::pe::{PeFile32, PeFile64};

/// More than any library of Direct3D has.
const LARGEST: u64 = 512 << 20;

/// Where Wine marks its own files, and with what.
const WINE_MARK: (usize, [&[u8]; 2]) = (0x40, [b"Wine builtin DLL", b"Wine placeholder DLL"]);

/// A file of Windows that can be loaded.
pub(super) struct Library {
    /// 32 or 64.
    pub(super) bits: u32,
    pub(super) maker: Maker,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// SoftCP's layer.
    Layer,
    Dxvk,
    Wine,
    Other,
}

impl Library {
    /// Error: why it is none, in words that follow its name.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let bytes = read(path).map_err(|error| format!("cannot be read: {}", crate::failure::plain(&error)))?;
        let (bits, exports) = parse(&bytes).ok_or("is not a library or program of Windows (PE)")?;
        let has = |name: &str| exports.iter().any(|export| export == name.as_bytes());
        let maker = if has("softcp_version") && has("D3D11CreateDevice") {
            Maker::Layer
        } else if WINE_MARK.1.iter().any(|mark| bytes.get(WINE_MARK.0..).is_some_and(|rest| rest.starts_with(mark))) {
            Maker::Wine
        } else if contains(&bytes, b"DXVK_LOG_LEVEL") {
            Maker::Dxvk
        } else {
            Maker::Other
        };
        Ok(Self { bits, maker })
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The word size and the names that it exports.
fn parse(bytes: &[u8]) -> Option<(u32, Vec<Vec<u8>>)> {
    let names = |exports: object::Result<Vec<object::Export<'_>>>| {
        // A program may have no exports, and a damaged list of them is as good as none.
        exports.unwrap_or_default().iter().map(|export| export.name().to_owned()).collect()
    };
    if let Ok(file) = PeFile64::parse(bytes) {
        return Some((64, names(file.exports())));
    }
    PeFile32::parse(bytes).ok().map(|file| (32, names(file.exports())))
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
