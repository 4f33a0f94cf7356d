//! Reports on standard output, as text or as JSON, from the same data.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Failure, io_help, plain};

/// What a command reports. Its JSON is described by `docs/cli/schema/NAME.json`.
pub(crate) trait Report: Serialize {
    /// The name of the report, in the JSON's member `report`.
    const NAME: &'static str;

    /// The version of the report's JSON: increased when a member changes its meaning or goes.
    const VERSION: u32 = 1;

    /// Writes the report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Prints a report. A reader that has gone away, as `head` does, is no error.
pub(crate) fn print<R: Report>(report: &R, json: bool) -> Result<(), Failure> {
    print_bytes(&text_of(report, json)?)
}

/// Prints a report to standard error: where standard output has the content.
pub(crate) fn print_aside<R: Report>(report: &R, json: bool) -> Result<(), Failure> {
    // Nobody is left to be told about a closed standard error.
    let _ = io::stderr().lock().write_all(&text_of(report, json)?);
    Ok(())
}

fn text_of<R: Report>(report: &R, json: bool) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let written = if json { write_json(report, &mut text) } else { report.write_text(&mut text) };
    // What has been done is done: a report that cannot be written down is no reason to panic.
    written.map_err(|error| {
        Failure::environment(format!("the report cannot be printed: {error}"), "this is a defect of softcp: report it")
    })?;
    Ok(text)
}

/// Writes bytes to standard output; a closed pipe is no error.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::environment(
            format!("cannot write to standard output: {}", plain(&error)),
            io_help(error.kind()),
        )),
        _ => Ok(()),
    }
}

fn write_json<R: Report>(report: &R, out: &mut Vec<u8>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Envelope<'a, R> {
        report: &'static str,
        version: u32,
        #[serde(flatten)]
        content: &'a R,
    }
    let envelope = Envelope { report: R::NAME, version: R::VERSION, content: report };
    serde_json::to_writer_pretty(&mut *out, &envelope)?;
    out.push(b'\n');
    Ok(())
}

/// A text from outside, as a driver's name, without characters that could disturb a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\u{fffd}");
    }
}
