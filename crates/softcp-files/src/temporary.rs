//! What has a temporary name, so that it can be removed when the process is told to end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

/// The temporary names of this process. Names are made, used up and removed only while it is locked.
static NAMES: Mutex<Names> = Mutex::new(Names { files: BTreeSet::new(), directories: BTreeSet::new() });

/// Files and directories that are to go.
#[derive(Debug)]
pub(crate) struct Names {
    files: BTreeSet<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

/// Locks the names: as long as the guard lives, no temporary name appears or becomes a permanent one.
pub(crate) fn lock() -> MutexGuard<'static, Names> {
    // Each change is one operation on a set: a panic elsewhere leaves them whole.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Names {
    /// Removes everything. What cannot be removed stays: the process is about to end.
    pub(crate) fn remove_all(&mut self) {
        for file in std::mem::take(&mut self.files) {
            let _ = std::fs::remove_file(file);
        }
        for directory in std::mem::take(&mut self.directories) {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// A file with a temporary name, which is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct NamedFile {
    /// `None` while it is being dropped or put in its place.
    file: Option<NamedTempFile>,
}

impl NamedFile {
    /// A new file in `directory` with the permissions of an ordinary new file.
    pub(crate) fn new_in(directory: &Path) -> io::Result<Self> {
        let mut names = lock();
        #[cfg_attr(not(unix), expect(unused_mut, reason = "permissions are those of Unix"))]
        let mut builder = part_name();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory)?;
        names.files.insert(file.path().to_owned());
        Ok(Self { file: Some(file) })
    }

    /// A handle of the file, from its beginning.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.as_ref().ok_or(io::ErrorKind::NotFound)?.as_file().try_clone()
    }

    /// Renames the file to `place`. Without `replace` something that is there is an error.
    pub(crate) fn persist(mut self, place: &Path, replace: bool) -> io::Result<()> {
        let mut names = lock();
        let Some(file) = self.file.take() else { return Ok(()) };
        names.files.remove(file.path());
        let persisted = if replace { file.persist(place) } else { file.persist_noclobber(place) };
        persisted.map(|_| ()).map_err(|error| error.error)
    }
}

impl Drop for NamedFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let mut names = lock();
            names.files.remove(file.path());
            // An error has nobody to be told to; the file is left to its finder.
            let _ = file.close();
        }
    }
}

/// How temporary files beside an output are called.
pub(crate) fn part_name() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".softcp-").suffix(".part");
    builder
}

/// A directory with a temporary name, which is removed with all that is in it when it is dropped, and when a signal ends the
/// process (see [`remove_temporaries_on_signals`](crate::remove_temporaries_on_signals)).
#[derive(Debug)]
pub struct TemporaryDirectory {
    /// `None` while it is being dropped or renamed.
    directory: Option<TempDir>,
    path: PathBuf,
}

impl TemporaryDirectory {
    /// A new directory for this user alone, in the system's directory for temporary files.
    ///
    /// # Errors
    ///
    /// Those of making it.
    pub fn new() -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    /// A new directory for this user alone, in `parent`.
    ///
    /// # Errors
    ///
    /// Those of making it.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        let mut names = lock();
        let mut builder = Builder::new();
        builder.prefix(".softcp-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir_in(parent)?;
        let path = directory.path().to_owned();
        names.directories.insert(path.clone());
        Ok(Self { directory: Some(directory), path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives its files `names` to `directory`: all or, if one cannot be given or is there already, none.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`], and those of linking.
    pub fn move_files_into(self, directory: &Path, names: &[&str]) -> io::Result<()> {
        let locked = lock();
        for (index, name) in names.iter().enumerate() {
            // A link replaces nothing.
            if let Err(error) = std::fs::hard_link(self.path.join(name), directory.join(name)) {
                for name in &names[..index] {
                    let _ = std::fs::remove_file(directory.join(name));
                }
                return Err(error);
            }
        }
        drop(locked);
        Ok(())
    }

    /// Renames it to `place`, where nothing must be, and gives it to whoever comes after.
    ///
    /// # Errors
    ///
    /// Those of renaming; it is removed then.
    pub fn persist(mut self, place: &Path) -> io::Result<()> {
        let mut names = lock();
        std::fs::rename(&self.path, place)?;
        names.directories.remove(&self.path);
        if let Some(directory) = self.directory.take() {
            let _ = directory.keep();
        }
        Ok(())
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.take() {
            let mut names = lock();
            names.directories.remove(&self.path);
            let _ = directory.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_goes_with_its_files_unless_it_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let directory = TemporaryDirectory::new_in(parent.path()).unwrap();
        crate::check_private(directory.path(), true).unwrap();
        std::fs::write(directory.path().join("a"), "a").unwrap();
        drop(directory);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
        let directory = TemporaryDirectory::new_in(parent.path()).unwrap();
        std::fs::write(directory.path().join("a"), "a").unwrap();
        directory.persist(&parent.path().join("kept")).unwrap();
        assert!(parent.path().join("kept/a").exists());
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
