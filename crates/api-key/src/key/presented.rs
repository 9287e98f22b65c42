//! A key as a request presented it, after its digest was computed.

use std::fmt;

use subtle::Choice;

use crate::key::{Environment, KeyDigest, KeyId};

/// A key from a request: its public parts and its digest. The secret is no longer in it.
///
/// Made by [`KeyScheme::present`](crate::KeyScheme::present). `Debug` shows the environment and the id only.
#[derive(Clone)]
pub struct PresentedKey {
    /// Under the current pepper.
    pub(crate) digest: KeyDigest,
    /// Under the other peppers that are accepted.
    pub(crate) others: Vec<KeyDigest>,
    /// `None`: the key of another system, which has none in it.
    pub(crate) environment: Option<Environment>,
    pub(crate) id: KeyId,
}

impl PresentedKey {
    /// Returns the environment that is written in the key. `None`: another system made the key, and only its
    /// record tells.
    #[must_use]
    pub const fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// Returns the public id, by which a store finds the record.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Compares a stored digest with those under all peppers, in constant time.
    pub(crate) fn matches(&self, stored: &KeyDigest) -> Choice {
        let current = self.digest.matches(stored);
        let others = self.others.iter();
        others.fold(current, |any, other| any | other.matches(stored))
    }

    /// Returns whether a stored digest is this one under another pepper than the current one.
    pub(crate) fn is_under_another_pepper(&self, stored: &KeyDigest) -> bool {
        let mut others = self.others.iter();
        others.any(|other| other.matches(stored).into())
    }

    /// Returns whether a stored digest was made with one of the peppers.
    pub(crate) fn knows_scheme_of(&self, stored: &KeyDigest) -> bool {
        let mut all = self.others.iter().chain([&self.digest]);
        all.any(|digest| digest.scheme() == stored.scheme())
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment = self.environment.map_or("imported", Environment::as_str);
        write!(f, "PresentedKey({environment} {})", self.id)
    }
}
