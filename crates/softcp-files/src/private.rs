//! Files and directories that are their owner's alone.

use std::io;
use std::path::Path;

/// Checks that `path` is a directory, or a file, of this user that nobody else may read or write, and no link. On systems
/// without owners and modes it checks only what it is.
///
/// # Errors
///
/// [`io::ErrorKind::PermissionDenied`] if it is somebody else's or open to others; [`io::ErrorKind::InvalidData`] if it is
/// something else; those of looking at it.
pub fn check_private(path: &Path, directory: bool) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let is_right = if directory { metadata.is_dir() } else { metadata.is_file() };
    if !is_right {
        return Err(io::ErrorKind::InvalidData.into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    Ok(())
}

/// Whether what is at `path`, links followed, belongs to this user. On systems without owners everything does.
#[must_use]
pub fn is_own(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).is_ok_and(|metadata| metadata.uid() == rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        path.exists()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_what_is_closed_to_others_and_no_link_passes() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
        check_private(directory.path(), true).unwrap();
        check_private(&file, false).unwrap();
        assert_eq!(check_private(&link, false).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(check_private(&file, true).unwrap_err().kind(), io::ErrorKind::InvalidData);
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(check_private(&file, false).unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{mode:o}");
        }
        assert!(is_own(&link) && !is_own(Path::new("/none")));
    }
}
