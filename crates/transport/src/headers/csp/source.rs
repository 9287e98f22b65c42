//! The sources that a directive allows: origins and keywords.

use std::borrow::Cow;

use crate::{error::TransportBuildError, host::HostName};

/// An origin from which a page may load something, or a keyword such as `'self'`.
///
/// ```
/// use palisade_transport::ContentSource;
///
/// assert!(ContentSource::host("https://cdn.example.com").is_ok());
/// assert!(ContentSource::host("http://cdn.example.com").is_err()); // not over TLS
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContentSource(Cow<'static, str>);

impl ContentSource {
    /// `'self'`: the page's own scheme, host and port.
    pub const SAME_ORIGIN: Self = Self(Cow::Borrowed("'self'"));
    pub(super) const BLOB: Self = Self(Cow::Borrowed("blob:"));
    pub(super) const DATA: Self = Self(Cow::Borrowed("data:"));
    /// Stands for the nonce of a response.
    pub(super) const NONCE: Self = Self(Cow::Borrowed("'nonce-"));
    pub(super) const STRICT_DYNAMIC: Self = Self(Cow::Borrowed("'strict-dynamic'"));

    /// Allows another origin, such as `https://cdn.example.com` or
    /// `wss://api.example.com:8443`.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::ContentSource`] if it is not `https://` or `wss://` followed by one host.
    /// A star, a path or a separator is refused: it would allow more, or begin another
    /// directive.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// let cdn = ContentSource::host("https://cdn.example.com")?;
    /// let policy = ContentSecurityPolicy::nothing().images(cdn);
    /// assert!(ContentSource::host("https://*.example.com").is_err());
    /// # let _ = policy;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn host(origin: &str) -> Result<Self, TransportBuildError> {
        let wrong = || TransportBuildError::ContentSource {
            written: origin.into(),
        };
        let host = ["https://", "wss://"]
            .iter()
            .find_map(|scheme| origin.strip_prefix(scheme));
        HostName::parse(host.ok_or_else(wrong)?).map_err(|_| wrong())?;
        Ok(Self(Cow::Owned(origin.to_owned())))
    }

    /// Allows inline scripts or styles (`'unsafe-inline'`).
    ///
    /// Any script that an attacker manages to write into the page then runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ContentSecurityPolicy, ContentSource};
    ///
    /// // Styles alone: scripts stay forbidden.
    /// let policy = ContentSecurityPolicy::nothing().styles(ContentSource::dangerously_inline());
    /// let value = policy.header_value();
    /// assert!(value.to_str().unwrap().ends_with("style-src 'unsafe-inline'"));
    /// ```
    #[must_use]
    pub const fn dangerously_inline() -> Self {
        Self(Cow::Borrowed("'unsafe-inline'"))
    }

    /// Returns the source as it is written in the header.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_cannot_smuggle_a_directive_or_a_wildcard() {
        for written in [
            "https://a.example; script-src *",
            "https://a.example 'unsafe-inline'",
            "https://a.example,b",
            "https://*",
            "https://*.example.com",
            "http://a.example",
            "https:",
            "*",
            "'unsafe-eval'",
            "a.example",
            "https://a.example/path",
            "https://a.example\r\nx: y",
        ] {
            assert!(ContentSource::host(written).is_err(), "{written}");
        }
        assert!(ContentSource::host("wss://a.example:8443").is_ok());
    }
}
