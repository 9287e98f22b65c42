//! A credential as it was sent, removed from the request.

use std::{fmt, str};

use http::HeaderValue;

use crate::Secret;

/// A credential as the client sent it, not verified yet.
///
/// The core removes it from the request before an authenticator is called, and keeps it until the
/// response is over. A second authenticator further in can then verify it again. Handlers cannot
/// reach it, and `Debug` shows nothing of it.
pub struct Credential {
    value: Value,
    /// The offset of the token in the value: the length of the scheme and the space, or 0.
    start: usize,
}

/// The three ways to hold a credential.
enum Value {
    /// A copy, wiped on drop.
    Bytes(Secret),
    /// The value of a header field.
    Header(HeaderValue),
    /// It is no part of the request, such as a client certificate.
    Outside,
}

impl Credential {
    /// Holds the whole value of a header field.
    #[must_use]
    pub fn header(value: HeaderValue) -> Self {
        Self {
            value: Value::Header(value),
            start: 0,
        }
    }

    /// Holds bytes. They are wiped on drop.
    #[must_use]
    pub fn bytes(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Value::Bytes(Secret::new(value)),
            start: 0,
        }
    }

    /// Represents a credential that is no part of the request head. Its bytes are empty.
    #[must_use]
    pub const fn outside() -> Self {
        Self {
            value: Value::Outside,
            start: 0,
        }
    }

    /// Holds an `Authorization` whose token begins at `start`.
    pub(super) fn authorization(value: HeaderValue, start: usize) -> Self {
        let value = Value::Header(value);
        Self { value, start }
    }

    /// Returns the credential: the token without its scheme, the value of the header, or the
    /// decoded parameter.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let all = match &self.value {
            Value::Bytes(bytes) => bytes.expose(),
            Value::Header(value) => value.as_bytes(),
            Value::Outside => &[],
        };
        all.get(self.start..).unwrap_or_default()
    }

    /// Returns the credential as text. `None` if it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        str::from_utf8(self.as_bytes()).ok()
    }

    /// Returns the scheme as the client wrote it. `None` if it did not come in `Authorization`.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        let Value::Header(value) = &self.value else {
            return None;
        };
        let end = self.start.checked_sub(1)?;
        str::from_utf8(value.as_bytes().get(..end)?).ok()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential([redacted])")
    }
}
