//! A list of revoked tokens in memory.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;

use crate::{
    error::RevocationError,
    revocation::{ListUnavailable, RevocationEntries, RevocationList, RevokedToken},
};

/// A list of revoked tokens in the memory of one process. Clones share the entries.
///
/// The next request with a revoked token is refused, also on an open connection. The entries are
/// lost when the process ends: for a service with several replicas, or one that restarts, use
/// [`RevokedTokensFile`](super::RevokedTokensFile).
///
/// ```
/// use std::time::Duration;
/// use palisade_core::{Clock, SystemClock};
/// use palisade_jwt::{JwtLayer, Verifier, revocation::RevokedTokens};
///
/// # fn layer(verifier: Verifier) -> Result<JwtLayer, Box<dyn std::error::Error>> {
/// let revoked = RevokedTokens::new();
/// let layer = JwtLayer::builder(verifier).revocation_list(revoked.clone()).build()?;
/// // Later: the user signs out everywhere.
/// let now = SystemClock::default().unix_time();
/// revoked.revoke_principal("lin", now, now + Duration::from_secs(86_430))?;
/// # Ok(layer)
/// # }
/// ```
#[derive(Clone, Default)]
pub struct RevokedTokens(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Replaced as a whole by each change, so that readers never wait.
    entries: ArcSwap<RevocationEntries>,
    /// Locked while the entries are changed.
    changing: Mutex<()>,
}

impl RevokedTokens {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Revokes one token. See [`RevocationEntries::revoke_token`].
    ///
    /// # Errors
    ///
    /// [`RevocationError`] if the name is empty or too long, or the list is full.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_jwt::revocation::RevokedTokens;
    ///
    /// let revoked = RevokedTokens::new();
    /// // The credential id that the audit trail shows, until the token has expired.
    /// revoked.revoke_token("jti:9f2c", Duration::from_secs(1_800_000_300))?;
    /// # Ok::<(), palisade_jwt::revocation::RevocationError>(())
    /// ```
    pub fn revoke_token(&self, credential: &str, until: Duration) -> Result<(), RevocationError> {
        self.update(|entries| entries.revoke_token(credential, until))
    }

    /// Revokes the tokens of a principal. See [`RevocationEntries::revoke_principal`].
    ///
    /// # Errors
    ///
    /// [`RevocationError`] if the name is empty or too long, or the list is full.
    pub fn revoke_principal(
        &self,
        principal: &str,
        issued_before: Duration,
        until: Duration,
    ) -> Result<(), RevocationError> {
        self.update(|entries| entries.revoke_principal(principal, issued_before, until))
    }

    /// Makes several changes together. Changes of other threads wait meanwhile.
    ///
    /// # Errors
    ///
    /// The error of `change`. Nothing is changed then.
    pub fn update<T, E>(
        &self,
        change: impl FnOnce(&mut RevocationEntries) -> Result<T, E>,
    ) -> Result<T, E> {
        let one_at_a_time = self.0.changing.lock();
        let _until_stored = one_at_a_time.unwrap_or_else(PoisonError::into_inner);
        let mut entries = RevocationEntries::clone(&self.0.entries.load());
        let outcome = change(&mut entries)?;
        self.0.entries.store(Arc::new(entries));
        Ok(outcome)
    }
}

impl RevocationList for RevokedTokens {
    fn is_revoked(&self, token: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
        Ok(self.0.entries.load().contains(token))
    }
}

impl fmt::Debug for RevokedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevokedTokens({} entries)", self.0.entries.load().len())
    }
}
