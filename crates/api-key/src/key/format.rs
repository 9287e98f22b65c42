//! The format of a key: `psk_live_<id>_<secret>_<checksum>`.
//!
//! * The prefix lets secret scanners find keys that leaked.
//! * The environment shows people which kind of key they have.
//! * The id finds the record in the store.
//! * The secret has 43 letters and digits: 256 random bits.
//! * The checksum is CRC-32 in six letters and digits. A typo is refused without a look-up in the
//!   store.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    error::{MalformedKey, NoEntropy},
    key::{Environment, KeyId, base62},
};

const SECRET_LENGTH: usize = 43; // 62^43 > 2^256
const CHECKSUM_LENGTH: usize = 6; // 62^6 > 2^32
const ENVIRONMENT_LENGTH: usize = 4;
const LONGEST_PREFIX: usize = 16;

/// The format of keys with one prefix. Every key of a format has the same length.
///
/// Default: the prefix `psk`. A key of another prefix is malformed.
///
/// ```
/// use palisade_api_key::KeyFormat;
///
/// let format = KeyFormat::with_prefix("acme")?;
/// assert!(format.parse(b"acme_live_let-me-in").is_err());
/// # Ok::<(), palisade_api_key::InvalidPrefix>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyFormat {
    /// The prefix with its underscore: `psk_`.
    start: Box<str>,
}

impl KeyFormat {
    /// Creates a format with a prefix, such as the name of your product.
    ///
    /// A prefix of its own lets secret scanners attribute a leaked key to you.
    ///
    /// # Errors
    ///
    /// [`InvalidPrefix`] unless the prefix is 2 to 16 lower-case letters and digits that begin with
    /// a letter.
    ///
    /// ```
    /// use palisade_api_key::KeyFormat;
    ///
    /// assert_eq!(KeyFormat::with_prefix("acme")?.prefix(), "acme");
    /// assert!(KeyFormat::with_prefix("Acme Inc").is_err());
    /// # Ok::<(), palisade_api_key::InvalidPrefix>(())
    /// ```
    pub fn with_prefix(prefix: &str) -> Result<Self, InvalidPrefix> {
        let letters = prefix
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let begins_well = prefix.starts_with(|c: char| c.is_ascii_lowercase());
        if !letters || !begins_well || !(2..=LONGEST_PREFIX).contains(&prefix.len()) {
            return Err(InvalidPrefix);
        }
        let start = format!("{prefix}_").into();
        Ok(Self { start })
    }

    /// Returns the prefix without its underscore.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.start.trim_end_matches('_')
    }

    /// Returns what every key begins with, underscore included.
    pub(crate) fn start(&self) -> &str {
        &self.start
    }

    /// Returns the number of bytes of every key of this format: 72 for the prefix `psk`.
    #[must_use]
    pub const fn key_length(&self) -> usize {
        self.start.len()
            + ENVIRONMENT_LENGTH
            + 1
            + KeyId::LENGTH
            + 1
            + SECRET_LENGTH
            + 1
            + CHECKSUM_LENGTH
    }

    /// Returns a regular expression that finds keys of this format in files and logs, for secret scanners.
    ///
    /// In the syntax that PCRE, RE2 and Rust share. It also finds keys directly behind letters, as in `"\npsk_…"`. Whether a
    /// match is a key, [`parse`](Self::parse) tells by the checksum.
    ///
    /// ```
    /// use palisade_api_key::KeyFormat;
    ///
    /// let pattern = KeyFormat::default().scanner_pattern();
    /// assert_eq!(pattern, "psk_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}");
    /// ```
    #[must_use]
    pub fn scanner_pattern(&self) -> String {
        let (start, live, test) = (&self.start, Environment::Live, Environment::Test);
        let digits = |length: usize| format!("[0-9A-Za-z]{{{length}}}");
        let (id, secret, checksum) = (
            digits(KeyId::LENGTH),
            digits(SECRET_LENGTH),
            digits(CHECKSUM_LENGTH),
        );
        format!("{start}(?:{live}|{test})_{id}_{secret}_{checksum}")
    }

    /// Returns whether a text begins like a key of this format, valid or not.
    ///
    /// With it a bearer token is recognised as a key rather than as a token of another kind.
    #[must_use]
    pub fn claims(&self, text: &[u8]) -> bool {
        text.starts_with(self.start.as_bytes())
    }

    /// Takes a key apart without a look-up. A text of another length is not read at all.
    ///
    /// # Errors
    ///
    /// [`MalformedKey`] when the text is not exactly one key of this format, or its checksum does
    /// not match.
    pub fn parse<'key>(&self, text: &'key [u8]) -> Result<ParsedKey<'key>, MalformedKey> {
        if text.len() != self.key_length() {
            return Err(MalformedKey);
        }
        self.split_parts(text).ok_or(MalformedKey)
    }

    /// Splits the key at fixed positions: an id or secret never contains an underscore.
    fn split_parts<'key>(&self, text: &'key [u8]) -> Option<ParsedKey<'key>> {
        let rest = text.strip_prefix(self.start.as_bytes())?;
        let (environment, rest) = split_part(rest, ENVIRONMENT_LENGTH)?;
        let (id, rest) = split_part(rest, KeyId::LENGTH)?;
        let (secret, checksum) = split_part(rest, SECRET_LENGTH)?;
        let signed = text.get(..text.len().checked_sub(CHECKSUM_LENGTH + 1)?)?;
        let parsed = ParsedKey {
            environment: Environment::from_bytes(environment)?,
            id: KeyId::from_bytes(id)?,
            signed,
        };
        (base62::all_digits(secret) && checksum == checksum_of(signed)).then_some(parsed)
    }

    /// Makes a new key with a random secret. The returned text is wiped when it is dropped.
    pub(crate) fn write(
        &self,
        environment: Environment,
        id: KeyId,
    ) -> Result<Zeroizing<String>, NoEntropy> {
        let mut secret = Zeroizing::new([0; SECRET_LENGTH]);
        base62::fill_random(&mut *secret)?;
        // Reserve the full length: a string that grows leaves copies of the secret in memory.
        let mut key = Zeroizing::new(String::with_capacity(self.key_length()));
        for text in [
            &self.start,
            environment.as_str(),
            "_",
            id.as_str(),
            "_",
            ascii_text(&*secret),
            "_",
        ] {
            key.push_str(text);
        }
        let signed = key.trim_end_matches('_').as_bytes();
        let checksum = checksum_of(signed);
        key.push_str(ascii_text(&checksum));
        Ok(key)
    }
}

impl Default for KeyFormat {
    /// The prefix `psk`.
    fn default() -> Self {
        Self {
            start: "psk_".into(),
        }
    }
}

/// A well-formed key that was not looked up yet. Borrows the text of the key.
///
/// Anyone can write such a text: the checksum has no secret. `Debug` does not show the secret.
#[derive(Clone, Copy)]
pub struct ParsedKey<'key> {
    environment: Environment,
    id: KeyId,
    signed: &'key [u8],
}

impl ParsedKey<'_> {
    /// Returns the environment that is written in the key.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// Returns the public id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns all of the key but its checksum: the input of the digest.
    pub(crate) const fn signed_part(&self) -> &[u8] {
        self.signed
    }
}

impl fmt::Debug for ParsedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParsedKey({} {} [redacted])", self.environment, self.id)
    }
}

/// Splits off a part of known length and the underscore after it.
fn split_part(text: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (part, rest) = text.split_at_checked(length)?;
    Some((part, rest.strip_prefix(b"_")?))
}

/// CRC-32 in base 62. It finds typing mistakes; it does not authenticate.
fn checksum_of(signed: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut digits = [0; CHECKSUM_LENGTH];
    base62::encode_digits(crc32fast::hash(signed), &mut digits);
    digits
}

/// Returns digits as text.
fn ascii_text(digits: &[u8]) -> &str {
    str::from_utf8(digits).unwrap_or_default()
}

/// The text cannot be a prefix of keys. See [`KeyFormat::with_prefix`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidPrefix;

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a key prefix has 2 to 16 lower-case letters and digits and begins with a letter",
        )
    }
}

impl std::error::Error for InvalidPrefix {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_in_debug_output() {
        let format = KeyFormat::default();
        let key = format
            .write(Environment::Live, KeyId::random().unwrap())
            .unwrap();
        let shown = format!("{:?}", format.parse(key.as_bytes()).unwrap());
        assert!(!shown.contains(&key[22..30]), "{shown}");
    }

    #[test]
    fn a_written_key_never_moved_in_memory() {
        let format = KeyFormat::default();
        let key = format
            .write(Environment::Test, KeyId::random().unwrap())
            .unwrap();
        assert_eq!(key.len(), format.key_length());
        assert_eq!(key.capacity(), format.key_length());
    }
}
