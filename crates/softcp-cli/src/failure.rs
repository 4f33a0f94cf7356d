//! Failures as a user meets them: what is wrong, what to do, and the exit code.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use softcp_files::{FileKind, InputError, OutputError, path_text};

use crate::output::printable;

/// The exit codes of the command, documented in `docs/cli/exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and every check passed.
    Ok,
    /// A check failed: a certificate, a key, the content of a file, an answer of the driver.
    CheckFailed,
    /// The command line is wrong. clap exits with the same code.
    Usage,
    /// Something around the command is missing or refuses: a file, a directory, a library, the configuration.
    Environment,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::CheckFailed => 1,
            Self::Usage => 2,
            Self::Environment => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why the command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line: what is wrong.
    pub(crate) what: String,
    /// One line: what to do about it.
    pub(crate) help: String,
}

impl Failure {
    pub(crate) fn check(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::CheckFailed, what: one_line(&what.into()), help: printable(&help.into()) }
    }

    pub(crate) fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, what: one_line(&what.into()), help: printable(&help.into()) }
    }

    pub(crate) fn environment(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::Environment, what: one_line(&what.into()), help: printable(&help.into()) }
    }

    /// A file or directory that cannot be used; `doing` is what was tried, as "read".
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::environment(format!("cannot {doing} {}: {}", path_text(path), plain(error)), io_help(error.kind()))
    }

    /// An input that cannot be read; `doing` is what was tried, as "read".
    pub(crate) fn input(doing: &str, error: &InputError) -> Self {
        let help = match error {
            InputError::Io { path, source } => return Self::io(doing, path, source),
            InputError::NotAFile { kind: FileKind::Directory, .. } => "name a file in it",
            InputError::Address { .. } => "download it first: this command reads files",
            InputError::NobodyWrites { .. } => "start what writes to it first, or name a file",
            InputError::TooLarge { .. } => "check the path: this is another kind of file",
            _ => "name a regular file",
        };
        Self::environment(error.to_string(), help)
    }

    /// An output that cannot be written; `option` is what names it on the command line.
    pub(crate) fn output(error: &OutputError, option: &str) -> Self {
        let what = error.to_string();
        let help = match error {
            OutputError::Exists { .. } => format!("choose another output with {option}, or replace it with --force"),
            OutputError::NoDirectory { .. } => format!("make the directory, or choose another output with {option}"),
            OutputError::NotAFile { kind: FileKind::Directory, .. } => format!("name a file in it with {option}"),
            OutputError::NoName { .. } => format!("name a file with {option}"),
            OutputError::DanglingLink { .. } => {
                format!("name the file itself with {option}, or remove the link")
            }
            OutputError::NobodyReads { .. } => "start what reads from it first".to_owned(),
            OutputError::Io { path, source } => return Self::io("write", path, source),
            _ => format!("choose another output with {option}"),
        };
        Self::environment(what, help)
    }

    /// Prints the failure to standard error: two lines of text, or one JSON object.
    pub(crate) fn print(&self, json: bool) {
        // Nobody is left to be told about a closed standard error.
        let _ = if json { self.print_json() } else { self.print_text() };
    }

    fn print_text(&self) -> io::Result<()> {
        const ERROR: Style = AnsiColor::Red.on_default().bold();
        const HELP: Style = AnsiColor::Cyan.on_default().bold();
        let mut stderr = anstream::stderr().lock();
        writeln!(stderr, "{ERROR}error:{ERROR:#} {}", self.what)?;
        writeln!(stderr, " {HELP}help:{HELP:#} {}", self.help)
    }

    fn print_json(&self) -> io::Result<()> {
        #[derive(Serialize)]
        struct ErrorReport<'a> {
            report: &'a str,
            version: u32,
            error: &'a str,
            help: &'a str,
            exit_code: u8,
        }
        let report = ErrorReport {
            report: "error",
            version: 1,
            error: &self.what,
            help: &self.help,
            exit_code: self.exit.code(),
        };
        writeln!(io::stderr().lock(), "{}", serde_json::to_string_pretty(&report)?)
    }
}

/// What to do about a file error.
pub(crate) fn io_help(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check the permissions, or choose another path",
        io::ErrorKind::AlreadyExists => "choose another path, or remove what is there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, or choose another disk",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (ulimit -f), or choose another disk",
        io::ErrorKind::BrokenPipe => "keep its reader running until everything is written",
        io::ErrorKind::InvalidFilename => "choose a shorter name",
        io::ErrorKind::ReadOnlyFilesystem => "choose another directory",
        io::ErrorKind::IsADirectory => "name a file, not a directory",
        io::ErrorKind::NotADirectory => "name a directory, not a file",
        _ => "check the path, its permissions and the space on the disk",
    }
}

/// An I/O error in words, without the number of the operating system.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    let mut text = text[..end].to_owned();
    // The system begins its texts with a capital; here they follow a colon.
    if let Some(first) = text.get(..1).map(str::to_ascii_lowercase) {
        text.replace_range(..1, &first);
    }
    text
}

/// Joins the lines of texts that come from elsewhere, as from the TOML parser, and takes out what could disturb a terminal.
fn one_line(text: &str) -> String {
    printable(&text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_error_text_has_no_number_and_no_capital() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(plain(&error), "no such file or directory");
    }

    #[test]
    fn text_of_several_lines_becomes_one() {
        assert_eq!(Failure::usage("a\n  b\n\n", "c").what, "a b");
    }
}
