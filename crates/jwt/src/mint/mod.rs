//! Makes keys and tokens, for development and for tests (feature `mint`).
//!
//! A service that verifies tokens should not be able to make them, so nothing else in this crate
//! needs this module.
//!
//! ```
//! use std::time::Duration;
//! use palisade_core::SystemClock;
//! use palisade_jwt::{Algorithm, Issuer, Verifier, mint::{SigningKey, Token}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::EdDsa)?.with_kid("dev");
//! let token = Token::new("https://dev.example", "https://tts.example", "lin")
//!     .scopes(["tts:speak"])
//!     .lifetime(Duration::from_secs(900))
//!     .sign(&key, SystemClock::shared().as_ref())?;
//!
//! let issuer = Issuer::new("https://dev.example", "https://tts.example", key.verifying_key());
//! let claims = Verifier::builder().issuer(issuer).build()?.verify(&token)?;
//! assert!(claims.scopes().eq(["tts:speak"]));
//! # Ok(())
//! # }
//! ```

mod dpop_proof;
mod signing_key;

use std::time::Duration;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use palisade_core::Clock;
use serde_json::{Map, Value, json};

pub use self::{dpop_proof::DpopProof, signing_key::SigningKey};
use crate::error::KeyError;

/// A token before it is signed. Default: valid for an hour, `typ` is `at+jwt`, `client_id` is
/// `dev`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use palisade_core::SystemClock;
/// use palisade_jwt::{Algorithm, mint::{SigningKey, Token}};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let token = Token::new("https://login.example", "tts", "anna")
///     .scopes(["tts:speak"])
///     .lifetime(Duration::from_secs(300))
///     .sign(&key, SystemClock::shared().as_ref())?;
/// assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Token {
    /// `typ`.
    kind: Box<str>,
    /// From `iat` to `exp`.
    lifetime: Duration,
    /// Without those that signing adds.
    claims: Map<String, Value>,
}

impl Token {
    /// Creates a token of `issuer` (`iss`) for `audience` (`aud`) about `subject` (`sub`).
    pub fn new(issuer: &str, audience: &str, subject: &str) -> Self {
        let mut claims = Map::new();
        claims.insert("iss".into(), issuer.into());
        claims.insert("aud".into(), audience.into());
        claims.insert("sub".into(), subject.into());
        Self {
            kind: "at+jwt".into(),
            lifetime: Duration::from_secs(3600),
            claims,
        }
    }

    /// Sets how long the token is valid after it is signed, in whole seconds. Default: an hour.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the client that the token is issued to (`client_id`). Default: `dev`.
    pub fn client(self, client: &str) -> Self {
        self.claim("client_id", client)
    }

    /// Sets the scopes (`scope`), in place of those set before. Default: none.
    pub fn scopes<S: AsRef<str>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let all: Vec<_> = scopes.into_iter().collect();
        let line = all.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ");
        self.claim("scope", line)
    }

    /// Sets a claim to any JSON value, in place of its default.
    ///
    /// Use it for tests of tokens that must be refused, such as one with `exp` in the past.
    ///
    /// ```
    /// use palisade_core::SystemClock;
    /// use palisade_jwt::{Algorithm, mint::{SigningKey, Token}};
    ///
    /// // What an issuer of staff tokens adds: a tenant, and roles.
    /// let key = SigningKey::generate(Algorithm::Es256)?;
    /// let token = Token::new("https://login.example", "tts", "anna")
    ///     .claim("tenant", "acme")
    ///     .claim("roles", vec!["editor", "admin"])
    ///     .sign(&key, SystemClock::shared().as_ref())?;
    /// # let _ = token;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Sets the type (`typ`). Default: `at+jwt`.
    pub fn kind(mut self, kind: impl Into<Box<str>>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Signs it, with `iat` and `exp` by the clock, a random `jti` and the `client_id` `dev` unless
    /// they were set: all that an access token must have (RFC 9068, 2.2).
    ///
    /// # Errors
    ///
    /// [`KeyError::AlgorithmUnsupported`] if the key's algorithm can only be verified here,
    /// [`KeyError::Malformed`] if the key fails to sign.
    pub fn sign(&self, key: &SigningKey, clock: &dyn Clock) -> Result<String, KeyError> {
        let now = clock.unix_time().as_secs();
        let mut claims = self.claims.clone();
        claims.entry("iat").or_insert(now.into());
        claims
            .entry("exp")
            .or_insert(now.saturating_add(self.lifetime.as_secs()).into());
        claims.entry("jti").or_insert(random_name()?.into());
        claims.entry("client_id").or_insert("dev".into());
        let mut header = json!({ "alg": key.algorithm().name(), "typ": &*self.kind });
        if let (Some(kid), Some(members)) = (key.kid(), header.as_object_mut()) {
            members.insert("kid".into(), kid.into());
        }
        key.sign_raw(&header.to_string(), &Value::Object(claims).to_string())
    }
}

/// 128 random bits.
fn random_name() -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| KeyError::Malformed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
