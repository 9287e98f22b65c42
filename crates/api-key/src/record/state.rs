//! What an operator decided about a key since it was made: disabled, enabled or revoked; and where it is from.

use std::time::Duration;

use super::{KeyRecord, Timestamp};

impl KeyRecord {
    /// Revokes the key: it is refused from now on, also by a server whose clock is behind `at`.
    ///
    /// `at` is recorded for listings. A key that is revoked already keeps its first time.
    #[must_use]
    pub fn revoked(mut self, at: Duration) -> Self {
        self.revoked.get_or_insert(Timestamp::from_unix(at));
        self
    }

    /// Disables the key: it is refused until it is [enabled](Self::enabled), also by a server whose clock is behind
    /// `at`.
    ///
    /// `at` is recorded for listings. A key that is disabled already keeps its first time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyFailure, KeyScheme, Pepper};
    ///
    /// let scheme = KeyScheme::new(Pepper::generate()?);
    /// let now = Duration::from_secs(1_800_000_000);
    /// let record = scheme.mint(Grant::new(Environment::Live), now)?.record().clone();
    /// let disabled = record.disabled(now);
    /// assert_eq!(disabled.check_without_secret(now, None), Err(KeyFailure::Disabled));
    /// assert_eq!(disabled.enabled().check_without_secret(now, None), Ok(()));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn disabled(mut self, at: Duration) -> Self {
        self.disabled.get_or_insert(Timestamp::from_unix(at));
        self
    }

    /// Ends [`disabled`](Self::disabled). A revoked key stays revoked.
    #[must_use]
    pub fn enabled(mut self) -> Self {
        self.disabled = None;
        self
    }

    /// Marks the key as one of another system. [`KeyScheme::rotate`](crate::KeyScheme::rotate) ends it: the new secret
    /// is one of the format.
    ///
    /// For stores that write a record down; [`KeyScheme::dangerously_import_sha256`](crate::KeyScheme::dangerously_import_sha256)
    /// does it.
    #[must_use]
    pub fn imported(mut self) -> Self {
        self.imported = true;
        self
    }

    /// Returns when the key was revoked; `None` if it was not.
    #[must_use]
    pub fn revoked_at(&self) -> Option<Duration> {
        self.revoked.map(Timestamp::unix)
    }

    /// Returns when the key was disabled; `None` if it is not.
    #[must_use]
    pub fn disabled_at(&self) -> Option<Duration> {
        self.disabled.map(Timestamp::unix)
    }

    /// Returns whether another system made the current secret. Nothing is known about how.
    #[must_use]
    pub const fn is_imported(&self) -> bool {
        self.imported
    }

    /// Returns whether the key is revoked or expired at a time since the Unix epoch.
    ///
    /// Such a key is never valid again, and it cannot be rotated.
    #[must_use]
    pub fn is_over(&self, now: Duration) -> bool {
        self.revoked.is_some() || self.grant.expires.is_some_and(|end| now >= end.unix())
    }

    /// Returns the state of the key at a time since the Unix epoch, for listings. The first that applies counts:
    /// `revoked`, `expired`, `disabled`, `not yet`, `rotating` (the old secret is accepted too) or `active`.
    #[must_use]
    pub fn status(&self, now: Duration) -> &'static str {
        if self.revoked.is_some() {
            "revoked"
        } else if self.is_over(now) {
            "expired"
        } else if self.disabled.is_some() {
            "disabled"
        } else if self.not_before().is_some_and(|start| now < start) {
            "not yet"
        } else if self.previous().is_some_and(|(_, until)| now < until) {
            "rotating"
        } else {
            "active"
        }
    }
}
