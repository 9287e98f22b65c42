//! Sessions in memory: bounded, with an end, and few for each key.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::HeaderMap;
use palisade::api_key::KeyId;
use palisade::core::{Secret, SharedClock};

use super::{
    cookie::{self, SessionCookie},
    token::{self, TokenDigest},
};

/// How long a session lasts.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// How many there may be at once.
const MOST: usize = 4096;
/// How many of one key: the oldest gives way, so that one key never shuts the others out.
const MOST_PER_KEY: usize = 8;

/// Keeps sessions. They end with the process: a restart of the server signs everyone out.
pub(crate) struct Sessions {
    live: Mutex<HashMap<TokenDigest, Session>>,
    csrf_key: Secret,
    clock: SharedClock,
}

#[derive(Clone, Copy)]
struct Session {
    key: KeyId,
    /// On the monotonic clock: a changed system time does not prolong a session.
    ends: Duration,
}

/// A session that was found alive.
#[derive(Clone, Copy)]
pub(crate) struct LiveSession {
    pub(crate) digest: TokenDigest,
    pub(crate) key: KeyId,
    pub(crate) left: Duration,
}

/// Why a session cannot be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoSession {
    Entropy,
    Full,
}

impl Sessions {
    /// Starts without sessions.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub(crate) fn new(clock: SharedClock) -> Result<Self, getrandom::Error> {
        Ok(Self {
            live: Mutex::default(),
            csrf_key: token::draw_key()?,
            clock,
        })
    }

    /// Opens a session for a key, and returns the token for its cookie.
    pub(crate) fn open(&self, key: KeyId) -> Result<(String, LiveSession), NoSession> {
        let token = token::draw().map_err(|_| NoSession::Entropy)?;
        let digest = token::digest(token.as_bytes()).ok_or(NoSession::Entropy)?;
        let now = self.clock.monotonic();
        let mut live = self.lock();
        free_capacity(&mut live, key, now)?;
        live.insert(
            digest,
            Session {
                key,
                ends: now + LIFETIME,
            },
        );
        Ok((
            token,
            LiveSession {
                digest,
                key,
                left: LIFETIME,
            },
        ))
    }

    /// Finds a live session by what a cookie shows.
    pub(crate) fn find(&self, shown: &[u8]) -> Option<LiveSession> {
        let digest = token::digest(shown)?;
        let session = *self.lock().get(&digest)?;
        let left = session.ends.checked_sub(self.clock.monotonic())?;
        (left > Duration::ZERO).then_some(LiveSession {
            digest,
            key: session.key,
            left,
        })
    }

    /// Ends a session.
    pub(crate) fn close(&self, digest: &TokenDigest) {
        self.lock().remove(digest);
    }

    /// Ends the session that the cookies of a request show, if they show one.
    pub(crate) fn close_shown(&self, headers: &HeaderMap) {
        if let SessionCookie::Single(shown) = cookie::find(headers) {
            token::digest(shown).inspect(|digest| self.close(digest));
        }
    }

    /// Returns the token against forgery that belongs to a session.
    pub(crate) fn csrf(&self, session: &LiveSession) -> String {
        token::csrf(&self.csrf_key, &session.digest)
    }

    /// Tells whether a shown token against forgery belongs to a session.
    pub(crate) fn csrf_matches(&self, session: &LiveSession, shown: &[u8]) -> bool {
        token::csrf_matches(&self.csrf_key, &session.digest, shown)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, Session>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what is over, and the oldest of a key that has many.
fn free_capacity(
    live: &mut HashMap<TokenDigest, Session>,
    key: KeyId,
    now: Duration,
) -> Result<(), NoSession> {
    if live.len() >= MOST {
        live.retain(|_, session| session.ends > now);
    }
    let of_key = live.iter().filter(|(_, session)| session.key == key);
    if of_key.clone().count() >= MOST_PER_KEY {
        let oldest = of_key
            .min_by_key(|(_, session)| session.ends)
            .map(|(digest, _)| *digest);
        oldest.and_then(|digest| live.remove(&digest));
    }
    if live.len() >= MOST {
        Err(NoSession::Full)
    } else {
        Ok(())
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({} live)", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use palisade::core::ManualClock;

    use super::*;

    fn key(index: usize) -> KeyId {
        format!("{index:012}").parse().unwrap()
    }

    fn sessions() -> (Sessions, ManualClock) {
        let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
        (Sessions::new(clock.shared()).unwrap(), clock)
    }

    #[test]
    fn a_session_ends_after_an_hour_and_not_before() {
        let (sessions, clock) = sessions();
        let (token, _) = sessions.open(key(1)).unwrap();
        clock.advance(LIFETIME - Duration::from_millis(1));
        assert!(sessions.find(token.as_bytes()).is_some());
        clock.advance(Duration::from_millis(1));
        assert!(sessions.find(token.as_bytes()).is_none());
    }

    #[test]
    fn a_closed_session_is_gone() {
        let (sessions, _) = sessions();
        let (token, live) = sessions.open(key(1)).unwrap();
        sessions.close(&live.digest);
        assert!(sessions.find(token.as_bytes()).is_none());
    }

    #[test]
    fn the_ninth_session_of_a_key_replaces_its_first_and_no_other() {
        let (sessions, clock) = sessions();
        let (of_another, _) = sessions.open(key(2)).unwrap();
        let tokens: Vec<_> = (0..9)
            .map(|_| {
                clock.advance(Duration::from_secs(1));
                sessions.open(key(1)).unwrap().0
            })
            .collect();
        let alive = |token: &String| sessions.find(token.as_bytes()).is_some();
        assert!(!alive(&tokens[0]));
        assert!(tokens[1..].iter().all(alive));
        assert!(alive(&of_another));
    }

    #[test]
    fn a_full_store_refuses_until_sessions_end() {
        let (sessions, clock) = sessions();
        for index in 0..MOST {
            sessions.open(key(index)).unwrap();
        }
        assert_eq!(sessions.open(key(MOST)).map(|_| ()), Err(NoSession::Full));
        clock.advance(LIFETIME);
        assert!(sessions.open(key(MOST)).is_ok());
    }

    #[test]
    fn nothing_secret_shows_in_debug() {
        let (sessions, _) = sessions();
        sessions.open(key(1)).unwrap();
        assert_eq!(format!("{sessions:?}"), "Sessions(1 live)");
    }
}
