//! The headers in which a trusted proxy sends the client's address, scheme and host.

use http::{HeaderName, header::FORWARDED};

use crate::error::TransportBuildError;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The header in which a proxy sends the client's address.
///
/// Exactly one is read: most proxies pass on the others as the client sent them. It must be the
/// one that your proxy writes itself.
///
/// ```
/// use palisade_transport::ForwardedHeader;
///
/// let header = ForwardedHeader::named("X-Forwarded-For")?;
/// assert_eq!(header, ForwardedHeader::XForwardedFor);
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `Forwarded` (RFC 7239), with the parameters `for`, `proto` and `host`.
    Forwarded,
    /// A header with exactly one address, such as `CF-Connecting-IP` or `X-Real-IP`.
    ///
    /// Two lines of it are refused with 400: the proxy did not remove the client's.
    Vendor(HeaderName),
    /// `X-Forwarded-For`, a list to which each proxy appends the address of its peer.
    XForwardedFor,
}

impl ForwardedHeader {
    /// Selects the header by name, for configuration files.
    ///
    /// Upper and lower case are equal. `Forwarded` and `X-Forwarded-For` give their variants;
    /// every other name is a [`Vendor`](Self::Vendor) header.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::HeaderName`] if the name is not a header field name.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::ForwardedHeader;
    ///
    /// assert_eq!(ForwardedHeader::named("forwarded")?, ForwardedHeader::Forwarded);
    /// assert!(matches!(ForwardedHeader::named("X-Real-IP")?, ForwardedHeader::Vendor(_)));
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn named(name: &str) -> Result<Self, TransportBuildError> {
        let parsed = name.parse::<HeaderName>();
        let name = parsed.map_err(|_| TransportBuildError::HeaderName {
            written: name.into(),
        })?;
        Ok(match name {
            name if name == FORWARDED => Self::Forwarded,
            name if name == X_FORWARDED_FOR => Self::XForwardedFor,
            name => Self::Vendor(name),
        })
    }

    /// Returns the name of the header.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::ForwardedHeader;
    ///
    /// assert_eq!(ForwardedHeader::XForwardedFor.name(), "x-forwarded-for");
    /// ```
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
    /// The kind of header that has the address.
    pub(super) address: ForwardedHeader,
    /// The name of that header.
    pub(super) name: HeaderName,
    /// Default: `X-Forwarded-Proto`. Not used with `Forwarded`.
    pub(super) scheme: HeaderName,
    /// `X-Forwarded-Host`. Not used with `Forwarded`.
    pub(super) host: HeaderName,
    /// Whether a forwarded host is accepted. Default: no.
    pub(super) accepts_host: bool,
}

impl Source {
    /// Sets the defaults for a header.
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
