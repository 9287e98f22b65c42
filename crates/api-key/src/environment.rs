//! Where a key counts.

use std::{fmt, str::FromStr};

/// Tells keys of production from those of tests. It stands in the key, so that people see it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // A third would be a new format of keys.
pub enum Environment {
    /// Production.
    Live,
    /// Everything else.
    Test,
}

impl Environment {
    /// Returns the word that stands in the key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        match text {
            b"live" => Some(Self::Live),
            b"test" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = InvalidEnvironment;

    fn from_str(text: &str) -> Result<Self, InvalidEnvironment> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidEnvironment)
    }
}

/// Says that a text names no environment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidEnvironment;

impl fmt::Display for InvalidEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment of a key is `live` or `test`")
    }
}

impl std::error::Error for InvalidEnvironment {}

/// The environments that a layer takes keys of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Accepted {
    live: bool,
    test: bool,
}

impl Accepted {
    pub(crate) const LIVE: Self = Self {
        live: true,
        test: false,
    };

    pub(crate) const fn holds(self, environment: Environment) -> bool {
        match environment {
            Environment::Live => self.live,
            Environment::Test => self.test,
        }
    }

    pub(crate) const fn is_empty(self) -> bool {
        !self.live && !self.test
    }
}

impl FromIterator<Environment> for Accepted {
    fn from_iter<I: IntoIterator<Item = Environment>>(environments: I) -> Self {
        let mut accepted = Self::default();
        for environment in environments {
            match environment {
                Environment::Live => accepted.live = true,
                Environment::Test => accepted.test = true,
            }
        }
        accepted
    }
}
