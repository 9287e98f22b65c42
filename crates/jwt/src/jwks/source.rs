//! The sources of an issuer's keys: fixed, replaced by the program, in a file, or fetched.

use std::{fmt, sync::Arc};

use palisade_core::BoxFuture;

use crate::{
    error::InvalidToken,
    jwks::LiveKeys,
    keys::{KeySet, VerifyingKey},
};

/// A future that ends with a fetch, successful or not. The fetch has a deadline.
pub(crate) type FetchEnd = BoxFuture<()>;

/// Provides keys without waiting, and says when waiting would help.
pub(crate) trait Source: fmt::Debug + Send + Sync + 'static {
    /// The keys as they are known now.
    fn current(&self) -> Result<Arc<KeySet>, InvalidToken>;

    /// Tells whether the current keys are those with this digest.
    fn is_current(&self, fingerprint: &[u8; 32]) -> bool {
        self.current()
            .is_ok_and(|set| set.fingerprint() == fingerprint)
    }

    /// A fetch that should be over before the keys are used.
    fn due(&self) -> Option<FetchEnd> {
        None
    }

    /// A fetch that may show a refused token in another light: its key may be new.
    fn fetch_for_refused(&self, kid: Option<&str>, fault: InvalidToken) -> Option<FetchEnd> {
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
pub struct IssuerKeys(Arc<dyn Source>);

impl IssuerKeys {
    /// A source of any kind.
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self(source)
    }

    pub(crate) fn current(&self) -> Result<Arc<KeySet>, InvalidToken> {
        self.0.current()
    }

    pub(crate) fn is_current(&self, fingerprint: &[u8; 32]) -> bool {
        self.0.is_current(fingerprint)
    }

    pub(crate) fn due(&self) -> Option<FetchEnd> {
        self.0.due()
    }

    pub(crate) fn fetch_for_refused(
        &self,
        kid: Option<&str>,
        fault: InvalidToken,
    ) -> Option<FetchEnd> {
        self.0.fetch_for_refused(kid, fault)
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.0.is_stale()
    }
}

impl From<KeySet> for IssuerKeys {
    fn from(set: KeySet) -> Self {
        LiveKeys::new(set).into()
    }
}

impl From<VerifyingKey> for IssuerKeys {
    fn from(key: VerifyingKey) -> Self {
        KeySet::of(key).into()
    }
}
