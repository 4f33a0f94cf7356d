//! What parent and child say to each other: a line with the request, then a line for each event.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{Event, RunOptions, Varied};

/// The first line that the child reads.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// Begins each line of an event, so that a driver's own output is not taken for one.
    pub(super) mark: String,
    pub(super) driver_options: String,
    pub(super) seed: u64,
    pub(super) varied: Varied,
    pub(super) cases: Vec<String>,
}

/// A line from the child that is marked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub(super) enum Message {
    /// Something has happened.
    Event(Event),
    /// The driver cannot be opened.
    NotOpened { error: String },
    /// All cases have run and the driver is closed.
    Done,
}

impl Request {
    pub(super) fn new(options: &RunOptions, cases: &[&str], mark: String) -> Self {
        Self {
            mark,
            driver_options: options.driver_options.clone(),
            seed: options.seed,
            varied: options.varied.clone(),
            cases: cases.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        writeln!(to, "{}", serde_json::to_string(self)?)?;
        to.flush()
    }

    pub(super) fn read(mut from: impl BufRead) -> std::io::Result<Self> {
        let mut line = String::new();
        from.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|_| std::io::Error::other("standard input holds none"))
    }
}

impl Message {
    pub(super) fn write(&self, mark: &str, mut to: impl Write) -> std::io::Result<()> {
        // A driver may have printed half a line.
        writeln!(to, "\n{mark}{}", serde_json::to_string(self)?)?;
        to.flush()
    }

    /// The message in a line; none in a line that the driver printed.
    pub(super) fn of(mark: &str, line: &str) -> Option<Self> {
        serde_json::from_str(line.strip_prefix(mark)?).ok()
    }
}
