//! A key set in a file that is checked for changes.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::watched_file::{FileFormat, Freshness, Options, Report, WatchedFile};

use crate::{
    algorithm::Algorithm,
    error::{InvalidToken, JwtBuildError},
    jwks::{IssuerKeys, source::Source},
    keys::{JwksReader, KeySet},
};

/// In bytes. A larger file is refused.
const LARGEST: u64 = 1024 * 1024;

/// The keys of an issuer in a file with a JWK set (RFC 7517 section 5). Clones share them.
///
/// A change takes effect within a second. While the file is invalid, missing or unreadable, the
/// older keys stay in force for [15 minutes](JwksFileBuilder::max_stale_age). Then tokens of this
/// issuer are refused with 503, since a key may have been withdrawn. Both are logged once, and
/// recorded as `keys_stale`. A file that others may write is refused: an attacker who adds a key
/// can sign tokens.
///
/// ```no_run
/// use palisade_jwt::{Issuer, JwksFile, JwtLayer, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = JwksFile::open("/etc/tts/jwks.json")?;
/// let issuer = Issuer::new("https://login.example", "https://tts.example", keys);
/// let layer = JwtLayer::new(Verifier::builder().issuer(issuer).build()?);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// A new key is known after a second. A test, or a program that was told of the change, does not wait:
///
/// ```
/// use palisade_jwt::JwksFile;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("jwks.json");
/// # let key = palisade_jwt::mint::SigningKey::generate(palisade_jwt::Algorithm::Es256)?;
/// # let one_key = serde_json::json!({ "keys": [key.public_jwk()] }).to_string();
/// std::fs::write(&path, one_key)?;
/// let keys = JwksFile::builder(&path).unwatched().open()?;
/// assert_eq!(keys.known().keys().count(), 1);
///
/// std::fs::write(&path, "this is no JWK set")?;
/// assert!(keys.refresh().is_err());
/// assert_eq!(keys.known().keys().count(), 1); // the older keys stay in force
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct JwksFile(Arc<WatchedFile<JwksFormat>>);

/// Configures how a [`JwksFile`] is read and watched. Made by [`JwksFile::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`rsa_algorithm`](Self::rsa_algorithm) | `RS256` |
/// | [`empty_set_revokes`](Self::empty_set_revokes) | `false` |
/// | [`interval`](Self::interval) | checked once a second |
/// | [`max_stale_age`](Self::max_stale_age) | older keys for 15 minutes |
/// | [`unwatched`](Self::unwatched) | a thread checks the file |
/// | [`clock`](Self::clock) | the system clock |
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_jwt::{Algorithm, JwksFile};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = JwksFile::builder("/etc/tts/jwks.json")
///     .rsa_algorithm(Algorithm::Ps256)
///     .max_stale_age(Duration::from_secs(3600))
///     .open()?;
/// # let _ = keys;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwksFileBuilder {
    /// The file to read.
    path: PathBuf,
    /// The algorithm of RSA keys without `alg`.
    rsa: Algorithm,
    /// Whether a set without usable keys is accepted.
    empty_set_revokes: bool,
    /// How often it is checked, and how long older keys stay in force.
    options: Options,
    /// Whether a thread checks it.
    watched: bool,
}

impl JwksFile {
    /// Reads the file and checks it for changes from now on, with the defaults.
    ///
    /// # Errors
    ///
    /// See [`JwksFileBuilder::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JwtBuildError> {
        Self::builder(path).open()
    }

    /// Starts to configure how the file is read and watched.
    pub fn builder(path: impl Into<PathBuf>) -> JwksFileBuilder {
        JwksFileBuilder {
            path: path.into(),
            rsa: Algorithm::Rs256,
            empty_set_revokes: false,
            options: Options::new(LARGEST, clock_of(SystemClock::shared())),
            watched: true,
        }
    }

    /// Checks the file now, instead of within the interval. Returns whether another set is in
    /// force.
    ///
    /// It reads from a disk: do not call it in the path of a request.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError`] when the file cannot be read; the older set stays in force.
    pub fn refresh(&self) -> Result<bool, JwtBuildError> {
        self.0.refresh()
    }

    /// Returns the set that was last read, for a status page or a test.
    ///
    /// It may be older than [`JwksFileBuilder::max_stale_age`]; requests are then refused.
    #[must_use]
    pub fn known(&self) -> Arc<KeySet> {
        self.0.value().load_full()
    }
}

impl JwksFileBuilder {
    /// Sets the algorithm of RSA keys without `alg`. Default: `RS256`.
    ///
    /// An algorithm of another family is an error of [`open`](Self::open).
    pub fn rsa_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.rsa = algorithm;
        self
    }

    /// Sets whether a key set without a usable key revokes all keys, so that every token is refused
    /// with 401.
    ///
    /// Default: `false`. Such a file counts as invalid, and the older keys stay in force for a
    /// limited time.
    pub fn empty_set_revokes(mut self, revokes: bool) -> Self {
        self.empty_set_revokes = revokes;
        self
    }

    /// Sets how often the file is checked for changes. Default: once a second.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.options.interval = interval;
        self
    }

    /// Sets how long older keys stay in force while the file cannot be read. Default: 15 minutes. A
    /// value under two intervals counts as two intervals.
    pub fn max_stale_age(mut self, age: Duration) -> Self {
        self.options.max_stale_age = age;
        self
    }

    /// Sets the clock that measures the age of older keys. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.options.set_clock(clock_of(clock));
        self
    }

    /// Starts no thread that checks the file: for programs that end soon, or call
    /// [`JwksFile::refresh`]. Default: the file is checked every [`interval`](Self::interval).
    pub fn unwatched(mut self) -> Self {
        self.watched = false;
        self
    }

    /// Reads the file and starts a thread that checks it for changes, unless it is
    /// [`unwatched`](Self::unwatched).
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Read`] when the file cannot be read, others may write it, or no thread can be
    /// started. Otherwise see [`JwksReader::read`].
    ///
    /// ```
    /// use palisade_jwt::JwksFile;
    /// # use palisade_jwt::{Algorithm, mint::SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("jwks.json");
    /// assert!(JwksFile::open(&path).is_err()); // there is no such file
    ///
    /// # let jwk = SigningKey::generate(Algorithm::Es256)?.public_jwk().cloned().ok_or("public")?;
    /// std::fs::write(&path, format!(r#"{{"keys":[{jwk}]}}"#))?;
    /// let keys = JwksFile::builder(&path).unwatched().open()?;
    /// assert_eq!(keys.known().keys().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(self) -> Result<JwksFile, JwtBuildError> {
        let format = JwksFormat {
            reader: JwksReader::new().rsa_algorithm(self.rsa),
            empty_set_revokes: self.empty_set_revokes,
        };
        let file = Arc::new(WatchedFile::open(format, self.path, self.options)?);
        let path = file.path().display().to_string();
        file.value().load().log_unused(&path, None);
        if self.watched {
            file.watch("palisade-jwks")?;
        }
        Ok(JwksFile(file))
    }
}

/// The file helper knows no [`SharedClock`]; it is below the core.
fn clock_of(clock: SharedClock) -> impl Fn() -> Duration + Send + Sync + 'static {
    move || clock.monotonic()
}

/// Connects the file to the watcher of files.
struct JwksFormat {
    reader: JwksReader,
    empty_set_revokes: bool,
}

impl FileFormat for JwksFormat {
    type Value = KeySet;
    type Error = JwtBuildError;

    fn read(&self, _: &Path, text: &str) -> Result<KeySet, JwtBuildError> {
        self.reader.parse(text, self.empty_set_revokes)
    }

    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> JwtBuildError {
        let problem = match attempt {
            "read" => problem,
            _ => io::Error::new(problem.kind(), format!("cannot {attempt} it: {problem}")),
        };
        JwtBuildError::Read(path.to_owned(), problem)
    }

    fn carry_over(&self, set: KeySet, before: &KeySet) -> KeySet {
        set.log_unused("the key set file", Some(before));
        set
    }

    fn report(&self, path: &Path, report: Report<'_, KeySet, JwtBuildError>) {
        let path = path.display();
        match report {
            Report::Expired(problem) => {
                tracing::error!(target: "palisade", %path, %problem, "the key set file could not be read for too long; its tokens are refused with 503 until it can");
            }
            Report::Kept(problem) => {
                tracing::error!(target: "palisade", %path, %problem, "the key set file cannot be read; the keys before stay in force for a limited time");
            }
            Report::Loaded(set) => {
                let keys = set.keys().len();
                tracing::info!(target: "palisade", %path, keys, "the key set file was read");
            }
        }
    }
}

impl Source for JwksFile {
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        match self.0.freshness() {
            Freshness::Expired => Err(InvalidToken::KeysUnavailable),
            Freshness::Fresh | Freshness::Stale => Ok(self.0.value().load_full()),
        }
    }

    fn is_stale(&self) -> bool {
        self.0.freshness() != Freshness::Fresh
    }
}

impl From<JwksFile> for IssuerKeys {
    fn from(file: JwksFile) -> Self {
        Self::new(Arc::new(file))
    }
}

impl fmt::Debug for JwksFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksFile")
            .field("path", &self.0.path())
            .field("keys", &*self.0.value().load())
            .finish_non_exhaustive()
    }
}
