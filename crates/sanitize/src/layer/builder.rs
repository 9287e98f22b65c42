//! The settings of the layer. Their defaults are in `defaults`.

use std::sync::Arc;

use palisade_core::BodyKind;

use super::{SanitizeLayer, defaults::default_settings};
use crate::error::SanitizeBuildError;
use crate::request::{Field, Fields, HeadField, ParsedFields, Settings};
use crate::text::Sanitizer;

/// The highest value of `max_depth`. The JSON reader recurses once a level, so the stack sets a
/// limit.
const DEEPEST: usize = 128;

/// Configures a [`SanitizeLayer`].
///
/// [`SanitizeLayer::builder`] returns it with these defaults:
///
/// | Setting | Default |
/// |---|---|
/// | Fields for every request | none; the rules of the routes name theirs |
/// | Header values and parameters of the path | not looked at |
/// | Sanitizer of the fields that rules name | [`Sanitizer::speech`] |
/// | Kind of body | JSON |
/// | Body in which fields are looked for | at most 64 KiB |
/// | Other bodies | at most 1 MiB |
/// | Nesting of JSON | at most 32 levels |
/// | Parameters, members and elements | at most 1,000 |
/// | Strings and names of JSON, names and values of parameters | as long as the body |
/// | Numbers of JSON | at most 128 digits, exponents at most 400 |
/// | Names similar to a field's name | not looked at |
/// | Compressed bodies | refused |
/// | Moderation (feature `moderation`) | none |
///
/// [`build`](Self::build) checks the settings. No other method fails.
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};
///
/// // A chat: the messages have their own rules, and everything else in the body is left alone.
/// let layer = SanitizeLayer::builder()
///     .field(Field::required("/messages/*/content", Sanitizer::builder().max_chars(8_000).build()?))
///     .max_body(256 * 1024)
///     .max_depth(8)
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SanitizeLayerBuilder {
    /// Limits, and what happens to texts that are refused.
    pub(super) settings: Settings,
    /// The fields of all routes whose rule names none.
    fields: Fields,
    /// The fields of the named schemas. The rule of a route names the one it uses.
    schemas: Vec<(Arc<str>, Fields)>,
}

impl Default for SanitizeLayerBuilder {
    fn default() -> Self {
        Self {
            settings: default_settings(),
            fields: Fields::new(),
            schemas: Vec::new(),
        }
    }
}

impl SanitizeLayerBuilder {
    /// Cleans this field in every request. May be called again for more fields.
    ///
    /// Two fields of the same name are an error of [`build`](Self::build). Default: no fields.
    ///
    /// ```
    /// use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .field(Field::required("/prompt", Sanitizer::prompt()))
    ///     .field(Field::optional("title", Sanitizer::display_name()))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn field(mut self, field: Field) -> Self {
        self.fields = self.fields.field(field);
        self
    }

    /// Cleans a set of fields in every request, such as [`Fields::openai_chat`].
    ///
    /// The set is added to the fields that were given before.
    ///
    /// ```
    /// use palisade_sanitize::{Fields, SanitizeLayer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .fields(Fields::ollama())
    ///     .max_body(1024 * 1024)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = self.fields.merge(fields);
        self
    }

    /// Defines a set of fields that rules refer to by name
    /// ([`Rule::text_schema`](palisade_core::Rule::text_schema)).
    ///
    /// Predefined: `openai_chat`, `openai_responses`, `anthropic_messages` and `ollama`. A set
    /// given here replaces the predefined set of the same name. A rule that names an unknown set
    /// makes every request of its route fail with 500 (`misconfigured`).
    ///
    /// ```
    /// use palisade_core::Rule;
    /// use palisade_sanitize::{Field, Fields, SanitizeLayer, Sanitizer};
    ///
    /// let review = Fields::new()
    ///     .field(Field::required("/title", Sanitizer::display_name()))
    ///     .field(Field::required("/text", Sanitizer::prompt()));
    /// let layer = SanitizeLayer::builder().schema("review", review).build()?;
    /// assert!(layer.schemas().any(|name| name == "review"));
    /// let rule = Rule::scope("reviews").text_schema("review");
    /// # let _ = rule;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn schema(mut self, name: impl Into<Arc<str>>, fields: Fields) -> Self {
        self.schemas.push((name.into(), fields));
        self
    }

    /// Sets the kind of body that the handlers parse, where the rule of the route does not set it.
    ///
    /// Any other kind is refused with 415 where fields are looked for. Default: JSON.
    ///
    /// ```
    /// use palisade_core::BodyKind;
    /// use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};
    ///
    /// // For handlers that read `application/x-www-form-urlencoded`:
    /// let layer = SanitizeLayer::builder()
    ///     .field(Field::required("message", Sanitizer::prompt()))
    ///     .body(BodyKind::Form)
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn body(mut self, kind: BodyKind) -> Self {
        self.settings.body_kind = kind;
        self
    }

    /// Refuses multipart bodies with a file (422, `file_not_accepted`). Default: files pass as they are.
    ///
    /// A file is a part with a file name. Its content is not looked at, whatever it is.
    pub fn refuse_files(mut self) -> Self {
        self.settings.refuse_files = true;
        self
    }

    /// Refuses names that other parsers treat as the name of a field (400, `field_near_name`).
    ///
    /// Examples for the field `text`: `Text`, `text[]`, `te_xt`, `text%00`, and `text` after a `;`.
    /// Use it in a gateway in front of services whose parsers you do not know. Default: such names
    /// are other names, and their values are not looked at.
    pub fn refuse_near_names(mut self) -> Self {
        self.settings.refuse_near_names = true;
        self
    }

    /// Sets the sanitizer of the fields that rules name.
    ///
    /// [`sanitizer_for`](Self::sanitizer_for) overrides it for one field. Default:
    /// [`Sanitizer::speech`]. Fields given to [`field`](Self::field) and [`fields`](Self::fields)
    /// have their own.
    ///
    /// ```
    /// use palisade_sanitize::{SanitizeLayer, Sanitizer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .default_sanitizer(Sanitizer::prompt())
    ///     .sanitizer_for("name", Sanitizer::identifier())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn default_sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.settings.default = sanitizer;
        self
    }

    /// Sets the sanitizer of one field, on routes whose rule names it.
    ///
    /// The name is written as in the rule, without a `?` at the end. Of two calls with one name the
    /// first counts. Default: the one of [`default_sanitizer`](Self::default_sanitizer).
    pub fn sanitizer_for(mut self, name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        self.settings.named.push((name.into(), sanitizer));
        self
    }

    /// Passes compressed bodies on without cleaning the fields in them. Default: 415.
    ///
    /// Use it only if the handlers clean the text themselves. The limit is
    /// [`max_unread_body`](Self::max_unread_body), of the compressed bytes.
    pub fn dangerously_pass_compressed_bodies(mut self) -> Self {
        self.settings.pass_compressed = true;
        self
    }

    /// Passes bodies of other types on without cleaning the fields in them. Default: 415.
    ///
    /// It also applies to routes with text fields. Use it only if the handlers clean the text
    /// themselves. The limit is [`max_unread_body`](Self::max_unread_body).
    pub fn dangerously_pass_other_content(mut self) -> Self {
        self.settings.pass_other_content = true;
        self
    }

    /// Changes and refuses nothing, but records what would have been changed or refused.
    ///
    /// Use it only for the days of a roll-out: text reaches the handlers uncleaned. The limits on
    /// bodies still apply (413), because a body is read to check it. A rule that names an unknown
    /// set of fields is still refused with 500.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.settings.shadow = true;
        self
    }

    /// Checks the settings and returns the layer.
    ///
    /// # Errors
    ///
    /// [`SanitizeBuildError`] in these cases:
    ///
    /// * A field is given twice, or a set of fields holds one twice.
    /// * A name that begins with `/` is not a valid JSON pointer.
    /// * [`Field::with_names`] is set on a pointer that does not end with `/**`.
    /// * [`max_depth`](Self::max_depth) is above 128.
    /// * A header is named twice, or is no text, such as `Authorization` or `Content-Length`.
    ///
    /// ```
    /// use palisade_sanitize::{Field, SanitizeBuildError, SanitizeLayer, Sanitizer};
    ///
    /// let field = || Field::required("/a", Sanitizer::speech());
    /// let refused = SanitizeLayer::builder().field(field()).field(field()).build().unwrap_err();
    /// assert_eq!(refused, SanitizeBuildError::NamedTwice { field: "/a".into() });
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn build(self) -> Result<SanitizeLayer, SanitizeBuildError> {
        let this = self.with_response_rules()?;
        let mut settings = this.settings;
        if settings.caps.depth > DEEPEST {
            return Err(SanitizeBuildError::TooDeep {
                levels: settings.caps.depth,
            });
        }
        HeadField::check_all(&settings.head_fields)?;
        settings.fields = ParsedFields::parse(this.fields)?;
        for (name, fields) in this.schemas {
            let fields = Arc::new(ParsedFields::parse(fields)?);
            settings.schemas.retain(|(known, _)| *known != name);
            settings.schemas.push((name, fields));
        }
        Ok(SanitizeLayer(Arc::new(settings)))
    }
}
