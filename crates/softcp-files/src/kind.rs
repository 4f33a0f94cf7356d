//! What a path leads to.

use std::fmt;
use std::fs::Metadata;

/// What a path leads to, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A pipe, with or without a name.
    Pipe,
    /// A socket.
    Socket,
    /// A device such as a terminal.
    CharacterDevice,
    /// A device such as a disk.
    BlockDevice,
    /// Something else.
    Other,
}

impl FileKind {
    /// The kind of what `metadata` describes.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let kind = metadata.file_type();
        if kind.is_file() {
            return Self::File;
        }
        if kind.is_dir() {
            return Self::Directory;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt as _;
            if kind.is_fifo() {
                return Self::Pipe;
            }
            if kind.is_socket() {
                return Self::Socket;
            }
            if kind.is_char_device() {
                return Self::CharacterDevice;
            }
            if kind.is_block_device() {
                return Self::BlockDevice;
            }
        }
        Self::Other
    }
}

/// With an article, for sentences: `a directory`.
impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::CharacterDevice => "a device",
            Self::BlockDevice => "a disk device",
            Self::Other => "not a regular file",
        })
    }
}
