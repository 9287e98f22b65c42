//! Sessions of browsers, and refusal of writes from other origins (feature `session`).
//!
//! All of the crate `palisade-session`, and [`KeyCheck`], which ends a session with the API key that opened it.
//!
//! # Examples
//!
//! A page exchanges a key for a session, so that the key is not kept in the browser:
//!
//! ```
//! use palisade::api_key::{KeyScheme, MemoryKeyStore, Pepper};
//! use palisade::session::{KeyCheck, MemorySessionStore, SessionLayer, Sessions};
//! use palisade::{AllowedHosts, ApiKeyLayer, Rule, Rules, Shield};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (scheme, keys) = (KeyScheme::new(Pepper::generate()?), MemoryKeyStore::new());
//! let sessions = Sessions::new(MemorySessionStore::new());
//! let shield = Shield::builder()
//!     .hosts(AllowedHosts::parse(["notes.example"])?)
//!     .authenticate(ApiKeyLayer::new(scheme, keys.clone()))
//!     .authenticate(SessionLayer::builder(sessions.clone()).check(KeyCheck::new(keys)).build())
//!     .rules(Rules::new().post("/session", Rule::authenticated()).get("/notes", Rule::scope("notes:read")))
//!     .build()?;
//! # let _ = (shield, sessions); Ok(()) }
//! ```
//!
//! The handler of `POST /session` calls [`Sessions::sign_in`] with its `Principal`. A session cannot open another one.

use std::{net::IpAddr, sync::Arc, time::Duration};

use palisade_api_key::{KeyId, KeyRecord, KeyStore, StoreUnavailable};
use palisade_core::{MaybeReady, Principal, SharedClock, SystemClock};
#[doc(inline)]
pub use palisade_session::*;

/// Looks the API key of a session up with each request: a key that was revoked or has expired ends its
/// sessions.
///
/// The principal of the session is that of the key, so limits count a key and its sessions as one. A
/// session that another kind of credential opened ends: use a check of your own for these.
///
/// ```
/// use palisade::api_key::MemoryKeyStore;
/// use palisade::session::{KeyCheck, MemorySessionStore, SessionLayer, Sessions};
///
/// let keys = MemoryKeyStore::new();
/// let layer = SessionLayer::builder(Sessions::new(MemorySessionStore::new()))
///     .check(KeyCheck::new(keys))
///     .build();
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
pub struct KeyCheck {
    keys: Arc<dyn KeyStore>,
    clock: SharedClock,
}

impl KeyCheck {
    /// Looks keys up in a store, and compares their end with the clock of the system.
    #[must_use]
    pub fn new(keys: impl KeyStore) -> Self {
        Self {
            keys: Arc::new(keys),
            clock: SystemClock::shared(),
        }
    }

    /// Sets the clock that keys expire by. Default: the clock of the system.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}

impl PrincipalCheck for KeyCheck {
    fn check(&self, principal: &Principal, client: Option<IpAddr>) -> CheckReply {
        let of_key = (principal.kind() == "api_key").then(|| principal.credential());
        let Some(Ok(id)) = of_key.flatten().map(str::parse::<KeyId>) else {
            let error = CheckError::ended("no API key opened this session");
            return MaybeReady::Ready(Err(error));
        };
        let now = self.clock.unix_time();
        let found = self.keys.find(id);
        found.map(move |found| check(found, now, client))
    }
}

/// Returns the principal of a key, if it may be used now by this client.
fn check(
    found: Result<Option<Arc<KeyRecord>>, StoreUnavailable>,
    now: Duration,
    client: Option<IpAddr>,
) -> Result<Principal, CheckError> {
    let found = found.map_err(|error| CheckError::unavailable(error.to_string()))?;
    let record = found.ok_or_else(|| CheckError::ended("the key behind the session is gone"))?;
    match record.check_without_secret(now, client) {
        Ok(()) => Ok(record.principal().clone()),
        Err(failure) => Err(CheckError::ended(failure.reason())),
    }
}
