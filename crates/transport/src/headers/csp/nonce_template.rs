//! A policy with places for the nonce of a response.

use http::HeaderValue;

/// A policy that is complete when its places are filled with a nonce.
#[derive(Clone, Debug)]
pub(in crate::headers) struct NonceTemplate {
    /// What stands before, between and after the places.
    parts: Box<[Box<str>]>,
}

impl NonceTemplate {
    /// Stands for the nonce. No source contains it.
    pub(super) const PLACE: &'static str = "{nonce}";

    /// Cuts a policy at its places.
    pub(super) fn new(policy: impl AsRef<str>) -> Self {
        let parts = policy.as_ref().split(Self::PLACE);
        Self {
            parts: parts.map(Into::into).collect(),
        }
    }

    /// Returns the value of the header. `None` if the nonce is not part of a header value.
    pub(in crate::headers) fn with(&self, nonce: &str) -> Option<HeaderValue> {
        HeaderValue::try_from(self.parts.join(nonce)).ok()
    }
}
