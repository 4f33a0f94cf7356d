//! Holes of sparse files.

use std::fs::{File, Metadata};
use std::io;

/// Part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes that read as zeros and take no space.
    Hole(u64),
    /// So many bytes of data.
    Data(u64),
}

/// Whether a file may have holes: it takes less space than it has bytes.
#[must_use]
pub fn is_sparse(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        // In units of 512 bytes, whatever the block size.
        std::os::unix::fs::MetadataExt::blocks(metadata).saturating_mul(512) < metadata.len()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// What lies at `offset` of a file, as far as `len` bytes. The file's position is anywhere afterwards. Where the system does not
/// tell of holes, everything is data.
///
/// # Errors
///
/// Those of looking; a file system that does not know holes is none.
pub fn extent_at(file: &File, offset: u64, len: u64) -> io::Result<Extent> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        match seek(file, SeekFrom::Data(offset)) {
            Ok(data) if data > offset => Ok(Extent::Hole(len.min(data - offset))),
            Ok(_) => {
                let hole = seek(file, SeekFrom::Hole(offset))?;
                Ok(Extent::Data(len.min(hole.saturating_sub(offset).max(1))))
            }
            // No data up to the end.
            Err(Errno::NXIO) => Ok(Extent::Hole(len)),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Extent::Data(len)),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (file, offset);
        Ok(Extent::Data(len))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::*;

    #[test]
    fn holes_and_data_are_told_apart() {
        let mut file = tempfile::tempfile().unwrap();
        let (hole, data) = (1 << 20, 64 << 10);
        file.seek(SeekFrom::Start(hole)).unwrap();
        file.write_all(&vec![7; usize::try_from(data).unwrap()]).unwrap();
        file.set_len(3 * hole).unwrap();
        assert!(is_sparse(&file.metadata().unwrap()));
        assert_eq!(extent_at(&file, 0, 5 * hole).unwrap(), Extent::Hole(hole));
        assert_eq!(extent_at(&file, 5, 10).unwrap(), Extent::Hole(10));
        assert_eq!(extent_at(&file, hole, 2 * hole).unwrap(), Extent::Data(data));
        assert_eq!(extent_at(&file, hole + data, 100).unwrap(), Extent::Hole(100));
    }
}
