//! What a store keeps of a session: whose it is, and when it ends.

use std::time::Duration;

use palisade_core::Principal;

use crate::token::{SessionDigest, SessionId};

/// A session that was opened later than now, by more than this, was opened by a wrong clock.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// Characters of a label that are kept.
const MAX_LABEL: usize = 128;

/// A session as a store keeps it. It has no token and no digest: a store keeps it under the digest.
///
/// Times are since the Unix epoch.
///
/// # Examples
///
/// A store outside this process reads back what it wrote:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Principal;
/// use palisade_session::SessionRecord;
///
/// const HOUR: Duration = Duration::from_secs(3600);
/// let opened = Duration::from_secs(1_700_000_000);
///
/// let mut record = SessionRecord::new(Principal::builder("user", "ann").build(), opened, 8 * HOUR, HOUR);
/// record.last_used = opened + Duration::from_secs(600);
/// record.label = Some("Firefox on Linux".into());
///
/// // It was used after ten minutes, and ends an hour after that unless it is used again.
/// assert_eq!(record.ends_unused(), opened + Duration::from_secs(600) + HOUR);
/// assert!(record.is_over(opened + 2 * HOUR));
/// ```
///
/// A session never outlives the credential that opened it:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Principal;
/// use palisade_session::SessionRecord;
///
/// const HOUR: Duration = Duration::from_secs(3600);
/// let opened = Duration::from_secs(1_700_000_000);
///
/// let with_token = Principal::builder("jwt", "ann").expires(opened + HOUR).build();
/// let record = SessionRecord::new(with_token, opened, 8 * HOUR, 8 * HOUR);
/// assert_eq!(record.ends, opened + HOUR);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// Who signed in.
    pub principal: Principal,
    /// What the application calls it, such as the browser and the system.
    pub label: Option<Box<str>>,
    /// When it was opened.
    pub opened: Duration,
    /// When a request used it. Written at most sixteen times in an idle time.
    pub last_used: Duration,
    /// When it ends, however much it is used. Not later than the credential that opened it.
    pub ends: Duration,
    /// It also ends if it is not used for so long.
    pub idle: Duration,
}

impl SessionRecord {
    /// Makes a record. `lifetime` and `idle` count from `opened`. It ends with [`Principal::expires`] if that is
    /// earlier.
    ///
    /// Stores outside this process use it to read back what they wrote, and then set the fields.
    #[must_use]
    pub fn new(principal: Principal, opened: Duration, lifetime: Duration, idle: Duration) -> Self {
        let ends = opened.saturating_add(lifetime);
        Self {
            ends: ends.min(principal.expires().unwrap_or(ends)),
            principal,
            label: None,
            opened,
            last_used: opened,
            idle,
        }
    }

    /// Returns when it ends unless it is used before: an idle time after the last use, and not later than
    /// [`ends`](Self::ends).
    #[must_use]
    pub fn ends_unused(&self) -> Duration {
        self.ends.min(self.last_used.saturating_add(self.idle))
    }

    /// Tells whether it has ended.
    ///
    /// A session from the future has ended too: it was opened while a clock was wrong, and would
    /// otherwise last until that time comes.
    #[must_use]
    pub fn is_over(&self, now: Duration) -> bool {
        let from_the_future = self.opened > now.saturating_add(CLOCK_TOLERANCE);
        now >= self.ends_unused() || from_the_future
    }

    /// Tells whether the use now should be written.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        now.saturating_sub(self.last_used) >= self.idle / 16
    }

    /// Returns whose it is.
    #[must_use]
    pub fn owner(&self) -> SessionOwner {
        SessionOwner::of(&self.principal)
    }
}

/// Whose a session is: the kind, the id and the owner (tenant) of a principal. What a store counts and lists sessions by.
///
/// Two tenants may have a user of the same id. Their sessions are counted, listed and ended apart:
///
/// ```
/// use palisade_core::Principal;
/// use palisade_session::SessionOwner;
///
/// let of = |tenant: &str| SessionOwner::of(&Principal::builder("user", "ann").owner(tenant).build());
/// assert_ne!(of("acme"), of("globex"));
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct SessionOwner {
    /// The kind of the principal, such as `user` or `api_key`.
    pub kind: &'static str,
    /// Its id. Unique among those of one kind and one owner.
    pub id: Box<str>,
    /// Its owner: two tenants may have a user of the same id.
    pub owner: Option<Box<str>>,
}

impl SessionOwner {
    /// Returns whose the sessions of a principal are. Principals of one kind, id and owner share them.
    ///
    /// ```
    /// use palisade_core::Principal;
    /// use palisade_session::SessionOwner;
    ///
    /// let ann = SessionOwner::of(&Principal::builder("user", "ann").build());
    /// let with_scopes = Principal::builder("user", "ann").scopes(["notes:read"]).build();
    /// assert_eq!(SessionOwner::of(&with_scopes), ann);
    /// ```
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        Self {
            kind: principal.kind(),
            id: principal.id().into(),
            owner: principal.owner().map(Into::into),
        }
    }
}

/// A session in a list of a principal's sessions. It opens nothing and may be shown.
///
/// [`Sessions::list`](crate::Sessions::list) returns it. Times are since the Unix epoch:
///
/// ```
/// use palisade_session::SessionInfo;
///
/// /// For example `Firefox on Linux, last used 3 minutes ago`. `now` is the time since the epoch.
/// fn line(session: &SessionInfo, now: std::time::Duration) -> String {
///     let ago = now.saturating_sub(session.last_used).as_secs() / 60;
///     format!("{}, last used {ago} minutes ago", session.label.as_deref().unwrap_or("unknown"))
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The public id, to end this one.
    pub id: SessionId,
    /// What the application calls it.
    pub label: Option<Box<str>>,
    /// When it was opened, since the Unix epoch.
    pub opened: Duration,
    /// When a request used it, since the Unix epoch, with an error of a sixteenth of the idle time.
    pub last_used: Duration,
    /// When it ends at the latest, since the Unix epoch.
    pub ends: Duration,
}

impl SessionInfo {
    pub(crate) fn of(digest: &SessionDigest, record: &SessionRecord) -> Self {
        Self {
            id: digest.id(),
            label: record.label.clone(),
            opened: record.opened,
            last_used: record.last_used,
            ends: record.ends,
        }
    }
}

/// Shortens a label, and removes control characters and those that are invisible or change the direction of the text: it
/// is shown on pages and in terminals.
pub(crate) fn clean_label(text: &str) -> Box<str> {
    let shown = text
        .chars()
        .filter(|character| !character.is_control() && !is_invisible(*character));
    shown.take(MAX_LABEL).collect::<String>().into()
}

/// Tells whether a character is a mark of direction, a separator of lines, or has no width.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn record() -> SessionRecord {
        SessionRecord::new(
            Principal::builder("user", "ann").build(),
            NOW,
            8 * HOUR,
            HOUR,
        )
    }

    #[test]
    fn a_session_ends_by_age_or_by_rest_and_not_a_moment_earlier() {
        let moment = Duration::from_nanos(1);
        let mut record = record();
        assert!(!record.is_over(NOW + HOUR - moment));
        assert!(record.is_over(NOW + HOUR));
        record.last_used = NOW + 8 * HOUR - moment;
        assert!(!record.is_over(NOW + 8 * HOUR - moment));
        assert!(record.is_over(NOW + 8 * HOUR));
    }

    #[test]
    fn a_session_of_a_clock_that_was_ahead_has_ended() {
        let record = record();
        assert!(!record.is_over(NOW - CLOCK_TOLERANCE));
        assert!(record.is_over(NOW - CLOCK_TOLERANCE - Duration::from_secs(1)));
    }

    #[test]
    fn a_label_is_short_and_has_no_control_characters() {
        assert_eq!(&*clean_label("Fire\r\n\u{1b}fox"), "Firefox");
        assert_eq!(&*clean_label("Fire\u{202e}\u{200b}\u{2066}fox"), "Firefox");
        assert_eq!(clean_label(&"ä".repeat(500)).chars().count(), MAX_LABEL);
    }
}
