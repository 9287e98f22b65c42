//! How a change of a file is noticed.
//!
//! Length, times, device and inode are compared. Elsewhere than on Unix only length and
//! modification time are.

use std::{fs::Metadata, time::SystemTime};

/// What differs between two states of a file: replaced (inode), rewritten (length, times) or both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    /// In bytes.
    length: u64,
    /// `None` where the file system does not store it.
    modified: Option<SystemTime>,
    /// Device, inode, and the time of the last change of status in seconds and nanoseconds.
    #[cfg(unix)]
    unix: (u64, u64, i64, i64),
}

impl Stamp {
    /// Reads the stamp of an open file or of a path.
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            unix: (
                metadata.dev(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ),
        }
    }
}
