//! A list of revoked tokens in a watched file.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use palisade_core::SystemClock;
use palisade_internal::{
    private_file, rfc3339,
    watched_file::{FileFormat, Freshness, Options, Report, WatchedFile},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::JwtBuildError,
    revocation::{
        ListUnavailable, RevocationEntries, RevocationList, RevokedToken, entries::PrincipalEntry,
    },
    token::json,
};

/// In bytes. A list with the most entries has about 20 MB.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The version of the format. A file of another version is refused.
const VERSION: u32 = 1;

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
#[derive(Clone)]
pub struct RevokedTokensFile(Arc<WatchedFile<ListFormat>>);

impl RevokedTokensFile {
    /// Reads the file and checks it for changes once a second.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Read`] if the file cannot be read, others may write it, or it has other
    /// content.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JwtBuildError> {
        let file = Self::open_unwatched(path)?;
        file.0.watch("palisade-revoked")?;
        Ok(file)
    }

    /// Reads the file and does not watch it: for programs that end soon, or call
    /// [`refresh`](Self::refresh).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_unwatched(path: impl Into<PathBuf>) -> Result<Self, JwtBuildError> {
        let clock = SystemClock::shared();
        let options = Options::new(LARGEST, move || clock.monotonic());
        let file = WatchedFile::open(ListFormat, path.into(), options)?;
        Ok(Self(Arc::new(file)))
    }

    /// Creates a file without entries that only its owner may read. An existing file is not
    /// changed.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Read`] if the file exists or cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<(), JwtBuildError> {
        let path = path.as_ref();
        let text = write(&RevocationEntries::default());
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

    /// Changes the file: reads it anew, applies the change, and replaces it in one step. Several
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
            let text = write(&entries);
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

/// The whole file. Times are RFC 3339.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all_issued_before: Option<String>,
    #[serde(default)]
    principals: Vec<Principal>,
    #[serde(default)]
    tokens: Vec<Token>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Principal {
    principal: String,
    issued_before: String,
    until: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Token {
    credential: String,
    until: String,
}

/// Reads the entries, or says what is wrong.
fn read(text: &str) -> Result<RevocationEntries, String> {
    let whole = json::object(text.as_bytes())
        .map_err(|_| "this is no JSON object, or a member is in it twice".to_owned())?;
    let document: Document = serde_json::from_value(Value::Object(whole))
        .map_err(|problem| format!("this is no list of revoked tokens: {problem}"))?;
    if document.version != VERSION {
        return Err(format!("this program reads `\"version\": {VERSION}`"));
    }
    let mut entries = RevocationEntries::default();
    for token in document.tokens {
        entries
            .revoke_token(&token.credential, time(&token.until)?)
            .map_err(|problem| problem.to_string())?;
    }
    for entry in document.principals {
        let (before, until) = (time(&entry.issued_before)?, time(&entry.until)?);
        entries
            .revoke_principal(&entry.principal, before, until)
            .map_err(|problem| problem.to_string())?;
    }
    if let Some(before) = document.all_issued_before {
        entries.revoke_all(time(&before)?);
    }
    Ok(entries)
}

fn time(text: &str) -> Result<Duration, String> {
    rfc3339::parse(text)
        .ok_or_else(|| "a time is written as 2027-01-31T00:00:00Z, with an offset".into())
}

/// Writes the entries, sorted, so that two files with the same entries are equal.
fn write(entries: &RevocationEntries) -> String {
    // A fraction is rounded up: an entry must not end too early, nor revoke too little.
    let shown = |time: Duration| {
        let up = u64::from(time.subsec_nanos() > 0);
        rfc3339::write_seconds(Duration::from_secs(time.as_secs().saturating_add(up)))
    };
    let mut tokens: Vec<_> = entries
        .tokens
        .iter()
        .map(|(credential, until)| Token {
            credential: credential.to_string(),
            until: shown(*until),
        })
        .collect();
    tokens.sort_by(|one, other| one.credential.cmp(&other.credential));
    let mut principals: Vec<_> = entries
        .principals
        .iter()
        .map(|(principal, entry)| {
            let PrincipalEntry {
                issued_before,
                until,
            } = *entry;
            Principal {
                principal: principal.to_string(),
                issued_before: shown(issued_before),
                until: shown(until),
            }
        })
        .collect();
    principals.sort_by(|one, other| one.principal.cmp(&other.principal));
    let document = Document {
        version: VERSION,
        all_issued_before: entries.all_issued_before.map(shown),
        principals,
        tokens,
    };
    // Maps of text and numbers can always be written.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// Connects the file to the watcher of files.
struct ListFormat;

impl FileFormat for ListFormat {
    type Value = RevocationEntries;
    type Error = JwtBuildError;

    fn read(&self, path: &Path, text: &str) -> Result<RevocationEntries, JwtBuildError> {
        read(text).map_err(|problem| {
            JwtBuildError::Read(
                path.into(),
                io::Error::new(io::ErrorKind::InvalidData, problem),
            )
        })
    }

    fn io_error(&self, path: &Path, attempt: &'static str, problem: io::Error) -> JwtBuildError {
        let problem = match attempt {
            "read" => problem,
            _ => io::Error::new(problem.kind(), format!("cannot {attempt} it: {problem}")),
        };
        JwtBuildError::Read(path.into(), problem)
    }

    fn report(&self, path: &Path, report: Report<'_, RevocationEntries, JwtBuildError>) {
        let path = path.display();
        match report {
            Report::Expired(problem) => {
                tracing::error!(target: "palisade", %path, %problem, "the list of revoked tokens could not be read for too long; every token is refused with 503 until it can");
            }
            Report::Kept(problem) => {
                tracing::error!(target: "palisade", %path, %problem, "the list of revoked tokens cannot be read; the entries before stay in force for a limited time");
            }
            Report::Loaded(entries) => {
                let entries = entries.len();
                tracing::info!(target: "palisade", %path, entries, "the list of revoked tokens was read");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut entries = RevocationEntries::default();
        assert_eq!(read(&write(&entries)), Ok(entries.clone()));
        let at = Duration::from_secs;
        entries.revoke_token("staff:a", at(1_800_000_000)).unwrap();
        entries
            .revoke_principal("lin", at(1_700_000_000), at(1_700_086_430))
            .unwrap();
        entries.revoke_all(at(1_600_000_000));
        assert_eq!(read(&write(&entries)), Ok(entries));
    }

    #[test]
    fn a_broken_list_is_an_error_and_not_an_empty_list() {
        for text in [
            "",
            "[]",
            "[1]",
            "{}",
            r#"{"version":2,"version":1}"#,
            r#"{"version":2}"#,
            r#"{"version":1,"tokens":[{"credential":"a"}]}"#,
            r#"{"version":1,"tokens":[{"credential":"","until":"2027-01-31T00:00:00Z"}]}"#,
            r#"{"version":1,"tokens":[{"credential":"a","until":"tomorrow"}]}"#,
            r#"{"version":1,"token":[]}"#,
            r#"{"version":1,"all_issued_before":7}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(r#"{"version":1}"#).unwrap().is_empty());
    }
}
