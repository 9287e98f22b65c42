//! Which fields of a request hold text, and what each must be like.

use std::sync::Arc;

use crate::sanitizer::Sanitizer;

/// A field of query, form or JSON that holds text.
///
/// A name means the parameter of that name in query and form, and the member of that name of a JSON object
/// that is the whole body. A name that begins with `/` is a JSON pointer (RFC 6901), in which `*` stands for
/// every element or member: `/messages/*/content`. Pointers mean JSON bodies only.
#[derive(Clone, Debug)]
#[must_use]
pub struct Field {
    pub(crate) name: Arc<str>,
    pub(crate) required: bool,
    pub(crate) sanitizer: Sanitizer,
}

impl Field {
    /// Cleans a field that every request must have.
    pub fn required(name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        Self {
            name: name.into(),
            required: true,
            sanitizer,
        }
    }

    /// Cleans a field where it is present.
    pub fn optional(name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        Self {
            required: false,
            ..Self::required(name, sanitizer)
        }
    }

    pub(crate) fn is_pointer(&self) -> bool {
        self.name.starts_with('/')
    }
}
