//! The settings of the layer that are about compressed bodies.

use super::builder::SanitizeLayerBuilder;
use crate::request::ContentCoding;

impl SanitizeLayerBuilder {
    /// Decompresses bodies of these codings where fields are looked for. Default: none.
    ///
    /// The handler gets the plain body, without `Content-Encoding` and with its own `Content-Length`.
    /// Any other coding, and more than one, is refused with 415; `Accept-Encoding` in the response
    /// names the accepted ones (RFC 7694). A body that is corrupt, cut off, or goes on behind its end
    /// is refused with 400 (`body_undecodable`). [`max_body`](Self::max_body) limits the compressed
    /// and the plain body.
    ///
    /// Layers outside this one see the compressed body, and those inside it, such as the firewall of a
    /// shield, the plain one.
    ///
    /// ```
    /// use palisade_sanitize::{ContentCoding, Field, SanitizeLayer, Sanitizer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .field(Field::required("/prompt", Sanitizer::prompt()))
    ///     .accept_compressed([ContentCoding::Gzip, ContentCoding::Zstd])
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "compression")))]
    pub fn accept_compressed(mut self, codings: impl IntoIterator<Item = ContentCoding>) -> Self {
        self.settings.codings = codings.into_iter().collect();
        self
    }

    /// Limits how many times as long as the compressed body the plain one may be. Default: 100.
    ///
    /// A longer one is refused with 413, unless it has at most 4 KiB: a few words that are repeated
    /// compress well.
    #[cfg_attr(docsrs, doc(cfg(feature = "compression")))]
    pub fn max_compression_ratio(mut self, times: usize) -> Self {
        self.settings.max_ratio = times;
        self
    }
}
