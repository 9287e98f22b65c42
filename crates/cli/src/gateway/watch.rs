//! `--watch`: reads the configuration again when its file was written or replaced.
//!
//! The file is looked at once a second. A change counts when the file stayed the same for a second, so an editor that
//! writes it in parts is not disturbed. Replace the file by renaming where that is not enough: a part of a file may be a
//! valid one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// What of a file shows that it has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
struct FileState {
    modified: Option<SystemTime>,
    length: u64,
    /// Another one after it was replaced by renaming.
    #[cfg(unix)]
    inode: u64,
}

/// A file that is watched.
#[derive(Debug)]
pub(super) struct WatchedFile {
    path: PathBuf,
    /// The state whose content is in use. `None`: it was not there.
    in_use: Option<FileState>,
    /// The state at the last look.
    last: Option<FileState>,
}

impl FileState {
    /// # Errors
    ///
    /// The file is not there, or its folder cannot be read.
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            modified: found.modified().ok(),
            length: found.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&found),
        })
    }
}

impl WatchedFile {
    /// Begins to watch. Changes from now on count.
    pub(super) fn new(path: &Path) -> Self {
        let now = FileState::of(path).ok();
        Self {
            path: path.to_owned(),
            in_use: now.clone(),
            last: now,
        }
    }

    /// Waits until the file has changed, and stayed the same for a second.
    pub(super) async fn changed(&mut self) {
        loop {
            sleep(INTERVAL).await;
            if self.look() {
                return;
            }
        }
    }

    /// Returns whether there is a new state, which was there at the last look too.
    fn look(&mut self) -> bool {
        let now = FileState::of(&self.path).ok();
        let is_settled = now == self.last;
        self.last.clone_from(&now);
        // A file that is gone may be between two renames.
        let is_new = is_settled && now.is_some() && now != self.in_use;
        if is_new {
            self.in_use = now;
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_change_counts_once_and_when_the_file_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.toml");
        fs::write(&path, "a").unwrap();
        let mut watched = WatchedFile::new(&path);
        assert!(!watched.look(), "nothing has changed");
        fs::write(&path, "ab").unwrap();
        assert!(!watched.look(), "it may be written still");
        fs::write(&path, "abc").unwrap();
        assert!(!watched.look());
        assert!(watched.look());
        assert!(!watched.look(), "once");
        fs::remove_file(&path).unwrap();
        assert!(
            !watched.look() && !watched.look(),
            "a file that is gone is no new one"
        );
        fs::write(&path, "abcd").unwrap();
        assert!(!watched.look());
        assert!(watched.look());
    }

    #[test]
    fn a_file_that_is_replaced_by_one_of_the_same_length_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (
            folder.path().join("gateway.toml"),
            folder.path().join("new"),
        );
        fs::write(&path, "a").unwrap();
        let mut watched = WatchedFile::new(&path);
        fs::write(&new, "b").unwrap();
        fs::rename(&new, &path).unwrap();
        assert!(!watched.look());
        assert!(watched.look());
    }
}
