//! What sessions were built with: the cookie, the store and the times.

use std::{fmt, time::Duration};

use http::HeaderValue;

use super::Sessions;
use crate::{cookie::SessionCookie, store::SessionStore};

impl Sessions {
    /// Returns the `Set-Cookie` that removes the cookie from the browser. Send it after [`end`](Self::end): without
    /// that the session lasts on, for a client that kept the cookie.
    #[must_use]
    pub fn clear_cookie(&self) -> HeaderValue {
        self.0.cookie.clear()
    }

    /// Returns the name of the cookie. Default: `__Host-session`.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.0.cookie.name()
    }

    /// Returns how long a session lasts at most, however much it is used. Default: 12 hours.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    /// Returns the cookie, for the authenticator.
    pub(crate) fn cookie(&self) -> &SessionCookie {
        &self.0.cookie
    }

    /// Returns where sessions are kept, for the authenticator.
    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.0.store
    }

    /// Returns the time that sessions end by.
    pub(crate) fn now(&self) -> Duration {
        self.0.time.now()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("store", &self.0.store)
            .field("cookie", &self.0.cookie.name())
            .field("lifetime", &self.0.lifetime)
            .field("idle", &self.0.idle)
            .finish()
    }
}
