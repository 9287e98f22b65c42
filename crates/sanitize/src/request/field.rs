//! The configuration of text fields: which fields of a request hold text, and how each is cleaned.
//!
//! Names and pointers are parsed when the layer is built, so a wrong pointer is a `SanitizeBuildError`.

use std::sync::Arc;

use super::json::Path;
use crate::error::SanitizeBuildError;
use crate::text::Sanitizer;

/// A field of query, form or JSON that holds text.
///
/// | Name | Meaning |
/// |---|---|
/// | `text` | the parameter of query and form, and the member of the JSON object that is the body |
/// | `/a/b` | a JSON pointer (RFC 6901); JSON bodies only |
/// | `/messages/*/content` | `*` means every element or member |
/// | `/input/**` | `**` at the end means the value and every string below it |
/// | the empty name | the pointer to the whole document |
///
/// If two fields select the same string, both clean it in turn until neither changes it. After 8
/// turns it is refused ([`Refused::Unstable`](crate::Refused::Unstable)).
///
/// Names of members are not cleaned unless [`with_names`](Self::with_names) is set. A wrong pointer
/// is an error of [`SanitizeLayerBuilder::build`](crate::SanitizeLayerBuilder::build).
///
/// ```
/// use palisade_sanitize::{Field, Sanitizer};
///
/// let question = Field::required("/messages/*/content", Sanitizer::prompt());
/// let title = Field::optional("title", Sanitizer::display_name());
/// let everything = Field::optional("/**", Sanitizer::prompt()).with_names();
/// # let _ = (question, title, everything);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Field {
    /// The name of a parameter, or a pointer into JSON.
    pub(crate) name: Arc<str>,
    /// Whether a request without the field is refused.
    pub(crate) required: bool,
    /// What is done with the text.
    pub(crate) sanitizer: Sanitizer,
    /// Whether a value that is no text is passed, and not refused.
    pub(crate) skip_other_types: bool,
    /// Whether the names of members are cleaned too.
    pub(crate) names: bool,
    /// Whether the text is itself a JSON document, whose strings are cleaned too.
    pub(crate) json: bool,
    /// Whether it is a text of the head, which no name of a parameter or member selects.
    pub(crate) of_head: bool,
}

impl Field {
    /// Cleans a field that every request must have.
    ///
    /// A request without it is refused with 400 (`field_missing`). An empty value is refused with
    /// 422 unless the sanitizer accepts it.
    pub fn required(name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        Self {
            name: name.into(),
            required: true,
            sanitizer,
            skip_other_types: false,
            names: false,
            json: false,
            of_head: false,
        }
    }

    /// Cleans a text of the head. `name` is for refusals and records.
    pub(crate) fn of_head(name: String, sanitizer: Sanitizer) -> Self {
        Self {
            of_head: true,
            ..Self::optional(name, sanitizer)
        }
    }

    /// Cleans a field where it is present. An empty value counts as absent.
    pub fn optional(name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        Self {
            required: false,
            ..Self::required(name, sanitizer)
        }
    }

    /// Accepts numbers, lists and objects where the pointer leads, without cleaning them.
    ///
    /// Default: they are refused with 422 (`field_not_text`), because a list can carry text that is
    /// not cleaned. Use `**` to clean the strings in it.
    ///
    /// ```
    /// use palisade_sanitize::{Field, Sanitizer};
    ///
    /// // `content` may be null or a list; only strings are cleaned.
    /// let content = Field::optional("/messages/*/content", Sanitizer::prompt()).skip_other_types();
    /// # let _ = content;
    /// ```
    pub fn skip_other_types(self) -> Self {
        Self {
            skip_other_types: true,
            ..self
        }
    }

    /// Also cleans the names of the members below a pointer that ends with `**`.
    ///
    /// Two names of one object that are equal once they are clean are refused with 400. Default:
    /// names are not cleaned. On any other pointer,
    /// [`SanitizeLayerBuilder::build`](crate::SanitizeLayerBuilder::build) fails.
    pub fn with_names(self) -> Self {
        Self {
            names: true,
            ..self
        }
    }

    /// Says that the text is itself a JSON document, such as the arguments of a tool call. Its strings and names are
    /// cleaned too, after their escapes are decoded: `\u003c|im_start|\u003e` in it is a token for who reads the document.
    ///
    /// Default: a text is read once. JSON bodies only. A text with a backslash that is no JSON is refused with 400
    /// (`json_malformed`), since readers differ in what they make of it.
    ///
    /// ```
    /// use palisade_sanitize::{Field, Sanitizer};
    ///
    /// let arguments = Field::optional("/tool_calls/*/arguments", Sanitizer::prompt()).holds_json();
    /// # let _ = arguments;
    /// ```
    pub fn holds_json(self) -> Self {
        Self { json: true, ..self }
    }

    /// Tells whether the name is that of a parameter of query and form, and not a JSON pointer.
    pub(crate) fn is_parameter(&self) -> bool {
        !self.name.is_empty() && !self.name.starts_with('/') && !self.of_head
    }
}

/// A set of fields, such as those of one API.
///
/// Predefined: [`openai_chat`](Self::openai_chat), [`openai_responses`](Self::openai_responses),
/// [`anthropic_messages`](Self::anthropic_messages) and [`ollama`](Self::ollama). Use a set for all
/// routes ([`SanitizeLayerBuilder::fields`](crate::SanitizeLayerBuilder::fields)), or for the
/// routes whose rules name it
/// ([`SanitizeLayerBuilder::schema`](crate::SanitizeLayerBuilder::schema)).
///
/// ```
/// use palisade_sanitize::{Field, Fields, SanitizeLayer, Sanitizer};
///
/// let layer = SanitizeLayer::builder()
///     .fields(Fields::openai_chat())
///     .max_body(256 * 1024)
///     .build()?;
/// # let _ = layer;
/// let own = Fields::new()
///     .field(Field::required("/prompt", Sanitizer::prompt()))
///     .opaque("/image");
/// # let _ = own;
/// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Fields {
    /// The fields, each with its own sanitizer.
    fields: Vec<Field>,
    /// Pointers to values that are passed as they are, such as images in base64.
    opaque: Vec<Arc<str>>,
}

impl Fields {
    /// Makes an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. Two fields of one name are an error when the layer is built.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Marks a position that holds data, such as an image in Base64 or a URL.
    ///
    /// A string there passes uncleaned, at any length, if it holds only ASCII letters and digits
    /// and `+/=_-.:;,%?&~#@`. Any other string there is text if a field selects it.
    pub fn opaque(mut self, pointer: impl Into<Arc<str>>) -> Self {
        self.opaque.push(pointer.into());
        self
    }

    /// Adds the fields of another set.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self.opaque.extend(other.opaque);
        self
    }

    /// Sets the sanitizer of all fields that were added so far.
    ///
    /// ```
    /// use palisade_sanitize::{Fields, PersonalData, SanitizerBuilder};
    ///
    /// let masking = SanitizerBuilder::prompt().rule(PersonalData::new().rule()).build()?;
    /// let fields = Fields::openai_chat().sanitizer(&masking);
    /// # let _ = fields;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn sanitizer(mut self, sanitizer: &Sanitizer) -> Self {
        for field in &mut self.fields {
            field.sanitizer = sanitizer.clone();
        }
        self
    }
}

/// Fields whose pointers were parsed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParsedFields {
    /// The fields with their pointers.
    pub(crate) fields: Vec<(Field, Arc<Path>)>,
    /// The pointers of opaque values.
    pub(crate) opaque: Vec<Arc<Path>>,
}

impl ParsedFields {
    /// Parses the pointers. Fails for a wrong pointer and for a name that is given twice.
    ///
    /// # Errors
    ///
    /// [`SanitizeBuildError`] for the first field that cannot be used.
    pub(crate) fn parse(source: Fields) -> Result<Self, SanitizeBuildError> {
        let mut parsed = Self::default();
        for field in source.fields {
            let path = parse(&field.name)?;
            if parsed
                .fields
                .iter()
                .any(|(other, _)| other.name == field.name)
            {
                return Err(SanitizeBuildError::NamedTwice { field: field.name });
            }
            if field.names && !path.is_deep() {
                return Err(SanitizeBuildError::NamesNeedDeepPointer { field: field.name });
            }
            parsed.fields.push((field, path));
        }
        for pointer in source.opaque {
            parsed.opaque.push(parse(&pointer)?);
        }
        Ok(parsed)
    }
}

/// Parses one name or pointer. The error names the field.
///
/// # Errors
///
/// [`SanitizeBuildError`] with the pointer, and what is wrong in it.
fn parse(name: &Arc<str>) -> Result<Arc<Path>, SanitizeBuildError> {
    let path = Path::parse(name).map_err(|why| SanitizeBuildError::InvalidPointer {
        pointer: Arc::clone(name),
        why,
    })?;
    Ok(Arc::new(path))
}
