//! Why an entry cannot be added to a list of revoked tokens.

use std::{error::Error, fmt};

/// Why nothing was revoked.
///
/// # Examples
///
/// ```
/// use palisade_jwt::revocation::RevocationError;
///
/// let text = RevocationError::Name.to_string();
/// assert_eq!(text, "the id of a token or principal has 1 to 1024 bytes");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RevocationError {
    /// The list has
    /// [`RevocationEntries::MAX_ENTRIES`](crate::revocation::RevocationEntries::MAX_ENTRIES)
    /// entries.
    Full,
    /// The id of a token or principal is empty or over 1024 bytes.
    Name,
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => {
                "the list of revoked tokens has 100000 entries; remove old ones, or revoke all tokens issued before a moment"
            }
            Self::Name => "the id of a token or principal has 1 to 1024 bytes",
        })
    }
}

impl Error for RevocationError {}
