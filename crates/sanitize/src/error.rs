//! What can be wrong with a configuration. For the operator, never for a client.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::characters::Class;

/// Says why a sanitizer, a rule or a layer cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildError(Cow<'static, str>);

impl BuildError {
    pub(crate) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }

    pub(crate) fn rule(name: &str, why: impl fmt::Display) -> Self {
        Self::new(format!("rule `{name}`: {why}"))
    }

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
