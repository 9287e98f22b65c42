//! Fields of a request that hold text for a model, and the kind of body that they are in.

use std::sync::Arc;

use super::error::TextFieldProblem;

/// The kind of body in which a route looks for its text fields. Any other kind is refused with 415.
///
/// Name the kind that the handler parses. If the check parses the body in another way than the
/// handler, it checks another text.
///
/// ```
/// use palisade_core::{BodyKind, Rule};
///
/// assert_eq!(BodyKind::default(), BodyKind::Json);
/// let form = Rule::public().text("text").body(BodyKind::Form);
/// assert_eq!(form.body_kind(), Some(BodyKind::Form));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum BodyKind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json` and `application/*+json`. The default.
    #[default]
    Json,
    /// Either. Only for handlers that choose their parser by `Content-Type`.
    JsonOrForm,
    /// `multipart/form-data`. Text fields are parts without a file name.
    Multipart,
}

impl BodyKind {
    /// Returns whether a body of this kind has no JSON pointers to look at.
    pub(super) fn is_never_json(self) -> bool {
        matches!(self, Self::Form | Self::Multipart)
    }
}

/// A field of query, form or JSON that holds text for a model. [`Rule::text`](crate::Rule::text) adds one to a rule.
///
/// ```
/// use palisade_core::TextField;
///
/// let title = TextField::parse("title?");
/// assert_eq!(&**title.name(), "title");
/// assert!(!title.is_required());
/// ```
///
/// JSON pointers reach into nested documents:
///
/// ```
/// use palisade_core::{RouteTable, Rule};
///
/// let chat = Rule::public()
///     .text("/messages/*/content") // of every message
///     .text("/metadata/**?"); // every string below, if it is there
/// RouteTable::builder().any("/chat", chat).build()?;
///
/// let wrong = Rule::public().text("/a/**/b");
/// let error = RouteTable::builder().any("/chat", wrong).build().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "route `/chat`: text field `/a/**/b`: `**` may only be the last step; write `*` for one level",
/// );
/// # Ok::<(), palisade_core::RouteTableBuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TextField {
    name: Arc<str>,
    required: bool,
}

impl TextField {
    /// Parses `text`, `title?` or `/input/text`: a name, or a JSON pointer (RFC 6901) that begins
    /// with `/`. The field is required, unless it ends with `?`.
    ///
    /// In a pointer, `*` matches every element or member. `**` at the end matches the value itself
    /// and every string below it. The empty text is the pointer to the whole document.
    ///
    /// It never fails: [`RouteTableBuilder::build`](crate::RouteTableBuilder::build) refuses a
    /// pointer that is not valid.
    #[must_use]
    pub fn parse(written: &str) -> Self {
        let optional = written.strip_suffix('?');
        Self {
            name: Arc::from(optional.unwrap_or(written)),
            required: optional.is_none(),
        }
    }

    /// Returns the name or the pointer, without the `?`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Tells whether a request without the field is refused.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Tells whether the field is found in JSON only.
    pub(super) fn is_pointer(&self) -> bool {
        self.name.is_empty() || self.name.starts_with('/')
    }

    /// Returns what is wrong with a pointer. `None` if it is valid or a name.
    pub(super) fn problem(&self) -> Option<TextFieldProblem> {
        let pointer = self.name.strip_prefix('/')?;
        let escapes = |step: &str| {
            let mut behind = step.split('~').skip(1);
            behind.all(|rest| rest.starts_with(['0', '1']))
        };
        if !pointer.split('/').all(escapes) {
            return Some(TextFieldProblem::BadEscape);
        }
        let mut steps = pointer.rsplit('/').skip(1);
        let inside = steps.any(|step| step == "**");
        inside.then_some(TextFieldProblem::DeepWildcardInside)
    }
}
