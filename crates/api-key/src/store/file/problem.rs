//! What can be wrong with the content of a file of keys or a pepper.

use std::fmt;

use super::super::TableError;
use crate::{
    error::NoEntropy,
    key::{InvalidEnvironment, InvalidKeyId, WeakPepper},
    network::InvalidNetwork,
    record::{InvalidGrant, InvalidTimestamp},
};

/// What is wrong with the content of a file, as part of
/// [`KeyFileError::Invalid`](super::KeyFileError::Invalid). The message never shows content.
///
/// ```
/// use palisade_api_key::{KeyFileError, KeyFileProblem, Pepper};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("pepper");
/// std::fs::write(&path, "too short")?;
/// # #[cfg(unix)]
/// # std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
/// let error = Pepper::read_file(&path).unwrap_err();
/// let problem = KeyFileProblem::NotAPepper;
/// assert!(matches!(error, KeyFileError::Invalid { problem: found, .. } if found == problem));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// A digest has another form.
    Digest,
    /// The environment of a key is unknown.
    Environment(InvalidEnvironment),
    /// Others than the owner may access a secret.
    Exposed,
    /// A key may not have these scopes, dates or names.
    Grant(InvalidGrant),
    /// The id of a key has another form.
    KeyId(InvalidKeyId),
    /// A network has another form.
    Network(InvalidNetwork),
    /// The system gives no random bytes for a new pepper.
    NoEntropy(NoEntropy),
    /// A pepper file holds something else than 64 hexadecimal digits.
    NotAPepper,
    /// The text is not TOML, or has an unknown key or a value of another type. The description of the
    /// TOML library, without values.
    Syntax(Box<str>),
    /// A key cannot be in the table, such as an id that is there twice.
    Table(TableError),
    /// A date has another form.
    Time(InvalidTimestamp),
    /// A date or the whole table cannot be written as TOML.
    Unwritable,
    /// The file has another version of the format.
    Version {
        /// The version that this program reads.
        supported: u32,
    },
    /// A pepper could be guessed.
    WeakPepper(WeakPepper),
}

impl fmt::Display for KeyFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without the text: it may be a key that was pasted there.
            Self::Digest => f.write_str("this is no digest; make keys with `palisade key new`"),
            Self::Environment(problem) => problem.fmt(f),
            Self::Exposed => f.write_str("others may read this secret; set its mode to 0600"),
            Self::Grant(problem) => problem.fmt(f),
            Self::KeyId(problem) => problem.fmt(f),
            Self::Network(problem) => problem.fmt(f),
            Self::NoEntropy(problem) => problem.fmt(f),
            Self::NotAPepper => f.write_str("a pepper file holds 64 hexadecimal digits"),
            Self::Syntax(problem) => f.write_str(problem),
            Self::Table(problem) => problem.fmt(f),
            Self::Time(problem) => problem.fmt(f),
            Self::Unwritable => f.write_str("a date of a key cannot be written"),
            Self::Version { supported } => {
                write!(f, "this program reads `version = {supported}`")
            }
            Self::WeakPepper(problem) => problem.fmt(f),
        }
    }
}

macro_rules! from {
    ($($variant:ident: $error:ty),+ $(,)?) => {
        $(
            impl From<$error> for KeyFileProblem {
                fn from(problem: $error) -> Self {
                    Self::$variant(problem)
                }
            }
        )+
    };
}

from! {
    Environment: InvalidEnvironment,
    Grant: InvalidGrant,
    KeyId: InvalidKeyId,
    Network: InvalidNetwork,
    NoEntropy: NoEntropy,
    Table: TableError,
    Time: InvalidTimestamp,
    WeakPepper: WeakPepper,
}
