//! The folder with the account, the certificate and past attempts, shared by several processes.
//!
//! ```text
//! cache/
//!   lock                            one order at a time, whichever process makes it
//!   challenges/                     responses to challenges, while an order is in progress
//!   acme.example-1a2b3c4d/          one folder for each authority
//!     account.json                  the key of the account
//!     attempts.json                 past attempts
//!     tts.example.com-5e6f7a8b.pem  key and chain, for these names
//! ```
//!
//! Files have mode 0600, folders 0700. Every write is atomic. Key and chain share one file, so that
//! no reader gets a key with the chain of another certificate.
//!
//! # Damage
//!
//! A damaged certificate or account reads as a missing one, and is replaced by the next order. A
//! damaged history reads as one with failures, since a reset would forget the limits. A file that
//! cannot be read is an error: its cause, such as a wrong owner, is not repaired by an order.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use palisade_internal::{hex, private_file};
use zeroize::Zeroizing;

use super::{AcmeError, history::History};
use crate::tls::{certificates::Loaded, error::CertificateError, files, folders};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// The folder of a cache, for one authority and one set of names.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    /// The folder that the operator named, shared by all authorities.
    folder: PathBuf,
    /// The folder of the authority.
    authority: PathBuf,
    /// Identifies the set of names.
    certificate: String,
}

/// The lock of the cache. Free when it is dropped.
///
/// The lock is advisory (`flock`), and the system frees it if the process dies. So no stale lock can
/// remain, and the file is never removed.
#[derive(Debug)]
pub(super) struct Lock(#[allow(dead_code, reason = "dropping it frees the lock")] File);

impl Cache {
    /// Names the files for an authority and a set of names. Nothing is read or written.
    ///
    /// The digest in each name keeps two sets apart that begin with the same host. Names are sorted
    /// first, so that their order in the configuration does not matter.
    pub(super) fn new(folder: PathBuf, directory: &str, domains: &[String]) -> Self {
        let host = directory.split('/').nth(2).unwrap_or_default();
        let host = host.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        let mut sorted = domains.to_vec();
        sorted.sort_unstable();
        let first = domains.first().map(String::as_str).unwrap_or_default();
        Self {
            authority: folder.join(format!("{host}-{}", short_digest(directory))),
            folder,
            certificate: format!("{first}-{}", short_digest(&sorted.join(" "))),
        }
    }

    /// Creates the folders, if they do not exist.
    ///
    /// # Errors
    ///
    /// A folder cannot be created, for example because its parent belongs to another user.
    pub(super) fn create(&self) -> Result<(), AcmeError> {
        // `Display` of the error names the path again.
        let broken = |error| match error {
            CertificateError::File { path, source } => AcmeError::Cache { path, source },
            other => AcmeError::Certificate(other),
        };
        folders::make_folder(&self.folder).map_err(broken)?;
        folders::make_last_folder(&self.authority).map_err(broken)?;
        folders::make_last_folder(&self.challenges()).map_err(broken)
    }

    /// Returns the folder with responses to challenges.
    pub(super) fn challenges(&self) -> PathBuf {
        self.folder.join("challenges")
    }

    /// Returns the file with key and chain.
    ///
    /// This is also the path that `palisade cert show` prints, and that another server could read.
    pub(super) fn certificate_path(&self) -> PathBuf {
        self.authority.join(format!("{}.pem", self.certificate))
    }

    /// Returns what identifies the set of names in the history.
    pub(super) fn certificate_id(&self) -> &str {
        &self.certificate
    }

    /// Takes the lock, unless another process has it.
    ///
    /// It does not wait: an order can take minutes, and the next check is 30 seconds away.
    ///
    /// # Errors
    ///
    /// The lock file cannot be opened for writing, is a link, or belongs to a user other than root, the owner
    /// of the folder and the user of this process.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>, AcmeError> {
        // Everything below writes in these two. A link was put there since they were created.
        for folder in [&self.authority, &self.challenges()] {
            let broken = |source| AcmeError::cache(folder, source);
            folders::demand_folder(folder).map_err(broken)?;
        }
        let path = self.folder.join("lock");
        let broken = |source| AcmeError::cache(&path, source);
        let folder = fs::metadata(&self.folder).map_err(broken)?;
        // A command that runs as root must not lock the service out: a new file is given away.
        let file = private_file::append_to(&path, &folder, files::own_user()).map_err(broken)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(broken(error)),
        }
    }

    /// Reads the certificate. `None` if there is none, or if the file is damaged.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn certificate(&self) -> Result<Option<Loaded>, AcmeError> {
        let path = self.certificate_path();
        let Some(pem) = read(&path)? else {
            return Ok(None);
        };
        let loaded = Loaded::parse(&path, pem.as_bytes(), pem.as_bytes());
        Ok(loaded
            .inspect_err(|error| tracing::debug!(%error, "the cached certificate is damaged"))
            .ok())
    }

    /// Stores key and chain.
    ///
    /// # Errors
    ///
    /// The file cannot be replaced. The certificate is then lost, and the next attempt orders another.
    pub(super) fn write_certificate(&self, pem: &str) -> Result<(), AcmeError> {
        write(&self.certificate_path(), pem.as_bytes())
    }

    /// Reads the account, as the ACME library writes it.
    ///
    /// `None` if there is none. Text that is not UTF-8 reads as empty.
    pub(super) fn account(&self) -> Result<Option<Zeroizing<String>>, AcmeError> {
        read(&self.account_path())
    }

    /// Stores the account.
    ///
    /// The text holds the private key, so the caller wipes its copy.
    pub(super) fn write_account(&self, json: &str) -> Result<(), AcmeError> {
        write(&self.account_path(), json.as_bytes())
    }

    /// Makes the error about an account that cannot be stored.
    pub(super) fn unwritten_account(&self, source: io::Error) -> AcmeError {
        AcmeError::cache(&self.account_path(), source)
    }

    /// Renames an account that cannot be used, so that a new one is created.
    ///
    /// The old file stays as `account.json.unusable`: an operator may want to know why it was refused.
    pub(super) fn set_account_aside(&self) -> Result<(), AcmeError> {
        let path = self.account_path();
        let aside = path.with_extension("json.unusable");
        fs::rename(&path, aside).map_err(|source| AcmeError::cache(&path, source))
    }

    /// One account for each authority, shared by all certificates of the cache.
    fn account_path(&self) -> PathBuf {
        self.authority.join("account.json")
    }

    /// Reads past attempts. A damaged file is replaced by [`History::unknown`].
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn history(&self, domains: &[String], now: Duration) -> Result<History, AcmeError> {
        let path = self.history_path();
        let Some(text) = read(&path)? else {
            return Ok(History::default());
        };
        Ok(serde_json::from_str(&text).unwrap_or_else(|_| {
            tracing::warn!(path = %path.display(), "past attempts cannot be read; attempts are limited for an hour");
            History::unknown(domains, now)
        }))
    }

    /// Stores past attempts.
    ///
    /// Written before and after each attempt. See `attempt`.
    pub(super) fn write_history(&self, history: &History) -> Result<(), AcmeError> {
        let path = self.history_path();
        let text = serde_json::to_vec(history);
        let text = text.map_err(|error| AcmeError::cache(&path, error.into()))?;
        write(&path, &text)
    }

    /// One history for each authority, since its limits apply to all certificates together.
    fn history_path(&self) -> PathBuf {
        self.authority.join("attempts.json")
    }
}

/// Returns 8 hexadecimal digits of the SHA-256 of a text.
///
/// Short, because it only keeps file names apart. It protects nothing.
fn short_digest(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    hex::encode(digest.as_ref().get(..4).unwrap_or_default())
}

/// Reads a file, if it is there. Invalid UTF-8 reads as an empty file, which is a damaged one.
///
/// A link is refused: this may be root, and the folder another user's.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, AcmeError> {
    let read = private_file::open_unlinked(path);
    let read = read.and_then(|file| private_file::read_to_string(&file, MAX_FILE));
    match read {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(Zeroizing::default())),
        Err(source) => Err(AcmeError::cache(path, source)),
    }
}

/// The new content is written beside the file and then renamed: a reader sees the old content or the
/// new one. A link in its place is replaced and not followed.
fn write(path: &Path, content: &[u8]) -> Result<(), AcmeError> {
    private_file::replace_unlinked(path, content).map_err(|source| AcmeError::cache(path, source))
}

#[cfg(test)]
mod tests;
