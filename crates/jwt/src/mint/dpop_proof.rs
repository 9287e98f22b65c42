//! Proofs of possession, for development and for tests of services that require them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use palisade_core::Clock;
use serde_json::{Map, Value, json};

use super::{SigningKey, random_name};
use crate::error::KeyError;

/// A DPoP proof (RFC 9449) before it is signed.
///
/// ```
/// use palisade_core::SystemClock;
/// use palisade_jwt::{Algorithm, mint::{DpopProof, SigningKey, Token}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = SystemClock::shared();
/// let client = SigningKey::generate(Algorithm::Es256)?;
/// # let issuer = SigningKey::generate(Algorithm::Es256)?;
/// let token = Token::new("https://login.example", "tts", "lin")
///     .claim("cnf", serde_json::json!({ "jkt": client.thumbprint() }))
///     .sign(&issuer, clock.as_ref())?;
/// let proof = DpopProof::new("GET", "https://tts.example/speak")
///     .for_token(&token)
///     .sign(&client, clock.as_ref())?;
/// assert_eq!(proof.split('.').count(), 3);
/// # Ok(())
/// # }
/// ```
///
/// For a server that demands a nonce (`DPoP-Nonce`). Here at the token endpoint, so there is no token yet:
///
/// ```
/// use palisade_core::SystemClock;
/// use palisade_jwt::{Algorithm, mint::{DpopProof, SigningKey}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = SigningKey::generate(Algorithm::Es256)?;
/// let proof = DpopProof::new("POST", "https://login.example/token")
///     .claim("nonce", "eyJ7S_zG.eyJH0-Z.HX4w-7v")
///     .sign(&client, SystemClock::shared().as_ref())?;
/// # let _ = proof;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DpopProof(Map<String, Value>);

impl DpopProof {
    /// Starts a proof for a request: its method (`htm`) and its address without query (`htu`).
    pub fn new(method: &str, url: &str) -> Self {
        Self(Map::new()).claim("htm", method).claim("htu", url)
    }

    /// Binds the proof to a token (`ath`). Resource servers require it.
    pub fn for_token(self, token: &str) -> Self {
        let hash = digest(&SHA256, token.as_bytes());
        self.claim("ath", URL_SAFE_NO_PAD.encode(hash))
    }

    /// Sets a claim to any value, such as `nonce`, or a wrong one for a test.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Signs it with the key of the client, with `iat` by the clock and a random `jti` unless they
    /// were set.
    ///
    /// # Errors
    ///
    /// [`KeyError::Symmetric`] for a secret, and as [`Token::sign`](super::Token::sign).
    pub fn sign(&self, key: &SigningKey, clock: &dyn Clock) -> Result<String, KeyError> {
        let jwk = key.public_jwk().ok_or(KeyError::Symmetric)?;
        let mut claims = self.0.clone();
        let now = clock.unix_time().as_secs();
        claims.entry("iat").or_insert(now.into());
        claims.entry("jti").or_insert(random_name()?.into());
        let header = json!({ "typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": jwk });
        key.sign_raw(&header.to_string(), &Value::Object(claims).to_string())
    }
}
