//! Two parts of the builder that need a form of their own.

use std::sync::Arc;

use palisade_core::{Authenticator, RequestIdLayer};

/// Whether responses carry the identifier of the request.
#[derive(Debug)]
pub(super) enum RequestId {
    /// No header is sent, and that of the request is left to the handler.
    Off,
    /// The header is sent as this layer says.
    Sent(RequestIdLayer),
}

impl Default for RequestId {
    fn default() -> Self {
        Self::Sent(RequestIdLayer::new())
    }
}

/// The authenticators. `Debug` shows their kinds, since they do not implement it.
#[derive(Default)]
pub(super) struct Authenticators(pub(super) Vec<Arc<dyn Authenticator>>);

impl Authenticators {
    /// Returns the kinds of credentials that are accepted.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.0.iter().map(|one| one.kind()).collect()
    }
}

impl std::fmt::Debug for Authenticators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.kinds()).finish()
    }
}
