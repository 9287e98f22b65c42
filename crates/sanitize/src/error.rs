//! Errors of a configuration. They are for the operator and never reach a client.
//!
//! The builders of the crate return them at start-up. While requests are served, a text is refused
//! with `Refused` instead.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::characters::Class;

/// Says why a sanitizer, a rule or a layer cannot be built.
///
/// Returned by [`SanitizerBuilder::build`](crate::SanitizerBuilder::build) and
/// [`SanitizeLayerBuilder::build`](crate::SanitizeLayerBuilder::build). Its text names the rule, field or class that is wrong,
/// and what to do. [`InvalidPattern`](Self::InvalidPattern) quotes the pattern of a rule, so show
/// the text to the operator only.
///
/// ```
/// use palisade_sanitize::{SanitizeBuildError, Sanitizer};
///
/// let refused = Sanitizer::builder().min_graphemes(10).max_chars(5).build().unwrap_err();
/// assert_eq!(refused, SanitizeBuildError::MinimumAboveMaximum { minimum: 10, maximum: 5 });
/// assert_eq!(
///     refused.to_string(),
///     "a text of at least 10 graphemes cannot have at most 5 units; lower the minimum or raise the maximum"
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SanitizeBuildError {
    /// A list of banned words cannot be read, or one of its words is wrong.
    /// See [`BannedWords`](crate::BannedWords).
    BannedWords {
        /// The file, or the line of the list.
        place: Arc<str>,
        /// What is wrong with it.
        why: Arc<str>,
    },
    /// The key of [`TextRule::hash`](crate::TextRule::hash) is shorter than 16 bytes.
    HashKeyTooShort {
        /// The name of the rule.
        rule: Arc<str>,
    },
    /// A header that is no text, such as `Authorization`, is named as one.
    /// See [`SanitizeLayerBuilder::header`](crate::SanitizeLayerBuilder::header).
    HeaderNotText {
        /// The header.
        header: HeaderName,
    },
    /// A name that begins with `/` is not a JSON pointer of this crate.
    /// See [`Field`](crate::Field).
    InvalidPointer {
        /// The pointer.
        pointer: Arc<str>,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The pattern of a rule does not compile, or its compiled program is larger than 1 MiB.
    InvalidPattern {
        /// The name of the rule.
        rule: Arc<str>,
        /// The message of the `regex` crate, which quotes the pattern.
        why: Arc<str>,
    },
    /// The minimum of graphemes is above a limit of the cleaned text.
    MinimumAboveMaximum {
        /// [`SanitizerBuilder::min_graphemes`](crate::SanitizerBuilder::min_graphemes).
        minimum: usize,
        /// The lowest of the limits in bytes, code points and graphemes.
        maximum: usize,
    },
    /// [`Field::with_names`](crate::Field::with_names) is set on a pointer that does not end with
    /// `/**`.
    NamesNeedDeepPointer {
        /// The name of the field.
        field: Arc<str>,
    },
    /// Two fields have one name.
    NamedTwice {
        /// The name of the field.
        field: Arc<str>,
    },
    /// The pattern of a rule matches the empty text, so it would match everywhere.
    PatternMatchesEmpty {
        /// The name of the rule.
        rule: Arc<str>,
    },
    /// The pattern of a rule is longer than 4,096 bytes.
    PatternTooLong {
        /// The name of the rule.
        rule: Arc<str>,
    },
    /// The character of [`Action::Replace`](crate::Action::Replace) would itself be dropped,
    /// replaced or refused.
    ReplacementNotKept {
        /// The class that is replaced.
        class: Class,
        /// The character.
        by: char,
    },
    /// The replacement of a rule is longer than 64 bytes.
    ReplacementTooLong {
        /// The name of the rule.
        rule: Arc<str>,
    },
    /// Unicode has no script of this name. See
    /// [`TextRule::other_scripts`](crate::TextRule::other_scripts).
    UnknownScript {
        /// The name.
        name: Arc<str>,
    },
    /// [`SanitizeLayerBuilder::max_depth`](crate::SanitizeLayerBuilder::max_depth) is above 128
    /// levels.
    TooDeep {
        /// The limit that was set.
        levels: usize,
    },
}

impl fmt::Display for SanitizeBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BannedWords { place, why } => write!(f, "banned words: {place}: {why}"),
            Self::HashKeyTooShort { rule } => write!(
                f,
                "rule `{rule}`: the key of the hash is shorter than 16 bytes; use 32 random bytes"
            ),
            Self::HeaderNotText { header } => write!(
                f,
                "the header `{header}` frames a message or proves who sent it; name headers with text for people"
            ),
            Self::InvalidPointer { pointer, why } => write!(f, "the field `{pointer}`: {why}"),
            Self::InvalidPattern { rule, why } => write!(f, "rule `{rule}`: {why}"),
            Self::MinimumAboveMaximum { minimum, maximum } => write!(
                f,
                "a text of at least {minimum} graphemes cannot have at most {maximum} units; \
                 lower the minimum or raise the maximum"
            ),
            Self::NamesNeedDeepPointer { field } => write!(
                f,
                "the field `{field}`: names can be cleaned only below a pointer that ends with `/**`"
            ),
            Self::NamedTwice { field } => {
                write!(f, "the field `{field}` is named twice; remove one of them")
            }
            Self::PatternMatchesEmpty { rule } => write!(
                f,
                "rule `{rule}`: the pattern matches the empty text, so it would match everywhere"
            ),
            Self::PatternTooLong { rule } => {
                write!(f, "rule `{rule}`: the pattern is longer than 4096 bytes")
            }
            Self::ReplacementNotKept { class, by } => write!(
                f,
                "the replacement U+{:04X} for {} would not be kept itself; use a plain character",
                u32::from(*by),
                class.name()
            ),
            Self::ReplacementTooLong { rule } => {
                write!(f, "rule `{rule}`: the replacement is longer than 64 bytes")
            }
            Self::UnknownScript { name } => write!(
                f,
                "Unicode has no script `{name}`; write a name such as `Latin` or a code such as `Hani`"
            ),
            Self::TooDeep { levels } => {
                write!(f, "JSON of {levels} levels cannot be read; use at most 128")
            }
        }
    }
}

impl Error for SanitizeBuildError {}
