//! A key as a request presented it, after its digest was computed.

use std::fmt;

use crate::key::{Environment, KeyDigest, KeyId};

/// A key from a request: its public parts and its digest. The secret is no longer in it.
///
/// Made by [`KeyScheme::present`](crate::KeyScheme::present). `Debug` shows the environment and the id only.
#[derive(Clone)]
pub struct PresentedKey {
    pub(crate) digest: KeyDigest,
    pub(crate) environment: Environment,
    pub(crate) id: KeyId,
}

impl PresentedKey {
    /// Returns the environment that is written in the key.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// Returns the public id, by which a store finds the record.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({} {})", self.environment, self.id)
    }
}
