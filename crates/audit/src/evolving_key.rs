//! A key of a trail that is replaced with each segment, so that who steals it can forge nothing older.
//!
//! The next key is an HMAC of the current one: it can be computed forwards, and not backwards. A segment is what lies
//! between two rotations. Its number is the *epoch*, from 0. The file has the key of one epoch, and is replaced after the
//! first records of the next one are safe: so it is never ahead of the trail.
//!
//! The file is one line: `palisade-evolving-key/1 <id of the first key> <epoch> <key>`, the key in hexadecimal digits.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use palisade_internal::{hex, private_file};

use crate::{error::AuditBuildError, key::AuditKey};

/// What the line begins with.
const VERSION: &str = "palisade-evolving-key/1";
/// The highest epoch. With one rotation a second it is reached after 11 days, with one an hour after a century.
pub(crate) const MAX_EPOCH: u64 = 1_000_000;
/// The most bytes of the file.
const MAX_BYTES: u64 = 4096;

/// The key of one epoch, and the public identifier of the first key.
#[derive(Clone, Debug)]
pub(crate) struct EvolvingKey {
    /// The public identifier of the key of epoch 0, by which the trail names its key.
    first_id: String,
    /// How often the key was replaced since the first one. The key of an epoch gives those after
    /// it, and none before it.
    epoch: u64,
    /// The key of this epoch.
    key: AuditKey,
}

impl EvolvingKey {
    /// Begins with the first key.
    pub(crate) fn first(key: AuditKey) -> Self {
        Self {
            first_id: key.id(),
            epoch: 0,
            key,
        }
    }

    /// Returns the public identifier of the first key.
    pub(crate) fn first_id(&self) -> &str {
        &self.first_id
    }

    /// Returns the epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the key of this epoch.
    pub(crate) fn key(&self) -> &AuditKey {
        &self.key
    }

    /// Returns the key of a later epoch. `None` if it is an earlier one, or later than the highest.
    pub(crate) fn at(&self, epoch: u64) -> Option<Self> {
        if epoch > MAX_EPOCH {
            return None;
        }
        let steps = epoch.checked_sub(self.epoch)?;
        let mut key = self.key.clone();
        for _ in 0..steps {
            key = key.next();
        }
        Some(Self {
            first_id: self.first_id.clone(),
            epoch,
            key,
        })
    }

    /// Writes the line of the file. It holds the key, so the file has mode 0600.
    fn to_text(&self) -> String {
        let key = hex::encode(self.key.expose());
        format!("{VERSION} {} {} {key}\n", self.first_id, self.epoch)
    }

    /// Reads the line of the file. `None`: it is none, or has an epoch that is too high.
    fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let (version, first_id) = (words.next()?, words.next()?);
        let (epoch, key) = (words.next()?.parse().ok()?, words.next()?);
        let is_id = first_id.len() == 16 && first_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_line = version == VERSION && is_id && words.next().is_none() && epoch <= MAX_EPOCH;
        let bytes: [u8; 32] = hex::decode(key.as_bytes()).filter(|_| is_line)?;
        Some(Self {
            first_id: first_id.to_owned(),
            epoch,
            key: AuditKey::from_bytes(bytes).ok()?,
        })
    }
}

/// The file in which a service keeps its evolving key. For
/// [`FileSinkBuilder::evolving_key`](crate::FileSinkBuilder::evolving_key).
///
/// With it, who steals the key of a running service can forge records of the current segment and later ones, and none
/// before: their keys exist no more, but for the first one, which verification needs. Keep that one away from the
/// machine.
///
/// The old key is replaced in the file, and the file is synced. That does not erase what a file system with snapshots, a
/// backup, or a solid-state disk keeps of the old content: exclude the file from both, or keep it in memory (tmpfs) if
/// the machine may lose the trail's continuation at a restart.
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditKey, EvolvingKeyFile, CheckpointKey, FileSink, VerifyOptions, verify_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// // Once, on the machine of the service. The first key is kept elsewhere.
/// let (file, first) = EvolvingKeyFile::create(folder.path().join("audit.key"))?;
///
/// let sink = FileSink::builder(&path)
///     .evolving_key(file)
///     .checkpoint_key(CheckpointKey::generate()?)
///     .open()?;
/// drop(sink);
///
/// // Elsewhere, with the first key:
/// let report = verify_file(&path, &VerifyOptions::new().key(first))?;
/// assert_eq!(report.key.is_some(), true);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// At the next start the service opens the file. It must not make a new one: the trail would have another key.
///
/// ```
/// use palisade_audit::EvolvingKeyFile;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.key");
/// let (made, first) = EvolvingKeyFile::create(&path)?;
/// assert!(EvolvingKeyFile::create(&path).is_err()); // there is one already
///
/// let opened = EvolvingKeyFile::open(&path)?;
/// assert_eq!((opened.epoch(), opened.first_id()), (0, made.first_id()));
/// assert_eq!(opened.first_id(), first.id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EvolvingKeyFile {
    /// Where the key is. It is written again before a new epoch is used.
    path: PathBuf,
    /// The key as it is in the file.
    key: EvolvingKey,
}

impl EvolvingKeyFile {
    /// Makes the file with a new key, and returns the first key, for verification.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if there is such a file already, or it cannot be written, and
    /// [`AuditBuildError::NoRandomness`] if the operating system gives no random bytes.
    pub fn create(path: impl AsRef<Path>) -> Result<(Self, AuditKey), AuditBuildError> {
        let path = path.as_ref();
        let first = AuditKey::generate()?;
        let key = EvolvingKey::first(first.clone());
        let written = private_file::write_new(path, key.to_text().as_bytes());
        written.map_err(|error| problem(path, error))?;
        let path = path.into();
        Ok((Self { path, key }, first))
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if it cannot be read, others than its owner may read it, or it holds something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let key = read(path).map_err(|error| problem(path, error))?;
        let path = path.into();
        Ok(Self { path, key })
    }

    /// Returns the public identifier of the first key, which is that of the trail.
    #[must_use]
    pub fn first_id(&self) -> &str {
        self.key.first_id()
    }

    /// Returns the number of the segment whose key is in the file, from 0.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.key.epoch()
    }

    /// Returns the key.
    pub(crate) fn key(&self) -> &EvolvingKey {
        &self.key
    }

    /// Replaces the key in the file. The old one is not in it any more.
    ///
    /// # Errors
    ///
    /// The file cannot be written or synced. The key in memory stays as it was.
    pub(crate) fn store(&mut self, key: EvolvingKey) -> io::Result<()> {
        private_file::replace(&self.path, key.to_text().as_bytes())?;
        private_file::sync_folder(&self.path)?;
        self.key = key;
        Ok(())
    }
}

/// Reads the file, and refuses one that other users may read or change.
///
/// # Errors
///
/// The file cannot be read, others may read or change it, or it has no key of this form.
fn read(path: &Path) -> io::Result<EvolvingKey> {
    // Before it is opened: to open a pipe could block.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(io::Error::other("not a file of at most 4096 bytes"));
    }
    if private_file::open_mode(path)?.is_some() {
        return Err(io::Error::other(
            "others may read or change it: chmod 600 it",
        ));
    }
    let text = fs::read_to_string(path)?;
    EvolvingKey::from_text(&text).ok_or_else(|| {
        io::Error::other("it is no evolving key; make one with `palisade audit seal-key`")
    })
}

/// Names the file in the error of a builder.
fn problem(path: &Path, error: io::Error) -> AuditBuildError {
    AuditBuildError::KeyFile {
        path: path.into(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_evolves_forwards_alone() {
        let first = EvolvingKey::first(AuditKey::generate().unwrap());
        let third = first.at(3).unwrap();
        assert_eq!(
            third.key().id(),
            first.at(1).unwrap().at(3).unwrap().key().id()
        );
        assert_eq!(third.first_id(), first.key().id());
        assert!(third.at(2).is_none() && first.at(MAX_EPOCH + 1).is_none());
        let keys: std::collections::HashSet<_> = (0..4)
            .map(|epoch| first.at(epoch).unwrap().key().expose().to_vec())
            .collect();
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn a_line_is_read_as_it_is_written_and_nothing_else_is() {
        let key = EvolvingKey::first(AuditKey::generate().unwrap())
            .at(7)
            .unwrap();
        let text = key.to_text();
        let read = EvolvingKey::from_text(&text).unwrap();
        assert_eq!((read.epoch(), read.first_id()), (7, key.first_id()));
        assert_eq!(read.key().expose(), key.key().expose());
        for wrong in [
            "",
            &text.replace("/1", "/2"),
            &text.replace(" 7 ", " 1000001 "),
            &text.replace(" 7 ", " -1 "),
            &format!("{} more", text.trim_end()),
            &text[..text.len() - 3],
        ] {
            assert!(EvolvingKey::from_text(wrong).is_none(), "{wrong}");
        }
    }
}
