//! Reads JWK sets (RFC 7517 section 5).

use serde_json::Value;

use super::{
    jwk::{self, ReadOptions},
    jwk_set_document::{self, Entry},
};
use crate::{
    algorithm::{Algorithm, Family},
    error::{JwtBuildError, KeyError},
    keys::{KeySet, SkippedKey, VerifyingKey},
};

/// Keys of a set that are read. No large provider publishes as many, and look-ups stay short.
const MOST_KEYS: usize = 100;

/// Reads JWK sets (RFC 7517 section 5).
///
/// [`KeySet::from_jwks`] uses it with the defaults: public keys only, and `RS256` for RSA keys
/// without `alg`. At most 100 keys of a set are used.
///
/// ```
/// use palisade_jwt::{Algorithm, JwksReader};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = r#"{"keys":[{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}]}"#;
/// assert!(JwksReader::new().read(secret).is_err(), "a secret among public keys");
/// let set = JwksReader::new().secrets().read(secret)?;
/// assert_eq!(set.keys().next().map(|key| key.algorithm()), Some(Algorithm::Hs256));
/// let wrong = JwksReader::new().rsa_algorithm(Algorithm::Es256);
/// assert!(wrong.read(r#"{"keys":[]}"#).is_err(), "not for RSA keys");
/// # Ok(())
/// # }
/// ```
///
/// A set without a key that can be used is an error: no token of the issuer could be verified.
///
/// ```
/// use palisade_jwt::{Algorithm, JwksReader, JwtBuildError, mint::SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let reader = JwksReader::new().rsa_algorithm(Algorithm::Ps256);
/// assert!(matches!(reader.read(r#"{"keys":[]}"#), Err(JwtBuildError::NoKeys)));
///
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let one_key = serde_json::json!({ "keys": [key.public_jwk()] }).to_string();
/// assert_eq!(reader.read(&one_key)?.keys().count(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct JwksReader(ReadOptions);

impl Default for JwksReader {
    fn default() -> Self {
        Self::new()
    }
}

impl JwksReader {
    /// Creates a reader of public keys. An RSA key without `alg` is bound to `RS256`.
    pub const fn new() -> Self {
        Self(ReadOptions {
            rsa: Algorithm::Rs256,
            secrets: false,
        })
    }

    /// Sets the algorithm of RSA keys without `alg`. Default: `RS256`.
    ///
    /// The key is bound here, so that no token chooses its algorithm. An algorithm of another family
    /// is an error of [`read`](Self::read).
    pub fn rsa_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.0.rsa = algorithm;
        self
    }

    /// Reads a set of secrets (`oct`) in place of public keys: a private document, never one from a
    /// network. Public keys beside secrets are read; the secrets among them are not. A secret with
    /// fewer than eight different bytes is read, but a [`Verifier`](crate::Verifier) is not built
    /// with it and never uses it.
    pub fn secrets(mut self) -> Self {
        self.0.secrets = true;
        self
    }

    /// Reads a set. Keys that cannot be used are skipped and listed in [`KeySet::skipped`], each
    /// with its reason; so is an entry that is not a readable JSON object. A byte order mark before
    /// the document is skipped. What is skipped is logged.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError::Algorithm`] if RSA keys would be bound to an algorithm that is none of RSA,
    /// [`JwtBuildError::NotAKeySet`] if the document is not a set, [`JwtBuildError::NoKeys`] if no key
    /// of it can be used.
    pub fn read(&self, text: &str) -> Result<KeySet, JwtBuildError> {
        let set = self.parse(text, false)?;
        set.log_unused("document", None);
        Ok(set)
    }

    /// Checks the choices, without a document.
    pub(crate) fn check(self) -> Result<Self, JwtBuildError> {
        match self.0.rsa.family() {
            Family::Rsa => Ok(self),
            _ => Err(JwtBuildError::Algorithm(self.0.rsa)),
        }
    }

    /// Reads a set and logs nothing. With `empty_set_revokes` it may be without a usable key: its
    /// issuer has then withdrawn them all.
    pub(crate) fn parse(
        &self,
        text: &str,
        empty_set_revokes: bool,
    ) -> Result<KeySet, JwtBuildError> {
        let (keys, skipped) = self.check()?.sort(text)?;
        match keys.is_empty() && empty_set_revokes {
            true => Ok(KeySet::revoked(skipped)),
            false => KeySet::finish(keys, skipped),
        }
    }

    fn sort(&self, text: &str) -> Result<(Vec<VerifyingKey>, Vec<SkippedKey>), JwtBuildError> {
        let entries = jwk_set_document::entries(text)?;
        let mut choice = self.0;
        // In a set of both kinds, a public key could be taken for a secret.
        choice.secrets &= entries
            .iter()
            .flatten()
            .all(|entry| entry.get("kty").is_some_and(|kind| kind == "oct"));
        let read = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (index, key_of(index, entry, choice)));
        Ok(KeySet::sort(read))
    }
}

fn key_of(index: usize, entry: &Entry, choice: ReadOptions) -> Result<VerifyingKey, SkippedKey> {
    let object = match entry {
        Ok(object) => object,
        Err((reason, kid)) => return Err(SkippedKey::new(index, kid.as_deref(), reason.clone())),
    };
    let kid = object.get("kid").and_then(Value::as_str);
    match index < MOST_KEYS {
        true => jwk::read(object, choice).map_err(|reason| SkippedKey::new(index, kid, reason)),
        false => Err(SkippedKey::new(index, kid, KeyError::TooMany)),
    }
}
