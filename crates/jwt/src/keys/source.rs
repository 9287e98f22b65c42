//! The sources of an issuer's keys: fixed, replaced by the program, in a file, or fetched.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use palisade_core::BoxFuture;

use crate::{InvalidToken, KeySet, VerifyingKey};

/// A future that ends with a fetch, successful or not. The fetch has a deadline.
pub(crate) type Landing = BoxFuture<()>;

/// Provides keys without waiting, and says when waiting would help.
pub(crate) trait Source: fmt::Debug + Send + Sync + 'static {
    /// The keys as they are known now.
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken>;

    /// A fetch that should be over before the keys are asked for.
    fn due(&self) -> Option<Landing> {
        None
    }

    /// A fetch that may show a refused token in another light: its key may be new.
    fn second_look(&self, kid: Option<&str>, fault: InvalidToken) -> Option<Landing> {
        let _ = (kid, fault);
        None
    }

    /// Whether the keys are past their time.
    fn is_stale(&self) -> bool {
        false
    }
}

/// The keys of one issuer, from any source.
///
/// Converted from a [`VerifyingKey`], a [`KeySet`], [`LiveKeys`], a [`JwksFile`](crate::JwksFile),
/// or (feature `jwks-url`) a `JwksUrl`. [`Issuer::new`](crate::Issuer::new) accepts each of them.
#[derive(Clone, Debug)]
pub struct Keys(Arc<dyn Source>);

impl Keys {
    /// A source of any kind.
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self(source)
    }

    pub(crate) fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        self.0.current()
    }

    pub(crate) fn due(&self) -> Option<Landing> {
        self.0.due()
    }

    pub(crate) fn second_look(&self, kid: Option<&str>, fault: InvalidToken) -> Option<Landing> {
        self.0.second_look(kid, fault)
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.0.is_stale()
    }
}

/// A key set that the program can replace while the service runs, such as a rotated secret. Clones
/// share the set.
///
/// ```
/// # use palisade_jwt::{Algorithm, KeySet, LiveKeys, VerifyingKey};
/// # use palisade_core::Secret;
/// # fn secret() -> Secret { Secret::new(*b"another random thirty-two bytes!") }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let old = VerifyingKey::from_secret(Algorithm::Hs256, &secret())?.with_kid("2026-01");
/// let live = LiveKeys::new(KeySet::new([old.clone()])?);
/// // … `live.clone()` goes to an `Issuer`; later, without a restart:
/// let new = VerifyingKey::from_secret(Algorithm::Hs256, &secret())?.with_kid("2026-02");
/// live.replace(KeySet::new([old, new])?);
/// # Ok(())
/// # }
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
}

impl fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.load().fmt(f)
    }
}

impl From<LiveKeys> for Keys {
    fn from(keys: LiveKeys) -> Self {
        Self(Arc::new(keys))
    }
}

impl From<KeySet> for Keys {
    fn from(set: KeySet) -> Self {
        LiveKeys::new(set).into()
    }
}

impl From<VerifyingKey> for Keys {
    fn from(key: VerifyingKey) -> Self {
        KeySet::of(key).into()
    }
}
