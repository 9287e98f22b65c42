//! The exemption of a layer: requests that no limit counts.
//!
//! `admit` asks it first. An exempt request has no charges and no header fields.

use std::fmt;

use http::request;
use palisade_core::SecurityContext;

/// The function of the operator. It must not block.
type Predicate = dyn Fn(&SecurityContext, &request::Parts) -> bool + Send + Sync;

/// Says which requests are exempt. Default: none.
#[derive(Default)]
pub(super) struct Exemption(Option<Box<Predicate>>);

impl Exemption {
    /// Exempts requests for which the function returns `true`.
    pub(super) fn new(
        predicate: impl Fn(&SecurityContext, &request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(predicate)))
    }

    /// Tells whether an exemption is configured, for `explain`.
    pub(super) fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// Tells whether this request is exempt.
    pub(super) fn covers(&self, cx: &SecurityContext, head: &request::Parts) -> bool {
        self.0.as_ref().is_some_and(|predicate| predicate(cx, head))
    }
}

impl fmt::Debug for Exemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_any() {
            "by a function"
        } else {
            "none"
        })
    }
}
