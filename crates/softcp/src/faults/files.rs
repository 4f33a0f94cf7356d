//! The files of a control directory: what is asked for, and what each adapter says of itself. `docs/faults.md` describes
//! them for other tools.
//!
//! Every file is written beside its place and then moved there, so that who reads one reads a whole one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FaultError, FaultState, Schedule};

/// The name of the request in a control directory.
pub const REQUEST_FILE: &str = "request.toml";

/// The name of the request in a control directory that is for the next adapter.
pub const NEXT_FILE: &str = "next.toml";

/// Bytes above which a request is refused.
pub const MAX_REQUEST_SIZE: u64 = 64 << 10;

/// Bytes above which a state file is refused. It holds more than a request: counts, and perhaps an error.
const MAX_STATE_SIZE: u64 = 256 << 10;

/// A file of a control directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no plain file, or too large.
    #[error("{}: refused: not a plain file of at most {limit} bytes", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The largest size, in bytes.
        limit: u64,
    },
    /// It is not the TOML that it should be.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

/// `request.toml`: the faults that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The number of the request. One that is not greater than the one before is passed over.
    pub serial: u64,
    /// The process it is for; none: all that use the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// Whether the faults that are set stay, and go on counting. Otherwise they are replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub add: bool,
    /// The faults, each a [`Schedule`] as text.
    pub list: Vec<String>,
}

impl Request {
    /// The request of a control directory, if there is one.
    pub fn read(directory: &Path) -> Result<Option<Self>, FileError> {
        let path = directory.join(REQUEST_FILE);
        match read(&path, MAX_REQUEST_SIZE) {
            Ok(text) => parse(&path, &text).map(Some),
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts it into a control directory, in place of the one that is there. Not to be called by two threads at once.
    pub fn write(&self, directory: &Path) -> Result<(), FileError> {
        let path = directory.join(REQUEST_FILE);
        write(&path, &to_toml(&path, self)?).map_err(|source| FileError::Io { path, source })
    }

    /// Leaves it for the next adapter that uses the control directory, which is made if needed: it takes the faults before its
    /// first call. Serial number and process do not count. An adapter that is there already is not concerned.
    pub fn leave(&self, directory: &Path) -> Result<(), FileError> {
        make(directory).map_err(|source| FileError::Io { path: directory.to_owned(), source })?;
        let path = directory.join(NEXT_FILE);
        write(&path, &to_toml(&path, self)?).map_err(|source| FileError::Io { path, source })
    }

    /// Takes the request that was left for the next adapter, if there is one. Of several adapters one gets it. `own` is a
    /// file that only this adapter has.
    pub(super) fn take_next(directory: &Path, own: &Path) -> Result<Option<Self>, FileError> {
        let path = directory.join(NEXT_FILE);
        let taken = own.with_extension("taken");
        match fs::rename(&path, &taken) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FileError::Io { path, source }),
        }
        let text = read(&taken, MAX_REQUEST_SIZE);
        // It is this adapter's, and done with, also where it is wrong.
        let _ = fs::remove_file(&taken);
        text.and_then(|text| parse(&path, &text)).map(Some)
    }

    /// The faults. Error: that of the first text that is none.
    pub fn schedules(&self) -> Result<Vec<Schedule>, FaultError> {
        self.list.iter().map(|text| text.trim().parse()).collect()
    }
}

/// `PROCESS-ADAPTER.toml`: what an adapter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The identifier of its process.
    pub process: u32,
    /// Its number in the process, the first being 1.
    pub adapter: u32,
    /// The name of the program.
    pub program: String,
    /// On Linux: when the process started, in clock ticks since the system did, by which it is told from a later one with
    /// the same identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// The last request that the adapter has dealt with; one that was there before the adapter counts as such.
    pub serial: u64,
    /// Why it did not obey the last request; none: it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the adapter has been destroyed. It leaves the file behind where faults were set, for their counts to be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// The faults that are set.
    #[serde(default)]
    pub faults: Vec<SetFault>,
}

/// A fault that is set in a process, and how far it has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFault {
    /// When it occurs: a [`Schedule`] as text.
    pub fault: String,
    /// Calls that have counted since it was set.
    pub counted: u64,
    /// How often it has occurred.
    pub occurred: u64,
}

impl From<&FaultState> for SetFault {
    fn from(state: &FaultState) -> Self {
        Self { fault: state.schedule.to_string(), counted: state.counted, occurred: state.occurred }
    }
}

impl State {
    /// The states of all adapters in a control directory, by process and adapter; an error for each file that cannot be
    /// used. Error: the directory cannot be read.
    pub fn read_all(directory: &Path) -> io::Result<Vec<Result<Self, FileError>>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name();
            if let Some(key) = name.to_str().and_then(numbers) {
                found.push((key, directory.join(name)));
            }
        }
        found.sort();
        Ok(found.into_iter().filter_map(|(_, path)| Self::read(&path).transpose()).collect())
    }

    /// None: the adapter has gone, or is just being made.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, FileError> {
        match read(path, MAX_STATE_SIZE) {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => parse(path, &text).map(Some),
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.toml", self.process, self.adapter)
    }

    /// Whether its adapter has ended, or its process has without removing the file; none where that cannot be told, as on systems other than Linux.
    #[must_use]
    pub fn is_gone(&self) -> Option<bool> {
        if self.ended {
            return Some(true);
        }
        start_time("self")?;
        Some(match start_time(&self.process.to_string()) {
            None => true,
            Some(started) => self.started.is_some_and(|ours| ours != started),
        })
    }

    pub(super) fn to_toml(&self, path: &Path) -> Result<String, FileError> {
        to_toml(path, self)
    }
}

/// Process and adapter of a state file's name.
fn numbers(name: &str) -> Option<(u32, u32)> {
    let (process, adapter) = name.strip_suffix(".toml")?.split_once('-')?;
    Some((process.parse().ok()?, adapter.parse().ok()?))
}

/// When a process started, by field 22 of Linux' `/proc/PROCESS/stat`; none if it is not there or has ended.
pub(super) fn start_time(process: &str) -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat")).ok()?;
    // The second field is a name in parentheses, which may hold any characters.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    fields.nth(18).filter(|_| !is_dead)?.parse().ok()
}

/// Reads a plain file of at most `limit` bytes.
fn read(path: &Path, limit: u64) -> Result<String, FileError> {
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    let refused = || FileError::Refused { path: path.to_owned(), limit };
    // Before it is opened: to open a pipe would wait for a writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(refused());
    }
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut text)).map_err(failed)?;
    if text.len() as u64 > limit {
        return Err(refused());
    }
    String::from_utf8(text).map_err(|_| invalid(path, "it is not UTF-8"))
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        invalid(path, &format!("{place}{}", error.message()))
    })
}

fn to_toml(path: &Path, content: &impl Serialize) -> Result<String, FileError> {
    toml::to_string(content).map_err(|error| invalid(path, &error.to_string()))
}

fn invalid(path: &Path, message: &str) -> FileError {
    FileError::Invalid { path: path.to_owned(), message: message.to_owned() }
}

/// Makes a directory that is not there, for its owner only where the system knows owners.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

/// Writes a file beside its place and moves it there.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let write = || {
        // Not through a link that somebody has put there, nor into what an earlier process has left.
        let _ = fs::remove_file(&new);
        OpenOptions::new().write(true).create_new(true).open(&new)?.write_all(text.as_bytes())?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            process: std::process::id(),
            adapter: 1,
            program: "play \"er\"\u{1b}".to_owned(),
            started: start_time("self"),
            serial: 3,
            error: Some("two\nlines".to_owned()),
            ended: false,
            faults: vec![SetFault { fault: "key-lost at=1".to_owned(), counted: 2, occurred: 1 }],
        }
    }

    #[test]
    fn request_and_state_read_back() {
        let directory = tempfile::TempDir::new().unwrap();
        assert_eq!(Request::read(directory.path()).unwrap(), None);
        for request in [
            Request { serial: 4, process: Some(7), add: true, list: vec!["key-lost".to_owned()] },
            Request { serial: 5, process: None, add: false, list: Vec::new() },
        ] {
            request.write(directory.path()).unwrap();
            assert_eq!(Request::read(directory.path()).unwrap(), Some(request));
        }
        let path = directory.path().join(state().file_name());
        write(&path, &state().to_toml(&path).unwrap()).unwrap();
        assert_eq!(State::read_all(directory.path()).unwrap().remove(0).unwrap(), state());
    }

    #[test]
    fn states_are_in_order_and_a_bad_one_hides_no_other() {
        let directory = tempfile::TempDir::new().unwrap();
        for (process, adapter) in [(10, 1), (9, 2), (9, 1)] {
            let state = State { process, adapter, ..state() };
            let path = directory.path().join(state.file_name());
            write(&path, &state.to_toml(&path).unwrap()).unwrap();
        }
        fs::write(directory.path().join("9-3.toml"), "process = []").unwrap();
        fs::write(directory.path().join("9-4.toml"), vec![b'#'; 300 << 10]).unwrap();
        fs::write(directory.path().join("9-5.toml"), "").unwrap();
        fs::write(directory.path().join("other.toml"), "?").unwrap();
        let states = State::read_all(directory.path()).unwrap();
        let found: Vec<_> = states.into_iter().map(|state| state.map(|state| (state.process, state.adapter))).collect();
        assert!(
            matches!(
                &found[..],
                [Ok((9, 1)), Ok((9, 2)), Err(FileError::Invalid { .. }), Err(FileError::Refused { .. }), Ok((10, 1))]
            ),
            "{found:?}"
        );
    }

    #[test]
    fn state_without_a_directory_is_an_error() {
        let directory = tempfile::TempDir::new().unwrap();
        assert_eq!(State::read_all(&directory.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn process_that_has_ended_or_has_another_start_is_gone() {
        assert_eq!(state().is_gone(), Some(false));
        // Its identifier belongs to somebody else now.
        assert_eq!(State { started: Some(1), ..state() }.is_gone(), Some(true));
        // Above the largest identifier that Linux gives.
        assert_eq!(State { process: 1 << 30, ..state() }.is_gone(), Some(true));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let zombie = State { process: child.id(), started: None, ..state() };
        while fs::read_to_string(format!("/proc/{}/stat", child.id())).is_ok_and(|stat| !stat.contains(") Z")) {
            std::thread::yield_now();
        }
        assert_eq!(zombie.is_gone(), Some(true));
        child.wait().unwrap();
    }
}
