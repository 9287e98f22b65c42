//! The layer, its settings, and the service.

mod builder;
mod future;
mod service;

use std::sync::Arc;

use tower_layer::Layer;

pub use self::{builder::SanitizeLayerBuilder, future::SanitizeFuture, service::SanitizeService};
use crate::request::Settings;

/// Cleans the text fields of query, form and JSON before the handler sees them, or refuses the request.
///
/// Stands innermost, behind authentication and limits, because it reads bodies. Watches the fields it was
/// told of, and those that the rule of the route names ([`Rule::text`](palisade_core::Rule::text)): `text` must
/// be there, `title?` may be, `/input/text` is a JSON pointer.
///
/// * A request in which nothing had to change reaches the handler byte for byte. Where something did, only
///   the field is written anew, and `Content-Length` with it.
/// * A body in which fields are looked for is read up to [`max_body`](SanitizeLayerBuilder::max_body). It must be
///   of the kind that the rule ([`Rule::body`](palisade_core::Rule::body)) or the layer
///   ([`body`](SanitizeLayerBuilder::body)) names, which is JSON unless told otherwise, in UTF-8, and not
///   compressed; else 415. Where no fields are looked for, a body passes unread, up to
///   [`max_unread_body`](SanitizeLayerBuilder::max_unread_body).
/// * A byte order mark at the start of a body is left out.
/// * What was cleaned is in the audit trail as a count; the text never is.
///
/// Deadlines are the server's: a body that never ends is for its body timeout to end.
/// What stood in the address before is still in axum's `OriginalUri`, if a router stands outside of this layer.
#[derive(Clone, Debug)]
#[must_use]
pub struct SanitizeLayer(Arc<Settings>);

impl SanitizeLayer {
    /// Cleans the fields that the rules of the routes name, as [`Sanitizer::speech`](crate::Sanitizer::speech) does.
    pub fn new() -> Self {
        Self(Arc::new(builder::default_settings()))
    }

    /// Starts from the defaults: no fields of its own, [`Sanitizer::speech`](crate::Sanitizer::speech) for those of the rules, bodies of at
    /// most 64 KiB where they are read and 1 MiB where not, JSON at most 32 deep with 1,000 members and elements.
    pub fn builder() -> SanitizeLayerBuilder {
        SanitizeLayerBuilder::default()
    }
}

impl SanitizeLayer {
    /// Lists the sets of fields that rules may name ([`Rule::text_schema`](palisade_core::Rule::text_schema)).
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
