//! Tokens that are refused before they expire.
//!
//! A token is valid until `exp`, whatever happens to its user. A [`RevocationList`] ends it earlier:
//! one token, all tokens of a principal that were issued before a moment, or all tokens. It is
//! checked for each request, also for a token from the cache.
//!
//! `entries` is the list itself, `memory` and `file` are the two kinds of list here.

mod file;
mod memory;
mod entries;

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::Principal;

pub use self::{
    entries::RevocationEntries,
    file::{RevokedTokensFile, RevokedTokensFileBuilder},
    memory::RevokedTokens,
};
pub use crate::error::RevocationError;

/// Says which genuine tokens are revoked.
///
/// Here are [`RevokedTokens`] in memory and [`RevokedTokensFile`], a watched file that the replicas
/// of a service can share. A custom list keeps its entries in memory and fetches them beside the
/// requests: the function must not block.
///
/// ```
/// use palisade_jwt::revocation::{ListUnavailable, RevocationList, RevokedToken};
///
/// /// Refuses every token that was issued without a time.
/// #[derive(Debug)]
/// struct OnlyDated;
///
/// impl RevocationList for OnlyDated {
///     fn is_revoked(&self, token: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
///         Ok(token.issued().is_none())
///     }
/// }
/// ```
pub trait RevocationList: fmt::Debug + Send + Sync + 'static {
    /// Returns whether a token is revoked: the request is then refused with 401.
    ///
    /// # Errors
    ///
    /// [`ListUnavailable`] if the list is not known well enough to decide: the request is refused
    /// with 503.
    fn is_revoked(&self, token: &RevokedToken<'_>) -> Result<bool, ListUnavailable>;
}

impl<L: RevocationList + ?Sized> RevocationList for Arc<L> {
    fn is_revoked(&self, token: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
        (**self).is_revoked(token)
    }
}

/// The names of a genuine token, by which a list finds it. They are those of the audit trail.
///
/// # Examples
///
/// ```
/// use std::{collections::HashSet, sync::RwLock};
/// use palisade_jwt::revocation::{ListUnavailable, RevocationList, RevokedToken};
///
/// /// Sessions that were signed out, by the id of the token.
/// #[derive(Debug, Default)]
/// struct SignedOut(RwLock<HashSet<String>>);
///
/// impl RevocationList for SignedOut {
///     fn is_revoked(&self, token: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
///         let ids = self.0.read().map_err(|_| ListUnavailable)?;
///         Ok(ids.contains(token.credential()))
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RevokedToken<'a> {
    pub(crate) principal: &'a str,
    pub(crate) credential: &'a str,
    pub(crate) issued: Option<Duration>,
}

impl<'a> RevokedToken<'a> {
    /// Returns the names of the token that a principal was proven by.
    ///
    /// For what outlives the request with the token, such as the session that it opened. The principal is that
    /// of a [`JwtLayer`](crate::JwtLayer), or was written down with all its fields and read back.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_core::Principal;
    /// use palisade_jwt::revocation::{RevocationList, RevokedToken, RevokedTokens};
    ///
    /// let lin = Principal::builder("jwt", "lin").credential("jti-1").build();
    /// let revoked = RevokedTokens::new();
    /// assert_eq!(revoked.is_revoked(&RevokedToken::of(&lin)), Ok(false));
    /// revoked.revoke_token("jti-1", Duration::from_secs(1_800_000_300))?;
    /// assert_eq!(revoked.is_revoked(&RevokedToken::of(&lin)), Ok(true));
    /// # Ok::<(), palisade_jwt::revocation::RevocationError>(())
    /// ```
    #[must_use]
    pub fn of(principal: &'a Principal) -> Self {
        Self {
            principal: principal.id(),
            credential: principal.credential().unwrap_or_default(),
            issued: principal.issued(),
        }
    }
}

impl RevokedToken<'_> {
    /// Returns the id of the principal: the subject, after the label of the issuer if it has one.
    #[must_use]
    pub const fn principal(&self) -> &str {
        self.principal
    }

    /// Returns the id of the token: its `jti`, after the label of the issuer if it has one; without
    /// `jti` a digest of what was signed.
    #[must_use]
    pub const fn credential(&self) -> &str {
        self.credential
    }

    /// Returns when the token was issued (`iat`), as time since the Unix epoch.
    #[must_use]
    pub const fn issued(&self) -> Option<Duration> {
        self.issued
    }
}

/// The list cannot say whether a token is revoked. The request is refused with 503.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs)] // It says no more than its name.
pub struct ListUnavailable;

impl fmt::Display for ListUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of revoked tokens is not known well enough")
    }
}

impl std::error::Error for ListUnavailable {}
