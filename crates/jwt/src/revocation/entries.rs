//! The entries of a list of revoked tokens.

use std::{collections::HashMap, time::Duration};

use crate::{error::RevocationError, revocation::RevokedToken};

/// In bytes: of the name of a principal or of a token.
const MAX_NAME_BYTES: usize = 1024;

/// The entries of a list. All times are durations since the Unix epoch.
///
/// Change it inside [`RevokedTokens::update`](super::RevokedTokens::update) or
/// [`RevokedTokensFile::update`](super::RevokedTokensFile::update).
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::revocation::{RevocationEntries, RevocationError};
///
/// let now = Duration::from_secs(1_800_000_000);
/// let day = Duration::from_secs(86_430);
/// let mut entries = RevocationEntries::default();
/// entries.revoke_token("staff:QHGiBWe3a6vJfCJ2", now + day)?;
/// entries.revoke_principal("staff:lin", now, now + day)?;
/// assert_eq!(entries.len(), 2);
/// entries.remove_old(now + day);
/// assert!(entries.is_empty());
/// # Ok::<(), RevocationError>(())
/// ```
///
/// After a leak, all tokens that were issued until now end at once. An entry without a name is refused:
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::revocation::RevocationEntries;
///
/// let now = Duration::from_secs(1_800_000_000);
/// let mut entries = RevocationEntries::default();
/// entries.revoke_all(now);
/// assert!(!entries.is_empty(), "it revokes, though it names no token");
/// assert!(entries.revoke_token("", now).is_err());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RevocationEntries {
    /// Ids of tokens, and until when each entry is kept.
    pub(super) tokens: HashMap<Box<str>, Duration>,
    /// Ids of principals.
    pub(super) principals: HashMap<Box<str>, PrincipalEntry>,
    /// Every token that was issued before is revoked.
    pub(super) all_issued_before: Option<Duration>,
}

/// The revocation of a principal's tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PrincipalEntry {
    /// Tokens issued before this moment are revoked.
    pub(super) issued_before: Duration,
    /// The entry is kept until then.
    pub(super) until: Duration,
}

impl RevocationEntries {
    /// The maximum number of entries: 100,000. More is an error, never a forgotten entry.
    pub const MAX_ENTRIES: usize = 100_000;

    /// Revokes one token by its id, as the audit trail shows it (`credential`).
    ///
    /// `until` is when the entry may be dropped: the token's `exp` and the leeway, or later.
    ///
    /// # Errors
    ///
    /// [`RevocationError`] if the name is empty or too long, or the list is full.
    pub fn revoke_token(
        &mut self,
        credential: &str,
        until: Duration,
    ) -> Result<(), RevocationError> {
        self.check_new(credential, self.tokens.contains_key(credential))?;
        let kept = self.tokens.entry(credential.into()).or_default();
        *kept = until.max(*kept);
        Ok(())
    }

    /// Revokes all tokens of a principal that were issued before a moment, and those without a time
    /// of issue (`iat`). Tokens issued later are valid: the user has signed in again.
    ///
    /// `until` is when the entry may be dropped: `issued_before`, the longest lifetime of a token
    /// and the leeway together, or later.
    ///
    /// # Errors
    ///
    /// [`RevocationError`] if the name is empty or too long, or the list is full.
    pub fn revoke_principal(
        &mut self,
        principal: &str,
        issued_before: Duration,
        until: Duration,
    ) -> Result<(), RevocationError> {
        self.check_new(principal, self.principals.contains_key(principal))?;
        let new = PrincipalEntry {
            issued_before,
            until,
        };
        let kept = self.principals.entry(principal.into()).or_insert(new);
        // A later entry adds to an earlier one, in whatever order they come.
        kept.issued_before = kept.issued_before.max(issued_before);
        kept.until = kept.until.max(until);
        Ok(())
    }

    /// Revokes every token that was issued before a moment, and those without a time of issue.
    ///
    /// For a leaked signing key, replace the key as well: a thief writes any time of issue.
    pub fn revoke_all(&mut self, issued_before: Duration) {
        self.all_issued_before = self.all_issued_before.max(Some(issued_before));
    }

    /// Drops entries whose time is over.
    pub fn remove_old(&mut self, now: Duration) {
        self.tokens.retain(|_, until| now < *until);
        self.principals.retain(|_, entry| now < entry.until);
    }

    /// Returns the number of entries for tokens and principals.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() + self.principals.len()
    }

    /// Returns whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.all_issued_before.is_none()
    }

    /// Returns whether a token is revoked.
    ///
    /// An entry without the label of an issuer counts for that name of every issuer: it was perhaps
    /// written before the issuer had a label.
    #[must_use]
    pub fn contains(&self, token: &RevokedToken<'_>) -> bool {
        let too_old = |before: Duration| token.issued.is_none_or(|issued| issued < before);
        let is_old_of = |name: &str| {
            let entry = self.principals.get(name);
            entry.is_some_and(|entry| too_old(entry.issued_before))
        };
        let mut ids = names_of(token.credential);
        let mut principals = names_of(token.principal);
        ids.any(|id| self.tokens.contains_key(id))
            || self.all_issued_before.is_some_and(too_old)
            || principals.any(is_old_of)
    }

    /// Refuses a name that no token has, and an entry over the maximum.
    fn check_new(&self, name: &str, is_known: bool) -> Result<(), RevocationError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(RevocationError::Name);
        }
        match !is_known && self.len() >= Self::MAX_ENTRIES {
            true => Err(RevocationError::Full),
            false => Ok(()),
        }
    }
}

/// Returns a name as it is, and without what may be the label of its issuer.
fn names_of(name: &str) -> impl Iterator<Item = &str> {
    let without_label = name.split_once(':').map(|(_, rest)| rest);
    std::iter::once(name).chain(without_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn token<'a>(principal: &'a str, credential: &'a str, issued: u64) -> RevokedToken<'a> {
        RevokedToken {
            principal,
            credential,
            issued: Some(at(issued)),
        }
    }

    #[test]
    fn a_token_a_principal_or_everything_is_revoked() {
        let mut entries = RevocationEntries::default();
        assert!(entries.is_empty() && !entries.contains(&token("lin", "t1", 10)));
        entries.revoke_token("t1", at(100)).unwrap();
        assert!(entries.contains(&token("lin", "t1", 10)));
        assert!(!entries.contains(&token("lin", "t2", 10)));
        entries.revoke_principal("lin", at(20), at(100)).unwrap();
        assert!(entries.contains(&token("lin", "t2", 19)));
        assert!(!entries.contains(&token("lin", "t2", 20)));
        assert!(!entries.contains(&token("kim", "t2", 19)));
        entries.revoke_all(at(30));
        assert!(entries.contains(&token("kim", "t2", 29)));
        assert!(!entries.contains(&token("kim", "t2", 30)));
    }

    #[test]
    fn an_entry_of_before_the_label_counts_with_it_and_one_with_a_label_only_for_it() {
        let mut entries = RevocationEntries::default();
        entries.revoke_principal("lin", at(20), at(100)).unwrap();
        entries.revoke_token("t1", at(100)).unwrap();
        assert!(entries.contains(&token("corp:lin", "corp:t2", 19)));
        assert!(entries.contains(&token("corp:kim", "corp:t1", 40)));
        assert!(!entries.contains(&token("corp:kim", "corp:t2", 19)));

        let mut entries = RevocationEntries::default();
        entries
            .revoke_principal("corp:lin", at(20), at(100))
            .unwrap();
        assert!(!entries.contains(&token("lin", "t1", 19)));
        assert!(!entries.contains(&token("staff:lin", "t1", 19)));
    }

    #[test]
    fn a_token_without_a_time_of_issue_counts_as_old() {
        let undated = RevokedToken {
            principal: "lin",
            credential: "t1",
            issued: None,
        };
        let mut entries = RevocationEntries::default();
        assert!(!entries.contains(&undated));
        entries.revoke_principal("lin", at(20), at(100)).unwrap();
        assert!(entries.contains(&undated));
    }

    #[test]
    fn an_earlier_entry_never_weakens_a_later_one() {
        let mut entries = RevocationEntries::default();
        entries.revoke_principal("lin", at(20), at(100)).unwrap();
        entries.revoke_principal("lin", at(10), at(50)).unwrap();
        entries.revoke_all(at(5));
        entries.revoke_all(at(3));
        entries.revoke_token("t", at(100)).unwrap();
        entries.revoke_token("t", at(1)).unwrap();
        entries.remove_old(at(99));
        assert!(entries.contains(&token("lin", "x", 19)));
        assert!(entries.contains(&token("kim", "x", 4)));
        assert!(entries.contains(&token("kim", "t", 40)));
        entries.remove_old(at(100));
        assert_eq!(entries.len(), 0);
        assert!(!entries.is_empty(), "what was said of all tokens stays");
    }

    #[test]
    fn a_full_list_is_an_error_and_forgets_nothing() {
        let mut entries = RevocationEntries::default();
        for number in 0..RevocationEntries::MAX_ENTRIES {
            entries.revoke_token(&number.to_string(), at(9)).unwrap();
        }
        assert_eq!(
            entries.revoke_token("one more", at(9)),
            Err(RevocationError::Full)
        );
        assert_eq!(
            entries.revoke_principal("lin", at(1), at(9)),
            Err(RevocationError::Full)
        );
        assert_eq!(entries.revoke_token("0", at(20)), Ok(()));
        assert!(entries.contains(&token("lin", "0", 1)));
        assert_eq!(entries.revoke_token("", at(9)), Err(RevocationError::Name));
    }
}
