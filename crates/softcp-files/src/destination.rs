//! Outputs that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::kind::FileKind;
use crate::path_text;
use crate::temporary::NamedFile;

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// Something is there, and may not be replaced.
    #[error("{} exists already", path_text(path))]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// Something is there that no file takes the place of.
    #[error("{} is {kind}", path_text(path))]
    NotAFile {
        /// The output.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// A link leads to nothing. Whoever made it may have meant somebody else to fill it.
    #[error("{} is a link to {}, which does not exist", path_text(path), path_text(target))]
    DanglingLink {
        /// The output.
        path: PathBuf,
        /// Where the link leads.
        target: PathBuf,
    },
    /// The path ends in no name, as `..` and `directory/` do.
    #[error("{:?} names no file", path_text(path))]
    NoName {
        /// The output.
        path: PathBuf,
    },
    /// The directory does not exist.
    #[error("cannot write {}: its directory does not exist", path_text(path))]
    NoDirectory {
        /// The output.
        path: PathBuf,
    },
    /// A pipe that nobody reads from.
    #[error("{} is a pipe, and nothing reads from it", path_text(path))]
    NobodyReads {
        /// The output.
        path: PathBuf,
    },
    /// It cannot be created, written or put in its place.
    #[error("cannot write {}: {source}", path_text(path))]
    Io {
        /// The output.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl OutputError {
    /// The output, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Exists { path }
            | Self::NotAFile { path, .. }
            | Self::DanglingLink { path, .. }
            | Self::NoName { path }
            | Self::NoDirectory { path }
            | Self::NobodyReads { path }
            | Self::Io { path, .. } => path,
        }
    }
}

/// Where an output goes, found out before there is anything to write.
#[derive(Clone, Debug)]
pub struct Destination {
    /// As it was given.
    path: PathBuf,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A file; `real` has no link in it.
    File { real: PathBuf, replace: bool },
    /// Standard output.
    Stdout,
    /// A pipe or the null device.
    Stream,
}

impl Destination {
    /// Finds out where `path` leads. Links are followed. `replace` allows to replace a regular file.
    ///
    /// The names of standard output (`/dev/stdout`) mean it, whatever it is; pipes and the null device are written to as
    /// streams.
    ///
    /// # Errors
    ///
    /// [`OutputError`]. Nothing has been opened or made.
    pub fn check(path: &Path, replace: bool) -> Result<Self, OutputError> {
        let given = || path.to_owned();
        if is_stdout(path) {
            return Ok(Self { path: given(), place: Place::Stdout });
        }
        if path.file_name().is_none() || ends_in_separator(path) {
            return match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    Err(OutputError::NotAFile { path: given(), kind: FileKind::Directory })
                }
                _ => Err(OutputError::NoName { path: given() }),
            };
        }
        let io = |source| OutputError::Io { path: given(), source };
        let place = match fs::metadata(path) {
            Ok(metadata) => match FileKind::of(&metadata) {
                FileKind::File if !replace => return Err(OutputError::Exists { path: given() }),
                FileKind::File => Place::File { real: fs::canonicalize(path).map_err(io)?, replace },
                FileKind::Pipe => Place::Stream,
                FileKind::CharacterDevice if is_null_device(path) => Place::Stream,
                kind => return Err(OutputError::NotAFile { path: given(), kind }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Ok(target) = fs::read_link(path) {
                    return Err(OutputError::DanglingLink { path: given(), target });
                }
                Place::File { real: new_file(path)?, replace }
            }
            Err(source) => return Err(io(source)),
        };
        Ok(Self { path: given(), place })
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self { path: PathBuf::from("standard output"), place: Place::Stdout }
    }

    /// The path as it was given; for standard output, its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file is or will be, without links; `None` for streams.
    #[must_use]
    pub fn real_path(&self) -> Option<&Path> {
        match &self.place {
            Place::File { real, .. } => Some(real),
            _ => None,
        }
    }

    /// Whether bytes are gone as soon as they are written.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        !matches!(self.place, Place::File { .. })
    }

    /// Whether it is standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.place == Place::Stdout
    }

    /// Begins the output. A file is in no directory, or under a temporary name, until [`OutputFile::commit`].
    ///
    /// # Errors
    ///
    /// [`OutputError::Io`], [`OutputError::NobodyReads`].
    pub fn create(&self) -> Result<OutputFile, OutputError> {
        let io = |source| OutputError::Io { path: self.path.clone(), source };
        let content = match &self.place {
            Place::Stdout => Content::Stream(stdout().map_err(io)?),
            Place::Stream => Content::Stream(self.open_stream()?),
            Place::File { real, .. } => {
                let directory = directory_of(real);
                match unnamed_in(directory).map_err(io)? {
                    Some(file) => Content::Unnamed(file),
                    None => Content::named_in(directory).map_err(io)?,
                }
            }
        };
        Ok(OutputFile { destination: self.clone(), content })
    }

    /// The same as on a file system without nameless files.
    #[cfg(test)]
    fn create_named(&self) -> OutputFile {
        let content = Content::named_in(directory_of(self.real_path().unwrap())).unwrap();
        OutputFile { destination: self.clone(), content }
    }

    #[cfg(unix)]
    fn open_stream(&self) -> Result<File, OutputError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let io = |source| OutputError::Io { path: self.path.clone(), source };
        // Without waiting for a reader, whose absence the system tells by ENXIO.
        let no_wait = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().write(true).custom_flags(no_wait).open(&self.path).map_err(|error| {
            if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) {
                OutputError::NobodyReads { path: self.path.clone() }
            } else {
                io(error)
            }
        })?;
        crate::input::wait_from_now_on(&file).map_err(io)?;
        Ok(file)
    }

    #[cfg(not(unix))]
    fn open_stream(&self) -> Result<File, OutputError> {
        let io = |source| OutputError::Io { path: self.path.clone(), source };
        File::options().write(true).open(&self.path).map_err(io)
    }
}

/// An output that is being written. A file that is dropped without [`commit`](Self::commit) leaves no trace.
#[derive(Debug)]
pub struct OutputFile {
    destination: Destination,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// In no directory.
    Unnamed(File),
    /// Under a temporary name.
    Named { file: File, name: NamedFile },
    /// Somewhere else already.
    Stream(File),
}

impl Content {
    fn named_in(directory: &Path) -> io::Result<Self> {
        let name = NamedFile::new_in(directory)?;
        let file = name.file()?;
        Ok(Self::Named { file, name })
    }
}

impl OutputFile {
    /// The open file, to be written from its beginning.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.content {
            Content::Unnamed(file) | Content::Stream(file) | Content::Named { file, .. } => file,
        }
    }

    /// Whether bytes are gone as soon as they are written: nothing can be left out, and there is no end to set.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.content, Content::Stream(_))
    }

    /// Writes all of `bytes` and puts the file in its place.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit); [`OutputError::Io`] of writing.
    pub fn write_and_commit(self, bytes: &[u8]) -> Result<(), OutputError> {
        let written = self.file().write_all(bytes);
        written.map_err(|source| OutputError::Io { path: self.destination.path.clone(), source })?;
        self.commit()
    }

    /// Puts the file in its place, in one step. What was replaced leaves its permissions to the new file.
    ///
    /// # Errors
    ///
    /// [`OutputError::Exists`] if something has come there meanwhile and may not be replaced, [`OutputError::NotAFile`] if
    /// it is no file; [`OutputError::Io`]. No file has been changed then.
    pub fn commit(self) -> Result<(), OutputError> {
        let Self { destination: Destination { path, place }, content } = self;
        let Place::File { real, replace } = place else { return Ok(()) };
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists if !replace => OutputError::Exists { path: path.clone() },
            _ => OutputError::Io { path: path.clone(), source },
        };
        // Renaming would replace a link, and not what it leads to.
        let old = fs::symlink_metadata(&real).ok();
        if let Some(old) = &old
            && !old.is_file()
        {
            let kind = fs::metadata(&real).map_or(FileKind::Other, |metadata| FileKind::of(&metadata));
            return Err(OutputError::NotAFile { path, kind });
        }
        let result = match content {
            Content::Stream(_) => Ok(()),
            Content::Unnamed(file) => keep_permissions(&file, old.as_ref(), replace)
                .and_then(|()| link(file, &real, replace && old.is_some(), replace)),
            Content::Named { file, name } => {
                keep_permissions(&file, old.as_ref(), replace).and_then(|()| name.persist(&real, replace))
            }
        };
        result.map_err(failed)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn keep_permissions(file: &File, old: Option<&fs::Metadata>, replace: bool) -> io::Result<()> {
    match old {
        Some(old) if replace && cfg!(unix) => file.set_permissions(old.permissions()),
        _ => Ok(()),
    }
}

/// Gives a nameless file its name. One that takes the place of another gets a temporary name first: a link replaces nothing.
#[cfg(unix)]
fn link(mut file: File, place: &Path, takes_place: bool, replace: bool) -> io::Result<()> {
    if !takes_place {
        match link_to(&file, place) {
            Ok(()) => return Ok(()),
            // It has come meanwhile, and may be replaced.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && replace => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // The file system has such files and gives them no names, or /proc is gone.
            Err(_) => return copy_to(&mut file, place, replace),
        }
    }
    let guard = crate::temporary::lock();
    let made = crate::temporary::part_name().make_in(directory_of(place), |path| link_to(&file, path));
    if let Ok(part) = made {
        // The lock is held: nobody sees the name for long, and a signal waits.
        return part.persist(place).map_err(|error| error.error);
    }
    drop(guard);
    copy_to(&mut file, place, replace)
}

#[cfg(not(unix))]
fn link(_: File, _: &Path, _: bool, _: bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts a copy of a nameless file in its place, when there is no other way: the work is not to be lost.
#[cfg(unix)]
fn copy_to(file: &mut File, place: &Path, replace: bool) -> io::Result<()> {
    use std::io::Seek as _;
    let name = NamedFile::new_in(directory_of(place))?;
    file.rewind()?;
    let mut copy = name.file()?;
    io::copy(file, &mut copy)?;
    copy.set_permissions(file.metadata()?.permissions())?;
    name.persist(place, replace)
}

#[cfg(unix)]
fn link_to(file: &File, place: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let descriptor = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let follow = rustix::fs::AtFlags::SYMLINK_FOLLOW;
    Ok(rustix::fs::linkat(rustix::fs::CWD, &descriptor, rustix::fs::CWD, place, follow)?)
}

/// A new file in no directory; `None` where the system or the file system has none, or no way to name it later.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn unnamed_in(directory: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    if !Path::new("/proc/self/fd").exists() {
        return Ok(None);
    }
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Ok(Some(file.into())),
        // The answers of kernels and file systems that do not know the flag.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
fn unnamed_in(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// A second handle of standard output, without the buffer of the first.
#[cfg(unix)]
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}

fn is_stdout(path: &Path) -> bool {
    cfg!(unix) && ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

fn is_null_device(path: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|real| real == Path::new("/dev/null"))
}

fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// Where a file that does not exist yet will be.
fn new_file(path: &Path) -> Result<PathBuf, OutputError> {
    let given = || path.to_owned();
    let directory = directory_of(path);
    let real = fs::canonicalize(directory).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OutputError::NoDirectory { path: given() },
        _ => OutputError::Io { path: given(), source: error },
    })?;
    let name = path.file_name().ok_or_else(|| OutputError::NoName { path: given() })?;
    Ok(real.join(name))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(destination: &Destination, text: &str, named: bool) -> Result<(), OutputError> {
        let output = if named { destination.create_named() } else { destination.create()? };
        output.write_and_commit(text.as_bytes())
    }

    #[test]
    fn new_file_appears_when_it_is_complete_and_not_otherwise() {
        for named in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("a");
            let destination = Destination::check(&path, false).unwrap();
            let output = if named { destination.create_named() } else { destination.create().unwrap() };
            assert!(!path.exists());
            output.file().write_all(b"half").unwrap();
            drop(output);
            assert_eq!(names(directory.path()), [""; 0]);
            write(&destination, "whole", named).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
            assert_eq!(names(directory.path()), ["a"]);
            // Somebody was faster.
            assert!(matches!(write(&destination, "late", named), Err(OutputError::Exists { .. })), "{named}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
            assert_eq!(names(directory.path()), ["a"]);
        }
    }

    #[test]
    fn new_file_has_the_permissions_of_any_new_file_and_a_replaced_one_leaves_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let ordinary = directory.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        for named in [false, true] {
            let path = directory.path().join(format!("a{named}"));
            write(&Destination::check(&path, false).unwrap(), "", named).unwrap();
            assert_eq!(mode(&path), mode(&ordinary));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            write(&Destination::check(&path, true).unwrap(), "", named).unwrap();
            assert_eq!(mode(&path), 0o640);
        }
    }

    #[test]
    fn link_stays_and_its_target_is_replaced() {
        for named in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let (target, link) = (directory.path().join("target"), directory.path().join("link"));
            fs::write(&target, "old").unwrap();
            symlink("target", &link).unwrap();
            assert!(matches!(Destination::check(&link, false), Err(OutputError::Exists { .. })));
            write(&Destination::check(&link, true).unwrap(), "new", named).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&target).unwrap(), "new");
            assert_eq!(names(directory.path()), ["link", "target"]);
        }
    }

    #[test]
    fn what_no_file_takes_the_place_of_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        symlink("nowhere", path("dangling")).unwrap();
        symlink("/dev/zero", path("device")).unwrap();
        symlink(".", path("folder")).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        for replace in [false, true] {
            let check = |name: &str| Destination::check(&path(name), replace).unwrap_err();
            assert!(matches!(check("dangling"), OutputError::DanglingLink { .. }));
            assert!(matches!(check("device"), OutputError::NotAFile { kind: FileKind::CharacterDevice, .. }));
            assert!(matches!(check("folder"), OutputError::NotAFile { kind: FileKind::Directory, .. }));
            assert!(matches!(check("."), OutputError::NotAFile { kind: FileKind::Directory, .. }));
            assert!(matches!(check("socket"), OutputError::NotAFile { kind: FileKind::Socket, .. }));
            assert!(matches!(check("none/a"), OutputError::NoDirectory { .. }));
            assert!(matches!(check("new/"), OutputError::NoName { .. }));
            assert!(matches!(Destination::check(Path::new(""), replace), Err(OutputError::NoName { .. })));
        }
        assert_eq!(names(directory.path()), ["dangling", "device", "folder", "socket"]);
    }

    #[test]
    fn something_else_that_comes_meanwhile_stays() {
        for named in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("a");
            let destination = Destination::check(&path, true).unwrap();
            let output = if named { destination.create_named() } else { destination.create().unwrap() };
            symlink("/etc/hostname", &path).unwrap();
            let error = output.commit().unwrap_err();
            assert!(matches!(error, OutputError::NotAFile { .. }), "{error}");
            assert_eq!(fs::read_link(&path).unwrap(), Path::new("/etc/hostname"));
            assert_eq!(names(directory.path()), ["a"]);
        }
    }

    #[test]
    fn pipe_is_a_stream_if_somebody_reads() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let destination = Destination::check(&path, false).unwrap();
        assert!(destination.is_stream());
        assert!(matches!(destination.create(), Err(OutputError::NobodyReads { .. })));
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read_to_string(path).unwrap()
        });
        let output = loop {
            match destination.create() {
                Err(OutputError::NobodyReads { .. }) => std::thread::yield_now(),
                other => break other.unwrap(),
            }
        };
        output.write_and_commit(b"text").unwrap();
        assert_eq!(reader.join().unwrap(), "text");
        assert!(FileKind::of(&fs::metadata(&path).unwrap()) == FileKind::Pipe);
    }

    #[test]
    fn null_device_and_standard_output_are_streams() {
        for path in ["/dev/null", "/dev/stdout", "/dev/fd/1"] {
            assert!(Destination::check(Path::new(path), true).unwrap().is_stream(), "{path}");
        }
        write(&Destination::check(Path::new("/dev/null"), false).unwrap(), "gone", false).unwrap();
    }

    /// Where the process that a signal ends writes, in the test below.
    const WHERE: &str = "SOFTCP_FILES_TEST_DIRECTORY";

    /// Not a test by itself: what the test below runs in a process of its own.
    #[test]
    fn process_that_waits_for_a_signal() {
        let Some(directory) = std::env::var_os(WHERE).map(PathBuf::from) else { return };
        crate::remove_temporaries_on_signals().unwrap();
        let _named = Destination::check(&directory.join("a"), false).unwrap().create_named();
        let _unnamed = Destination::check(&directory.join("b"), false).unwrap().create().unwrap();
        let kept = crate::TemporaryDirectory::new_in(&directory).unwrap();
        fs::write(kept.path().join("c"), "c").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    #[test]
    fn signals_end_the_process_and_leave_nothing() {
        use std::os::unix::process::ExitStatusExt as _;
        use std::process::{Command, Stdio};
        use std::time::{Duration, Instant};
        for (name, signal) in [("INT", 2), ("QUIT", 3), ("TERM", 15), ("HUP", 1)] {
            let directory = tempfile::tempdir().unwrap();
            let mut child = Command::new("sh")
                .args(["-c", r#"ulimit -c 0; exec "$0" "$@""#])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", "destination::tests::process_that_waits_for_a_signal"])
                .env(WHERE, directory.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let start = Instant::now();
            // The temporary file, and the directory with its file.
            while names(directory.path()).len() < 2 && start.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(names(directory.path()).len(), 2, "{name}");
            Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(signal), "{name}");
            assert_eq!(names(directory.path()), [""; 0], "{name}");
        }
    }
}
