//! The tower layer: its configuration, its service and the future of a request.
//!
//! The service decides from the head of a request. The future reads the body where that is needed.
//! Both take each decision from `crate::request` and hold none themselves.

#[cfg(feature = "compression")]
mod compression_options;
mod head_options;
mod limit_options;
#[cfg(feature = "moderation")]
mod moderation_options;
mod response_options;
mod signature_options;
mod builder;
mod defaults;
mod future;
mod service;

use std::sync::Arc;

use tower_layer::Layer;

pub use self::{builder::SanitizeLayerBuilder, future::SanitizeFuture, service::SanitizeService};
use crate::request::Settings;

/// Cleans the text fields of query, form, JSON and multipart before the handler sees them, or refuses the
/// request.
///
/// Place it innermost, inside authentication and rate limits, because it reads bodies. It cleans
/// the fields of its configuration and those that the rule of the route names
/// ([`Rule::text`](palisade_core::Rule::text)): `text` is required, `title?` is optional, and
/// `/input/text` is a JSON pointer.
///
/// * A request in which nothing changes reaches the handler byte for byte. Otherwise only the
///   changed fields are rewritten, and `Content-Length` with them.
/// * Headers with a digest of the body, `Transfer-Encoding` and `Trailer` are removed when the body
///   was rewritten.
/// * A body in which fields are looked for is read up to
///   [`max_body`](SanitizeLayerBuilder::max_body). It must be of the kind that the rule
///   ([`Rule::body`](palisade_core::Rule::body)) or the layer
///   ([`body`](SanitizeLayerBuilder::body)) names; the default is JSON. It must not be compressed,
///   except as `accept_compressed` of the builder allows (feature `compression`). Otherwise the response is 415. Where no fields are looked for, a body passes unread up to
///   [`max_unread_body`](SanitizeLayerBuilder::max_unread_body).
/// * A byte order mark at the start of a body is removed.
/// * The audit trail records the number of cleaned characters, never the text.
///
/// # Refusals
///
/// | Status | Code | Reason |
/// |---|---|---|
/// | 400 | `field_missing` | a required field is missing |
/// | 400 | `field_duplicated` | a parameter is given twice |
/// | 400 | `field_near_name` | a name is similar to that of a field (if configured) |
/// | 400 | `json_malformed`, `form_malformed`, `multipart_malformed`, `query_malformed` | syntax, encoding or size |
/// | 400 | `body_unreadable` | the connection broke before the end of the body |
/// | 400 | `body_ambiguous` | JSON that a form parser would find a field in |
/// | 400 | `header_malformed`, `path_malformed` | a header value or a parameter of the path is not UTF-8 (if configured) |
/// | 413 | | the body is too large |
/// | 414 | `query_too_long` | the cleaned query does not fit into the URI |
/// | 415 | `content_type_unsupported`, `content_type_mismatch` | the type of the body |
/// | 400 | `body_undecodable` | a compressed body is corrupt, or goes on behind its end |
/// | 415 | `content_encoding_unsupported` | the body is compressed |
/// | 422 | `field_not_clean` | a header value or a parameter of the path is not clean, and is not rewritten |
/// | 422 | `field_not_text` | a field is not a string, or has a file name |
/// | 422 | `file_not_accepted` | a file in a multipart body (if configured) |
/// | 422 | [`Refused::code`](crate::Refused::code) | the sanitizer refuses the text |
/// | 422 | `moderation_refused` | the moderator refuses a text (if configured) |
/// | 503 | `moderation_unavailable` | the moderator has no decision (if configured) |
/// | 502 | `response_unreadable` | the text of a response has to be cleaned and cannot be read |
///
/// # Timeouts
///
/// The layer has none, except for moderation. The server's body timeout must end a body that never
/// completes.
///
/// The URI before cleaning is still in axum's `OriginalUri` if a router is outside this layer.
///
/// # Examples
///
/// The fields that the rule of the route names, with the defaults: see the documentation of the crate
/// for a whole service.
///
/// ```
/// use palisade_core::Rule;
/// use palisade_sanitize::SanitizeLayer;
///
/// let layer = SanitizeLayer::new();
/// let rule = Rule::scope("tts").text("text").text("title?");
/// # let _ = (layer, rule);
/// ```
///
/// The chat format of OpenAI, with personal data masked before a model reads it:
///
/// ```
/// use palisade_sanitize::{Fields, PersonalData, SanitizeLayer, SanitizerBuilder};
///
/// let masking = SanitizerBuilder::prompt().rule(PersonalData::new().rule()).build()?;
/// let layer = SanitizeLayer::builder()
///     .fields(Fields::openai_chat().sanitizer(&masking))
///     .max_body(1024 * 1024)
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SanitizeLayer(Arc<Settings>);

impl SanitizeLayer {
    /// Makes a layer that cleans the fields that the rules of the routes name.
    ///
    /// They are cleaned with [`Sanitizer::speech`](crate::Sanitizer::speech). All other settings
    /// are the defaults of [`SanitizeLayerBuilder`].
    pub fn new() -> Self {
        Self(Arc::new(defaults::default_settings()))
    }

    /// Returns a builder with the defaults.
    ///
    /// They are: no fields for every request, [`Sanitizer::speech`](crate::Sanitizer::speech) for
    /// the fields of rules, bodies of at most 64 KiB where they are read and 1 MiB where not, and
    /// JSON of at most 32 levels with 1,000 members and elements.
    pub fn builder() -> SanitizeLayerBuilder {
        SanitizeLayerBuilder::default()
    }
}

impl SanitizeLayer {
    /// Lists the names of the sets of fields that rules may refer to.
    ///
    /// These are the predefined sets and those of [`SanitizeLayerBuilder::schema`]. See
    /// [`Rule::text_schema`](palisade_core::Rule::text_schema).
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        self.0.schemas.iter().map(|(name, _)| &**name)
    }
}

impl Default for SanitizeLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for SanitizeLayer {
    type Service = SanitizeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SanitizeService::new(Arc::clone(&self.0), inner)
    }
}
