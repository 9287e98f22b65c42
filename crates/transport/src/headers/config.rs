//! The settings of a headers layer, and what follows from them when the layer is built.

use http::{HeaderName, HeaderValue};

use super::{prepared::Prepared, preset::Entry};

/// The settings of the layer, shared by its clones.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The headers of the preset, with changes.
    pub(super) entries: Vec<Entry>,
    /// `None` if the header is never sent.
    pub(super) hsts: Option<HeaderValue>,
    /// Headers that handlers and other layers set.
    pub(super) expected: Vec<HeaderName>,
    /// What follows from the three.
    pub(super) prepared: Prepared,
}

impl Config {
    /// Prepares the headers again, after a change of a setting.
    pub(super) fn prepare(&mut self) {
        self.prepared = Prepared::new(&self.entries, self.hsts.as_ref(), &self.expected);
    }
}
