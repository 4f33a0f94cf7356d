//! Inputs that are never waited for.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::kind::FileKind;
use crate::path_text;

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The path is an address of the network.
    #[error("{} is an address, not a file", path_text(path))]
    Address {
        /// The path.
        path: PathBuf,
    },
    /// It is something other than what can be read here.
    #[error("{} is {kind}", path_text(path))]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// A pipe into which nobody writes.
    #[error("{} is a pipe, and nothing writes to it", path_text(path))]
    NobodyWrites {
        /// The path.
        path: PathBuf,
    },
    /// It is larger than such a file can be.
    #[error("{} has more than {limit} bytes", path_text(path))]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// How many it may have.
        limit: u64,
    },
    /// It cannot be opened or read.
    #[error("cannot read {}: {source}", path_text(path))]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Opens a regular file for reading, links followed. Everything else is refused without being opened: a pipe would wait for
/// a writer.
///
/// # Errors
///
/// [`InputError`].
pub fn open_input(path: &Path) -> Result<File, InputError> {
    match kind(path)? {
        FileKind::File => {}
        kind => return Err(InputError::NotAFile { path: path.to_owned(), kind }),
    }
    let file = open(path)?;
    // Somebody may have put something else there meanwhile.
    let metadata = file.metadata().map_err(|source| InputError::Io { path: path.to_owned(), source })?;
    match FileKind::of(&metadata) {
        FileKind::File => Ok(file),
        kind => Err(InputError::NotAFile { path: path.to_owned(), kind }),
    }
}

/// Reads all of a file of at most `limit` bytes, or of a pipe that somebody writes to, such as `<(command)` of a shell.
///
/// # Errors
///
/// [`InputError`].
pub fn read_input(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    let file = match kind(path)? {
        FileKind::File => open_input(path)?,
        FileKind::Pipe => open_pipe(path, &mut bytes)?,
        kind => return Err(InputError::NotAFile { path: path.to_owned(), kind }),
    };
    let read = file.take((limit + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes);
    read.map_err(|source| InputError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(InputError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

fn kind(path: &Path) -> Result<FileKind, InputError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(FileKind::of(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_address(path) => {
            Err(InputError::Address { path: path.to_owned() })
        }
        Err(source) => Err(InputError::Io { path: path.to_owned(), source }),
    }
}

/// Whether a path looks like `https://host/file`.
fn is_address(path: &Path) -> bool {
    path.to_str().and_then(|path| path.split_once("://")).is_some_and(|(scheme, _)| {
        (2..=10).contains(&scheme.len()) && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Opens without waiting.
fn open(path: &Path) -> Result<File, InputError> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.open(path).map_err(|source| InputError::Io { path: path.to_owned(), source })
}

/// Opens a pipe and puts what is in it into `bytes`. A pipe without a writer is empty at once.
#[cfg(unix)]
fn open_pipe(path: &Path, bytes: &mut Vec<u8>) -> Result<File, InputError> {
    let failed = |source| InputError::Io { path: path.to_owned(), source };
    let mut file = open(path)?;
    let mut first = [0; 4096];
    match file.read(&mut first) {
        Ok(0) => return Err(InputError::NobodyWrites { path: path.to_owned() }),
        Ok(len) => bytes.extend_from_slice(&first[..len]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(source) => return Err(failed(source)),
    }
    wait_from_now_on(&file).map_err(failed)?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_pipe(path: &Path, _: &mut Vec<u8>) -> Result<File, InputError> {
    open(path)
}

/// Makes the calls on an open file wait again.
#[cfg(unix)]
pub(crate) fn wait_from_now_on(file: &File) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(file)?;
    Ok(rustix::fs::fcntl_setfl(file, flags.difference(rustix::fs::OFlags::NONBLOCK))?)
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn fifo(directory: &Path) -> PathBuf {
        let path = directory.join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        path
    }

    #[test]
    fn only_regular_files_are_opened() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = fifo(directory.path());
        let socket = directory.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [
            (directory.path(), FileKind::Directory),
            (fifo.as_path(), FileKind::Pipe),
            (socket.as_path(), FileKind::Socket),
            (Path::new("/dev/zero"), FileKind::CharacterDevice),
        ] {
            match open_input(path) {
                Err(InputError::NotAFile { kind: found, .. }) => assert_eq!(found, kind),
                other => panic!("{}: {other:?}", path.display()),
            }
        }
        let error = open_input(Path::new("https://example.org/a.mp4")).unwrap_err();
        assert!(matches!(error, InputError::Address { .. }), "{error}");
    }

    #[test]
    fn pipe_is_read_to_its_end_if_somebody_writes() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = fifo(directory.path());
        assert!(matches!(read_input(&fifo, 100), Err(InputError::NobodyWrites { .. })));
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || {
                // Until the writer is there.
                loop {
                    match read_input(&fifo, 100) {
                        Err(InputError::NobodyWrites { .. }) => std::thread::yield_now(),
                        other => break other,
                    }
                }
            }
        });
        let mut writer = File::options().write(true).open(&fifo).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        writer.write_all(b"first").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        writer.write_all(b", second").unwrap();
        drop(writer);
        assert_eq!(reader.join().unwrap().unwrap(), b"first, second");
    }

    #[test]
    fn file_over_the_limit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_input(&path, 10).unwrap(), [7; 10]);
        assert!(matches!(read_input(&path, 9), Err(InputError::TooLarge { limit: 9, .. })));
    }
}
