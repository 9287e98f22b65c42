//! What can be wrong with a document.

use std::fmt;

use crate::speech::TextError;

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
        /// The elements that there are.
        allowed: &'static [&'static str],
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
            Self::Element { name, allowed } => {
                let allowed = allowed.join(", ");
                write!(f, "there is no element {name:?}; there are {allowed}")
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
