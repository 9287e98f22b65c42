//! Errors of minting and parsing, before a request is decided.
//!
//! None of them holds a key or a part of one, so each may be logged. The reasons for which a
//! request is refused are in [`KeyFailure`](crate::KeyFailure).

use std::fmt;

/// The text is not a key of the expected format.
///
/// Returned by [`KeyFormat::parse`](crate::KeyFormat::parse) and
/// [`KeyScheme::present`](crate::KeyScheme::present). It does not say which part is wrong and does
/// not repeat the text, which may differ from a real key in one character.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MalformedKey;

impl fmt::Display for MalformedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no key of the expected format, or it was mistyped")
    }
}

impl std::error::Error for MalformedKey {}

/// The operating system returned no random bytes.
///
/// Key ids, secrets, peppers and the decoy of a layer need them. Nothing weaker is used instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no random bytes")
    }
}

impl std::error::Error for NoEntropy {}

/// Why [`KeyScheme::mint`](crate::KeyScheme::mint) or
/// [`KeyScheme::rotate`](crate::KeyScheme::rotate) made no key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MintError {
    /// The grant contradicts itself or holds text that is not allowed.
    Grant(crate::InvalidGrant),
    /// The operating system gave no random bytes.
    NoEntropy,
    /// The key to rotate is revoked or expired. Mint a new key instead.
    Over,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(problem) => problem.fmt(f),
            Self::NoEntropy => NoEntropy.fmt(f),
            Self::Over => f.write_str("the key is revoked or expired; mint a new one"),
        }
    }
}

impl std::error::Error for MintError {}

impl From<NoEntropy> for MintError {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}

impl From<crate::InvalidGrant> for MintError {
    fn from(problem: crate::InvalidGrant) -> Self {
        Self::Grant(problem)
    }
}
