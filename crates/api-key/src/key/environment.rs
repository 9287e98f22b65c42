//! The environment of a key: production or test.
//!
//! The environment is a part of the key and of its digest. Changing it in a key therefore makes the
//! key invalid. A layer accepts live keys only, unless configured otherwise.

use std::{fmt, str::FromStr};

/// The environment that a key belongs to. It is written in the key, so that people see it.
///
/// A layer accepts only [`Live`](Self::Live) keys by default; see
/// [`ApiKeyLayerBuilder::environments`](crate::ApiKeyLayerBuilder::environments). Parsing accepts
/// exactly `live` and `test`, in lower case.
///
/// ```
/// use palisade_api_key::Environment;
///
/// assert_eq!("live".parse(), Ok(Environment::Live));
/// assert!("Live".parse::<Environment>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // A third would be a new format of keys.
pub enum Environment {
    /// Production. Written as `live`.
    Live,
    /// Everything else: development, staging, examples. Written as `test`.
    Test,
}

impl Environment {
    /// Returns the word that is written in the key: `live` or `test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Reads the word in a key. Other spellings are not accepted.
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

/// The text is neither `live` nor `test`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidEnvironment;

impl fmt::Display for InvalidEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment of a key is `live` or `test`")
    }
}

impl std::error::Error for InvalidEnvironment {}

/// The environments whose keys a layer accepts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct AcceptedEnvironments {
    /// Whether keys of production are accepted.
    live: bool,
    /// Whether test keys are accepted.
    test: bool,
}

impl AcceptedEnvironments {
    /// The default of a layer.
    pub(crate) const LIVE: Self = Self {
        live: true,
        test: false,
    };

    /// Returns whether keys of an environment are accepted.
    pub(crate) const fn contains(self, environment: Environment) -> bool {
        match environment {
            Environment::Live => self.live,
            Environment::Test => self.test,
        }
    }

    /// Returns whether no key would be accepted: such a layer is not built.
    pub(crate) const fn is_empty(self) -> bool {
        !self.live && !self.test
    }
}

impl FromIterator<Environment> for AcceptedEnvironments {
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
