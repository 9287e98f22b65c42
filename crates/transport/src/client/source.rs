//! Which headers a trusted proxy writes.

use http::{HeaderName, header::FORWARDED};

use crate::ConfigError;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The one header in which a proxy names the client. Proxies pass the others on as clients send
/// them, so exactly one is read, and it must be the one that the proxy itself writes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// A header that holds one address and nothing else, such as `CF-Connecting-IP` or `X-Real-IP`.
    Vendor(HeaderName),
    /// `X-Forwarded-For`, to which each proxy appends.
    XForwardedFor,
}

impl ForwardedHeader {
    /// Chooses by name, for configuration files: every name but the two standard ones is a vendor's.
    ///
    /// # Errors
    /// The name is no header field name.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        let parsed = name.parse::<HeaderName>();
        let name = parsed.map_err(|_| ConfigError::HeaderName {
            written: name.into(),
        })?;
        Ok(match name {
            name if name == FORWARDED => Self::Forwarded,
            name if name == X_FORWARDED_FOR => Self::XForwardedFor,
            name => Self::Vendor(name),
        })
    }

    /// Returns the header's name.
    #[must_use]
    pub fn name(&self) -> HeaderName {
        match self {
            Self::Forwarded => FORWARDED,
            Self::Vendor(name) => name.clone(),
            Self::XForwardedFor => X_FORWARDED_FOR,
        }
    }
}

/// The headers for address, scheme and host.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) address: ForwardedHeader,
    pub(super) name: HeaderName,
    pub(super) scheme: HeaderName,
    pub(super) host: HeaderName,
    /// Whether the proxies are believed the host as well.
    pub(super) accepts_host: bool,
}

impl Source {
    pub(super) fn new(address: ForwardedHeader) -> Self {
        Self {
            name: address.name(),
            address,
            scheme: X_FORWARDED_PROTO,
            host: X_FORWARDED_HOST,
            accepts_host: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_chooses_the_header() {
        assert_eq!(
            ForwardedHeader::named("Forwarded"),
            Ok(ForwardedHeader::Forwarded)
        );
        assert_eq!(
            ForwardedHeader::named("X-Forwarded-For"),
            Ok(ForwardedHeader::XForwardedFor)
        );
        let vendor = ForwardedHeader::named("CF-Connecting-IP").unwrap();
        assert_eq!(vendor.name().as_str(), "cf-connecting-ip");
        assert!(ForwardedHeader::named("no header").is_err());
    }
}
