//! The reasons for which a text is refused. Neither the type nor its messages hold any of the text.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::characters::Class;

/// Says why a text is refused.
///
/// [`Sanitizer::clean`](crate::Sanitizer::clean) returns it.
/// [`SanitizeLayer`](crate::SanitizeLayer) responds with 422, with [`code`](Self::code) and the
/// message of its `Display`. The message continues a sentence whose subject is the field: "The
/// field `text` is empty."
///
/// ```
/// use palisade_sanitize::{Refused, Sanitizer, LengthUnit};
///
/// let refused = Sanitizer::builder().max_chars(3).build()?.clean("abcd").unwrap_err();
/// assert_eq!(refused, Refused::TooLong { unit: LengthUnit::Chars, limit: 3 });
/// assert_eq!(refused.code(), "text_too_long");
/// assert_eq!(format!("The field `title` {refused}."), "The field `title` is longer than 3 code points.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// A word in letters of another script that looks like a word in ASCII letters.
    ///
    /// Only names are checked for it
    /// ([`SanitizerBuilder::identifier`](crate::SanitizerBuilder::identifier)).
    Confusable,
    /// The input is empty or holds only white space.
    Empty,
    /// The text holds a character of a class whose action is
    /// [`Action::Refuse`](crate::Action::Refuse).
    Forbidden(Class),
    /// The text mixes letters of scripts that names must not mix. Only names are checked for it.
    MixedScripts,
    /// The text is no name for a file: a device, a hidden file, a folder, or an option of a command.
    ///
    /// Only names of files are checked for it
    /// ([`SanitizerBuilder::file_name`](crate::SanitizerBuilder::file_name)).
    NotAFileName,
    /// The text holds a character that this kind of text does not allow, such as an unassigned one.
    NotAllowed,
    /// The input held only control or invisible characters, and cleaning removed them.
    NothingLeft,
    /// A rule removed all visible characters of the input.
    RemovedByRule,
    /// A rule that refuses its matches has matched. Holds the name of the rule.
    ///
    /// The name is for logs and the audit trail; neither the message nor [`code`](Self::code) holds
    /// it.
    Rule(Arc<str>),
    /// The text is longer than a limit of the input or of the cleaned text.
    TooLong {
        /// The unit of the limit.
        unit: LengthUnit,
        /// The highest allowed length.
        limit: usize,
    },
    /// The cleaned text has fewer graphemes than the minimum.
    TooShort {
        /// The lowest allowed length, in graphemes.
        limit: usize,
    },
    /// Cleaning still changed the text after eight rounds.
    ///
    /// Causes: a rule whose output matches again, or a text that an attacker nested on purpose.
    Unstable,
}

/// The unit in which a length is counted.
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{Refused, Sanitizer};
///
/// let short = Sanitizer::builder().max_graphemes(3).build()?;
/// match short.clean("abcd").unwrap_err() {
///     Refused::TooLong { unit, limit } => println!("at most {limit} {unit:?}"),
///     other => println!("{}", other.code()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LengthUnit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode scalar values (code points).
    Chars,
    /// What a reader takes for one character (extended grapheme clusters).
    Graphemes,
}

impl Refused {
    /// Returns a stable code for logs, metrics and clients, such as `text_too_long`.
    ///
    /// It does not depend on the text or on the name of a rule.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Confusable => "text_confusable",
            Self::Empty => "text_empty",
            Self::Forbidden(_) => "text_forbidden",
            Self::MixedScripts => "text_mixed_scripts",
            Self::NotAFileName => "text_not_a_file_name",
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
            Self::NotAFileName => f.write_str("cannot be the name of a file"),
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

impl fmt::Display for LengthUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Chars => "code points",
            Self::Graphemes => "characters",
        })
    }
}
