//! A key set that the program replaces while the service runs.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;

use crate::{
    error::InvalidToken,
    jwks::{IssuerKeys, source::Source},
    keys::KeySet,
};

/// A key set that the program can replace while the service runs, such as a rotated secret. Clones
/// share the set.
///
/// ```
/// # use palisade_jwt::{Algorithm, KeySet, LiveKeys, VerifyingKey};
/// # use palisade_core::Secret;
/// # fn secret() -> Secret { Secret::new(*b"another random thirty-two bytes!") }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let old = VerifyingKey::from_secret(Algorithm::Hs256, &secret())?.with_kid("2026-01");
/// let live = LiveKeys::new(KeySet::from_keys([old.clone()])?);
/// // … `live.clone()` goes to an `Issuer`; later, without a restart:
/// let new = VerifyingKey::from_secret(Algorithm::Hs256, &secret())?.with_kid("2026-02");
/// live.replace(KeySet::from_keys([old, new])?);
/// # Ok(())
/// # }
/// ```
///
/// A key that was stolen is withdrawn at once, for all clones:
///
/// ```
/// use palisade_core::SystemClock;
/// use palisade_jwt::{Algorithm, Issuer, KeySet, LiveKeys, Verifier, mint::{SigningKey, Token}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stolen = SigningKey::generate(Algorithm::Es256)?;
/// let live = LiveKeys::new(KeySet::from_keys([stolen.verifying_key()])?);
/// let issuer = Issuer::new("https://login.example", "tts", live.clone());
/// let verifier = Verifier::builder().issuer(issuer).build()?;
/// let token = Token::new("https://login.example", "tts", "lin").sign(&stolen, SystemClock::shared().as_ref())?;
/// assert!(verifier.verify(&token).is_ok());
///
/// live.replace(KeySet::from_keys([SigningKey::generate(Algorithm::Es256)?.verifying_key()])?);
/// assert!(verifier.verify(&token).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct LiveKeys(Arc<ArcSwap<KeySet>>);

impl LiveKeys {
    /// Creates a source with a set.
    #[must_use]
    pub fn new(set: KeySet) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(set)))
    }

    /// Replaces the set, for every clone, from the next request on.
    ///
    /// Tokens that were verified with the old set are verified again.
    pub fn replace(&self, set: KeySet) {
        self.0.store(Arc::new(set));
    }
}

impl Source for LiveKeys {
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        Ok(self.0.load_full())
    }

    /// Without counting a reference: each request with a known token asks.
    fn is_current(&self, fingerprint: &[u8; 32]) -> bool {
        self.0.load().fingerprint() == fingerprint
    }
}

impl fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.load().fmt(f)
    }
}

impl From<LiveKeys> for IssuerKeys {
    fn from(keys: LiveKeys) -> Self {
        Self::new(Arc::new(keys))
    }
}
