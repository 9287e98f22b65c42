//! Requests that no limit counts.

use std::fmt;

use http::request;
use palisade_core::SecurityContext;

type Predicate = dyn Fn(&SecurityContext, &request::Parts) -> bool + Send + Sync;

/// Says which requests are not counted. By default none.
#[derive(Default)]
pub(super) struct Exemption(Option<Box<Predicate>>);

impl Exemption {
    pub(super) fn new(
        predicate: impl Fn(&SecurityContext, &request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(predicate)))
    }

    pub(super) fn is_any(&self) -> bool {
        self.0.is_some()
    }

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
