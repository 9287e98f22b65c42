//! Errors of a configuration. They are for the operator and never reach a client.
//!
//! The builders of the crate return them at start-up. While requests are served, a text is refused
//! with `Refused` instead.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::characters::Class;

/// Says why a sanitizer, a rule or a layer cannot be built.
///
/// Returned by [`SanitizerBuilder::build`](crate::SanitizerBuilder::build),
/// [`SanitizeLayerBuilder::build`](crate::SanitizeLayerBuilder::build) and
/// [`TextRule::new`](crate::TextRule::new). Its text names the rule, field or class that is wrong.
/// It may quote the pattern of a rule, so show it to the operator only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildError(Cow<'static, str>);

impl BuildError {
    /// Makes an error with this text.
    pub(crate) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }

    /// Makes an error about the rule of this name.
    pub(crate) fn rule(name: &str, why: impl fmt::Display) -> Self {
        Self::new(format!("rule `{name}`: {why}"))
    }

    /// Makes an error about a replacement character that the sanitizer would itself drop or
    /// replace.
    pub(crate) fn replacement(class: Class, by: char) -> Self {
        let code = u32::from(by);
        Self::new(format!(
            "the replacement U+{code:04X} for {} would not be kept itself",
            class.name()
        ))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BuildError {}
