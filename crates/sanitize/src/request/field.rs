//! Which fields of a request hold text, and what each must be like.

use std::sync::Arc;

use super::json::Path;
use crate::error::BuildError;
use crate::text::Sanitizer;

/// A field of query, form or JSON that holds text.
///
/// A name means the parameter of that name in query and form, and the member of that name of a JSON object
/// that is the whole body. A name that begins with `/` is a JSON pointer (RFC 6901), in which `*` stands for
/// every element or member, and `**` at the end for the value itself and every string below it:
/// `/messages/*/content`, `/input/**`, `/**`. The empty name is the pointer to the whole document.
/// Pointers mean JSON bodies only.
///
/// Where two fields mean the same string, both clean it in turn, until neither changes it.
///
/// Names of members are not cleaned, unless [`with_names`](Self::with_names) says so.
#[derive(Clone, Debug)]
#[must_use]
pub struct Field {
    pub(crate) name: Arc<str>,
    pub(crate) required: bool,
    pub(crate) sanitizer: Sanitizer,
    pub(crate) skip_other_types: bool,
    pub(crate) names: bool,
}

impl Field {
    /// Cleans a field that every request must have.
    pub fn required(name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        Self {
            name: name.into(),
            required: true,
            sanitizer,
            skip_other_types: false,
            names: false,
        }
    }

    /// Cleans a field where it is present. One that is sent empty is not present.
    pub fn optional(name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        Self {
            required: false,
            ..Self::required(name, sanitizer)
        }
    }

    /// Lets numbers, lists and objects be where the pointer leads, uncleaned. Default: they are refused (422),
    /// since a list can carry text past the field; `**` finds the strings in it.
    pub fn skip_other_types(self) -> Self {
        Self {
            skip_other_types: true,
            ..self
        }
    }

    /// Also cleans the names of the members below a pointer that ends with `**`. Two names of one object that
    /// are equal once they are clean are refused (400).
    pub fn with_names(self) -> Self {
        Self {
            names: true,
            ..self
        }
    }

    pub(crate) fn is_pointer(&self) -> bool {
        self.name.is_empty() || self.name.starts_with('/')
    }
}

/// Fields that belong together, such as those of one API.
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
/// # Ok::<(), palisade_sanitize::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Fields {
    fields: Vec<Field>,
    opaque: Vec<Arc<str>>,
}

impl Fields {
    /// Begins without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Names a place for data that is not text, such as an image in Base64 or an address. A string there passes
    /// uncleaned, at any length, if it has no characters but letters and digits of ASCII and `+/=_-.:;,%?&~#@`;
    /// any other string there is text.
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

    /// Cleans all fields as this sanitizer does.
    pub fn sanitizer(mut self, sanitizer: &Sanitizer) -> Self {
        for field in &mut self.fields {
            field.sanitizer = sanitizer.clone();
        }
        self
    }
}

/// Fields whose pointers were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParsedFields {
    pub(crate) fields: Vec<(Field, Arc<Path>)>,
    pub(crate) opaque: Vec<Arc<Path>>,
}

impl ParsedFields {
    pub(crate) fn parse(source: Fields) -> Result<Self, BuildError> {
        let mut parsed = Self::default();
        for field in source.fields {
            let path = parse(&field.name)?;
            if parsed
                .fields
                .iter()
                .any(|(other, _)| other.name == field.name)
            {
                let name = &field.name;
                return Err(BuildError::new(format!(
                    "the field `{name}` is named twice"
                )));
            }
            if field.names && !path.is_deep() {
                let name = &field.name;
                let why = "names can be cleaned only below a pointer that ends with `/**`";
                return Err(BuildError::new(format!("the field `{name}`: {why}")));
            }
            parsed.fields.push((field, path));
        }
        for pointer in source.opaque {
            parsed.opaque.push(parse(&pointer)?);
        }
        Ok(parsed)
    }
}

fn parse(name: &str) -> Result<Arc<Path>, BuildError> {
    let path = Path::parse(name);
    let path = path.map_err(|why| BuildError::new(format!("the field `{name}`: {why}")))?;
    Ok(Arc::new(path))
}
