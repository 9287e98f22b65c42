//! The keys of one issuer.

use std::{fmt, fs, path::Path, sync::Arc};

use aws_lc_rs::digest::{Context, SHA256};

use super::{jwks_reader::JwksReader, key::digest};
use crate::{
    algorithm::Algorithm,
    error::{InvalidToken, JwtBuildError, KeyError},
    keys::VerifyingKey,
    token::MAX_KID_BYTES,
};

/// Skipped keys that are logged for each set: the issuer chooses how many there are.
const MOST_LOGGED: usize = 10;

/// The keys that verify the tokens of one issuer, and those that were skipped.
///
/// Pass it to [`Issuer::new`](crate::Issuer::new). Cheap to clone. For sets that change, see
/// [`LiveKeys`](crate::LiveKeys) and [`JwksFile`](crate::JwksFile).
///
/// ```
/// use palisade_jwt::{KeyError, KeySet};
/// # use palisade_jwt::{Algorithm, mint::SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.with_kid("2026-11");
/// # let public = key.public_jwk().ok_or("public")?;
/// let text = format!(r#"{{"keys":[{public}, {{"kty":"oct","k":"c2VjcmV0"}}]}}"#);
/// let set = KeySet::from_jwks(&text)?;
/// assert_eq!(set.keys().len(), 1);
/// // The second entry is left out, with its reason.
/// assert_eq!(set.skipped()[0].index, 1);
/// assert_eq!(set.skipped()[0].reason, KeyError::Symmetric);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeySet {
    /// In the order of the document.
    keys: Box<[Arc<VerifyingKey>]>,
    /// Entries that cannot be used.
    skipped: Box<[SkippedKey]>,
    /// A digest of all keys, by which a change is recognised.
    fingerprint: [u8; 32],
}

/// A key of a set that cannot be used. The other keys of the set are used all the same.
///
/// # Examples
///
/// ```
/// use palisade_jwt::KeySet;
///
/// /// Warns once when the keys of an issuer are read.
/// fn report(set: &KeySet) {
///     for key in set.skipped() {
///         eprintln!("key {} ({:?}) is not used: {}", key.index, key.kid, key.reason);
///     }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Its position in the document, from 0.
    pub index: usize,
    /// Its `kid`, if it has one, cut to 256 characters.
    pub kid: Option<Box<str>>,
    /// Why it was skipped.
    pub reason: KeyError,
}

impl KeySet {
    /// How many keys of the token's algorithm are tried for a token that names none (without `kid`,
    /// or with one that no key has): 16, in the order of the set. It bounds the work that one token
    /// can cause; no large provider publishes half as many. A set with more is logged when it is
    /// made, since the keys after them are not tried for such a token.
    pub const MAX_TRIED_WITHOUT_KID: usize = 16;

    /// Creates a set of keys.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::NoKeys`] if there is no key, [`KeyError::Ambiguous`] if two different keys
    /// have the same `kid` and algorithm.
    ///
    /// ```
    /// use palisade_core::Secret;
    /// use palisade_jwt::{Algorithm, KeySet, VerifyingKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let old = Secret::new(*b"an example of thirty-two bytes!!");
    /// let new = Secret::new(*b"and the one that will replace it");
    /// let set = KeySet::from_keys([
    ///     VerifyingKey::from_secret(Algorithm::Hs256, &old)?.with_kid("2026-11"),
    ///     VerifyingKey::from_secret(Algorithm::Hs256, &new)?.with_kid("2026-12"),
    /// ])?;
    /// assert_eq!(set.keys().len(), 2);
    /// assert!(KeySet::from_keys([]).is_err()); // no token could be verified
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_keys(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, JwtBuildError> {
        let (set, skipped) = Self::sort(
            keys.into_iter()
                .enumerate()
                .map(|(index, key)| (index, Ok(key))),
        );
        match skipped.into_iter().next() {
            Some(first) => Err(first.reason.into()),
            None => {
                let set = Self::finish(set, Vec::new())?;
                set.log_unused("code", None);
                Ok(set)
            }
        }
    }

    /// A set of one.
    pub(crate) fn of(key: VerifyingKey) -> Self {
        Self::put(vec![key], Vec::new())
    }

    /// Reads a JWK set (RFC 7517 section 5) of public keys, with the defaults of [`JwksReader`].
    /// What is not used is logged.
    ///
    /// # Errors
    ///
    /// As [`JwksReader::read`].
    pub fn from_jwks(text: &str) -> Result<Self, JwtBuildError> {
        JwksReader::new().read(text)
    }

    /// Reads a JWK set of public keys from a file, once. [`JwksFile`](crate::JwksFile) also reads
    /// it again when it changes.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Read`] if the file cannot be read; otherwise as [`JwksReader::read`].
    pub fn from_jwks_file(path: impl AsRef<Path>) -> Result<Self, JwtBuildError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path)
            .map_err(|cause| JwtBuildError::Read(path.to_owned(), cause))?;
        Self::from_jwks(&text)
    }

    /// Returns the usable keys, in the order of the document.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &VerifyingKey> {
        self.keys.iter().map(AsRef::as_ref)
    }

    /// Returns the entries that cannot be used, with their reasons.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Two sets with the same keys have the same digest, however they were written.
    pub(crate) fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Finds the keys that may have signed a token. What the token says only narrows the choice.
    ///
    /// # Errors
    ///
    /// No key has this name and algorithm.
    pub(crate) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<impl Iterator<Item = &VerifyingKey>, InvalidToken> {
        let named = kid.filter(|kid| self.keys().any(|key| key.kid() == Some(kid)));
        // A `kid` that no key has selects the keys without one; a token without `kid` selects all
        // keys.
        let fits = move |key: &&VerifyingKey| {
            let fits = key.algorithm() == algorithm && (kid.is_none() || key.kid() == named);
            fits && !key.is_guessable()
        };
        match (self.keys().any(|key| fits(&key)), named) {
            (true, _) => Ok(self.keys().filter(fits).take(Self::MAX_TRIED_WITHOUT_KID)),
            (false, Some(_)) => Err(InvalidToken::AlgorithmMismatch),
            (false, None) => Err(InvalidToken::KeyUnknown),
        }
    }

    /// Separates usable keys from the others. A `kid` that may mean either of two keys selects
    /// neither.
    pub(super) fn sort(
        found: impl IntoIterator<Item = (usize, Result<VerifyingKey, SkippedKey>)>,
    ) -> (Vec<VerifyingKey>, Vec<SkippedKey>) {
        let mut usable: Vec<(usize, VerifyingKey)> = Vec::new();
        let mut skipped = Vec::new();
        for (index, outcome) in found {
            match outcome {
                Ok(key) if usable.iter().any(|(_, known)| same(known, &key)) => {} // Twice the same is once.
                Ok(key) => usable.push((index, key)),
                Err(fault) => skipped.push(fault),
            }
        }
        let (ambiguous, usable_keys): (Vec<_>, Vec<_>) = usable
            .iter()
            .partition(|(_, key)| is_ambiguous(key, &usable, &skipped));
        let usable_keys = usable_keys
            .into_iter()
            .map(|(_, key)| key.clone())
            .collect();
        let ambiguous = ambiguous
            .into_iter()
            .map(|(index, key)| SkippedKey::new(*index, key.kid(), KeyError::Ambiguous));
        skipped.extend(ambiguous.collect::<Vec<_>>());
        (usable_keys, skipped)
    }

    pub(super) fn finish(
        keys: Vec<VerifyingKey>,
        skipped: Vec<SkippedKey>,
    ) -> Result<Self, JwtBuildError> {
        match keys.is_empty() {
            true => Err(JwtBuildError::NoKeys),
            false => Ok(Self::put(keys, skipped)),
        }
    }

    /// A set that verifies nothing: its issuer has withdrawn all keys.
    pub(crate) fn revoked(skipped: Vec<SkippedKey>) -> Self {
        Self::put(Vec::new(), skipped)
    }

    /// Returns the algorithms of which there are more keys than are tried for a token without
    /// `kid`.
    fn crowded_algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let of = |algorithm| {
            self.keys()
                .filter(|key| key.algorithm() == algorithm)
                .count()
        };
        Algorithm::ALL
            .into_iter()
            .filter(move |algorithm| of(*algorithm) > Self::MAX_TRIED_WITHOUT_KID)
    }

    /// Logs what of a set is never used. `before` is the set that was in force: what was logged for
    /// it is not logged again.
    pub(crate) fn log_unused(&self, source: &str, before: Option<&Self>) {
        for algorithm in self.crowded_algorithms() {
            let known = before
                .is_some_and(|before| before.crowded_algorithms().any(|one| one == algorithm));
            if !known {
                let (algorithm, tried) = (algorithm.name(), Self::MAX_TRIED_WITHOUT_KID);
                tracing::warn!(target: "palisade", source, algorithm, tried, "the set has more keys of one algorithm than are tried for a token without kid");
            }
        }
        let new = self
            .skipped
            .iter()
            .filter(|skipped| !before.is_some_and(|before| before.skipped.contains(skipped)));
        for SkippedKey { index, kid, reason } in new.take(MOST_LOGGED) {
            let kid = kid.as_deref().unwrap_or("-");
            tracing::warn!(target: "palisade", source, index, ?kid, %reason, "a key of the set is left out");
        }
    }

    fn put(keys: Vec<VerifyingKey>, skipped: Vec<SkippedKey>) -> Self {
        let mut fingerprint = Context::new(&SHA256);
        for key in &keys {
            fingerprint.update(key.fingerprint());
            fingerprint.update(&(key.kid().map_or(0, str::len) as u64).to_be_bytes());
            fingerprint.update(key.kid().unwrap_or_default().as_bytes());
        }
        Self {
            keys: keys.into_iter().map(Arc::new).collect(),
            skipped: skipped.into(),
            fingerprint: digest(fingerprint),
        }
    }
}

fn same(one: &VerifyingKey, other: &VerifyingKey) -> bool {
    one.fingerprint() == other.fingerprint() && one.kid() == other.kid()
}

/// Another key has this one's name and algorithm; or an entry that cannot be read has its name, and
/// may be meant.
fn is_ambiguous(
    key: &VerifyingKey,
    usable: &[(usize, VerifyingKey)],
    skipped: &[SkippedKey],
) -> bool {
    let Some(kid) = key.kid() else {
        return false;
    };
    let twin =
        |other: &VerifyingKey| other.kid() == Some(kid) && other.algorithm() == key.algorithm();
    let unread = |entry: &SkippedKey| {
        let unreadable = matches!(
            entry.reason,
            KeyError::DuplicateMember | KeyError::Malformed | KeyError::Unreadable
        );
        unreadable && entry.kid.as_deref() == Some(kid)
    };
    usable.iter().filter(|(_, other)| twin(other)).count() > 1 || skipped.iter().any(unread)
}

impl SkippedKey {
    pub(super) fn new(index: usize, kid: Option<&str>, reason: KeyError) -> Self {
        Self {
            index,
            // No usable key has a longer name, and this one is for a log.
            kid: kid.map(|kid| kid.chars().take(MAX_KID_BYTES).collect::<String>().into()),
            reason,
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("keys", &self.keys)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}
