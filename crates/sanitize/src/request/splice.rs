//! Replaces parts of a source text. Used to rewrite only the changed fields of a request.

use std::borrow::Cow;
use std::ops::Range;

/// A part of a source, and the text that replaces it in the encoding of the source.
#[derive(Debug)]
pub(crate) struct Edit {
    /// Which part of the source is replaced.
    pub(crate) span: Range<usize>,
    /// What is written there.
    pub(crate) text: String,
}

/// Applies edits, which must be in order and must not overlap. Borrows the source if there are
/// none.
///
/// Returns `None` if a span is outside the source.
pub(crate) fn splice<'t>(
    source: &'t str,
    edits: impl IntoIterator<Item = Edit>,
) -> Option<Cow<'t, str>> {
    let mut edits = edits.into_iter().peekable();
    if edits.peek().is_none() {
        return Some(Cow::Borrowed(source));
    }
    let mut out = String::with_capacity(source.len());
    let mut done = 0;
    for edit in edits {
        out.push_str(source.get(done..edit.span.start)?);
        out.push_str(&edit.text);
        done = edit.span.end;
    }
    out.push_str(source.get(done..)?);
    Some(Cow::Owned(out))
}
