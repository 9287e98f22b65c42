//! The settings of a headers layer, and what follows from them when the layer is built.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
};

use super::{csp::NonceTemplate, prepared::Prepared, preset::Entry};

/// The settings of the layer, shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The headers of the preset, with changes.
    entries: Vec<Entry>,
    /// `None` if the header is never sent.
    hsts: Option<HeaderValue>,
    /// Headers that handlers and other layers set.
    expected: Vec<HeaderName>,
    /// The policy with a place for the nonce, if it has one.
    pub(super) nonces: Option<NonceTemplate>,
    /// What follows from the others.
    pub(super) prepared: Prepared,
}

impl Config {
    /// Prepares the headers of each kind of response.
    pub(super) fn new(
        entries: Vec<Entry>,
        hsts: Option<HeaderValue>,
        expected: Vec<HeaderName>,
        nonces: Option<NonceTemplate>,
    ) -> Self {
        Self {
            prepared: Prepared::new(&entries, hsts.as_ref(), &expected),
            entries,
            hsts,
            expected,
            nonces,
        }
    }

    /// Keeps space for more headers, and prepares those of each kind of response again.
    pub(super) fn expect(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        self.expected.extend(names);
        self.prepared = Prepared::new(&self.entries, self.hsts.as_ref(), &self.expected);
    }

    /// Adds the policy with a nonce, unless the handler has set one, and keeps the response out of
    /// caches.
    pub(super) fn allow_nonce(&self, nonce: &str, headers: &mut HeaderMap) {
        let Some(value) = self.nonces.as_ref().and_then(|nonces| nonces.with(nonce)) else {
            return;
        };
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(value);
        let no_store = HeaderValue::from_static("no-store");
        headers.entry(CACHE_CONTROL).or_insert(no_store);
    }
}
