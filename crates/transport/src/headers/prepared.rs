//! The headers of each kind of response, as maps whose names are hashed already.
//!
//! A response gets a copy of one, and what the handler set goes into it: only the names of the handler's headers are
//! hashed. A copy of a map has no space for more, so a map may have entries for headers that are expected. Those that
//! no one sets are removed from the copy.

use std::mem;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, SERVER, STRICT_TRANSPORT_SECURITY},
};

use super::preset::{Entry, X_POWERED_BY};

/// Headers that a handler cannot set: the layer sets or removes them.
static NEVER_OF_HANDLERS: [HeaderName; 3] = [STRICT_TRANSPORT_SECURITY, SERVER, X_POWERED_BY];

/// The entries that are removed from each copy, for headers that are not expected. No response has these.
static SPARE: [HeaderName; 2] = [SERVER, X_POWERED_BY];

/// Caches store no copy (RFC 9111, section 5.2.2.5).
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The value of entries that are replaced or removed. It is never sent.
const UNSET: HeaderValue = HeaderValue::from_static("");

/// The capacity of a prepared map: its own headers, and some of handlers and other guards.
const CAPACITY: usize = 24;

/// The most entries for expected headers.
const MOST_EXPECTED: usize = 16;

/// The headers of each kind of response.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    plain: PreparedMap,
    plain_personal: PreparedMap,
    tls: PreparedMap,
    tls_personal: PreparedMap,
    /// The names of entries that replace what a handler set.
    always: Vec<HeaderName>,
}

/// The headers of one kind of response.
#[derive(Clone, Debug, Default)]
struct PreparedMap {
    headers: HeaderMap,
    /// The names whose entries are [`UNSET`]; [`SPARE`] is there too if there are any.
    unset: Vec<HeaderName>,
}

impl Prepared {
    /// Prepares the maps from the entries of the layer, its HSTS, and the names of expected headers.
    pub(super) fn new(
        entries: &[Entry],
        hsts: Option<&HeaderValue>,
        expected: &[HeaderName],
    ) -> Self {
        let map = |over_tls, personal| {
            let hsts = hsts.filter(|_| over_tls);
            PreparedMap::new(headers(entries, hsts, personal), expected)
        };
        let always = entries.iter().filter(|entry| entry.always);
        Self {
            plain: map(false, false),
            plain_personal: map(false, true),
            tls: map(true, false),
            tls_personal: map(true, true),
            always: always.map(|entry| entry.name.clone()).collect(),
        }
    }

    /// Adds the headers to a response. `personal` marks those that no cache may store.
    pub(super) fn add_to(&self, headers: &mut HeaderMap, over_tls: bool, personal: bool) {
        let prepared = match (over_tls, personal) {
            (false, false) => &self.plain,
            (false, true) => &self.plain_personal,
            (true, false) => &self.tls,
            (true, true) => &self.tls_personal,
        };
        let set_by_handler = mem::replace(headers, prepared.copy());
        let mut was_set = 0_u32;
        let mut last = None;
        for (name, value) in set_by_handler {
            match name {
                Some(name) if self.replaces(&name) => last = None,
                Some(name) => {
                    was_set |= prepared.bit_of(&name);
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
        prepared.remove_unset(headers, was_set);
    }

    /// Tells whether a handler cannot set this header.
    fn replaces(&self, name: &HeaderName) -> bool {
        NEVER_OF_HANDLERS.contains(name) || self.always.contains(name)
    }
}

/// Returns the headers of one kind of response.
fn headers(entries: &[Entry], hsts: Option<&HeaderValue>, personal: bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(CAPACITY);
    for entry in entries {
        headers.insert(entry.name.clone(), entry.value.clone());
    }
    for name in &NEVER_OF_HANDLERS {
        headers.remove(name);
    }
    // Over clear text the header must not be sent (RFC 6797, 7.2), whatever is set.
    if let Some(value) = hsts {
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
    }
    if personal {
        headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    }
    headers
}

impl PreparedMap {
    /// Adds an entry for each expected header that the map does not have.
    fn new(mut headers: HeaderMap, expected: &[HeaderName]) -> Self {
        let mut unset = Vec::new();
        for name in expected.iter().filter(|name| !SPARE.contains(name)) {
            if unset.len() < MOST_EXPECTED && !headers.contains_key(name) {
                headers.insert(name.clone(), UNSET);
                unset.push(name.clone());
            }
        }
        if !unset.is_empty() {
            // Last, so that their removal moves no other entry.
            headers.extend(SPARE.iter().cloned().map(|name| (name, UNSET)));
        }
        Self { headers, unset }
    }

    /// Copies the headers, with space for some that are not expected.
    fn copy(&self) -> HeaderMap {
        let mut copy = self.headers.clone();
        if !self.unset.is_empty() {
            for name in SPARE.iter().rev() {
                copy.remove(name);
            }
        }
        copy
    }

    /// Returns the bit of a name among those that are unset, or none.
    fn bit_of(&self, name: &HeaderName) -> u32 {
        let index = self.unset.iter().position(|unset| unset == name);
        index.map_or(0, |index| 1 << index)
    }

    /// Removes the entries of expected headers that were not set.
    fn remove_unset(&self, headers: &mut HeaderMap, was_set: u32) {
        for (index, name) in self.unset.iter().enumerate() {
            if was_set >> index & 1 == 0 {
                headers.remove(name);
            }
        }
    }
}
