//! Sessions for the page: a key is traded once for a cookie that scripts cannot read and that ends within
//! the hour, so that the key itself is never kept in a browser.

use std::time::Duration;

use palisade::api_key::KeyStore;
use palisade::core::SharedClock;
use palisade::session::{KeyCheck, MemorySessionStore, SessionLayer, Sessions};

use crate::error::StartError;

pub(crate) const COOKIE: &str = "__Host-palisade";
/// How long a session lasts, used or not: long enough for a visit.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// How many there may be at once.
const MOST: usize = 4096;

/// Starts without sessions. They end with the process: a restart of the server signs everyone out.
pub(crate) fn start(clock: &SharedClock) -> Result<Sessions, StartError> {
    let store = MemorySessionStore::builder().capacity(MOST).build();
    let sessions = Sessions::builder(store)
        .cookie_name(COOKIE)
        .lifetime(LIFETIME);
    let sessions = sessions.idle_timeout(LIFETIME).clock(clock.clone()).build();
    sessions.map_err(|error| StartError::new(error.to_string()))
}

/// Accepts the sessions, as long as their keys are valid: a revoked key ends its sessions with the next
/// request.
pub(crate) fn layer(sessions: &Sessions, keys: impl KeyStore, clock: &SharedClock) -> SessionLayer {
    let check = KeyCheck::new(keys).clock(clock.clone());
    SessionLayer::builder(sessions.clone()).check(check).build()
}
