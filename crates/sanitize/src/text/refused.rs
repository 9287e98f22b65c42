//! Why a text is refused. Neither the type nor its words carry any of the text.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::characters::Class;

/// Says why a text may not pass.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// A word of other letters that looks like one of ASCII letters.
    Confusable,
    /// Nothing but white space came in.
    Empty,
    /// A character of a class that refuses the text.
    Forbidden(Class),
    /// Letters of scripts that names do not mix.
    MixedScripts,
    /// A character that is not allowed in this kind of text, such as one that is not assigned.
    NotAllowed,
    /// Something came in, but only control or invisible characters.
    NothingLeft,
    /// Something came in, but a rule removed all that could be seen of it.
    RemovedByRule,
    /// A rule of the operator matched; its name is for the audit, not for the client.
    Rule(Arc<str>),
    /// Longer than the limit.
    TooLong {
        /// What was counted.
        unit: Unit,
        /// How many are allowed.
        limit: usize,
    },
    /// Shorter than the minimum of graphemes.
    TooShort {
        /// How many are needed.
        limit: usize,
    },
    /// Cleaning found something new in every round. Only a rule that undoes itself, or a text that is nested
    /// on purpose, does that.
    Unstable,
}

/// What a length is counted in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode scalar values.
    Chars,
    /// What a reader takes for one character (extended grapheme clusters).
    Graphemes,
}

impl Refused {
    /// Gives a stable word for logs, metrics and clients.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Confusable => "text_confusable",
            Self::Empty => "text_empty",
            Self::Forbidden(_) => "text_forbidden",
            Self::MixedScripts => "text_mixed_scripts",
            Self::NotAllowed => "text_not_allowed",
            Self::NothingLeft => "text_nothing_left",
            Self::RemovedByRule => "text_removed_by_rule",
            Self::Rule(_) => "text_rule",
            Self::TooLong { .. } => "text_too_long",
            Self::TooShort { .. } => "text_too_short",
            Self::Unstable => "text_unstable",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confusable => f.write_str("looks like a word of other letters"),
            Self::Empty => f.write_str("is empty"),
            Self::Forbidden(class) => write!(f, "must not contain {}", class.name()),
            Self::NothingLeft => f.write_str("holds only control or invisible characters"),
            Self::MixedScripts => f.write_str("mixes letters of different scripts"),
            Self::NotAllowed => f.write_str("holds a character that is not allowed here"),
            Self::RemovedByRule => {
                f.write_str("has nothing left after the rules of this service were applied")
            }
            Self::Rule(_) => f.write_str("is not accepted by a rule of this service"),
            Self::TooLong { unit, limit } => write!(f, "is longer than {limit} {unit}"),
            Self::TooShort { limit } => write!(f, "is shorter than {limit} characters"),
            Self::Unstable => f.write_str("cannot be cleaned"),
        }
    }
}

impl Error for Refused {}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Chars => "code points",
            Self::Graphemes => "characters",
        })
    }
}
