//! Secret bytes: redacted in `Debug`, compared in constant time, wiped on drop.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Holds secret bytes, such as a key or a password.
///
/// The bytes are overwritten with zeros on drop. A clone is a second copy, wiped on its own drop.
/// The buffer that was passed in is reused if it is a `Vec`; other sources are copied and not
/// wiped.
///
/// ```
/// use palisade_core::Secret;
///
/// let pepper = Secret::new(b"correct horse".to_vec());
/// assert_eq!(format!("{pepper:?}"), "[redacted]");
/// assert!(pepper.equals(b"correct horse"));
/// ```
///
/// What it does not protect from: a reader of the process's memory while the value is in use, and swap
/// or core files of the operating system.
///
/// A password from the environment, compared with what a client sent:
///
/// ```
/// use palisade_core::Secret;
///
/// let password = Secret::new(std::env::var("METRICS_PASSWORD").unwrap_or_default());
/// let sent: &[u8] = b"guess";
/// // An empty password must admit no one.
/// let admitted = !password.expose().is_empty() && password.equals(sent);
/// assert!(!admitted);
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Stores secret bytes. Any length is accepted, also none.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Returns the bytes for a computation. Do not copy or log them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Compares in constant time: the time depends on the lengths only. Different lengths are
    /// unequal at once.
    #[must_use]
    pub fn equals(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_and_other_lengths_are_unequal() {
        let secret = Secret::new(b"abc".to_vec());
        assert!(secret.equals(b"abc"));
        assert!(!secret.equals(b"abd"));
        assert!(!secret.equals(b"ab"));
        assert!(!secret.equals(b""));
    }
}
