//! The settings of the layer that are about signatures of requests.

use super::builder::SanitizeLayerBuilder;
use crate::request::StaleHeaders;

impl SanitizeLayerBuilder {
    /// Keeps the body as it was sent in the extensions of the request, as
    /// [`RawBody`](crate::RawBody). Default: off.
    ///
    /// For handlers that check a signature, as webhooks have it. Only bodies that are read have one,
    /// up to [`max_body`](Self::max_body); the handler reads others itself. If the text is changed, both
    /// bodies are in memory until the handler has ended.
    pub fn keep_raw_body(mut self) -> Self {
        self.settings.keep_raw_body = true;
        self
    }

    /// Sets what happens with digests and signatures of a request that was changed. Default:
    /// [`StaleHeaders::DropDigests`].
    ///
    /// ```
    /// use palisade_sanitize::{SanitizeLayer, StaleHeaders};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .keep_raw_body()
    ///     .stale_headers(StaleHeaders::Keep)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn stale_headers(mut self, what: StaleHeaders) -> Self {
        self.settings.stale_headers = what;
        self
    }
}
