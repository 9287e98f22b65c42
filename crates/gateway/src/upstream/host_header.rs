//! The `Host` that an upstream gets.
//!
//! Its own name is the default: local model servers refuse others, against DNS rebinding. A service that
//! makes links from `Host` needs the client's.
//!
//! The client's own name is not lost: it is in `X-Forwarded-Host` and in `Forwarded` (RFC 7239 section
//! 5.3), whatever `Host` says.
//!
//! With HTTP/2 the value is `:authority` (RFC 9113 section 8.3.1). `as-sent` cannot be used then, since
//! the client library chooses the connection by it.

use http::uri::Authority;
use palisade::config::ConfigFileError;
use toml::Spanned;

use crate::problem::Place;

/// The `Host` that an upstream gets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum HostHeader {
    /// What the client sent.
    ///
    /// The stack has checked that it is one of the hosts that the gateway serves.
    AsSent,
    /// A fixed name.
    ///
    /// It may have a port.
    Name(Authority),
    /// The upstream's own name and port. Many model servers refuse any other.
    #[default]
    Upstream,
}

impl HostHeader {
    /// Reads the key.
    ///
    /// A missing key means `upstream`.
    ///
    /// # Errors
    ///
    /// It is neither a word nor a name.
    pub(super) fn from_section(
        key: Option<&Spanned<String>>,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let remedy = "write \"upstream\", \"as-sent\" or a name such as \"localhost:11434\"";
        place.read_word(key, Self::parse, "host", remedy)
    }

    /// Parses the value of the key. `None` for a text that cannot be a host.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "as-sent" => Some(Self::AsSent),
            "upstream" => Some(Self::Upstream),
            name => {
                let name = name.parse::<Authority>().ok();
                let name = name.filter(|name| !name.as_str().contains('@'));
                name.map(Self::Name)
            }
        }
    }

    /// Returns the value for a request. Without a `Host` of the client it is the upstream's own.
    ///
    /// It borrows one of the three names; nothing is copied.
    pub(crate) fn value_for<'a>(
        &'a self,
        sent: Option<&'a Authority>,
        own: &'a Authority,
    ) -> &'a Authority {
        match self {
            Self::AsSent => sent.unwrap_or(own),
            Self::Name(name) => name,
            Self::Upstream => own,
        }
    }
}
