//! A key under which the record of a request can hold a code of what matched.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use palisade_core::Secret;
use palisade_internal::{hex, secret_strength::is_repetitive};
use sha2::Sha256;

use crate::error::InspectBuildError;

/// The shortest key, in bytes: that of the hash.
const SHORTEST: usize = 32;

/// The longest file of a key, in bytes.
const LONGEST_FILE: u64 = 4096;

/// A key for codes of the texts that rules match.
///
/// With it a record shows whether two requests matched by the same text, for example in a wave of
/// attacks or in one false match that comes again and again. Without the key, a reader learns nothing of
/// the text. With the key one can test guesses, so keep it apart from the records.
///
/// The code is HMAC-SHA-256 (RFC 2104), cut to 128 bits.
///
/// ```
/// use palisade_inspect::{InspectLayer, MatchedTextKey};
///
/// let key = MatchedTextKey::from_bytes(b"32 random bytes from a good sour")?;
/// let layer = InspectLayer::builder().matched_text_key(key).build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
///
/// A key that could be guessed is refused:
///
/// ```
/// use palisade_inspect::MatchedTextKey;
///
/// assert!(MatchedTextKey::from_bytes(b"too short").is_err());
/// ```
#[derive(Clone)]
pub struct MatchedTextKey(Hmac<Sha256>);

impl MatchedTextKey {
    /// Takes a key of at least 32 bytes. They should be random.
    ///
    /// # Errors
    ///
    /// [`InspectBuildError::MatchedTextKey`] if it is shorter, or one byte again and again.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, InspectBuildError> {
        let secret = Secret::new(bytes);
        let key = secret.expose();
        if key.len() < SHORTEST || is_repetitive(key) {
            let reason = format!("a key of at least {SHORTEST} random bytes is needed");
            return Err(InspectBuildError::MatchedTextKey(reason));
        }
        let mac = Hmac::new_from_slice(key);
        let mut mac = mac.map_err(|error| InspectBuildError::MatchedTextKey(error.to_string()))?;
        mac.update(b"palisade-inspect/1 matched text\0");
        Ok(Self(mac))
    }

    /// Reads a key from a file: text, without blanks and line ends around it.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), and if the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, InspectBuildError> {
        let path = path.as_ref();
        let failed = |error: std::io::Error| {
            InspectBuildError::MatchedTextKey(format!("{}: {error}", path.display()))
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let text = palisade_internal::private_file::read_to_string(&file, LONGEST_FILE);
        Self::from_bytes(text.map_err(failed)?.trim())
    }

    /// The code of a text: 32 hexadecimal digits.
    pub(crate) fn code(&self, text: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(text);
        let code: [u8; 32] = mac.finalize().into_bytes().into();
        hex::encode(code.first_chunk::<16>().unwrap_or(&[0; 16]))
    }
}

impl fmt::Debug for MatchedTextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MatchedTextKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_codes_under_one_key_only() {
        let key = |first: u8| {
            let bytes: Vec<u8> = (first..first + 32).collect();
            MatchedTextKey::from_bytes(bytes).expect("long enough")
        };
        assert_eq!(key(1).code(b"a"), key(1).code(b"a"));
        assert_ne!(key(1).code(b"a"), key(1).code(b"b"));
        assert_ne!(key(1).code(b"a"), key(2).code(b"a"));
        assert_eq!(key(1).code(b"a").len(), 32);
        assert_eq!(format!("{:?}", key(1)), "MatchedTextKey([redacted])");
    }

    #[test]
    fn a_weak_key_is_refused() {
        assert!(MatchedTextKey::from_bytes(*b"short").is_err());
        assert!(MatchedTextKey::from_bytes([7; 40]).is_err());
    }

    #[test]
    fn a_key_is_read_from_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let text = "0123456789abcdef0123456789abcdef";
        std::fs::write(&path, format!("{text}\n")).expect("a file");
        let read = MatchedTextKey::from_file(&path).expect("a key");
        let given = MatchedTextKey::from_bytes(text).expect("a key");
        assert_eq!(read.code(b"x"), given.code(b"x"));
        assert!(MatchedTextKey::from_file(folder.path().join("none")).is_err());
    }
}
