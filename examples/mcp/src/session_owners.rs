//! Whose a session of the protocol is: its id alone opens nothing.
//!
//! Versions before 2026-07-28 have sessions, by an id in `Mcp-Session-Id`. Who learns an id must not read another
//! client's stream.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade::Principal;
use palisade::core::SharedClock;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

/// The claim with the client that a token was issued to (RFC 9068).
pub(crate) const CLIENT: &str = "client_id";

/// How many sessions there may be at once.
const MOST: usize = 1024;
/// How many of one principal, over all its clients.
const MOST_PER_PRINCIPAL: usize = 16;
/// A place whose response no one waited for is free after this. rmcp ends an unused session after five minutes.
const ABANDONED: Duration = Duration::from_secs(360);

/// Remembers whose the sessions are, as long as rmcp has them. Clones share it.
#[derive(Clone)]
pub(crate) struct SessionOwners {
    places: Arc<Mutex<Places>>,
    sessions: Arc<LocalSessionManager>,
    clock: SharedClock,
}

#[derive(Default)]
struct Places {
    reserved: HashMap<u64, Reserved>,
    open: HashMap<Arc<str>, OpenSession>,
    /// How many were reserved so far.
    count: u64,
}

struct Reserved {
    owner: Owner,
    since: Duration,
}

struct OpenSession {
    owner: Owner,
    /// The scopes of the tools that were called in it.
    used: BTreeSet<&'static str>,
}

/// A user, by means of a client.
struct Owner {
    kind: &'static str,
    id: Box<str>,
    client: Option<Box<str>>,
}

/// A place for a session that is about to be opened. When it is dropped and not given back, rmcp may have the session
/// all the same, so the place stays taken until rmcp has ended it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place(u64);

impl Owner {
    fn of(principal: &Principal) -> Self {
        Self {
            kind: principal.kind(),
            id: principal.id().into(),
            client: principal.attribute(CLIENT).map(Into::into),
        }
    }

    fn is_user(&self, principal: &Principal) -> bool {
        (self.kind, &*self.id) == (principal.kind(), principal.id())
    }

    /// Compares the client too: what one of them reads, the user did not show to the others. Without a client, no one is.
    fn is(&self, principal: &Principal) -> bool {
        let client = principal.attribute(CLIENT);
        self.is_user(principal) && client.is_some() && self.client.as_deref() == client
    }
}

impl SessionOwners {
    pub(crate) fn new(sessions: Arc<LocalSessionManager>, clock: SharedClock) -> Self {
        Self {
            places: Arc::default(),
            sessions,
            clock,
        }
    }

    /// Takes a place for another session of a principal, if there is one.
    pub(crate) async fn reserve(&self, principal: &Principal) -> Option<Place> {
        let now = self.clock.monotonic();
        let alive = self.sessions.sessions.read().await;
        let mut places = self.lock();
        places.open.retain(|id, _| alive.contains_key(id));
        let is_waiting = |place: &Reserved| now.saturating_sub(place.since) < ABANDONED;
        places.reserved.retain(|_, place| is_waiting(place));
        if !places.has_place_for(principal) {
            return None;
        }
        places.count += 1;
        let number = places.count;
        let (owner, since) = (Owner::of(principal), now);
        places.reserved.insert(number, Reserved { owner, since });
        Some(Place(number))
    }

    /// Notes the session that was opened, or that none was.
    pub(crate) fn opened(&self, Place(number): Place, session: Option<&str>) {
        let mut places = self.lock();
        let (Some(Reserved { owner, .. }), Some(session)) =
            (places.reserved.remove(&number), session)
        else {
            return;
        };
        let used = BTreeSet::new();
        let open = OpenSession { owner, used };
        places.open.entry(session.into()).or_insert(open);
    }

    /// Tells whether a session belongs to a principal. One that no one opened belongs to none.
    pub(crate) fn owns(&self, session: &str, principal: &Principal) -> bool {
        let places = self.lock();
        let session = places.open.get(session);
        session.is_some_and(|session| session.owner.is(principal))
    }

    /// Notes that a tool of this scope is called in a session.
    pub(crate) fn note_scope(&self, session: &str, scope: &'static str) {
        if let Some(session) = self.lock().open.get_mut(session) {
            session.used.insert(scope);
        }
    }

    /// Returns the scopes of the tools that were called in a session.
    pub(crate) fn used_scopes(&self, session: &str) -> BTreeSet<&'static str> {
        let places = self.lock();
        let session = places.open.get(session);
        session
            .map(|session| session.used.clone())
            .unwrap_or_default()
    }

    pub(crate) fn forget(&self, session: &str) {
        self.lock().open.remove(session);
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn has_place_for(&self, principal: &Principal) -> bool {
        let reserved = self.reserved.values().map(|place| &place.owner);
        let open = self.open.values().map(|session| &session.owner);
        let own = reserved.chain(open);
        own.filter(|owner| owner.is_user(principal)).count() < MOST_PER_PRINCIPAL
            && self.reserved.len() + self.open.len() < MOST
    }
}

impl fmt::Debug for SessionOwners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionOwners({})", self.lock().open.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use palisade::core::ManualClock;
    use rmcp::transport::streamable_http_server::session::SessionManager as _;

    use super::*;

    fn who(id: &str, client: &str) -> Principal {
        Principal::builder("jwt", id)
            .attribute(CLIENT, client)
            .build()
    }

    fn owners() -> (ManualClock, SessionOwners) {
        let clock = ManualClock::new(Duration::ZERO);
        let owners = SessionOwners::new(Arc::default(), clock.shared());
        (clock, owners)
    }

    /// Opens a session that rmcp has.
    async fn open(owners: &SessionOwners, principal: &Principal) -> Option<Arc<str>> {
        let place = owners.reserve(principal).await?;
        let (id, _transport) = owners.sessions.create_session().await.unwrap();
        owners.opened(place, Some(&id));
        Some(id)
    }

    #[tokio::test]
    async fn a_session_belongs_to_the_client_that_opened_it_until_it_is_forgotten() {
        let (_, owners) = owners();
        let ann = who("ann", "desk");
        let session = open(&owners, &ann).await.unwrap();
        assert!(owners.owns(&session, &ann));
        let without_client = Principal::builder("jwt", "ann").build();
        for other in [who("bob", "desk"), who("ann", "phone"), without_client] {
            assert!(!owners.owns(&session, &other), "{other:?}");
        }
        assert!(!owners.owns("made-up", &ann));
        owners.forget(&session);
        assert!(!owners.owns(&session, &ann));
    }

    #[tokio::test]
    async fn a_session_without_a_client_belongs_to_none() {
        let (_, owners) = owners();
        let ann = Principal::builder("jwt", "ann").build();
        let session = open(&owners, &ann).await.unwrap();
        assert!(!owners.owns(&session, &ann));
    }

    #[tokio::test]
    async fn a_place_is_taken_before_the_session_is_opened() {
        let (_, owners) = owners();
        let (desk, phone) = (who("ann", "desk"), who("ann", "phone"));
        let mut places = Vec::new();
        for _ in 0..MOST_PER_PRINCIPAL {
            places.push(owners.reserve(&desk).await.unwrap());
        }
        // Another client is no way to more places.
        assert!(owners.reserve(&phone).await.is_none());
        assert!(owners.reserve(&who("bob", "desk")).await.is_some());
        owners.opened(places.pop().unwrap(), None);
        assert!(owners.reserve(&phone).await.is_some());
    }

    #[tokio::test]
    async fn a_session_that_rmcp_has_ended_takes_no_place() {
        let (_, owners) = owners();
        let ann = who("ann", "desk");
        let mut sessions = Vec::new();
        for _ in 0..MOST_PER_PRINCIPAL {
            sessions.push(open(&owners, &ann).await.unwrap());
        }
        assert!(open(&owners, &ann).await.is_none());
        // Asking with the id of a session keeps none alive.
        owners.sessions.sessions.write().await.remove(&sessions[0]);
        assert!(owners.owns(&sessions[0], &ann));
        assert!(open(&owners, &ann).await.is_some());
        assert!(!owners.owns(&sessions[0], &ann));
    }

    #[tokio::test]
    async fn an_abandoned_place_is_free_when_rmcp_has_ended_its_session() {
        let (clock, owners) = owners();
        let ann = who("ann", "desk");
        for _ in 0..MOST_PER_PRINCIPAL {
            drop(owners.reserve(&ann).await.unwrap());
        }
        assert!(owners.reserve(&ann).await.is_none());
        clock.advance(ABANDONED);
        assert!(owners.reserve(&ann).await.is_some());
    }
}
