//! The key of a chain, and of HMAC codes of recorded values.
//!
//! Both use HMAC-SHA-256 (RFC 2104). What is authenticated begins with its purpose, so a code of
//! one purpose is not valid for another.

use std::{fmt, io, path::Path};

use hmac::{Hmac, KeyInit, Mac};
use palisade_core::Secret;
use palisade_internal::{hex, private_file};
use sha2::Sha256;

use crate::error::AuditBuildError;

/// The fewest bytes of a key: the output length of SHA-256, as RFC 2104 section 3 recommends.
const MIN_BYTES: usize = 32;
/// The most bytes that are read from a key file.
const MAX_BYTES: u64 = 4096;

/// A secret of at least 32 bytes: the key of a trail, or of correlated fields.
///
/// Only with the key of a trail can records be written that verify. Store it on another disk than
/// the trail. `Debug` prints only its public identifier, and the memory is wiped on drop.
///
/// The uses of a key are separated from each other. Still use different keys for trail and
/// correlation: they have different readers.
///
/// ```
/// use palisade_audit::AuditKey;
///
/// let key = AuditKey::generate()?;
/// assert_eq!(key.id().len(), 16);
/// assert!(format!("{key:?}").contains("[redacted]"));
/// # Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Clone)]
pub struct AuditKey {
    /// The bytes of the key, wiped on drop.
    secret: Secret,
    /// A hash of the key, which may be public: trails name their key by it.
    id: [u8; 8],
}

impl AuditKey {
    /// Takes at least 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::WeakKey`] if there are fewer, or if they are all the same.
    ///
    /// ```
    /// use palisade_audit::AuditKey;
    ///
    /// assert!(AuditKey::from_bytes("too short").is_err());
    /// let one = AuditKey::from_bytes(*b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8")?;
    /// let same = AuditKey::from_bytes(one.expose().to_vec())?;
    /// assert_eq!(one.id(), same.id());
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, AuditBuildError> {
        let secret = Secret::new(bytes);
        let bytes = secret.expose();
        if bytes.len() < MIN_BYTES || bytes.windows(2).all(|pair| pair.first() == pair.last()) {
            return Err(AuditBuildError::WeakKey);
        }
        let id = first_eight(&mac(&secret, "key id", b""));
        Ok(Self { secret, id })
    }

    /// Takes the secret of a webhook, as a file or a variable has it: `whsec_` and base64 as in Standard Webhooks, with or
    /// without white space around, or at least 32 bytes.
    ///
    /// Bytes are used as they are, also if they begin or end like white space. Only line ends behind the first 32 are left
    /// out: an editor may have added them.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::WeakKey`] as [`from_bytes`](Self::from_bytes), and for a text after `whsec_` that is no base64.
    #[cfg(feature = "webhook")]
    #[cfg_attr(docsrs, doc(cfg(feature = "webhook")))]
    pub fn from_webhook_secret(secret: &[u8]) -> Result<Self, AuditBuildError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let Some(text) = secret.trim_ascii().strip_prefix(b"whsec_") else {
            return Self::from_bytes(without_line_ends(secret));
        };
        let bytes = STANDARD.decode(text);
        Self::from_bytes(bytes.map_err(|_| AuditBuildError::WeakKey)?)
    }

    /// Reads the secret of a webhook from a file, in the forms of [`from_webhook_secret`](Self::from_webhook_secret).
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file) and [`from_webhook_secret`](Self::from_webhook_secret).
    #[cfg(feature = "webhook")]
    #[cfg_attr(docsrs, doc(cfg(feature = "webhook")))]
    pub fn from_webhook_file(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let bytes = read_private(path).map_err(|error| AuditBuildError::KeyFile {
            path: path.into(),
            error,
        })?;
        Self::from_webhook_secret(bytes.expose())
    }

    /// Returns a random key of 32 bytes. [`expose`](Self::expose) returns them, to store the key.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::NoRandomness`] if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, AuditBuildError> {
        let mut bytes = [0; MIN_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| AuditBuildError::NoRandomness)?;
        Self::from_bytes(bytes)
    }

    /// Reads a key from a file: its bytes, without line ends after them.
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::KeyFile`] if it cannot be read or others than its owner may read it,
    /// [`AuditBuildError::WeakKey`] as [`from_bytes`](Self::from_bytes).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, AuditBuildError> {
        let path = path.as_ref();
        let bytes = read_private(path).map_err(|error| AuditBuildError::KeyFile {
            path: path.into(),
            error,
        })?;
        Self::from_bytes(without_line_ends(bytes.expose()))
    }

    /// Returns the public identifier of the key: 16 hexadecimal digits, which do not reveal the
    /// key.
    ///
    /// The opening record of each file has it, and verification reports another key by it.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(&self.id)
    }

    /// Returns the bytes of the key, to store a generated one. They are secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.secret.expose()
    }

    /// Returns the key that follows this one in an evolving trail. It does not reveal this one.
    pub(crate) fn next(&self) -> Self {
        let secret = Secret::new(mac(&self.secret, "next key", b"").to_vec());
        let id = first_eight(&mac(&secret, "key id", b""));
        Self { secret, id }
    }

    /// Starts an HMAC over a message, separated from all others by its purpose.
    pub(crate) fn start(&self, purpose: &str) -> Hmac<Sha256> {
        start(&self.secret, purpose)
    }

    /// Returns a code of a value, which shows only whether two values of one kind and name are equal.
    pub(crate) fn correlate(&self, kind: &str, name: &str, value: &[u8]) -> String {
        let code = self.correlate_bytes(kind, name, value);
        hex::encode(code.first_chunk::<16>().unwrap_or(&[0; 16]))
    }

    /// Returns the bytes of which [`correlate`](Self::correlate) writes the first 16.
    pub(crate) fn correlate_bytes(&self, kind: &str, name: &str, value: &[u8]) -> [u8; 32] {
        let mut mac = self.start("correlate");
        // The lengths keep ("ab", "c") and ("a", "bc") apart.
        for part in [kind, name] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditKey({}, [redacted])", self.id())
    }
}

/// Starts an HMAC with a purpose.
fn start(secret: &Secret, purpose: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(secret.expose()).expect("HMAC takes keys of every length");
    mac.update(b"palisade-audit/1 ");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac
}

/// Computes an HMAC with a purpose.
fn mac(secret: &Secret, purpose: &str, message: &[u8]) -> [u8; 32] {
    let mut mac = start(secret, purpose);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Returns a key without line ends behind it. A random key may end like a line: of a shortest one nothing is taken off.
fn without_line_ends(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = bytes
        && rest.len() >= MIN_BYTES
    {
        bytes = rest;
    }
    bytes
}

/// Returns the first 8 bytes of a code.
fn first_eight(code: &[u8; 32]) -> [u8; 8] {
    *code.first_chunk().unwrap_or(&[0; 8])
}

/// Reads a key file, which others must not be able to access.
///
/// # Errors
///
/// The file cannot be read, is longer than 4096 bytes, or others may read or change it.
fn read_private(path: &Path) -> io::Result<Secret> {
    // Before it is opened: to open a pipe could block.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(io::Error::other("not a file of at most 4096 bytes"));
    }
    if private_file::open_mode(path)?.is_some() {
        let problem = "others may read or change it: chmod 600 it";
        return Err(io::Error::other(problem));
    }
    std::fs::read(path).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_uniform_keys_are_refused() {
        assert!(AuditKey::from_bytes(*b"short").is_err());
        assert!(AuditKey::from_bytes([7; 64]).is_err());
        assert!(AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_random_key_that_ends_like_a_line_is_read_whole() {
        use std::{fs, os::unix::fs::PermissionsExt as _};

        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(file.path(), bytes).unwrap();
            AuditKey::from_file(file.path()).unwrap().expose().to_vec()
        };
        assert_eq!(
            read(b"0123456789abcdef0123456789abcde\n"),
            b"0123456789abcdef0123456789abcde\n"
        );
        assert_eq!(
            read(b"0123456789abcdef0123456789abcdef\r\n"),
            b"0123456789abcdef0123456789abcdef"
        );
    }

    #[cfg(all(unix, feature = "webhook"))]
    #[test]
    fn the_secret_of_a_webhook_is_read_in_both_forms() {
        use std::{fs, os::unix::fs::PermissionsExt as _};

        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(file.path(), bytes).unwrap();
            AuditKey::from_webhook_file(file.path()).map(|key| key.expose().to_vec())
        };
        let raw = b"\t123456789abcdef0123456789abcde ";
        assert_eq!(read(raw).unwrap(), raw);
        let text = b"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";
        assert_eq!(read(text).unwrap(), b"0123456789abcdef0123456789abcdef");
        assert!(read(b"whsec_this is no base64 of any number of bytes").is_err());
    }

    #[test]
    fn debug_shows_the_public_name_alone() {
        let key = AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("AuditKey({}, [redacted])", key.id())
        );
        assert!(!format!("{key:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn correlation_keeps_fields_apart_and_equal_values_together() {
        let key = AuditKey::generate().unwrap();
        let code = key.correlate("k", "a", b"x");
        assert_eq!(code, key.correlate("k", "a", b"x"));
        assert_ne!(code, key.correlate("k", "b", b"x"));
        assert_ne!(code, key.correlate("l", "a", b"x"));
        assert_ne!(
            key.correlate("k", "ab", b"c"),
            key.correlate("k", "a", b"bc")
        );
        assert_ne!(
            key.correlate("ka", "b", b"c"),
            key.correlate("k", "ab", b"c")
        );
        assert_ne!(
            code,
            AuditKey::generate().unwrap().correlate("k", "a", b"x")
        );
    }
}
