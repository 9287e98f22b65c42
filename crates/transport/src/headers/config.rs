//! The settings of a headers layer, and what follows from them when the layer is built.

use http::{HeaderName, HeaderValue};

use super::{prepared::Prepared, preset::Entry};

/// The settings of the layer, shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The headers of the preset, with changes.
    entries: Vec<Entry>,
    /// `None` if the header is never sent.
    hsts: Option<HeaderValue>,
    /// Headers that handlers and other layers set.
    expected: Vec<HeaderName>,
    /// What follows from the three.
    pub(super) prepared: Prepared,
}

impl Config {
    /// Prepares the headers of each kind of response.
    pub(super) fn new(
        entries: Vec<Entry>,
        hsts: Option<HeaderValue>,
        expected: Vec<HeaderName>,
    ) -> Self {
        Self {
            prepared: Prepared::new(&entries, hsts.as_ref(), &expected),
            entries,
            hsts,
            expected,
        }
    }

    /// Keeps space for more headers, and prepares those of each kind of response again.
    pub(super) fn expect(&mut self, names: impl IntoIterator<Item = HeaderName>) {
        self.expected.extend(names);
        self.prepared = Prepared::new(&self.entries, self.hsts.as_ref(), &self.expected);
    }
}
