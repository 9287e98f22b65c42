//! Errors of a configuration, for the operator. They are never sent to a client.

use std::{error, fmt};

/// A setting that cannot be used. Found while the layers are built, before the first request.
///
/// Its `Display` is one line for the operator, with the rejected text and what to write
/// instead.
///
/// # Examples
///
/// ```
/// use palisade_transport::{AllowedHosts, TransportBuildError};
///
/// let error = AllowedHosts::parse(["*.com"]).unwrap_err();
/// assert!(matches!(error, TransportBuildError::Host { .. }));
/// assert!(error.to_string().starts_with("host `*.com`: "));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TransportBuildError {
    /// A source of a content security policy that would break the header, or allow more than
    /// intended. See [`ContentSource::host`](crate::ContentSource::host).
    ContentSource {
        /// The source as it was written.
        written: Box<str>,
    },
    /// A text that is not a header field name (RFC 9110, section 5.1).
    HeaderName {
        /// The name as it was written.
        written: Box<str>,
    },
    /// A text that is neither a host nor a pattern for hosts. See
    /// [`AllowedHosts::parse`](crate::AllowedHosts::parse).
    Host {
        /// The host as it was written.
        written: Box<str>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A text that is neither an address nor a network. See
    /// [`TrustedProxies::parse`](crate::TrustedProxies::parse).
    Network {
        /// The network as it was written.
        written: Box<str>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A path that does not begin with a slash, or has a character that no path has.
    Path {
        /// The path as it was written.
        written: Box<str>,
    },
    /// A `max-age` of `Strict-Transport-Security` under one year. See
    /// [`Hsts::max_age`](crate::Hsts::max_age).
    ShortTransportSecurity,
}

impl fmt::Display for TransportBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentSource { written } => {
                write!(f, "`{written}` is no source of a content security policy: ")?;
                f.write_str("write a scheme and a host, such as `https://cdn.example.com`")
            }
            Self::HeaderName { written } => write!(f, "`{written}` is no header field name"),
            Self::Host { written, problem } => write!(f, "host `{written}`: {problem}"),
            Self::Network { written, problem } => write!(f, "network `{written}`: {problem}"),
            Self::Path { written } => write!(
                f,
                "path `{written}`: write it from its first slash, without query"
            ),
            Self::ShortTransportSecurity => f.write_str(
                "Strict-Transport-Security under one year protects no one: use one year or more",
            ),
        }
    }
}

impl error::Error for TransportBuildError {}
