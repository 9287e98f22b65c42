//! A list of revoked tokens in a watched file.
//!
//! `builder` says how the file is watched, `document` reads and writes it.

mod builder;
mod list_format;
mod document;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use palisade_internal::{
    private_file,
    watched_file::{Freshness, WatchedFile},
};

pub use self::builder::RevokedTokensFileBuilder;
use self::list_format::ListFormat;
use super::{ListUnavailable, RevocationEntries, RevocationList, RevokedToken};
use crate::error::JwtBuildError;

/// A list of revoked tokens in a JSON file. Clones share the entries.
///
/// Every replica that sees the file refuses a revoked token within a second, whichever process
/// wrote the entry. While the file is invalid, missing or unreadable, the older entries stay in
/// force for 15 minutes; then every request with a token is refused with 503, since one may have
/// been revoked. A file that others may write is refused: who removes an entry lets a token in.
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_core::{Clock, SystemClock};
/// use palisade_jwt::{JwtLayer, Verifier, revocation::RevokedTokensFile};
///
/// # fn layer(verifier: Verifier) -> Result<JwtLayer, Box<dyn std::error::Error>> {
/// let revoked = RevokedTokensFile::open("/var/lib/tts/revoked.json")?;
/// let layer = JwtLayer::builder(verifier).revocation_list(revoked.clone()).build()?;
/// // In a program for operators, perhaps on another machine with the same volume:
/// let now = SystemClock::default().unix_time();
/// revoked.update(|entries| {
///     entries.remove_old(now);
///     entries.revoke_token("staff:QHGiBWe3a6vJfCJ2", now + Duration::from_secs(86_430))
/// })?;
/// # Ok(layer)
/// # }
/// ```
///
/// Who reads the list first needs an empty one: a file that is missing is an error, and not "nothing is revoked".
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::revocation::RevokedTokensFile;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("revoked.json");
/// assert!(RevokedTokensFile::open(&path).is_err());
///
/// RevokedTokensFile::create(&path)?;
/// let revoked = RevokedTokensFile::builder(&path).unwatched().open()?;
/// revoked.update(|entries| entries.revoke_token("staff:QHGiBWe3a6vJfCJ2", Duration::from_secs(4_000_000_000)))?;
/// assert!(!revoked.known().is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RevokedTokensFile(Arc<WatchedFile<ListFormat>>);

impl RevokedTokensFile {
    /// Reads the file and checks it for changes once a second.
    ///
    /// # Errors
    ///
    /// See [`RevokedTokensFileBuilder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JwtBuildError> {
        Self::builder(path).open()
    }

    /// Starts to configure how the file is watched.
    pub fn builder(path: impl Into<PathBuf>) -> RevokedTokensFileBuilder {
        RevokedTokensFileBuilder::new(path.into())
    }

    /// Creates a file without entries that only its owner may read. An existing file is not
    /// changed.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Read`] if the file exists or cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<(), JwtBuildError> {
        let path = path.as_ref();
        let text = document::write(&RevocationEntries::default());
        private_file::write_new(path, text.as_bytes())
            .map_err(|problem| JwtBuildError::Read(path.into(), problem))
    }

    /// Checks the file now, instead of within a second. Returns whether other entries are in force.
    ///
    /// It reads from a disk: do not call it in the path of a request.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError`] when the file cannot be read; the older entries stay in force.
    pub fn refresh(&self) -> Result<bool, JwtBuildError> {
        self.0.refresh()
    }

    /// Changes the file: reads it again, applies the change, and replaces it in one step. Several
    /// processes may do so at once; none loses the other's change.
    ///
    /// It waits for a disk: do not call it in the path of a request.
    ///
    /// # Errors
    ///
    /// The error of `change`, or when the file cannot be read or written. Nothing is changed then.
    pub fn update<T, E: Into<JwtBuildError>>(
        &self,
        change: impl FnOnce(&mut RevocationEntries) -> Result<T, E>,
    ) -> Result<T, JwtBuildError> {
        self.0.update(|mut entries| {
            let outcome = change(&mut entries).map_err(Into::into)?;
            let text = document::write(&entries);
            Ok((entries, text, outcome))
        })
    }

    /// Returns the entries that were last read, for listings.
    #[must_use]
    pub fn known(&self) -> Arc<RevocationEntries> {
        self.0.value().load_full()
    }
}

impl RevocationList for RevokedTokensFile {
    fn is_revoked(&self, token: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
        match self.0.freshness() {
            Freshness::Expired => Err(ListUnavailable),
            Freshness::Fresh | Freshness::Stale => Ok(self.0.value().load().contains(token)),
        }
    }
}

impl fmt::Debug for RevokedTokensFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokedTokensFile")
            .field("path", &self.0.path())
            .field("entries", &self.0.value().load().len())
            .finish_non_exhaustive()
    }
}
