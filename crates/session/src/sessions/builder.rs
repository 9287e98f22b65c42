//! The choices of sessions: how long they last, and their cookie.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use palisade_core::{SharedClock, SystemClock};

use super::{
    Inner, Sessions,
    ended::{EndReport, SessionsEnded},
    time::SessionTime,
};
use crate::{cookie::SessionCookie, store::SessionStore};

const HOUR: Duration = Duration::from_secs(3600);
/// The default end, however much a session is used.
const LIFETIME: Duration = HOUR.saturating_mul(12);
/// The default end of a session that is not used.
const IDLE: Duration = HOUR.checked_div(2).expect("two is not zero");
/// The bounds of both.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = HOUR.saturating_mul(24 * 90);
/// The default name of the cookie.
const COOKIE: &str = "__Host-session";

/// Configures [`Sessions`]. Made by [`Sessions::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`lifetime`](Self::lifetime) | 12 hours |
/// | [`idle_timeout`](Self::idle_timeout) | 30 minutes, or the lifetime if that is shorter |
/// | [`cookie_name`](Self::cookie_name) | `__Host-session` |
/// | [`follow_links`](Self::follow_links) | `SameSite=Strict`: signed out after a link of another site |
/// | [`clock`](Self::clock) | the clock of the system |
/// | [`on_ended`](Self::on_ended) | sessions that are ended by name or all together are not told |
///
/// ```
/// use std::time::Duration;
/// use palisade_session::{MemorySessionStore, Sessions, SessionsBuildError};
///
/// let sessions = Sessions::builder(MemorySessionStore::new())
///     .lifetime(Duration::from_secs(3600))
///     .cookie_name("__Host-notes")
///     .build()?;
/// assert_eq!(sessions.cookie_name(), "__Host-notes");
///
/// let unsafe_name = Sessions::builder(MemorySessionStore::new()).cookie_name("notes").build();
/// assert_eq!(unsafe_name.unwrap_err(), SessionsBuildError::CookieName("notes".into()));
/// # Ok::<(), SessionsBuildError>(())
/// ```
///
/// For a shop: signed in for two weeks, also after a link of a newsletter.
///
/// ```
/// use std::time::Duration;
/// use palisade_session::{MemorySessionStore, Sessions, SessionsBuildError};
///
/// const DAY: Duration = Duration::from_secs(24 * 3600);
/// let sessions = Sessions::builder(MemorySessionStore::new())
///     .lifetime(14 * DAY)
///     .idle_timeout(3 * DAY)
///     .follow_links()
///     .build()?;
/// assert_eq!(sessions.lifetime(), 14 * DAY);
///
/// let longer_than_the_session = Sessions::builder(MemorySessionStore::new()).idle_timeout(DAY).build();
/// assert_eq!(longer_than_the_session.unwrap_err(), SessionsBuildError::IdleTimeout(DAY));
/// # Ok::<(), SessionsBuildError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SessionsBuilder {
    store: Box<dyn SessionStore>,
    clock: SharedClock,
    cookie: Box<str>,
    follow_links: bool,
    idle: Option<Duration>,
    lifetime: Duration,
    ended: EndReport,
}

impl SessionsBuilder {
    pub(super) fn new(store: Box<dyn SessionStore>) -> Self {
        Self {
            store,
            clock: SystemClock::shared(),
            cookie: COOKIE.into(),
            follow_links: false,
            idle: None,
            lifetime: LIFETIME,
            ended: EndReport::default(),
        }
    }

    /// Sets when a session ends, however much it is used. Default: 12 hours. From 1 minute to 90 days.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets when a session ends that is not used. Default: 30 minutes. From 1 minute to the lifetime.
    ///
    /// The use is written at most sixteen times in this time, so a session may end up to a sixteenth
    /// earlier. Requests that a page sends by itself count as use. What a WebSocket carries does not: it is closed after
    /// this time unless the page sends requests too.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Sets the name of the cookie. Default: `__Host-session`.
    ///
    /// It begins with `__Host-`, so that browsers accept it only over TLS, for this host and for all
    /// paths, and no sub-domain can set it.
    pub fn cookie_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.cookie = name.into();
        self
    }

    /// Keeps the user signed in who follows a link of another site: the cookie is `SameSite=Lax`.
    /// Default: `Strict`, and such a request has no session.
    ///
    /// Only links that open a document count. Parts of pages of other sites (images, frames, scripts) have
    /// no session in either case.
    pub fn follow_links(mut self) -> Self {
        self.follow_links = true;
        self
    }

    /// Sets the clock that sessions end by. Default: the clock of the system.
    ///
    /// A test moves it in place of waiting:
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_core::{ManualClock, Principal};
    /// use palisade_session::{MemorySessionStore, Sessions};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
    /// let sessions = Sessions::builder(MemorySessionStore::new()).clock(clock.shared()).build()?;
    /// let ann = Principal::builder("user", "ann").build();
    /// let opened = sessions.open(ann.clone()).await?;
    /// assert_eq!(opened.lasts(), Duration::from_secs(12 * 3600));
    ///
    /// clock.advance(Duration::from_secs(30 * 60)); // no one used it
    /// assert!(sessions.list(&ann).await?.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets a function that is called with sessions that were ended by [`Sessions::end_one`], [`Sessions::end_others`]
    /// and [`Sessions::end_all`]. Default: none. For the audit trail: the facade's `record_ended_sessions` makes one.
    ///
    /// It is called once the store has ended them, by the task that asked for it. It must not block.
    pub fn on_ended(mut self, report: impl Fn(&SessionsEnded) + Send + Sync + 'static) -> Self {
        self.ended = EndReport::new(report);
        self
    }

    /// Makes the sessions.
    ///
    /// # Errors
    ///
    /// [`SessionsBuildError`]: a time is out of its bounds, or the name of the cookie does not begin with
    /// `__Host-`.
    pub fn build(self) -> Result<Sessions, SessionsBuildError> {
        let within = SHORTEST..=LONGEST;
        let idle = self.idle.unwrap_or(IDLE.min(self.lifetime));
        if !within.contains(&self.lifetime) {
            return Err(SessionsBuildError::Lifetime(self.lifetime));
        }
        if idle < SHORTEST || idle > self.lifetime {
            return Err(SessionsBuildError::IdleTimeout(idle));
        }
        let Some(cookie) = SessionCookie::new(&self.cookie, self.follow_links) else {
            return Err(SessionsBuildError::CookieName(self.cookie));
        };
        Ok(Sessions(Arc::new(Inner {
            store: self.store,
            cookie,
            lifetime: self.lifetime,
            idle,
            time: SessionTime::new(self.clock),
            ended: self.ended,
        })))
    }
}

/// Why [`Sessions`] cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SessionsBuildError {
    /// The name does not begin with `__Host-`, is too long, or has other characters than letters, digits,
    /// `-`, `_` and `.`.
    CookieName(Box<str>),
    /// The idle timeout is shorter than a minute or longer than the lifetime.
    IdleTimeout(Duration),
    /// The lifetime is shorter than a minute or longer than 90 days.
    Lifetime(Duration),
}

impl fmt::Display for SessionsBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CookieName(name) => write!(
                f,
                "`{name}` cannot be the name of a session cookie: use `__Host-` and up to 64 letters, digits, `-`, `_` or `.`"
            ),
            Self::IdleTimeout(idle) => write!(
                f,
                "an idle timeout of {idle:?} is out of range: use 1 minute to the lifetime of a session"
            ),
            Self::Lifetime(lifetime) => write!(
                f,
                "a lifetime of {lifetime:?} is out of range: use 1 minute to 90 days"
            ),
        }
    }
}

impl Error for SessionsBuildError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemorySessionStore;

    fn builder() -> SessionsBuilder {
        Sessions::builder(MemorySessionStore::new())
    }

    #[test]
    fn the_defaults_are_within_their_bounds() {
        assert!(builder().build().is_ok());
        assert!(builder().lifetime(SHORTEST).build().is_ok());
    }

    #[test]
    fn times_out_of_their_bounds_are_refused() {
        let moment = Duration::from_nanos(1);
        for lifetime in [Duration::ZERO, SHORTEST - moment, LONGEST + moment] {
            let error = builder().lifetime(lifetime).build().unwrap_err();
            assert_eq!(error, SessionsBuildError::Lifetime(lifetime));
        }
        for idle in [Duration::ZERO, SHORTEST - moment, LIFETIME + moment] {
            let error = builder().idle_timeout(idle).build().unwrap_err();
            assert_eq!(error, SessionsBuildError::IdleTimeout(idle));
        }
    }
}
