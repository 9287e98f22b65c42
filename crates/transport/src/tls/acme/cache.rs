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
use crate::tls::{certificates::Loaded, error::CertificateError, files};

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
        for folder in [&self.folder, &self.authority, &self.challenges()] {
            // `Display` of the error names the path again.
            files::make_folder(folder).map_err(|error| match error {
                CertificateError::File { path, source } => AcmeError::Cache { path, source },
                other => AcmeError::Certificate(other),
            })?;
        }
        Ok(())
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
    /// The lock file cannot be opened for writing.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>, AcmeError> {
        let path = self.folder.join("lock");
        let broken = |source| AcmeError::cache(&path, source);
        let file = private_file::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(broken)?;
        if let Ok(folder) = fs::metadata(&self.folder) {
            // A command that runs as root must not lock the service out. Only root may change it.
            let _ = private_file::give_to_owner_of(&folder, &file);
        }
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
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, AcmeError> {
    let read = File::open(path).and_then(|file| private_file::read_to_string(&file, MAX_FILE));
    match read {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(Zeroizing::default())),
        Err(source) => Err(AcmeError::cache(path, source)),
    }
}

/// The new content is written beside the file and then renamed: a reader sees the old content or the
/// new one.
fn write(path: &Path, content: &[u8]) -> Result<(), AcmeError> {
    private_file::replace(path, content).map_err(|source| AcmeError::cache(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: &str = "https://acme.example:14000/dir";

    fn cache(folder: &Path, domains: &[&str]) -> Cache {
        let domains: Vec<String> = domains.iter().map(|name| (*name).to_owned()).collect();
        Cache::new(folder.to_owned(), DIRECTORY, &domains)
    }

    #[test]
    fn each_authority_and_each_set_of_names_has_files_of_its_own() {
        let folder = Path::new("cache");
        let path = |domains: &[&str]| cache(folder, domains).certificate_path();
        assert_eq!(
            path(&["a.example", "b.example"]).parent(),
            path(&["b.example"]).parent()
        );
        assert_ne!(path(&["a.example"]), path(&["a.example", "b.example"]));
        let other = Cache::new(
            folder.to_owned(),
            "https://acme.example/x",
            &["a.example".to_owned()],
        );
        assert_ne!(path(&["a.example"]), other.certificate_path());
        let strange = Cache::new(
            folder.to_owned(),
            "https://../../etc",
            &["a.example".to_owned()],
        );
        assert!(strange.certificate_path().starts_with("cache"));
        assert!(
            !strange
                .certificate_path()
                .components()
                .any(|part| part.as_os_str() == "..")
        );
    }

    #[test]
    fn one_process_at_a_time_has_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (cache(folder.path(), &["a"]), cache(folder.path(), &["b"]));
        one.create().unwrap();
        let lock = one.try_lock().unwrap();
        assert!(lock.is_some());
        assert!(other.try_lock().unwrap().is_none());
        drop(lock);
        assert!(other.try_lock().unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_files() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let cache = cache(&folder.path().join("new"), &["a.example"]);
        cache.create().unwrap();
        cache.write_account("{}").unwrap();
        cache.write_certificate("key").unwrap();
        cache.write_history(&History::default()).unwrap();
        drop(cache.try_lock().unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let files = [
            cache.account_path(),
            cache.certificate_path(),
            cache.history_path(),
            cache.folder.join("lock"),
        ];
        for path in files {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        for folder in [&cache.folder, &cache.authority, &cache.challenges()] {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }

    /// `sudo palisade cert renew` must not take the certificate away from the service.
    #[cfg(unix)]
    #[test]
    fn what_root_writes_belongs_to_the_owner_of_the_folder() {
        use std::os::unix::fs::{MetadataExt, chown};

        let folder = tempfile::tempdir().unwrap();
        if chown(folder.path(), Some(4711), Some(4712)).is_err() {
            eprintln!("skipped: only root can show this");
            return;
        }
        let cache = cache(&folder.path().join("new/acme"), &["a.example"]);
        cache.create().unwrap();
        // Twice: what replaces a file belongs to the same user.
        for _ in 0..2 {
            cache.write_account("{}").unwrap();
            cache.write_certificate("key").unwrap();
            cache.write_history(&History::default()).unwrap();
            drop(cache.try_lock().unwrap());
        }
        for path in [
            &folder.path().join("new"),
            &cache.folder,
            &cache.authority,
            &cache.challenges(),
            &cache.account_path(),
            &cache.certificate_path(),
            &cache.history_path(),
            &cache.folder.join("lock"),
        ] {
            let now = fs::metadata(path).unwrap();
            assert_eq!((now.uid(), now.gid()), (4711, 4712), "{}", path.display());
        }
    }

    #[test]
    fn damaged_files_are_not_an_error_and_unreadable_ones_are() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path(), &["a.example"]);
        cache.create().unwrap();
        let domains = ["a.example".to_owned()];
        let now = Duration::from_secs(1_700_000_000);
        assert!(cache.certificate().unwrap().is_none());
        assert_eq!(cache.history(&domains, now).unwrap(), History::default());
        for damaged in [
            "",
            "{\"certificates\":",
            "-----BEGIN CERTIFICATE-----\nMIIB",
        ] {
            cache.write_certificate(damaged).unwrap();
            fs::write(cache.history_path(), damaged).unwrap();
            assert!(cache.certificate().unwrap().is_none());
            let history = cache.history(&domains, now).unwrap();
            assert_eq!(history, History::unknown(&domains, now));
        }
        fs::write(cache.certificate_path(), [0xff, 0xfe]).unwrap();
        assert!(cache.certificate().unwrap().is_none());
        fs::remove_file(cache.certificate_path()).unwrap();
        fs::create_dir(cache.certificate_path()).unwrap();
        assert!(matches!(cache.certificate(), Err(AcmeError::Cache { .. })));
    }
}
