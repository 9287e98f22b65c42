//! What a headers layer adds to responses, prepared when the layer is built.
//!
//! The headers of each kind of response are a map that is ready: a response gets a copy of it.

use std::mem;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, SERVER, STRICT_TRANSPORT_SECURITY},
};

use super::preset::{Entry, X_POWERED_BY};

/// The settings of the layer, shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The headers of the preset, with changes.
    pub(super) entries: Vec<Entry>,
    /// `None` if the header is never sent.
    pub(super) hsts: Option<HeaderValue>,
    /// What follows from the two.
    pub(super) prepared: Prepared,
}

/// Headers that a handler cannot set: the layer sets or removes them.
static NEVER_OF_HANDLERS: [HeaderName; 3] = [STRICT_TRANSPORT_SECURITY, SERVER, X_POWERED_BY];

/// The headers of each kind of response, as a map whose names are hashed already.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    plain: HeaderMap,
    plain_personal: HeaderMap,
    tls: HeaderMap,
    tls_personal: HeaderMap,
    /// The names of entries that replace what a handler set.
    always: Vec<HeaderName>,
}

/// The capacity of a prepared map: its own headers, and some of handlers and other guards.
const CAPACITY: usize = 24;

impl Prepared {
    pub(super) fn new(entries: &[Entry], hsts: Option<&HeaderValue>) -> Self {
        let headers = |over_tls, personal| {
            let mut headers = HeaderMap::with_capacity(CAPACITY);
            for entry in entries {
                headers.insert(entry.name.clone(), entry.value.clone());
            }
            for name in &NEVER_OF_HANDLERS {
                headers.remove(name);
            }
            // Over clear text the header must not be sent (RFC 6797, 7.2), whatever is set.
            if let Some(value) = hsts.filter(|_| over_tls) {
                headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
            }
            if personal {
                headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
            }
            headers
        };
        let always = entries.iter().filter(|entry| entry.always);
        Self {
            plain: headers(false, false),
            plain_personal: headers(false, true),
            tls: headers(true, false),
            tls_personal: headers(true, true),
            always: always.map(|entry| entry.name.clone()).collect(),
        }
    }

    /// Returns the headers of a response. `personal` marks those that no cache may store.
    const fn of(&self, over_tls: bool, personal: bool) -> &HeaderMap {
        match (over_tls, personal) {
            (false, false) => &self.plain,
            (false, true) => &self.plain_personal,
            (true, false) => &self.tls,
            (true, true) => &self.tls_personal,
        }
    }
}

/// Caches store no copy (RFC 9111, section 5.2.2.5).
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

impl Config {
    /// Adds the headers to a response.
    ///
    /// The response gets a copy of the prepared map, and what the handler set goes into it: only the names of
    /// the handler's headers are hashed.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, over_tls: bool, personal: bool) {
        let prepared = self.prepared.of(over_tls, personal).clone();
        let set_by_handler = mem::replace(headers, prepared);
        let mut last = None;
        for (name, value) in set_by_handler {
            match name {
                Some(name) if self.replaces(&name) => last = None,
                Some(name) => {
                    headers.insert(name.clone(), value);
                    last = Some(name);
                }
                // A further line of the same name.
                None => {
                    if let Some(name) = &last {
                        headers.append(name.clone(), value);
                    }
                }
            }
        }
    }

    /// Tells whether a handler cannot set this header.
    fn replaces(&self, name: &HeaderName) -> bool {
        NEVER_OF_HANDLERS.contains(name) || self.prepared.always.contains(name)
    }
}
