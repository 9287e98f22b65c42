//! What can be wrong with a configuration. Told to the operator, never to a client.

use std::{error, fmt};

/// A setting that cannot be used, found while the layers are built.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A source of a content security policy that would break the header, or widen it unseen.
    ContentSource {
        /// The source as it was written.
        written: Box<str>,
    },
    /// A name that is no header field.
    HeaderName {
        /// The name as it was written.
        written: Box<str>,
    },
    /// A host, or a pattern for hosts, that is none.
    Host {
        /// The host as it was written.
        written: Box<str>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An address or a network that is none.
    Network {
        /// The network as it was written.
        written: Box<str>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A path that does not begin with a slash, or holds what no path holds.
    Path {
        /// The path as it was written.
        written: Box<str>,
    },
    /// A time span for `Strict-Transport-Security` that protects nobody.
    ShortTransportSecurity,
}

impl fmt::Display for ConfigError {
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
                "Strict-Transport-Security under one year protects nobody: use one year or more",
            ),
        }
    }
}

impl error::Error for ConfigError {}
