//! What can go wrong before a request comes.

use std::fmt;

/// Says that a text is no key of the expected format. Nothing more: the text may be almost a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MalformedKey;

impl fmt::Display for MalformedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no key of the expected format, or it was mistyped")
    }
}

impl std::error::Error for MalformedKey {}

/// Says that the operating system gave no random bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NoEntropy;

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no random bytes")
    }
}

impl std::error::Error for NoEntropy {}

/// Says why a key was not minted or rotated.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MintError {
    /// The grant contradicts itself or holds unusable text.
    Grant(crate::InvalidGrant),
    /// The operating system gave no random bytes.
    NoEntropy,
    /// A key that has ended is not rotated: a new one is minted, by someone's decision.
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
