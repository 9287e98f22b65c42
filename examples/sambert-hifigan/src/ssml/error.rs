//! What is wrong with a document, and where.

use std::fmt;

use crate::TextError;

/// Why a document cannot be spoken: what is wrong, and where.
///
/// ```
/// use sambert_hifigan::{SsmlProblem, Style, Voice};
///
/// let voice = Voice::demo()?;
/// let error = voice.plan_ssml("<speak>你好<pause/></speak>", &Style::default()).unwrap_err();
/// assert_eq!((error.place().line, error.place().column, error.place().offset), (1, 10, 13));
/// assert!(matches!(error.problem(), SsmlProblem::Element { name } if name == "pause"));
/// assert!(error.to_string().starts_with("line 1, column 10: there is no element \"pause\"; there are speak, p, s"));
/// # Ok::<(), sambert_hifigan::LoadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsmlError {
    place: Place,
    problem: SsmlProblem,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The bytes before it.
    pub offset: usize,
    /// Its line; the first is 1.
    pub line: usize,
    /// Its character in the line; the first is 1.
    pub column: usize,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SsmlProblem {
    /// An element has no attribute of this name.
    Attribute {
        /// The element.
        element: &'static str,
        /// The attribute.
        name: String,
        /// The attributes that it has.
        allowed: &'static [&'static str],
    },
    /// The text in an element is none that it can read.
    Content {
        /// The element.
        element: &'static str,
        /// The text.
        text: String,
        /// What it can read.
        allowed: String,
    },
    /// There is no element of this name.
    Element {
        /// The name.
        name: String,
    },
    /// A reference to an entity that is not one of the five of XML.
    Entity {
        /// The name.
        name: String,
    },
    /// The document is not well-formed XML.
    Malformed {
        /// How.
        reason: String,
    },
    /// A kind of markup that is not read: a document type, a processing instruction, a CDATA section.
    Markup {
        /// The kind.
        kind: &'static str,
    },
    /// An element lacks an attribute.
    Missing {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// An element stands where it must not.
    Misplaced {
        /// The element.
        element: &'static str,
        /// The element around it; none at the top.
        within: Option<&'static str>,
    },
    /// What is written is read, and cannot be spoken.
    Text(TextError),
    /// There is more of something than is read.
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much of it is read.
        limit: usize,
    },
    /// This voice cannot do what an element asks for.
    Unsupported {
        /// The element.
        element: &'static str,
    },
    /// An attribute has a value that it cannot have.
    Value {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// The value.
        value: String,
        /// The values that it can have.
        allowed: String,
    },
}

/// A problem, and the bytes before its place.
pub(super) type At<T> = Result<T, (usize, SsmlProblem)>;

/// Characters of the document that an error repeats at most.
const SHOWN: usize = 40;

/// Shortens what comes from the document, so that no error is as long as it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

impl SsmlError {
    pub(super) fn new(document: &str, offset: usize, problem: SsmlProblem) -> Self {
        Self {
            place: Place::of(document, offset),
            problem,
        }
    }

    /// Returns where the problem is.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Returns what the problem is.
    #[must_use]
    pub const fn problem(&self) -> &SsmlProblem {
        &self.problem
    }
}

impl Place {
    fn of(document: &str, offset: usize) -> Self {
        let offset = document.floor_char_boundary(offset);
        let before = document.get(..offset).unwrap_or_default();
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            offset,
            line: before.matches('\n').count() + 1,
            column: last_line.chars().count() + 1,
        }
    }
}

impl fmt::Display for SsmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "line {line}, column {column}: {}", self.problem)
    }
}

impl std::error::Error for SsmlError {}

impl fmt::Display for SsmlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute {
                element,
                name,
                allowed: [],
            } => write!(f, "<{element}> has no attribute {name:?}, nor any other"),
            Self::Attribute {
                element,
                name,
                allowed,
            } => {
                let allowed = allowed.join(", ");
                write!(f, "<{element}> has no attribute {name:?}; it has {allowed}")
            }
            Self::Content {
                element,
                text,
                allowed,
            } => write!(f, "<{element}> cannot read {text:?}; it reads {allowed}"),
            Self::Element { name } => {
                let names = super::element::NAMES.join(", ");
                write!(f, "there is no element {name:?}; there are {names}")
            }
            Self::Entity { name } => write!(
                f,
                "there is no entity {name:?}; there are amp, apos, gt, lt, quot"
            ),
            Self::Malformed { reason } => write!(f, "not well-formed: {reason}"),
            Self::Markup { kind } => write!(f, "{kind} is not read"),
            Self::Missing { element, attribute } => {
                write!(f, "<{element}> lacks the attribute {attribute:?}")
            }
            Self::Misplaced {
                element,
                within: Some(within),
            } => write!(f, "<{element}> cannot stand in <{within}>"),
            Self::Misplaced {
                element,
                within: None,
            } => write!(f, "<{element}> cannot stand at the top; <speak> does, once"),
            Self::Text(error) => write!(f, "{error}"),
            Self::TooMuch { what, limit } => write!(f, "more than {limit} {what}"),
            Self::Unsupported { element } => {
                write!(f, "this voice reads text as it is, without <{element}>")
            }
            Self::Value {
                element,
                attribute,
                value,
                allowed,
            } => write!(
                f,
                "{attribute}={value:?} of <{element}> is none of its values: {allowed}"
            ),
        }
    }
}
