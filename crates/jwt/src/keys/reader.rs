//! Reads JWK sets (RFC 7517, 5).

use serde_json::Value;

use super::jwk::{self, Choice};
use crate::{
    Algorithm, BuildError, KeyError, KeySet, SkippedKey, VerifyingKey,
    algorithm::Family,
    json::{self, Object},
};

/// As many keys of a set are read; no provider publishes so many, and look-ups stay short.
const MOST_KEYS: usize = 100;

/// Reads JWK sets.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct JwksReader(Choice);

impl Default for JwksReader {
    fn default() -> Self {
        Self::new()
    }
}

impl JwksReader {
    /// Reads public keys; an RSA key that names no algorithm is bound to `RS256`.
    pub const fn new() -> Self {
        Self(Choice {
            rsa: Algorithm::Rs256,
            secrets: false,
        })
    }

    /// Binds RSA keys that name no algorithm to another one. It is bound here, so that no token chooses.
    ///
    /// # Errors
    ///
    /// [`BuildError::Algorithm`] if it is not an RSA algorithm.
    pub fn rsa_algorithm(mut self, algorithm: Algorithm) -> Result<Self, BuildError> {
        if algorithm.family() != Family::Rsa {
            return Err(BuildError::Algorithm(algorithm));
        }
        self.0.rsa = algorithm;
        Ok(self)
    }

    /// Reads a set of secrets (`oct`) in place of public keys: a private document, never one from a network.
    /// Public keys beside secrets are read; the secrets among them are not.
    pub fn secrets(mut self) -> Self {
        self.0.secrets = true;
        self
    }

    /// Reads a set. Keys that cannot be used are left out and listed in [`KeySet::skipped`].
    ///
    /// # Errors
    ///
    /// [`BuildError::NotAKeySet`] if the document is not one, [`BuildError::NoKeys`] if no key of it can be used.
    pub fn read(&self, text: &str) -> Result<KeySet, BuildError> {
        let document = json::object(text.as_bytes()).map_err(|_| BuildError::NotAKeySet)?;
        let Some(Value::Array(entries)) = document.get("keys") else {
            return Err(BuildError::NotAKeySet);
        };
        let mut choice = self.0;
        // A set of both kinds invites to take a public key for a secret.
        choice.secrets &= entries
            .iter()
            .all(|entry| entry.get("kty").is_some_and(|kind| kind == "oct"));
        let read = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (index, entry_of(index, entry, choice)));
        let (keys, skipped) = KeySet::sort(read);
        KeySet::finish(keys, skipped)
    }
}

fn entry_of(index: usize, entry: &Value, choice: Choice) -> Result<VerifyingKey, SkippedKey> {
    let empty = Object::new();
    let object = entry.as_object().unwrap_or(&empty);
    let kid = object.get("kid").and_then(Value::as_str);
    match index < MOST_KEYS {
        true => jwk::read(object, choice).map_err(|reason| SkippedKey::new(index, kid, reason)),
        false => Err(SkippedKey::new(index, kid, KeyError::TooMany)),
    }
}
