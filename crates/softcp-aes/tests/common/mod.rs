//! Reading of vector files: `name = hex` lines, with comments after `#`.

use std::path::Path;

/// One file of `tests/vectors`.
pub(crate) struct Vector {
    file: &'static str,
    text: String,
}

impl Vector {
    pub(crate) fn read(file: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { file, text }
    }

    /// The bytes under `name`.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        let mut values = lines.filter_map(|line| line.split_once(" = ")).filter(|(key, _)| *key == name);
        let (Some((_, value)), None) = (values.next(), values.next()) else {
            panic!("{}: not exactly one {name}", self.file);
        };
        from_hex(value).unwrap_or_else(|| panic!("{}: {name} is not hexadecimal", self.file))
    }

    /// The 16 bytes under `name`.
    pub(crate) fn block(&self, name: &str) -> [u8; 16] {
        let bytes = self.bytes(name);
        bytes.try_into().unwrap_or_else(|_| panic!("{}: {name} is not 16 bytes", self.file))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
