//! `softcp demo --write-sample`: an encrypted file to try, and the command that decrypts it.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use softcp_files::Destination;

use super::CLIP;
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};

const SAMPLE: &str = "softcp-sample.mp4";
const CLEAR: &str = "softcp-sample-clear.mp4";

/// Writes the clip of the demonstration, as it is encrypted.
pub(super) fn write(directory: &Path, replace: bool, json: bool) -> Result<Exit, Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::io("make", directory, &error))?;
    let file = directory.join(SAMPLE);
    let written = Destination::check(&file, replace)
        .and_then(|destination| destination.create())
        .and_then(|output| output.write_and_commit(CLIP.file));
    written.map_err(|error| Failure::output(&error, "--write-sample"))?;
    let command = format!(
        "softcp decrypt {} --key {} -o {}",
        shell_word(&file.to_string_lossy()),
        CLIP.key,
        shell_word(&directory.join(CLEAR).to_string_lossy()),
    );
    output::print(&Sample { file, key: CLIP.key, command }, json)?;
    Ok(Exit::Ok)
}

/// What `softcp demo --write-sample` reports.
#[derive(Serialize)]
struct Sample {
    /// The encrypted file.
    #[serde(serialize_with = "softcp_files::serialize_path")]
    file: PathBuf,
    /// Its KID and key, as `softcp decrypt --key` takes them.
    key: &'static str,
    /// What decrypts it, for a shell.
    command: String,
}

impl Report for Sample {
    const NAME: &'static str = "demo-sample";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", printable(&self.command))
    }
}

/// A word as a POSIX shell reads it back. What begins with a hyphen would be an option.
fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    let word = if word.starts_with('-') { Cow::Owned(format!("./{word}")) } else { Cow::Borrowed(word) };
    if word.chars().all(is_plain) { word } else { Cow::Owned(format!("'{}'", word.replace('\'', r"'\''"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_into_them() {
        for (word, quoted) in [
            ("a/b.mp4", "a/b.mp4"),
            ("my files/b", "'my files/b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME/x", "'$HOME/x'"),
            ("-o/x", "./-o/x"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
