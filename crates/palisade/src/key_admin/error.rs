//! Why a key is not made or changed.

use std::{error::Error, fmt, time::Duration};

use http::StatusCode;
use palisade_api_key::{KeyFileError, MintError, TableError};
use palisade_core::Rejection;

/// How long a client is told to wait while the store cannot be changed.
const RETRY: Duration = Duration::from_secs(1);

/// Why a key is not made or changed. It becomes a [`Rejection`], whose text for the client is fixed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyAdminError {
    /// The grant contradicts itself, or has a value that cannot be used. 400 `key_grant_invalid`.
    Grant(String),
    /// A scope is not one that may be granted. 403 `scope_not_grantable`.
    NotGrantable,
    /// The key is revoked or expired, so it cannot be rotated. 409 `key_over`.
    Over,
    /// The store cannot be read or written. 503.
    Unavailable(String),
    /// There is no such key. 404 `key_unknown`.
    Unknown,
}

impl fmt::Display for KeyAdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(problem) => write!(f, "the grant cannot be used: {problem}"),
            Self::NotGrantable => f.write_str("a scope of the key may not be granted"),
            Self::Over => f.write_str("the key is revoked or expired"),
            Self::Unavailable(problem) => write!(f, "the key store cannot be used: {problem}"),
            Self::Unknown => f.write_str("there is no such key"),
        }
    }
}

impl Error for KeyAdminError {}

impl From<TableError> for KeyAdminError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Unknown(_) => Self::Unknown,
            TableError::Revoked(_) => Self::Over,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<KeyFileError> for KeyAdminError {
    fn from(error: KeyFileError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[cfg(feature = "redis")]
impl From<palisade_api_key::RedisKeyError> for KeyAdminError {
    fn from(error: palisade_api_key::RedisKeyError) -> Self {
        match error {
            palisade_api_key::RedisKeyError::Table(error) => error.into(),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<MintError> for KeyAdminError {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Grant(problem) => Self::Grant(problem.to_string()),
            MintError::Over => Self::Over,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<KeyAdminError> for Rejection {
    fn from(error: KeyAdminError) -> Self {
        let (status, code, detail) = match &error {
            KeyAdminError::Grant(_) => (
                StatusCode::BAD_REQUEST,
                "key_grant_invalid",
                "The grant of the key is malformed, contradicts itself, or has a value that cannot be used.",
            ),
            KeyAdminError::NotGrantable => (
                StatusCode::FORBIDDEN,
                "scope_not_grantable",
                "The key has a scope that may not be granted here.",
            ),
            KeyAdminError::Over => (
                StatusCode::CONFLICT,
                "key_over",
                "The key is revoked or expired.",
            ),
            KeyAdminError::Unknown => (
                StatusCode::NOT_FOUND,
                "key_unknown",
                "There is no such key.",
            ),
            KeyAdminError::Unavailable(_) => {
                return Self::unavailable(RETRY).with_reason(error.to_string());
            }
        };
        Self::new(status, code, detail).with_reason(error.to_string())
    }
}
