//! What a moderator gets: the clean texts of one request, and its context.

use std::fmt;
use std::sync::Arc;

use palisade_core::SecurityContext;

/// One clean text, as the handler gets it.
///
/// `Debug` shows the field and the length only.
#[derive(Clone)]
pub struct ModeratedText {
    field: Arc<str>,
    text: Arc<str>,
}

impl ModeratedText {
    pub(crate) fn new(field: Arc<str>, text: &str) -> Self {
        Self {
            field,
            text: text.into(),
        }
    }

    /// Returns the name of the field, as the rule or the layer has it.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the text. Personal data is masked or replaced if the layer does that.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ModeratedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModeratedText")
            .field("field", &self.field)
            .field("length", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// The texts of one request, for a [`Moderator`](super::Moderator).
///
/// Clones share the texts. `Debug` shows none of them.
#[derive(Clone, Debug)]
pub struct ModerationRequest {
    cx: SecurityContext,
    texts: Arc<[ModeratedText]>,
}

impl ModerationRequest {
    pub(super) fn new(cx: SecurityContext, texts: Vec<ModeratedText>) -> Self {
        Self {
            cx,
            texts: texts.into(),
        }
    }

    /// Returns the context of the request: principal, route, identifier.
    #[must_use]
    pub const fn context(&self) -> &SecurityContext {
        &self.cx
    }

    /// Returns the texts, in the order in which they were found. There is at least one.
    ///
    /// They are what the handler gets. In shadow, these are the texts as they were sent. Data such as
    /// images in Base64 is not among them ([`Fields::opaque`](crate::Fields::opaque)).
    #[must_use]
    pub fn texts(&self) -> &[ModeratedText] {
        &self.texts
    }
}
