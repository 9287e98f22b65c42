//! Until when secrets were accepted that a record does not have any more, so that sessions end with them.

use std::time::Duration;

use super::{KeyRecord, Timestamp};

/// After a change, other processes use the record of before for up to a second.
const UNTIL_KNOWN_EVERYWHERE: Duration = Duration::from_millis(1999);

impl KeyRecord {
    /// Sets until when secrets were accepted that the record does not have any more. Default: there are none.
    ///
    /// For stores that write a record down: [`KeyScheme::rotate`](crate::KeyScheme::rotate) sets it. A later time that
    /// is there already stays.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
    ///
    /// let (scheme, now) = (KeyScheme::new(Pepper::generate()?), Duration::from_secs(1_800_000_000));
    /// let first = scheme.mint(Grant::new(Environment::Live), now)?;
    /// assert_eq!(first.record().retired_until(), None);
    /// // Without an overlap: the first secret is not in the record any more.
    /// let second = scheme.rotate(first.record(), now, now)?;
    /// assert!(second.record().retired_until() > Some(now));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_retired_until(mut self, until: Duration) -> Self {
        let until = Some(Timestamp::from_unix(until));
        self.retired_until = self.retired_until.max(until);
        self
    }

    /// Returns until when secrets were accepted that the record does not have any more; `None` if there are none.
    ///
    /// What was opened before, such as a session, may have been opened with one of them.
    #[must_use]
    pub fn retired_until(&self) -> Option<Duration> {
        self.retired_until.map(Timestamp::unix)
    }

    /// Tells whether a secret that is not accepted any more may have opened a session at a time since the Unix epoch.
    ///
    /// A session that was opened with the new secret within two seconds after a rotation may count too: until then
    /// other processes accept the old one.
    #[must_use]
    pub fn may_be_of_old_secret(&self, opened: Duration, now: Duration) -> bool {
        let ended = self.previous().map(|(_, until)| until);
        ended.is_some_and(|until| now >= until && opened < until)
            || self.retired_until().is_some_and(|until| opened < until)
    }

    /// Notes which secrets leave the record with a rotation: the one before the last, and without an overlap the last
    /// one too.
    pub(crate) fn retire_secrets(self, overlap_until: Duration, now: Duration) -> Self {
        let change = now.saturating_add(UNTIL_KNOWN_EVERYWHERE);
        let of_previous = self.previous().map(|(_, until)| until.min(change));
        let of_current = (overlap_until <= now).then_some(change);
        match of_previous.max(of_current) {
            Some(until) => self.with_retired_until(until),
            None => self,
        }
    }
}
