//! Failures as a user meets them: what is wrong, what to do, and the exit code.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

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
        Self { exit: Exit::CheckFailed, what: one_line(&what.into()), help: help.into() }
    }

    pub(crate) fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, what: one_line(&what.into()), help: help.into() }
    }

    pub(crate) fn environment(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit: Exit::Environment, what: one_line(&what.into()), help: help.into() }
    }

    /// A file or directory that cannot be used; `doing` is what was tried, as "read".
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::environment(format!("cannot {doing} {}: {}", path.display(), plain(error)), io_help(error.kind()))
    }

    /// An output that cannot be written.
    pub(crate) fn output(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::environment(
                format!("{} exists already", path.display()),
                "choose another output with -o, or replace it with --force",
            ),
            io::ErrorKind::NotFound => Self::environment(
                format!("cannot write {}: its directory does not exist", path.display()),
                "make the directory, or choose another output with -o",
            ),
            _ => Self::io("write", path, error),
        }
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

/// Joins the lines of texts that come from elsewhere, as from the TOML parser.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
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
