//! The settings of the layer that are about header values and parameters of the path.

use std::sync::Arc;

use http::HeaderName;

use super::builder::SanitizeLayerBuilder;
use crate::request::HeadField;
use crate::text::Sanitizer;

impl SanitizeLayerBuilder {
    /// Cleans the values of a header in every request. Default: no header is looked at.
    ///
    /// For headers with text for people, such as the title of a conversation. A value is read as UTF-8, as
    /// one text; several values are cleaned one by one. A value that is not UTF-8 is refused with 400
    /// (`header_malformed`). Placeholders are put into headers too.
    ///
    /// Layers outside of this one see the value as it was sent. A header that frames the message or proves
    /// who sent it, such as `Authorization`, is an error of [`build`](Self::build).
    ///
    /// ```
    /// use http::HeaderName;
    /// use palisade_sanitize::{SanitizeLayer, Sanitizer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .header(HeaderName::from_static("x-title"), Sanitizer::display_name())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn header(mut self, name: HeaderName, sanitizer: Sanitizer) -> Self {
        let field = HeadField::header(name, sanitizer, false);
        self.settings.head_fields.push(field);
        self
    }

    /// Refuses requests with a header value that is not clean (422, `field_not_clean`). Default: no header
    /// is looked at.
    ///
    /// As [`header`](Self::header), but nothing is rewritten: for values that a signature covers.
    pub fn strict_header(mut self, name: HeaderName, sanitizer: Sanitizer) -> Self {
        let field = HeadField::header(name, sanitizer, true);
        self.settings.head_fields.push(field);
        self
    }

    /// Refuses requests with a parameter of the path that is not clean (422, `field_not_clean`). Default:
    /// no path is looked at.
    ///
    /// The parameter is that of the template of the route's rule: `name` in `/users/{name}`, and `rest` in
    /// `/files/{*rest}`. Routes without it, and requests without a rule, are not looked at. It is
    /// percent-decoded once; what is not UTF-8 is refused with 400 (`path_malformed`).
    ///
    /// A path is never rewritten: a router outside of the layer has read it already.
    ///
    /// ```
    /// use palisade_sanitize::{SanitizeLayer, Sanitizer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .path_parameter("name", Sanitizer::file_name())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn path_parameter(mut self, name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        let field = HeadField::path_parameter(name.into(), sanitizer);
        self.settings.head_fields.push(field);
        self
    }
}
