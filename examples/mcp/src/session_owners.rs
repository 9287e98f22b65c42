//! Whose a session of the protocol is: its id alone opens nothing.
//!
//! Versions before 2026-07-28 have sessions, by an id in `Mcp-Session-Id`. Who learns an id must not read another
//! client's stream.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade::Principal;
use palisade::core::SharedClock;

/// How many sessions there may be at once.
const MOST: usize = 1024;
/// How many of one principal.
const MOST_PER_PRINCIPAL: usize = 16;
/// An unused session is forgotten after this. rmcp ends it after five minutes.
const IDLE: Duration = Duration::from_secs(600);

/// Remembers whose the sessions are. Clones share it.
#[derive(Clone)]
pub(crate) struct SessionOwners {
    owners: Arc<Mutex<HashMap<Box<[u8]>, Owner>>>,
    clock: SharedClock,
}

struct Owner {
    kind: &'static str,
    id: Box<str>,
    last_used: Duration,
}

impl Owner {
    fn is(&self, principal: &Principal) -> bool {
        (self.kind, &*self.id) == (principal.kind(), principal.id())
    }
}

impl SessionOwners {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self {
            owners: Arc::default(),
            clock,
        }
    }

    /// Tells whether a principal may open another session.
    pub(crate) fn has_place_for(&self, principal: &Principal) -> bool {
        let now = self.clock.monotonic();
        let mut owners = self.lock();
        owners.retain(|_, owner| now.saturating_sub(owner.last_used) < IDLE);
        let own = owners.values().filter(|owner| owner.is(principal)).count();
        own < MOST_PER_PRINCIPAL && owners.len() < MOST
    }

    /// Notes who opened a session.
    pub(crate) fn note(&self, session: &[u8], principal: &Principal) {
        let owner = Owner {
            kind: principal.kind(),
            id: principal.id().into(),
            last_used: self.clock.monotonic(),
        };
        self.lock().entry(session.into()).or_insert(owner);
    }

    /// Tells whether a session belongs to a principal. One that nobody opened belongs to none.
    pub(crate) fn owns(&self, session: &[u8], principal: &Principal) -> bool {
        let now = self.clock.monotonic();
        match self.lock().get_mut(session) {
            Some(owner) if owner.is(principal) => {
                owner.last_used = now;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn forget(&self, session: &[u8]) {
        self.lock().remove(session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Owner>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionOwners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionOwners({})", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use palisade::core::ManualClock;

    use super::*;

    fn who(id: &str) -> Principal {
        Principal::builder("jwt", id).build()
    }

    #[test]
    fn a_session_belongs_to_who_opened_it_until_it_is_forgotten() {
        let owners = SessionOwners::new(ManualClock::new(Duration::ZERO).shared());
        owners.note(b"s", &who("ann"));
        owners.note(b"s", &who("bob"));
        assert!(owners.owns(b"s", &who("ann")));
        assert!(!owners.owns(b"s", &who("bob")));
        assert!(!owners.owns(b"t", &who("ann")));
        owners.forget(b"s");
        assert!(!owners.owns(b"s", &who("ann")));
    }

    #[test]
    fn a_principal_takes_no_more_than_its_places_and_gets_them_back() {
        let clock = ManualClock::new(Duration::ZERO);
        let owners = SessionOwners::new(clock.shared());
        for index in 0..MOST_PER_PRINCIPAL {
            assert!(owners.has_place_for(&who("ann")));
            owners.note(&[u8::try_from(index).unwrap_or_default()], &who("ann"));
        }
        assert!(!owners.has_place_for(&who("ann")));
        assert!(owners.has_place_for(&who("bob")));
        clock.advance(IDLE);
        assert!(owners.has_place_for(&who("ann")));
    }
}
