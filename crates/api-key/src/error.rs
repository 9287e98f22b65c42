//! The errors that several modules of this crate return.
//!
//! None of them has a key or a part of one in it, so each may be logged. The reasons for which a
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
        f.write_str("the operating system returned no random bytes")
    }
}

impl std::error::Error for NoEntropy {}
