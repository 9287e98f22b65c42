//! What is looked for in a document, what was found, and why a document is refused.

use std::{borrow::Cow, ops::Range};

use smallvec::SmallVec;

use super::Path;

/// A pointer to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'p> {
    /// The parsed pointer.
    pub(crate) path: &'p Path,
    /// Whether names of members below the pointer are selected too.
    pub(crate) names: bool,
}

/// A selected value or name.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct FoundField<'t> {
    /// The indices of the targets that selected it.
    pub(crate) targets: SmallVec<[usize; 2]>,
    /// Its position in the text, with the quotes.
    pub(crate) span: Range<usize>,
    /// The value without its quotes and escapes.
    pub(crate) value: Value<'t>,
    /// For the name of a member: where its object begins.
    pub(crate) object: Option<usize>,
    /// The list of which the value is a part. `None` for a value that is in no list.
    pub(crate) part: Option<PartOf<'t>>,
}

/// A list, and which of its strings belong together: templates of chats write them one after the other.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct PartOf<'t> {
    /// Where the list begins.
    pub(crate) list: usize,
    /// The name of the member, if the elements are objects. Empty for a list of strings.
    pub(crate) member: Cow<'t, str>,
}

/// A value. Only strings keep their content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value<'t> {
    /// `null`, which counts as absent.
    Null,
    /// A number, a Boolean, a list or an object.
    Other,
    /// A string, without escapes.
    Text(Cow<'t, str>),
}

/// Why a document is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// More levels than [`Caps`](super::Caps) allows.
    Depth,
    /// A name occurs twice in one object.
    Duplicate,
    /// More members and elements than [`Caps`](super::Caps) allows.
    Keys,
    /// A name that lenient parsers treat as that of the target with this index.
    NearName(usize),
    /// An escape holds half of a surrogate pair.
    Surrogate,
    /// A number with more digits, or a larger exponent, than [`Caps`](super::Caps) allows.
    Number,
    /// A longer string or name than [`Caps`](super::Caps) allows.
    Text,
    /// The text is not JSON.
    Syntax,
}

impl Flaw {
    /// Returns the end of a sentence about the document, for the client.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Depth => "is nested too deeply",
            Self::Duplicate => "has a name twice in one object",
            Self::Keys => "has too many members or elements",
            Self::NearName(_) => "has a name that is nearly the name of a field",
            Self::Number => "has a number with too many digits or too large an exponent",
            Self::Text => "has a string or a name that is too long",
            Self::Surrogate => "has half of a surrogate pair",
            Self::Syntax => "is not valid",
        }
    }
}
